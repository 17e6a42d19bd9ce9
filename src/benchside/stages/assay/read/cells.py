"""A file as sheets of raw cells, with the name each cell has in a spreadsheet: C12."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from benchside.core.errors import FileError, TableError
from benchside.core.tables import file_hash, first_line, require_file

XLSX_LIMIT_BYTES: Final = 200 * 2**20
_ERRORS: Final = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_DECIMAL_COMMA: Final = re.compile(r"^[+-]?\d+,\d+([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Sheet:
    """One sheet of raw cells; rows may differ in length, an empty cell is None."""

    file: str
    hash12: str
    name: str
    rows: tuple[tuple[Any, ...], ...]
    spreadsheet: bool

    def at(self, row: int, column: int) -> Any:
        """Return a cell, None outside the sheet."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return None

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
    """Return a cell as a number (decimal commas too), or None where it is empty or not one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    if _DECIMAL_COMMA.match(text):
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None


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
        return tuple(_sheet(book, name, label, digest) for name in book.sheet_names)
    except (CalamineError, OSError, ValueError) as error:
        message = f"{label} could not be read as a spreadsheet: {first_line(error)} Open it, save it again as .xlsx and retry."
        raise FileError(message) from error


def _sheet(book: CalamineWorkbook, name: str, label: str, digest: str) -> Sheet:
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return Sheet(
        label, digest, name, tuple(tuple(None if cell == "" else cell for cell in row) for row in rows), spreadsheet=True
    )


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
        text = content.decode("latin-1")
    if not text.strip():
        message = f"{label} holds no text, only blank lines. Export it again."
        raise FileError(message)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=delimiter_of(text)))
    except csv.Error as error:
        message = f"{label} is not a readable text table: {first_line(error)} Save it again as CSV."
        raise TableError(message) from error
    return Sheet(
        label, file_hash(path)[:12], "text", tuple(tuple(cell.strip() or None for cell in row) for row in rows), spreadsheet=False
    )


def delimiter_of(text: str) -> str:
    """Return the delimiter of a text table: the one of tab, semicolon and comma that splits most lines into most fields."""
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    counts = {mark: sum(line.count(mark) for line in lines) for mark in ("\t", ";", ",")}
    if counts["\t"]:
        return "\t"
    return ";" if counts[";"] >= max(len(lines) // 2, 1) else ","
