"""Sources side by side: what each says of one fact, how far they lie apart, and which disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import SettingError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.units import NM_PER_UNIT
from benchside.evidence.files import MEMORY_SENTENCE, facts
from benchside.evidence.lookup import query
from benchside.evidence.variants import same_thing

VERSION: Final = "1"
FOLD: Final = "fold vs wild-type"
ALIKE: Final[Mapping[str, str]] = {"GI50": "IC50", "fold_vs_WT": FOLD, "fold_vs_same_lab_WT": FOLD}
"""Quantities that are compared as one; each cell still says which it is."""

KEY: Final = (
    "quantity", "compound", "target", "variant", "system", "unit", "site", "trial", "arm", "population", "endpoint", "assessment",
    "data_cutoff", "time_months",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison(Answer):
    """Facts that can be compared: `.table` has one row a fact, `.cells` one row a fact and source."""

    cells: pl.DataFrame
    fold: float = 3.0

    KEY: ClassVar[tuple[str, ...]] = KEY
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("ratio between sources", "ratio", "x", n="n_sources"),)


def compare(
    quantity: str | None = None,
    compound: str | None = None,
    target: str | None = None,
    variant: str | None = None,
    *,
    system: str | None = None,
    fold: float = 3.0,
    verified_only: bool = False,
    extra: str | Path | Sequence[str | Path] | None = None,
) -> Comparison:
    """Return what each source says of the same fact, side by side.

    Two numbers are of the same fact when compound, target, variant (fusion and mutation, whatever the form of the fusion), system,
    quantity and unit agree, and for clinical facts trial, arm, population, endpoint, assessment, cut-off and time. GI50 counts as
    IC50, nM and uM as one unit; readouts stand in the cell, since two readouts that differ are what a reader must see.

    Parameters
    ----------
    quantity, compound, target, variant, verified_only, extra
        As in `query`.
    system
        Only this system, for example ``Ba/F3``.
    fold
        The factor beyond which two sources are in conflict; above 1.

    Returns
    -------
    Comparison
        `.table`: the key, `n_sources, n_verified, lowest, highest, ratio, conflict, values, status`; the ratio is the largest between
        two sources (a bound counts only as far as it must), null with one source. `.cells`: the key and `source_id, source` (citation)`,
        value` (geometric mean of the source's rows)`, low, high, relation, verified, measured_as, facts, status`.

    Raises
    ------
    NoEvidenceError
        When one of the words stands in no fact at all.
    SettingError
        When `fold` is not above 1, or the system is unknown among the facts found.

    Examples
    --------
    >>> found = compare(quantity="IC50", compound="crizotinib", variant="WT", system="Ba/F3", verified_only=True)
    >>> found.table["variant"].to_list()
    ['EML4-ALK', 'NPM-ALK']
    """
    if not fold > 1:
        message = f"fold is {fold:g} and must be above 1: the factor beyond which two sources are in conflict, for example 3."
        raise SettingError(message)
    wild = variant is not None and same_thing(variant) in {"WT", "wild-type"}
    asked = (compound, target, None if wild else variant)
    found = query(quantity, *asked, verified_only=verified_only, extra=extra).table
    alike = {ALIKE.get(name, name) for name in found["quantity"].unique()}
    if quantity is not None:  # what counts as the same quantity is compared with it
        found = query(None, *asked, verified_only=verified_only, extra=extra).table
    numbers = comparable(found)
    if quantity is not None:
        numbers = numbers.filter(pl.col("quantity").is_in(list(alike)))
    if wild:
        numbers = numbers.filter(pl.col("variant").is_in(["WT", "EML4-ALK", "NPM-ALK"]))
    if system is not None:
        known = numbers["system"].drop_nulls().unique().sort().to_list()
        numbers = numbers.filter(pl.col("system").str.to_lowercase() == system.strip().lower())
        if numbers.is_empty():
            message = f"no number found has the system {system!r}; there are {listed(known, 10) or 'none'}. Name one of them."
            raise SettingError(message)
    cells = side_by_side(numbers)
    settings = {
        "quantity": quantity, "compound": compound, "target": target, "variant": variant, "system": system, "fold": fold,
        "verified_only": verified_only,
    }  # fmt: skip
    return Comparison(summarised(cells, fold), Origin("evidence.compare", VERSION, settings, (cells,)), cells, fold)


def conflicts(
    *, fold: float = 3.0, verified_only: bool = False, extra: str | Path | Sequence[str | Path] | None = None
) -> Comparison:
    """Return the facts on which two sources lie more than `fold`-fold apart, the widest first.

    Examples
    --------
    >>> conflicts(fold=10.0, verified_only=True).table["compound"].to_list()
    ['crizotinib', 'ceritinib', 'crizotinib']
    """
    found = compare(fold=fold, verified_only=verified_only, extra=extra)
    table = found.table.filter("conflict").sort("ratio", descending=True)
    cells = found.cells.join(table.select(KEY), on=KEY, how="semi", nulls_equal=True)
    return Comparison(table, Origin("evidence.conflicts", VERSION, dict(found.origin.settings), (cells,)), cells, fold)


def known_conflicts() -> pl.DataFrame:
    """Return the conflicts written down by hand: statement, what other sources say, and what to make of it.

    Examples
    --------
    >>> "X07" in known_conflicts()["id"].to_list()
    True
    """
    return facts("conflicts")


def comparable(table: pl.DataFrame) -> pl.DataFrame:
    """Return the facts that are positive numbers of a named source, with quantity, variant and unit brought together.

    A fold has no system in its key: the curated table of folds names the fusion there, and the fold is already within one system.
    """
    unit = pl.col("unit")
    nM = unit.is_in(list(NM_PER_UNIT))
    factor = unit.replace_strict(dict(NM_PER_UNIT), default=1.0, return_dtype=pl.Float64)
    is_fold = pl.col("quantity").is_in([name for name, common in ALIKE.items() if common == FOLD])
    of_fusion = is_fold & pl.col("system").str.contains("-ALK").fill_null(value=False)
    written = pl.when(of_fusion).then(pl.concat_str("system", "variant", separator=" ")).otherwise(pl.col("variant"))
    return table.filter((pl.col("number") > 0) & pl.col("source").is_not_null()).with_columns(
        measured_as=pl.concat_str("quantity", "variant", "readout", separator=", ", ignore_nulls=True),
        quantity=pl.col("quantity").replace(dict(ALIKE)),
        variant=written.map_elements(same_thing, return_dtype=pl.String),
        target=pl.when(is_fold).then(pl.col("target").fill_null("ALK")).otherwise(pl.col("target")),
        system=pl.when(is_fold).then(pl.lit(None, pl.String)).otherwise(pl.col("system")),
        number=pl.col("number") * factor,
        unit=pl.when(nM).then(pl.lit("nM")).otherwise(unit),
        source_id=pl.coalesce("source_id", "source"),
    )


def side_by_side(numbers: pl.DataFrame) -> pl.DataFrame:
    """Return one row a fact and source; rows of one source are joined by their geometric mean, verified ones before recalled ones."""
    rows = []
    groups = numbers.group_by([*KEY, "source_id", "verified"], maintain_order=True)
    for key, part in groups:
        exact = part.filter(pl.col("relation").is_in(["=", "~"]))
        used = part if exact.is_empty() else exact
        relation = used["relation"][0].rstrip("=") or "="
        values = [float(value) for value in used["number"]]
        rows.append({
            **dict(zip([*KEY, "source_id", "verified"], key, strict=True)), "source": part["source"][0],
            "value": exp(sum(map(log, values)) / len(values)), "low": min(values), "high": max(values), "relation": relation,
            "measured_as": "; ".join(part["measured_as"].unique(maintain_order=True).to_list()), "facts": part["id"].to_list(),
            "status": MEMORY_SENTENCE if key[-1] == "memory" else used["status"][0],
        })  # fmt: skip
    kinds: dict[str, Any] = {name: numbers.schema[name] for name in KEY}
    cells: dict[str, Any] = {
        "source_id": pl.String, "source": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "relation": pl.String,
        "verified": pl.String, "measured_as": pl.String, "facts": pl.List(pl.String), "status": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema={**kinds, **cells}, orient="row")


def summarised(cells: pl.DataFrame, fold: float) -> pl.DataFrame:
    """Return one row a fact: how many sources, how far apart, and what must be said where memory speaks."""
    rows = []
    for key, part in cells.group_by(KEY, maintain_order=True):
        held = part.to_dicts()
        ratio = apart(held) if part["source_id"].n_unique() > 1 else None
        rows.append({
            **dict(zip(KEY, key, strict=True)), "n_sources": part["source_id"].n_unique(),
            "n_verified": part.filter(pl.col("verified") == "yes")["source_id"].n_unique(), "lowest": part["value"].min(),
            "highest": part["value"].max(), "ratio": ratio, "conflict": ratio is not None and ratio > fold,
            "values": "; ".join(_said(cell) for cell in held), "status": _status(held),
        })  # fmt: skip
    kinds: dict[str, Any] = {name: cells.schema[name] for name in KEY}
    further: dict[str, Any] = {
        "n_sources": pl.Int64, "n_verified": pl.Int64, "lowest": pl.Float64, "highest": pl.Float64, "ratio": pl.Float64,
        "conflict": pl.Boolean, "values": pl.String, "status": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema={**kinds, **further}, orient="row")


def apart(cells: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest factor between two sources; a bound lies apart only from what is certainly beyond it.

    Examples
    --------
    >>> apart([{"value": 60.0, "relation": "=", "source_id": "A"}, {"value": 50.0, "relation": "<", "source_id": "B"}])
    1.2
    """
    least = {"<": 0.0}
    most = {">": inf}
    pairs: list[float] = [
        least.get(one["relation"], one["value"]) / most.get(two["relation"], two["value"])
        for one in cells
        for two in cells
        if one["source_id"] != two["source_id"]
    ]
    return max([1.0, *pairs])


def _said(cell: Mapping[str, Any]) -> str:
    relation = "" if cell["relation"] == "=" else f"{cell['relation']} "
    flag = "" if cell["verified"] == "yes" else " [from memory]" if cell["verified"] == "memory" else " [assumed]"
    return f"{relation}{cell['value']:.4g} ({cell['source_id']}){flag}"


def _status(cells: Sequence[Mapping[str, Any]]) -> str:
    recalled = [cell["source_id"] for cell in cells if cell["verified"] == "memory"]
    return f"{listed(recalled)}: {MEMORY_SENTENCE}" if recalled else "ok"
