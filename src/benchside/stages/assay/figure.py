"""Figures of the assay stage, as Altair charts: data, bands and axes with units; nothing is drawn here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchside.stages.assay.figure_combination import combination_surface
from benchside.stages.assay.figure_courses import growth_courses
from benchside.stages.assay.figure_curves import curve_pages, curves
from benchside.stages.assay.figure_fold import fold_forest
from benchside.stages.assay.figure_inhibition import inhibition_grids
from benchside.stages.assay.figure_lines import curve_lines
from benchside.stages.assay.figure_plate import plate, plates
from benchside.stages.assay.figure_variants import variant_map

__all__ = [
    "FIGURES",
    "combination_surface",
    "curve_lines",
    "curve_pages",
    "curves",
    "fold_forest",
    "growth_courses",
    "inhibition_grids",
    "plate",
    "plates",
    "variant_map",
]

FIGURES: Final[Mapping[str, Callable[..., Any]]] = {
    "curves": curves,
    "curve_pages": curve_pages,
    "plate": plate,
    "plates": plates,
    "fold_forest": fold_forest,
    "variant_map": variant_map,
    "combination_surface": combination_surface,
    "inhibition_grids": inhibition_grids,
    "growth_courses": growth_courses,
}
