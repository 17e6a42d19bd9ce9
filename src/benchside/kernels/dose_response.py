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
import numpy.typing as npt

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SLOPE_MAX: Final = 50.0
SLOPE_MIN: Final = 1e-3
LEVEL_MAX: Final = 10.0
FREE: Final = np.array([-LEVEL_MAX, LEVEL_MAX, -LEVEL_MAX, LEVEL_MAX])
"""Both levels free within the box: least and greatest low, least and greatest high."""

DECADES_BEYOND: Final = 4.0
_BEYOND: Final = DECADES_BEYOND * math.log(10.0)

STARTS: Final = 6
NEWTON_STEPS: Final = 60
_MOST_NODES: Final = 160

LOW: Final = 0
HIGH: Final = 1
SLOPE: Final = 2
MID: Final = 3
RSS: Final = 4
FITTED: Final = 5
"""Columns of a fit: level at no dose, level at an endless dose, slope > 0, ln midpoint, residual sum of squares, 1 if fitted."""
FIT_WIDTH: Final = 6

_SLOPES: Final = np.log(np.array([0.02, 0.12, 0.35, 0.8, 1.6, 3.2, 7.0, 16.0, 50.0]))


@compiled
def left(slope: float, mid: float, x: float) -> float:
    """Return f, the share of the way down that is still left at log dose x; 1 at no dose (x = -inf)."""
    u = slope * (x - mid)
    if u > 700.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(u))


@compiled
def levels(sum_w: float, mean_f: float, mean_y: float, var_f: float, cov: float, box: FloatArray) -> tuple[float, float]:
    """Return the best (low, high) for given moments of f and y: least squares with two linear parameters in a box.

    `box` is least and greatest low, least and greatest high; a level whose two bounds are equal is fixed.
    """
    if var_f <= 1e-14 * sum_w:
        return min(max(mean_y, box[0]), box[1]), min(max(mean_y, box[2]), box[3])
    drop = cov / var_f
    high = mean_y - drop * mean_f
    low = high + drop
    if box[0] <= low <= box[1] and box[2] <= high <= box[3]:
        return low, high
    # The optimum of a convex function outside a box lies on its edge: try the four edges, each with the free level clamped.
    s_ff = var_f + sum_w * mean_f * mean_f
    s_gg = var_f + sum_w * (1.0 - mean_f) ** 2
    s_fg = sum_w * mean_f - s_ff
    s_fy = cov + sum_w * mean_f * mean_y
    s_gy = sum_w * mean_y - s_fy
    best, best_low, best_high = np.inf, box[0], box[2]
    for edge in range(4):
        if edge < 2:
            a = box[edge]
            free = (s_gy - a * s_fg) / s_gg if s_gg > 0 else mean_y
            b = min(max(free, box[2]), box[3])
        else:
            b = box[edge]
            free = (s_fy - b * s_fg) / s_ff if s_ff > 0 else mean_y
            a = min(max(free, box[0]), box[1])
        value = a * a * s_ff + b * b * s_gg + 2.0 * a * b * s_fg - 2.0 * (a * s_fy + b * s_gy)
        if value < best:
            best, best_low, best_high = value, a, b
    return best_low, best_high


@compiled
def projected_rss(slope: float, mid: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray) -> float:
    """Return the residual sum of squares at (slope, mid) with the levels at their best: one number for the grid."""
    sum_w, sum_f, sum_y = 0.0, 0.0, 0.0
    s_ff, s_fy, s_yy = 0.0, 0.0, 0.0
    for i in range(x.size):
        f = left(slope, mid, x[i])
        sum_w += w[i]
        sum_f += w[i] * f
        sum_y += w[i] * y[i]
        s_ff += w[i] * f * f
        s_fy += w[i] * f * y[i]
        s_yy += w[i] * y[i] * y[i]
    mean_f, mean_y = sum_f / sum_w, sum_y / sum_w
    var_f, cov = s_ff - sum_w * mean_f * mean_f, s_fy - sum_w * mean_f * mean_y
    low, high = levels(sum_w, mean_f, mean_y, var_f, cov, box)
    drop = low - high
    spread = s_yy - sum_w * mean_y * mean_y
    shift = mean_y - high - drop * mean_f
    return spread - 2.0 * drop * cov + drop * drop * var_f + sum_w * shift * shift


@compiled
def settle(
    slope: float, mid: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, f: FloatArray
) -> tuple[float, float, float]:
    """Return (low, high, rss) at (slope, mid), the sum of squares taken from the residuals themselves; `f` is left filled."""
    sum_w, sum_f, sum_y = 0.0, 0.0, 0.0
    for i in range(x.size):
        f[i] = left(slope, mid, x[i])
        sum_w += w[i]
        sum_f += w[i] * f[i]
        sum_y += w[i] * y[i]
    mean_f, mean_y = sum_f / sum_w, sum_y / sum_w
    var_f, cov = 0.0, 0.0
    for i in range(x.size):
        above = f[i] - mean_f
        var_f += w[i] * above * above
        cov += w[i] * above * (y[i] - mean_y)
    low, high = levels(sum_w, mean_f, mean_y, var_f, cov, box)
    rss = 0.0
    for i in range(x.size):
        r = y[i] - low * f[i] - high * (1.0 - f[i])
        rss += w[i] * r * r
    return low, high, rss


@compiled
def derivatives(
    slope: float, mid: float, low: float, high: float, share: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray,
    out: FloatArray,
) -> None:  # fmt: skip
    """Write half the gradient and the two reduced Hessians of the sum of squares over (ln slope, mid) to `out`.

    `share` is f of every point, as `settle` left it. `out` is g0, g1, exact h00, h01, h11, Gauss-Newton h00, h01, h11. Reduced:
    the free levels are eliminated, a level at its bound is held. The exact one makes the last steps quadratic, the Gauss-Newton
    one is never indefinite.
    """
    drop = low - high
    free_low, free_high = box[0] < low < box[1], box[2] < high < box[3]
    g0 = g1 = e00 = e01 = e11 = n00 = n01 = n11 = 0.0
    s_ff = s_fg = s_gg = 0.0
    l0 = l1 = k0 = k1 = 0.0
    nl0 = nl1 = nk0 = nk1 = 0.0
    for i in range(x.size):
        f = share[i]
        r = y[i] - low * f - high * (1.0 - f)
        s_ff += w[i] * f * f
        s_fg += w[i] * f * (1.0 - f)
        s_gg += w[i] * (1.0 - f) * (1.0 - f)
        f_u = -f * (1.0 - f)
        if f_u == 0.0:
            continue
        u = slope * (x[i] - mid)
        f_uu = -f_u * (1.0 - 2.0 * f)
        d0, d1 = f_u * u, -f_u * slope
        d00, d01, d11 = f_uu * u * u + f_u * u, -slope * (f_uu * u + f_u), f_uu * slope * slope
        wr = w[i] * r
        g0 -= wr * drop * d0
        g1 -= wr * drop * d1
        square = w[i] * drop * drop
        n00 += square * d0 * d0
        n01 += square * d0 * d1
        n11 += square * d1 * d1
        e00 -= wr * drop * d00
        e01 -= wr * drop * d01
        e11 -= wr * drop * d11
        wf, wg = w[i] * drop * f, w[i] * drop * (1.0 - f)
        nl0 += wf * d0
        nl1 += wf * d1
        nk0 += wg * d0
        nk1 += wg * d1
        l0 -= wr * d0
        l1 -= wr * d1
        k0 += wr * d0
        k1 += wr * d1
    out[0], out[1] = g0, g1
    for exact in range(2):
        h00, h01, h11 = (n00 + e00, n01 + e01, n11 + e11) if exact else (n00, n01, n11)
        a0, a1 = (nl0 + l0, nl1 + l1) if exact else (nl0, nl1)
        b0, b1 = (nk0 + k0, nk1 + k1) if exact else (nk0, nk1)
        if free_low and free_high:
            det = s_ff * s_gg - s_fg * s_fg
            if det > 1e-13 * s_ff * s_gg:
                h00 -= (a0 * a0 * s_gg - 2.0 * a0 * b0 * s_fg + b0 * b0 * s_ff) / det
                h01 -= (a0 * a1 * s_gg - (a0 * b1 + a1 * b0) * s_fg + b0 * b1 * s_ff) / det
                h11 -= (a1 * a1 * s_gg - 2.0 * a1 * b1 * s_fg + b1 * b1 * s_ff) / det
        elif free_low and s_ff > 0:
            h00 -= a0 * a0 / s_ff
            h01 -= a0 * a1 / s_ff
            h11 -= a1 * a1 / s_ff
        elif free_high and s_gg > 0:
            h00 -= b0 * b0 / s_gg
            h01 -= b0 * b1 / s_gg
            h11 -= b1 * b1 / s_gg
        base = 2 if exact else 5
        out[base], out[base + 1], out[base + 2] = h00, h01, h11


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
    box: FloatArray, hold_mid: bool, steps: int,
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
def dose_range(x: FloatArray) -> tuple[float, float]:
    """Return the lowest and highest log dose, zero doses (-inf) left out; (inf, -inf) where there is none."""
    lowest, highest = np.inf, -np.inf
    for i in range(x.size):
        if x[i] > -np.inf:
            lowest, highest = min(lowest, x[i]), max(highest, x[i])
    return lowest, highest


@compiled
def midpoint_nodes(x: FloatArray, lowest: float, highest: float, nodes: FloatArray) -> int:
    """Write the midpoints the grid tries, rising: every dose, between the doses, and beyond them; return how many."""
    doses = np.sort(x[x > -np.inf])
    count = 0
    for beyond in (9.21, 7.0, 5.0, 3.4, 2.2, 1.3, 0.6):
        nodes[count] = lowest - beyond
        count += 1
    last = -np.inf
    for i in range(doses.size):
        if doses[i] - last < 1e-6:
            continue
        if last > -np.inf:
            parts = 4 if doses[i] - last > 1.6 else 2
            for part in range(1, parts):
                if count < _MOST_NODES - 10:
                    nodes[count] = last + (doses[i] - last) * part / parts
                    count += 1
        if count < _MOST_NODES - 10:
            nodes[count] = doses[i]
            count += 1
        last = doses[i]
    for beyond in (0.6, 1.3, 2.2, 3.4, 5.0, 7.0, 9.21):
        nodes[count] = highest + beyond
        count += 1
    return count


@compiled
def fill_grid(
    centre: float, nodes: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, grid: FloatArray
) -> None:
    """Write the projected sum of squares of every cell (slope, midpoint) to `grid`.

    exp(slope (x - mid)) is a quotient of two exponentials about the centre of the doses, so a row of the grid takes one
    exponential a dose and one a midpoint instead of one a pair; they are kept within what a double holds.
    """
    dose, shift = np.empty(x.size), y - np.sum(w * y) / np.sum(w)
    sum_w, spread = np.sum(w), np.sum(w * shift * shift)
    mean_y = np.sum(w * y) / sum_w
    for s in range(grid.shape[0]):
        slope = math.exp(_SLOPES[s])
        for i in range(x.size):
            dose[i] = math.exp(min(max(slope * (x[i] - centre), -690.0), 690.0))
        for m in range(nodes.size):
            scale = math.exp(-min(max(slope * (nodes[m] - centre), -690.0), 690.0))
            sum_f = s_ff = s_fy = 0.0
            for i in range(x.size):
                f = 1.0 / (1.0 + dose[i] * scale)
                sum_f += w[i] * f
                s_ff += w[i] * f * f
                s_fy += w[i] * f * shift[i]
            mean_f = sum_f / sum_w
            var_f = s_ff - sum_w * mean_f * mean_f
            low, high = levels(sum_w, mean_f, mean_y, var_f, s_fy, box)
            drop, rest = low - high, mean_y - high - (low - high) * mean_f
            grid[s, m] = spread - 2.0 * drop * s_fy + drop * drop * var_f + sum_w * rest * rest


@compiled
def is_basin(grid: FloatArray, s: int, m: int) -> bool:
    """Return whether no neighbouring cell is lower; of equal neighbours only the first counts, so a plateau is one basin a row."""
    here = grid[s, m]
    for i in range(max(0, s - 1), min(grid.shape[0], s + 2)):
        for j in range(max(0, m - 1), min(grid.shape[1], m + 2)):
            if grid[i, j] < here or (grid[i, j] == here and (i < s or (i == s and j < m))):
                return False
    return True


@compiled
def step_starts(x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray) -> FloatArray:
    """Return the two best steep starts, (ln slope, mid) a row: one level before a dose, one after it, that dose part of the way.

    Such curves lie in valleys narrower than any grid over the midpoint; here the share f of the dose on the step follows
    from the three means, and the midpoint from f.
    """
    order = np.argsort(x)
    found = np.empty((2, 2))
    least = np.array([np.inf, np.inf])
    count, at = 0, 0
    sum_w, sum_wy = np.sum(w), np.sum(w * y)
    before_w = before_wy = 0.0
    while at < order.size:
        end, own_w, own_wy = at, 0.0, 0.0
        while end < order.size and (x[order[end]] == x[order[at]] or x[order[end]] - x[order[at]] < 1e-6):
            own_w += w[order[end]]
            own_wy += w[order[end]] * y[order[end]]
            end += 1
        here = x[order[at]]
        after_w = sum_w - before_w - own_w
        if here > -np.inf and before_w > 0.0 and after_w > 1e-12 * sum_w:
            low, high = before_wy / before_w, (sum_wy - before_wy - own_wy) / after_w
            gap = x[order[end]] - here
            if at > 0 and x[order[at - 1]] > -np.inf:
                gap = min(gap, here - x[order[at - 1]])
            if low != high and gap > 0.0:
                f = min(max((own_wy / own_w - high) / (low - high), 0.02), 0.98)
                slope = min(SLOPE_MAX, max(10.0 / gap, 4.0))
                mid = here - math.log((1.0 - f) / f) / slope
                rss = projected_rss(slope, mid, x, y, w, box)
                if rss < least[1]:
                    place = 0 if rss < least[0] else 1
                    if place == 0:
                        least[1] = least[0]
                        found[1, 0], found[1, 1] = found[0, 0], found[0, 1]
                    least[place] = rss
                    found[place, 0], found[place, 1] = math.log(slope), mid
                    count = min(count + 1, 2)
        before_w += own_w
        before_wy += own_wy
        at = end
    return found[:count]


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
    nodes = np.empty(_MOST_NODES)
    n_mid, n_slope = midpoint_nodes(x, lowest, highest, nodes), _SLOPES.size
    grid = np.empty((n_slope, n_mid))
    fill_grid(0.5 * (lowest + highest), nodes[:n_mid], x, y, w, box, grid)
    best, tried = np.inf, np.zeros((n_slope, n_mid), np.bool_)
    steps = step_starts(x, y, w, box)
    for start in range(starts + steps.shape[0]):
        if start < steps.shape[0]:
            log_slope, mid, low, high, rss = refine(
                steps[start, 0], steps[start, 1], lowest - _BEYOND, highest + _BEYOND, x, y, w, box, False, NEWTON_STEPS
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
            _SLOPES[at_s], nodes[at_m], lowest - _BEYOND, highest + _BEYOND, x, y, w, box, False, NEWTON_STEPS
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
