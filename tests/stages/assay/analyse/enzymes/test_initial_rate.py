"""Initial rates: progress curves with a known bend, and turnovers by hand."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.enzymes.initial_rate import initial_rate

TIME = np.repeat([0.0, 5, 10, 15, 20, 25, 30], 3)


def progress(k_per_min, *, rate=10.0, sd=0.5, seed=1, plate="P1", time=TIME):
    share = time if k_per_min == 0 else -np.expm1(-k_per_min * time) / k_per_min
    signal = 5 + rate * share + sd * np.random.default_rng(seed).standard_normal(len(time))
    return pl.DataFrame({"plate_id": plate, "time_min": time, "signal": signal})


def only(result):
    return result.table.row(0, named=True)


@pytest.mark.parametrize("k", [0.01, 0.03, 0.1, -0.02])
def test_an_exact_curve_gives_its_rate_and_loss(k):
    row = only(initial_rate(progress(k, sd=0)))
    assert row["rate_per_min"] == pytest.approx(10.0, rel=1e-5)
    assert row["rate_lost"] == pytest.approx(1 - np.exp(-30 * k), rel=1e-4)
    if k > 0:
        assert row["initial_until_min"] == pytest.approx(-np.log(0.9) / k, rel=1e-4)


def test_a_straight_line_is_initial_and_a_bent_one_is_not():
    assert (only(initial_rate(progress(0)))["verdict"], only(initial_rate(progress(0)))["status"]) == ("initial", "ok")
    bent = only(initial_rate(progress(0.05)))
    assert bent["verdict"] == "not initial"
    assert "initial until about 2." in bent["status"]
    assert only(initial_rate(progress(-0.04)))["verdict"] == "lag"


def test_the_interval_of_the_loss_covers():
    inside = 0
    for seed in range(200):
        row = only(initial_rate(progress(0.02, seed=seed, sd=2.0)))
        inside += row["rate_lost_lower"] < 1 - np.exp(-0.6) < row["rate_lost_upper"]
    assert 178 <= inside <= 200  # 95 % of 200 is 190, four standard deviations are 12


def test_the_test_of_a_straight_line_keeps_its_level():
    small = sum(only(initial_rate(progress(0, seed=seed, sd=2.0)))["p_value"] < 0.05 for seed in range(200))
    assert small <= 22


def test_turnover_by_hand():
    """300 of 2,000 units turned over at the end are 15 %: too much; of 4,000, 7.5 %: initial."""
    end = pl.DataFrame({"plate_id": ["P"] * 2, "time_min": [20.0] * 2, "signal": [290.0, 310.0]})
    row = only(initial_rate(end, substrate=2000.0))
    assert (row["turnover"], row["verdict"]) == (pytest.approx(0.15), "not initial")
    assert "15% of the substrate" in row["status"]
    assert only(initial_rate(end, substrate=4000.0))["verdict"] == "initial"
    unknown = only(initial_rate(end))
    assert unknown["verdict"] == "unknown"
    assert unknown["rate_per_min"] is None


def test_noise_is_no_proof_of_a_straight_line():
    row = only(initial_rate(progress(0, sd=60.0, time=np.array([0.0, 10, 20, 30, 30]))))
    assert row["verdict"] in {"unknown", "not initial", "lag"}
    assert row["status"] != "ok"


def test_a_long_incubation_is_said_and_conditions_keep_their_order():
    both = pl.concat([progress(0, plate="P2", time=TIME * 4, sd=0.1), progress(0, plate="P1")])
    table = initial_rate(both).table
    assert table["condition"].to_list() == ["P2", "P1"]
    assert "Read at 120 min" in table["status"][0]
    assert initial_rate(both.drop("plate_id"), by=()).table["condition"].to_list() == ["all"]


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda t: initial_rate(t.rename({"time_min": "time"})), TableError, "time_min is missing"),
        (lambda t: initial_rate(t.with_columns(time_min=-pl.col("time_min"))), TableError, "0 or more"),
        (lambda t: initial_rate(t, most=10), SettingError, "most=10"),
        (lambda t: initial_rate(t, substrate=0), SettingError, "substrate=0"),
    ],
)
def test_refusals(call, error, part):
    with pytest.raises(error, match=part):
        call(progress(0))
