"""Cox regression: by what factor an arm changes the hazard."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels.cox import CoxFit, cox_fit
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    Convention,
    Rules,
    Ties,
    arm_codes,
    codes,
    event_table,
    happened,
    normal_quantile,
    null_if_nan,
    require_control,
    settings_of,
    with_values,
)

METHOD, VERSION = "clinical.cox", "1"
COLUMNS = {
    "term": pl.String, "arm": pl.String, "comparator": pl.String, "coefficient": pl.Float64, "se": pl.Float64,
    "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "p": pl.Float64, "n": pl.Int64,
    "events": pl.Int64, "ties": pl.String, "stratified_by": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Cox(ClinicalAnswer):
    """A Cox model: one row a term, `term, coefficient, se, hazard_ratio, lower, upper, p, n, events, ties, status`.

    A term is an arm against the control, or a covariate (the hazard ratio is then that of one unit more).
    """

    log_likelihood: float = math.nan
    """Maximum of the log partial likelihood."""

    KEY: ClassVar[tuple[str, ...]] = ("term",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("hazard_ratio", value="hazard_ratio", unit="ratio", lower="lower", upper="upper", n="n", named_by="_ratio"),
        Quantity("cox_p", value="p", unit="", n="n", named_by="_p"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantities: a covariate's term is part of the name."""
        per_unit = pl.when(pl.col("arm").is_null()).then(pl.lit(" per unit of ") + pl.col("term")).otherwise(pl.lit(""))
        return self.table.with_columns(_ratio=pl.lit("hazard_ratio") + per_unit, _p=pl.lit("cox_p") + per_unit)


def cox(
    ev: Any,
    *,
    ties: Ties | None = None,
    covariates: Sequence[str] = (),
    level: float = 0.95,
    conventions: Convention | None = None,
) -> Cox:
    """Fit Cox's proportional hazards model of the arms, and of covariates, stratified where the event table has strata.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named. With several causes any of them is the event.
    ties
        ``"efron"`` or ``"breslow"``; by default the one of `conventions`.
    covariates
        Names of columns of numbers, adjusted for. Subjects that miss one are left out and counted in `.left_out`.
    level
        Two-sided level of the limits.
    conventions
        ``"sas"`` breaks ties by Breslow's method; ``"r"`` and None by Efron's.

    Raises
    ------
    SettingError
        When there is one arm, no control, or an unknown method of ties.
    TableError
        When a covariate is no column, or not numbers.

    Notes
    -----
    A term whose likelihood has no maximum (an arm without an event, say) is null, and `status` says so.

    References
    ----------
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 3, 2, 4], "event": [1, 1, 1, 1], "arm": ["a", "a", "b", "b"]})
    >>> round(cox(EventTable.from_frame(df, time_unit="months", control="a")).table["hazard_ratio"][0], 4)
    0.3904
    """
    events = event_table(ev)
    control = require_control(events, "Cox regression")
    chosen = Rules.of(conventions).ties if ties is None else ties
    if chosen not in ("efron", "breslow"):
        message = f"ties is {chosen!r}; it must be 'efron' or 'breslow'."
        raise SettingError(message)
    z = normal_quantile(level)
    table, left_out = with_values(events, (*events.strata, *covariates))
    x = _design(table, events.arms, covariates)
    event = happened(table)
    fit = cox_fit(x, table["time_months"].to_numpy(), event, codes(table, events.strata), efron=chosen == "efron")
    whole = {
        "comparator": control,
        "n": table.height,
        "events": int(event.sum()),
        "ties": chosen,
        "stratified_by": ", ".join(events.strata),
    }
    terms = [*events.arms[1:], *covariates]
    reasons = _reasons(fit, table, events, terms)
    rows = [whole | _row(fit, k, term, reasons[k], z) for k, term in enumerate(terms)]
    for row in rows[: len(events.arms) - 1]:
        row["arm"] = row["term"]
    for row in rows[len(events.arms) - 1 :]:
        row["comparator"] = None
    settings = settings_of(events, ties=chosen, covariates=list(covariates), level=level)
    origin = Origin(METHOD, VERSION, settings, (events.table,))
    return Cox(pl.DataFrame(rows, schema=COLUMNS), origin, level=level, left_out=left_out, log_likelihood=fit.log_likelihood)


def _design(table: pl.DataFrame, arms: list[str], covariates: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    group = arm_codes(table, arms)
    columns = [(group == k).astype(np.float64) for k in range(1, len(arms))]
    for name in covariates:
        if not (table[name].dtype.is_numeric() or table[name].dtype == pl.Boolean):
            message = (
                f"event table: covariate {name} must hold numbers, but holds {table[name].dtype}, "
                f"for example {table[name][0]!r}. Code it as numbers, or stratify by it."
            )
            raise TableError(message)
        columns.append(table[name].cast(pl.Float64).to_numpy())
    return np.column_stack(columns)


def _row(fit: CoxFit, k: int, term: str, reason: str, z: float) -> dict[str, Any]:
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
        "p": math.erfc(abs(coefficient) / se / math.sqrt(2)),
        "status": "ok",
    }


def _reasons(fit: CoxFit, table: pl.DataFrame, events: EventTable, terms: Sequence[str]) -> list[str]:
    """Return why each term has no estimate, or ``ok``."""
    if not (fit.aliased | fit.infinite).any():
        return ["ok"] * len(terms)
    died = set(table.filter(pl.col("event") != 0)["arm"].to_list())
    return [_reason(fit, k, term, died, events) for k, term in enumerate(terms)]


def _reason(fit: CoxFit, k: int, term: str, died: set[str], events: EventTable) -> str:
    is_arm = k < len(events.arms) - 1
    if not died:
        return "Not estimable: nobody had the event."
    silent = [arm for arm in (term, str(events.control)) if is_arm and arm not in died]
    if silent:
        return f"Not estimable: nobody in arm {silent[0]} had the event, so the hazard ratio has no finite estimate."
    if fit.aliased[k]:
        return "Not estimable: the term does not vary among those at risk, or is a combination of the terms before it."
    if fit.infinite[k]:
        return "Not estimable: the events separate on this term, so its likelihood has no maximum."
    return "ok"
