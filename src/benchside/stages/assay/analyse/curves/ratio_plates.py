"""Fold shifts over replicate plates: the plate is the unit, as for a single curve, and where plates are few the interval says so.

With four plates or more of each curve the fold is estimated anew without each plate in turn. Where both curves stand on the same
plates a plate takes both away at once, so that what a plate does to both cancels; on plates of their own the two variances add.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from benchside.stages.assay.analyse.curves.replicate_plates import LEAST_PLATES, parts_of, plates_of
from benchside.stages.assay.analyse.curves.shapes import Points, Shapes
from benchside.stages.assay.arrays import FloatArray, IntArray

FEW: Final = "The interval is over wells and leaves out how plates differ: fewer than four plates do not tell. Repeat on four plates or more."
DISAGREE: Final = "Without one of its plates a curve has no such dose, so plates give no interval. Look at the plates one by one."


@dataclass(frozen=True)
class Without:
    """The ln potency of every curve without each of its plates."""

    values: dict[int, dict[int, float]]
    """Curve -> plate -> ln potency; nan where there is none."""

    def of(self, curve: int) -> dict[int, float]:
        """Return what a curve's potency is without each of its plates."""
        return self.values[curve]


def without_plates(points: Points, curves: IntArray, measure: str) -> Without:
    """Return the ln potencies of curves without each of their plates."""
    values: dict[int, dict[int, float]] = {}
    if not curves.size or points.plates is None:
        return Without(values)
    shapes = Shapes.of(parts_of(points, curves, kept=False))
    found = (
        np.where(shapes.inside, shapes.log_half, np.nan)
        if measure == "ic50"
        else np.where(shapes.outside | ~shapes.fitted, np.nan, shapes.mid)
    )
    at = 0
    for curve in curves:
        plates = np.unique(points.plates[points.offsets[curve] : points.offsets[curve + 1]])
        values[int(curve)] = {int(plate): float(found[at + k]) for k, plate in enumerate(plates)}
        at += plates.size
    return Without(values)


def fold_error(reference: dict[int, float], variant: dict[int, float]) -> tuple[float, int]:
    """Return the jackknife standard error of ln fold and its degrees of freedom; nan where an estimate is missing."""
    if set(reference) == set(variant):
        return spread(np.array([variant[plate] - reference[plate] for plate in reference])), len(reference) - 1
    errors = [spread(np.array(list(one.values()))) for one in (reference, variant)]
    return math.hypot(*errors), min(len(reference), len(variant)) - 1


def spread(values: FloatArray) -> float:
    """Return the jackknife standard error from estimates without each plate."""
    return float(np.sqrt((values.size - 1) / values.size * np.sum((values - values.mean()) ** 2)))


def over_plates(
    columns: dict[str, Any], points: Points, pairs: IntArray, *, measure: str, separate: bool, level: float
) -> dict[str, Any]:
    """Return the columns of pairs with limits, test and words over plates where curves stand on several.

    Parameters
    ----------
    columns
        The columns over wells.
    points
        All curves, with their plates.
    pairs
        (pairs, 2) curves of reference and variant.
    measure, separate, level
        ``ec50`` or ``ic50``; whether the two curves share no parameter (only then is the fold estimated without each plate).
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415  a third of a second to import

    count = plates_of(points) if points.plates is not None else np.zeros(len(points.counts), dtype=np.int64)
    found = pl.DataFrame(columns, nan_to_null=True).select("fold", "fold_relation", "status")
    measured = (found["fold_relation"] == "=").fill_null(value=False).to_numpy()
    enough = measured & (count[pairs] >= LEAST_PLATES).all(axis=1) & separate
    without = without_plates(points, np.unique(pairs[enough]), measure)
    lower, upper = columns["fold_lower"].copy(), columns["fold_upper"].copy()
    f, df, p = columns["f_statistic"].copy(), pl.Series(columns["df"]).to_list(), columns["p_value"].copy()
    status, total = list(columns["status"]), np.zeros(len(pairs), dtype=np.int64)
    for k, (reference, variant) in enumerate(pairs):
        total[k] = len(_names(points, reference) | _names(points, variant))
        if enough[k]:
            error, freedom = fold_error(without.of(int(reference)), without.of(int(variant)))
            log_fold = float(np.log(found["fold"][k]))
            reach = float(stdtrit(freedom, 0.5 + level / 2)) * error
            lower[k], upper[k] = np.exp(log_fold - reach), np.exp(log_fold + reach)
            f[k], df[k], p[k] = (log_fold / error) ** 2, freedom, 2 * stdtr(freedom, -abs(log_fold) / error)
            status[k] = DISAGREE if np.isnan(error) else "ok"
        elif measured[k] and total[k] > 1:
            status[k] = FEW if status[k] == "ok" else f"{status[k]} {FEW}"
    changed = {"fold_lower": lower, "fold_upper": upper, "f_statistic": f, "df": pl.Series(df, dtype=pl.Int64), "p_value": p}
    return columns | changed | {"n_plates": total, "status": status}


def _names(points: Points, curve: int) -> set[int]:
    if points.plates is None:
        return set()
    return {int(plate) for plate in np.unique(points.plates[points.offsets[curve] : points.offsets[curve + 1]])}
