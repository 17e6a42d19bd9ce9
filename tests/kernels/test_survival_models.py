"""Late entry, score residuals and the test of proportional hazards, against their definitions."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchside.kernels.cox import cox_fit, fit_in_order
from benchside.kernels.cox_events import clustered_covariance, event_sums, hazards_test, score_residuals
from benchside.kernels.risk_order import risk_order
from tests.kernels.cox_twins import slow_information, slow_weighted_log_likelihood
from tests.kernels.survival_twins import numeric_gradient, numeric_hessian, patients


def with_entry(drawn, seed):
    """Drawn patients with a second covariate, two strata, and an entry before each time."""
    time, event, arm = drawn
    rng = np.random.default_rng(seed)
    x = np.column_stack([arm, rng.normal(size=time.size)]).astype(float)
    time = time + 0.25  # so that everybody can enter before
    entry = np.where(rng.random(time.size) < 0.6, 0.0, np.floor(rng.random(time.size) * time * 4) / 4)
    stratum = (np.arange(time.size) % 2).astype(np.int64)
    return x, time, event, stratum, np.where(entry < time, entry, 0.0)


@pytest.mark.parametrize("efron", [True, False])
@given(drawn=patients(least=12), seed=st.integers(0, 1000))
def test_with_late_entry_the_fit_is_the_maximum_of_the_definition(efron, drawn, seed):
    x, time, event, stratum, entry = with_entry(drawn, seed)
    fit = cox_fit(x, time, event, stratum, efron=efron, entry=entry)
    assume(not (fit.infinite | fit.aliased).any() and np.abs(fit.coefficient).max() < 4)

    def likelihood(beta):
        return slow_weighted_log_likelihood(beta, x, time, event, stratum=stratum, entry=entry, efron=efron)

    assert fit.log_likelihood - fit.null_log_likelihood == pytest.approx(
        likelihood(fit.coefficient) - likelihood(np.zeros(2)), abs=1e-8
    )
    assert np.abs(numeric_gradient(likelihood, fit.coefficient)).max() < 1e-6
    information = -numeric_hessian(likelihood, fit.coefficient)
    scale = max(1.0, float(np.abs(fit.covariance).max()))
    assert information @ fit.covariance == pytest.approx(np.eye(2), abs=1e-3 * scale)


@given(drawn=patients(least=8))
def test_entry_at_the_start_changes_nothing(drawn):
    time, event, arm = drawn
    x, stratum = arm[:, None].astype(float), np.zeros(time.size, np.int64)
    plain, entered = (
        cox_fit(x, time + 1, event, stratum, efron=True),
        cox_fit(x, time + 1, event, stratum, efron=True, entry=time * 0),
    )
    assert entered.coefficient == pytest.approx(plain.coefficient, rel=1e-9, abs=1e-12, nan_ok=True)
    assert entered.covariance[0] == pytest.approx(plain.covariance[0], rel=1e-8, nan_ok=True)


@pytest.mark.parametrize("efron", [True, False])
def test_a_subject_cut_into_two_rows_is_the_same_subject(efron):
    rng = np.random.default_rng(6)
    time, event = np.ceil(rng.exponential(10, 60)) + 1, rng.integers(0, 2, 60)
    x, stratum = rng.normal(size=(60, 2)), np.zeros(60, np.int64)
    whole = cox_fit(x, time, event, stratum, efron=efron)
    cut = np.ceil(time / 2)  # ties with event times on purpose
    rows = np.vstack([x, x]), np.concatenate([cut, time]), np.concatenate([0 * event, event])
    halves = cox_fit(*rows, np.zeros(120, np.int64), efron=efron, entry=np.concatenate([0 * cut, cut]))
    assert halves.coefficient == pytest.approx(whole.coefficient, rel=1e-10)
    assert halves.covariance.ravel() == pytest.approx(whole.covariance.ravel(), rel=1e-9)
    assert halves.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("efron", [True, False])
@given(drawn=patients(least=10, most=20), seed=st.integers(0, 1000))
def test_score_residuals_are_the_influence_of_a_subjects_weight(efron, drawn, seed):
    # The score of weighted subjects, differentiated by each weight: what one subject adds to it.
    x, time, event, stratum, entry = with_entry(drawn, seed)
    order, beta = risk_order(time, event, stratum, entry), np.array([0.4, -0.3])
    found = score_residuals(np.ascontiguousarray(x[order.order]), order, beta, efron=efron)

    def score(weight):
        kept = {"stratum": stratum, "entry": entry, "weight": weight, "efron": efron}
        return numeric_gradient(lambda b: slow_weighted_log_likelihood(b, x, time, event, **kept), beta, width=1e-4)

    for i in range(0, time.size, 3):
        step = np.where(np.arange(time.size) == i, 1e-4, 0.0)
        assert found[i] == pytest.approx((score(1 + step) - score(1 - step)) / 2e-4, abs=2e-4)
    assert found.sum(axis=0) == pytest.approx(score(np.ones(time.size)), abs=1e-5)


def test_score_residuals_by_hand():
    # At coefficient 0: x = 1 dies at 1 with means 1/2 at risk, x = 0 dies at 2 alone.
    order = risk_order(np.array([1.0, 2.0]), np.ones(2, np.int64), np.zeros(2, np.int64))
    found = score_residuals(np.array([[1.0], [0.0]]), order, np.zeros(1), efron=True)
    # First: (1 - 1/2) - (1 - 1/2) * 1/2. Second: 0 - (0 - 1/2) * 1/2 - 0.
    assert found.ravel().tolist() == pytest.approx([0.25, 0.25])


def test_rows_of_one_cluster_are_summed_before_they_are_squared():
    influence = np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 3.0]])
    assert clustered_covariance(influence, None).tolist() == [[6.0, -1.0], [-1.0, 10.0]]
    assert clustered_covariance(influence, np.array([7, 7, 9])).tolist() == [[10.0, 0.0], [0.0, 10.0]]


@pytest.mark.parametrize("efron", [True, False])
@given(drawn=patients(least=15), seed=st.integers(0, 1000))
def test_hazards_test_is_the_score_test_of_the_products_with_time(efron, drawn, seed):
    time, event, arm = drawn
    x = np.column_stack([arm, np.random.default_rng(seed).normal(size=time.size)]).astype(float)
    order = risk_order(time, event, np.zeros(time.size, np.int64))
    fit = fit_in_order(x, order, efron=efron)
    assume(not (fit.infinite | fit.aliased).any() and np.abs(fit.coefficient).max() < 4)
    g = order.block_time
    sums = event_sums(np.ascontiguousarray(x[order.order]), order, fit.coefficient, g, efron=efron)
    for power in range(3):
        weighed = slow_information(fit.coefficient, x, time, event, efron=efron, weigh=lambda t, power=power: t**power)
        assert sums.information[power] == pytest.approx(weighed, abs=1e-8 * max(1.0, np.abs(weighed).max()))
    plain, once, twice = sums.information
    whole = np.block([[plain, once], [once, twice]])
    assume(np.linalg.cond(whole) < 1e9)
    score = np.concatenate([[0, 0], g @ sums.excess])
    assert hazards_test(sums, g, np.array([0, 1])) == pytest.approx(score @ np.linalg.solve(whole, score), rel=1e-6, abs=1e-8)
    assert np.abs(sums.excess.sum(axis=0)).max() < 1e-7  # at the maximum the score is 0


def test_entry_ties_with_an_event_time_are_not_yet_at_risk():
    # Who enters at 2 is not at risk at 2: the death at 2 is alone with the first control.
    time, event = np.array([2.0, 5.0, 6.0]), np.array([1, 1, 1], np.int64)
    order = risk_order(time, event, np.zeros(3, np.int64), np.array([0.0, 2.0 + 5e-10, 0.0]))
    sums = event_sums(np.array([[1.0], [0.0], [0.0]]), order, np.zeros(1), np.zeros(3), efron=True)
    assert sums.hazard.tolist() == pytest.approx([1 / 2, 1 / 2, 1])


@pytest.mark.parametrize("seed", range(24))
def test_with_late_entry_an_arm_without_an_event_is_still_seen_to_run_away(seed):
    rng = np.random.default_rng(seed)
    arm, time = np.arange(60) % 2, np.ceil(rng.exponential(10, 60) * 2) / 2 + 0.5
    entry = np.floor(time * rng.uniform(0, 1, 60) * 2) / 2
    event = np.where(arm == seed % 2, 0, rng.integers(0, 2, 60))
    x = np.column_stack([arm, rng.normal(size=60)]).astype(float)
    fit = cox_fit(x, time, event, np.zeros(60, np.int64), efron=True, entry=np.where(entry < time, entry, 0.0))
    assert fit.infinite.tolist() == [True, False]
