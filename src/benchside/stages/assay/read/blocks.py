"""Plate blocks in messy sheets: column numbers 1, 2, 3 ... above, row letters A, B, C ... beside (or turned), and words near by."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from benchside.core.errors import LayoutError
from benchside.stages.assay.model import PLATE_SHAPES, row_letters, well_name
from benchside.stages.assay.read.cells import Sheet, cell_name, number

_LETTERS: Final = {row_letters(k): k for k in range(32)}
_MOST_READS: Final = 8
_MAP: Final = re.compile(r"^\s*(plate\s*map|plate\s*layout|layout)\b\s*:?\s*$", re.IGNORECASE)
"""Titles of the block in which some readers repeat their own sample codes: no signals, and no layout with a property."""


@dataclass(frozen=True)
class Word:
    """One text above a block, with the cell it stands in; `value` is the cell right of it."""

    text: str
    row: int
    column: int
    value: str
    alone: bool
    """Whether nothing else stands in its row."""


@dataclass(frozen=True)
class Block:
    """One plate-shaped block of a sheet: the words above it, where its first well is, and its shape."""

    sheet: Sheet
    words: tuple[Word, ...]
    """What stands above the block and below the one before it, nearest first."""

    top: int
    """Sheet row of the first line of wells, from 0."""

    left: int
    """Sheet column of its first wells, from 0."""

    rows: int
    columns: int
    step: int = 1
    """Sheet rows from one letter to the next: some readers write every read of a row before the next letter."""

    line: int = 0
    """Which of those reads this block is, from 0."""

    turned: bool = False
    """Letters above and numbers beside."""

    side: str = ""
    """What stands right of the lines of this read, for example its wavelength."""

    @property
    def title(self) -> str:
        """The nearest text above (or in the corner of) the block."""
        return self.words[0].text if self.words else ""

    @property
    def wells(self) -> int:
        """How many wells the plate has."""
        return self.rows * self.columns

    @property
    def is_map(self) -> bool:
        """Whether the block repeats sample codes of the reader's own plate map."""
        return bool(_MAP.match(self.title))

    def cells(self) -> Iterator[tuple[str, Any, int, int]]:
        """Yield (well, cell value, sheet row, sheet column) along the rows."""
        for r in range(self.rows):
            for c in range(self.columns):
                row, column = (c, r) if self.turned else (r * self.step + self.line, c)
                yield well_name(r, c), self.sheet.at(self.top + row, self.left + column), self.top + row, self.left + column


def blocks(sheet: Sheet) -> list[Block]:
    """Return the plate blocks of a sheet from top to bottom, side by side from left to right.

    Raises
    ------
    LayoutError
        When a block has the shape of no plate (96, 384 or 1536 wells), begins inside a plate, or has more cells than columns.
    """
    found: list[Block] = []
    taken: set[tuple[int, int]] = set()
    bottom = row = 0
    while row < len(sheet.rows):
        corners = _corners(sheet, row)
        below = row
        for place, (left, turned) in enumerate(corners):
            until = corners[place + 1][0] - 2 if place + 1 < len(corners) else max(len(line) for line in sheet.rows)
            words = tuple(_words(sheet, row, bottom, (left - 1 if place else 0, until)))
            for block in _reads(Block(sheet, words, row + 1, left, 0, 0, turned=turned)):
                found.append(block)
                height = block.columns if turned else block.rows * block.step
                below = max(below, row + height)
                taken |= {(row + 1 + k, left - 1) for k in range(height)}
        bottom = below + 1 if corners else bottom
        row = below + 1
    _require_no_orphan(sheet, taken)
    return found


def _letter(sheet: Sheet, row: int, column: int) -> int | None:
    value = sheet.at(row, column)
    return _LETTERS.get(value.strip().upper()) if isinstance(value, str) else None


def _count(sheet: Sheet, row: int, column: int, *, across: bool) -> int:
    """Return how many whole numbers follow one another from a cell on."""
    start, count = number(sheet.at(row, column)), 0
    if start is None or not start.is_integer():
        return 0
    while number(sheet.at(row + (0 if across else count), column + (count if across else 0))) == start + count:
        count += 1
    return count


def _count_letters(sheet: Sheet, row: int, column: int, *, across: bool, step: int = 1) -> int:
    start, count = _letter(sheet, row, column), 0
    if start is None:
        return 0
    while _letter(sheet, row + (0 if across else count * step), column + (count if across else 0)) == start + count:
        count += 1
    return count


def _corners(sheet: Sheet, row: int) -> list[tuple[int, bool]]:
    """Return (column of the first well, letters above) of every block whose header is in this row."""
    found: list[tuple[int, bool]] = []
    column, width = 1, len(sheet.rows[row])
    while column < width:
        numbers = _count(sheet, row, column, across=True)
        letters = _letter(sheet, row + 1, column - 1) is not None
        if numbers >= 2 and letters:
            _require_start(sheet, row, column, letter=_letter(sheet, row + 1, column - 1), first=number(sheet.at(row, column)))
            found.append((column, False))
            column += numbers
            continue
        above = _count_letters(sheet, row, column, across=True)
        if above >= 3 and _count(sheet, row + 1, column - 1, across=False) >= 2:
            _require_start(sheet, row, column, letter=_letter(sheet, row, column), first=number(sheet.at(row + 1, column - 1)))
            found.append((column, True))
            column += above
            continue
        column += 1
    return found


def _require_start(sheet: Sheet, row: int, column: int, *, letter: int | None, first: float | None) -> None:
    if letter != 0 or first != 1:
        message = (
            f"{sheet.place(row, column)}: a block begins at well {row_letters(letter or 0)}{first or 0:g}, and a plate begins at A1. "
            "Export the whole plate, with its row letters and column numbers."
        )
        raise LayoutError(message)


def _reads(corner: Block) -> Iterator[Block]:
    """Yield the block that begins at a corner, or each of its reads where several lines belong to a letter."""
    sheet, top, left = corner.sheet, corner.top, corner.left
    if corner.turned:
        rows = _count_letters(sheet, top - 1, left, across=True)
        columns = _count(sheet, top, left - 1, across=False)
        step = 1
    else:
        columns = _count(sheet, top - 1, left, across=True)
        step = next((k for k in range(1, _MOST_READS + 1) if _letter(sheet, top + k, left - 1) is not None), 1)
        if _letter(sheet, top + step, left - 1) != 1:
            step = 1
        rows = _count_letters(sheet, top, left - 1, across=False, step=step)
    if not corner.is_map:
        _require_plate(sheet, top - 1, left, rows, columns)
    shaped = replace(corner, rows=rows, columns=columns, step=step)
    if not corner.is_map:
        _require_even(shaped)
    for line in range(step):
        read = replace(shaped, line=line)
        if line and all(value is None for _, value, *_ in read.cells()):
            continue
        yield read if corner.turned or corner.is_map else replace(read, side=_side(read))


def _require_plate(sheet: Sheet, row: int, left: int, rows: int, columns: int) -> None:
    if (rows, columns) not in PLATE_SHAPES.values():
        message = (
            f"{sheet.place(row, left)}: a block of {rows} x {columns} wells begins here, and plates are 8 x 12, 16 x 24 or 32 x 48. "
            "Export the whole plate, with its row letters and column numbers."
        )
        raise LayoutError(message)


def _require_even(block: Block) -> None:
    """Refuse a text block some of whose lines have fewer fields than others: a field that is lost moves all wells right of it."""
    if block.sheet.spreadsheet:
        return
    first, height = (block.top - 1, block.columns) if block.turned else (block.top - 1, block.rows * block.step)
    width = block.left + (block.rows if block.turned else block.columns)
    lengths = [min(len(block.sheet.rows[row]), width) for row in range(first, min(first + 1 + height, len(block.sheet.rows)))]
    if len(set(lengths)) > 1:
        short = first + lengths.index(min(lengths))
        message = (
            f"{block.sheet.place(short, 0)}: the line has {min(lengths)} fields and others of its plate have {max(lengths)}, so its wells may have moved. "
            "Export the plate again; an empty well is an empty field, not a missing one."
        )
        raise LayoutError(message)


def _side(block: Block) -> str:
    """Return what is written right of the lines of a read, which must be one word on all: anything else is a cell too many."""
    lines = [block.top + r * block.step + block.line for r in range(block.rows)]
    right = block.left + block.columns
    beside = {block.sheet.text(row, right) for row in lines}
    numbers = [row for row in lines if number(block.sheet.at(row, right)) is not None]
    further = [row for row in numbers if number(block.sheet.at(row, right + 1)) is not None]
    if (numbers and len(beside) > 1) or further:
        message = (
            f"{block.sheet.place((further or numbers)[0], right)}: a number stands right of the last column of the plate, so its wells may have "
            "moved (by decimal commas in a file separated by commas, for example). Export with decimal points, or separated by semicolons."
        )
        raise LayoutError(message)
    return beside.pop() if len(beside) == 1 else ""


def _words(sheet: Sheet, header_row: int, above: int, span: tuple[int, int]) -> Iterator[Word]:
    """Yield the texts above a block (and in its corner) that belong to no earlier block, nearest row first, along the row."""
    for row in range(header_row, above - 1, -1):
        filled = [column for column in range(len(sheet.rows[row])) if sheet.text(row, column)]
        for column in filled:
            value = sheet.at(row, column)
            is_word = isinstance(value, str) and number(value) is None and any(sign.isalnum() for sign in value)
            if is_word and span[0] <= column < span[1] and not (row == header_row and _letter(sheet, row, column) is not None):
                right = next((sheet.text(row, c) for c in filled if c > column), "")
                yield Word(sheet.text(row, column), row, column, right, alone=len(filled) == 1)


def _require_no_orphan(sheet: Sheet, taken: set[tuple[int, int]]) -> None:
    """Refuse row letters A, B, C, D without column numbers above: a plate that would be overlooked."""
    for row in range(len(sheet.rows) - 3):
        for column in range(min(len(sheet.rows[row]), 60)):
            if (row, column) in taken or _letter(sheet, row, column) != 0:
                continue
            header = sheet.at(row - 1, column)
            named = isinstance(header, str) and any(sign.isalnum() for sign in header)
            if (
                not named
                and _count_letters(sheet, row, column, across=False) >= 4
                and number(sheet.at(row, column + 1)) is not None
            ):
                message = (
                    f"{sheet.place(row, column)}: row letters A, B, C ... begin here without column numbers 1, 2, 3 ... above them. "
                    "Export the plate with its column numbers."
                )
                raise LayoutError(message)


def require_same_shape(signal: Block, layout: Block) -> None:
    """Raise LayoutError where a layout block has another plate size than the signal block."""
    if (signal.rows, signal.columns) != (layout.rows, layout.columns):
        message = (
            f"{layout.sheet.file}, sheet {layout.sheet.name!r}: the layout block {layout.title!r} at {cell_name(layout.top, layout.left)} has "
            f"{layout.wells} wells, and the plate in {signal.sheet.file}, sheet {signal.sheet.name!r}, has {signal.wells}. Use the layout of this plate."
        )
        raise LayoutError(message)


def widest(found: Sequence[Block]) -> tuple[int, int] | None:
    """Return the shape of the largest plate among blocks."""
    return max(((block.rows, block.columns) for block in found), default=None)
