"""Simulate event tables: piecewise, Weibull and cure arms, competing causes, accrual, dropout and visits; the table `read` returns."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.exchange import EventTable
from benchside.core.seeds import patient_rng
from benchside.stages.clinical.hazards import Onset


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


@final
@dataclass(frozen=True)
class Accrual:
    """Patients enter evenly over some months, and what is known ends at the data cut-off."""

    months: float
    """Length of accrual."""

    cut_off_months: float
    """Data cut-off after the first patient: the end of accrual or later."""

    def __post_init__(self) -> None:
        if not 0 <= self.months <= self.cut_off_months < math.inf or self.cut_off_months <= 0:
            message = f"the data cut-off must come at the end of accrual or later, not at {self.cut_off_months} months of an accrual of {self.months}. Correct them."
            raise SettingError(message)


def simulate(
    arms: Mapping[str, Onset | Mapping[str, Onset]],
    *,
    control: str,
    seed: int,
    patients: int = 150,
    censoring_months: tuple[float, float] = (6.0, 30.0),
    visit_every_months: float | None = None,
    accrual: Accrual | None = None,
    dropout: Onset | None = None,
    exact: Sequence[str] = (),
) -> EventTable:
    """Simulate the event table of one randomised trial.

    Parameters
    ----------
    arms
        Times to onset of each arm, the control among them: a `Hazard`, `Weibull` or `Cure`, or one of them a cause
        (``{"cns": ..., "death": ...}``, the same causes in every arm): these are the cause-specific hazards.
    control
        Name of the control arm.
    seed
        Patient k of a seed is the same however many patients there are; k counts around the arms (first of each,
        second of each).
    patients
        Patients an arm.
    censoring_months
        Follow-up of a patient is uniform between these, unless `accrual` is given.
    visit_every_months
        Where given, an event is seen at the next visit, if that is within follow-up; a patient without one is
        censored at its last visit.
    accrual
        Follow-up of a patient is then from its entry to the data cut-off.
    dropout
        Time to dropping out, which ends follow-up.
    exact
        Causes that are known when they happen, without a visit: death.

    Returns
    -------
    EventTable
        `time_months, event, arm, USUBJID`; with causes, `event` is 0 or the number of the cause in order, and `.causes` names it.

    Raises
    ------
    SettingError
        When a number is out of range, or the arms have different causes.

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
    causes, onsets = _causes(arms)
    visits = [None if cause in exact else visit_every_months for cause in causes or ("",)]
    rows = []
    for number in range(patients):
        for position, (arm, hazards) in enumerate(onsets.items()):
            k = number * len(arms) + position
            rng = patient_rng(seed, k)
            first, uniform = float(rng.standard_exponential()), float(rng.uniform())
            follow_up = low + uniform * (high - low) if accrual is None else accrual.cut_off_months - uniform * accrual.months
            if dropout is not None:
                follow_up = min(follow_up, dropout.onset_months(float(rng.standard_exponential())))
            draws = [first, *(float(value) for value in rng.standard_exponential(len(hazards) - 1))]
            times = [hazard.onset_months(draw) for hazard, draw in zip(hazards, draws, strict=True)]
            time, event = _first_seen(times, visits, follow_up, visit_every_months)
            rows.append((time, event, arm, f"S{k + 1:06d}"))
    schema = {"time_months": pl.Float64, "event": pl.Int64, "arm": pl.String, "USUBJID": pl.String}
    codes = {cause: code for code, cause in enumerate(causes, start=1)} or None
    return EventTable(pl.DataFrame(rows, schema=schema, orient="row"), control=control, causes=codes)


def _causes(arms: Mapping[str, Onset | Mapping[str, Onset]]) -> tuple[tuple[str, ...], dict[str, list[Onset]]]:
    """Return the causes (none where an arm is one time to onset) and every arm's onsets in their order."""
    named = {arm: onset for arm, onset in arms.items() if isinstance(onset, Mapping)}
    if not named:
        return (), {arm: [onset] for arm, onset in arms.items() if not isinstance(onset, Mapping)}
    causes = tuple(next(iter(named.values())))
    if len(named) != len(arms) or any(set(onset) != set(causes) for onset in named.values()) or not causes:
        message = (
            f"every arm needs the same causes as the first, {', '.join(causes) or 'and it has none'}. Name them in every arm."
        )
        raise SettingError(message)
    return causes, {arm: [onset[cause] for cause in causes] for arm, onset in named.items()}


def _first_seen(
    onsets: Sequence[float], visits: Sequence[float | None], follow_up: float, visit_every: float | None
) -> tuple[float, int]:
    """Return the time and the number of the cause that the trial records: the first one seen, of two at one visit the earlier."""
    if len(onsets) == 1:
        return _seen(onsets[0], follow_up, visits[0])
    seen = [
        (*_seen(onset, follow_up, visit), onset, code)
        for code, (onset, visit) in enumerate(zip(onsets, visits, strict=True), start=1)
    ]
    events = [(time, onset, code) for time, event, onset, code in seen if event]
    if not events:
        return _seen(math.inf, follow_up, visit_every)
    time, _, code = min(events)
    return time, code


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
