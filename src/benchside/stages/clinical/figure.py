"""Figures of the clinical stage, as Altair charts of the tables that the verbs return; nothing is drawn here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchside.core.figure import DASHES, OKABE_ITO
from benchside.stages.clinical.figures.forest import subgroup_forest
from benchside.stages.clinical.figures.hazards import log_log_chart, schoenfeld_chart
from benchside.stages.clinical.figures.incidence import cumulative_incidence_chart
from benchside.stages.clinical.figures.parts import at_risk_at, time_ticks
from benchside.stages.clinical.figures.spider import spider, tumour_changes
from benchside.stages.clinical.figures.survival import kaplan_meier_chart
from benchside.stages.clinical.figures.swimmer import swimmer
from benchside.stages.clinical.figures.waterfall import waterfall

__all__ = [
    "DASHES",
    "FIGURES",
    "OKABE_ITO",
    "at_risk_at",
    "cumulative_incidence_chart",
    "kaplan_meier_chart",
    "log_log_chart",
    "schoenfeld_chart",
    "spider",
    "subgroup_forest",
    "swimmer",
    "time_ticks",
    "tumour_changes",
    "waterfall",
]

FIGURES: Final[Mapping[str, Callable[..., Any]]] = {
    "kaplan_meier": kaplan_meier_chart,
    "cumulative_incidence": cumulative_incidence_chart,
    "subgroup_forest": subgroup_forest,
    "waterfall": waterfall,
    "spider": spider,
    "swimmer": swimmer,
    "log_log": log_log_chart,
    "schoenfeld": schoenfeld_chart,
}
