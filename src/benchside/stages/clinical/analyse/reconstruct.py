"""Patients reconstructed from a published Kaplan-Meier curve and its at-risk row, with the errors of the reconstruction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.core.tables import dataframe
from benchside.kernels import reconstruct as kernel
from benchside.kernels import reconstruct_layout as layout
from benchside.kernels import survival
from benchside.stages.clinical.analyse.cox import cox
from benchside.stages.clinical.analyse.reconstruct_figure import at_risk_row, digitised_curve, require_agreement
from benchside.stages.clinical.model import null_if_nan

METHOD, VERSION = "clinical.reconstruct", "1"
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NARROW: Final = 4
"""How far the deaths of an interval may be from what the curve alone says: widened where the total cannot be met."""

LEAST_NOISE: Final = 2.5e-7
"""Least variance of a digitised point: survival is read to about 0.0005 at best."""

REACHED: Final = True
"""A curve that ends flat at one half has reached it."""

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
    >>> curve = pl.DataFrame({"time_months": [0, 2, 2, 5, 5, 8], "survival": [1.0, 1.0, 0.75, 0.75, 0.5, 0.5]})
    >>> row = pl.DataFrame({"time_months": [0, 4], "at_risk": [4, 3]})
    >>> reconstruct(curve, row).table["event"].sum()
    2
    """
    points, row = digitised_curve(dataframe(curve)), at_risk_row(dataframe(at_risk))
    time, given = points["time_months"].to_numpy(), points["survival"].to_numpy()
    risk_time, risk = row["time_months"].to_numpy(), row["at_risk"].to_numpy()
    if total_events is not None and not 0 <= total_events <= int(risk[0]):
        message = f"{total_events} events in all cannot be among {risk[0]} patients. Correct total_events or the at-risk row."
        raise SettingError(message)
    falling = layout.falling(given)
    require_agreement(time, falling, risk_time, risk)
    noise = max(float(np.mean((given - falling) ** 2)), LEAST_NOISE)
    table = reconstruct_table(time, falling, risk_time, risk, noise=noise, total_events=total_events)
    rebuilt, errors = _errors(table, points, row, total_events)
    origin = Origin(METHOD, VERSION, {"total_events": total_events}, (points, row))
    return Reconstruction(table, origin, errors=errors, curve=rebuilt)


def reconstruct_table(
    time: Floats, falling: Floats, risk_time: Floats, risk: Integers, *, noise: float, total_events: int | None
) -> pl.DataFrame:
    """Return `time_months, event` of the patients, by time.

    Parameters
    ----------
    time, falling
        (n,) points of a falling curve.
    risk_time, risk
        (m,) the at-risk row.
    noise
        Variance of the points around the curve.
    total_events
        Events in all, or None.
    """
    end = float(max(time[-1], risk_time[-1]))
    weight, n = _weights(time), int(risk[0])
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
    start = layout.start_censorings(risk_time, risk, end, deaths, spread)
    censorings, death_times = layout.refine(time, falling, weight, risk_time, risk, end, noise, deaths, start)
    return patients_table(death_times, censorings)


def _weights(time: Floats) -> Floats:
    """Return 1 for the lowest point at every time and 0 for those above it: the pen's way down a step says nothing of the level."""
    return np.concatenate([np.diff(time) > 0, [True]]).astype(np.float64)


def patients_table(death_times: Floats, censorings: Floats) -> pl.DataFrame:
    """Return `time_months, event` of the patients, by time, deaths first."""
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


def _errors(table: pl.DataFrame, points: pl.DataFrame, row: pl.DataFrame, total: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    time, event = table["time_months"].to_numpy(), table["event"].to_numpy()
    steps, n_risk, n_event, _ = survival.risk_table(time, event)
    curve, _ = survival.kaplan_meier(n_risk, n_event)
    at = np.searchsorted(steps, points["time_months"].to_numpy(), side="right") - 1
    found = np.where(at >= 0, curve[np.maximum(at, 0)], 1.0)
    given = points["survival"].to_numpy()
    gap = (found - given)[_weights(points["time_months"].to_numpy()) > 0]
    left = time.size - np.searchsorted(time, row["time_months"].to_numpy(), side="left")
    digitised = (points["time_months"].to_numpy(), layout.falling(given))
    medians = [null_if_nan(survival.crossing_time(t, s, 0.5, REACHED)) for t, s in (digitised, (steps, curve))]
    both = None not in medians
    rows = [
        ("patients", float(row["at_risk"][0]), float(table.height), float(table.height - row["at_risk"][0])),
        (
            "events",
            None if total is None else float(total),
            float(event.sum()),
            None if total is None else float(event.sum() - total),
        ),
        ("median_months", medians[0], medians[1], float(medians[1] or 0) - float(medians[0] or 0) if both else None),
        ("rmse_survival", 0.0, None, float(np.sqrt(np.mean(gap**2)))),
        ("max_error_survival", 0.0, None, float(np.abs(gap).max())),
        ("max_error_at_risk", 0.0, None, float(np.abs(left - row["at_risk"].to_numpy()).max())),
    ]
    rebuilt = points.select("time_months", given="survival").with_columns(reconstructed=pl.Series(found))
    return rebuilt, pl.DataFrame(rows, schema=ERRORS, orient="row")
