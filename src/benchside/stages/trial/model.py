"""The stage's nouns: the sketch's parameters, the events of virtual patients, and a run of virtual trials."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import ClassVar, Final

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.tables import FLAG, FLOAT, INTEGER, TEXT, Column, TypedTable
from benchside.stages.trial.predict import Predictions, predict

NOTE: Final = "sketch: not calibrated"
"""What stands at the head of every table and figure of this stage until an ensemble is calibrated."""

RESISTANT: Final[Mapping[str, str]] = {"alectinib": "G1202R", "crizotinib": "G1269A"}
"""The one variant each drug leaves standing in the sketch; see the fact table resistance_spectrum, R001 and R048."""


@dataclass(frozen=True)
class SketchParameters:
    """Every number the sketch rests on besides potency and exposure; value, unit, source and status in `parameters.tsv`."""

    division_per_day: float
    net_growth_per_day: float
    net_growth_sd_log: float
    kill_max_per_day: float
    resistant_fraction: float
    resistant_fraction_sd_log: float
    body_diameter_mm: float
    body_diameter_sd_log: float
    brain_diameter_mm: float
    brain_diameter_sd_log: float
    micrometastasis_chance: float
    micrometastasis_smallest_mm: float
    brain_detectable_mm: float
    progression_fold: float
    progression_increase_mm: float
    death_per_month: float
    dropout_per_month: float


@cache
def parameter_table() -> pl.DataFrame:
    """Return the sketch's parameters: ``name, value, unit, status, source, note``; status is assumed, derived or memory."""
    text = (files("benchside.stages.trial") / "parameters.tsv").read_bytes()
    return pl.read_csv(text, separator="\t", schema_overrides={"value": pl.Float64})


@cache
def sketch_parameters() -> SketchParameters:
    """Return the shipped values of the sketch's parameters.

    Examples
    --------
    >>> sketch_parameters().kill_max_per_day
    0.04
    """
    values = dict(parameter_table().select("name", "value").iter_rows())
    return SketchParameters(**{each.name: float(values[each.name]) for each in fields(SketchParameters)})


@dataclass(frozen=True)
class TrialRun(TypedTable):
    """Events of the virtual patients of many replicates of one trial: one row a patient."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "replicate": Column(INTEGER, "virtual trial, from 0", required=True),
        "patient": Column(INTEGER, "patient of the run, from 0; its draws depend on this and the seed alone", required=True),
        "arm": Column(TEXT, "the arm", required=True),
        "control": Column(FLAG, "whether the arm is the control", required=True),
        "cns_baseline": Column(FLAG, "brain metastases known at entry"),
        "time_months": Column(FLOAT, "to progression, death or censoring", required=True),
        "event": Column(INTEGER, "1 progression or death, 0 censored", required=True),
        "cns_time_months": Column(FLOAT, "to the first of brain progression and anything else", required=True),
        "cns_event": Column(INTEGER, "1 brain progression first, 2 other progression or death first, 0 censored", required=True),
    }  # fmt: skip
    NOUN: ClassVar[str] = "table of virtual events"
    KIND: ClassVar[str] = "virtual-events"

    note: str = field(default=NOTE, compare=False)

    def check(self) -> None:
        """Refuse anything but two arms, unequal replicates, and times or codes that cannot be."""
        arms = self.table.select("arm", "control").unique()
        if arms.height != 2 or arms["control"].sum() != 1:
            message = (
                f"table of virtual events: it needs two arms, one of them the control; it has "
                f"{listed(arms['arm'].sort())}. Keep two arms and mark one as control."
            )
            raise TableError(message)
        sizes = self.table.group_by("replicate").len()["len"].unique()
        if sizes.len() > 1:
            message = f"table of virtual events: replicates have {listed(sizes.sort())} patients. Give each as many."
            raise TableError(message)
        bad = self.table.filter(
            ~pl.col("time_months").is_finite()
            | (pl.col("time_months") < 0)
            | ~pl.col("event").is_in([0, 1])
            | ~pl.col("cns_event").is_in([0, 1, 2])
        )
        if bad.height:
            message = (
                f"table of virtual events: patient {bad['patient'][0]} has time {bad['time_months'][0]} months, event "
                f"{bad['event'][0]}, cns_event {bad['cns_event'][0]}. Times are 0 or more, event 0 or 1, cns_event 0, 1 or 2."
            )
            raise TableError(message)

    def predict(self, level: float = 0.95) -> Predictions:
        """Return what these virtual trials predict, with prediction intervals over the replicates."""
        return predict(self.table, level=level)
