"""RECIST 1.1: best overall response from a subject's assessments in order, and the response of one assessment from its sum.

Codes of an assessment and of a best response are those of `CODES`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MISSING: Final = 0
CR: Final = 1
PR: Final = 2
SD: Final = 3
NON_CR_NON_PD: Final = 4
PD: Final = 5
NE: Final = 6
CODES: Final = {"CR": CR, "PR": PR, "SD": SD, "NON-CR/NON-PD": NON_CR_NON_PD, "PD": PD, "NE": NE}


@compiled
def best_response(
    starts: Integers,
    day: Integers,
    code: Integers,
    confirmed: bool,
    confirmation_days: int,
    stable_days: int,
    max_not_evaluable: int,
    accept_stable: bool,
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Return the best overall response of every subject and the assessments it rests on.

    Parameters
    ----------
    starts
        (m + 1,) index of the first assessment of every subject; the last entry is n.
    day, code
        (n,) days since the start of treatment, rising within a subject, and the assessment's code.
    confirmed
        Whether CR and PR ask for a second assessment.
    confirmation_days, stable_days
        Least days between a response and its confirmation, and from the start to an assessment that makes SD.
    max_not_evaluable
        Most NE between the two.
    accept_stable
        Whether one SD may lie between a PR and its confirmation.

    Returns
    -------
    Response, index of the assessment it starts at (-1: none), index of the confirming one (-1: none), index of the first CR or
    PR (confirmed, where that is asked) of a responder, index of the first assessment that does not count (after the first PD):
    each (m,).
    """
    m = starts.size - 1
    best, first, second, end = np.zeros(m, np.int64), np.full(m, -1), np.full(m, -1), np.empty(m, np.int64)
    onset = np.full(m, -1)
    for s in range(m):
        stop = starts[s + 1]
        for i in range(starts[s], starts[s + 1]):
            if code[i] == PD:
                stop = i + 1
                break
        end[s] = stop
        if stop == starts[s]:
            continue
        for wanted in (CR, PR):
            for i in range(starts[s], stop):
                if code[i] != wanted:
                    continue
                j = i
                if confirmed:
                    j = _confirmation(day, code, i, stop, confirmation_days, max_not_evaluable, accept_stable)
                if j < 0:
                    continue
                if onset[s] < 0 or i < onset[s]:
                    onset[s] = i
                if best[s] == MISSING:
                    best[s], first[s] = wanted, i
                    second[s] = j if confirmed else -1
                break
        if best[s] == MISSING:
            best[s], first[s] = _without_response(day, code, starts[s], stop, stable_days)
    return best, first, second, onset, end


@compiled
def _confirmation(
    day: Integers, code: Integers, i: int, stop: int, confirmation_days: int, max_not_evaluable: int, accept_stable: bool
) -> int:
    """Return the index of the assessment that confirms the CR or PR at i, or -1."""
    not_evaluable = stable = 0
    seen_complete = code[i] == CR
    for j in range(i + 1, stop):
        if code[j] == NE:
            not_evaluable += 1
            if not_evaluable > max_not_evaluable:
                return -1
        elif code[j] == SD:
            stable += 1
            if code[i] == CR or not accept_stable or stable > 1:
                return -1
        elif code[j] == CR:
            seen_complete = True
            if day[j] - day[i] >= confirmation_days:
                return j
        elif code[j] == PR:
            if seen_complete:  # disease that comes back after a CR confirms nothing
                return -1
            if day[j] - day[i] >= confirmation_days:
                return j
        else:
            return -1
    return -1


@compiled
def _without_response(day: Integers, code: Integers, start: int, stop: int, stable_days: int) -> tuple[int, int]:
    """Return the best response of a subject without a (confirmed) CR or PR, and the assessment it starts at."""
    for i in range(start, stop):
        if code[i] in (CR, PR, SD) and day[i] >= stable_days:
            return SD, i
    for i in range(start, stop):
        if code[i] == NON_CR_NON_PD and day[i] >= stable_days:
            return NON_CR_NON_PD, i
    if code[stop - 1] == PD:
        return PD, stop - 1
    return NE, start


@compiled
def target_response(
    starts: Integers, sum_mm: Floats, complete: Flags, baseline: Integers, growth: float, growth_mm: float, shrinkage: float
) -> tuple[Integers, Floats, Floats]:
    """Return the response of the target lesions at every assessment, the baseline sum and the smallest sum before it.

    Parameters
    ----------
    starts
        (m + 1,) index of the first assessment of every subject, in time order; the last entry is n.
    sum_mm
        (n,) sum of diameters; nan where it could not be measured.
    complete
        (n,) whether every target lesion is in the sum; a sum that lacks some can show PD and nothing else.
    baseline
        (m,) index of the baseline assessment of every subject; -1 where there is none.
    growth, growth_mm, shrinkage
        PD: more than the smallest sum by this share and by these mm. PR: less than baseline by this share.

    Returns
    -------
    Code (0 at baseline and before), baseline sum, nadir: each (n,).

    References
    ----------
    Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026.
    """
    n = sum_mm.size
    code, base, nadir = np.zeros(n, np.int64), np.full(n, np.nan), np.full(n, np.nan)
    for s in range(starts.size - 1):
        at = baseline[s]
        if at < 0:
            continue
        smallest = sum_mm[at]
        for i in range(at + 1, starts[s + 1]):
            base[i], nadir[i] = sum_mm[at], smallest
            value = sum_mm[i]
            if np.isnan(value):
                code[i] = NE
                continue
            # Sums are typed with few decimals: a share that is met on paper is met here.
            slack = 1e-9 * max(base[i], 1.0)
            if value - smallest >= growth * smallest - slack and value - smallest >= growth_mm - slack:
                code[i] = PD
            elif not complete[i]:
                code[i] = NE
            elif value == 0.0:
                code[i] = CR
            elif value <= (1.0 - shrinkage) * base[i] + slack:
                code[i] = PR
            else:
                code[i] = SD
            if complete[i]:
                smallest = min(smallest, value)
    return code, base, nadir
