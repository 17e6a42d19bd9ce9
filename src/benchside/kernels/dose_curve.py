"""The log-logistic curve itself: its share, its best levels, its sum of squares, and the derivatives of that."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SLOPE_MAX: Final = 50.0
SLOPE_MIN: Final = 1e-3
LEVEL_MAX: Final = 10.0
FREE: Final = np.array([-LEVEL_MAX, LEVEL_MAX, -LEVEL_MAX, LEVEL_MAX])
"""Both levels free within the box: least and greatest low, least and greatest high."""

DECADES_BEYOND: Final = 4.0
BEYOND: Final = DECADES_BEYOND * math.log(10.0)


LOW: Final = 0
HIGH: Final = 1
SLOPE: Final = 2
MID: Final = 3
RSS: Final = 4
FITTED: Final = 5
"""Columns of a fit: level at no dose, level at an endless dose, slope > 0, ln midpoint, residual sum of squares, 1 if fitted."""
FIT_WIDTH: Final = 6


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
def dose_range(x: FloatArray) -> tuple[float, float]:
    """Return the lowest and highest log dose, zero doses (-inf) left out; (inf, -inf) where there is none."""
    lowest, highest = np.inf, -np.inf
    for i in range(x.size):
        if x[i] > -np.inf:
            lowest, highest = min(lowest, x[i]), max(highest, x[i])
    return lowest, highest
