"""Reader exports of kinds not read here, through the package openreadout (extra `plates`): counted first, refused where wells are missing.

openreadout gives one long table a plate (well, row, col, read, wavelength_nm, time_s, value). It is trusted no further than it can be
checked: its own integrity report, every well of a whole plate once a read, and no second time point.
"""

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchside.core.errors import FileError, LayoutError
from benchside.core.tables import file_hash, first_line, require_file
from benchside.stages.assay.model import PLATE_SHAPES, WellTable, well_name
from benchside.stages.assay.read.blocks import blocks
from benchside.stages.assay.read.cells import Sheet, sheets
from benchside.stages.assay.read.grid import Defaults, well_table, wells_of_readings
from benchside.stages.assay.read.layout import property_title
from benchside.stages.assay.read.readings import Reading

COLUMNS: Final = ("well", "row", "col", "read", "wavelength_nm", "time_s", "value")


@dataclass(frozen=True)
class Export:
    """One plate as openreadout read it."""

    plate: str
    values: NDArray[np.float64]
    """(rows, 7): the columns of `COLUMNS`."""

    reads: dict[int, str]
    """Read number -> its name."""


def _openreadout() -> Any:
    try:
        return importlib.import_module("openreadout")
    except ImportError as error:
        message = (
            "the package openreadout, which reads plate readers' own files, is not installed. Install it with "
            "pip install 'benchside[plates]', or export the plate as CSV or Excel."
        )
        raise FileError(message) from error


def exports(path: Path, label: str) -> list[Export]:
    """Return every plate of a reader's file.

    Raises
    ------
    FileError
        When openreadout is not installed, does not know the file, or reports it as damaged.
    """
    require_file(path)
    package = _openreadout()
    try:
        with package.File(path) as file:
            tables, sound, kind = file.info.get("tables", []), bool(file.check().get("ok")), file.format
            held = [np.asarray(file.read_table(k), dtype=np.float64) for k in range(len(tables))]
    except (package.OpenReadoutError, OSError, ValueError) as error:
        message = f"{label} could not be read by openreadout: {first_line(error).replace(str(path), label)} Export the plate as CSV or Excel."
        raise FileError(message) from error
    if kind != "plate" or not sound:
        what = f"is a file of kind {kind!r} and no plate" if kind != "plate" else "is damaged, as its integrity report says"
        message = f"{label} {what}. Export the plate again, as CSV or Excel."
        raise FileError(message)
    return [_export(table, values, label) for table, values in zip(tables, held, strict=True)]


def _export(table: dict[str, Any], values: NDArray[np.float64], label: str) -> Export:
    columns = {column["name"]: column for column in table.get("columns", [])}
    if tuple(columns)[: len(COLUMNS)] != COLUMNS or values.ndim != 2 or values.shape[1] < len(COLUMNS):
        message = f"{label}: openreadout gives its plates other columns ({', '.join(columns)}) than known here. Export the plate as CSV or Excel."
        raise FileError(message)
    described = {int(read["read"]): read for read in table.get("extra", {}).get("reads", []) if "read" in read}
    reads = {int(code): _read_name(described.get(int(code), {}), int(code)) for code in np.unique(values[:, 3])}
    return Export(str(table.get("name") or "plate"), values, reads)


def _read_name(described: Mapping[str, Any], code: int) -> str:
    """Return the wavelength of a measured read, else its label; a calculated one keeps the label it was given."""
    wavelength = described.get("settings", {}).get("Wavelength")
    if isinstance(wavelength, int | float) and described.get("origin", "measured") == "measured":
        return f"{wavelength:g} nm"
    return str(described.get("label") or f"read {code}")


def preview(path: str | Path) -> pl.DataFrame:
    """Return what a reader's own file holds, before its wells are used.

    Parameters
    ----------
    path
        A file that openreadout reads (SoftMax Pro, Gen5, MARS, EnVision, i-control, SkanIt ...).

    Returns
    -------
    polars.DataFrame
        One row a read: `plate, read, wells, wells_with_value, times, first_well, last_well, whole`; `whole` says that every well of a
        96-, 384- or 1536-well plate stands once.

    Raises
    ------
    FileError
        When openreadout is not installed or cannot read the file.
    """
    rows = []
    for export in exports(Path(path), Path(path).name):
        for code, name in export.reads.items():
            part = export.values[export.values[:, 3] == code]
            wells = [_well(line) for line in part]
            times = np.unique(part[np.isfinite(part[:, 5]), 5]).size
            rows.append(
                (
                    export.plate,
                    name,
                    len(set(wells)),
                    int(np.isfinite(part[:, 6]).sum()),
                    times,
                    wells[0],
                    wells[-1],
                    _is_whole(wells),
                )
            )
    names = ("plate", "read", "wells", "wells_with_value", "times", "first_well", "last_well", "whole")
    return pl.DataFrame(rows, schema=names, orient="row")


def _well(line: NDArray[np.float64]) -> str:
    return well_name(int(line[1]) - 1, int(line[2]) - 1)


def _is_whole(wells: Sequence[str]) -> bool:
    shape = PLATE_SHAPES.get(len(wells))
    return shape is not None and set(wells) == {well_name(r, c) for r in range(shape[0]) for c in range(shape[1])}


def exported_wells(path: Path, layout: Path | None, defaults: Defaults, *, label: str) -> WellTable:
    """Return the wells of a reader's own file, read by openreadout, with the layout of another file.

    Raises
    ------
    FileError, LayoutError, TableError, UnitError
        When the file cannot be read, there is no layout, or the wells of a read do not count up to a plate.
    """
    if layout is None:
        message = (
            f"{label}: a file read through openreadout says nothing of compounds and doses. Give the layout as a file of its own."
        )
        raise LayoutError(message)
    digest = file_hash(path)[:12]
    found = exports(path, label)
    readings = [reading for export in found for reading in _readings(export, label, digest)]
    _require_all(path, label, sum(len(reading.cells) for reading in readings))
    if not readings:
        message = f"{label}: openreadout found no plate in it. Export the plate as CSV or Excel."
        raise LayoutError(message)
    return well_table(wells_of_readings(readings, sheets(layout), defaults))


def _require_all(path: Path, label: str, held: int) -> None:
    """Refuse where the plates seen here hold more wells than openreadout gives: it would have lost a plate."""
    if path.suffix.lower() not in {".csv", ".tsv", ".txt", ".xlsx", ".xlsm"}:
        return
    seen = sum(
        block.wells for sheet in sheets(path) for block in blocks(sheet) if property_title(block) is None and not block.is_map
    )
    if held < seen:
        message = (
            f"{label}: openreadout gives {held} readings, and the plates in the file hold {seen}, so it lost some. "
            "Read the file without through='openreadout', or export the plates apart."
        )
        raise LayoutError(message)


def _readings(export: Export, label: str, digest: str) -> Iterator[Reading]:
    rows = tuple(tuple(None if math.isnan(cell) else cell for cell in line) for line in export.values.tolist())
    sheet = Sheet(label, digest, export.plate, rows, spreadsheet=False)
    for code, name in export.reads.items():
        places = [place for place, line in enumerate(export.values) if line[3] == code]
        wells = [_well(export.values[place]) for place in places]
        if not _is_whole(wells):
            message = (
                f"{label}: read {name!r} of plate {export.plate!r} has {len(wells)} readings of {len(set(wells))} wells, and a plate has 96, 384 or 1536, "
                "each once. Export the whole plate at one time point as CSV or Excel."
            )
            raise LayoutError(message)
        cells = tuple((well, rows[place][6], place, 6) for well, place in zip(wells, places, strict=True))
        yield Reading(sheet, places[0], 6, cells, name, export.plate)
