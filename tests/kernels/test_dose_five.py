"""The LL5 fit: never above the best of many starts, never above LL4, right by hand, and at or below drc within the same box."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels import _jit
from benchside.kernels.dose_five import FIVE_STARTS, at_doses, fit_all_five
from benchside.kernels.dose_five_curve import (
    ASYMMETRY,
    ASYMMETRY_MAX,
    ASYMMETRY_MIN,
    five_left,
    half_slopes,
    log_share_derivatives,
)
from benchside.kernels.dose_response import FITTED, FREE, HIGH, LOW, MID, RSS, SLOPE, STARTS, fit_all, left
from tests.kernels import dose_five_twins as twins
from tests.kernels.dose_twins import hard_curves
from tests.shared_data import shared

CURVES = [curve for k, curve in enumerate(hard_curves()) if k % 5 == 0]


def fit_each(curves):
    x, y = (np.concatenate([pair[k] for pair in curves]) for k in (0, 1))
    offsets = np.cumsum([0, *(len(pair[0]) for pair in curves)]).astype(np.int64)
    w = np.ones_like(y)
    fours = fit_all(x, y, w, offsets, FREE, STARTS)
    return fit_all_five(x, y, w, offsets, fours, FREE, FIVE_STARTS), fours


def fit_alone(x, y):
    return fit_each([(np.asarray(x, dtype=float), np.asarray(y, dtype=float))])[0][0]


@pytest.fixture(scope="module")
def hard_fits():
    return {name: (x, y, fit) for (name, x, y), fit in zip(CURVES, fit_each([c[1:] for c in CURVES])[0], strict=True)}


@pytest.mark.parametrize("name", [name for name, *_ in CURVES])
def test_the_fit_is_never_above_the_best_of_sixty_starts(name, hard_fits):
    x, y, fit = hard_fits[name]
    assert fit[RSS] <= twins.best_of_starts(x, y) * (1 + 1e-6) + 1e-14


def test_the_sum_of_squares_is_that_of_the_curve_returned_and_the_curve_lies_in_the_box(hard_fits):
    for x, y, fit in hard_fits.values():
        own = np.sum((y - twins.curve(x, fit[LOW], fit[HIGH], fit[SLOPE], fit[MID], fit[ASYMMETRY])) ** 2)
        assert fit[RSS] == pytest.approx(own, rel=1e-8, abs=1e-13)
        assert ASYMMETRY_MIN * (1 - 1e-12) <= fit[ASYMMETRY] <= ASYMMETRY_MAX * (1 + 1e-12)


def test_the_five_parameter_curve_is_never_above_the_four_parameter_one():
    five, four = fit_each([curve[1:] for curve in hard_curves()])
    np.testing.assert_array_equal(five[:, FITTED], four[:, FITTED])
    assert (five[:, RSS] <= four[:, RSS] * (1 + 1e-12) + 1e-15).all()
    assert (five[:, RSS] < 0.9 * four[:, RSS]).any()


# ---------------------------------------------------------------- by hand


def test_the_share_left_by_hand():
    assert five_left(1.3, 2.0, 0.4, 2.0) == pytest.approx(0.5)
    assert five_left(1.3, 2.0, 0.4, -np.inf) == 1.0
    assert five_left(1.3, 2.0, 0.4, np.inf) == 0.0
    assert five_left(1.0, 0.0, 1.0, np.log(3.0)) == pytest.approx(0.25)  # g = 1: 1 / (1 + 3)
    assert five_left(1.0, 0.0, 0.5, np.log(5.0)) == pytest.approx(0.25)  # k = ln 3: (1 + 3 * 5) ** -0.5
    assert five_left(2.2, 1.0, 1.0, 3.0) == pytest.approx(left(2.2, 1.0, 3.0), rel=1e-14)


def test_points_at_one_dose_become_their_mean_by_hand():
    means = np.empty((3, 5))
    count, within = at_doses(
        np.array([2.0, 1.0, 2.0, 2.0, 1.0]), np.array([1.0, 5.0, 3.0, 8.0, 7.0]), np.array([1.0, 1, 1, 2, 3]), means
    )
    assert count == 2
    np.testing.assert_allclose(means[:, :2], [[1, 2], [6.5, 5], [4, 4]])  # (5 + 3 * 7) / 4, (1 + 3 + 2 * 8) / 4
    assert within == pytest.approx(3.0 + 38.0)  # 1.5^2 + 3 * 0.5^2, 4^2 + 2^2 + 2 * 3^2


@given(st.floats(-1.5, 2.0), st.floats(-3.0, 3.0), st.floats(-2.5, 2.5), st.floats(-4.0, 4.0))
def test_derivatives_equal_differences(log_slope, mid, log_g, x):
    first, second, p, e = np.zeros(3), np.zeros((3, 3)), np.array([log_slope, mid, log_g]), 1e-5

    def gradient(q):
        out = np.zeros(3)
        log_share_derivatives(*q, x, out, np.zeros((3, 3)))
        return out

    def log_share(q):
        return np.log(twins.share(x, np.exp(q[0]), q[1], np.exp(q[2])))

    h = log_share_derivatives(*p, x, first, second)
    assert np.log(h) == pytest.approx(log_share(p), rel=1e-9, abs=1e-12)
    steps = np.eye(3) * e
    size = 1 + np.abs(second).max()
    np.testing.assert_allclose(
        first, [(log_share(p + s) - log_share(p - s)) / (2 * e) for s in steps], rtol=1e-5, atol=1e-6 * size
    )
    np.testing.assert_allclose(
        second, [(gradient(p + s) - gradient(p - s)) / (2 * e) for s in steps], rtol=1e-4, atol=1e-6 * size
    )


def test_the_half_shift_derivatives_by_differences():
    def k(t):
        return np.log(2 ** np.exp(-t) - 1)

    for t in (-2.5, 0.0, 1.7):
        assert half_slopes(t) == pytest.approx(
            ((k(t + 1e-5) - k(t - 1e-5)) / 2e-5, (k(t + 1e-3) - 2 * k(t) + k(t - 1e-3)) / 1e-6), rel=1e-4
        )


@pytest.mark.parametrize(
    ("low", "high", "slope", "mid", "g"),
    [(1.0, 0.0, 1.2, 2.0, 0.5), (1.1, 0.15, 2.5, 3.3, 3.0), (0.1, 0.9, 1.2, 1.0, 0.4), (0.1, 0.9, 1.2, 1.0, 1.0)],
)
def test_a_curve_without_noise_gives_its_parameters_back(low, high, slope, mid, g):
    x = np.linspace(-4, 9, 20)
    fit = fit_alone(x, twins.curve(x, low, high, slope, mid, g))
    assert fit[[LOW, HIGH, SLOPE, MID, ASYMMETRY]] == pytest.approx([low, high, slope, mid, g], abs=1e-4)
    assert fit[RSS] < 1e-13


def test_the_unfittable_says_so():
    assert fit_alone([0.0, 1.0, 2.0, 3.0, 4.0], [0.7] * 5)[FITTED] == 0.0


# ---------------------------------------------------------------- laws

points = st.lists(st.floats(-0.5, 1.5), min_size=9, max_size=12)


def noisy(y):
    x = np.log(1000.0 / 3.0 ** np.arange(len(y)))[::-1]
    return x, twins.curve(x, 1.0, 0.1, 1.6, x[len(x) // 2], 0.6) + 0.05 * np.asarray(y)


@given(points, st.floats(-20.0, 20.0))
def test_the_unit_of_the_dose_does_not_matter(y, shift):
    x, y = noisy(y)
    assert fit_alone(x + shift, y)[RSS] == pytest.approx(fit_alone(x, y)[RSS], rel=1e-6, abs=1e-13)


@given(points)
def test_mirroring_dose_keeps_the_optimum_and_exchanges_the_levels(y):
    x, y = noisy(y)
    one, two = fit_alone(x, y), fit_alone(-x, y)
    assert two[RSS] == pytest.approx(one[RSS], rel=1e-6, abs=1e-13)


def test_weights_are_as_if_points_were_repeated():
    x, y = np.log(3.0 ** np.arange(9)), np.array([1.02, 0.97, 0.9, 0.71, 0.33, 0.2, 0.1, 0.07, 0.06])
    times = np.array([1, 2, 1, 3, 1, 2, 1, 1, 2])
    w, offsets = times.astype(float), np.array([0, 9])
    weighted = fit_all_five(x, y, w, offsets, fit_all(x, y, w, offsets, FREE, STARTS), FREE, FIVE_STARTS)[0]
    repeated = fit_alone(np.repeat(x, times), np.repeat(y, times))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-5)


def test_one_thread_and_two_give_the_same_bits():
    before, results = _jit.threads(), []
    try:
        for count in (1, 2):
            _jit.threads(count)
            results.append(fit_each([curve[1:] for curve in CURVES])[0])
    finally:
        _jit.threads(before)
    np.testing.assert_array_equal(results[0], results[1])


# ---------------------------------------------------------------- reference


def within_the_box(row, doses):
    """Say whether a drc fit lies in the box of this fit: top >= bottom, and the relative midpoint within four decades."""
    b, c, d, e, f = (row[name] for name in "bcdef")
    if not (abs(b) <= 50 and d >= c and abs(c) <= 10 and abs(d) <= 10 and 0.05 <= f <= 20):
        return False
    mid = np.log(e) + np.log(2 ** (1 / f) - 1) / b
    tested = np.log(doses[doses > 0])
    return tested.min() - 4 * np.log(10) <= mid <= tested.max() + 4 * np.log(10)


def test_no_drc_fit_in_the_box_is_below_ours():
    points = pl.read_csv(
        shared("reference", "assay", "reference_curves_input.csv"), infer_schema_length=None, null_values=["", "NA"]
    )
    stored = pl.read_csv(shared("reference", "assay", "reference_drc_fits.csv"), infer_schema_length=None, null_values=["", "NA"])
    stored = stored.filter((pl.col("model") == "LL.5") & pl.col("rss").is_not_null())
    parts = {part["curve_id"][0]: part.drop_nulls("response") for part in points.partition_by("curve_id")}
    rows = [row for row in stored.iter_rows(named=True) if within_the_box(row, parts[row["curve_id"]]["conc"].to_numpy())]
    with np.errstate(divide="ignore"):
        pairs = [
            (np.log(parts[row["curve_id"]]["conc"].to_numpy()), parts[row["curve_id"]]["response"].to_numpy()) for row in rows
        ]
    ratio = fit_each(pairs)[0][:, RSS] / np.array([row["rss"] for row in rows])
    assert len(rows) > 150
    assert (ratio <= 1 + 1e-6).all()
    assert (ratio < 0.99).mean() > 0.3  # drc stops short of the optimum on many of them
