"""Options of the clinical commands, turned into names, numbers, dates and the rows they mean; and errors reworded into options."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import BenchsideError, SettingError, TableError
from benchside.stages.clinical.adam import SUBJECT, dates, keep_rows, one_parameter, require_columns, require_one_row_each
from benchside.stages.clinical.read_dataset import read_dataset

OPTIONS: Final = {
    "parameter", "where", "arm", "adsl", "start", "time_unit", "event_code", "visit_every_days", "control", "baseline",
}  # fmt: skip
REWORDED: Final = {
    "total_events": "--events", "penalty='firth'": "--firth", "in the library, causes={...}": "--causes",
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
    worded = _DICTIONARY.sub(r"\1=\2", worded)
    for argument, option in REWORDED.items():
        worded = worded.replace(argument, option)
    return worded


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
        return None if "_" in text else float(text)
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


@dataclass(frozen=True)
class Rows:
    """Which rows of ADRS and which subjects of ADSL are meant, and on which treatment."""

    adrs: Path
    adsl: Path
    parameter: str | None
    where: Sequence[str] | None
    subjects: Sequence[str] | None
    arm: str | None
    start: str
    cut_off: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut_off", day(self.cut_off, "--cut-off"))

    def read(self, *, assessed: bool = True) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str | int | float]]:
        """Return ADRS and ADSL as they were known at the cut-off, of subjects who had started, and the filter of ADRS.

        Without `assessed` (overall survival) ADRS is not looked into.
        """
        adrs, everyone = read_dataset(self.adrs).table, read_dataset(self.adsl).table
        where = typed(pairs(self.where, "--where"), lambda: adrs)
        chosen = typed(pairs(self.subjects, "--subjects"), lambda: everyone)
        adsl = self._started(keep_rows(everyone, chosen, noun=self.adsl.name))
        if not assessed:
            return adrs, adsl, where
        require_columns(adrs, [SUBJECT, "ADT", "AVALC"], noun=self.adrs.name)
        adrs = adrs.filter((dates(adrs, "ADT", noun=self.adrs.name) <= self.known_until).fill_null(value=True))
        theirs = adrs.filter(pl.col(SUBJECT).is_in(adsl[SUBJECT].to_list()))
        if theirs.is_empty():
            message = f"{self.adrs.name}: no subject of {self.adsl.name} has an assessment{self.until}. Give ADRS and ADSL of one study, or correct the cut-off."
            raise TableError(message)
        one_parameter(keep_rows(theirs, where, noun=self.adrs.name), self.parameter, noun=self.adrs.name)
        return adrs, adsl, where

    def _started(self, adsl: pl.DataFrame) -> pl.DataFrame:
        require_columns(adsl, [SUBJECT, self.start], noun=self.adsl.name)
        require_one_row_each(adsl, [SUBJECT], noun=self.adsl.name, remedy="ADSL has one row a subject.")
        start = dates(adsl, self.start, noun=self.adsl.name)
        started = adsl.filter((start <= self.known_until).fill_null(value=False))
        if started.is_empty():
            message = f"{self.adsl.name}: no subject has a {self.start}{self.until}. Name the column of the start date as --start, or correct the cut-off."
            raise TableError(message)
        return started

    @property
    def known_until(self) -> date:
        """The last day of which anything is known."""
        return date.max if self.cut_off is None else date.fromisoformat(self.cut_off)

    @property
    def until(self) -> str:
        """The cut-off as the end of a phrase, empty without one."""
        return f" up to the cut-off {self.cut_off}" if self.cut_off else ""

    @property
    def population(self) -> str:
        """The subjects in words."""
        return ", ".join(self.subjects or ()) or f"all subjects of {self.adsl.name} with a {self.start}"
