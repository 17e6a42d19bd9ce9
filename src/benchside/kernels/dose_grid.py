"""Where the search for a curve starts: a grid over slope and midpoint that cannot miss a basin, and the steep steps no grid sees."""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import compiled
from benchside.kernels.dose_curve import SLOPE_MAX, FloatArray, levels, projected_rss
from benchside.kernels.order import rising

MOST_NODES: Final = 160
LOG_SLOPES: Final = np.log(np.array([0.02, 0.12, 0.35, 0.8, 1.6, 3.2, 7.0, 16.0, 50.0]))
"""Slopes of the grid, as logarithms."""


@compiled
def midpoint_nodes(x: FloatArray, lowest: float, highest: float, nodes: FloatArray) -> int:
    """Write the midpoints the grid tries, rising: every dose, between the doses, and beyond them; return how many."""
    above = x[x > -np.inf]
    doses = above[rising(above)]
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
                if count < MOST_NODES - 10:
                    nodes[count] = last + (doses[i] - last) * part / parts
                    count += 1
        if count < MOST_NODES - 10:
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
        slope = math.exp(LOG_SLOPES[s])
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
    order = rising(x)
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
