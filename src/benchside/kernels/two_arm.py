"""Many two-arm trials at once: log-rank test and Cox hazard ratio (Efron's ties) from counts at the event times.

A trial of two arms is, for both answers, no more than four counts at each distinct event time. Time, event and arm of a
subject are packed into one integer that sorts like the time, so a trial costs one sort of plain integers and one pass.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.survival import TIE

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BLOCK: Final = 4096
"""Trials packed and sorted together: bounds the memory beside the input, and does not touch the answers."""

MOST_STEPS: Final = 100
STEP_TOLERANCE: Final = 1e-11
FARTHEST_STEP: Final = 3.0


def compare_two_arms(time: Floats, event: Integers, arm: Integers) -> tuple[Floats, Floats, Floats, Floats]:
    """Compare the two arms of every trial.

    Parameters
    ----------
    time
        (trials, patients) times of 0 or more, finite and below 1e5 (the packing rounds to the last two bits, which
        stays under `TIE` up to there).
    event, arm
        (trials, patients) of 0 and 1; arm 0 is the control.

    Returns
    -------
    chi2, p, log_hr, se
        Each (trials,). chi2 and p are nan where no event happened while both arms were at risk; log_hr and se are
        nan where the hazard ratio has no finite estimate, for example where an arm has no event.

    References
    ----------
    Efron 1977, doi:10.1080/01621459.1977.10480613 (ties); Mantel 1966 (log-rank).
    """
    trials = time.shape[0]
    found = np.empty((4, trials))
    for start in range(0, trials, BLOCK):
        rows = slice(start, min(start + BLOCK, trials))
        keys = _packed(np.ascontiguousarray(time[rows]), event[rows], arm[rows])
        keys.sort(axis=1)
        _compare_sorted(keys, keys.view(np.float64), found[:, rows])
    return found[0], found[1], found[2], found[3]


def _packed(time: Floats, event: Integers, arm: Integers) -> Integers:
    # Doubles of 0 or more sort like their bits; adding 0.0 turns -0.0, whose bits are negative, into 0.0.
    keys = (time + 0.0).view(np.int64)
    keys &= ~np.int64(3)
    keys |= event.astype(np.int64, copy=False) << 1
    keys |= arm.astype(np.int64, copy=False)
    return keys


@compiled_parallel
def _compare_sorted(keys: Integers, time: Floats, found: Floats) -> None:
    for trial in PARALLEL(keys.shape[0]):
        counts = np.empty((keys.shape[1], 4))
        k = _event_counts(keys[trial], time[trial], counts)
        chi2, start = _log_rank(counts, k)
        log_hr, se = _cox(counts, k, start)
        found[0, trial] = chi2
        found[1, trial] = math.erfc(math.sqrt(0.5 * chi2))  # the upper tail of chi-square with 1 degree of freedom
        found[2, trial] = log_hr
        found[3, trial] = se


@compiled
def _event_counts(keys: Integers, time: Floats, counts: Floats) -> int:
    """Fill a row of counts for each distinct event time, and return how many there are.

    A row is (control at risk, treated at risk, control events, treated events).
    """
    n0 = n1 = 0
    k = 0
    i = keys.size - 1
    while i >= 0:
        d0 = d1 = 0
        while True:
            treated = keys[i] & 1
            died = (keys[i] >> 1) & 1
            n1 += treated
            n0 += 1 - treated
            d1 += treated & died
            d0 += (1 - treated) & died
            i -= 1
            if i < 0 or time[i + 1] - time[i] > TIE:
                break
        if d0 + d1 > 0:
            counts[k, 0], counts[k, 1], counts[k, 2], counts[k, 3] = n0, n1, d0, d1
            k += 1
    return k


@compiled
def _log_rank(counts: Floats, k: int) -> tuple[float, float]:
    """Return chi-square and Peto's one-step log hazard ratio, where the Cox iteration starts."""
    excess = variance = 0.0
    for j in range(k):
        n0, n1, d = counts[j, 0], counts[j, 1], counts[j, 2] + counts[j, 3]
        n = n0 + n1
        excess += counts[j, 3] - d * n1 / n
        if n > 1.0:
            variance += d * n0 * n1 * (n - d) / (n * n * (n - 1.0))
    if variance <= 0.0:
        return math.nan, 0.0
    return excess * excess / variance, min(max(excess / variance, -FARTHEST_STEP), FARTHEST_STEP)


@compiled
def _score(counts: Floats, k: int, beta: float) -> tuple[float, float]:
    """Return score and information of the two-arm Efron likelihood at a log hazard ratio."""
    ratio = math.exp(beta)
    score = information = 0.0
    for j in range(k):
        n0, n1, d0, d1 = counts[j, 0], counts[j, 1], counts[j, 2], counts[j, 3]
        score += d1
        d = d0 + d1
        for step in range(int(d)):
            share = step / d
            treated = (n1 - share * d1) * ratio
            p = treated / (n0 - share * d0 + treated)
            score -= p
            information += p * (1.0 - p)
    return score, information


@compiled
def _cox(counts: Floats, k: int, start: float) -> tuple[float, float]:
    """Return log hazard ratio and its standard error, (nan, nan) where the likelihood has no maximum.

    The score falls steadily. It has a root exactly when, while both arms are at risk, each of them has an event; a
    bracket around that root takes over where a Newton step would leave it.
    """
    control = treated = 0.0
    for j in range(k):
        if counts[j, 0] > 0.0 and counts[j, 1] > 0.0:
            control += counts[j, 2]
            treated += counts[j, 3]
    if control == 0.0 or treated == 0.0:
        return math.nan, math.nan
    beta, low, high = start, -math.inf, math.inf
    for _ in range(MOST_STEPS):
        score, information = _score(counts, k, beta)
        if score > 0.0:
            low = beta
        else:
            high = beta
        step = score / information if information > 0.0 else math.copysign(FARTHEST_STEP, score)
        after = beta + min(max(step, -FARTHEST_STEP), FARTHEST_STEP)
        if not low <= after <= high:
            after = 0.5 * (low + high)
        moved = abs(after - beta)
        beta = after
        if moved <= STEP_TOLERANCE * max(1.0, abs(beta)):
            break
    _, information = _score(counts, k, beta)
    return beta, 1.0 / math.sqrt(information)
