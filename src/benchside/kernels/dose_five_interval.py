"""Profile limits of the five-parameter curve: of its midpoint, and of the dose of a given response.

The definition is that of `dose_interval`: the first doses on either side of the estimate at which the best attainable sum of
squares crosses ``rss * (1 + F / (n - 5))``, nan where none does within four decades of the tested doses.
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
)
from benchside.kernels.dose_delta import dose_of_any
from benchside.kernels.dose_five import at_doses, finite_range, refine_five, solve_three
from benchside.kernels.dose_five_curve import (
    ASYMMETRY,
    ASYMMETRY_MAX,
    ASYMMETRY_MIN,
    five_left,
    log_share_derivatives,
    settle_five,
)
from benchside.kernels.dose_interval import _FIRST_STEP, _HALVINGS, _LARGEST_STEP, _LOG_SLOPES

_LOG_ASYMMETRIES: Final = np.log(np.array([0.05, 0.2, 0.6, 1.0, 1.8, 5.0, 20.0]))


@compiled
def best_at_mid_five(
    mid: float, start: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> float:
    """Return the least sum of squares with the midpoint held; `start` (ln slope, mid, ln g) is moved there.

    Any value at or below the threshold is good enough and ends the search.
    """
    h, again = np.empty(x.size), start.copy()
    start[1], again[1] = mid, mid
    best = refine_five(start, mid, mid, x, y, w, box, True, 30, threshold)[2]
    if best <= threshold:
        return best
    least = np.inf
    for a in range(_LOG_ASYMMETRIES.size):
        for s in range(_LOG_SLOPES.size):
            value = settle_five(_LOG_SLOPES[s], mid, _LOG_ASYMMETRIES[a], x, y, w, box, h)[2]
            if value < least:
                least, again[0], again[2] = value, _LOG_SLOPES[s], _LOG_ASYMMETRIES[a]
    rss = refine_five(again, mid, mid, x, y, w, box, True, 30, threshold)[2]
    if rss < best:
        best = rss
        start[:] = again
    return best


@compiled
def mid_limit_five(
    side: float, begin: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> float:
    """Return the profile limit of the ln midpoint on one side (-1 or 1), or nan where the profile never crosses."""
    lowest, highest = finite_range(x)
    end = lowest - BEYOND if side < 0 else highest + BEYOND
    inside, step, at, trial = begin[1], _FIRST_STEP, begin.copy(), begin.copy()
    while True:
        outside = inside + side * step
        if (outside - end) * side >= 0.0:
            outside = end
        trial[:] = at
        if best_at_mid_five(outside, trial, threshold, x, y, w, box) > threshold:
            break
        if outside == end:
            return np.nan
        at[:] = trial
        inside, step = outside, min(step * 1.5, _LARGEST_STEP)
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        trial[:] = at
        if best_at_mid_five(middle, trial, threshold, x, y, w, box) > threshold:
            outside = middle
        else:
            inside = middle
            at[:] = trial
        if abs(outside - inside) < 1e-7:
            break
    return float(0.5 * (inside + outside))


@compiled
def drop_through_five(
    at: float, level: float, p: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> tuple[float, float]:
    """Return (drop, rss) of the best falling curve that takes `level` at log dose `at`, for p = (ln slope, mid, ln g)."""
    slope, g = math.exp(p[0]), math.exp(p[2])
    q = five_left(slope, p[1], g, at)
    s_gg = s_gy = 0.0
    for i in range(x.size):
        away = five_left(slope, p[1], g, x[i]) - q
        s_gg += w[i] * away * away
        s_gy += w[i] * away * (y[i] - level)
    drop = max(s_gy / s_gg, 0.0) if s_gg > 0.0 else 0.0
    for edge, least, most in ((q, box[2], box[3]), (q - 1.0, box[0], box[1])):
        if edge != 0.0:
            one, two = (level - most) / edge, (level - least) / edge
            drop = min(max(drop, min(one, two)), max(one, two))
    rss = 0.0
    for i in range(x.size):
        r = y[i] - level - drop * (five_left(slope, p[1], g, x[i]) - q)
        rss += w[i] * r * r
    return drop, rss


@compiled
def best_through_five(
    at: float, level: float, p: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray
) -> float:
    """Return the least sum of squares of the curves through (at, level) reached from `p`, which is moved; damped Gauss-Newton."""
    lowest, highest = finite_range(x)
    least = np.array([math.log(SLOPE_MIN), lowest - BEYOND, math.log(ASYMMETRY_MIN)])
    most = np.array([math.log(SLOPE_MAX), highest + BEYOND, math.log(ASYMMETRY_MAX)])
    d_q, d, second, still = np.empty(3), np.empty(3), np.empty((3, 3)), np.zeros(3)
    gradient, hessian, cross, step, new = np.empty(3), np.empty((3, 3)), np.empty(3), np.zeros(3), np.empty(3)
    for a in range(3):
        p[a] = min(max(p[a], least[a]), most[a])
    drop, rss = drop_through_five(at, level, p, x, y, w, box)
    damping = 1e-3
    for _ in range(60):
        if rss <= threshold:
            break
        gradient[:], hessian[:, :], cross[:], d_q[:] = 0.0, 0.0, 0.0, 0.0
        q, s_gg = log_share_derivatives(p[0], p[1], p[2], at, d_q, second), 0.0
        for i in range(x.size):
            d[:] = 0.0
            h = log_share_derivatives(p[0], p[1], p[2], x[i], d, second)
            r = y[i] - level - drop * (h - q)
            s_gg += w[i] * (h - q) * (h - q)
            for a in range(3):
                d[a] = drop * (h * d[a] - q * d_q[a])
                gradient[a] -= w[i] * r * d[a]
                cross[a] += w[i] * d[a] * (h - q)
                for b in range(a + 1):
                    hessian[a, b] += w[i] * d[a] * d[b]
        for a in range(3):
            still[a] = 1.0 if (p[a] <= least[a] and gradient[a] > 0.0) or (p[a] >= most[a] and gradient[a] < 0.0) else 0.0
            for b in range(a + 1):
                if s_gg > 0.0:
                    hessian[a, b] -= cross[a] * cross[b] / s_gg
                hessian[b, a] = hessian[a, b]
        while not solve_three(hessian, gradient, still, damping, step) and damping < 1e10:
            damping *= 10.0
        if damping >= 1e10:
            break
        largest = max(abs(step[0]), abs(step[1]), abs(step[2]))
        shrink, moved = (1.5 / largest if largest > 1.5 else 1.0), 0.0
        for a in range(3):
            new[a] = p[a] if still[a] > 0.0 else min(max(p[a] + shrink * step[a], least[a]), most[a])
            moved += abs(new[a] - p[a])
        new_drop, new_rss = drop_through_five(at, level, new, x, y, w, box)
        if new_rss <= rss:
            gain = rss - new_rss
            p[:] = new
            drop, rss, damping = new_drop, new_rss, max(damping * 0.1, 1e-12)
            if moved < 1e-9 or gain <= 1e-9 * rss:
                break
        else:
            damping *= 10.0
            if moved < 1e-10 or damping > 1e8:
                break
    return rss


@compiled
def through_limit_five(
    side: float, at: float, level: float, begin: FloatArray, threshold: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray,
) -> float:  # fmt: skip
    """Return the profile limit of the log dose at which the curve takes `level`, on one side, or nan where it never crosses."""
    lowest, highest = finite_range(x)
    end = lowest - BEYOND if side < 0 else highest + BEYOND
    inside, step, held, trial = at, _FIRST_STEP, begin.copy(), begin.copy()
    while True:
        outside = inside + side * step
        if (outside - end) * side >= 0.0:
            outside = end
        trial[:] = held
        trial[1] += outside - inside
        rss = best_through_five(outside, level, trial, threshold, x, y, w, box)
        if rss > threshold:
            trial[:] = held
            rss = best_through_five(outside, level, trial, threshold, x, y, w, box)
        if rss > threshold:
            break
        if outside == end:
            return np.nan
        held[:] = trial
        inside, step = outside, min(step * 1.5, _LARGEST_STEP)
    for _ in range(_HALVINGS):
        centre = 0.5 * (inside + outside)
        trial[:] = held
        if best_through_five(centre, level, trial, threshold, x, y, w, box) > threshold:
            outside = centre
        else:
            inside = centre
            held[:] = trial
        if abs(outside - inside) < 1e-7:
            break
    return float(0.5 * (inside + outside))


@compiled_parallel
def profile_limits_five(
    x: FloatArray, y: FloatArray, w: FloatArray, offsets: IntArray, fits: FloatArray, factor: FloatArray, level: float,
    box: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return (curves, 4) as `dose_interval.profile_limits`, for `fits` (curves, 7) of the five-parameter curve in `box` (4,)."""
    curves = offsets.size - 1
    out = np.full((curves, 4), np.nan)
    for k in PARALLEL(curves):
        if fits[k, FITTED] == 1.0 and factor[k] == factor[k]:
            a, b = offsets[k], offsets[k + 1]
            side = 1.0 if fits[k, LOW] >= fits[k, HIGH] else -1.0
            means = np.empty((3, b - a))
            count, within = at_doses(side * x[a:b], y[a:b], w[a:b], means)
            px, py, pw = means[0, :count], means[1, :count], means[2, :count]
            threshold = fits[k, RSS] * factor[k] - within
            begin = np.array([math.log(fits[k, SLOPE]), side * fits[k, MID], math.log(fits[k, ASYMMETRY])])
            below = side * mid_limit_five(-1.0, begin, threshold, px, py, pw, box)
            above = side * mid_limit_five(1.0, begin, threshold, px, py, pw, box)
            out[k, 0], out[k, 1] = (below, above) if side > 0.0 else (above, below)
            lowest, highest = finite_range(px)
            at = dose_of_any(fits[k], level, True)
            if side > 0.0 and lowest <= at <= highest:
                out[k, 2] = through_limit_five(-1.0, at, level, begin, threshold, px, py, pw, box)
                out[k, 3] = through_limit_five(1.0, at, level, begin, threshold, px, py, pw, box)
    return out
