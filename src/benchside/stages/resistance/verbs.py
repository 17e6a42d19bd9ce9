"""The steps of resistance as a study calls them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from benchside.core.errors import NoEvidenceError
from benchside.core.evidence import Quantity
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.resistance.analyse.call import Calls, call
from benchside.stages.resistance.analyse.cells import variant_key
from benchside.stages.resistance.analyse.clone_growth import SCHEMA as GROWTH_SCHEMA
from benchside.stages.resistance.analyse.clone_growth import CloneGrowth, clone_growth, serial
from benchside.stages.resistance.analyse.compare_spectra import SpectraTest, compare_spectra
from benchside.stages.resistance.analyse.next_line import RANK_SCHEMA, NextLine, next_line
from benchside.stages.resistance.analyse.spectrum import NOT_STATED, SPECTRUM_SCHEMA, Spectrum, cohort, spectrum
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.notice import NOTICE
from benchside.stages.resistance.read import read_variants

Settings = Mapping[str, Any]
Lines = list[tuple[int | None, int, Sequence[int] | None]]
NO_ROWS: Final[dict[str, Any]] = {
    **dict.fromkeys(("compound", "variant", "site"), pl.String),
    **dict.fromkeys(("coverage_average", "lower", "upper"), pl.Float64),
}
OF_ALK: Final = ("wild-type", "on-target")
TEST_SCHEMA: Final[dict[str, Any]] = {
    "mechanism": pl.String, "p": pl.Float64, "p_adjusted": pl.Float64, "series": pl.String, "prior": pl.String,
}  # fmt: skip
CELLS_KEY: Final = ("site", "compound", "variant")
GROWTH_COLUMNS: Final = ("sample", "patient", "gene", "variant", "time_days", "vaf", "depth", "limit", "below")


def run_read(inputs: Inputs, settings: Settings) -> Product:
    """Read the variants of the file."""
    (path,) = inputs.files["variants"]
    return Product(read_variants(path, build=settings["build"]).table, lineage_of([]))


def run_call(inputs: Inputs, settings: Settings) -> Product:
    """Call every drug asked about on every variant."""
    held = _variants(inputs)
    found = call(
        held, settings["compounds"], coverage=_coverage(inputs), level=settings["level"], verified_only=settings["verified_only"]
    )
    rows = inputs.stack("variants")
    own = lineage_by(rows, ["sample", "variant", "allele"], found.table)
    return Product(found.table, pl.concat([own, _covered(inputs, found.table)]))


def run_next_line(inputs: Inputs, settings: Settings) -> Product:
    """Rank the drugs by the variant each covers least, over all variants of the file."""
    found = _ranking(inputs, settings)
    if found is None:
        return Product(pl.DataFrame(schema=RANK_SCHEMA), lineage_of([]))
    return Product(found.table, _on_all(inputs, found.table))


def run_next_line_cells(inputs: Inputs, settings: Settings) -> Product:
    """Return what the ranking rests on: every drug on every variant at every site, in words."""
    found = _ranking(inputs, settings)
    if found is None:
        return Product(pl.DataFrame(schema=dict.fromkeys((*CELLS_KEY, "words"), pl.String)), lineage_of([]))
    return Product(found.cells, _on_all(inputs, found.cells))


def run_spectrum(_inputs: Inputs, settings: Settings) -> Product:
    """Return the published spectrum of a drug; empty where none is published."""
    try:
        return Product(spectrum(settings["drug"], settings["prior"]).table, lineage_of([]))
    except NoEvidenceError:
        return Product(pl.DataFrame(schema=SPECTRUM_SCHEMA), lineage_of([]))


def run_cohort(inputs: Inputs, _settings: Settings) -> Product:
    """Summarise the patients of the file."""
    found = cohort(_variants(inputs))
    stacked = inputs.stack("variants").with_columns(pl.col("drug").fill_null(NOT_STATED), pl.col("prior").fill_null(NOT_STATED))
    return Product(found.table, lineage_by(stacked, ["drug", "prior"], found.table))


def run_compare_spectra(inputs: Inputs, settings: Settings) -> Product:
    """Compare the cohort with each published series of the drug; empty where there is none, or the cohort has several drugs."""
    mine, rows = cohort(_variants(inputs)), []
    published = run_spectrum(inputs, settings).table.filter(pl.col("n").is_not_null())
    if mine.table.select("drug", "prior").unique().height == 1:
        for (series, prior), part in published.group_by("series", "prior", maintain_order=True):
            tested = compare_spectra(mine, Spectrum(part, mine.origin)).table
            rows.append(tested.with_columns(series=pl.lit(str(series)), prior=pl.lit(str(prior))))
    table = pl.concat(rows) if rows else pl.DataFrame(schema=TEST_SCHEMA)
    return Product(table, lineage_of((None, number, None) for number in inputs.numbers["variants"]))


def run_clone_growth(inputs: Inputs, settings: Settings) -> Product:
    """Return how fast clones grow that were followed; empty where none was."""
    held, stacked = _followed(inputs)
    if held is None:
        return Product(pl.DataFrame(schema=GROWTH_SCHEMA), lineage_of([]))
    found = clone_growth(held, sd_log_vaf=settings["sd_log_vaf"])
    return Product(found.table, lineage_by(stacked, ["patient", "gene", "variant"], found.table))


def run_clone_samples(inputs: Inputs, settings: Settings) -> Product:
    """Return the values that growth was estimated from, those below the limit marked."""
    held, stacked = _followed(inputs)
    if held is None:
        return Product(pl.DataFrame(schema=dict.fromkeys(GROWTH_COLUMNS, pl.String)), lineage_of([]))
    found = clone_growth(held, sd_log_vaf=settings["sd_log_vaf"]).samples
    table = pl.DataFrame() if found is None else found
    return Product(table, lineage_by(stacked, ["sample", "patient", "gene", "variant"], table))


def _variants(inputs: Inputs) -> VariantTable:
    return VariantTable(inputs.stack("variants").drop("_input", "_row"), label="variants")


def _followed(inputs: Inputs) -> tuple[VariantTable | None, pl.DataFrame]:
    rows = serial(inputs.stack("variants"))
    return (None if rows.is_empty() else VariantTable(rows.drop("_input", "_row"), label="variants")), rows


def _coverage(inputs: Inputs) -> pl.DataFrame:
    """Return the coverage that the study has: none is a table without rows, since a study rests on nothing that it does not hold."""
    if not inputs.tables.get("coverage"):
        return pl.DataFrame(schema=NO_ROWS)
    return inputs.stack("coverage").drop("_input", "_row")


def _ranking(inputs: Inputs, settings: Settings) -> NextLine | None:
    held = _variants(inputs)
    if held.table.filter(pl.col("kind").is_in(OF_ALK)).is_empty():
        return None
    return next_line(
        held, settings["after"], compounds=settings["compounds"], coverage=_coverage(inputs), level=settings["level"],
        verified_only=settings["verified_only"],
    )  # fmt: skip


def _covered(inputs: Inputs, table: pl.DataFrame) -> pl.DataFrame:
    """Return the lineage of calls on the coverages of their drug: of the variant, and of the wild type where it stands in."""
    lines: Lines = []
    if inputs.tables.get("coverage"):
        held = inputs.stack("coverage").with_columns(
            _key=pl.Series([variant_key(name) for name in inputs.stack("coverage")["variant"]], dtype=pl.String),
            _drug=pl.col("compound").str.to_lowercase(),
        )
        places = {
            (str(drug), str(key), int(str(number))): part["_row"].to_list()
            for (drug, key, number), part in held.group_by("_drug", "_key", "_input", maintain_order=True)
        }
        for row, (compound, variant) in enumerate(table.select("compound", "variant").iter_rows()):
            found = [(number, rows) for (drug, key, number), rows in places.items() if (drug, key) == (compound.lower(), variant)]
            found = found or [
                (number, rows) for (drug, key, number), rows in places.items() if (drug, key) == (compound.lower(), "WT")
            ]
            lines += [(row, number, rows) for number, rows in found]
    return lineage_of(lines)


def _on_all(inputs: Inputs, table: pl.DataFrame) -> pl.DataFrame:
    """Return the lineage of a ranking: every variant, and every coverage of the drug."""
    lines: Lines = [(None, number, None) for number in inputs.numbers["variants"]]
    if inputs.tables.get("coverage"):
        stacked = inputs.stack("coverage").with_columns(pl.col("compound").str.to_lowercase())
        lines += lineage_by(stacked, ["compound"], table.with_columns(pl.col("compound").str.to_lowercase())).rows()
    return lineage_of(lines)


def _verb(name: str, run: Any, kind: str, key: tuple[str, ...], quantities: tuple[Quantity, ...] = ()) -> Verb:
    return Verb(f"resistance.{name}", "1", run, kind=kind, key=key, quantities=quantities, note=NOTICE)


VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        _verb("read", run_read, "variants", ("sample", "gene", "variant", "allele")),
        _verb("call", run_call, "calls", Calls.KEY, Calls.QUANTITIES),
        _verb("next_line", run_next_line, "next_lines", NextLine.KEY, NextLine.QUANTITIES),
        _verb("next_line_cells", run_next_line_cells, "next_line_cells", CELLS_KEY),
        _verb("spectrum", run_spectrum, "published_spectra", Spectrum.KEY, Spectrum.QUANTITIES),
        _verb("cohort", run_cohort, "spectra", Spectrum.KEY, Spectrum.QUANTITIES),
        _verb("compare_spectra", run_compare_spectra, "spectra_tests", ("mechanism", "series", "prior"), SpectraTest.QUANTITIES),
        _verb("clone_growth", run_clone_growth, "clone_growth", CloneGrowth.KEY, CloneGrowth.QUANTITIES),
        _verb("clone_samples", run_clone_samples, "clone_samples", ("sample", "gene", "variant")),
    )
}
"""Steps by name; every number of them carries the notice."""
