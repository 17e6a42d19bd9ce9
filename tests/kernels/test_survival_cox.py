import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchside.kernels.cox import cox_fit
from tests.kernels.survival_twins import numeric_gradient, numeric_hessian, patients, slow_log_likelihood


def fit_of(x, time, event, stratum=None, *, efron=True):
    stratum = np.zeros(len(time), np.int64) if stratum is None else stratum
    x = np.asarray(x, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    return cox_fit(x, np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.int64), stratum, efron=efron)


TIED = {"time": [1, 1, 6, 6, 8, 9], "event": [1, 0, 1, 1, 0, 1], "x": [1, 1, 1, 0, 0, 0]}


def test_breslow_by_hand():
    # Score 2 - r/(r+1) - 2r/(r+3) is 0 where r^2 - 3r - 6 = 0.
    fit = fit_of(**TIED, efron=False)
    r = (3 + math.sqrt(33)) / 2
    assert fit.coefficient[0] == pytest.approx(math.log(r), rel=1e-10)
    information = r / (r + 1) ** 2 + 2 * 3 * r / (r + 3) ** 2
    assert fit.covariance[0, 0] == pytest.approx(1 / information, rel=1e-8)


def test_efron_by_hand():
    # The second of the tied deaths has (r + 5)/2 at risk: 2 = r/(r+1) + r/(r+3) + r/(r+5), so r^3 - 23r - 30 = 0.
    fit = fit_of(**TIED)
    r = math.exp(fit.coefficient[0])
    assert r**3 - 23 * r - 30 == pytest.approx(0, abs=1e-8)
    assert fit.log_likelihood == pytest.approx(2 * math.log(r) - math.log(3 * r + 3) - math.log(r + 3) - math.log((r + 5) / 2))


def test_likelihood_of_many_tied_deaths_keeps_its_last_digits():
    # Without covariates n deaths have n, n - 1 ... 1 at risk under Efron's ties, whatever is tied: the likelihood is 1 / n!. Added
    # up plainly its logarithm, -3.5e6, is off by 6e-8, and the steps to the maximum of 1e7 deaths were halved for no reason.
    n = 300_000
    rng = np.random.default_rng(1)
    fit = fit_of(rng.normal(size=n), rng.integers(1, 1001, n), np.ones(n, np.int64))
    assert fit.null_log_likelihood == pytest.approx(-math.lgamma(n + 1), rel=0, abs=1e-8)


@pytest.mark.parametrize("efron", [True, False])
@given(drawn=patients(least=12), seed=st.integers(0, 1000))
def test_fit_is_the_maximum_of_the_definition(efron, drawn, seed):
    time, event, arm = drawn
    x = np.column_stack([arm, np.random.default_rng(seed).normal(50, 10, time.size)]).astype(float)
    stratum = (np.arange(time.size) % 2).astype(np.int64)
    fit = fit_of(x, time, event, stratum, efron=efron)
    assume(not (fit.infinite | fit.aliased).any() and np.abs(fit.coefficient).max() < 4)

    def likelihood(beta):
        return slow_log_likelihood(beta, x - x.mean(axis=0), time, event, stratum, efron=efron)

    scale = x.std(axis=0)
    assert fit.log_likelihood == pytest.approx(likelihood(fit.coefficient), abs=1e-9)
    assert np.abs(numeric_gradient(lambda b: likelihood(b / scale), fit.coefficient * scale)).max() < 1e-6
    information = -numeric_hessian(lambda b: likelihood(b / scale), fit.coefficient * scale)
    scaled = fit.covariance * np.outer(scale, scale)
    assert information @ scaled == pytest.approx(np.eye(2), abs=1e-3 * max(1.0, float(np.abs(scaled).max())))


def test_a_covariate_may_be_shifted_and_scaled():
    rng = np.random.default_rng(1)
    x, time, event = rng.normal(size=80), rng.exponential(size=80), rng.integers(0, 2, 80)
    plain, moved = fit_of(x, time, event), fit_of(1e6 + 1e-3 * x, time, event)
    assert moved.coefficient[0] * 1e-3 == pytest.approx(plain.coefficient[0], rel=1e-5)


def test_a_copied_or_constant_term_is_aliased_and_the_others_stand():
    rng = np.random.default_rng(2)
    x, time, event = rng.normal(size=60), rng.exponential(size=60), np.ones(60, np.int64)
    fit = fit_of(np.column_stack([np.ones(60), x, 2 * x + 1]), time, event)
    assert fit.aliased.tolist() == [True, False, True]
    assert fit.coefficient[1] == pytest.approx(fit_of(x, time, event).coefficient[0], rel=1e-12)
    assert np.isnan(fit.coefficient[[0, 2]]).all()


def test_a_term_without_a_maximum_is_named_and_the_others_stand():
    rng = np.random.default_rng(3)
    x, time = rng.normal(size=90), rng.exponential(size=90)
    arm = np.arange(90) % 3
    event = (arm != 2).astype(np.int64)
    fit = fit_of(np.column_stack([arm == 1, arm == 2, x]), time, event)
    assert fit.infinite.tolist() == [False, True, False]
    # At the limit the arm without events weighs nothing.
    rest = arm != 2
    without = fit_of(np.column_stack([arm == 1, x])[rest], time[rest], event[rest])
    assert fit.coefficient[[0, 2]] == pytest.approx(without.coefficient, rel=1e-6)
    assert np.isnan(fit.covariance[1]).all()


def test_without_an_event_nothing_is_estimated():
    fit = fit_of([0, 1, 0, 1], [1, 2, 3, 4], [0, 0, 0, 0])
    assert fit.aliased.tolist() == [True]
    assert np.isnan(fit.coefficient).all()
