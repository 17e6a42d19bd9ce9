"""Lineage helpers and the files a study may name."""

from pathlib import Path

import polars as pl
import pytest

from benchside.core.errors import StudyError
from benchside.core.stage import LINEAGE_SCHEMA, Inputs, Product, StageContext, lineage_by, lineage_of

ONE = pl.DataFrame({"plate": ["P", "P", "Q"], "v": [1, 2, 3]})
TWO = pl.DataFrame({"plate": ["Q"], "v": [4.5], "more": ["m"]})
INPUTS = Inputs(tables={"wells": (ONE, TWO)}, numbers={"wells": (3, 7)})


def test_stacked_tables_know_where_their_rows_came_from():
    stacked = INPUTS.stack("wells")
    assert stacked.select("_input", "_row").rows() == [(3, 0), (3, 1), (3, 2), (7, 0)]
    assert stacked["v"].to_list() == [1.0, 2.0, 3.0, 4.5]
    assert stacked["more"].to_list() == [None, None, None, "m"]


def test_a_row_rests_on_the_input_rows_that_share_its_key():
    order = pl.DataFrame({"plate": ["Q", "P"]})
    lineage = lineage_by(INPUTS.stack("wells"), ["plate"], order)
    assert sorted(lineage.rows()) == [(0, 3, [2]), (0, 7, [0]), (1, 3, [0, 1])]


def test_a_key_that_is_null_is_a_key():
    stacked = Inputs({"r": (pl.DataFrame({"k": [None, "a"]}),)}, numbers={"r": (0,)}).stack("r")
    assert sorted(lineage_by(stacked, ["k"], pl.DataFrame({"k": ["a", None]})).rows()) == [(0, 0, [1]), (1, 0, [0])]


def test_every_input_row_is_in_the_lineage_of_exactly_one_row():
    lineage = lineage_by(INPUTS.stack("wells"), ["plate"], ONE.select("plate").unique())
    assert sorted((number, row) for _, number, rows in lineage.rows() for row in rows) == [(3, 0), (3, 1), (3, 2), (7, 0)]


def test_lineage_has_its_types_even_when_empty():
    assert dict(lineage_of([]).schema) == dict(LINEAGE_SCHEMA)
    assert lineage_of([(None, 1, None), (0, 2, [4])]).rows() == [(None, 1, None), (0, 2, [4])]


def test_a_product_brings_its_lineage_into_the_types():
    lineage = pl.DataFrame({"rows": [[1, 2]], "row": [0], "input": [5], "further": ["x"]})
    held = Product(ONE, lineage)
    assert dict(held.lineage.schema) == dict(LINEAGE_SCHEMA)
    assert held.lineage.rows() == [(0, 5, [1, 2])]


def context(root: Path) -> StageContext:
    return StageContext(root, frozenset(), 1)


def test_patterns_name_files_of_the_study_once_and_in_order(tmp_path):
    (tmp_path / "plates").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "plates" / name).touch()
    assert context(tmp_path).match(["plates/*.csv", "plates/a.csv"]) == ["plates/a.csv", "plates/b.csv"]


@pytest.mark.parametrize("pattern", ["/etc/*", "../*.csv", "plates/../../x"])
def test_a_pattern_stays_in_the_study(tmp_path, pattern):
    with pytest.raises(StudyError, match="leads out of the study folder"):
        context(tmp_path).match([pattern])


def test_a_link_out_of_the_study_is_refused(tmp_path):
    outside = tmp_path / "outside.csv"
    outside.touch()
    study = tmp_path / "study"
    study.mkdir()
    (study / "in.csv").symlink_to(outside)
    with pytest.raises(StudyError, match=r"in\.csv is a link that leads out"):
        context(study).match(["*.csv"])


def test_a_pattern_that_matches_nothing_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"no file of the study matches '\*\.xlsx'"):
        context(tmp_path).match(["*.xlsx"])
