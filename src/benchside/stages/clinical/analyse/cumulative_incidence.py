"""Cumulative incidence: how many have failed of one cause by a time, when other causes compete."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, listed, nearest
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels import competing_risks, survival
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.model import ClinicalAnswer, Convention, event_table, normal_quantile, settings_of

METHOD, VERSION = "clinical.cumulative_incidence", "1"
LANDMARK_METHOD = "clinical.incidence_at"
INTERVAL = "log-log, Gray's variance"

COLUMNS = {
    "arm": pl.String, "cause": pl.String, "time_months": pl.Float64, "incidence": pl.Float64, "se": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "at_risk": pl.Int64, "n_event": pl.Int64, "n_other": pl.Int64,
}  # fmt: skip
LANDMARKS = {
    "arm": pl.String, "cause": pl.String, "time_months": pl.Float64, "incidence": pl.Float64, "se": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "at_risk": pl.Int64, "status": pl.String, "interval": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Incidences(ClinicalAnswer):
    """Incidence at given times: `arm, cause, time_months, incidence, se, lower, upper, at_risk, status, interval`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "cause", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("cumulative_incidence", value="incidence", unit="fraction", lower="lower", upper="upper", n="at_risk"),
    )


@dataclass(frozen=True)
class CumulativeIncidence(ClinicalAnswer):
    """The curve of every arm: `table` has a row at time 0 and one a distinct time; `at` reads it at times.

    `table`: `arm, cause, time_months, incidence, se, lower, upper, at_risk, n_event, n_other`. `summary` has a row an arm.
    """

    summary: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`arm, cause, n, events, other_events, censored, last_incidence, follow_up_months, conventions`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "cause", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = Incidences.QUANTITIES

    def at(self, times_months: Sequence[float]) -> Incidences:
        """Return the incidence, its limits and the number at risk at times of 0 or more months.

        Notes
        -----
        Past an arm's last follow-up the curve is not known and null, unless nobody was left to be censored.
        """
        times = [float(time) for time in times_months]
        bad = [time for time in times if not (np.isfinite(time) and time >= 0)]
        if bad:
            message = f"incidence is read at times of 0 or more months, and {bad[0]} is not one. Correct the time."
            raise SettingError(message)
        arms = self.table["arm"].unique(maintain_order=True)
        parts = [self.table.filter(pl.col("arm") == arm) for arm in arms]
        rows = [_landmark(part, time) for part in parts for time in times]
        origin = Origin(LANDMARK_METHOD, VERSION, {**self.origin.settings, "times_months": times}, self.origin.inputs)
        return Incidences(pl.DataFrame(rows, schema=LANDMARKS), origin, self.level)


def _landmark(curve: pl.DataFrame, time: float) -> dict[str, Any]:
    steps = curve["time_months"].to_numpy()
    last = int(np.searchsorted(steps, time + survival.TIE, side="right")) - 1
    following = int(np.searchsorted(steps, time - survival.TIE, side="left"))
    row = curve.row(last, named=True)
    everyone_failed = last == steps.size - 1 and row["at_risk"] == row["n_event"] + row["n_other"]
    known = following < steps.size or everyone_failed
    status = "ok"
    if not known:
        status = f"Past the last follow-up of the arm, {steps[-1]:.4g} months, the incidence is not known."
    elif row["lower"] is None:
        status = f"No limits: the incidence is {row['incidence']:.0f} here, where its variance is not defined."
    found = {name: row[name] if known else None for name in ("incidence", "se", "lower", "upper")}
    return {
        "arm": row["arm"],
        "cause": row["cause"],
        "time_months": time,
        **found,
        "at_risk": int(curve["at_risk"][following]) if following < steps.size else 0,
        "status": status,
        "interval": INTERVAL,
    }


def cumulative_incidence(
    ev: Any, *, cause: str, level: float = 0.95, conventions: Convention | None = None
) -> CumulativeIncidence:
    """Estimate the cumulative incidence of one cause in every arm (Aalen-Johansen).

    Parameters
    ----------
    ev
        An `EventTable` whose `causes` name the codes of `event`.
    cause
        The cause of interest, one of those names.
    level
        Two-sided level of the limits, which are symmetric on log(-log F) and rest on Gray's variance (that of R's cmprsk).
    conventions
        Printed on the answer. R and SAS agree on the estimate; R's cmprsk prints plain variances and SAS (PROC LIFETEST, its
        default) log-log limits, which are used in both.

    Returns
    -------
    CumulativeIncidence
        `.table`, `.summary`, `.at(times)`, `.evidence`. Strata are not used.

    Raises
    ------
    SettingError
        When the event table names no causes, or not this one.

    References
    ----------
    Aalen and Johansen 1978; variance Gray 1988, doi:10.1214/aos/1176350951.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 2, 1, 0], "arm": ["a"] * 4})
    >>> ev = EventTable.from_frame(df, time_unit="months", causes={"cns": 1, "other": 2})
    >>> cumulative_incidence(ev, cause="cns").at([3]).table["incidence"].to_list()
    [0.5]
    """
    events = event_table(ev)
    Conventions.of(conventions)
    z = normal_quantile(level)
    causes = cause_codes(events, events.table, cause)
    parts, rows = [], []
    for arm in events.arms:
        inside = (events.table["arm"] == arm).to_numpy()
        curve = incidence_table(events.table["time_months"].to_numpy()[inside], causes[inside], arm=arm, cause=cause, z=z)
        parts.append(curve)
        rows.append(_summary(curve, conventions))
    origin = Origin(METHOD, VERSION, settings_of(events, cause=cause, level=level, conventions=conventions), (events.table,))
    return CumulativeIncidence(pl.concat(parts), origin, level, summary=pl.DataFrame(rows, infer_schema_length=None))


def incidence_table(time: survival.Floats, causes: survival.Integers, *, arm: str, cause: str, z: float) -> pl.DataFrame:
    """Return one arm's curve from arrays: times (n,) and 0 censored, 1 of interest, 2 other (n,); a row at time 0 first."""
    order = np.argsort(time, kind="stable")
    steps, at_risk, first, other = competing_risks.cause_table(np.ascontiguousarray(time[order]), causes[order])
    incidence, variance = competing_risks.aalen_johansen(at_risk, first, other)
    lower, upper = competing_risks.incidence_limits(incidence, variance, z)
    columns: list[tuple[str, Any, float]] = [
        ("time_months", steps, 0.0), ("incidence", incidence, 0.0), ("se", np.sqrt(variance), 0.0), ("lower", lower, np.nan),
        ("upper", upper, np.nan), ("at_risk", at_risk, time.size), ("n_event", first, 0), ("n_other", other, 0),
    ]  # fmt: skip
    starts_at_zero = steps.size > 0 and steps[0] <= survival.TIE
    held = {name: values if starts_at_zero else np.concatenate([[start], values]) for name, values, start in columns}
    return pl.DataFrame({"arm": [arm] * len(held["incidence"]), "cause": cause, **held}).cast(COLUMNS).select(  # type: ignore[arg-type]
        pl.all().exclude("lower", "upper"), pl.col("lower", "upper").fill_nan(None)
    ).select(list(COLUMNS))  # fmt: skip


def _summary(curve: pl.DataFrame, conventions: Convention | None) -> dict[str, Any]:
    n, events, other = int(curve["at_risk"][0]), int(curve["n_event"].sum()), int(curve["n_other"].sum())
    return {
        "arm": curve["arm"][0],
        "cause": curve["cause"][0],
        "n": n,
        "events": events,
        "other_events": other,
        "censored": n - events - other,
        "last_incidence": float(curve["incidence"][-1]),
        "follow_up_months": float(curve["time_months"][-1]),
        "interval": INTERVAL,
        "conventions": Conventions.of(conventions).name,
    }


def require_cause(events: EventTable, cause: str) -> int:
    """Return the code of a cause, or raise SettingError where the table names no causes or not this one."""
    if not events.causes:
        message = (
            f"{events.label} names no causes, so {cause!r} cannot be told from other events. "
            'Give the codes of the event column, for example causes={"cns": 1, "other": 2}.'
        )
        raise SettingError(message)
    if cause not in events.causes:
        message = f"{events.label}: {cause!r} is none of its causes {listed(events.causes)}{nearest(cause, events.causes)}. Name one of them."
        raise SettingError(message)
    return events.causes[cause]


def cause_codes(events: EventTable, table: pl.DataFrame, cause: str) -> survival.Integers:
    """Return 0 for censored, 1 for the cause and 2 for any other, for every row of (a part of) the event table: (n,)."""
    code, event = require_cause(events, cause), table["event"].to_numpy()
    return np.where(event == 0, 0, np.where(event == code, 1, 2)).astype(np.int64)
