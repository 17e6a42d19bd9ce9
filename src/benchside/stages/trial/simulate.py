"""Virtual trials: patients with a body and a brain lesion under an arm's free drug, seen at visits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside import evidence
from benchside.core.errors import NoEvidenceError, SettingError
from benchside.core.exchange import Mechanism, Site
from benchside.core.seeds import patient_rng
from benchside.core.units import DAYS_PER_MONTH, DAYS_PER_WEEK
from benchside.kernels.growth import BRAIN, NONE, Visits, first_progression
from benchside.stages.trial.design import Arm, TrialDesign
from benchside.stages.trial.model import RESISTANT, SketchParameters, TrialRun, sketch_parameters

Floats = npt.NDArray[np.float64]

SITES: Final[tuple[Site, Site]] = ("plasma", "cns")
NORMALS: Final = ("growth", "exposure", "body_size", "brain_size", "body_resistant", "brain_resistant")
UNIFORMS: Final = ("cns_baseline", "micrometastasis", "micrometastasis_size", "entry", "death", "dropout")


@dataclass(frozen=True)
class Draws:
    """The random numbers of patients: (patients, 6) standard normal and (patients, 6) uniform, columns as named above."""

    normal: Floats
    uniform: Floats

    def z(self, name: str) -> Floats:
        """Return one column of normals."""
        return self.normal[:, NORMALS.index(name)]

    def u(self, name: str) -> Floats:
        """Return one column of uniforms."""
        return self.uniform[:, UNIFORMS.index(name)]


def draw(seed: int, patients: npt.NDArray[np.int64]) -> Draws:
    """Return the draws of the patients with these numbers; each depends on the seed and its number alone."""
    normal, uniform = np.empty((patients.size, len(NORMALS))), np.empty((patients.size, len(UNIFORMS)))
    for row, patient in enumerate(patients.tolist()):
        rng = patient_rng(seed, patient)
        rng.standard_normal(out=normal[row])
        rng.random(out=uniform[row])
    return Draws(normal, uniform)


def simulate(
    design: TrialDesign,
    *,
    mechanism: Mechanism,
    replicates: int = 200,
    seed: int = 0,
    resistant: Mapping[str, str] | None = None,
    wild_type: str = "WT",
    parameters: SketchParameters | None = None,
) -> TrialRun:
    """Return the events of the virtual patients of `replicates` virtual trials. A sketch: not calibrated.

    Parameters
    ----------
    design
        As `load` gives it.
    mechanism
        Effect and free exposures (by compound, in plasma and cns) of the arms' drugs; exponential growth.
    replicates, seed
        Virtual trials; patient k of a seed is the same whatever else is simulated.
    resistant
        The variant of the resistant cells, by drug; None: `RESISTANT`.
    wild_type
        The variant of the sensitive cells.
    parameters
        The sketch's parameters; None: those shipped.

    Returns
    -------
    TrialRun
        `.table` is what `read` returns; `.predict()` says what follows.

    Raises
    ------
    NoEvidenceError
        When the mechanism lacks an arm's drug, variant or exposure.
    SettingError
        When the growth law is not exponential, or there is no replicate.

    Notes
    -----
    Each lesion holds sensitive and resistant cells, whose net growth is the patient's own growth rate less the kill at the
    patient's average free concentration at the site. Progression is seen at visits: a sum of diameters 20 % and 5 mm over
    its smallest, the same of the brain lesion alone, or a new brain lesion of detectable size. Patients without an event
    are censored at their last visit. Since progression is measured from the smallest sum, a drug that kills sensitive
    cells faster, and resistant ones no faster, can progress slightly sooner.
    """
    if mechanism.growth.kind != "exponential":
        message = f"the sketch grows lesions exponentially, not by the {mechanism.growth.kind} law. Give an exponential law."
        raise SettingError(message)
    if replicates < 1:
        message = f"replicates must be 1 or more, and is {replicates}. Correct the setting."
        raise SettingError(message)
    known = parameters or sketch_parameters()
    numbers = np.arange(replicates * design.n).reshape(replicates, design.n)
    first = np.cumsum([0, *(arm.n for arm in design.arms)])
    parts = []
    for arm, start in zip(design.arms, first[:-1], strict=True):
        patients = np.ascontiguousarray(numbers[:, start : start + arm.n]).ravel()
        rates = _Rates(mechanism, arm, wild_type, _resistant_variant(arm.drug, resistant), known)
        parts.append(_arm_events(design, arm, patients, draw(seed, patients), rates))
    return TrialRun(pl.concat(parts).sort("patient"))


def _resistant_variant(drug: str, resistant: Mapping[str, str] | None) -> str:
    variants = RESISTANT if resistant is None else resistant
    if drug not in variants:
        message = f"no resistant variant is named for {drug}. Name one under [trial] resistant, for example {drug} = 'G1202R'."
        raise NoEvidenceError(message)
    return variants[drug]


@dataclass(frozen=True)
class _Rates:
    """Net growth of an arm's clones at its sites."""

    mechanism: Mechanism
    arm: Arm
    wild_type: str
    resistant: str
    known: SketchParameters

    def per_day(self, draws: Draws) -> Floats:
        """Return (patients, 2 lesions, 2 clones) net growth rates."""
        cv = evidence.one("AUC_ss_cv", self.arm.drug, fact_table="pharmacokinetics")
        # the published typical value is the median: the average of a lognormal would shift the mean dose effect
        factor = np.exp(np.sqrt(np.log1p(float(str(cv.value)) ** 2)) * draws.z("exposure"))
        growth = np.exp(self.known.net_growth_sd_log * draws.z("growth"))
        rates = np.empty((factor.size, 2, 2))
        for lesion, site in enumerate(SITES):
            free_nM = self.mechanism.exposure(self.arm.drug, site).average_nM * factor
            for clone, variant in enumerate((self.wild_type, self.resistant)):
                effect = self.mechanism.effect
                untreated = effect.net_growth_per_day(self.arm.drug, variant, np.zeros(1))[0]
                kill = untreated - effect.net_growth_per_day(self.arm.drug, variant, free_nM)
                rates[:, lesion, clone] = untreated * growth - kill
        return rates


def _lesions(known: SketchParameters, arm: Arm, draws: Draws) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return diameters (patients, 2), whether the brain lesion is known, and resistant fractions (patients, 2)."""
    seen = draws.u("cns_baseline") < arm.cns_fraction
    unseen = ~seen & (draws.u("micrometastasis") < known.micrometastasis_chance)
    span = known.brain_detectable_mm / known.micrometastasis_smallest_mm
    small = known.micrometastasis_smallest_mm * span ** draws.u("micrometastasis_size")
    large = known.brain_diameter_mm * np.exp(known.brain_diameter_sd_log * draws.z("brain_size"))
    body = known.body_diameter_mm * np.exp(known.body_diameter_sd_log * draws.z("body_size"))
    diameter = np.column_stack((body, np.where(seen, large, np.where(unseen, small, 0.0))))
    spread = np.column_stack((draws.z("body_resistant"), draws.z("brain_resistant")))
    fraction = known.resistant_fraction * np.exp(known.resistant_fraction_sd_log * spread)
    return diameter, seen, np.minimum(fraction, 1.0)


def _visits(design: TrialDesign, known: SketchParameters) -> Visits:
    days = design.visit_interval_weeks * DAYS_PER_WEEK
    return Visits(
        days=days,
        total=int(design.follow_up_months * DAYS_PER_MONTH // days),
        brain_every=round(design.cns_interval_weeks / design.visit_interval_weeks),
        fold=known.progression_fold,
        increase_mm=known.progression_increase_mm,
        detectable_mm=known.brain_detectable_mm,
    )


def _arm_events(design: TrialDesign, arm: Arm, patients: npt.NDArray[np.int64], draws: Draws, rates: _Rates) -> pl.DataFrame:
    known = rates.known
    diameter, seen, fraction = _lesions(known, arm, draws)
    visit, place = first_progression(
        diameter,
        seen,
        fraction,
        rates.per_day(draws),
        _visits(design, known),
    )
    visit_months = design.visit_interval_weeks * DAYS_PER_WEEK / DAYS_PER_MONTH
    progression = np.where(place == NONE, np.inf, visit * visit_months)
    death = -np.log1p(-draws.u("death")) / known.death_per_month
    dropout = -np.log1p(-draws.u("dropout")) / known.dropout_per_month
    end = np.minimum(dropout, design.follow_up_months - draws.u("entry") * design.accrual_months)
    first = np.minimum(progression, death)
    event = first <= end
    time = np.where(event, first, np.floor(end / visit_months) * visit_months)
    in_brain = event & (progression <= death) & (place == BRAIN)
    return pl.DataFrame(
        {
            "replicate": patients // design.n,
            "patient": patients,
            "arm": arm.name,
            "control": arm.control,
            "cns_baseline": seen,
            "time_months": time,
            "event": event.astype(np.int64),
            "cns_time_months": time,
            "cns_event": np.where(in_brain, 1, np.where(event, 2, 0)),
        }
    )
