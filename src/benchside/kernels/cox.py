"""Cox's partial likelihood with Efron or Breslow ties, strata, late entry and any number of covariates."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.risk_order import RiskOrder, risk_order

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_STEPS: Final = 25
"""Newton converges in about 6; a coefficient without a finite estimate grows by about 1 a step and is known by then."""

STEP_TOLERANCE: Final = 1e-10
MOST_HALVINGS: Final = 30
ALIAS_TOLERANCE: Final = 1e-9
STILL_MOVING: Final = 1e-4


@dataclass(frozen=True)
class CoxFit:
    """Coefficients of one Cox model; a term without a finite estimate is nan, and one of the two flags says why."""

    coefficient: Floats
    """(p,) log hazard ratios."""

    covariance: Floats
    """(p, p) inverse information; nan where a term has no estimate."""

    log_likelihood: float
    aliased: Flags
    """(p,) the term is a combination of earlier ones, or constant within every risk set."""

    infinite: Flags
    """(p,) the likelihood keeps rising as the term grows without end."""

    steps: int
    null_log_likelihood: float = math.nan
    """Log partial likelihood where every coefficient is 0."""

    score_chi2: float = math.nan
    """Score statistic of all coefficients being 0, on `df` degrees of freedom."""

    @property
    def df(self) -> int:
        """Terms that are not aliased."""
        return int((~self.aliased).sum())


@compiled
def _likelihood(
    x: Floats,
    event: Integers,
    stratum: Integers,
    starts: Integers,
    leaving: Integers,
    gone: Integers,
    beta: Floats,
    efron: bool,
) -> tuple[float, Floats, Floats]:
    """Return log partial likelihood, score (p,) and information (p, p); the arguments are those of `RiskOrder`."""
    p = x.shape[1]
    at_risk, left = 0, 0
    # Millions of terms of one sign round to one side where many are tied, by more than the last Newton steps gain; so a block is
    # summed by itself, and the blocks with what each addition drops (Neumaier).
    log_likelihood, dropped = 0.0, 0.0
    score, information = np.zeros(p), np.zeros((p, p))
    s1, s2, t1, t2 = np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p))
    s0 = 0.0
    for block in range(starts.size - 2, -1, -1):
        first, end = starts[block], starts[block + 1]
        if end == stratum.size or stratum[end] != stratum[first]:
            s0 = 0.0
            s1[:] = 0.0
            s2[:] = 0.0
            at_risk, left = 0, stratum.size - end
        deaths, c0, t0, gain = 0, 0.0, 0.0, 0.0
        t1[:] = 0.0
        t2[:] = 0.0
        for i in range(first, end):
            eta = 0.0
            for a in range(p):
                eta += x[i, a] * beta[a]
            risk = math.exp(eta)
            if event[i]:
                deaths += 1
                gain += eta
                t0 += risk
                for a in range(p):
                    score[a] += x[i, a]
                    weighted = risk * x[i, a]
                    t1[a] += weighted
                    for b in range(a + 1):
                        t2[a, b] += weighted * x[i, b]
            else:
                c0 += risk
                for a in range(p):
                    weighted = risk * x[i, a]
                    s1[a] += weighted
                    for b in range(a + 1):
                        s2[a, b] += weighted * x[i, b]
        s0 += c0 + t0
        for a in range(p):
            s1[a] += t1[a]
            for b in range(a + 1):
                s2[a, b] += t2[a, b]
        if leaving.size > 0:
            at_risk += end - first
            for place in range(left, gone[block]):
                i = leaving[place]
                eta = 0.0
                for a in range(p):
                    eta += x[i, a] * beta[a]
                risk = math.exp(eta)
                s0 -= risk
                for a in range(p):
                    weighted = risk * x[i, a]
                    s1[a] -= weighted
                    for b in range(a + 1):
                        s2[a, b] -= weighted * x[i, b]
            at_risk -= gone[block] - left
            left = gone[block]
            if at_risk == 0:  # what subtraction leaves over is rounding
                s0 = 0.0
                s1[:] = 0.0
                s2[:] = 0.0
        if deaths == 0:
            continue
        # A tied death l of d has mean (s1 - f t1) / (s0 - f t0) with f = l / d: only these sums over l depend on l.
        one, one_f, two, two_f, two_ff = 0.0, 0.0, 0.0, 0.0, 0.0
        for step in range(deaths):
            share = step / deaths if efron else 0.0
            total = s0 - share * t0
            gain -= math.log(total)
            one += 1.0 / total
            one_f += share / total
            two += 1.0 / (total * total)
            two_f += share / (total * total)
            two_ff += share * share / (total * total)
        after = log_likelihood + gain
        if abs(log_likelihood) >= abs(gain):
            dropped += (log_likelihood - after) + gain
        else:
            dropped += (gain - after) + log_likelihood
        log_likelihood = after
        for a in range(p):
            score[a] -= s1[a] * one - t1[a] * one_f
            for b in range(a + 1):
                squares = s1[a] * s1[b] * two - (s1[a] * t1[b] + t1[a] * s1[b]) * two_f + t1[a] * t1[b] * two_ff
                information[a, b] += s2[a, b] * one - t2[a, b] * one_f - squares
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return log_likelihood + dropped, score, information


@compiled
def _independent(information: Floats) -> Flags:
    """Return which terms are not a combination of the terms before them, by Cholesky's pivots."""
    p = information.shape[0]
    kept = np.ones(p, np.bool_)
    factor = np.zeros((p, p))
    for a in range(p):
        for b in range(a + 1):
            rest = information[a, b]
            for c in range(b):
                rest -= factor[a, c] * factor[b, c]
            if a == b:
                kept[a] = rest > ALIAS_TOLERANCE * max(information[a, a], 1e-300) and information[a, a] > ALIAS_TOLERANCE
                factor[a, a] = math.sqrt(rest) if kept[a] else 0.0
            elif kept[b]:
                factor[a, b] = rest / factor[b, b]
    return kept


def cox_fit(x: Floats, time: Floats, event: Integers, stratum: Integers, *, efron: bool, entry: Floats | None = None) -> CoxFit:
    """Maximise Cox's partial likelihood by Newton's method with step halving, to the precision of the arithmetic.

    Parameters
    ----------
    x
        (n, p) covariates.
    time, event, stratum
        (n,) times, 0 or 1, and integer strata, in any order.
    efron
        True for Efron's ties, False for Breslow's.
    entry
        (n,) times from which each row is at risk (counting process); None: from the start.

    References
    ----------
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613;
    Breslow 1974, doi:10.2307/2529620; Andersen and Gill 1982, doi:10.1214/aos/1176345976 (counting process).
    """
    return fit_in_order(x, risk_order(time, event, stratum, entry), efron=efron)


def fit_in_order(x: Floats, order: RiskOrder, *, efron: bool) -> CoxFit:
    """Fit as `cox_fit`, of subjects that are sorted already; `x` is (n, p) in the order of the input."""
    scaled, spread, told = standardised(x, order)
    at_zero = _likelihood(*_arguments(scaled, order), np.zeros(x.shape[1]), efron)
    kept = told & _independent(at_zero[2])
    model = _Sorted(scaled if kept.all() else np.ascontiguousarray(scaled[:, kept]), order, efron)
    null = (at_zero[0], at_zero[1][kept], at_zero[2][np.ix_(kept, kept)])
    found = _newton(model, null)
    infinite = np.zeros(kept.size, np.bool_)
    infinite[kept] = np.abs(found.last_step) > STILL_MOVING
    coefficient, covariance = np.full(kept.size, np.nan), np.full((kept.size, kept.size), np.nan)
    coefficient[kept] = found.beta / spread[kept]
    covariance[np.ix_(kept, kept)] = found.inverse / np.outer(spread[kept], spread[kept])
    coefficient[infinite] = np.nan
    covariance[infinite, :] = covariance[:, infinite] = np.nan
    score_chi2 = float(null[1] @ np.linalg.solve(null[2], null[1])) if kept.any() else math.nan
    return CoxFit(coefficient, covariance, found.log_likelihood, ~kept, infinite, found.steps, float(at_zero[0]), score_chi2)


def standardised(x: Floats, order: RiskOrder) -> tuple[Floats, Floats, Flags]:
    """Return covariates in walking order, centred and scaled to a standard deviation of 1: with it, and which vary."""
    mean = x.mean(axis=0)
    centred = (x - mean)[order.order]
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / x.shape[0])
    told = spread > 1e-12 * np.abs(mean)
    spread = np.where(told, spread, 1.0)
    return centred / spread, spread, told


def _arguments(x: Floats, order: RiskOrder) -> tuple[Floats, Integers, Integers, Integers, Integers, Integers]:
    return x, order.event, order.stratum, order.starts, order.leaving, order.gone


@dataclass(frozen=True)
class _Sorted:
    """A model's subjects in the order the likelihood walks them."""

    x: Floats
    order: RiskOrder
    efron: bool

    def likelihood(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Return log likelihood, score and information at coefficients."""
        return _likelihood(*_arguments(self.x, self.order), beta, self.efron)


@dataclass(frozen=True)
class _Maximum:
    """Where Newton's method stopped."""

    beta: Floats
    last_step: Floats
    inverse: Floats
    log_likelihood: float
    steps: int


def _newton(model: _Sorted, at_zero: tuple[float, Floats, Floats]) -> _Maximum:
    """Walk from 0 to the maximum, or for `MOST_STEPS` steps; the inverse information is that of the last point."""
    beta: Floats = np.zeros(model.x.shape[1])
    step, steps = beta, 0
    value, score, information = at_zero
    while steps < MOST_STEPS and beta.size:
        steps += 1
        step = np.asarray(np.linalg.lstsq(information, score, rcond=1e-15)[0], dtype=np.float64)
        after = model.likelihood(beta + step)
        halvings = 0
        # A step at the maximum may lose a rounding error, which is no reason to halve it.
        while not after[0] >= value - 1e-11 * (1.0 + abs(value)) and halvings < MOST_HALVINGS:
            halvings += 1
            step = 0.5 * step
            after = model.likelihood(beta + step)
        beta, (value, score, information) = beta + step, after
        if np.abs(step).max() <= STEP_TOLERANCE * max(1.0, float(np.abs(beta).max())):
            break
    inverse = np.asarray(np.linalg.pinv(information, rcond=1e-15, hermitian=True), dtype=np.float64)
    return _Maximum(beta, step, inverse, float(value), steps)
