"""What a study found of one endpoint or response of its trial: its steps, looked up by verb, with numbers as cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from benchside.report.blocks import Cell, Tone
from benchside.report.numbers import Numbers, with_interval
from benchside.study.results import Results


@dataclass(frozen=True)
class Found:
    """The steps of the clinical stage that answer for one label: an endpoint, a response or the adverse events."""

    results: Results
    label: str
    with_trails: bool = True

    @cached_property
    def tasks(self) -> Mapping[str, str]:
        """Verb -> task, of the steps that were done for this label."""
        entries = self.results.current.items()
        return {
            entry.verb: task
            for task, entry in entries
            if entry.verb.startswith("clinical.") and entry.settings.get("endpoint") == self.label
        }

    def has(self, verb: str) -> bool:
        """Return whether the step was done and found a row."""
        return verb in self.tasks and self.results.current[self.tasks[verb]].rows > 0

    def table(self, verb: str) -> pl.DataFrame:
        """Return what a step made."""
        return self.results.table(self.tasks[verb])

    def rows(self, verb: str) -> list[dict[str, Any]]:
        """Return the rows a step made; none where it was not done."""
        return list(self.table(verb).iter_rows(named=True)) if self.has(verb) else []

    def settings(self, verb: str) -> Mapping[str, Any]:
        """Return the settings a step was done with."""
        return self.results.current[self.tasks[verb]].settings

    def cell(self, verb: str, row: Mapping[str, Any], column: str, text: str, *, tone: Tone = "", title: str = "") -> Cell:
        """Return a number of a step as a cell that opens its trail; the words of its status stand in the cell's title."""
        task = self.tasks[verb]
        evidence = self.results.evidence(task)
        quantity = next(one for one in evidence.quantities if one.value == column)
        name = quantity.name if quantity.named_by is None else str(row[quantity.named_by])
        status = str(row.get("status") or "")
        words = title or ("" if status in ("", "ok") else status)
        key = tuple(row[part] for part in evidence.key)
        return Numbers(self.results, task, self.with_trails).cell(key, name, text, tone=tone, title=words)

    def estimate(self, verb: str, row: Mapping[str, Any], column: str, limits: tuple[str, str], *, percent: bool = False) -> Cell:
        """Return an estimate with its limits as a cell."""
        by = 100.0 if percent else 1.0
        value, lower, upper = (None if row[name] is None else by * row[name] for name in (column, *limits))
        return self.cell(verb, row, column, with_interval(value, lower, upper))


def in_order(arms: Sequence[str], control: str | None) -> list[str]:
    """Return arms as tables and figures show them: the treated in the order of their names, then the control."""
    treated = sorted(arm for arm in set(arms) if arm != control)
    return [*treated, control] if control is not None and control in arms else treated
