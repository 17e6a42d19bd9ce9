"""A compound as the stage knows it: structure, binding, brain, variability and regimen, each number with the fact it is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from benchside.core.errors import NoEvidenceError, listed, nearest
from benchside.core.evidence import Evidence
from benchside.core.exchange import Matrix, Site
from benchside.evidence.lookup import query
from benchside.stages.pharmacology.model import FACT_TABLE, active_moieties
from benchside.stages.pharmacology.spread import Spread, csf_ratio, unbound
from benchside.stages.pharmacology.structures import ChangingClearance, FirstOrder, Peripheral, Structure, ZeroOrder

VOLUME_CV: Final = 0.3
"""Assumed between-patient coefficient of variation of the central volume; none was seen for any of the compounds."""

CSF_CV: Final = 0.3
"""Assumed between-patient coefficient of variation of the brain's share of free plasma in a population."""

TOTAL: Final = (
    "CL/F", "V/F", "Vc/F", "Vp/F", "Q/F", "absorption_duration", "absorption_rate", "lag_time", "CL/F_first", "CL/F_change_rate",
)  # fmt: skip
"""The quantities a total concentration in plasma rests on."""

STEADY: Final = tuple(name for name in TOTAL if name not in {"CL/F_first", "CL/F_change_rate"})

REQUIRED: Final = ("CL/F", "molar_mass", "dose", "dose_interval")


@dataclass(frozen=True)
class LeadIn:
    """A first dose, given for some days before the full one."""

    dose_mg: float
    duration_days: float


@dataclass(frozen=True)
class Compound:
    """One moiety with everything its exposure rests on."""

    name: str
    molar_mass_g_per_mol: float
    structure: Structure
    unbound: Spread
    """In plasma."""

    csf: Spread
    """Free drug in the brain over free drug in plasma."""

    exposure_cv: float | None
    """Between-patient coefficient of variation of the AUC at steady state; None: not known."""

    dose_mg: float
    every_h: float
    lead_in: LeadIn | None
    food_effect: float | None
    """AUC with food over AUC without; None: not known."""

    reference_condition: str
    """``fed`` or ``fasted``: what the parameters were measured under; empty: not known."""

    facts: Mapping[str, Evidence]
    """By the name of the quantity."""

    metabolites: tuple["Compound", ...] = ()
    """Metabolites of the same potency, dosed as their parent."""

    @property
    def nM_per_mg_per_L(self) -> float:
        """How many nM one mg/L is."""
        return 1e6 / self.molar_mass_g_per_mol

    @property
    def moieties(self) -> tuple["Compound", ...]:
        """The compound and its metabolites of the same potency."""
        return (self, *self.metabolites)

    def food_factor(self, fed: bool | None) -> float:  # noqa: FBT001  a condition of the regimen, named at the public door
        """Return what the exposure is multiplied by when taken with or without food.

        Raises
        ------
        NoEvidenceError
            When the condition differs from that of the parameters and no food effect is published here.
        """
        if fed is None or (self.reference_condition and fed == (self.reference_condition == "fed")):
            return 1.0
        if self.food_effect is None or not self.reference_condition:
            message = (
                f"the food effect of {self.name} is not published here, so its exposure cannot be given "
                f"{'with' if fed else 'without'} food. Leave out fed, or add food_effect_AUC and reference_condition to its facts."
            )
            raise NoEvidenceError(message)
        return self.food_effect if fed else 1.0 / self.food_effect

    def told(self, *names: str) -> list[str]:
        """Return the sentences on the facts named that are not simply read where they are cited."""
        held = [self.facts[name] for name in names if name in self.facts]
        return [f"{self.name} {fact.quantity} {_shown(fact)}: {fact.status}" for fact in held if fact.status != "ok"]

    def status(self, *, site: Site, matrix: Matrix, names: tuple[str, ...] = (), course: bool = False) -> str:
        """Return what must be known of the numbers behind an exposure; `ok` where there is nothing."""
        told = self.told(*(TOTAL if course else STEADY), *names)
        if matrix == "free":
            told += self.told("unbound_fraction") or ([self.unbound.sentence] if self.unbound.is_prior else [])
        if site == "cns":
            told += self.told("csf_to_free_plasma") or ([self.csf.sentence] if self.csf.is_prior else [])
        return "; ".join(told) or "ok"

    @property
    def rests_on_memory(self) -> bool:
        """Whether any number of it was recalled and not read."""
        return any(fact.verified == "memory" for fact in self.facts.values())


def _shown(fact: Evidence) -> str:
    value = f"{fact.value:g}" if isinstance(fact.value, float) else str(fact.value)
    return f"{value} {fact.unit}".strip()


@cache
def compound(name: str) -> Compound:
    """Return a published compound with everything its exposure rests on.

    Parameters
    ----------
    name
        ``alectinib``, ``ceritinib``, ``brigatinib``, ``crizotinib``, ``lorlatinib``, ``ensartinib``, or a metabolite such as
        ``alectinib_M4``: what the fact table `pharmacokinetics` holds.

    Raises
    ------
    NoEvidenceError
        When its clearance, volume, absorption, molar mass or dose stands in no fact; there is no default.

    Examples
    --------
    >>> compound("lorlatinib").structure.name
    'two compartments, first-order absorption, clearance that changes with time'
    """
    metabolites = tuple(compound(each) for each in active_moieties(name)[1:])
    return build(name, facts_of(name), metabolites)


def facts_of(name: str) -> dict[str, Evidence]:
    """Return the pharmacokinetic facts of a compound by their quantity."""
    table = query().table.filter(pl.col("fact_table") == FACT_TABLE)
    if name not in table["compound"].unique().to_list():
        known = table["compound"].unique().sort().to_list()
        message = (
            f"pharmacokinetics holds no row of {name!r}{nearest(name, known)}; it is known for {listed(known, 12)}. Add its rows "
            "with their sources to the facts, or load a compound of your own; there is no default."
        )
        raise NoEvidenceError(message)
    return {record.quantity: record for record in query(compound=name).evidence if record.id.startswith(FACT_TABLE + "/")}


def compounds() -> tuple[str, ...]:
    """Return the names of the published compounds, metabolites left out, in the order of the facts.

    Examples
    --------
    >>> compounds()
    ('alectinib', 'crizotinib', 'ceritinib', 'brigatinib', 'lorlatinib', 'ensartinib')
    """
    table = query().table.filter(pl.col("fact_table") == FACT_TABLE)
    metabolites = table.filter(pl.col("quantity") == "active_metabolite_of")["compound"].to_list()
    return tuple(str(name) for name in table["compound"].unique(maintain_order=True) if name not in metabolites)


def build(name: str, facts: Mapping[str, Evidence], metabolites: tuple[Compound, ...] = ()) -> Compound:
    """Return the compound that facts describe.

    Raises
    ------
    NoEvidenceError
        When a quantity that any exposure needs is missing.
    """
    _check(name, facts)

    def number(quantity: str) -> float | None:
        fact = facts.get(quantity)
        return None if fact is None or not isinstance(fact.value, int | float) else float(fact.value)

    lead_dose, lead_days = number("lead_in_dose"), number("lead_in_duration")
    lead_in = None if lead_dose is None or lead_days is None else LeadIn(lead_dose, lead_days)
    condition = facts.get("reference_condition")
    return Compound(
        name=name,
        molar_mass_g_per_mol=float(facts["molar_mass"].value or 0.0),
        structure=_structure({key: value for key in TOTAL if (value := number(key)) is not None}),
        unbound=unbound(name, facts.get("unbound_fraction")),
        csf=csf_ratio(name, facts.get("csf_to_free_plasma")),
        exposure_cv=number("AUC_ss_cv"),
        dose_mg=float(facts["dose"].value or 0.0),
        every_h=float(facts["dose_interval"].value or 0.0),
        lead_in=lead_in,
        food_effect=number("food_effect_AUC"),
        reference_condition="" if condition is None else str(condition.value),
        facts=facts,
        metabolites=metabolites,
    )


def _check(name: str, facts: Mapping[str, Evidence]) -> None:
    missing = [quantity for quantity in REQUIRED if quantity not in facts]
    if not {"V/F", "Vc/F"} & set(facts):
        missing.append("V/F")
    if not {"absorption_duration", "absorption_rate"} & set(facts):
        missing.append("absorption_duration or absorption_rate")
    if "Vc/F" in facts:
        missing += [quantity for quantity in ("Vp/F", "Q/F") if quantity not in facts]
    if missing:
        message = (
            f"{name}: {listed(missing, 9)} is not known, so its total concentration in plasma is not either, and nothing is "
            "computed. Add each with its source."
        )
        raise NoEvidenceError(message)


def _structure(value: Mapping[str, float]) -> Structure:
    two = "Vc/F" in value
    if "absorption_duration" in value:
        absorption: ZeroOrder | FirstOrder = ZeroOrder(value["absorption_duration"])
    else:
        absorption = FirstOrder(value["absorption_rate"], value.get("lag_time", 0.0))
    changes = "CL/F_first" in value and "CL/F_change_rate" in value
    return Structure(
        clearance_L_per_h=value["CL/F"],
        volume_L=value["Vc/F" if two else "V/F"],
        absorption=absorption,
        peripheral=Peripheral(value["Q/F"], value["Vp/F"]) if two else None,
        change=ChangingClearance(value["CL/F_first"], value["CL/F_change_rate"]) if changes else None,
    )


def resolve(known: str | Compound) -> Compound:
    """Return a compound by name, or the compound itself."""
    return known if isinstance(known, Compound) else compound(known)


def facts_used(known: str | Compound) -> dict[str, Any]:
    """Return every fact an exposure of a compound rests on, as plain values, so that a corrected fact makes a new result."""
    return {moiety.name: {key: fact.model_dump() for key, fact in moiety.facts.items()} for moiety in resolve(known).moieties}
