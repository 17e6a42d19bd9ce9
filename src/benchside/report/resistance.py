"""Section: resistance. What the variants found mean for every drug, which drug covers them, and how they rise over time."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.report.blocks import Block, Cell, ChartBlock, Section, TableBlock, TextBlock, Tone
from benchside.report.numbers import MOST_TRAILS, Numbers, with_interval
from benchside.report.plain import task_table
from benchside.stages.resistance.figure import resistance_matrix, spectrum_bars, vaf_trajectories
from benchside.stages.resistance.notice import NOTICE
from benchside.study.results import Results

TONES: Final[Mapping[str, Tone]] = {"not covered": "bad", "unresolved": "grey", "no evidence": "grey", "marginal": "warn"}
MOST_ROWS: Final = 300
WORDS: Final = (
    "covered: the lower limit of coverage at the average concentration is 3 or more; marginal: its interval meets 1 to 3; not covered: the upper limit is below 1; "
    "unresolved: the interval reaches from below 1 to above 3, or an open end decides; no evidence: nobody measured the pair or its drug.",
    "Fold: of the mean over laboratories, with the limits of the fold model. A value from memory carries its warning; hover a cell for what it rests on.",
)


def resistance_section(results: Results, settings: Any) -> Section:
    """Return the section on resistance."""
    blocks: list[Block] = [TextBlock((NOTICE,), tone="warn")]
    blocks += calls(results)
    if rows(results, "resistance.next_line"):
        blocks.append(ranking(results, settings))
    blocks += spectra(results)
    blocks += growth(results)
    return Section("resistance", "Resistance", tuple(blocks), banner="research use only")


def rows(results: Results, task: str) -> int:
    """Return how many rows a step found."""
    return results.current[task].rows if results.has(task) else 0


def calls(results: Results) -> list[Block]:
    """Return the matrix of drugs and variants, and every call as a row."""
    if not rows(results, "resistance.call"):
        return [TextBlock(("No variant was called.",), tone="grey")]
    table = results.table("resistance.call")
    words = "The table below holds the values."
    blocks: list[Block] = [
        ChartBlock(f"resistance-{k}", chart.to_dict(), "Class of every drug on every variant, body and brain", words)
        for k, chart in enumerate(resistance_matrix(table))
    ]
    return [*blocks, calls_table(results, table)]


def calls_table(results: Results, table: pl.DataFrame) -> TableBlock:
    """Return every call: class, fold and coverage with their limits, the guide's word and where it disagrees."""
    evidence = results.evidence("resistance.call")
    numbers = Numbers(results, "resistance.call", with_trails=table.height * 2 <= MOST_TRAILS)
    named = {quantity.value: quantity.name for quantity in evidence.quantities}
    found = []
    for row in table.head(MOST_ROWS).iter_rows(named=True):
        key = tuple(row[name] for name in evidence.key)
        fold = with_interval(row["fold"], row["fold_lower"], row["fold_upper"]) if row["fold"] is not None else "no evidence"
        cells = [Cell(row["sample"] or ""), Cell(row["variant"]), Cell(row["compound"])]
        cells.append(Cell(row["class"], TONES.get(row["class"], ""), title=row["status"] or ""))
        cells.append(Cell(row["class_cns"], TONES.get(row["class_cns"], "")))
        cells.append(
            numbers.cell(
                key, named["fold"], fold, tone="grey" if row["verified"] == "memory" else "", title=row["fold_basis"] or ""
            )
        )
        for site in ("plasma", "cns"):
            value, lower, upper = (row[f"coverage_{site}{end}"] for end in ("", "_lower", "_upper"))
            text = with_interval(value, lower, upper) if value is not None else ""
            cells.append(numbers.cell(key, named[f"coverage_{site}"], text) if value is not None else Cell(text))
        cells.append(Cell(row["guide"] or "", "warn" if row["disagreement"] else "", title=str(row["disagreement"] or "")))
        found.append(tuple(cells))
    cut = (f"The first {MOST_ROWS} of {table.height} calls.",) if table.height > MOST_ROWS else ()
    columns = (
        "Sample",
        "Variant",
        "Drug",
        "Class, body",
        "Class, brain",
        "Fold (90 %)",
        "Coverage, body",
        "Coverage, brain",
        "Guide",
    )
    return TableBlock("Calls", columns, tuple(found), (*WORDS, *cut))


def ranking(results: Results, settings: Any) -> TableBlock:
    """Return the drugs ranked by the variant they cover least."""
    table = results.table("resistance.next_line").head(MOST_ROWS)
    found = tuple(
        (
            Cell("brain" if row["site"] == "cns" else "body"),
            Cell("" if row["rank"] is None else str(row["rank"])),
            Cell(row["compound"]),
            Cell(
                with_interval(row["smallest_coverage"], row["lower"], row["upper"])
                if row["smallest_coverage"] is not None
                else "no evidence"
            ),
            Cell(row["limiting_variant"] or ""),
            Cell(row["class"], TONES.get(row["class"], "")),
            Cell(row["status"] if row["status"] != "ok" else "", "grey", title=row["source"] or ""),
        )
        for row in table.iter_rows(named=True)
    )
    columns = ("Site", "Rank", "Drug", "Smallest coverage", "of variant", "Class", "Remark")
    note = f"Ranked by the smallest coverage over all variants found, body and brain apart; {settings.after} was given before and is not ranked. Hover a remark for the sources."
    return TableBlock(f"After {settings.after}", columns, found, (note,))


def spectra(results: Results) -> list[Block]:
    """Return published and own shares of mechanisms side by side, and the exact tests between them."""
    parts = [results.table(task) for task in ("resistance.spectrum", "resistance.cohort") if rows(results, task)]
    blocks: list[Block] = []
    if parts:
        stacked = pl.concat(parts, how="diagonal_relaxed")
        if stacked["n"].drop_nulls().len():
            chart = spectrum_bars(stacked)
            note = "Share of patients with 95 % Wilson limits; published series by drug and prior therapy"
            blocks.append(ChartBlock("spectrum", chart.to_dict(), note, "Values: results of the study (benchside numbers)."))
    if rows(results, "resistance.compare_spectra"):
        blocks.append(task_table(results, "resistance.compare_spectra", "Own cohort against the published series: exact tests"))
    return blocks


def growth(results: Results) -> list[Block]:
    """Return the course of variant fractions with the growth rates fitted to them."""
    if not (rows(results, "resistance.clone_samples") and rows(results, "resistance.clone_growth")):
        return []
    samples, fitted = results.table("resistance.clone_samples"), results.table("resistance.clone_growth")
    words = "The table below holds the rates."
    charts = [
        ChartBlock(f"clones-{k}", chart.to_dict(), "Variant allele fractions; open marks: below the detection limit", words)
        for k, chart in enumerate(vaf_trajectories(samples, fitted))
    ]
    return [*charts, task_table(results, "resistance.clone_growth", "Growth of clones")]
