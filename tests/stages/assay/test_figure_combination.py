"""The figure of a combination holds the numbers of its table, and renders."""

import json

import pytest
import vl_convert

from benchside.core.errors import SettingError
from benchside.stages.assay.analyse.pairs.combination import combination
from benchside.stages.assay.figure_combination import combination_surface
from tests.stages.assay.combination_truths import CURVE_B, surface, wells

PARTIAL = (0.4, 1.4, 2.5)


@pytest.fixture(scope="module")
def found():
    matrix = surface("zip", PARTIAL, CURVE_B)
    matrix[3:5, 3:5] -= 0.15
    return combination(wells(matrix, replicates=3, sd=0.03, seed=1, system="H2228"), n=100)


def rows(chart, panel):
    """The data of one panel, however deep altair keeps it."""
    spec = chart.to_dict()
    held = spec["hconcat"][panel]
    name = held.get("data", held["layer"][0].get("data"))["name"]
    return spec["datasets"][name]


def test_it_shows_the_cells_of_the_table(found):
    chart = combination_surface(found.cells)
    assert [row["response"] for row in rows(chart, 0)] == pytest.approx(found.cells["response"].to_list())
    shown = rows(chart, 1)
    assert len(shown) == 25
    excess = found.cells["zip_points"].drop_nulls().to_list()
    assert [row["excess"] for row in shown] == pytest.approx(excess)
    framed = [row for row in shown if row["differs"]]
    assert framed
    assert all(row["lower"] > 0 or row["upper"] < 0 for row in framed)
    strongest = max(shown, key=lambda row: row["excess"])
    assert strongest["differs"]
    assert strongest["text"] == f"+{strongest['excess']:.0f}"


def test_undefined_loewe_cells_are_dashes(found):
    shown = rows(combination_surface(found.cells, reference="loewe"), 1)
    undefined = [row for row in shown if row["excess"] is None]
    assert len(undefined) == 25 - found.table["loewe_cells"][0] > 0
    assert {row["text"] for row in undefined} == {"–"}


@pytest.mark.parametrize("reference", ["bliss", "hsa", "loewe", "zip"])
def test_it_renders_with_units_on_its_axes(found, reference):
    spec = combination_surface(found.cells, reference=reference).to_json()
    svg = vl_convert.vegalite_to_svg(json.loads(spec))
    for words in ("alectinib (nM)", "x (nM)", "Response (% of vehicle)", "percentage points", "alectinib + x (H2228)"):
        assert words in svg


def test_another_combination_is_asked_for_by_name(found):
    other = found.cells.with_columns(system=found.cells["system"].str.replace("H2228", "H3122"))
    both = found.cells.vstack(other)
    with pytest.raises(SettingError, match="2 match: alectinib"):
        combination_surface(both)
    assert combination_surface(both, system="H3122").to_dict()["title"]["text"].endswith("(H3122)")
    with pytest.raises(SettingError, match="0 match"):
        combination_surface(both, system="A549")
    with pytest.raises(SettingError, match="did you mean 'bliss'"):
        combination_surface(found.cells, reference="blis")
