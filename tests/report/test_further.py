"""The blocks past the curves: each stands where its step found something, its numbers are the table's, and their trails open."""

import polars as pl
import pytest

from benchside.report import further
from benchside.report.blocks import ChartBlock, TableBlock, value_text
from benchside.report.condition import with_condition
from benchside.report.further import MOST_ROWS, further_blocks, number_table
from benchside.study.trail import trace

EXPECTED = {
    "cells": {"Fold shifts", "Window over the parental cells", "Growth-rate inhibition", "Responses that stand out"},
    "kinase": {"Inhibition constants", "Mode of inhibition"},
    "pair": {"Combinations"},
}


def tables(results):
    return {block.caption: block for block in further_blocks(results) if isinstance(block, TableBlock)}


def charts(results):
    return {block.name: block for block in further_blocks(results) if isinstance(block, ChartBlock)}


def column(block, name):
    return [row[block.columns.index(name)] for row in block.rows]


@pytest.mark.parametrize("study", EXPECTED)
def test_every_step_that_found_something_has_its_block(opened, study):
    assert EXPECTED[study] <= set(tables(opened[study]))


@pytest.mark.parametrize("study", EXPECTED)
def test_every_number_opens_a_trail_that_ends_at_the_file(opened, study):
    for caption in EXPECTED[study] - {"Responses that stand out"}:
        numbered = [cell for row in tables(opened[study])[caption].rows for cell in row if cell.number_id]
        assert numbered, caption
        for cell in numbered:
            assert cell.trail, (caption, cell)
            assert ".parquet@" in cell.trail[-1], cell.trail
    cells = list(trace(opened[study], numbered[0].number_id).step.every_cell())
    assert cells
    assert all(".parquet@" in cell for cell in cells)


def test_a_study_no_step_concerns_has_no_block(opened):
    assert further_blocks(opened["plain"]) == []
    assert opened["plain"].tasks("assay.potency_ratio")  # the step was done, and found nothing


def test_the_steps_a_study_has_not_have_no_block(opened):
    captions = set(tables(opened["pair"]))
    assert not captions & (EXPECTED["cells"] - {"Responses that stand out"})


def test_fold_shifts_are_the_tables_numbers_and_are_drawn(opened):
    results = opened["cells"]
    block, table = tables(results)["Fold shifts"], results.table("assay.potency_ratio")
    shown = [cell.text.split(" ")[0] for cell in column(block, "Fold (95 %)")]
    assert shown == [value_text(fold) for fold in table["fold"]]
    assert [cell.tone for cell in column(block, "Fold (95 %)")] == [
        "" if status == "ok" else "warn" for status in table["status"]
    ]
    assert {"folds-0", "fold-map-0"} <= set(charts(results))


def test_constants_of_several_atp_levels_are_told_apart(opened):
    block = tables(opened["kinase"])["Inhibition constants"]
    named = [cell.text for cell in column(block, "Curve")]
    assert len(set(named)) == 4
    assert all(name.startswith("ATP ") for name in named)


def test_the_four_laws_stand_first_in_their_rows_with_weights_that_are_not_rounded_to_nothing(opened):
    block = tables(opened["kinase"])["Mode of inhibition"]
    assert {cell.text for cell in column(block, "Law")} == {"competitive", "non-competitive", "uncompetitive", "mixed"}
    assert block.columns.index("Law") < block.columns.index("Ki, nM (95 %)")
    weights = [cell.text for cell in column(block, "Weight")]
    assert "< 0.001" in weights
    assert sum(float(text) for text in weights if not text.startswith("<")) == pytest.approx(1, abs=0.002)


def test_a_combination_has_its_scores_and_its_surface(opened):
    results = opened["pair"]
    row = results.table("assay.combination").row(0, named=True)
    block = tables(results)["Combinations"]
    assert [cell.text for cell in column(block, "Pair")] == ["x + y"]
    for name, title in (("bliss", "Bliss"), ("hsa", "HSA"), ("loewe", "Loewe"), ("zip", "ZIP")):
        (cell,) = column(block, f"{title} (95 %)")
        assert cell.text.startswith(value_text(row[f"{name}_points"]) + " (")
    assert "combination-0" in charts(results)


def test_the_responses_that_stand_out_are_those_of_the_step(opened):
    results = opened["cells"]
    flagged = results.table("assay.outliers")
    block = tables(results)["Responses that stand out"]
    assert [cell.text for cell in column(block, "Curve")] == flagged["curve_id"].to_list()
    assert any(text.startswith("0.37") for text in (cell.text for cell in column(block, "Response")))
    assert "1%" in block.notes[0]


def test_a_long_table_is_cut_and_says_so(opened):
    results = opened["cells"]
    task = results.tasks("assay.potency_ratio")[0]
    row = results.table(task).head(1).with_columns(task=pl.lit(task))
    long = pl.concat([row] * (MOST_ROWS + 7))
    block = number_table(
        results, "assay.potency_ratio", long, caption="Fold shifts", key=("compound", "target", "variant", "system", "pair"),
        values={"Fold": ("fold shift", lambda one: value_text(one["fold"]))}, words={},
    )  # fmt: skip
    assert len(block.rows) == MOST_ROWS
    assert block.caption == f"Fold shifts (the first {MOST_ROWS} of {MOST_ROWS + 7})"


def test_many_responses_that_stand_out_are_cut_and_say_so(opened, monkeypatch):
    results = opened["cells"]
    long = pl.concat([results.table("assay.outliers").head(1)] * (MOST_ROWS + 1))
    monkeypatch.setattr(further, "rows_of", lambda *_: long)
    (block,) = further.outlier_blocks(results)
    assert len(block.rows) == MOST_ROWS
    assert block.caption == "Responses that stand out (the first 200 of 201)"


def test_a_column_that_says_nothing_is_left_out(opened):
    block = tables(opened["pair"])["Combinations"]
    assert "Target" not in block.columns
    assert "System" in block.columns


def test_curves_are_told_apart_by_what_their_names_say_beyond_their_columns():
    same = {name: ["a", "a"] for name in ("compound", "target", "variant", "system")}
    told, heading = with_condition(pl.DataFrame({"curve_id": ["a | ATP 5 µM", "plate 2"], **same}))
    assert told["condition"].to_list() == ["ATP 5 µM", "plate 2"]
    assert heading == {"Curve": "condition"}
    told, heading = with_condition(pl.DataFrame({"curve_id": ["a", "b"], **same, "system": ["a", "b"]}))
    assert heading == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "NE"), (0.01234, "0.0123"), (999.4, "999"), (999.9, "1,000"), (1234.5, "1,234"), (9.9e6, "9,900,000"), (8.44e12, "8.44e+12"), (-1500.0, "-1,500")],
)  # fmt: skip
def test_numbers_are_shown_with_three_digits(value, text):
    assert value_text(value) == text
