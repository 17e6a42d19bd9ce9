"""Profile and delta intervals of the LL4 curve, against brute force, a numerical Jacobian and the stored reference."""

import numpy as np
import polars as pl
import pytest
from scipy.special import stdtrit

from benchside.kernels.dose_delta import delta_errors
from benchside.kernels.dose_interval import dose_of, profile_limits
from benchside.kernels.dose_response import FITTED, FREE, HIGH, LOW, MID, RSS, SLOPE, STARTS, fit_all
from tests.kernels import dose_twins as twins
from tests.shared_data import shared

HALF = 0.5


def f_factor(n, level=0.95):
    """Return 1 + F(1, n - 4) / (n - 4): what the sum of squares may grow by."""
    return 1 + stdtrit(n - 4, 0.5 + level / 2) ** 2 / (n - 4)


def fit_with_limits(x, y, level=0.95):
    w, offsets = np.ones_like(y), np.array([0, len(y)])
    fits = fit_all(x, y, w, offsets, FREE, STARTS)
    factor = np.array([f_factor(len(y), level)])
    return (
        fits[0],
        profile_limits(x, y, w, offsets, fits, factor, HALF, FREE[None, :])[0],
        delta_errors(x, y, w, offsets, fits, HALF)[0],
    )


def simulated(top_sd, slope, mid, seed, *, low=1.0, high=0.05, doses=10):
    x = np.repeat(np.log(1000.0 / 3.0 ** np.arange(doses))[::-1], 2)
    return x, twins.curve(x, low, high, slope, mid) + top_sd * np.random.default_rng(seed).standard_normal(len(x))


CASES = {
    "well defined": simulated(0.04, 1.3, 3.0, 1),
    "steep": simulated(0.05, 4.0, 3.2, 2),
    "shallow": simulated(0.06, 0.6, 3.0, 3),
    "bottom not reached": simulated(0.08, 1.0, 6.5, 4),
    "noisy": simulated(0.15, 1.2, 3.5, 5),
    "hardly falls": simulated(0.2, 1.0, 6.0, 8, high=0.85),
    "top not reached": simulated(0.07, 1.0, -2.5, 6),
}


@pytest.fixture(scope="module")
def answers():
    return {name: fit_with_limits(x, y) for name, (x, y) in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_limits_of_the_midpoint_equal_brute_force(name, answers):
    x, y = CASES[name]
    fit, limits, _ = answers[name]
    expected = twins.mid_limits(fit[MID], fit[RSS] * f_factor(len(y)), x, y)
    np.testing.assert_allclose(limits[:2], expected, atol=1e-3, equal_nan=True)


@pytest.mark.parametrize("name", ["well defined", "steep", "shallow", "noisy"])
def test_limits_of_the_half_response_equal_brute_force(name, answers):
    x, y = CASES[name]
    fit, limits, _ = answers[name]
    expected = twins.through_limits(dose_of(fit, HALF), HALF, fit[RSS] * f_factor(len(y)), x, y)
    np.testing.assert_allclose(limits[2:], expected, atol=5e-4, equal_nan=True)


def test_open_and_closed_ends_both_occur(answers):
    ends = np.array([limits[:2] for _, limits, _ in answers.values()])
    assert np.isnan(ends).any()
    assert np.isfinite(ends).any()


@pytest.mark.parametrize("name", ["well defined", "steep", "shallow", "noisy"])
def test_standard_errors_equal_the_numerical_jacobian(name, answers):
    x, y = CASES[name]
    fit, _, errors = answers[name]
    expected = twins.numerical_errors(fit[[LOW, HIGH, SLOPE, MID]], x, y, HALF)
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


def test_no_standard_error_on_a_bound():
    x = np.repeat(np.log([1.0, 3.0, 9.0, 27.0, 81.0, 243.0]), 2)
    y = np.repeat([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 2) + 0.01 * np.tile([1, -1], 6)
    fit, _, errors = fit_with_limits(x, y)
    assert fit[FITTED] == 1.0
    assert np.isnan(errors).all()


@pytest.mark.parametrize("name", CASES)
def test_a_lower_level_lies_within_a_higher_one(name, answers):
    x, y = CASES[name]
    fit, wide, _ = answers[name]
    narrow = fit_with_limits(x, y, level=0.8)[1]
    for k in (0, 2):
        assert np.isnan(wide[k]) or narrow[k] > wide[k]
        assert np.isnan(wide[k + 1]) or narrow[k + 1] < wide[k + 1]
    assert not narrow[0] > fit[MID]
    assert not narrow[1] < fit[MID]


@pytest.mark.parametrize("shift", [-6.9077553, 13.8155106])
def test_the_unit_of_the_dose_shifts_the_limits_and_nothing_else(shift, answers):
    x, y = CASES["well defined"]
    _, limits, errors = answers["well defined"]
    _, moved, same = fit_with_limits(x + shift, y)
    np.testing.assert_allclose(moved - shift, limits, atol=2e-6)
    np.testing.assert_allclose(same, errors, rtol=1e-6)


def test_a_curve_with_too_few_points_for_an_interval_has_none():
    x, y = np.log([1.0, 3.0, 9.0, 27.0]), np.array([1.0, 0.8, 0.3, 0.1])
    w, offsets = np.ones(4), np.array([0, 4])
    fits = fit_all(x, y, w, offsets, FREE, STARTS)
    assert np.isnan(profile_limits(x, y, w, offsets, fits, np.array([np.nan]), HALF, FREE[None, :])).all()
    assert np.isnan(delta_errors(x, y, w, offsets, fits, HALF)).all()


def test_the_dose_of_a_response_by_hand():
    fit = np.array([1.0, 0.0, 2.0, 3.0, 0.0, 1.0])  # low, high, slope, mid
    assert dose_of(fit, 0.5) == pytest.approx(3.0)
    assert dose_of(fit, 0.2) == pytest.approx(3.0 + np.log(4.0) / 2)  # (1 - 0.2) / 0.2 = 4
    assert np.isnan(dose_of(fit, 1.2))


def test_reference_profile_limits():
    stored = pl.read_csv(shared("reference", "assay", "reference_profile_ci.csv"))
    points = pl.read_csv(shared("reference", "assay", "reference_curves_input.csv"), infer_schema_length=None)
    bounded, opened = [], []
    for row in stored.iter_rows(named=True):
        part = points.filter(pl.col("curve_id") == row["curve_id"])
        with np.errstate(divide="ignore"):
            limits = fit_with_limits(np.log(part["conc"].to_numpy()), part["response"].to_numpy())[1]
        ends = (("lo", limits[0]), ("hi", limits[1]))
        both = all(row[f"status_{end}"] == "ok" for end, _ in ends)
        for end, got in ends:
            if row[f"status_{end}"] != "ok":
                opened.append(np.isnan(got))
            elif both:
                bounded.append(abs(got - np.log(row[f"ic50_pl_{end}"])) <= 0.02)
    assert len(bounded) == 42
    assert all(bounded)
    assert len(opened) == 32
    assert all(opened)
