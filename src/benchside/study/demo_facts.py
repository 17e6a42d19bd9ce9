"""The verified facts the bundled trial is simulated from: published landmarks of ALEX, one row each, never one from memory."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Literal

import polars as pl

from benchside import evidence
from benchside.core.errors import NoEvidenceError
from benchside.stages.clinical.virtual.design import AdamDesign, Evaluator
from benchside.stages.clinical.virtual.truth import WITH, ArmTruth, Subgroup, expected_hazard_ratio

TRIAL: Final = "ALEX"
TREATED: Final = "alectinib"
CONTROL: Final = "crizotinib"
PRIMARY, FINAL_PFS, FIVE_YEARS, FINAL_OS = "2017-02-09", "2018-11-30", "2019-11-29", "2025-04-28"
"""Data cut-offs of the published analyses."""

WITH_CNS: Final = "baseline CNS mets"
MEASURABLE: Final = "measurable baseline CNS mets"
ANY_CNS: Final = "measurable+non-measurable baseline CNS mets"


@dataclass(frozen=True)
class Landmark:
    """A published number that the hazards are solved for."""

    quantity: Literal["survival", "median", "incidence", "alive", "hazard ratio", "deaths"]
    months: float
    """Time since randomisation; 0 where it is of all follow-up."""

    value: float
    """The published share, 0.5 at a median; or the hazard ratio, or the number of deaths."""

    evaluator: Evaluator = "INV"
    population: str = "ITT"

    def of(self, design: AdamDesign, arm: str) -> float:
        """Return what the tables of a design show here on average."""
        if self.quantity == "hazard ratio":
            return expected_hazard_ratio(design, TREATED, evaluator=self.evaluator, cut_off=date.fromisoformat(PRIMARY))
        truth = ArmTruth.of(design, arm)
        if self.quantity == "deaths":
            return truth.expected_deaths(design)
        subgroup: Subgroup = WITH if self.population == WITH_CNS else "all"
        if self.quantity == "incidence":
            return truth.cns_incidence(self.months, subgroup=subgroup)
        if self.quantity == "alive":
            return truth.alive(self.months, subgroup=subgroup)
        see = truth.smoothed if self.quantity == "median" else truth.progression_free
        return see(self.months, evaluator=self.evaluator, subgroup=subgroup)


@cache
def progression_landmarks(arm: str) -> tuple[Landmark, ...]:
    """Return the published landmarks that progression of an arm is solved for."""
    shared = (
        Landmark("survival", 12.0, published("PFS rate 12 mo", arm, "INV", PRIMARY) / 100),
        Landmark("incidence", 12.0, published("CNS progression cumulative incidence 12 mo", arm, "IRC", PRIMARY) / 100, "IRC"),
        Landmark("median", published("median PFS", arm, "IRC", PRIMARY), 0.5, "IRC"),
    )
    if arm == CONTROL:
        with_cns = published("median PFS", arm, "INV", PRIMARY, population=WITH_CNS)
        ratio = published("PFS HR", f"{TREATED} vs {CONTROL}", "INV", PRIMARY)
        return (*shared, Landmark("median", with_cns, 0.5, population=WITH_CNS), Landmark("hazard ratio", 0.0, ratio))
    return (
        *shared,
        Landmark("median", published("median PFS", arm, "INV", FINAL_PFS, population=WITH_CNS), 0.5, population=WITH_CNS),
        Landmark("median", published("median PFS", arm, "INV", FINAL_PFS), 0.5),
        Landmark("survival", 48.0, published("PFS rate 48 mo", arm, "INV", FINAL_PFS) / 100),
    )


@cache
def death_landmarks(arm: str) -> tuple[Landmark, ...]:
    """Return the published landmarks that death of an arm is solved for."""
    return (
        Landmark("alive", 60.0, published("OS rate 60 mo", arm, None, FIVE_YEARS) / 100),
        Landmark("alive", 84.0, published("OS rate 84 mo", arm, None, FINAL_OS) / 100),
        Landmark("alive", published("median OS", arm, None, FINAL_OS, population=WITH_CNS), 0.5, population=WITH_CNS),
    )


@cache
def death_counts(arm: str) -> tuple[Landmark, ...]:
    """Return the published number of deaths that dropout of an arm is solved for."""
    return (Landmark("deaths", 0.0, published("median OS", arm, None, FINAL_OS, column="events")),)


def published(
    endpoint: str, arm: str, assessment: str | None, cut_off: str, *, population: str = "ITT", column: str = "value"
) -> float:
    """Return one verified number of the trial's results."""
    rows = evidence.facts("clinical_results").filter(
        (pl.col("trial") == TRIAL) & (pl.col("endpoint") == endpoint) & (pl.col("arm") == arm) & (pl.col("data_cutoff") == cut_off)
        & (pl.col("population") == population) & pl.col("assessment").eq_missing(pl.lit(assessment))
    )  # fmt: skip
    return _only(rows, column, f"{endpoint} of {arm}")


def _only(rows: pl.DataFrame, column: str, words: str) -> float:
    verified = rows.filter(pl.col("verified") == "yes")
    if verified.height != 1 or verified[column][0] is None:
        message = f"the bundled trial needs one verified fact for {words} of {TRIAL}, and there are {verified.height}. Correct the fact tables."
        raise NoEvidenceError(message)
    return float(verified[column][0])


def design_row() -> dict[str, str]:
    """Return the trial's row of the designs."""
    return evidence.facts("trial_designs").row(by_predicate=pl.col("trial") == TRIAL, named=True)


def baseline(arm: str, characteristic: str, column: str = "value") -> float:
    """Return one verified number of who was in an arm."""
    rows = evidence.facts("baseline").filter(
        (pl.col("trial") == TRIAL) & (pl.col("arm") == arm) & (pl.col("characteristic") == characteristic)
    )
    return _only(rows, column, f"{characteristic} of {arm}")


def safety(arm: str) -> dict[tuple[str, str], float]:
    """Return the verified shares of patients with an event, by event and grade, of the primary analysis."""
    rows = evidence.facts("safety").filter(
        (pl.col("trial") == TRIAL) & (pl.col("arm") == arm) & (pl.col("data_cutoff") == PRIMARY) & (pl.col("verified") == "yes")
    )
    return {(row["event"], row["grade"]): float(row["value"]) / 100 for row in rows.iter_rows(named=True)}
