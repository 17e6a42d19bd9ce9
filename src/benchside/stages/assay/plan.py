"""The tasks of the assay stage in a study: one of each step, or one a part where the tables are too large to hold."""

from collections.abc import Sequence
from typing import Any

from benchside.core.parts import part_count, row_count
from benchside.core.stage import Files, From, StageContext, Task
from benchside.stages.assay.model import PLATE_SHAPES
from benchside.stages.assay.read import door
from benchside.stages.assay.settings import AssaySettings


def plan(settings: AssaySettings, context: StageContext) -> Sequence[Task]:
    """Return the tasks of the stage: read each file, then judge, normalise, fit, and offer the potencies.

    Large tables are read in parts, and so are judged and normalised; curves, which may stand on plates of several parts, are
    fitted in parts of their own. A small study has one of each, under the plain name.
    """
    read: list[tuple[Task, int]] = []
    for file in context.match(settings.files):
        read += _read_tasks(settings, file, context)
    rows, names = sum(count for _, count in read), tuple(task.name for task, _ in read)
    tasks = [task for task, _ in read]
    if settings.format == "plates":
        prepared = _prepare_tasks(settings, read, context)
        tasks += prepared
        names = tuple(task.name for task in prepared if task.verb == "assay.normalise")
    fit_settings = {"curve": "LL4", "interval": settings.interval, "level": settings.level, "plates": "pooled"}
    fits = [
        Task(name, "assay.fit", (From("responses", names),), {**fit_settings, **part})
        for name, part in _parts("assay.fit", part_count(rows))
    ]
    serum = {"serum_fraction": settings.serum_fraction, "level": settings.level}
    potency = Task("assay.potency", "assay.potency", (From("fits", tuple(task.name for task in fits)),), serum, gives="potency")
    return [*tasks, *fits, potency]


def _parts(name: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of the tasks of a step and the part each works on: one, which needs no number, or several."""
    if count == 1:
        return [(name, {})]
    return [(f"{name} {number}/{count}", {"part": [number, count]}) for number in range(1, count + 1)]


def _read_tasks(settings: AssaySettings, file: str, context: StageContext) -> list[tuple[Task, int]]:
    """Return the tasks that read a file, each with about how many rows it holds."""
    common = {name: getattr(settings, name) for name in ("concentration_unit", "target", "variant", "system")}
    path = context.root / file
    rows = row_count(path) or max(PLATE_SHAPES)
    key = "plate_id" if settings.format == "plates" else None
    whole = key is not None and not {key, "BARCODE"} & set(door.header(path))  # one plate, whatever its size
    parts = _parts(f"assay.read:{file}", 1 if whole else part_count(rows))
    if settings.format == "responses":
        own = {"file": file, "columns": settings.columns, "response_unit": settings.response_unit, "where": settings.where}
        verb, inputs = "assay.read_responses", [Files("responses", (path,))]
    else:
        own, verb, inputs = {"file": file, "overflow": settings.overflow}, "assay.read", [Files("plates", (path,))]
        if settings.layout is not None:
            inputs.append(Files("layout", (context.root / context.match([settings.layout])[0],)))
    return [(Task(name, verb, tuple(inputs), {**common, **own, **part}), rows // len(parts)) for name, part in parts]


def _prepare_tasks(settings: AssaySettings, read: Sequence[tuple[Task, int]], context: StageContext) -> list[Task]:
    """Return the tasks that judge plates and normalise them, for so many files (or parts of one) at a time as may be held."""
    groups = _groups(read)
    excluded = [{"plate_id": record["plate_id"], "well": record["well"]} for record in context.exclusions]
    tasks = []
    for number, names in enumerate(groups, 1):
        mark = f" {number}/{len(groups)}" if len(groups) > 1 else ""
        wells = From("wells", names)
        controls = Task(f"assay.controls{mark}", "assay.controls", (wells,), {})
        struck = {"to": "vehicle", "excluded": excluded}
        tasks += [
            Task(f"assay.quality{mark}", "assay.quality", (wells,), {"against": settings.quality_against}),
            controls,
            Task(f"assay.normalise{mark}", "assay.normalise", (wells, From("controls", (controls.name,))), struck),
        ]
    return tasks


def _groups(read: Sequence[tuple[Task, int]]) -> list[tuple[str, ...]]:
    """Return the names of reading tasks in groups of about as many rows as are held at once."""
    groups: list[list[str]] = [[]]
    held = 0
    for task, count in read:
        if groups[-1] and part_count(held + count) > 1:
            groups.append([])
            held = 0
        groups[-1].append(task.name)
        held += count
    return [tuple(names) for names in groups]
