"""Plate grids: signal blocks and the layout that says what is in their wells, in one workbook or in two files."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchside.core.errors import LayoutError, TableError, listed
from benchside.core.units import nM_per
from benchside.stages.assay.model import WellTable
from benchside.stages.assay.read.blocks import Block, blocks, require_same_shape, widest
from benchside.stages.assay.read.cells import OVERFLOW, Sheet, is_formula_error, number, shown
from benchside.stages.assay.read.decimals import Unsettled
from benchside.stages.assay.read.envision import envision_readings
from benchside.stages.assay.read.layout import layout_of, property_title
from benchside.stages.assay.read.listing import listings, readings_of_list
from benchside.stages.assay.read.properties import Cell, nearest_property, role_of
from benchside.stages.assay.read.readings import Plate, Reading, plates_of, readings_of, relabelled, shape_of
from benchside.stages.assay.read.softmax import softmax_readings
from benchside.stages.assay.read.time_matrix import is_time_course

__all__ = ["OVERFLOW", "Defaults", "well_table", "wells_of_grids", "wells_of_readings"]


@dataclass(frozen=True)
class Defaults:
    """What the study says of all wells, used where the file itself says nothing."""

    target: str | None = None
    variant: str | None = None
    system: str | None = None
    concentration_unit: str | None = None
    overflow: str = "refuse"
    """``refuse`` or ``exclude``: what becomes of a well the reader could not measure."""

    signal_read: str | None = None
    """Which read is the signal, where a plate was read more than once: its label, or its wavelength in nm."""

    reference_read: str | None = None
    """Which read is subtracted from it, for example the 650 nm beside 570 nm; None: none."""


def wells_of_grids(signal_sheets: Sequence[Sheet], layout_sheets: Sequence[Sheet], defaults: Defaults) -> list[dict[str, Any]]:
    """Return the wells of every plate of signals with their layout; `layout_sheets` may be the signal's own workbook.

    Raises
    ------
    LayoutError, TableError, UnitError, SettingError
    """
    readings = readings_in(signal_sheets)
    if not readings:
        raise LayoutError(_no_plate(signal_sheets))
    return wells_of_readings(readings, layout_sheets, defaults)


def readings_in(signal_sheets: Sequence[Sheet]) -> list[Reading]:
    """Return every plate of signals that sheets hold, in whatever shape; none where there is no plate.

    Raises
    ------
    LayoutError, TableError
        When there is one, and it is torn, or stands in two shapes.
    """
    every = [block for sheet in signal_sheets for block in blocks(sheet)]
    signals = [block for block in every if property_title(block) is None and not block.is_map]
    for block in signals:
        require_known_title(block)
    readings = relabelled([*readings_of(every, signals), *softmax_readings(signal_sheets)])
    readings = readings or envision_readings(signal_sheets)
    lists = [listing for sheet in signal_sheets for listing in listings(sheet)]
    if not readings:
        readings = [reading for listing in lists for reading in readings_of_list(listing)]
    elif any(listing.values for listing in lists):
        listing = next(listing for listing in lists if listing.values)
        message = (
            f"{listing.sheet.place(listing.top, listing.well[0])}: the file holds plates of signals and a list of wells with signals "
            f"({listed(listing.values, 3)}). Keep one of them, so that it is certain which is meant."
        )
        raise LayoutError(message)
    return readings


def wells_of_readings(readings: Sequence[Reading], layout_sheets: Sequence[Sheet], defaults: Defaults) -> list[dict[str, Any]]:
    """Return the wells of every plate among readings, with the layout that sheets hold."""
    plates = plates_of(readings, defaults.signal_read, defaults.reference_read)
    found = [block for sheet in layout_sheets for block in blocks(sheet) if property_title(block) is not None]
    signals = [reading.block for reading in readings if reading.block is not None]
    for signal in signals:
        for block in found:
            require_same_shape(signal, block)
    shape = widest([*signals, *found]) or shape_of(readings)
    layout = layout_of(
        layout_sheets, found, [plate.written or plate.name for plate in plates], shape, defaults.concentration_unit
    )
    return [well for plate in plates for well in wells_of(plate, layout.of(plate.name, plate.written), defaults)]


def well_table(rows: Sequence[Mapping[str, Any]]) -> WellTable:
    """Return rows of wells as a checked table."""
    schema = {"note": pl.String, "layout_ref": pl.String, "signal": pl.Float64, "concentration_nM": pl.Float64}
    return WellTable(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))


def _no_plate(sheets: Sequence[Sheet]) -> str:
    if any(is_time_course(sheet) for sheet in sheets):
        return f"{sheets[0].file}: the file holds a time course (a time a row, a well a column). Read it with read_time_course, or export one time point as plates."
    hidden = (
        f" Hidden sheets, here {listed(sheets[0].hidden)}, are not read: show them, if the plate is there."
        if sheets[0].hidden
        else ""
    )
    return (
        f"{sheets[0].file}: no plate was found. A plate is a block with column numbers 1, 2, 3 ... above it and row letters "
        f"A, B, C ... beside it; export it as such, or as a long table with the columns plate_id, well and signal.{hidden}"
    )


def require_known_title(block: Block) -> None:
    """Refuse a block whose title is nearly a layout property: a misspelt layout must not be read as a plate of signals."""
    near = nearest_property(block.title)
    if near is not None:
        message = (
            f"{block.sheet.file}, sheet {block.sheet.name!r}: the block titled {block.title!r} is neither a plate nor a known part of a "
            f"layout (did you mean {near!r}?). Correct the title."
        )
        raise LayoutError(message)


def wells_of(plate: Plate, layout: Mapping[str, Mapping[str, Cell]], defaults: Defaults) -> Iterable[dict[str, Any]]:
    """Yield the wells of one plate as rows of a WellTable."""
    read = plate.signal
    names = {well for well, *_ in read.cells}
    stray = next((well for well in layout if well not in names), None)
    if stray is not None and (read.block is not None or _is_used(layout[stray])):
        place = next((cell.place for cell in layout[stray].values()), "the layout")
        message = f"{place}: well {stray} is not on the {len(names)}-well plate {plate.name}. Use the layout of this plate."
        raise LayoutError(message)
    subtracted = (
        None if plate.reference is None else {well: (value, row, column) for well, value, row, column in plate.reference.cells}
    )
    for well, value, row, column in read.cells:
        properties = layout.get(well, {})
        role = role_of(properties)
        place = read.sheet.place(row, column)
        if read.sheet.is_merged(row, column) and role not in {"empty", "excluded"}:
            message = (
                f"{place} is part of a merged cell, and is the signal of a {role} well. Export the plate without merged cells."
            )
            raise TableError(message)
        signal, role, note = signal_of(value, role, place, defaults)
        further: dict[str, Any] = {}
        if subtracted is not None and plate.reference is not None:
            signal, role, note, further = _minus((signal, role, note), subtracted.get(well), plate.reference.sheet, defaults)
        further |= _second(properties)
        dose = properties.get("concentration")
        said = next(iter(properties.values()), None) if {"role", "compound"} & properties.keys() else None
        anchor = (dose or said) if said else None
        yield {
            "plate_id": plate.name, "well": well, "role": role,
            "compound": _word(properties, "compound") if role in {"sample", "positive", "excluded"} else None,
            "concentration_nM": None if dose is None else float(dose.value),
            "target": _word(properties, "target") or defaults.target,
            "variant": _word(properties, "variant") or defaults.variant,
            "system": _word(properties, "system") or defaults.system,
            "replicate": properties["replicate"].value if "replicate" in properties else 1,
            "signal": signal, "signal_ref": read.sheet.ref(row, column),
            "layout_ref": None if anchor is None else anchor.ref, "note": note, **further, **_moment(read),
        }  # fmt: skip


def _second(properties: Mapping[str, Cell]) -> dict[str, Any]:
    """Return what a layout says beyond one compound and its dose: ATP in µM, a second compound in nM."""
    found: dict[str, Any] = {"compound_b": _word(properties, "compound_b")} if "compound_b" in properties else {}
    if "concentration_b" in properties:
        found["concentration_b_nM"] = float(properties["concentration_b"].value)
    if "atp" in properties:
        found["atp_uM"] = float(properties["atp"].value) / nM_per("uM", place=properties["atp"].place)
    return found


def _moment(read: Reading) -> dict[str, float]:
    return {name: value for name, value in (("day", read.day), ("time_h", read.time_h)) if value is not None}


def _is_used(properties: Mapping[str, Cell]) -> bool:
    return role_of(properties) not in {"empty", "excluded"}


def _minus(
    measured: tuple[float | None, str, str | None], cell: tuple[Any, int, int] | None, sheet: Sheet, defaults: Defaults
) -> tuple[float | None, str, str | None, dict[str, Any]]:
    """Return the well less its reference read, and the two readings as columns of their own."""
    signal, role, note = measured
    value, row, column = cell or (None, 0, 0)
    reference, role, further_note = signal_of(value, role, sheet.place(row, column), defaults)
    kept = {"signal_measured": signal, "signal_reference": reference, "reference_ref": sheet.ref(row, column)}
    difference = None if signal is None or reference is None else signal - reference
    return difference, role, note or further_note, kept


def _word(properties: Mapping[str, Cell], name: str) -> str | None:
    return str(properties[name].value).strip() if name in properties else None


def signal_of(value: Any, role: str, place: str, defaults: Defaults) -> tuple[float | None, str, str | None]:
    """Return (signal, role, note) of a well; a used well without a number is refused, or excluded where the study says so."""
    found = number(value)
    if found is not None and math.isfinite(found):
        return found, role, None
    if role in {"empty", "excluded"}:
        return None, role, None
    overflow = isinstance(value, str) and bool(OVERFLOW.match(value))
    if overflow and defaults.overflow == "exclude":
        return None, "excluded", f"reader overflow: {str(value).strip()}"
    if value is None:
        message = (
            f"{place} is empty or holds a formula error, and is the signal of a {role} well. "
            "Correct the cell, or give the well the role 'excluded'."
        )
        raise TableError(message)
    what = "a formula error" if is_formula_error(value) else "an overflow mark" if overflow else "no number"
    remedy = "Correct the cell, or give the well the role 'excluded'."
    if overflow:
        remedy = 'Set overflow = "exclude" to leave such wells out, or correct the cell.'
    if isinstance(value, Unsettled):
        remedy = "Export the numbers without thousands signs, with a decimal point."
    message = f"{place} holds {shown(value)}, {what}, as the signal of a {role} well. {remedy}"
    raise TableError(message)
