"""The four-parameter log-logistic curve, fitted to its global least-squares optimum, one curve or a million.

The model of a response y at a dose with natural logarithm x is ``low * f + high * (1 - f)``, ``f = 1 / (1 + exp(slope * (x - mid)))``:
`low` is the level at no dose, `high` the level at an endless dose. The two levels enter linearly, so for every (slope, mid)
their best values follow in closed form (variable projection; Golub and Pereyra 1973, doi:10.1137/0710036) and only a search
in two dimensions is left: a grid that cannot miss a basin, then damped Newton from the best cells, with the exact Hessian.

Turning the curve round (slope < 0, levels exchanged) gives the same values, so the search runs over slope > 0 only.

The box, part of the definition of the optimum: slope at most 50, levels within +-10, the midpoint within four decades of
the tested doses. Every operation is on `x - mid`, so the unit of the dose cannot change the answer.
"""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.dose_curve import (
    BEYOND,
    DECADES_BEYOND,
    FIT_WIDTH,
    FITTED,
    FREE,
    HIGH,
    LEVEL_MAX,
    LOW,
    MID,
    RSS,
    SLOPE,
    SLOPE_MAX,
    SLOPE_MIN,
    FloatArray,
    IntArray,
    derivatives,
    dose_range,
    left,
    levels,
    projected_rss,
    settle,
)
from benchside.kernels.dose_grid import LOG_SLOPES, MOST_NODES, fill_grid, is_basin, midpoint_nodes, step_starts

__all__ = [
    "DECADES_BEYOND",
    "FITTED",
    "FIT_WIDTH",
    "FREE",
    "HIGH",
    "LEVEL_MAX",
    "LOW",
    "MID",
    "NEWTON_STEPS",
    "RSS",
    "SLOPE",
    "SLOPE_MAX",
    "SLOPE_MIN",
    "STARTS",
    "FloatArray",
    "IntArray",
    "damped_step",
    "derivatives",
    "dose_range",
    "fit_all",
    "fit_one",
    "left",
    "levels",
    "projected_rss",
    "refine",
    "settle",
]

STARTS: Final = 6
NEWTON_STEPS: Final = 60


@compiled
def damped_step(h00: float, h01: float, h11: float, g0: float, g1: float, damping: float) -> tuple[float, float]:
    """Return the Newton step on a 2 x 2 Hessian, its eigenvalues lifted to be positive and damped."""
    mean, half = 0.5 * (h00 + h11), 0.5 * (h00 - h11)
    root = math.sqrt(half * half + h01 * h01)
    largest = max(abs(mean + root), abs(mean - root), 1e-300)
    lift = damping * largest
    smallest = mean - root
    if smallest + lift < 1e-10 * largest:
        lift = 1e-10 * largest - smallest + damping * largest
    a, b = h00 + lift, h11 + lift
    det = a * b - h01 * h01
    if det <= 0.0:
        return -g0 / (largest + lift), -g1 / (largest + lift)
    return -(b * g0 - h01 * g1) / det, -(a * g1 - h01 * g0) / det


@compiled
def refine(
    log_slope: float, mid: float, mid_low: float, mid_high: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray, hold_mid: bool | np.bool_, steps: int | np.int64,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Return (log_slope, mid, low, high, rss) of the local optimum reached from a start, within the box.

    With `hold_mid` only the slope moves, as a profile of the midpoint needs.
    """
    work = np.empty(8)
    log_min, log_max = math.log(SLOPE_MIN), math.log(SLOPE_MAX)
    share = np.empty(x.size)
    low, high, rss = settle(math.exp(log_slope), mid, x, y, w, box, share)
    damping, fresh = 1e-3, True
    for _ in range(steps):
        if fresh:
            derivatives(math.exp(log_slope), mid, low, high, share, x, y, w, box, work)
        g0, g1, h00, h01, h11 = work[0], work[1], work[2], work[3], work[4]
        if h00 <= 0.0 or h00 * h11 - h01 * h01 <= 0.0:
            h00, h01, h11 = work[5], work[6], work[7]
        # A coordinate at its bound whose gradient points outward stays there.
        still0 = (log_slope <= log_min and g0 > 0.0) or (log_slope >= log_max and g0 < 0.0)
        still1 = hold_mid or (mid <= mid_low and g1 > 0.0) or (mid >= mid_high and g1 < 0.0)
        if still0 and still1:
            break
        if still0:
            g0, h01, h00 = 0.0, 0.0, max(h11, 1e-300)
        if still1:
            g1, h01, h11 = 0.0, 0.0, max(h00, 1e-300)
        step0, step1 = damped_step(h00, h01, h11, g0, g1, damping)
        largest = max(abs(step0), abs(step1) * min(1.0, math.exp(log_slope)))
        if largest > 2.0:
            step0, step1 = step0 * 2.0 / largest, step1 * 2.0 / largest
        new0 = min(max(log_slope + step0, log_min), log_max)
        new1 = mid if still1 else min(max(mid + step1, mid_low), mid_high)
        try_low, try_high, try_rss = settle(math.exp(new0), new1, x, y, w, box, share)
        moved = max(abs(new0 - log_slope), abs(new1 - mid))
        if try_rss <= rss:
            gain = rss - try_rss
            log_slope, mid, low, high, rss = new0, new1, try_low, try_high, try_rss
            damping, fresh = damping * 0.1 if damping > 1e-12 else 0.0, True
            if moved < 1e-10 or (gain <= 1e-15 * rss and moved < 1e-7):
                break
        else:
            damping, fresh = max(damping * 10.0, 1e-6), False
            if moved < 1e-11 or damping > 1e8:
                break
    return log_slope, mid, low, high, rss


@compiled
def fit_one(x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, starts: int, out: FloatArray) -> None:
    """Fit one curve to its global optimum and write LOW, HIGH, SLOPE, MID, RSS, FITTED to `out`.

    A curve with fewer than two doses or no variation is left with FITTED 0: no midpoint exists.
    """
    out[:] = np.nan
    out[FITTED] = 0.0
    lowest, highest = dose_range(x)
    mean = np.sum(w * y) / np.sum(w)
    spread = np.sum(w * (y - mean) ** 2)
    if not (highest > lowest) or not (spread > 1e-24 * np.sum(w) * max(1.0, mean * mean)):
        return
    nodes = np.empty(MOST_NODES)
    n_mid, n_slope = midpoint_nodes(x, lowest, highest, nodes), LOG_SLOPES.size
    grid = np.empty((n_slope, n_mid))
    fill_grid(0.5 * (lowest + highest), nodes[:n_mid], x, y, w, box, grid)
    best, tried = np.inf, np.zeros((n_slope, n_mid), np.bool_)
    steps = step_starts(x, y, w, box)
    for start in range(starts + steps.shape[0]):
        if start < steps.shape[0]:
            log_slope, mid, low, high, rss = refine(
                steps[start, 0],
                steps[start, 1],
                lowest - BEYOND,
                highest + BEYOND,
                x,
                y,
                w,
                box,
                np.bool_(False),
                np.int64(NEWTON_STEPS),
            )
            if rss < best:
                best = rss
                out[LOW], out[HIGH], out[SLOPE], out[MID], out[RSS] = low, high, math.exp(log_slope), mid, rss
            continue
        at_s, at_m, least = -1, -1, np.inf
        for s in range(n_slope):
            for m in range(n_mid):
                if grid[s, m] < least and not tried[s, m] and is_basin(grid, s, m):
                    least, at_s, at_m = grid[s, m], s, m
        if at_s < 0:
            break
        tried[at_s, at_m] = True
        log_slope, mid, low, high, rss = refine(
            LOG_SLOPES[at_s],
            nodes[at_m],
            lowest - BEYOND,
            highest + BEYOND,
            x,
            y,
            w,
            box,
            np.bool_(False),
            np.int64(NEWTON_STEPS),
        )
        if rss < best:
            best = rss
            out[LOW], out[HIGH], out[SLOPE], out[MID], out[RSS] = low, high, math.exp(log_slope), mid, rss
    out[FITTED] = 1.0


@compiled_parallel
def fit_all(x: FloatArray, y: FloatArray, w: FloatArray, offsets: IntArray, box: FloatArray, starts: int) -> FloatArray:
    """Fit every curve; curve k owns points offsets[k] to offsets[k + 1]. Returns (curves, 6) as `fit_one` writes them.

    `box` (4,) bounds the levels: `FREE` for the four-parameter curve, equal bounds for a level that is fixed.
    """
    curves = offsets.size - 1
    out = np.empty((curves, FIT_WIDTH))
    for k in PARALLEL(curves):
        a, b = offsets[k], offsets[k + 1]
        fit_one(x[a:b], y[a:b], w[a:b], box, starts, out[k])
    return out
