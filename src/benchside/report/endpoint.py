"""What a study found of one endpoint or response of its trial: its steps, looked up by verb, with numbers as cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from benchside.report.blocks import Cell, Tone
from benchside.report.numbers import Numbers
from benchside.stages.clinical.figures.parts import estimate_words, p_words
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

    @property
    def name(self) -> str:
        """The name alone, without who assessed it and when: what an axis says."""
        return self.label.split(" (")[0]

    def chart_name(self, kind: str) -> str:
        """Return the name of a chart of this label on the page."""
        return f"{kind}-" + "".join(letter if letter.isalnum() else "-" for letter in self.label.lower())

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
        """Return an estimate with its limits as a cell: ratios with two digits, months and percentages with one, as journals print them."""
        by, digits = (100.0, 1) if percent else (1.0, 2 if "ratio" in column or row.get("quantity") == "ratio" else 1)
        value, lower, upper = (None if row[name] is None else by * row[name] for name in (column, *limits))
        return self.cell(verb, row, column, estimate_words(value, lower, upper, digits=digits))

    def p(self, verb: str, row: Mapping[str, Any]) -> Cell:
        """Return a p value as a cell, as journals print it; the whole number is in its record."""
        return self.cell(verb, row, "p", p_text(row["p"]))


def p_text(p: float | None) -> str:
    """Return a p value as journals print it, without the letter.

    Examples
    --------
    >>> p_text(0.00001), p_text(0.0314)
    ('< 0.001', '0.03')
    """
    return p_words(p).removeprefix("P ").removeprefix("= ")


def in_order(arms: Sequence[str], control: str | None) -> list[str]:
    """Return arms as tables and figures show them: the treated in the order of their names, then the control."""
    treated = sorted(arm for arm in set(arms) if arm != control)
    return [*treated, control] if control is not None and control in arms else treated
