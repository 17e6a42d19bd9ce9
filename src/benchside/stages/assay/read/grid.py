"""Plate grids: signal blocks and the layout that says what is in their wells, in one workbook or in two files."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchside.core.errors import LayoutError, TableError
from benchside.stages.assay.read.blocks import Block, blocks, require_same_shape
from benchside.stages.assay.read.cells import Sheet, is_formula_error, number
from benchside.stages.assay.read.layout import Cell, from_blocks, from_list, list_header, nearest_property, property_of, role_of

_PLATE_NAME: Final = re.compile(r"^\s*plate\s*(id|name|barcode|no\.?)?\s*[:=]?\s*$", re.IGNORECASE)
OVERFLOW: Final = re.compile(r"^\s*(ovrflw|overflow|over|ovr|sat(urated)?|\*+|>\s*max|>\s*[\d.,]+)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Defaults:
    """What the study says of all wells, used where the file itself says nothing."""

    target: str | None = None
    variant: str | None = None
    system: str | None = None
    concentration_unit: str | None = None
    overflow: str = "refuse"
    """``refuse`` or ``exclude``: what becomes of a well the reader could not measure."""


def wells_of_grids(signal_sheets: Sequence[Sheet], layout_sheets: Sequence[Sheet], defaults: Defaults) -> list[dict[str, Any]]:
    """Return the wells of every signal block with their layout; `layout_sheets` may be the signal's own workbook.

    Raises
    ------
    LayoutError, TableError, UnitError
    """
    every = [block for sheet in signal_sheets for block in blocks(sheet)]
    signals = [block for block in every if property_of(block.title) is None]
    for block in signals:
        require_known_title(block)
    if not signals:
        message = (
            f"{signal_sheets[0].file}: no plate was found. A plate is a block with column numbers 1, 2, 3 ... above it and row letters "
            "A, B, C ... beside it; export it as such, or as a long table with the columns plate_id, well and signal."
        )
        raise LayoutError(message)
    layout_blocks = [block for sheet in layout_sheets for block in blocks(sheet) if property_of(block.title) is not None]
    if layout_blocks:
        for signal in signals:
            for block in layout_blocks:
                require_same_shape(signal, block)
        layout = from_blocks(layout_blocks, defaults.concentration_unit)
    else:
        listing = next((sheet for sheet in layout_sheets if list_header(sheet)), layout_sheets[0])
        layout = from_list(listing, defaults.concentration_unit)
    names = plate_names(signals)
    return [well for block, plate in zip(signals, names, strict=True) for well in wells_of(block, plate, layout, defaults)]


def require_known_title(block: Block) -> None:
    """Refuse a block whose title is nearly a layout property: a misspelt layout must not be read as a plate of signals."""
    near = nearest_property(block.title)
    if near is not None:
        message = (
            f"{block.sheet.file}, sheet {block.sheet.name!r}: the block titled {block.title!r} is neither a plate nor a known part of a "
            f"layout (did you mean {near!r}?). Correct the title."
        )
        raise LayoutError(message)


def plate_names(signals: Sequence[Block]) -> list[str]:
    """Return a name for every signal block: the one written above it, else file, sheet and title as far as needed."""
    written = [_written_name(block) for block in signals]
    stems = [block.sheet.file.rsplit("/", 1)[-1].rsplit(".", 1)[0] for block in signals]
    sheets = len({block.sheet.name for block in signals}) > 1
    found: list[str] = []
    for block, name, stem in zip(signals, written, stems, strict=True):
        base = name or (f"{stem}:{block.sheet.name}" if sheets else stem)
        found.append(
            base
            if base not in found
            else f"{base}#{found.count(base) + sum(other.startswith(base + '#') for other in found) + 1}"
        )
    return found


def _written_name(block: Block) -> str | None:
    for row in range(block.top - 1, -1, -1):
        for column in range(len(block.sheet.rows[row])):
            text = block.sheet.text(row, column)
            if _PLATE_NAME.match(text) and block.sheet.text(row, column + 1):
                return block.sheet.text(row, column + 1)
    return None


def wells_of(block: Block, plate: str, layout: Mapping[str, Mapping[str, Cell]], defaults: Defaults) -> Iterable[dict[str, Any]]:
    """Yield the wells of one plate as rows of a WellTable."""
    names = {well for well, *_ in block.cells()}
    stray = next((well for well in layout if well not in names), None)
    if stray is not None:
        place = next(iter(layout[stray].values())).place if layout[stray] else "the layout"
        message = f"{place}: well {stray} is not on the {block.wells}-well plate {plate}. Use the layout of this plate."
        raise LayoutError(message)
    for well, value, row, column in block.cells():
        properties = layout.get(well, {})
        role = role_of(properties)
        signal, role, note = signal_of(value, role, block.sheet.place(row, column), defaults)
        dose = properties.get("concentration")
        anchor = dose or next(iter(properties.values()), None)
        yield {
            "plate_id": plate, "well": well, "role": role,
            "compound": _word(properties, "compound") if role in {"sample", "positive", "excluded"} else None,
            "concentration_nM": None if dose is None else float(dose.value),
            "target": _word(properties, "target") or defaults.target,
            "variant": _word(properties, "variant") or defaults.variant,
            "system": _word(properties, "system") or defaults.system,
            "replicate": properties["replicate"].value if "replicate" in properties else 1,
            "signal": signal, "signal_ref": block.sheet.ref(row, column),
            "layout_ref": None if anchor is None else anchor.ref, "note": note,
        }  # fmt: skip


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
    remedy = (
        'Set overflow = "exclude" to leave such wells out, or correct the cell.'
        if overflow
        else "Correct the cell, or give the well the role 'excluded'."
    )
    message = f"{place} holds {value!r}, {what}, as the signal of a {role} well. {remedy}"
    raise TableError(message)
