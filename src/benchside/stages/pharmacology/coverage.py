"""Coverage: free drug at its site over the free concentration that halves the response."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from benchside import evidence
from benchside.core.errors import SettingError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import Exposure, Potency, Site, require_free
from benchside.kernels.pharmacokinetics import unbound_in_medium
from benchside.stages.pharmacology.exposure import active_sum
from benchside.stages.pharmacology.model import parameters

VERSION = "1"

SERUM_SENTENCE = "binding in the medium is scaled from human plasma by the serum fraction (assumed linear)"

SCHEMA: dict[str, Any] = {
    "compound": pl.String, "variant": pl.String, "site": pl.String, "system": pl.String, "quantity": pl.String,
    "free_average_nM": pl.Float64, "free_minimum_nM": pl.Float64, "free_ic50_nM": pl.Float64,
    "serum_fraction": pl.Float64, "coverage_average": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "coverage_minimum": pl.Float64,
    "relation": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Coverage(Answer):
    """Coverage by compound, variant and site; 1 means that the free drug equals the free IC50."""

    KEY: ClassVar[tuple[str, ...]] = ("compound", "variant", "site", "system", "quantity")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("coverage_average", "coverage_average", "ratio", "lower", "upper", relation="relation"),
        Quantity("coverage_minimum", "coverage_minimum", "ratio", relation="relation"),
        Quantity("free_average", "free_average_nM", "nM"),
        Quantity("free_ic50", "free_ic50_nM", "nM"),
    )


def coverage(potencies: Potency, exposures: Sequence[Exposure], *, serum_fraction: float | None = None) -> Coverage:
    """Return how well free drug covers each variant at each site.

    Parameters
    ----------
    potencies
        Nominal IC50 in the assay medium, with its serum fraction.
    exposures
        Free exposures; those of a compound and its active metabolites at one site are summed.
    serum_fraction
        Serum in the medium where a potency row has none; there is no other default.

    Returns
    -------
    Coverage
        One row a potency and site. `lower` and `upper` carry the interval of the IC50 alone. A compound without
        exposure has nulls and a sentence.

    Raises
    ------
    SettingError
        When the serum fraction of the medium is nowhere given.
    MatrixMismatch
        When an exposure is total.
    NoEvidenceError
        When the unbound fraction of the compound is not known.

    Notes
    -----
    The nominal IC50 becomes free by the unbound fraction in the medium, 1 / (1 + s (1/fu - 1)); the metabolite of
    the same potency adds to the parent. Where fu is an upper bound, coverage with serum hardly depends on it:
    see `status`.
    """
    summed = _by_compound_and_site(exposures)
    rows: list[dict[str, Any]] = []
    for potency in potencies.table.iter_rows(named=True):
        found = {site: each for (compound, site), each in summed.items() if compound == potency["compound"]}
        rows += [_row(potency, site, each, serum_fraction) for site, each in found.items()] or [_without(potency)]
    table = pl.DataFrame(rows, schema=SCHEMA)
    inputs = (potencies.table, *(each.table for each in exposures))
    origin = Origin("pharmacology.coverage", VERSION, {"serum_fraction": serum_fraction}, inputs)
    return Coverage(table, origin)


def _by_compound_and_site(exposures: Sequence[Exposure]) -> dict[tuple[str, Site], Exposure]:
    for each in exposures:
        require_free(each)
    parents = {each.compound: _parent(each.compound) for each in exposures}
    groups: dict[tuple[str, Site], list[Exposure]] = {}
    for each in sorted(exposures, key=lambda item: parents[item.compound] != item.compound):
        groups.setdefault((parents[each.compound], each.site), []).append(each)
    return {key: active_sum(members) for key, members in groups.items()}


def _parent(moiety: str) -> str:
    metabolites = evidence.query(quantity="active_metabolite_of").table.filter(pl.col("compound") == moiety)
    return moiety if metabolites.is_empty() else str(metabolites["value"][0])


def free_ic50_nM(potency: dict[str, Any], serum_fraction: float | None) -> tuple[float, float]:
    """Return the free IC50 of a potency row, and the serum fraction it was computed with."""
    serum = potency["serum_fraction"] if potency["serum_fraction"] is not None else serum_fraction
    if serum is None:
        message = (
            f"the serum fraction of the medium is not given for {potency['compound']} on {potency['variant']}, so its "
            "IC50 cannot be made free. Fill in serum_fraction in the potency table or the settings (0 if cell-free)."
        )
        raise SettingError(message)
    if not 0 <= serum <= 1:
        message = f"the serum fraction of {potency['compound']} on {potency['variant']} must lie in [0, 1], and is {serum}."
        raise SettingError(message)
    return potency["value_nM"] * unbound_in_medium(parameters(potency["compound"]).unbound_fraction, serum), serum


def _row(potency: dict[str, Any], site: Site, free: Exposure, default_serum: float | None) -> dict[str, Any]:
    ic50, serum = free_ic50_nM(potency, default_serum)
    scale = free.average_nM / ic50 * potency["value_nM"]
    lower, upper = (None if limit is None else scale / limit for limit in (potency["upper_nM"], potency["lower_nM"]))
    relation = {">": "<", "<": ">"}.get(potency["relation"] or "=", potency["relation"] or "=")
    return {
        **_named(potency),
        "site": site,
        "free_average_nM": free.average_nM,
        "free_minimum_nM": free.minimum_nM,
        "free_ic50_nM": ic50,
        "serum_fraction": serum,
        "coverage_average": free.average_nM / ic50,
        "lower": lower,
        "upper": upper,
        "coverage_minimum": free.minimum_nM / ic50,
        "relation": relation,
        "status": _status(potency, free, serum),
    }


def _status(potency: dict[str, Any], free: Exposure, serum: float) -> str:
    sentences = [] if free.source in {"", "ok"} else [free.source]
    if serum > 0:
        sentences.append(SERUM_SENTENCE)
    known = parameters(potency["compound"])
    if known.facts["unbound_fraction"].relation == "<":
        fu = known.unbound_fraction
        fall = 1 - serum / (fu + serum * (1 - fu))
        sentences.append(
            f"the free IC50 rests on the same bound, so coverage itself would be at most {fall:.0%} lower if fu were nearer 0"
        )
    return "; ".join(sentences) or "ok"


def _without(potency: dict[str, Any]) -> dict[str, Any]:
    sentence = f"no exposure of {potency['compound']} is given, so its coverage is not known. Add its regimen."
    return {**dict.fromkeys(SCHEMA), **_named(potency), "relation": "=", "status": sentence}


def _named(potency: dict[str, Any]) -> dict[str, Any]:
    return {name: potency[name] for name in ("compound", "variant", "system", "quantity")}
