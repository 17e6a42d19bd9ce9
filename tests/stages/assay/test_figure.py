"""The figures hold the numbers of their tables, mark what is excluded or bounded, and render."""

import json

import numpy as np
import polars as pl
import pytest
import vl_convert
from scipy.stats import t as student

from benchside.core.errors import TableError
from benchside.stages.assay import ResponseTable, fit, normalise, quality
from benchside.stages.assay.figure import FIGURES, curve_pages, curves, fold_forest, plate, plates, variant_map
from benchside.stages.assay.figure_lines import curve_band, curve_lines
from benchside.stages.assay.model import LL5
from benchside.stages.assay.simulate import Faults, PlateDesign, TrueCurve, simulate

TRUTHS = [TrueCurve("alectinib", "WT", 10.0), TrueCurve("alectinib", "G1202R", 800.0)]
DOSES = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]


@pytest.fixture(scope="module")
def wells():
    table = simulate(
        TRUTHS, seed=2, design=PlateDesign(plates=2), faults=Faults(swapped_columns=((5, 6),), swapped_plates=(2,))
    ).table
    return table.with_columns(role=pl.when(pl.col("well") == "C4").then(pl.lit("excluded")).otherwise("role"))


def made(mids, **columns):
    rng = np.random.default_rng(4)
    rows = [
        {
            "curve_id": name,
            "concentration_nM": dose,
            "response": 1 / (1 + dose / mid) + e,
            "excluded": name == "a" and dose == 0.3,
        }
        for name, mid in mids.items()
        for dose, e in zip(DOSES, rng.normal(0, 0.02, len(DOSES)), strict=True)
    ]
    return ResponseTable(pl.DataFrame(rows).with_columns(**{key: pl.lit(value) for key, value in columns.items()}))


def data_of(chart):
    """Every row that the chart draws from."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def svg_of(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def test_the_plate_holds_every_well_and_its_mark(wells):
    chart = plate(wells, "simulated-1")
    rows = {row["well"]: row for row in data_of(chart)}
    assert len(rows) == 96
    own = wells.filter(pl.col("plate_id") == "simulated-1")
    assert [rows[well]["shown"] for well in own["well"]] == own["signal"].to_list()
    assert {rows[well]["mark"] for well in ("A1", "H1", "B5")} == {"V", "B", ""}
    svg = svg_of(chart)
    assert svg.count(">×<") == 1
    assert (svg.count(">V</text>"), svg.count(">B</text>")) == (8, 9)  # row B has its name too
    for words in (
        "Plate simulated-1",
        "V vehicle, B blank, × excluded, white: empty",
        "Signal",
        "Column",
        "Row",
        ">H</text>",
        ">12</text>",
    ):
        assert words in svg


def test_the_plate_draws_responses(wells):
    rows = {row["well"]: row["shown"] for row in data_of(plate(wells, "simulated-1", value="response"))}
    own = normalise(wells).table.filter(pl.col("plate_id") == "simulated-1")
    for well, response in own.select("well", "response").rows():
        assert rows[well] == pytest.approx(response)
    bare = wells.filter(pl.col("role") != "vehicle")
    with pytest.raises(TableError, match=r"a response needs vehicle wells.*Draw the signal"):
        plate(bare, "simulated-1", value="response")


def test_plates_are_pages_with_their_verdict(wells):
    pages = plates(wells, quality=quality(wells))
    assert len(pages) == 2
    assert "Verdict: pass" in svg_of(pages[0])
    assert "Verdict: fail. Columns 5 and 6" in svg_of(pages[1])
    with pytest.raises(TableError, match=r"plate simulated-3 is not in the table \(did you mean 'simulated-"):
        plate(wells, "simulated-3")


def test_every_plate_size_fits_its_grid():
    for size, last in ((384, "P24"), (1536, "AF48")):
        table = simulate([TrueCurve("x", "WT", 10.0)], seed=1, design=PlateDesign(wells=size)).table
        chart = plate(table, "simulated")
        assert {row["well"] for row in data_of(chart)} >= {"A1", last}
        assert f">{last[:-2]}</text>" in svg_of(chart)


def test_curves_show_points_lines_bands_and_ic50s():
    points = made({"a": 10.0, "b": 3000.0})
    fits = fit(points)
    rows = data_of(curves(fits, points))
    of = {
        part: [row for row in rows if row.get("part") == part]
        for part in ("point", "excluded", "curve", "band", "ic50", "right", "words")
    }
    assert len(of["point"]) == 15
    assert [(row["curve_id"], row["concentration_nM"]) for row in of["excluded"]] == [("a", 0.3)]
    (ic50,) = of["ic50"]
    found = fits.table.row(0, named=True)
    assert (ic50["concentration_nM"], ic50["low_nM"], ic50["high_nM"]) == (
        found["ic50_nM"],
        found["ic50_lower_nM"],
        found["ic50_upper_nM"],
    )
    assert [(row["curve_id"], row["concentration_nM"]) for row in of["right"]] == [("b", 1000.0)]
    assert of["words"][1]["words"] == "IC50 > 1,000 nM"
    assert of["words"][0]["words"].startswith("IC50 ")
    svg = svg_of(curves(fits, points))
    assert "Concentration (nM)" in svg
    assert "hollow: excluded" in svg


def test_an_open_limit_is_an_arrow_and_a_word():
    points = made({"a": 10.0, "b": 20.0})
    table = fit(points).table.with_columns(ic50_upper_nM=pl.lit(None, pl.Float64))
    rows = data_of(curves(table, points))
    assert {row["curve_id"] for row in rows if row.get("part") == "right"} == {"a", "b"}
    assert all(row["words"].endswith("–open)") for row in rows if row.get("part") == "words")


def test_print_pages_hold_twenty_curves_each_once():
    points = made({f"c{k:02}": 10.0 + k for k in range(45)})
    fits = fit(points)
    pages = curve_pages(fits, points)
    names = [sorted({row["curve_id"] for row in data_of(page)}) for page in pages]
    assert [len(page) for page in names] == [20, 20, 5]
    assert sorted(name for page in names for name in page) == sorted(fits.table["curve_id"].to_list())
    assert curve_pages(fits.table.clear(), points) == []


def test_a_curve_that_was_not_fitted_keeps_its_points():
    points = ResponseTable(made({"a": 10.0}).table.head(3))
    rows = data_of(curves(fit(points), points))
    assert {row["part"] for row in rows} == {"point", "excluded", "words"}
    assert [row["words"] for row in rows if row["part"] == "words"] == ["no IC50"]


@pytest.mark.parametrize("settings", [{}, {"curve": LL5()}])
def test_lines_pass_through_one_half_between_the_plateaus_at_the_midpoint(settings):
    fits = fit(made({"a": 10.0, "b": 40.0}), **settings).table
    lines = curve_lines(fits, points=4001)
    for row in fits.iter_rows(named=True):
        own = lines.filter(pl.col("curve_id") == row["curve_id"]).sort("concentration_nM")
        middle = np.interp(np.log(row["ec50_nM"]), np.log(own["concentration_nM"]), own["response"])
        assert middle == pytest.approx((row["top"] + row["bottom"]) / 2, abs=1e-4)


def test_the_band_is_the_delta_method():
    points = made({"a": 20.0})
    fits = fit(points).table
    row = fits.row(0, named=True)
    used = points.table.filter(~pl.col("excluded"))
    x = np.log(used["concentration_nM"].to_numpy())

    def jacobian(x):
        """The derivatives of the four-parameter curve, by hand."""
        u = row["slope"] * (x - np.log(row["ec50_nM"]))
        h, span = 1 / (1 + np.exp(u)), row["top"] - row["bottom"]
        return np.column_stack([h, 1 - h, -span * h * (1 - h) * u / row["slope"], span * h * (1 - h) * row["slope"]])

    covariance = row["rss"] / (len(x) - 4) * np.linalg.inv(jacobian(x).T @ jacobian(x))
    band = curve_band(fits, points.table)
    at = jacobian(np.log(band["concentration_nM"].to_numpy()))
    half = student.ppf(0.975, len(x) - 4) * np.sqrt(np.einsum("ij,jk,ik->i", at, covariance, at))
    np.testing.assert_allclose(((band["upper"] - band["lower"]) / 2).to_numpy(), half, rtol=1e-4)


FOLDS = pl.DataFrame({
    "compound": ["alectinib", "alectinib", "alectinib", "lorlatinib"], "variant": ["L1196M", "G1202R", "I1171N", "G1202R"],
    "reference": ["WT"] * 4, "fold": [3.0, 60.0, None, 8.0], "fold_lower": [2.0, 41.0, None, None], "fold_upper": [4.5, None, None, 12.0],
    "relation": ["=", ">", None, "="], "status": ["ok", "above", "No fold: the variant was not fitted.", "open"],
})  # fmt: skip


def test_the_forest_holds_folds_arrows_and_words():
    chart = fold_forest(FOLDS)
    rows = {(row["compound"], row["variant"]): row for row in data_of(chart) if "variant" in row}
    words = {key: row["words"] for key, row in rows.items()}
    assert words == {
        ("alectinib", "L1196M"): "3 (2–4.5)", ("alectinib", "G1202R"): "> 60",
        ("alectinib", "I1171N"): "No fold: the variant was not fitted.", ("lorlatinib", "G1202R"): "8 (open–12)",
    }  # fmt: skip
    assert rows["alectinib", "G1202R"]["edge_high"] > 60
    assert rows["alectinib", "G1202R"]["edge_low"] is None
    assert rows["lorlatinib", "G1202R"]["edge_low"] < 0.5
    assert rows["alectinib", "I1171N"]["edge_low"] is rows["alectinib", "I1171N"]["edge_high"] is None
    svg = svg_of(chart)
    for text in ("L1196M / WT", "alectinib", "lorlatinib", "Fold shift (log scale)", "dashed: 2, 4, 10-fold"):
        assert text in svg


def test_the_forest_marks_1_and_the_thresholds():
    layers = fold_forest(FOLDS, thresholds=(5.0,)).to_dict()["vconcat"][0]["layer"]
    rules = [
        (layer["encoding"]["x"]["datum"], "strokeDash" in layer["mark"])
        for layer in layers
        if "datum" in layer["encoding"].get("x", {})
    ]
    assert rules == [(5.0, True), (1.0, False)]


def test_published_folds_need_no_interval_and_no_compound():
    rows = data_of(fold_forest(pl.DataFrame({"variant": ["G1202R"], "fold": [12.0]})))
    assert [(row["words"], row["edge_low"], row["edge_high"]) for row in rows if "words" in row] == [("12", None, None)]


@pytest.mark.parametrize(
    ("table", "words"),
    [(FOLDS.drop("fold"), "column fold is missing"), (FOLDS.clear(), "there is no row"), (FOLDS.with_columns(fold=pl.lit(0.0)), "fold 0 of L1196M is not above 0")],
)  # fmt: skip
def test_tables_no_forest_can_show(table, words):
    with pytest.raises(TableError, match=words):
        fold_forest(table)


def test_the_variant_map_writes_every_number_and_hatches_bounds():
    chart = variant_map(FOLDS)
    rows = {(row["down"], row["across"]): row for row in data_of(chart)}
    assert rows["L1196M", "alectinib"]["words"] == "3"
    assert (rows["G1202R", "alectinib"]["words"], rows["G1202R", "alectinib"]["relation"]) == ("> 60", ">")
    assert rows["I1171N", "alectinib"]["shown"] is None
    svg = svg_of(chart)
    assert svg.count(">╱</text>") == 4
    assert svg.count(">–</text>") == 1
    assert "Fold shift by variant and compound" in svg


def test_repeats_in_the_variant_map_are_a_geometric_mean():
    twice = pl.DataFrame(
        {"variant": ["WT"] * 3, "compound": ["x", "x", "y"], "ic50_nM": [10.0, 1000.0, 5.0], "ic50_relation": ["=", ">", "<"]}
    )
    rows = {row["across"]: row for row in data_of(variant_map(twice, value="ic50_nM"))}
    assert rows["x"]["shown"] == pytest.approx(100.0)
    assert (rows["x"]["words"], rows["y"]["words"]) == ("> 100 (2)", "< 5")
    with pytest.raises(TableError, match="ic50_nM -1 is not above 0"):
        variant_map(twice.with_columns(ic50_nM=pl.lit(-1.0)), value="ic50_nM")
    with pytest.raises(TableError, match="column fold is missing"):
        variant_map(twice)


def test_no_figure_makes_vega_warn(wells, capfd):
    points = made({"a": 10.0, "b": 3000.0}, compound="x", variant="WT")
    fits = fit(points)
    charts = [
        *plates(wells),
        curves(fits, points),
        *curve_pages(fits, points),
        fold_forest(FOLDS),
        variant_map(FOLDS),
        variant_map(fits, value="ic50_nM"),
    ]
    for chart in charts:
        vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=True)
    said = capfd.readouterr()
    assert "WARN" not in said.out + said.err


def test_every_figure_is_registered():
    assert {"curves", "curve_pages", "plate", "plates", "fold_forest", "variant_map"} <= set(FIGURES)
    assert all(maker.__doc__ for maker in FIGURES.values())
