"""The survival figures hold the numbers of their tables, place their words off the curves, and render without a warning."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.core.errors import TableError
from benchside.stages.clinical import EventTable, cause_specific, cox, cumulative_incidence, gray_test, kaplan_meier, log_rank
from benchside.stages.clinical.figure import (
    DASHES,
    FIGURES,
    OKABE_ITO,
    at_risk_at,
    cumulative_incidence_chart,
    kaplan_meier_chart,
    time_ticks,
)
from benchside.stages.clinical.figures.box import Box, free_corner
from benchside.stages.clinical.figures.parts import MOST_STEPS, estimate_words, p_words, thinned
from tests.shared_data import shared
from tests.stages.clinical.small import table_of

EVENTS = table_of([2, 4, 5, 8, 3, 9, 11, 13], [1, 1, 0, 1, 1, 1, 0, 1], ["chemo"] * 4 + ["tki"] * 4, control="chemo")


def svg_of(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def rows_of(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def competing(seed=5, n=120):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({
        "time": rng.exponential(12, n).round(1) + 0.1, "event": rng.integers(0, 3, n), "arm": np.where(rng.random(n) < 0.5, "a", "b"),
    })  # fmt: skip
    return EventTable.from_frame(frame, time_unit="months", control="a", causes={"cns": 1, "other": 2})


def test_the_chart_holds_curves_censoring_medians_and_the_table():
    chart = kaplan_meier_chart(kaplan_meier(EVENTS).curve, endpoint="PFS", title="A trial").to_dict()
    curves, table = chart["vconcat"]
    marks = [layer["mark"]["type"] for layer in curves["layer"]]
    assert marks == ["area", "line", "point", "rule", "rule", "text"]
    assert curves["layer"][1]["encoding"]["x"]["axis"]["title"] == "Time (months)"
    assert curves["layer"][1]["encoding"]["y"]["axis"]["title"] == "PFS (%)"
    assert [row["time_months"] for row in chart["datasets"][curves["layer"][4]["data"]["name"]]] == [
        6.0,
        11.0,
    ]  # midpoints of flat halves
    first = chart["datasets"][table["data"]["name"]][0]
    assert first == {"arm": "chemo", "time_months": 0.0, "at_risk": 4, "censored": 0, "words": "4"}
    assert table["encoding"]["x"]["scale"] == curves["layer"][1]["encoding"]["x"]["scale"]


def test_censoring_ticks_are_opaque_and_longer_than_the_line_is_wide():
    layers = kaplan_meier_chart(kaplan_meier(EVENTS).curve).to_dict()["vconcat"][0]["layer"]
    line, tick = layers[1]["mark"], layers[2]["mark"]
    assert tick["opacity"] == 1
    assert np.sqrt(tick["size"]) > 4 * line["strokeWidth"]


def test_arms_differ_in_colour_and_dash():
    curves = kaplan_meier_chart(kaplan_meier(EVENTS).curve).to_dict()["vconcat"][0]
    encoding = curves["layer"][1]["encoding"]
    assert encoding["color"]["scale"] == {"domain": ["chemo", "tki"], "range": list(OKABE_ITO[:2])}
    assert encoding["strokeDash"]["scale"] == {"domain": ["chemo", "tki"], "range": list(DASHES[:2])}
    assert len({str(dash) for dash in DASHES}) == len(DASHES) == len(OKABE_ITO)


def test_it_renders_with_both_arms_and_the_table():
    svg = svg_of(kaplan_meier_chart(kaplan_meier(EVENTS).curve, title="A trial"))
    for text in ("A trial", "chemo", "tki", "Number at risk", "Time (months)", "Vertical ticks: censored", "100"):
        assert f">{text}</text>" in svg


def test_the_box_prints_the_values_of_the_tables():
    km, model, test = kaplan_meier(EVENTS), cox(EVENTS).table, log_rank(EVENTS).table
    svg = svg_of(kaplan_meier_chart(km.curve, medians=km.table, hazard_ratio=model, test=test, bands=False, width=700))
    found = model.row(0, named=True)
    words = f"{found['hazard_ratio']:.2f} (95% CI, {found['lower']:.2f} to {found['upper']:.2f})"
    for text in (f"Hazard ratio, {words}", "3/4", "6.0 (2.0 to NE)", f"{p_words(test['p'][0])} (log-rank test)"):
        assert f">{text}</text>" in svg
    stratified = test.with_columns(stratified_by=pl.lit("sex"))
    assert "(stratified log-rank test)" in svg_of(kaplan_meier_chart(km.curve, test=stratified))
    assert f"; {p_words(found['p'])}</text>" in svg_of(kaplan_meier_chart(km.curve, hazard_ratio=model))


def test_profile_1014_reads_as_published():
    # Solomon et al. 2014, doi:10.1056/NEJMoa1408440: PFS medians 10.9 and 7.0 months, HR 0.45; figures are reconstructed.
    trial = pl.read_parquet(shared("data", "clinical", "kmdata_dev.parquet")).filter(pl.col("trial") == "PROFILE1014_1A")
    ev = EventTable.from_frame(trial, time="time", time_unit="months", event="event", arm="arm", control="chemo")
    km = kaplan_meier(ev)
    tables = {"medians": km.table, "hazard_ratio": cox(ev).table, "test": log_rank(ev).table}
    chart = kaplan_meier_chart(km.curve, endpoint="PFS", **tables)
    words = {row["words"] for row in rows_of(chart) if "words" in row}
    assert {"10.9 (8.3 to 13.8)", "7.0 (6.7 to 8.2)", "142/171", "100/172", "P < 0.001 (log-rank test)"} <= words
    assert "Hazard ratio, 0.47 (95% CI, 0.36 to 0.62)" in words
    at_zero = {(row["arm"], row["words"]) for row in rows_of(chart) if row.get("time_months") == 0.0 and "words" in row}
    assert at_zero == {("chemo", "171"), ("crizotinib", "172")}


def test_the_box_takes_the_first_corner_that_no_curve_enters():
    box, plot = Box([["0123456789"]]), {"last": 10.0, "highest": 1.0, "width": 400, "height": 200}
    falls = (np.array([0.0, 1.0, 10.0]), np.array([1.0, 0.05, 0.05]), np.array([1.0, 0.05, 0.05]))
    level = (np.array([0.0, 10.0]), np.full(2, 0.97), np.full(2, 0.97))
    right, left = free_corner(box, [falls], **plot), free_corner(box, [level], **plot)
    assert right[0] > 200
    assert right[1] < 100
    assert left[0] < 200
    assert left[1] > 100
    assert free_corner(box, [falls, level, (np.array([0.0, 10.0]), np.zeros(2), np.ones(2))], **plot) is None
    riser = (np.array([0.0, 9.5]), np.array([0.1, 0.99]), np.array([0.1, 0.99]))  # it only passes through
    assert free_corner(box, [riser], **plot) != right


def test_a_box_without_a_corner_stands_over_the_plot():
    n = 60
    ev = table_of(np.linspace(0.5, 30, n), [1, 0] * (n // 2), ["a", "a", "b", "b"] * (n // 4), control="a")
    km = kaplan_meier(ev)
    chart = kaplan_meier_chart(km.curve, medians=km.table, width=220, height=120).to_dict()
    assert any("Events/n" in line for line in chart["title"]["text"])


def test_numbers_at_risk_are_those_of_the_landmarks():
    km = kaplan_meier(EVENTS)
    times = [0.0, 2.0, 4.5, 8.0, 20.0]
    found = at_risk_at(km.curve, ["chemo", "tki"], times)
    assert found["at_risk"].to_list() == km.at(times).table["at_risk"].to_list()
    assert found["censored"].to_list() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert ">3 (0)<" in svg_of(kaplan_meier_chart(km.curve, with_censored=True))


@pytest.mark.parametrize("last", [0.0, 0.4, 5.9, 6.0, 17.5, 40.05, 75.0, 300.0, 5000.0])
def test_ticks_cover_the_follow_up_and_stay_legible(last):
    ticks = time_ticks(last)
    assert ticks[0] == 0
    assert ticks[-1] >= last
    assert 2 <= len(ticks) <= 10
    assert np.ptp(np.diff(ticks)) < 1e-9


def test_no_median_no_line_and_no_rows_no_figure():
    curve = kaplan_meier(table_of([1, 2], [0, 0], ["a", "a"])).curve
    marks = [layer["mark"]["type"] for layer in kaplan_meier_chart(curve, bands=False).to_dict()["vconcat"][0]["layer"]]
    assert marks == ["line", "point", "text"]
    with pytest.raises(TableError, match="no row"):
        kaplan_meier_chart(curve.clear())
    with pytest.raises(TableError, match="at_risk is missing"):
        kaplan_meier_chart(curve.drop("at_risk"))
    assert kaplan_meier_chart(curve.with_columns(pl.lit("PFS").alias("endpoint"))) is not None


def test_an_arm_without_an_event_is_said_to_be_not_estimable():
    ev = table_of([2, 4, 6, 3, 5, 7], [1, 1, 1, 0, 0, 0], ["a"] * 3 + ["b"] * 3, control="a")
    km = kaplan_meier(ev)
    svg = svg_of(kaplan_meier_chart(km.curve, medians=km.table, hazard_ratio=cox(ev).table, bands=False, width=700))
    assert ">NE</text>" in svg
    assert "Hazard ratio, NE" in svg


def test_a_long_curve_is_thinned_where_a_page_cannot_show_it():
    rng = np.random.default_rng(2)
    n = 20_000
    km = kaplan_meier(table_of(rng.exponential(10, n), rng.integers(0, 2, n), ["a"] * n))
    last = float(km.curve["time_months"].max())
    thin = thinned(km.curve, last)
    assert thin.height <= MOST_STEPS + 1 < km.curve.height
    assert thin["n_censor"].sum() == km.curve["n_censor"].sum()
    assert thin["survival"][-1] == km.curve["survival"][-1]
    full = np.interp(thin["time_months"], km.curve["time_months"], km.curve["survival"])
    np.testing.assert_allclose(thin["survival"], full, atol=1e-12)


def test_incidence_holds_the_table_and_the_tests():
    ev = competing()
    found = cumulative_incidence(ev, cause="cns")
    ratio, gray = cause_specific(ev, cause="cns").table, gray_test(ev, cause="cns").table
    chart = cumulative_incidence_chart(
        found.table, endpoint="CNS progression", hazard_ratio=ratio, ratio_name="Cause-specific hazard ratio", test=gray
    )
    rows = [row for row in rows_of(chart) if "incidence" in row]
    assert len(rows) == found.table.height
    assert [row["incidence"] for row in rows if row["arm"] == "b"] == found.table.filter(pl.col("arm") == "b")[
        "incidence"
    ].to_list()
    svg = svg_of(chart)
    row = ratio.row(0, named=True)
    assert f"Cause-specific hazard ratio, {row['hazard_ratio']:.2f} (95% CI, {row['lower']:.2f} to {row['upper']:.2f})" in svg
    assert "Gray&#39;s test" in svg or "Gray's test" in svg
    for text in ("CNS progression (%)", "Number at risk", "100"):
        assert f">{text}</text>" in svg


def test_causes_are_dashes_and_a_short_axis_is_asked_for():
    ev = competing()
    both = pl.concat([cumulative_incidence(ev, cause=cause).table for cause in ("cns", "other")])
    layers = cumulative_incidence_chart(both, bands=False).to_dict()["vconcat"][0]["layer"]
    assert layers[0]["encoding"]["strokeDash"]["field"] == "cause"
    assert layers[0]["encoding"]["y"]["scale"]["domain"] == [0, 1.0]
    rare = both.with_columns(pl.col("incidence", "lower", "upper") / 20)
    short = cumulative_incidence_chart(rare, highest=None).to_dict()["vconcat"][0]["layer"][1]
    assert short["encoding"]["y"]["scale"]["domain"] == [0, 0.05]
    with pytest.raises(TableError, match="cause is missing"):
        cumulative_incidence_chart(both.drop("cause"))


def test_words_of_journals():
    assert [p_words(p) for p in (1e-9, 0.0094, 0.0096, 0.0449, 0.04999, 0.0501, 0.5, 0.9951)] == [
        "P < 0.001", "P = 0.009", "P = 0.01", "P = 0.04", "P = 0.050", "P = 0.050", "P = 0.50", "P > 0.99",
    ]  # fmt: skip
    assert estimate_words(float("inf"), 0.1, None) == "NE (0.10 to NE)"


def test_no_survival_figure_makes_vega_warn(capfd):
    km, ev = kaplan_meier(EVENTS), competing()
    one = kaplan_meier(table_of([3, 1, 2], [1, 0, 1], ["only"] * 3))
    silent = kaplan_meier(table_of([3, 1, 2, 4], [1, 0, 0, 0], ["a", "a", "b", "b"]))
    both = pl.concat([cumulative_incidence(ev, cause=cause).table for cause in ("cns", "other")])
    charts = [
        kaplan_meier_chart(
            km.curve,
            title="A trial",
            medians=km.table,
            hazard_ratio=cox(EVENTS).table,
            test=log_rank(EVENTS).table,
            with_censored=True,
        ),
        kaplan_meier_chart(one.curve),
        kaplan_meier_chart(silent.curve, medians=silent.table),
        cumulative_incidence_chart(both, hazard_ratio=cause_specific(ev, cause="cns").table),
        cumulative_incidence_chart(both.filter(pl.col("cause") == "cns"), bands=False, highest=None),
    ]
    for chart in charts:
        vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=True)
    said = capfd.readouterr()
    assert "WARN" not in said.out + said.err


def test_every_figure_is_registered():
    names = {"kaplan_meier", "cumulative_incidence", "subgroup_forest", "waterfall", "spider", "swimmer", "log_log", "schoenfeld"}
    assert names == set(FIGURES)
    assert all("Parameters" in (maker.__doc__ or "") for maker in FIGURES.values())
