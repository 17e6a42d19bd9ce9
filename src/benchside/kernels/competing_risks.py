"""Competing risks: cumulative incidence with its variance, and Gray's test.

Every function takes and returns arrays. A cause is 0 for censored, 1 for the cause of interest and 2 for any other. Times that
follow one another within `TIE` are one time; a censored subject is at risk up to and including its own time.
"""

import math

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.survival import block_starts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@compiled
def cause_table(time: Floats, cause: Integers) -> tuple[Floats, Integers, Integers, Integers]:
    """Count who is at risk and who fails of which cause at every distinct time.

    Parameters
    ----------
    time, cause
        (n,) rising times, and 0, 1 (of interest) or 2 (other).

    Returns
    -------
    Distinct times, number at risk just before, events of cause 1, events of cause 2: each (k,).
    """
    starts = block_starts(time, np.zeros(time.size, np.int64))
    k = starts.size - 1
    at_risk, first, other = np.empty(k, np.int64), np.zeros(k, np.int64), np.zeros(k, np.int64)
    for block in range(k):
        at_risk[block] = time.size - starts[block]
        for i in range(starts[block], starts[block + 1]):
            first[block] += cause[i] == 1
            other[block] += cause[i] == 2
    return time[starts[:-1]], at_risk, first, other


@compiled
def aalen_johansen(at_risk: Integers, first: Integers, other: Integers) -> tuple[Floats, Floats]:
    """Return the cumulative incidence of cause 1 and its variance, as cmprsk estimates it.

    Parameters
    ----------
    at_risk, first, other
        (k,) as `cause_table` gives them.

    Returns
    -------
    Incidence F (k,) and its variance (k,).

    Notes
    -----
    A death at s moves F(t) by S(s-) / n times 1 + (F(s) - F(t)) / S(s) if it is of cause 1, and times (F(s) - F(t)) / S(s) if it
    is of another; tied deaths have the variance of draws without return. So the variance is a quadratic in F(t) whose three
    coefficients are sums over s.

    References
    ----------
    Aalen and Johansen 1978; Gray 1988, doi:10.1214/aos/1176350951.
    """
    incidence, variance = np.empty(at_risk.size), np.empty(at_risk.size)
    survival, reached = 1.0, 0.0
    constant, linear, square = 0.0, 0.0, 0.0
    for k in range(at_risk.size):
        n, d1, d2 = float(at_risk[k]), float(first[k]), float(other[k])
        after = survival * (n - d1 - d2) / n
        reached += survival * d1 / n
        inverse = 1.0 / after if after > 0.0 else 0.0
        for d, own in ((d1, 1.0), (d2, 0.0)):
            # Once nobody is left, a death of another cause no longer moves the incidence.
            if d == 0.0 or (after <= 0.0 and own == 0.0):
                continue
            spread = survival * survival * d / (n * n) * _without_return(d, n)
            at_zero = own + reached * inverse
            constant += at_zero * at_zero * spread
            linear += at_zero * inverse * spread
            square += inverse * inverse * spread
        survival = after
        incidence[k] = reached
        variance[k] = max(constant - 2.0 * reached * linear + reached * reached * square, 0.0)
    return incidence, variance


@compiled
def _without_return(d: float, n: float) -> float:
    """Return the factor that d tied deaths among n have on their variance."""
    return 1.0 - (d - 1.0) / (n - 1.0) if d > 1.0 and n > 1.0 else 1.0


def incidence_limits(incidence: Floats, variance: Floats, z: float) -> tuple[Floats, Floats]:
    """Return limits symmetric on log(-log F): (k,) each, nan where F is 0 or 1 or has no variance."""
    inside = (incidence > 0) & (incidence < 1) & (variance > 0)
    f = np.where(inside, incidence, 0.5)
    spread = z * np.sqrt(np.where(inside, variance, 0.0)) / (f * np.log(f))  # below 0, since log(f) is
    return np.where(inside, f ** np.exp(-spread), np.nan), np.where(inside, f ** np.exp(spread), np.nan)


@compiled
def gray_sums(
    time: Floats, cause: Integers, group: Integers, stratum: Integers, n_groups: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return observed and expected events of cause 1 in every group, and Gray's variance of their difference, over strata.

    Parameters
    ----------
    time, cause, group, stratum
        (n,) sorted by stratum and rising time; groups are 0 .. n_groups - 1.

    Returns
    -------
    Observed (g,), expected (g,), variance (g, g) of their difference, and how often each group was at risk at an event (g,).

    References
    ----------
    Gray 1988, doi:10.1214/aos/1176350951, with rho = 0.
    """
    observed, expected, told = np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups)
    variance = np.zeros((n_groups, n_groups))
    start = 0
    while start < time.size:
        end = start + 1
        while end < time.size and stratum[end] == stratum[start]:
            end += 1
        _gray_stratum(time[start:end], cause[start:end], group[start:end], observed, expected, told, variance)
        start = end
    return observed, expected, variance, told


@compiled
def _gray_stratum(
    time: Floats, cause: Integers, group: Integers, observed: Floats, expected: Floats, told: Floats, variance: Floats
) -> None:
    """Add one stratum to the sums.

    The excess of group i is, to first order, a sum over deaths at s in groups k of an influence: a_ik(s) for a death of cause 1,
    which also moves what a_ik still gathers after s by 1 - l_k(s); a death of another cause moves that by -l_k(s) alone. Here
    l_k(s) = (1 - F(s)) / S_k(s). The variance is the sum of the products of influences.
    """
    g = observed.size
    starts = block_starts(time, np.zeros(time.size, np.int64))
    blocks = starts.size - 1
    risk = np.zeros(g)
    for i in range(time.size):
        risk[group[i]] += 1.0
    before, after = np.ones(g), np.ones(g)  # survival free of any event, of each group
    reached = np.zeros(g)  # incidence of cause 1, of each group
    pooled = 0.0  # incidence of cause 1 if the groups are alike
    first, other = np.zeros((blocks, g)), np.zeros((blocks, g))
    spread_first, spread_other, lost = np.zeros((blocks, g)), np.zeros((blocks, g)), np.zeros((blocks, g))
    influence, gathered = np.zeros((blocks, g, g)), np.zeros((blocks, g, g))
    sum_gathered = np.zeros((g, g))
    for b in range(blocks):
        gone = np.zeros(g)
        for i in range(starts[b], starts[b + 1]):
            gone[group[i]] += 1.0
            first[b, group[i]] += cause[i] == 1
            other[b, group[i]] += cause[i] == 2
        d1 = first[b].sum()
        weight, share = np.zeros(g), np.zeros(g)
        for k in range(g):
            if risk[k] > 0.0:
                weight[k] = risk[k] / before[k]
                share[k] = weight[k] * (1.0 - reached[k])
                after[k] = before[k] * (risk[k] - first[b, k] - other[b, k]) / risk[k]
                reached[k] += before[k] * first[b, k] / risk[k]
        total = weight.sum()
        if d1 > 0.0:
            for i in range(g):
                observed[i] += first[b, i]
                expected[i] += d1 * share[i] / share.sum()
                told[i] += share[i] > 0.0
                for k in range(g):
                    influence[b, i, k] = weight[i] * ((1.0 if i == k else 0.0) - weight[k] / total)
                    sum_gathered[i, k] += influence[b, i, k] * d1 / (total * (1.0 - pooled))
            pooled += d1 / total
        for k in range(g):
            lost[b, k] = (1.0 - pooled) / after[k] if after[k] > 0.0 else 0.0
            if risk[k] > 0.0 and d1 > 0.0:
                spread_first[b, k] = before[k] * d1 / (total * risk[k]) * _without_return(d1, total * before[k])
            if other[b, k] > 0.0 and after[k] > 0.0:
                ratio = before[k] / risk[k]
                spread_other[b, k] = ratio * ratio * other[b, k] * _without_return(other[b, k], risk[k])
            before[k] = after[k]
            risk[k] -= gone[k]
        gathered[b] = sum_gathered
    for b in range(blocks):
        for k in range(g):
            if spread_first[b, k] == 0.0 and spread_other[b, k] == 0.0:
                continue
            for i in range(g):
                rest_i = sum_gathered[i, k] - gathered[b, i, k]
                own_i = influence[b, i, k] + (1.0 - lost[b, k]) * rest_i
                for j in range(g):
                    rest_j = sum_gathered[j, k] - gathered[b, j, k]
                    own_j = influence[b, j, k] + (1.0 - lost[b, k]) * rest_j
                    variance[i, j] += own_i * own_j * spread_first[b, k]
                    variance[i, j] += lost[b, k] * lost[b, k] * rest_i * rest_j * spread_other[b, k]


def gray_test(observed: Floats, expected: Floats, variance: Floats, told: Floats) -> tuple[float, int, float]:
    """Return chi-square, degrees of freedom and p of Gray's test from its sums; nan where fewer than two groups say anything."""
    kept = np.flatnonzero(told > 0)
    df = kept.size - 1
    if df < 1:
        return math.nan, 0, math.nan
    excess, part = (observed - expected)[kept[1:]], variance[np.ix_(kept[1:], kept[1:])]
    if not np.isfinite(part).all() or np.linalg.matrix_rank(part) < df:
        return math.nan, df, math.nan
    chi2 = float(excess @ np.linalg.solve(part, excess))
    from scipy.special import chdtrc  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    return chi2, df, float(chdtrc(df, chi2))
