"""What virtual trials predict: hazard ratio, medians, landmarks and brain incidence, with intervals over the replicates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.kernels.survival import crossing_time, kaplan_meier, risk_table
from benchside.kernels.two_arm import compare_two_arms

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VERSION: Final = "2"
LANDMARK_MONTHS: Final = 12.0
STATUS: Final = (
    "sketch: not calibrated; the interval is over virtual trials of these sizes, with every parameter held at one value"
)

PREDICTION_SCHEMA: Final[dict[str, Any]] = {
    "endpoint": pl.String, "quantity": pl.String, "arm": pl.String, "comparator": pl.String, "population": pl.String,
    "assessment": pl.String, "time_months": pl.Float64, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "level": pl.Float64, "unit": pl.String, "replicates": pl.Int64, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Predictions(Answer):
    """Predictions of a trial: the middle over the replicates and its prediction interval."""

    KEY: ClassVar[tuple[str, ...]] = ("endpoint", "quantity", "arm", "time_months")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("prediction", "value", "", "lower", "upper", n="replicates", named_by="quantity", unit_by="unit"),
    )


@dataclass(frozen=True)
class Arms:
    """The events of a run as arrays (replicates, patients), in the order of the table."""

    time_months: Floats
    event: Integers
    cns_event: Integers
    treated: npt.NDArray[np.bool_]
    names: tuple[str, str]
    """Control first."""

    def by_arm(self) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Yield each arm's name and where its patients are."""
        yield self.names[0], ~self.treated
        yield self.names[1], self.treated


def arms_of(table: pl.DataFrame) -> Arms:
    """Return the arrays of a table of virtual events (two arms, as many patients in every replicate)."""
    ordered = table.sort("replicate", "patient")
    replicates = ordered["replicate"].n_unique()

    def array(name: str) -> npt.NDArray[Any]:
        return ordered[name].to_numpy().reshape(replicates, -1)

    names = ordered.select("arm", "control").unique().sort("control", descending=True)["arm"].to_list()
    return Arms(array("time_months"), array("event"), array("cns_event"), ~array("control"), (names[0], names[1]))


def predict(table: pl.DataFrame, *, level: float = 0.95) -> Predictions:
    """Return the predictions of a table of virtual events.

    Parameters
    ----------
    table
        As `TrialRun.table`: two arms, one of them the control.
    level
        Of the prediction intervals, in (0, 1).

    Returns
    -------
    Predictions
        `value` is the mean over replicates (of hazard ratios the geometric one), so that every patient counts; of median
        times, which may not be reached, it is the median. `lower` and `upper` are equal-tailed percentiles. Null where the
        quantity is not reached (a median beyond follow-up) or has no estimate in so many replicates.

    Raises
    ------
    SettingError
        When `level` is not in (0, 1).
    """
    if not 0 < level < 1:
        message = f"level must lie in (0, 1), and is {level}. For 95 % give 0.95."
        raise SettingError(message)
    arms = arms_of(table)
    control, treated = arms.names
    ratio = _row(_hazard_ratios(arms), level, endpoint="PFS", quantity="hazard_ratio", arm=treated, unit="ratio")
    rows = [{**ratio, "comparator": control}]
    for name, members in arms.by_arm():
        medians, landmarks, incidences = _summaries(arms, members)
        at = {"arm": name, "unit": "fraction", "time_months": LANDMARK_MONTHS}
        rows += [
            _row(medians, level, endpoint="PFS", quantity="median", arm=name, unit="months"),
            _row(landmarks, level, endpoint="PFS", quantity="survival", **at),
            _row(incidences, level, endpoint="CNS progression", quantity="cumulative_incidence", **at),
        ]
    return Predictions(pl.DataFrame(rows, schema=PREDICTION_SCHEMA), Origin("trial.predict", VERSION, {"level": level}, (table,)))


def _hazard_ratios(arms: Arms) -> Floats:
    _, _, log_hr, _ = compare_two_arms(arms.time_months, arms.event, arms.treated.astype(np.int64))
    return np.exp(log_hr)


def _summaries(arms: Arms, members: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return median PFS (inf where not reached), PFS and CNS incidence at the landmark, of one arm, by replicate."""
    replicates = arms.time_months.shape[0]
    found = np.empty((3, replicates))
    for k in range(replicates):
        chosen = members[k]
        time, survival, incidence = curves(arms.time_months[k, chosen], arms.event[k, chosen], arms.cns_event[k, chosen])
        median = crossing_time(time, survival, 0.5, False)  # noqa: FBT003  a compiled kernel takes no keywords
        found[0, k] = np.inf if np.isnan(median) else median
        found[1, k] = step_value(time, survival, LANDMARK_MONTHS, 1.0)
        found[2, k] = step_value(time, incidence, LANDMARK_MONTHS, 0.0)
    return found[0], found[1], found[2]


def curves(time_months: Floats, event: Integers, cns_event: Integers) -> tuple[Floats, Floats, Floats]:
    """Return distinct times, Kaplan-Meier PFS and Aalen-Johansen incidence of CNS progression first.

    References
    ----------
    Aalen and Johansen 1978.
    """
    order = np.argsort(time_months, kind="stable")
    sorted_time = time_months[order]
    time, n_risk, n_event, _ = risk_table(sorted_time, event[order])
    survival, _ = kaplan_meier(n_risk, n_event)
    _, _, n_cns, _ = risk_table(sorted_time, (cns_event[order] == 1).astype(np.int64))
    before = np.concatenate(([1.0], survival[:-1]))
    return time, survival, np.cumsum(before * n_cns / n_risk)


def step_value(time: Floats, curve: Floats, at: float | Floats, start: float) -> Any:
    """Return a right-continuous step curve at a time or times; `start` before its first step."""
    return np.concatenate(([start], curve))[np.searchsorted(time, at, side="right")]


def _row(values: Floats, level: float, **named: Any) -> dict[str, Any]:
    known = np.sort(values[~np.isnan(values)])
    tail = (1 - level) / 2
    return {
        **dict.fromkeys(PREDICTION_SCHEMA),
        **named,
        "population": "ITT",
        "assessment": "simulated",
        "value": _centre(known, str(named["quantity"])),
        "lower": _percentile(known, tail),
        "upper": _percentile(known, 1 - tail),
        "level": level,
        "replicates": values.size,
        "status": _status(values),
    }


def _centre(ordered: Floats, quantity: str) -> float | None:
    """Return the middle of a prediction over the replicates that have one."""
    if quantity == "median" or not ordered.size or not np.isfinite(ordered).all():
        return _percentile(ordered, 0.5)
    if quantity == "hazard_ratio":
        return float(np.exp(np.log(ordered).mean())) if ordered[0] > 0 else _percentile(ordered, 0.5)
    return float(ordered.mean())


def _percentile(ordered: Floats, share: float) -> float | None:
    """Return a percentile (inverse of the empirical distribution, so that inf stays apart), null where not reached."""
    if not ordered.size:
        return None
    value = float(ordered[max(int(np.ceil(share * ordered.size)) - 1, 0)])
    return value if np.isfinite(value) else None


def _status(values: Floats) -> str:
    unknown, beyond = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    told = [STATUS]
    if beyond:
        told.append(f"not reached within follow-up in {beyond} of {values.size} virtual trials")
    if unknown:
        told.append(f"no estimate in {unknown} of {values.size} virtual trials, which are left out")
    return "; ".join(told)
