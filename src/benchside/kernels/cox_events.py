"""What a Cox model leaves at each event time: hazard, means of those at risk, score residuals, Schoenfeld residuals, and the test of proportional hazards."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.risk_order import RiskOrder

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EventSums:
    """Sums over the tied deaths of every block of a `RiskOrder`; blocks without a death hold zeros.

    Of d tied deaths, Efron's method weighs each down by 0, 1/d, 2/d ... in turn; Breslow's never does.
    """

    deaths: Integers
    """(blocks,)"""

    hazard: Floats
    """(blocks,) increment of the cumulative hazard of a subject whose covariates are 0."""

    hazard_mean: Floats
    """(blocks, p) that increment times the mean covariates of those at risk."""

    own_hazard: Floats
    """(blocks,) the increment as it counts for those who die then: weighed down with them."""

    own_hazard_mean: Floats
    """(blocks, p)"""

    mean: Floats
    """(blocks, p) mean covariates at risk, averaged over the tied deaths."""

    excess: Floats
    """(blocks, p) covariates of the dead, less their means: the block's part of the score."""

    information: Floats
    """(3, p, p) information, summed with weights 1, g and g squared, g being a function of time."""


def event_sums(x: Floats, order: RiskOrder, coefficient: Floats, g: Floats, *, efron: bool) -> EventSums:
    """Sum up every block of tied deaths.

    Parameters
    ----------
    x
        (n, p) covariates, in the order of `order`.
    coefficient
        (p,) log hazard ratios of `x`.
    g
        (blocks,) a function of time that weighs the information.
    """
    risk = np.exp(x @ coefficient)
    parts = _event_sums(x, order.event, order.stratum, order.starts, order.leaving, order.gone, risk, g, efron)
    return EventSums(*parts)


@compiled
def _event_sums(
    x: Floats,
    event: Integers,
    stratum: Integers,
    starts: Integers,
    leaving: Integers,
    gone: Integers,
    risk: Floats,
    g: Floats,
    efron: bool,
) -> tuple[Integers, Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    blocks, p = starts.size - 1, x.shape[1]
    deaths = np.zeros(blocks, np.int64)
    hazard, own_hazard = np.zeros(blocks), np.zeros(blocks)
    hazard_mean, own_hazard_mean = np.zeros((blocks, p)), np.zeros((blocks, p))
    mean, excess, information = np.zeros((blocks, p)), np.zeros((blocks, p)), np.zeros((3, p, p))
    s1, s2, t1, t2, xbar = np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p)), np.zeros(p)
    s0 = 0.0
    at_risk, left = 0, 0
    for block in range(blocks - 1, -1, -1):
        first, end = starts[block], starts[block + 1]
        if end == stratum.size or stratum[end] != stratum[first]:
            s0 = 0.0
            s1[:] = 0.0
            s2[:] = 0.0
            at_risk, left = 0, stratum.size - end
        t0 = 0.0
        t1[:] = 0.0
        t2[:] = 0.0
        for i in range(first, end):
            s0 += risk[i]
            for a in range(p):
                s1[a] += risk[i] * x[i, a]
                for b in range(a + 1):
                    s2[a, b] += risk[i] * x[i, a] * x[i, b]
            if event[i]:
                deaths[block] += 1
                t0 += risk[i]
                for a in range(p):
                    excess[block, a] += x[i, a]
                    t1[a] += risk[i] * x[i, a]
                    for b in range(a + 1):
                        t2[a, b] += risk[i] * x[i, a] * x[i, b]
        if leaving.size > 0:
            for place in range(left, gone[block]):
                i = leaving[place]
                s0 -= risk[i]
                for a in range(p):
                    s1[a] -= risk[i] * x[i, a]
                    for b in range(a + 1):
                        s2[a, b] -= risk[i] * x[i, a] * x[i, b]
            at_risk += end - first - (gone[block] - left)
            left = gone[block]
            if at_risk == 0:  # what subtraction leaves over is rounding
                s0 = 0.0
                s1[:] = 0.0
                s2[:] = 0.0
        d = deaths[block]
        for step in range(d):
            share = step / d if efron else 0.0
            total = s0 - share * t0
            hazard[block] += 1.0 / total
            own_hazard[block] += (1.0 - share) / total
            for a in range(p):
                xbar[a] = (s1[a] - share * t1[a]) / total
                hazard_mean[block, a] += xbar[a] / total
                own_hazard_mean[block, a] += (1.0 - share) * xbar[a] / total
                mean[block, a] += xbar[a] / d
                excess[block, a] -= xbar[a]
            for a in range(p):
                for b in range(a + 1):
                    spread = (s2[a, b] - share * t2[a, b]) / total - xbar[a] * xbar[b]
                    information[0, a, b] += spread
                    information[1, a, b] += g[block] * spread
                    information[2, a, b] += g[block] * g[block] * spread
    for a in range(p):
        for b in range(a):
            information[:, b, a] = information[:, a, b]
    return deaths, hazard, hazard_mean, own_hazard, own_hazard_mean, mean, excess, information


def score_residuals(x: Floats, order: RiskOrder, coefficient: Floats, *, efron: bool) -> Floats:
    """Return each row's part of the score: (n, p), in the order of the input.

    References
    ----------
    Therneau, Grambsch and Fleming 1990, doi:10.1093/biomet/77.1.147; Lin and Wei 1989, doi:10.1080/01621459.1989.10478874.
    """
    sums = event_sums(x, order, coefficient, np.zeros(order.starts.size - 1), efron=efron)
    risk = np.exp(x @ coefficient)
    last, before = order.block, order.blocks_before_entry()
    died = order.event == 1
    first = np.searchsorted(order.block_stratum, order.stratum) - 1  # the last block of earlier strata
    before = np.where(before < 0, first, before)

    def since_entry(increment: Floats, own: Floats) -> Floats:
        running: Floats = np.concatenate([np.zeros_like(increment[:1]), np.cumsum(increment, axis=0)])
        exposed = running[last + 1] - running[before + 1]
        instead = own[last] - increment[last]
        found: Floats = exposed + np.where(died if instead.ndim == 1 else died[:, None], instead, 0.0)
        return found

    hazard = since_entry(sums.hazard, sums.own_hazard)
    hazard_mean = since_entry(sums.hazard_mean, sums.own_hazard_mean)
    residual = np.where(died[:, None], x - sums.mean[last], 0.0) - risk[:, None] * (x * hazard[:, None] - hazard_mean)
    found = np.empty_like(residual)
    found[order.order] = residual
    return found


def clustered_covariance(influence: Floats, cluster: Integers | None) -> Floats:
    """Return the sandwich covariance (p, p) of coefficients from each row's influence on them (n, p).

    Parameters
    ----------
    influence
        Score residuals times the inverse information.
    cluster
        (n,) integers; rows of one number are summed before they are squared. None: every row for itself.
    """
    if cluster is None:
        return np.asarray(influence.T @ influence, dtype=np.float64)
    _, code = np.unique(cluster, return_inverse=True)
    summed = np.zeros((int(code.max()) + 1, influence.shape[1]))
    np.add.at(summed, code, influence)
    return np.asarray(summed.T @ summed, dtype=np.float64)


def hazards_test(sums: EventSums, g: Floats, columns: Integers) -> float:
    """Return the score statistic of `columns` having coefficients that change with g(time): chi-square, a degree a column.

    Parameters
    ----------
    sums
        At the maximum of the likelihood, with `g` weighing its information.
    g
        (blocks,) the function of time.
    columns
        Which covariates.

    References
    ----------
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515, in the score form.
    """
    score = (g @ sums.excess)[columns]
    plain, once, twice = sums.information
    crossed = once[:, columns]
    left = twice[np.ix_(columns, columns)] - crossed.T @ np.linalg.solve(plain, crossed)
    if np.linalg.matrix_rank(left, hermitian=True, tol=1e-10 * max(1.0, float(np.abs(twice).max()))) < columns.size:
        return float("nan")
    return float(score @ np.linalg.solve(left, score))
