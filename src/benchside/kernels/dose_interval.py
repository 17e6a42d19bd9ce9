"""Intervals of a fitted log-logistic curve: profile likelihood, of the midpoint and of the dose of a given response.

The profile limits are the first doses on either side of the estimate at which the best attainable sum of squares crosses
``rss * (1 + F / (n - p))`` (Bates and Watts 1988, doi:10.1002/9780470316757). A limit that is not reached within four decades
of the tested doses does not exist and is nan: an open end, not a large number.
"""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.dose_curve import (
    BEYOND,
    FITTED,
    HIGH,
    LOW,
    MID,
    RSS,
    SLOPE,
    SLOPE_MAX,
    SLOPE_MIN,
    FloatArray,
    IntArray,
    dose_range,
    left,
    projected_rss,
)
from benchside.kernels.dose_fixed import best_through_fixed
from benchside.kernels.dose_response import damped_step, refine

_FIRST_STEP: Final = 0.02
_LARGEST_STEP: Final = 0.4
_HALVINGS: Final = 40
_LOG_SLOPES: Final = np.log(np.array([0.01, 0.05, 0.15, 0.35, 0.7, 1.2, 2.0, 3.5, 7.0, 15.0, 50.0]))


@compiled
def best_at_mid(
    mid: float, log_slope: float, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> tuple[float, float]:
    """Return (rss, ln slope), the best with the midpoint held; any value at or below the threshold is good enough and returned as is."""
    best = projected_rss(math.exp(log_slope), mid, x, y, w, box)
    if best <= threshold:
        return best, log_slope
    start = log_slope
    for s in range(_LOG_SLOPES.size):
        value = projected_rss(math.exp(_LOG_SLOPES[s]), mid, x, y, w, box)
        if value < best:
            best, start = value, _LOG_SLOPES[s]
    if best <= threshold:
        return best, start
    found, _, _, _, rss = refine(start, mid, mid, mid, x, y, w, box, np.bool_(True), np.int64(30))
    if start != log_slope and rss > threshold:
        again, _, _, _, other = refine(log_slope, mid, mid, mid, x, y, w, box, np.bool_(True), np.int64(30))
        if other < rss:
            return other, again
    return rss, found


@compiled
def mid_limit(
    side: float, fit: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> float:
    """Return the profile limit of the ln midpoint on one side (-1 or 1), or nan where the profile never crosses."""
    lowest, highest = dose_range(x)
    end = lowest - BEYOND if side < 0 else highest + BEYOND
    inside, log_slope, step = fit[MID], math.log(fit[SLOPE]), _FIRST_STEP
    while True:
        outside = inside + side * step
        if (outside - end) * side >= 0.0:
            outside = end
        rss, slope = best_at_mid(outside, log_slope, threshold, x, y, w, box)
        if rss > threshold:
            break
        if outside == end:
            return np.nan
        inside, log_slope, step = outside, slope, min(step * 1.5, _LARGEST_STEP)
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        rss, slope = best_at_mid(middle, log_slope, threshold, x, y, w, box)
        if rss > threshold:
            outside = middle
        else:
            inside, log_slope = middle, slope
        if abs(outside - inside) < 1e-7:
            break
    return float(0.5 * (inside + outside))


@compiled
def drop_through(
    at: float, level: float, slope: float, mid: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> tuple[float, float]:
    """Return (drop, rss) of the best curve that takes the response `level` at log dose `at`, for a given slope and midpoint."""
    q = left(slope, mid, at)
    s_gg = s_gy = 0.0
    for i in range(x.size):
        g = left(slope, mid, x[i]) - q
        s_gg += w[i] * g * g
        s_gy += w[i] * g * (y[i] - level)
    drop = s_gy / s_gg if s_gg > 0.0 else 0.0
    # Both levels, level - drop q and level + drop (1 - q), stay within the box.
    for edge, least, most in ((q, box[2], box[3]), (q - 1.0, box[0], box[1])):
        if edge != 0.0:
            one, two = (level - most) / edge, (level - least) / edge
            drop = min(max(drop, min(one, two)), max(one, two))
    rss = 0.0
    for i in range(x.size):
        r = y[i] - level - drop * (left(slope, mid, x[i]) - q)
        rss += w[i] * r * r
    return drop, rss


@compiled
def best_through(
    at: float, level: float, log_slope: float, mid: float, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray,
) -> tuple[float, float, float]:  # fmt: skip
    """Return (rss, ln slope, mid) of the best curve through (at, level) reached from a start, by damped Gauss-Newton."""
    if box[0] == box[1] or box[2] == box[3]:
        return best_through_fixed(at, level, log_slope, mid, threshold, x, y, w, box)
    lowest, highest = dose_range(x)
    drop, rss = drop_through(at, level, math.exp(log_slope), mid, x, y, w, box)
    damping = 1e-3
    for _ in range(40):
        if rss <= threshold:
            break
        slope = math.exp(log_slope)
        q = left(slope, mid, at)
        q_u, u_q = -q * (1.0 - q), slope * (at - mid)
        g0 = g1 = h00 = h01 = h11 = s_gg = c0 = c1 = 0.0
        for i in range(x.size):
            f = left(slope, mid, x[i])
            f_u = -f * (1.0 - f)
            u = slope * (x[i] - mid) if f_u != 0.0 else 0.0
            g = f - q
            d0 = drop * (f_u * u - (q_u * u_q if q_u != 0.0 else 0.0))
            d1 = drop * slope * (q_u - f_u)
            r = y[i] - level - drop * g
            g0 -= w[i] * r * d0
            g1 -= w[i] * r * d1
            h00 += w[i] * d0 * d0
            h01 += w[i] * d0 * d1
            h11 += w[i] * d1 * d1
            s_gg += w[i] * g * g
            c0 += w[i] * d0 * g
            c1 += w[i] * d1 * g
        if s_gg > 0.0:
            h00, h01, h11 = h00 - c0 * c0 / s_gg, h01 - c0 * c1 / s_gg, h11 - c1 * c1 / s_gg
        step0, step1 = damped_step(h00, h01, h11, g0, g1, damping)
        largest = max(abs(step0), abs(step1))
        if largest > 1.5:
            step0, step1 = step0 * 1.5 / largest, step1 * 1.5 / largest
        new0 = min(max(log_slope + step0, math.log(SLOPE_MIN)), math.log(SLOPE_MAX))
        new1 = min(max(mid + step1, lowest - BEYOND), highest + BEYOND)
        new_drop, new_rss = drop_through(at, level, math.exp(new0), new1, x, y, w, box)
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


@compiled
def through_limit(
    side: float, at: float, level: float, fit: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray,
) -> float:  # fmt: skip
    """Return the profile limit of the log dose at which the curve takes `level`, on one side, or nan where it never crosses."""
    lowest, highest = dose_range(x)
    end = lowest - BEYOND if side < 0 else highest + BEYOND
    inside, step = at, _FIRST_STEP
    log_slope, mid = math.log(fit[SLOPE]), fit[MID]
    while True:
        outside = inside + side * step
        if (outside - end) * side >= 0.0:
            outside = end
        rss, slope, middle = best_through(outside, level, log_slope, mid + outside - inside, threshold, x, y, w, box)
        if rss > threshold:
            rss, slope, middle = best_through(outside, level, log_slope, mid, threshold, x, y, w, box)
        if rss > threshold:
            break
        if outside == end:
            return np.nan
        inside, log_slope, mid, step = outside, slope, middle, min(step * 1.5, _LARGEST_STEP)
    for _ in range(_HALVINGS):
        centre = 0.5 * (inside + outside)
        rss, slope, middle = best_through(centre, level, log_slope, mid, threshold, x, y, w, box)
        if rss > threshold:
            outside = centre
        else:
            inside, log_slope, mid = centre, slope, middle
        if abs(outside - inside) < 1e-7:
            break
    return float(0.5 * (inside + outside))


@compiled
def dose_of(fit: FloatArray, level: float) -> float:
    """Return the log dose at which the fitted curve takes `level`, or nan where it never does."""
    share = (level - fit[HIGH]) / (fit[LOW] - fit[HIGH]) if fit[LOW] != fit[HIGH] else np.nan
    if not 0.0 < share < 1.0:
        return np.nan
    return float(fit[MID] + math.log((1.0 - share) / share) / fit[SLOPE])


@compiled_parallel
def profile_limits(
    x: FloatArray, y: FloatArray, w: FloatArray, offsets: IntArray, fits: FloatArray, factor: FloatArray, level: float,
    boxes: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return (curves, 4): profile limits of the ln midpoint, lower and upper, then of the log dose of response `level`.

    `factor` (curves,) is 1 + F / (n - p), nan where a curve has too few points. `boxes` (curves, 4) are those of the fits. Limits
    that do not exist are nan. The dose of `level` has limits only where the fitted curve takes it within the tested range.
    """
    curves = offsets.size - 1
    out = np.full((curves, 4), np.nan)
    for k in PARALLEL(curves):
        if fits[k, FITTED] == 1.0 and factor[k] == factor[k]:
            a, b = offsets[k], offsets[k + 1]
            box, threshold = boxes[k], fits[k, RSS] * factor[k]
            lowest, highest = dose_range(x[a:b])
            out[k, 0] = mid_limit(-1.0, fits[k], threshold, x[a:b], y[a:b], w[a:b], box)
            out[k, 1] = mid_limit(1.0, fits[k], threshold, x[a:b], y[a:b], w[a:b], box)
            at = dose_of(fits[k], level)
            if lowest <= at <= highest and fits[k, LOW] > fits[k, HIGH]:
                out[k, 2] = through_limit(-1.0, at, level, fits[k], threshold, x[a:b], y[a:b], w[a:b], box)
                out[k, 3] = through_limit(1.0, at, level, fits[k], threshold, x[a:b], y[a:b], w[a:b], box)
    return out
