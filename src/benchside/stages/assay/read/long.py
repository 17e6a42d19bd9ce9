"""Long tables: a row a well, or a row a response; and the raw table of GDSC."""

from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import FileError, TableError, UnitError
from benchside.core.tables import file_hash, read_table
from benchside.core.units import nM_per
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.grid import Defaults

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
    frame = read_table(path)
    tag, position = pl.col("TAG").cast(pl.String), pl.col("POSITION").cast(pl.Int64)
    largest = frame["POSITION"].cast(pl.Int64).max()
    shape = next((PLATE_SHAPES[size] for size in sorted(PLATE_SHAPES) if isinstance(largest, int) and largest <= size), None)
    if shape is None:
        message = f"{label}: POSITION runs to {largest}, beyond a plate of 1536 wells. Correct the column."
        raise TableError(message)
    rows, columns = shape
    names = [well_name(k // columns, k % columns) for k in range(rows * columns)]
    known = {column: pl.col(column) for column in frame.columns}
    cell_line = known.get("CELL_LINE_NAME", pl.lit(None)).cast(pl.String)
    library = tag.str.starts_with("L")
    refs = row_refs(path, label, frame.height)
    return frame.select(
        plate_id=pl.col("BARCODE").cast(pl.String),
        well=(position - 1).replace_strict(pl.Series(range(len(names)), dtype=pl.Int64), pl.Series(names)),
        role=pl.when(library).then(pl.lit("sample")).otherwise(tag.replace_strict(_GDSC_ROLES, default="excluded")),
        compound=pl.when(library).then(pl.concat_str(pl.lit("GDSC_"), pl.col("DRUG_ID").cast(pl.String))),
        concentration_nM=pl.col("CONC").cast(pl.Float64) * nM_per("uM", place=label),
        target=pl.lit(None, pl.String),
        variant=pl.lit(None, pl.String),
        system=cell_line,
        replicate=pl.lit(1, pl.Int64),
        signal=pl.col("INTENSITY").cast(pl.Float64),
    ).with_columns(signal_ref=refs, layout_ref=refs)


def is_well_list(columns: list[str]) -> bool:
    """Return whether a table is a long table of wells."""
    return {"well", "signal"} <= set(columns)


def long_wells(path: Path, label: str, defaults: Defaults) -> pl.DataFrame:
    """Return the wells of a long table: columns well, signal, role and whatever further columns of a WellTable it has."""
    frame = read_table(path)
    if frame.is_empty():
        message = f"{label} has a header and no rows. Export it again."
        raise FileError(message)
    frame = frame.with_columns(concentration(frame, label, defaults.concentration_unit))
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
    refs = row_refs(path, label, frame.height)
    return frame.with_columns(signal_ref=refs, layout_ref=refs)


def concentration(frame: pl.DataFrame, label: str, unit: str | None) -> pl.Expr:
    """Return the expression of concentration_nM: from a column whose name has the unit, or from `concentration` and the study's unit."""
    for name in frame.columns:
        stem, _, suffix = name.rpartition("_")
        if stem == "concentration":
            return (pl.col(name).cast(pl.Float64, strict=True) * nM_per(suffix, place=f"{label}, column {name}")).alias(
                "concentration_nM"
            )
    if "concentration" in frame.columns:
        return (pl.col("concentration").cast(pl.Float64) * nM_per(unit, place=f"{label}, column concentration")).alias(
            "concentration_nM"
        )
    message = f"{label}: no concentration column. Name it with its unit, for example concentration_nM."
    raise UnitError(message)


def response_rows(path: Path, label: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return a user's long table of responses as it is, and the reference of every row."""
    frame = read_table(path)
    if frame.is_empty():
        message = f"{label} has a header and no rows. Export it again."
        raise FileError(message)
    return frame, row_refs(path, label, frame.height)
