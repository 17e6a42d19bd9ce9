"""Fold shifts as the literature holds them: a mutant's potency over the wild-type of the same source, never of another.

Absolute IC50s of one drug on one kinase differ more than tenfold between laboratories; their ratio within one laboratory does
not carry that difference. A fold is therefore taken only where one source measured both, by one readout, in one fusion.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from benchside.evidence.reading import with_extra
from benchside.evidence.variants import fusion, is_wild_type, mutations

STATED: Final = ("fold_vs_same_lab_WT", "fold_vs_WT")
"""Quantities that are folds already, the curated ones first. ``fold_vs_parental`` is none: a subline selected on a drug carries
more than its mutation."""

POTENCIES: Final = ("IC50", "GI50")
SCHEMA: Final[dict[str, Any]] = {
    "compound": pl.String, "variant": pl.String, "fusion": pl.String, "readout": pl.String, "source_id": pl.String,
    "fold": pl.Float64, "relation": pl.String, "verified": pl.String, "origin": pl.String, "facts": pl.List(pl.String),
    "source": pl.String,
}  # fmt: skip
_CLOSED: Final = {"<=": "<", ">=": ">"}


def folds(*, verified_only: bool = True, extra: str | Path | Sequence[str | Path] | None = None) -> pl.DataFrame:
    """Return every published fold shift of a point mutation in ALK, one row a source, drug, mutation, fusion and readout.

    Parameters
    ----------
    verified_only
        Leave out folds recalled from memory.
    extra
        Files of your own facts, see `read_facts`.

    Returns
    -------
    polars.DataFrame
        `compound, variant` (the mutation)`, fusion, readout` (``viability``, ``pALK`` or ``cell-free``)`, source_id, fold,
        relation` (= ~ < >)`, verified, origin` (``stated`` by the source, or ``same-source ratio`` of its IC50s)`, facts` (ids)`,
        source`. A fold that is stated and also follows from two IC50s of the source counts once, as stated; repeats in one table are kept.

    Examples
    --------
    >>> folds().filter(variant="G1202R")["fold"].to_list()
    [64.3, 54.17]
    """
    known = with_extra(extra)
    rows = [row for row in known.filter(pl.col("number") > 0).iter_rows(named=True) if _on_alk(row)]
    found: list[dict[str, Any]] = []
    for group in (*(_stated(rows, quantity) for quantity in STATED), _ratios(rows)):
        held = {_key(fold) for fold in found}
        found += [fold for fold in group if _key(fold) not in held]
    table = pl.DataFrame(found, schema=SCHEMA, orient="row")
    return table.filter(pl.col("verified") == "yes") if verified_only else table


def _on_alk(row: dict[str, Any]) -> bool:
    return row["target"] in (None, "ALK") and row["source_id"] is not None and row["compound"] is not None


def readout_of(row: dict[str, Any]) -> str:
    """Return which of three assay types a fact rests on: purified kinase, phospho-ALK in cells, or viability of cells."""
    if row["system"] == "cell-free":
        return "cell-free"
    return "pALK" if "palk" in (row["readout"] or "").lower() else "viability"


def _key(fold: dict[str, Any]) -> tuple[Any, ...]:
    """Return what one measurement is known by; two statements of it with the same key are the same measurement said twice."""
    return tuple(fold[name] for name in ("compound", "variant", "fusion", "source_id", "readout"))


def _stated(rows: Sequence[dict[str, Any]], quantity: str) -> list[dict[str, Any]]:
    stated = [row for row in rows if row["quantity"] == quantity and len(mutations(row["variant"])) == 1]
    return [_fold(row, fusion(row["system"]) or fusion(row["variant"]), row["number"], row["relation"], [row]) for row in stated]


def _ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the folds that follow from the IC50s of one source, a mutant over the geometric mean of its wild-type."""
    wild: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    potencies = [row for row in rows if row["quantity"] in POTENCIES]
    for row in potencies:
        if is_wild_type(row["variant"]) and row["relation"] in ("=", "~"):
            wild.setdefault(_alike(row), []).append(row)
    found = []
    for row in potencies:
        changed, base = mutations(row["variant"]), wild.get(_alike(row), [])
        if len(changed) == 1 and base and "(" not in row["variant"].replace("(ENU clone)", ""):
            reference = float(np.exp(np.mean(np.log([one["number"] for one in base]))))
            about = any(one["relation"] == "~" for one in [row, *base]) and row["relation"] == "="
            relation = "~" if about else row["relation"]
            found.append(_fold(row, fusion(row["variant"]), row["number"] / reference, relation, [row, *base]))
    return found


def _alike(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a mutant and its wild-type must share."""
    return row["source_id"], row["compound"], fusion(row["variant"]), row["system"], readout_of(row), row["unit"]


def _fold(
    row: dict[str, Any], partner: str | None, value: float, relation: str, rests_on: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "compound": row["compound"], "variant": mutations(row["variant"])[0], "fusion": partner, "readout": readout_of(row),
        "source_id": row["source_id"], "fold": value, "relation": _CLOSED.get(relation, relation),
        "verified": "yes" if all(one["verified"] == "yes" for one in rests_on) else "memory",
        "origin": "stated" if row["quantity"] in STATED else "same-source ratio",
        "facts": [one["id"] for one in rests_on], "source": row["source"],
    }  # fmt: skip


def agreement(table: pl.DataFrame, within: float = 3.0) -> pl.DataFrame:
    """Return the drug and mutation pairs that more than one source measured, and whether the sources agree.

    Parameters
    ----------
    table
        As `folds` returns; bounds are left out.
    within
        The factor within which two sources agree.

    Examples
    --------
    >>> between = agreement(folds(verified_only=False).filter(origin="stated"))
    >>> int(between["agree"].sum()), between.height
    (3, 7)
    """
    exact = table.filter(pl.col("relation").is_in(["=", "~"]))
    by_source = exact.group_by("compound", "variant", "source_id", maintain_order=True).agg(pl.col("fold").log().mean().exp())
    pairs = by_source.group_by("compound", "variant", maintain_order=True).agg(
        n_sources=pl.len(), lowest=pl.col("fold").min(), highest=pl.col("fold").max()
    )
    pairs = pairs.filter(pl.col("n_sources") > 1).with_columns(ratio=pl.col("highest") / pl.col("lowest"))
    return pairs.with_columns(agree=pl.col("ratio") <= within).sort("compound", "variant")
