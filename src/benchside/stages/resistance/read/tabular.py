"""Tables and lists of variants: a column each, under the names people give them."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.tables import cast_column
from benchside.core.units import DAYS_PER_UNIT
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.names import named
from benchside.stages.resistance.read.assemble import RAW, assemble

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "sample": ("sample", "sample_id", "tumor_sample_barcode", "specimen"),
    "patient": ("patient", "patient_id", "subject", "usubjid"),
    "gene": ("gene", "hugo_symbol", "symbol"),
    "text": ("variant", "mutation", "hgvsp", "hgvsp_short", "protein_change", "alteration"),
    "transcript": ("transcript", "transcript_id", "feature"),
    "fusion": ("fusion",),
    "phase": ("phase",),
    "vaf": ("vaf", "allele_fraction", "af"),
    "alt_count": ("alt_count", "t_alt_count", "alt_reads", "mutant_molecules"),
    "depth": ("depth", "t_depth", "total_reads", "coverage_depth"),
    "detection_limit": ("detection_limit", "lod"),
    "time_days": ("time_days",),
    "drug": ("drug", "compound", "treatment"),
    "prior": ("prior", "prior_therapy"),
    "allele": ("allele",),
}
"""A column and the names it is found under, in any case."""

_TIMES: Final = {f"time_{unit}": days for unit, days in DAYS_PER_UNIT.items()}
PHASES: Final = ("cis", "trans", "unknown")


def tabular(frame: pl.DataFrame, *, label: str, sample: str | None = None) -> VariantTable:
    """Return the findings of a table, one a row.

    Raises
    ------
    TableError
        When there is no column of variants, or a row cannot be used.
    """
    lower = {name.lower().strip(): name for name in frame.columns}
    held = {wanted: lower[name] for wanted, names in ALIASES.items() for name in reversed(names) if name in lower}
    if "text" not in held:
        message = (
            f"{label}: no column holds the variants; the columns are {listed(frame.columns, 12)}. Name one of them 'variant'."
        )
        raise TableError(message)
    columns = [_column(frame, wanted, held.get(wanted), label) for wanted in RAW if wanted not in ("position", "at")]
    raw = pl.DataFrame(columns).with_columns(
        position=pl.lit(None, pl.Int64), at=pl.int_range(1, pl.len() + 1), time_days=_time(frame, lower, held, label)
    )
    _check_percent(lower, label)
    bad = raw.filter(pl.col("phase").is_not_null() & ~pl.col("phase").is_in(PHASES))
    if bad.height:
        message = f"{label}, row {bad['at'][0]}: phase must be one of {listed(PHASES)}, and is {bad['phase'][0]!r}. Correct or clear it."
        raise TableError(message)
    return assemble(_with_samples(raw, sample), label=label)


def listing(words: Sequence[str], *, label: str = "list of variants", sample: str | None = None) -> VariantTable:
    """Return the findings of a list of texts, of one sample; a finding said twice counts once."""
    raw = pl.DataFrame({"text": once(words)}, schema={"text": pl.String})
    blank = raw.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in RAW.items() if name != "text")
    rows = blank.with_columns(sample=pl.lit(sample or "sample"), at=pl.int_range(1, pl.len() + 1)).select(list(RAW))
    return assemble(rows, label=label, row_word="item")


def once(words: Sequence[str]) -> list[str]:
    """Return the texts that name a finding not named before in the list; one that cannot be read stays, for its reader to refuse.

    Examples
    --------
    >>> once(["G1202R", "p.Gly1202Arg", "WT"])
    ['G1202R', 'WT']
    """
    seen: set[tuple[str, str]] = set()
    kept = []
    for text in dict.fromkeys(words):
        try:
            found = {(one.gene, one.variant) for one in named(text)}
        except TableError:
            found = {("", text)}
        if not found <= seen:
            kept.append(text)
        seen |= found
    return kept


def _column(frame: pl.DataFrame, wanted: str, name: str | None, label: str) -> pl.Series:
    if name is None:
        return pl.Series(wanted, [None] * frame.height, dtype=RAW[wanted])
    made = cast_column(frame, name, RAW[wanted], noun=label).alias(wanted)
    return made.str.strip_chars() if RAW[wanted] == pl.String else made


def _time(frame: pl.DataFrame, lower: Mapping[str, str], held: Mapping[str, str], label: str) -> pl.Series:
    """Return times in days from the column whose name says its unit; a time without a unit is refused."""
    if "time_days" in held:
        return cast_column(frame, held["time_days"], pl.Float64, noun=label)
    named = next((name for name in _TIMES if name in lower), None)
    if named:
        return cast_column(frame, lower[named], pl.Float64, noun=label) * _TIMES[named]
    if "time" in lower:
        message = f"{label}: column {lower['time']} has no unit. Name it time_days, time_weeks or time_months."
        raise TableError(message)
    return pl.Series([None] * frame.height, dtype=pl.Float64)


def _check_percent(lower: Mapping[str, str], label: str) -> None:
    stray = [name for name in ("vaf_percent", "vaf_%", "vaf%", "vaf (%)") if name in lower]
    if stray and "vaf" not in lower:
        message = f"{label}: column {lower[stray[0]]} holds percentages, and vaf is a fraction from 0 to 1. Divide by 100 and name the column vaf."
        raise TableError(message)


def _with_samples(raw: pl.DataFrame, sample: str | None) -> pl.DataFrame:
    """Return rows with a sample each: as said, else one a patient and time, else one in all."""
    made = (
        pl.when(pl.col("time_days").is_not_null())
        .then(pl.format("{} day {}", pl.col("patient").fill_null("patient"), pl.col("time_days").round(3)))
        .otherwise(pl.coalesce("patient", pl.lit(sample or "sample")))
    )
    return raw.with_columns(sample=pl.coalesce("sample", made)).select(list(RAW))
