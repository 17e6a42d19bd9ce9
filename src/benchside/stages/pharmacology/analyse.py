"""Non-compartmental analysis: areas, terminal half-life, clearance and residence time of every subject."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.kernels.dosing import Floats
from benchside.kernels.noncompartmental import FEWEST, Terminal, areas, sparse_area_error, terminal_slope
from benchside.stages.pharmacology.model import ConcentrationTable
from benchside.stages.pharmacology.read import read

VERSION = "2"

Rule = Literal["linear-up log-down", "linear"]
MUCH: Final = 0.2
"""An extrapolated share above this is said."""

LAMBDA_RULE: Final = "best adjusted r2 of the last 3 or more points after the peak, the most points among those within 0.0001"

SCHEMA: Final[dict[str, Any]] = {
    "subject": pl.String, "n_points": pl.Int64, "duration_h": pl.Float64, "average_nM": pl.Float64, "maximum_nM": pl.Float64,
    "maximum_at_h": pl.Float64, "minimum_nM": pl.Float64, "auc_nM_h": pl.Float64, "auc_last_nM_h": pl.Float64,
    "auc_se_nM_h": pl.Float64, "last_at_h": pl.Float64, "lambda_z_per_h": pl.Float64, "lambda_z_points": pl.Int64,
    "lambda_z_from_h": pl.Float64, "lambda_z_r2_adjusted": pl.Float64, "half_life_h": pl.Float64, "auc_inf_nM_h": pl.Float64,
    "extrapolated_share": pl.Float64, "mean_residence_h": pl.Float64, "dose_mg": pl.Float64, "clearance_L_per_h": pl.Float64,
    "volume_z_L": pl.Float64, "accumulation": pl.Float64, "rule": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class ConcentrationSummary(Answer):
    """What the concentrations of every subject say without a model."""

    KEY: ClassVar[tuple[str, ...]] = ("subject",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("average_concentration", "average_nM", "nM"),
        Quantity("maximum_concentration", "maximum_nM", "nM"),
        Quantity("minimum_concentration", "minimum_nM", "nM"),
        Quantity("area_under_curve", "auc_nM_h", "nM*h"),
        Quantity("area to the last quantifiable", "auc_last_nM_h", "nM*h"),
        Quantity("area to infinity", "auc_inf_nM_h", "nM*h"),
        Quantity("share extrapolated", "extrapolated_share", "fraction"),
        Quantity("time of the maximum", "maximum_at_h", "h"),
        Quantity("terminal half-life", "half_life_h", "h"),
        Quantity("apparent clearance", "clearance_L_per_h", "L/h"),
        Quantity("apparent terminal volume", "volume_z_L", "L"),
        Quantity("mean residence time", "mean_residence_h", "h"),
        Quantity("accumulation expected", "accumulation", "ratio"),
    )


def nca(
    data: Any,
    *,
    dose_mg: float | None = None,
    molar_mass_g_per_mol: float | None = None,
    every_h: float | None = None,
    steady_state: bool = False,
    rule: Rule = "linear-up log-down",
    composite: bool = False,
) -> ConcentrationSummary:
    """Return areas, peak, trough, terminal half-life, clearance and residence time of each subject.

    Parameters
    ----------
    data
        A ConcentrationTable, or what `read` takes; two times a subject or more.
    dose_mg
        Dose; a column ``dose_mg`` of the table stands before it. None: no clearance and volume.
    molar_mass_g_per_mol
        Needed for clearance and volume, since concentrations are molar and the dose is a mass; and for mass concentrations.
    every_h
        Interval between doses: `accumulation` is then 1 / (1 - exp(-lambda_z tau)).
    steady_state
        The table is one interval at steady state: clearance is dose over the area of the interval, and nothing is extrapolated.
    rule
        ``linear-up log-down``: logarithmic trapezoid where the concentration falls; or ``linear``.
    composite
        Animals sampled once each: the mean at each time is one curve, its area with the standard error of Bailer.

    Returns
    -------
    ConcentrationSummary
        One row a subject. What cannot be had is null with a sentence in ``status``. Concentrations are totals or free as
        they were given.

    Raises
    ------
    TableError
        When a subject has fewer than two times.
    SettingError
        When a dose comes without a molar mass, or a setting cannot be used.

    Notes
    -----
    lambda_z: best adjusted r2 of the last 3 or more points after the peak; among fits within 0.0001 the one with most points.
    Zeros after the last quantifiable concentration do not count towards `auc_last_nM_h`.

    References
    ----------
    Gabrielsson and Weiner 2012, doi:10.1007/978-1-62703-050-2_16; Bailer 1988, doi:10.1007/BF01062139.

    Examples
    --------
    >>> nca(pl.DataFrame({"time_h": [0, 2, 6], "concentration_nM": [0, 10, 0]})).table["auc_nM_h"][0]
    30.0
    """
    measured: ConcentrationTable = read(data, molar_mass_g_per_mol=molar_mass_g_per_mol)
    _check(measured.table, dose_mg, molar_mass_g_per_mol, every_h, steady_state=steady_state)
    table = _composite(measured.table) if composite else measured.table
    settings = {
        "dose_mg": dose_mg, "molar_mass_g_per_mol": molar_mass_g_per_mol, "every_h": every_h, "steady_state": steady_state,
        "rule": rule, "composite": composite, "lambda_z": LAMBDA_RULE,
    }  # fmt: skip
    rows = [_subject(str(subject), part, settings) for (subject,), part in table.group_by("subject", maintain_order=True)]
    found = pl.DataFrame(rows, schema=SCHEMA)
    return ConcentrationSummary(found, Origin("pharmacology.nca", VERSION, settings, (measured.table,)))


def _check(
    table: pl.DataFrame, dose_mg: float | None, molar_mass: float | None, every_h: float | None, *, steady_state: bool
) -> None:
    if (dose_mg is not None or "dose_mg" in table.columns) and not (molar_mass or 0) > 0:
        message = (
            "the dose is a mass and the concentrations are molar, so clearance needs the molar mass. Give molar_mass_g_per_mol."
        )
        raise SettingError(message)
    for name, value in {"dose_mg": dose_mg, "every_h": every_h}.items():
        if value is not None and not (value > 0 and np.isfinite(value)):
            message = f"{name} must be > 0, and is {value}. Correct it or leave it out."
            raise SettingError(message)
    if steady_state and every_h is None:
        message = (
            "at steady state the clearance is the dose over the area of one interval, so the interval is needed. Give every_h."
        )
        raise SettingError(message)


def _composite(table: pl.DataFrame) -> pl.DataFrame:
    """Return one curve through the means at each time (to 0.01 h), with standard deviations and numbers."""
    named = table.with_columns(time_h=pl.col("time_h").round(2))
    dose = [pl.col("dose_mg").mean()] if "dose_mg" in table.columns else []
    what = [pl.col("concentration_nM").mean(), pl.col("concentration_nM").std().alias("_sd"), pl.len().alias("_n"), *dose]
    grouped = named.group_by("time_h").agg(what)
    return grouped.with_columns(subject=pl.lit("composite"))


def _subject(subject: str, part: pl.DataFrame, settings: dict[str, Any]) -> dict[str, Any]:
    part = part.sort("time_h")
    time_h, value_nM = part["time_h"].to_numpy(), part["concentration_nM"].to_numpy()
    if time_h.size < 2:
        message = f"concentration table: subject {subject} has one time; an area needs two or more. Leave it out."
        raise TableError(message)
    log_down = settings["rule"] == "linear-up log-down"
    auc, duration = float(areas(time_h, value_nM, log_down=log_down)[0].sum()), float(time_h[-1] - time_h[0])
    row = {
        "subject": subject, "n_points": time_h.size, "duration_h": duration, "average_nM": auc / duration,
        "maximum_nM": float(value_nM.max()), "maximum_at_h": float(time_h[value_nM.argmax()]), "minimum_nM": float(value_nM.min()),
        "auc_nM_h": auc, "rule": settings["rule"],
    }  # fmt: skip
    told: list[str] = []
    if "_sd" in part.columns:
        row["auc_se_nM_h"] = _sparse_error(part, told)
    held = np.flatnonzero(value_nM > 0)
    if not held.size:
        return {**dict.fromkeys(SCHEMA), **row, "status": "no concentration is above 0, so there is nothing to extrapolate"}
    last = int(held[-1])
    area, moment = areas(time_h[: last + 1], value_nM[: last + 1], log_down=log_down)
    row |= {"auc_last_nM_h": float(area.sum()), "last_at_h": float(time_h[last])}
    slope = terminal_slope(time_h[held], value_nM[held])
    row |= _terminal(
        slope, (float(area.sum()), float(moment.sum())), (float(time_h[last]), float(value_nM[last])), told, settings
    )
    row |= _cleared(part, row, told, settings)
    return {**dict.fromkeys(SCHEMA), **row, "status": "; ".join(told) or "ok"}


def _sparse_error(part: pl.DataFrame, told: list[str]) -> float | None:
    if part["_n"].to_numpy().min() < 2:
        told.append("a time has one animal, so the area has no standard error")
        return None
    told.append("standard error by the linear trapezoid")
    return sparse_area_error(part["time_h"].to_numpy(), part["_sd"].to_numpy(), part["_n"].cast(pl.Float64).to_numpy())


def _terminal(
    slope: Terminal | None, measured: tuple[float, float], last: tuple[float, float], told: list[str], settings: dict[str, Any]
) -> dict[str, Any]:
    """Return what the terminal slope adds to the area and moment measured up to the last time and concentration."""
    (auc, moment), (last_h, last_nM) = measured, last
    if slope is None:
        told.append(f"no terminal slope: fewer than {FEWEST} points after the peak, or they do not fall. Sample later times.")
        return {}
    rate, every_h = slope.rate_per_h, settings["every_h"]
    beyond = last_nM / rate
    row: dict[str, Any] = {
        "lambda_z_per_h": rate, "lambda_z_points": slope.points, "lambda_z_from_h": slope.from_h,
        "lambda_z_r2_adjusted": slope.r2_adjusted, "half_life_h": float(np.log(2.0) / rate),
        "accumulation": None if every_h is None else float(-1.0 / np.expm1(-rate * every_h)),
    }  # fmt: skip
    if settings["steady_state"]:
        return row
    share = beyond / (auc + beyond)
    if share > MUCH:
        told.append(f"{share:.0%} of the area to infinity is extrapolated, more than {MUCH:.0%}")
    whole_moment = moment + last_nM * last_h / rate + last_nM / rate**2
    return row | {
        "auc_inf_nM_h": auc + beyond, "extrapolated_share": share, "mean_residence_h": whole_moment / (auc + beyond),
    }  # fmt: skip


def _cleared(part: pl.DataFrame, row: dict[str, Any], told: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    dose_mg = float(str(part["dose_mg"][0])) if "dose_mg" in part.columns else settings["dose_mg"]
    if dose_mg is None:
        return {}
    area = _interval(part, settings, told) if settings["steady_state"] else row.get("auc_inf_nM_h")
    if area is None:
        return {"dose_mg": dose_mg}
    clearance = dose_mg / (area * settings["molar_mass_g_per_mol"] * 1e-6)
    rate = row.get("lambda_z_per_h")
    return {"dose_mg": dose_mg, "clearance_L_per_h": clearance, "volume_z_L": None if rate is None else clearance / rate}


def _interval(part: pl.DataFrame, settings: dict[str, Any], told: list[str]) -> float | None:
    """Return the area over one interval; None with a sentence where the times do not span it."""
    time_h, value_nM = part["time_h"].to_numpy(), part["concentration_nM"].to_numpy()
    if abs(float(time_h[-1] - time_h[0]) - settings["every_h"]) > 0.02 * settings["every_h"]:
        told.append(
            f"the times span {time_h[-1] - time_h[0]:g} h and not the interval of {settings['every_h']:g} h, so there is no clearance"
        )
        return None
    area: Floats = areas(time_h, value_nM, log_down=settings["rule"] == "linear-up log-down")[0]
    return float(area.sum())
