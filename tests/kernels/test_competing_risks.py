import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels import competing_risks as cr
from benchside.kernels import survival
from benchside.kernels.fine_gray import censoring_before, fine_gray_fit
from benchside.kernels.survival import block_starts
from tests.kernels.competing_twins import slow_censoring, slow_fine_gray_likelihood, slow_gray_excess, slow_incidence
from tests.kernels.survival_twins import numeric_gradient

subjects = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2), st.integers(0, 2)), min_size=6, max_size=40)


def arrays(rows):
    ordered = sorted(rows, key=lambda row: row[0])
    return [np.array(column) for column in zip(*ordered, strict=True)]


def curve(time, cause):
    steps, at_risk, first, other = cr.cause_table(np.asarray(time, float), np.asarray(cause))
    return (steps, *cr.aalen_johansen(at_risk, first, other), at_risk, first, other)


def test_incidence_by_hand():
    # 5 at risk; 1 at t=1 (1/5), 2 at t=2 (free 4/5), 1 at t=3 (free 3/5, 1 of 3 at risk), 0 at t=4, 1 at t=5 (free 2/5, 1 of 1)
    _, incidence, *_ = curve([1, 2, 3, 4, 5], [1, 2, 1, 0, 1])
    assert incidence == pytest.approx([0.2, 0.2, 0.4, 0.4, 0.8])


def test_without_other_causes_the_variance_is_greenwoods_nearly_and_the_incidence_one_less_kaplan_meier():
    rng = np.random.default_rng(1)
    time, cause = np.sort(rng.exponential(1, 60)), rng.integers(0, 2, 60)
    _, incidence, variance, at_risk, first, other = curve(time, cause)
    km, log_variance = survival.kaplan_meier(at_risk, first)
    assert incidence == pytest.approx(1 - km, abs=1e-12)
    inside = km > 0.4
    # An increment is d / n^2 here and d / (n (n - d)) in Greenwood's: the same to one subject at risk.
    assert variance[inside] == pytest.approx((km**2 * log_variance)[inside], rel=0.05)
    assert other.sum() == 0


@given(subjects)
def test_incidence_is_its_definition_and_the_causes_add_up(rows):
    time, cause, _ = arrays(rows)
    steps, first, variance, *_ = curve(time, cause)
    _, second, *_ = curve(time, np.where(cause == 0, 0, 3 - cause))
    for k, t in enumerate(steps):
        assert first[k] == pytest.approx(slow_incidence(time, cause, t), abs=1e-12)
    table = survival.risk_table(time.astype(float), (cause > 0).astype(np.int64))
    assert first + second == pytest.approx(1 - survival.kaplan_meier(table[1], table[2])[0], abs=1e-12)
    assert (variance >= 0).all()


@pytest.mark.slow
def test_the_variance_is_that_of_repeated_samples():
    rng = np.random.default_rng(3)

    def sample():
        onset, cause = rng.exponential(10, 150), rng.integers(1, 3, 150)
        censored = rng.uniform(5, 20, 150)
        time, code = np.minimum(onset, censored), np.where(onset <= censored, cause, 0)
        order = np.argsort(time)
        steps, incidence, variance, *_ = curve(time[order], code[order])
        k = np.searchsorted(steps, 8.0) - 1
        return incidence[k], variance[k]

    found = np.array([sample() for _ in range(1500)])
    assert found[:, 0].mean() == pytest.approx(0.5 * (1 - np.exp(-0.8)), abs=0.003)
    assert found[:, 1].mean() == pytest.approx(found[:, 0].var(), rel=0.12)


@given(subjects)
def test_grays_excess_is_its_definition(rows):
    time, cause, group = arrays(rows)
    observed, expected, variance, _ = cr.gray_sums(time.astype(float), cause, group, np.zeros(time.size, np.int64), 3)
    for g in set(group.tolist()):
        assert observed[g] - expected[g] == pytest.approx(slow_gray_excess(time, cause, group, g), abs=1e-9)
    assert variance == pytest.approx(variance.T, abs=1e-9)
    assert observed.sum() == pytest.approx(expected.sum())


def test_without_other_causes_grays_test_is_the_log_rank():
    rng = np.random.default_rng(5)
    time, event, group = np.sort(rng.exponential(1, 80)), rng.integers(0, 2, 80), rng.integers(0, 2, 80)
    stratum = np.zeros(80, np.int64)
    gray = cr.gray_test(*cr.gray_sums(time, event, group, stratum, 2))
    log_rank = survival.log_rank_test(*survival.log_rank_sums(time, event, group, stratum, 2))
    assert gray[0] == pytest.approx(log_rank[0], rel=0.02)  # the excess is the same, its variance only nearly
    assert cr.gray_sums(time, event, group, stratum, 2)[1] == pytest.approx(
        survival.log_rank_sums(time, event, group, stratum, 2)[1]
    )


@pytest.mark.slow
def test_grays_test_keeps_its_level():
    rng = np.random.default_rng(9)
    rejected = 0
    for _ in range(1200):
        time = np.minimum(onset := rng.exponential(10, 80), censored := rng.uniform(4, 25, 80))
        cause = np.where(onset <= censored, rng.integers(1, 3, 80), 0)
        order = np.argsort(time)
        sums = cr.gray_sums(time[order], cause[order], (np.arange(80) % 2)[order], np.zeros(80, np.int64), 2)
        rejected += cr.gray_test(*sums)[2] < 0.05
    assert rejected / 1200 == pytest.approx(0.05, abs=0.02)


def test_a_group_never_at_risk_and_no_event_give_no_test():
    time, zero = np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int64)
    assert np.isnan(cr.gray_test(*cr.gray_sums(time, zero, np.array([0, 1, 0]), zero, 2))[0])


@given(subjects)
def test_the_censoring_curve_is_kaplan_meiers(rows):
    time, cause, _ = arrays(rows)
    starts = block_starts(time.astype(float), np.zeros(time.size, np.int64))
    found = censoring_before(starts, cause)
    assert found == pytest.approx([slow_censoring(time, cause, time[s]) for s in starts[:-1]], abs=1e-12)


@given(st.integers(0, 10_000))
def test_fine_gray_is_at_the_top_of_the_weighted_likelihood(seed):
    rng = np.random.default_rng(seed)
    time, cause, x = rng.integers(1, 15, 40).astype(float), rng.integers(0, 3, 40), rng.normal(size=(40, 2))
    fit = fine_gray_fit(x, time, cause)
    if (fit.aliased | fit.infinite).any():
        return
    here = slow_fine_gray_likelihood(fit.coefficient, x, time, cause)
    assert numeric_gradient(lambda beta: slow_fine_gray_likelihood(beta, x, time, cause), fit.coefficient) == pytest.approx(
        [0, 0], abs=2e-5
    )
    shift = x.mean(axis=0) @ fit.coefficient  # centred covariates do not change the likelihood
    assert fit.log_likelihood == pytest.approx(here, rel=1e-9), shift


def test_fine_gray_names_terms_without_an_estimate():
    time, cause = np.arange(1.0, 9.0), np.array([1, 1, 2, 2, 1, 1, 0, 0])
    fit = fine_gray_fit(np.column_stack([np.ones(8), np.arange(8.0) % 3]), time, cause)
    assert fit.aliased.tolist() == [True, False]
    assert np.isnan(fit.coefficient[0])
    separated = fine_gray_fit((cause != 1).astype(float)[:, None], time, cause)
    assert separated.infinite.tolist() == [True]


@pytest.mark.slow
def test_the_standard_error_of_fine_gray_is_that_of_repeated_samples():
    rng = np.random.default_rng(11)
    found = []
    for _ in range(500):
        arm = np.arange(160) % 2
        onset = rng.exponential(10 / np.where(arm == 1, 0.6, 1.0))
        cause = np.where(rng.random(160) < 0.6, 1, 2)
        censored = rng.uniform(3, 25, 160)
        fit = fine_gray_fit(arm[:, None].astype(float), np.minimum(onset, censored), np.where(onset <= censored, cause, 0))
        found.append((fit.coefficient[0], np.sqrt(fit.covariance[0, 0])))
    coefficient, se = np.array(found).T
    assert se.mean() == pytest.approx(coefficient.std(), rel=0.1)
