"""Whether hazards are proportional: the score test of coefficients that change with time, and scaled Schoenfeld residuals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.kernels.cox import CoxFit, fit_in_order, standardised
from benchside.kernels.cox_events import EventSums, event_sums, hazards_test
from benchside.kernels.risk_order import RiskOrder
from benchside.kernels.survival import TIE
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cox_estimates import chi2_p
from benchside.stages.clinical.analyse.design import Design, Entry, design_of
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    Convention,
    Ties,
    event_table,
    null_if_nan,
    require_control,
    settings_of,
)

Floats = npt.NDArray[np.float64]
Transform = Literal["km", "rank", "identity", "log"]

METHOD, VERSION = "clinical.proportional_hazards", "1"
TRANSFORMS: Final = ("km", "rank", "identity", "log")
COLUMNS: Final = {
    "term": pl.String, "chi2": pl.Float64, "df": pl.Int64, "p": pl.Float64, "n": pl.Int64, "events": pl.Int64,
    "transform": pl.String, "ties": pl.String, "stratified_by": pl.String, "status": pl.String, "conventions": pl.String,
}  # fmt: skip
RESIDUALS: Final = {
    "term": pl.String, "time_months": pl.Float64, "transformed_time": pl.Float64, "residual": pl.Float64,
    "scaled_residual": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class ProportionalHazards(ClinicalAnswer):
    """The test: `term, chi2, df, p, n, events, transform, ties, status`, a row a covariate (`arm` is one), `GLOBAL` last."""

    residuals: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RESIDUALS))
    """Every event and column of the model: `term, time_months, transformed_time, residual` (Schoenfeld's), and
    `scaled_residual`, whose smooth against time is the coefficient as it changes."""

    KEY: ClassVar[tuple[str, ...]] = ("term",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("proportional_hazards_chi2", value="chi2", unit="", n="n"),
        Quantity("proportional_hazards_p", value="p", unit="", n="n"),
    )


def proportional_hazards(
    ev: Any,
    *,
    transform: Transform = "km",
    covariates: Sequence[str] = (),
    ties: Ties | None = None,
    references: Mapping[str, Any] | None = None,
    entry: Entry | None = None,
    conventions: Convention | None = None,
) -> ProportionalHazards:
    """Test whether the coefficients of a Cox model change with a function of time (score test, as R survival from 3.0 on).

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named; stratified where it has strata.
    transform
        The function of time: ``"km"``, 1 - Kaplan-Meier of all subjects just before it; ``"rank"``; ``"identity"``;
        ``"log"``.
    covariates, ties, references, entry, conventions
        As for `cox`.

    Raises
    ------
    SettingError, TableError
        As `cox`, and where the transform is unknown.

    Notes
    -----
    The test adds to every covariate its product with the function of time and asks whether the added coefficients are 0; the
    covariates of one factor, and the arms, are tested together. It is the score test, not the approximation of the older
    versions of R (and of some other packages), which takes the variance to be the same at every event.

    References
    ----------
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1] * 6, "arm": ["a", "b", "b", "a", "a", "b"]})
    >>> found = proportional_hazards(EventTable.from_frame(df, time_unit="months", control="a"), transform="identity")
    >>> found.table["term"].to_list()
    ['arm', 'GLOBAL']
    """
    events = event_table(ev)
    require_control(events, "the test of proportional hazards")
    if transform not in TRANSFORMS:
        message = f"transform is {transform!r}; it must be one of {', '.join(TRANSFORMS)}."
        raise SettingError(message)
    rules = Conventions.of(conventions)
    chosen = rules.ties(ties)
    design = design_of(events, covariates, references=references, entry=entry)
    tested = _Tested.of(design, transform, efron=chosen == "efron")
    whole = {
        "n": design.table.height,
        "events": int(design.order.event.sum()),
        "transform": transform,
        "ties": chosen,
        "stratified_by": ", ".join(events.strata),
        "conventions": rules.name,
    }
    everything = np.arange(len(design.terms))
    rows = [whole | tested.row(name, columns) for name, columns in {**design.groups, "GLOBAL": everything}.items()]
    settings = settings_of(events, transform=transform, ties=chosen, covariates=list(covariates))
    if references:
        settings["references"] = {name: str(value) for name, value in references.items()}
    if entry is not None:
        settings["entry"] = [entry.column, entry.unit]
    return ProportionalHazards(
        pl.DataFrame(rows, schema=COLUMNS),
        Origin(METHOD, VERSION, settings, (events.table,)),
        left_out=design.left_out,
        residuals=tested.residuals(),
    )


@dataclass(frozen=True)
class _Tested:
    """A fitted model with the sums its tests are made of; only the terms that have an estimate."""

    design: Design
    fit: CoxFit
    kept: npt.NDArray[np.int64]
    """Columns of the design that are not aliased."""

    g: Floats
    """(blocks,) the function of time, centred over the events."""

    plain_g: Floats
    sums: EventSums | None
    """Of covariates scaled to a standard deviation of 1; None where a term has no finite estimate."""

    spread: Floats

    @classmethod
    def of(cls, design: Design, transform: Transform, *, efron: bool) -> "_Tested":
        order = design.order
        fit = fit_in_order(design.x, order, efron=efron)
        kept = np.flatnonzero(~fit.aliased)
        g = transformed_time(order, transform)
        deaths = np.bincount(order.block, weights=order.event, minlength=g.size)
        usable = bool(deaths.any()) and bool(np.isfinite(g[deaths > 0]).all())
        plain_g = np.where(deaths > 0, g, 0.0)
        if not usable or fit.infinite.any() or not kept.size:
            return cls(design, fit, kept, plain_g, plain_g, None, np.ones(kept.size))
        centred = np.where(deaths > 0, g - np.average(plain_g, weights=deaths), 0.0)
        scaled, spread, _ = standardised(design.x, order)
        beta = fit.coefficient[kept] * spread[kept]
        sums = event_sums(np.ascontiguousarray(scaled[:, kept]), order, beta, centred, efron=efron)
        return cls(design, fit, kept, centred, plain_g, sums, spread[kept])

    def row(self, name: str, columns: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return the test of some columns of the design."""
        told = np.flatnonzero(np.isin(self.kept, columns))
        chi2 = hazards_test(self.sums, self.g, told) if self.sums is not None and told.size else math.nan
        return {
            "term": name,
            "chi2": null_if_nan(chi2),
            "df": told.size,
            "p": chi2_p(chi2, told.size),
            "status": "ok" if np.isfinite(chi2) else self._reason(told.size),
        }

    def _reason(self, df: int) -> str:
        if not self.design.order.event.any():
            return "Not estimable: nobody had the event."
        if not np.isfinite(self.plain_g).all():
            return "Not estimable: an event at time 0 has no logarithm. Take another transform."
        if self.fit.infinite.any():
            return "Not estimable: a term of the model has no finite estimate."
        if not df:
            return "Not estimable: the term does not vary among those at risk, or is a combination of the terms before it."
        return "Not estimable: the events are too few, or at too few times, to see a change."

    def residuals(self) -> pl.DataFrame:
        """Return Schoenfeld's residual of every event, plain and scaled."""
        if self.sums is None:
            return pl.DataFrame(schema=RESIDUALS)
        order, block = self.design.order, self.design.order.block
        died = np.flatnonzero(order.event == 1)
        scaled_x = standardised(self.design.x, order)[0][:, self.kept]
        plain = (scaled_x[died] - self.sums.mean[block[died]]) * self.spread
        covariance = self.fit.covariance[np.ix_(self.kept, self.kept)]
        changed = died.size * plain @ covariance + self.fit.coefficient[self.kept]
        parts = [
            pl.DataFrame(
                {
                    "term": pl.Series([self.design.terms[column].name] * died.size, dtype=pl.String),
                    "time_months": order.time[died],
                    "transformed_time": self.plain_g[block[died]],
                    "residual": plain[:, k],
                    "scaled_residual": changed[:, k],
                },
                schema=RESIDUALS,
            )
            for k, column in enumerate(self.kept)
        ]
        return pl.concat(parts)


def transformed_time(order: RiskOrder, transform: Transform) -> Floats:
    """Return the function of time at every block of an order: (blocks,)."""
    time = order.block_time
    if transform == "identity":
        return time
    if transform == "log":
        return np.where(time > 0, np.log(np.where(time > 0, time, 1.0)), -np.inf)
    every = np.sort(order.time)
    first = np.searchsorted(every, time - TIE, side="left")
    if transform == "rank":  # mean rank among the times of all subjects, censored ones too
        last = np.searchsorted(every, time + TIE, side="right")
        return np.asarray(0.5 * (first + last + 1), dtype=np.float64)
    died = np.sort(order.time[order.event == 1])
    steps, counts = _distinct(died)
    at_risk = every.size - np.searchsorted(every, steps - TIE, side="left")
    if order.entry.size:
        at_risk = at_risk - (order.entry.size - np.searchsorted(np.sort(order.entry), steps - TIE, side="left"))
    curve = np.concatenate([[1.0], np.cumprod(1.0 - counts / at_risk)])
    return np.asarray(1.0 - curve[np.searchsorted(steps, time - TIE, side="left")], dtype=np.float64)


def _distinct(rising: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the distinct values of rising times, ties within `TIE` being one, and how often each stands there."""
    if not rising.size:
        return rising, np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(rising) > TIE]))
    return rising[starts], np.diff(np.append(starts, rising.size))
