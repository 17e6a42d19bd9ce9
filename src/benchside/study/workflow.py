"""Running a study: check every file before a result is written, then do only what changed, one committed step at a time."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import polars as pl

from benchside.core.errors import StorageError
from benchside.core.evidence import Origin
from benchside.core.stage import Inputs, Product, Verb
from benchside.core.tables import file_hash
from benchside.study.file import StudyFile, load
from benchside.study.graph import Node, order
from benchside.study.ledger import Entry, Input, Ledger, software
from benchside.study.lock import WAIT_SECONDS, study_lock
from benchside.study.pool import spread
from benchside.study.stages import STAGES, VERBS
from benchside.study.store import Store, Stored

RESULTS: Final = "results"
LEDGER: Final = "ledger.sqlite"
SPREADSHEET_BYTES_PER_SECOND: Final = 1.5e6
"""About how fast one process reads spreadsheets: what decides whether reading is worth processes."""


@dataclass(frozen=True)
class TaskResult:
    """What became of one task."""

    task: str
    entry: Entry
    state: Literal["computed", "unchanged"]
    seconds: float


@dataclass(frozen=True)
class RunReport:
    """What a run did."""

    study: StudyFile
    results: tuple[TaskResult, ...]
    swept: int
    """Files a killed run had left, now removed."""

    @property
    def changed(self) -> bool:
        """Whether anything was computed."""
        return any(result.state == "computed" for result in self.results)


Progress = Callable[[TaskResult], None]


def silent(_: TaskResult) -> None:
    """Report nothing."""


@dataclass
class _Run:
    """A run under way: what is known so far. Private to this module; everything it hands out is frozen."""

    study: StudyFile
    store: Store
    nodes: Sequence[Node]
    known: Mapping[str, Entry]
    files: dict[Path, str] = field(default_factory=dict)
    done: dict[str, Entry] = field(default_factory=dict)

    def sweep(self) -> int:
        """Remove every file of the results that no recorded result set holds; return how many."""
        entries = self.known.values()
        return self.store.sweep([entry.table_hash for entry in entries], [entry.lineage_hash for entry in entries])

    def origin(self, node: Node) -> tuple[Origin, tuple[Input, ...]]:
        """Return the identity of what a task would make, and its inputs as the ledger writes them."""
        inputs = []
        for source in node.sources:
            if source.file is not None:
                content = self.files.get(source.file) or self.files.setdefault(source.file, file_hash(source.file))
                inputs.append(Input(source.role, content, file=source.file.relative_to(self.study.root).as_posix()))
            elif source.task is not None:
                entry = self.done[source.task]
                inputs.append(Input(source.role, entry.table_hash, set_id=entry.set_id))
        verb = VERBS[node.task.verb]
        return Origin(verb.name, verb.version, node.task.settings, tuple(one.content for one in inputs)), tuple(inputs)


@dataclass(frozen=True)
class Call:
    """One call of a verb, complete: what a process of its own needs to make it."""

    verb: str
    inputs: Inputs
    settings: Mapping[str, object]


def perform(call: Call) -> Product:
    """Make one call of a verb of the closed table."""
    return VERBS[call.verb].run(call.inputs, call.settings)


def run(root: Path, *, progress: Progress = silent, wait_seconds: float = WAIT_SECONDS) -> RunReport:
    """Run a study: every stage it has, only what changed.

    Parameters
    ----------
    root
        The study folder.
    progress
        Called after every task.
    wait_seconds
        How long to wait for another run of the same study.

    Raises
    ------
    BenchsideError
        One sentence; when a file is refused no result has been written.
    """
    study = load(root, STAGES)
    with study_lock(root, wait_seconds=wait_seconds):
        ledger = Ledger.open(root / RESULTS / LEDGER) if (root / RESULTS / LEDGER).exists() else None
        try:
            nodes = order(study, STAGES, ledger.exclusions() if ledger else ())
            now = _Run(study, Store(root / RESULTS), nodes, ledger.entries() if ledger else {})
            swept = now.sweep()
            read = _read_all(now)
            ledger = ledger or Ledger.open(root / RESULTS / LEDGER)
            return RunReport(study, _work(now, ledger, read, progress), swept)
        finally:
            if ledger is not None:
                ledger.close()


def _read_all(now: _Run) -> dict[str, Stored]:
    """Read all files that are not known yet into the store; an unusable one ends the run here, and nothing is left of the others."""
    calls: dict[str, Call] = {}
    for node in now.nodes:
        if node.sources and node.reads_files_only:
            origin, _ = now.origin(node)
            entry = now.known.get(origin.set_id)
            if entry is None or not now.store.has(entry.table_hash, entry.lineage_hash):
                calls[node.task.name] = Call(node.task.verb, _inputs(now, node, {}), node.task.settings)
    books = [
        path
        for call in calls.values()
        for paths in call.inputs.files.values()
        for path in paths
        if path.suffix.lower().startswith(".xls")
    ]
    seconds = sum(path.stat().st_size for path in books) / SPREADSHEET_BYTES_PER_SECOND
    try:
        made = spread(perform, list(calls.values()), estimated_seconds=seconds)
        return {name: now.store.put(product) for name, product in zip(calls, made, strict=True)}
    except BaseException:
        now.sweep()
        now.store.prune()
        raise


def _work(now: _Run, ledger: Ledger, read: dict[str, Stored], progress: Progress) -> tuple[TaskResult, ...]:
    """Do every task in order, each recorded before the next begins."""
    run_id, latest, results = uuid.uuid4().hex, ledger.latest(), []
    for node in now.nodes:
        began, task = time.perf_counter(), node.task
        origin, inputs = now.origin(node)
        entry = now.known.get(origin.set_id)
        kept = entry is not None and now.store.has(entry.table_hash, entry.lineage_hash)
        if entry is None or not kept:
            stored = read.get(task.name) or now.store.put(
                perform(Call(task.verb, _inputs(now, node, _loaded(now, node)), task.settings))
            )
            _require_same(entry, stored, task.name)
            entry = _entry(VERBS[task.verb], origin, inputs, stored)
        if latest.get(task.name) != entry.set_id:
            ledger.add(entry, run_id, task.name, latest.get(task.name))
        now.done[task.name] = entry
        results.append(TaskResult(task.name, entry, "unchanged" if kept else "computed", time.perf_counter() - began))
        progress(results[-1])
    current = {result.task: result.entry.set_id for result in results}
    if ledger.current() != current:
        ledger.note(run_id, "finished", current)
    return tuple(results)


def _require_same(known: Entry | None, stored: Stored, task: str) -> None:
    """Refuse to put another table in the place of a lost one: a recorded result does not change."""
    if known is not None and known.table_hash != stored.table:
        message = (
            f"the recorded result of {task} is lost, and these versions of the software make another one in its place. "
            "Restore results/objects, or run with the versions it was made with (benchside numbers --json names them)."
        )
        raise StorageError(message)


def _loaded(now: _Run, node: Node) -> dict[str, pl.LazyFrame]:
    """Return the tables a task needs."""
    needed = {source.task: now.done[source.task] for source in node.sources if source.task is not None}
    return {task: now.store.scan(entry.table_hash, entry.rows) for task, entry in needed.items()}


def _inputs(now: _Run, node: Node, tables: Mapping[str, pl.LazyFrame]) -> Inputs:
    """Return the inputs of a task by role, numbered in their order as lineage counts them."""
    by_table: dict[str, list[pl.LazyFrame]] = {}
    by_file: dict[str, list[Path]] = {}
    numbers: dict[str, list[int]] = {}
    for number, source in enumerate(node.sources):
        if source.file is not None:
            by_file.setdefault(source.role, []).append(source.file)
        elif source.task is not None:
            by_table.setdefault(source.role, []).append(tables[source.task])
            numbers.setdefault(source.role, []).append(number)
    return Inputs(
        tables={role: tuple(found) for role, found in by_table.items()},
        files={role: tuple(found) for role, found in by_file.items()},
        numbers={role: tuple(found) for role, found in numbers.items()},
        root=now.study.root,
    )


def _entry(verb: Verb, origin: Origin, inputs: tuple[Input, ...], stored: Stored) -> Entry:
    return Entry(
        set_id=origin.set_id, verb=verb.name, version=verb.version, settings=origin.settings, inputs=inputs, kind=verb.kind,
        kind_version=verb.kind_version, table_hash=stored.table, lineage_hash=stored.lineage, rows=stored.rows,
        software=software(), created=datetime.now(UTC),
    )  # fmt: skip
