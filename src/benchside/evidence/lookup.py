"""Questions to the facts: a filtered table with its records, or exactly one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, cast

import polars as pl

from benchside.core.errors import NoEvidenceError, listed, nearest
from benchside.core.evidence import Evidence, Relation
from benchside.evidence.files import every_fact
from benchside.evidence.reading import with_extra

_RELATION: Final[dict[str, Relation]] = {"<=": "<", ">=": ">", "=": "=", "<": "<", ">": ">", "~": "~"}


@dataclass(frozen=True)
class Facts:
    """Published facts: `.table` one a row, `.evidence` as records with citation and whether the source was read."""

    table: pl.DataFrame

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Every fact as a record."""
        return [_record(row) for row in self.table.iter_rows(named=True)]


def _record(row: dict[str, Any]) -> Evidence:
    number = row["number"]
    verified = row["verified"] if row["verified"] in {"yes", "memory"} else None
    dimensions = {key: row[key] for key in ("compound", "target", "variant", "system", "site", "arm", "endpoint")}
    return Evidence(
        id=row["id"],
        quantity=row["quantity"],
        value=row["value"] if number is None else number,
        relation=_RELATION.get(row["relation"], "="),
        unit=row["unit"],
        lower=row["lower"],
        upper=row["upper"],
        level=row["level"] if row["lower"] is not None or row["upper"] is not None else None,
        n=row["n"],
        method="published",
        source=row["source"],
        verified=cast("Literal['yes', 'memory'] | None", verified),
        status=row["status"],
        **dimensions,
    )


def query(
    quantity: str | None = None,
    compound: str | None = None,
    target: str | None = None,
    variant: str | None = None,
    *,
    verified_only: bool = False,
    extra: str | Path | Sequence[str | Path] | None = None,
) -> Facts:
    """Return the published facts that match every given word, in the order of the fact tables.

    Parameters
    ----------
    quantity
        What was measured, for example ``IC50``; matched whole, in any case.
    compound
        The drug; a fact about several drugs (``crizotinib,TAE684``) matches each.
    target, variant
        The kinase; the mutation, matched as a whole word (``G1202R`` matches ``EML4-ALK V3 G1202R``).
    verified_only
        Leave out facts recalled from memory and values assumed here.
    extra
        Files of your own facts (see `read_facts`) to be asked beside the shipped ones; their rows have the file's name as
        `fact_table`.

    Returns
    -------
    Facts
        `.table` with ``id, fact_table, quantity, value, number, relation, unit, lower, upper, ... source, verified,
        status``; `number` is null where the value is words. Empty where nothing matches all the words together.

    Raises
    ------
    NoEvidenceError
        When one of the words stands in no fact at all.
    FileError, TableError
        When a file of `extra` cannot be read or a row of it breaks a rule.

    Examples
    --------
    >>> query(quantity="Ki", compound="lorlatinib").evidence[0].relation
    '<'
    """
    words = {"quantity": quantity, "compound": compound, "target": target, "variant": variant}
    known = with_extra(extra)
    masks = [_matches(known, column, word) for column, word in words.items() if word is not None]
    table = known.filter(*masks) if masks else known
    if verified_only:
        table = table.filter(pl.col("verified") == "yes")
    return Facts(table)


def _matches(facts: pl.DataFrame, column: str, word: str) -> pl.Series:
    """Return the mask over the facts whose `column` has `word`, or say that none does."""
    cells = facts[column].str.to_lowercase()
    wanted = word.strip().lower()
    separators = {"compound": r"[,;]\s*", "variant": r"[\s,;()/]+"}
    mask = (cells == wanted).fill_null(value=False)
    if column in separators:
        words = cells.str.replace_all(separators[column], "\n").str.split("\n")
        mask = mask | words.list.contains(wanted).fill_null(value=False)
    if not mask.any():
        known = facts[column].drop_nulls().unique().sort().to_list()
        message = f"no fact has the {column} {word!r}{nearest(word, known)}; there are {listed(known)}. Check the spelling."
        raise NoEvidenceError(message)
    return mask


def one(quantity: str, compound: str, *, fact_table: str) -> Evidence:
    """Return the one fact of a table about a quantity of a compound.

    Parameters
    ----------
    quantity, compound
        As in the table, for example ``CL/F`` of ``alectinib``.
    fact_table
        The table asked, for example ``pharmacokinetics``.

    Raises
    ------
    NoEvidenceError
        When there is none, or more than one: a value is never chosen silently.

    Examples
    --------
    >>> one("V/F", "alectinib", fact_table="pharmacokinetics").value
    4016.0
    """
    held = every_fact().filter(pl.col("fact_table") == fact_table)
    rows = held.filter((pl.col("quantity") == quantity) & (pl.col("compound") == compound))
    if rows.height != 1:
        known = held.filter(pl.col("quantity") == quantity)["compound"].drop_nulls().unique().sort().to_list()
        count = "no row" if rows.is_empty() else f"{rows.height} rows"
        message = (
            f"{fact_table} holds {count} for {quantity} of {compound!r}{nearest(compound, known)}; it is known for "
            f"{listed(known, 12) or 'no compound'}. Add one row with its source to the facts; there is no default."
        )
        raise NoEvidenceError(message)
    return _record(rows.row(0, named=True))
