"""Treatment and adverse events of a simulated patient."""

import math
from typing import Any, Final

from benchside.stages.clinical.virtual.design import AdverseTerm
from benchside.stages.clinical.virtual.patient import Patient

# Assumed: none of these is among the published facts.
ONSET_DAYS: Final = 60.0
"""Mean time to an adverse event, of an exponential law cut at the end of treatment."""

LASTS_DAYS: Final = 30.0
GRADE_4: Final = 0.15
"""Of the events of grade 3 or 4."""

GRADE_2: Final = 0.4
"""Of the events of grade 1 or 2."""

ACTIONS: Final = (("DRUG WITHDRAWN", 0.10), ("DOSE REDUCED", 0.35), ("DRUG INTERRUPTED", 0.70))
"""Cumulative shares of what an event of grade 3 or 4 led to; the rest, and milder events, changed no dose."""

START_WITHIN_DAYS: Final = 4
STOP_WITHIN_DAYS: Final = 15
"""Treatment starts and, after progression, stops within so many days."""

NEXT_AFTER_DAYS: Final = (14, 49)
"""New anticancer therapy starts this long after progression was seen."""


def treatment_of(patient: Patient) -> tuple[int, int] | None:
    """Return the first and last day of treatment, before adverse events end it; None for who was never treated."""
    u, progressed = patient.draws.uniform, patient.progressed
    first = int(u[26] * START_WITHIN_DAYS)
    if first > patient.last_day - int(patient.dead):
        return None
    last = patient.last_day if progressed is None else min(patient.last_day, progressed.day + int(u[27] * STOP_WITHIN_DAYS))
    return first, last


def next_therapy_of(patient: Patient, treatment: tuple[int, int] | None) -> int | None:
    """Return the day new anticancer therapy started; None without progression, or where nobody lived or stayed to see it."""
    u, progressed = patient.draws.uniform, patient.progressed
    if progressed is None or treatment is None or u[28] >= patient.arm.next_therapy:
        return None
    low, high = NEXT_AFTER_DAYS
    day = max(progressed.day + low + int(u[29] * (high - low)), treatment[1] + 1)
    return day if day <= patient.last_day - int(patient.dead) else None


def adverse_rows(patient: Patient, treatment: tuple[int, int] | None) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """Return a patient's rows of ADAE in order of onset, and the treatment as one of them may have ended it."""
    if treatment is None:
        return [], None
    found = [
        _row(term, [float(value) for value in draws], patient, treatment)
        for term, draws in zip(patient.arm.adverse, patient.draws.adverse, strict=True)
        if draws[0] < term.share
    ]
    found.sort(key=lambda row: (row["_day"], row["AEDECOD"]))
    stops = [row["_day"] for row in found if row["AEACN"] == "DRUG WITHDRAWN"]
    last = min([treatment[1], *stops])
    kept = [row for row in found if row["_day"] <= last]
    severe = [row for row in kept if row["AETOXGR"] >= 3]
    if severe and patient.draws.uniform[30] < patient.arm.serious:
        severe[0]["AESER"] = "Y"
    return [{name: value for name, value in row.items() if name != "_day"} for row in kept], (treatment[0], last)


def _row(term: AdverseTerm, draws: list[float], patient: Patient, treatment: tuple[int, int]) -> dict[str, Any]:
    _, severity, onset, lasting, action, finer = draws
    first, last = treatment
    within = -math.expm1(-(last - first + 1) / ONSET_DAYS)
    day = min(last, first + int(-ONSET_DAYS * math.log1p(-onset * within)))
    end = day + int(-LASTS_DAYS * math.log1p(-lasting))
    severe = severity * term.share < term.severe
    led_to = next((name for name, share in ACTIONS if action < share), "DOSE NOT CHANGED") if severe else "DOSE NOT CHANGED"
    return {
        "_day": day,
        "USUBJID": patient.subject,
        "AEDECOD": term.term,
        "AETOXGR": (4 if finer < GRADE_4 else 3) if severe else (2 if finer < GRADE_2 else 1),
        "AESER": "N",
        "AEACN": led_to,
        "ASTDT": patient.on(day),
        "AENDT": patient.on(end) if end <= patient.last_day else None,
        "TRTEMFL": "Y",
    }
