"""Patients behind a published Kaplan-Meier curve: deaths and censorings that rebuild it, with the numbers at risk kept exactly.

The stretch between two times of the at-risk row is an interval: who is at risk at its start and who leaves it are known, so only
the number of deaths d is free. Censorings spread evenly; each death happens where the curve crosses the middle of the step the
death makes, so a flat curve never makes one. A dynamic programme over the intervals picks the d of each, for the least squared
error of the rebuilt curve, with the total of deaths held where it is known.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PATTERNS: Final = np.array([1.0, 0.7, 1.4, 0.5, 2.0, 0.25, 4.0, 0.1, 10.0, 1.0, 0.7, 1.4, 0.5, 2.0])
"""Ways the censorings spread over an interval: the powers of their ranks, evenly first, then ever earlier and later."""

CENTRED: Final = 9
"""Patterns from this one on rank censoring c of C as (c + 1/2) / C, those before as uniform draws are expected, (c + 1) / (C + 1)."""

LATE_SHARES: Final = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
"""Shares of the last interval's censorings that wait for the end of the curve: nothing is said about when they happen."""

BEAM: Final = 8
LARGE: Final = 400
"""Above so many patients a step is small, and fewer ways are enough."""

LOOK_AHEAD: Final = 0.5
SWEEPS: Final = 4
PLACES: Final = 12
MOVED_AT_MOST: Final = 25
"""Censorings of an interval are moved one by one up to this many, and in so many groups beyond."""

SAME: Final = 1e-9
"""Two ways whose rebuilt curves end this close are one way."""


@compiled
def falling(value: Floats) -> Floats:
    """Return the falling sequence nearest to the values in squares (pool adjacent violators): (n,)."""
    n = value.size
    level, weight = np.empty(n), np.empty(n)
    blocks = 0
    for i in range(n):
        level[blocks], weight[blocks] = value[i], 1.0
        blocks += 1
        while blocks > 1 and level[blocks - 1] > level[blocks - 2]:
            total = weight[blocks - 2] + weight[blocks - 1]
            level[blocks - 2] = (level[blocks - 2] * weight[blocks - 2] + level[blocks - 1] * weight[blocks - 1]) / total
            weight[blocks - 2] = total
            blocks -= 1
    out = np.empty(n)
    at = 0
    for b in range(blocks):
        for _ in range(int(weight[b])):
            out[at] = level[b]
            at += 1
    return out


@compiled
def _crossing(time: Floats, curve: Floats, k: int, stop: int, level: float) -> tuple[float, int]:
    """Return when the curve, from point k on, falls to the level, and the point it has then reached; stop where it does not."""
    while k < stop and curve[k] > level:
        k += 1
    if k >= stop:
        return np.inf, stop
    if k == 0 or curve[k - 1] <= level:
        return time[k], k
    share = (curve[k - 1] - level) / (curve[k - 1] - curve[k])
    return time[k - 1] + share * (time[k] - time[k - 1]), k


@compiled
def rebuild(
    time: Floats,
    curve: Floats,
    weight: Floats,
    first: int,
    stop: int,
    start_time: float,
    end_time: float,
    at_risk: int,
    deaths: int,
    censor_time: Floats,
    survival: float,
    death_time: Floats,
) -> tuple[float, float]:
    """Lay deaths into one interval; return the weighted squared error at its points and survival at its end.

    Parameters
    ----------
    time, curve, weight
        (n,) points of the falling curve; those of the interval are first .. stop - 1.
    start_time, end_time, at_risk
        The interval, and who is at risk at its start.
    deaths, censor_time
        How many die, and when the others leave (c,), rising.
    survival
        The rebuilt curve at its start.
    death_time
        Filled with the times of death, rising.
    """
    width = end_time - start_time
    n, done, gone = at_risk, 0, 0
    k, scored = first, first
    error = 0.0
    latest = start_time
    while done < deaths:
        when, k = _crossing(time, curve, k, stop, survival * (1.0 - 0.5 / n))
        when = max(when, latest)
        if gone < censor_time.size and censor_time[gone] < min(when, end_time):
            n -= 1
            gone += 1
            continue
        if when >= end_time:  # more deaths than the curve asks for: the last moment costs least
            when = max(end_time - 1e-3 * width, latest)
        while scored < stop and time[scored] < when:
            error += weight[scored] * (survival - curve[scored]) ** 2
            scored += 1
        survival *= 1.0 - 1.0 / n
        n -= 1
        death_time[done] = when
        done += 1
        latest = when
    while scored < stop:
        error += weight[scored] * (survival - curve[scored]) ** 2
        scored += 1
    return error, survival


@compiled
def _spread(start_time: float, end_time: float, option: int, censor_time: Floats) -> None:
    """Fill the times of censoring (c,) of an interval by one of the patterns, a share of them only at its end."""
    late = int(round(LATE_SHARES[option // PATTERNS.size] * censor_time.size))
    early, pattern = censor_time.size - late, option % PATTERNS.size
    for c in range(censor_time.size):
        rank = (c + 0.5) / early if pattern >= CENTRED else (c + 1.0) / (early + 1.0)
        censor_time[c] = start_time + rank ** PATTERNS[pattern] * (end_time - start_time) if c < early else end_time


@compiled
def choose_deaths(
    time: Floats, curve: Floats, weight: Floats, risk_time: Floats, risk: Integers, end_time: float, noise: float, total: int,
    window: int, reach: int,
) -> tuple[Integers, Integers, float]:  # fmt: skip
    """Return the deaths of every interval, how its censorings spread, and the squared error.

    Parameters
    ----------
    time, curve, weight
        (n,) points of the falling curve.
    risk_time, risk
        (m,) the at-risk row; the last interval runs to `end_time` and everyone leaves in it.
    noise
        Variance of the points around the curve: what makes uneven censoring credible or not.
    total
        Deaths in all, or -1 where that is not known.
    window
        How far the deaths of an interval may be from what the curve alone says.
    reach
        How far the deaths so far may be from the best ones so far.

    Returns
    -------
    Deaths (m,), index of the spread (m,), error; the error is infinite where no choice within the window gives the total.

    Notes
    -----
    Censorings that are uniform within an interval seem to follow the power g of their ranks by chance only, at the price of
    g - 1 - log(g) each in log likelihood: it is added to the squared error at the scale of the noise.

    For every interval and number of deaths so far the `BEAM` best ways there are kept, ranked by their error and by how far the
    rebuilt curve then is from the given one, which the next interval pays for.
    """
    m, n0 = risk.size, risk[0]
    ways = BEAM if n0 <= LARGE else 2
    cost, survival = np.full((n0 + 1, BEAM), np.inf), np.ones((n0 + 1, BEAM))
    cost[0, 0] = 0.0
    chosen, spread = np.zeros((m, n0 + 1, BEAM), np.int64), np.zeros((m, n0 + 1, BEAM), np.int64)
    parent = np.zeros((m, n0 + 1, BEAM), np.int64)
    death_time, censor_time = np.empty(n0 + 1), np.empty(n0 + 1)
    for i in range(m):
        last = i == m - 1
        end = end_time if last else risk_time[i + 1]
        leaving = risk[i] if last else risk[i] - risk[i + 1]
        first = np.searchsorted(time, risk_time[i])
        stop = time.size if last else np.searchsorted(time, end)
        following = 0 if last else (time.size if i == m - 2 else np.searchsorted(time, risk_time[i + 2])) - stop
        wide = window + leaving // 12  # what the curve alone says is rougher the more leave at once
        options = PATTERNS.size * (LATE_SHARES.size if last else 1)
        target = curve[stop - 1] if stop > 0 else 1.0
        next_cost, next_rank = np.full((n0 + 1, BEAM), np.inf), np.full((n0 + 1, BEAM), np.inf)
        next_survival = np.ones((n0 + 1, BEAM))
        best = np.argmin(cost[:, 0])
        for before in range(max(best - reach, 0), min(best + reach, n0) + 1):
            for way in range(ways):
                if not cost[before, way] < np.inf:
                    break
                start = survival[before, way]
                fewest = _expected(start, target, risk[i], leaving)
                # A fall between the last point before the boundary and the first one after may belong to either side.
                most = fewest if last or stop >= time.size else _expected(start, curve[stop], risk[i], leaving)
                for d in range(max(0, min(fewest, leaving) - wide), min(leaving, most + wide) + 1):
                    after = before + d
                    for option in range(options if d < leaving else 1):
                        leavers = censor_time[: leaving - d]
                        _spread(risk_time[i], end, option, leavers)
                        error, reached = rebuild(
                            time, curve, weight, first, stop, risk_time[i], end, risk[i], d, leavers, start, death_time
                        )
                        gamma = PATTERNS[option % PATTERNS.size]
                        value = cost[before, way] + error + 2.0 * noise * leavers.size * (gamma - 1.0 - math.log(gamma))
                        ranked = value + LOOK_AHEAD * following * (reached - target) ** 2
                        place = _place(next_rank[after], next_survival[after], ranked, reached)
                        if place < 0:
                            continue
                        for k in range(BEAM - 1, place, -1):
                            next_cost[after, k], next_rank[after, k] = next_cost[after, k - 1], next_rank[after, k - 1]
                            next_survival[after, k] = next_survival[after, k - 1]
                            chosen[i, after, k], spread[i, after, k] = chosen[i, after, k - 1], spread[i, after, k - 1]
                            parent[i, after, k] = parent[i, after, k - 1]
                        next_cost[after, place], next_survival[after, place] = value, reached
                        next_rank[after, place] = ranked
                        chosen[i, after, place], spread[i, after, place], parent[i, after, place] = d, option, way
        cost, survival = next_cost, next_survival
    left = total if total >= 0 else int(np.argmin(cost[:, 0]))
    deaths, taken = np.zeros(m, np.int64), np.zeros(m, np.int64)
    found, way = cost[left, 0], 0
    if found < np.inf:
        for i in range(m - 1, -1, -1):
            deaths[i], taken[i] = chosen[i, left, way], spread[i, left, way]
            left, way = left - deaths[i], parent[i, left, way]
    return deaths, taken, found


@compiled
def _expected(start: float, end: float, at_risk: int, leaving: int) -> int:
    """Return the deaths that make a curve fall from start to end when half of those leaving are at risk throughout."""
    share = min(max(1.0 - end / start, 0.0), 1.0) if start > 0.0 else 0.0
    return int(round(share * (at_risk - 0.5 * leaving) / (1.0 - 0.5 * share)))


@compiled
def _place(ranks: Floats, reached: Floats, rank: float, survival: float) -> int:
    """Return where a way belongs among the kept ones, or -1: it is worse than all, or leads where a better one does."""
    place = -1
    for k in range(ranks.size):
        if rank < ranks[k]:
            place = k
            break
        if abs(reached[k] - survival) < SAME:
            return -1
    return place


@compiled
def start_censorings(risk_time: Floats, risk: Integers, end_time: float, deaths: Integers, spread: Integers) -> Floats:
    """Return the times of censoring that `choose_deaths` chose, of all intervals one after another: (c,)."""
    out = np.empty(risk[0] - deaths.sum())
    filled = 0
    for i in range(risk.size):
        last = i == risk.size - 1
        count = (risk[i] if last else risk[i] - risk[i + 1]) - deaths[i]
        _spread(risk_time[i], end_time if last else risk_time[i + 1], spread[i], out[filled : filled + count])
        filled += count
    return out


@compiled
def lay_out(
    time: Floats, curve: Floats, weight: Floats, risk_time: Floats, risk: Integers, end_time: float, deaths: Integers,
    censorings: Floats, death_time: Floats,
) -> float:  # fmt: skip
    """Fill the times of death (d,) of all intervals and return the squared error of the whole curve."""
    survival, error, died, gone = 1.0, 0.0, 0, 0
    for i in range(risk.size):
        last = i == risk.size - 1
        end = end_time if last else risk_time[i + 1]
        leaving = (risk[i] if last else risk[i] - risk[i + 1]) - deaths[i]
        first = np.searchsorted(time, risk_time[i])
        stop = time.size if last else np.searchsorted(time, end)
        part, survival = rebuild(
            time, curve, weight, first, stop, risk_time[i], end, risk[i], deaths[i], censorings[gone : gone + leaving], survival,
            death_time[died : died + deaths[i]],
        )  # fmt: skip
        error += part
        died += deaths[i]
        gone += leaving
    return error


@compiled
def refine(
    time: Floats, curve: Floats, weight: Floats, risk_time: Floats, risk: Integers, end_time: float, noise: float,
    deaths: Integers, censorings: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Move single censorings within their intervals while that lowers the squared error by more than noise; return censorings and deaths."""
    best, death_time = censorings.copy(), np.empty(deaths.sum())
    error = lay_out(time, curve, weight, risk_time, risk, end_time, deaths, best, death_time)
    for _ in range(SWEEPS):
        before, gone = error, 0
        for i in range(risk.size):
            last = i == risk.size - 1
            end = end_time if last else risk_time[i + 1]
            count = (risk[i] if last else risk[i] - risk[i + 1]) - deaths[i]
            step = max(count // MOVED_AT_MOST, 1)
            for c in range(0, count, step):
                for place in range(PLACES + (1 if last else 0)):
                    tried = best.copy()
                    tried[gone + c : gone + min(c + step, count)] = risk_time[i] + (place + 0.5) / PLACES * (end - risk_time[i])
                    if place == PLACES:
                        tried[gone + c : gone + min(c + step, count)] = end
                    tried[gone : gone + count].sort()
                    found = lay_out(time, curve, weight, risk_time, risk, end_time, deaths, tried, death_time)
                    if found < error - 2.0 * noise:
                        error, best = found, tried
            gone += count
        if error >= before:
            break
    lay_out(time, curve, weight, risk_time, risk, end_time, deaths, best, death_time)
    return best, death_time
