"""Plate blocks in messy sheets: column numbers 1, 2, 3 ... above, row letters A, B, C ... beside, and a title near by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchside.core.errors import LayoutError
from benchside.stages.assay.model import PLATE_SHAPES, row_letters, well_name
from benchside.stages.assay.read.cells import Sheet, cell_name, number


@dataclass(frozen=True)
class Block:
    """One plate-shaped block of a sheet: its title, where its first well is, and its shape."""

    sheet: Sheet
    title: str
    top: int
    """Sheet row of well row A, from 0."""

    left: int
    """Sheet column of well column 1, from 0."""

    rows: int
    columns: int

    @property
    def wells(self) -> int:
        """How many wells the plate has."""
        return self.rows * self.columns

    def cells(self) -> Iterator[tuple[str, Any, int, int]]:
        """Yield (well, cell value, sheet row, sheet column) along the rows."""
        for r in range(self.rows):
            for c in range(self.columns):
                yield well_name(r, c), self.sheet.at(self.top + r, self.left + c), self.top + r, self.left + c


def blocks(sheet: Sheet) -> list[Block]:
    """Return the plate blocks of a sheet from top to bottom.

    Raises
    ------
    LayoutError
        When a block has the shape of no plate (96, 384 or 1536 wells).
    """
    found: list[Block] = []
    row = 0
    while row < len(sheet.rows):
        header = _header(sheet, row)
        if header is None:
            row += 1
            continue
        left, columns = header
        rows = _count_letters(sheet, row + 1, left - 1)
        _require_plate(sheet, row, left, rows, columns)
        above = found[-1].top + found[-1].rows if found else 0
        found.append(Block(sheet, _title(sheet, row, above), row + 1, left, rows, columns))
        row += rows + 1
    return found


def _header(sheet: Sheet, row: int) -> tuple[int, int] | None:
    """Return (column of '1', how many numbers follow on) where row holds 1, 2, 3 ... with letters beginning below and left of it."""
    for column in range(1, len(sheet.rows[row])):
        if (
            number(sheet.at(row, column)) == 1
            and number(sheet.at(row, column + 1)) == 2
            and sheet.text(row + 1, column - 1) == "A"
        ):
            count = 1
            while number(sheet.at(row, column + count)) == count + 1:
                count += 1
            return column, count
    return None


def _count_letters(sheet: Sheet, row: int, column: int) -> int:
    count = 0
    while count < 32 and sheet.text(row + count, column).upper() == row_letters(count):
        count += 1
    return count


def _require_plate(sheet: Sheet, row: int, left: int, rows: int, columns: int) -> None:
    if (rows, columns) not in PLATE_SHAPES.values():
        message = (
            f"{sheet.place(row, left)}: a block of {rows} x {columns} wells begins here, and plates are 8 x 12, 16 x 24 or 32 x 48. "
            "Export the whole plate, with its row letters and column numbers."
        )
        raise LayoutError(message)


def _title(sheet: Sheet, header_row: int, above: int) -> str:
    """Return the nearest text above (or in the corner of) a block that belongs to no earlier block."""
    for row in range(header_row, max(above - 1, -1), -1):
        words = [sheet.text(row, column) for column in range(len(sheet.rows[row])) if isinstance(sheet.at(row, column), str)]
        words = [word for word in words if word and number(word) is None]
        if words:
            return words[0]
    return ""


def require_same_shape(signal: Block, layout: Block) -> None:
    """Raise LayoutError where a layout block has another plate size than the signal block."""
    if (signal.rows, signal.columns) != (layout.rows, layout.columns):
        message = (
            f"{layout.sheet.file}, sheet {layout.sheet.name!r}: the layout block {layout.title!r} at {cell_name(layout.top, layout.left)} has "
            f"{layout.wells} wells, and the plate in {signal.sheet.file}, sheet {signal.sheet.name!r}, has {signal.wells}. Use the layout of this plate."
        )
        raise LayoutError(message)
