"""Waterfall, spider and swimmer hold every subject of their tables in order, and say who cannot be shown."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.core.errors import TableError
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.figure import spider, swimmer, tumour_changes, waterfall
from tests.shared_data import shared

BEST = pl.DataFrame({
    "USUBJID": ["1", "2", "3", "4", "5"], "best_change_percent": [-55.0, 130.0, 12.0, None, -30.0],
    "response": ["PR", "PD", "SD", "NE", "PR"], "confirmed": [True, False, False, False, False],
})  # fmt: skip
TIMES = pl.DataFrame({
    "USUBJID": ["1", "2", "3"], "time_months": [8.0, 3.0, 12.0], "ongoing": [False, False, True], "arm": ["a", "b", "a"],
    "response_months": [2.0, None, 1.5], "progression_months": [8.0, 2.5, None], "death_months": [None, 3.2, None],
})  # fmt: skip


def svg_of(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def rows_of(chart, column):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows if column in row]


def many(n, seed=3):
    change = np.random.default_rng(seed).normal(-25, 45, n).clip(-100, 180).round(1)
    words = ["CR" if one == -100 else "PR" if one <= -30 else "PD" if one > 20 else "SD" for one in change]
    return pl.DataFrame({"USUBJID": [f"s{k:03}" for k in range(n)], "best_change_percent": change, "response": words})


def test_bars_fall_from_growth_to_shrinkage_and_cut_ones_bear_their_number():
    rows = rows_of(waterfall(BEST), "middle")
    assert [row["USUBJID"] for row in rows] == ["2", "3", "5", "1"]
    assert [row["shown"] for row in rows] == [100.0, 12.0, -30.0, -55.0]
    assert [row["words"] for row in rows] == ["130", None, None, None]
    assert [row["hollow"] for row in rows] == [False, False, True, False]
    svg = svg_of(waterfall(BEST, title="Best change"))
    for text in ("Best change", "−30%", "+20%", "n = 4 of 5; 1 not measured after baseline; hollow: not confirmed", "PR", "130"):
        assert f">{text}</text>" in svg


def test_responses_have_their_own_colour_and_shape_in_the_order_of_recist():
    layers = waterfall(BEST).to_dict()["vconcat"][0]["layer"]
    scale = layers[0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["PR", "SD", "PD"]
    (shape,) = {json.dumps(layer["encoding"]["shape"]["scale"]) for layer in layers if "shape" in layer["encoding"]}
    assert len(set(json.loads(shape)["range"])) == len(set(scale["range"])) == 3
    odd = BEST.with_columns(response=pl.Series(["uCR", "PD", "SD", "NE", "iPR"]))
    scale = waterfall(odd).to_dict()["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["SD", "PD", "iPR", "uCR"] or scale["domain"] == ["SD", "PD", "uCR", "iPR"]
    assert len(set(scale["range"])) == 4


def test_two_hundred_bars_stay_on_the_page_and_an_arm_has_its_panel():
    wide = waterfall(many(200)).to_dict()["vconcat"][0]
    assert wide["width"] == 900
    arms = many(60).with_columns(arm=pl.Series(["a", "b"] * 30))
    panels = waterfall(arms).to_dict()["vconcat"]
    assert [panel["title"]["text"] for panel in panels] == ["a: n = 30", "b: n = 30"]


def test_adtr_becomes_changes_from_day_1():
    # By hand: day 62 is 61 days after day 1; the unflagged screening visit lies before it.
    adtr = pl.DataFrame({
        "USUBJID": ["1"] * 4, "PARAMCD": ["SDIAM"] * 3 + ["LDIAM1"], "ADY": [-7, 62, 120, 62], "PCHG": [0.0, -40.0, None, -1.0],
        "ABLFL": ["Y", None, None, None], "TRT01P": ["x"] * 4,
    })  # fmt: skip
    found = tumour_changes(adtr)
    assert found.rows() == [("1", "x", 0.0, 0.0), ("1", "x", 61 / DAYS_PER_MONTH, -40.0)]
    with pytest.raises(TableError, match="no row has PARAMCD SUMDIAM; there are SDIAM"):
        tumour_changes(adtr, parameter="SUMDIAM")


def test_the_real_adtr_is_drawn_with_every_assessment():
    adtr = pl.read_csv(shared("data", "clinical", "adtr_onco.csv"), infer_schema_length=None, null_values=["NA", ""])
    changes = tumour_changes(adtr)
    assert (changes.height, changes["USUBJID"].n_unique()) == (25, 6)
    chart = spider(changes, title="Spider")
    held = rows_of(chart, "change_percent")
    assert {row["USUBJID"] for row in held} == set(changes["USUBJID"])
    smallest = changes.group_by("USUBJID").agg(pl.col("change_percent").min()).sort("USUBJID")["change_percent"]
    assert smallest.to_list() == pytest.approx([-8900 / 96, -300 / 94, -8000 / 90, -6400 / 78, -200 / 90, -100.0])
    assert "Change from baseline (%)" in svg_of(chart)


def test_a_spider_starts_at_baseline_and_is_cut_at_its_edge():
    changes = pl.DataFrame({"USUBJID": ["1", "1", "2"], "time_months": [2.0, 4.0, 1.0], "change_percent": [-20.0, 150.0, 5.0]})
    rows = rows_of(spider(changes), "change_percent")
    assert {(row["USUBJID"], row["time_months"], row["change_percent"]) for row in rows} == {
        ("1", 0.0, 0.0), ("1", 2.0, -20.0), ("1", 4.0, 100.0), ("2", 0.0, 0.0), ("2", 1.0, 5.0),
    }  # fmt: skip
    with pytest.raises(TableError, match="it has no row"):
        spider(changes.clear())


def test_the_swimmer_holds_bars_events_and_arrows():
    further = pl.DataFrame({"USUBJID": ["3"], "time_months": [6.0], "event": ["Dose reduction"]})
    chart = swimmer(TIMES, further, group="arm", title="On treatment")
    spec = chart.to_dict()
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == ["3", "1", "2"]
    events = {(row["USUBJID"], row["event"], row["time_months"]) for row in rows_of(chart, "event")}
    assert events == {
        ("1", "Response", 2.0), ("3", "Response", 1.5), ("1", "Progression", 8.0), ("2", "Progression", 2.5), ("2", "Death", 3.2),
        ("3", "Dose reduction", 6.0),
    }  # fmt: skip
    assert [row["USUBJID"] for row in rows_of(chart, "arrow")] == ["3"]
    svg = svg_of(chart)
    for text in ("Response", "Progression", "Death", "Dose reduction", "Treatment ongoing", "Time on treatment (months)", "3"):
        assert f">{text}</text>" in svg


@pytest.mark.parametrize(
    ("subjects", "events", "words"),
    [
        (pl.concat([TIMES, TIMES]), None, "1 has more than one row"),
        (TIMES.with_columns(time_months=-pl.col("time_months")), None, "1 has -8.0"),
        (TIMES.drop("time_months"), None, "time_months is missing"),
        (TIMES, pl.DataFrame({"USUBJID": ["9"], "time_months": [1.0], "event": ["x"]}), "9 has no bar"),
    ],
)
def test_tables_no_swimmer_can_show(subjects, events, words):
    with pytest.raises(TableError, match=words):
        swimmer(subjects, events)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.concat([BEST, BEST]), "1 has 2 rows"), (BEST.with_columns(best_change_percent=pl.lit(None, pl.Float64)), "no subject has one"),
        (BEST.drop("best_change_percent"), "best_change_percent is missing"),
    ],
)  # fmt: skip
def test_tables_no_waterfall_can_show(table, words):
    with pytest.raises(TableError, match=words):
        waterfall(table)


def test_no_figure_of_tumours_makes_vega_warn(capfd):
    lines = pl.DataFrame({"USUBJID": ["1", "1", "2"], "time_months": [0.0, 4.0, 1.0], "change_percent": [0.0, 150.0, 5.0]})
    thin = pl.DataFrame({"USUBJID": [f"s{k}" for k in range(200)], "time_months": np.linspace(1, 40, 200)})
    charts = [
        waterfall(BEST), waterfall(many(200)), waterfall(BEST.drop("response", "confirmed")), waterfall(BEST.head(1)),
        spider(lines), spider(lines.with_columns(response=pl.lit("PR"))), spider(lines.with_columns(arm=pl.lit("a"))),
        swimmer(TIMES, group="arm"), swimmer(TIMES.select("USUBJID", "time_months")), swimmer(thin),
    ]  # fmt: skip
    for chart in charts:
        vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=True)
    said = capfd.readouterr()
    assert "WARN" not in said.out + said.err
