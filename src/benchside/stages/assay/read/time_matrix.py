"""Time courses in sheets: a time a row and a well a column (or turned), below whatever header lines the instrument writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from benchside.core.errors import TableError, UnitError
from benchside.core.units import HOURS_PER_DAY, days_per
from benchside.stages.assay.read.cells import Sheet, number, shown

_WELL: Final = re.compile(r"^([A-Z]{1,2})0*([1-9]\d?)$", re.IGNORECASE)
_IMAGE: Final = re.compile(r"^\s*:?\s*([A-Z]{1,2}\d{1,2})\s*,\s*Image\s*\d+\s*$", re.IGNORECASE)
_TIME: Final = re.compile(
    r"^\s*(elapsed|(?:elapsed\s*)?time)\s*(?:[\(\[_]?\s*(s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?|hh:mm:ss|h:mm:ss)\s*[\)\]]?)?\s*$",
    re.I,
)
_CLOCK: Final = re.compile(r"^(?:(\d+)\.)?(\d{1,3}):(\d{2}):(\d{2})(?:\.\d+)?$")
_HOURS: Final[Mapping[str, float]] = {"s": 1 / 3600, "m": 1 / 60, "h": 1.0, "d": HOURS_PER_DAY}


@dataclass(frozen=True)
class TimeMatrix:
    """One table of times by wells: where its times and its wells are."""

    sheet: Sheet
    header: int
    """Row (or column, where turned) that names the wells."""

    time: int
    """Column (or row) of the times."""

    unit: str | None
    """Unit of the times as written beside them; None: not written, or clock times."""

    is_elapsed: bool
    """Whether the times stand under `Elapsed`."""

    wells: tuple[tuple[int, str], ...]
    """(column, well), or (row, well)."""

    times: tuple[int, ...]
    """Rows (or columns) of the time points."""

    turned: bool

    def at(self, step: int, well: int) -> tuple[Any, int, int]:
        """Return (value, sheet row, sheet column) of a time point and a well's line."""
        row, column = (well, step) if self.turned else (step, well)
        return self.sheet.at(row, column), row, column


def is_time_course(sheet: Sheet) -> bool:
    """Return whether a sheet holds a time course."""
    return bool(matrices(sheet))


def well_of(text: str) -> str | None:
    """Return A01 or a1 as A1, and None where a text is no well."""
    match = _WELL.match(text.strip())
    return f"{match.group(1).upper()}{match.group(2)}" if match else None


def well_of_column(text: str) -> str | None:
    """Return the well a column of an imager is of: A1, or `: A1, Image 1` where single images were exported."""
    match = _IMAGE.match(text)
    return well_of(match.group(1) if match else text)


def matrices(sheet: Sheet) -> list[TimeMatrix]:
    """Return the time courses of a sheet from top to bottom."""
    found: list[TimeMatrix] = []
    row = 0
    while row < len(sheet.rows):
        matrix = _upright(sheet, row) or _turned(sheet, row)
        if matrix is None:
            row += 1
            continue
        found.append(matrix)
        row = 1 + (max(well for well, _ in matrix.wells) if matrix.turned else max(matrix.times, default=row))
    return found


def _time_title(text: str) -> re.Match[str] | None:
    return _TIME.match(text)


def _upright(sheet: Sheet, row: int) -> TimeMatrix | None:
    titles = [(column, sheet.text(row, column)) for column in range(len(sheet.rows[row])) if sheet.text(row, column)]
    times = [(column, match) for column, text in titles if (match := _time_title(text))]
    wells = tuple((column, well) for column, text in titles if (well := well_of_column(text)))
    if not times or not wells:
        return None
    time_column, match = next(((c, m) for c, m in times if m.group(1).lower() == "elapsed"), times[0])
    steps = []
    for line in range(row + 1, len(sheet.rows)):
        if sheet.text(line, 0).lower().startswith("~end"):
            break
        if sheet.at(line, time_column) is None:
            if any(sheet.at(line, column) is not None for column, _ in wells):
                message = f"{sheet.place(line, time_column)} is empty, and is the time of a line of readings. Correct or clear the line."
                raise TableError(message)
            break
        steps.append(line)
    return TimeMatrix(
        sheet, row, time_column, match.group(2), match.group(1).lower() == "elapsed", wells, tuple(steps), turned=False
    )


def _turned(sheet: Sheet, row: int) -> TimeMatrix | None:
    match = _time_title(sheet.text(row, 0))
    if match is None:
        return None
    wells: list[tuple[int, str]] = []
    for line in range(row + 1, len(sheet.rows)):
        well = well_of(sheet.text(line, 0))
        if well is None and wells:
            break
        if well is not None:
            wells.append((line, well))
    steps = tuple(column for column in range(1, len(sheet.rows[row])) if sheet.at(row, column) is not None)
    if not wells or len(steps) < 1 or wells[0][0] > row + 3:
        return None
    return TimeMatrix(sheet, 0, row, match.group(2), match.group(1).lower() == "elapsed", tuple(wells), steps, turned=True)


def hours(value: Any, unit: str | None, place: str) -> float:
    """Return a time as hours: a number in the written (or stated) unit, or a clock time such as 1:30:00.

    Raises
    ------
    UnitError
        When a number has no unit.
    TableError
        When the cell is no time.
    """
    if isinstance(value, timedelta):
        return value.total_seconds() / 3600
    if isinstance(value, time):
        return value.hour + value.minute / 60 + value.second / 3600
    clock = _CLOCK.match(value.strip()) if isinstance(value, str) else None
    if clock:
        days, hour, minute, second = (int(part or 0) for part in clock.groups())
        return days * HOURS_PER_DAY + hour + minute / 60 + second / 3600
    found = None if isinstance(value, datetime) else number(value)
    if found is None or found < 0:
        message = (
            f"{place} holds {shown(value)}, and a time is a number of 0 or more, or hours:minutes:seconds. Correct the cell."
        )
        raise TableError(message)
    if unit is None:
        message = f"{place}: the times have no unit. Write it beside the title, for example 'Time [s]', or set time_unit; it is never guessed."
        raise UnitError(message)
    short = unit.strip().lower()
    if ":" in short:
        message = f"{place} holds {shown(value)}, and the times are written as {unit}. Correct the cell."
        raise TableError(message)
    factor = _HOURS.get(short[:1]) if short.startswith(("s", "m", "h", "d")) and not short.startswith("mo") else None
    return found * (factor if factor is not None else days_per(unit, place=place) * HOURS_PER_DAY)
