"""The one door plates come in through: it sees what kind of file it is and hands it to the reader of that kind."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from benchside.core.errors import FileError, LayoutError, TableError, listed, nearest
from benchside.core.parts import Part
from benchside.core.tables import FILE_ROW, FLOAT, INTEGER, cast_column, first_line, require_file, text_dialect
from benchside.core.units import nM_per
from benchside.stages.assay.model import ResponseTable, WellTable
from benchside.stages.assay.read.cells import sheets
from benchside.stages.assay.read.decimals import require_settled_commas
from benchside.stages.assay.read.export import exported_wells
from benchside.stages.assay.read.grid import Defaults, readings_in, well_table, wells_of_grids
from benchside.stages.assay.read.long import filled_table, gdsc_wells, is_gdsc, is_well_list, long_wells, row_refs

VERSION: Final = "3"

PLATE_ENDINGS: Final = frozenset({".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".ods"})
LARGEST_GRID: Final = 20_000_000
"""Bytes: sheets of plates are smaller."""


def read(
    path: str | Path,
    layout: str | Path | None = None,
    *,
    concentration_unit: str | None = None,
    target: str | None = None,
    variant: str | None = None,
    system: str | None = None,
    overflow: str = "refuse",
    signal_read: str | None = None,
    reference_read: str | None = None,
    through: Literal["benchside", "openreadout"] = "benchside",
    label: str | None = None,
    part: Part | None = None,
) -> WellTable:
    """Read the wells of one file: a plate reader's export, a plate grid in CSV or Excel, a long table of wells, or a GDSC raw table.

    Parameters
    ----------
    path
        The file. A grid is found wherever it stands in a sheet, among headers, notes and empty rows.
    layout
        A file with the layout (grids titled Compound, Concentration (nM), Role, or a list with a `well` column); by default
        the layout is looked for in the file itself.
    concentration_unit
        Unit of doses whose title or column name gives none; it is never guessed.
    target, variant, system
        What the wells are of, where the file does not say.
    overflow
        ``refuse`` (the default) or ``exclude``: what becomes of wells the reader marked as overflown.
    signal_read, reference_read
        Where plates were read more than once: which read is the signal, and which is subtracted from it (650 nm from 570 nm), by
        label or wavelength. The wells then keep both, as `signal_measured` and `signal_reference`, and `signal` is their difference.
    through
        ``openreadout`` reads a reader's own export through the package openreadout (extra ``plates``), for kinds not read here.
    label
        How references name the file; its own name by default.
    part
        One part of the plates of a long table that is too large to hold; the whole file by default.

    Raises
    ------
    FileError, TableError, UnitError, LayoutError
        One sentence with file, cell or row, rule and remedy.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> pl.DataFrame({"well": ["A1", "A2"], "role": ["vehicle", "sample"], "compound": ["", "x"],
    ...     "concentration_nM": [0, 10], "signal": [9.0, 4.0]}).write_csv(folder / "p.csv")
    >>> read(folder / "p.csv").table["signal"].to_list()
    [9.0, 4.0]
    """
    place, name = Path(path), label or Path(path).name
    require_file(place)
    defaults = Defaults(target, variant, system, concentration_unit, overflow, signal_read, reference_read)
    if through == "openreadout":
        return exported_wells(place, None if layout is None else Path(layout), defaults, label=name)
    columns = header(place)
    if is_gdsc(columns):
        return WellTable(gdsc_wells(place, name, part))
    if is_well_list(columns):
        if place.suffix.lower() != ".parquet":
            require_settled_commas(place, name)
        return WellTable(long_wells(place, name, defaults, part))
    require_well_list(columns, name)
    found = sheets(place, name=name)
    described = found if layout is None else sheets(Path(layout), name=Path(layout).name)
    rows = wells_of_grids(found, described, defaults)
    return well_table(rows)


def is_plate_file(path: Path) -> bool:
    """Return whether a file holds wells of plates: a table of wells, or a sheet with a plate of signals, be it a torn one."""
    if path.suffix.lower() not in PLATE_ENDINGS or path.stat().st_size == 0:
        return False
    try:
        columns = header(path)
        if is_gdsc(columns) or is_well_list(columns):
            return True
        small = path.suffix.lower() != ".parquet" and path.stat().st_size <= LARGEST_GRID
        return small and bool(readings_in(sheets(path)))
    except (LayoutError, TableError):
        return True  # something of a plate that cannot be read: its reader says what, where silence would lose it
    except FileError:
        return False


def require_well_list(columns: list[str], name: str) -> None:
    """Refuse a table that is nearly a long table of wells, naming the column it lacks."""
    known = {"plate_id", "well", "role", "compound", "signal", "concentration_nM", "variant", "replicate"}
    missing = [column for column in ("well", "signal") if column not in columns]
    if missing and len(known & set(columns)) >= 3:
        message = f"{name}: column {missing[0]} is missing{nearest(missing[0], columns)}; the columns are {listed(columns, 12)}. Rename or add the column."
        raise TableError(message)


def header(path: Path) -> list[str]:
    """Return the column names of a Parquet file or of the first line of a text file, for telling its kind."""
    if path.suffix.lower() == ".parquet":
        try:
            return list(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError, ValueError) as error:
            message = f"{path.name} could not be read as PARQUET: {first_line(error)} Save it again and retry."
            raise FileError(message) from error
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        with path.open(encoding="utf-8-sig", errors="replace") as handle:
            first = handle.readline(1 << 16)
        return [name.strip() for name in next(csv.reader([first], delimiter=text_dialect(path)[0]), [])]
    return []


def read_responses(
    path: str | Path,
    *,
    columns: Mapping[str, str],
    concentration_unit: str | None = None,
    response_unit: str = "fraction",
    constants: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
    label: str | None = None,
    part: Part | None = None,
) -> ResponseTable:
    """Read a long table of responses that are normalised already.

    Parameters
    ----------
    path
        CSV or Parquet, one row a dose and replicate.
    columns
        Promised name -> the file's column, at least `concentration` and `response`; `concentration_unit` may be a column too.
        Without `curve_id` a curve is a compound, target, variant and system.
    concentration_unit, response_unit
        Units; asked for, never guessed.
    constants
        Promised name -> one value for every row.
    where
        Column -> value (or list of values): only these rows are read.
    part
        One part of the curves of a table that is too large to hold; the whole file by default.

    Raises
    ------
    FileError, TableError, UnitError
    """
    place, name = Path(path), label or Path(path).name
    require_file(place)
    known = header(place)
    columns, concentration_unit = promised_columns(columns, known, name, concentration_unit)
    missing = [theirs for theirs in [*columns.values(), *(where or {})] if theirs not in known]
    if missing:
        message = f"{name}: column {listed(missing)} is missing{nearest(missing[0], known)}; the columns are {listed(known, 12)}."
        raise TableError(message)
    named = curve_name(columns, constants or {}, name)
    frame = filled_table(place, name, part, named)
    frame = frame.with_columns(source_ref=row_refs(place, name, frame[FILE_ROW]))
    frame = kept(frame, where or {}, name, may_be_empty=part is not None)
    numeric = {"concentration": FLOAT, "response": FLOAT, "replicate": INTEGER}
    frame = frame.with_columns(
        cast_column(frame, theirs, numeric[ours], noun=name) for ours, theirs in columns.items() if ours in numeric
    )
    dose = pl.col(columns["concentration"])
    if "concentration_unit" in columns:
        units = frame[columns["concentration_unit"]].cast(pl.String).unique().to_list()
        factors = {unit: nM_per(unit, place=name) for unit in units}
        dose = dose * pl.col(columns["concentration_unit"]).cast(pl.String).replace_strict(factors, return_dtype=pl.Float64)
        concentration_unit = "nM"
    taken = {"concentration", "response", "concentration_unit", "replicate", "curve_id"}
    described = [pl.col(theirs).cast(pl.String).alias(ours) for ours, theirs in columns.items() if ours not in taken]
    described += [pl.lit(value).alias(ours) for ours, value in (constants or {}).items() if ours not in columns]
    described += [pl.col(columns["replicate"]).alias("replicate")] if "replicate" in columns else []
    table = frame.select(*described, "source_ref", concentration=dose, response=pl.col(columns["response"]), curve_id=named)
    return ResponseTable.from_frame(table, concentration_unit=concentration_unit, response_unit=response_unit)


def promised_columns(
    columns: Mapping[str, str], known: list[str], name: str, unit: str | None
) -> tuple[dict[str, str], str | None]:
    """Return the columns a study names and the unit of the dose; what it does not name is the file's column of that name.

    A column `concentration_nM` gives its unit with its name.
    """
    found = dict(columns)
    for wanted in ("concentration", "response"):
        if wanted in found:
            continue
        alike = [
            column for column in known if column == wanted or (wanted == "concentration" and column.startswith("concentration_"))
        ]
        alike = [column for column in alike if column != "concentration_unit"]
        if len(alike) != 1:
            message = (
                f"{name}: nothing says which column holds the {wanted}; the columns are {listed(known, 12)}. "
                f'Name it in the study: columns = {{ {wanted} = "..." }}.'
            )
            raise TableError(message)
        found[wanted] = alike[0]
        if wanted == "concentration" and alike[0] != wanted and unit is None and "concentration_unit" not in found:
            unit = alike[0].removeprefix("concentration_")
    return found, unit


def curve_name(columns: Mapping[str, str], constants: Mapping[str, str], name: str) -> pl.Expr:
    """Return what curve a row belongs to: its own name, or compound, target, variant and system together."""
    if "curve_id" in columns:
        return pl.col(columns["curve_id"]).cast(pl.String)
    parts = [
        pl.col(columns[part]).cast(pl.String) if part in columns else pl.lit(constants[part])
        for part in ("compound", "target", "variant", "system")
        if part in columns or part in constants
    ]
    return pl.concat_str(parts, separator=" | ", ignore_nulls=True) if parts else pl.lit(Path(name).stem)


def kept(frame: pl.DataFrame, where: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> pl.DataFrame:
    """Return the rows whose columns hold the wanted values, or say that none does."""
    for column, wanted in where.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        frame = frame.filter(pl.col(column).cast(pl.String).is_in([str(value) for value in values]))
        if frame.is_empty() and not may_be_empty:
            message = f"{name}: no row has {column} = {listed(values)}. Correct the filter."
            raise TableError(message)
    return frame
