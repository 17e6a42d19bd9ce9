"""The LL4 fit: never above the best of many starts, right by hand, and blind to everything that must not matter."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from benchside.kernels import _jit
from benchside.kernels.dose_response import FITTED, FREE, HIGH, LEVEL_MAX, LOW, MID, RSS, SLOPE, SLOPE_MAX, STARTS, fit_all, left
from tests.kernels import dose_twins as twins
from tests.shared_data import shared

CURVES = list(twins.hard_curves())


def fit_each(curves):
    """Fit a list of (x, y) in one call of the kernel."""
    x, y = (np.concatenate([pair[k] for pair in curves]) for k in (0, 1))
    offsets = np.cumsum([0, *(len(pair[0]) for pair in curves)]).astype(np.int64)
    return fit_all(x, y, np.ones_like(y), offsets, FREE, STARTS)


def fit_alone(x, y):
    return fit_each([(np.asarray(x, dtype=float), np.asarray(y, dtype=float))])[0]


@pytest.fixture(scope="module")
def hard_fits():
    return {name: (x, y, fit) for (name, x, y), fit in zip(CURVES, fit_each([(x, y) for _, x, y in CURVES]), strict=True)}


def test_there_are_enough_hard_curves():
    assert len(CURVES) >= 60


@pytest.mark.parametrize("name", [name for name, *_ in CURVES])
def test_the_fit_is_never_above_the_best_of_forty_starts(name, hard_fits):
    x, y, fit = hard_fits[name]
    assert fit[RSS] <= twins.best_of_starts(x, y) * (1 + 1e-6) + 1e-14


@pytest.mark.parametrize("name", [name for name, *_ in CURVES])
def test_the_sum_of_squares_is_that_of_the_curve_returned_and_the_curve_lies_in_the_box(name, hard_fits):
    x, y, fit = hard_fits[name]
    own = np.sum((y - twins.curve(x, fit[LOW], fit[HIGH], fit[SLOPE], fit[MID])) ** 2)
    assert fit[RSS] == pytest.approx(own, rel=1e-9, abs=1e-15)
    assert 0 < fit[SLOPE] <= SLOPE_MAX * (1 + 1e-12)
    assert max(abs(fit[LOW]), abs(fit[HIGH])) <= LEVEL_MAX
    low, high = twins.box(x)[3]
    assert low - 1e-9 <= fit[MID] <= high + 1e-9


# ---------------------------------------------------------------- by hand


def test_the_share_left_by_hand():
    assert left(1.0, 0.0, -np.inf) == 1.0
    assert left(2.0, 3.0, 3.0) == 0.5
    assert left(1.0, 0.0, np.log(3.0)) == pytest.approx(0.25)  # 1 / (1 + 3)
    assert left(50.0, 0.0, 100.0) == 0.0


@pytest.mark.parametrize(("low", "high", "slope", "mid"), [(1.0, 0.0, 1.0, 2.0), (1.1, 0.15, 2.5, 3.3), (0.1, 0.9, 1.2, 1.0)])
def test_a_curve_without_noise_gives_its_parameters_back(low, high, slope, mid):
    x = np.linspace(-2, 7, 12)
    fit = fit_alone(x, twins.curve(x, low, high, slope, mid))
    assert fit[[LOW, HIGH, SLOPE, MID]] == pytest.approx([low, high, slope, mid], abs=1e-6)
    assert fit[RSS] < 1e-14


def test_the_unfittable_says_so():
    assert fit_alone([0.0, 1.0, 2.0, 3.0, 4.0], [0.7] * 5)[FITTED] == 0.0  # no variation
    assert fit_alone([1.0, 1.0, 1.0], [0.2, 0.5, 0.7])[FITTED] == 0.0  # one dose
    assert fit_alone([-np.inf, -np.inf, 2.0], [1.0, 1.1, 0.3])[FITTED] == 0.0  # one dose above none


def test_two_levels_that_meet_at_a_dose_are_fitted_exactly():
    x = np.log([1.0, 3.0, 9.0, 27.0, 81.0, 243.0])
    fit = fit_alone(x, [1.0, 1.0, 1.0, 0.35, 0.0, 0.0])
    assert fit[RSS] < 1e-9  # steeper and steeper is better and better, ever less so: the search stops where no reader could tell
    assert fit[MID] == pytest.approx(np.log(27.0), abs=0.1)


def test_weights_are_as_if_points_were_repeated():
    x, y = np.log([1.0, 3.0, 9.0, 27.0, 81.0, 243.0]), np.array([1.02, 0.9, 0.71, 0.33, 0.2, 0.05])
    times = np.array([1, 2, 1, 3, 1, 2])
    weighted = fit_all(x, y, times.astype(float), np.array([0, 6]), FREE, STARTS)[0]
    assert weighted[:RSS] == pytest.approx(fit_alone(np.repeat(x, times), np.repeat(y, times))[:RSS], rel=1e-6)


# ---------------------------------------------------------------- laws

points = st.lists(st.floats(-0.5, 1.5), min_size=8, max_size=14)


def same_optimum(one, two, *, rss_scale=1.0):
    """Say whether two fits reach one sum of squares; where the optimum is flat their parameters may differ."""
    return two[RSS] == pytest.approx(one[RSS] * rss_scale, rel=1e-6, abs=1e-13 * rss_scale)


def noisy(y):
    """Return a falling curve with the given disturbances: an interior, well-defined optimum."""
    x = np.log(1000.0 / 3.0 ** np.arange(len(y)))[::-1]
    return x, twins.curve(x, 1.0, 0.1, 1.4, x[len(x) // 2]) + 0.05 * np.asarray(y)


@given(points, st.floats(-20.0, 20.0))
def test_the_unit_of_the_dose_does_not_matter(y, shift):
    x, y = noisy(y)
    one, two = fit_alone(x, y), fit_alone(x + shift, y)
    assert same_optimum(one, two)
    assert two[MID] - shift == pytest.approx(one[MID], abs=1e-6)


@given(points, st.floats(0.2, 4.0), st.floats(-1.0, 1.0))
def test_scaling_the_response_scales_the_levels_only(y, factor, offset):
    x, y = noisy(y)
    one, two = fit_alone(x, y), fit_alone(x, factor * y + offset)
    assert same_optimum(one, two, rss_scale=factor**2)
    assert two[[LOW, HIGH]] == pytest.approx(factor * one[[LOW, HIGH]] + offset, abs=1e-5)
    assert two[[SLOPE, MID]] == pytest.approx(one[[SLOPE, MID]], rel=1e-5, abs=1e-5)


@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(y, random):
    x = np.linspace(0.0, 9.0, len(y))
    order = list(range(len(y)))
    random.shuffle(order)
    y = np.array(y)
    one, two = fit_alone(x, y), fit_alone(x[order], y[order])
    assert one[FITTED] == two[FITTED]
    assert one[FITTED] == 0.0 or same_optimum(one, two)


@given(points)
def test_turning_the_dose_round_exchanges_the_levels(y):
    x, y = noisy(y)
    one, two = fit_alone(x, y), fit_alone(-x, y)
    assert same_optimum(one, two)
    assert two[[LOW, HIGH, MID]] == pytest.approx([one[HIGH], one[LOW], -one[MID]], abs=1e-5)


@settings(max_examples=15)
@given(st.permutations(range(len(CURVES))))
def test_a_curve_is_fitted_the_same_wherever_it_stands(order):
    alone = fit_each([CURVES[k][1:] for k in range(len(CURVES))])
    moved = fit_each([CURVES[k][1:] for k in order])
    np.testing.assert_array_equal(moved, alone[list(order)])


def test_one_thread_and_two_give_the_same_bits():
    before = _jit.threads()
    results = []
    try:
        for count in (1, 2):
            _jit.threads(count)
            results.append(fit_each([curve[1:] for curve in CURVES]))
    finally:
        _jit.threads(before)
    np.testing.assert_array_equal(results[0], results[1])


# ---------------------------------------------------------------- reference


def test_reference_curves_reach_the_stored_optimum():
    points = pl.read_csv(shared("reference", "assay", "reference_curves_input.csv"), infer_schema_length=None)
    stored = pl.read_csv(shared("reference", "assay", "reference_drc_fits.csv"), infer_schema_length=None, null_values=["", "NA"])
    optimum = dict(stored.filter(pl.col("model") == "LL.4").select("curve_id", "ms_rss").drop_nulls().rows())
    parts = [part for part in points.partition_by("curve_id", maintain_order=True) if part["curve_id"][0] in optimum]
    with np.errstate(divide="ignore"):
        fits = fit_each([(np.log(part["conc"].to_numpy()), part["response"].to_numpy()) for part in parts])
    assert len(parts) == 268
    reached = [fit[RSS] <= optimum[part["curve_id"][0]] * (1 + 1e-6) for fit, part in zip(fits, parts, strict=True)]
    assert np.mean(reached) >= 0.995


def test_a_fixed_level_stays_and_the_others_are_at_their_optimum():
    """The box fixes the level at no dose to 1; the twin is least squares on the three parameters left."""
    rng = np.random.default_rng(5)
    x = np.log(10.0 ** np.arange(0, 4.5, 0.5))
    y = 0.1 + 0.85 / (1 + np.exp(1.3 * (x - 5))) + 0.03 * rng.standard_normal(x.size)
    found = fit_all(x, y, np.ones_like(y), np.array([0, x.size]), np.array([1.0, 1.0, -1.0, 1.0]), STARTS)[0]

    def residuals(p):
        return y - (p[0] + (1 - p[0]) / (1 + np.exp(np.clip(np.exp(p[1]) * (x - p[2]), -700, 700))))

    twin = min(least_squares(residuals, [b, s, m]).cost * 2 for b in (0.0, 0.3) for s in (-0.5, 0.5) for m in (3.0, 5.0, 7.0))
    assert found[LOW] == 1.0
    assert found[RSS] == pytest.approx(twin, rel=1e-8)
