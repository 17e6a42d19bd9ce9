import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels import recist
from benchside.kernels.recist import CR, MISSING, NE, NON_CR_NON_PD, PD, PR, SD

visits = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([CR, PR, SD, NON_CR_NON_PD, PD, NE])), max_size=7)


def slow_best(days, codes, *, confirmed, confirmation, stable, most_ne, accept):
    """The rule read aloud: nothing after the first PD; CR, then PR, then SD ..., every pair of assessments tried."""
    if PD in codes:
        stop = codes.index(PD) + 1
        days, codes = days[:stop], codes[:stop]

    def confirms(i, j):
        between, last = codes[i + 1 : j], codes[j]
        if days[j] - days[i] < confirmation or between.count(NE) > most_ne:
            return False
        if codes[i] == CR:
            return last == CR and set(between) <= {CR, NE}
        allowed = {CR, PR, NE} | ({SD} if accept else set())
        back = any(a == CR and b == PR for a, b in itertools.combinations([*between, last], 2))
        return last in (CR, PR) and set(between) <= allowed and between.count(SD) <= 1 and not back

    for wanted in (CR, PR):
        for i, code in enumerate(codes):
            if code == wanted and (not confirmed or any(confirms(i, j) for j in range(i + 1, len(codes)))):
                return wanted
    if any(code in (CR, PR, SD) and day >= stable for day, code in zip(days, codes, strict=True)):
        return SD
    if any(code == NON_CR_NON_PD and day >= stable for day, code in zip(days, codes, strict=True)):
        return NON_CR_NON_PD
    return MISSING if not codes else PD if codes[-1] == PD else NE


@given(
    st.lists(visits, min_size=1, max_size=4),
    st.booleans(),
    st.integers(0, 40),
    st.integers(0, 60),
    st.integers(0, 2),
    st.booleans(),
)
def test_the_best_response_is_the_rule_read_aloud(  # noqa: PLR0917  drawn by hypothesis
    subjects, confirmed, confirmation, stable, most_ne, accept
):
    days = [list(itertools.accumulate(step for step, _ in rows)) for rows in subjects]
    codes = [[code for _, code in rows] for rows in subjects]
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in subjects])])
    flat = [np.array(list(itertools.chain.from_iterable(lists)), np.int64) for lists in (days, codes)]
    best, first, second, onset, _ = recist.best_response(starts, *flat, confirmed, confirmation, stable, most_ne, accept)
    for k in range(len(subjects)):
        rule = {"confirmed": confirmed, "confirmation": confirmation, "stable": stable, "most_ne": most_ne, "accept": accept}
        assert best[k] == slow_best(days[k], codes[k], **rule)
        if best[k] in (CR, PR):
            assert flat[1][first[k]] == best[k]
            assert onset[k] <= first[k]
            assert (second[k] > first[k]) == confirmed


def test_targets_by_hand():
    # baseline 50; 36: -28 % SD; 35: -30 % PR; 40: +5 and +14 % of 35: PR holds (20 % of baseline less) -> -20 % SD; 42: +7, 20 % PD; 0: CR
    sums = np.array([50.0, 36, 35, 40, 42, np.nan, 0])
    code, base, nadir = recist.target_response(np.array([0, 7]), sums, np.ones(7, np.bool_), np.array([0]), 0.2, 5.0, 0.3)
    assert code.tolist() == [0, SD, PR, SD, PD, NE, CR]
    assert nadir[1:].tolist() == [50, 36, 35, 35, 35, 35]
    assert base[1:].tolist() == [50] * 6


def test_small_growth_is_no_progression_and_incomplete_sums_show_it_alone():
    code, *_ = recist.target_response(
        np.array([0, 4]), np.array([10.0, 5, 9, 40]), np.array([True, True, True, False]), np.array([0]), 0.2, 5.0, 0.3
    )
    assert code.tolist() == [0, PR, SD, PD]  # 5 to 9 mm: 80 %, and less than 5 mm
    code, _, nadir = recist.target_response(
        np.array([0, 3]), np.array([50.0, 10, 48]), np.array([True, False, True]), np.array([0]), 0.2, 5.0, 0.3
    )
    assert code.tolist() == [0, NE, SD]
    assert nadir[2] == 50


@pytest.mark.parametrize("baseline", [[-1]])
def test_without_baseline_nothing_is_called(baseline):
    code, base, _ = recist.target_response(
        np.array([0, 2]), np.array([5.0, 9]), np.ones(2, np.bool_), np.array(baseline), 0.2, 5.0, 0.3
    )
    assert code.tolist() == [0, 0]
    assert np.isnan(base).all()
