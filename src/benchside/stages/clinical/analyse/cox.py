"""Cox regression: by what factor an arm changes the hazard."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels.concordance import concordance
from benchside.kernels.cox import CoxFit
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cox_estimates import TESTS, Estimate, estimate
from benchside.stages.clinical.analyse.design import ARM, Design, Entry, Term, design_of
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    Convention,
    Ties,
    event_table,
    normal_quantile,
    null_if_nan,
    require_control,
    settings_of,
)

Penalty = Literal["firth", "if needed"]

METHOD, VERSION = "clinical.cox", "1"
COLUMNS: Final = {
    "term": pl.String, "arm": pl.String, "comparator": pl.String, "coefficient": pl.Float64, "se": pl.Float64,
    "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "p": pl.Float64, "n": pl.Int64,
    "events": pl.Int64, "ties": pl.String, "stratified_by": pl.String, "status": pl.String, "covariate": pl.String,
    "level": pl.String, "reference": pl.String, "variance": pl.String, "estimator": pl.String, "se_model": pl.Float64,
    "conventions": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Cox(ClinicalAnswer):
    """A Cox model: one row a term, `term, coefficient, se, hazard_ratio, lower, upper, p, n, events, ties, status`.

    A term is an arm against the control, a covariate (the hazard ratio is then that of one unit more), or a level of a
    factor against its reference (`covariate: level`).
    """

    log_likelihood: float = math.nan
    """Maximum of the log partial likelihood (penalised by Firth's method, where `estimator` says so)."""

    null_log_likelihood: float = math.nan
    """The same where every coefficient is 0."""

    tests: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TESTS))
    """`test, chi2, df, p`: likelihood ratio, Wald and score test of every coefficient being 0; null where not estimable."""

    design: Design | None = field(default=None, repr=False, compare=False)
    """Rows and columns that were fitted."""

    covariance: "np.ndarray[Any, np.dtype[np.float64]] | None" = field(default=None, repr=False, compare=False)
    """(terms, terms) covariance of the coefficients, of the kind that `variance` says."""

    KEY: ClassVar[tuple[str, ...]] = ("term",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("hazard_ratio", value="hazard_ratio", unit="ratio", lower="lower", upper="upper", n="n", named_by="_ratio"),
        Quantity("cox_p", value="p", unit="", n="n", named_by="_p"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantities: a covariate's term is part of the name."""
        per_unit = pl.format(" per unit of {}", "term")
        per_level = pl.format(" of {} {} against {}", "covariate", "level", "reference")
        covariate = pl.when(pl.col("level").is_null()).then(per_unit).otherwise(per_level)
        words = pl.when(pl.col("arm").is_null()).then(covariate).otherwise(pl.lit(""))
        return self.table.with_columns(_ratio=pl.lit("hazard_ratio") + words, _p=pl.lit("cox_p") + words)

    @cached_property
    def concordance(self) -> tuple[float | None, float | None]:
        """Harrell's concordance of the fitted risk and its standard error; None where not estimable, or with late entry."""
        coefficient = self.table["coefficient"].fill_null(math.nan).to_numpy()
        if self.design is None or self.design.order.entry.size or not np.isfinite(coefficient).all():
            return None, None
        order = self.design.order
        value, se = concordance(self.design.x[order.order] @ coefficient, order)
        return null_if_nan(value), null_if_nan(se)


def cox(
    ev: Any,
    *,
    ties: Ties | None = None,
    covariates: Sequence[str] = (),
    references: Mapping[str, Any] | None = None,
    entry: Entry | None = None,
    robust: bool = False,
    cluster: str | None = None,
    penalty: Penalty | None = None,
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
        Names of columns, adjusted for: numbers as they are, text as a factor. Subjects that miss one are left out and
        counted in `.left_out`.
    level
        Two-sided level of the limits.
    conventions
        ``"sas"`` breaks ties by Breslow's method; ``"r"`` and None by Efron's.

    Other Parameters
    ----------------
    references
        Reference level of a factor, ``{"stage": "III"}``; by default its first level. A column of numbers named here is
        taken as a factor.
    entry
        `Entry(column, unit)`: a row is at risk from there to its time (counting process), for covariates that change with
        time (several rows a subject) and for late entry.
    robust, cluster
        The sandwich variance, each row for itself, or rows of one value of the column `cluster` together (name the subject
        where it has several rows). `se_model` keeps the standard error of the model.
    penalty
        ``"firth"``: Firth's penalised likelihood, finite where an arm has no event, with limits from its profile and p from
        its likelihood ratio. ``"if needed"``: only where a term has no finite estimate without it. `estimator` says which.

    Raises
    ------
    SettingError
        When there is one arm, no control, an unknown method of ties, or a robust variance of a penalised fit.
    TableError
        When a covariate is no column, has one level, or a start is not before its stop.

    Notes
    -----
    A term whose likelihood has no maximum (an arm without an event, say) is null, and `status` says so. Limits and p of a
    coefficient are Wald's. R and SAS agree with the Wald statistic of the model's variance, not with that of `robust`.

    References
    ----------
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613; Lin and Wei 1989,
    doi:10.1080/01621459.1989.10478874 (robust); Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x (Firth).

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 3, 2, 4], "event": [1, 1, 1, 1], "arm": ["a", "a", "b", "b"]})
    >>> round(cox(EventTable.from_frame(df, time_unit="months", control="a")).table["hazard_ratio"][0], 4)
    0.3904
    """
    events = event_table(ev)
    require_control(events, "Cox regression")
    rules = Conventions.of(conventions)
    chosen, z = rules.ties(ties), normal_quantile(level)
    if penalty not in (None, "firth", "if needed"):
        message = f"penalty is {penalty!r}; it must be 'firth', 'if needed' or None."
        raise SettingError(message)
    design = design_of(events, covariates, references=references, entry=entry, further=() if cluster is None else (cluster,))
    found = estimate(design, efron=chosen == "efron", z=z, penalty=penalty, robust=robust, cluster=cluster)
    whole = {
        "n": design.table.height,
        "events": int(design.order.event.sum()),
        "ties": chosen,
        "stratified_by": ", ".join(events.strata),
        "variance": found.variance,
        "estimator": found.estimator,
        "conventions": rules.name,
    }
    reasons = ["ok"] * len(design.terms) if found.penalised else _reasons(found.fit, design, events)
    rows = [whole | _named(term) | _row(found, k, reasons[k]) for k, term in enumerate(design.terms)]
    settings = settings_of(
        events, ties=chosen, covariates=list(covariates), level=level, **_further(references, entry, penalty, robust, cluster)
    )
    return Cox(
        pl.DataFrame(rows, schema=COLUMNS),
        Origin(METHOD, VERSION, settings, (events.table,)),
        level=level,
        left_out=design.left_out,
        log_likelihood=found.log_likelihood,
        null_log_likelihood=found.null_log_likelihood,
        tests=found.tests,
        design=design,
        covariance=found.covariance,
    )


def _further(
    references: Mapping[str, Any] | None,
    entry: Entry | None,
    penalty: Penalty | None,
    robust: bool,  # noqa: FBT001  only `cox` calls it
    cluster: str | None,
) -> dict[str, object]:
    """Return the settings of the lesser options that were used: an answer without them keeps its identity."""
    options = {
        "references": {name: str(value) for name, value in (references or {}).items()},
        "entry": None if entry is None else [entry.column, entry.unit],
        "penalty": penalty,
        "robust": robust,
        "cluster": cluster,
    }
    return {name: value for name, value in options.items() if value}


def _named(term: Term) -> dict[str, Any]:
    if term.group == ARM:
        return {"term": term.name, "arm": term.level, "comparator": term.reference}
    return {"term": term.name, "covariate": term.group, "level": term.level, "reference": term.reference}


def _row(found: Estimate, k: int, reason: str) -> dict[str, Any]:
    if reason != "ok":
        return {"status": reason}
    coefficient, se = float(found.coefficient[k]), null_if_nan(float(found.se[k]))
    return {
        "coefficient": null_if_nan(coefficient),
        "se": se,
        "hazard_ratio": _exp(coefficient),
        "lower": _exp(float(found.lower[k])),
        "upper": _exp(float(found.upper[k])),
        "p": null_if_nan(float(found.p[k])),
        "se_model": null_if_nan(float(found.se_model[k])),
        "status": found.status(k),
    }


def _exp(value: float) -> float | None:
    """Return e to the value, or None where that is not a number above 0 and below infinity."""
    ratio = math.exp(value) if -700 < value < 700 else math.nan
    return null_if_nan(ratio)


def _reasons(fit: CoxFit, design: Design, events: EventTable) -> list[str]:
    """Return why each term has no estimate, or ``ok``."""
    if not (fit.aliased | fit.infinite).any():
        return ["ok"] * len(design.terms)
    died = set(design.table.filter(pl.col("event") != 0)["arm"].to_list())
    return [_reason(fit, k, term, died, events) for k, term in enumerate(design.terms)]


def _reason(fit: CoxFit, k: int, term: Term, died: set[str], events: EventTable) -> str:
    if not died:
        return "Not estimable: nobody had the event."
    silent = [arm for arm in (term.name, str(events.control)) if term.group == ARM and arm not in died]
    if silent:
        return (
            f"Not estimable: nobody in arm {silent[0]} had the event, so the hazard ratio has no finite estimate; "
            "penalty='firth' gives a penalised one."
        )
    if fit.aliased[k]:
        return "Not estimable: the term does not vary among those at risk, or is a combination of the terms before it."
    if fit.infinite[k]:
        return "Not estimable: the events separate on this term, so its likelihood has no maximum."
    return "ok"
