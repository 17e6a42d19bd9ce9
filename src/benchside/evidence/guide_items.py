"""The guide's own tables, item by item, and its first one beside what was published and what the fold model predicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import NoEvidenceError, listed
from benchside.core.units import NM_PER_UNIT
from benchside.evidence.files import MEMORY_SENTENCE, facts
from benchside.evidence.folds import folds
from benchside.evidence.reading import with_extra
from benchside.evidence.shifts import fold_shift_table, require_compound
from benchside.evidence.variants import forms, fusion, is_wild_type, mutations

TABLES: Final = (1, 2, 3)
VARIANTS: Final = "EML4-ALK variants"
NOTHING: Final = "no verified evidence"
POTENCIES: Final = ("IC50", "GI50", "Kd", "Ki", "pKd_app")
OTHER_FUSIONS: Final = (None, "EML4-ALK")
"""Fusions whose potencies stand in the first table; NPM-ALK is another disease's."""


def guide(table: int | None = None) -> pl.DataFrame:
    """Return the statements of the guide, one a row.

    Parameters
    ----------
    table
        1 (potency in vitro), 2 (first-line efficacy) or 3 (intracranial efficacy); None: every statement.

    Returns
    -------
    polars.DataFrame
        `id, item, section, quantity, value` (a word or a number, as text)`, relation, unit, lower, upper, compound, comparator,
        comparator_value, target, variant, system, endpoint, note`. In table 1 the item is ``ALK wild-type``, ``ALK L1196M``, ...,
        ``RET`` and ``EML4-ALK variants``.

    Raises
    ------
    NoEvidenceError
        When the guide has no such table.

    Examples
    --------
    >>> guide(table=1)["item"].to_list()[:3]
    ['ALK wild-type', 'ALK L1196M', 'ALK G1202R']
    """
    every = facts("guide")
    if table is not None:
        if table not in TABLES:
            message = f"the guide has no table {table}; it has the tables {listed(TABLES)}. Ask for one of them, or for none to see every statement."
            raise NoEvidenceError(message)
        every = every.filter(pl.col("section").str.starts_with(f"Table {table} "))
    items = pl.Series([_item(row) for row in every.iter_rows(named=True)], dtype=pl.String)
    return every.select("id", items.alias("item"), pl.exclude("id"))


def _item(row: dict[str, Any]) -> str:
    if not (row["section"] or "").startswith("Table 1"):
        return ", ".join(part for part in (row["quantity"], row["variant"]) if part)
    if row["target"] != "ALK":
        return str(row["target"])
    if row["variant"] == "wild-type" or mutations(row["variant"]):
        return f"ALK {row['variant']}"
    return VARIANTS


def table_one(
    compound: str = "alectinib",
    *,
    level: float = 0.9,
    readout: str | None = None,
    extra: str | Path | Sequence[str | Path] | None = None,
) -> pl.DataFrame:
    """Return the guide's table of potency beside the evidence and the model, one row an item.

    Parameters
    ----------
    compound
        The drug; the guide speaks of alectinib only.
    level, readout, extra
        Of the predicted fold, as in `fold_shift`.

    Returns
    -------
    polars.DataFrame
        `item, target, variant, compound`; `guide` (its word or value, null where it says nothing) and `guide_id`;
        `verified_n` and `verified` (the verified facts in words, or ``no verified evidence``), `citations`;
        `cell_free_ic50_nM` and `cell_ic50_nM`, each the median of verified values with `_lower`, `_upper` (their range) and `_n`
        (never pooled: a cell-free IC50 is no cell IC50); `fold_median, fold_lower, fold_upper, fold_n` of verified folds against the same
        source's wild-type; `memory_n, memory` (facts from memory, to be greyed) and `warning`; `predicted_fold` with
        `predicted_mean_lower, predicted_mean_upper` (mean over laboratories), `predicted_lower, predicted_upper` (a new measurement in
        a new laboratory), `predicted_class` and `level`, null for the wild-type, RET and the fusions, of which the model does not speak.

    Raises
    ------
    NoEvidenceError
        When no fact knows the compound.

    Examples
    --------
    >>> table_one().select("item", "guide", "verified_n").row(2)
    ('ALK G1202R', 'inactive', 2)
    """
    name = require_compound(compound, extra)
    known = with_extra(extra).filter(pl.col("compound").str.to_lowercase() == name.lower(), pl.col("fact_table") != "guide")
    shifts = folds(verified_only=False, extra=extra).filter(pl.col("compound") == name)
    rows = [_row(item, name, known, shifts) for item in guide(table=1).iter_rows(named=True)]
    table = pl.DataFrame(rows, schema_overrides=_KINDS, infer_schema_length=None)
    asked = [row["variant"] for row in rows if mutations(row["variant"])]
    model = fold_shift_table(level=level, readout=readout, compounds=[name], variants=asked, extra=extra)
    predicted = model.select(
        "variant", "level", predicted_class="class", predicted_fold="fold", predicted_mean_lower="mean_lower",
        predicted_mean_upper="mean_upper", predicted_lower="lower", predicted_upper="upper",
    )  # fmt: skip
    return table.join(predicted, on="variant", how="left", maintain_order="left")


_NUMBERS: Final = tuple(f"{what}{end}" for what in ("cell_free_ic50_nM", "cell_ic50_nM") for end in ("", "_lower", "_upper"))
_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("item", "target", "variant", "compound", "guide", "guide_id", "verified", "citations", "memory", "warning"), pl.String),
    **dict.fromkeys((*_NUMBERS, "fold_median", "fold_lower", "fold_upper"), pl.Float64),
    **dict.fromkeys(("verified_n", "cell_free_ic50_nM_n", "cell_ic50_nM_n", "fold_n", "memory_n"), pl.Int64),
}  # fmt: skip


def _row(item: dict[str, Any], compound: str, known: pl.DataFrame, shifts: pl.DataFrame) -> dict[str, Any]:
    found = [row for row in known.iter_rows(named=True) if _belongs(row, item)]
    if item["item"] == VARIANTS:
        found = _of_one_source(found)
    seen = [row for row in found if row["verified"] == "yes"]
    recalled = [row for row in found if row["verified"] == "memory"]
    changed = shifts.filter(pl.col("variant") == item["variant"])
    verified_folds = changed.filter((pl.col("verified") == "yes") & pl.col("relation").is_in(["=", "~"]))["fold"]
    own = item["compound"] == compound
    return {
        "item": item["item"], "target": item["target"], "variant": item["variant"], "compound": compound,
        "guide": _guide_text(item) if own else None, "guide_id": item["id"] if own else None,
        "verified_n": len(seen), "verified": _texts(seen) or NOTHING, "citations": _citations(seen),
        **_median("cell_free_ic50_nM", [row for row in seen if row["system"] == "cell-free"]),
        **_median("cell_ic50_nM", [row for row in seen if row["system"] not in ("cell-free", "cell lysate")]),
        "fold_median": verified_folds.median(), "fold_lower": verified_folds.min(), "fold_upper": verified_folds.max(),
        "fold_n": len(verified_folds), "memory_n": len(recalled), "memory": _texts(recalled),
        "warning": MEMORY_SENTENCE if recalled else None,
    }  # fmt: skip


def _belongs(row: dict[str, Any], item: dict[str, Any]) -> bool:
    """Return whether a fact is a potency or a fold of the item."""
    mass = row["unit"].split(" (")[0] in ("ng/mL", "ug/mL")  # its conversion to nM is a row of its own
    is_fold = row["quantity"] in ("fold_vs_same_lab_WT", "fold_vs_WT")
    if mass or not (row["quantity"] in POTENCIES or is_fold):
        return False
    on_target = row["target"] == item["target"] or (row["target"] is None and item["target"] == "ALK" and is_fold)
    if not on_target:
        return False
    if item["item"] == VARIANTS:
        return bool(forms(row["variant"])) and is_wild_type(row["variant"])
    if mutations(item["variant"]):
        return mutations(row["variant"]) == mutations(item["variant"]) and not _stated_twice(row)
    return is_wild_type(row["variant"]) and fusion(row["variant"]) in OTHER_FUSIONS


def _stated_twice(row: dict[str, Any]) -> bool:
    """Return whether a fold is the source's rounding of one that the curated table of folds holds."""
    if row["quantity"] != "fold_vs_WT":
        return False
    curated = facts("fold_changes").filter(
        (pl.col("drug") == row["compound"]) & (pl.col("source_id") == row["source_id"]) & pl.col("mutation").is_in(mutations(row["variant"]))
    )  # fmt: skip
    return not curated.is_empty()


def _of_one_source(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of sources that measured two forms of the fusion or more: only these say how the forms differ."""
    by_source: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        by_source.setdefault(row["source_id"], set()).add(forms(row["variant"]))
    return [row for row in rows if len(by_source[row["source_id"]]) > 1]


def _guide_text(item: dict[str, Any]) -> str:
    relation = "" if item["relation"] == "=" else f"{item['relation']} "
    unit = "" if item["unit"] in (None, "class") else f" {item['unit']}"
    return f"{relation}{item['value']}{unit}"


def _nM(row: dict[str, Any]) -> float | None:
    """Return a potency in nM, or None where its unit is none or not stated in the source."""
    if row["quantity"] == "pKd_app" and row["number"] is not None:
        return float(10.0 ** (9.0 - row["number"]))
    factor = NM_PER_UNIT.get(row["unit"])
    return None if factor is None or row["number"] is None else float(row["number"]) * factor


def _median(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return median, range and count of the IC50s (and GI50s) that are values, not bounds."""
    kept = [row for row in rows if row["quantity"] in ("IC50", "GI50") and row["relation"] in ("=", "~")]
    values = pl.Series([value for row in kept if (value := _nM(row)) is not None], dtype=pl.Float64)
    return {name: values.median(), f"{name}_lower": values.min(), f"{name}_upper": values.max(), f"{name}_n": len(values)}


def _texts(rows: Sequence[dict[str, Any]]) -> str | None:
    """Return facts in words: quantity, value, where, and the source's short name."""
    return "; ".join(_text(row) for row in rows) or None


def _text(row: dict[str, Any]) -> str:
    relation = "" if row["relation"] == "=" else f"{row['relation']} "
    is_fold = row["quantity"] in ("fold_vs_same_lab_WT", "fold_vs_WT")
    what, number, unit = ("fold", row["number"], "x") if is_fold else (row["quantity"], _nM(row), "nM")
    if row["quantity"] == "pKd_app":
        what = "Kd_app"
    value = f"{relation}{row['value']} {row['unit']}" if number is None else f"{relation}{number:.4g} {unit}"
    where = ", ".join(part for part in (row["system"], row["readout"]) if part)
    return f"{what} {value} ({where}; {row['source_id'] or row['source']})"


def _citations(rows: Sequence[dict[str, Any]]) -> str | None:
    return "; ".join(dict.fromkeys(row["source"] for row in rows if row["source"])) or None
