"""What the structures give beside what was published, and what is known of exposure and outcome: tables, misfits included."""

from typing import Any, Final

import numpy as np
import polars as pl

from benchside.core.errors import NoEvidenceError, listed, nearest
from benchside.core.evidence import Evidence
from benchside.evidence.lookup import query
from benchside.stages.pharmacology.compound import Compound, compound, compounds
from benchside.stages.pharmacology.exposure import exposure

WITHIN: Final = 0.05
"""A computed value that differs by more than this share from the published one is called a misfit."""

_METABOLITE: Final = {"alectinib_M4": "M4"}
"""How the tables of facts call a metabolite elsewhere."""

_INPUTS: Final = {("ceritinib", "t_half"), *(("ensartinib", name) for name in ("t_half", "tmax_single", "AUCinf_single"))}
"""Published values that a parameter was derived from."""

_SINGLE_DOSE_MG: Final = {"ensartinib": 200.0}
"""The single dose that was published, where it is not the dose of every day."""

_SCHEMA: Final[dict[str, Any]] = {
    "compound": pl.String, "quantity": pl.String, "unit": pl.String, "computed": pl.Float64, "published": pl.Float64,
    "ratio": pl.Float64, "is_input": pl.Boolean, "source": pl.String, "status": pl.String,
}  # fmt: skip


def published_exposures() -> pl.DataFrame:
    """Return every published exposure of the compounds beside the computed one.

    Returns
    -------
    polars.DataFrame
        ``compound, quantity, unit, computed, published, ratio, is_input, source, status``. `is_input`: the published value is
        one a parameter was derived from, so agreement says nothing. A ratio further from 1 than 5 % is called a misfit and left so:
        no parameter is tuned.

    Examples
    --------
    >>> table = published_exposures().filter(compound="alectinib", quantity="AUC0-12_ss")
    >>> round(table["ratio"][0], 3)
    0.986
    """
    rows = [row for name in (*compounds(), "alectinib_M4") for row in _rows(compound(name))]
    return pl.DataFrame(rows, schema=_SCHEMA).sort("compound", maintain_order=True)


def _rows(known: Compound) -> list[dict[str, Any]]:
    facts = {(fact.quantity, fact.unit, fact.value): fact for fact in _published(known)}
    computed = _computed(known)
    return [
        _row(known, fact, value, words)
        for fact in facts.values()
        for unit, value, words in computed.get(fact.quantity, ())
        if unit == fact.unit
    ]


def _published(known: Compound) -> list[Evidence]:
    named = _METABOLITE.get(known.name, known.name)
    elsewhere = [fact for fact in query(compound=named).evidence if fact.id.startswith("cns/")]
    return [*elsewhere, *known.facts.values()]


def _computed(known: Compound) -> dict[str, list[tuple[str, float, str]]]:
    """Return quantity -> (unit, value, by what definition) of everything the structure gives."""
    held = exposure(known)
    ng_per_mL = held.table["concentration_nM"].to_numpy() / known.nM_per_mg_per_L * 1000
    structure, every = known.structure, known.every_h
    first = structure.clearance_L_per_h if structure.change is None else structure.change.first_L_per_h
    values = {
        "Cmax_ss": [("ng/mL", float(ng_per_mL.max()), "")],
        "Cmin_ss": [("ng/mL", float(ng_per_mL.min()), "")],
        f"AUC0-{every:g}_ss": [("ng*h/mL", 1000 * known.dose_mg / structure.clearance_L_per_h, "")],
        "accumulation": _accumulation(known, first),
        "t_half": [("h", structure.half_life_h(first), "terminal, at the clearance of a single dose")],
    }
    return values | _after_one_dose(known, dose_mg=_SINGLE_DOSE_MG.get(known.name, known.dose_mg))


def _accumulation(known: Compound, first_L_per_h: float) -> list[tuple[str, float, str]]:
    """Return accumulation by its two usual definitions; which one a source means is seldom said."""
    structure, every = known.structure, known.every_h
    time_h = np.linspace(0.0, every, 4801)
    curve = structure.single(dose_mg=known.dose_mg, clearance=first_L_per_h, volume=structure.volume_L)(time_h)
    by_area = known.dose_mg / structure.clearance_L_per_h / float(np.trapezoid(curve, time_h))
    by_rate = 1.0 / -np.expm1(-np.log(2.0) / structure.half_life_h() * every)
    return [
        ("ratio", float(by_rate), "by 1 / (1 - exp(-k tau)); the source does not say which definition it used"),
        (
            "ratio",
            by_area,
            "by area, the interval at steady state over the first; the source does not say which definition it used",
        ),
    ]


def _after_one_dose(known: Compound, *, dose_mg: float) -> dict[str, list[tuple[str, float, str]]]:
    structure = known.structure
    time_h = np.linspace(0.0, 48.0, 9601)
    curve = structure.single(dose_mg=dose_mg, clearance=structure.clearance_L_per_h, volume=structure.volume_L)(time_h)
    return {
        "Cmax_single": [("ng/mL", 1000 * float(curve.max()), f"{dose_mg:g} mg once")],
        "tmax_single": [("h", float(time_h[curve.argmax()]), f"{dose_mg:g} mg once")],
        "AUCinf_single": [("ng*h/mL", 1000 * dose_mg / structure.clearance_L_per_h, f"{dose_mg:g} mg once")],
    }


def _row(known: Compound, fact: Evidence, computed: float, words: str) -> dict[str, Any]:
    published = float(fact.value or 0.0)
    ratio, is_input = computed / published, (known.name, fact.quantity) in _INPUTS
    told = [words] if words else []
    if fact.status != "ok":
        told.append(f"published value {fact.status}")
    if is_input:
        told.append("a parameter was derived from this value, so the agreement says nothing")
    elif abs(ratio - 1) > WITHIN:
        told.append(f"misfit of {ratio - 1:+.0%}: the structure does not give this value, and no parameter was tuned to it")
    if known.rests_on_memory:
        told.append("rests on parameters from memory, not verified against the source")
    return {
        "compound": known.name, "quantity": fact.quantity, "unit": fact.unit, "computed": computed, "published": published,
        "ratio": ratio, "is_input": is_input, "source": fact.source, "status": "; ".join(told) or "ok",
    }  # fmt: skip


CONTRADICTION: Final = (
    "contradiction: one study finds longer progression-free survival above a trough of 435 ng/mL, another no relation of the trough "
    "to survival; no threshold is used anywhere here"
)


def exposure_response(compound: str | None = None) -> pl.DataFrame:
    """Return what is published on exposure and outcome, study beside study, contradictions said.

    Parameters
    ----------
    compound
        A drug; None: every one.

    Returns
    -------
    polars.DataFrame
        ``compound, source_id, source, setting, fact, value, unit, lower, upper, n, finding, contradiction, verified, status``.
        `finding`: ``threshold`` (a trough is tied to outcome), ``no relation``, or ``description``. `contradiction` is filled in
        for a drug that has findings of both kinds.

    Raises
    ------
    NoEvidenceError
        When the table holds no row of the drug.

    Examples
    --------
    >>> exposure_response("alectinib")["finding"].unique().sort().to_list()
    ['description', 'no relation', 'threshold']
    """
    table = query().table.filter(pl.col("fact_table") == "exposure_response")
    known = table["compound"].unique().sort().to_list()
    if compound is not None and compound not in known:
        message = (
            f"nothing on exposure and outcome of {compound!r} is here{nearest(compound, known)}; there is for {listed(known)}."
        )
        raise NoEvidenceError(message)
    words = pl.col("quantity").str.to_lowercase()
    is_tied = words.str.contains("pfs") & words.str.contains(r"<\d+|>=\d+")
    finding = (
        pl.when(pl.col("value") == "none").then(pl.lit("no relation")).when(is_tied).then(pl.lit("threshold")).otherwise(pl.lit("description"))
    )  # fmt: skip
    shown = table.with_columns(finding=finding)
    both = shown.group_by("compound").agg(kinds=pl.col("finding").unique())
    torn = [row["compound"] for row in both.iter_rows(named=True) if {"threshold", "no relation"} <= set(row["kinds"])]
    shown = shown.with_columns(contradiction=pl.when(pl.col("compound").is_in(torn)).then(pl.lit(CONTRADICTION)))
    if compound is not None:
        shown = shown.filter(pl.col("compound") == compound)
    return shown.select(
        "compound", "source_id", "source", setting="conditions", fact="quantity", value="value", unit="unit", lower="lower",
        upper="upper", n="n", finding="finding", contradiction="contradiction", verified="verified", status="status",
    )  # fmt: skip
