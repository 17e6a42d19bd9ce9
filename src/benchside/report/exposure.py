"""Section: coverage. Free drug in body and brain over what the plates say it takes."""

from typing import Any

import polars as pl

from benchside.report.blocks import Block, Cell, ChartBlock, Section, TableBlock, TextBlock, Tone, value_text
from benchside.report.numbers import Numbers, with_interval
from benchside.stages.pharmacology.figure import coverage as coverage_chart
from benchside.stages.pharmacology.figure import exposure_curves
from benchside.study.results import Results


def coverage_section(results: Results, settings: Any) -> Section:
    """Return the section on exposure and coverage."""
    blocks: list[Block] = []
    tasks = [f"pharmacology.exposure.{regimen.compound}" for regimen in settings.regimens]
    exposures = pl.concat([results.table(task) for task in tasks])
    coverage = results.table("pharmacology.coverage")
    known = coverage.filter(pl.col("coverage_average").is_not_null())
    if known.height:
        blocks += [coverage_table(results, known)]
        blocks.append(
            ChartBlock(
                "coverage", coverage_chart(coverage).to_dict(), "Coverage in body and brain", "The table above holds the values."
            )
        )
    blocks.append(
        ChartBlock(
            "exposure", exposure_curves(exposures).to_dict(), "Free concentration at steady state", exposure_words(exposures)
        )
    )
    blocks.append(TextBlock(("What these figures rest on:", *caveats(known)), tone="grey"))
    return Section("coverage", "Coverage in body and brain", tuple(blocks))


def caveats(known: pl.DataFrame) -> list[str]:
    """Return, for every compound, the fullest sentence its coverage comes with."""
    longest = known.sort(pl.col("status").str.len_chars(), descending=True).unique("compound", keep="first").sort("compound")
    return [f"{compound}: {status}." for compound, status in longest.select("compound", "status").iter_rows()]


def coverage_table(results: Results, known: pl.DataFrame) -> TableBlock:
    """Return coverage by compound, variant and site."""
    numbers = Numbers(results, "pharmacology.coverage", with_trails=known.height <= 100)
    rows = []
    for row in known.iter_rows(named=True):
        key = (row["compound"], row["variant"], row["site"], row["system"], row["quantity"])
        average = with_interval(row["coverage_average"], row["lower"], row["upper"], row["relation"])
        tone: Tone = "bad" if row["coverage_average"] < 1 else ""
        rows.append(
            (
                Cell(row["compound"]), Cell(row["variant"]), Cell("brain" if row["site"] == "cns" else "body"),
                numbers.cell(key, "free_average", value_text(row["free_average_nM"])),
                numbers.cell(key, "free_ic50", value_text(row["free_ic50_nM"])),
                numbers.cell(key, "coverage_average", average, tone=tone),
                numbers.cell(key, "coverage_minimum", value_text(row["coverage_minimum"], row["relation"])),
            )
        )  # fmt: skip
    note = "Coverage: free average concentration over free IC50. Its interval carries the IC50's alone, not the uncertainty of exposure and binding. Red: below 1."
    columns = ("Compound", "Variant", "Site", "Free average, nM", "Free IC50, nM", "Coverage (95 %)", "at trough")
    return TableBlock("Free drug over free IC50 at steady state", columns, tuple(rows), (note,))


def exposure_words(exposures: pl.DataFrame) -> str:
    """Return the range of the free concentrations in words, for pages without a script."""
    free = exposures.filter((pl.col("matrix") == "free") & (pl.col("moiety") == "active"))
    ranges = free.group_by("compound", "site", maintain_order=True).agg(
        low=pl.col("concentration_nM").min(), high=pl.col("concentration_nM").max()
    )
    return "; ".join(
        f"{row['compound']} in {row['site']}: {value_text(row['low'])} to {value_text(row['high'])} nM free"
        for row in ranges.iter_rows(named=True)
    )
