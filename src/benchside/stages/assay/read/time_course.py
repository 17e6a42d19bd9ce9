"""Time courses of plates: live-cell imagers (IncuCyte) and kinetic reads (i-control, Gen5, SoftMax Pro) as one long table."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import LayoutError, TableError
from benchside.core.tables import FLOAT, TEXT, Column, TypedTable
from benchside.stages.assay.read.blocks import blocks
from benchside.stages.assay.read.cells import OVERFLOW, Sheet, number, sheets, shown
from benchside.stages.assay.read.time_matrix import TimeMatrix, hours, matrices

VERSION: Final = "1"
_VESSEL: Final = re.compile(r"^\s*(?:vessel\s*name|plate(?:\s*(?:id|name))?)\s*[:=]\s*(.*)$", re.IGNORECASE)
_METRIC: Final = re.compile(r"^\s*(?:metric|label)\s*[:=]\s*(.*)$", re.IGNORECASE)
_LABEL: Final = re.compile(r"^\s*(label\s*\d+|(?:\w+:)?[2-9]\d\d(?:\s*nm)?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class TimeCourse(TypedTable):
    """Signals of wells over time: one row a plate, read, well and time, with the cell each signal came from."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "plate_id": Column(TEXT, "the plate (vessel)", required=True),
        "well": Column(TEXT, "A1 .. AF48", required=True),
        "time_h": Column(FLOAT, "hours since the first clock time of the instrument, as it counts them", required=True),
        "signal": Column(FLOAT, "what the instrument read; null where it read nothing", required=True),
        "read": Column(TEXT, "metric or label, where the file names one"),
        "note": Column(TEXT, "why a signal is missing"),
        "signal_ref": Column(TEXT, "file, sheet and cell of the signal"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "time course"
    KIND: ClassVar[str] = "time-course"

    def check(self) -> None:
        """Refuse times that are no numbers of 0 or more, and a well that stands twice at one time."""
        bad = self.table.filter(~(pl.col("time_h").is_finite() & (pl.col("time_h") >= 0)).fill_null(value=False))
        if bad.height:
            plate, well, value = bad.select("plate_id", "well", "time_h").row(0)
            message = f"plate {plate}, well {well}: time_h is {value}, and a time is a number of 0 or more. Correct the row."
            raise TableError(message)
        keys = self.table.select("plate_id", "read", "well", "time_h")
        if keys.n_unique() < keys.height:
            plate, _, well, value = keys.filter(keys.is_duplicated()).row(0)
            message = f"plate {plate}: well {well} stands more than once at {value:g} h. Export one value a well and time."
            raise TableError(message)


def read_time_course(path: str | Path, *, time_unit: str | None = None, label: str | None = None) -> TimeCourse:
    r"""Read a time course: a table with a time a row and a well a column, or turned.

    Parameters
    ----------
    path
        An IncuCyte text export (`Vessel Name:`, `Date Time`, `Elapsed`, A1, A2 ...), an i-control kinetic sheet (`Cycle Nr.`, `Time [s]`,
        then a line a well), or any sheet with a column of times beside columns named by wells; .txt, .csv, .tsv or Excel.
    time_unit
        Unit of the times where the file writes none (``hours``, ``minutes`` ...); it is never guessed. IncuCyte's `Elapsed` is in hours.
    label
        How references name the file; its own name by default.

    Returns
    -------
    TimeCourse
        `.table`: `plate_id, well, time_h, signal, read, note, signal_ref`.

    Raises
    ------
    FileError, LayoutError, TableError, UnitError
        One sentence with file, cell, rule and remedy.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "growth.csv"
    >>> _ = path.write_text("Time (h),A1,A2\n0,10,11\n24,20,22\n")
    >>> read_time_course(path).table.filter(pl.col("well") == "A2")["signal"].to_list()
    [11.0, 22.0]
    """
    name = label or Path(path).name
    found = sheets(Path(path), name=name)
    rows = [row for sheet in found for row in _rows(sheet, time_unit, several=len(found) > 1)]
    rows = rows or [row for sheet in found for row in _grids(sheet)]
    if not rows:
        message = (
            f"{name}: no time course was found. It is a table with a column of times (Elapsed, Time [s]) and columns named by wells "
            "(A1, A2 ...), or turned; export it as such, a value a well."
        )
        raise LayoutError(message)
    schema = {"signal": pl.Float64, "time_h": pl.Float64, "note": pl.String, "read": pl.String}
    return TimeCourse(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))


def _rows(sheet: Sheet, unit: str | None, *, several: bool) -> Iterator[dict[str, Any]]:
    after = 0
    stem = sheet.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    plate = f"{stem}:{sheet.name}" if several else stem
    for matrix in matrices(sheet):
        top = matrix.time if matrix.turned else matrix.header
        above = [text for row in range(after, top) for column in range(len(sheet.rows[row])) if (text := sheet.text(row, column))]
        is_imager = any(text.lower().startswith(("vessel name", "metric", "cell type")) for text in above)
        plate = _last(_VESSEL, above) or plate
        read = _last(_METRIC, above) or _last(_LABEL, above)
        _require_single(matrix)
        written = matrix.unit or ("hours" if matrix.is_elapsed and is_imager else None)
        yield from _signals(matrix, plate, read, written or unit)
        after = 1 + (max(row for row, _ in matrix.wells) if matrix.turned else max(matrix.times, default=top))


def _grids(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """Yield the signals of plates written one below another, each under its `Elapsed: 2 hours`, as an imager also exports them."""
    name, read = None, None
    for block in blocks(sheet):
        texts = [word.text for word in reversed(block.words)]
        name, read = _last(_VESSEL, texts) or name, _last(_METRIC, texts) or read
        elapsed = next((word for word in block.words if word.text.strip().lower() == "elapsed:"), None)
        if elapsed is None:
            message = f"{sheet.place(block.top, block.left)}: a plate without a time begins here. A time course needs a line 'Elapsed:' with its hours above each plate."
            raise LayoutError(message)
        unit = next((word.text for word in block.words if word.row == elapsed.row and word.column > elapsed.column), None)
        time_h = hours(elapsed.value, unit, sheet.place(elapsed.row, elapsed.column))
        for well, value, row, column in block.cells():
            signal, note = _signal(value, sheet.place(row, column))
            yield {
                "plate_id": name or sheet.file.rsplit("/", 1)[-1].rsplit(".", 1)[0], "well": well, "time_h": time_h, "signal": signal,
                "read": read, "note": note, "signal_ref": sheet.ref(row, column),
            }  # fmt: skip


def _last(pattern: re.Pattern[str], texts: list[str]) -> str | None:
    found = [match.group(1).strip() for text in texts if (match := pattern.match(text))]
    return next((text for text in reversed(found) if text), None)


def _require_single(matrix: TimeMatrix) -> None:
    """Refuse columns beside the wells that look like further values of a well (`A1, Image 2`), and a well that stands twice."""
    seen: set[str] = set()
    for place, well in matrix.wells:
        if well in seen:
            where = matrix.sheet.place(place, 0) if matrix.turned else matrix.sheet.place(matrix.header, place)
            message = f"{where}: well {well} stands more than once. Export one value a well."
            raise LayoutError(message)
        seen.add(well)
    if matrix.turned:
        return
    row = matrix.sheet.rows[matrix.header]
    known = {place for place, _ in matrix.wells}
    further = next(
        (
            c
            for c in range(len(row))
            if c not in known and re.match(r"^\s*:?\s*[A-P]0*\d{1,2}\s*[,(]", matrix.sheet.text(matrix.header, c))
        ),
        None,
    )
    if further is not None:
        message = (
            f"{matrix.sheet.place(matrix.header, further)}: the column {matrix.sheet.text(matrix.header, further)!r} holds a further value of a well. "
            "Export one value a well, without images of their own or standard errors."
        )
        raise LayoutError(message)


def _signals(matrix: TimeMatrix, plate: str, read: str | None, unit: str | None) -> Iterator[dict[str, Any]]:
    sheet = matrix.sheet
    for step in matrix.times:
        row, column = (matrix.time, step) if matrix.turned else (step, matrix.time)
        time_h = hours(sheet.at(row, column), unit, sheet.place(row, column))
        for line, well in matrix.wells:
            value, at_row, at_column = matrix.at(step, line)
            signal, note = _signal(value, sheet.place(at_row, at_column))
            yield {
                "plate_id": plate, "well": well, "time_h": time_h, "signal": signal, "read": read, "note": note,
                "signal_ref": sheet.ref(at_row, at_column),
            }  # fmt: skip


def _signal(value: Any, place: str) -> tuple[float | None, str | None]:
    """Return (signal, note): nothing where the instrument read nothing or overflowed, and a refusal of anything else."""
    found = number(value)
    if found is not None and math.isfinite(found):
        return found, None
    if value is None or str(value).strip().lower() in {"nan", "n/a"}:
        return None, "no reading"
    if isinstance(value, str) and OVERFLOW.match(value):
        return None, f"reader overflow: {value.strip()}"
    message = f"{place} holds {shown(value)}, and a signal is a number. Correct or clear the cell."
    raise TableError(message)
