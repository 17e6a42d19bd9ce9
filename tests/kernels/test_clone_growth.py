"""Growth of a clone from censored log fractions: least squares in closed form, scipy on the definition, limits by definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from benchside.kernels.clone_growth import LEAST_SD, fit_clone, likelihood, log_below

RNG = np.random.default_rng(11)


def slow_log_likelihood(time, value, extra, below, a, r, sigma):  # noqa: PLR0917  as the kernel takes them
    """The definition: a normal density for what was seen, its distribution function for what was not."""
    total = 0.0
    for t, y, m, is_below in zip(time, value, extra, below, strict=True):
        normal = stats.norm(a + r * t, math.sqrt(sigma**2 + m))
        total += normal.logcdf(y) if is_below else normal.logpdf(y)
    return total


def slow_top(time, value, extra, below, *, rate=None):
    """The largest log-likelihood over a, ln sigma and, unless it is given, the rate."""

    def loss(p):
        r = p[2] if rate is None else rate
        return -slow_log_likelihood(time, value, extra, below, p[0], r, max(math.exp(min(p[1], 3)), LEAST_SD))

    best = min(
        (optimize.minimize(loss, [value.mean(), s, 0.0][: 2 + (rate is None)], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9000})
         for s in (-2.0, -0.5)),
        key=lambda found: found.fun,
    )  # fmt: skip
    return -best.fun, best.x


def series(n=7, *, rate=0.02, sd=0.4, limit=-6.0, counting=0.0):
    time = np.sort(RNG.uniform(-90, 90, n))
    value = -4.5 + rate * time + sd * RNG.standard_normal(n)
    below = value < limit
    return time, np.where(below, limit, value), np.full(n, counting), below


@given(st.floats(-45, 12))
def test_ln_of_the_normal_distribution_function_and_its_slope(z):
    value, slope = log_below(z)
    assert value == pytest.approx(stats.norm.logcdf(z), rel=1e-9, abs=1e-12)
    assert slope == pytest.approx(math.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z)), rel=2e-9)


@given(st.floats(-1, 1), st.floats(-0.05, 0.05), st.floats(0.1, 2), st.integers(0, 1000))
def test_the_likelihood_is_its_definition_and_its_slopes_are_finite_differences(a, r, sigma, seed):
    rng = np.random.default_rng(seed)
    time, value = rng.uniform(-50, 50, 5), rng.normal(0, 1, 5)
    extra, below = rng.uniform(0, 0.5, 5), rng.random(5) < 0.4
    found = likelihood(time, value, extra, below, a, r, sigma)
    assert found[0] == pytest.approx(slow_log_likelihood(time, value, extra, below, a, r, sigma), abs=1e-8)
    for k, step in ((1, (1e-5, 0)), (2, (0, 1e-7))):
        up, down = (likelihood(time, value, extra, below, a + side * step[0], r + side * step[1], sigma) for side in (1, -1))
        assert found[k] == pytest.approx((up[0] - down[0]) / (2 * sum(step)), rel=1e-4, abs=1e-4)
        assert found[2 + k if k == 1 else 5] == pytest.approx((up[k] - down[k]) / (2 * sum(step)), rel=1e-4, abs=1e-2)


@given(st.integers(3, 12), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_without_censoring_it_is_least_squares_and_its_t_interval(n, seed):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(-90, 90, n))
    value = -4 + 0.02 * time + 0.3 * rng.standard_normal(n)
    t = stats.t.ppf(0.975, n - 2)
    a, r, sigma, low, high = fit_clone(time, value, np.zeros(n), np.zeros(n, bool), -1.0, 0.5 * n * math.log1p(t * t / (n - 2)))
    line = stats.linregress(time, value)
    assert (a, r) == pytest.approx((line.intercept, line.slope), rel=1e-6, abs=1e-9)
    residual = math.sqrt(float(np.mean((value - line.intercept - line.slope * time) ** 2)))
    if residual > 5 * LEAST_SD and line.stderr * t < 2:
        assert sigma == pytest.approx(residual, rel=1e-4)
        assert (low, high) == pytest.approx((line.slope - t * line.stderr, line.slope + t * line.stderr), rel=1e-4, abs=1e-8)


def test_with_a_known_spread_it_is_weighted_least_squares_in_closed_form():
    time, value, _, below = series(limit=-99.0)
    extra = RNG.uniform(0.01, 0.2, time.size)
    weight = 1 / (0.3**2 + extra)
    mean_t, mean_y = np.average(time, weights=weight), np.average(value, weights=weight)
    slope = np.sum(weight * (time - mean_t) * (value - mean_y)) / np.sum(weight * (time - mean_t) ** 2)
    half = 1.959964 / math.sqrt(np.sum(weight * (time - mean_t) ** 2))
    found = fit_clone(time, value, extra, below, 0.3, 0.5 * 1.959964**2)
    assert found[1] == pytest.approx(slope, rel=1e-9)
    assert found[3:] == pytest.approx([slope - half, slope + half], rel=1e-6)


@pytest.mark.parametrize("counting", [0.0, 0.05])
def test_with_censoring_it_is_scipys_largest_likelihood(counting):
    for _ in range(4):
        time, value, extra, below = series(9, limit=-5.0, counting=counting)
        if (~below).sum() < 4 or not below.any():
            continue
        found = fit_clone(time, value, extra, below, -1.0, 0.0)
        top, where = slow_top(time, value, extra, below)
        mine = slow_log_likelihood(time, value, extra, below, *found[:3])
        assert mine == pytest.approx(top, abs=1e-5)
        assert found[1] == pytest.approx(where[2], abs=2e-4)


def test_the_limits_are_where_the_profile_has_fallen_by_the_drop():
    time, value, extra, below = series(9, limit=-5.0, counting=0.02)
    assert below.any()
    drop = 2.5
    found = fit_clone(time, value, extra, below, -1.0, drop)
    top, _ = slow_top(time, value, extra, below)
    for end in found[3:]:
        profile, _ = slow_top(time, value, extra, below, rate=end)
        assert top - profile == pytest.approx(drop, abs=2e-3)


def test_a_change_of_the_unit_of_time_changes_the_rate_by_that_unit():
    time, value, extra, below = series(8, limit=-5.0)
    days, weeks = (fit_clone(time / unit, value, extra, below, -1.0, 2.0) for unit in (1.0, 7.0))
    assert weeks[[1, 3, 4]] == pytest.approx(7 * days[[1, 3, 4]], rel=1e-5)
    assert weeks[2] == pytest.approx(days[2], rel=1e-5)
