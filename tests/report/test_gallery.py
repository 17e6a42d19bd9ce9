"""The gallery: its data are the tables', and what the browser draws of a curve and its band is what the library computes."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchside.report.blocks import GalleryBlock, Page, Section
from benchside.report.dossier import embedded, render
from benchside.report.gallery import gallery, responses_of, short
from benchside.stages.assay.figure_lines import (
    BAND_POINTS,
    LINE_POINTS,
    curve_band,
    curve_lines,
    log_doses,
    parameters,
    responses_at,
)
from tests.report.test_page import rendered, without_scripts

POINTS = re.compile(r'points="([^"]+)"')
AXIS = re.compile(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(end|middle)"[^>]*>([^<]+)</text>')


def block_of(results):
    return gallery(results, results.scan("assay.fit").collect())


def test_every_curve_is_there_with_its_points(opened):
    results = opened["cells"]
    fits, block = results.table("assay.fit"), block_of(results)
    assert [curve["id"] for curve in block.curves] == fits["curve_id"].to_list()
    for curve, row in zip(block.curves, fits.iter_rows(named=True), strict=True):
        assert len(curve["x"]) == len(curve["y"]) == row["n_points"]
        assert curve["shape"][:4] == pytest.approx([row[name] for name in ("top", "bottom", "slope", "ec50_nM")], rel=1e-4)
        assert curve["ic50"][0] == pytest.approx(row["ic50_nM"], rel=1e-4)


def test_the_half_bands_are_those_of_the_library(opened):
    results = opened["cells"]
    fits = results.scan("assay.fit").collect()
    band = curve_band(fits, responses_of(results, fits))
    half = dict(band.group_by("curve_id").agg((pl.col("upper") - pl.col("lower")) / 2).iter_rows())
    drawn = [curve for curve in block_of(results).curves if "band" in curve]
    assert {curve["id"] for curve in drawn} == set(half)
    for curve in drawn:
        assert curve["band"] == pytest.approx(half[curve["id"]], rel=6e-3)


def test_points_that_stand_out_are_marked_and_no_others(opened):
    results = opened["cells"]
    flagged = results.table("assay.outliers").select("curve_id", "concentration_nM").sort("concentration_nM").rows()
    marked = [(curve["id"], curve["x"][place]) for curve in block_of(results).curves for place in curve.get("flag", [])]
    assert sorted(marked, key=lambda pair: pair[1]) == flagged
    assert all("flag" not in curve for curve in block_of(opened["plain"]).curves)


def test_the_second_compound_of_a_matrix_has_its_points_too(opened):
    curves = {curve["id"]: curve for curve in block_of(opened["pair"]).curves}
    assert set(curves) == {"x | H3122", "y | H3122"}
    assert sorted(set(curves["y | H3122"]["x"])) == [30, 100, 300, 1000]
    assert len(curves["x | H3122"]["x"]) == 12  # the doses given with y are no part of it


def test_numbers_carry_the_digits_the_page_needs():
    assert [short(value) for value in (0.123456, 10.0, float("nan"), None, 123456.7)] == [0.12346, 10, None, None, 123460]


SHAPES = {
    "falling": ("LL4", 1.05, 0.1, 1.4, 30.0, None),
    "rising": ("LL4", 0.9, 0.2, -0.8, 100.0, None),
    "late bend": ("LL5", 1.0, 0.0, 1.2, 40.0, 0.05),
    "early bend": ("LL5", 1.0, 0.05, 2.0, 40.0, 20.0),
    "three": ("LL3", 0.95, 0.0, 1.0, 8.0, None),
    "steep": ("LL4", 1.0, 0.0, 50.0, 25.0, None),
}


def shapes_table():
    columns = ("curve", "top", "bottom", "slope", "ec50_nM", "asymmetry")
    rows = [{"curve_id": name, **dict(zip(columns, shape, strict=True))} for name, shape in SHAPES.items()]
    return pl.DataFrame(rows).with_columns(rss=pl.lit(0.01), lowest_nM=pl.lit(1.0), highest_nM=pl.lit(1000.0))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict[str, str]:
    """The panels a browser draws of curves of every family, by the name of the curve."""
    table = shapes_table()
    doses = [1.0, 10.0, 100.0, 1000.0]
    curves = [
        {
            "id": row["curve_id"], "shape": [row[name] for name in ("top", "bottom", "slope", "ec50_nM", "asymmetry")],
            "band": [0.03] * BAND_POINTS, "range": [1.0, 1000.0], "ic50": [100, ">", None, None] if row["curve_id"] == "three" else [30, "=", 20, None],
            "x": [0.0, *doses], "y": [1.0, 0.8, 0.6, 0.5, 0.4], "out": [2], "flag": [3], "number": "n", "status": "One thing. Another thing.",
        }
        for row in table.iter_rows(named=True)
    ]  # fmt: skip
    block = GalleryBlock(tuple(curves), "Fitted curves", ("a note",))
    html = render(Page("t", "", (Section("s", "S", (block,)),), "c"), "")
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(html, encoding="utf-8")
    page, spoken = rendered(path, tmp_path_factory.mktemp("profile"))
    assert spoken == []
    panels = without_scripts(page).split('class="panel"')[1:]
    return dict(zip(SHAPES, panels, strict=True))


def placed(panel, points):
    """Return drawn points as (ln dose, response), by the places of the ticks of their axes."""
    texts = AXIS.findall(panel)
    ups = {float(text): float(y) - 3 for _, y, anchor, text in texts if anchor == "end" and text in ("0", "1")}
    downs = {float(text): float(x) for x, _, anchor, text in texts if anchor == "middle" and text in ("1", "10", "100")}
    x, y = np.array([[float(one) for one in pair.split(",")] for pair in points.split()]).T
    log_dose = np.log(10) * (x - downs[1.0]) / (downs[10.0] - downs[1.0])
    return log_dose, (y - ups[0.0]) / (ups[1.0] - ups[0.0])


@pytest.mark.parametrize("name", SHAPES)
def test_the_browser_draws_the_curve_the_library_means(drawn, name):
    row = shapes_table().filter(pl.col("curve_id") == name)
    wanted = curve_lines(row)
    band, line = POINTS.findall(drawn[name])
    log_dose, response = placed(drawn[name], line)
    assert len(response) == LINE_POINTS
    np.testing.assert_allclose(log_dose, np.log(wanted["concentration_nM"]), atol=0.01)
    np.testing.assert_allclose(response, wanted["response"], atol=0.001)  # a tenth of a pixel is 0.0009
    edges = placed(drawn[name], band)[1]
    middle = responses_at(log_doses(row, BAND_POINTS), parameters(row))[0]
    np.testing.assert_allclose(edges[:BAND_POINTS], middle + 0.03, atol=0.001)
    np.testing.assert_allclose(edges[BAND_POINTS:][::-1], middle - 0.03, atol=0.001)


def test_the_midpoint_of_an_asymmetric_curve_is_half_way(drawn):
    for name in ("late bend", "early bend"):
        log_dose, response = placed(drawn[name], POINTS.findall(drawn[name])[1])
        top, bottom = SHAPES[name][1:3]
        assert np.interp(np.log(40.0), log_dose, response) == pytest.approx((top + bottom) / 2, abs=0.01)


def test_marks_say_what_a_point_and_an_ic50_are(drawn):
    for panel in drawn.values():
        assert panel.count('class="struck"') == 1
        assert panel.count('class="ring"') == 1
        assert panel.count('class="arrow"') == 1  # an open upper limit, or a bound
        assert panel.count("<circle") == 5  # four points that count, and the ring around one
        assert "<summary>One thing. …</summary>" in panel
    assert 'class="value bound">IC50 &gt; 100 nM' in drawn["three"]
    assert 'class="value">IC50 30 nM (20 to open)' in drawn["falling"]


def test_no_letter_of_an_axis_leaves_the_panel(drawn):
    for panel in drawn.values():
        for x, _, anchor, text in AXIS.findall(panel):
            width = 5.2 * len(text)
            left = float(x) - (width if anchor == "end" else width / 2)
            assert left >= 0
            assert left + width <= 240


def test_data_of_a_screen_stay_small(opened):
    """A screen of 5,000 curves of 20 points must fit a page of 15 MB: below 3,000 letters a curve."""
    curves = block_of(opened["cells"]).curves
    assert len(embedded(curves)) / len(curves) < 1200
