"""Simulate event tables: exponential arms, uniform censoring, visits; the same table as `read` returns."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.exchange import EventTable
from benchside.core.seeds import patient_rng


@final
@dataclass(frozen=True)
class Hazard:
    """A hazard that is constant between breaks (piecewise exponential; one piece is exponential)."""

    per_month: tuple[float, ...]
    """Hazard of each piece, of 0 or more."""

    breaks_months: tuple[float, ...] = ()
    """Rising times at which the hazard changes: one fewer than the pieces."""

    def __post_init__(self) -> None:
        edges = (0.0, *self.breaks_months)
        rising = all(a < b for a, b in itertools.pairwise(edges))
        if len(self.per_month) != len(edges) or not rising or not all(0 <= h < math.inf for h in self.per_month):
            message = (
                f"a hazard needs one finite value of 0 or more a piece and rising breaks between the pieces, "
                f"not {self.per_month} with breaks {self.breaks_months}. Give one break fewer than values."
            )
            raise SettingError(message)

    @classmethod
    def from_median(cls, median_months: float) -> Self:
        """Return the constant hazard with this median.

        Examples
        --------
        >>> round(Hazard.from_median(10.0).per_month[0], 4)
        0.0693
        """
        if not 0 < median_months < math.inf:
            message = f"a median must be above 0 months, and is {median_months}. Correct it."
            raise SettingError(message)
        return cls((math.log(2) / median_months,))

    def times(self, ratio: float) -> "Hazard":
        """Return this hazard multiplied by a hazard ratio."""
        return Hazard(tuple(h * ratio for h in self.per_month), self.breaks_months)

    def onset_months(self, cumulative: float) -> float:
        """Return when the cumulative hazard reaches a value; infinite where it never does."""
        start = 0.0
        for hazard, end in zip(self.per_month, (*self.breaks_months, math.inf), strict=True):
            here = hazard * (end - start) if hazard > 0 else 0.0
            if cumulative <= here and hazard > 0:
                return start + cumulative / hazard
            cumulative -= here
            start = end
        return math.inf


def simulate(
    arms: Mapping[str, Hazard],
    *,
    control: str,
    seed: int,
    patients: int = 150,
    censoring_months: tuple[float, float] = (6.0, 30.0),
    visit_every_months: float | None = None,
) -> EventTable:
    """Simulate the event table of one randomised trial.

    Parameters
    ----------
    arms
        Hazard of each arm, the control among them.
    control
        Name of the control arm.
    seed
        Patient k of a seed is the same however many patients there are; k counts around the arms (first of each,
        second of each).
    patients
        Patients an arm.
    censoring_months
        Follow-up of a patient is uniform between these.
    visit_every_months
        Where given, an event is seen at the next visit, if that is within follow-up; a patient without one is
        censored at its last visit.

    Returns
    -------
    EventTable
        `time_months, event, arm, USUBJID`.

    Raises
    ------
    SettingError
        When a number is out of range.

    Examples
    --------
    >>> base = Hazard.from_median(10.0)
    >>> simulate({"chemo": base, "tki": base.times(0.5)}, control="chemo", seed=1, patients=20).table.height
    40
    """
    low, high = censoring_months
    if not 0 <= low <= high < math.inf or patients < 1 or (visit_every_months is not None and not visit_every_months > 0):
        message = (
            "a simulation needs at least 1 patient an arm, censoring between two rising times of 0 or more, "
            f"and visits more than 0 months apart, not {patients}, {censoring_months} and {visit_every_months}. "
            "Correct the number."
        )
        raise SettingError(message)
    rows = []
    for number in range(patients):
        for position, (arm, hazard) in enumerate(arms.items()):
            k = number * len(arms) + position
            rng = patient_rng(seed, k)
            onset = hazard.onset_months(float(rng.standard_exponential()))
            time, event = _seen(onset, float(rng.uniform(low, high)), visit_every_months)
            rows.append((time, event, arm, f"S{k + 1:06d}"))
    schema = {"time_months": pl.Float64, "event": pl.Int64, "arm": pl.String, "USUBJID": pl.String}
    return EventTable(pl.DataFrame(rows, schema=schema, orient="row"), control=control)


def _seen(onset: float, follow_up: float, visit_every: float | None) -> tuple[float, int]:
    """Return the time and event that the trial records."""
    if visit_every is None:
        return min(onset, follow_up), int(onset <= follow_up)
    last = math.floor(follow_up / visit_every)
    due = math.ceil(onset / visit_every) if onset <= follow_up else last + 1
    return (due * visit_every, 1) if due <= last else (last * visit_every, 0)


def log_ratio(treated: Hazard, control: Hazard) -> float:
    """Return the log hazard ratio of two proportional hazards, or raise SettingError where they are not."""
    ratios = (
        np.log(np.asarray(treated.per_month) / np.asarray(control.per_month))
        if treated.breaks_months == control.breaks_months
        else np.array([0.0, 1.0])
    )
    if np.ptp(ratios) > 1e-12:
        message = (
            f"{treated} and {control} are not proportional, so they have no one hazard ratio. "
            "Give both the same breaks and one ratio."
        )
        raise SettingError(message)
    return float(ratios[0])
