"""The sentences about fitted curves: `ok`, or all that apply, in the order a reader needs them."""

import numpy as np

from benchside.kernels import dose_five_curve, dose_response
from benchside.stages.assay.analyse.curves.shapes import Shapes
from benchside.stages.assay.arrays import BoolArray, FloatArray
from benchside.stages.assay.curves import TOO_FEW, FitStatus

Rule = tuple[BoolArray, FitStatus]


def statuses(shapes: Shapes, limits: FloatArray, *, by_error: BoolArray, silent: BoolArray, further: list[Rule]) -> list[str]:
    """Return the sentences of every curve.

    Parameters
    ----------
    shapes
        The curves.
    limits
        (curves, 4) ln limits of the midpoint and of the IC50, nan where there is none.
    by_error
        (curves,) whether they come from a standard error: a missing limit is then an error that does not exist, not an open end.
    silent
        (curves,) whose missing limits the caller explains.
    further
        Rules of the caller, said last.
    """
    fitted, outside = shapes.fitted, shapes.outside
    open_low, open_high = np.isnan(limits[:, 0]), np.isnan(limits[:, 1])
    no_error = fitted & open_low & by_error
    open_words = fitted & ~no_error & ~silent
    step = shapes.slope >= 0.999 * dose_response.SLOPE_MAX
    no_ic50_limit = np.isnan(limits[:, 2:]).any(axis=1)
    rules: list[Rule] = [
        (shapes.few, TOO_FEW[shapes.parameters]),
        (~fitted & ~shapes.few, FitStatus.constant),
        (fitted & ~shapes.falls & ~shapes.above & ~shapes.below, FitStatus.rising),
        (shapes.above, FitStatus.above),
        (shapes.below, FitStatus.below),
        (outside, FitStatus.midpoint_outside),
        (fitted & ~outside & step, FitStatus.step),
        (level_on_bound(shapes), FitStatus.level_on_bound),
        (on_bound(shapes), FitStatus.asymmetry_on_bound),
        (no_error, FitStatus.no_error),
        (open_words & open_low & open_high, FitStatus.open_both),
        (open_words & open_low & ~open_high, FitStatus.open_lower),
        (open_words & ~open_low & open_high, FitStatus.open_upper),
        (shapes.inside & ~no_error & ~silent & ~open_low & ~open_high & no_ic50_limit, FitStatus.open_ic50),
        *further,
    ]
    said: list[list[str]] = [[] for _ in range(len(shapes.fits))]
    for where, sentence in rules:
        for k in np.flatnonzero(where):
            said[k].append(sentence.value)
    return [" ".join(words) or FitStatus.ok.value for words in said]


def level_on_bound(shapes: Shapes) -> BoolArray:
    """Return whether a plateau above the vehicle sits on its bound: responses of some other unit, most likely percent."""
    most = dose_response.LEVEL_MAX * (1 - 1e-9)
    return np.asarray(shapes.fitted & ((shapes.low >= most) | (shapes.high >= most)))


def on_bound(shapes: Shapes) -> BoolArray:
    """Return whether the asymmetry sits on its bound."""
    if shapes.asymmetry is None:
        return np.zeros(len(shapes.fits), np.bool_)
    least, most = dose_five_curve.ASYMMETRY_MIN * (1 + 1e-6), dose_five_curve.ASYMMETRY_MAX * (1 - 1e-6)
    return np.asarray(shapes.fitted & ((shapes.asymmetry <= least) | (shapes.asymmetry >= most)))
