"""Fine and Gray's model of the subdistribution hazard: how covariates shift the cumulative incidence of one cause.

Subjects who failed of another cause stay in the risk set, weighted by G(t-) / G(T-), where G is the Kaplan-Meier curve of
censoring: the share of them who would still be watched. Ties are Breslow's.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.survival import block_starts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_STEPS: Final = 30
STEP_TOLERANCE: Final = 1e-10
MOST_HALVINGS: Final = 30
ALIAS_TOLERANCE: Final = 1e-9
STILL_MOVING: Final = 1e-4


@dataclass(frozen=True)
class FineGrayFit:
    """Coefficients of one model; a term without a finite estimate is nan, and one of the two flags says why."""

    coefficient: Floats
    """(p,) log subdistribution hazard ratios."""

    covariance: Floats
    """(p, p) sandwich with the variance that the estimated censoring curve adds; nan where a term has no estimate."""

    log_likelihood: float
    aliased: Flags
    """(p,) the term is a combination of earlier ones, or does not vary."""

    infinite: Flags
    """(p,) the likelihood keeps rising as the term grows without end."""


@compiled
def censoring_before(starts: Integers, cause: Integers) -> Floats:
    """Return the Kaplan-Meier curve of the censoring times just before every distinct time: (k,)."""
    k = starts.size - 1
    curve = np.empty(k)
    reached = 1.0
    for b in range(k):
        curve[b] = reached
        censored = 0
        for i in range(starts[b], starts[b + 1]):
            censored += cause[i] == 0
        at_risk = cause.size - starts[b]
        reached *= (at_risk - censored) / at_risk
    return curve


@compiled
def _sums(x: Floats, cause: Integers, starts: Integers, watched: Floats, beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the weighted sums of exp(eta), of x exp(eta) and of x x' exp(eta) over the risk set of every distinct time."""
    p, k = x.shape[1], starts.size - 1
    s0, s1, s2 = np.zeros(k), np.zeros((k, p)), np.zeros((k, p, p))
    risk = np.exp(x @ beta)
    r0, r1, r2 = 0.0, np.zeros(p), np.zeros((p, p))
    for b in range(k - 1, -1, -1):  # those not failed and not censored yet
        for i in range(starts[b], starts[b + 1]):
            r0 += risk[i]
            for a in range(p):
                r1[a] += risk[i] * x[i, a]
                for c in range(p):
                    r2[a, c] += risk[i] * x[i, a] * x[i, c]
        s0[b] = r0
        s1[b] = r1
        s2[b] = r2
    r0 = 0.0
    r1[:] = 0.0
    r2[:] = 0.0
    for b in range(k):  # those who failed of another cause before
        s0[b] += watched[b] * r0
        s1[b] += watched[b] * r1
        s2[b] += watched[b] * r2
        for i in range(starts[b], starts[b + 1]):
            if cause[i] == 2 and watched[b] > 0.0:
                kept = risk[i] / watched[b]
                r0 += kept
                for a in range(p):
                    r1[a] += kept * x[i, a]
                    for c in range(p):
                        r2[a, c] += kept * x[i, a] * x[i, c]
    return s0, s1, s2


@compiled
def _likelihood(x: Floats, cause: Integers, starts: Integers, watched: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
    """Return log partial likelihood, score (p,) and information (p, p); subjects sorted by rising time."""
    p = x.shape[1]
    s0, s1, s2 = _sums(x, cause, starts, watched, beta)
    eta = x @ beta
    total, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for b in range(starts.size - 1):
        for i in range(starts[b], starts[b + 1]):
            if cause[i] != 1:
                continue
            total += eta[i] - math.log(s0[b])
            for a in range(p):
                score[a] += x[i, a] - s1[b, a] / s0[b]
                for c in range(p):
                    information[a, c] += s2[b, a, c] / s0[b] - s1[b, a] * s1[b, c] / (s0[b] * s0[b])
    return total, score, information


@compiled
def _influence(x: Floats, cause: Integers, starts: Integers, watched: Floats, beta: Floats) -> Floats:
    """Return every subject's share of the score (n, p), with what it contributes to the estimated censoring curve."""
    n, p, k = x.shape[0], x.shape[1], starts.size - 1
    s0, s1, _ = _sums(x, cause, starts, watched, beta)
    risk = np.exp(x @ beta)
    hazard, hazard_mean = np.zeros(k), np.zeros((k, p))  # of the subdistribution at b; times the mean of x
    censored = np.zeros(k)
    for b in range(k):
        events = 0
        for i in range(starts[b], starts[b + 1]):
            events += cause[i] == 1
            censored[b] += cause[i] == 0
        hazard[b] = events / s0[b] if events > 0 else 0.0
        if events > 0:
            hazard_mean[b] = hazard[b] * s1[b] / s0[b]
    tail, tail_mean = np.zeros(k + 1), np.zeros((k + 1, p))  # of the hazard weighted by the censoring curve, from b on
    for b in range(k - 1, -1, -1):
        tail[b] = tail[b + 1] + watched[b] * hazard[b]
        tail_mean[b] = tail_mean[b + 1] + watched[b] * hazard_mean[b]
    out = np.zeros((n, p))
    past, past_mean = 0.0, np.zeros(p)  # hazard up to and including b
    failed, failed_x = 0.0, np.zeros(p)  # exp(eta) / G(T-), with and without x, of those failed of another cause up to b
    moved = np.zeros(p)  # what being watched without being censored contributed up to b
    for b in range(k):
        past += hazard[b]
        past_mean += hazard_mean[b]
        at_risk = n - starts[b]
        q = failed_x * tail[b] - failed * tail_mean[b]  # as published: failed before b, weighted from b on
        for i in range(starts[b], starts[b + 1]):
            if cause[i] == 2 and watched[b] > 0.0:
                failed += risk[i] / watched[b]
                failed_x += risk[i] / watched[b] * x[i]
        moved += q * (censored[b] / (at_risk * at_risk))
        for i in range(starts[b], starts[b + 1]):
            out[i] = -risk[i] * (x[i] * past - past_mean) - moved
            if cause[i] == 0:
                out[i] += q / at_risk
            elif cause[i] == 1:
                out[i] += x[i] - s1[b] / s0[b]
            elif watched[b] > 0.0:
                out[i] -= risk[i] / watched[b] * (x[i] * tail[b + 1] - tail_mean[b + 1])
    return out


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


def fine_gray_fit(x: Floats, time: Floats, cause: Integers) -> FineGrayFit:
    """Maximise the weighted partial likelihood by Newton's method with step halving.

    Parameters
    ----------
    x
        (n, p) covariates.
    time, cause
        (n,) times, and 0 (censored), 1 (of interest) or 2 (other), in any order.

    References
    ----------
    Fine and Gray 1999, doi:10.1080/01621459.1999.10474144.
    """
    order = np.argsort(time, kind="stable")
    cause = cause[order]
    starts = block_starts(time[order], np.zeros(time.size, np.int64))
    watched = censoring_before(starts, cause)
    mean = x.mean(axis=0)
    centred = (x - mean)[order]
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / x.shape[0])
    told = spread > 1e-12 * np.abs(mean)
    scaled = np.ascontiguousarray(centred / np.where(told, spread, 1.0))
    kept = told & _independent(_likelihood(scaled, cause, starts, watched, np.zeros(x.shape[1]))[2])
    used = np.ascontiguousarray(scaled[:, kept])
    beta, last_step, value, information = _newton(used, cause, starts, watched)
    coefficient, covariance = np.full(kept.size, np.nan), np.full((kept.size, kept.size), np.nan)
    infinite = np.zeros(kept.size, np.bool_)
    infinite[kept] = np.abs(last_step) > STILL_MOVING
    if beta.size:
        inverse = np.linalg.pinv(information, rcond=1e-15, hermitian=True)
        shares = _influence(used, cause, starts, watched, beta) @ inverse
        coefficient[kept] = beta / spread[kept]
        covariance[np.ix_(kept, kept)] = (shares.T @ shares) / np.outer(spread[kept], spread[kept])
    coefficient[infinite] = np.nan
    covariance[infinite, :] = covariance[:, infinite] = np.nan
    return FineGrayFit(coefficient, covariance, value, ~kept, infinite)


def _newton(x: Floats, cause: Integers, starts: Integers, watched: Floats) -> tuple[Floats, Floats, float, Floats]:
    """Walk from 0 to the maximum, or for `MOST_STEPS` steps: coefficients, last step, log likelihood, information."""
    beta: Floats = np.zeros(x.shape[1])
    step = beta
    value, score, information = _likelihood(x, cause, starts, watched, beta)
    for _ in range(MOST_STEPS if beta.size else 0):
        step = np.asarray(np.linalg.lstsq(information, score, rcond=1e-15)[0], dtype=np.float64)
        after = _likelihood(x, cause, starts, watched, beta + step)
        halvings = 0
        while not after[0] >= value - 1e-11 * (1.0 + abs(value)) and halvings < MOST_HALVINGS:
            halvings += 1
            step = 0.5 * step
            after = _likelihood(x, cause, starts, watched, beta + step)
        beta, (value, score, information) = beta + step, after
        if np.abs(step).max() <= STEP_TOLERANCE * max(1.0, float(np.abs(beta).max())):
            break
    return beta, step, float(value), information
