"""Several curves of one potency: by hand."""

import math

import polars as pl
import pytest

from benchside.stages.assay.analyse.curves.potency import pool, potency


def fits(values: list[float], relations: list[str] | None = None, half: float | None = 0.2) -> pl.DataFrame:
    count = len(values)
    return pl.DataFrame({
        "curve_id": [f"c{k}" for k in range(count)], "compound": ["x"] * count, "target": ["ALK"] * count, "variant": [None] * count,
        "system": ["Ba/F3"] * count, "ic50_nM": values, "ic50_relation": relations or ["="] * count,
        "ic50_lower_nM": [None if half is None else value * math.exp(-half) for value in values],
        "ic50_upper_nM": [None if half is None else value * math.exp(half) for value in values],
    }, schema_overrides={"variant": pl.String, "ic50_lower_nM": pl.Float64, "ic50_upper_nM": pl.Float64})  # fmt: skip


def test_one_curve_is_itself() -> None:
    (row,) = potency(fits([12.0])).table.to_dicts()
    assert (row["value_nM"], row["variant"], row["n_curves"], row["source"]) == (12.0, "WT", 1, "measured: assay.fit")


def test_four_curves_give_a_geometric_mean_with_students_t() -> None:
    (row,) = potency(fits([8.0, 12.0, 18.0, 27.0])).table.to_dicts()  # equal steps of ln 1.5
    step, t = math.log(1.5), 3.182446305284263
    mean, error = math.log(8.0) + 1.5 * step, step * math.sqrt(5 / 3) / 2
    assert row["value_nM"] == pytest.approx(math.exp(mean), rel=1e-12)
    assert row["lower_nM"] == pytest.approx(math.exp(mean - t * error), rel=1e-9)
    assert row["upper_nM"] == pytest.approx(math.exp(mean + t * error), rel=1e-9)
    assert row["n_curves"] == 4


def test_two_curves_are_weighted_by_their_intervals() -> None:
    (row,) = potency(fits([10.0, 1000.0])).table.to_dicts()
    assert row["value_nM"] == pytest.approx(100.0)
    assert row["upper_nM"] == pytest.approx(100.0 * math.exp(0.2 / math.sqrt(2)))
    unequal = pool([10.0, 1000.0], [5.0, 999.0], [20.0, 1001.001001], ["=", "="], 0.95)
    assert 990 < unequal[0] < 1000


def test_censored_and_open_curves_have_no_limits() -> None:
    (row,) = potency(fits([50.0, 1000.0, 1000.0], ["=", ">", ">"])).table.to_dicts()
    assert (row["value_nM"], row["relation"], row["lower_nM"]) == (1000.0, ">", None)
    (row,) = potency(fits([50.0, 60.0, 1000.0], ["=", "=", ">"])).table.to_dicts()
    assert (row["value_nM"], row["relation"], row["upper_nM"]) == (60.0, "=", None)
    (row,) = potency(fits([10.0, 40.0], half=None)).table.to_dicts()
    assert (row["value_nM"], row["lower_nM"]) == (pytest.approx(20.0), None)
