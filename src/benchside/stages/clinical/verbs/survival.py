"""Survival in a study: curves, landmarks, tests and ratios of one endpoint."""

from typing import Final

import polars as pl

from benchside.core.evidence import Quantity
from benchside.core.stage import Inputs, Product, Verb
from benchside.stages.clinical.analyse.cox import Cox, cox
from benchside.stages.clinical.analyse.follow_up import FollowUp, follow_up
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, Landmarks, kaplan_meier
from benchside.stages.clinical.analyse.log_rank import LogRank, log_rank
from benchside.stages.clinical.analyse.milestone import Milestones, milestone
from benchside.stages.clinical.analyse.proportional_hazards import ProportionalHazards, proportional_hazards
from benchside.stages.clinical.analyse.restricted_mean import RestrictedMean, restricted_mean
from benchside.stages.clinical.analyse.subgroups import Subgroups, subgroups
from benchside.stages.clinical.verbs.common import Settings, about_all, about_arms, events_of, where_compared

CURVE_KEY: Final = ("arm", "time_months", "at_risk", "n_event", "n_censor")
RMST_QUANTITIES: Final = (
    Quantity("restricted mean", "value", "", lower="lower", upper="upper", n="n", named_by="quantity", unit_by="unit"),
)


def run_kaplan_meier(inputs: Inputs, settings: Settings) -> Product:
    """Estimate median and events of every arm."""
    found = kaplan_meier(events_of(inputs, settings), conventions=settings["conventions"])
    return about_arms(inputs, found.table, settings)


def run_curve(inputs: Inputs, settings: Settings) -> Product:
    """Return every step of every arm's curve: what the figure is drawn from."""
    found = kaplan_meier(events_of(inputs, settings), conventions=settings["conventions"])
    return about_all(inputs, found.curve, settings)


def run_survival_at(inputs: Inputs, settings: Settings) -> Product:
    """Read survival of every arm at the landmarks."""
    found = kaplan_meier(events_of(inputs, settings), conventions=settings["conventions"])
    return about_arms(inputs, found.at(settings["times_months"]).table, settings)


def run_milestone(inputs: Inputs, settings: Settings) -> Product:
    """Compare survival at the landmarks with the control's."""
    return about_all(inputs, milestone(events_of(inputs, settings), settings["times_months"]).table, settings)


def run_log_rank(inputs: Inputs, settings: Settings) -> Product:
    """Test whether the arms differ."""
    return about_all(inputs, log_rank(events_of(inputs, settings)).table, settings)


def run_cox(inputs: Inputs, settings: Settings) -> Product:
    """Estimate the hazard ratio of each arm against the control, adjusted for covariates where there are any."""
    found = cox(
        events_of(inputs, settings),
        covariates=settings["covariates"],
        penalty="if needed",
        conventions=settings["conventions"],
    )
    return about_all(inputs, found.named(), settings)


def run_subgroups(inputs: Inputs, settings: Settings) -> Product:
    """Estimate the hazard ratio in subgroups, each with the test of its interaction."""
    found = subgroups(events_of(inputs, settings), settings["by"], conventions=settings["conventions"])
    return about_all(inputs, found.named(), settings)


def run_follow_up(inputs: Inputs, settings: Settings) -> Product:
    """Estimate how long every arm was followed, by the reverse Kaplan-Meier method."""
    return about_all(inputs, follow_up(events_of(inputs, settings), conventions=settings["conventions"]).table, settings)


def run_proportional_hazards(inputs: Inputs, settings: Settings) -> Product:
    """Test whether the hazard ratio stays the same over time."""
    found = proportional_hazards(
        events_of(inputs, settings), covariates=settings["covariates"], conventions=settings["conventions"]
    )
    return about_all(inputs, found.table, settings)


def run_schoenfeld(inputs: Inputs, settings: Settings) -> Product:
    """Return the residual of every event: what the figure of the hazard ratio over time is drawn from."""
    found = proportional_hazards(
        events_of(inputs, settings), covariates=settings["covariates"], conventions=settings["conventions"]
    )
    numbered = found.residuals.with_columns(number=pl.int_range(pl.len()).over("term"))
    return about_all(inputs, numbered, settings)


def run_restricted_mean(inputs: Inputs, settings: Settings) -> Product:
    """Compare the arms by the area under their curves."""
    return about_all(inputs, restricted_mean(events_of(inputs, settings)).table, settings)


CURVES: Final = (
    Verb(
        "clinical.kaplan_meier", "2", run_kaplan_meier, kind="survival", key=KaplanMeier.KEY, quantities=KaplanMeier.QUANTITIES
    ),
    Verb("clinical.curve", "2", run_curve, kind="survival_curve", key=CURVE_KEY),
    Verb("clinical.survival_at", "2", run_survival_at, kind="landmarks", key=Landmarks.KEY, quantities=Landmarks.QUANTITIES),
    Verb("clinical.follow_up", "2", run_follow_up, kind="follow_up", key=FollowUp.KEY, quantities=FollowUp.QUANTITIES),
)  # fmt: skip
COMPARISONS: Final = (
    Verb("clinical.milestone", "1", run_milestone, kind="milestones", key=Milestones.KEY, quantities=Milestones.QUANTITIES),
    Verb("clinical.log_rank", "2", run_log_rank, kind="log_rank", quantities=LogRank.QUANTITIES),
    Verb("clinical.cox", "2", run_cox, kind="cox", key=Cox.KEY, quantities=Cox.QUANTITIES),
    Verb("clinical.subgroups", "1", run_subgroups, kind="subgroups", key=Subgroups.KEY, quantities=Subgroups.QUANTITIES),
    Verb(
        "clinical.proportional_hazards", "2", run_proportional_hazards, kind="proportional_hazards",
        key=ProportionalHazards.KEY, quantities=ProportionalHazards.QUANTITIES,
    ),
    Verb("clinical.schoenfeld", "1", run_schoenfeld, kind="residuals", key=("term", "number")),
    Verb(
        "clinical.restricted_mean", "3", run_restricted_mean, kind="restricted_mean", key=RestrictedMean.KEY,
        quantities=RMST_QUANTITIES,
    ),
)  # fmt: skip
SURVIVAL: Final = (*CURVES, *(where_compared(verb) for verb in COMPARISONS))
"""Verbs of every endpoint."""
