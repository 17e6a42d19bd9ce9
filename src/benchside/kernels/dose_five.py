"""The five-parameter log-logistic curve, whose two arms may differ, fitted to its global least-squares optimum.

The model of a falling response y at a dose with natural logarithm x is ``low * h + high * (1 - h)`` with
``h = (1 + exp(slope * (x - mid) + k)) ** -g`` and ``k = ln(2 ** (1 / g) - 1)`` (Finney 1979, doi:10.1007/BF02222746; drc's LL.5 with
``e = mid - k / slope``). `k` makes `mid` the dose at which the curve is half-way between its levels, whatever the asymmetry `g`,
so that the midpoint of this curve is the quantity of the four-parameter one. g = 1 is the four-parameter curve.

The levels are in order, low >= high: the power g belongs to the upper level. A rising curve is a falling one of the mirrored
dose, so everything here falls. The two levels are eliminated (variable projection), and three dimensions are left: a grid over
(ln g, ln slope, mid), then damped Newton with the exact Hessian from its best basins and from the four-parameter optimum.

Points at one dose enter by their weighted mean; the spread about it is a constant of the sum of squares. The box is that of the
four-parameter curve, and 0.05 <= g <= 20.
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
from benchside.kernels.dose_five_curve import (
    ASYMMETRY,
    ASYMMETRY_MAX,
    ASYMMETRY_MIN,
    FIVE_WIDTH,
    derivatives_five,
    half_shift,
    ordered_levels,
    settle_five,
)
from benchside.kernels.dose_grid import LOG_SLOPES, MOST_NODES, midpoint_nodes
from benchside.kernels.order import rising

FIVE_STARTS: Final = 12
_LOG_G: Final = np.log(np.array([0.05, 0.14, 0.37, 1.0, 2.7, 7.4, 20.0]))

_EDGE, _STEPS = 40.0, 16
_SHARES: Final = np.exp(-np.exp(_LOG_G)[:, None] * np.logaddexp(0.0, np.arange(-_EDGE, _EDGE + 0.01, 1 / _STEPS)))
"""(1 + exp(u)) ** -g over u from -40 to 40, for the asymmetries of the grid: it only ranks basins, so a table is near enough."""


@compiled
def solve_three(hessian: FloatArray, gradient: FloatArray, still: FloatArray, damping: float, step: FloatArray) -> bool:
    """Write the damped Newton step to `step`; return False where the damped Hessian is not positive definite.

    A coordinate with `still` 1 does not move. Damping is relative to the diagonal, so the scale of a coordinate does not matter.
    """
    lower = np.zeros((3, 3))
    for a in range(3):
        for b in range(a + 1):
            value = 0.0 if still[a] + still[b] > 0.0 else hessian[a, b]
            if a == b:
                value = 1.0 if still[a] > 0.0 else value + damping * abs(value) + 1e-300
            for c in range(b):
                value -= lower[a, c] * lower[b, c]
            if a == b:
                if not value > 1e-13 * abs(hessian[a, a]):
                    return False
                lower[a, a] = math.sqrt(value)
            else:
                lower[a, b] = value / lower[b, b]
    for a in range(3):
        value = 0.0 if still[a] > 0.0 else -gradient[a]
        for c in range(a):
            value -= lower[a, c] * step[c]
        step[a] = value / lower[a, a]
    for a in range(2, -1, -1):
        value = step[a]
        for c in range(a + 1, 3):
            value -= lower[c, a] * step[c]
        step[a] = value / lower[a, a]
    return True


@compiled
def refine_five(
    start: FloatArray, mid_low: float, mid_high: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray,
    hold_mid: bool, steps: int, enough: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Move `start` (ln slope, mid, ln g) to its local optimum within the box; return (low, high, rss).

    With `hold_mid` the midpoint stays; a sum of squares at or below `enough` ends the search.
    """
    at, new, step = start, np.empty(3), np.zeros(3)
    least = np.array([math.log(SLOPE_MIN), mid_low, math.log(ASYMMETRY_MIN)])
    most = np.array([math.log(SLOPE_MAX), mid_high, math.log(ASYMMETRY_MAX)])
    gradient, exact, newton, still = np.empty(3), np.empty((3, 3)), np.empty((3, 3)), np.zeros(3)
    h = np.empty(x.size)
    low, high, rss = settle_five(at[0], at[1], at[2], x, y, w, box, h)
    damping, fresh = 1e-3, True
    for _ in range(steps):
        if rss <= enough or low == high:
            break
        if fresh:
            derivatives_five(at[0], at[1], at[2], low, high, x, y, w, box, gradient, exact, newton)
        moving = 0
        for a in range(3):
            outward = (at[a] <= least[a] and gradient[a] > 0.0) or (at[a] >= most[a] and gradient[a] < 0.0)
            still[a] = 1.0 if outward or (hold_mid and a == 1) else 0.0
            moving += 1 - int(still[a])
        if moving == 0:
            break
        if not solve_three(exact, gradient, still, damping, step):
            lift = damping
            while not solve_three(newton, gradient, still, lift, step) and lift < 1e8:
                lift = max(10.0 * lift, 1e-9)
            if lift >= 1e8:
                break
        largest = max(abs(step[0]), abs(step[1]) * min(1.0, math.exp(at[0])), abs(step[2]))
        shrink = 2.0 / largest if largest > 2.0 else 1.0
        moved = 0.0
        for a in range(3):
            new[a] = at[a] if still[a] > 0.0 else min(max(at[a] + shrink * step[a], least[a]), most[a])
            moved = max(moved, abs(new[a] - at[a]))
        try_low, try_high, try_rss = settle_five(new[0], new[1], new[2], x, y, w, box, h)
        if try_rss <= rss:
            gain = rss - try_rss
            at[:] = new
            low, high, rss = try_low, try_high, try_rss
            damping, fresh = damping * 0.1 if damping > 1e-12 else 0.0, True
            if moved < 1e-10 or (gain <= 1e-15 * rss and moved < 1e-7):
                break
        else:
            damping, fresh = max(damping * 10.0, 1e-6), False
            if moved < 1e-11 or damping > 1e10:
                break
    return low, high, rss


@compiled
def at_doses(x: FloatArray, y: FloatArray, w: FloatArray, means: FloatArray) -> tuple[int, float]:
    """Write distinct log doses, weighted mean responses and summed weights to `means` (3, n); return how many, and the sum of squares about them."""
    order = rising(x)
    count, within = 0, 0.0
    for place in range(order.size):
        i = order[place]
        if w[i] <= 0.0:
            continue
        if count > 0 and x[i] == means[0, count - 1]:
            total = means[2, count - 1] + w[i]
            away = y[i] - means[1, count - 1]
            within += w[i] * means[2, count - 1] / total * away * away
            means[1, count - 1] += w[i] / total * away
            means[2, count - 1] = total
        else:
            means[0, count], means[1, count], means[2, count] = x[i], y[i], w[i]
            count += 1
    return count, within


@compiled
def finite_range(x: FloatArray) -> tuple[float, float]:
    """Return the lowest and highest log dose, no dose (either infinity: doses may be mirrored) left out."""
    lowest, highest = np.inf, -np.inf
    for i in range(x.size):
        if abs(x[i]) < np.inf:
            lowest, highest = min(lowest, x[i]), max(highest, x[i])
    return lowest, highest


@compiled
def fill_five(nodes: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, grid: FloatArray) -> None:
    """Write the projected sum of squares of every cell (ln g, ln slope, mid) to `grid`."""
    sum_w = np.sum(w)
    mean_y = np.sum(w * y) / sum_w
    shift = y - mean_y
    spread = np.sum(w * shift * shift)
    for a in range(_LOG_G.size):
        g = math.exp(_LOG_G[a])
        k = half_shift(g)
        for s in range(LOG_SLOPES.size):
            slope = math.exp(LOG_SLOPES[s])
            for m in range(nodes.size):
                sum_h = s_hh = s_hy = 0.0
                for i in range(x.size):
                    u = slope * (x[i] - nodes[m]) + k
                    if u <= -_EDGE:
                        h = 1.0
                    elif u >= _EDGE:
                        h = 0.0 if g * u > 60.0 else math.exp(-g * u)
                    else:
                        cell = (u + _EDGE) * _STEPS
                        at = int(cell)
                        h = _SHARES[a, at] + (cell - at) * (_SHARES[a, at + 1] - _SHARES[a, at])
                    sum_h += w[i] * h
                    s_hh += w[i] * h * h
                    s_hy += w[i] * h * shift[i]
                mean_h = sum_h / sum_w
                var_h = s_hh - sum_w * mean_h * mean_h
                low, high = ordered_levels(sum_w, mean_h, mean_y, var_h, s_hy, box)
                drop, rest = low - high, mean_y - high - (low - high) * mean_h
                grid[a, s, m] = spread - 2.0 * drop * s_hy + drop * drop * var_h + sum_w * rest * rest


@compiled
def next_basin(grid: FloatArray, tried: FloatArray, place: IntArray) -> float:
    """Write the lowest untried cell that no neighbour undercuts to `place`, mark it, and return its value; inf where none is left."""
    best = np.inf
    for a in range(grid.shape[0]):
        for s in range(grid.shape[1]):
            for m in range(grid.shape[2]):
                here = grid[a, s, m]
                if here >= best or tried[a, s, m] > 0.0:
                    continue
                lowest = True
                for i in range(max(0, a - 1), min(grid.shape[0], a + 2)):
                    for j in range(max(0, s - 1), min(grid.shape[1], s + 2)):
                        for n in range(max(0, m - 1), min(grid.shape[2], m + 2)):
                            if grid[i, j, n] < here:
                                lowest = False
                if lowest:
                    best, place[0], place[1], place[2] = here, a, s, m
    if best < np.inf:
        tried[place[0], place[1], place[2]] = 1.0
    return best


@compiled
def search_five(
    four: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, starts: int, found: FloatArray
) -> tuple[float, float, float]:
    """Search the falling curves of one set of dose means; write (ln slope, mid, ln g) to `found`, return (low, high, rss)."""
    lowest, highest = finite_range(x)
    nodes = np.empty(MOST_NODES)
    count = midpoint_nodes(x[np.abs(x) < np.inf], lowest, highest, nodes)
    grid = np.empty((_LOG_G.size, LOG_SLOPES.size, count))
    fill_five(nodes[:count], x, y, w, box, grid)
    tried, place, start = np.zeros(grid.shape), np.zeros(3, np.int64), np.empty(3)
    best, best_low, best_high = np.inf, np.nan, np.nan
    for k in range(starts + 1):
        if k == 0:
            if not four[LOW] >= four[HIGH]:
                continue
            start[0], start[1], start[2] = math.log(four[SLOPE]), four[MID], 0.0
        else:
            if next_basin(grid, tried, place) == np.inf:
                break
            start[0], start[1], start[2] = LOG_SLOPES[place[1]], nodes[place[2]], _LOG_G[place[0]]
        low, high, rss = refine_five(start, lowest - BEYOND, highest + BEYOND, x, y, w, box, False, 80, -1.0)
        if rss < best:
            best, best_low, best_high = rss, low, high
            found[:] = start
    return best_low, best_high, best


@compiled
def fit_five(
    x: FloatArray, y: FloatArray, w: FloatArray, four: FloatArray, box: FloatArray, starts: int, out: FloatArray
) -> None:
    """Fit one curve and write it to `out` (7,); `four` is its four-parameter fit, of which FITTED is kept."""
    out[:] = np.nan
    out[FITTED] = four[FITTED]
    if four[FITTED] != 1.0:
        return
    means, found, turned, best = np.empty((3, x.size)), np.empty(3), four.copy(), np.inf
    for side in (1.0, -1.0):
        count, within = at_doses(side * x, y, w, means)
        if side < 0.0:
            turned[LOW], turned[HIGH], turned[MID] = four[HIGH], four[LOW], -four[MID]
        low, high, rss = search_five(turned, means[0, :count], means[1, :count], means[2, :count], box, starts, found)
        if rss + within < best and low >= high:
            best = rss + within
            out[LOW], out[HIGH] = (low, high) if side > 0.0 else (high, low)
            out[SLOPE], out[MID], out[ASYMMETRY], out[RSS] = math.exp(found[0]), side * found[1], math.exp(found[2]), best


@compiled_parallel
def fit_all_five(
    x: FloatArray, y: FloatArray, w: FloatArray, offsets: IntArray, fours: FloatArray, box: FloatArray, starts: int
) -> FloatArray:
    """Fit every curve from its four-parameter fit `fours` (curves, 6). Returns (curves, 7): its columns, then the asymmetry.

    low >= high tells a falling curve from a rising one, whose power belongs to the upper level too: there the dose is mirrored.
    """
    curves = offsets.size - 1
    out = np.empty((curves, FIVE_WIDTH))
    for k in PARALLEL(curves):
        a, b = offsets[k], offsets[k + 1]
        fit_five(x[a:b], y[a:b], w[a:b], fours[k], box, starts, out[k])
    return out
