"""Fine-Gray regression: by what factor an arm changes the subdistribution hazard, and so the cumulative incidence, of one cause."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.errors import TableError
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels.fine_gray import FineGrayFit, fine_gray_fit
from benchside.kernels.survival import Floats
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cumulative_incidence import cause_codes, require_cause
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    Convention,
    arm_codes,
    event_table,
    normal_quantile,
    null_if_nan,
    require_control,
    settings_of,
    with_values,
)

METHOD, VERSION = "clinical.fine_gray", "1"
COLUMNS = {
    "term": pl.String, "arm": pl.String, "comparator": pl.String, "cause": pl.String, "coefficient": pl.Float64, "se": pl.Float64,
    "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "p": pl.Float64, "n": pl.Int64, "events": pl.Int64,
    "ties": pl.String, "conventions": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class FineGray(ClinicalAnswer):
    """A Fine-Gray model, one row a term.

    `table`: `term, arm, comparator, cause, coefficient, se, hazard_ratio` (of the subdistribution)`, lower, upper, p, n, events,
    ties, conventions, status`.
    """

    log_likelihood: float = math.nan
    """Maximum of the weighted log partial likelihood."""

    KEY: ClassVar[tuple[str, ...]] = ("cause", "term")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("subdistribution_hazard_ratio", value="hazard_ratio", unit="ratio", lower="lower", upper="upper", n="n", named_by="_ratio"),
        Quantity("fine_gray_p", value="p", unit="", n="n", named_by="_p"),
    )  # fmt: skip

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantities: a covariate's term is part of the name."""
        per_unit = pl.when(pl.col("arm").is_null()).then(pl.lit(" per unit of ") + pl.col("term")).otherwise(pl.lit(""))
        return self.table.with_columns(
            _ratio=pl.lit("subdistribution_hazard_ratio") + per_unit, _p=pl.lit("fine_gray_p") + per_unit
        )


def fine_gray(
    ev: Any, *, cause: str, covariates: Sequence[str] = (), level: float = 0.95, conventions: Convention | None = None
) -> FineGray:
    """Fit Fine and Gray's proportional subdistribution hazards model of the arms and of covariates.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control and its causes named. Strata are not used.
    cause
        The cause of interest.
    covariates
        Names of columns of numbers or flags. Subjects that miss one are left out and counted in `.left_out`.
    level
        Two-sided level of the limits.
    conventions
        Printed on the answer; ties are Breslow's in R (cmprsk) and in SAS (PROC PHREG), and so here.

    Raises
    ------
    SettingError
        When there is one arm, no control, or no such cause.
    TableError
        When a covariate is no column, or not numbers.

    Notes
    -----
    One censoring curve for all subjects. The standard error is the sandwich that also carries the uncertainty of that curve.

    References
    ----------
    Fine and Gray 1999, doi:10.1080/01621459.1999.10474144.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [2, 6, 4, 8, 5, 9], "event": [1, 1, 1, 1, 2, 2], "arm": ["a", "a", "b", "b", "a", "b"]})
    >>> ev = EventTable.from_frame(df, time_unit="months", control="a", causes={"cns": 1, "other": 2})
    >>> fine_gray(ev, cause="cns").table["term"].to_list()
    ['b']
    """
    events = event_table(ev)
    control = require_control(events, "Fine-Gray regression")
    require_cause(events, cause)
    Conventions.of(conventions)
    z = normal_quantile(level)
    table, left_out = with_values(events, tuple(covariates))
    causes = cause_codes(events, table, cause)
    fit = fine_gray_fit(_design(table, events.arms, covariates), table["time_months"].to_numpy(), causes)
    whole = {
        "cause": cause, "n": table.height, "events": int((causes == 1).sum()), "ties": "breslow",
        "conventions": Conventions.of(conventions).name,
    }  # fmt: skip
    arms = events.arms[1:]
    silent = _silent(events, table, causes)
    rows = []
    for k, term in enumerate([*arms, *covariates]):
        is_arm = k < len(arms)
        names = {"arm": term if is_arm else None, "comparator": control if is_arm else None}
        rows.append(whole | names | _row(fit, k, term, _reason(fit, k, silent if is_arm else []), z))
    settings = settings_of(events, cause=cause, covariates=list(covariates), level=level, conventions=conventions)
    origin = Origin(METHOD, VERSION, settings, (events.table,))
    return FineGray(pl.DataFrame(rows, schema=COLUMNS), origin, level=level, left_out=left_out, log_likelihood=fit.log_likelihood)


def _design(table: pl.DataFrame, arms: list[str], covariates: Sequence[str]) -> Floats:
    group = arm_codes(table, arms)
    columns = [(group == k).astype(np.float64) for k in range(1, len(arms))]
    for name in covariates:
        if not (table[name].dtype.is_numeric() or table[name].dtype == pl.Boolean):
            message = (
                f"event table: covariate {name} must hold numbers, but holds {table[name].dtype}, "
                f"for example {table[name][0]!r}. Code it as numbers."
            )
            raise TableError(message)
        columns.append(table[name].cast(pl.Float64).to_numpy())
    return np.column_stack(columns)


def _silent(events: EventTable, table: pl.DataFrame, causes: "np.ndarray[Any, np.dtype[np.int64]]") -> list[str]:
    """Return the arms in which nobody had the event."""
    failed = set(table["arm"].to_numpy()[causes == 1].tolist())
    return [arm for arm in events.arms if arm not in failed]


def _reason(fit: FineGrayFit, k: int, silent: list[str]) -> str:
    if not (fit.aliased[k] or fit.infinite[k]):
        return "ok"
    if silent:
        return f"Not estimable: nobody in arm {silent[0]} had the event, so the ratio has no finite estimate."
    if fit.aliased[k]:
        return "Not estimable: the term does not vary among those at risk, or is a combination of the terms before it."
    return "Not estimable: the events separate on this term, so its likelihood has no maximum."


def _row(fit: FineGrayFit, k: int, term: str, reason: str, z: float) -> dict[str, Any]:
    coefficient, variance = float(fit.coefficient[k]), float(fit.covariance[k, k])
    if reason != "ok":
        return {"term": term, "status": reason}
    se = math.sqrt(variance)
    return {
        "term": term,
        "coefficient": coefficient,
        "se": se,
        "hazard_ratio": null_if_nan(math.exp(coefficient)),
        "lower": null_if_nan(math.exp(coefficient - z * se)),
        "upper": null_if_nan(math.exp(coefficient + z * se)),
        "p": math.erfc(abs(coefficient) / se / math.sqrt(2)) if se > 0 else None,
        "status": "ok",
    }
