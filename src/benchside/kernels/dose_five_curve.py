"""The five-parameter curve itself: its share, its best levels, its sum of squares, and the derivatives of that."""

import math
from typing import Final

import numpy as np

from benchside.kernels._jit import compiled
from benchside.kernels.dose_curve import FloatArray, levels

ASYMMETRY: Final = 6
"""Column of the asymmetry g, after those of the four-parameter fit."""
FIVE_WIDTH: Final = 7

ASYMMETRY_MIN: Final = 0.05
ASYMMETRY_MAX: Final = 20.0


@compiled
def half_shift(g: float) -> float:
    """Return k = ln(2 ** (1 / g) - 1), which puts the half of (1 + exp(u + k)) ** -g at u = 0."""
    return math.log(math.expm1(math.log(2.0) / g))


@compiled
def soft(u: float) -> float:
    """Return ln(1 + exp(u)) for any u, infinite ones too."""
    return u if u > 36.0 else math.log1p(math.exp(u))


@compiled
def five_left(slope: float, mid: float, g: float, x: float) -> float:
    """Return h, the share of the way down that is still left at log dose x; 1 at no dose (x = -inf), 1/2 at `mid`."""
    return math.exp(-g * soft(slope * (x - mid) + half_shift(g)))


@compiled
def ordered_levels(sum_w: float, mean_h: float, mean_y: float, var_h: float, cov: float, box: FloatArray) -> tuple[float, float]:
    """Return the best (low, high) with low >= high in the box: where the free ones are out of order, the best is a flat line."""
    low, high = levels(sum_w, mean_h, mean_y, var_h, cov, box)
    if low < high:
        flat = min(max(mean_y, box[0], box[2]), box[1], box[3])
        return flat, flat
    return low, high


@compiled
def settle_five(
    log_slope: float, mid: float, log_g: float, x: FloatArray, y: FloatArray, w: FloatArray, box: FloatArray, h: FloatArray
) -> tuple[float, float, float]:
    """Return (low, high, rss) at (ln slope, mid, ln g) with the levels at their best; `h` is left filled."""
    slope, g = math.exp(log_slope), math.exp(log_g)
    k = half_shift(g)
    sum_w = sum_h = sum_y = 0.0
    for i in range(x.size):
        h[i] = math.exp(-g * soft(slope * (x[i] - mid) + k))
        sum_w += w[i]
        sum_h += w[i] * h[i]
        sum_y += w[i] * y[i]
    mean_h, mean_y = sum_h / sum_w, sum_y / sum_w
    var_h = cov = 0.0
    for i in range(x.size):
        above = h[i] - mean_h
        var_h += w[i] * above * above
        cov += w[i] * above * (y[i] - mean_y)
    low, high = ordered_levels(sum_w, mean_h, mean_y, var_h, cov, box)
    rss = 0.0
    for i in range(x.size):
        r = y[i] - low * h[i] - high * (1.0 - h[i])
        rss += w[i] * r * r
    return low, high, rss


@compiled
def half_slopes(log_g: float) -> tuple[float, float]:
    """Return the first and second derivative of k by ln g."""
    a = math.log(2.0) * math.exp(-log_g)
    left = -math.expm1(-a)
    return -a / left, a * (left - a * math.exp(-a)) / (left * left)


@compiled
def log_share_derivatives(log_slope: float, mid: float, log_g: float, x: float, first: FloatArray, second: FloatArray) -> float:
    """Write the derivatives of ln h by (ln slope, mid, ln g) to `first` (3,) and `second` (3, 3); return h, 0 where all vanish."""
    slope, g = math.exp(log_slope), math.exp(log_g)
    v = slope * (x - mid)
    u = v + half_shift(g)
    if u > 700.0 or u < -700.0:
        return 1.0 if u < 0.0 else 0.0
    turn = soft(u)
    f = math.exp(-turn)
    k1, k2 = half_slopes(log_g)
    q, q_u = -g * turn, -g * (1.0 - f)
    q_uu = q_u * f
    first[0], first[1], first[2] = q_u * v, -q_u * slope, q_u * k1 + q
    second[0, 0] = q_uu * v * v + q_u * v
    second[0, 1] = -slope * (q_uu * v + q_u)
    second[1, 1] = q_uu * slope * slope
    second[0, 2] = q_uu * v * k1 + q_u * v
    second[1, 2] = -slope * (q_uu * k1 + q_u)
    second[2, 2] = q_uu * k1 * k1 + q_u * k2 + 2.0 * q_u * k1 + q
    second[1, 0], second[2, 0], second[2, 1] = second[0, 1], second[0, 2], second[1, 2]
    return math.exp(q)


@compiled
def derivatives_five(
    log_slope: float, mid: float, log_g: float, low: float, high: float, x: FloatArray, y: FloatArray, w: FloatArray,
    box: FloatArray, gradient: FloatArray, exact: FloatArray, newton: FloatArray,
) -> None:  # fmt: skip
    """Write half the gradient (3,), the exact and the Gauss-Newton reduced Hessians (3, 3) of the sum of squares."""
    drop = low - high
    free_low, free_high = box[0] < low < box[1], box[2] < high < box[3]
    gradient[:], exact[:, :], newton[:, :] = 0.0, 0.0, 0.0
    first, second = np.zeros(3), np.zeros((3, 3))
    cross = np.zeros((2, 2, 3))  # of the two levels with the three parameters: exact, Gauss-Newton
    s_hh = s_hg = s_gg = 0.0
    for i in range(x.size):
        first[:], second[:, :] = 0.0, 0.0
        h = log_share_derivatives(log_slope, mid, log_g, x[i], first, second)
        r = y[i] - low * h - high * (1.0 - h)
        s_hh += w[i] * h * h
        s_hg += w[i] * h * (1.0 - h)
        s_gg += w[i] * (1.0 - h) * (1.0 - h)
        for a in range(3):
            d_a = h * first[a]
            gradient[a] -= w[i] * r * drop * d_a
            cross[1, 0, a] += w[i] * drop * h * d_a
            cross[1, 1, a] += w[i] * drop * (1.0 - h) * d_a
            cross[0, 0, a] -= w[i] * r * d_a
            cross[0, 1, a] += w[i] * r * d_a
            for b in range(a, 3):
                newton[a, b] += w[i] * drop * drop * d_a * h * first[b]
                exact[a, b] -= w[i] * r * drop * h * (second[a, b] + first[a] * first[b])
    for a in range(3):
        for b in range(a, 3):
            exact[a, b] += newton[a, b]
        for level in range(2):
            cross[0, level, a] += cross[1, level, a]
    det = s_hh * s_gg - s_hg * s_hg
    for a in range(3):
        for b in range(a, 3):
            for kind in range(2):
                l_a, l_b, k_a, k_b = cross[kind, 0, a], cross[kind, 0, b], cross[kind, 1, a], cross[kind, 1, b]
                less = 0.0
                if free_low and free_high:
                    if det > 1e-13 * s_hh * s_gg:
                        less = (l_a * l_b * s_gg - (l_a * k_b + k_a * l_b) * s_hg + k_a * k_b * s_hh) / det
                elif free_low and s_hh > 0.0:
                    less = l_a * l_b / s_hh
                elif free_high and s_gg > 0.0:
                    less = k_a * k_b / s_gg
                if kind == 0:
                    exact[a, b] -= less
                else:
                    newton[a, b] -= less
            exact[b, a], newton[b, a] = exact[a, b], newton[a, b]
