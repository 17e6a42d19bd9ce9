"""Loewe additivity of two agents with log-logistic curves: the effect at which their shares of an equally effective dose add to one.

The curve of agent k alone falls from 1 to `bottom_k`; its dose for a response y in (bottom_k, 1) is
``D_k(y) = exp(mid_k) * ((1 - y) / (y - bottom_k)) ** (1 / slope_k)``. The additive response of doses a and b is the y that
solves ``a / D_a(y) + b / D_b(y) = 1`` (Loewe 1953; Berenbaum 1989, PMID 2692037). The left side falls from infinity at y = 1
as y sinks, so there is one solution or none: none where one agent alone takes the response below what the other can reach at
any dose, for which the equation has no meaning.
"""

import math

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel

FloatArray = npt.NDArray[np.float64]

_STEPS = 200


@compiled
def log_share(log_dose: float, y: float, bottom: float, slope: float, mid: float) -> float:
    """Return ln of dose / D(y); -inf at or below the bottom, which no dose reaches."""
    if y <= bottom:
        return -np.inf
    return log_dose - mid - (math.log1p(-y) - math.log(y - bottom)) / slope


@compiled
def additive_response(log_a: float, log_b: float, curve_a: FloatArray, curve_b: FloatArray) -> float:
    """Return the additive response of two doses, nan where there is none; a curve is (bottom, slope, ln midpoint)."""
    low: float = max(curve_a[0], curve_b[0], 0.0)
    high = 1.0
    if not low < high:
        return np.nan
    share_a = log_share(log_a, low, curve_a[0], curve_a[1], curve_a[2])
    share_b = log_share(log_b, low, curve_b[0], curve_b[1], curve_b[2])
    if math.exp(share_a) + math.exp(share_b) >= 1.0:
        return np.nan
    # The sum of shares grows with y from below 1 to infinity: halve the bracket until it is as narrow as doubles allow.
    for _ in range(_STEPS):
        y = 0.5 * (low + high)
        if y <= low or y >= high:
            break
        share_a = log_share(log_a, y, curve_a[0], curve_a[1], curve_a[2])
        share_b = log_share(log_b, y, curve_b[0], curve_b[1], curve_b[2])
        # A share above 1 settles it, and its exponential might overflow.
        if share_a > 0.0 or share_b > 0.0 or math.exp(share_a) + math.exp(share_b) > 1.0:
            high = y
        else:
            low = y
    return 0.5 * (low + high)


@compiled_parallel
def loewe_all(log_a: FloatArray, log_b: FloatArray, curves_a: FloatArray, curves_b: FloatArray) -> FloatArray:
    """Return the additive responses (surfaces, doses of a, doses of b), nan where undefined.

    `log_a` (doses of a,) and `log_b` (doses of b,) are natural logarithms; `curves_a` and `curves_b` (surfaces, 3) hold
    bottom, slope > 0 and ln midpoint of each agent alone, nan where it has no curve.
    """
    surfaces = curves_a.shape[0]
    out = np.empty((surfaces, log_a.size, log_b.size))
    for k in PARALLEL(surfaces):
        for i in range(log_a.size):
            for j in range(log_b.size):
                out[k, i, j] = additive_response(log_a[i], log_b[j], curves_a[k], curves_b[k])
    return out
