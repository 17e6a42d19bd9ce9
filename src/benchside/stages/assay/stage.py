"""The assay stage as the study sees it: its section of study.toml, its verbs, its tasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from benchside.core.errors import LayoutError, TableError, listed
from benchside.core.parts import Part, part_count, row_count
from benchside.core.stage import Files, From, Inputs, Product, Stage, StageContext, Task, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse import fit as fitting
from benchside.stages.assay.analyse import normalise as normalising
from benchside.stages.assay.analyse import potency as potencies
from benchside.stages.assay.analyse import quality as judging
from benchside.stages.assay.model import PLATE_SHAPES, Fits, Quality, WellTable, interval_named
from benchside.stages.assay.read import door
from benchside.stages.assay.read.long import is_gdsc, is_well_list
from benchside.stages.assay.simulate import TRUTHS, simulate


class AssaySettings(BaseModel):
    """Section [assay] of study.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] = Field(min_length=1)
    """Plate files, relative to the study; * and ? match."""

    layout: str | None = None
    """Layout file for all plates; by default each file holds its own."""

    format: Literal["plates", "responses"] = "plates"
    concentration_unit: str | None = None
    response_unit: Literal["fraction", "percent"] | None = None
    columns: dict[str, str] = {}
    """For format = "responses": promised name -> column of the file."""

    where: dict[str, str | int | float | list[str]] = {}
    target: str | None = None
    variant: str | None = None
    system: str | None = None
    serum_fraction: float | None = Field(default=None, ge=0, le=1)
    interval: Literal["profile", "delta"] = "profile"
    level: float = Field(default=0.95, gt=0, lt=1)
    quality_against: Literal["blank", "positive"] = "blank"
    overflow: Literal["refuse", "exclude"] = "refuse"
    round_trip: str | None = None
    """What the data were simulated from, where they were; the dossier then heads them "round-trip"."""


def _read(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    (path,) = inputs.files["plates"]
    layout, part = inputs.files.get("layout", ()), _part(settings)
    wells = door.read(
        path,
        layout[0] if layout else None,
        label=settings["file"],
        part=part,
        **{name: settings[name] for name in ("concentration_unit", "target", "variant", "system", "overflow")},
    )
    if part is None:
        _require_samples(wells.table, settings["file"])
    normalising.controls(wells.table)  # a plate without its controls is refused before anything is written
    return Product(wells.table, lineage_of([]))


def _part(settings: Mapping[str, Any]) -> Part | None:
    """Return which part of its input a task works on; None: all of it."""
    return Part(*settings["part"]) if "part" in settings else None


def _require_samples(table: pl.DataFrame, label: str) -> None:
    """Refuse a file without sample wells."""
    if (table["role"] != "sample").all():
        message = f"{label}: no well is a sample (a compound with a dose). Complete the layout."
        raise LayoutError(message)


def _read_responses(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    (path,) = inputs.files["responses"]
    constants = {name: settings[name] for name in ("target", "variant", "system") if settings[name] is not None}
    table = door.read_responses(
        path,
        columns=settings["columns"],
        concentration_unit=settings["concentration_unit"],
        response_unit=settings["response_unit"],
        constants=constants,
        where=settings["where"],
        label=settings["file"],
        part=_part(settings),
    ).table
    return Product(table, lineage_of([]))


def _stacked_wells(inputs: Inputs) -> pl.DataFrame:
    """Return the wells of all files as one checked table: a plate that stands in two files is refused."""
    stacked = inputs.stack("wells")
    return WellTable(stacked).table if len(inputs.tables["wells"]) > 1 else stacked


def _quality(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    wells = _stacked_wells(inputs)
    table = judging.quality_table(wells, against=settings["against"])
    controls = wells.filter(pl.col("role").is_in(["vehicle", "blank", "positive"]))
    return Product(table, lineage_by(controls, ["plate_id"], table))


def _controls(inputs: Inputs, _: Mapping[str, Any]) -> Product:
    wells = _stacked_wells(inputs)
    table = normalising.controls(wells)
    roles = table.select("plate_id", "zero_role").unique()
    used = wells.join(roles, on="plate_id", how="inner", maintain_order="left")
    used = used.filter((pl.col("role") == "vehicle") | (pl.col("role") == pl.col("zero_role")))
    return Product(table, lineage_by(used, ["plate_id"], table))


def _normalise(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    wells, means = _stacked_wells(inputs), inputs.stack("controls")
    table = normalising.responses(wells, means.select(normalising.CONTROLS_SCHEMA), settings["excluded"])
    level, place = normalising.LEVEL, ["plate_id", "well"]
    keys = table.with_row_index("row").select("row", *place)
    own = normalising.with_level(wells).select(*place, level, "_input", "_row")
    own = keys.join(own, on=place, how="left", maintain_order="left")
    control = own.select("row", "plate_id", level).join(
        means.select("plate_id", level, "_input", "_row"),
        on=["plate_id", level],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    lineage = pl.concat([part.select("row", input="_input", rows=pl.concat_list("_row")) for part in (own, control)])
    return Product(table, lineage)


def _fit(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    scanned, part = inputs.scan("responses"), _part(settings)
    _require_one_place(scanned)
    responses = part.rows(scanned, pl.col("curve_id")) if part else scanned.collect()
    table = fitting.fit_table(responses, interval_named(settings["interval"], settings["level"]))
    return Product(table, lineage_by(responses, ["curve_id"], table))


def _require_one_place(responses: pl.LazyFrame) -> None:
    """Refuse a plate whose responses come from two groups of files, which were normalised apart (those a user normalised may)."""
    if "well" not in responses.collect_schema().names():
        return
    places = responses.filter(pl.col("plate_id").is_not_null()).select("plate_id", "_input").unique()
    torn = places.group_by("plate_id").len().filter(pl.col("len") > 1).collect(engine="streaming")["plate_id"].sort().to_list()
    if torn:
        message = f"plate {listed(torn, 3)} stands in more than one file. Keep one file a plate, or give the repeats a plate_id of their own."
        raise TableError(message)


def _potency(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    fits = inputs.stack("fits")
    table = potencies.potency_table(fits, settings["serum_fraction"], settings["level"])
    return Product(table, lineage_by(potencies.known(fits), potencies.KEY, table))


VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb("assay.read", door.VERSION, _read, "wells", key=("plate_id", "well")),
        Verb("assay.read_responses", door.VERSION, _read_responses, "responses", key=("curve_id",)),
        Verb("assay.quality", judging.VERSION, _quality, "quality", key=Quality.KEY, quantities=Quality.QUANTITIES),
        Verb("assay.controls", normalising.VERSION, _controls, "controls", key=("plate_id",)),
        Verb("assay.normalise", normalising.VERSION, _normalise, "responses", key=("plate_id", "well")),
        Verb("assay.fit", fitting.VERSION, _fit, "fits", key=Fits.KEY, quantities=Fits.QUANTITIES),
        Verb("assay.potency", potencies.VERSION, _potency, "potency", key=("compound", "target", "variant", "system")),
    )
}


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


def recognise(path: Path) -> bool:
    """Return whether a file looks like plates: a table of wells, or a sheet with a plate block."""
    columns = door.header(path) if path.suffix.lower() in {".csv", ".tsv", ".txt", ".parquet"} else []
    return is_gdsc(columns) or is_well_list(columns) or path.suffix.lower() in {".xlsx", ".xls", ".ods"}


def analyse(wells: Any) -> Fits:
    """Return the fitted curves of wells: normalised to the vehicle, then fitted."""
    return fitting.fit(normalising.normalise(wells))


STAGE: Final = Stage(
    name="assay",
    question="How potent is it?",
    recognise=recognise,
    read=door.read,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.assay.figure",
    settings=AssaySettings,
    verbs=VERBS,
    plan=plan,
    gives=("potency",),
)
