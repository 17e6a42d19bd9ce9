"""The hazard ratio's interval by resampling patients: no normal approximation, for small or uneven trials."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.core.seeds import stream_rng
from benchside.kernels.bootstrap import resampled_log_hr
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    arm_codes,
    event_table,
    happened,
    normal_quantile,
    require_control,
    settings_of,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

METHOD, VERSION = "clinical.bootstrap_hazard_ratio", "1"
COLUMNS: Final = {
    "arm": pl.String, "comparator": pl.String, "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "se_log": pl.Float64, "bias_log": pl.Float64, "n": pl.Int64, "events": pl.Int64, "resamples": pl.Int64,
    "without_estimate": pl.Int64, "limits": pl.String, "ties": pl.String, "status": pl.String,
}  # fmt: skip
BLOCK: Final = 1000
"""Resamples drawn together: each block has its own stream, so the answers do not depend on memory or threads."""

FEWEST, MOST = 100, 1_000_000
Limits = Literal["percentile", "bca"]


@dataclass(frozen=True)
class BootstrapRatio(ClinicalAnswer):
    """One row: `arm, comparator, hazard_ratio, lower, upper, se_log, bias_log, n, events, resamples, without_estimate, ...`."""

    log_hazard_ratios: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    """Of every resample; infinite where only one arm had events in it, nan where neither."""

    KEY: ClassVar[tuple[str, ...]] = ("arm",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("bootstrap_hazard_ratio", "hazard_ratio", unit="ratio", lower="lower", upper="upper", n="n"),
    )


def bootstrap_hazard_ratio(
    ev: Any, *, resamples: int = 10_000, seed: int, limits: Limits = "bca", level: float = 0.95
) -> BootstrapRatio:
    """Resample the patients of each arm and return the hazard ratio (Cox, Efron's ties) with bootstrap limits.

    Parameters
    ----------
    ev
        An `EventTable` of two arms, its control named. Strata are not used.
    resamples
        How often; 100 to a million.
    seed
        Of the draws: the same seed gives the same limits, on any number of threads.
    limits
        ``"bca"``: bias-corrected and accelerated; ``"percentile"``.
    level
        Two-sided level of the limits.

    Raises
    ------
    SettingError
        When there are not two arms, no control, or a setting is out of range.

    Notes
    -----
    Resamples in which an arm has no event have no finite ratio; they count as 0 or infinite in the order of the resamples,
    and a limit that falls on one of them is null.

    References
    ----------
    Efron 1987, doi:10.1080/01621459.1987.10478410.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": range(1, 41), "event": [1] * 40, "arm": ["a", "b", "b", "a"] * 10})
    >>> found = bootstrap_hazard_ratio(EventTable.from_frame(df, time_unit="months", control="a"), resamples=200, seed=1)
    >>> bool(found.table["lower"][0] < found.table["hazard_ratio"][0] < found.table["upper"][0])
    True
    """
    events = event_table(ev)
    control = require_control(events, "the bootstrap")
    _require(events, resamples, limits)
    z = normal_quantile(level)
    trial = _Trial.of(events)
    found = trial.resampled(resamples, seed)
    (estimate,) = trial.log_hr(np.ones((1, trial.time.size), np.int64))
    lower, upper, word = _limits(trial, found, float(estimate), z, limits)
    finite = found[np.isfinite(found)]
    row = {
        "arm": events.arms[1],
        "comparator": control,
        "hazard_ratio": _ratio(float(estimate)),
        "lower": _ratio(lower),
        "upper": _ratio(upper),
        "se_log": float(finite.std(ddof=1)) if finite.size > 1 else None,
        "bias_log": float(finite.mean() - estimate) if finite.size and np.isfinite(estimate) else None,
        "n": trial.time.size,
        "events": int(trial.event.sum()),
        "resamples": resamples,
        "without_estimate": resamples - finite.size,
        "limits": f"{limits} {level:g}",
        "ties": "efron",
        "status": word,
    }
    settings = settings_of(events, resamples=resamples, seed=seed, limits=limits, level=level)
    origin = Origin(METHOD, VERSION, settings, (events.table,))
    return BootstrapRatio(pl.DataFrame([row], schema=COLUMNS), origin, level=level, log_hazard_ratios=found)


def _require(events: EventTable, resamples: int, limits: str) -> None:
    if len(events.arms) > 2:
        message = f"the bootstrap compares two arms, and the event table has {listed(events.arms)}. Keep the rows of two of them."
        raise SettingError(message)
    if not FEWEST <= resamples <= MOST:
        message = f"resamples must lie between {FEWEST} and {MOST:,}, and is {resamples}."
        raise SettingError(message)
    if limits not in ("bca", "percentile"):
        message = f"limits is {limits!r}; it must be 'bca' or 'percentile'."
        raise SettingError(message)


@dataclass(frozen=True)
class _Trial:
    """One trial's patients."""

    time: Floats
    event: Integers
    arm: Integers

    @classmethod
    def of(cls, events: EventTable) -> "_Trial":
        table = events.table
        return cls(table["time_months"].to_numpy(), happened(table), arm_codes(table, events.arms))

    def log_hr(self, times_drawn: Integers) -> Floats:
        """Return the log hazard ratio of each resample: (resamples,)."""
        return resampled_log_hr(self.time, self.event, self.arm, times_drawn)

    def resampled(self, resamples: int, seed: int) -> Floats:
        """Return the log hazard ratio of resamples of each arm's patients: (resamples,)."""
        parts = [
            self.log_hr(self._drawn(stream_rng(seed, block), min(BLOCK, resamples - block * BLOCK)))
            for block in range(-(-resamples // BLOCK))
        ]
        return np.concatenate(parts)

    def _drawn(self, rng: np.random.Generator, count: int) -> Integers:
        times = np.zeros(count * self.time.size, np.int64)
        row = np.arange(count)[:, None] * self.time.size
        for arm in (0, 1):
            members = np.flatnonzero(self.arm == arm)
            times += np.bincount(
                (row + members[rng.integers(0, members.size, (count, members.size))]).ravel(), minlength=times.size
            )
        return times.reshape(count, self.time.size)

    def without_one(self) -> Floats:
        """Return the log hazard ratio without each patient in turn: (n,)."""
        return self.log_hr(1 - np.eye(self.time.size, dtype=np.int64))


def _limits(trial: _Trial, found: Floats, estimate: float, z: float, limits: Limits) -> tuple[float, float, str]:
    """Return lower and upper limit of the log hazard ratio (nan: none) and a sentence."""
    if not np.isfinite(estimate):
        return math.nan, math.nan, "Not estimable: the trial itself has no finite hazard ratio; an arm has no event."
    known = np.sort(found[~np.isnan(found)])
    from scipy.special import ndtr, ndtri  # noqa: PLC0415  a third of a second to import; only this needs it

    shift, bend = 0.0, 0.0
    if limits == "bca":
        below = ((known < estimate - 1e-12).sum() + 0.5 * (np.abs(known - estimate) <= 1e-12).sum()) / known.size
        left = trial.without_one()
        left = left[np.isfinite(left)]
        if not 0 < below < 1 or left.size < trial.time.size:
            return (
                math.nan,
                math.nan,
                "No BCa limits: leaving out one patient leaves an arm without an event. Take percentile limits.",
            )
        apart = left.mean() - left
        shift, bend = float(ndtri(below)), float((apart**3).sum() / (6.0 * (apart**2).sum() ** 1.5))
    points = [shift + (shift + side) / (1 - bend * (shift + side)) for side in (-z, z)]
    lower, upper = (float(np.quantile(known, ndtr(point), method="inverted_cdf")) for point in points)
    absent = [word for word, end in (("lower", lower), ("upper", upper)) if not np.isfinite(end)]
    status = f"The {' and the '.join(absent)} limit falls on resamples in which an arm has no event." if absent else "ok"
    return lower, upper, status


def _ratio(log_ratio: float) -> float | None:
    return math.exp(log_ratio) if np.isfinite(log_ratio) else None
