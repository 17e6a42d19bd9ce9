"""Likelihood of one clone's allele fractions over time: log-linear, with a spread between samples and left-censored values.

log v(t) = a + r t + e, e ~ N(0, sigma^2 + m), m the variance of counting reads. A sample below the detection limit adds the
probability of lying below it. For a given sigma the log-likelihood is concave in (a, r), so Newton finds its top; sigma is searched.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_SD: Final = 1e-3
MOST_SD: Final = 6.0
"""Ends of the search for the spread between samples, in units of ln v."""

PLACES: Final = 15
HALVINGS: Final = 40
"""Places of the grid over the spread, and sections of its best interval."""

STEEPEST: Final = 5.0
"""Growth a day beyond which a limit counts as open."""


@compiled
def log_below(z: float) -> tuple[float, float]:
    """Return ln P(Z < z) of a standard normal, and its derivative, also far below zero."""
    if z > -30.0:
        below = 0.5 * math.erfc(-z / math.sqrt(2.0))
        return math.log(below), math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / below
    t = 1.0 / (z * z)  # far out: Mills' ratio as a series, to 105 t^4, below 2e-10 here
    series = 1.0 - t * (1.0 - t * (3.0 - 15.0 * t))
    return -0.5 * z * z - math.log(-z) - 0.5 * math.log(2.0 * math.pi) + math.log(series), -z / series


@compiled
def likelihood(time: Floats, value: Floats, extra: Floats, below: Flags, a: float, r: float, sigma: float) -> Floats:
    """Return (6,) the log-likelihood, its gradient in (a, r), and the second derivatives aa, ar, rr.

    time (n,) days; value (n,) ln v, or ln of the detection limit; extra (n,) variance of counting; below (n,) whether below the limit.
    """
    out = np.zeros(6)
    for i in range(time.size):
        s2 = sigma * sigma + extra[i]
        s = math.sqrt(s2)
        z = (value[i] - a - r * time[i]) / s
        if below[i]:
            log_p, ratio = log_below(z)
            out[0] += log_p
            slope, bend = -ratio / s, -ratio * (ratio + z) / s2
        else:
            out[0] += -0.5 * z * z - math.log(s) - 0.5 * math.log(2.0 * math.pi)
            slope, bend = z / s, -1.0 / s2
        out[1] += slope
        out[2] += slope * time[i]
        out[3] += bend
        out[4] += bend * time[i]
        out[5] += bend * time[i] * time[i]
    return out


@compiled
def climbed(time: Floats, value: Floats, extra: Floats, below: Flags, start: Floats, sigma: float, is_free: bool) -> Floats:
    """Return (3,) a, r and the log-likelihood at the top for a given sigma; r stays where it is unless `is_free`."""
    a, r, step_a, step_r, share = start[0], start[1], 0.0, 0.0, 1.0
    here, is_begun = np.zeros(6), False
    for _ in range(300):
        there = likelihood(time, value, extra, below, a + share * step_a, r + share * step_r, sigma)
        if is_begun and not there[0] >= here[0] - 1e-12 and share > 1e-8:
            share *= 0.5
            continue
        a, r = a + share * step_a, r + share * step_r
        is_done = is_begun and abs(there[0] - here[0]) < 1e-12 and abs(step_a) < 1e-9 + 1e-9 * abs(a)
        here, is_begun, share = there, True, 1.0
        if is_done:
            break
        det = here[3] * here[5] - here[4] * here[4]
        if is_free and det > 1e-14 * abs(here[3] * here[5]):
            step_a = -(here[1] * here[5] - here[2] * here[4]) / det
            step_r = -(here[2] * here[3] - here[1] * here[4]) / det
        else:
            step_a, step_r = -here[1] / min(here[3], -1e-12), 0.0
    return np.array([a, r, here[0]])


@compiled
def best(time: Floats, value: Floats, extra: Floats, below: Flags, start: Floats, known_sd: float, is_free: bool) -> Floats:
    """Return (4,) a, r, sigma and the log-likelihood at the top; sigma is `known_sd` where that is 0 or more."""
    if known_sd >= 0.0:
        top = climbed(time, value, extra, below, start, max(known_sd, LEAST_SD), is_free)
        return np.array([top[0], top[1], max(known_sd, LEAST_SD), top[2]])
    low, high = math.log(LEAST_SD), math.log(MOST_SD)
    step = (high - low) / (PLACES - 1)
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    top = np.array([start[0], start[1], low, -math.inf])
    left, right, one, two, at_one, at_two, is_one = low, high, low, low, -math.inf, -math.inf, True
    for k in range(PLACES + HALVINGS + 2):  # a grid, then golden sections about its best; one call, so that it compiles once
        if k == PLACES:
            left, right = max(low, top[2] - step), min(high, top[2] + step)
            one, two, is_one = right - golden * (right - left), left + golden * (right - left), True
        elif k == PLACES + 1:
            is_one = False
        elif k > PLACES + 1 and at_one >= at_two:
            right, two, at_two, is_one = two, one, at_one, True
            one = right - golden * (right - left)
        elif k > PLACES + 1:
            left, one, at_one, is_one = one, two, at_two, False
            two = left + golden * (right - left)
        here = low + k * step if k < PLACES else one if is_one else two
        found = climbed(time, value, extra, below, start if k < PLACES else top, math.exp(here), is_free)
        if is_one:
            at_one = found[2]
        else:
            at_two = found[2]
        if found[2] > top[3]:
            top[0], top[1], top[2], top[3] = found[0], found[1], here, found[2]
    top[2] = math.exp(top[2])
    return top


@compiled
def limit(
    time: Floats, value: Floats, extra: Floats, below: Flags, top: Floats, known_sd: float, drop: float, side: float
) -> float:
    """Return the rate at which the profile likelihood has fallen by `drop` on one side (-1, 1); nan where it never does."""
    reach = 0.1 / (time.max() - time.min())
    inside, outside, is_bracketed = top[1], top[1], False
    start = top[:2].copy()
    for _ in range(200):  # outwards by doubling until the fall is enough, then halving
        if is_bracketed and abs(outside - inside) < 1e-10 + 1e-9 * abs(outside):
            break
        here = 0.5 * (inside + outside) if is_bracketed else top[1] + side * reach
        if abs(here) > STEEPEST:
            return math.nan
        start[0], start[1] = top[0], here
        is_beyond = top[3] - best(time, value, extra, below, start, known_sd, False)[3] > drop
        if is_beyond:
            outside, is_bracketed = here, True
        else:
            inside = here
        if not is_bracketed:
            reach *= 2.0
    rate: float = 0.5 * (inside + outside)
    return rate


@compiled
def fit_clone(time: Floats, value: Floats, extra: Floats, below: Flags, known_sd: float, drop: float) -> Floats:
    """Return (5,) a, r, sigma and the limits of r."""
    out = np.full(5, math.nan)
    start = np.array([value.mean(), 0.0])
    top = best(time, value, extra, below, start, known_sd, True)
    out[:3] = top[:3]
    if drop > 0.0:
        for k in range(2):
            out[3 + k] = limit(time, value, extra, below, top, known_sd, drop, 2.0 * k - 1.0)
    return out
