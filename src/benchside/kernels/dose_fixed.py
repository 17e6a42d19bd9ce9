"""Curves through a point with one level fixed: what the profile of an absolute IC50 needs where the bottom (or the top) is held."""

import math

import numpy as np

from benchside.kernels._jit import compiled
from benchside.kernels.dose_curve import BEYOND, SLOPE_MAX, SLOPE_MIN, FloatArray, dose_range, left
from benchside.kernels.dose_response import damped_step


@compiled
def fixed_through(
    at: float, level: float, slope: float, mid: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> tuple[float, float]:
    """Return (drop, rss) of the curve through (at, level) whose one level is fixed: nothing is left free; rss inf outside the box."""
    q = left(slope, mid, at)
    high_fixed = box[2] == box[3]
    part = q if high_fixed else 1.0 - q
    if part <= 0.0:
        return 0.0, np.inf
    drop = ((level - box[2]) if high_fixed else (box[0] - level)) / part
    low, high = (box[2] + drop, box[2]) if high_fixed else (box[0], box[0] - drop)
    if not (box[0] <= low <= box[1] and box[2] <= high <= box[3]):
        return drop, np.inf
    rss = 0.0
    for i in range(x.size):
        f = left(slope, mid, x[i])
        r = y[i] - low * f - high * (1.0 - f)
        rss += w[i] * r * r
    return drop, rss


@compiled
def best_through_fixed(
    at: float, level: float, log_slope: float, mid: float, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray,
) -> tuple[float, float, float]:  # fmt: skip
    """Return (rss, ln slope, mid) of the best curve through (at, level) with one level fixed, from a start.

    The level left free follows from the constraint: drop = (level - high) / q with high fixed, so its change with the slope and
    the midpoint, -drop times that of ln q, belongs to every derivative.
    """
    lowest, highest = dose_range(x)
    high_fixed = box[2] == box[3]
    drop, rss = fixed_through(at, level, math.exp(log_slope), mid, x, y, w, box)
    damping = 1e-3
    for _ in range(40):
        if rss <= threshold or rss == np.inf:
            break
        slope = math.exp(log_slope)
        q, u_q = left(slope, mid, at), slope * (at - mid)
        log_part = -(1.0 - q) if high_fixed else q  # derivative by u of ln q, or of ln(1 - q)
        g0 = g1 = h00 = h01 = h11 = 0.0
        for i in range(x.size):
            f = left(slope, mid, x[i])
            f_u = -f * (1.0 - f)
            u = slope * (x[i] - mid) if f_u != 0.0 else 0.0
            part = f if high_fixed else f - 1.0
            d0 = drop * (f_u * u - part * log_part * u_q)
            d1 = -drop * slope * (f_u - part * log_part)
            r = y[i] - level - drop * (f - q)
            g0 -= w[i] * r * d0
            g1 -= w[i] * r * d1
            h00 += w[i] * d0 * d0
            h01 += w[i] * d0 * d1
            h11 += w[i] * d1 * d1
        step0, step1 = damped_step(h00, h01, h11, g0, g1, damping)
        largest = max(abs(step0), abs(step1))
        if largest > 1.5:
            step0, step1 = step0 * 1.5 / largest, step1 * 1.5 / largest
        new0 = min(max(log_slope + step0, math.log(SLOPE_MIN)), math.log(SLOPE_MAX))
        new1 = min(max(mid + step1, lowest - BEYOND), highest + BEYOND)
        new_drop, new_rss = fixed_through(at, level, math.exp(new0), new1, x, y, w, box)
        moved = abs(new0 - log_slope) + abs(new1 - mid)
        if new_rss <= rss:
            gain = rss - new_rss
            log_slope, mid, drop, rss = new0, new1, new_drop, new_rss
            damping = max(damping * 0.1, 1e-12)
            if moved < 1e-9 or gain <= 1e-9 * rss:
                break
        else:
            damping *= 10.0
            if moved < 1e-10 or damping > 1e8:
                break
    return rss, log_slope, mid
