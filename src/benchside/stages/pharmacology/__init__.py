"""Pharmacology: how much free drug reaches the target, in the body and in the brain."""

from benchside.stages.pharmacology.analyse import ConcentrationSummary, nca
from benchside.stages.pharmacology.coverage import Coverage, coverage
from benchside.stages.pharmacology.exposure import active_sum, exposure
from benchside.stages.pharmacology.model import ConcentrationTable, Parameters, Regimen, active_moieties, parameters
from benchside.stages.pharmacology.read import read
from benchside.stages.pharmacology.simulate import simulate

analyse = nca

__all__ = [
    "ConcentrationSummary",
    "ConcentrationTable",
    "Coverage",
    "Parameters",
    "Regimen",
    "active_moieties",
    "active_sum",
    "analyse",
    "coverage",
    "exposure",
    "nca",
    "parameters",
    "read",
    "simulate",
]
