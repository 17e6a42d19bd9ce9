"""Columns of CDISC ADaM tables: found, converted and checked in one place, with messages that name rows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest

SUBJECT: Final = "USUBJID"


def require_columns(frame: pl.DataFrame, names: Sequence[str], *, noun: str) -> None:
    """Raise TableError unless every column is there."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        message = (
            f"{noun}: column {listed(missing)} is missing{nearest(missing[0], frame.columns)}; "
            f"the columns are {listed(frame.columns, 12)}. Rename or add the column."
        )
        raise TableError(message)


def require_rows(frame: pl.DataFrame, *, noun: str) -> pl.DataFrame:
    """Return the table, or raise TableError where it has a header and nothing else."""
    if frame.is_empty():
        message = f"{noun}: the table has a header and no rows. Export it again."
        raise TableError(message)
    return frame


def dates(frame: pl.DataFrame, name: str, *, noun: str) -> pl.Series:
    """Return a column as dates: dates and times as they are, ISO 8601 text by its first ten characters, null where empty.

    Raises
    ------
    TableError
        When a text is no full date (a partial date must be imputed where that is decided, not here), or the column holds numbers.
    """
    series = frame[name]
    if series.dtype == pl.Date:
        return series
    if series.dtype.is_temporal():
        return series.cast(pl.Date)
    if series.dtype == pl.Null:
        return series.cast(pl.Date)
    if series.dtype != pl.String:
        message = f"{noun}: column {name} must hold dates, but holds {series.dtype}. Write them as 2014-01-31, or give the column a date format before it is exported."
        raise TableError(message)
    text = series.str.strip_chars().replace("", None)
    found = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    bad = (text.is_not_null() & found.is_null()).arg_true().to_list()
    if bad:
        message = (
            f"{noun}: column {name} must hold full dates as 2014-01-31; row {listed([row + 1 for row in bad], 3)} holds "
            f"{listed([repr(text[row]) for row in bad], 3)}. Impute partial dates before, and say how."
        )
        raise TableError(message)
    return found


def one_parameter(frame: pl.DataFrame, parameter: str | None, *, noun: str) -> pl.DataFrame:
    """Return the rows of one PARAMCD, refusing to choose between several."""
    if "PARAMCD" not in frame.columns:
        if parameter is None:
            return frame
        message = (
            f"{noun}: there is no column PARAMCD to find parameter {parameter!r} in. Leave out the parameter, or add the column."
        )
        raise TableError(message)
    there = frame["PARAMCD"].drop_nulls().unique().sort().to_list()
    if parameter is None:
        if len(there) > 1:
            message = f"{noun}: it holds the parameters {listed(there, 12)}. Name the one to read as parameter=."
            raise TableError(message)
        return frame
    if parameter not in there:
        message = f"{noun}: there is no parameter {parameter!r}{nearest(parameter, there)}; it holds {listed(there, 12)}. Name one of them."
        raise TableError(message)
    return frame.filter(pl.col("PARAMCD") == parameter)


def keep_rows(frame: pl.DataFrame, where: Mapping[str, str | int | float], *, noun: str) -> pl.DataFrame:
    """Return the rows in which every named column has the named value."""
    require_columns(frame, list(where), noun=noun)
    for name, value in where.items():
        kept = frame.filter(pl.col(name).cast(pl.String) == str(value))
        if kept.is_empty():
            held = frame[name].cast(pl.String).drop_nulls().unique().sort().to_list()
            message = f"{noun}: no row has {name} = {value!r}; the column holds {listed(held) or 'nothing'}. Correct the filter."
            raise TableError(message)
        frame = kept
    return frame


def require_one_row_each(frame: pl.DataFrame, keys: Sequence[str], *, noun: str, remedy: str) -> None:
    """Raise TableError where a combination of keys stands twice."""
    twice = frame.filter(frame.select(keys).is_duplicated())
    if twice.height:
        named = ", ".join(f"{key} {twice[key][0]}" for key in keys)
        message = f"{noun}: {named} has {twice.filter(pl.all_horizontal(pl.col(key) == twice[key][0] for key in keys)).height} rows, and one is expected. {remedy}"
        raise TableError(message)


def cut_off_date(text: str | None) -> date | None:
    """Return a data cut-off as a date, or raise SettingError where it is none.

    Examples
    --------
    >>> cut_off_date("2017-02-09")
    datetime.date(2017, 2, 9)
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        message = f"the data cut-off must be a date as 2017-02-09, and is {text!r}. Correct it."
        raise SettingError(message) from error
