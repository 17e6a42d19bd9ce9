"""From files to responses: reading, judging the plates, normalising."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.errors import LayoutError
from benchside.core.parts import Part
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse.plates import normalise as normalising
from benchside.stages.assay.analyse.plates import quality as judging
from benchside.stages.assay.model import Quality, WellTable
from benchside.stages.assay.read import door

READ_SETTINGS: Final = (
    "concentration_unit", "target", "variant", "system", "overflow", "signal_read", "reference_read", "through",
)  # fmt: skip
"""What a study may say of how its plates are read."""


def _read(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    (path,) = inputs.files["plates"]
    layout, part = inputs.files.get("layout", ()), part_of(settings)
    wells = door.read(
        path,
        layout[0] if layout else None,
        label=settings["file"],
        part=part,
        **{name: settings[name] for name in READ_SETTINGS},
    )
    if part is None and not settings.get("may_lack_samples"):
        _require_samples(wells.table, settings["file"])
    normalising.controls(wells.table)  # a plate without its controls is refused before anything is written
    return Product(wells.table, lineage_of([]))


def part_of(settings: Mapping[str, Any]) -> Part | None:
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
        part=part_of(settings),
    ).table
    return Product(table, lineage_of([]))


def stacked_wells(inputs: Inputs) -> pl.DataFrame:
    """Return the wells of all files as one checked table: a plate that stands in two files is refused."""
    stacked = inputs.stack("wells")
    return WellTable(stacked).table if len(inputs.tables["wells"]) > 1 else stacked


def _quality(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    wells = stacked_wells(inputs)
    table = judging.quality_table(wells, against=settings["against"])
    return Product(table, lineage_by(wells.filter(pl.col("role") != "empty"), ["plate_id"], table))


def _controls(inputs: Inputs, _: Mapping[str, Any]) -> Product:
    wells = stacked_wells(inputs)
    table = normalising.controls(wells)
    roles = table.select("plate_id", "zero_role").unique()
    used = wells.join(roles, on="plate_id", how="inner", maintain_order="left")
    used = used.filter((pl.col("role") == "vehicle") | (pl.col("role") == pl.col("zero_role")))
    return Product(table, lineage_by(used, ["plate_id"], table))


def _normalise(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    wells, means = stacked_wells(inputs), inputs.stack("controls")
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


VERBS: Final[tuple[Verb, ...]] = (
    Verb("assay.read", door.VERSION, _read, "wells", key=("plate_id", "well")),
    Verb("assay.read_responses", door.VERSION, _read_responses, "responses", key=("curve_id",)),
    Verb("assay.quality", judging.VERSION, _quality, "quality", key=Quality.KEY, quantities=Quality.QUANTITIES),
    Verb("assay.controls", normalising.VERSION, _controls, "controls", key=("plate_id", normalising.LEVEL)),
    Verb("assay.normalise", normalising.VERSION, _normalise, "responses", key=("plate_id", "well")),
)
