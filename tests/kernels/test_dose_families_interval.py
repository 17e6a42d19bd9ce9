"""Profile limits and standard errors of LL3 and LL5, against brute force and numerical Jacobians."""

import numpy as np
import pytest
from scipy.special import stdtrit

from benchside.kernels.dose_delta import delta_errors, delta_errors_of, dose_of_any
from benchside.kernels.dose_five import FIVE_STARTS, fit_all_five
from benchside.kernels.dose_five_curve import ASYMMETRY
from benchside.kernels.dose_five_interval import profile_limits_five
from benchside.kernels.dose_interval import profile_limits
from benchside.kernels.dose_response import FREE, HIGH, LOW, MID, RSS, SLOPE, STARTS, fit_all
from tests.kernels import dose_five_twins as twins

HALF = 0.5
X = np.repeat(np.log(1000.0 / 3.0 ** np.arange(10))[::-1], 2)
THREE = np.array([0.0, 10.0, 0.0, 0.0])


def factor(n, p, level=0.95):
    return 1 + stdtrit(n - p, 0.5 + level / 2) ** 2 / (n - p)


def simulated(seed, sd, *curve):
    return twins.curve(X, *curve) + sd * np.random.default_rng(seed).standard_normal(len(X))


FIVE = {
    "sharp shoulder": simulated(1, 0.02, 1.0, 0.05, 1.4, 3.0, 0.4),
    "long shoulder": simulated(2, 0.02, 1.0, 0.1, 1.2, 3.2, 3.0),
    "noisy": simulated(3, 0.06, 1.0, 0.0, 1.5, 3.5, 1.0),
    "rising": simulated(4, 0.02, 0.05, 1.0, 1.4, 3.0, 0.5),
}
LOWER = {
    "well defined": simulated(5, 0.04, 1.0, 0.0, 1.3, 3.0, 1.0),
    "steep": simulated(6, 0.05, 1.1, 0.0, 3.5, 3.3, 1.0),
    "bottom not reached": simulated(7, 0.06, 1.0, 0.0, 1.0, 6.0, 1.0),
}


def five_answer(y, level=0.95):
    w, offsets = np.ones_like(y), np.array([0, len(y)])
    fits = fit_all_five(X, y, w, offsets, fit_all(X, y, w, offsets, FREE, STARTS), FREE, FIVE_STARTS)
    limits = profile_limits_five(X, y, w, offsets, fits, np.array([factor(len(y), 5, level)]), HALF, FREE)
    return fits[0], limits[0], delta_errors_of(X, w, offsets, fits, HALF, FREE[None, :], True)[0]


def three_answer(y):
    w, offsets = np.ones_like(y), np.array([0, len(y)])
    fits = fit_all(X, y, w, offsets, THREE, STARTS)
    limits = profile_limits(X, y, w, offsets, fits, np.array([factor(len(y), 3)]), HALF, THREE[None, :])
    return fits[0], limits[0], delta_errors_of(X, w, offsets, fits, HALF, THREE[None, :], False)[0]


@pytest.mark.parametrize("name", ["sharp shoulder", "long shoulder", "noisy"])
def test_limits_of_the_five_parameter_midpoint_equal_brute_force(name):
    y = FIVE[name]
    fit, limits, _ = five_answer(y)
    expected = twins.mid_limits(fit[MID], fit[RSS] * factor(len(y), 5), X, y)
    np.testing.assert_allclose(limits[:2], expected, atol=1e-3, equal_nan=True)


@pytest.mark.parametrize("name", ["sharp shoulder", "long shoulder", "noisy"])
def test_limits_of_the_five_parameter_half_response_equal_brute_force(name):
    y = FIVE[name]
    fit, limits, _ = five_answer(y)
    expected = twins.through_limits(dose_of_any(fit, HALF, True), HALF, fit[RSS] * factor(len(y), 5), X, y)
    np.testing.assert_allclose(limits[2:], expected, atol=1e-3, equal_nan=True)


def test_a_rising_curve_has_the_mirrored_limits_and_no_half():
    y = FIVE["rising"]
    _, limits, errors = five_answer(y)
    turned = y[::-1].copy()  # the doses are evenly spaced: reading the responses backwards mirrors the dose
    _, mirrored, same = five_answer(turned)
    np.testing.assert_allclose(limits[:2], (X[0] + X[-1]) - mirrored[1::-1], atol=2e-6)
    assert np.isnan(limits[2:]).all()
    assert errors[0] == pytest.approx(same[0], rel=1e-4)


@pytest.mark.parametrize("name", ["sharp shoulder", "long shoulder"])
def test_five_parameter_errors_equal_the_numerical_jacobian(name):
    y = FIVE[name]
    fit, _, errors = five_answer(y)

    def half(p):
        h = (HALF - p[1]) / (p[0] - p[1])
        e = p[3] - np.log(2 ** (1 / p[4]) - 1) / p[2]
        return e + np.log(h ** (-1 / p[4]) - 1) / p[2]

    expected = twins.numerical_errors(twins.curve, fit[[LOW, HIGH, SLOPE, MID, ASYMMETRY]], range(5), half, x=X, y=y)
    np.testing.assert_allclose(errors, expected, rtol=1e-4)


@pytest.mark.parametrize("name", LOWER)
def test_a_fixed_bottom_is_at_its_optimum_and_its_limits_equal_brute_force(name):
    y = LOWER[name]
    fit, limits, _ = three_answer(y)
    assert fit[HIGH] == 0.0
    assert fit[RSS] == pytest.approx(twins.three_best(X, y, 0.0), rel=1e-8)
    threshold = fit[RSS] * factor(len(y), 3)
    np.testing.assert_allclose(limits[:2], twins.three_mid_limits(fit[MID], threshold, X, y, 0.0), atol=1e-3, equal_nan=True)
    at = dose_of_any(fit, HALF, False)
    np.testing.assert_allclose(
        limits[2:], twins.three_through_limits(at, HALF, threshold, X, y, bottom=0.0), atol=1e-3, equal_nan=True
    )


def test_with_bottom_0_the_half_response_and_the_midpoint_need_not_agree():
    fit, _, errors = three_answer(LOWER["steep"])
    assert dose_of_any(fit, HALF, False) > fit[MID]  # the top is 1.1: half of the vehicle lies below half of the curve

    def predict(x, low, high, slope, mid):
        return twins.three(x, low, high, slope, mid)

    def half(p):
        return p[3] + np.log(p[0] / HALF - 1) / p[2]

    y = LOWER["steep"]
    np.testing.assert_allclose(
        errors, twins.numerical_errors(predict, fit[[LOW, HIGH, SLOPE, MID]], (0, 2, 3), half, x=X, y=y), rtol=1e-4
    )


def test_a_fixed_top_mirrors_a_fixed_bottom():
    y = LOWER["well defined"]
    w, offsets, f = np.ones_like(y), np.array([0, len(y)]), np.array([factor(len(y), 3)])
    _, limits, _ = three_answer(y)
    turned, box = (1.0 - y)[::-1].copy(), np.array([[1.0, 1.0, -9.0, 1.0]])  # falls again, its top fixed at 1
    fits = fit_all(X, turned, w, offsets, box[0], STARTS)
    other = profile_limits(X, turned, w, offsets, fits, f, HALF, box)[0]
    np.testing.assert_allclose(other, (X[0] + X[-1]) - limits[[1, 0, 3, 2]], atol=2e-6)


def test_the_general_errors_are_those_of_the_four_parameter_curve():
    y = FIVE["noisy"]
    w, offsets = np.ones_like(y), np.array([0, len(y)])
    fits = fit_all(X, y, w, offsets, FREE, STARTS)
    general = delta_errors_of(X, w, offsets, fits, HALF, FREE[None, :], False)
    np.testing.assert_allclose(general, delta_errors(X, y, w, offsets, fits, HALF), rtol=1e-9)


def test_a_lower_level_lies_within_a_higher_one():
    _, wide, _ = five_answer(FIVE["noisy"])
    _, narrow, _ = five_answer(FIVE["noisy"], 0.8)
    assert not narrow[0] < wide[0]
    assert not narrow[1] > wide[1]
