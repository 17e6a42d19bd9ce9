"""Firth's penalised likelihood, by hand and against its definition."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize

from benchside.kernels.firth import firth_fit
from benchside.kernels.risk_order import risk_order
from tests.kernels.cox_twins import slow_penalised
from tests.kernels.survival_twins import numeric_gradient, patients

Z = 1.959963984540054


def fit_of(x, time, event, *, efron=True, entry=None):
    x = np.asarray(x, float).reshape(len(time), -1)
    order = risk_order(np.asarray(time, float), np.asarray(event, np.int64), np.zeros(len(time), np.int64), entry)
    return firth_fit(x, order, np.ones(x.shape[1], bool), Z, efron=efron)


def test_by_hand():
    # Deaths at 1 and 2 have x = 1, the one at 3 has x = 0: without a penalty the likelihood has no maximum. With r = exp(b)
    # it is log r^2 / ((2r + 1)(r + 1)) + log(2r/(2r+1)^2 + r/(r+1)^2) / 2.
    fit = fit_of([1, 1, 0], [1, 2, 3], [1, 1, 1])

    def penalised(b):
        r = math.exp(b)
        return math.log(r**2 / ((2 * r + 1) * (r + 1))) + 0.5 * math.log(2 * r / (2 * r + 1) ** 2 + r / (r + 1) ** 2)

    grid = np.linspace(-3, 6, 90_001)
    values = np.array([penalised(b) for b in grid])
    best = float(grid[values.argmax()])
    assert fit.coefficient[0] == pytest.approx(best, abs=2e-4)
    assert fit.chi2[0] == pytest.approx(2 * (values.max() - penalised(0.0)), abs=1e-7)
    for end in (fit.lower[0], fit.upper[0]):
        assert penalised(end) == pytest.approx(penalised(float(fit.coefficient[0])) - Z**2 / 2, abs=1e-8)
    assert fit.lower[0] < best < fit.upper[0]


@pytest.mark.parametrize("efron", [True, False])
@given(drawn=patients(least=10, most=25), seed=st.integers(0, 1000))
def test_fit_is_the_maximum_of_the_definition(efron, drawn, seed):
    time, event, arm = drawn
    event = np.where(arm == 1, 0, event)  # the treated have no event
    x = np.column_stack([arm, np.random.default_rng(seed).normal(size=time.size)]).astype(float)
    assume(event.sum() >= 3 and 2 <= arm.sum() <= time.size - 3)

    def penalised(beta):
        return slow_penalised(np.asarray(beta), x, time, event, efron=efron)

    try:
        penalised(np.zeros(2))
    except ValueError:
        assume(False)  # nobody treated is ever at risk with an event
    fit = fit_of(x, time, event, efron=efron)
    assume(np.abs(fit.coefficient).max() < 8)
    # The constant by which the scale of the covariates moves the determinant cancels in differences.
    assert np.abs(numeric_gradient(penalised, fit.coefficient, width=1e-4)).max() < 1e-5
    gain = 2 * (fit.log_likelihood - fit.null_log_likelihood)
    assert gain == pytest.approx(2 * (penalised(fit.coefficient) - penalised(np.zeros(2))), abs=1e-6)
    assert fit.chi2[0] <= gain + 1e-8


def test_profile_limits_are_those_of_a_general_optimiser():
    rng = np.random.default_rng(4)
    arm = np.arange(40) % 2
    time, event = np.ceil(rng.exponential(8, 40) * 2) / 2, np.where(arm == 1, 0, rng.integers(0, 2, 40))
    x = np.column_stack([arm, rng.normal(size=40)]).astype(float)
    fit = fit_of(x, time, event)
    top = slow_penalised(fit.coefficient, x, time, event)
    for end in (fit.lower[0], fit.upper[0]):
        over = minimize(lambda b, end=end: -slow_penalised(np.array([end, b[0]]), x, time, event), [fit.coefficient[1]])
        assert -over.fun == pytest.approx(top - Z**2 / 2, abs=1e-6)
    zero = minimize(lambda b: -slow_penalised(np.array([0.0, b[0]]), x, time, event), [0.0])
    assert fit.chi2[0] == pytest.approx(2 * (top + zero.fun), abs=1e-6)


def test_entry_at_the_start_changes_nothing_and_order_does_not_matter():
    rng = np.random.default_rng(9)
    arm = np.arange(30) % 2
    time, event = rng.exponential(8, 30) + 1, np.where(arm == 0, 0, rng.integers(0, 2, 30))
    plain = fit_of(arm, time, event)
    entered, turned = fit_of(arm, time, event, entry=np.zeros(30)), fit_of(arm[::-1], time[::-1], event[::-1])
    for other in (entered, turned):
        assert other.coefficient == pytest.approx(plain.coefficient, rel=1e-7)
        assert (other.lower[0], other.upper[0]) == pytest.approx((plain.lower[0], plain.upper[0]), rel=1e-6)
    swapped = fit_of(1 - arm, time, event)
    assert swapped.coefficient == pytest.approx(-plain.coefficient, rel=1e-7)


def test_without_terms_nothing_is_estimated():
    order = risk_order(np.array([1.0, 2.0]), np.zeros(2, np.int64), np.zeros(2, np.int64))
    fit = firth_fit(np.array([[0.0], [1.0]]), order, np.zeros(1, bool), Z, efron=True)
    assert np.isnan([fit.coefficient[0], fit.lower[0], fit.upper[0], fit.log_likelihood]).all()
