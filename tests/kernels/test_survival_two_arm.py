import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels import _jit, two_arm
from benchside.kernels.cox import cox_fit
from benchside.kernels.two_arm import compare_two_arms
from tests.kernels.survival_twins import patients, slow_log_rank


def one(time, event, arm):
    return np.array(compare_two_arms(time[None, :], event[None, :], arm[None, :]))[:, 0]


def trials(count, size, *, seed, step=0.25):
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(size) % 2, (count, 1))
    onset = rng.exponential(12 / np.where(arm == 1, 0.7, 1.0))
    censored = rng.uniform(6, 30, onset.shape)
    time = np.minimum(onset, censored)
    return (np.ceil(time / step) * step if step else time), (onset <= censored).astype(np.int64), arm


def test_by_hand():
    # Arm 0 dies at 1 and 3, arm 1 at 2 and 4: the score is 0 where 4r^2 + r - 1 = 0; information sums p(1 - p).
    chi2, p, log_hr, se = one(np.array([1.0, 2, 3, 4]), np.ones(4, np.int64), np.array([0, 1, 0, 1]))
    r = (math.sqrt(17) - 1) / 8
    assert log_hr == pytest.approx(math.log(r), rel=1e-12)
    shares = [r / (1 + r), 2 * r / (1 + 2 * r), r / (1 + r)]
    assert se == pytest.approx(1 / math.sqrt(sum(s * (1 - s) for s in shares)), rel=1e-9)
    # Expected in arm 1: 1/2 + 2/3 + 1/2 + 1, variance 1/4 + 2/9 + 1/4.
    assert chi2 == pytest.approx((2 - 8 / 3) ** 2 / (13 / 18), rel=1e-12)
    assert p == pytest.approx(math.erfc(math.sqrt(chi2 / 2)), rel=1e-12)


@given(patients())
def test_log_rank_equals_definition(drawn):
    excess, variance = slow_log_rank(*drawn)
    chi2 = one(*drawn)[0]
    assert chi2 == pytest.approx(excess**2 / variance if variance > 0 else math.nan, rel=1e-9, abs=1e-12, nan_ok=True)


@given(patients(most=60))
def test_hazard_ratio_equals_the_regression(drawn):
    time, event, arm = drawn
    fit = cox_fit(arm[:, None].astype(float), time, event, np.zeros(time.size, np.int64), efron=True)
    _, _, log_hr, se = one(*drawn)
    assert log_hr == pytest.approx(fit.coefficient[0], rel=1e-7, abs=1e-9, nan_ok=True)
    assert se**2 == pytest.approx(fit.covariance[0, 0], rel=1e-6, nan_ok=True)


@given(patients(), st.randoms(use_true_random=False))
def test_order_of_patients_does_not_matter(drawn, random):
    order = list(range(drawn[0].size))
    random.shuffle(order)
    assert np.array_equal(one(*drawn), one(*(values[order] for values in drawn)), equal_nan=True)


@given(patients())
def test_swapping_the_arms_flips_the_sign(drawn):
    time, event, arm = drawn
    chi2, p, log_hr, se = one(time, event, arm)
    swapped = one(time, event, 1 - arm)
    assert swapped == pytest.approx(np.array([chi2, p, -log_hr, se]), rel=1e-8, abs=1e-9, nan_ok=True)


@given(patients(), st.sampled_from([0.5, 2.0, 1024.0]))
def test_scaling_time_changes_nothing(drawn, factor):
    time, event, arm = drawn
    assert np.array_equal(one(time, event, arm), one(time * factor, event, arm), equal_nan=True)


@pytest.mark.parametrize("step", [0.25, 0.0])
def test_a_trial_is_the_same_alone_in_a_batch_and_on_any_number_of_threads(step, monkeypatch):
    batch = trials(31, 60, seed=4, step=step)
    whole = np.array(compare_two_arms(*batch))
    monkeypatch.setattr(two_arm, "BLOCK", 7)
    before = _jit.threads()
    try:
        _jit.threads(1)
        assert np.array_equal(whole, np.array(compare_two_arms(*batch)))
    finally:
        _jit.threads(before)
    assert np.array_equal(whole[:, 5], one(*(values[5] for values in batch)))


def test_times_that_agree_to_1e_9_are_tied():
    time = np.array([0.1 + 0.2, 0.3, 0.3 + 5e-10, 1.0, 2.0])
    event, arm = np.ones(5, np.int64), np.array([0, 1, 1, 0, 1])
    assert one(time, event, arm) == pytest.approx(one(np.array([0.3, 0.3, 0.3, 1.0, 2.0]), event, arm), rel=1e-12)


@pytest.mark.parametrize("silent", [0, 1])
def test_an_arm_without_events_has_no_hazard_ratio_but_a_test(silent):
    arm = np.array([0, 1, 0, 1, 0, 1])
    chi2, p, log_hr, se = one(np.arange(1.0, 7.0), (arm != silent).astype(np.int64), arm)
    assert chi2 > 0
    assert 0 < p < 1
    assert math.isnan(log_hr)
    assert math.isnan(se)


def test_a_strong_effect_is_still_found():
    # One early death among 200 treated, everyone dies in the control: the ratio is far from 1 and finite.
    arm = np.repeat([0, 1], 200)
    time = np.concatenate([np.arange(1.0, 201.0), np.full(200, 300.0)])
    event = np.where(arm == 0, 1, 0)
    time[399], event[399] = 0.5, 1
    _, _, log_hr, se = one(time, event.astype(np.int64), arm)
    fit = cox_fit(arm[:, None].astype(float), time, event.astype(np.int64), np.zeros(400, np.int64), efron=True)
    assert log_hr < -4
    assert log_hr == pytest.approx(fit.coefficient[0], rel=1e-9)
    assert se == pytest.approx(math.sqrt(fit.covariance[0, 0]), rel=1e-7)


def test_minus_zero_is_zero():
    event, arm = np.ones(4, np.int64), np.array([0, 1, 0, 1])
    assert np.array_equal(one(np.array([-0.0, 0.0, 1.0, 2.0]), event, arm), one(np.array([0.0, 0.0, 1.0, 2.0]), event, arm))
