"""How patients are laid under a curve: censorings into an interval, deaths to where the curve falls by half their step."""

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

SWEEPS: Final = 4
PLACES: Final = 12
MOVED_AT_MOST: Final = 25
"""Censorings of an interval are moved one by one up to this many, and in so many groups beyond."""


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
    last: bool,
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
    last
        Whether the curve ends with the interval: deaths that it does not show then come just after it.
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
            when = end_time + 1e-6 * max(end_time, 1.0) if last else max(end_time - 1e-3 * width, latest)
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
def spread_censorings(start_time: float, end_time: float, option: int, censor_time: Floats) -> None:
    """Fill the times of censoring (c,) of an interval by one of the patterns, a share of them only at its end."""
    late = int(LATE_SHARES[option // PATTERNS.size] * censor_time.size + 0.5)
    early, pattern = censor_time.size - late, option % PATTERNS.size
    for c in range(censor_time.size):
        rank = (c + 0.5) / early if pattern >= CENTRED else (c + 1.0) / (early + 1.0)
        censor_time[c] = start_time + rank ** PATTERNS[pattern] * (end_time - start_time) if c < early else end_time


@compiled
def start_censorings(risk_time: Floats, risk: Integers, end_time: float, deaths: Integers, spread: Integers) -> Floats:
    """Return the times of censoring that `choose_deaths` chose, of all intervals one after another: (c,)."""
    out = np.empty(risk[0] - deaths.sum())
    filled = 0
    for i in range(risk.size):
        last = i == risk.size - 1
        count = (risk[i] if last else risk[i] - risk[i + 1]) - deaths[i]
        spread_censorings(risk_time[i], end_time if last else risk_time[i + 1], spread[i], out[filled : filled + count])
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
        first = int(np.searchsorted(time, risk_time[i]))
        stop = time.size if last else int(np.searchsorted(time, end))
        part, survival = rebuild(
            time, curve, weight, first, stop, risk_time[i], end, risk[i], deaths[i], censorings[gone : gone + leaving], survival,
            death_time[died : died + deaths[i]], last,
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
