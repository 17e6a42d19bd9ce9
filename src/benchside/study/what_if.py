"""What if: one stage's tasks with other settings on a study's present results; computed, shown, and recorded nowhere."""

from typing import Any

import polars as pl

from benchside.core.errors import StudyError
from benchside.core.stage import Files, From, Inputs, Port, StageContext
from benchside.study.ledger import Entry
from benchside.study.results import Results
from benchside.study.stages import STAGES
from benchside.study.workflow import Call, perform


def what_if(results: Results, stage: str, settings: Any, *, seed: int) -> dict[str, pl.DataFrame]:
    """Return task -> table of one stage run with `settings` on what the study's other stages hold now.

    Raises
    ------
    StudyError
        When the study holds no result of a kind the stage needs.
    """
    context = StageContext(results.root, frozenset({stage}), seed)
    made: dict[str, pl.DataFrame] = {}
    for task in STAGES[stage].plan(settings, context):
        tables: dict[str, list[pl.DataFrame]] = {}
        for source in task.inputs:
            if isinstance(source, Port):
                tables.setdefault(source.role, []).extend(_of_kind(results, source))
            elif isinstance(source, From):
                tables.setdefault(source.role, []).extend(made[name] for name in source.tasks)
        files = {source.role: source.paths for source in task.inputs if isinstance(source, Files)}
        held = {role: tuple(found) for role, found in tables.items()}
        numbers = {role: tuple(range(len(found))) for role, found in tables.items()}
        made[task.name] = perform(Call(task.verb, Inputs(held, files, numbers, results.root), task.settings)).table
    return made


def _of_kind(results: Results, port: Port) -> list[pl.DataFrame]:
    """Return the tables of the study that are of the kind a port asks for; kinds are named after their exchange type."""
    entries: list[Entry] = [entry for entry in results.current.values() if entry.kind == port.exchange]
    if not entries and not port.optional:
        message = f"the study {results.root} holds no {port.exchange}. Add the stage that gives it, and run the study."
        raise StudyError(message)
    return [results.store.table(entry.table_hash) for entry in entries]
