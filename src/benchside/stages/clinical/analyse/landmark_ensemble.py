"""An ensemble of patient sets that all agree with published landmarks: what is not published differs from member to member."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import NoEvidenceError, SettingError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.core.seeds import stream_rng
from benchside.kernels import reconstruct_layout as layout
from benchside.kernels import survival
from benchside.stages.clinical.analyse.reconstruct import patients_table
from benchside.stages.clinical.model import normal_quantile, null_if_nan

METHOD, VERSION = "clinical.landmark_ensemble", "1"
Floats = npt.NDArray[np.float64]

POINTS: Final = 240
PIECES: Final = 5
ROUGHNESS: Final = 1.0
"""Shape of the Dirichlet draw that splits the fall between two landmarks over pieces: 1 is any split alike."""

INTERVALS: Final = 24
REACHED: Final = True
"""A curve that ends flat at one half has reached it."""

TRIES_A_MEMBER: Final = 500
BISECTIONS: Final = 60
MEMBER = {"member": pl.Int64, "time_months": pl.Float64, "event": pl.Int64}
CHECKS = {
    "member": pl.Int64, "events": pl.Int64, "median_months": pl.Float64, "lower_months": pl.Float64, "upper_months": pl.Float64,
    "largest_rate_error": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Landmark:
    """A published survival at a time."""

    time_months: float
    survival: float


@dataclass(frozen=True)
class Published:
    """What a paper says of one arm."""

    patients: int
    events: int
    follow_up_months: float
    """The longest follow-up: where the curve ends."""

    rates: tuple[Landmark, ...] = ()
    median_months: float | None = None
    """None where it was not reached or not published."""

    median_limits_months: tuple[float | None, float | None] = (None, None)
    """Of the median, at `level`; None where not published or not estimable."""

    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.patients or self.patients < 1:
            message = f"{self.events} events of {self.patients} patients cannot be. Correct the numbers."
            raise SettingError(message)
        normal_quantile(self.level)
        knots = self.knots()
        rising = any(b.survival > a.survival or b.time_months <= a.time_months for a, b in itertools.pairwise(knots))
        if rising or not 0 <= knots[-1].survival <= 1:
            shown = listed([f"{knot.survival:g} at {knot.time_months:g} months" for knot in knots], 9)
            message = f"published survival must fall with time, and reads {shown}. Correct a rate, a time or the median."
            raise SettingError(message)
        if knots[-1].time_months > self.follow_up_months:
            message = f"survival is published at {knots[-1].time_months:g} months and follow-up ends at {self.follow_up_months:g}. Correct one."
            raise SettingError(message)

    def knots(self) -> list[Landmark]:
        """Return where the curve is known, from time 0 on, in order."""
        median = [Landmark(self.median_months, 0.5)] if self.median_months is not None else []
        return [Landmark(0.0, 1.0), *sorted([*self.rates, *median], key=lambda knot: knot.time_months)]


@dataclass(frozen=True)
class LandmarkEnsemble(Answer):
    """Patient sets: `table` has `member, time_months, event`; `members` says what each of them gives back.

    They are no patient data. A number computed of each member has, over the members, the spread that the publication leaves open.
    """

    members: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`member, events, median_months, lower_months, upper_months, largest_rate_error`."""

    acceptance: float = 1.0
    """Share of the drawn sets that agreed with what is published."""

    reconstructed: bool = True

    KEY: ClassVar[tuple[str, ...]] = ()
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = ()


def landmark_ensemble(
    published: Published,
    *,
    members: int = 100,
    seed: int,
    rate_tolerance: float = 0.01,
    median_tolerance: float = 0.02,
    limit_tolerance: float = 0.15,
) -> LandmarkEnsemble:
    """Draw patient sets that agree with the published landmarks of one arm.

    Parameters
    ----------
    published
        Patients, events, follow-up, rates, median and its limits.
    members
        Sets wanted.
    seed
        Member k of a seed is the same however many members there are.
    rate_tolerance
        How far, at most, a set's survival may be from a published rate (rounding to 1 % and one patient's step are added).
    median_tolerance, limit_tolerance
        How far, at most, a set's median and the limits of its median may be from the published ones, as a share of them.

    Raises
    ------
    NoEvidenceError
        When next to no drawn set agrees: the published numbers contradict one another, or leave no room at this tolerance.

    Notes
    -----
    Between two landmarks the curve falls by pieces of random size; follow-up is uniform between a random shortest one and the
    longest, scaled until the expected number of events is the published one. Patients are then laid into curve and numbers at
    risk with the events held exactly, and the set is kept if it agrees.
    """
    if members < 1:
        message = f"an ensemble has 1 member or more, not {members}. Correct the number."
        raise SettingError(message)
    found, checks, drawn = [], [], 0
    for member in range(members):
        for attempt in range(TRIES_A_MEMBER):
            drawn += 1
            patients = _draw(published, stream_rng(seed, member, attempt))
            check = None if patients is None else _agrees(patients, published, rate_tolerance, median_tolerance, limit_tolerance)
            if patients is not None and check is not None:
                found.append(patients.with_columns(member=pl.lit(member, dtype=pl.Int64)).select(list(MEMBER)))
                checks.append({"member": member, **check})
                break
        else:
            message = (
                f"none of {TRIES_A_MEMBER} drawn sets agrees with the published numbers of {published.patients} patients and {published.events} events. "
                "Check them against one another (events, rates, follow-up), or widen a tolerance."
            )
            raise NoEvidenceError(message)
    settings = {
        "published": repr(published), "members": members, "seed": seed, "rate_tolerance": rate_tolerance,
        "median_tolerance": median_tolerance, "limit_tolerance": limit_tolerance,
    }  # fmt: skip
    origin = Origin(METHOD, VERSION, settings)
    return LandmarkEnsemble(pl.concat(found), origin, members=pl.DataFrame(checks, schema=CHECKS), acceptance=members / drawn)


def ensemble_trials(arms: Mapping[str, LandmarkEnsemble], *, control: str) -> list[EventTable]:
    """Return one trial a member, the arms' members paired by number, each marked as reconstructed."""
    counts = {found.members.height for found in arms.values()}
    if len(counts) != 1:
        message = f"the arms have {listed(sorted(counts))} members. Draw as many of each."
        raise SettingError(message)
    tables = [found.table.with_columns(arm=pl.lit(arm)) for arm, found in arms.items()]
    whole = pl.concat(tables).partition_by("member", maintain_order=True)
    return [EventTable(part.drop("member"), control=control, reconstructed=True, label="landmark ensemble") for part in whole]


def _draw(published: Published, rng: np.random.Generator) -> pl.DataFrame | None:
    """Return one set of patients with the published number of events, or None where the drawn curve cannot hold it."""
    time, curve = _curve(published, rng)
    followed = _follow_up(time, curve, published, float(rng.uniform(0.0, 0.9)))
    at = np.linspace(0, time.size - 1, INTERVALS + 1).astype(np.int64)
    risk = np.minimum.accumulate(np.rint(published.patients * curve[at] * followed[at]).astype(np.int64))
    risk[0], risk[-1] = published.patients, 0
    deaths = _deaths(curve[at], risk, published.events)
    if deaths is None:
        return None
    start, end, death_time = time[at][:-1], float(time[-1]), np.empty(published.events)
    spread = np.zeros(INTERVALS, np.int64)
    censorings = layout.start_censorings(start, risk[:-1], end, deaths, spread)
    layout.lay_out(time, curve, np.ones(time.size), start, risk[:-1], end, deaths, censorings, death_time)
    return patients_table(death_time, censorings)


def _deaths(curve: Floats, risk: npt.NDArray[np.int64], events: int) -> npt.NDArray[np.int64] | None:
    """Return the deaths of every interval, `events` in all, in proportion to what the curve asks for; None where they do not fit."""
    leaving = risk[:-1] - risk[1:]
    share = 1.0 - curve[1:] / np.maximum(curve[:-1], 1e-12)
    wanted = np.minimum(share * (risk[:-1] - 0.5 * leaving) / (1.0 - 0.5 * share), leaving)
    scaled = np.minimum(wanted * events / max(float(wanted.sum()), 1e-12), leaving)
    deaths = np.floor(scaled).astype(np.int64)
    rest = np.where(deaths < leaving, scaled - deaths, -1.0)
    short = events - int(deaths.sum())
    for i in np.argsort(-rest, kind="stable")[: max(short, 0)]:
        deaths[i] += rest[i] >= 0
    return deaths if int(deaths.sum()) == events else None


def _curve(published: Published, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a fine falling curve through the landmarks, its fall between two of them split over random pieces."""
    knots = published.knots()
    time, hazard = [0.0], [0.0]
    for before, after in itertools.pairwise(knots):
        fall = np.log(max(before.survival, 1e-6)) - np.log(max(after.survival, 1e-6))
        shares = rng.dirichlet(np.full(PIECES, ROUGHNESS))
        time += list(np.linspace(before.time_months, after.time_months, PIECES + 1)[1:])
        hazard += list(hazard[-1] + fall * np.cumsum(shares))
    if published.follow_up_months > time[-1]:
        # Past the last landmark the hazard is anything between none and one and a half times the mean before.
        mean = hazard[-1] / time[-1] if time[-1] > 0 else 1.0 / published.follow_up_months
        hazard.append(hazard[-1] + mean * float(rng.uniform(0.0, 1.5)) * (published.follow_up_months - time[-1]))
        time.append(published.follow_up_months)
    fine = np.union1d(np.linspace(0.0, published.follow_up_months, POINTS), np.array(time))
    return fine, np.exp(-np.interp(fine, time, hazard))


def _follow_up(time: Floats, curve: Floats, published: Published, shortest: float) -> Floats:
    """Return the share still followed at every time: uniform follow-up whose power makes the expected events the published ones."""
    start = shortest * published.follow_up_months
    base = np.clip((published.follow_up_months - time) / (published.follow_up_months - start), 1e-9, 1.0)
    falls = -np.diff(curve)

    def events(power: float) -> float:
        followed = base**power
        return float(published.patients * (falls * 0.5 * (followed[1:] + followed[:-1])).sum())

    low, high = 0.0, 60.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if events(middle) > published.events else (low, middle)
    return np.asarray(base ** (0.5 * (low + high)), dtype=np.float64)


def _agrees(
    patients: pl.DataFrame, published: Published, rate_tolerance: float, median_tolerance: float, limit_tolerance: float
) -> dict[str, Any] | None:
    """Return what a set gives back, or None where it does not agree with what is published."""
    steps, n_risk, n_event, _ = survival.risk_table(patients["time_months"].to_numpy(), patients["event"].to_numpy())
    curve, variance = survival.kaplan_meier(n_risk, n_event)
    limits = survival.curve_limits(curve, variance, normal_quantile(published.level), survival.LOG_LOG)
    median, lower, upper = (null_if_nan(survival.crossing_time(steps, values, 0.5, REACHED)) for values in (curve, *limits))
    errors = [abs(_at(steps, curve, knot.time_months) - knot.survival) for knot in published.rates]
    largest = max(errors, default=0.0)
    wanted = ((median, published.median_months, median_tolerance), *_limits(published, lower, upper, limit_tolerance))
    if largest > rate_tolerance + 0.005 + 1.0 / published.patients or not all(_near(*triple) for triple in wanted):
        return None
    return {
        "events": int(n_event.sum()), "median_months": median, "lower_months": lower, "upper_months": upper, "largest_rate_error": largest,
    }  # fmt: skip


def _limits(
    published: Published, lower: float | None, upper: float | None, tolerance: float
) -> Sequence[tuple[float | None, float | None, float]]:
    return ((lower, published.median_limits_months[0], tolerance), (upper, published.median_limits_months[1], tolerance))


def _near(value: float | None, wanted: float | None, tolerance: float) -> bool:
    """Return whether a value agrees; what is not published agrees with anything."""
    return wanted is None or (value is not None and abs(value - wanted) <= tolerance * wanted)


def _at(steps: Floats, curve: Floats, time: float) -> float:
    last = int(np.searchsorted(steps, time + survival.TIE, side="right")) - 1
    return float(curve[last]) if last >= 0 else 1.0
