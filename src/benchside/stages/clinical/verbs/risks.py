"""Competing risks in a study: incidence of the cause of interest, its tests and its two hazard ratios, side by side."""

from typing import Final

import polars as pl

from benchside.core.evidence import Quantity
from benchside.core.stage import Inputs, Product, Verb
from benchside.stages.clinical.analyse.cause_specific import CauseSpecific, cause_specific
from benchside.stages.clinical.analyse.cumulative_incidence import CumulativeIncidence, Incidences, cumulative_incidence
from benchside.stages.clinical.analyse.fine_gray import FineGray, fine_gray
from benchside.stages.clinical.analyse.gray import GrayTest, gray_test
from benchside.stages.clinical.verbs.common import Settings, about_all, about_arms, events_of, where_compared

CURVE_KEY: Final = ("arm", "cause", "time_months", "at_risk", "n_event", "n_other")


def run_incidence_curve(inputs: Inputs, settings: Settings) -> Product:
    """Return every step of every arm's incidence of the cause: what the figure is drawn from."""
    found = cumulative_incidence(events_of(inputs, settings), cause=settings["cause"], conventions=settings["conventions"])
    return about_all(inputs, found.table, settings)


def run_incidence_at(inputs: Inputs, settings: Settings) -> Product:
    """Read the incidence of the cause at the landmarks."""
    found = cumulative_incidence(events_of(inputs, settings), cause=settings["cause"], conventions=settings["conventions"])
    return about_arms(inputs, found.at(settings["times_months"]).table, settings)


def run_first_events(inputs: Inputs, settings: Settings) -> Product:
    """Count the subjects of every arm in whom the cause came first: a share of patients over all follow-up, not an incidence."""
    found = cumulative_incidence(events_of(inputs, settings), cause=settings["cause"], conventions=settings["conventions"])
    return about_arms(inputs, found.summary.with_columns(share=pl.col("events") / pl.col("n")), settings)


def run_gray(inputs: Inputs, settings: Settings) -> Product:
    """Test whether the incidence of the cause differs between the arms."""
    return about_all(inputs, gray_test(events_of(inputs, settings), cause=settings["cause"]).table, settings)


def run_cause_specific(inputs: Inputs, settings: Settings) -> Product:
    """Estimate the hazard ratio of the cause among those still free of every cause."""
    found = cause_specific(events_of(inputs, settings), cause=settings["cause"], conventions=settings["conventions"])
    return about_all(inputs, found.named(), settings)


def run_fine_gray(inputs: Inputs, settings: Settings) -> Product:
    """Estimate the ratio of subdistribution hazards of the cause."""
    found = fine_gray(events_of(inputs, settings), cause=settings["cause"], conventions=settings["conventions"])
    return about_all(inputs, found.named(), settings)


RISKS: Final = (
    Verb("clinical.incidence_curve", "1", run_incidence_curve, kind="incidence_curve", key=CURVE_KEY),
    Verb(
        "clinical.incidence_at", "1", run_incidence_at, kind="incidences", key=Incidences.KEY, quantities=CumulativeIncidence.QUANTITIES,
    ),
    Verb(
        "clinical.first_events", "1", run_first_events, kind="first_events", key=("arm", "cause"),
        quantities=(Quantity("first_event_share", value="share", unit="fraction", n="n"),),
    ),
    *(where_compared(verb) for verb in (
    Verb("clinical.gray_test", "1", run_gray, kind="gray", key=GrayTest.KEY, quantities=GrayTest.QUANTITIES),
    Verb(
        "clinical.cause_specific", "1", run_cause_specific, kind="cause_specific", key=CauseSpecific.KEY,
        quantities=CauseSpecific.QUANTITIES,
    ),
    Verb("clinical.fine_gray", "1", run_fine_gray, kind="fine_gray", key=FineGray.KEY, quantities=FineGray.QUANTITIES),
    )),
)  # fmt: skip
"""Verbs of endpoints whose causes compete."""
