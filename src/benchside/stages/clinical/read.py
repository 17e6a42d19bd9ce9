"""Read plain tables of subjects: one row a subject, a time, whether it was an event, an arm."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import FileError, TableError, nearest
from benchside.core.exchange import EventTable
from benchside.core.tables import file_hash, read_table

HASH_DIGITS: Final = 12
SOURCE: Final = "source_ref"

TIME_WORDS: Final = frozenset(
    {
        "time",
        "time_months",
        "time_days",
        "time_weeks",
        "months",
        "days",
        "pfs",
        "pfs_months",
        "os",
        "os_months",
        "futime",
    }
)
EVENT_WORDS: Final = frozenset({"event", "status", "death", "died", "progressed", "pfs_event", "os_event"})
ARM_WORDS: Final = frozenset({"arm", "trt", "treatment", "group", "trt01p", "trt01a", "trtp", "armcd"})


def read(
    path: str | Path,
    *,
    time: str,
    time_unit: str | None,
    event: str,
    arm: str,
    control: str | None = None,
    strata: Sequence[str] = (),
    where: Mapping[str, str | int | float] | None = None,
    causes: Mapping[str, int] | None = None,
    root: str | Path | None = None,
) -> EventTable:
    """Read an event table from CSV, TSV or Parquet.

    Parameters
    ----------
    path
        The file; one row a subject.
    time, event, arm
        Names of its columns. `event` is 0 or 1, or a code of `causes`.
    time_unit
        days, weeks, months or years; never guessed.
    control, strata, causes
        As in `EventTable.from_frame`.
    where
        Keep the rows whose column equals a value, ``{"trial": "ALEX"}``.
    root
        Name the file relative to this folder in `source_ref`; by default by its own name.

    Returns
    -------
    EventTable
        With a column `source_ref`, ``file@hash!row N``: N counts the rows of data in the file from 1, the header not
        counted.

    Raises
    ------
    FileError, TableError, UnitError
        Naming the column or row and the remedy.
    """
    file = Path(path)
    frame = read_table(file)
    name = file.relative_to(root).as_posix() if root is not None and file.is_relative_to(root) else file.name
    ref = f"{name}@{file_hash(file)[:HASH_DIGITS]}!row "
    frame = frame.drop(SOURCE, strict=False).with_row_index("_line", offset=1)
    frame = frame.with_columns((pl.lit(ref) + pl.col("_line").cast(pl.String)).alias(SOURCE)).drop("_line")
    kept = _keep(frame, where or {}, name)
    return EventTable.from_frame(
        kept, time=time, time_unit=time_unit, event=event, arm=arm, control=control, strata=strata, causes=causes, label=name
    )


def _keep(frame: pl.DataFrame, where: Mapping[str, str | int | float], name: str) -> pl.DataFrame:
    for column, value in where.items():
        if column not in frame.columns:
            message = (
                f"{name}: the filter names column {column}, which is not there{nearest(column, frame.columns)}. "
                "Name one of the columns."
            )
            raise TableError(message)
        is_number = frame[column].dtype.is_numeric()
        if is_number == isinstance(value, str):
            held = "numbers" if is_number else "text"
            message = f"{name}: column {column} holds {held} and can never equal {value!r}. Write the value as {held}."
            raise TableError(message)
        kept = frame.filter(pl.col(column) == value)
        if kept.is_empty():
            message = f"{name}: no row has {column} = {value!r}. Correct the filter."
            raise TableError(message)
        frame = kept
    return frame


def recognise(path: Path) -> bool:
    """Return whether a file looks like an event table: it names a time, an event and an arm."""
    try:
        columns = {column.lower() for column in _columns(path)}
    except (FileError, pl.exceptions.PolarsError, OSError):
        return False
    return all(columns & words for words in (TIME_WORDS, EVENT_WORDS, ARM_WORDS))


def _columns(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        return list(pl.read_parquet_schema(path))
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        return pl.read_csv(path, separator="\t" if path.suffix.lower() == ".tsv" else ",", n_rows=0).columns
    return []
