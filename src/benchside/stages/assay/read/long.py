"""Long tables: a row a well, or a row a response; and the raw table of GDSC."""

from pathlib import Path
from typing import Final, cast

import polars as pl

from benchside.core.errors import FileError, TableError, UnitError
from benchside.core.tables import FLOAT, INTEGER, cast_column, file_hash, read_table
from benchside.core.units import nM_per
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.grid import OVERFLOW, Defaults

GDSC_COLUMNS: Final = ("BARCODE", "POSITION", "TAG", "CONC", "INTENSITY")
_GDSC_ROLES: Final = {"NC-1": "vehicle", "B": "blank", "PC-1": "positive", "UN-USED": "empty"}
"""NC-0 and PC-2, the further controls of the format, are kept as excluded wells."""


def row_refs(path: Path, label: str, height: int) -> pl.Series:
    """Return the reference of every row of a table file: file, content hash, row (1 is the first below the header)."""
    digest = file_hash(path)[:12]
    rows = pl.Series("row", range(1, height + 1), dtype=pl.UInt32)
    return pl.DataFrame({"row": rows}).select(ref=pl.format("{}@{}!row {}", pl.lit(label), pl.lit(digest), "row"))["ref"]


def is_gdsc(columns: list[str]) -> bool:
    """Return whether a table has the columns of the GDSC raw format."""
    return set(GDSC_COLUMNS) <= set(columns)


def gdsc_wells(path: Path, label: str) -> pl.DataFrame:
    """Return the wells of a GDSC raw table.

    The format (Iorio 2016, doi:10.1016/j.cell.2016.06.017) fixes the unit of CONC as µM; NC-1 is the vehicle, B the blank
    without cells, PC-1 the positive control, L<n>-D<k>-S dose k of library drug n.
    """
    frame = filled_table(path, label)
    frame = frame.with_columns(
        cast_column(frame, name, dtype, noun=label)
        for name, dtype in (("POSITION", INTEGER), ("CONC", FLOAT), ("INTENSITY", FLOAT))
    )
    tag, position = pl.col("TAG").cast(pl.String), pl.col("POSITION")
    rows, columns = _plate_shape(frame["POSITION"], label)
    names = [well_name(k // columns, k % columns) for k in range(rows * columns)]
    known = {column: pl.col(column) for column in frame.columns}
    cell_line = known.get("CELL_LINE_NAME", pl.lit(None)).cast(pl.String)
    library = tag.str.starts_with("L")
    refs = row_refs(path, label, frame.height)
    return frame.select(
        plate_id=pl.col("BARCODE").cast(pl.String),
        well=(position - 1).replace_strict(pl.Series(range(len(names)), dtype=pl.Int64), pl.Series(names)),
        role=pl.when(library).then(pl.lit("sample")).otherwise(tag.replace_strict(_GDSC_ROLES, default="excluded")),
        compound=pl.when(library).then(pl.concat_str(pl.lit("GDSC_"), known.get("DRUG_ID", tag).cast(pl.String))),
        concentration_nM=pl.col("CONC") * nM_per("uM", place=label),
        target=pl.lit(None, pl.String),
        variant=pl.lit(None, pl.String),
        system=cell_line,
        replicate=pl.lit(1, pl.Int64),
        signal=pl.col("INTENSITY"),
    ).with_columns(signal_ref=refs, layout_ref=refs)


def _plate_shape(positions: pl.Series, label: str) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that holds every position (counted along the rows from 1)."""
    largest = max(PLATE_SHAPES)
    bad = (~positions.is_between(1, largest).fill_null(value=False)).arg_true().to_list()
    if bad:
        message = f"{label}, row {bad[0] + 1}: POSITION is {positions[bad[0]]}, and wells are numbered from 1 to {largest}. Correct the cell."
        raise TableError(message)
    highest = cast("int", positions.max())
    return next(PLATE_SHAPES[size] for size in sorted(PLATE_SHAPES) if highest <= size)


def is_well_list(columns: list[str]) -> bool:
    """Return whether a table is a long table of wells."""
    return {"well", "signal"} <= set(columns)


def long_wells(path: Path, label: str, defaults: Defaults) -> pl.DataFrame:
    """Return the wells of a long table: columns well, signal, role and whatever further columns of a WellTable it has."""
    frame = filled_table(path, label)
    refs = row_refs(path, label, frame.height)
    frame = frame.with_columns(
        concentration(frame, label, defaults.concentration_unit),
        pl.col("well").cast(pl.String).str.strip_chars().str.to_uppercase().str.replace(r"^([A-Z]{1,2})0+(\d+)$", "${1}${2}"),
    )
    if "plate_id" not in frame.columns:
        frame = frame.with_columns(plate_id=pl.lit(Path(label).stem))
    for name in ("target", "variant", "system"):
        value = getattr(defaults, name)
        if value is not None:
            column = pl.col(name).fill_null(value) if name in frame.columns else pl.lit(value)
            frame = frame.with_columns(column.alias(name))
    if "role" not in frame.columns:
        message = (
            f"{label}: column role is missing, and wells are sample, vehicle, positive, blank, empty or excluded. Add the column."
        )
        raise TableError(message)
    if defaults.overflow == "exclude":
        frame = without_overflow(frame)
    signal = cast_column(frame, "signal", FLOAT, noun=label)
    return frame.with_columns(signal, signal_ref=refs, layout_ref=refs)


def without_overflow(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the wells the reader could not measure excluded, their mark kept as a note."""
    if frame["signal"].dtype != pl.String:
        return frame
    over = pl.col("signal").str.contains(OVERFLOW.pattern.replace("^", "(?i)^", 1))
    return frame.with_columns(
        note=pl.when(over).then(pl.concat_str(pl.lit("reader overflow: "), pl.col("signal").str.strip_chars())),
        role=pl.when(over).then(pl.lit("excluded")).otherwise(pl.col("role")),
        signal=pl.when(~over).then(pl.col("signal")),
    )


def filled_table(path: Path, label: str) -> pl.DataFrame:
    """Return a table file as it is, or say that it holds a header only."""
    frame = read_table(path)
    if frame.is_empty():
        message = f"{label} has a header and no rows. Export it again."
        raise FileError(message)
    return frame


def concentration(frame: pl.DataFrame, label: str, unit: str | None) -> pl.Series:
    """Return concentration_nM: from a column whose name has the unit, or from `concentration` and the study's unit."""
    for name in frame.columns:
        stem, _, suffix = name.rpartition("_")
        if stem == "concentration" or name == "concentration":
            factor = nM_per(unit if name == "concentration" else suffix, place=f"{label}, column {name}")
            if unit is not None and nM_per(unit, place=label) != factor:
                message = f"{label}: column {name} is in {suffix}, and concentration_unit says {unit}. Rename the column or drop the setting."
                raise UnitError(message)
            return (cast_column(frame, name, FLOAT, noun=label) * factor).alias("concentration_nM")
    message = f"{label}: no concentration column. Name it with its unit, for example concentration_nM."
    raise UnitError(message)


def response_rows(path: Path, label: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return a user's long table of responses as it is, and the reference of every row."""
    frame = filled_table(path, label)
    return frame, row_refs(path, label, frame.height)
