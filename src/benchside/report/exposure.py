"""Section: coverage. Free drug in body and brain over what the plates say it takes."""

from typing import Any, Final

import polars as pl

from benchside.report.blocks import Block, Cell, ChartBlock, Section, TableBlock, TextBlock, Tone, value_text
from benchside.report.numbers import Numbers, with_interval
from benchside.stages.pharmacology.coverage_draws import CoverageDraws
from benchside.stages.pharmacology.figure import coverage as coverage_chart
from benchside.stages.pharmacology.figure import exposure_curves
from benchside.study.results import Results

MOST_DRAWN: Final = 100
SHARES: Final = {
    "potency": "potency", "exposure": "patients", "unbound": "unbound fraction", "serum": "medium", "brain": "brain",
}  # fmt: skip
"""What the variance of a coverage is parted into, and its words."""


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
    if results.has("pharmacology.coverage_draws") and results.current["pharmacology.coverage_draws"].rows:
        blocks.append(drawn_table(results))
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


def drawn_table(results: Results) -> TableBlock:
    """Return the coverage of a patient drawn at random: with the spread between patients and all that is not known."""
    drawn = results.table("pharmacology.coverage_draws").filter(pl.col("coverage_average").is_not_null())
    numbers = Numbers(results, "pharmacology.coverage_draws", with_trails=drawn.height <= MOST_DRAWN)
    rows = []
    for row in drawn.iter_rows(named=True):
        key = tuple(row[name] for name in CoverageDraws.KEY)
        average = with_interval(row["coverage_average"], row["lower"], row["upper"], row["relation"])
        above = with_interval(*(100 * row[name] for name in ("share_above_ic90", "share_lower", "share_upper")))
        shares = {words: row[f"variance_share_{name}"] for name, words in SHARES.items() if row[f"variance_share_{name}"]}
        most = ", ".join(f"{words} {100 * share:.0f} %" for words, share in sorted(shares.items(), key=lambda one: -one[1])[:2])
        rows.append(
            (
                Cell(row["compound"]), Cell(row["variant"]), Cell("brain" if row["site"] == "cns" else "body"),
                numbers.cell(key, "coverage_average of a random patient", average, tone="bad" if row["upper"] < 1 else "", title=row["warning"] or ""),
                numbers.cell(key, "share of the interval above IC90 of a random patient", above),
                Cell(most),
            )
        )  # fmt: skip
    note = (
        "Median and 95 % interval of one patient drawn at random: spread between patients, interval of the IC50, and what is not known of binding, medium and brain, "
        "each from its published value or a stated prior. IC90 is 9 times the IC50 (slope 1)."
    )
    columns = (
        "Compound",
        "Variant",
        "Site",
        "Coverage (95 %)",
        "% of the interval above IC90 (95 %)",
        "Most of its uncertainty from",
    )
    return TableBlock("Coverage of a random patient", columns, tuple(rows), (note,))


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
