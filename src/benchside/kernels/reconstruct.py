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
from benchside.kernels.reconstruct_layout import LATE_SHARES, PATTERNS, rebuild, spread_censorings

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BEAM: Final = 8
LARGE: Final = 400
"""Above so many patients a step is small, and fewer ways are enough."""

LOOK_AHEAD: Final = 0.5
SAME: Final = 1e-9
"""Two ways whose rebuilt curves end this close are one way."""


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
        first = int(np.searchsorted(time, risk_time[i]))
        stop = time.size if last else int(np.searchsorted(time, end))
        following = 0 if last else (time.size if i == m - 2 else np.searchsorted(time, risk_time[i + 2])) - stop
        wide = window + leaving // 12  # what the curve alone says is rougher the more leave at once
        options = PATTERNS.size * (LATE_SHARES.size if last else 1)
        target = curve[stop - 1] if stop > 0 else 1.0
        # A fall between the last point before the boundary and the first one after may belong to either side.
        next_target = target if last or stop >= time.size else curve[stop]
        next_cost, next_rank = np.full((n0 + 1, BEAM), np.inf), np.full((n0 + 1, BEAM), np.inf)
        next_survival = np.ones((n0 + 1, BEAM))
        best = int(np.argmin(cost[:, 0]))
        for before in range(max(best - reach, 0), min(best + reach, n0) + 1):
            for way in range(ways):
                if not cost[before, way] < np.inf:
                    break
                start = survival[before, way]
                fewest = _expected(start, target, risk[i], leaving)
                most = _expected(start, next_target, risk[i], leaving)
                for d in range(max(0, min(fewest, leaving) - wide), min(leaving, most + wide) + 1):
                    after = before + d
                    for option in range(options if d < leaving else 1):
                        leavers = censor_time[: leaving - d]
                        spread_censorings(risk_time[i], end, option, leavers)
                        error, reached = rebuild(
                            time,
                            curve,
                            weight,
                            first,
                            stop,
                            risk_time[i],
                            end,
                            risk[i],
                            d,
                            leavers,
                            start,
                            death_time,
                            last and total >= 0,  # without a total, a death that the curve does not show is none
                        )
                        gamma = PATTERNS[option % PATTERNS.size]
                        value = cost[before, way] + error + 2.0 * noise * leavers.size * (gamma - 1.0 - math.log(gamma))
                        ranked = value + LOOK_AHEAD * following * max(reached - target, next_target - reached, 0.0) ** 2
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
    return int(share * (at_risk - 0.5 * leaving) / (1.0 - 0.5 * share) + 0.5)


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
