"""Firth's penalised partial likelihood: a finite hazard ratio where an arm has no event."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.cox import standardised
from benchside.kernels.risk_order import RiskOrder

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_STEPS: Final = 200
FARTHEST_STEP: Final = 1.0
SCORE_TOLERANCE: Final = 1e-9
FARTHEST_LIMIT: Final = 40.0
"""Standard deviations of the term times coefficient beyond which a limit counts as not there."""


@dataclass(frozen=True)
class FirthFit:
    """Penalised estimates: each (p,), nan where the term has none."""

    coefficient: Floats
    covariance: Floats
    """(p, p) inverse information at the estimate."""

    lower: Floats
    """Limit where the penalised likelihood, maximised over the other terms, has fallen by half of z squared."""

    upper: Floats
    chi2: Floats
    """Penalised likelihood ratio of the term being 0, 1 degree of freedom."""

    log_likelihood: float
    null_log_likelihood: float
    aliased: Flags


def firth_fit(x: Floats, order: RiskOrder, kept: Flags, z: float, *, efron: bool) -> FirthFit:
    """Maximise the log partial likelihood plus half the log determinant of its information.

    Parameters
    ----------
    x
        (n, p) covariates in the order of the input.
    order
        Its subjects, sorted.
    kept
        (p,) terms that are not aliased, as `cox_fit` finds them.
    z
        Normal quantile of the two-sided level of the limits.

    References
    ----------
    Firth 1993, doi:10.1093/biomet/80.1.27; Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x.
    """
    p = x.shape[1]
    nothing = np.full(p, np.nan)
    if not kept.any():
        return FirthFit(nothing, np.full((p, p), np.nan), nothing, nothing, nothing, math.nan, math.nan, ~kept)
    scaled, spread, _ = standardised(x, order)
    model = _Penalised(np.ascontiguousarray(scaled[:, kept]), order, efron)
    size = int(kept.sum())
    free = np.ones(size, np.bool_)
    best, top = model.maximise(np.zeros(size), free)
    null = model.value(np.zeros(size))
    covariance = np.full((p, p), np.nan)
    covariance[np.ix_(kept, kept)] = np.linalg.inv(model.parts(best)[2]) / np.outer(spread[kept], spread[kept])
    found = np.full((4, p), np.nan)
    for k, column in enumerate(np.flatnonzero(kept)):
        limits = [model.limit(k, best, top - 0.5 * z * z, side) for side in (-1.0, 1.0)]
        at_zero = best.copy()
        at_zero[k] = 0.0
        drop = 2.0 * (top - model.maximise(at_zero, np.arange(size) != k)[1])
        found[:, column] = best[k] / spread[column], limits[0] / spread[column], limits[1] / spread[column], max(drop, 0.0)
    return FirthFit(found[0], covariance, found[1], found[2], found[3], top, null, ~kept)


@dataclass(frozen=True)
class _Penalised:
    """The penalised likelihood of one model."""

    x: Floats
    order: RiskOrder
    efron: bool

    def parts(self, beta: Floats) -> tuple[float, Floats, Floats, Floats]:
        """Return log partial likelihood, score, information, and the change of the information with each coefficient."""
        order = self.order
        found: tuple[float, Floats, Floats, Floats] = _third_order(
            self.x, order.event, order.stratum, order.starts, order.leaving, order.gone, beta, self.efron
        )
        return found

    def value(self, beta: Floats) -> float:
        """Return the penalised log likelihood."""
        log_likelihood, _, information, _ = self.parts(beta)
        sign, log_determinant = np.linalg.slogdet(information)
        return log_likelihood + 0.5 * float(log_determinant) if sign > 0 else -math.inf

    def maximise(self, beta: Floats, free: Flags) -> tuple[Floats, float]:
        """Return where the penalised likelihood is largest over the free coefficients, and its value there."""
        value = self.value(beta)
        for _ in range(MOST_STEPS):
            _, score, information, change = self.parts(beta)
            penalised = score + 0.5 * np.einsum("ab,bac->c", np.linalg.inv(information), change)
            if not free.any() or np.abs(penalised[free]).max() < SCORE_TOLERANCE:
                break
            step = np.zeros(beta.size)
            step[free] = np.linalg.solve(information[np.ix_(free, free)], penalised[free])
            step *= min(1.0, FARTHEST_STEP / float(np.abs(step).max()))
            after = self.value(beta + step)
            while after < value - 1e-12 * (1.0 + abs(value)) and np.abs(step).max() > 1e-12:
                step = 0.5 * step
                after = self.value(beta + step)
            beta, value = beta + step, after
        return beta, value

    def limit(self, k: int, best: Floats, wanted: float, side: float) -> float:
        """Return where, to one side, the likelihood profiled over the other coefficients has fallen to `wanted`; nan: nowhere."""
        free = np.arange(best.size) != k
        held = best

        def above(place: float) -> float:
            nonlocal held
            start = held.copy()
            start[k] = place
            held, value = self.maximise(start, free)
            return value - wanted

        inner, width = float(best[k]), 0.5
        outer = inner + side * width
        while not above(outer) < 0:
            inner, width = outer, 2.0 * width
            outer = inner + side * width
            if abs(outer) > FARTHEST_LIMIT:
                return math.nan
        from scipy.optimize import brentq  # noqa: PLC0415  a third of a second to import; only this needs it

        return float(brentq(above, min(inner, outer), max(inner, outer), xtol=1e-10, rtol=1e-10))


@compiled
def _third_order(
    x: Floats,
    event: Integers,
    stratum: Integers,
    starts: Integers,
    leaving: Integers,
    gone: Integers,
    beta: Floats,
    efron: bool,
) -> tuple[float, Floats, Floats, Floats]:
    """Return log likelihood, score (p,), information (p, p) and its derivative (p, p, p) from raw moments up to the third."""
    p = x.shape[1]
    log_likelihood, score = 0.0, np.zeros(p)
    information, change = np.zeros((p, p)), np.zeros((p, p, p))
    s1, s2, s3, t1, t2, t3 = (
        np.zeros(p),
        np.zeros((p, p)),
        np.zeros((p, p, p)),
        np.zeros(p),
        np.zeros((p, p)),
        np.zeros((p, p, p)),
    )
    m, v = np.zeros(p), np.zeros((p, p))
    s0 = 0.0
    left = 0
    for block in range(starts.size - 2, -1, -1):
        first, end = starts[block], starts[block + 1]
        if end == stratum.size or stratum[end] != stratum[first]:
            s0 = 0.0
            s1[:] = 0.0
            s2[:] = 0.0
            s3[:] = 0.0
            left = stratum.size - end
        deaths, t0 = 0, 0.0
        t1[:] = 0.0
        t2[:] = 0.0
        t3[:] = 0.0
        members = end - first
        leavers = gone[block] - left if leaving.size > 0 else 0
        for place in range(members + leavers):
            joins = place < members
            i = first + place if joins else leaving[left + place - members]
            eta = 0.0
            for a in range(p):
                eta += x[i, a] * beta[a]
            risk = math.exp(eta)
            signed = risk if joins else -risk
            died = joins and event[i] == 1
            s0 += signed
            if died:
                deaths += 1
                log_likelihood += eta
                t0 += risk
            for a in range(p):
                s1[a] += signed * x[i, a]
                if died:
                    score[a] += x[i, a]
                    t1[a] += risk * x[i, a]
                for b in range(p):
                    s2[a, b] += signed * x[i, a] * x[i, b]
                    if died:
                        t2[a, b] += risk * x[i, a] * x[i, b]
                    for c in range(p):
                        s3[a, b, c] += signed * x[i, a] * x[i, b] * x[i, c]
                        if died:
                            t3[a, b, c] += risk * x[i, a] * x[i, b] * x[i, c]
        left += leavers
        for step in range(deaths):
            share = step / deaths if efron else 0.0
            total = s0 - share * t0
            log_likelihood -= math.log(total)
            for a in range(p):
                m[a] = (s1[a] - share * t1[a]) / total
                score[a] -= m[a]
            for a in range(p):
                for b in range(p):
                    v[a, b] = (s2[a, b] - share * t2[a, b]) / total
                    information[a, b] += v[a, b] - m[a] * m[b]
            for a in range(p):
                for b in range(p):
                    for c in range(p):
                        raw = (s3[a, b, c] - share * t3[a, b, c]) / total
                        change[a, b, c] += raw - v[a, b] * m[c] - v[a, c] * m[b] - v[b, c] * m[a] + 2.0 * m[a] * m[b] * m[c]
    return log_likelihood, score, information, change
