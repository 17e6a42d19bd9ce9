"""One patient of a simulated trial: drawn once, from its own generator, and seen only as far as its visits and the cut-off go."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchside.core.seeds import patient_rng
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.simulate import Hazard
from benchside.stages.clinical.virtual.design import AdamArm, AdamDesign, BaselineShares, Evaluator
from benchside.stages.clinical.virtual.truth import LAST_CONTACT_DAYS, cumulative

Floats = npt.NDArray[np.float64]
UNIFORMS: Final = 40
"""Draws of a patient for everything that happens once; the order of use is fixed, so a new use takes a new place at the end."""

CAUSES: Final = 7
"""CNS progression, elsewhere, seen by one assessor or the other alone, death before and after progression, dropout."""

NEVER: Final = 10**9
FIRST_VISITS: Final = 2
"""Visits that always take place, so that a response can be confirmed."""

AGE_SD_YEARS: Final = 12.0
AGE_RANGE_YEARS: Final = (18, 90)


@dataclass(frozen=True)
class Draws:
    """The random numbers of one patient, all drawn before any is used, so that what one is used for moves no other."""

    uniform: Floats
    waits: Floats
    """Standard exponential: one a cause."""

    attendance: Floats
    shift: Floats
    """Uniform, of every visit."""

    noise: Floats
    """Uniform on [-1, 1): (3 series, visits)."""

    adverse: Floats
    """Uniform: (terms, 6)."""

    @classmethod
    def of(cls, design: AdamDesign, arm: AdamArm, *, seed: int, number: int) -> "Draws":
        """Return the draws of patient `number` of a seed."""
        rng = patient_rng(seed, number)
        # Visits and terms come last and one after the other, so that more of them leave what stands before as it is.
        uniform, waits, visits = rng.random(UNIFORMS), rng.standard_exponential(CAUSES), rng.random((design.visits, 5))
        adverse = rng.random((len(arm.adverse), 6))
        return cls(uniform, waits, visits[:, 0], visits[:, 1], 2 * visits[:, 2:].T - 1, adverse)


@dataclass(frozen=True)
class Visit:
    """A visit that took place."""

    number: int
    day: int
    """Days since randomisation."""

    evaluable: bool


@dataclass(frozen=True)
class Patient:
    """What is known of one patient at the cut-off; days count from randomisation."""

    subject: str
    arm: AdamArm
    draws: Draws
    age: int
    with_cns: bool
    measurable_cns: bool
    irradiated: bool
    randomised: date
    last_day: int
    """Last seen alive, or died."""

    dead: bool
    followed: bool
    """Alive and not lost to follow-up at the cut-off."""

    visits: tuple[Visit, ...]
    """Those with images, up to progression by the investigator."""

    cns_day: int
    """When CNS progression began, `NEVER` if it did not; likewise below."""

    elsewhere_day: int
    investigator_day: int
    reviewer_day: int
    """Progression that only one assessor sees."""

    reviewed_day: int
    """Independent review ends."""

    def onset(self, evaluator: Evaluator) -> int:
        """Return the day progression began, in an assessor's eyes."""
        own = self.investigator_day if evaluator == "INV" else self.reviewer_day
        return min(self.cns_day, self.elsewhere_day, own)

    def on(self, day: int) -> date:
        """Return the date of a day."""
        return self.randomised + timedelta(days=day)

    @property
    def progressed(self) -> Visit | None:
        """The visit at which the investigator saw progression."""
        return first_seen(self.visits, self.onset("INV"))

    def reviewed(self) -> tuple[Visit, ...]:
        """Return the visits that independent review read."""
        return tuple(visit for visit in self.visits if visit.day <= self.reviewed_day)


def draw_patient(design: AdamDesign, arm: AdamArm, *, seed: int, number: int) -> Patient:
    """Return patient `number` of a seed: the same however many there are."""
    draws = Draws.of(design, arm, seed=seed, number=number)
    u, risks, shares = draws.uniform, arm.risks, arm.baseline
    with_cns = bool(u[1] < shares.cns)
    ratio = risks.cns_ratio if with_cns else 1.0
    cns, elsewhere, investigator, reviewer = (
        _day(hazard, wait)
        for hazard, wait in zip(
            (risks.cns.times(ratio), risks.elsewhere, risks.investigator_only, risks.reviewer_only), draws.waits[:4], strict=True
        )
    )
    visits = _visits(design, draws)
    seen = first_seen(visits, min(cns, elsewhere, investigator))
    death = _death_day(arm, draws, seen.day if seen else NEVER, with_cns=with_cns)
    entry = design.accrual_start + timedelta(days=int(u[2] * ((design.accrual_end - design.accrual_start).days + 1)))
    open_days = (design.cut_off - entry).days
    dropout, late = _day(risks.dropout, draws.waits[6]), max(0, open_days - int(u[3] * LAST_CONTACT_DAYS))
    contact = min(dropout, late)
    last = min(death, contact)
    imaged = tuple(
        visit for visit in visits if visit.day <= contact and visit.day < death and (seen is None or visit.day <= seen.day)
    )
    return Patient(
        subject=f"{design.study}-{number + 1:04d}",
        arm=arm,
        draws=draws,
        age=_age(shares, float(u[0])),
        with_cns=with_cns,
        measurable_cns=with_cns and bool(u[4] < shares.measurable),
        irradiated=with_cns and bool(u[5] < shares.prior_radiotherapy),
        randomised=entry,
        last_day=last,
        dead=death <= contact,
        followed=late < min(death, dropout),
        visits=imaged,
        cns_day=cns,
        elsewhere_day=elsewhere,
        investigator_day=investigator,
        reviewer_day=reviewer,
        reviewed_day=(design.reviewed_until - entry).days,
    )


def subject_row(patient: Patient, treatment: tuple[int, int] | None, next_therapy: int | None) -> dict[str, Any]:
    """Return a patient's row of ADSL, from the first and last day of treatment and the day of new anticancer therapy."""
    u, shares = patient.draws.uniform, patient.arm.baseline
    first, last = (patient.on(day) for day in treatment) if treatment else (None, None)
    ongoing = treatment is not None and patient.followed and patient.progressed is None and treatment[1] == patient.last_day
    return {
        "STUDYID": patient.subject.rpartition("-")[0],
        "USUBJID": patient.subject,
        "TRT01P": patient.arm.name,
        "TRT01A": patient.arm.name if treatment else None,
        "AGE": patient.age,
        "SEX": "F" if u[6] < shares.female else "M",
        "RACEGR1": "Asian" if u[7] < shares.asian else "Non-Asian",
        "ECOGGR1": "2" if u[8] < shares.ecog_2 else "0-1",
        "SMOKEGR1": "Never" if u[9] < shares.never_smoked else "Ever",
        "CNSBLFL": _flag(patient.with_cns),
        "CNSMEFL": _flag(patient.measurable_cns),
        "CNSRTFL": _flag(patient.irradiated),
        "RANDDT": patient.randomised,
        "TRTSDT": first,
        "TRTEDT": last,
        "EOTSTT": None if treatment is None else "ONGOING" if ongoing else "DISCONTINUED",
        "NACTDT": None if next_therapy is None else patient.on(next_therapy),
        "DTHDT": patient.on(patient.last_day) if patient.dead else None,
        "LSTALVDT": patient.on(patient.last_day),
        "ITTFL": "Y",
        "SAFFL": _flag(treatment is not None),
    }


def first_seen(visits: tuple[Visit, ...], onset_day: int) -> Visit | None:
    """Return the first visit with an evaluable image on or after a day."""
    return next((visit for visit in visits if visit.evaluable and visit.day >= onset_day), None)


def _visits(design: AdamDesign, draws: Draws) -> tuple[Visit, ...]:
    window = design.visit_window_days
    found = []
    shifts, drawn = draws.shift.tolist(), draws.attendance.tolist()
    for place, (shift, attendance) in enumerate(zip(shifts, drawn, strict=True)):
        number = place + 1
        late = number > FIRST_VISITS
        if late and attendance < design.missed:
            continue
        day = number * design.visit_every_days + int(shift * (2 * window + 1)) - window
        found.append(Visit(number, day, not (late and attendance < design.missed + design.not_evaluable)))
    return tuple(found)


def _death_day(arm: AdamArm, draws: Draws, progressed_day: int, *, with_cns: bool) -> int:
    """Return the day of death: by the hazard before progression, and from the day progression was seen by the one after it."""
    before = _day(arm.risks.death, draws.waits[4])
    if before <= progressed_day:
        return before
    after = arm.risks.death_after.times(arm.risks.death_after_ratio if with_cns else 1.0)
    return max(_day(after, draws.waits[5] + cumulative(after, progressed_day / DAYS_PER_MONTH)), progressed_day + 1)


def _day(hazard: Hazard, wait: float) -> int:
    """Return the day, from 1, on which a cumulative hazard is reached."""
    months = hazard.onset_months(float(wait))
    return int(months * DAYS_PER_MONTH) + 1 if months < NEVER / DAYS_PER_MONTH else NEVER


def _age(shares: BaselineShares, quantile: float) -> int:
    """Return a whole age by its quantile: triangular about the arm's median, enough for a covariate that moves nothing here."""
    low, high = AGE_RANGE_YEARS
    spread = AGE_SD_YEARS * math.sqrt(6.0)
    side = math.sqrt(2 * quantile) - 1 if quantile < 0.5 else 1 - math.sqrt(2 * (1 - quantile))
    return min(high, max(low, math.floor(shares.age_years + spread * side + 0.5)))


def _flag(holds: bool) -> str:  # noqa: FBT001  a flag of ADaM
    return "Y" if holds else "N"
