"""Two log-logistic curves with common plateaus (and, on request, a common slope): the best pair, and the limits of their distance.

The plateaus enter linearly and follow in closed form for every slope and midpoint (variable projection; Golub and Pereyra 1973,
doi:10.1137/0710036, in Kaufman's form), so at most four parameters are searched: two ln slopes, the midpoint of the reference,
and the distance of the variant's midpoint from it. The search starts from many pairs of midpoints and slopes, since a variant
that hardly falls has its midpoint anywhere beyond the doses.
"""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.dose_response import (
    FREE,
    LEVEL_MAX,
    MID,
    SLOPE,
    SLOPE_MAX,
    SLOPE_MIN,
    FloatArray,
    IntArray,
    dose_range,
    settle,
)
from benchside.kernels.fold_shift import ends

LOW, HIGH, SLOPE_R, SLOPE_V, MID_R, MID_V, RSS = 0, 1, 2, 3, 4, 5, 6
LOWER, UPPER, RSS_TOGETHER = 7, 8, 9
WIDTH: Final = 10
"""Columns of a pair: common levels at no and at an endless dose, slopes, ln midpoints, sum of squares, limits of the distance of
the midpoints (nan: open), and the least sum of squares of a common midpoint."""

_STEPS: Final = 60
_FIRST_STEP: Final = 0.02
_LARGEST_STEP: Final = 0.4


@compiled
def place(theta: FloatArray, n_r: int, x: FloatArray, z: FloatArray) -> None:
    """Write slope * (x - mid) of every point to `z`; the first n_r points are the reference's."""
    for i in range(x.size):
        s, m = (theta[0], theta[2]) if i < n_r else (theta[1], theta[3])
        z[i] = math.exp(s) * (x[i] - m)


@compiled
def descend(
    start: FloatArray, n_r: int, tied: bool, apart: bool, box: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray
) -> tuple[FloatArray, float, float, float]:
    """Return (theta, low, high, rss) of the best pair reached from `start`, by damped Gauss-Newton steps within the box.

    theta is ln slope, ln slope, mid, mid (reference, variant, ...). `tied` keeps the slopes equal; unless `apart`, the midpoints
    keep the distance they have. `box` is least and greatest midpoint of the reference, then of the variant.
    """
    theta, free_levels = start.copy(), FREE.copy()
    z, share, gap = np.empty(x.size), np.empty(x.size), theta[3] - theta[2]
    place(theta, n_r, x, z)
    low, high, rss = settle(1.0, 0.0, z, y, w, free_levels, share)
    least, most = np.empty(4), np.empty(4)
    least[:2], most[:2] = math.log(SLOPE_MIN), math.log(SLOPE_MAX)
    least[2], most[2], least[3], most[3] = box[0], box[1], box[2], box[3]
    if not apart:
        least[2], most[2] = max(box[0], box[2] - gap), min(box[1], box[3] - gap)
    free = 4 if apart else 3
    damping = 1e-3
    for _ in range(_STEPS):
        drop = low - high
        h, g, c = np.zeros((4, 4)), np.zeros(4), np.zeros((4, 2))
        d = np.zeros(4)
        s_ff = s_fg = s_gg = 0.0
        for i in range(x.size):
            f = share[i]
            r = y[i] - low * f - high * (1.0 - f)
            s_ff += w[i] * f * f
            s_fg += w[i] * f * (1.0 - f)
            s_gg += w[i] * (1.0 - f) * (1.0 - f)
            bend = -drop * f * (1.0 - f)
            if bend == 0.0:
                continue
            own = 0 if i < n_r else 1
            d[:] = 0.0
            d[0 if tied else own] = bend * z[i]
            d[2 + own if apart else 2] = -bend * math.exp(theta[own])
            for p in range(free):
                g[p] -= w[i] * r * d[p]
                c[p, 0] += w[i] * d[p] * f
                c[p, 1] += w[i] * d[p] * (1.0 - f)
                for q in range(free):
                    h[p, q] += w[i] * d[p] * d[q]
        det = s_ff * s_gg - s_fg * s_fg
        if abs(low) < LEVEL_MAX and abs(high) < LEVEL_MAX and det > 1e-13 * s_ff * s_gg:
            for p in range(free):
                for q in range(free):
                    h[p, q] -= (c[p, 0] * (s_gg * c[q, 0] - s_fg * c[q, 1]) + c[p, 1] * (s_ff * c[q, 1] - s_fg * c[q, 0])) / det
        scale = 1e-300
        for p in range(free):
            scale = max(scale, h[p, p])
        for p in range(4):
            stuck = (theta[p] <= least[p] and g[p] > 0.0) or (theta[p] >= most[p] and g[p] < 0.0)
            if p >= free or (tied and p == 1) or stuck:
                g[p], h[p, :], h[:, p] = 0.0, 0.0, 0.0
                h[p, p] = scale
        for p in range(4):
            h[p, p] = h[p, p] * (1.0 + damping) + 1e-12 * scale
        step = np.zeros(4)
        step -= np.linalg.solve(h, g)
        largest = np.max(np.abs(step))
        if largest > 2.0:
            step *= 2.0 / largest
        new: FloatArray = np.minimum(np.maximum(theta + step, least), most)
        if tied:
            new[1] = new[0]
        if not apart:
            new[3] = new[2] + gap
        place(new, n_r, x, z)
        try_low, try_high, try_rss = settle(1.0, 0.0, z, y, w, free_levels, share)
        moved = np.max(np.abs(new - theta))
        if try_rss <= rss:
            gain = rss - try_rss
            theta, low, high, rss = new, try_low, try_high, try_rss
            damping = max(damping * 0.1, 1e-12)
            if moved < 1e-10 or (gain <= 1e-13 * rss and moved < 1e-6):
                break
        else:
            damping = max(damping * 10.0, 1e-6)
            place(theta, n_r, x, z)
            settle(1.0, 0.0, z, y, w, free_levels, share)
            if moved < 1e-11 or damping > 1e9:
                break
    return theta, low, high, rss


@compiled
def best_pair(
    gap: float, warm: FloatArray, enough: float, n_r: int, tied: bool, box: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray
) -> tuple[FloatArray, float, float, float]:  # fmt: skip
    """Return (theta, low, high, rss) of the best pair, its midpoints `gap` apart (nan: at any distance).

    The search stops at the first pair whose sum of squares is not above `enough`.
    """
    apart = math.isnan(gap)
    start = warm.copy()
    if not apart:
        start[2] = min(max(warm[2], box[0], box[2] - gap), box[1], box[3] - gap)
        start[3] = start[2] + gap
    if tied:
        start[1] = start[0]
    theta, low, high, rss = descend(start, n_r, tied, apart, box, x, y, w)
    if rss <= enough:
        return theta, low, high, rss
    lowest, highest = dose_range(x)
    mids_r = np.linspace(lowest, highest, 5)
    mids_v = np.append(np.linspace(lowest, highest, 5), highest + 3.0) if apart else np.zeros(1)
    for mid_r in mids_r:
        for mid_v in mids_v:
            for log_slope in (-0.4, 0.9):
                start[0] = start[1] = log_slope
                start[2] = min(max(mid_r, box[0]), box[1])
                start[3] = min(max(mid_v, box[2]), box[3])
                if not apart:
                    start[2] = min(max(mid_r, box[0], box[2] - gap), box[1], box[3] - gap)
                    start[3] = start[2] + gap
                found, a, b, other = descend(start, n_r, tied, apart, box, x, y, w)
                if other < rss:
                    theta, low, high, rss = found, a, b, other
                    if rss <= enough:
                        return theta, low, high, rss
    return theta, low, high, rss


@compiled
def gap_limit(
    side: float, best: FloatArray, threshold: float, n_r: int, tied: bool, box: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray
) -> float:  # fmt: skip
    """Return the limit of the distance on one side, or nan where a midpoint reaches the end of its box below the threshold."""
    inside, theta, step = best[3] - best[2], best, _FIRST_STEP
    least, most = box[2] - box[1], box[3] - box[0]
    while True:
        outside = min(max(inside + side * step, least), most)
        found, _, _, rss = best_pair(outside, theta, threshold, n_r, tied, box, x, y, w)
        if rss > threshold:
            break
        at_end = found[3] <= box[2] or found[3] >= box[3] or found[2] <= box[0] or found[2] >= box[1]
        if at_end or not least < outside < most:
            return np.nan
        inside, theta, step = outside, found, min(step * 1.5, _LARGEST_STEP)
    for _ in range(40):
        middle = 0.5 * (inside + outside)
        found, _, _, rss = best_pair(middle, theta, threshold, n_r, tied, box, x, y, w)
        if rss > threshold:
            outside = middle
        else:
            inside, theta = middle, found
        if abs(outside - inside) < 1e-7:
            break
    return float(0.5 * (inside + outside))


@compiled_parallel
def shared_pairs(
    x: FloatArray, y: FloatArray, offsets: IntArray, fits: FloatArray, pairs: IntArray, factor: FloatArray, tied: bool
) -> FloatArray:
    """Return (pairs, 10): the best pair with common levels (and slope, where `tied`), its limits, and the best without distance.

    Arguments are as in `fold_shift.separate_pairs`; `fits` are the curves alone, where the search starts.
    """
    out = np.full((pairs.shape[0], WIDTH), np.nan)
    for k in PARALLEL(pairs.shape[0]):
        if factor[k] == factor[k]:
            r, v = pairs[k, 0], pairs[k, 1]
            x_r, x_v = x[offsets[r] : offsets[r + 1]], x[offsets[v] : offsets[v + 1]]
            both = np.concatenate((x_r, x_v))
            values = np.concatenate((y[offsets[r] : offsets[r + 1]], y[offsets[v] : offsets[v + 1]]))
            weights = np.ones(both.size)
            box = np.empty(4)
            box[0], box[1] = ends(x_r)
            box[2], box[3] = ends(x_v)
            warm = np.array([math.log(fits[r, SLOPE]), math.log(fits[v, SLOPE]), fits[r, MID], fits[v, MID]])
            theta, low, high, rss = best_pair(np.nan, warm, -1.0, x_r.size, tied, box, both, values, weights)
            threshold = rss * (1.0 + factor[k])
            out[k, LOW], out[k, HIGH], out[k, RSS] = low, high, rss
            out[k, SLOPE_R], out[k, SLOPE_V] = math.exp(theta[0]), math.exp(theta[1])
            out[k, MID_R], out[k, MID_V] = theta[2], theta[3]
            out[k, LOWER] = gap_limit(-1.0, theta, threshold, x_r.size, tied, box, both, values, weights)
            out[k, UPPER] = gap_limit(1.0, theta, threshold, x_r.size, tied, box, both, values, weights)
            _, _, _, together = best_pair(0.0, theta, -1.0, x_r.size, tied, box, both, values, weights)
            out[k, RSS_TOGETHER] = together
    return out
