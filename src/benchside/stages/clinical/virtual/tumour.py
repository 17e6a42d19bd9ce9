"""Images of a simulated patient: sums of target lesions that RECIST 1.1 reads as the response the patient was drawn to have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchside.stages.clinical.virtual.design import AdamDesign, Evaluator
from benchside.stages.clinical.virtual.patient import Floats, Patient, Visit, first_seen

# Assumed, none is published: shapes within which RECIST's thresholds (-30 %, +20 % and 5 mm) leave no doubt.
RESPONDER_DEPTH: Final = (0.40, 0.90)
"""Shrinkage of responders, as a share of baseline; the first response shows `FIRST_SHARE` of it."""

STABLE_DEPTH: Final = (-0.06, 0.22)
FIRST_SHARE: Final = 0.85
NOISE: Final = 0.015
"""Largest error of a sum, as a share of it: two sums of one size differ by far less than 20 %."""

BEFORE_RESPONSE: Final = 0.12
GROWTH: Final = 1.3
GROWTH_MM: Final = 8.0
"""A progression of target lesions: the smallest sum times the one or plus the other, whichever is more."""

FIRST_RESPONSE: Final = (0.75, 0.95)
"""Cumulative shares of responders whose response shows at the first and at the second visit; the others' at the third."""

BY_GROWTH: Final = 0.5
"""Share of progressions shown by target lesions; the others show a new lesion (or non-target ones)."""

TARGETS_MM: Final = (20.0, 120.0)
BRAIN_MM: Final = (10.0, 35.0)
REVIEW_ERROR: Final = 0.1
"""Largest difference between the assessors' baseline sums, as a share: they choose different lesions."""


@dataclass(frozen=True)
class Reading:
    """What an assessor says of one visit."""

    visit: Visit
    response: str
    sum_mm: float | None
    non_target: str | None = None
    new_lesion: bool = False


@dataclass(frozen=True)
class _Course:
    """How a series of sums goes."""

    baseline_mm: float
    responds: int | None
    """Number of the visit from which on there is a response; None without one."""

    complete: bool
    depth: float
    """Quantile of the shrinkage within its range."""

    noise: Floats

    def sum_mm(self, visit: int) -> float:
        """Return the sum at a visit without progression."""
        if self.responds is None:
            low, high = STABLE_DEPTH
            left = 1 - (low + self.depth * (high - low)) * (1 - 0.5**visit)
        elif visit < self.responds:
            left = 1 - BEFORE_RESPONSE
        elif self.complete:
            left = 0.0
        else:
            low, high = RESPONDER_DEPTH
            reached = 1 - (1 - FIRST_SHARE) * 0.5 ** (visit - self.responds)
            left = 1 - (low + self.depth * (high - low)) * reached
        return round(self.baseline_mm * left * (1 + NOISE * float(self.noise[visit - 1])), 1)

    def response(self, visit: int) -> str:
        """Return what RECIST calls such a visit."""
        if self.responds is None or visit < self.responds:
            return "SD"
        return "CR" if self.complete else "PR"


def overall_baseline_mm(patient: Patient, evaluator: Evaluator) -> float:
    """Return an assessor's sum of target lesions at baseline."""
    u, (low, high) = patient.draws.uniform, TARGETS_MM
    size = low + float(u[14]) ** 1.5 * (high - low)
    return float(round(size * (1 if evaluator == "INV" else 1 + REVIEW_ERROR * (2 * float(u[15]) - 1))))


def brain_baseline_mm(patient: Patient) -> float:
    """Return the sum of measurable lesions of the brain at baseline."""
    low, high = BRAIN_MM
    return float(round(low + float(patient.draws.uniform[18]) * (high - low)))


def overall_readings(design: AdamDesign, patient: Patient, evaluator: Evaluator) -> list[Reading]:
    """Return an assessor's readings of a patient's visits, up to progression."""
    u, investigator = patient.draws.uniform, evaluator == "INV"
    visits = patient.visits if investigator else patient.reviewed()
    seen = first_seen(visits, patient.onset(evaluator))
    would = bool(u[10] < patient.arm.responses.overall)
    would = would if investigator or u[12] < design.agreement else not would
    first = _first_response(visits, seen, float(u[24 if investigator else 25])) if would else None
    complete = bool(u[11] < patient.arm.responses.complete)
    noise = patient.draws.noise[0 if investigator else 1]
    course = _Course(overall_baseline_mm(patient, evaluator), first, complete, float(u[16 if investigator else 17]), noise)
    found = [_before(course, visit, _brain_lesions(patient, course, visit)) for visit in _up_to(visits, seen)]
    return [*found, _progression(course, found, seen, patient, evaluator)] if seen else found


def brain_readings(patient: Patient) -> list[Reading]:
    """Return independent review's readings of the brain, up to progression in it; NED where there never was a lesion."""
    u, visits, shares = patient.draws.uniform, patient.reviewed(), patient.arm.responses
    seen = first_seen(visits, patient.cns_day)
    would = bool(u[19] < (shares.brain if patient.measurable_cns else shares.brain_unmeasured))
    first = _first_response(visits, seen, float(u[22])) if would and patient.with_cns else None
    complete = bool(u[20] < shares.brain_complete) or not patient.measurable_cns
    course = _Course(brain_baseline_mm(patient), first, complete, float(u[21]), patient.draws.noise[2])
    if patient.measurable_cns:
        found = [_before(course, visit, None) for visit in _up_to(visits, seen)]
    else:
        found = [_without_sum(course, visit, with_lesions=patient.with_cns) for visit in _up_to(visits, seen)]
    if seen is None:
        return found
    sums = [reading.sum_mm for reading in found if reading.sum_mm is not None]
    grows = patient.measurable_cns and u[23] < BY_GROWTH
    left = course.sum_mm(seen.number) if patient.measurable_cns else None
    grown = _grown(course.baseline_mm, sums) if grows else left
    return [*found, Reading(seen, "PD", grown, new_lesion=not grows)]


def _up_to(visits: Sequence[Visit], seen: Visit | None) -> list[Visit]:
    return [visit for visit in visits if seen is None or visit.day < seen.day]


def _first_response(visits: Sequence[Visit], seen: Visit | None, quantile: float) -> int | None:
    """Return the number of the visit a response begins at; None unless it can be confirmed at the one after it."""
    free = {visit.number for visit in _up_to(visits, seen) if visit.evaluable}
    wanted = 1 + sum(quantile >= share for share in FIRST_RESPONSE)
    return next((number for number in (wanted, 1) if {number, number + 1} <= free), None)


def _brain_lesions(patient: Patient, course: _Course, visit: Visit) -> str | None:
    """Return the response of non-target lesions: those of the brain, which nobody else has."""
    if not patient.with_cns or not visit.evaluable:
        return None
    return "CR" if course.complete and course.response(visit.number) == "CR" else "NON-CR/NON-PD"


def _before(course: _Course, visit: Visit, non_target: str | None) -> Reading:
    if not visit.evaluable:
        return Reading(visit, "NE", None)
    return Reading(visit, course.response(visit.number), course.sum_mm(visit.number), non_target)


def _without_sum(course: _Course, visit: Visit, *, with_lesions: bool) -> Reading:
    if not visit.evaluable:
        return Reading(visit, "NE", None)
    if not with_lesions:
        return Reading(visit, "NED", None)
    return Reading(visit, "CR" if course.response(visit.number) == "CR" else "NON-CR/NON-PD", None)


def _progression(course: _Course, found: Sequence[Reading], seen: Visit, patient: Patient, evaluator: Evaluator) -> Reading:
    """Return the reading of progression: by target lesions, a new lesion, or (in the brain) a lesion that was there."""
    own = patient.investigator_day if evaluator == "INV" else patient.reviewer_day
    in_brain_only = min(patient.elsewhere_day, own) > seen.day
    u, left = patient.draws.uniform, course.sum_mm(seen.number)
    lesions = _brain_lesions(patient, course, seen)
    if in_brain_only:
        was_there = patient.with_cns and u[13] < BY_GROWTH
        return Reading(seen, "PD", left, "PD" if was_there else lesions, new_lesion=not was_there)
    if u[13] < BY_GROWTH:
        return Reading(seen, "PD", _grown(course.baseline_mm, [one.sum_mm for one in found if one.sum_mm is not None]), lesions)
    return Reading(seen, "PD", left, lesions, new_lesion=True)


def _grown(baseline_mm: float, sums_mm: Sequence[float]) -> float:
    nadir = min([baseline_mm, *sums_mm])
    return round(max(nadir * GROWTH, nadir + GROWTH_MM), 1)
