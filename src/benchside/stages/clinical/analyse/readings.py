"""What is read off Kaplan-Meier curves: survival at times, quantiles, numbers at risk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Quantity
from benchside.kernels import survival
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.model import ClinicalAnswer, null_if_nan

LANDMARKS: Final = {
    "arm": pl.String, "time_months": pl.Float64, "survival": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "at_risk": pl.Int64, "status": pl.String, "interval": pl.String, "past_last_follow_up": pl.String, "conventions": pl.String,
    "se": pl.Float64,
}  # fmt: skip
QUANTILES: Final = {
    "arm": pl.String, "probability": pl.Float64, "time_months": pl.Float64, "lower_months": pl.Float64,
    "upper_months": pl.Float64, "n": pl.Int64, "status": pl.String, "interval": pl.String, "median_rule": pl.String,
    "conventions": pl.String,
}  # fmt: skip
AT_RISK: Final = {
    "arm": pl.String, "time_months": pl.Float64, "at_risk": pl.Int64, "events_so_far": pl.Int64, "censored_so_far": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Landmarks(ClinicalAnswer):
    """Survival at given times: `table` has `arm, time_months, survival, lower, upper, at_risk, status`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("survival", value="survival", unit="fraction", lower="lower", upper="upper", n="at_risk"),
    )


@dataclass(frozen=True)
class Quantiles(ClinicalAnswer):
    """Times by which given shares had the event: `arm, probability, time_months, lower_months, upper_months, n, status`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm", "probability")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("quantile", value="time_months", unit="months", lower="lower_months", upper="upper_months", n="n"),
    )


def checked_times(times_months: Sequence[float]) -> list[float]:
    """Return times as floats, or refuse those below 0."""
    times = [float(time) for time in times_months]
    bad = [time for time in times if not (np.isfinite(time) and time >= 0)]
    if bad:
        message = f"survival is read at times of 0 or more months, and {bad[0]} is not one. Correct the time."
        raise SettingError(message)
    return times


def checked_probabilities(probabilities: Sequence[float]) -> list[float]:
    """Return probabilities as floats, or refuse those outside (0, 1)."""
    shares = [float(share) for share in probabilities]
    bad = [share for share in shares if not 0 < share < 1]
    if bad:
        message = f"a quantile is asked for by a probability between 0 and 1, and {bad[0]} is not one. Write 0.25 for 25 %."
        raise SettingError(message)
    return shares


def landmark(curve: pl.DataFrame, time: float, conventions: Conventions) -> dict[str, Any]:
    """Return one arm's curve (its rows, from time 0 on) at one time, by the rule past the last follow-up."""
    steps = curve["time_months"].to_numpy()
    last = int(np.searchsorted(steps, time + survival.TIE, side="right")) - 1
    following = int(np.searchsorted(steps, time - survival.TIE, side="left"))
    row = curve.row(last, named=True)
    known = following < steps.size or row["survival"] == 0.0
    shown = known or conventions.past_last == "carried forward"
    status = "ok"
    if not known:
        end = f"Past the last follow-up of the arm, {steps[-1]:.4g} months, the curve is not known"
        status = f"{end}: carried forward from there." if shown else f"{end}."
    elif row["lower"] is None:
        status = f"No limits: the curve is {row['survival']:.0f} here, where its variance is not defined."
    return {
        "arm": row["arm"],
        "time_months": time,
        "survival": row["survival"] if shown else None,
        "lower": row["lower"] if shown else None,
        "upper": row["upper"] if shown else None,
        "at_risk": int(curve["at_risk"][following]) if following < steps.size else 0,
        "status": status,
        "past_last_follow_up": conventions.past_last,
        "conventions": conventions.name,
        "se": row["se"] if shown else None,
    }


def crossings(curve: pl.DataFrame, level: float, conventions: Conventions) -> tuple[float | None, float | None, float | None]:
    """Return when one arm's curve and its limits reach a level; None where they do not."""
    time = curve["time_months"].to_numpy()

    def crossing(column: str) -> float | None:
        values = curve[column].fill_null(float("nan")).to_numpy()
        return null_if_nan(survival.crossing_time(time, values, level, conventions.terminal_half_is_reached))

    return crossing("survival"), crossing("lower"), crossing("upper")


def quantile(curve: pl.DataFrame, probability: float, conventions: Conventions) -> dict[str, Any]:
    """Return by when a share of one arm had the event."""
    time, lower, upper = crossings(curve, 1.0 - probability, conventions)
    return {
        "arm": curve["arm"][0],
        "probability": probability,
        "time_months": time,
        "lower_months": lower,
        "upper_months": upper,
        "n": curve["at_risk"][0],
        "status": quantile_status(curve, 1.0 - probability, (time, lower, upper)),
        "median_rule": conventions.median_words,
        "conventions": conventions.name,
    }


def quantile_status(
    curve: pl.DataFrame, level: float, found: tuple[float | None, float | None, float | None], *, word: str = ""
) -> str:
    """Return why a quantile or a limit of it is not there, or ``ok``."""
    name = word or f"Time to a survival of {level:g}"
    height = "one half" if level == 0.5 else f"{level:g}"
    time, lower, upper = found
    end = float(curve["survival"][-1])
    if time is None and end > level + survival.HALF_TOLERANCE:
        return f"{name} not reached: the curve ends at {end:.3f}."
    if time is None:
        return f"{name} not estimable: the curve ends flat at {height}, which SAS does not count as reached."
    absent = [side for side, value in (("lower", lower), ("upper", upper)) if value is None]
    if absent:
        of = word.lower() or "time"
        return f"The {' and the '.join(absent)} limit of the {of} is not reached: the limits of the curve stay above {height}."
    return "ok"


def at_risk(curve: pl.DataFrame, times: Sequence[float]) -> pl.DataFrame:
    """Return one arm's numbers at risk just before times, and events and censored up to and including them."""
    steps = curve["time_months"].to_numpy()
    following = np.searchsorted(steps, np.asarray(times) - survival.TIE, side="left")
    upto = np.searchsorted(steps, np.asarray(times) + survival.TIE, side="right")
    held = np.append(curve["at_risk"].to_numpy(), 0)
    events, censored = (np.append(0, np.cumsum(curve[name].to_numpy())) for name in ("n_event", "n_censor"))
    columns = {"time_months": np.asarray(times, dtype=np.float64), "at_risk": held[following], "events_so_far": events[upto]}
    arm = pl.Series([curve["arm"][0]] * len(times), dtype=pl.String)
    return pl.DataFrame({"arm": arm, **columns, "censored_so_far": censored[upto]}, schema=AT_RISK)
