"""The steps of the assay stage as the study calls them: tables in, a table and its lineage out."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.errors import LayoutError, TableError, listed
from benchside.core.parts import Part
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse import fit as fitting
from benchside.stages.assay.analyse import normalise as normalising
from benchside.stages.assay.analyse import potency as potencies
from benchside.stages.assay.analyse import quality as judging
from benchside.stages.assay.model import Fits, Quality, WellTable, interval_named
from benchside.stages.assay.read import door


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
