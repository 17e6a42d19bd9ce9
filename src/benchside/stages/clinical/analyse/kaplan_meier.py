"""Kaplan-Meier: how long subjects of each arm stay free of the event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.kernels import survival
from benchside.stages.clinical.model import (
    AbstractInterval,
    ClinicalAnswer,
    Convention,
    Rules,
    event_table,
    happened,
    null_if_nan,
    settings_of,
)

METHOD, VERSION = "clinical.kaplan_meier", "1"
LANDMARK_METHOD = "clinical.survival_at"

SUMMARY = {
    "arm": pl.String, "n": pl.Int64, "events": pl.Int64, "median_months": pl.Float64, "lower_months": pl.Float64,
    "upper_months": pl.Float64, "follow_up_months": pl.Float64, "status": pl.String, "interval": pl.String,
    "median_rule": pl.String,
}  # fmt: skip
LANDMARKS = {
    "arm": pl.String, "time_months": pl.Float64, "survival": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "at_risk": pl.Int64, "status": pl.String, "interval": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Landmarks(ClinicalAnswer):
    """Survival at given times: `table` has `arm, time_months, survival, lower, upper, at_risk, status`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("survival", value="survival", unit="fraction", lower="lower", upper="upper", n="at_risk"),
    )


@dataclass(frozen=True)
class KaplanMeier(ClinicalAnswer):
    """Kaplan-Meier curves: `table` has one row an arm, `curve` every step; `at` reads the curves at times.

    `table`: `arm, n, events, median_months, lower_months, upper_months, follow_up_months` (the longest), `status`,
    and the rules that were used.
    """

    curve: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`arm, time_months, survival, lower, upper, at_risk, n_event, n_censor`, from a row at time 0 on. A limit is
    null where the curve is 1 (no event yet) or 0."""

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
        known and survival is null, unless it has reached 0.

        Examples
        --------
        >>> import polars as pl
        >>> from benchside.core.exchange import EventTable
        >>> df = pl.DataFrame({"time": [2, 4, 6], "event": [1, 0, 1], "arm": ["a"] * 3})
        >>> kaplan_meier(EventTable.from_frame(df, time_unit="months")).at([6]).table["survival"].to_list()
        [0.0]
        """
        times = [float(time) for time in times_months]
        bad = [time for time in times if not (np.isfinite(time) and time >= 0)]
        if bad:
            message = f"survival is read at times of 0 or more months, and {bad[0]} is not one. Correct the time."
            raise SettingError(message)
        parts = [self.curve.filter(pl.col("arm") == arm) for arm in self.table["arm"]]
        rows = [_landmark(part, time) | {"interval": self.table["interval"][0]} for part in parts for time in times]
        settings = {**self.origin.settings, "times_months": times}
        origin = Origin(LANDMARK_METHOD, VERSION, settings, self.origin.inputs)
        return Landmarks(pl.DataFrame(rows, schema=LANDMARKS), origin, self.level)


def _landmark(curve: pl.DataFrame, time: float) -> dict[str, Any]:
    steps = curve["time_months"].to_numpy()
    last = int(np.searchsorted(steps, time + survival.TIE, side="right")) - 1
    following = int(np.searchsorted(steps, time - survival.TIE, side="left"))
    row = curve.row(last, named=True)
    known = following < steps.size or row["survival"] == 0.0
    status = "ok"
    if not known:
        status = f"Past the last follow-up of the arm, {steps[-1]:.4g} months, the curve is not known."
    elif row["lower"] is None:
        status = f"No limits: the curve is {row['survival']:.0f} here, where its variance is not defined."
    return {
        "arm": row["arm"],
        "time_months": time,
        "survival": row["survival"] if known else None,
        "lower": row["lower"] if known else None,
        "upper": row["upper"] if known else None,
        "at_risk": int(curve["at_risk"][following]) if following < steps.size else 0,
        "status": status,
    }


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
        ``"r"``: limits on log S; a curve that ends flat at one half has its median where it reached one half.
        ``"sas"``: limits on log(-log S); that median is not estimable. None: log-log limits, R's median.

    Returns
    -------
    KaplanMeier
        `.table`, `.curve`, `.at(times)`, `.evidence`. Strata are not used. Not estimable is null, `status` says why.

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
    rules = Rules.of(conventions)
    chosen = rules.interval() if interval is None else interval
    parts = [_arm_curve(events.table.filter(pl.col("arm") == arm), arm, chosen) for arm in events.arms]
    rows = [_summary(part, chosen, rules) for part in parts]
    settings = settings_of(events, interval=chosen.WORD, level=chosen.level, median_rule=rules.median_words)
    empty = _curve_frame("", *(np.empty(0),) * 4, *(np.empty(0, np.int64),) * 3)
    return KaplanMeier(
        table=pl.DataFrame(rows, schema=SUMMARY),
        origin=Origin(METHOD, VERSION, settings, (events.table,)),
        level=chosen.level,
        curve=pl.concat([empty, *parts]),
    )


def _arm_curve(table: pl.DataFrame, arm: str, interval: AbstractInterval) -> pl.DataFrame:
    time, event = table["time_months"].to_numpy(), happened(table)
    order = np.argsort(time, kind="stable")
    steps, n_risk, n_event, n_censor = survival.risk_table(time[order], event[order])
    curve, variance = survival.kaplan_meier(n_risk, n_event)
    lower, upper = survival.curve_limits(curve, variance, interval.z, interval.KIND)
    start = _curve_frame(
        arm,
        np.zeros(1),
        np.ones(1),
        np.full(1, np.nan),
        np.full(1, np.nan),
        n_risk[:1],
        np.zeros(1, int),
        np.zeros(1, int),
    )
    return pl.concat([start, _curve_frame(arm, steps, curve, lower, upper, n_risk, n_event, n_censor)])


def _curve_frame(  # noqa: PLR0917  the columns, in order
    arm: str,
    time: survival.Floats,
    curve: survival.Floats,
    lower: survival.Floats,
    upper: survival.Floats,
    n_risk: survival.Integers,
    n_event: survival.Integers,
    n_censor: survival.Integers,
) -> pl.DataFrame:
    columns = {
        "time_months": time,
        "survival": curve,
        "lower": lower,
        "upper": upper,
        "at_risk": n_risk,
        "n_event": n_event,
        "n_censor": n_censor,
    }
    frame = pl.DataFrame({"arm": pl.Series([arm] * time.size, dtype=pl.String), **columns})
    return frame.with_columns(pl.col("lower", "upper").fill_nan(None))


def _summary(curve: pl.DataFrame, interval: AbstractInterval, rules: Rules) -> dict[str, Any]:
    time = curve["time_months"].to_numpy()

    def crossing(column: str) -> float | None:
        values = curve[column].fill_null(float("nan")).to_numpy()
        return null_if_nan(survival.crossing_time(time, values, 0.5, rules.terminal_half_is_reached))

    median, lower, upper = crossing("survival"), crossing("lower"), crossing("upper")
    return {
        "arm": curve["arm"][0],
        "n": curve["at_risk"][0],
        "events": curve["n_event"].sum(),
        "median_months": median,
        "lower_months": lower,
        "upper_months": upper,
        "follow_up_months": float(time[-1]),
        "status": _median_status(curve, median, lower, upper),
        "interval": f"{interval.WORD} {interval.level:g}",
        "median_rule": rules.median_words,
    }


def _median_status(curve: pl.DataFrame, median: float | None, lower: float | None, upper: float | None) -> str:
    if median is None and float(curve["survival"][-1]) > 0.5 + survival.HALF_TOLERANCE:
        return f"Median not reached: the curve ends at {curve['survival'][-1]:.3f}."
    if median is None:
        return "Median not estimable: the curve ends flat at one half, which SAS does not count as reached."
    absent = [word for word, value in (("lower", lower), ("upper", upper)) if value is None]
    if absent:
        return f"The {' and the '.join(absent)} limit of the median is not reached: the limits of the curve stay above one half."
    return "ok"
