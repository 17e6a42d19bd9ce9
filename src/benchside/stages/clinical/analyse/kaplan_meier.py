"""Kaplan-Meier: how long subjects of each arm stay free of the event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.kernels import survival
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.readings import (
    AT_RISK,
    LANDMARKS,
    QUANTILES,
    Landmarks,
    Quantiles,
    at_risk,
    checked_probabilities,
    checked_times,
    crossings,
    landmark,
    quantile,
    quantile_status,
)
from benchside.stages.clinical.model import (
    AbstractInterval,
    ClinicalAnswer,
    Convention,
    event_table,
    happened,
    settings_of,
)

__all__ = ["KaplanMeier", "Landmarks", "Quantiles", "kaplan_meier"]

METHOD, VERSION = "clinical.kaplan_meier", "1"
LANDMARK_METHOD, QUANTILE_METHOD = "clinical.survival_at", "clinical.quantiles"

SUMMARY = {
    "arm": pl.String, "n": pl.Int64, "events": pl.Int64, "median_months": pl.Float64, "lower_months": pl.Float64,
    "upper_months": pl.Float64, "follow_up_months": pl.Float64, "status": pl.String, "interval": pl.String,
    "median_rule": pl.String, "past_last_follow_up": pl.String, "conventions": pl.String,
}  # fmt: skip
CURVE = {
    "arm": pl.String, "time_months": pl.Float64, "survival": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "at_risk": pl.Int64, "n_event": pl.Int64, "n_censor": pl.Int64, "se": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class KaplanMeier(ClinicalAnswer):
    """Kaplan-Meier curves: `table` has one row an arm, `curve` every step; `at` reads the curves at times.

    `table`: `arm, n, events, median_months, lower_months, upper_months, follow_up_months` (the longest), `status`,
    and the rules that were used.
    """

    curve: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`arm, time_months, survival, lower, upper, at_risk, n_event, n_censor, se`, from a row at time 0 on. A limit and
    Greenwood's standard error are null where the curve is 1 (no event yet) or 0."""

    conventions: Conventions = field(default_factory=lambda: Conventions.of(None))

    KEY: ClassVar[tuple[str, ...]] = ("arm",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("median", value="median_months", unit="months", lower="lower_months", upper="upper_months", n="n"),
        Quantity("events", value="events", unit="count", n="n"),
    )

    def at(self, times_months: Sequence[float]) -> Landmarks:
        """Return survival, its limits and the number at risk at times.

        Parameters
        ----------
        times_months
            Times of 0 or more.

        Notes
        -----
        `at_risk` counts subjects still followed just before the time. Past an arm's last follow-up the curve is not
        known and survival is null, unless it has reached 0; ``conventions="r"`` carries it forward, and `status` says so.

        Examples
        --------
        >>> import polars as pl
        >>> from benchside.core.exchange import EventTable
        >>> df = pl.DataFrame({"time": [2, 4, 6], "event": [1, 0, 1], "arm": ["a"] * 3})
        >>> kaplan_meier(EventTable.from_frame(df, time_unit="months")).at([6]).table["survival"].to_list()
        [0.0]
        """
        times = checked_times(times_months)
        interval = {"interval": self.table["interval"][0]}
        rows = [landmark(part, time, self.conventions) | interval for part in self._parts() for time in times]
        origin = Origin(LANDMARK_METHOD, VERSION, {**self.origin.settings, "times_months": times}, self.origin.inputs)
        return Landmarks(pl.DataFrame(rows, schema=LANDMARKS), origin, self.level)

    def quantiles(self, probabilities: Sequence[float] = (0.25, 0.5, 0.75)) -> Quantiles:
        """Return by when given shares of each arm had the event, with limits.

        Parameters
        ----------
        probabilities
            Shares between 0 and 1; 0.5 is the median. A share follows the median's rule where the curve is flat at it.

        Examples
        --------
        >>> import polars as pl
        >>> from benchside.core.exchange import EventTable
        >>> df = pl.DataFrame({"time": [2, 4, 6, 8, 9], "event": [1] * 5, "arm": ["a"] * 5})
        >>> kaplan_meier(EventTable.from_frame(df, time_unit="months")).quantiles([0.25, 0.75]).table["time_months"].to_list()
        [4.0, 8.0]
        """
        shares = checked_probabilities(probabilities)
        interval = {"interval": self.table["interval"][0]}
        rows = [quantile(part, share, self.conventions) | interval for part in self._parts() for share in shares]
        origin = Origin(QUANTILE_METHOD, VERSION, {**self.origin.settings, "probabilities": shares}, self.origin.inputs)
        return Quantiles(pl.DataFrame(rows, schema=QUANTILES), origin, self.level)

    def at_risk(self, times_months: Sequence[float]) -> pl.DataFrame:
        """Return what stands below a figure: `arm, time_months, at_risk, events_so_far, censored_so_far`.

        `at_risk` counts subjects still followed just before the time, events and censored those up to and including it.
        """
        times = checked_times(times_months)
        return pl.concat([pl.DataFrame(schema=AT_RISK), *(at_risk(part, times) for part in self._parts())])

    def _parts(self) -> list[pl.DataFrame]:
        return [self.curve.filter(pl.col("arm") == arm) for arm in self.table["arm"]]


def kaplan_meier(ev: Any, *, interval: AbstractInterval | None = None, conventions: Convention | None = None) -> KaplanMeier:
    """Estimate the survival curve of every arm, its median and limits.

    Parameters
    ----------
    ev
        An `EventTable` (or a dataframe or path with `time_months, event, arm`). With several causes any of them is
        the event.
    interval
        `LogLog(level)`, `Log(level)` or `Plain(level)`; by default the one of `conventions`.
    conventions
        ``"r"``: limits on log S; a curve that ends flat at one half has its median where it reached one half; the curve is
        carried forward past the last follow-up. ``"sas"``: limits on log(-log S); that median, and the curve past the last
        follow-up, are not estimable. None: log-log limits, R's median, and no curve past the last follow-up.

    Returns
    -------
    KaplanMeier
        `.table`, `.curve`, `.at(times)`, `.quantiles()`, `.at_risk(times)`, `.evidence`. Strata are not used. Not estimable is null, `status` says why.

    Notes
    -----
    The limits of the median are where the limits of the curve cross one half (Brookmeyer and Crowley).

    References
    ----------
    Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452; Brookmeyer and Crowley 1982, doi:10.2307/2530286.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [2, 4, 6], "event": [1, 1, 1], "arm": ["a", "a", "a"]})
    >>> kaplan_meier(EventTable.from_frame(df, time_unit="months")).table["median_months"].to_list()
    [4.0]
    """
    events = event_table(ev)
    rules = Conventions.of(conventions)
    chosen = rules.interval(interval)
    parts = [_arm_curve(events.table.filter(pl.col("arm") == arm), arm, chosen) for arm in events.arms]
    rows = [_summary(part, chosen, rules) for part in parts]
    settings = settings_of(events, interval=chosen.WORD, level=chosen.level, **rules.words)
    return KaplanMeier(
        table=pl.DataFrame(rows, schema=SUMMARY),
        origin=Origin(METHOD, VERSION, settings, (events.table,)),
        level=chosen.level,
        curve=pl.concat([pl.DataFrame(schema=CURVE), *parts]),
        conventions=rules,
    )


def _arm_curve(table: pl.DataFrame, arm: str, interval: AbstractInterval) -> pl.DataFrame:
    time, event = table["time_months"].to_numpy(), happened(table)
    order = np.argsort(time)  # the order within ties does not matter to counts
    steps, n_risk, n_event, n_censor = survival.risk_table(time[order], event[order])
    curve, variance = survival.kaplan_meier(n_risk, n_event)
    lower, upper = survival.curve_limits(curve, variance, interval.z, interval.KIND)
    with np.errstate(invalid="ignore"):  # 0 times infinity where the curve is 0: no variance
        se = np.where(variance > 0, curve * np.sqrt(variance), np.nan)
    columns = {
        "time_months": (0.0, steps), "survival": (1.0, curve), "lower": (np.nan, lower), "upper": (np.nan, upper),
        "at_risk": (n_risk[0], n_risk), "n_event": (0, n_event), "n_censor": (0, n_censor), "se": (np.nan, se),
    }  # fmt: skip
    frame = pl.DataFrame({name: np.concatenate([[start], values]) for name, (start, values) in columns.items()})
    named = frame.select(pl.lit(arm).alias("arm"), pl.all())
    return named.with_columns(pl.col("lower", "upper", "se").fill_nan(None)).select(
        pl.col(name).cast(kind) for name, kind in CURVE.items()
    )


def _summary(curve: pl.DataFrame, interval: AbstractInterval, conventions: Conventions) -> dict[str, Any]:
    median, lower, upper = crossings(curve, 0.5, conventions)
    return {
        "arm": curve["arm"][0],
        "n": curve["at_risk"][0],
        "events": curve["n_event"].sum(),
        "median_months": median,
        "lower_months": lower,
        "upper_months": upper,
        "follow_up_months": float(curve["time_months"][-1]),
        "status": quantile_status(curve, 0.5, (median, lower, upper), word="Median"),
        "interval": f"{interval.WORD} {interval.level:g}",
        **conventions.words,
    }
