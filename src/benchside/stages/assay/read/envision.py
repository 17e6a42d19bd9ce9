"""EnVision exports without row letters: a section `Plate information` a plate, and its readings as a bare matrix of the plate's shape."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from benchside.core.errors import LayoutError
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.cells import OVERFLOW, Sheet, number
from benchside.stages.assay.read.readings import Reading, unwrapped

_HEADER: Final = ("plate", "repeat", "barcode")
_SECTION: Final = re.compile(r"^(plate information|basic assay information)\s*$", re.IGNORECASE)


def envision_readings(sheets: Sequence[Sheet]) -> list[Reading]:
    """Return the readings of every section; nothing where the file is no such export, or has row letters.

    Raises
    ------
    LayoutError
        When a section's matrix has the shape of no plate.
    """
    return [reading for sheet in sheets for reading in _sections(sheet)]


def _sections(sheet: Sheet) -> Iterator[Reading]:
    tops = [row for row in range(len(sheet.rows)) if _SECTION.match(sheet.text(row, 0))]
    for place, top in enumerate(tops):
        names = [sheet.text(top + 1, column).lower() for column in range(3)]
        if tuple(names) != _HEADER:
            continue
        end = tops[place + 1] if place + 1 < len(tops) else len(sheet.rows)
        lines = [row for row in range(top + 3, end) if _is_line(sheet, row)]
        if not lines:
            continue
        plate = unwrapped(sheet.text(top + 2, 2)) or f"Plate {sheet.text(top + 2, 0)}"
        yield Reading(sheet, lines[0], 0, tuple(_cells(sheet, lines)), _label(sheet, top, end), plate)


def _is_line(sheet: Sheet, row: int) -> bool:
    """Return whether a line holds readings only, as many as a plate has columns at least."""
    cells = _line(sheet, row)
    return len(cells) >= 12 and all(
        number(cell) is not None or (isinstance(cell, str) and OVERFLOW.match(cell)) for cell in cells
    )


def _line(sheet: Sheet, row: int) -> list[Any]:
    cells = list(sheet.rows[row])
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _label(sheet: Sheet, top: int, end: int) -> str:
    for row in range(top, end - 1):
        if sheet.text(row, 1).lower() == "label":
            return sheet.text(row + 1, 1)
    return ""


def _cells(sheet: Sheet, lines: Sequence[int]) -> Iterator[tuple[str, Any, int, int]]:
    widths = {len(_line(sheet, row)) for row in lines}
    shape = next((shape for shape in PLATE_SHAPES.values() if widths == {shape[1]} and len(lines) == shape[0]), None)
    if shape is None or lines[-1] - lines[0] != len(lines) - 1:
        message = (
            f"{sheet.place(lines[0], 0)}: {len(lines)} lines of {min(widths)} readings begin here, and plates are 8 x 12, 16 x 24 or 32 x 48. "
            "Export one read of the whole plate, with its row letters and column numbers."
        )
        raise LayoutError(message)
    for r, row in enumerate(lines):
        for c in range(shape[1]):
            yield well_name(r, c), sheet.at(row, c), row, c
