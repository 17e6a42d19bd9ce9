"""Section of a stage without a page of its own: its numbers as a table, so that a new stage is in the dossier from its first run."""

from typing import Final

from benchside.core.evidence import Evidence
from benchside.report.blocks import Block, Cell, Section, TableBlock, value_text
from benchside.report.numbers import Numbers, with_interval
from benchside.study.results import Results

MOST_ROWS: Final = 200


def plain_section(results: Results, stage: str) -> Section:
    """Return the numbers of one stage, a table a task."""
    tasks = [task for task, entry in results.current.items() if entry.verb.startswith(f"{stage}.")]
    told = [task for task in tasks if results.current[task].rows and results.evidence(task).quantities]
    blocks: tuple[Block, ...] = tuple(task_table(results, task) for task in told)
    return Section(stage, stage.capitalize(), blocks)


def task_table(results: Results, task: str, caption: str = "") -> TableBlock:
    """Return every number of a task with its trail, unit and status."""
    records = results.evidence(task).records()
    numbers = Numbers(results, task)
    rows = tuple(
        (
            Cell(what(record)),
            numbers.numbered(record.id, value(record)),
            Cell(record.unit),
            Cell("" if record.status == "ok" else record.status),
        )
        for record in records[:MOST_ROWS]
    )
    notes = (f"The first {MOST_ROWS} of {len(records)} numbers.",) if len(records) > MOST_ROWS else ()
    return TableBlock(caption or task, ("Quantity", "Value", "Unit", "Status"), rows, notes)


def what(record: Evidence) -> str:
    """Return what a number is of, in words."""
    about = (record.compound, record.target, record.variant, record.system, record.site, record.arm, record.endpoint)
    when = "" if record.time_months is None else f" at {record.time_months:g} months"
    return " ".join([record.quantity + when, *(part for part in about if part)])


def value(record: Evidence) -> str:
    """Return the value of a number with its interval, where it has one."""
    if not isinstance(record.value, float | int):
        return str(record.value or "NE")
    if record.level is None:
        return value_text(float(record.value), record.relation)
    return with_interval(float(record.value), record.lower, record.upper, record.relation)
