"""Evidence, the currency: one number, its interval, and where it came from; columnar underneath, records on access."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from benchside.core.tables import table_hash

Relation = Literal["=", "<", ">", "~"]

SET_DIGITS, ROW_DIGITS = 12, 12
"""Hex digits of an id: the first part names the result set, the second the row and quantity within it."""

DIMENSIONS = ("compound", "comparator", "target", "variant", "system", "site", "arm", "endpoint")
"""Columns of a result table that, where present, travel into every record of the row."""


class Evidence(BaseModel):
    """One number with its interval and its provenance; crosses the disk and the web as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    quantity: str
    item: str = ""
    """The row of the result it stands in, by its key, for example the plate or the curve."""

    value: float | str | None
    relation: Relation = "="
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    n: int | None = None
    compound: str | None = None
    comparator: str | None = None
    target: str | None = None
    variant: str | None = None
    system: str | None = None
    site: str | None = None
    arm: str | None = None
    endpoint: str | None = None
    time_months: float | None = None
    """For a value at a time, such as survival at 12 months."""

    method: str = ""
    method_version: str = ""
    settings: dict[str, Any] = {}
    inputs: tuple[str, ...] = ()
    source: str | None = None
    verified: Literal["yes", "memory"] | None = None
    """`memory` is a published fact recalled and never seen: it is shown with a warning, always. None: computed here."""
    status: str = "ok"
    created: datetime | None = None


@dataclass(frozen=True)
class Quantity:
    """How one quantity of a result is read off the columns of its table; every argument but `unit` is a column name.

    `name` is the quantity itself, unless `named_by` is a column that holds it (long tables).
    """

    name: str
    value: str
    unit: str
    lower: str | None = None
    upper: str | None = None
    level: float | None = 0.95
    relation: str | None = None
    n: str | None = None
    named_by: str | None = None
    unit_by: str | None = None


@dataclass(frozen=True)
class Origin:
    """What a result set was made by and from: the parts its identity is hashed over."""

    verb: str
    version: str
    settings: Mapping[str, Any]
    inputs: tuple[pl.DataFrame | str, ...] = ()
    """Tables, or the content hashes of tables and files."""

    @cached_property
    def input_hashes(self) -> tuple[str, ...]:
        """Content hash of every input, in order."""
        return tuple(item if isinstance(item, str) else table_hash(item) for item in self.inputs)

    @cached_property
    def set_id(self) -> str:
        """Identity of the result set: a hash over verb, method version, settings and inputs, and of nothing else."""
        parts = [self.verb, self.version, canonical(self.settings), list(self.input_hashes)]
        return hashlib.blake2b(canonical(parts).encode(), digest_size=20).hexdigest()


def canonical(value: object) -> str:
    """Return the one JSON text of a value (sorted keys, no spaces), for hashing and for the ledger."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)


def number_id(set_id: str, row_key: Sequence[object], quantity: str) -> str:
    """Return the id of one number: `<set>-<row>`, both hexadecimal, the same on every rerun."""
    row = hashlib.blake2b(canonical([list(row_key), quantity]).encode(), digest_size=ROW_DIGITS // 2).hexdigest()
    return f"{set_id[:SET_DIGITS]}-{row}"


@dataclass(frozen=True)
class EvidenceSet:
    """The evidence of one result table, kept as columns; records are built only when they are asked for."""

    table: pl.DataFrame
    quantities: tuple[Quantity, ...]
    key: tuple[str, ...]
    """Columns that name a row; empty for a table of one row."""

    origin: Origin
    created: datetime | None = field(default=None, compare=False)

    def ids(self) -> Iterator[tuple[str, int, Quantity]]:
        """Yield (id, row, quantity) of every number of the set."""
        keys = self.table.select(self.key).rows() if self.key else [()] * self.table.height
        for quantity in self.quantities:
            names = self.table[quantity.named_by] if quantity.named_by else None
            for row, key in enumerate(keys):
                name = quantity.name if names is None else str(names[row])
                yield number_id(self.origin.set_id, key, name), row, quantity

    def find(self, wanted: str) -> Evidence | None:
        """Return the record with this id, if the set holds it."""
        return next((self.record(number, row, quantity) for number, row, quantity in self.ids() if number == wanted), None)

    def records(self) -> list[Evidence]:
        """Return every number of the set as a record."""
        return [self.record(number, row, quantity) for number, row, quantity in self.ids()]

    def record(self, number: str, row: int, quantity: Quantity) -> Evidence:
        """Return the record of one number."""
        cells = self.table.row(row, named=True)

        def cell(column: str | None) -> Any:
            return None if column is None else cells.get(column)

        origin = self.origin
        described: dict[str, Any] = {name: _text(cells[name]) for name in DIMENSIONS if name in cells}
        return Evidence(
            id=number,
            quantity=str(cell(quantity.named_by) or quantity.name),
            item=" / ".join(str(cells[name]) for name in self.key if cells[name] is not None),
            value=cell(quantity.value),
            relation=cell(quantity.relation) or "=",
            unit=str(cell(quantity.unit_by) or quantity.unit),
            lower=cell(quantity.lower),
            upper=cell(quantity.upper),
            level=self._level(quantity) if quantity.lower else None,
            n=cell(quantity.n),
            time_months=cell("time_months"),
            method=origin.verb,
            method_version=origin.version,
            settings=dict(origin.settings),
            inputs=origin.input_hashes,
            status=str(cells.get("status") or "ok"),
            created=self.created,
            **described,
        )

    def _level(self, quantity: Quantity) -> float | None:
        """Return the level of the intervals: as the settings say it, else as the quantity does."""
        chosen = self.origin.settings.get("level")
        return float(chosen) if isinstance(chosen, float | int) else quantity.level


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True)
class Answer:
    """Base of every result: a table, and the evidence read off it. Subclasses say which columns are which quantities."""

    table: pl.DataFrame
    origin: Origin

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = ()
    KEY: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Every number of the result as a record with its interval and provenance."""
        return EvidenceSet(self.table, self.QUANTITIES, self.KEY, self.origin, created=datetime.now(UTC)).records()
