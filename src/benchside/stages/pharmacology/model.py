"""The stage's nouns: a compound's published pharmacokinetics, a regimen, a table of concentrations."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from benchside import evidence
from benchside.core.errors import TableError, listed
from benchside.core.evidence import Evidence
from benchside.core.exchange import Matrix, Site
from benchside.core.tables import FLOAT, TEXT, Column, TypedTable

FACT_TABLE: Final = "pharmacokinetics"

QUANTITY_OF: Final[Mapping[str, str]] = {
    "clearance_L_per_h": "CL/F",
    "volume_L": "V/F",
    "absorption_h": "absorption_duration",
    "molar_mass_g_per_mol": "molar_mass",
    "unbound_fraction": "unbound_fraction",
    "csf_to_free_plasma": "csf_to_free_plasma",
    "exposure_cv": "AUC_ss_cv",
}
"""Each parameter and the quantity it is published as."""

_FOR_TOTAL: Final = ("clearance_L_per_h", "volume_L", "absorption_h")


class Regimen(BaseModel):
    """A compound, its dose and the hours between doses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    compound: str
    dose_mg: float = Field(gt=0)
    every_h: float = Field(gt=0)


@dataclass(frozen=True)
class Parameters:
    """Pharmacokinetics of one moiety, each number with the fact it is from."""

    compound: str
    clearance_L_per_h: float
    """Apparent clearance CL/F at steady state; of a metabolite: relative to the mass of the parent's dose."""

    volume_L: float
    absorption_h: float
    """Duration of the zero-order absorption."""

    molar_mass_g_per_mol: float
    unbound_fraction: float
    """In plasma; where published as a bound only, the bound."""

    csf_to_free_plasma: float
    exposure_cv: float
    """Between-patient coefficient of variation of the steady-state AUC."""

    facts: Mapping[str, Evidence]

    def status(self, *, site: Site, matrix: Matrix, names: tuple[str, ...] = ()) -> str:
        """Return what must be known of the numbers behind an exposure: every one not read where it is cited."""
        used = [*_FOR_TOTAL, *names]
        if matrix == "free":
            used.append("unbound_fraction")
        if site == "cns":
            used.append("csf_to_free_plasma")
        told = [self.told(name) for name in used]
        return "; ".join(sentence for sentence in told if sentence) or "ok"

    def told(self, name: str) -> str:
        """Return the sentence that stands beside one parameter, empty where it was read where it is cited."""
        fact = self.facts[name]
        return "" if fact.status == "ok" else f"{self.compound} {fact.quantity} {fact.value:g} {fact.unit}: {fact.status}"

    @property
    def nM_per_mg_per_L(self) -> float:
        """How many nM one mg/L is."""
        return 1e6 / self.molar_mass_g_per_mol


@cache
def parameters(compound: str) -> Parameters:
    """Return the published pharmacokinetics of a compound.

    Parameters
    ----------
    compound
        ``alectinib``, ``alectinib_M4``, ``crizotinib``: what the fact table `pharmacokinetics` holds.

    Raises
    ------
    NoEvidenceError
        When a parameter of it stands in no fact; there is no default.

    Examples
    --------
    >>> parameters("crizotinib").clearance_L_per_h
    60.1
    """
    facts = {name: evidence.one(quantity, compound, fact_table=FACT_TABLE) for name, quantity in QUANTITY_OF.items()}
    values = {name: float(fact.value) for name, fact in facts.items() if isinstance(fact.value, float)}
    return Parameters(compound=compound, facts=facts, **values)


def active_moieties(compound: str) -> tuple[str, ...]:
    """Return the compound and its metabolites of the same potency.

    Examples
    --------
    >>> active_moieties("alectinib")
    ('alectinib', 'alectinib_M4')
    """
    rows = evidence.query(quantity="active_metabolite_of").table.filter(pl.col("value") == compound)
    return (compound, *rows["compound"].to_list())


@dataclass(frozen=True)
class ConcentrationTable(TypedTable):
    """Measured or simulated total concentrations in plasma over one dosing interval: one row a subject and time."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "subject": Column(TEXT, "the subject", required=True),
        "time_h": Column(FLOAT, "hours since the last dose", required=True),
        "concentration_nM": Column(FLOAT, "total concentration", required=True),
    }
    NOUN: ClassVar[str] = "concentration table"
    KIND: ClassVar[str] = "concentrations"

    def check(self) -> None:
        """Refuse concentrations below 0, missing cells, and two concentrations of a subject at one time."""
        unknown = pl.col("time_h").is_null() | pl.col("subject").is_null()
        bad = self.table.filter(unknown | (~(pl.col("concentration_nM") >= 0)).fill_null(value=True))
        if bad.height:
            row = bad.row(0, named=True)
            message = (
                f"concentration table: subject {row['subject']} has {row['concentration_nM']} nM at {row['time_h']} h; "
                "subject and time must be given and the concentration must be 0 or more. Correct or leave out the row."
            )
            raise TableError(message)
        twice = self.table.filter(self.table.select("subject", "time_h").is_duplicated())
        if twice.height:
            message = (
                f"concentration table: subject {listed(twice['subject'].unique().sort())} has two concentrations at "
                f"{twice['time_h'][0]} h. Keep one."
            )
            raise TableError(message)
