"""The growth courses: every count and rate is in the figure, and the lines drawn are those whose slopes are the rates."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.stages.assay import dip_rates
from benchside.stages.assay.figure import FIGURES, growth_courses
from benchside.stages.assay.figure_courses import curve_points, window_lines

BY = ["compound", "system"]
DOSES = [0.0, 0.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]


def counts(*compounds, control_rate=0.04, late=-0.3, seed=1):
    """Courses of a drug that acts from 12 h on; control wells name no compound and serve all of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for compound in compounds:
        for number, dose in enumerate(DOSES):
            if dose == 0 and compound != compounds[0]:
                continue
            slow = control_rate * (late + (1 - late) / (1 + dose / 50))
            rows += [
                {"compound": compound if dose else None, "system": "H3122", "well": f"{compound}{number}", "concentration_nM": dose, "time_h": t,
                 "cell_count": 800 * 2 ** (control_rate * min(t, 12) + slow * max(t - 12, 0)) * np.exp(rng.normal(0, 0.03))}
                for t in np.arange(0.0, 97.0, 8.0)
            ]  # fmt: skip
    return pl.DataFrame(rows)


def data_of(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def test_a_group_is_a_page_with_its_own_wells_and_the_shared_control():
    table = counts("x", "y")
    found = dip_rates(table, by=BY)
    pages = growth_courses(table, found.rates, found.table, by=BY)
    assert [page.to_dict()["title"]["text"] for page in pages] == ["x | H3122", "y | H3122"]
    for name, page in zip("xy", pages, strict=True):
        own = table.filter((pl.col("compound") == name) | pl.col("compound").is_null())
        shown = {(row["time_h"], row["cell_count"]) for row in data_of(page) if "cell_count" in row}
        assert set(own.select("time_h", "cell_count").rows()) <= shown
        rates = [row["rate"] for row in data_of(page) if "lower" in row]
        control = found.table["control_dip_per_h"][0]
        own_rates = found.rates.filter(pl.col("compound") == name)["dip_per_h"] / control
        assert sorted(rates) == pytest.approx(sorted(own_rates), rel=1e-12)
        assert "H3122" in vl_convert.vegalite_to_svg(json.dumps(page.to_dict()))


def test_the_lines_are_the_least_squares_lines_of_numpy_over_the_windows():
    table = counts("x")
    rates = dip_rates(table, by=BY).rates.with_row_index("course")
    key = ["compound", "system", "well", "concentration_nM"]
    joined = table.join(rates, on=key, how="left", nulls_equal=True, maintain_order="left")
    ends = window_lines(joined)
    assert ends.height == 2 * rates.height
    for row in rates.iter_rows(named=True):
        own = joined.filter((pl.col("course") == row["course"]) & (pl.col("time_h") >= row["first_time_h"]))
        slope, intercept = np.polyfit(own["time_h"], np.log2(own["cell_count"]), 1)
        drawn = ends.filter(pl.col("course") == row["course"]).sort("time_h")
        assert drawn["time_h"].to_list() == [row["first_time_h"], row["last_time_h"]]
        assert np.log2(drawn["cell_count"].to_numpy()) == pytest.approx(intercept + slope * drawn["time_h"].to_numpy(), abs=1e-9)


def test_the_curve_passes_one_half_at_the_ic50_of_the_rate():
    table = counts("x")
    group = dip_rates(table, by=BY).table.row(0, named=True)
    curve = curve_points(group, pl.Series([3.0, 1000.0]))
    at = np.interp(np.log(group["ic50_dip_nM"]), np.log(curve["concentration_nM"]), curve["rate"])
    assert at == pytest.approx(0.5, abs=0.002)
    assert (curve["concentration_nM"][0], curve["concentration_nM"][-1]) == pytest.approx((3.0, 1000.0))


def test_a_control_that_does_not_divide_leaves_rates_as_they_are_and_no_curve():
    table = counts("x", control_rate=-0.01)
    found = dip_rates(table, by=BY)
    (page,) = growth_courses(table, found.rates, found.table, by=BY)
    text = json.dumps(page.to_dict())
    assert "Rate (doublings per h)" in text
    assert "no IC50 of the rate" in text
    rates = [row["rate"] for row in data_of(page) if "lower" in row]
    assert sorted(rates) == pytest.approx(sorted(found.rates.filter(pl.col("concentration_nM") > 0)["dip_per_h"]))
    assert "<svg" in vl_convert.vegalite_to_svg(text)


def test_counts_of_zero_are_no_points_of_a_log_scale():
    table = counts("x").with_columns(
        cell_count=pl.when((pl.col("concentration_nM") == 1000) & (pl.col("time_h") > 80)).then(0.0).otherwise("cell_count")
    )
    found = dip_rates(table, by=BY)
    (page,) = FIGURES["growth_courses"](table, found.rates, found.table, by=BY)
    assert all(row["cell_count"] > 0 for row in data_of(page) if "cell_count" in row)
