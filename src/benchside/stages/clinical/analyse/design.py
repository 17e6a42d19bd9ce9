"""The terms of a regression: arms against the control, covariates of numbers, factors against a reference level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.exchange import EventTable
from benchside.core.units import DAYS_PER_MONTH, days_per
from benchside.kernels.risk_order import RiskOrder, risk_order
from benchside.kernels.survival import TIE
from benchside.stages.clinical.model import arm_codes, codes, happened, with_values

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ARM = "arm"
MOST_LEVELS = 50


@dataclass(frozen=True)
class Entry:
    """When each row comes under observation: the counting process (start, stop]."""

    column: str
    """Column of the event table that holds the start; the stop is its time."""

    unit: str
    """Its unit: days, weeks, months or years; asked for, never guessed."""


@dataclass(frozen=True)
class Term:
    """One column of a design."""

    name: str
    group: str
    """``arm``, or the covariate it belongs to: what is tested together."""

    level: str | None = None
    """The arm, or the level of a factor; None for a number."""

    reference: str | None = None
    """What the level is compared with: the control, or the factor's reference level."""


@dataclass(frozen=True)
class Design:
    """A regression's rows and columns, complete cases only."""

    table: pl.DataFrame
    terms: tuple[Term, ...]
    x: Floats
    """(n, terms), in the order of `table`."""

    order: RiskOrder
    left_out: int

    @property
    def groups(self) -> dict[str, Integers]:
        """The columns of every group of terms, in order: ``arm`` first."""
        names = list(dict.fromkeys(term.group for term in self.terms))
        return {name: np.array([k for k, term in enumerate(self.terms) if term.group == name]) for name in names}


def design_of(
    events: EventTable,
    covariates: Sequence[str] = (),
    *,
    references: Mapping[str, Any] | None = None,
    entry: Entry | None = None,
    further: Sequence[str] = (),
) -> Design:
    """Return the design of arms and covariates, stratified as the event table is.

    Parameters
    ----------
    events
        Two arms or more, the control named.
    covariates
        Columns of numbers, or of text: a factor, each level against its reference.
    references
        Reference level of a factor by its name; by default the first in order. A column of numbers named here is a factor too.
    entry
        Where each row's start is.
    further
        Columns that must have a value besides.

    Raises
    ------
    TableError
        When a column is not there, a factor has one level, or a start is not before its stop.
    SettingError
        When a reference is no level, or belongs to no covariate.
    """
    chosen = dict(references or {})
    stray = [name for name in chosen if name not in covariates]
    if stray:
        message = f"references names {listed(stray)}, which is no covariate{nearest(stray[0], covariates)}. Add it to covariates."
        raise SettingError(message)
    starts = () if entry is None else (entry.column,)
    table, left_out = with_values(events, (*events.strata, *covariates, *starts, *further))
    group = arm_codes(table, events.arms)
    control, *treated = events.arms
    terms = [Term(arm, ARM, arm, control) for arm in treated]
    columns = [(group == k + 1).astype(np.float64) for k in range(len(treated))]
    for name in covariates:
        for term, column in _covariate(table[name], chosen.get(name)):
            terms.append(term)
            columns.append(column)
    late = None if entry is None else entry_months(table, entry)
    order = risk_order(table["time_months"].to_numpy(), happened(table), codes(table, events.strata), late)
    return Design(table, tuple(terms), np.column_stack(columns), order, left_out)


def _covariate(series: pl.Series, reference: Any) -> list[tuple[Term, Floats]]:
    if reference is None and (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return [(Term(series.name, series.name), series.cast(pl.Float64).to_numpy())]
    held = levels_of(series)
    base = held[0] if reference is None else _as_level(reference, series)
    if base not in held:
        message = f"the reference of {series.name} is {base!r}{nearest(base, held)}; its levels are {listed(held, 12)}. Name one of them."
        raise SettingError(message)
    text = series.cast(pl.String)
    others = [level for level in held if level != base]
    return [
        (Term(f"{series.name}: {level}", series.name, level, base), (text == level).cast(pl.Float64).to_numpy())
        for level in others
    ]


def _as_level(value: Any, series: pl.Series) -> str:
    """Return a value as the text of the column's level: 1 is ``1.0`` in a column of decimals."""
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return str(value)
    cast = pl.Series([value], strict=False).cast(series.dtype, strict=False).cast(pl.String)[0]
    return str(value) if cast is None else str(cast)


def levels_of(series: pl.Series) -> list[str]:
    """Return the levels of a factor as text, in the order of its values (of an Enum: its own).

    Raises
    ------
    TableError
        When there is one level only, or so many that it is no factor, or it is a date.
    """
    if series.dtype.is_temporal() or series.dtype.is_nested():
        message = f"event table: covariate {series.name} holds {series.dtype}. Turn it into numbers or levels first."
        raise TableError(message)
    held = [str(level) for level in series.drop_nulls().unique().sort().cast(pl.String)]
    if len(held) < 2:
        message = f"event table: covariate {series.name} has only {listed(held) or 'missing values'} among the subjects used. Leave it out."
        raise TableError(message)
    if len(held) > MOST_LEVELS:
        message = (
            f"event table: covariate {series.name} has {len(held)} levels, for example {listed(held, 3)}; a factor here has at "
            f"most {MOST_LEVELS}. Give it as numbers, stratify by it, or group its levels."
        )
        raise TableError(message)
    return held


def entry_months(table: pl.DataFrame, entry: Entry) -> Floats:
    """Return when each row comes under observation, in months: (n,).

    Raises
    ------
    TableError, UnitError
        When the column is no number, or a row starts below 0 or not before it stops.
    """
    series = table[entry.column]
    if not series.dtype.is_numeric():
        message = f"event table: the start column {entry.column} must hold numbers, and holds {series.dtype}. Convert it."
        raise TableError(message)
    factor = days_per(entry.unit, place=f"start column {entry.column}") / DAYS_PER_MONTH
    start, stop = series.cast(pl.Float64).to_numpy() * factor, table["time_months"].to_numpy()
    bad = np.flatnonzero(~((start >= 0) & (stop - start > TIE)))
    if bad.size:
        k = int(bad[0])
        message = (
            f"event table: a row is observed from its start to its time, so 0 <= start < time; row {k + 1} of the rows used has "
            f"start {start[k]:g} and time {stop[k]:g} months ({bad.size} such). Correct it, or its unit ({entry.unit})."
        )
        raise TableError(message)
    return np.asarray(start, dtype=np.float64)
