"""Published potency by variant: the wild-type IC50 in cells, and the fold shift of the variant, each with its interval."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl

from benchside.core.exchange import Potency
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.evidence.lookup import query
from benchside.evidence.shifts import fold_shift_table
from benchside.evidence.variants import is_wild_type

SYSTEM: Final = "Ba/F3"
QUANTITIES: Final = ("IC50", "GI50")
LEVEL: Final = 0.95
_Z95: Final = 1.959964

SCHEMA: Final[dict[str, Any]] = {
    "compound": pl.String, "target": pl.String, "variant": pl.String, "system": pl.String, "quantity": pl.String,
    "value_nM": pl.Float64, "lower_nM": pl.Float64, "upper_nM": pl.Float64, "relation": pl.String, "serum_fraction": pl.Float64,
    "fold": pl.Float64, "fold_class": pl.String, "verified": pl.String, "source": pl.String, "status": pl.String,
}  # fmt: skip


def published_potencies(compounds: Sequence[str], variants: Sequence[str]) -> pl.DataFrame:
    """Return the published IC50 of every compound on every variant in cells.

    Parameters
    ----------
    compounds
        Drug names.
    variants
        ``WT`` and mutations such as ``G1202R``; a mutation need not have been measured.

    Returns
    -------
    polars.DataFrame
        The columns of a potency table and ``fold, fold_class, verified, status``. `value_nM` is the geometric mean of the wild-type
        IC50 over sources times the fold shift (`evidence.fold_shift`); `lower_nM` and `upper_nM` hold the spread between
        laboratories of the one and the interval of the other. Null with a sentence where no wild-type IC50 in cells is published.

    Notes
    -----
    Cells are Ba/F3 with EML4-ALK or NPM-ALK, read by viability; where no such value was read, phospho-ALK in cells, and last a
    value from memory, each said. The spread between laboratories is that of all wild-type values of all drugs, pooled.

    Examples
    --------
    >>> published_potencies(["alectinib"], ["WT", "G1202R"])["fold"].round(0).to_list()[0]
    1.0
    """
    mutated = [name for name in dict.fromkeys(variants) if name != "WT"]
    shifts = _shifts(tuple(dict.fromkeys(compounds)), tuple(mutated))
    rows = [_row(compound, variant, shifts.get((compound, variant))) for compound in compounds for variant in variants]
    return pl.DataFrame(rows, schema=SCHEMA)


@cache
def _shifts(compounds: tuple[str, ...], variants: tuple[str, ...]) -> dict[tuple[str, str], dict[str, Any]]:
    if not variants:
        return {}
    table = fold_shift_table(compounds=compounds, variants=variants, level=LEVEL)
    asked = [(compound, variant) for compound in compounds for variant in variants]
    return dict(zip(asked, table.iter_rows(named=True), strict=True))


@cache
def _wild_type() -> pl.DataFrame:
    """Return every wild-type IC50 in cells, with what kind of value it is: 0 Ba/F3 viability, 1 phospho-ALK or a line, 2 from memory."""
    held = query(target="ALK").table.filter(
        pl.col("quantity").is_in(QUANTITIES) & (pl.col("number") > 0) & (pl.col("unit") == "nM")
    )
    held = held.filter(pl.col("system").is_in([SYSTEM, "cell line"]) & pl.col("relation").is_in(["=", "~"]))
    held = held.filter(pl.col("variant").map_elements(is_wild_type, return_dtype=pl.Boolean))
    is_first = (pl.col("system") == SYSTEM) & (pl.col("readout") == "viability")
    rank = pl.when(pl.col("verified") != "yes").then(2).when(is_first).then(0).otherwise(1)
    return held.with_columns(rank=rank)


@cache
def between_laboratories_sd_log() -> float:
    """Return the pooled standard deviation of ln IC50 between sources: wild-type in Ba/F3 by viability, all drugs.

    Examples
    --------
    >>> 0.2 < between_laboratories_sd_log() < 1.5
    True
    """
    means = _source_means(_wild_type().filter(pl.col("rank") == 0))
    spread = means.group_by("compound").agg(ss=((pl.col("log") - pl.col("log").mean()) ** 2).sum(), df=pl.len() - 1)
    return float(np.sqrt(spread["ss"].to_numpy().sum() / spread["df"].to_numpy().sum()))


def _source_means(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("compound", "source_id", maintain_order=True).agg(
        log=pl.col("number").log().mean(), source=pl.col("source").first()
    )


def _row(compound: str, variant: str, shift: dict[str, Any] | None) -> dict[str, Any]:
    base = {"compound": compound, "target": "ALK", "variant": variant, "system": SYSTEM, "quantity": "IC50", "relation": "="}
    held = _wild_type().filter(pl.col("compound") == compound)
    if held.is_empty():
        sentence = f"no wild-type IC50 of {compound} in cells is published here, so no coverage can be given. Give your own potency table."
        return {**dict.fromkeys(SCHEMA), **base, "status": sentence}
    rank = int(str(held["rank"].min()))
    taken = held.filter(pl.col("rank") == rank)
    best, base["system"] = _source_means(taken), str(taken["system"][0])
    sd_log, value = between_laboratories_sd_log() / len(best) ** 0.5, float(np.exp(float(str(best["log"].mean()))))
    told = [f"wild-type IC50 is the geometric mean of {len(best)} source(s); spread between laboratories pooled over all drugs"]
    if rank:
        told.append(
            "wild-type by phospho-ALK or in a tumour line, not by viability of Ba/F3"
            if rank == 1
            else f"wild-type {MEMORY_SENTENCE}"
        )
    verified = "memory" if rank == 2 else "yes"
    sources = [str(source) for source in best["source"].drop_nulls()]
    fold, kind = 1.0, "reference"
    if shift is not None:
        fold, kind = float(shift["fold"]), str(shift["class"])
        sd_log = float(np.hypot(sd_log, np.log(shift["mean_upper"] / shift["mean_lower"]) / (2 * _Z95)))
        told += [] if shift["status"] in (None, "ok") else [str(shift["status"])]
        sources += [str(shift["sources"])] if shift["sources"] else []
    return {
        **base, "value_nM": value * fold, "lower_nM": value * fold * np.exp(-_Z95 * sd_log), "upper_nM": value * fold * np.exp(_Z95 * sd_log),
        "serum_fraction": None, "fold": fold, "fold_class": kind, "verified": verified, "source": "; ".join(dict.fromkeys(sources)),
        "status": "; ".join(told),
    }  # fmt: skip


def as_potency(table: pl.DataFrame) -> Potency:
    """Return the rows that hold a value as the exchange type."""
    return Potency(table.filter(pl.col("value_nM").is_not_null()))
