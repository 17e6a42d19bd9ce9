"""The diagnostics of proportional hazards: heights by hand, the smooth against its definition, labels where the months stand."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import TableError
from benchside.stages.clinical import EventTable, kaplan_meier, proportional_hazards
from benchside.stages.clinical.figure import log_log_chart, schoenfeld_chart
from benchside.stages.clinical.figures.hazards import month_places, row_of_test
from benchside.stages.clinical.figures.smooth import natural_spline_smooth
from tests.shared_data import shared
from tests.stages.clinical.small import table_of


def svg_of(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def lung(**settings):
    table = pl.read_csv(shared("data", "clinical", "lung.csv"), null_values=["NA"])
    table = table.with_columns(pl.col("sex").replace_strict({1: "male", 2: "female"}), status=pl.col("status") - 1)
    ev = EventTable.from_frame(table, time="time", time_unit="days", event="status", arm="sex", control="male")
    return proportional_hazards(ev, covariates=["age"], **settings)


def truncated_power_smooth(x, y, df=4):
    """The natural cubic spline from its textbook basis (Hastie et al., Elements of Statistical Learning, eq. 5.4)."""
    places = np.linspace(x.min(), x.max(), 40)
    knots = np.quantile(np.concatenate([places, x]), np.linspace(0, 1, df))

    def d(at, k):
        cubes = np.clip(at - knots[k], 0, None) ** 3 - np.clip(at - knots[-1], 0, None) ** 3
        return cubes / (knots[-1] - knots[k])

    def basis(at):
        return np.column_stack([np.ones_like(at), at, *(d(at, k) - d(at, df - 2) for k in range(df - 2))])

    design = basis(x)
    coefficient, rss, *_ = np.linalg.lstsq(design, y, rcond=None)
    at = basis(places)
    spread = np.sqrt(np.einsum("ij,jk,ik->i", at, np.linalg.inv(design.T @ design), at) * rss[0] / (x.size - df))
    return at @ coefficient, spread


@given(st.integers(0, 10_000), st.integers(12, 80))
def test_the_smooth_is_the_natural_spline_of_least_squares(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    y = np.sin(4 * x) + rng.normal(0, 0.3, n)
    found = natural_spline_smooth(x, y)
    fit, spread = truncated_power_smooth(x, y)
    np.testing.assert_allclose(found["fit"], fit, atol=1e-7)
    np.testing.assert_allclose((found["upper"] - found["lower"]) / 2, 1.959963984540054 * spread, rtol=1e-6, atol=1e-9)


def test_too_few_points_have_no_smooth():
    few = np.arange(4.0)
    assert natural_spline_smooth(few, few).is_empty()
    assert natural_spline_smooth(np.repeat([1.0, 2.0], 20), np.arange(40.0)).is_empty()


def test_log_log_heights_by_hand():
    # Four subjects, events at 1, 2 and 3: S = 3/4, 1/2, 1/4.
    km = kaplan_meier(table_of([1, 2, 3, 4], [1, 1, 1, 0], ["a"] * 4))
    chart = log_log_chart(km.curve).to_dict()
    rows = [row for rows in chart["datasets"].values() for row in rows]
    assert [row["time_months"] for row in rows] == [1.0, 2.0, 3.0, 4.0]
    assert [row["height"] for row in rows] == pytest.approx([np.log(-np.log(s)) for s in (0.75, 0.5, 0.25, 0.25)])


def test_proportional_hazards_are_parallel():
    time = np.array([1.0, 2.0, 4.0, 8.0])
    survival = np.exp(-0.05 * time)
    both = pl.concat(
        [
            pl.DataFrame({"arm": ["a"] * 4, "time_months": time, "survival": survival}),
            pl.DataFrame({"arm": ["b"] * 4, "time_months": time, "survival": survival**0.4}),
        ]
    )
    chart = log_log_chart(both).to_dict()
    rows = [row for rows in chart["datasets"].values() for row in rows]
    gaps = [b["height"] - a["height"] for a, b in zip(rows[:4], rows[4:], strict=True)]
    assert gaps == pytest.approx([np.log(0.4)] * 4)


def test_an_arm_without_an_event_is_named_and_no_event_is_refused():
    km = kaplan_meier(table_of([1, 2, 3, 4], [1, 1, 0, 0], ["a", "a", "a", "b"]))
    assert "No line for b: nobody had the event" in svg_of(log_log_chart(km.curve))
    with pytest.raises(TableError, match=r"it has no row.*with an event"):
        log_log_chart(kaplan_meier(table_of([1, 2], [0, 0], ["a", "b"])).curve)


def test_schoenfeld_panels_hold_the_residuals_and_the_p_of_the_score_test():
    found = lung()
    chart = schoenfeld_chart(found.residuals, found.table, title="Lung")
    spec = chart.to_dict()
    assert [panel["title"]["text"].split(":")[0] for panel in spec["concat"]] == ["female (arm)", "age"]
    points = spec["datasets"][spec["concat"][1]["layer"][0]["data"]["name"]]
    assert [row["scaled_residual"] for row in points] == found.residuals.filter(pl.col("term") == "age")[
        "scaled_residual"
    ].to_list()
    p = dict(found.table.select("term", "p").rows())
    svg = svg_of(chart)
    for text in (f"female (arm): P = {p['arm']:.2f}", f"age: P = {p['age']:.2f}", f"Global score test: P = {p['GLOBAL']:.2f}"):
        assert f">{text}</text>" in svg


def test_months_stand_where_the_test_puts_them():
    found = lung(transform="identity")
    part = found.residuals.filter(pl.col("term") == "age")
    places = month_places(part)
    assert all(month == pytest.approx(place) for month, place in places)
    km = month_places(lung().residuals.filter(pl.col("term") == "age"))
    assert len(km) >= 4
    assert [month for month, _ in km] == sorted(month for month, _ in km)
    assert np.all(np.diff([place for _, place in km]) > 0)


def test_a_term_finds_its_test():
    found = {"arm": {"term": "arm"}, "ecog": {"term": "ecog"}, "age": {"term": "age"}}
    named = {term: row_of_test(term, found)["term"] for term in ("age", "ecog: 2", "lorlatinib")}
    assert named == {"age": "age", "ecog: 2": "ecog", "lorlatinib": "arm"}


def test_residuals_of_a_model_that_has_none_are_refused():
    ev = table_of([1, 2, 3, 4], [1, 1, 0, 0], ["a", "a", "b", "b"], control="a")
    found = proportional_hazards(ev)
    with pytest.raises(TableError, match="it has no row"):
        schoenfeld_chart(found.residuals, found.table)


def test_no_diagnostic_makes_vega_warn(capfd):
    small = proportional_hazards(table_of([1, 2, 3, 4, 5, 6], [1] * 6, ["a", "b", "b", "a", "a", "b"], control="a"))
    km = kaplan_meier(table_of([1, 2, 3, 4], [1, 1, 0, 0], ["a", "a", "a", "b"]))
    same = kaplan_meier(table_of([2, 2, 2], [1, 1, 0], ["a"] * 3))
    charts = [schoenfeld_chart(small.residuals, small.table), log_log_chart(km.curve, title="x"), log_log_chart(same.curve)]
    charts += [
        schoenfeld_chart(found.residuals, found.table) for found in (lung(), lung(transform="log"), lung(transform="rank"))
    ]
    for chart in charts:
        vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=True)
    said = capfd.readouterr()
    assert "WARN" not in said.out + said.err
