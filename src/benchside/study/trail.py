"""The trail of a number: from the number to the fit, the wells and the cells it rests on; and its recomputation."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from benchside.core.errors import LineageError
from benchside.core.evidence import Evidence
from benchside.core.stage import Inputs, Product
from benchside.core.tables import file_hash, table_hash
from benchside.study.ledger import Entry, software
from benchside.study.results import Results
from benchside.study.stages import VERBS
from benchside.study.store import Store, Stored
from benchside.study.workflow import Call, perform

REFERENCE_COLUMNS: Final = ("signal_ref", "layout_ref", "source_ref")
REPLAY_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Step:
    """One step of a trail: the rows of one result set a number rests on, and the steps those rest on."""

    verb: str
    set_id: str
    kind: str
    rows: pl.DataFrame
    total_rows: int
    cells: tuple[str, ...]
    """References of the cells of the rows, where the set was read from files."""

    files: tuple[str, ...]
    sources: tuple["Step", ...]

    def every_cell(self) -> Iterator[str]:
        """Yield every cell the step rests on, its own and those of all steps before it."""
        yield from self.cells
        for step in self.sources:
            yield from step.every_cell()


@dataclass(frozen=True)
class Trail:
    """The trail of one number."""

    evidence: Evidence
    note: str
    step: Step


@dataclass(frozen=True)
class Replay:
    """A number computed again from its files."""

    evidence: Evidence
    value: Any
    same: bool
    """Equal to the last bit (the same versions), or within 1e-9 (others)."""

    differs: Mapping[str, tuple[str, str]]
    """Package -> (version then, version now), where they differ."""

    def sentence(self) -> str:
        """Return the verdict in words."""
        was = self.evidence.value
        if not self.differs:
            return (
                f"replayed {self.value!r}: the same to the last bit"
                if self.same
                else f"replayed {self.value!r}, was {was!r}: NOT the same"
            )
        changed = ", ".join(f"{name} {then} -> {today}" for name, (then, today) in self.differs.items())
        verdict = "within 1e-9" if self.same else "NOT within 1e-9"
        return f"recomputed with {changed}: {self.value!r}, was {was!r}, {verdict}"


def trace(results: Results, number: str) -> Trail:
    """Return the trail of a number down to the cells of the sheets it came from.

    Raises
    ------
    LineageError
        When no result has the id.
    """
    entry, row, _, evidence = results.find(number)
    return Trail(evidence, _note(entry), _step(results, entry, [row]))


def _note(entry: Entry) -> str:
    return VERBS[entry.verb].note


def _step(results: Results, entry: Entry, rows: Sequence[int] | None) -> Step:
    table = results.store.table(entry.table_hash)
    chosen = table if rows is None else table[sorted(set(rows))]
    lineage = results.store.lineage(entry.lineage_hash)
    needed = _needed(lineage, rows)
    sources = []
    for number, source in enumerate(entry.inputs):
        if source.set_id is not None and number in needed:
            sources.append(_step(results, results.ledger.entry(source.set_id), needed[number]))
    files = tuple(source.file for source in entry.inputs if source.file is not None)
    return Step(entry.verb, entry.set_id, entry.kind, chosen, table.height, _cells(chosen), files, tuple(sources))


def _needed(lineage: pl.DataFrame, rows: Sequence[int] | None) -> dict[int, list[int] | None]:
    """Return input number -> the input rows that the rows rest on (None: all of them)."""
    if rows is not None:
        lineage = lineage.filter(pl.col("row").is_null() | pl.col("row").is_in(list(rows)))
    needed: dict[int, list[int] | None] = {}
    for (number,), part in lineage.group_by("input", maintain_order=True):
        whole = part["rows"].null_count() > 0
        needed[int(str(number))] = (
            None if whole else sorted(part["rows"].explode(empty_as_null=True).drop_nulls().unique().to_list())
        )
    return needed


def _cells(table: pl.DataFrame) -> tuple[str, ...]:
    found = [table[name].drop_nulls() for name in REFERENCE_COLUMNS if name in table.columns]
    return tuple(dict.fromkeys(cell for series in found for cell in series.to_list()))


def replay(results: Results, number: str) -> Replay:
    """Compute a number again from the files of the study, step by step, and compare.

    Raises
    ------
    LineageError
        When no result has the id, or a file it came from is gone or has changed since.
    """
    entry, row, quantity, evidence = results.find(number)
    with TemporaryDirectory(prefix="benchside-replay-") as folder:
        again = _again(results, entry, Store(Path(folder)), {})
    value = again.table[quantity.value][row] if row < again.table.height else None
    today = software()
    differs = {name: (then, today.get(name, "absent")) for name, then in entry.software.items() if today.get(name) != then}
    exact = table_hash(again.table) == entry.table_hash
    return Replay(evidence, value, exact if not differs else exact or _near(value, evidence.value), differs)


def _again(results: Results, entry: Entry, store: Store, made: dict[str, Stored]) -> Product:
    """Return a result set made anew, its inputs too; those wait in a store of their own, since together they may be large."""
    files: dict[str, list[Path]] = {}
    tables: dict[str, list[pl.LazyFrame]] = {}
    numbers: dict[str, list[int]] = {}
    for number, source in enumerate(entry.inputs):
        if source.file is not None:
            files.setdefault(source.role, []).append(_unchanged(results.root, source.file, source.content))
        elif source.set_id is not None:
            if source.set_id not in made:
                made[source.set_id] = store.put(_again(results, results.ledger.entry(source.set_id), store, made))
            stored = made[source.set_id]
            tables.setdefault(source.role, []).append(store.scan(stored.table, stored.rows))
            numbers.setdefault(source.role, []).append(number)
    inputs = Inputs(
        {role: tuple(found) for role, found in tables.items()},
        {role: tuple(found) for role, found in files.items()},
        {role: tuple(found) for role, found in numbers.items()},
        results.root,
    )
    return perform(Call(entry.verb, inputs, entry.settings))


def _unchanged(root: Path, file: str, content: str) -> Path:
    path = root / file
    if not path.is_file():
        message = f"{file}, which the number came from, is gone from the study. Put the file back to replay the number."
        raise LineageError(message)
    if file_hash(path) != content:
        message = f"{file} has changed since the number was computed, so the number cannot be replayed. Restore the file, or run the study again for a new number."
        raise LineageError(message)
    return path


def _near(value: Any, was: Any) -> bool:
    if isinstance(value, float) and isinstance(was, float):
        return math.isclose(value, was, rel_tol=REPLAY_TOLERANCE)
    return bool(value == was)
