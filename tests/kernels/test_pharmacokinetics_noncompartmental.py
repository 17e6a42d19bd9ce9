"""Areas, moments and slopes against hand calculation, exact integrals and published output of other programs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from benchside.kernels.noncompartmental import areas, sparse_area_error, terminal_slope

THEOPH_TIME = np.array([0, 0.25, 0.57, 1.12, 2.02, 3.82, 5.10, 7.03, 9.05, 12.12, 24.37])
THEOPH_CONC = np.array([0.74, 2.84, 6.57, 10.50, 9.66, 8.58, 8.36, 7.47, 6.89, 5.94, 3.28])
"""Theophylline, subject 1 (Boeckmann, Sheiner and Beal 1994, R's datasets::Theoph)."""


@pytest.mark.parametrize(
    ("log_down", "area", "moment"),
    [
        (False, 148.92305, 1459.071104),
        (True, 147.23475, 1499.129085),
    ],  # R NonCompart, AUC(Theoph subject 1), down = "Linear", "Log"
)
def test_theophylline_as_noncompart_prints_it(log_down, area, moment):
    found_area, found_moment = areas(THEOPH_TIME, THEOPH_CONC, log_down=log_down)
    assert found_area.sum() == pytest.approx(area, abs=5e-6)
    assert found_moment.sum() == pytest.approx(moment, abs=5e-7)


def test_theophylline_slope_as_winnonlin_prints_it():
    slope = terminal_slope(THEOPH_TIME, THEOPH_CONC)
    assert (slope.points, slope.from_h) == (3, 9.05)
    assert slope.rate_per_h == pytest.approx(0.048457, abs=5e-7)
    assert slope.r2_adjusted == pytest.approx(0.9999995, abs=5e-8)


@given(st.floats(0.01, 2), st.floats(0.1, 100), st.integers(4, 12))
def test_log_down_is_exact_for_an_exponential(rate, top, points):
    at = np.linspace(0, 3 / rate, points)
    area, moment = areas(at, top * np.exp(-rate * at), log_down=True)
    end = at[-1]
    assert area.sum() == pytest.approx(top / rate * (1 - math.exp(-rate * end)), rel=1e-9)
    assert moment.sum() == pytest.approx(top / rate**2 * (1 - math.exp(-rate * end) * (1 + rate * end)), rel=1e-9)
    slope = terminal_slope(at, top * np.exp(-rate * at))
    assert slope.rate_per_h == pytest.approx(rate, rel=1e-9)
    assert slope.points == points - 1  # every point after the peak


def test_by_hand():
    # up 0 to 8 over 2 h: 8; down 8 to 2 over 3 h: 6 / (ln 4 / 3) = 12.984; 2 to 0 over 1 h is linear: 1
    at, level = np.array([0.0, 2, 5, 6]), np.array([0.0, 8, 2, 0])
    area, _ = areas(at, level, log_down=True)
    assert area == pytest.approx([8.0, 6 / (math.log(4) / 3), 1.0])
    linear, moment = areas(at, level, log_down=False)
    assert linear == pytest.approx([8.0, 15.0, 1.0])
    # trapezoids of t C = 0, 16, 10, 0: 2 * 16 / 2, 3 * 26 / 2, 1 * 10 / 2
    assert moment == pytest.approx([16.0, 39.0, 5.0])


def test_the_most_points_among_fits_alike_and_none_that_rises():
    at = np.arange(8.0)
    assert terminal_slope(at, np.exp([0.0, 5, 4, 3, 2, 1, 0, -1])).points == 6
    bent = np.exp([0.0, 5, 2, 1.9, 1.0, 0.0, -1.0, -2.0])
    assert terminal_slope(at, bent).points == 4
    assert terminal_slope(at[:4], np.array([1.0, 9, 5, 3])) is None  # two points after the peak
    assert terminal_slope(at[:5], np.array([9.0, 1, 2, 4, 8])) is None


def slow_slope(at, level):
    """The definition: a regression of each number of last points after the peak, and the rule of the choice."""
    fits = []
    for points in range(3, at.size - int(level.argmax())):
        fit = linregress(at[-points:], np.log(level[-points:]))
        if fit.slope < 0:
            fits.append((points, -fit.slope, 1 - (1 - fit.rvalue**2) * (points - 1) / (points - 2)))
    if not fits:
        return None
    best = max(fit[2] for fit in fits)
    return [fit for fit in fits if fit[2] >= best - 1e-4][-1]


@given(st.lists(st.floats(0.01, 100), min_size=4, max_size=14), st.floats(0.1, 12))
def test_all_fits_at_once_are_the_regressions(levels, step):
    at, level = step * np.arange(len(levels)), np.array(levels)
    fast, slow = terminal_slope(at, level), slow_slope(at, level)
    if slow is None or slow[1] * step < 1e-9:
        assert fast is None or fast.rate_per_h * step < 1e-6
    else:
        assert fast.rate_per_h == pytest.approx(slow[1], rel=1e-6)
        assert (fast.points, fast.r2_adjusted) == (slow[0], pytest.approx(slow[2], abs=1e-7))


def test_sparse_error_by_hand():
    # weights of 0, 1, 4 h: 0.5, 2, 1.5; variance 0.25 * 1/4 + 4 * 4/4 + 2.25 * 9/3 = 10.8125
    assert sparse_area_error(np.array([0.0, 1, 4]), np.array([1.0, 2, 3]), np.array([4.0, 4, 3])) == pytest.approx(10.8125**0.5)


def test_sparse_error_is_that_of_many_studies():
    rng = np.random.default_rng(3)
    at, mean, sd, n = np.array([0.0, 1, 3, 8]), np.array([0.0, 9, 5, 1]), np.array([0.1, 2, 1, 0.4]), 4
    drawn = mean + sd * rng.standard_normal((20_000, n, 4))
    spread = np.trapezoid(drawn.mean(axis=1), at, axis=1).std()
    assert sparse_area_error(at, sd, np.full(4, float(n))) == pytest.approx(spread, rel=0.02)
