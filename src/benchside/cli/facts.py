"""The evidence command: published facts as a list, side by side, in conflict, or as fold shifts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

from benchside import evidence as published
from benchside.cli.show import print_json, print_table, say, write_out
from benchside.core.errors import NoEvidenceError, SettingError, listed

View = Literal["list", "compare", "conflicts", "fold-shift"]
FACT_COLUMNS: Final = ("id", "quantity", "relation", "value", "unit", "compound", "variant", "system", "verified", "source")
SIDE_BY_SIDE: Final = (
    "quantity",
    "compound",
    "variant",
    "system",
    "trial",
    "unit",
    "n_sources",
    "n_verified",
    "ratio",
    "conflict",
    "values",
)
SHIFT_COLUMNS: Final = ("compound", "variant", "class", "fold", "mean_lower", "mean_upper", "lower", "upper", "n", "from_memory")


@dataclass(frozen=True)
class Asked:
    """The words of the question."""

    quantity: str | None
    compound: str | None
    variant: str | None
    verified_only: bool
    fold: float
    extra: tuple[Path, ...]


def view_named(*, compare: bool, conflicts: bool, fold_shift: bool) -> View:
    """Return the one view that was asked for, a list by default."""
    views: dict[View, bool] = {"compare": compare, "conflicts": conflicts, "fold-shift": fold_shift}
    named = [view for view, is_asked in views.items() if is_asked]
    if len(named) > 1:
        message = f"{' and '.join(f'--{view}' for view in named)} cannot be shown at once. Name one of them."
        raise SettingError(message)
    return named[0] if named else "list"


def evidence(asked: Asked, view: View, *, out: Path | None, as_json: bool) -> None:
    """Print published facts in one of the views."""
    {"list": show_list, "compare": show_side_by_side, "conflicts": show_side_by_side, "fold-shift": show_shifts}[view](
        asked, view, out, as_json=as_json
    )


def show_list(asked: Asked, view: View, out: Path | None, *, as_json: bool) -> None:  # noqa: ARG001  every view has one shape
    """Print the facts that match."""
    found = published.query(
        asked.quantity, asked.compound, variant=asked.variant, verified_only=asked.verified_only, extra=asked.extra or None
    )
    memory = found.table.filter(pl.col("verified") == "memory")["id"].to_list()
    if out is not None:
        write_out(found.table, out)
    if as_json:
        records = [record.model_dump(mode="json", exclude_none=True) for record in found.evidence]
        print_json({"facts": records, "warning": warning(memory)})
        return
    print_table(found.table, FACT_COLUMNS, title=f"{found.table.height} facts", most=60)
    if memory:
        say(str(warning(memory)))


def show_side_by_side(asked: Asked, view: View, out: Path | None, *, as_json: bool) -> None:
    """Print sources side by side; of the conflicts also those that were written down by hand."""
    found = published.compare(
        asked.quantity, asked.compound, variant=asked.variant, fold=asked.fold, verified_only=asked.verified_only,
        extra=asked.extra or None,
    )  # fmt: skip
    table = found.table.filter("conflict").sort("ratio", descending=True) if view == "conflicts" else found.table
    cells = found.cells.join(table.select(found.KEY), on=found.KEY, how="semi", nulls_equal=True)
    memory = cells.filter(pl.col("verified") == "memory")["source_id"].unique(maintain_order=True).to_list()
    by_hand = written_down(asked) if view == "conflicts" else pl.DataFrame()
    if out is not None:
        write_out(cells.with_columns(pl.col("facts").list.join(" ")) if out.suffix.lower() == ".csv" else cells, out)
    if as_json:
        print_json(
            {view: table.to_dicts(), "cells": cells.to_dicts(), "written_down": by_hand.to_dicts(), "warning": warning(memory)}
        )
        return
    shown = table if view == "conflicts" else table.sort("n_sources", descending=True, maintain_order=True)
    title = f"{table.height} facts" + (
        f" on which sources lie more than {asked.fold:g}-fold apart" if view == "conflicts" else ""
    )
    print_table(shown, SIDE_BY_SIDE, title=title, most=60)
    for name, text in cited(cells):
        say(f"  {name}: {text}")
    if by_hand.height:
        print_table(by_hand, ["id", "statement", "other_sources_say", "advice"], title="Conflicts written down by hand", most=60)
    if memory:
        say(str(warning(memory)))


def written_down(asked: Asked) -> pl.DataFrame:
    """Return the conflicts known by hand that name the compound and the variant asked for."""
    table = published.known_conflicts()
    text = pl.concat_str("statement", "other_sources_say", ignore_nulls=True).str.to_lowercase()
    words = [word.lower() for word in (asked.compound, asked.variant) if word is not None]
    return table.filter([text.str.contains(word, literal=True) for word in words]) if words else table


def cited(cells: pl.DataFrame) -> list[tuple[str, str]]:
    """Return each source of the cells with its citation, once."""
    pairs = cells.select("source_id", "source").unique(maintain_order=True).rows()
    return [(name, text) for name, text in pairs if name != text]


def show_shifts(asked: Asked, view: View, out: Path | None, *, as_json: bool) -> None:
    """Print fold shifts of the drug and mutation asked for, or of all that are known of."""
    if asked.quantity not in (None, "fold"):
        message = f"--fold-shift shows folds, and --quantity is {asked.quantity!r}. Leave --quantity out."
        raise SettingError(message)
    table = published.fold_shift_table(
        verified_only=True, compounds=[asked.compound] if asked.compound else None,
        variants=[asked.variant] if asked.variant else None, extra=asked.extra or None,
    )  # fmt: skip
    if table.is_empty():
        message = "no fold is known of what was asked. Name a compound and a mutation."
        raise NoEvidenceError(message)
    if asked.verified_only:
        table = table.drop("from_memory", "status")  # both name what was recalled
    if out is not None:
        write_out(table, out)
    if as_json:
        print_json({view: table.to_dicts()})
        return
    print_table(table, SHIFT_COLUMNS, title="Fold against the wild-type of the same laboratory, 90 %", most=120)
    say("mean_lower, mean_upper: mean over laboratories and readouts; lower, upper: a new measurement in a new laboratory.")
    if "from_memory" in table.columns and table["from_memory"].is_not_null().any():
        say(f"Warning: the folds under from_memory are {published.MEMORY_SENTENCE}; the model did not use them.")


def warning(memory: list[str]) -> str | None:
    """Return the sentence that stands below recalled facts."""
    if not memory:
        return None
    return f"Warning: {len(memory)} of these are from memory and not verified against the source ({listed(memory, 6)})."
