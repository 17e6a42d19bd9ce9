"""Two log-logistic curves side by side: the limits of the distance between them, and the best pair that is no distance apart.

The distance is taken between anchors on the log-dose axis: the midpoints, or the doses at which the curves take one level.
Where the curves share nothing, the profile of the distance d is ``min over m of P_r(m) + P_v(m + d)``, P being the least sum of
squares of one curve with its anchor held. So the largest d below a threshold is the largest ``U_v(c) - L_r(total - c)`` over
the ways c to divide the allowed excess between the curves (U and L: the limits of each curve alone), and only two profiles in
one dimension are traced. Where they share plateaus the pair is one problem, solved by variable projection (Golub and Pereyra
1973, doi:10.1137/0710036) with the distance held. Limits are those of Bates and Watts 1988, doi:10.1002/9780470316757: the
first crossing on either side; nan where there is none within four decades of the tested doses.
"""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import compiled, compiled_entry
from benchside.kernels.dose_response import (
    DECADES_BEYOND,
    FREE,
    MID,
    RSS,
    SLOPE,
    FloatArray,
    IntArray,
    dose_range,
    refine,
    settle,
)

MIDPOINT: Final = 0
LEVEL: Final = 1
"""What of a curve is held: its midpoint, or the dose at which it takes a level."""

PIN: Final = 1e6
"""Weight of the point that makes a curve pass through a level: it raises the sum of squares by less than a millionth of it."""

ROUNDING: Final = 1e-12
"""Least allowed excess of squares a point."""

_BEYOND: Final = DECADES_BEYOND * math.log(10.0)
_FIRST_STEP: Final = 0.02
_LARGEST_STEP: Final = 0.4
_NODES: Final = 200
_AT, _RSS, _LOG_SLOPE, _MID = 0, 1, 2, 3
_LOG_SLOPES: Final = np.log(np.array([0.01, 0.05, 0.15, 0.35, 0.7, 1.2, 2.0, 3.5, 7.0, 15.0, 50.0]))
_PINNED_SLOPES: Final = np.log(np.array([0.15, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 25.0]))
_PINNED_SHIFTS: Final = np.array([-5.0, -3.0, -1.8, -1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0, 1.8, 3.0, 5.0])
_WAYS: Final = 9
_GOLDEN: Final = 0.6180339887498949


@compiled
def ends(x: FloatArray) -> tuple[float, float]:
    """Return the least and greatest midpoint of the box of a curve."""
    lowest, highest = dose_range(x)
    return lowest - _BEYOND, highest + _BEYOND


@compiled
def with_spare(values: FloatArray) -> FloatArray:
    """Return the values with one place more at the end, for the point that pins a curve."""
    longer = np.zeros(values.size + 1)
    longer[: values.size] = values
    return longer


@compiled
def held(
    anchor: int, at: float, level: float, log_slope: float, mid: float, box: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray
) -> tuple[float, float, float]:  # fmt: skip
    """Return (rss, ln slope, mid) of the best curve with its anchor at `at`, reached from a start.

    The last place of x, y and w is spare: it holds the point that pins the curve to the level, or nothing. `box` is the least
    and greatest midpoint.
    """
    # A global array is read-only in compiled code, and everything it is handed to would be compiled for that type again.
    free = FREE.copy()
    last = x.size - 1
    x[last], y[last] = at, level
    w[last] = PIN if anchor == LEVEL else 0.0
    if anchor == LEVEL:
        found, middle, _, _, rss = refine(log_slope, mid, box[0], box[1], x, y, w, free, np.bool_(False), np.int64(40))
        return rss, found, middle
    share = np.empty(x.size)
    _, _, best = settle(math.exp(log_slope), at, x, y, w, free, share)
    start = log_slope
    for s in range(_LOG_SLOPES.size):
        _, _, rss = settle(math.exp(_LOG_SLOPES[s]), at, x, y, w, free, share)
        if rss < best:
            best, start = rss, _LOG_SLOPES[s]
    found, _, _, _, rss = refine(start, at, at, at, x, y, w, free, np.bool_(True), np.int64(30))
    if start != log_slope:
        again, _, _, _, other = refine(log_slope, at, at, at, x, y, w, free, np.bool_(True), np.int64(30))
        if other < rss:
            return other, again, at
    return rss, found, at


@compiled
def held_afresh(
    anchor: int, at: float, level: float, fit: FloatArray, box: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray
) -> float:
    """Return the least sum of squares with the anchor at `at`, without a neighbour to start from."""
    rss, _, _ = held(anchor, at, level, math.log(fit[SLOPE]), fit[MID], box, x, y, w)
    if anchor == MIDPOINT:
        return rss
    # A pinned curve has two parameters left: rank a grid of them, then descend from its best places.
    first, share, free = np.empty((_PINNED_SLOPES.size, _PINNED_SHIFTS.size)), np.empty(x.size), FREE.copy()
    for s in range(_PINNED_SLOPES.size):
        for m in range(_PINNED_SHIFTS.size):
            mid = min(max(at + _PINNED_SHIFTS[m], box[0]), box[1])
            _, _, first[s, m] = settle(math.exp(_PINNED_SLOPES[s]), mid, x, y, w, free, share)
    for _ in range(4):
        place = int(np.argmin(first))
        s, m = place // first.shape[1], place % first.shape[1]
        other, _, _ = held(anchor, at, level, _PINNED_SLOPES[s], min(max(at + _PINNED_SHIFTS[m], box[0]), box[1]), box, x, y, w)
        rss = min(rss, other)
        # Neighbours of a place lead to the same basin.
        first[max(s - 1, 0) : s + 2, max(m - 1, 0) : m + 2] = np.inf
    return rss


@compiled
def trace(
    side: float, anchor: int, level: float, start: float, fit: FloatArray, most: float, box: FloatArray,
    x: FloatArray, y: FloatArray, w: FloatArray, nodes: FloatArray,
) -> int:  # fmt: skip
    """Walk the anchor outward until the sum of squares exceeds `most` or the box ends; write the nodes and return how many."""
    end = box[0] if side < 0 else box[1]
    nodes[0, _AT] = start
    nodes[0, _RSS], nodes[0, _LOG_SLOPE], nodes[0, _MID] = held(
        anchor, start, level, math.log(fit[SLOPE]), fit[MID], box, x, y, w
    )
    count, step = 1, _FIRST_STEP
    while count < nodes.shape[0] and (end - nodes[count - 1, _AT]) * side > 0.0:
        at, log_slope, mid = nodes[count - 1, _AT], nodes[count - 1, _LOG_SLOPE], nodes[count - 1, _MID]
        outside = at + side * step
        if (outside - end) * side > 0.0:
            outside = end
        rss, slope, middle = held(anchor, outside, level, log_slope, mid, box, x, y, w)
        if anchor == LEVEL:  # the pinned curve may rather move as a whole than turn
            moved = min(max(mid + outside - at, box[0]), box[1])
            other, slope_2, middle_2 = held(anchor, outside, level, log_slope, moved, box, x, y, w)
            if other < rss:
                rss, slope, middle = other, slope_2, middle_2
        nodes[count, _AT], nodes[count, _RSS], nodes[count, _LOG_SLOPE], nodes[count, _MID] = outside, rss, slope, middle
        count += 1
        if rss > most:
            break
        step = min(step * 1.5, _LARGEST_STEP)
    return count


@compiled
def crossing(
    threshold: float, anchor: int, level: float, nodes: FloatArray, count: int, box: FloatArray,
    x: FloatArray, y: FloatArray, w: FloatArray,
) -> float:  # fmt: skip
    """Return where a traced profile first exceeds the threshold (regula falsi with the Illinois rule), nan where it never does."""
    k = 0
    while k < count and nodes[k, _RSS] <= threshold:
        k += 1
    if k == count:
        return np.nan
    if k == 0:
        return float(nodes[0, _AT])
    inside, outside = nodes[k - 1, _AT], nodes[k, _AT]
    below, above = nodes[k - 1, _RSS] - threshold, nodes[k, _RSS] - threshold
    log_slope, mid = nodes[k - 1, _LOG_SLOPE], nodes[k - 1, _MID]
    if below > -1e-12 * threshold:
        return float(inside)
    last = 0
    for turn in range(60):
        if abs(outside - inside) < 1e-8:
            break
        # Every fourth turn halves, so a jump of the profile cannot hold the search up.
        at = 0.5 * (inside + outside) if turn % 4 == 3 else (inside * above - outside * below) / (above - below)
        rss, slope, middle = held(anchor, at, level, log_slope, mid, box, x, y, w)
        value = rss - threshold
        if abs(value) < 1e-10 * threshold:
            return float(at)
        if value > 0.0:
            outside, above = at, value
            if last == 1:
                below *= 0.5
            last = 1
        else:
            inside, below, log_slope, mid = at, value, slope, middle
            if last == -1:
                above *= 0.5
            last = -1
    return float(0.5 * (inside + outside))


@compiled
def farthest(
    side: float, anchor: int, level: float, start: FloatArray, fits: FloatArray, allowed: float, boxes: FloatArray,
    x_r: FloatArray, y_r: FloatArray, w_r: FloatArray, x_v: FloatArray, y_v: FloatArray, w_v: FloatArray,
) -> float:  # fmt: skip
    """Return the largest (side 1) or smallest (side -1) distance between the anchors within the allowed excess of squares.

    Rows of `start`, `fits` and `boxes` are the reference, then the variant. nan: one of the two profiles is open on its side.
    """
    nodes_r, nodes_v = np.empty((_NODES, 4)), np.empty((_NODES, 4))
    count_r = trace(-side, anchor, level, start[0], fits[0], fits[0, RSS] + allowed, boxes[0], x_r, y_r, w_r, nodes_r)
    count_v = trace(side, anchor, level, start[1], fits[1], fits[1, RSS] + allowed, boxes[1], x_v, y_v, w_v, nodes_v)
    for nodes, count, rss in ((nodes_r, count_r, fits[0, RSS]), (nodes_v, count_v, fits[1, RSS])):
        if nodes[count - 1, _RSS] <= rss + allowed or nodes[0, _RSS] > rss + allowed:
            return np.nan
    # An angle divides the excess: for two parabolas the distance is then a plain sine, easy to search.
    reach = np.empty(_WAYS)
    quarter = 0.5 * math.pi

    def distance(angle: float) -> float:
        own = allowed * math.sin(angle) ** 2
        a = crossing(fits[0, RSS] + allowed - own, anchor, level, nodes_r, count_r, boxes[0], x_r, y_r, w_r)
        b = crossing(fits[1, RSS] + own, anchor, level, nodes_v, count_v, boxes[1], x_v, y_v, w_v)
        return side * (b - a)

    best = 0
    for k in range(_WAYS):
        reach[k] = distance(quarter * k / (_WAYS - 1))
        if reach[k] > reach[best]:
            best = k
    low = quarter * max(best - 1, 0) / (_WAYS - 1)
    high = quarter * min(best + 1, _WAYS - 1) / (_WAYS - 1)
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_two = distance(one), distance(two)
    most = max(reach[best], at_one, at_two)
    for _ in range(12):
        if at_one > at_two:
            high, two, at_two = two, one, at_one
            one = high - _GOLDEN * (high - low)
            at_one = distance(one)
        else:
            low, one, at_one = one, two, at_two
            two = low + _GOLDEN * (high - low)
            at_two = distance(two)
        most = max(most, at_one, at_two)
    return float(side * most)


@compiled
def least_together(
    anchor: int, level: float, start: FloatArray, fits: FloatArray, boxes: FloatArray,
    x_r: FloatArray, y_r: FloatArray, w_r: FloatArray, x_v: FloatArray, y_v: FloatArray, w_v: FloatArray,
) -> float:  # fmt: skip
    """Return the least sum of squares of the two curves with their anchors at one dose, wherever that is."""
    low, high = max(boxes[0, 0], boxes[1, 0]), min(boxes[0, 1], boxes[1, 1])
    first, second = min(start[0], start[1]), max(start[0], start[1])
    grid = np.concatenate((np.linspace(low, first, 13)[:-1], np.linspace(first, second, 25), np.linspace(second, high, 13)[1:]))
    grid = grid[(grid >= low) & (grid <= high)]

    def together(at: float) -> float:
        return held_afresh(anchor, at, level, fits[0], boxes[0], x_r, y_r, w_r) + held_afresh(
            anchor, at, level, fits[1], boxes[1], x_v, y_v, w_v
        )

    values = np.empty(grid.size)
    for k in range(grid.size):
        values[k] = together(grid[k])
    best = int(np.argmin(values))
    low, high, least = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)], values[best]
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_two = together(one), together(two)
    for _ in range(24):
        if at_one < at_two:
            high, two, at_two = two, one, at_one
            one = high - _GOLDEN * (high - low)
            at_one = together(one)
        else:
            low, one, at_one = one, two, at_two
            two = low + _GOLDEN * (high - low)
            at_two = together(two)
    return float(min(least, at_one, at_two))


@compiled_entry
def separate_pairs(
    x: FloatArray, y: FloatArray, offsets: IntArray, fits: FloatArray, start: FloatArray, pairs: IntArray, factor: FloatArray,
    anchor: int, level: float,
) -> FloatArray:  # fmt: skip
    """Return (pairs, 3): the lower and upper limit of the distance, and the least sum of squares at distance 0.

    Curve k owns points offsets[k] to offsets[k + 1] of `x` (ln dose) and `y`; `fits` is as `fit_all` writes it, `start` (curves,)
    the anchor of each fitted curve, `pairs` (pairs, 2) the reference and the variant, and `factor` (pairs,) the allowed excess
    as a share of the sum of squares of both, nan for a pair that is left out.
    """
    out = np.full((pairs.shape[0], 3), np.nan)
    for k in range(pairs.shape[0]):
        if factor[k] == factor[k]:
            r, v = pairs[k, 0], pairs[k, 1]
            two, anchors = np.empty((2, fits.shape[1])), np.array([start[r], start[v]])
            two[0], two[1] = fits[r], fits[v]
            x_r, y_r = with_spare(x[offsets[r] : offsets[r + 1]]), with_spare(y[offsets[r] : offsets[r + 1]])
            x_v, y_v = with_spare(x[offsets[v] : offsets[v + 1]]), with_spare(y[offsets[v] : offsets[v + 1]])
            w_r, w_v = np.ones(x_r.size), np.ones(x_v.size)
            boxes = np.empty((2, 2))
            boxes[0, 0], boxes[0, 1] = ends(x_r[:-1])
            boxes[1, 0], boxes[1, 1] = ends(x_v[:-1])
            # Data without noise leave residuals of rounding only, below which no excess can be told.
            allowed = max(factor[k] * (two[0, RSS] + two[1, RSS]), ROUNDING * (x_r.size + x_v.size))
            out[k, 0] = farthest(-1.0, anchor, level, anchors, two, allowed, boxes, x_r, y_r, w_r, x_v, y_v, w_v)
            out[k, 1] = farthest(1.0, anchor, level, anchors, two, allowed, boxes, x_r, y_r, w_r, x_v, y_v, w_v)
            out[k, 2] = least_together(anchor, level, anchors, two, boxes, x_r, y_r, w_r, x_v, y_v, w_v)
    return out
