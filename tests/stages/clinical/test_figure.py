import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.core.errors import TableError
from benchside.stages.clinical import kaplan_meier
from benchside.stages.clinical.figure import DASHES, OKABE_ITO, at_risk_at, kaplan_meier_chart, time_ticks
from tests.stages.clinical.small import table_of

EVENTS = table_of([2, 4, 5, 8, 3, 9, 11, 13], [1, 1, 0, 1, 1, 1, 0, 1], ["chemo"] * 4 + ["tki"] * 4, control="chemo")


def test_the_chart_holds_curves_censoring_medians_and_the_table():
    chart = kaplan_meier_chart(kaplan_meier(EVENTS).curve, endpoint="PFS", title="A trial").to_dict()
    curves, table = chart["vconcat"]
    marks = [layer["mark"]["type"] for layer in curves["layer"]]
    assert marks == ["area", "line", "point", "rule", "rule"]
    assert curves["layer"][1]["encoding"]["x"]["axis"]["title"] == "Time (months)"
    assert curves["layer"][1]["encoding"]["y"]["axis"]["title"] == "PFS probability"
    assert [row["time_months"] for row in chart["datasets"][curves["layer"][4]["data"]["name"]]] == [
        6.0,
        11.0,
    ]  # midpoints of flat halves
    assert chart["datasets"][table["data"]["name"]][0] == {"arm": "chemo", "time_months": 0.0, "at_risk": 4}
    assert table["encoding"]["x"]["scale"] == curves["layer"][1]["encoding"]["x"]["scale"]


def test_arms_differ_in_colour_and_dash():
    curves = kaplan_meier_chart(kaplan_meier(EVENTS).curve).to_dict()["vconcat"][0]
    encoding = curves["layer"][1]["encoding"]
    assert encoding["color"]["scale"] == {"domain": ["chemo", "tki"], "range": list(OKABE_ITO[:2])}
    assert encoding["strokeDash"]["scale"] == {"domain": ["chemo", "tki"], "range": list(DASHES[:2])}
    assert len({str(dash) for dash in DASHES}) == len(DASHES) == len(OKABE_ITO)


def test_it_renders_with_both_arms_and_the_table():
    svg = vl_convert.vegalite_to_svg(kaplan_meier_chart(kaplan_meier(EVENTS).curve, title="A trial").to_json())
    for text in ("A trial", "chemo", "tki", "Number at risk", "Time (months)"):
        assert f">{text}</text>" in svg


def test_numbers_at_risk_are_those_of_the_landmarks():
    km = kaplan_meier(EVENTS)
    times = [0.0, 2.0, 4.5, 8.0, 20.0]
    assert at_risk_at(km.curve, ["chemo", "tki"], times)["at_risk"].to_list() == km.at(times).table["at_risk"].to_list()


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
    assert marks == ["line", "point"]
    with pytest.raises(TableError, match="no row"):
        kaplan_meier_chart(curve.clear())
    with pytest.raises(TableError, match="at_risk is missing"):
        kaplan_meier_chart(curve.drop("at_risk"))
    assert kaplan_meier_chart(curve.with_columns(pl.lit("PFS").alias("endpoint"))) is not None
