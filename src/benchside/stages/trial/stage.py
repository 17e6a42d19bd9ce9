"""The stage as a value: its verbs, settings and the tasks it asks the study for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from benchside.core.errors import NoEvidenceError, listed
from benchside.core.evidence import Quantity
from benchside.core.exchange import Effect, Exposure, GrowthLaw, Mechanism, Potency, Site
from benchside.core.stage import From, Inputs, Port, Product, Stage, StageContext, Task, Truth, Verb, lineage_of
from benchside.stages.trial.design import Arm, TrialDesign, load
from benchside.stages.trial.effect import sketch_effect
from benchside.stages.trial.model import NOTE, RESISTANT, SketchParameters, TrialRun, sketch_parameters
from benchside.stages.trial.predict import Predictions, predict
from benchside.stages.trial.read import analyse, read, recognise
from benchside.stages.trial.simulate import SITES, simulate


class TrialSettings(BaseModel):
    """The section [trial] of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    design: str = "ALEX"
    """A trial of the fact table trial_designs, or a .toml file of the study folder."""

    replicates: int = Field(default=200, ge=1)
    resistant: dict[str, str] = dict(RESISTANT)
    """The variant of the resistant cells, by drug."""

    wild_type: str = "WT"
    """The variant of the sensitive cells."""

    serum_fraction: float | None = Field(default=None, ge=0, le=1)
    """Serum in the assay medium where a potency row does not say; there is no other default."""

    system: str | None = None
    """The system whose potency is taken where there are several."""

    follow_up_months: float | None = Field(default=None, gt=0)
    """From the first entry to the data cut; by default the design's own."""


def _design(settings: Mapping[str, Any]) -> TrialDesign:
    return TrialDesign.model_validate(settings["design"])


def run_effect(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the effect table of the design's drugs on their sensitive and resistant variants."""
    potency = inputs.stack("potency")
    wanted = [
        (arm.drug, variant)
        for arm in _distinct(_design(settings).arms)
        for variant in dict.fromkeys((settings["wild_type"], _resistant(arm.drug, settings)))
    ]
    effect = sketch_effect(
        Potency(potency.drop("_row", "_input")),
        wanted=wanted,
        serum_fraction=settings.get("serum_fraction"),
        system=settings.get("system"),
        parameters=SketchParameters(**settings["parameters"]),
    )
    origin = potency.select("_input", "_row").rows()
    sources = [origin[row] for row in effect.table["potency_row"].to_list()]
    lineage = lineage_of((index, number, [row]) for index, (number, row) in enumerate(sources))
    return Product(effect.table.drop("potency_row"), lineage)


def _distinct(arms: Sequence[Arm]) -> list[Arm]:
    return list({arm.drug: arm for arm in arms}.values())


def _resistant(drug: str, settings: Mapping[str, Any]) -> str:
    variants: Mapping[str, str] = settings["resistant"]
    if drug not in variants:
        message = f"no resistant variant is named for {drug}; named are {listed(variants)}. Add it under [trial] resistant."
        raise NoEvidenceError(message)
    return variants[drug]


def run_simulate(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the events of virtual patients; every one rests on the whole effect and exposure tables."""
    design = _design(settings)
    known = SketchParameters(**settings["parameters"])
    effect, held = inputs.stack("effect"), inputs.stack("exposure")
    mechanism = Mechanism(
        effect=Effect(effect.drop("_row", "_input")),
        exposures={(arm.drug, site): _exposure(held, arm, site) for arm in design.arms for site in SITES},
        growth=GrowthLaw("exponential", {"net_growth_per_day": known.net_growth_per_day}),
        ensemble_hash="sketch",
    )
    run = simulate(
        design,
        mechanism=mechanism,
        replicates=settings["replicates"],
        seed=settings["seed"],
        resistant=settings["resistant"],
        wild_type=settings["wild_type"],
        parameters=known,
    )
    numbers = [*inputs.numbers["effect"], *inputs.numbers["exposure"]]
    return Product(run.table, lineage_of((None, number, None) for number in numbers))


def _exposure(held: pl.DataFrame, arm: Arm, site: Site) -> Exposure:
    """Return an arm's free exposure at a site from the exposure tables given."""
    rows = held.filter(
        (pl.col("compound") == arm.drug)
        & (pl.col("site") == site)
        & (pl.col("matrix") == "free")
        & (pl.col("moiety") == "active")
        & (pl.col("dose_mg") == arm.dose_mg)
        & (pl.col("every_h") == arm.every_h)
    )
    if rows.is_empty():
        known = held.select("compound", "dose_mg", "every_h").unique(maintain_order=True).rows()
        message = (
            f"the trial gives {arm.drug} {arm.dose_mg:g} mg every {arm.every_h:g} h, and no exposure to that regimen is "
            f"given; given are {listed(known)}. Add it under [pharmacology] regimens."
        )
        raise NoEvidenceError(message)
    return Exposure(rows.select("time_h", "concentration_nM"), arm.drug, site, "free", str(rows["status"][0]))


def run_predict(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Make the predictions of a table of virtual events; each rests on every row."""
    found = predict(inputs.stack("events").drop("_row", "_input"), level=settings.get("level", 0.95))
    return Product(found.table, lineage_of((None, number, None) for number in inputs.numbers["events"]))


def plan(settings: TrialSettings, context: StageContext) -> Sequence[Task]:
    """Ask for the effect, the virtual patients and the predictions of the design."""
    named = settings.design
    design = load(context.root / context.match([named])[0] if named.endswith(".toml") else named)
    if settings.follow_up_months is not None:
        changed = {**design.model_dump(), "follow_up_months": settings.follow_up_months}
        design = TrialDesign.model_validate(changed)
    about = {
        "design": design.model_dump(mode="json"),
        "resistant": dict(settings.resistant),
        "wild_type": settings.wild_type,
        "note": NOTE,
        "parameters": asdict(sketch_parameters()),
    }
    choice = {"serum_fraction": settings.serum_fraction, "system": settings.system}
    many = {"replicates": settings.replicates, "seed": context.seed}
    sources = (From("effect", ("trial.effect",)), Port("exposure", "exposure"))
    return [
        Task("trial.effect", "trial.effect", (Port("potency", "potency"),), {**about, **choice}),
        Task("trial.simulate", "trial.simulate", sources, {**about, **many}),
        Task("trial.predict", "trial.predict", (From("events", ("trial.simulate",)),), {"level": 0.95}),
    ]


def _equal_arms() -> Mapping[str, Any]:
    """Return a trial of one drug against itself."""
    row = {"compound": "crizotinib", "target": "ALK", "system": "Ba/F3", "quantity": "IC50", "serum_fraction": 0.1}
    potencies = pl.DataFrame([{**row, "variant": "WT", "value_nM": 30.0}, {**row, "variant": "G1269A", "value_nM": 130.0}])
    levels: dict[Site, float] = {"plasma": 60.0, "cns": 2.0}
    exposures = {
        ("crizotinib", site): Exposure(
            pl.DataFrame({"time_h": [0.0, 12.0], "concentration_nM": [level, level]}), "crizotinib", site, "free"
        )
        for site, level in levels.items()
    }
    arm = {"drug": "crizotinib", "dose_mg": 250, "every_h": 12, "n": 150, "cns_fraction": 0.4}
    design = TrialDesign.model_validate(
        {
            "name": "one drug against itself",
            "arms": [{"name": "A", **arm}, {"name": "B", "control": True, **arm}],
            "visit_interval_weeks": 8,
            "cns_interval_weeks": 8,
            "accrual_months": 12,
            "follow_up_months": 36,
        }
    )
    mechanism = Mechanism(sketch_effect(Potency(potencies)), exposures, GrowthLaw("exponential"), "sketch")
    return {"design": design, "mechanism": mechanism, "replicates": 60, "seed": 5}


def _covers_one(result: Any, _settings: Mapping[str, Any]) -> bool:
    """Say whether the hazard ratio's interval holds 1 and its median is within 0.1 of it."""
    row = result.table.filter(pl.col("quantity") == "hazard_ratio").row(0, named=True)
    return bool(row["lower"] <= 1 <= row["upper"] and abs(row["value"] - 1) < 0.1)


TRUTHS: Final = (Truth("a drug against itself has a hazard ratio of 1", _equal_arms(), _covers_one),)

VERBS: Final = {
    "trial.effect": Verb(
        "trial.effect",
        "1",
        run_effect,
        kind=Effect.KIND,
        key=("compound", "variant", "bypass", "member", "free_nM"),
        quantities=(
            Quantity("division_rate", "division_per_day", "1/day"),
            Quantity("death_rate", "death_per_day", "1/day"),
        ),
        note=NOTE,
    ),
    "trial.simulate": Verb("trial.simulate", "1", run_simulate, kind=TrialRun.KIND, key=("replicate", "patient"), note=NOTE),
    "trial.predict": Verb(
        "trial.predict",
        "2",
        run_predict,
        kind="predictions",
        key=Predictions.KEY,
        quantities=Predictions.QUANTITIES,
        note=NOTE,
    ),
}

STAGE: Final = Stage(
    name="trial",
    question="What will the trial show?",
    recognise=recognise,
    read=read,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.trial.figure",
    settings=TrialSettings,
    verbs=VERBS,
    plan=plan,
)
