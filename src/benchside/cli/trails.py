"""Commands on one number: trace, replay, and the list of numbers to choose from."""

from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.cli.show import cell, print_json, print_table, say
from benchside.core.errors import LineageError, listed, nearest
from benchside.core.evidence import DIMENSIONS, Evidence
from benchside.study.results import Results
from benchside.study.trail import Step
from benchside.study.trail import replay as replay_number
from benchside.study.trail import trace as trace_number

MOST_WELLS: Final = 400
LISTED: Final = {
    "id", "quantity", "item", "value", "lower", "upper", "unit", "relation", "compound", "comparator", "variant", "system", "site", "arm",
    "endpoint", "time_months", "status",
}  # fmt: skip
"""What the list of numbers says of each."""


def headline(record: Evidence) -> str:
    """Return a number as one line: what, of what, value, interval, unit, status."""
    about = [record.compound, record.variant, record.system, record.site, record.arm, record.endpoint]
    value = cell(record.value) if record.relation == "=" else f"{record.relation} {cell(record.value)}"
    interval = f" ({cell(record.lower)} to {cell(record.upper)}, {record.level:.0%})" if record.level is not None else ""
    when = "" if record.time_months is None else f" at {record.time_months:g} months"
    words = [part for part in about if part]
    told = ", ".join(apart(record)) if words else ""
    name = " ".join(words) + (f" [{told}]" if told else "") if words else record.item
    return f"{record.quantity}{when} {name} = {value}{interval} {record.unit}".rstrip()


def apart(record: Evidence) -> list[str]:
    """Return what the row of a number is named beyond its compound, target and so on: a law, an ATP level, a curve's own name."""
    known = {str(value) for name in DIMENSIONS if (value := getattr(record, name)) is not None}
    parts = [part for name in record.item.split(" / ") for part in name.split(" | ")]
    return [part for part in dict.fromkeys(parts) if part and part not in known]


def trace(root: Path, number: str, *, as_json: bool) -> None:
    """Print the trail of a number."""
    with Results.of(root) as results:
        trail = trace_number(results, number)
    if as_json:
        print_json({"number": trail.evidence.model_dump(mode="json"), "note": trail.note, "trail": step_json(trail.step)})
        return
    say(f"{trail.evidence.id}  {headline(trail.evidence)}")
    if trail.evidence.status != "ok":
        say(f"  {trail.evidence.status}")
    print_step(trail.step, 1)


def print_step(step: Step, depth: int) -> None:
    """Print one step, its cells, and the steps it rests on."""
    indent = "  " * depth
    files = f" from {', '.join(step.files)}" if step.files else ""
    say(f"{indent}<- {step.verb}: {step.rows.height} of {step.total_rows} rows of {step.kind}{files}  [{step.set_id[:12]}]")
    for line in cell_lines(step):
        say(f"{indent}     {line}")
    for source in step.sources:
        print_step(source, depth + 1)


def cell_lines(step: Step) -> list[str]:
    """Return the cells of a step that read files, a line a row: what it is, its signal and dose, and where both stand."""
    if not step.cells:
        return []
    lines = []
    for row in step.rows.head(MOST_WELLS).iter_rows(named=True):
        if "signal_ref" in row:
            dose = (
                f", dose {row['concentration_nM']:g} nM at {row['layout_ref']}"
                if row["concentration_nM"]
                else f", {row['role']} by {row['layout_ref']}"
            )
            lines.append(f"{row['plate_id']} {row['well']}: signal {cell(row['signal'])} at {row['signal_ref']}{dose}")
        else:
            lines.append(str(row["source_ref"]))
    if step.rows.height > MOST_WELLS:
        lines.append(f"... and {step.rows.height - MOST_WELLS} more (--json lists all)")
    return lines


def step_json(step: Step) -> dict[str, Any]:
    """Return a step as plain data."""
    return {
        "verb": step.verb, "set_id": step.set_id, "kind": step.kind, "rows": step.rows.height, "of_rows": step.total_rows,
        "files": list(step.files), "cells": list(step.cells), "from": [step_json(source) for source in step.sources],
    }  # fmt: skip


def replay(root: Path, number: str, *, as_json: bool) -> None:
    """Print whether a number comes out the same again; leave with exit code 1 where it does not."""
    with Results.of(root) as results:
        found = replay_number(results, number)
    if as_json:
        print_json(
            {"id": number, "value": found.value, "was": found.evidence.value, "same": found.same, "verdict": found.sentence()}
        )
    else:
        say(f"{number}  {headline(found.evidence)}")
        say(found.sentence())
    if not found.same:
        raise SystemExit(1)


def _of_stage(records: list[Evidence], stage: str | None) -> list[Evidence]:
    """Return the records of one stage, all where none is named."""
    if stage is None:
        return records
    known = sorted({str(record.method).partition(".")[0] for record in records})
    if stage not in known:
        message = (
            f"the study has no number of the stage {stage!r}{nearest(stage, known)}; it has {listed(known)}. Name one of them."
        )
        raise LineageError(message)
    return [record for record in records if str(record.method).startswith(f"{stage}.")]


def numbers(root: Path, quantity: str | None, stage: str | None, *, as_json: bool) -> None:
    """Print the numbers of a study with their ids."""
    with Results.of(root) as results:
        every = list(results.records())
    every = _of_stage(every, stage)
    records = [record for record in every if quantity is None or record.quantity.lower() == quantity.lower()]
    if not records and quantity is not None:
        known = sorted({record.quantity for record in every})
        message = f"the study has no number of the quantity {quantity!r}{nearest(quantity, known)}; it has {listed(known, 30)}. Name one of them."
        raise LineageError(message)
    if as_json:
        print_json({"numbers": [record.model_dump(mode="json", include=LISTED) for record in records]})
        return
    table = pl.DataFrame(
        [{"id": record.id, "number": headline(record)} for record in records], schema={"id": pl.String, "number": pl.String}
    )
    print_table(table, ["id", "number"], title=f"{len(records)} number{'' if len(records) == 1 else 's'}", most=200)
