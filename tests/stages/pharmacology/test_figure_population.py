"""What the charts hold: the quantiles of the patients, the words of every cell, the studies that disagree."""

import numpy as np
import polars as pl
import pytest

from benchside.stages.pharmacology import coverage, exposure, exposure_response
from benchside.stages.pharmacology.figure import FIGURES
from benchside.stages.pharmacology.figure_population import (
    BAND_NAMES,
    NO_EVIDENCE,
    coverage_matrix,
    exposure_response_chart,
    population_curves,
    population_table,
)


def held(chart):
    rows = [row for part in chart.to_dict()["datasets"].values() for row in part]
    return pl.DataFrame(rows)


def test_bands_are_quantiles_of_the_patients():
    many = [exposure("lorlatinib", n=200, seed=1, site=site, matrix="free") for site in ("plasma", "cns")]
    table = population_table(many)
    assert table["place"].unique(maintain_order=True).to_list() == ["plasma, free", "brain, free"]
    at_six = many[0].table.filter((pl.col("time_h") - 6.0).abs() < 1e-9)["concentration_nM"].to_numpy()
    row = table.filter((pl.col("time_h") - 6.0).abs() < 1e-9, place="plasma, free").row(0, named=True)
    names = ("low_90_nM", "low_50_nM", "median_nM", "high_50_nM", "high_90_nM")
    assert [row[name] for name in names] == pytest.approx(np.quantile(at_six, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())
    assert held(population_curves(table)).height == table.height


def test_every_cell_of_the_matrix_says_value_interval_and_band():
    table = coverage(["alectinib", "brigatinib"], variants=["WT", "G1202R"]).table
    blank = pl.when((pl.col("variant") == "WT") & (pl.col("compound") == "alectinib")).then(None)
    table = table.with_columns(coverage_average=blank.otherwise(pl.col("coverage_average")))
    shown = held(coverage_matrix(table))
    assert shown.height == table.height
    without = shown.filter(pl.col("coverage_average").is_null())
    assert set(without["band"]) == {NO_EVIDENCE}
    assert set(without["interval"]) == {NO_EVIDENCE}
    with_value = shown.filter(pl.col("coverage_average").is_not_null())
    edges = [0.1, 0.3, 1, 3, 10]
    assert with_value["band"].to_list() == [
        BAND_NAMES[int(np.digitize(value, edges))] for value in with_value["coverage_average"]
    ]
    assert with_value["interval"].str.contains(" to ").all()
    assert with_value["value"].str.contains(r"\*").all()  # all of it rests on memory
    daggers = with_value.filter(pl.col("value").str.contains("†"))
    assert set(daggers.select("compound", "place").rows()) == {("brigatinib", "brain")}


def test_studies_that_disagree_stand_in_one_chart():
    chart = exposure_response_chart(exposure_response())
    rows = held(chart)
    assert rows["number"].drop_nulls().to_list() == [4.29, 1.79, 2.15]
    assert rows["words"].drop_nulls().len() == 2


def test_charts_are_registered():
    assert {"exposure_curves", "coverage", "population_curves", "coverage_matrix", "exposure_response"} == set(FIGURES)
