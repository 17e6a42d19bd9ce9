"""Restricted mean survival time: how long subjects of each arm stay free of the event within a window, on average."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels import rmst, survival
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    event_table,
    happened,
    normal_quantile,
    null_if_nan,
    require_control,
    settings_of,
)

METHOD, VERSION = "clinical.restricted_mean", "1"
COLUMNS: Final = {
    "quantity": pl.String, "arm": pl.String, "comparator": pl.String, "value": pl.Float64, "se": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "p": pl.Float64, "n": pl.Int64, "unit": pl.String, "tau_months": pl.Float64,
    "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class RestrictedMean(ClinicalAnswer):
    """Restricted means: `quantity, arm, comparator, value, se, lower, upper, p, n, tau_months, status`.

    Quantities: `mean_months` of every arm; of each treated arm against the control `difference_months`, `ratio`, and
    `lost_ratio`, the ratio of the months lost within the window. The se of a ratio is that of the ratio (its limits and p
    are of its logarithm).
    """

    tau_months: float = math.nan
    """The end of the window."""

    KEY: ClassVar[tuple[str, ...]] = ("quantity", "arm")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "restricted_mean", value="value", unit="", unit_by="unit", lower="lower", upper="upper", n="n", named_by="_name"
        ),
        Quantity("restricted_mean_p", value="p", unit="", n="n", named_by="_p"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantities."""
        name = pl.lit("restricted_") + pl.col("quantity")
        return self.table.with_columns(_name=name, _p=name + "_p")


@dataclass(frozen=True)
class _Mean:
    """Restricted mean of one arm."""

    arm: str
    n: int
    value: float
    se: float


def restricted_mean(ev: Any, *, tau_months: float | None = None, level: float = 0.95) -> RestrictedMean:
    """Compare the arms by the area under their survival curves up to a time.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named. Strata are not used.
    tau_months
        The end of the window; by default the last time at which every arm's curve is known: the earliest of the arms' last
        follow-ups, where an arm whose curve has reached 0 stays known for ever.
    level
        Two-sided level of the limits.

    Returns
    -------
    RestrictedMean
        `.table`, `.tau_months`. Null with a sentence where an arm's curve is not known up to `tau_months`; error, limits and p are
        null with one where an arm has no variance (no event in the window with subjects left: nobody failed, or all at once).

    Raises
    ------
    SettingError
        When there is one arm, no control, or `tau_months` is not above 0.

    References
    ----------
    Uno et al. 2014, doi:10.1200/JCO.2014.55.2208; Royston and Parmar 2013, doi:10.1186/1471-2288-13-152.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [2, 4, 3, 8], "event": [1, 1, 1, 1], "arm": ["a", "a", "b", "b"]})
    >>> restricted_mean(EventTable.from_frame(df, time_unit="months", control="a"), tau_months=4).table["value"].to_list()[:3]
    [3.0, 3.5, 0.5]
    """
    events = event_table(ev)
    control = require_control(events, "the restricted mean")
    z = normal_quantile(level)
    steps = {arm: _steps(events, arm) for arm in events.arms}
    tau = _last_known(steps) if tau_months is None else float(tau_months)
    if not (np.isfinite(tau) and tau > 0):
        message = f"the window of a restricted mean must end above 0 months, and ends at {tau:g}. Give tau_months."
        raise SettingError(message)
    means = [_Mean(arm, int(found[1][0]), *rmst.restricted_mean(*found, tau)) for arm, found in steps.items()]
    first, *treated = means
    rows = [_mean_row(mean, z, steps[mean.arm][0][-1]) for mean in means]
    rows += [row for mean in treated for row in _compared(mean, first, tau, z)]
    table = pl.DataFrame([row | {"tau_months": tau} for row in rows], schema=COLUMNS)
    table = table.with_columns(comparator=pl.when(pl.col("quantity") != "mean_months").then(pl.lit(control)))
    settings = settings_of(events, tau_months=tau_months, level=level)
    return RestrictedMean(table, Origin(METHOD, VERSION, settings, (events.table,)), level=level, tau_months=tau)


def _steps(events: EventTable, arm: str) -> tuple[survival.Floats, survival.Integers, survival.Integers]:
    table = events.table.filter(pl.col("arm") == arm)
    time, event = table["time_months"].to_numpy(), happened(table)
    order = np.argsort(time, kind="stable")
    return survival.risk_table(time[order], event[order])[:3]


def _last_known(steps: dict[str, tuple[survival.Floats, survival.Integers, survival.Integers]]) -> float:
    """Return the last time at which every curve is known; where all of them reach 0, when the last one does."""
    open_ends = [float(time[-1]) for time, n_risk, n_event in steps.values() if n_risk[-1] > n_event[-1]]
    return min(open_ends) if open_ends else max(float(time[-1]) for time, _, _ in steps.values())


def _mean_row(mean: _Mean, z: float, last: float) -> dict[str, Any]:
    unknown = f"Not estimable: arm {mean.arm} is followed for {last:.4g} months only, which is before the end of the window."
    return {
        "quantity": "mean_months",
        "arm": mean.arm,
        "value": null_if_nan(mean.value),
        **_spread(mean.value, mean.se if mean.se > 0 else None, z),
        "n": mean.n,
        "unit": "months",
        "status": unknown if math.isnan(mean.value) else _status([mean]),
    }


def _compared(treated: _Mean, control: _Mean, tau: float, z: float) -> list[dict[str, Any]]:
    shared = {"arm": treated.arm, "n": treated.n + control.n}
    if math.isnan(treated.value) or math.isnan(control.value):
        status = "Not estimable: the window ends after the follow-up of an arm."
        quantities = (("difference_months", "months"), ("ratio", "ratio"), ("lost_ratio", "ratio"))
        return [shared | {"quantity": name, "unit": unit, "status": status} for name, unit in quantities]
    status = _status([treated, control])
    difference = treated.value - control.value
    se = math.hypot(treated.se, control.se) if status == "ok" else None
    p = None if se is None else math.erfc(abs(difference) / se / math.sqrt(2))
    row = {"quantity": "difference_months", "value": difference, **_spread(difference, se, z), "p": p, "unit": "months"}
    ratio = _ratio("ratio", (treated.value, treated.se), (control.value, control.se), z, status)
    lost = _ratio("lost_ratio", (tau - treated.value, treated.se), (tau - control.value, control.se), z, status)
    return [shared | row | {"status": status}, shared | ratio, shared | lost]


def _ratio(name: str, treated: tuple[float, float], control: tuple[float, float], z: float, status: str) -> dict[str, Any]:
    if not (treated[0] > 1e-12 and control[0] > 1e-12):
        return {"quantity": name, "unit": "ratio", "status": "Not estimable: one of the two is 0."}
    log_ratio = math.log(treated[0] / control[0])
    ratio = math.exp(log_ratio)
    row = {"quantity": name, "value": ratio, "unit": "ratio", "status": status}
    if status != "ok":
        return row
    se = math.hypot(treated[1] / treated[0], control[1] / control[0])
    lower, upper = math.exp(log_ratio - z * se), math.exp(log_ratio + z * se)
    p = math.erfc(abs(log_ratio) / se / math.sqrt(2))
    return row | {"se": ratio * se, "lower": lower, "upper": upper, "p": p}


def _spread(value: float, se: float | None, z: float) -> dict[str, float | None]:
    """Return the error and the limits of an estimate, null where its error is not known."""
    return {} if se is None else {"se": se, "lower": value - z * se, "upper": value + z * se}


def _status(means: list[_Mean]) -> str:
    """Say which arms have a Greenwood variance of 0, which is no knowledge of their error and no certainty."""
    flat = [mean.arm for mean in means if not mean.se > 0]
    if not flat:
        return "ok"
    who = f"arm {flat[0]} has no event" if len(flat) == 1 else "neither arm has an event"
    return f"No variance: {who} in the window with subjects left, so there is no interval."
