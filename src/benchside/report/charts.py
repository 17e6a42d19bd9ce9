"""The figures of a study, as charts: what the dossier shows some of, and `benchside figures` writes as files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from benchside.report.blocks import Block, ChartBlock
from benchside.report.charts_trial import TRIAL_FIGURES, Drawn
from benchside.report.gallery import responses_of, responses_verb
from benchside.stages.assay.analyse.cells.dip import rates_table
from benchside.stages.assay.analyse.plates.normalise import CURVE_KEY
from benchside.stages.assay.figure import FIGURES
from benchside.stages.assay.figure_curves import PER_PAGE
from benchside.study.results import Results

FOREST_ROWS: Final = 40
MAP_ROWS: Final = 40
MAP_COLUMNS: Final = 12


def rows_of(results: Results, verb: str) -> pl.DataFrame:
    """Return what a step made, with the task each row is from; no row where the study did not do it."""
    return results.scan(verb).collect() if results.tasks(verb) else pl.DataFrame()


def drawn_wells(results: Results, plates: Sequence[str]) -> pl.DataFrame:
    """Return the wells of some plates, in that order of plates; those a person excluded have the role `excluded`."""
    named = pl.LazyFrame({"plate_id": plates}, schema={"plate_id": pl.String})
    wells = named.join(results.scan("assay.read").drop("task"), on="plate_id", how="inner", maintain_order="left_right").collect()
    struck = [f"{record['plate_id']}\t{record['well']}" for record in results.ledger.exclusions()]
    excluded = pl.concat_str("plate_id", "well", separator="\t").is_in(struck)
    return wells.with_columns(role=pl.when(excluded).then(pl.lit("excluded")).otherwise("role"))


def plate_pages(results: Results, most: int) -> Drawn:
    """Return a heat map a plate, with the verdict on it."""
    quality = rows_of(results, "assay.quality")
    if quality.is_empty():
        return Drawn((), 0)
    shown = quality.head(most)
    wells = drawn_wells(results, shown["plate_id"].to_list())
    return Drawn(FIGURES["plates"](wells, quality=shown), quality.height)


def curve_pages(results: Results, most: int) -> Drawn:
    """Return the fitted curves over their points, 20 a page."""
    fits = rows_of(results, "assay.fit")
    if fits.is_empty():
        return Drawn((), 0)
    shown = fits.head(most * PER_PAGE)
    points = responses_of(results, shown).drop("task", "flagged")
    return Drawn(FIGURES["curve_pages"](shown.drop("task"), points), -(-fits.height // PER_PAGE))


def fold_pages(results: Results, most: int) -> Drawn:
    """Return the forests of fold shifts."""
    folds = rows_of(results, "assay.potency_ratio")
    if folds.is_empty() or not folds["fold"].is_not_null().any():
        return Drawn((), 0)
    return _sliced(folds.drop("task"), FIGURES["fold_forest"], FOREST_ROWS, most)


def fold_map_pages(results: Results, most: int) -> Drawn:
    """Return fold shifts by variant and compound, where several compounds met several variants."""
    folds = rows_of(results, "assay.potency_ratio")
    known = folds.filter(pl.col("fold").is_not_null()) if folds.height else folds
    return _maps(known.drop("task", strict=False), "fold", most)


def ic50_map_pages(results: Results, most: int) -> Drawn:
    """Return IC50s by variant (or system) and compound, where several compounds met several of them."""
    return _maps(rows_of(results, "assay.fit").drop("task", strict=False), "ic50_nM", most)


def _maps(table: pl.DataFrame, value: str, most: int) -> Drawn:
    """Return maps of a value: what differs between the rows stands down the side, so that no two things share a cell unsaid."""
    if table.is_empty() or table["compound"].n_unique() < 2:
        return Drawn((), 0)
    sides = [name for name in ("target", "variant", "system") if table[name].n_unique() > 1]
    if not sides:
        return Drawn((), 0)
    down = " · ".join(sides)
    parts = [pl.col(name).fill_null("not named") for name in sides]
    # A row a system and a column a compound in the order of their names: a screen's own order is that of its plates.
    named = table.with_columns(pl.concat_str(parts, separator=" · ").alias(down)).sort("compound", down, nulls_last=True)
    rows, across = named[down].unique().sort().to_list(), named["compound"].unique(maintain_order=True).to_list()
    blocks = [
        (rows[first : first + MAP_ROWS], across[start : start + MAP_COLUMNS])
        for first in range(0, len(rows), MAP_ROWS)
        for start in range(0, len(across), MAP_COLUMNS)
    ]
    tables = (named.filter(pl.col(down).is_in(one) & pl.col("compound").is_in(other, nulls_equal=True)) for one, other in blocks)
    charts = [FIGURES["variant_map"](one, value=value, rows=down) for one in _first(tables, most)]
    return Drawn(charts, len(blocks))


def combination_pages(results: Results, most: int) -> Drawn:
    """Return the dose matrix of every combination beside its excess over the null model the study names."""
    table = rows_of(results, "assay.combination")
    if table.is_empty():
        return Drawn((), 0)
    cells = rows_of(results, "assay.combination_cells").drop("task")
    keys = ("reference", "compound_a", "compound_b", "system", "block")
    shown = table.head(most).iter_rows(named=True)
    charts = [FIGURES["combination_surface"](cells, **{name: row[name] for name in keys}) for row in shown]
    return Drawn(charts, table.height)


def inhibition_pages(results: Results, most: int) -> Drawn:
    """Return the grids of inhibitor and ATP that prefer a law, each under it."""
    modes = rows_of(results, "assay.mode_of_inhibition")
    best = modes.filter(pl.col("best").fill_null(value=False)) if modes.height else modes
    if best.is_empty():
        return Drawn((), 0)
    wells = results.scan(responses_verb(results)).filter(pl.col("atp_uM").is_not_null()).drop("task").collect()
    fits = rows_of(results, "assay.fit")
    own = fits if "atp_uM" in fits.columns else None
    return Drawn(FIGURES["inhibition_grids"](wells, best.head(most), own), best.height)


def growth_pages(results: Results, most: int) -> Drawn:
    """Return the growth courses of every group beside the dose-response of their rates."""
    table = rows_of(results, "assay.dip_rates")
    if table.is_empty():
        return Drawn((), 0)
    counts = rows_of(results, "assay.read_courses").drop("task")
    # The rate of a course is no result of its own: it is worked out again, as the step did it.
    return Drawn(FIGURES["growth_courses"](counts, rates_table(counts, CURVE_KEY), table.head(most)), table.height)


def _sliced(table: pl.DataFrame, maker: Callable[[pl.DataFrame], Any], rows: int, most: int) -> Drawn:
    starts = range(0, table.height, rows)
    return Drawn([maker(table.slice(start, rows)) for start in starts[:most]], len(starts))


def _first(tables: Iterator[pl.DataFrame], most: int) -> Iterator[pl.DataFrame]:
    """Yield the first tables that hold a row."""
    for _, table in zip(range(most), (one for one in tables if one.height), strict=False):
        yield table


def chart_blocks(name: str, drawn: Drawn, what: str, *, beside: bool = True) -> list[Block]:
    """Return the charts of a figure; where they are a part of it, the last says how the rest is had."""
    cut = f"{len(drawn.pages)} of {drawn.of} pages: benchside figures writes them all." if drawn.of > len(drawn.pages) else ""
    last = len(drawn.pages) - 1
    return [
        ChartBlock(f"{name}-{k}", chart.to_dict(), cut if k == last else "", f"{what}: see the table above.", beside=beside)
        for k, chart in enumerate(drawn.pages)
    ]


STUDY_FIGURES: Final[Mapping[str, Callable[[Results, int], Drawn]]] = {
    "plates": plate_pages, "curves": curve_pages, "fold_forest": fold_pages, "fold_map": fold_map_pages, "ic50_map": ic50_map_pages,
    "combinations": combination_pages, "inhibition": inhibition_pages, "growth": growth_pages, **TRIAL_FIGURES,
}  # fmt: skip
"""A figure's name, and what makes its pages, at most so many, from a study's results; none where the study has nothing to show."""
