"""The truths the clinical stage simulates from and must recover."""

import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.stage import Truth
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.analyse import Analysis
from benchside.stages.clinical.simulate import Hazard, log_ratio


def recovers_hazard_ratio(analysis: Analysis, settings: Mapping[str, Any]) -> bool:
    """Return whether the analysed hazard ratio lies within 3 standard errors of the true one (99.7 % of seeds do)."""
    row = analysis.cox.table.row(0, named=True)
    truth = log_ratio(settings["arms"][row["term"]], settings["arms"][settings["control"]])
    return bool(abs(row["coefficient"] - truth) <= 3 * row["se"])


def recovers_medians(analysis: Analysis, settings: Mapping[str, Any]) -> bool:
    """Return whether 99.7 % limits of every arm's curve at its true median hold one half."""
    found = []
    for arm, hazard in settings["arms"].items():
        at = kaplan_meier_at(analysis, arm, hazard.onset_months(math.log(2)))
        se = (at["upper"] - at["lower"]) / (2 * 1.959963984540054)
        found.append(abs(at["survival"] - 0.5) <= 3 * se)
    return all(found)


def kaplan_meier_at(analysis: Analysis, arm: str, time_months: float) -> dict[str, Any]:
    """Return one arm's curve at one time."""
    return analysis.kaplan_meier.at([time_months]).table.row(by_predicate=pl.col("arm") == arm, named=True)


_CONTROL: Final = Hazard.from_median(10.0)
_WANING: Final = Hazard((0.03, 0.09, 0.05), (4.0, 12.0))

_HALVED: Final = {"arms": {"control": _CONTROL, "treated": _CONTROL.times(0.5)}, "control": "control", "patients": 150}
_VISITS: Final = {"patients": 200, "visit_every_months": 56 / DAYS_PER_MONTH, "control": "control"}
_LESS: Final = {"arms": {"control": _WANING, "treated": _WANING.times(0.7)}}

TRUTHS: Final = (
    Truth("hazard ratio, exponential", {**_HALVED, "seed": 20170606}, recovers_hazard_ratio),
    Truth("hazard ratio, piecewise, 8-weekly visits", {**_LESS, **_VISITS, "seed": 7}, recovers_hazard_ratio),
    Truth("medians, exponential", {**_HALVED, "seed": 11, "censoring_months": (12.0, 36.0)}, recovers_medians),
)
