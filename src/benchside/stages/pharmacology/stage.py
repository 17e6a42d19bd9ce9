"""The stage as a value: its verbs, settings and the tasks it asks the study for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from benchside.core.evidence import Quantity
from benchside.core.exchange import Exposure, Potency
from benchside.core.stage import From, Inputs, Port, Product, Stage, StageContext, Task, Truth, Verb, lineage_by, lineage_of
from benchside.stages.pharmacology.analyse import nca
from benchside.stages.pharmacology.compound import facts_used
from benchside.stages.pharmacology.coverage import SCHEMA as COVERAGE_SCHEMA
from benchside.stages.pharmacology.coverage import Coverage, coverage
from benchside.stages.pharmacology.coverage_draws import SCHEMA as DRAWS_SCHEMA
from benchside.stages.pharmacology.coverage_draws import CoverageDraws, coverage_draws
from benchside.stages.pharmacology.exposure import active_sum, exposure
from benchside.stages.pharmacology.model import Regimen, active_moieties, parameters
from benchside.stages.pharmacology.read import read, recognise
from benchside.stages.pharmacology.simulate import simulate

PLACES: Final[tuple[tuple[Literal["plasma", "cns"], Literal["total", "free"]], ...]] = (
    ("plasma", "total"),
    ("plasma", "free"),
    ("cns", "free"),
)


FIRST_MODELLED: Final = frozenset({"alectinib", "crizotinib"})
"""Compounds of one compartment and zero-order absorption, whose parameters are read as such."""


class PharmacologySettings(BaseModel):
    """The section [pharmacology] of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regimens: tuple[Regimen, ...] = (
        Regimen(compound="alectinib", dose_mg=600, every_h=12),
        Regimen(compound="crizotinib", dose_mg=250, every_h=12),
    )
    serum_fraction: float | None = Field(default=None, ge=0, le=1)
    """Serum in the assay medium where a potency row does not say; there is no other default."""

    draws: int = Field(default=1000, ge=100)
    """Patients and parameters drawn for the intervals of coverage."""


def run_exposure(_inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the exposure table of one regimen: every moiety at every site, and `active`, their free sum."""
    regimen = Regimen.model_validate({name: settings[name] for name in Regimen.model_fields})
    parts: list[pl.DataFrame] = []
    for site, matrix in PLACES:
        made = [
            exposure(moiety, dose_mg=regimen.dose_mg, every_h=regimen.every_h, site=site, matrix=matrix)
            for moiety in active_moieties(regimen.compound)
        ]
        parts += [_rows(regimen, each.compound, each) for each in made]
        if matrix == "free":
            parts.append(_rows(regimen, "active", active_sum(made)))
    return Product(pl.concat(parts), lineage_of([]))


def _rows(regimen: Regimen, moiety: str, made: Exposure) -> pl.DataFrame:
    return made.table.select(
        compound=pl.lit(regimen.compound),
        dose_mg=pl.lit(regimen.dose_mg),
        every_h=pl.lit(regimen.every_h),
        moiety=pl.lit(moiety),
        site=pl.lit(made.site),
        matrix=pl.lit(made.matrix),
        time_h="time_h",
        concentration_nM="concentration_nM",
        status=pl.lit(made.source),
    )


def run_coverage(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the coverage table of the potencies given, at the exposures given."""
    if not inputs.tables.get("potency"):
        return Product(pl.DataFrame(schema=COVERAGE_SCHEMA), lineage_of([]))
    potency, held = Potency(inputs.stack("potency")).table, inputs.stack("exposure")
    active = held.filter((pl.col("moiety") == "active") & (pl.col("matrix") == "free"))
    exposures, rests_on = _exposures(active)
    found = coverage(Potency(potency.drop("_row", "_input")), exposures, serum_fraction=settings.get("serum_fraction"))
    key = ["compound", "variant", "system", "quantity"]
    source = {tuple(row[:4]): row[4:] for row in potency.select(*key, "_input", "_row").iter_rows()}
    lineage: list[tuple[int | None, int, Sequence[int] | None]] = []
    for index, row in enumerate(found.table.iter_rows(named=True)):
        number, potency_row = source[tuple(row[name] for name in key)]
        lineage.append((index, number, [potency_row]))
        for number, rows in rests_on.get((row["compound"], row["site"]), ()):
            lineage.append((index, number, rows))
    return Product(found.table, lineage_of(lineage))


def run_coverage_draws(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the coverage of a patient drawn at random, with all that is uncertain of it."""
    if not inputs.tables.get("potency"):
        return Product(pl.DataFrame(schema=DRAWS_SCHEMA), lineage_of([]))
    stacked = Potency(inputs.stack("potency")).table
    regimens = [Regimen.model_validate(one) for one in settings["regimens"]]
    chosen = {name: settings[name] for name in ("serum_fraction", "draws", "seed")}
    taken = stacked.filter(pl.col("compound").is_in([one.compound for one in regimens]))
    if taken.is_empty():
        return Product(pl.DataFrame(schema=DRAWS_SCHEMA), lineage_of([]))
    found = coverage_draws(Potency(taken.drop("_row", "_input")), regimens=regimens, **chosen).table
    return Product(found, lineage_by(stacked, ["compound", "variant", "system", "quantity"], found))


def _exposures(active: pl.DataFrame) -> tuple[list[Exposure], dict[tuple[str, str], list[tuple[int, list[int]]]]]:
    """Return the free exposures of a stacked exposure table, and the input rows each (compound, site) rests on."""
    exposures: list[Exposure] = []
    rests_on: dict[tuple[str, str], list[tuple[int, list[int]]]] = {}
    for (compound, site, number), part in active.group_by("compound", "site", "_input", maintain_order=True):
        table = part.select("time_h", "concentration_nM")
        exposures.append(Exposure(table, str(compound), site, "free", str(part["status"][0])))
        rests_on.setdefault((str(compound), str(site)), []).append((int(str(number)), part["_row"].to_list()))
    return exposures, rests_on


def _facts_used(regimen: Regimen) -> dict[str, Any]:
    """Return the parameters an exposure rests on, so that a corrected fact makes a new result."""
    if regimen.compound in FIRST_MODELLED:
        return {moiety: asdict(parameters(moiety)) for moiety in active_moieties(regimen.compound)}
    return facts_used(regimen.compound)


def plan(settings: PharmacologySettings, context: StageContext) -> Sequence[Task]:
    """Ask for the exposure of every regimen, and for the coverage of whatever potencies the study has."""
    exposures = [
        Task(
            f"pharmacology.exposure.{regimen.compound}",
            "pharmacology.exposure",
            settings={**regimen.model_dump(), "parameters": _facts_used(regimen)},
            gives="exposure",
        )
        for regimen in settings.regimens
    ]
    inputs = (Port("potency", "potency", optional=True), From("exposure", tuple(task.name for task in exposures)))
    wanted = {"serum_fraction": settings.serum_fraction}
    drawn = {
        **wanted,
        "regimens": [regimen.model_dump() for regimen in settings.regimens],
        "draws": settings.draws,
        "seed": context.seed,
    }
    facts = {regimen.compound: _facts_used(regimen) for regimen in settings.regimens}
    return [
        *exposures,
        Task("pharmacology.coverage", "pharmacology.coverage", inputs, wanted),
        Task(
            "pharmacology.coverage_draws",
            "pharmacology.coverage_draws",
            inputs[:1],
            {**drawn, "parameters": facts},
            gives="coverage",
        ),
    ]


def _recovers_area(result: Any, settings: Mapping[str, Any]) -> bool:
    """Say whether the geometric mean AUC is dose over clearance, within four standard errors."""
    known = parameters(settings["compound"])
    truth = settings["dose_mg"] / known.clearance_L_per_h * known.nM_per_mg_per_L
    logs = result.table["auc_nM_h"].log()
    return bool(abs(float(logs.mean()) - pl.Series([truth]).log()[0]) < 4 * float(logs.std()) / len(logs) ** 0.5)


TRUTHS: Final = tuple(
    Truth(
        f"AUC of {compound} is dose over clearance",
        {"compound": compound, "dose_mg": dose_mg, "every_h": 12.0, "n": 200, "seed": 11},
        _recovers_area,
    )
    for compound, dose_mg in (("alectinib", 600.0), ("crizotinib", 250.0))
)

VERBS: Final = {
    "pharmacology.exposure": Verb(
        "pharmacology.exposure",
        "1",
        run_exposure,
        kind="exposure",
        key=("compound", "moiety", "site", "matrix", "time_h"),
        quantities=(Quantity("concentration", "concentration_nM", "nM"),),
    ),
    "pharmacology.coverage_draws": Verb(
        "pharmacology.coverage_draws",
        "1",
        run_coverage_draws,
        kind="coverage_draws",
        key=CoverageDraws.KEY,
        quantities=tuple(replace(one, name=f"{one.name} of a random patient") for one in CoverageDraws.QUANTITIES),
    ),
    "pharmacology.coverage": Verb(
        "pharmacology.coverage", "1", run_coverage, kind="coverage", key=Coverage.KEY, quantities=Coverage.QUANTITIES
    ),
}

STAGE: Final = Stage(
    name="pharmacology",
    question="How much free drug reaches the target, in the body and in the brain?",
    recognise=recognise,
    read=read,
    analyse=nca,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.pharmacology.figure",
    settings=PharmacologySettings,
    verbs=VERBS,
    plan=plan,
    gives=("exposure", "coverage"),
)
