"""Slow twins of Cox's model with late entry: the weighted partial likelihood, its influence, and Firth's penalty."""

import itertools
import math

import numpy as np


def slow_weighted_log_likelihood(beta, x, time, event, *, stratum=None, entry=None, weight=None, efron=True):
    """The log partial likelihood of weighted subjects at risk in (entry, time]; tied deaths share their mean weight."""
    n = len(time)
    stratum = np.zeros(n) if stratum is None else stratum
    entry = np.full(n, -1.0) if entry is None else entry
    weight = np.ones(n) if weight is None else weight
    eta = x @ beta
    risk = weight * np.exp(eta)
    total = 0.0
    for s, t in sorted({(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}):
        at_risk = (stratum == s) & (time >= t) & (entry < t)
        dead = at_risk & (time == t) & (event == 1)
        d = int(dead.sum())
        total += float((weight[dead] * eta[dead]).sum())
        for step in range(d):
            share = step / d if efron else 0.0
            total -= weight[dead].mean() * math.log(risk[at_risk].sum() - share * risk[dead].sum())
    return total


def slow_information(beta, x, time, event, *, entry=None, efron=True, weigh=None):
    """Information at coefficients, the variance of the covariates at risk summed over deaths; `weigh(t)` weighs a death."""
    entry = np.full(len(time), -1.0) if entry is None else entry
    risk = np.exp(x @ beta)
    total = np.zeros((x.shape[1],) * 2)
    for t in sorted({t for t, e in zip(time, event, strict=True) if e}):
        at_risk = (time >= t) & (entry < t)
        dead = at_risk & (time == t) & (event == 1)
        d = int(dead.sum())
        for step in range(d):
            share = step / d if efron else 0.0
            p = np.where(at_risk, risk, 0.0) * np.where(dead, 1.0 - share, 1.0)
            p = p / p.sum()
            mean = p @ x
            total += (1.0 if weigh is None else weigh(t)) * ((x - mean).T * p) @ (x - mean)
    return total


def slow_penalised(beta, x, time, event, *, efron=True):
    """Firth's penalised log likelihood."""
    likelihood = slow_weighted_log_likelihood(beta, x, time, event, efron=efron)
    return likelihood + 0.5 * math.log(np.linalg.det(slow_information(beta, x, time, event, efron=efron)))


def slow_concordance(score, time, event, stratum):
    """Pairs that agree and pairs that can be compared, subject by subject."""
    n = len(time)
    agree, pairs = np.zeros(n), np.zeros(n)
    for i, j in itertools.permutations(range(n), 2):
        outlived = time[j] > time[i] or (time[j] == time[i] and not event[j])
        if stratum[i] == stratum[j] and event[i] and outlived:
            agrees = 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
            for k in (i, j):
                pairs[k] += 1
                agree[k] += agrees
    return agree, pairs
