"""A file as sheets of raw cells, with the name each cell has in a spreadsheet: C12."""

import csv
import re
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from benchside.core.errors import FileError, TableError
from benchside.core.tables import file_hash, first_line, require_file
from benchside.stages.assay.read.decimals import Unsettled, certain_decimal_comma, convention_of

XLSX_LIMIT_BYTES: Final = 200 * 2**20
_ERRORS: Final = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
OVERFLOW: Final = re.compile(
    r"^\s*(ovrflw|overflow|over|ovr|#?sat(urated)?|#high|#{2,}|\*+|>\s*max|>\s*[\d.,]+)\s*$", re.IGNORECASE
)
"""What readers write in place of a signal above their range."""

_NOT_A_NUMBER: Final = re.compile(r"_|^\s*$")  # Python reads 1_000 as a number, spreadsheets and readers do not


@dataclass(frozen=True)
class Sheet:
    """One sheet of raw cells; rows may differ in length, an empty cell is None."""

    file: str
    hash12: str
    name: str
    rows: tuple[tuple[Any, ...], ...]
    spreadsheet: bool
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """First and last cell of every merged range; only the first cell of a range holds its value."""

    hidden: tuple[str, ...] = ()
    """The hidden sheets of the file, which are not read."""

    def at(self, row: int, column: int) -> Any:
        """Return a cell, None outside the sheet."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return None

    def merged_into(self, row: int, column: int) -> tuple[int, int]:
        """Return the cell whose value this cell shows: the first one of its merged range, or itself."""
        for (top, left), (bottom, right) in self.merged:
            if top <= row <= bottom and left <= column <= right:
                return top, left
        return row, column

    def is_merged(self, row: int, column: int) -> bool:
        """Return whether a cell belongs to a merged range."""
        return any(top <= row <= bottom and left <= column <= right for (top, left), (bottom, right) in self.merged)

    def text(self, row: int, column: int) -> str:
        """Return a cell as trimmed text, whole numbers without a decimal point."""
        value = self.at(row, column)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    def place(self, row: int, column: int) -> str:
        """Return how a message names a cell: sheet 'Plate 1', cell C12 (or line 12, field 3)."""
        if self.spreadsheet:
            return f"{self.file}, sheet {self.name!r}, cell {cell_name(row, column)}"
        return f"{self.file}, line {row + 1}, field {column + 1}"

    def ref(self, row: int, column: int) -> str:
        """Return the permanent reference of a cell: file, content hash, sheet, cell."""
        return f"{self.file}@{self.hash12}!{self.name}!{cell_name(row, column)}"


def cell_name(row: int, column: int) -> str:
    """Return the spreadsheet name of a cell counted from 0.

    Examples
    --------
    >>> cell_name(11, 2), cell_name(0, 26)
    ('C12', 'AA1')
    """
    letters, rest = "", column
    while True:
        letters = chr(65 + rest % 26) + letters
        rest = rest // 26 - 1
        if rest < 0:
            return f"{letters}{row + 1}"


def number(value: Any) -> float | None:
    """Return a cell as a number (certain decimal commas too), or None where it is empty, not one, or not certainly one."""
    if isinstance(value, bool | Unsettled) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str) or _NOT_A_NUMBER.search(value):
        return None
    text = value.strip()
    comma = certain_decimal_comma(text)
    if comma is not None:
        return comma
    try:
        return float(text)
    except ValueError:
        return None


def shown(value: Any) -> str:
    """Return a cell as a message quotes it: a date as a spreadsheet shows it, anything else as Python does."""
    if isinstance(value, date | time | timedelta):
        return f"the date or time {value}"
    return (
        f"{str(value)!r} (its comma or point may be a decimal or a thousands sign)"
        if isinstance(value, Unsettled)
        else repr(value)
    )


def is_formula_error(value: Any) -> bool:
    """Return whether a cell holds a spreadsheet's error value."""
    return isinstance(value, str) and value.strip().upper() in _ERRORS


def sheets(path: Path, *, name: str | None = None) -> tuple[Sheet, ...]:
    """Return every sheet of an Excel file, or the one sheet a text file is.

    Parameters
    ----------
    path
        .xlsx, .xls, .xlsb, .ods, .csv, .tsv or .txt.
    name
        How references name the file; its own name by default.

    Raises
    ------
    FileError
        When the file is absent, empty, damaged, of another kind, or an Excel file over 200 MB.
    """
    require_file(path)
    label, suffix = name or path.name, path.suffix.lower()
    if suffix in {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}:
        return _workbook(path, label)
    if suffix in {".csv", ".tsv", ".txt"}:
        return (_text(path, label),)
    message = f"{label}: {suffix or 'a name without ending'} is no plate file read here. Use .xlsx, .csv or .tsv."
    raise FileError(message)


def _workbook(path: Path, label: str) -> tuple[Sheet, ...]:
    size = path.stat().st_size
    if size > XLSX_LIMIT_BYTES:
        message = f"{label} is an Excel file of {size / 2**20:.0f} MB, over the limit of 200 MB. Save it as CSV or Parquet, which have no such limit."
        raise FileError(message)
    try:
        book = CalamineWorkbook.from_path(path)
        digest = file_hash(path)[:12]
        visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        hidden = tuple(name for name in book.sheet_names if name not in visible)
        return tuple(replace(_sheet(book, name, label, digest), hidden=hidden) for name in visible)
    except (CalamineError, OSError, ValueError) as error:
        message = f"{label} could not be read as a spreadsheet: {first_line(error)} Open it, save it again as .xlsx and retry."
        raise FileError(message) from error


def _sheet(book: CalamineWorkbook, name: str, label: str, digest: str) -> Sheet:
    held = book.get_sheet_by_name(name)
    rows = [[None if cell == "" else cell for cell in row] for row in held.to_python(skip_empty_area=False)]
    return Sheet(label, digest, name, _settled(rows), spreadsheet=True, merged=tuple(held.merged_cell_ranges or ()))


def _settled(rows: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Return the rows with the commas and points of numbers that are text settled, as far as the sheet itself settles them."""
    convention = convention_of(rows)
    return tuple(tuple(convention.settle(cell) for cell in row) for row in rows)


def _text(path: Path, label: str) -> Sheet:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode()  # as some readers' software exports
    if b"\x00" in content[: 1 << 16] or content.startswith(b"PK\x03\x04"):
        message = f"{label} is named {path.suffix} and is no text (it may be a spreadsheet with another ending). Give it its own ending, or export it as text."
        raise FileError(message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what laboratory computers write: µ and ° as Windows has them
    if not text.strip():
        message = f"{label} holds no text, only blank lines. Export it again."
        raise FileError(message)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=delimiter_of(text)))
    except csv.Error as error:
        message = f"{label} is not a readable text table: {first_line(error)} Save it again as CSV."
        raise TableError(message) from error
    cells = [[cell.strip() or None for cell in row] for row in rows]
    return Sheet(label, file_hash(path)[:12], "text", _settled(cells), spreadsheet=False)


def delimiter_of(text: str) -> str:
    """Return the delimiter of a text table: the one of tab, semicolon and comma that splits most lines into most fields."""
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    counts = {mark: sum(line.count(mark) for line in lines) for mark in ("\t", ";", ",")}
    if counts["\t"]:
        return "\t"
    return ";" if counts[";"] >= max(len(lines) // 2, 1) else ","
