"""Grids of inhibitor and ATP: the lines are the preferred law, its IC50 is where the law gives one half, and nothing unsettled is drawn."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert

from benchside.stages.assay import fit, mode_of_inhibition
from benchside.stages.assay.analyse.enzymes.rate_laws import MODELS, Grid, parameters, rate
from benchside.stages.assay.figure import FIGURES, inhibition_grids
from benchside.stages.assay.figure_inhibition import ic50_of_law, law_lines

TRUTH = {"ki_nM": 12.0, "km_uM": 60.0, "alpha": 5.0}
DOSE, ATP = (np.tile(a.ravel(), 2) for a in np.meshgrid([3.0, 10, 30, 100, 300, 1000], [10.0, 30, 100, 300, 1000]))


def grid_of(model, *, compound="x", seed=2):
    constants = np.log([TRUTH[name] for name in parameters(model, "fraction")])
    y, _ = rate(model, constants, Grid(DOSE, ATP, np.zeros_like(DOSE), "fraction"))
    y = y + 0.02 * np.random.default_rng(seed).standard_normal(len(y))
    return pl.DataFrame(
        {"compound": compound, "target": "ALK", "concentration_nM": DOSE, "atp_uM": ATP, "response": y, "excluded": DOSE == 1e3}
    )


def data_of(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("atp", [3.0, 60.0, 900.0])
def test_the_ic50_of_a_law_is_where_its_rate_is_one_half(model, atp):
    """By Cheng and Prusoff 1973 too: Ki (1 + S/Km), Ki, Ki (1 + Km/S)."""
    law = {"model": model} | {name: TRUTH[name] if name in parameters(model, "fraction") else None for name in TRUTH}
    (ic50,) = ic50_of_law(law, np.array([atp]))
    constants = np.log([TRUTH[name] for name in parameters(model, "fraction")])
    y, _ = rate(model, constants, Grid(np.array([ic50]), np.array([atp]), np.zeros(1), "fraction"))
    assert y[0] == pytest.approx(0.5, rel=1e-12)
    ki, ratio = TRUTH["ki_nM"], atp / TRUTH["km_uM"]
    textbook = {"competitive": ki * (1 + ratio), "non-competitive": ki, "uncompetitive": ki * (1 + 1 / ratio)}
    assert ic50 == pytest.approx(textbook.get(model, ki * (1 + ratio) / (1 + ratio / TRUTH["alpha"])), rel=1e-12)


def test_a_page_holds_every_well_the_law_and_the_ic50s_of_the_curves():
    table = pl.concat([grid_of("competitive"), grid_of("non-competitive", compound="y")])
    modes = mode_of_inhibition(table, km_uM=60.0).table
    named = table.with_columns(curve_id=pl.format("{} {}", "compound", "atp_uM"))
    fits = fit(named).table
    of = named.unique("curve_id").select("curve_id", "atp_uM")
    fits = fits.join(of, on="curve_id")
    pages = inhibition_grids(table, modes, fits)
    titles = [page.to_dict()["title"] for page in pages]
    assert [title["text"] for title in titles] == ["x | ALK", "y | ALK"]
    assert titles[0]["subtitle"] == "the data prefer: competitive"
    for name, page in zip("xy", pages, strict=True):
        rows, own = data_of(page), table.filter(pl.col("compound") == name)
        points = [row for row in rows if "excluded" in row]
        assert [row["response"] for row in points] == own["response"].to_list()
        assert sum(row["excluded"] for row in points) == 10
        found = fits.filter(pl.col("compound") == name, pl.col("ic50_relation") == "=")["ic50_nM"].to_list()
        assert sorted(row["ic50_nM"] for row in rows if "ic50_lower_nM" in row) == pytest.approx(sorted(found))
        svg = vl_convert.vegalite_to_svg(json.dumps(page.to_dict()))
        assert "IC50 by ATP" in svg


def test_the_lines_are_the_law_at_its_estimates():
    table = grid_of("competitive")
    best = mode_of_inhibition(table).best.row(0, named=True)
    lines = law_lines(table, best)
    ki, km = best["ki_nM"], best["km_uM"]
    by_hand = (km + lines["atp_uM"]) / (km * (1 + lines["concentration_nM"] / ki) + lines["atp_uM"])
    assert lines["response"].to_list() == pytest.approx(by_hand.to_list(), rel=1e-12)
    assert sorted(set(lines["atp_uM"])) == sorted(set(ATP))


def test_a_law_with_a_constant_that_is_not_identified_is_not_drawn_and_says_so():
    table = grid_of("competitive")
    modes = mode_of_inhibition(table).table.with_columns(km_uM=pl.lit(None, pl.Float64))
    (page,) = inhibition_grids(table, modes)
    assert "a constant of this law is not identified" in page.to_dict()["title"]["subtitle"]
    assert len(data_of(page)) == table.height


def test_a_grid_that_prefers_no_law_has_no_page():
    table = grid_of("competitive").filter(pl.col("atp_uM") == 100)
    assert FIGURES["inhibition_grids"](table, mode_of_inhibition(table).table) == []
