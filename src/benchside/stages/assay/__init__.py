"""The assay stage, which asks how potent a compound is, in a cell-free kinase assay or on living cells.

Reads wells of plates, judges the plates, normalises to the vehicle, fits curves at their global optimum, and works out what the
potencies mean: fold shifts, inhibition constants, modes of inhibition, windows, selectivity, combinations, growth and proliferation rates.
Figures are in `benchside.stages.assay.figure`, apart from here, so that analysing does not import what draws.
"""

from benchside.stages.assay.analyse.cells.day_zero import day_zero
from benchside.stages.assay.analyse.cells.dip import DipRates, dip_rates
from benchside.stages.assay.analyse.cells.growth_rate import GrowthRateInhibition, growth_rate_inhibition
from benchside.stages.assay.analyse.cells.window import TargetWindow, target_window
from benchside.stages.assay.analyse.curves.families import Families, compare_curves
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.curves.outliers import Outliers, outliers
from benchside.stages.assay.analyse.curves.potency import potency
from benchside.stages.assay.analyse.curves.ratio import PotencyRatio, potency_ratio
from benchside.stages.assay.analyse.enzymes.constants import InhibitionConstants, ki
from benchside.stages.assay.analyse.enzymes.initial_rate import InitialRate, initial_rate
from benchside.stages.assay.analyse.enzymes.mode import InhibitionMode, mode_of_inhibition
from benchside.stages.assay.analyse.enzymes.morrison import MorrisonFits, morrison
from benchside.stages.assay.analyse.enzymes.selectivity import Selectivity, selectivity
from benchside.stages.assay.analyse.pairs.combination import Combination, combination
from benchside.stages.assay.analyse.pairs.table import CombinationTable
from benchside.stages.assay.analyse.plates.b_score import BScore, b_score
from benchside.stages.assay.analyse.plates.exchange import ExchangeRules
from benchside.stages.assay.analyse.plates.normalise import normalise
from benchside.stages.assay.analyse.plates.pattern import PlatePattern, plate_pattern
from benchside.stages.assay.analyse.plates.quality import quality
from benchside.stages.assay.analyse.plates.verdict import QualityRules
from benchside.stages.assay.curves import LL3, LL4, LL5, Bootstrap, Delta, FitStatus, ProfileLikelihood
from benchside.stages.assay.model import Fits, Quality, ResponseTable, WellTable
from benchside.stages.assay.read import TimeCourse, preview, read, read_responses, read_time_course
from benchside.stages.assay.simulate import TrueCurve, simulate
from benchside.stages.assay.simulate_design import PlateDesign
from benchside.stages.assay.simulate_faults import Faults
from benchside.stages.assay.stream import fit_files

__all__ = [
    "LL3",
    "LL4",
    "LL5",
    "BScore",
    "Bootstrap",
    "Combination",
    "CombinationTable",
    "Delta",
    "DipRates",
    "ExchangeRules",
    "Families",
    "Faults",
    "FitStatus",
    "Fits",
    "GrowthRateInhibition",
    "InhibitionConstants",
    "InhibitionMode",
    "InitialRate",
    "MorrisonFits",
    "Outliers",
    "PlateDesign",
    "PlatePattern",
    "PotencyRatio",
    "ProfileLikelihood",
    "Quality",
    "QualityRules",
    "ResponseTable",
    "Selectivity",
    "TargetWindow",
    "TimeCourse",
    "TrueCurve",
    "WellTable",
    "b_score",
    "combination",
    "compare_curves",
    "day_zero",
    "dip_rates",
    "fit",
    "fit_files",
    "growth_rate_inhibition",
    "initial_rate",
    "ki",
    "mode_of_inhibition",
    "morrison",
    "normalise",
    "outliers",
    "plate_pattern",
    "potency",
    "potency_ratio",
    "preview",
    "quality",
    "read",
    "read_responses",
    "read_time_course",
    "selectivity",
    "simulate",
    "target_window",
]
