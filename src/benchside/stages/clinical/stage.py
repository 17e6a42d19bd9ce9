"""The clinical stage as a value: its settings, its verbs and the tasks it asks a study for."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, field_validator

from benchside.core.errors import TableError, listed
from benchside.core.evidence import Quantity
from benchside.core.exchange import EventTable
from benchside.core.stage import (
    Files,
    From,
    Inputs,
    Product,
    Stage,
    StageContext,
    Task,
    Truth,
    Verb,
    lineage_by,
    lineage_of,
)
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.analyse import Analysis, analyse
from benchside.stages.clinical.analyse.cox import Cox, cox
from benchside.stages.clinical.analyse.follow_up import FollowUp, follow_up
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, Landmarks, kaplan_meier
from benchside.stages.clinical.analyse.log_rank import LogRank, log_rank
from benchside.stages.clinical.analyse.proportional_hazards import ProportionalHazards, proportional_hazards
from benchside.stages.clinical.analyse.restricted_mean import RestrictedMean, restricted_mean
from benchside.stages.clinical.read import read, recognise
from benchside.stages.clinical.simulate import Hazard, log_ratio, simulate

COX_QUANTITIES: Final = tuple(
    # The study's models have arms as their only terms, so that plain names are enough.
    quantity.__class__(quantity.name, quantity.value, quantity.unit, quantity.lower, quantity.upper, n=quantity.n)
    for quantity in Cox.QUANTITIES
)

RMST_QUANTITIES: Final = (
    Quantity("restricted mean", "value", "", lower="lower", upper="upper", n="n", named_by="quantity", unit_by="unit"),
)


class ClinicalSettings(BaseModel):
    """The `[clinical]` section of study.toml: one table of subjects and one endpoint of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    """The table, relative to the study folder."""

    time: str
    time_unit: str
    event: str
    arm: str
    control: str
    strata: list[str] = []
    """Columns that stratify the log-rank test and Cox regression."""

    where: dict[str, str | int | float] = {}
    """Keep the rows whose column equals a value."""

    endpoint: str = "PFS"
    title: str = ""
    landmarks_months: list[float] = []
    """Times at which survival is reported."""

    @field_validator("landmarks_months")
    @classmethod
    def _no_time_before_the_start(cls, times: list[float]) -> list[float]:
        if any(not time >= 0 for time in times):
            message = "a landmark is a time of 0 or more months"
            raise ValueError(message)
        return times


def _events(inputs: Inputs, settings: Mapping[str, Any]) -> EventTable:
    return EventTable(
        inputs.stack("events").drop("_input", "_row"), control=settings["control"], strata=tuple(settings["strata"])
    )


def _every_row(inputs: Inputs) -> pl.DataFrame:
    return lineage_of((None, number, None) for number in inputs.numbers["events"])


def _by_arm(inputs: Inputs, table: pl.DataFrame) -> pl.DataFrame:
    return lineage_by(inputs.stack("events"), ["arm"], table)


def _with_endpoint(table: pl.DataFrame, settings: Mapping[str, Any]) -> pl.DataFrame:
    return table.with_columns(endpoint=pl.lit(settings["endpoint"]))


def run_read(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Read the file; each row names its own row of the file in `source_ref`, so lineage goes no further."""
    columns = {name: settings[name] for name in ("time", "time_unit", "event", "arm", "control", "strata", "where")}
    (path,) = inputs.files["events"]
    events = read(path, root=inputs.root, **columns)
    if len(events.arms) < 2:
        message = f"{events.label}: the only arm is {listed(events.arms)}, and a comparison needs two. Correct the arm column or the filter."
        raise TableError(message)
    return Product(events.table, lineage_of([]))


def run_kaplan_meier(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Estimate median and events of every arm."""
    table = kaplan_meier(_events(inputs, settings)).table
    return Product(_with_endpoint(table, settings), _by_arm(inputs, table))


def run_curve(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Return every step of every arm's curve: what the figure is drawn from."""
    table = kaplan_meier(_events(inputs, settings)).curve
    return Product(_with_endpoint(table, settings), _every_row(inputs))


def run_survival_at(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Read survival of every arm at the landmarks."""
    table = kaplan_meier(_events(inputs, settings)).at(settings["times_months"]).table
    return Product(_with_endpoint(table, settings), _by_arm(inputs, table))


def run_log_rank(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Test whether the arms differ."""
    return Product(_with_endpoint(log_rank(_events(inputs, settings)).table, settings), _every_row(inputs))


def run_cox(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Estimate the hazard ratio of each arm against the control."""
    return Product(_with_endpoint(cox(_events(inputs, settings)).table, settings), _every_row(inputs))


def run_follow_up(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Estimate how long every arm was followed, by the reverse Kaplan-Meier method."""
    table = follow_up(_events(inputs, settings)).table
    return Product(_with_endpoint(table, settings), _every_row(inputs))


def run_proportional_hazards(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Test whether the hazard ratio stays the same over time."""
    return Product(_with_endpoint(proportional_hazards(_events(inputs, settings)).table, settings), _every_row(inputs))


def run_restricted_mean(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Compare the arms by the area under their curves."""
    return Product(_with_endpoint(restricted_mean(_events(inputs, settings)).table, settings), _every_row(inputs))


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb("clinical.follow_up", "1", run_follow_up, kind="follow_up", key=FollowUp.KEY, quantities=FollowUp.QUANTITIES),
        Verb(
            "clinical.proportional_hazards",
            "1",
            run_proportional_hazards,
            kind="proportional_hazards",
            key=ProportionalHazards.KEY,
            quantities=ProportionalHazards.QUANTITIES,
        ),
        Verb(
            "clinical.restricted_mean",
            "1",
            run_restricted_mean,
            kind="restricted_mean",
            key=RestrictedMean.KEY,
            quantities=RMST_QUANTITIES,
        ),
        Verb("clinical.read", "1", run_read, kind="events", key=("source_ref",)),
        Verb(
            "clinical.kaplan_meier",
            "1",
            run_kaplan_meier,
            kind="survival",
            key=KaplanMeier.KEY,
            quantities=KaplanMeier.QUANTITIES,
        ),
        Verb(
            "clinical.curve",
            "1",
            run_curve,
            kind="survival_curve",
            key=("arm", "time_months", "at_risk", "n_event", "n_censor"),
        ),
        Verb(
            "clinical.survival_at",
            "1",
            run_survival_at,
            kind="landmarks",
            key=Landmarks.KEY,
            quantities=Landmarks.QUANTITIES,
        ),
        Verb("clinical.log_rank", "1", run_log_rank, kind="log_rank", quantities=LogRank.QUANTITIES),
        Verb("clinical.cox", "1", run_cox, kind="cox", key=Cox.KEY, quantities=COX_QUANTITIES),
    )
}


def plan(settings: ClinicalSettings, context: StageContext) -> Sequence[Task]:
    """Return the tasks of the stage: read, then curves, test and hazard ratio."""
    columns = settings.model_dump(include={"time", "time_unit", "event", "arm", "control", "strata", "where"})
    design = {"control": settings.control, "strata": settings.strata, "endpoint": settings.endpoint}
    events = (From("events", ("clinical.read",)),)
    tasks = [
        Task(
            "clinical.read",
            "clinical.read",
            (Files("events", (context.root / context.match([settings.file])[0],)),),
            columns,
            gives="events",
        )
    ]
    tasks += [
        Task(name, name, events, design)
        for name in (
            "clinical.kaplan_meier",
            "clinical.curve",
            "clinical.log_rank",
            "clinical.cox",
            "clinical.proportional_hazards",
            "clinical.restricted_mean",
            "clinical.follow_up",
        )
    ]
    if settings.landmarks_months:
        tasks.append(
            Task(
                "clinical.survival_at",
                "clinical.survival_at",
                events,
                {**design, "times_months": settings.landmarks_months},
            )
        )
    return tasks


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


STAGE: Final = Stage(
    name="clinical",
    question="does it help patients?",
    recognise=recognise,
    read=read,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.clinical.figure",
    settings=ClinicalSettings,
    verbs=VERBS,
    plan=plan,
)
"""What the study knows of this stage."""

__all__ = ["STAGE", "ClinicalSettings"]
