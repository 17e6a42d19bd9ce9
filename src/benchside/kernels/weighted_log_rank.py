"""Weighted log-rank sums of several Fleming-Harrington weights at once, with the covariances between them."""

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.survival import block_starts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@compiled
def weighted_log_rank_sums(
    time: Floats, event: Integers, group: Integers, stratum: Integers, n_groups: int, rho: Floats, gamma: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return weighted observed and expected events, and the covariance of their differences, summed over strata.

    Parameters
    ----------
    time, event, group, stratum
        (n,) sorted by stratum and rising time; groups are 0 .. n_groups - 1.
    rho, gamma
        (w,) exponents: an event weighs S**rho (1 - S)**gamma, S being the Kaplan-Meier curve of all groups of its
        stratum just before it.

    Returns
    -------
    Observed (w, g), expected (w, g), covariance (w, w, g, g).

    References
    ----------
    Fleming and Harrington 1991, doi:10.1002/9781118150672, section 7.4; Harrington and Fleming 1982,
    doi:10.1093/biomet/69.3.553.
    """
    w = rho.size
    observed, expected = np.zeros((w, n_groups)), np.zeros((w, n_groups))
    covariance = np.zeros((w, w, n_groups, n_groups))
    at_risk, died, weight = np.zeros(n_groups), np.zeros(n_groups), np.zeros(w)
    starts = block_starts(time, stratum)
    before = np.ones(starts.size - 1)
    stratum_end = time.size
    for block in range(starts.size - 2, -1, -1):  # the number at risk needs the end of the stratum
        first, end = starts[block], starts[block + 1]
        if end == time.size or stratum[end] != stratum[first]:
            stratum_end = end
        d = 0.0
        for i in range(first, end):
            d += event[i]
        before[block] = 1.0 - d / (stratum_end - first)
    curve = 1.0
    for block in range(starts.size - 1):  # from each block's share that survives to the curve just before it
        if block == 0 or stratum[starts[block]] != stratum[starts[block] - 1]:
            curve = 1.0
        share = before[block]
        before[block] = curve
        curve *= share
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
        for j in range(w):
            weight[j] = before[block] ** rho[j] * (1.0 - before[block]) ** gamma[j]
        spread = d * (n - d) / (n - 1.0) if n > 1.0 else 0.0
        for g in range(n_groups):
            share = at_risk[g] / n
            for j in range(w):
                observed[j, g] += weight[j] * died[g]
                expected[j, g] += weight[j] * d * share
            for h in range(n_groups):
                product = spread * share * ((1.0 if g == h else 0.0) - at_risk[h] / n)
                for j in range(w):
                    for k in range(w):
                        covariance[j, k, g, h] += weight[j] * weight[k] * product
    return observed, expected, covariance
