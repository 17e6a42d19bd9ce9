"""Resistance: what escapes, and what next? Research use only."""

from benchside.stages.resistance.analyse.call import ALK_INHIBITORS, Calls, call
from benchside.stages.resistance.analyse.cells import coverage_class
from benchside.stages.resistance.analyse.clone_growth import CloneGrowth, clone_growth
from benchside.stages.resistance.analyse.compare_spectra import SpectraTest, compare_spectra
from benchside.stages.resistance.analyse.folds import fold_class
from benchside.stages.resistance.analyse.next_line import NextLine, next_line
from benchside.stages.resistance.analyse.spectrum import Spectrum, cohort, spectrum
from benchside.stages.resistance.analyse.summary import Summary, analyse
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.notice import NOTICE
from benchside.stages.resistance.read import read_variants
from benchside.stages.resistance.simulate import simulate
from benchside.stages.resistance.sources import CoverageSource, use_coverage

read = read_variants

__all__ = [
    "ALK_INHIBITORS",
    "NOTICE",
    "Calls",
    "CloneGrowth",
    "CoverageSource",
    "NextLine",
    "SpectraTest",
    "Spectrum",
    "Summary",
    "VariantTable",
    "analyse",
    "call",
    "clone_growth",
    "cohort",
    "compare_spectra",
    "coverage_class",
    "fold_class",
    "next_line",
    "read",
    "read_variants",
    "simulate",
    "spectrum",
    "use_coverage",
]
