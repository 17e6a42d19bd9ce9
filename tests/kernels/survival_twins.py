"""The definitions, written to be read: slow twins of the survival kernels, and the patients hypothesis draws."""

import itertools
import math

import numpy as np
from hypothesis import strategies as st


def slow_curve(time, event, at):
    """Kaplan-Meier at one time: the product over event times of the share that survives it."""
    survival = 1.0
    for t in sorted({t for t, e in zip(time, event, strict=True) if e and t <= at}):
        at_risk = sum(u >= t for u in time)
        died = sum(u == t and e for u, e in zip(time, event, strict=True))
        survival *= 1 - died / at_risk
    return survival


def slow_log_rank(time, event, arm, stratum=None):
    """Observed less expected in arm 1, and its hypergeometric variance."""
    stratum = [0] * len(time) if stratum is None else stratum
    rows = list(zip(time, event, arm, stratum, strict=True))
    excess = variance = 0.0
    for s, t in sorted({(row[3], row[0]) for row in rows if row[1]}):
        risk = [row for row in rows if row[3] == s and row[0] >= t]
        dead = [row for row in risk if row[0] == t and row[1]]
        n, d, n1 = len(risk), len(dead), sum(row[2] for row in risk)
        excess += sum(row[2] for row in dead) - d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    return excess, variance


def slow_log_likelihood(beta, x, time, event, stratum, *, efron):
    """Cox's log partial likelihood, death by death; Efron weighs the tied deaths down one after another."""
    risk = np.exp(x @ beta)
    total = 0.0
    for s, t in sorted({(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}):
        at_risk = (stratum == s) & (time >= t)
        dead = (stratum == s) & (time == t) & (event == 1)
        d = int(dead.sum())
        total += float((x[dead] @ beta).sum())
        for step in range(d):
            total -= math.log(risk[at_risk].sum() - (step / d if efron else 0.0) * risk[dead].sum())
    return total


def numeric_gradient(function, beta, width=1e-5):
    """Central differences."""
    steps = np.eye(len(beta)) * width
    return np.array([(function(beta + step) - function(beta - step)) / (2 * width) for step in steps])


def numeric_hessian(function, beta, width=1e-3):
    """Second differences."""
    size = len(beta)
    steps = np.eye(size) * width
    found = np.empty((size, size))
    for a, b in itertools.product(range(size), repeat=2):
        up, down = steps[a] + steps[b], steps[a] - steps[b]
        found[a, b] = (function(beta + up) - function(beta + down) - function(beta - down) + function(beta - up)) / (4 * width**2)
    return found


@st.composite
def patients(draw, least=2, most=30):
    """Times on a grid (so that they tie), events and arms of a small trial."""
    n = draw(st.integers(least, most))
    time = draw(st.lists(st.integers(0, 40).map(lambda k: k / 4), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    arm = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return np.array(time), np.array(event, dtype=np.int64), np.array(arm, dtype=np.int64)
