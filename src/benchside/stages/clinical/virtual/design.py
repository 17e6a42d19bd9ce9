"""What a whole trial is simulated from: arms, hazards, responses, adverse events and the parameters derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from benchside.core.errors import SettingError, listed
from benchside.stages.clinical.simulate import Hazard

Evaluator = Literal["INV", "IRC"]
PARAMETERS: Final = {"INV": "OVRINV", "IRC": "OVRIRC"}
"""PARAMCD of the overall responses by investigator and by independent review."""

BRAIN: Final = "CNSIRC"
"""PARAMCD of the responses of the brain by independent review."""


@dataclass(frozen=True)
class BaselineShares:
    """Who is in an arm: shares of patients unless the name says otherwise."""

    age_years: float
    """Median age."""

    female: float
    asian: float
    ecog_2: float
    never_smoked: float
    cns: float
    """With CNS metastases by independent review."""

    measurable: float
    """Of those with CNS metastases: with measurable ones."""

    prior_radiotherapy: float
    """Of those with CNS metastases: irradiated before."""

    def __post_init__(self) -> None:
        names = ("female", "asian", "ecog_2", "never_smoked", "cns", "measurable", "prior_radiotherapy")
        require_shares({name: getattr(self, name) for name in names}, "baseline")


@dataclass(frozen=True)
class Risks:
    """Cause-specific hazards of an arm, from randomisation on; independent of each other given the baseline."""

    cns: Hazard
    """CNS progression, of patients without CNS metastases at baseline."""

    cns_ratio: float
    """Hazard ratio of CNS progression with CNS metastases at baseline."""

    elsewhere: Hazard
    """Non-CNS progression that both assessors see."""

    investigator_only: Hazard
    reviewer_only: Hazard
    """Non-CNS progression that only one of them sees."""

    death: Hazard
    """Death before the investigator saw progression."""

    death_after: Hazard
    """Death after that; the time still counts from randomisation."""

    death_after_ratio: float
    """Hazard ratio of that with CNS metastases at baseline."""

    dropout: Hazard

    def __post_init__(self) -> None:
        if not (self.cns_ratio > 0 and self.death_after_ratio > 0):
            message = f"hazard ratios must be above 0, not {self.cns_ratio} and {self.death_after_ratio}. Correct them."
            raise SettingError(message)


@dataclass(frozen=True)
class ResponseShares:
    """How patients respond who are free of progression at the first two visits; nobody else does."""

    overall: float
    """Complete or partial response."""

    complete: float
    """Of the responders: complete."""

    brain: float
    """Of patients with measurable CNS metastases and two visits without CNS progression: intracranial response."""

    brain_complete: float
    """Of those responders: complete."""

    brain_unmeasured: float
    """Of patients with CNS metastases none of which is measurable: all of them disappear."""

    def __post_init__(self) -> None:
        require_shares(vars(self), "responses")


@dataclass(frozen=True)
class AdverseTerm:
    """An adverse event: the shares of patients with it, and with it at grade 3 or 4."""

    term: str
    share: float
    severe: float

    def __post_init__(self) -> None:
        require_shares({"share": self.share, "severe": self.severe}, self.term)
        if self.severe > self.share:
            message = f"{self.term}: grade 3 or 4 is part of all grades, so its share {self.severe} cannot be above {self.share}. Correct it."
            raise SettingError(message)


@dataclass(frozen=True)
class AdamArm:
    """One arm."""

    name: str
    patients: int
    baseline: BaselineShares
    risks: Risks
    responses: ResponseShares
    adverse: tuple[AdverseTerm, ...] = ()
    serious: float = 0.0
    """Of the patients with an event of grade 3 or 4: their first is serious."""

    next_therapy: float = 0.0
    """Of the patients with progression by investigator: new anticancer therapy."""

    def __post_init__(self) -> None:
        if self.patients < 1:
            message = f"arm {self.name}: at least 1 patient is needed, not {self.patients}. Correct it."
            raise SettingError(message)
        require_shares({"serious": self.serious, "next_therapy": self.next_therapy}, self.name)


@dataclass(frozen=True)
class Parameter:
    """One parameter of ADTTE, derived from the other tables."""

    code: str
    """PARAMCD."""

    endpoint: Literal["PFS", "OS", "DOR", "CNS TTP", "CNS first"]
    evaluator: Evaluator | None
    cut_off: date
    """Nothing after it is known."""


@dataclass(frozen=True)
class AdamDesign:
    """A randomised trial: its arms, its calendar and its visits."""

    study: str
    arms: tuple[AdamArm, ...]
    """Patients enter in turn: the first of each arm, then the second."""

    control: str
    accrual_start: date
    accrual_end: date
    cut_off: date
    """Nothing after it is known."""

    reviewed_until: date
    """Independent review reads images up to this date."""

    parameters: tuple[Parameter, ...] = ()
    visit_every_days: int = 56
    visit_window_days: int = 7
    """A visit is at most this early or late."""

    missed: float = 0.0
    """Share of visits that do not take place, from the third on (so that a response can be confirmed)."""

    not_evaluable: float = 0.0
    """Share of visits that take place without an evaluable image, from the third on."""

    agreement: float = 1.0
    """Share of responders (and of the others) whom independent review calls so too."""

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names) or self.control not in names:
            message = f"the arms need different names, and the control {self.control!r} must be one of them; they are {listed(names)}. Correct them."
            raise SettingError(message)
        if not self.accrual_start <= self.accrual_end <= self.cut_off or self.reviewed_until > self.cut_off:
            message = (
                f"accrual ({self.accrual_start} to {self.accrual_end}) must end by the cut-off {self.cut_off}, and so must the "
                f"independent review, not on {self.reviewed_until}. Correct the dates."
            )
            raise SettingError(message)
        if not 0 <= 2 * self.visit_window_days < self.visit_every_days:
            message = f"visits {self.visit_every_days} d apart cannot be {self.visit_window_days} d early or late: they would change places. Correct the window."
            raise SettingError(message)
        require_shares({"missed": self.missed, "not_evaluable": self.not_evaluable, "agreement": self.agreement}, self.study)

    @property
    def visits(self) -> int:
        """Visits of a patient who entered first and stays to the cut-off."""
        return (self.cut_off - self.accrual_start).days // self.visit_every_days + 1

    def order(self) -> Sequence[tuple[int, AdamArm]]:
        """Return every patient's number, from 0, and arm: a patient keeps both however many patients there are."""
        width = len(self.arms)
        most = max(arm.patients for arm in self.arms)
        return [(turn * width + place, arm) for turn in range(most) for place, arm in enumerate(self.arms) if turn < arm.patients]


def require_shares(shares: dict[str, float], place: str) -> None:
    """Raise SettingError unless every share lies in [0, 1]."""
    bad = {name: share for name, share in shares.items() if not 0 <= share <= 1}
    if bad:
        name, share = next(iter(bad.items()))
        message = f"{place}: the share {name} must lie in [0, 1], and is {share}. Correct it."
        raise SettingError(message)
