"""The bundled trial: ALEX as ADaM tables, simulated from its published landmarks. A round trip, never agreement.

Hazards are solved so that the landmarks the tables show on average are the published ones; every other number is a published
one, or a named constant that says it is assumed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize

from benchside.core.errors import NoEvidenceError
from benchside.stages.clinical.simulate import Hazard
from benchside.stages.clinical.virtual.design import (
    AdamArm,
    AdamDesign,
    AdverseTerm,
    BaselineShares,
    Parameter,
    ResponseShares,
    Risks,
)
from benchside.stages.clinical.virtual.tables import simulate_adam
from benchside.stages.clinical.virtual.truth import ArmTruth
from benchside.study.demo_facts import (
    ANY_CNS,
    CONTROL,
    FINAL_OS,
    FINAL_PFS,
    FIVE_YEARS,
    MEASURABLE,
    PRIMARY,
    TREATED,
    TRIAL,
    Landmark,
    baseline,
    death_counts,
    death_landmarks,
    design_row,
    progression_landmarks,
    published,
    safety,
)
from benchside.study.store import write_text

Vector = npt.NDArray[np.float64]

SEED: Final = 20_170_606

# Assumed. The months of accrual stand in the fact table from memory; the days do not stand there at all.
ACCRUAL: Final = (date(2014, 8, 1), date(2016, 1, 31))

# Assumed: not among the facts, and chosen to be ordinary.
DEATH_SHARE: Final = 0.12
"""Of the hazard of progression elsewhere or death, as the investigator sees it: death."""

INVESTIGATOR_ONLY_SHARE: Final = 0.10
"""Of the same: progression that independent review does not see."""

MISSED: Final = 0.02
NOT_EVALUABLE: Final = 0.01
AGREEMENT: Final = 0.94
VISIT_WINDOW_DAYS: Final = 7
BREAKS_MONTHS: Final[Mapping[str, tuple[float, ...]]] = {TREATED: (12.0, 34.8), CONTROL: (12.0,)}
"""Progression changes its pace at published landmarks of the arm."""

EARLY_MONTHS, EARLY_RATIO = 4.0, 0.6
"""Until then the pace is this share of what follows: with one pace from the start, fewer crizotinib patients would be free of
progression at two visits than were confirmed responders."""

DEATH_BREAK_MONTHS: Final = 60.0
"""So does death after progression."""

SERIOUS_OF_CONTROL: Final = 0.28
"""Serious adverse events of crizotinib: as published for alectinib, since none is verified."""

ROUNDS: Final = 2
SOLVED_TO: Final = 5e-4
"""The largest miss of a landmark that counts as solved: what rounding the hazards to six digits leaves, and less than is printed."""

COMPLETE: Final = {TREATED: (6, 8), CONTROL: (2, 1)}
"""Complete responses, and complete intracranial ones of patients with measurable CNS metastases: notes of the verified rows."""

OTHER: Final = "OTHER, GRADE 3 OR HIGHER"
"""Events of grade 3 or higher that no row names: as many as make up the published share with any."""


def write_trial(root: Path) -> None:
    """Write adam/adsl.csv, adrs.csv, adtr.csv, adae.csv and adtte.csv: the bundled trial, its last data cut-off that of final OS.

    Parameters
    ----------
    root
        The folder of the study.

    Raises
    ------
    StorageError
        When the disk is full or refuses.
    """
    tables = simulate_adam(alex(), seed=SEED)
    folder = root / "adam"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("adsl", "adrs", "adtr", "adae", "adtte"):
        write_text(folder / f"{name}.csv", getattr(tables, name).write_csv())


@cache
def alex() -> AdamDesign:
    """Return ALEX as a design to simulate from, its hazards solved from the verified facts.

    Raises
    ------
    NoEvidenceError
        When a fact is absent, not verified, or stands there twice.
    """
    design = AdamDesign(
        study=TRIAL,
        arms=(_arm(TREATED), _arm(CONTROL)),
        control=CONTROL,
        accrual_start=ACCRUAL[0],
        accrual_end=ACCRUAL[1],
        cut_off=date.fromisoformat(FINAL_OS),
        reviewed_until=date.fromisoformat(PRIMARY),
        parameters=(
            Parameter("PFSINV", "PFS", "INV", date.fromisoformat(PRIMARY)),
            Parameter("PFSIRC", "PFS", "IRC", date.fromisoformat(PRIMARY)),
            Parameter("CNSFIRST", "CNS first", "IRC", date.fromisoformat(PRIMARY)),
            Parameter("CNSTTP", "CNS TTP", "IRC", date.fromisoformat(PRIMARY)),
            Parameter("PFSINVM", "PFS", "INV", date.fromisoformat(FINAL_PFS)),
            Parameter("DORINV", "DOR", "INV", date.fromisoformat(FINAL_OS)),
            Parameter("OS", "OS", None, date.fromisoformat(FINAL_OS)),
        ),
        visit_every_days=7 * int(design_row()["assessment_interval_weeks"]),
        visit_window_days=VISIT_WINDOW_DAYS,
        missed=MISSED,
        not_evaluable=NOT_EVALUABLE,
        agreement=AGREEMENT,
    )
    # The hazard ratio asks for the other arm and for dropout, and dropout for deaths: the second round settles them.
    for solve in (*(_solve_progression, _solve_death, _solve_dropout) * ROUNDS, _solve_responses):
        for position in range(len(design.arms)):
            design = _with(design, solve(design, design.arms[position]))
    return design


def _arm(name: str) -> AdamArm:
    """Return an arm with its patients and adverse events; its risks and responses are solved afterwards."""
    counts = {short: baseline(name, words, "events") for short, words in (
        ("cns", "CNS metastases by IRC"), ("measurable", "measurable CNS metastases by IRC"), ("irradiated", "prior CNS radiotherapy"),
    )}  # fmt: skip
    patients = int(baseline(name, "CNS metastases by IRC", "n"))
    shares = BaselineShares(
        age_years=baseline(name, "median age"),
        female=baseline(name, "female") / 100,
        asian=1 - baseline(name, "non-Asian") / 100,
        ecog_2=1 - baseline(name, "ECOG PS 0-1") / 100,
        never_smoked=baseline(name, "no smoking history") / 100,
        cns=counts["cns"] / patients,
        measurable=counts["measurable"] / counts["cns"],
        prior_radiotherapy=counts["irradiated"] / counts["cns"],
    )
    terms, serious = _adverse(name)
    guess = risks_of(name, np.log([0.03, 0.5, 2.0, 0.1, *[0.02] * len(BREAKS_MONTHS[name])]))
    # Of those with progression or death by the mature analysis, who is known to have had a next therapy a year later.
    progressed = published("median PFS", name, "INV", FINAL_PFS, column="events") / patients
    later = published(">=1 known post-progression therapy", name, None, FIVE_YEARS) / 100
    return AdamArm(name, patients, shares, guess, ResponseShares(1, 0, 1, 0, 1), terms, serious, later / progressed)


def _adverse(arm: str) -> tuple[tuple[AdverseTerm, ...], float]:
    """Return the adverse events of the primary analysis, and how many of the patients with a severe one have a serious one."""
    share = safety(arm)
    names = [event for event, grade in share if grade == "3-4"]
    terms = [
        AdverseTerm(name.upper(), share[name, "any"], share[name, "3-4"])
        for name in names
        if not name.startswith("lab:") and share[name, "any"] > 0
    ]
    severe = share["any AE", "3-5"]
    spared = math.prod(1 - term.severe for term in terms)
    other = 1 - (1 - severe) / spared
    serious = share.get(("serious AE", "any"), SERIOUS_OF_CONTROL)
    return (*terms, AdverseTerm(OTHER, _rounded(other), _rounded(other))), _rounded(serious / severe)


def risks_of(arm: str, logs: Vector) -> Risks:
    """Return the risks of an arm from the logs of what is solved for.

    They are: pace of progression after the first months, the share of it in the brain (without CNS metastases at baseline), the
    hazard ratio of that with them, progression that only independent review sees, and the pace in further pieces.
    """
    first, brain, ratio, review, *later = (_rounded(math.exp(value)) for value in logs)
    pace = Hazard((_rounded(EARLY_RATIO * first), first, *later), (EARLY_MONTHS, *BREAKS_MONTHS[arm]))
    elsewhere = pace.times(max(0.0, 1 - brain))
    return Risks(
        cns=pace.times(brain),
        cns_ratio=ratio,
        elsewhere=elsewhere.times(1 - DEATH_SHARE - INVESTIGATOR_ONLY_SHARE),
        investigator_only=elsewhere.times(INVESTIGATOR_ONLY_SHARE),
        reviewer_only=pace.times(review),
        death=elsewhere.times(DEATH_SHARE),
        death_after=Hazard((0.02, 0.02), (DEATH_BREAK_MONTHS,)),
        death_after_ratio=1.0,
        dropout=Hazard((0.0,)),
    )


def _solve_progression(design: AdamDesign, arm: AdamArm) -> AdamArm:
    def with_progression(logs: Vector) -> AdamArm:
        kept = {name: getattr(arm.risks, name) for name in ("death_after", "death_after_ratio", "dropout")}
        return replace(arm, risks=replace(risks_of(arm.name, logs), **kept))

    start = [0.04, 0.4, 2.0, 0.1, *[0.015] * len(BREAKS_MONTHS[arm.name])]
    return with_progression(_root(design, with_progression, progression_landmarks(arm.name), start))


def _solve_death(design: AdamDesign, arm: AdamArm) -> AdamArm:
    def with_death(logs: Vector) -> AdamArm:
        early, late, ratio = (_rounded(math.exp(value)) for value in logs)
        after = Hazard((early, late), (DEATH_BREAK_MONTHS,))
        return replace(arm, risks=replace(arm.risks, death_after=after, death_after_ratio=ratio))

    return with_death(_root(design, with_death, death_landmarks(arm.name), [0.015, 0.015, 1.5]))


def _solve_dropout(design: AdamDesign, arm: AdamArm) -> AdamArm:
    """Return the arm with the dropout that leaves as many deaths to be seen as were."""

    def with_dropout(logs: Vector) -> AdamArm:
        return replace(arm, risks=replace(arm.risks, dropout=Hazard((_rounded(math.exp(logs[0])),))))

    return with_dropout(_root(design, with_dropout, death_counts(arm.name), [0.005]))


def _solve_responses(design: AdamDesign, arm: AdamArm) -> AdamArm:
    """Return the arm with the responses that give the published rates among all who were randomised."""
    responders = published("ORR", arm.name, "INV", PRIMARY, column="events")
    (some, seen), (every, everyone) = (
        [published("CNS ORR", arm.name, "IRC", PRIMARY, population=words, column=column) for column in ("events", "n")]
        for words in (MEASURABLE, ANY_CNS)
    )
    truth = ArmTruth.of(design, arm.name)
    complete, brain_complete = COMPLETE[arm.name]
    shares = ResponseShares(
        overall=_rounded(responders / arm.patients / truth.seen_twice()),
        complete=_rounded(complete / responders),
        brain=_rounded(some / seen / truth.brain_seen_twice()),
        brain_complete=_rounded(brain_complete / some),
        brain_unmeasured=_rounded((every - some) / (everyone - seen) / truth.brain_seen_twice()),
    )
    return replace(arm, responses=shares)


def _with(design: AdamDesign, arm: AdamArm) -> AdamDesign:
    return replace(design, arms=tuple(arm if arm.name == one.name else one for one in design.arms))


def _root(
    design: AdamDesign, with_logs: Callable[[Vector], AdamArm], landmarks: Sequence[Landmark], start: Sequence[float]
) -> Vector:
    """Return the logs of the hazards that give an arm the landmarks."""

    def miss(logs: Vector) -> list[float]:
        changed = with_logs(logs)
        tried = _with(design, changed)
        return [landmark.of(tried, changed.name) - landmark.value for landmark in landmarks]

    found = np.asarray(optimize.root(miss, np.log(start), options={"eps": 1e-4}).x, dtype=np.float64)
    worst = max(abs(value) for value in miss(found))
    if not worst <= SOLVED_TO:
        message = (
            f"no hazards give the published landmarks of {TRIAL} (worst by {worst:.3g}). Check the facts against each other."
        )
        raise NoEvidenceError(message)
    return found


def _rounded(value: float) -> float:
    """Return a number with six digits: the same on every machine, whatever its last bit."""
    return float(f"{value:.6g}")
