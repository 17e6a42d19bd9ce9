"""Survival of right-censored subjects: the table at risk, the Kaplan-Meier curve and its limits, the log-rank test.

Every function takes and returns arrays. Times that follow one another within `TIE` are one time; a censored subject
is at risk up to and including its own time.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TIE: Final = 1e-9
"""Times that agree to this are tied, in the unit of the times."""

HALF_TOLERANCE: Final = math.sqrt(float(np.finfo(np.float64).eps))
"""How near to one half a curve counts as one half: a product that is 1/2 on paper need not be in doubles."""

PLAIN: Final = 0
LOG: Final = 1
LOG_LOG: Final = 2


@compiled
def block_starts(time: Floats, stratum: Integers) -> Integers:
    """Return where each distinct time of each stratum starts.

    Parameters
    ----------
    time, stratum
        (n,) times and stratum codes, sorted by stratum and, within it, by rising time.

    Returns
    -------
    (blocks + 1,) index of the first subject of every block of tied times; the last entry is n.
    """
    n = time.size
    starts = np.empty(n + 1, np.int64)
    count = 0
    for i in range(n):
        if i == 0 or stratum[i] != stratum[i - 1] or time[i] - time[i - 1] > TIE:
            starts[count] = i
            count += 1
    starts[count] = n
    return starts[: count + 1].copy()


@compiled
def risk_table(time: Floats, event: Integers) -> tuple[Floats, Integers, Integers, Integers]:
    """Count who is at risk, has the event and is censored at every distinct time.

    Parameters
    ----------
    time, event
        (n,) rising times, and 1 for an event or 0 for a censored subject.

    Returns
    -------
    Distinct times, number at risk just before, events, censored: each (k,).
    """
    starts = block_starts(time, np.zeros(time.size, np.int64))
    k = starts.size - 1
    n_risk, n_event, n_censor = np.empty(k, np.int64), np.zeros(k, np.int64), np.zeros(k, np.int64)
    for block in range(k):
        n_risk[block] = time.size - starts[block]
        for i in range(starts[block], starts[block + 1]):
            n_event[block] += event[i]
        n_censor[block] = starts[block + 1] - starts[block] - n_event[block]
    return time[starts[:-1]], n_risk, n_event, n_censor


@compiled
def kaplan_meier(n_risk: Integers, n_event: Integers) -> tuple[Floats, Floats]:
    """Return the Kaplan-Meier curve and Greenwood's variance of its logarithm.

    Parameters
    ----------
    n_risk, n_event
        (k,) at risk and events at the distinct times.

    Returns
    -------
    Survival (k,), and the sum of d / (n (n - d)) (k,): infinite from the time the curve is 0.

    References
    ----------
    Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452.
    """
    survival, variance = np.empty(n_risk.size), np.empty(n_risk.size)
    curve, total = 1.0, 0.0
    for k in range(n_risk.size):
        n, d = float(n_risk[k]), float(n_event[k])
        curve *= (n - d) / n
        total += d / (n * (n - d)) if d < n else np.inf
        survival[k], variance[k] = curve, total
    return survival, variance


def curve_limits(survival: Floats, log_variance: Floats, z: float, kind: int) -> tuple[Floats, Floats]:
    """Return pointwise confidence limits of a survival curve.

    Parameters
    ----------
    survival, log_variance
        (k,) as `kaplan_meier` gives them.
    z
        Normal quantile of the two-sided level, for example 1.96.
    kind
        `PLAIN`, `LOG` or `LOG_LOG`: the scale on which the limits are symmetric.

    Returns
    -------
    Lower and upper limits (k,), cut at 0 and 1 where the scale allows beyond; nan where the curve is 0 or 1 (there is
    no variance).

    References
    ----------
    Kalbfleisch and Prentice 2002, doi:10.1002/9781118032985, section 1.4.
    """
    inside = (log_variance > 0) & np.isfinite(log_variance)
    s = np.where(inside, survival, 0.5)
    half = z * np.sqrt(np.where(inside, log_variance, 0.0))
    if kind == PLAIN:
        lower, upper = np.maximum(s - half * s, 0.0), np.minimum(s + half * s, 1.0)
    elif kind == LOG:
        lower, upper = s * np.exp(-half), np.minimum(s * np.exp(half), 1.0)
    else:
        spread = half / np.log(s)  # below 0, since log(s) is
        lower, upper = s ** np.exp(-spread), s ** np.exp(spread)
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


@compiled
def crossing_time(time: Floats, curve: Floats, level: float, terminal_is_reached: bool) -> float:
    """Return when a falling step curve reaches a level: its first time at or below; nan where it never does.

    Parameters
    ----------
    time, curve
        (k,) step times and the value from each on; nan values are passed over.
    level
        The level, for example 0.5 for the median.
    terminal_is_reached
        What a curve that ends flat at exactly the level gives: True, the time it was reached; False, nan.

    Notes
    -----
    A flat stretch at exactly the level gives its midpoint: halfway between reaching the level and falling below it.
    """
    for k in range(time.size):
        if not curve[k] < level + HALF_TOLERANCE:  # also passes over nan
            continue
        if abs(curve[k] - level) >= HALF_TOLERANCE:
            return float(time[k])
        for later in range(k + 1, time.size):
            if curve[later] < curve[k] - HALF_TOLERANCE:
                return float(0.5 * (time[k] + time[later]))
        return float(time[k]) if terminal_is_reached else math.nan
    return math.nan


@compiled
def log_rank_sums(
    time: Floats, event: Integers, group: Integers, stratum: Integers, n_groups: int
) -> tuple[Floats, Floats, Floats]:
    """Return observed and expected events of every group, and the variance of their difference, summed over strata.

    Parameters
    ----------
    time, event, group, stratum
        (n,) sorted by stratum and rising time; groups are 0 .. n_groups - 1.

    Returns
    -------
    Observed (g,), expected (g,), hypergeometric variance (g, g).

    References
    ----------
    Mantel 1966; Peto and Peto 1972, doi:10.2307/2344317.
    """
    observed, expected, variance = np.zeros(n_groups), np.zeros(n_groups), np.zeros((n_groups, n_groups))
    at_risk, died = np.zeros(n_groups), np.zeros(n_groups)
    starts = block_starts(time, stratum)
    for block in range(starts.size - 2, -1, -1):
        first, end = starts[block], starts[block + 1]
        if end == time.size or stratum[end] != stratum[first]:
            at_risk[:] = 0.0
        died[:] = 0.0
        for i in range(first, end):
            at_risk[group[i]] += 1.0
            died[group[i]] += event[i]
        n, d = at_risk.sum(), died.sum()
        if d == 0.0:
            continue
        spread = d * (n - d) / (n - 1.0) if n > 1.0 else 0.0
        for g in range(n_groups):
            share = at_risk[g] / n
            observed[g] += died[g]
            expected[g] += d * share
            for h in range(n_groups):
                variance[g, h] += spread * share * ((1.0 if g == h else 0.0) - at_risk[h] / n)
    return observed, expected, variance


def log_rank_test(observed: Floats, expected: Floats, variance: Floats) -> tuple[float, int, float]:
    """Return chi-square, degrees of freedom and p of the log-rank test from its sums.

    Groups that were never at risk when an event happened say nothing and are left out; chi-square and p are nan where
    fewer than two groups are left.
    """
    told = np.flatnonzero(expected > 0)
    df = told.size - 1
    if df < 1:
        return math.nan, 0, math.nan
    excess = (observed - expected)[told[1:]]
    part = variance[np.ix_(told[1:], told[1:])]
    if np.linalg.matrix_rank(part) < df:  # two groups never at risk together: nothing compares them
        return math.nan, df, math.nan
    chi2 = float(excess @ np.linalg.solve(part, excess))
    from scipy.special import chdtrc  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    return chi2, df, float(chdtrc(df, chi2))
