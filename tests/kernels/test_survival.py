import math

import numpy as np
import pytest
from hypothesis import given

from benchside.kernels import survival as k
from tests.kernels.survival_twins import patients, slow_curve, slow_log_rank


def curve_of(time, event):
    order = np.argsort(time, kind="stable")
    steps, n_risk, n_event, n_censor = k.risk_table(time[order], event[order])
    return steps, n_risk, n_event, n_censor, *k.kaplan_meier(n_risk, n_event)


def sums_of(time, event, arm, stratum=None):
    stratum = np.zeros(time.size, np.int64) if stratum is None else stratum
    order = np.lexsort((time, stratum))
    return k.log_rank_sums(time[order], event[order], arm[order], stratum[order], 2)


def test_curve_by_hand():
    # Events at 1, 3, 4 and one censored at 2: 3/4, then (3/4)(1/2), then 0.
    steps, n_risk, n_event, n_censor, curve, variance = curve_of(np.array([4.0, 1.0, 2.0, 3.0]), np.array([1, 1, 0, 1], np.int64))
    assert steps.tolist() == [1, 2, 3, 4]
    assert n_risk.tolist() == [4, 3, 2, 1]
    assert n_event.tolist() == [1, 0, 1, 1]
    assert n_censor.tolist() == [0, 1, 0, 0]
    assert curve.tolist() == pytest.approx([0.75, 0.75, 0.375, 0])
    assert variance.tolist() == pytest.approx([1 / 12, 1 / 12, 1 / 12 + 1 / 2, math.inf])


def test_times_that_agree_to_1e_9_are_tied():
    steps, n_risk, n_event, *_ = curve_of(np.array([0.1 + 0.2, 0.3, 0.3 + 5e-10, 0.3 + 1e-8]), np.ones(4, np.int64))
    assert steps.size == 2
    assert n_risk.tolist() == [4, 1]
    assert n_event.tolist() == [3, 1]


@given(patients())
def test_curve_equals_definition(drawn):
    time, event, _ = drawn
    steps, n_risk, _, _, curve, _ = curve_of(time, event)
    assert curve.tolist() == pytest.approx([slow_curve(time, event, t) for t in steps], abs=1e-12)
    assert n_risk.tolist() == [(time >= t).sum() for t in steps]


@given(patients())
def test_curve_ignores_the_order_of_the_subjects(drawn):
    time, event, _ = drawn
    backwards = curve_of(time[::-1].copy(), event[::-1].copy())
    assert all(np.array_equal(a, b) for a, b in zip(curve_of(time, event), backwards, strict=True))


def test_limits_by_hand():
    # S = 0.75, variance of log S = 1/12, z = 1.96.
    lower, upper = k.curve_limits(np.array([0.75]), np.array([1 / 12]), 1.96, k.PLAIN)
    assert (lower[0], upper[0]) == pytest.approx((0.75 - 1.96 * 0.75 / math.sqrt(12), 1.0))
    lower, upper = k.curve_limits(np.array([0.75]), np.array([1 / 12]), 1.96, k.LOG)
    assert (lower[0], upper[0]) == pytest.approx((0.75 * math.exp(-1.96 / math.sqrt(12)), 1.0))
    lower, upper = k.curve_limits(np.array([0.75]), np.array([1 / 12]), 1.96, k.LOG_LOG)
    spread = 1.96 / math.sqrt(12) / -math.log(0.75)
    assert (lower[0], upper[0]) == pytest.approx((0.75 ** math.exp(spread), 0.75 ** math.exp(-spread)))


@pytest.mark.parametrize("kind", [k.PLAIN, k.LOG, k.LOG_LOG])
def test_no_limits_where_the_curve_is_1_or_0(kind):
    lower, upper = k.curve_limits(np.array([1.0, 0.5, 0.0]), np.array([0.0, 0.1, math.inf]), 1.96, kind)
    assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("curve", "reached", "expected"),
    [
        ([0.75, 0.4, 0.2], True, 2.0),
        ([0.75, 0.5, 0.2], True, 2.5),
        ([0.75, 0.5 + 1e-12, 0.5 + 1e-12, 0.2], True, 3.0),
        ([0.75, 0.5], True, 2.0),
        ([0.75, 0.5], False, math.nan),
        ([0.75, 0.6], True, math.nan),
        ([math.nan, 0.6, math.nan, 0.4], True, 4.0),
    ],
)
def test_median_by_hand(curve, reached, expected):
    time = np.arange(1.0, len(curve) + 1)
    assert k.crossing_time(time, np.array(curve), 0.5, reached) == pytest.approx(expected, nan_ok=True)


def test_log_rank_by_hand():
    # Arm 0 dies at 1, 2 and arm 1 at 3, 4: expected 1/2 + 1/3, variance 1/4 + 2/9.
    observed, expected, variance = sums_of(np.array([1.0, 2, 3, 4]), np.ones(4, np.int64), np.array([0, 0, 1, 1]))
    assert observed.tolist() == [2, 2]
    assert expected[0] == pytest.approx(5 / 6)
    chi2, df, p = k.log_rank_test(observed, expected, variance)
    assert chi2 == pytest.approx((7 / 6) ** 2 / (17 / 36))
    assert df == 1
    assert p == pytest.approx(math.erfc(math.sqrt(chi2 / 2)))


@given(patients())
def test_log_rank_equals_definition(drawn):
    time, event, arm = drawn
    stratum = (np.arange(time.size) % 3).astype(np.int64)
    for strata in (None, stratum):
        observed, expected, variance = sums_of(time, event, arm, strata)
        excess, spread = slow_log_rank(time, event, arm, strata)
        assert observed[1] - expected[1] == pytest.approx(excess, abs=1e-10)
        assert variance[1, 1] == pytest.approx(spread, abs=1e-10)
        assert observed.sum() == pytest.approx(expected.sum())
        assert np.abs(variance.sum(axis=0)).max() < 1e-10


@given(patients(), patients())
def test_three_arms_are_those_of_two_where_one_is_never_at_risk(first, second):
    time, event, arm = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    observed, expected, variance = sums_of(time, event, arm)
    order = np.argsort(time, kind="stable")
    three = k.log_rank_sums(time[order], event[order], arm[order] * 2, np.zeros(time.size, np.int64), 3)
    two, other = k.log_rank_test(observed, expected, variance), k.log_rank_test(*three)
    assert two == pytest.approx(other, nan_ok=True)


def test_arms_never_at_risk_together_are_not_compared():
    observed, expected, variance = sums_of(
        np.array([1.0, 2.0, 1.0, 2.0]), np.ones(4, np.int64), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    )
    chi2, df, p = k.log_rank_test(observed, expected, variance)
    assert math.isnan(chi2)
    assert math.isnan(p)
    assert df == 1
