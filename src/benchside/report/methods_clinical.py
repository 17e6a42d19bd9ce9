"""What the clinical stage did, in the words a paper would use."""

from collections.abc import Mapping
from typing import Any, Final

from benchside.report.methods_assay import Say
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.model import Convention


def ties_words(conventions: Convention | None) -> str:
    """Return whose handling of ties the conventions set."""
    return Conventions.of(conventions).ties(None).capitalize()


def limits_words(conventions: Convention | None) -> str:
    """Return on which scale the limits of a curve are by the conventions."""
    return Conventions.of(conventions).own_interval.WORD


def _stratified(settings: Mapping[str, Any]) -> str:
    return f" stratified by {', '.join(settings['strata'])}" if settings["strata"] else ""


def _derived(settings: Mapping[str, Any]) -> str:
    gap = (
        f", a gap of {settings['missed_visits']} or more visits of {settings['visit_every_days']} d being missed visits"
        if settings["rule"] == "FDA" and settings["visit_every_days"]
        else ""
    )
    return f"Times to event were derived from the assessments (ADRS) and subjects (ADSL) by {settings['rule']}'s rule{gap}; every time names the record its date is from."


def _cox(settings: Mapping[str, Any]) -> str:
    adjusted = f", adjusted for {', '.join(settings['covariates'])}" if settings["covariates"] else ""
    return f"Hazard ratios are from Cox regression{_stratified(settings)}{adjusted}, with {ties_words(settings['conventions'])}'s handling of ties and Wald limits (Firth's penalty, with profile limits, where the likelihood has no maximum)."


CLINICAL_SENTENCES: Final[Mapping[str, Say]] = {
    "clinical.derive_tte": _derived,
    "clinical.first_event": lambda _: "The first of CNS progression, other progression and death was derived from the overall and the brain's assessments; both on one day count as CNS.",
    "clinical.kaplan_meier": lambda settings: f"Survival was estimated by Kaplan-Meier with {limits_words(settings['conventions'])} limits.",
    "clinical.follow_up": lambda _: "Follow-up was estimated by reverse Kaplan-Meier.",
    "clinical.log_rank": lambda settings: f"Arms were compared by the log-rank test{_stratified(settings)}.",
    "clinical.cox": _cox,
    "clinical.proportional_hazards": lambda _: "Proportional hazards were tested by the score test on Kaplan-Meier-transformed time (Grambsch and Therneau 1994, in the exact form).",
    "clinical.restricted_mean": lambda _: "Restricted means are areas under the Kaplan-Meier curves to the last time at which every arm's curve is known, compared by difference and ratio.",
    "clinical.milestone": lambda _: "Survival at landmarks was compared on the scale of log(-log S) (Klein 2007), with limits of the difference by Zou and Donner (2008).",
    "clinical.subgroups": lambda _: "Subgroup hazard ratios are of separate models; interactions were tested by likelihood ratio.",
    "clinical.incidence_curve": lambda _: "Where causes compete, incidence is by Aalen and Johansen, with log-log limits on Gray's variance.",
    "clinical.gray_test": lambda settings: f"Incidences were compared by Gray's test{_stratified(settings)}.",
    "clinical.cause_specific": lambda _: "Cause-specific hazard ratios are from Cox regression with the other causes as censoring;",
    "clinical.fine_gray": lambda _: "subdistribution hazard ratios are Fine and Gray's.",
    "clinical.best_overall_response": lambda settings: f"Best overall response follows RECIST 1.1, {'confirmed after ' + str(settings['confirmation_days']) + ' d or more' if settings['confirmed'] else 'unconfirmed'}.",
    "clinical.objective_response": lambda _: "Response rates carry Clopper-Pearson limits;",
    "clinical.rate_difference": lambda _: "their differences Miettinen-Nurminen's and Newcombe's;",
    "clinical.cmh_test": lambda settings: f"arms were compared by the Cochran-Mantel-Haenszel test{_stratified(settings)}.",
    "clinical.adverse_events": lambda _: "Adverse events count subjects once a category and term, treatment-emergent events of the safety population where those flags are there.",
}  # fmt: skip
"""Verb -> the sentence on it, in the order a paper tells it."""
