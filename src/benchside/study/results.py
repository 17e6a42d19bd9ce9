"""The results of a study as a reader sees them: what each task holds now, and every number's record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from benchside.core.errors import LineageError, StudyError
from benchside.core.evidence import SET_DIGITS, Evidence, EvidenceSet, Origin, Quantity
from benchside.study.ledger import Entry, Ledger
from benchside.study.stages import VERBS
from benchside.study.store import Store
from benchside.study.workflow import LEDGER, RESULTS


@dataclass(frozen=True)
class Results:
    """What a finished run left. Use it as a context: ``with Results.of(root) as results``."""

    root: Path
    ledger: Ledger
    store: Store

    @classmethod
    def of(cls, root: Path) -> "Results":
        """Open the results of a study.

        Raises
        ------
        StudyError
            When the study has not been run.
        """
        path = root / RESULTS / LEDGER
        if not path.is_file():
            message = f"{root} has no results yet. Run it first: benchside run {root}"
            raise StudyError(message)
        return cls(root, Ledger.read(path), Store(root / RESULTS))

    @cached_property
    def current(self) -> Mapping[str, Entry]:
        """Task -> result set, as the newest finished run left it."""
        entries = self.ledger.entries()
        return {task: entries[set_id] for task, set_id in self.ledger.current().items()}

    def has(self, task: str) -> bool:
        """Return whether the study did this task."""
        return task in self.current

    def table(self, task: str) -> pl.DataFrame:
        """Return what a task made."""
        return self.store.table(self.current[task].table_hash)

    def tasks(self, verb: str) -> tuple[str, ...]:
        """Return the tasks that did this verb: one, or one a part of a large study."""
        return tuple(task for task, entry in self.current.items() if entry.verb == verb)

    def scan(self, verb: str) -> pl.LazyFrame:
        """Return what all tasks of a verb made as one scan, with the `task` each row is from."""
        held = [(task, self.current[task]) for task in self.tasks(verb)]
        parts = [self.store.scan(entry.table_hash, entry.rows).with_columns(task=pl.lit(task)) for task, entry in held]
        return pl.concat(parts, how="diagonal_relaxed")

    def evidence(self, task: str) -> EvidenceSet:
        """Return the evidence of what a task made."""
        return self.evidence_of(self.current[task])

    def evidence_of(self, entry: Entry) -> EvidenceSet:
        """Return the evidence of a result set."""
        verb = VERBS[entry.verb]
        origin = Origin(entry.verb, entry.version, entry.settings, tuple(one.content for one in entry.inputs))
        return EvidenceSet(self.store.table(entry.table_hash), verb.quantities, verb.key, origin, created=entry.created)

    def find(self, number: str) -> tuple[Entry, int, Quantity, Evidence]:
        """Return the result set, row, quantity and record of a number.

        Raises
        ------
        LineageError
            When no result of the study has this id.
        """
        entry = self.ledger.entry(number[:SET_DIGITS])
        evidence = self.evidence_of(entry)
        for found, row, quantity in evidence.ids():
            if found == number:
                return entry, row, quantity, evidence.record(found, row, quantity)
        message = f"no number of this study has the id {number!r}. Copy the whole id from the dossier or a results table."
        raise LineageError(message)

    def records(self) -> Iterator[Evidence]:
        """Yield every number of the current results."""
        for task in self.current:
            yield from self.evidence(task).records()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
