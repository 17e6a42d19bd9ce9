"""Concordance of a risk score with the order of events (Harrell's C), with its infinitesimal jackknife standard error."""

import math

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.risk_order import RiskOrder

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def concordance(score: Floats, order: RiskOrder) -> tuple[float, float]:
    """Return the share of comparable pairs in which the higher score had the earlier event, and its standard error.

    Parameters
    ----------
    score
        (n,) risk scores, in the order of `order`; equal scores count one half.
    order
        Subjects without late entry. A pair is comparable within a stratum where the earlier of two times is an event; a
        subject censored at the time of an event outlived it. Two events at one time are not compared.

    Returns
    -------
    Concordance and standard error; nan where no pair is comparable.

    References
    ----------
    Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030; Therneau and Atkinson, vignette "Concordance" of R's survival.
    """
    levels, rank = np.unique(score, return_inverse=True)
    agree, pairs = _pairs(rank.astype(np.int64), levels.size, order.event, order.stratum, order.starts)
    total = float(pairs.sum()) / 2.0
    if total == 0.0:
        return math.nan, math.nan
    value = float(agree.sum()) / 2.0 / total
    influence = (agree - value * pairs) / total
    return value, math.sqrt(float((influence**2).sum()))


@compiled
def _add(tree: Integers, rank: int, amount: int) -> None:
    i = rank + 1
    while i < tree.size:
        tree[i] += amount
        i += i & -i


@compiled
def _below(tree: Integers, rank: int) -> int:
    """Return how many are held with a rank below this one."""
    total, i = 0, rank
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@compiled
def _pairs(rank: Integers, levels: int, event: Integers, stratum: Integers, starts: Integers) -> tuple[Floats, Floats]:
    """Count, for each subject, the comparable pairs it is in and those that agree (ties of the score one half)."""
    n = rank.size
    agree, pairs = np.zeros(n), np.zeros(n)
    held = np.zeros(levels + 1, np.int64)
    blocks = starts.size - 1
    # As the one with the event: against all who outlived it.
    count, s = 0, stratum[0] - 1
    for block in range(blocks - 1, -1, -1):
        first, end = starts[block], starts[block + 1]
        if block == blocks - 1 or stratum[first] != s:
            held[:] = 0
            count, s = 0, stratum[first]
        for i in range(first, end):
            if event[i] == 0:
                _add(held, rank[i], 1)
                count += 1
        for i in range(first, end):
            if event[i] == 1:
                below, upto = _below(held, rank[i]), _below(held, rank[i] + 1)
                agree[i] += below + 0.5 * (upto - below)
                pairs[i] += count
        for i in range(first, end):
            if event[i] == 1:
                _add(held, rank[i], 1)
                count += 1
    # As the one who outlived events: against all of them.
    for block in range(blocks):
        first, end = starts[block], starts[block + 1]
        if block == 0 or stratum[first] != s:
            held[:] = 0
            count, s = 0, stratum[first]
        for i in range(first, end):
            if event[i] == 1:
                below, upto = _below(held, rank[i]), _below(held, rank[i] + 1)
                agree[i] += (count - upto) + 0.5 * (upto - below)
                pairs[i] += count
        for i in range(first, end):
            if event[i] == 1:
                _add(held, rank[i], 1)
                count += 1
        for i in range(first, end):
            if event[i] == 0:
                below, upto = _below(held, rank[i]), _below(held, rank[i] + 1)
                agree[i] += (count - upto) + 0.5 * (upto - below)
                pairs[i] += count
    return agree, pairs
