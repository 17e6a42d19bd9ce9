"""Slow twins of the dose-response kernels, written from the definitions with scipy and dense grids."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import least_squares, lsq_linear, minimize
from scipy.special import expit

DECADES = 4 * np.log(10)
SLOPE_MAX, LEVEL_MAX = 50.0, 10.0


def curve(x, low, high, slope, mid):
    """Return the response at log dose x (-inf is no dose): `low` at no dose, `high` at an endless one, for slope > 0."""
    return high + (low - high) * expit(-slope * (x - mid))


def residuals(p, x, y):
    return curve(x, *p) - y


def jacobian(p, x, _y):
    low, high, slope, mid = p
    f = expit(-slope * (x - mid))
    bend = f * (1 - f)
    arm = np.where(bend > 0, x - mid, 0.0)  # no dose is infinitely far from the midpoint, and its curve is flat there
    return np.column_stack([f, 1 - f, -(low - high) * bend * arm, (low - high) * bend * slope])


def box(x):
    tested = x[np.isfinite(x)]
    return np.array([
        [-LEVEL_MAX, LEVEL_MAX],
        [-LEVEL_MAX, LEVEL_MAX],
        [-SLOPE_MAX, SLOPE_MAX],
        [tested.min() - DECADES, tested.max() + DECADES],
    ])  # fmt: skip


def best_of_starts(x, y, *, starts=40, seed=0):
    """Return the least sum of squares that bounded least squares finds from `starts` random starts in the box."""
    rng, limits = np.random.default_rng(seed), box(x)
    tested = np.sort(x[np.isfinite(x)])
    found = []
    for _ in range(starts):
        slope = rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.1), np.log(45)))
        mid = rng.uniform(tested[0] - 2, tested[-1] + 2) if rng.random() < 0.8 else rng.uniform(*limits[3])
        start = [rng.uniform(y.min() - 0.2, y.max() + 0.2), rng.uniform(y.min() - 0.2, y.max() + 0.2), slope, mid]
        found.append(descend(start, x, y, limits, most=40))
    best = sorted(found, key=lambda result: result.cost)[:3]
    return 2 * min(descend(result.x, x, y, limits, most=400).cost for result in best)


def descend(start, x, y, limits, *, most):
    inside = np.clip(start, limits[:, 0] + 1e-9, limits[:, 1] - 1e-9)
    return least_squares(
        residuals, inside, jac=jacobian, bounds=limits.T, args=(x, y), max_nfev=most, xtol=1e-12, ftol=1e-12, gtol=1e-12,
        x_scale=[1.0, 1.0, 2.0, 1.0],
    )  # fmt: skip


# ---------------------------------------------------------------- profiles


def rss_at(slopes, mid, x, y):
    """Return the least sum of squares for each slope with the midpoint held: two levels by linear least squares in their box."""
    f = expit(-np.asarray(slopes)[:, None] * (x - mid)[None, :])
    out = np.empty(len(f))
    for k, share in enumerate(f):
        design = np.column_stack([share, 1 - share])
        answer, *_ = np.linalg.lstsq(design, y, rcond=None)
        if np.abs(answer).max() > LEVEL_MAX:
            answer = lsq_linear(design, y, bounds=(-LEVEL_MAX, LEVEL_MAX), tol=1e-14).x
        out[k] = np.sum((y - design @ answer) ** 2)
    return out


def profile_rss(mid, x, y):
    """Return the least sum of squares with the midpoint held: a grid over the slope, then finer grids around its best cell."""
    low, high, best = np.log(1e-3), np.log(SLOPE_MAX), np.inf
    for points in (60, 11, 11, 11):
        grid = np.linspace(low, high, points)
        values = rss_at(np.exp(grid), mid, x, y)
        k = int(values.argmin())
        best = min(best, values[k])
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, points - 1)]
    return best


def crossing(inside, end, rss, threshold, *, step):
    """Return where `rss` first exceeds the threshold on the way from `inside` to `end`, or nan: steps, then bisection."""
    side, at = np.sign(end - inside), inside
    while True:
        outside = at + side * step
        if (outside - end) * side >= 0:
            outside = end
        if rss(outside) > threshold:
            break
        if outside == end:
            return np.nan
        at = outside
    for _ in range(22):
        middle = (at + outside) / 2
        at, outside = (at, middle) if rss(middle) > threshold else (middle, outside)
    return (at + outside) / 2


def mid_limits(mid, threshold, x, y, *, step=0.2):
    limits = box(x)[3]
    return [crossing(mid, end, partial(profile_rss, x=x, y=y), threshold, step=step) for end in limits]


@dataclass
class Through:
    """The least sum of squares of the curves that take `level` at a log dose, searched from a grid of (ln slope, mid)."""

    x: np.ndarray
    y: np.ndarray
    level: float

    def rss(self, at, ln_slope, mid):
        slope = np.exp(np.clip(ln_slope, np.log(1e-3), np.log(SLOPE_MAX)))
        low_end, high_end = box(self.x)[3]
        mid = np.clip(mid, low_end, high_end)
        q = expit(-slope * (at - mid))
        g = expit(-slope * (self.x - mid)) - q
        square = float(g @ g)
        drop = float(g @ (self.y - self.level)) / square if square > 0 else 0.0
        for edge in (q, q - 1):  # level - drop * q and level + drop * (1 - q) are the two levels
            if edge:
                ends = sorted([(self.level - LEVEL_MAX) / edge, (self.level + LEVEL_MAX) / edge])
                drop = float(np.clip(drop, *ends))
        return float(np.sum((self.y - self.level - drop * g) ** 2))

    def best(self, at):
        low_end, high_end = box(self.x)[3]
        cells = [(self.rss(at, s, m), s, m) for s in np.linspace(-3, 3.9, 14) for m in np.linspace(low_end + 5, high_end - 5, 28)]
        found = []
        for _, s, m in sorted(cells)[:3]:
            options = {"xatol": 1e-7, "fatol": 1e-13, "maxiter": 300}
            found.append(minimize(lambda p: self.rss(at, *p), [s, m], method="Nelder-Mead", options=options).fun)
        return min(found)


def through_limits(at, level, threshold, x, y, *, step=0.25):
    twin = Through(x, y, level)
    return [crossing(at, end, twin.best, threshold, step=step) for end in box(x)[3]]


# ---------------------------------------------------------------- standard errors


def numerical_errors(p, x, y, level):
    """Return the standard errors of the ln midpoint and of the log dose of `level`: numerical Jacobian, delta method."""
    p = np.asarray(p, dtype=float)

    def derivative(function):
        columns = []
        for k in range(4):
            h = 1e-5 * max(abs(p[k]), 1e-2)
            up, down = p.copy(), p.copy()
            up[k] += h
            down[k] -= h
            columns.append((function(up) - function(down)) / (2 * h))
        return np.array(columns)

    def dose_of_level(q):
        low, high, slope, mid = q
        share = (level - high) / (low - high)
        return mid + np.log((1 - share) / share) / slope

    j = derivative(lambda q: curve(x, *q))
    covariance = np.sum(residuals(p, x, y) ** 2) / (len(x) - 4) * np.linalg.inv(j @ j.T)
    gradient = derivative(dose_of_level)
    return np.sqrt(covariance[3, 3]), np.sqrt(gradient @ covariance @ gradient)


# ---------------------------------------------------------------- curves that are hard to fit


def hard_curves():
    """Yield (name, x, y) of simulated curves that defeat a single start; seeded."""
    rng = np.random.default_rng(20240607)
    ten = np.log(1000.0 / 3.0 ** np.arange(10))[::-1]
    shapes = {
        "flat": np.ones_like,
        "steep step": lambda x: curve(x, 1.0, 0.05, 30.0, ten[5] + 0.02),
        "partial dose": lambda x: np.where(x < ten[4] - 0.1, 1.0, np.where(x > ten[4] + 0.1, 0.1, 0.6)),
        "rising": lambda x: curve(x, 0.2, 1.0, 1.3, ten[6]),
        "never half": lambda x: curve(x, 1.0, 0.0, 1.0, ten[-1] + 3),
        "below at once": lambda x: curve(x, 1.0, 0.0, 1.0, ten[0] - 2),
        "shallow": lambda x: curve(x, 1.1, 0.1, 0.3, ten[4]),
        "hook": lambda x: curve(x, 1.0, 0.1, 2.0, ten[3]) + 0.3 * (x > ten[8] - 0.1),
    }  # fmt: skip
    designs = {
        "ten": ten,
        "five": np.log([1.0, 10.0, 30.0, 100.0, 1000.0]) + 1,
        "zero and triplicate": np.repeat(np.concatenate([[-np.inf], ten[1:9]]), 3),
    }
    noises = (0.02, 0.1, 0.3)
    for shape, function in shapes.items():
        for design, x in designs.items():
            for noise in noises:
                if design == "five" and noise == 0.1:
                    continue
                yield f"{shape}, {design}, noise {noise}", x, function(x) + noise * rng.standard_normal(len(x))
