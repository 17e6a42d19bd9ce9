"""Table 1 of the programme: each of the guide's items, the verified evidence, what is only remembered, the fold model, the study's plates."""

import re
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside import evidence
from benchside.report.blocks import Cell, TableBlock, value_text
from benchside.report.numbers import MOST_TRAILS, numbers_of, with_interval
from benchside.study.results import Results

COMPOUND: Final = "alectinib"
CAPTION: Final = f"Table 1 of the guide: {COMPOUND}"
NOTES: Final = (
    "Guide: what the programme's reference text says. Verified: published values whose source was read, each as printed. "
    "From memory: recalled and not checked against the source; greyed, and used for nothing.",
    "Fold model: the shift against the same source's wild-type, with the 90 % interval of a new measurement in a new laboratory; "
    "drawn towards what is usual for the drug and the mutation; greyed where no verified source measured the pair. Laboratories that stated the same shift (remembered ones included) agree within 3-fold on {agreed} of {pairs} pairs: the ceiling of any prediction.",
    "This study: IC50, the dose at which the fitted curve takes the response 0.5; > or <: beyond the tested doses. Click a value for its trail.",
)


def programme_table(results: Results, fits: pl.DataFrame, *, round_trip: bool) -> TableBlock | None:
    """Return Table 1, a row for each of the guide's items; None for a study that has no plate of the programme's compound."""
    mine = fits.filter(pl.col("compound").str.to_lowercase() == COMPOUND)
    if mine.is_empty():
        return None
    numbers = numbers_of(results, "assay.fit", with_trails=fits.height * 2 <= MOST_TRAILS)
    rows: list[tuple[Cell, ...]] = []
    for item in evidence.table_one(COMPOUND).iter_rows(named=True):
        said = (Cell(item["item"]), Cell(item["guide"]), _verified(item), _remembered(item), _fold(item))
        own = [row for row in mine.iter_rows(named=True) if _is_of(row, item)]
        blank = (Cell(""),) * len(said)
        cells = [
            numbers[row["task"]].cell(
                (row["curve_id"],), "IC50", _ic50(row), tone="" if row["status"] == "ok" else "warn", title=row["status"]
            )
            for row in own
        ] or [Cell("no plate in this study", "grey")]
        rows += [(*(said if place == 0 else blank), cell) for place, cell in enumerate(cells)]
    heading = "This study, IC50 nM (95 %)" + (", round-trip" if round_trip else "")
    columns = ("Item", "Guide", "Verified evidence", "From memory, not verified", "Fold model (90 %)", heading)
    return TableBlock(CAPTION, columns, tuple(rows), _notes())


def _notes() -> tuple[str, ...]:
    between = evidence.agreement(evidence.folds(verified_only=False).filter(origin="stated"))
    return tuple(note.format(agreed=int(between["agree"].sum()), pairs=between.height) for note in NOTES)


def _ic50(row: Mapping[str, Any]) -> str:
    text = with_interval(row["ic50_nM"], row["ic50_lower_nM"], row["ic50_upper_nM"], row["ic50_relation"])
    return f"{text}, {row['system']}" if row["system"] else text


def _is_of(row: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Return whether a fitted curve is of an item: its kinase, and its mutation, fusion variant or the wild-type."""
    if (row["target"] or "ALK") != item["target"]:
        return False
    variant = row["variant"] or "WT"
    if item["variant"] == "wild-type":
        return variant in {"WT", "wild-type"}
    if item["item"] == "EML4-ALK variants":
        return re.fullmatch(r"(EML4-ALK )?[vV]\d\w?", variant) is not None
    return bool(variant == item["variant"])


def _verified(item: Mapping[str, Any]) -> Cell:
    return Cell(item["verified"], "" if item["verified_n"] else "grey", title=item["citations"] or "")


def _remembered(item: Mapping[str, Any]) -> Cell:
    return Cell(item["memory"] or "", "grey", title=item["warning"] or "")


def _fold(item: Mapping[str, Any]) -> Cell:
    if item["predicted_fold"] is None:
        return Cell("")
    interval = f"{value_text(item['predicted_lower'])} to {value_text(item['predicted_upper'])}"
    predicted = item["predicted_class"] == "predicted"
    words = "predicted, pair not measured" if predicted else "pair measured"
    return Cell(f"{value_text(item['predicted_fold'])} ({interval}), {words}", "grey" if predicted else "")
