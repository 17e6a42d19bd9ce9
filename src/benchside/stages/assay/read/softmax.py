"""SoftMax Pro text exports: sections `Plate: ...` to `~End`, as a plate without row letters or as a table of well columns.

The form is public in its maker's user guide: the second line of a section has `Temperature` and the column numbers (once a wavelength,
parted by an empty column) or the well names; the lines below have the readings, the temperature in the first of them only.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from benchside.core.errors import LayoutError
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.cells import Sheet, number
from benchside.stages.assay.read.properties import canonical_well
from benchside.stages.assay.read.readings import Reading

_ROWS: Final = {columns: rows for rows, columns in PLATE_SHAPES.values()}


def softmax_readings(sheets: Sequence[Sheet]) -> list[Reading]:
    """Return the reads of every endpoint section; nothing where the file is no such export.

    Raises
    ------
    LayoutError
        When a section holds a time course, or another number of rows than its plate has.
    """
    found: list[Reading] = []
    for sheet in sheets:
        for top in range(len(sheet.rows) - 1):
            if sheet.text(top, 0).lower().startswith("plate:") and _is_header(sheet, top + 1):
                found.extend(_section(sheet, top))
    return found


def _is_header(sheet: Sheet, row: int) -> bool:
    return any(sheet.text(row, column).lower().startswith("temperature") for column in range(2))


def _section(sheet: Sheet, top: int) -> Iterator[Reading]:
    end = next((row for row in range(top + 2, len(sheet.rows)) if sheet.text(row, 0).lower().startswith("~end")), len(sheet.rows))
    lines = [row for row in range(top + 2, end) if any(cell is not None for cell in sheet.rows[row])]
    name = sheet.text(top, 1) or None
    wells = [
        (column, well)
        for column in range(len(sheet.rows[top + 1]))
        if _is_well(well := canonical_well(sheet.text(top + 1, column)))
    ]
    if wells:
        _require_one(sheet, top, lines, 1)
        _require_even(sheet, top + 1, lines[0])
        cells = tuple((well, sheet.at(lines[0], column), lines[0], column) for column, well in wells)
        yield Reading(sheet, top + 1, wells[0][0], cells, _wavelengths(sheet, top, 1)[0], name)
        return
    starts = [column for column in range(1, len(sheet.rows[top + 1])) if number(sheet.at(top + 1, column)) == 1]
    labels = _wavelengths(sheet, top, len(starts))
    for start, label in zip(starts, labels, strict=True):
        columns = 1
        while number(sheet.at(top + 1, start + columns)) == columns + 1:
            columns += 1
        if columns not in _ROWS:
            message = f"{sheet.place(top + 1, start)}: a plate of {columns} columns begins here, and plates have 12, 24 or 48. Export the whole plate."
            raise LayoutError(message)
        _require_one(sheet, top, lines, _ROWS[columns])
        found = tuple(_cells(sheet, lines, start, columns))
        yield Reading(sheet, top + 1, start, found, label, name)


def _cells(sheet: Sheet, lines: Sequence[int], start: int, columns: int) -> Iterator[tuple[str, Any, int, int]]:
    for r, row in enumerate(lines):
        for c in range(columns):
            yield well_name(r, c), sheet.at(row, start + c), row, start + c


def _is_well(text: str) -> bool:
    return len(text) <= 4 and text[:1].isalpha() and text[-1:].isdigit() and text.isalnum()


def _wavelengths(sheet: Sheet, top: int, count: int) -> list[str]:
    """Return a label of each read: the wavelengths where the section names as many of them, else their order."""
    for column in range(2, len(sheet.rows[top])):
        words = sheet.text(top, column).split()
        if len(words) == count and all(word.isdecimal() and 200 <= int(word) <= 1000 for word in words):
            return [f"{word} nm" for word in words]
    return [f"read {k + 1}" if count > 1 else "" for k in range(count)]


def _require_even(sheet: Sheet, header: int, line: int) -> None:
    """Refuse a line of readings with another number of fields than the names above it."""
    names, values = (
        max((c for c, cell in enumerate(sheet.rows[row]) if cell is not None), default=-1) + 1 for row in (header, line)
    )
    if names != values:
        message = (
            f"{sheet.place(line, 0)}: the line has {values} fields and the names above it {names}, so its wells may have moved. "
            "Export the plate again."
        )
        raise LayoutError(message)


def _require_one(sheet: Sheet, top: int, lines: Sequence[int], expected: int) -> None:
    if len(lines) != expected:
        message = (
            f"{sheet.place(top, 0)}: section {sheet.text(top, 1)!r} has {len(lines)} lines of readings, and an endpoint read of its plate has {expected}. "
            "Read a time course with read_time_course, or export one time point."
        )
        raise LayoutError(message)
