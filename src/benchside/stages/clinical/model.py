"""The settings and the answers of the clinical stage: frozen values."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar, Literal, cast, final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Evidence, EvidenceSet
from benchside.core.exchange import EventTable
from benchside.kernels import survival

Ties = Literal["efron", "breslow"]
Convention = Literal["r", "sas"]


@dataclass(frozen=True)
class AbstractInterval:
    """A pointwise confidence interval of a survival curve; the subclass says on which scale it is symmetric."""

    level: float = 0.95
    """Two-sided level, in (0, 1)."""

    KIND: ClassVar[int]
    WORD: ClassVar[str]

    def __post_init__(self) -> None:
        normal_quantile(self.level)

    @property
    def z(self) -> float:
        """Normal quantile of the level."""
        return normal_quantile(self.level)


@final
class LogLog(AbstractInterval):
    """Symmetric on log(-log S): never leaves (0, 1). benchside's default, and that of SAS."""

    KIND = survival.LOG_LOG
    WORD = "log-log"


@final
class Log(AbstractInterval):
    """Symmetric on log S, cut at 1: the default of R's survfit."""

    KIND = survival.LOG
    WORD = "log"


@final
class Plain(AbstractInterval):
    """Symmetric on S itself, cut at 0 and 1 (Greenwood's)."""

    KIND = survival.PLAIN
    WORD = "plain"


def normal_quantile(level: float) -> float:
    """Return the normal quantile of a two-sided confidence level, or raise SettingError where it is no level."""
    if not 0 < level < 1:
        message = f"the confidence level must lie between 0 and 1, and is {level}. Write 0.95 for 95 %."
        raise SettingError(message)
    from scipy.special import ndtri  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    return float(-ndtri((1 - level) / 2))


@dataclass(frozen=True)
class ClinicalAnswer(Answer):
    """Base of the stage's answers: the records carry the level that was used."""

    level: float = 0.95
    left_out: int = 0
    """Subjects left out because a stratum or covariate is missing."""

    def named(self) -> pl.DataFrame:
        """Return the table that the evidence is read off; subclasses may add columns that name quantities."""
        return self.table

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Every number of the result as a record with its interval and provenance."""
        quantities = tuple(replace(quantity, level=self.level) for quantity in self.QUANTITIES)
        return EvidenceSet(self.named(), quantities, self.KEY, self.origin, created=datetime.now(UTC)).records()


@dataclass(frozen=True)
class OneTest(ClinicalAnswer):
    """Base of a test of all arms at once: a table of one row with `chi2, df, p`, and what each arm had."""

    arms: pl.DataFrame | None = None
    """`arm, n, observed, expected` events, weighted where the test is."""

    @property
    def chi2(self) -> float | None:
        """The test statistic; None where it is not estimable."""
        return cast("float | None", self.table.item(0, "chi2"))

    @property
    def df(self) -> int:
        """Degrees of freedom: arms that were at risk at an event, less one."""
        return int(self.table.item(0, "df"))

    @property
    def p(self) -> float | None:
        """Two-sided p; None where it is not estimable."""
        return cast("float | None", self.table.item(0, "p"))


def event_table(ev: object) -> EventTable:
    """Return `ev` as an event table: itself, or a dataframe or path with `time_months, event, arm`."""
    return EventTable.of(ev)


def with_values(ev: EventTable, columns: tuple[str, ...]) -> tuple[pl.DataFrame, int]:
    """Return the subjects that have a value in every one of `columns`, and how many were left out."""
    missing = [name for name in columns if name not in ev.table.columns]
    if missing:
        message = (
            f"event table: {listed(missing)} is no column{nearest(missing[0], ev.table.columns)}; "
            f"the columns are {listed(ev.table.columns, 12)}. Name one of them."
        )
        raise TableError(message)
    known = [pl.col(name).is_not_null() for name in columns]
    known += [pl.col(name).is_not_nan() for name in columns if ev.table[name].dtype.is_float()]
    table = ev.table.filter(pl.all_horizontal(known)) if known else ev.table
    if table.is_empty():
        message = f"event table: no subject has a value in each of {listed(columns) or 'the columns'}. Give the table rows."
        raise TableError(message)
    return table, ev.table.height - table.height


def require_control(ev: EventTable, verb: str) -> str:
    """Return the control arm of a comparison of at least two arms, or ask for it."""
    arms = ev.arms
    if len(arms) < 2:
        message = f"{verb} compares arms, and the event table has only {listed(arms) or 'none'}. Give it two arms or more."
        raise SettingError(message)
    if ev.control is None:
        message = f"{verb} needs to know the control arm. Name one of {listed(arms)} as control= of the event table."
        raise SettingError(message)
    return ev.control


def codes(table: pl.DataFrame, columns: tuple[str, ...]) -> survival.Integers:
    """Return one integer a row for the combination of its values in `columns`: (n,), all 0 without columns."""
    if not columns:
        return np.zeros(table.height, np.int64)
    ranked = table.select(pl.struct(columns).rank("dense").alias("code")) if len(columns) > 1 else None
    series = table[columns[0]].rank("dense") if ranked is None else ranked["code"]
    return series.cast(pl.Int64).to_numpy()


def arm_codes(table: pl.DataFrame, arms: list[str]) -> survival.Integers:
    """Return the position of each subject's arm in `arms`: (n,)."""
    position = {arm: number for number, arm in enumerate(arms)}
    return table["arm"].replace_strict(position, return_dtype=pl.Int64).to_numpy()


def happened(table: pl.DataFrame) -> survival.Integers:
    """Return 1 for an event of any cause and 0 for a censored subject: (n,)."""
    return (table["event"] != 0).cast(pl.Int64).to_numpy()


def null_if_nan(value: float) -> float | None:
    """Return a number, or None where it is not finite: not estimable is null in a table."""
    return float(value) if np.isfinite(value) else None


def settings_of(ev: EventTable, **chosen: object) -> dict[str, object]:
    """Return the settings an answer's identity is hashed over: what was chosen, and the design of the event table."""
    return {"control": ev.control, "strata": list(ev.strata), **chosen}
