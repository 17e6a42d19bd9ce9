"""The tasks of the assay stage in a study: one of each step, or one a part where the tables are too large to hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchside.core.parts import part_count, row_count
from benchside.core.stage import Files, From, StageContext, Task
from benchside.stages.assay.model import PLATE_SHAPES
from benchside.stages.assay.read import door
from benchside.stages.assay.settings import AssaySettings, PerVariant
from benchside.stages.assay.verbs.plates import READ_SETTINGS


def plan(settings: AssaySettings, context: StageContext) -> Sequence[Task]:
    """Return the tasks of the stage: read each file, judge, normalise, fit, compare, and offer the potencies.

    Large tables are read in parts, and so are judged and normalised; curves, which may stand on plates of several parts, are
    fitted in parts of their own. A small study has one of each, under the plain name.
    """
    if settings.format == "time courses":
        return _course_tasks(settings, context)
    read: list[tuple[Task, int]] = []
    for file in context.match(settings.files):
        read += _read_tasks(settings, file, context)
    rows, names = sum(count for _, count in read), tuple(task.name for task, _ in read)
    tasks = [task for task, _ in read]
    if settings.format == "plates":
        prepared = _prepare_tasks(settings, read, context)
        tasks += [*prepared, *_growth_tasks(settings, names, context)]
        names = tuple(task.name for task in prepared if task.verb == "assay.normalise")
    return [*tasks, *_curve_tasks(settings, From("responses", names), part_count(rows), context.seed)]


def _course_tasks(settings: AssaySettings, context: StageContext) -> list[Task]:
    """Return the tasks of time courses: read with their layout, then rates of proliferation."""
    own = {name: getattr(settings, name) for name in ("concentration_unit", "target", "variant", "system", "time_unit")}
    read = [
        Task(
            f"assay.read:{file}",
            "assay.read_courses",
            (Files("courses", (context.root / file,)), *_layout(settings, context)),
            {**own, "file": file},
        )
        for file in context.match(settings.files)
    ]
    return [*read, Task("assay.dip_rates", "assay.dip_rates", (From("counts", tuple(task.name for task in read)),), {})]


def _layout(settings: AssaySettings, context: StageContext) -> tuple[Files, ...]:
    """Return the layout file of the study as an input, where there is one."""
    return () if settings.layout is None else (Files("layout", (context.root / context.match([settings.layout])[0],)),)


def _curve_tasks(settings: AssaySettings, responses: From, count: int, seed: int) -> list[Task]:
    """Return the tasks on responses; a step that does not concern a study makes an empty table."""
    curve = {"curve": settings.curve, "bottom": settings.bottom}
    fit = {**curve, **{name: getattr(settings, name) for name in ("interval", "level", "plates", "weights", "loss")}}
    fold = {
        "reference": settings.reference,
        "shared": settings.fold_shared,
        "measure": settings.fold_measure,
        "level": settings.level,
    }
    fits = _in_parts("assay.fit", responses, count, fit)
    from_fits = From("fits", tuple(task.name for task in fits))
    potency = Task(
        "assay.potency",
        "assay.potency",
        (from_fits,),
        {"serum_fraction": settings.serum_fraction, "level": settings.level, "atp_uM": _one(settings.atp_uM)},
        gives="potency",
    )
    from_potency = From("potency", (potency.name,))
    panel = {"reference": settings.reference, "threshold_nM": settings.selectivity_threshold_nM}
    resampled = {"n": settings.resamples, "seed": seed}
    tasks = [
        *fits,
        *_flag_tasks(responses, count, {**curve, "fdr": settings.outlier_fdr}),
        *_in_parts("assay.potency_ratio", responses, count, fold),
        potency,
        Task("assay.selectivity", "assay.selectivity", (from_potency,), panel),
        Task(
            "assay.mode_of_inhibition",
            "assay.mode_of_inhibition",
            (responses,),
            {"enzyme_nM": _one(settings.enzyme_nM), "km_uM": _one(settings.km_uM), "level": settings.level},
        ),
        Task("assay.combination", "assay.combination", (responses,), {**resampled, "reference": settings.combination_reference}),
        Task("assay.combination_cells", "assay.combination_cells", (responses,), resampled),
    ]
    if settings.km_uM is not None:
        known = {name: getattr(settings, name) for name in ("atp_uM", "km_uM", "km_se_uM", "enzyme_nM", "alpha", "level")}
        tasks.append(Task("assay.ki", "assay.ki", (from_fits,), {**known, "mode": settings.inhibition}))
    if settings.parental is not None:
        choice = {"parental": settings.parental, "least": settings.window_least}
        tasks.append(Task("assay.target_window", "assay.target_window", (from_potency,), choice))
    return tasks


def _flag_tasks(responses: From, count: int, settings: Mapping[str, Any]) -> list[Task]:
    """Return the task that flags outliers: none for a study of parts, where nobody looks at points and robust fits are slow."""
    return [] if count > 1 else [Task("assay.outliers", "assay.outliers", (responses,), settings)]


def _one(value: PerVariant | None) -> float | None:
    """Return a number that is one for all variants."""
    return value if isinstance(value, float) else None


def _in_parts(verb: str, responses: From, count: int, settings: Mapping[str, Any]) -> list[Task]:
    return [Task(name, verb, (responses,), {**settings, **part}) for name, part in _parts(verb, count)]


def _growth_tasks(settings: AssaySettings, end: tuple[str, ...], context: StageContext) -> list[Task]:
    """Return the tasks of growth-rate inhibition; day-0 plates stand in files of their own, or among the others and say so."""
    files = context.match(settings.day_zero) if settings.day_zero else []
    day_zero = [task for file in files for task, _ in _read_tasks(settings, file, context, may_lack_samples=True)]
    start = [From("day_zero", tuple(task.name for task in day_zero))] if day_zero else []
    inputs = (From("wells", end), *start)
    growth = Task("assay.growth_rate_inhibition", "assay.growth_rate_inhibition", inputs, {"background": settings.background})
    return [*day_zero, growth]


def _parts(name: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of the tasks of a step and the part each works on: one, which needs no number, or several."""
    if count == 1:
        return [(name, {})]
    return [(f"{name} {number}/{count}", {"part": [number, count]}) for number in range(1, count + 1)]


def _read_tasks(
    settings: AssaySettings, file: str, context: StageContext, *, may_lack_samples: bool = False
) -> list[tuple[Task, int]]:
    """Return the tasks that read a file, each with about how many rows it holds."""
    common = {name: getattr(settings, name) for name in ("concentration_unit", "target", "variant", "system")}
    path = context.root / file
    rows = row_count(path) or max(PLATE_SHAPES)
    key = "plate_id" if settings.format == "plates" else None
    whole = key is not None and not {key, "BARCODE"} & set(door.header(path))  # one plate, whatever its size
    parts = _parts(f"assay.read:{file}", 1 if whole else part_count(rows))
    own: dict[str, Any] = {"file": file}
    if settings.format == "responses":
        own |= {"columns": settings.columns, "response_unit": settings.response_unit, "where": settings.where}
        verb, inputs = "assay.read_responses", [Files("responses", (path,))]
    else:
        own |= {name: getattr(settings, name) for name in READ_SETTINGS}
        own |= {"may_lack_samples": True} if may_lack_samples else {}
        verb, inputs = "assay.read", [Files("plates", (path,)), *_layout(settings, context)]
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
