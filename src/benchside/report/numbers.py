"""Numbers of a study as cells of the page, each with its id and, for small studies, its whole trail."""

from dataclasses import dataclass
from typing import Final

from benchside.core.evidence import number_id
from benchside.report.blocks import Cell, Tone, interval_text, value_text
from benchside.report.trails import trail_lines
from benchside.study.results import Results
from benchside.study.trail import trace

MOST_TRAILS: Final = 400
"""Above so many numbers the page gives the ids alone, and `benchside trace` the trails."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of one task, looked up by row key and quantity."""

    results: Results
    task: str
    with_trails: bool = True

    def cell(self, key: tuple[object, ...], quantity: str, text: str, *, tone: Tone = "", title: str = "") -> Cell:
        """Return a cell that shows `text` and opens the trail of the number."""
        return self.numbered(number_id(self.results.current[self.task].set_id, key, quantity), text, tone=tone, title=title)

    def numbered(self, number: str, text: str, *, tone: Tone = "", title: str = "") -> Cell:
        """Return a cell that shows `text` and opens the trail of the number with this id."""
        lines = trail_lines(trace(self.results, number)) if self.with_trails else ()
        return Cell(text, tone, number, lines, title)


def numbers_of(results: Results, verb: str, *, with_trails: bool) -> dict[str, Numbers]:
    """Return the numbers of every task of a verb, by task: a large study did it in parts."""
    return {task: Numbers(results, task, with_trails) for task in results.tasks(verb)}


def with_interval(value: float | None, lower: float | None, upper: float | None, relation: str | None = "=") -> str:
    """Return ``value (lower to upper)``, or the value alone where it is only a bound."""
    if relation not in ("=", None) or (value is None and lower is None and upper is None):
        return value_text(value, relation)
    if value is None:
        return f"NE ({'NE' if lower is None else value_text(lower)} to {'NE' if upper is None else value_text(upper)})"
    return f"{value_text(value)} ({interval_text(lower, upper)})"
