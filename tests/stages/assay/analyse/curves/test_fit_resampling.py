"""Bootstrap limits, replicate plates, and outliers: seeds, coverage, and words."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.kernels import _jit
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.curves.outliers import outliers
from benchside.stages.assay.curves import LL3, LL4, Bootstrap, Delta, FitStatus
from tests.stages.assay.dose_curves import coverage, frame, on_plates, shapes, simulated

# ---------------------------------------------------------------- bootstrap


def test_bootstrap_limits_repeat_and_depend_on_nothing_but_the_seed_and_the_name():
    table = simulated(6, seed=1)[0]
    interval = Bootstrap(n=199, seed=3)
    first = fit(table, interval=interval).table
    before = _jit.threads()
    try:
        _jit.threads(1)
        assert fit(table, interval=interval).table.equals(first)
    finally:
        _jit.threads(before)
    alone = fit(table.filter(pl.col("curve_id") == "c4"), interval=interval).table
    assert alone.equals(first.filter(pl.col("curve_id") == "c4"))
    mixed = fit(table.sample(fraction=1.0, shuffle=True, seed=1), interval=interval).table.sort("curve_id")
    np.testing.assert_allclose(mixed["ec50_lower_nM"].to_numpy(), first["ec50_lower_nM"].to_numpy(), rtol=1e-5)
    assert (fit(table, interval=Bootstrap(n=199, seed=4)).table["ec50_lower_nM"] != first["ec50_lower_nM"]).all()


@pytest.mark.parametrize("curve", [LL3(), LL4()], ids=lambda curve: curve.name)
def test_bootstrap_limits_hold_the_midpoint_in_their_share_of_curves(curve):
    table, mid = simulated(150, seed=2, bottom=0.0 if curve.name == "LL3" else 0.3)
    assert 0.89 <= coverage(fit(table, curve=curve, interval=Bootstrap(n=199)).table, mid) <= 1.0


def test_bootstrap_and_delta_agree_where_the_curve_is_well_defined():
    x = np.repeat(np.log(3.0 ** np.arange(10)), 3)
    rng = np.random.default_rng(3)
    table = frame(x, np.stack([shapes(x, mid=4.5, slope=1.5, bottom=0.05) + 0.03 * rng.standard_normal(30) for _ in range(5)]))
    one, two = fit(table, interval=Bootstrap(n=999)).table, fit(table, interval=Delta()).table
    width = [np.log(found["ec50_upper_nM"] / found["ec50_lower_nM"]).to_numpy() for found in (one, two)]
    np.testing.assert_allclose(width[0], width[1], rtol=0.2)


def test_a_bootstrap_that_runs_to_the_box_is_open():
    x = np.log(3.0 ** np.arange(10))
    rng = np.random.default_rng(4)
    flat = frame(x, 1 + 0.05 * rng.standard_normal((3, 10)))
    table = fit(flat, interval=Bootstrap(n=199)).table
    assert (table["ec50_lower_nM"].is_null() | table["ec50_upper_nM"].is_null()).all()
    assert table["status"].str.contains("open").all()


def test_a_bootstrap_of_few_is_refused():
    with pytest.raises(SettingError, match="n=10 has no tails"):
        Bootstrap(n=10)


# ---------------------------------------------------------------- plates


def test_the_interval_from_plates_by_hand():
    """The jackknife of plates: (K - 1) / K of the sum of squares of the four estimates without a plate, t with 3 degrees of freedom."""
    table = on_plates(1, seed=5)[0]
    row = fit(table).table.row(0, named=True)
    without = [fit(table.filter(pl.col("plate_id") != f"P{k}"), plates="pooled").table.row(0, named=True) for k in range(4)]
    for name in ("ec50", "ic50"):
        values = np.log([part[f"{name}_nM"] for part in without])
        half = 3.182446305 * np.sqrt(0.75 * np.sum((values - values.mean()) ** 2))
        limits = np.log([row[f"{name}_lower_nM"], row[f"{name}_upper_nM"]])
        np.testing.assert_allclose(limits, np.log(row[f"{name}_nM"]) + half * np.array([-1, 1]), rtol=1e-6)
    assert (row["interval"], row["n_plates"], row["status"]) == ("plates", 4, "ok")


def test_the_estimate_is_the_pooled_one():
    table = on_plates(5, seed=6)[0]
    random, pooled = fit(table).table, fit(table, plates="pooled").table
    for name in ("ec50_nM", "ic50_nM", "rss", "top", "slope"):
        assert random[name].to_list() == pooled[name].to_list()
    assert pooled["interval"].to_list() == ["profile"] * 5
    assert pooled["plate_sd"].is_null().all()


def test_plates_that_differ_are_covered_by_their_own_interval_and_not_by_wells():
    table, mid = on_plates(300, seed=7, shift=0.4)
    assert 0.91 <= coverage(fit(table).table, mid) <= 0.99
    assert coverage(fit(table, plates="pooled").table, mid) < 0.86
    found = fit(table).table["plate_sd"].to_numpy()
    assert np.nanmedian(found) == pytest.approx(0.4, abs=0.1)


def test_plates_that_do_not_differ_are_covered_too_and_have_no_variance():
    table, mid = on_plates(300, seed=8, shift=0.0)
    found = fit(table).table
    assert 0.91 <= coverage(found, mid) <= 0.99
    assert found["plate_sd"].median() < 0.12


@pytest.mark.parametrize("plates", [2, 3])
def test_fewer_than_four_plates_are_pooled_and_say_so(plates):
    table = on_plates(2, seed=9, plates=plates)[0]
    random, pooled = fit(table).table, fit(table, plates="pooled").table
    assert random["status"].str.contains(FitStatus.few_plates.value, literal=True).all()
    assert random.drop("status").equals(pooled.drop("status"))


def test_one_plate_is_fitted_as_ever():
    table = simulated(5, seed=10)[0].with_columns(plate_id=pl.lit("P1"))
    assert fit(table).table.equals(fit(table, plates="pooled").table)
    assert fit(table.drop("plate_id")).table.drop("n_plates").equals(fit(table).table.drop("n_plates"))


def test_curves_of_one_and_of_four_plates_stand_beside_each_other():
    four, one = on_plates(1, seed=11)[0], simulated(1, seed=12)[0].with_columns(plate_id=pl.lit("Q"), curve_id=pl.lit("single"))
    table = fit(pl.concat([four, one.select(four.columns)])).table
    assert table["interval"].to_list() == ["plates", "profile"]
    assert table.row(0) == fit(four).table.row(0)


def test_a_plate_that_alone_holds_the_high_doses_leaves_no_interval():
    x = np.log(3.0 ** np.arange(10))
    rng = np.random.default_rng(13)
    doses = [x[:4], x[:4], x[:4], x]
    parts = np.concatenate([shapes(d, mid=5.5, slope=1.0, bottom=0.0) for d in doses])
    table = frame(np.concatenate(doses), (parts + 0.01 * rng.standard_normal(parts.size))[None, :])
    table = table.with_columns(plate_id=pl.Series([*"AAAABBBBCCCC", *("D" * 10)]))
    row = fit(table).table.row(0, named=True)
    assert (row["ec50_lower_nM"], row["ec50_upper_nM"], row["interval"]) == (None, None, "plates")
    assert row["ec50_nM"] == pytest.approx(np.exp(5.5), rel=0.1)
    assert row["status"] == FitStatus.plates_disagree


def test_plates_serve_every_family_and_loss():
    table = on_plates(4, seed=14)[0]
    for settings in (
        {"curve": LL3()},
        {"loss": "tukey"},
        {"weights": "relative"},
        {"interval": Delta(0.9)},
        {"interval": Bootstrap(99)},
    ):
        found = fit(table, **settings).table
        assert found["interval"].to_list() == ["plates"] * 4
        assert found["ec50_lower_nM"].is_not_null().all()


# ---------------------------------------------------------------- outliers


def test_gaussian_noise_is_hardly_ever_flagged():
    """Motulsky and Brown 2006 find one or more outliers in 1 to 3 % of simulated Gaussian experiments at Q = 1 %."""
    found = outliers(simulated(600, seed=15)[0]).table
    per_curve = found.group_by("curve_id").agg(pl.col("flagged").any())["flagged"]
    assert per_curve.mean() <= 0.045
    assert found["flagged"].mean() <= 0.003


def test_planted_outliers_are_found_and_few_others():
    table = simulated(300, seed=16)[0]
    rng = np.random.default_rng(16)
    place = rng.integers(0, 30, 300) + 30 * np.arange(300)
    response = table["response"].to_numpy().copy()
    response[place] += rng.choice([-1.0, 1.0], 300) * 0.06 * 8
    found = outliers(table.with_columns(response=response)).table
    flagged = found["flagged"].to_numpy()
    assert flagged[place].mean() > 0.95
    assert 1 - flagged[place].sum() / flagged.sum() < 0.08
    assert found["row"].to_list() == list(range(1, table.height + 1))
    assert found["response"].to_numpy() == pytest.approx(response)


def test_a_larger_rate_flags_more_and_nothing_is_removed():
    table = simulated(100, seed=17)[0].with_columns(excluded=pl.int_range(pl.len()) % 30 == 7)
    strict, loose = outliers(table).table, outliers(table, fdr=0.2).table
    assert loose["flagged"].sum() > strict["flagged"].sum()
    assert loose.filter(strict["flagged"])["flagged"].all()
    assert strict.height == table.height
    assert strict.filter("excluded")["residual"].is_null().all()
    assert not strict.filter("excluded")["flagged"].any()
    with pytest.raises(SettingError, match="rate lies between 0 and 1, and 1 does not"):
        outliers(table, fdr=1)


def test_the_residual_is_response_less_curve_and_p_falls_with_it():
    found = outliers(simulated(3, seed=18)[0]).table
    assert found["residual"].to_numpy() == pytest.approx((found["response"] - found["fitted"]).to_numpy())
    for _, part in found.group_by("curve_id"):
        order = part.sort(pl.col("residual").abs())
        assert (order["p"].diff().drop_nulls() <= 1e-12).all()
