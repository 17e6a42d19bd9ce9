"""From what a file says to findings: every distinct text is read once, and joined back to the rows that hold it."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.errors import TableError
from benchside.core.exchange import SOURCE_REF
from benchside.stages.resistance.kinase import DOMAIN_SPANS
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.names import NOT_CHECKED, Named, UnreadableVariant, named

RAW: Final[dict[str, Any]] = {
    "sample": pl.String, "patient": pl.String, "gene": pl.String, "text": pl.String, "transcript": pl.String, "fusion": pl.String,
    "phase": pl.String, "vaf": pl.Float64, "alt_count": pl.Int64, "depth": pl.Int64, "detection_limit": pl.Float64,
    "time_days": pl.Float64, "drug": pl.String, "prior": pl.String, "allele": pl.String, "position": pl.Int64, "at": pl.Int64,
}  # fmt: skip
"""What a reader hands over; `at` is the row of the file, 1 the first below the header (of a VCF: the line)."""

_TEXT: Final = ["text", "gene", "transcript"]
_READ: Final[dict[str, Any]] = {
    "text": pl.String, "gene": pl.String, "transcript": pl.String, "variant": pl.String, "kind": pl.String, "found_gene": pl.String,
    "found_fusion": pl.String, "found_phase": pl.String, "bypass": pl.String, "checked": pl.String, "status": pl.String,
}  # fmt: skip


def assemble(
    raw: pl.DataFrame, *, label: str, left_out: Mapping[str, int] | None = None, lenient: bool = False, row_word: str = "row"
) -> VariantTable:
    """Return the findings of rows.

    Parameters
    ----------
    raw
        Rows as `RAW` names them.
    label
        What messages call the file.
    left_out
        Rows of the file that were left out already, by reason.
    lenient
        A text that cannot be read becomes a finding of the kind `other` instead of an error: callers write what no person wrote.
    row_word
        What a row of the file is called.
    """
    first = raw.group_by(_TEXT, maintain_order=True).agg(pl.col("at").first())
    rows = []
    for row in first.iter_rows(named=True):
        found = _named(row, label=f"{label}, {row_word} {row['at']}", lenient=lenient)
        rows += [(*(row[name] for name in _TEXT), *_cells(one)) for one in found]
    read = pl.DataFrame(rows, schema=_READ, orient="row")
    table = raw.join(read, on=_TEXT, how="left", nulls_equal=True, maintain_order="left_right").with_columns(
        gene=pl.col("found_gene"),
        fusion=pl.coalesce("found_fusion", "fusion"),
        phase=pl.coalesce("found_phase", "phase"),
        written=pl.col("text"),
        **{SOURCE_REF: pl.format("{}!{} {}", pl.lit(label), pl.lit(row_word), "at")},
    )
    table = in_cis(table)
    return VariantTable(
        table.select(*(name for name in VariantTable.SCHEMA), SOURCE_REF), left_out=dict(left_out or {}), label=label
    )


def _named(row: Mapping[str, Any], *, label: str, lenient: bool) -> tuple[Named, ...]:
    try:
        return named(row["text"] or "", row["gene"], row["transcript"])
    except UnreadableVariant as error:
        if lenient:
            return (Named(str(row["text"]), "other", checked=NOT_CHECKED, status="no protein change that can be read here"),)
        message = f"{label}: {error}"
        raise TableError(message) from error
    except TableError as error:
        message = f"{label}: {error}"
        raise TableError(message) from error


def _cells(one: Named) -> tuple[str | None, ...]:
    bypass = one.bypass.name if one.bypass else None
    return one.variant, one.kind, one.gene or None, one.fusion, one.phase, bypass, one.checked, one.status


def in_cis(table: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose mutations of one sample are said to lie in cis joined to one compound mutation, with its smallest fraction."""
    alone = (pl.col("phase") == "cis") & ~pl.col("variant").str.contains("+", literal=True) & (pl.col("kind") == "on-target")
    members = table.filter(alone.fill_null(value=False))
    if members.is_empty():
        return table
    parts = [table.filter(~alone.fill_null(value=False))]
    for _, part in members.group_by("sample", "time_days", maintain_order=True):
        ordered = part.sort(pl.col("variant").str.extract(r"(\d+)").cast(pl.Int64))
        lowest = ordered.sort("vaf", nulls_last=True).head(1)
        parts.append(lowest.with_columns(variant=pl.lit("+".join(ordered["variant"]))))
    return pl.concat(parts)


def require_position(raw: pl.DataFrame, build: str, *, label: str, row_word: str = "row") -> None:
    """Refuse a row of ALK's kinase domain that lies where the stated build has no exon of it."""
    residue = pl.col("text").str.extract(r"(\d{4})").cast(pl.Int64)
    domain = raw.filter((pl.col("gene") == "ALK") & residue.is_between(1116, 1392) & pl.col("position").is_not_null())
    low, high = DOMAIN_SPANS[build]
    outside = domain.filter(~pl.col("position").is_between(low, high))
    if outside.is_empty():
        return
    row = outside.row(0, named=True)
    others = [name for name, (start, end) in DOMAIN_SPANS.items() if start <= row["position"] <= end]
    where = f"which is its place in {others[0]}" if others else "where neither build has it"
    message = (
        f"{label}, {row_word} {row['at']}: ALK {row['text']} stands at chr2:{row['position']}, {where}, and the build is said to be "
        f"{build}. State the build the file was called on, or lift it over."
    )
    raise TableError(message)
