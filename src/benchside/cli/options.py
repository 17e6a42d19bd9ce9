"""Options of the command line as text, turned into names, numbers, filters and dates; and errors reworded into options."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final

import polars as pl

from benchside.core.errors import BenchsideError, SettingError

OPTIONS: Final = {
    "parameter", "where", "arm", "adsl", "start", "time_unit", "event_code", "visit_every_days", "control", "baseline",
}  # fmt: skip
_ARGUMENT: Final = re.compile(rf"\b({'|'.join(sorted(OPTIONS))})=(\w*)")
_DICTIONARY: Final = re.compile(r'\{"(\w+)": "?(\w+)"?\}')


@contextmanager
def option_words() -> Iterator[None]:
    """Reword errors that name arguments of the library (``parameter=``) in the options of the command line (``--parameter``)."""
    try:
        yield
    except BenchsideError as error:
        raise type(error)(_as_options(str(error))) from error


def _as_options(text: str) -> str:
    worded = _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2]}".rstrip(), text)
    return _DICTIONARY.sub(r"\1=\2", worded).replace("total_events", "--events").replace("penalty='firth'", "--firth")


def names(texts: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of an option that takes several, separated by commas or given again."""
    return tuple(name.strip() for text in texts or () for name in text.split(",") if name.strip())


def numbers(text: str | None, option: str) -> tuple[float, ...]:
    """Return the numbers of a list separated by commas."""
    try:
        found = tuple(float(part) for part in names([text or ""]))
    except ValueError as error:
        message = f"{option} {text!r} is no list of numbers. Write them with commas between: 6,12,24."
        raise SettingError(message) from error
    if any(not (math.isfinite(value) and value >= 0) for value in found):
        message = f"{option} {text!r}: times are numbers of 0 or more months. Correct it."
        raise SettingError(message)
    return tuple(dict.fromkeys(found))


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return COLUMN=VALUE options as a mapping."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, mark, value = (part.strip() for part in text.partition("="))
        if not (name and mark):
            message = f"{option} {text!r} is not COLUMN=VALUE. Write it so."
            raise SettingError(message)
        if name in found:
            message = f"{option} names column {name} twice, and a row has one value. Keep one."
            raise SettingError(message)
        found[name] = value
    return found


def typed(wanted: Mapping[str, str], table: Callable[[], pl.DataFrame]) -> dict[str, str | int | float]:
    """Return filters with numbers as numbers where the column (of a table read only if there is such a filter) holds numbers."""
    if not any(_number(value) is not None for value in wanted.values()):
        return dict(wanted)
    schema = table().schema
    return {name: _of_type(value, schema.get(name)) for name, value in wanted.items()}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _of_type(text: str, dtype: pl.DataType | None) -> str | int | float:
    value = _number(text)
    if value is None or dtype is None or not dtype.is_numeric():
        return text
    return int(value) if dtype.is_integer() and value.is_integer() else value


def day(text: str | None, option: str) -> str | None:
    """Return a date as ISO 8601 writes it, or refuse it."""
    try:
        return None if text is None else date.fromisoformat(text.strip()).isoformat()
    except ValueError as error:
        message = f"{option} {text!r} is no date. Write it as 2017-02-09."
        raise SettingError(message) from error
