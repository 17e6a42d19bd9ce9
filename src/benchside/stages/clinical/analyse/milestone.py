"""Milestone survival: by how much the arms' curves differ at given times."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.stages.clinical.analyse.kaplan_meier import kaplan_meier
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    LogLog,
    event_table,
    normal_quantile,
    require_control,
    settings_of,
)

METHOD, VERSION = "clinical.milestone", "1"
COLUMNS: Final = {
    "arm": pl.String, "comparator": pl.String, "time_months": pl.Float64, "survival": pl.Float64,
    "survival_control": pl.Float64, "difference": pl.Float64, "se": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "p": pl.Float64, "at_risk": pl.Int64, "at_risk_control": pl.Int64, "limits": pl.String, "status": pl.String,
}  # fmt: skip

Limits = Literal["log-log", "plain"]


@dataclass(frozen=True)
class Milestones(ClinicalAnswer):
    """Differences of survival at times: `arm, comparator, time_months, survival, survival_control, difference, se, lower, ...`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("milestone_difference", value="difference", unit="fraction", lower="lower", upper="upper", n="at_risk"),
        Quantity("milestone_p", value="p", unit=""),
    )


def milestone(ev: Any, times_months: Sequence[float], *, limits: Limits = "log-log", level: float = 0.95) -> Milestones:
    """Compare each arm's survival at given times with the control's.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named. Strata are not used.
    times_months
        Times of 0 or more, fixed before the data were seen.
    limits
        ``"log-log"``: limits of the difference from the log-log limits of the two curves (Zou and Donner's recovery of
        variances), and p on the scale of log(-log S); both keep their size in small arms. ``"plain"``: Wald's, by
        Greenwood's variances.
    level
        Two-sided level of the limits.

    Returns
    -------
    Milestones
        Null with a sentence where a curve is not known at the time, or is 1 or 0 there and has no variance.

    Raises
    ------
    SettingError
        When there is one arm, no control, a time below 0 or unknown limits.

    References
    ----------
    Klein et al. 2007, doi:10.1002/sim.2864 (the test at a time); Zou and Donner 2008, doi:10.1002/sim.3095 (the limits).

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 9, 1, 7, 8, 9], "event": [1, 1, 1, 0, 1, 1, 0, 0], "arm": ["a"] * 4 + ["b"] * 4})
    >>> milestone(EventTable.from_frame(df, time_unit="months", control="a"), [6]).table["difference"].to_list()
    [0.5]
    """
    events = event_table(ev)
    control = require_control(events, "a milestone difference")
    if limits not in ("log-log", "plain"):
        message = f"limits is {limits!r}; it must be 'log-log' or 'plain'."
        raise SettingError(message)
    z = normal_quantile(level)
    curves = kaplan_meier(events, interval=LogLog(level)).at(times_months).table
    rows = []
    for time in curves["time_months"].unique(maintain_order=True):
        here = curves.filter(pl.col("time_months") == time)
        arms = {row["arm"]: _Point.of(row) for row in here.iter_rows(named=True)}
        rows += [_row(arms[arm], arms[control], limits, z) for arm in events.arms[1:]]
    table = pl.DataFrame([row | {"comparator": control, "limits": limits} for row in rows], schema=COLUMNS)
    settings = settings_of(events, times_months=[float(time) for time in times_months], limits=limits, level=level)
    return Milestones(table, Origin(METHOD, VERSION, settings, (events.table,)), level=level)


@dataclass(frozen=True)
class _Point:
    """One arm's curve at one time."""

    arm: str
    time: float
    survival: float | None
    lower: float | None
    upper: float | None
    se: float | None
    """Greenwood's; None where the curve is 1 or 0."""

    at_risk: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Point":
        names = ("arm", "time_months", "survival", "lower", "upper", "se", "at_risk")
        return cls(*(row[name] for name in names))


def _row(treated: _Point, control: _Point, limits: Limits, z: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arm": treated.arm,
        "time_months": treated.time,
        "survival": treated.survival,
        "survival_control": control.survival,
        "at_risk": treated.at_risk,
        "at_risk_control": control.at_risk,
    }
    absent = [point.arm for point in (treated, control) if point.survival is None]
    if treated.survival is None or control.survival is None:
        return row | {"status": f"Not estimable: the curve of arm {absent[0]} is not known at {treated.time:g} months."}
    difference = treated.survival - control.survival
    row["difference"] = difference
    if treated.se is None or control.se is None:
        flat = treated if treated.se is None else control
        return row | {"status": f"No limits: the curve of arm {flat.arm} is {flat.survival:.0f} here, where it has no variance."}
    se = math.hypot(treated.se, control.se)
    return row | {"se": se, "status": "ok"} | _inference(treated, control, limits, z)


def _inference(treated: _Point, control: _Point, limits: Limits, z: float) -> dict[str, float]:
    """Return limits and p of a difference of two curves that both have a variance."""
    (one, se_one), (other, se_other) = (_known(treated), _known(control))
    difference, se = one - other, math.hypot(se_one, se_other)
    if limits == "plain":
        p = math.erfc(abs(difference) / se / math.sqrt(2))
        return {"lower": max(difference - z * se, -1.0), "upper": min(difference + z * se, 1.0), "p": p}
    down = math.hypot(one - float(treated.lower or 0.0), float(control.upper or 1.0) - other)
    up = math.hypot(float(treated.upper or 1.0) - one, other - float(control.lower or 0.0))
    scaled = [(math.log(-math.log(s)), error / (s * -math.log(s))) for s, error in ((one, se_one), (other, se_other))]
    apart = abs(scaled[0][0] - scaled[1][0]) / math.hypot(scaled[0][1], scaled[1][1])
    return {"lower": difference - down, "upper": difference + up, "p": math.erfc(apart / math.sqrt(2))}


def _known(point: _Point) -> tuple[float, float]:
    return float(point.survival or 0.0), float(point.se or 0.0)
