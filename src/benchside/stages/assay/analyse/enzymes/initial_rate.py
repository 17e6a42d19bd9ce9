"""Is a cell-free assay read while its rate is still the initial one? Turnover of the substrate, and the bend of progress curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import FLOAT, cast_column, dataframe
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.curves import check_level

VERSION: Final = "1"
MOST: Final = 0.1
"""Substrate turned over, or rate lost, up to which a rate counts as initial."""

USUAL_MIN: Final = (10.0, 30.0)
"""The usual incubation of a kinase assay at 30 °C, in minutes."""

NOUN: Final = "progress table"
_GRID: Final = np.linspace(-4.0, 12.0, 801)


@dataclass(frozen=True)
class InitialRate(Answer):
    """Verdicts on progress curves, one row a condition; `by` names a row."""

    KEY: ClassVar[tuple[str, ...]] = ("condition",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("initial rate", "rate_per_min", "signal/min", n="n_points"),
        Quantity("rate lost by the end", "rate_lost", "fraction", lower="rate_lost_lower", upper="rate_lost_upper", n="n_points"),
        Quantity("turnover", "turnover", "fraction", n="n_points"),
    )


def initial_rate(
    progress: Any,
    *,
    by: Sequence[str] = ("plate_id",),
    signal: str = "signal",
    substrate: float | None = None,
    most: float = MOST,
    level: float = 0.95,
) -> InitialRate:
    """Return whether each condition was read within its initial rate.

    Parameters
    ----------
    progress
        Any dataframe or path with `time_min`, the signal of the product, and the columns of `by`. Times of vehicle wells, in
        several wells or one after the other; a single end point is enough for the turnover.
    by
        Columns that name a condition: plate, ATP, variant.
    signal
        The column of the product: any signal proportional to it, or its concentration.
    substrate
        Substrate at the start in the unit of the signal, background taken off, where it is known: gives the turnover.
    most
        Turnover, and loss of rate, up to which the rate counts as initial.
    level
        Confidence level of the profile-likelihood interval of the loss of rate.

    Returns
    -------
    InitialRate
        One row a condition: `duration_min, n_points, rate_per_min` (at time 0), `rate_lost` (the share of it lost by the last
        reading; negative: it rises) with `rate_lost_lower, rate_lost_upper, p_value` of the F test of a straight line,
        `initial_until_min` (null where it is not reached by twice the duration), `turnover`, `verdict` (``initial``,
        ``not initial``, ``lag``, ``unknown``) and `status` in words.

    Raises
    ------
    TableError
        When a column is missing or a number is out of range.
    SettingError
        When a setting is out of range.

    Notes
    -----
    The curve is signal = a + v (1 - exp(-k t)) / k, a straight line at k = 0; the rate left at t is exp(-k t). At most a tenth
    of the substrate turned over is the rule of Copeland 2013, doi:10.1002/9781118540398.

    Examples
    --------
    >>> import polars as pl
    >>> line = pl.DataFrame({"plate_id": ["P"] * 6, "time_min": [0.0, 5, 10, 15, 20, 30], "signal": [1.0, 6, 11, 16, 21, 31]})
    >>> initial_rate(line, substrate=1000.0).table["verdict"][0]
    'initial'
    """
    frame = dataframe(progress)
    settings = {"by": list(by), "signal": signal, "substrate": substrate, "most": most, "level": level}
    table = initial_rate_table(frame, by=by, signal=signal, substrate=substrate, most=most, level=level)
    return InitialRate(table, Origin("assay.initial_rate", VERSION, settings, (frame,)))


def initial_rate_table(
    frame: pl.DataFrame, *, by: Sequence[str], signal: str, substrate: float | None, most: float, level: float
) -> pl.DataFrame:
    """Return the columns of `initial_rate`, one row a condition in the order the conditions first appear."""
    check_level(level)
    if not 0 < most < 1 or (substrate is not None and not 0 < substrate < np.inf):
        message = f"most={most} must lie between 0 and 1, and substrate={substrate} above 0. Correct them."
        raise SettingError(message)
    used = readings(frame, by, signal)
    parts = used.partition_by(list(by), maintain_order=True) if by else [used]
    rows = [
        {
            **{name: part[name][0] for name in by},
            "condition": " / ".join(str(part[name][0]) for name in by) or "all",
            **condition(part["time_min"].to_numpy(), part["product"].to_numpy(), substrate, most=most, level=level),
        }
        for part in parts
    ]
    schema = {name: used.schema[name] for name in by} | {"condition": pl.String()} | SCHEMA
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(NUMBERS).fill_nan(None))


NUMBERS: Final = (
    "duration_min", "rate_per_min", "rate_lost", "rate_lost_lower", "rate_lost_upper", "p_value", "initial_until_min", "turnover",
)  # fmt: skip
SCHEMA: Final[dict[str, Any]] = {
    "n_points": pl.Int64(), **{name: pl.Float64() for name in NUMBERS}, "verdict": pl.String(), "status": pl.String(),
}  # fmt: skip


def readings(frame: pl.DataFrame, by: Sequence[str], signal: str) -> pl.DataFrame:
    """Return the readings with `time_min` and `product` as numbers; refuse what is missing or out of range."""
    missing = [name for name in (*by, "time_min", signal) if name not in frame.columns]
    if missing:
        message = f"{NOUN}: column {listed(missing)} is missing{nearest(missing[0], frame.columns)}; the columns are {listed(frame.columns, 12)}."
        raise TableError(message)
    time, product = (cast_column(frame, name, FLOAT, noun=NOUN) for name in ("time_min", signal))
    used = pl.DataFrame([*(frame[name] for name in by), time.alias("time_min"), product.alias("product")])
    used = used.filter(pl.col("product").is_not_null())
    for name, rule in (("time_min", "a number of 0 or more"), ("product", "a finite number")):
        right = pl.col(name).is_finite() & (pl.col(name) >= (0.0 if name == "time_min" else -np.inf))
        bad = used.filter(~right.fill_null(value=False))
        if bad.height:
            message = f"{NOUN}: {name if name == 'time_min' else signal} must be {rule}, and {bad.height} rows hold {listed(bad[name].to_list(), 3)}. Correct or leave out the rows."
            raise TableError(message)
    return used


def condition(time: FloatArray, product: FloatArray, substrate: float | None, *, most: float, level: float) -> dict[str, Any]:
    """Return the columns of one condition."""
    duration = float(time.max())
    turnover = float(product[time == duration].mean() / substrate) if substrate is not None else np.nan
    found: dict[str, float] = {"duration_min": duration, "turnover": turnover}
    if len(np.unique(time)) >= 4 and len(time) >= 5:
        found |= bend(time, product, most=most, level=level)
    verdict, words = judge(found, most)
    return {"n_points": len(time), **dict.fromkeys(NUMBERS, np.nan), **found, "verdict": verdict, "status": words}


def line_rss(losses: FloatArray, time: FloatArray, product: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sum of squares and the rate at time 0 for values of k times the duration; intercept and rate at their best."""
    kt = losses[:, None] * time[None, :] / time.max()
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(np.abs(kt) < 1e-8, 1 - kt / 2, -np.expm1(-kt) / kt)
    x = time * share
    x = x - x.mean(axis=1, keepdims=True)
    y = product - product.mean()
    v = (x @ y) / np.sum(x**2, axis=1)
    return np.sum((y - v[:, None] * x) ** 2, axis=1), v


def bend(time: FloatArray, product: FloatArray, *, most: float, level: float) -> dict[str, float]:
    """Return the rate at time 0 and how much of it is lost by the end, with a profile interval."""
    from scipy.optimize import brentq, minimize_scalar  # noqa: PLC0415  a third of a second to import
    from scipy.special import fdtrc, stdtrit  # noqa: PLC0415

    def rss(k: float) -> float:
        return float(line_rss(np.array([k]), time, product)[0][0])

    values, _ = line_rss(_GRID, time, product)
    at, df = int(values.argmin()), len(time) - 3
    near = _GRID[max(at - 1, 0)], _GRID[min(at + 1, len(_GRID) - 1)]
    best = float(minimize_scalar(rss, bounds=near, method="bounded", options={"xatol": 1e-9}).x)
    least, straight = rss(best), rss(0.0)
    threshold = least * (1 + stdtrit(df, 0.5 + level / 2) ** 2 / df)
    limits = []
    for beyond in (
        np.flatnonzero((values > threshold) & (best > _GRID))[::-1],
        np.flatnonzero((values > threshold) & (best < _GRID)),
    ):
        open_end = not beyond.size or threshold <= least
        limits.append(np.nan if open_end else float(brentq(lambda k: rss(k) - threshold, best, _GRID[beyond[0]], xtol=1e-9)))
    until = -np.log(1 - most) / best if best > 0 else np.inf
    return {
        "rate_per_min": float(line_rss(np.array([best]), time, product)[1][0]), "rate_lost": float(-np.expm1(-best)),
        "rate_lost_lower": float(-np.expm1(-limits[0])), "rate_lost_upper": float(-np.expm1(-limits[1])),
        "p_value": float(fdtrc(1, df, max(straight - least, 0.0) / max(least / df, 1e-300))),
        "initial_until_min": float(until * time.max()) if until <= 2 else np.nan,
    }  # fmt: skip


def judge(found: dict[str, float], most: float) -> tuple[str, str]:
    """Return the verdict on one condition and its reasons."""
    duration, turnover, lost = found["duration_min"], found["turnover"], found.get("rate_lost", np.nan)
    bent = found.get("p_value", 1.0) < 0.05
    too_much, slows, speeds = turnover > most, lost > most and bent, lost < -most and bent
    unsure = np.isfinite(lost) and not slows and not speeds and not found["rate_lost_upper"] <= 3 * most
    words = [
        (too_much, f"{turnover:.0%} of the substrate is turned over by {duration:g} min, and the rate is initial up to {most:.0%}. Use less enzyme or read earlier."),
        (slows, f"{lost:.0%} of the rate is lost by {duration:g} min: it is initial until about {found.get('initial_until_min', np.nan):.3g} min. Read before."),
        (speeds, "The rate rises during the assay (a lag): pre-incubate the enzyme, or check that it is activated before the inhibitor comes."),
        (bool(unsure), "The readings are too few or too noisy to exclude a marked loss of rate. Add times or wells."),
        (not np.isfinite(lost) and not np.isfinite(turnover), "Unknown: linearity needs four times and five readings, turnover the substrate. Give one of them."),
        (not USUAL_MIN[0] <= duration <= USUAL_MIN[1], f"Read at {duration:g} min; kinase assays usually run {USUAL_MIN[0]:g} to {USUAL_MIN[1]:g} min at 30 °C."),
    ]  # fmt: skip
    text = " ".join(sentence for where, sentence in words if where) or "ok"
    if too_much or slows:
        return "not initial", text
    if speeds:
        return "lag", text
    known = np.isfinite(turnover) or (np.isfinite(lost) and not unsure)
    return ("initial" if known else "unknown"), text
