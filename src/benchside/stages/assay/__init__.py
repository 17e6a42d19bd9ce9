"""The assay stage, which asks how potent a compound is, in a cell-free kinase assay or on living cells.

Reads wells of plates, judges the plates, normalises to the vehicle, fits curves at their global optimum, and hands on potencies.
"""

from benchside.stages.assay.analyse.fit import fit
from benchside.stages.assay.analyse.growth_rate import GrowthRateInhibition, growth_rate_inhibition
from benchside.stages.assay.analyse.normalise import normalise
from benchside.stages.assay.analyse.potency import potency
from benchside.stages.assay.analyse.quality import quality
from benchside.stages.assay.model import LL4, Delta, Fits, FitStatus, ProfileLikelihood, Quality, ResponseTable, WellTable
from benchside.stages.assay.read import read, read_responses
from benchside.stages.assay.simulate import TrueCurve, simulate

__all__ = [
    "LL4",
    "Delta",
    "FitStatus",
    "Fits",
    "GrowthRateInhibition",
    "ProfileLikelihood",
    "Quality",
    "ResponseTable",
    "TrueCurve",
    "WellTable",
    "fit",
    "growth_rate_inhibition",
    "normalise",
    "potency",
    "quality",
    "read",
    "read_responses",
    "simulate",
]
