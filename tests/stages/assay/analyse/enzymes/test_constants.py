"""Inhibition constants: by hand, by the quadratic's own algebra, and against scipy."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, curve_fit

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.enzymes.constants import ki
from benchside.stages.assay.analyse.enzymes.morrison import activity_left, morrison


def ic50s(value=30.0, relation="=", lower=None, upper=None, variant="WT"):
    row = {
        "curve_id": "a",
        "variant": variant,
        "ic50_nM": value,
        "ic50_relation": relation,
        "ic50_lower_nM": lower,
        "ic50_upper_nM": upper,
    }
    return pl.DataFrame([row], schema_overrides={"ic50_lower_nM": pl.Float64, "ic50_upper_nM": pl.Float64, "ic50_nM": pl.Float64})


def only(result):
    return result.table.row(0, named=True)


@pytest.mark.parametrize(
    ("mode", "alpha", "expected"),
    [
        ("competitive", None, 10.0),
        ("non-competitive", None, 30.0),
        ("uncompetitive", None, 20.0),
        ("mixed", 4.0, 15.0),
        ("mixed", 1.0, 30.0),
    ],
)
def test_by_hand(mode, alpha, expected):
    """IC50 30 nM at ATP twice the Km: 30 / 3; 30; 30 / 1.5; mixed: (50 + 100) / (50 + 100 / 4) = 2, so 30 / 2."""
    assert only(ki(ic50s(), atp_uM=100, km_uM=50, mode=mode, alpha=alpha))["ki_nM"] == pytest.approx(expected)


def test_limits_and_relations_travel():
    row = only(ki(ic50s(lower=20.0, upper=60.0), atp_uM=100, km_uM=50))
    assert (row["ki_lower_nM"], row["ki_upper_nM"]) == pytest.approx((20 / 3, 20.0))
    row = only(ki(ic50s(1000.0, ">"), atp_uM=100, km_uM=50))
    assert (row["ki_relation"], row["ki_nM"]) == (">", pytest.approx(1000 / 3))
    assert "lower bound" in row["status"]


def test_tight_binding_takes_half_the_enzyme_off_and_says_why():
    row = only(ki(ic50s(6.0, lower=4.0, upper=9.0), atp_uM=50, km_uM=50, enzyme_nM=8.0))
    assert row["ki_nM"] == pytest.approx(1.0)
    assert row["method"] == "tight binding (IC50 6.0 nM is below 10 times the enzyme, 8.0 nM)"
    assert row["ki_lower_nM"] is None
    assert "lower limit is open" in row["status"]
    assert row["ki_upper_nM"] == pytest.approx(2.5)
    weak = only(ki(ic50s(80.0), atp_uM=50, km_uM=50, enzyme_nM=8.0))
    assert (weak["ki_nM"], weak["method"][:13]) == (pytest.approx(40.0), "Cheng-Prusoff")


def test_an_ic50_under_half_the_enzyme_is_no_potency():
    row = only(ki(ic50s(3.0), atp_uM=50, km_uM=50, enzyme_nM=8.0))
    assert row["ki_nM"] is None
    assert row["ki_relation"] is None
    assert "half the enzyme" in row["status"]


def test_every_variant_has_its_own_km():
    table = pl.concat([ic50s(variant=name) for name in ("WT", "L1196M", "G1202R")])
    found = ki(table, atp_uM=100, km_uM={"WT": 50.0, "L1196M": 100.0}).table
    assert found["ki_nM"].to_list() == [pytest.approx(10.0), pytest.approx(15.0), None]
    assert "no Km is given" in found["status"][2]


def test_the_error_of_the_km_widens_as_simulation_says():
    """ln Ki's spread with a Km of 50 +- 5 uM and an IC50 of 30 nM, 10 % either way, drawn and counted."""
    row = only(ki(ic50s(lower=30 * np.exp(-0.196), upper=30 * np.exp(0.196)), atp_uM=100, km_uM=50, km_se_uM=5.0))
    rng = np.random.default_rng(1)
    drawn = np.log(30 * np.exp(0.1 * rng.standard_normal(200_000)) / (1 + 100 / (50 + 5 * rng.standard_normal(200_000))))
    low, high = np.exp(np.quantile(drawn, [0.025, 0.975]))
    assert (row["ki_lower_nM"], row["ki_upper_nM"]) == pytest.approx((low, high), rel=0.02)  # the Km is drawn on its own scale


@pytest.mark.parametrize("mode", ["competitive", "uncompetitive", "mixed"])
def test_the_share_of_the_km_is_the_numerical_slope(mode):
    def log_ki(km):
        return np.log(only(ki(ic50s(), atp_uM=80, km_uM=km, mode=mode, alpha=3.0 if mode == "mixed" else None))["ki_nM"])

    slope = abs(log_ki(50.01) - log_ki(49.99)) / 0.02
    row = only(
        ki(ic50s(lower=30.0, upper=30.0), atp_uM=80, km_uM=50, km_se_uM=5.0, mode=mode, alpha=3.0 if mode == "mixed" else None)
    )
    assert np.log(row["ki_upper_nM"] / row["ki_nM"]) == pytest.approx(1.959964 * 5 * slope, rel=1e-5)


@given(st.floats(0.01, 1e3), st.floats(0.01, 1e3))
def test_the_quadratic_is_half_at_k_plus_half_the_enzyme(ki_app_nM, enzyme_nM):
    """The definition: IC50 = Ki_app + E / 2, from the binding equilibrium solved by bisection instead of the root formula."""
    dose = ki_app_nM + enzyme_nM / 2

    def excess(free):  # free inhibitor + bound = total
        return free + enzyme_nM * free / (free + ki_app_nM) - dose

    free = brentq(excess, 0, dose, xtol=1e-13 * dose, rtol=1e-14)
    assert ki_app_nM / (ki_app_nM + free) == pytest.approx(0.5, rel=1e-8)
    assert activity_left(np.array([dose]), np.array([ki_app_nM]), enzyme_nM)[0, 0] == pytest.approx(0.5, rel=1e-8)


def test_morrison_is_the_textbook_root_and_keeps_its_digits():
    dose, k, e = np.array([0.0, 0.1, 5.0, 50.0]), 2.0, 10.0
    textbook = 1 - ((e + dose + k) - np.sqrt((e + dose + k) ** 2 - 4 * e * dose)) / (2 * e)
    assert activity_left(dose, np.array([k]), e)[0] == pytest.approx(textbook, rel=1e-12)
    assert activity_left(np.array([1e9]), np.array([1.0]), 1.0)[0, 0] == pytest.approx(1e-9, rel=1e-6)


def titration(k=0.5, enzyme=5.0, sd=0.02, seed=1):
    dose = np.repeat(np.geomspace(0.1, 100, 12), 2)
    y = activity_left(dose, np.array([k]), enzyme)[0] + sd * np.random.default_rng(seed).standard_normal(24)
    return pl.DataFrame({"curve_id": "a", "concentration_nM": dose, "response": y}), dose, y


def test_morrison_fits_as_scipy():
    table, dose, y = titration()
    row = only(morrison(table, atp_uM=100, km_uM=50, enzyme_nM=5.0))

    def law(i, log_k, top):
        return top * activity_left(i, np.exp(np.array([log_k])), 5.0)[0]

    (log_k, top), cov = curve_fit(law, dose, y, p0=[0.0, 1.0])
    assert row["ki_app_nM"] == pytest.approx(np.exp(log_k), rel=1e-5)
    assert row["ki_nM"] == pytest.approx(np.exp(log_k) / 3, rel=1e-5)
    assert row["top"] == pytest.approx(top, rel=1e-5)
    # near a parabola the profile interval is the one of the standard error, within a tenth of its width
    half = 2.0739 * np.sqrt(cov[0, 0])
    assert np.log(row["ki_upper_nM"] / row["ki_nM"]) == pytest.approx(half, rel=0.15)


def test_morrison_limits_are_where_the_sum_of_squares_crosses():
    table, dose, y = titration()
    row = only(morrison(table, atp_uM=100, km_uM=50, enzyme_nM=5.0))
    for limit in (row["ki_lower_nM"], row["ki_upper_nM"]):
        f = activity_left(dose, np.array([limit * 3]), 5.0)[0]
        rss = np.sum((y - f * (f @ y) / (f @ f)) ** 2)
        assert rss == pytest.approx(row["rss"] * (1 + 2.0738731**2 / 22), rel=1e-6)


@pytest.mark.parametrize("plateaus", ["fixed", "top", "free"])
def test_morrison_recovers_and_covers(plateaus):
    inside = 0
    for seed in range(120):
        row = only(morrison(titration(seed=seed)[0], atp_uM=50, km_uM=50, enzyme_nM=5.0, plateaus=plateaus))
        inside += row["ki_lower_nM"] < 0.25 < row["ki_upper_nM"]
    assert 106 <= inside <= 120  # 95 % of 120 is 114, four standard deviations are 10


def test_a_titration_of_the_enzyme_is_told():
    row = only(morrison(titration(k=0.001, sd=0.03)[0], atp_uM=50, km_uM=50, enzyme_nM=5.0))
    assert row["ki_lower_nM"] is None
    assert "Use less enzyme" in row["status"]


def test_as_cheng_prusoff_where_the_enzyme_is_little():
    dose = np.geomspace(1, 1000, 12)
    table = pl.DataFrame({"curve_id": "a", "concentration_nM": dose, "response": 1 / (1 + dose / 30)})
    row = only(morrison(table, atp_uM=100, km_uM=50, enzyme_nM=0.001))
    assert row["ki_nM"] == pytest.approx(10.0, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda: ki(ic50s(), atp_uM=0, km_uM=50), SettingError, "atp_uM must be a number above 0"),
        (lambda: ki(ic50s(), atp_uM=1, km_uM={"WT": -1.0}), SettingError, "km_uM of WT"),
        (lambda: ki(ic50s(), atp_uM=1, km_uM=1, mode="competitve"), SettingError, "did you mean 'competitive'"),
        (lambda: ki(ic50s(), atp_uM=1, km_uM=1, mode="mixed"), SettingError, "alpha"),
        (lambda: ki(ic50s(None), atp_uM=1, km_uM=1), TableError, "empty in every row"),
        (lambda: ki(pl.DataFrame({"curve_id": ["a"]}), atp_uM=1, km_uM=1), TableError, "ic50_nM"),
        (lambda: morrison(titration()[0], atp_uM=1, km_uM=1, enzyme_nM=1, plateaus="both"), SettingError, "plateaus"),
    ],
)
def test_refusals(call, error, part):
    with pytest.raises(error, match=part):
        call()
