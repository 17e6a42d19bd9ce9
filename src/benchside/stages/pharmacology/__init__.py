"""Pharmacology: how much free drug reaches the target, in the body and in the brain."""

from benchside.stages.pharmacology.analyse import ConcentrationSummary, nca
from benchside.stages.pharmacology.compound import Compound, compound, compounds, facts_used
from benchside.stages.pharmacology.course import ConcentrationCourse, Step, course
from benchside.stages.pharmacology.coverage import Coverage
from benchside.stages.pharmacology.coverage_draws import CoverageDraws, coverage_draws, coverage_of
from benchside.stages.pharmacology.door import coverage
from benchside.stages.pharmacology.exposure import active_sum, exposure
from benchside.stages.pharmacology.model import ConcentrationTable, Parameters, Regimen, active_moieties, parameters
from benchside.stages.pharmacology.nonmem import nonmem_table
from benchside.stages.pharmacology.population import Population, population
from benchside.stages.pharmacology.potencies import as_potency, published_potencies
from benchside.stages.pharmacology.published import exposure_response, published_exposures
from benchside.stages.pharmacology.read import read
from benchside.stages.pharmacology.read_events import Events, read_events
from benchside.stages.pharmacology.sensitivity import sensitivity
from benchside.stages.pharmacology.simulate import simulate
from benchside.stages.pharmacology.user_compound import load_compound

analyse = nca

__all__ = [
    "Compound",
    "ConcentrationCourse",
    "ConcentrationSummary",
    "ConcentrationTable",
    "Coverage",
    "CoverageDraws",
    "Events",
    "Parameters",
    "Population",
    "Regimen",
    "Step",
    "active_moieties",
    "active_sum",
    "analyse",
    "as_potency",
    "compound",
    "compounds",
    "course",
    "coverage",
    "coverage_draws",
    "coverage_of",
    "exposure",
    "exposure_response",
    "facts_used",
    "load_compound",
    "nca",
    "nonmem_table",
    "parameters",
    "population",
    "published_exposures",
    "published_potencies",
    "read",
    "read_events",
    "sensitivity",
    "simulate",
]
