"""Section: potency. Table 1 (the guide, what is published, what the study's plates give), plate quality, and the curves."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from benchside import evidence
from benchside.report.blocks import (
    Block,
    Cell,
    ChartBlock,
    Section,
    TableBlock,
    TextBlock,
    Tone,
    plain_cells,
    value_text,
)
from benchside.report.charts import chart_blocks, drawn_wells, ic50_map_pages
from benchside.report.condition import with_condition
from benchside.report.further import further_blocks
from benchside.report.gallery import gallery
from benchside.report.numbers import MOST_TRAILS, numbers_of, with_interval
from benchside.report.programme import CAPTION as PROGRAMME_CAPTION
from benchside.report.programme import programme_table
from benchside.stages.assay.figure import plates
from benchside.study.results import Results

SMALL: Final = 60
"""Up to so many curves the page tabulates them all."""

COMPOUNDS_LISTED: Final = 200
PLATES_DRAWN: Final = 6
NARROW_MAP: Final = 7
"""Maps of so many compounds can be read at half the page's width."""

_WILD_TYPE: Final = re.compile(r"^(WT|EML4-ALK( V\d\w?)?)$")


def potency_section(results: Results, settings: Any) -> Section:
    """Return the section on potency of a study with an assay stage."""
    blocks: list[Block] = []
    if settings.round_trip:
        words = f"Round-trip: these plates were simulated from {settings.round_trip}. That the analysis finds the values again shows the machinery works; it is not agreement with an experiment."
        blocks.append(TextBlock((words,), tone="warn"))
    if words := conditions(settings):
        blocks.append(TextBlock((words,)))
    curves = curve_blocks(results, settings) if results.tasks("assay.fit") else []
    title = (
        "Table 1. Potency"
        if any(isinstance(block, TableBlock) and block.caption == PROGRAMME_CAPTION for block in curves)
        else "Potency"
    )
    blocks += [*curves, *further_blocks(results)]
    return Section("potency", title, tuple(blocks), banner="round-trip" if settings.round_trip else "")


def conditions(settings: Any) -> str:
    """Return what the study states of the assay, in a sentence; nothing where it states nothing."""
    stated = [
        settings.readout,
        None if settings.cells_per_well is None else f"{settings.cells_per_well:,} cells a well",
        None if settings.treatment_h is None else f"{settings.treatment_h:g} h with the compound",
        None if settings.serum_fraction is None else f"{settings.serum_fraction * 100:g} % serum",
        f"enzyme {settings.enzyme_nM:g} nM" if isinstance(settings.enzyme_nM, float) else None,
    ]
    words = [text for text in stated if text]
    return f"Assay, as the study states it: {', '.join(words)}." if words else ""


def curve_blocks(results: Results, settings: Any) -> list[Block]:
    """Return Table 1 of the programme, every curve, the verdicts on the plates, and the gallery."""
    fits = results.scan("assay.fit").collect()
    table = programme_table(results, fits, round_trip=bool(settings.round_trip))
    blocks: list[Block] = [table] if table is not None else []
    if fits.height <= SMALL:
        blocks.append(curve_table(results, fits, round_trip=bool(settings.round_trip)))
    else:
        narrow = fits["compound"].n_unique() <= NARROW_MAP
        maps = ic50_map_pages(results, 2 if narrow else 1)
        blocks += [compound_table(fits), *chart_blocks("ic50-map", maps, "IC50s", beside=len(maps.pages) > 1)]
    if results.tasks("assay.quality"):
        blocks += quality_blocks(results)
    blocks.append(gallery(results, fits))
    return blocks


def curve_table(results: Results, fits: pl.DataFrame, *, round_trip: bool) -> TableBlock:
    """Return every curve of the study beside what is published of its compound and variant."""
    numbers = numbers_of(results, "assay.fit", with_trails=fits.height * 2 <= MOST_TRAILS)
    own = "This study, IC50 nM (95 %)" + (", round-trip" if round_trip else "")
    rows = []
    sorted_fits = fits.sort("compound", "variant", "system", nulls_last=True, maintain_order=True)
    told, apart = with_condition(sorted_fits)
    for row in told.iter_rows(named=True):
        compound, variant = row["compound"], row["variant"] or "WT"
        text = with_interval(row["ic50_nM"], row["ic50_lower_nM"], row["ic50_upper_nM"], row["ic50_relation"])
        tone: Tone = "" if row["status"] == "ok" else "warn"
        cell = numbers[row["task"]].cell((row["curve_id"],), "IC50", text, tone=tone, title=row["status"])
        what = f"{row['target'] or ''} {variant}".strip()
        rows.append(
            (
                Cell(compound or row["curve_id"]),
                Cell(what),
                Cell(row["system"] or ""),
                *(Cell(row[column]) for column in apart.values()),
                published(compound, variant),
                cell,
            )
        )
    notes = (
        "IC50: dose at which the fitted curve takes the response 0.5; > or <: beyond the tested doses. Click a value for its trail: fit, responses, wells, cells.",
        "Published: as printed, each with its source; grey: recalled from memory and not verified against the source.",
    )
    return TableBlock("Every curve", ("Compound", "Target, variant", "System", *apart, "Published", own), tuple(rows), notes)


def published(compound: str | None, variant: str) -> Cell:
    """Return the published IC50s of a compound on a variant: verified ones, else memory ones greyed, else that there are none."""
    if compound is None:
        return Cell("no compound named", "grey")
    rows = [row for row in _potencies(compound) if _is_variant(row["variant"], variant)]
    seen = [row for row in rows if row["verified"] == "yes"]
    chosen = seen or rows
    if not chosen:
        return Cell("no evidence here", "grey")
    texts = [
        f"{value_text(row['number'], row['relation'])} {row['unit']} {row['system'] or ''}: {short_source(row['source'])}"
        for row in chosen[:3]
    ]
    more = f" (+{len(chosen) - 3} more)" if len(chosen) > 3 else ""
    return Cell(
        "; ".join(texts) + more + ("" if seen else " [from memory, not verified]"),
        "" if seen else "grey",
        title="; ".join(str(row["source"]) for row in chosen),
    )


def _potencies(compound: str | None) -> Iterable[dict[str, Any]]:
    table = evidence.query().table.filter(
        (pl.col("fact_table") == "potency") & (pl.col("compound") == compound) & pl.col("quantity").is_in(["IC50", "GI50"])
        & (pl.col("target") == "ALK") & pl.col("number").is_not_null() & (pl.col("unit") == "nM")
    )  # fmt: skip
    return table.iter_rows(named=True)


def _is_variant(published_variant: str | None, variant: str) -> bool:
    words = published_variant or ""
    return bool(_WILD_TYPE.match(words)) if variant == "WT" else variant in words.split()


def short_source(source: str | None) -> str:
    """Return a citation up to its year: ``Fontana et al 2015``."""
    match = re.match(r"^(.*?\b(19|20)\d\d)", source or "no source")
    return match.group(1) if match else (source or "no source")[:40]


def compound_table(fits: pl.DataFrame) -> TableBlock:
    """Return a summary by compound, for studies of many curves."""
    exact = pl.col("ic50_relation") == "="
    summary = fits.group_by(pl.col("compound").fill_null("(no compound)")).agg(
        curves=pl.len(), fitted=pl.col("rss").is_not_null().sum(), within=exact.sum(), above=(pl.col("ic50_relation") == ">").sum(),
        below=(pl.col("ic50_relation") == "<").sum(), median_nM=pl.col("ic50_nM").filter(exact).median(),
    ).sort("compound")  # fmt: skip
    columns = {
        "compound": "Compound", "curves": "Curves", "fitted": "Fitted", "within": "IC50 within the doses", "above": "Above the top dose",
        "below": "Below the lowest", "median_nM": "Median of the IC50s within, nM",
    }  # fmt: skip
    note = "Every curve with its interval and status is in the table of the task assay.fit; the gallery below draws them."
    shown = summary.head(COMPOUNDS_LISTED)
    cut = "" if shown.height == summary.height else f" (the first {shown.height:,} of {summary.height:,} compounds)"
    return TableBlock(f"{fits.height:,} curves by compound{cut}", tuple(columns.values()), plain_cells(shown, columns), (note,))


def quality_blocks(results: Results) -> list[Block]:
    """Return the plate quality table, and the heat maps of a few plates: all of a small study, else the first that do not pass."""
    quality = results.scan("assay.quality").collect()
    failing = quality.filter(pl.col("verdict") != "pass").sort("verdict", maintain_order=True)
    shown = quality if quality.height <= SMALL else failing.head(SMALL)
    numbers = numbers_of(results, "assay.quality", with_trails=quality.height <= PLATES_DRAWN)
    shown = shown.with_columns(said=_said(shown))
    rows, told = [], bool((shown["said"] != "").any())
    for row in shown.iter_rows(named=True):
        cells = [numbers[row["task"]].cell((row["plate_id"],), name, _figure(row, name)) for name in _FIGURES]
        patterns = [Cell(percent(row[name])) for name in _PATTERNS.values()]
        verdict = Cell(row["verdict"], _TONES[row["verdict"]])
        reason = [Cell(row["said"])] if told else []
        rows.append((Cell(row["plate_id"]), verdict, *cells, *patterns, *reason))
    counts = {name: quality.filter(pl.col("verdict") == name).height for name in ("pass", "marginal", "fail")}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    rest = f" ({said})" if quality.height <= SMALL else f" ({said}; the first {len(rows)} that do not pass are listed)"
    notes: tuple[str, ...] = (
        "Z' and SSMD: vehicle against the zero control. Edge, row and column: signal of the outer wells over the inner, and the drift along rows and columns, as a share of the signal.",
    )
    if unlisted := quality.filter(pl.col("n_unlisted") > 0).height:
        notes += (
            f"Plates with wells that were read and that the layout says nothing of: {unlisted:,}. Those wells are not used.",
        )
    columns = ("Plate", "Verdict", *_FIGURES, *_PATTERNS, *(["Reason, remark"] if told else []))
    drawn = quality if quality.height <= PLATES_DRAWN else failing.head(PLATES_DRAWN)
    return [TableBlock(f"Plate quality, before any IC50{rest}", columns, tuple(rows), notes), *plate_blocks(results, drawn)]


def plate_blocks(results: Results, quality: pl.DataFrame) -> list[Block]:
    """Return the heat maps of the plates of a quality table."""
    names = quality["plate_id"].to_list()
    maps = plates(drawn_wells(results, names)) if names else []
    return [
        ChartBlock(f"plate-{number}", chart.to_dict(), "", f"Plate {name}: see the quality table above.", beside=True)
        for number, (name, chart) in enumerate(zip(names, maps, strict=True))
    ]


def percent(share: float | None) -> str:
    """Return a share as a percentage: ``3.2 %`` (the space does not break)."""
    return "NE" if share is None else f"{100 * share:.3g}\u00a0%".replace("-", "\u2212")


def _said(quality: pl.DataFrame) -> pl.Series:
    """Return what is said of every plate: why it does not pass, and what to know of it all the same."""
    both = pl.concat_str(pl.col("reason").fill_null(""), "remark", separator=" ").str.strip_chars()
    return quality.select(both).to_series()


def _figure(row: Mapping[str, Any], name: str) -> str:
    value = row[_FIGURES[name]]
    return percent(value) if name == "CV of vehicle" else value_text(value)


_FIGURES: Final = {
    "Z'": "z_prime",
    "robust Z'": "robust_z_prime",
    "SSMD": "ssmd",
    "signal to background": "signal_to_background",
    "CV of vehicle": "cv_vehicle",
}

_PATTERNS: Final = {"Edge": "edge_effect", "Row drift": "row_drift", "Column drift": "column_drift"}
_TONES: Final[Mapping[str, Tone]] = {"pass": "", "marginal": "warn", "fail": "bad"}
