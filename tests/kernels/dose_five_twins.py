"""Slow twins of the five-parameter and of the three-parameter kernels, written from the definitions with scipy."""

import numpy as np
from scipy.optimize import least_squares, lsq_linear, minimize
from scipy.special import expit

from tests.kernels.dose_twins import LEVEL_MAX, SLOPE_MAX, box, crossing

LOG_G = np.log([0.05, 20.0])
LOG_SLOPE = np.log([1e-3, SLOPE_MAX])


def share(x, slope, mid, g):
    """Return (1 + exp(slope (x - e))) ** -g with e such that the share is one half at `mid`."""
    e = mid - np.log(2 ** (1 / g) - 1) / slope
    return np.exp(-g * np.logaddexp(0.0, slope * (x - e)))


def curve(x, low, high, slope, mid, g):  # noqa: PLR0917  as the kernel orders them
    """Return the response; the power belongs to the upper level, so a rising curve is a falling one of the mirrored dose."""
    if low >= high:
        return high + (low - high) * share(x, slope, mid, g)
    return low + (high - low) * share(-x, slope, -mid, g)


def levels_rss(h, y):
    """Return the least sum of squares over low >= high in the box, for a given share: drop >= 0 by bounded linear least squares."""
    answer, *_ = np.linalg.lstsq(np.column_stack([h, 1 - h]), y, rcond=None)
    if answer[0] >= answer[1] and np.abs(answer).max() <= LEVEL_MAX:
        return float(np.sum((y - answer[0] * h - answer[1] * (1 - h)) ** 2))
    drop = lsq_linear(np.column_stack([h, np.ones_like(h)]), y, bounds=([0, -LEVEL_MAX], [2 * LEVEL_MAX, LEVEL_MAX]), tol=1e-14).x
    if drop.sum() <= LEVEL_MAX:
        return float(np.sum((y - drop[0] * h - drop[1]) ** 2))
    high = np.clip(np.mean((y - LEVEL_MAX * h) * (1 - h)) / np.mean((1 - h) ** 2), -LEVEL_MAX, LEVEL_MAX)
    return float(np.sum((y - LEVEL_MAX * h - high * (1 - h)) ** 2))


def best_of_starts(x, y, *, starts=60, seed=0):
    """Return the least sum of squares of bounded least squares from random starts, falling and rising."""
    rng, ends = np.random.default_rng(seed), box(x)[3]
    tested, found = np.sort(x[np.isfinite(x)]), []
    for k in range(starts):
        side = 1 if k % 2 else -1
        limits = np.array([[-LEVEL_MAX, LEVEL_MAX], [0, 2 * LEVEL_MAX], LOG_SLOPE, sorted(side * ends), LOG_G])
        start = [y.min() - rng.uniform(0, 0.2), np.ptp(y) * rng.uniform(0.7, 1.5), rng.uniform(-2, 3.5),
                 side * rng.uniform(tested[0] - 1, tested[-1] + 1), rng.uniform(-2.5, 2.5)]  # fmt: skip

        def residuals(p, side=side):
            return p[0] + p[1] * share(side * x, np.exp(p[2]), p[3], np.exp(p[4])) - y

        result = least_squares(residuals, np.clip(start, limits[:, 0] + 1e-9, limits[:, 1] - 1e-9), bounds=limits.T, max_nfev=80)
        if result.x[0] + result.x[1] <= LEVEL_MAX:
            found.append(2 * result.cost)
    return min(found)


def mid_limits(mid, threshold, x, y, *, step=0.2):
    """Return the profile limits of the midpoint of a falling curve: grid and Nelder-Mead over (ln slope, ln g) at every step."""

    def held(at):
        def rss(p):
            slope, g = np.exp(np.clip(p[0], *LOG_SLOPE)), np.exp(np.clip(p[1], *LOG_G))
            return levels_rss(share(x, slope, at, g), y)

        cells = sorted((rss((s, g)), s, g) for s in np.linspace(-3, 3.9, 12) for g in np.linspace(*LOG_G, 7))
        options = {"xatol": 1e-7, "fatol": 1e-13, "maxiter": 400}
        return min(minimize(rss, cell[1:], method="Nelder-Mead", options=options).fun for cell in cells[:2])

    return [crossing(mid, end, held, threshold, step=step) for end in box(x)[3]]


def through_limits(at, level, threshold, x, y, *, step=0.25):
    """Return the profile limits of the dose at which a falling curve takes `level`: the level left free follows from the constraint."""

    def held(place):
        def rss(p):
            slope, mid = np.exp(np.clip(p[0], *LOG_SLOPE)), np.clip(p[1], *box(x)[3])
            g = np.exp(np.clip(p[2], *LOG_G))
            away = share(x, slope, mid, g) - share(np.array([place]), slope, mid, g)[0]
            drop = max(float(away @ (y - level)) / max(float(away @ away), 1e-300), 0.0)
            return float(np.sum((y - level - drop * away) ** 2))

        starts = [(s, place + m, g) for s in (-0.5, 0.3, 1.0) for m in (-0.5, 0.0, 0.7) for g in (-1.0, 0.0, 1.0)]
        options = {"xatol": 1e-7, "fatol": 1e-13, "maxiter": 800}
        best = sorted(starts, key=rss)[:3]
        return min(minimize(rss, start, method="Nelder-Mead", options=options).fun for start in best)

    return [crossing(at, end, held, threshold, step=step) for end in box(x)[3]]


# ---------------------------------------------------------------- the three-parameter curve


def three(x, low, bottom, slope, mid):
    return bottom + (low - bottom) * expit(-slope * (x - mid))


def three_best(x, y, bottom):
    """Return the least sum of squares with one level fixed at `bottom` and the other above it, falling or rising: many starts."""
    ends, found = box(x)[3], []
    tested = x[np.isfinite(x)]
    for side in (1, -1):
        for s in (-1.0, 0.3, 1.5, 3.0):
            for mid in np.linspace(tested.min() - 1, tested.max() + 1, 7):
                limits = np.array([[bottom, LEVEL_MAX], LOG_SLOPE, ends])
                start = np.clip([max(y.max(), bottom + 0.1), s, mid], limits[:, 0] + 1e-9, limits[:, 1] - 1e-9)

                def residuals(p, side=side):
                    return three(side * x, p[0], bottom, np.exp(p[1]), side * p[2]) - y

                found.append(2 * least_squares(residuals, start, bounds=limits.T, max_nfev=200, xtol=1e-12, ftol=1e-12).cost)
    return min(found)


def three_mid_limits(mid, threshold, x, y, bottom):
    def held(at):
        def rss(ln_slope):
            f = expit(-np.exp(ln_slope) * (x - at))
            low = np.clip(f @ (y - bottom) / (f @ f) + bottom, bottom, LEVEL_MAX)
            return float(np.sum((y - bottom - (low - bottom) * f) ** 2))

        grid = np.linspace(*LOG_SLOPE, 60)
        for _ in range(4):
            k = int(np.argmin([rss(s) for s in grid]))
            grid = np.linspace(grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)], 13)
        return min(rss(s) for s in grid)

    return [crossing(mid, end, held, threshold, step=0.2) for end in box(x)[3]]


def three_through_limits(at, level, threshold, x, y, *, bottom):
    def held(place):
        def rss(p):
            slope, low = np.exp(np.clip(p[0], *LOG_SLOPE)), p[1]
            q = (level - bottom) / (low - bottom) if low > level else 1.0
            if q >= 1.0 or low > LEVEL_MAX:
                return 1e9
            mid = place - np.log((1 - q) / q) / slope
            return (
                float(np.sum((y - three(x, low, bottom, slope, mid)) ** 2))
                if np.ptp(np.append(box(x)[3], mid)) <= np.ptp(box(x)[3])
                else 1e9
            )

        options = {"xatol": 1e-8, "fatol": 1e-14, "maxiter": 800}
        starts = sorted(((s, low) for s in np.linspace(-2, 3, 11) for low in (level + 0.05, level + 0.3, 1.0, 1.2)), key=rss)[:3]
        return min(minimize(rss, start, method="Nelder-Mead", options=options).fun for start in starts)

    return [crossing(at, end, held, threshold, step=0.2) for end in box(x)[3]]


def numerical_errors(predict, p, free, at_level, *, x, y):
    """Return standard errors of the midpoint (place 3 of p) and of `at_level(p)`, by numerical Jacobian over the free places."""
    p = np.asarray(p, dtype=float)

    def derivative(function):
        columns = []
        for k in free:
            step = 1e-5 * max(abs(p[k]), 1e-2)
            up, down = p.copy(), p.copy()
            up[k] += step
            down[k] -= step
            columns.append((function(up) - function(down)) / (2 * step))
        return np.array(columns)

    j = derivative(lambda q: predict(x, *q))
    covariance = np.sum((predict(x, *p) - y) ** 2) / (len(x) - len(free)) * np.linalg.inv(j @ j.T)
    gradient = derivative(at_level)
    place = list(free).index(3)
    return np.sqrt(covariance[place, place]), np.sqrt(gradient @ covariance @ gradient)
