"""Commas and points in numbers that are text: decimal or thousands sign, decided where a file settles it and never guessed.

`0,5` can only be a decimal comma and `1,234.5` only a thousands comma; `12,345` alone is either. A file is written by one program
with one convention, so the certain cells of a sheet settle the others; what stays open is no number, and is refused where it is used.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from benchside.core.errors import TableError

_SIGN: Final = r"[+-]?"
_POWER: Final = r"([eE][+-]?\d+)?"
_DECIMAL_COMMA: Final = re.compile(rf"{_SIGN}\d+,\d+{_POWER}")
_DECIMAL_POINT: Final = re.compile(rf"{_SIGN}\d+\.\d+{_POWER}")
_EITHER_COMMA: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}},\d{{3}}")
_EITHER_POINT: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}\.\d{{3}}")
_COMMA_GROUPS: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}((,\d{{3}})+\.\d+|(,\d{{3}}){{2,}})")
_POINT_GROUPS: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}((\.\d{{3}})+,\d+|(\.\d{{3}}){{2,}})")
_NUMERIC: Final = re.compile(r"[+-]?[\d.,]*\d([eE][+-]?\d+)?")
_ROW_OF_NUMBERS: Final = 3


class Unsettled(str):
    """A number whose comma or point may be a decimal or a thousands sign: it counts as no number."""

    __slots__ = ()


def certain_decimal_comma(text: str) -> float | None:
    """Return a number with a decimal comma that can be nothing else (`0,5`, not `12,345`), or None.

    Examples
    --------
    >>> certain_decimal_comma("0,5"), certain_decimal_comma("0,125"), certain_decimal_comma("12,345")
    (0.5, 0.125, None)
    """
    if _DECIMAL_COMMA.fullmatch(text) and not _EITHER_COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    return None


@dataclass(frozen=True)
class Convention:
    """What the certain numbers of a sheet say of its commas and points."""

    comma_is_decimal: bool
    point_is_decimal: bool
    point_groups: bool
    """A point was met that can only part thousands."""

    def settle(self, value: Any) -> Any:
        """Return a text cell in the convention of its sheet: with a decimal point, or `Unsettled`."""
        if not isinstance(value, str) or not ("," in value or "." in value):
            return value
        comma, point = self.comma_is_decimal, self.point_is_decimal
        text = value.strip()
        if _COMMA_GROUPS.fullmatch(text):
            return Unsettled(value) if comma else text.replace(",", "")
        if _POINT_GROUPS.fullmatch(text):
            return Unsettled(value) if point else text.replace(".", "").replace(",", ".")
        if _EITHER_COMMA.fullmatch(text):
            return Unsettled(value) if comma == point else text.replace(",", "." if comma else "")
        if _EITHER_POINT.fullmatch(text) and comma and not point:
            return text.replace(".", "") if self.point_groups else Unsettled(value)
        return value


def convention_of(rows: Iterable[Sequence[Any]]) -> Convention:
    """Return the convention of a sheet.

    Decimal points count only in rows of several numbers: a version such as 3.10 in a header says nothing of the numbers below.
    """
    comma = point = groups = False
    for row in rows:
        texts = [cell.strip() for cell in row if isinstance(cell, str) and _NUMERIC.fullmatch(cell.strip())]
        marked = [text for text in texts if "," in text or "." in text]
        for text in marked:
            if _POINT_GROUPS.fullmatch(text):
                comma, groups = comma or "," in text, True
            elif certain_decimal_comma(text) is not None:
                comma = True
            elif len(texts) >= _ROW_OF_NUMBERS and (_COMMA_GROUPS.fullmatch(text) or _certain_point(text)):
                point = True
    return Convention(comma, point, groups)


def _certain_point(text: str) -> bool:
    return bool(_DECIMAL_POINT.fullmatch(text)) and not _EITHER_POINT.fullmatch(text)


def require_settled_commas(path: Path, label: str) -> None:
    """Refuse a long text table, separated by semicolons or tabs, whose numbers all read as thousands or as decimals.

    Raises
    ------
    TableError
        When a cell such as `12,345` stands in it and no number of the file settles what its comma means.
    """
    stamp = path.stat()
    found = _unsettled(path, stamp.st_size, stamp.st_mtime_ns)
    if found is not None:
        row, text = found
        message = (
            f"{label}, row {row} holds {text!r}, and no number of the file settles whether its comma is a decimal or a thousands sign. "
            "Export the numbers without thousands signs, with a decimal point."
        )
        raise TableError(message)


@lru_cache(maxsize=8)
def _unsettled(path: Path, _size: int, _changed_ns: int) -> tuple[int, str] | None:
    """Return the first (row, cell) whose comma nothing settles; remembered, since a large file is read in many parts."""
    first = None
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        header = handle.readline()
        mark = next((mark for mark in ("\t", ";") if mark in header), None)
        for row, line in enumerate(handle if mark else (), start=1):
            for cell in line.split(mark) if "," in line else ():
                text = cell.strip().strip('"')
                if certain_decimal_comma(text) is not None:
                    return None
                if first is None and _EITHER_COMMA.fullmatch(text):
                    first = (row, text)
    return first
