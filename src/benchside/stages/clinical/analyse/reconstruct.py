"""Patients reconstructed from a published Kaplan-Meier curve and its at-risk row, with the errors of the reconstruction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, TableError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.core.tables import FLOAT, cast_column, conform, dataframe
from benchside.core.tables import Column as Needed
from benchside.kernels import reconstruct as kernel
from benchside.kernels import survival
from benchside.stages.clinical.analyse.cox import cox
from benchside.stages.clinical.model import null_if_nan

METHOD, VERSION = "clinical.reconstruct", "1"
CURVE, AT_RISK = "digitised curve", "at-risk row"
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NARROW: Final = 4
"""How far the deaths of an interval may be from what the curve alone says: widened where the total cannot be met."""

LEAST_NOISE: Final = 2.5e-7
"""Least variance of a digitised point: survival is read to about 0.0005 at best."""

RISE_ALLOWED: Final = 0.05
"""Rises up to this are the digitiser's hand; a larger one is an error of the curve."""

CONTRADICTION: Final = 0.05
"""How much further than the at-risk row allows a curve may fall in one interval."""

ERRORS = {"quantity": pl.String, "given": pl.Float64, "reconstructed": pl.Float64, "error": pl.Float64}


@dataclass(frozen=True)
class Reconstruction(Answer):
    """Reconstructed patients: `table` has `time_months, event`, one row a patient; `errors` says how well they rebuild the curve.

    They are no patient data: `.reconstructed` is true, and so it is on the event tables made of them.
    """

    errors: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`quantity, given, reconstructed, error`: patients, events, median_months, rmse_survival, max_error_survival,
    max_error_at_risk."""

    curve: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`time_months, given, reconstructed` survival at the points of the curve."""

    reconstructed: bool = True

    KEY: ClassVar[tuple[str, ...]] = ()
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = ()

    def events(self, arm: str) -> EventTable:
        """Return the patients as an event table of one arm, marked as reconstructed."""
        return EventTable(self.table.with_columns(arm=pl.lit(arm)), reconstructed=True, label=f"reconstructed {arm}")


def reconstruct(curve: Any, at_risk: Any, *, total_events: int | None = None) -> Reconstruction:
    """Return patients whose Kaplan-Meier curve is the published one.

    Parameters
    ----------
    curve
        `time_months, survival`: points read off the curve, survival as a fraction.
    at_risk
        `time_months, at_risk`: the row below the figure, from time 0; the first number is that of the patients.
    total_events
        Events in all, where they are published: they are met exactly.

    Returns
    -------
    Reconstruction
        `.table` (`time_months, event`), `.errors`, `.curve`, `.events(arm)`.

    Raises
    ------
    TableError
        When the curve rises, is in percent or does not start at 1; when the at-risk row rises, does not start at 0, or lets
        fewer patients leave than the curve needs.
    SettingError
        When the total is more than the patients.

    Notes
    -----
    As Guyot et al., censorings are spread over the stretch between two times of the at-risk row. Unlike theirs, the deaths of
    all stretches are chosen together (a dynamic programme on the squared error of the curve), so that patients, numbers at risk
    and the total of events hold exactly, and a flat stretch gets no death.

    References
    ----------
    Guyot et al. 2012, doi:10.1186/1471-2288-12-9.

    Examples
    --------
    >>> curve = pl.DataFrame({"time_months": [0, 2, 2, 5, 5, 8], "survival": [1, 1, 0.75, 0.75, 0.5, 0.5]})
    >>> row = pl.DataFrame({"time_months": [0, 4], "at_risk": [4, 3]})
    >>> reconstruct(curve, row).table["event"].sum()
    2
    """
    points, row = _curve(dataframe(curve)), _at_risk(dataframe(at_risk))
    time, given = points["time_months"].to_numpy(), points["survival"].to_numpy()
    risk_time, risk = row["time_months"].to_numpy(), row["at_risk"].to_numpy()
    if total_events is not None and not 0 <= total_events <= int(risk[0]):
        message = f"{total_events} events in all cannot be among {risk[0]} patients. Correct total_events or the at-risk row."
        raise SettingError(message)
    falling = kernel.falling(given)
    _require_agreement(time, falling, risk_time, risk)
    noise = max(float(np.mean((given - falling) ** 2)), LEAST_NOISE)
    table = reconstruct_table(time, falling, risk_time, risk, noise=noise, total_events=total_events)
    rebuilt, errors = _errors(table, points, row, total_events)
    origin = Origin(METHOD, VERSION, {"total_events": total_events}, (points, row))
    return Reconstruction(table, origin, errors=errors, curve=rebuilt)


def reconstruct_table(time: Floats, falling: Floats, risk_time: Floats, risk: Integers, *, noise: float, total_events: int | None) -> pl.DataFrame:
    """Return `time_months, event` of the patients, by time: from points (n,) of a falling curve with the variance of their noise,
    and an at-risk row (m,).
    """
    end = float(max(time[-1], risk_time[-1]))
    weight, n = np.ones(time.size), int(risk[0])
    deaths, spread, _ = kernel.choose_deaths(time, falling, weight, risk_time, risk, end, noise, -1, NARROW, NARROW * 3)
    if total_events is not None and int(deaths.sum()) != total_events:
        away = abs(int(deaths.sum()) - total_events)
        for window in (NARROW + 2 * -(-away // risk.size), NARROW + away, n):
            reach = min(away + 3 * window, n)
            deaths, spread, error = kernel.choose_deaths(
                time, falling, weight, risk_time, risk, end, noise, total_events, min(window, n), reach
            )
            if np.isfinite(error):
                break
        else:
            message = f"{total_events} events in all cannot be made of this at-risk row. Correct total_events or the row."
            raise SettingError(message)
    start = kernel.start_censorings(risk_time, risk, end, deaths, spread)
    censorings, death_times = kernel.refine(time, falling, weight, risk_time, risk, end, noise, deaths, start)
    times = np.concatenate([death_times, censorings])
    event = np.concatenate([np.ones(death_times.size, np.int64), np.zeros(censorings.size, np.int64)])
    order = np.lexsort((-event, times))
    return pl.DataFrame({"time_months": times[order], "event": event[order]})


def reconstructed_arms(
    arms: Mapping[str, Reconstruction], *, control: str, reported_hazard_ratio: float | None = None
) -> tuple[EventTable, pl.DataFrame]:
    """Return the arms as one event table, marked as reconstructed, and the errors of all, with that of the hazard ratio.

    Parameters
    ----------
    arms
        The reconstruction of every arm.
    control
        Name of the control arm.
    reported_hazard_ratio
        The published hazard ratio (treated against control) of a trial of two arms: the errors then name its error, as the
        logarithm of computed over reported.

    Returns
    -------
    The event table, and `arm, quantity, given, reconstructed, error`.
    """
    table = pl.concat([found.events(arm).table for arm, found in arms.items()])
    events = EventTable(table, control=control, reconstructed=True, label="reconstructed patients")
    errors = pl.concat([found.errors.select(pl.lit(arm).alias("arm"), pl.all()) for arm, found in arms.items()])
    if reported_hazard_ratio is None:
        return events, errors
    if len(arms) != 2 or not reported_hazard_ratio > 0:
        message = f"a reported hazard ratio is one number above 0 of two arms, not {reported_hazard_ratio} of {len(arms)}. Leave it out, or give two arms."
        raise SettingError(message)
    fitted = cox(events).table.row(0, named=True)
    ratio = fitted["hazard_ratio"]
    error = None if ratio is None else float(np.log(ratio / reported_hazard_ratio))
    line = {"arm": fitted["term"], "quantity": "log_hazard_ratio", "given": float(np.log(reported_hazard_ratio))}
    line |= {"reconstructed": None if ratio is None else float(np.log(ratio)), "error": error}
    return events, pl.concat([errors, pl.DataFrame([line], schema=errors.schema)])


def _curve(frame: pl.DataFrame) -> pl.DataFrame:
    frame = conform(frame, {"time_months": Needed(FLOAT, "", required=True), "survival": Needed(FLOAT, "", required=True)}, noun=CURVE)
    points = frame.select("time_months", "survival").drop_nulls()
    if points.height < 2:
        message = f"{CURVE}: it has {points.height} points, and a curve needs two or more. Digitise it."
        raise TableError(message)
    values = points["survival"].to_numpy()
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= -RISE_ALLOWED) & (values <= 1 + RISE_ALLOWED)))
    if bad.size:
        percent = " It looks like percent: divide it by 100." if values.max() > 1.5 else " Correct or leave out the point."
        message = f"{CURVE}: survival must lie between 0 and 1; point {bad[0] + 1} is {values[bad[0]]:g}.{percent}"
        raise TableError(message)
    times = points["time_months"].to_numpy()
    if not (np.isfinite(times) & (times >= 0)).all():
        message = f"{CURVE}: times must be numbers of 0 or more months. Correct or leave out the points."
        raise TableError(message)
    points = points.with_columns(pl.col("survival").clip(0.0, 1.0)).sort("time_months", "survival", descending=[False, True])
    _require_no_rise(points)
    if points["time_months"][0] > 0:
        points = pl.concat([pl.DataFrame({"time_months": [0.0], "survival": [1.0]}), points])
    if points["survival"][0] < 1 - RISE_ALLOWED:
        message = f"{CURVE}: it starts at survival {points['survival'][0]:.3f}; at time 0 everyone is alive. Give the whole curve."
        raise TableError(message)
    return points


def _require_no_rise(points: pl.DataFrame) -> None:
    lowest = points["survival"].cum_min().to_numpy()
    rise = points["survival"].to_numpy() - lowest
    at = int(np.argmax(rise))
    if rise[at] > RISE_ALLOWED:
        message = (
            f"{CURVE}: it rises by {rise[at]:.3f} up to month {points['time_months'][at]:g} (survival {points['survival'][at]:.3f}), "
            "and survival never does. Check the points there, or whether two curves were mixed."
        )
        raise TableError(message)


def _at_risk(frame: pl.DataFrame) -> pl.DataFrame:
    needed = {"time_months": Needed(FLOAT, "", required=True), "at_risk": Needed(pl.Int64, "", required=True)}
    row = conform(frame, needed, noun=AT_RISK).select("time_months", cast_column(frame, "at_risk", pl.Int64, noun=AT_RISK)).drop_nulls()
    row = row.sort("time_months", maintain_order=True)
    if row.is_empty() or row["time_months"][0] != 0 or row["at_risk"][0] < 1:
        message = f"{AT_RISK}: it must start at month 0 with the number of patients. Add it."
        raise TableError(message)
    risk, time = row["at_risk"].to_numpy(), row["time_months"].to_numpy()
    rises = np.flatnonzero(np.diff(risk) > 0)
    if rises.size or (risk < 0).any():
        at = int(rises[0]) + 1 if rises.size else int(np.argmin(risk))
        message = f"{AT_RISK}: {risk[at]} at risk at month {time[at]:g} cannot be; the numbers fall to 0 or more. Correct the row."
        raise TableError(message)
    if (np.diff(time) <= 0).any():
        message = f"{AT_RISK}: month {time[int(np.flatnonzero(np.diff(time) <= 0)[0])]:g} stands twice. Keep one number a time."
        raise TableError(message)
    return row


def _require_agreement(time: Floats, curve: Floats, risk_time: Floats, risk: Integers) -> None:
    """Refuse a curve that falls further in an interval than everyone who leaves it could make it fall by dying."""
    first = np.searchsorted(time, risk_time)
    for i in range(risk.size - 1):
        if first[i + 1] <= first[i] or risk[i] == 0:
            continue
        start, lowest_seen = curve[first[i]], curve[first[i + 1] - 1]
        lowest = start * risk[i + 1] / risk[i]
        if lowest_seen < lowest - CONTRADICTION:
            message = (
                f"{AT_RISK}: from month {risk_time[i]:g} to {risk_time[i + 1]:g} {risk[i] - risk[i + 1]} of {risk[i]} leave, which lets the "
                f"curve fall to {lowest:.3f}, but it falls to {lowest_seen:.3f}. Check that curve and row are of one arm and one unit of time."
            )
            raise TableError(message)
    if risk[-1] == 0 and first[-1] < time.size and curve[-1] < curve[first[-1]] - CONTRADICTION:
        message = f"{AT_RISK}: nobody is at risk from month {risk_time[-1]:g} on, but the curve goes on falling. Check the row."
        raise TableError(message)


def _errors(table: pl.DataFrame, points: pl.DataFrame, row: pl.DataFrame, total: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    time, event = table["time_months"].to_numpy(), table["event"].to_numpy()
    steps, n_risk, n_event, _ = survival.risk_table(time, event)
    curve, _ = survival.kaplan_meier(n_risk, n_event)
    at = np.searchsorted(steps, points["time_months"].to_numpy(), side="right") - 1
    found = np.where(at >= 0, curve[np.maximum(at, 0)], 1.0)
    given = points["survival"].to_numpy()
    gap = found - given
    left = time.size - np.searchsorted(time, row["time_months"].to_numpy(), side="left")
    medians = [null_if_nan(survival.crossing_time(t, s, 0.5, True)) for t, s in ((points["time_months"].to_numpy(), given), (steps, curve))]  # noqa: FBT003
    both = None not in medians
    rows = [
        ("patients", float(row["at_risk"][0]), float(table.height), float(table.height - row["at_risk"][0])),
        ("events", None if total is None else float(total), float(event.sum()), None if total is None else float(event.sum() - total)),
        ("median_months", medians[0], medians[1], float(medians[1] or 0) - float(medians[0] or 0) if both else None),
        ("rmse_survival", 0.0, None, float(np.sqrt(np.mean(gap**2)))),
        ("max_error_survival", 0.0, None, float(np.abs(gap).max())),
        ("max_error_at_risk", 0.0, None, float(np.abs(left - row["at_risk"].to_numpy()).max())),
    ]
    rebuilt = points.select("time_months", given="survival").with_columns(reconstructed=pl.Series(found))
    return rebuilt, pl.DataFrame(rows, schema=ERRORS, orient="row")
