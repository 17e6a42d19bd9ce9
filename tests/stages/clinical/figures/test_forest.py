"""The forest holds the ratios, counts and interactions of its table, and says what is not estimable."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.core.errors import TableError
from benchside.stages.clinical import EventTable, subgroups
from benchside.stages.clinical.figure import subgroup_forest
from benchside.stages.clinical.figures.forest import ROW, forest_rows, ratio_limits
from tests.shared_data import shared


def trial(factors=2, n=300, seed=1, arms=("control", "treated")):
    rng = np.random.default_rng(seed)
    return pl.DataFrame({
        "time": rng.exponential(10, n) + 0.01, "event": (rng.random(n) < 0.8).astype(int), "arm": rng.choice(arms, n),
        **{f"factor_{k}": rng.choice(["low", "mid", "high"][: 2 + k % 2], n) for k in range(factors)},
    })  # fmt: skip


def forest_of(frame, factors=2, **settings):
    ev = EventTable.from_frame(frame, time_unit="months", control="control")
    return subgroups(ev, [f"factor_{k}" for k in range(factors)], **settings).table


def svg_of(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def test_rows_are_the_table_under_the_names_of_factors():
    table = forest_of(trial())
    rows = forest_rows(table, {"factor_0": "Age"}, ratio_limits(table))
    assert [row["label"] for row in rows] == ["All patients", "Age", "low", "mid", "factor_1", "high", "low", "mid"]
    told = [row for row in rows if "words" in row]
    assert [row["ratio"] for row in told] == table["hazard_ratio"].to_list()
    assert [row["treated"] for row in told] == [f"{e}/{n}" for e, n in table.select("events_treated", "n_treated").rows()]
    assert [row["control"] for row in told] == [f"{e}/{n}" for e, n in table.select("events_control", "n_control").rows()]
    assert told[0]["words"] == f"{table['hazard_ratio'][0]:.2f} ({table['lower'][0]:.2f} to {table['upper'][0]:.2f})"
    assert [row["y"] for row in rows] == list(range(len(rows)))
    assert [row["interaction"] for row in rows if "interaction" in row] == [f"{p:.2f}" for p in (table["interaction_p"][1], table["interaction_p"][3])]  # fmt: skip


def test_lung_holds_the_interaction_and_who_is_missing():
    lung = pl.read_csv(shared("data", "clinical", "lung.csv"), null_values=["NA"])
    lung = lung.with_columns(pl.col("sex").replace_strict({1: "male", 2: "female"}), status=pl.col("status") - 1)
    ev = EventTable.from_frame(lung, time="time", time_unit="days", event="status", arm="sex", control="male")
    chart = subgroup_forest(subgroups(ev, ["ph.ecog"]).table, title="Lung", labels={"ph.ecog": "ECOG"})
    svg = svg_of(chart)
    # R 4: coxph(Surv(time, status) ~ sex, lung) has a hazard ratio of 0.588 (0.4237 to 0.816).
    for text in ("0.59 (0.42 to 0.82)", "ECOG (1 missing)", "53/90", "112/138", "← Favours female", "Favours male →", "NE"):
        assert f">{text}</text>" in svg
    assert "everybody in this subgroup is in arm male." in svg
    assert chart.to_dict()["vconcat"][0]["height"] == 6 * ROW


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    table = forest_of(trial()).with_columns(
        upper=pl.when(pl.col("level") == "high").then(pl.lit(5000.0)).otherwise("upper"),
        lower=pl.when(pl.col("level") == "high").then(pl.lit(1e-5)).otherwise("lower"),
    )
    low, high = ratio_limits(table)
    assert high < 31 * 1.15
    assert low > 1 / 31 / 1.15
    (row,) = [row for row in forest_rows(table, {}, (low, high)) if row["label"] == "high"]
    assert (row["from"], row["to"], row["edge_low"], row["edge_high"]) == (low, high, low, high)
    others = [row for row in forest_rows(table, {}, (low, high)) if row["label"] == "low"]
    assert all(row["edge_low"] is None and row["edge_high"] is None for row in others)


def test_squares_grow_with_events_and_the_diamond_spans_the_limits():
    table = forest_of(trial())
    spec = subgroup_forest(table).to_dict()
    layers = spec["vconcat"][0]["layer"]
    (area,) = [layer for layer in layers if layer["mark"]["type"] == "area"]
    corners = spec["datasets"][area["data"]["name"]]
    first = table.row(0, named=True)
    assert [corner["ratio"] for corner in corners] == [first["lower"], first["hazard_ratio"], first["upper"]]
    (square,) = [layer for layer in layers if layer["mark"].get("shape") == "square"]
    scale = square["encoding"]["size"]["scale"]
    assert scale["domain"] == [0, int(table["events"][1:].max())]


def test_every_treated_arm_has_its_panel():
    frame = trial(factors=1, arms=("control", "low dose", "high dose"))
    chart = subgroup_forest(forest_of(frame, factors=1))
    assert len(chart.to_dict()["vconcat"]) == 2
    for arm in ("low dose", "high dose"):
        assert f"← Favours {arm}" in svg_of(chart)


def test_no_forest_makes_vega_warn(capfd):
    frame = trial(factors=12, n=400)
    silent = frame.with_columns(event=pl.when(pl.col("arm") == "treated").then(0).otherwise("event"))
    charts = [
        subgroup_forest(forest_of(frame, factors=12), title="Twelve factors"),
        subgroup_forest(forest_of(silent)),
        subgroup_forest(forest_of(silent, penalty="if needed")),
        subgroup_forest(forest_of(frame).head(1)),
    ]
    for chart in charts:
        vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=True)
    said = capfd.readouterr()
    assert "WARN" not in said.out + said.err
    assert ">NE<" in svg_of(charts[1])
    assert "Favours treated" in svg_of(charts[2])


@pytest.mark.parametrize(("change", "words"), [("clear", "it has no row"), ("drop", "interaction_p is missing")])
def test_tables_no_forest_can_show(change, words):
    table = forest_of(trial())
    with pytest.raises(TableError, match=words):
        subgroup_forest(table.clear() if change == "clear" else table.drop("interaction_p"))
