"""A published figure before patients are reconstructed from it: its curve and its at-risk row, checked against themselves and each other."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import TableError
from benchside.core.tables import FLOAT, cast_column, conform
from benchside.core.tables import Column as Needed

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
CURVE, AT_RISK = "digitised curve", "at-risk row"

RISE_ALLOWED: Final = 0.05
"""Rises up to this are the digitiser's hand; a larger one is an error of the curve."""

FIRST_POINT: Final = 0.8
"""A curve without a point at month 0 must start at this survival or above."""

CONTRADICTION: Final = 0.05
"""How much further than the at-risk row allows a curve may fall in one interval."""


def digitised_curve(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the points of a curve in order, from time 0, or refuse them."""
    frame = conform(
        frame, {"time_months": Needed(FLOAT, "", required=True), "survival": Needed(FLOAT, "", required=True)}, noun=CURVE
    )
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
    if points["time_months"][0] > 0 and points["survival"][0] < FIRST_POINT:
        message = (
            f"{CURVE}: its first point is survival {points['survival'][0]:.3f} at month {points['time_months'][0]:g}, and how it came "
            "there is not known. Give the whole curve, from survival 1 at month 0."
        )
        raise TableError(message)
    if points["time_months"][0] > 0:
        points = pl.concat([pl.DataFrame({"time_months": [0.0], "survival": [1.0]}), points])
    if points["survival"][0] < 1 - RISE_ALLOWED:
        message = (
            f"{CURVE}: it starts at survival {points['survival'][0]:.3f}; at time 0 everyone is alive. Give the whole curve."
        )
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


def at_risk_row(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the at-risk row in order, or refuse it."""
    needed = {"time_months": Needed(FLOAT, "", required=True), "at_risk": Needed(pl.Int64, "", required=True)}
    row = (
        conform(frame, needed, noun=AT_RISK)
        .select("time_months", cast_column(frame, "at_risk", pl.Int64, noun=AT_RISK))
        .drop_nulls()
    )
    row = row.sort("time_months", maintain_order=True)
    if row.is_empty() or row["time_months"][0] != 0 or row["at_risk"][0] < 1:
        message = f"{AT_RISK}: it must start at month 0 with the number of patients. Add it."
        raise TableError(message)
    risk, time = row["at_risk"].to_numpy(), row["time_months"].to_numpy()
    rises = np.flatnonzero(np.diff(risk) > 0)
    if rises.size or (risk < 0).any():
        at = int(rises[0]) + 1 if rises.size else int(np.argmin(risk))
        message = (
            f"{AT_RISK}: {risk[at]} at risk at month {time[at]:g} cannot be; the numbers fall to 0 or more. Correct the row."
        )
        raise TableError(message)
    if (np.diff(time) <= 0).any():
        message = f"{AT_RISK}: month {time[int(np.flatnonzero(np.diff(time) <= 0)[0])]:g} stands twice. Keep one number a time."
        raise TableError(message)
    return row


def require_agreement(time: Floats, curve: Floats, risk_time: Floats, risk: Integers) -> None:
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
