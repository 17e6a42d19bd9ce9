"""Long tables: a row a well, or a row a response; and the raw table of GDSC."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

import polars as pl

from benchside.core.errors import FileError, TableError, UnitError
from benchside.core.parts import Part, scan_table
from benchside.core.tables import FILE_ROW, FLOAT, INTEGER, cast_column, file_hash, read_table
from benchside.core.units import nM_per
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.grid import OVERFLOW, Defaults

NAMES: Final = ("plate_id", "role", "compound", "compound_b", "target", "variant", "system")
_OVERFLOWN: Final = OVERFLOW.pattern.replace("^", "(?i)^", 1)
_BRACKETED: Final = re.compile(r"^\s*concentration\s*[\(\[]\s*([^\)\]]+?)\s*[\)\]]\s*$", re.IGNORECASE)

GDSC_COLUMNS: Final = ("BARCODE", "POSITION", "TAG", "CONC", "INTENSITY")
_GDSC_ROLES: Final = {"NC-1": "vehicle", "B": "blank", "PC-1": "positive", "UN-USED": "empty"}
"""NC-0 and PC-2, the further controls of the format, are kept as excluded wells."""


def row_refs(path: Path, label: str, rows: pl.Series) -> pl.Series:
    """Return the reference of rows of a table file: file, content hash, row (1 is the first below the header)."""
    stamp = path.stat()
    digest = _digest(path, stamp.st_size, stamp.st_mtime_ns)[:12]
    return pl.DataFrame({"row": rows}).select(ref=pl.format("{}@{}!row {}", pl.lit(label), pl.lit(digest), "row"))["ref"]


@lru_cache(maxsize=8)
def _digest(path: Path, _size: int, _changed_ns: int) -> str:
    """Return the content hash of a file; remembered, since a large file is read in many parts."""
    return file_hash(path)


def is_gdsc(columns: list[str]) -> bool:
    """Return whether a table has the columns of the GDSC raw format."""
    return set(GDSC_COLUMNS) <= set(columns)


def gdsc_wells(path: Path, label: str, part: Part | None = None) -> pl.DataFrame:
    """Return the wells of a GDSC raw table, or of one part of its plates.

    The format (Iorio 2016, doi:10.1016/j.cell.2016.06.017) fixes the unit of CONC as µM; NC-1 is the vehicle, B the blank
    without cells, PC-1 the positive control, L<n>-D<k>-S dose k of library drug n.
    """
    frame = filled_table(path, label, part, pl.col("BARCODE"))
    frame = frame.with_columns(
        cast_column(frame, name, dtype, noun=label)
        for name, dtype in (("POSITION", INTEGER), ("CONC", FLOAT), ("INTENSITY", FLOAT))
    )
    tag, position = pl.col("TAG").cast(pl.String), pl.col("POSITION")
    rows, columns = _plate_shape(frame, path if part else None, label)
    names = [well_name(k // columns, k % columns) for k in range(rows * columns)]
    known = {column: pl.col(column) for column in frame.columns}
    cell_line = known.get("CELL_LINE_NAME", pl.lit(None)).cast(pl.String)
    library = tag.str.starts_with("L")
    refs = row_refs(path, label, frame[FILE_ROW])
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


def _plate_shape(frame: pl.DataFrame, whole: Path | None, label: str) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that holds every position (counted along the rows from 1) of the whole file."""
    positions, largest = frame["POSITION"], max(PLATE_SHAPES)
    bad = (~positions.is_between(1, largest).fill_null(value=False)).arg_true().to_list()
    if bad:
        message = f"{label}, row {frame[FILE_ROW][bad[0]]}: POSITION is {positions[bad[0]]}, and wells are numbered from 1 to {largest}. Correct the cell."
        raise TableError(message)
    if whole is not None:
        positions = scan_table(whole).select(pl.col("POSITION").cast(pl.Int64, strict=False)).max().collect()["POSITION"]
    highest = min(cast("int", positions.max()), largest)
    return next(PLATE_SHAPES[size] for size in sorted(PLATE_SHAPES) if highest <= size)


def is_well_list(columns: list[str]) -> bool:
    """Return whether a table is a long table of wells."""
    return {"well", "signal"} <= set(columns)


def long_wells(path: Path, label: str, defaults: Defaults, part: Part | None = None) -> pl.DataFrame:
    """Return the wells of a long table (well, signal, role and whatever further columns it has), or of one part of its plates."""
    frame = filled_table(path, label, part, pl.col("plate_id"))
    refs = row_refs(path, label, frame[FILE_ROW])
    frame = frame.with_columns(
        concentration(frame, label, defaults.concentration_unit),
        pl.col("well").cast(pl.String).str.strip_chars().str.to_uppercase().str.replace(r"^([A-Z]{1,2})0+(\d+)$", "${1}${2}"),
    )
    frame = stripped(in_uM(frame, "atp", label))
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
    require_no_overflow(frame, label)
    signal = cast_column(frame, "signal", FLOAT, noun=label)
    return apart_by_moment(frame.with_columns(signal, signal_ref=refs, layout_ref=refs).drop(FILE_ROW))


def stripped(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the blanks around names gone: they would make another compound of the same one."""
    names = [name for name in NAMES if name in frame.columns and frame[name].dtype == pl.String]
    return frame.with_columns(pl.col(name).str.strip_chars() for name in names)


def apart_by_moment(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the wells of a plate read on several days as plates of their own: `P1, day 0` and `P1, day 3`."""
    for mark, words in (("day", "{}, day {}"), ("time_h", "{}, {} h")):
        if mark in frame.columns and frame.select("plate_id", "well").is_duplicated().any():
            several = pl.col(mark).n_unique().over("plate_id") > 1
            named = pl.format(words, "plate_id", pl.col(mark))
            return frame.with_columns(plate_id=pl.when(several & pl.col(mark).is_not_null()).then(named).otherwise("plate_id"))
    return frame


def require_no_overflow(frame: pl.DataFrame, label: str) -> None:
    """Refuse signals the reader marked as overflown, naming what may be done about them."""
    if frame["signal"].dtype != pl.String:
        return
    over = frame.filter(pl.col("signal").str.contains(_OVERFLOWN).fill_null(value=False))
    if over.height:
        message = (
            f"{label}, row {over[FILE_ROW][0]}: signal {over['signal'][0]!r} is an overflow mark of the reader, in {over.height} wells. "
            'Set overflow = "exclude" to leave such wells out, or correct the cell.'
        )
        raise TableError(message)


def in_uM(frame: pl.DataFrame, stem: str, label: str) -> pl.DataFrame:
    """Return the table with the column `<stem>_<unit>` as `<stem>_uM`; as it is where there is none."""
    for name in frame.columns:
        head, _, unit = name.rpartition("_")
        if head == stem:
            factor = nM_per(unit, place=f"{label}, column {name}") / nM_per("uM", place=label)
            values = (cast_column(frame, name, FLOAT, noun=label) * factor).alias(f"{stem}_uM")
            return frame.drop(name).with_columns(values)
    return frame


def without_overflow(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the wells the reader could not measure excluded, their mark kept as a note."""
    if frame["signal"].dtype != pl.String:
        return frame
    over = pl.col("signal").str.contains(_OVERFLOWN)
    return frame.with_columns(
        note=pl.when(over).then(pl.concat_str(pl.lit("reader overflow: "), pl.col("signal").str.strip_chars())),
        role=pl.when(over).then(pl.lit("excluded")).otherwise(pl.col("role")),
        signal=pl.when(~over).then(pl.col("signal")),
    )


def filled_table(path: Path, label: str, part: Part | None = None, key: pl.Expr | None = None) -> pl.DataFrame:
    """Return a table file with `FILE_ROW`, or the part of it that `key` cuts, or say that it holds a header only."""
    if part is not None and key is not None:
        return part.rows(scan_table(path), key)  # a slice may be empty: there may be fewer keys than parts
    frame = read_table(path)
    if frame.is_empty():
        message = f"{label} has a header and no rows. Export it again."
        raise FileError(message)
    return frame.with_row_index(FILE_ROW, offset=1)


def concentration(frame: pl.DataFrame, label: str, unit: str | None) -> pl.Series:
    """Return concentration_nM: from a column whose name has the unit, or from `concentration` and the study's unit."""
    for name in frame.columns:
        bracketed = _BRACKETED.match(name)
        stem, _, suffix = ("concentration", "", bracketed.group(1)) if bracketed else name.rpartition("_")
        if stem == "concentration" or name == "concentration":
            factor = nM_per(unit if name == "concentration" else suffix, place=f"{label}, column {name}")
            if unit is not None and nM_per(unit, place=label) != factor:
                message = f"{label}: column {name} is in {suffix}, and concentration_unit says {unit}. Rename the column or drop the setting."
                raise UnitError(message)
            return (cast_column(frame, name, FLOAT, noun=label) * factor).alias("concentration_nM")
    message = f"{label}: no concentration column. Name it with its unit, for example concentration_nM."
    raise UnitError(message)
