"""Slow twins of the competing-risks kernels: from the definitions."""

import math

import numpy as np


def slow_incidence(time, cause, at):
    """Aalen-Johansen at one time: over the event times, the share that is free of any event times the share that then fails of 1."""
    free, incidence = 1.0, 0.0
    for t in sorted({u for u, c in zip(time, cause, strict=True) if c and u <= at}):
        n = sum(u >= t for u in time)
        first = sum(u == t and c == 1 for u, c in zip(time, cause, strict=True))
        any_cause = sum(u == t and c > 0 for u, c in zip(time, cause, strict=True))
        incidence += free * first / n
        free *= 1 - any_cause / n
    return incidence


def slow_gray_excess(time, cause, group, of):
    """Observed less expected events of cause 1 in a group: its share of those at risk, weighted by (1 - F) / S of each group."""
    rows = list(zip(time, cause, group, strict=True))
    excess = 0.0
    for t in sorted({u for u, c, _ in rows if c == 1}):
        weights = {}
        for g in set(group):
            mine = [(u, c) for u, c, h in rows if h == g]
            at_risk = sum(u >= t for u, _ in mine)
            before = [u for u, c in mine if c and u < t]
            free = math.prod(
                1 - sum(v == u and c > 0 for v, c in mine) / sum(v >= u for v, _ in mine) for u in sorted(set(before))
            )
            failed = slow_incidence([u for u, _ in mine], [c for _, c in mine], np.nextafter(t, 0))
            weights[g] = at_risk * (1 - failed) / free if at_risk else 0.0
        deaths = sum(u == t and c == 1 for u, c, _ in rows)
        excess += sum(u == t and c == 1 and h == of for u, c, h in rows) - deaths * weights[of] / sum(weights.values())
    return excess


def slow_censoring(time, cause, before):
    """Kaplan-Meier of the censoring times, just before a time."""
    share = 1.0
    for t in sorted({u for u, c in zip(time, cause, strict=True) if c == 0 and u < before}):
        share *= 1 - sum(u == t and c == 0 for u, c in zip(time, cause, strict=True)) / sum(u >= t for u in time)
    return share


def slow_fine_gray_likelihood(beta, x, time, cause):
    """The weighted log partial likelihood, death by death (Breslow)."""
    risk = np.exp(x @ beta)
    total = 0.0
    for i in np.flatnonzero(cause == 1):
        weights = np.where(time >= time[i], 1.0, 0.0)
        for j in np.flatnonzero((time < time[i]) & (cause == 2)):
            weights[j] = slow_censoring(time, cause, time[i]) / slow_censoring(time, cause, time[j])
        total += float(x[i] @ beta) - math.log(float((weights * risk).sum()))
    return total
