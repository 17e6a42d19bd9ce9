"""The call on a variant: does the drug's free exposure cover it, in the body and in the brain, and what does that rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import NoEvidenceError, SettingError, nearest
from benchside.core.evidence import Origin, Quantity
from benchside.evidence import citation, facts
from benchside.stages.resistance.analyse.cells import NO_COVERAGE, SITES, Cell, cells, coverage_table, predicted_cell
from benchside.stages.resistance.analyse.folds import disagreement, fold_rows, guide_words
from benchside.stages.resistance.bypass import EGFR, MAPK, MET, PI3K, TRANSFORMATION
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.notice import ResistanceAnswer
from benchside.stages.resistance.read import read_variants

VERSION: Final = "1"
ALK_INHIBITORS: Final = ("crizotinib", "ceritinib", "alectinib", "brigatinib", "ensartinib", "lorlatinib")
BYPASSES: Final = {one.name: one for one in (EGFR, MET, MAPK, PI3K, TRANSFORMATION)}

PAIR_SCHEMA: Final[dict[str, Any]] = {
    "compound": pl.String, "variant": pl.String, "kind": pl.String, "class": pl.String, "class_cns": pl.String,
    "fold": pl.Float64, "fold_lower": pl.Float64, "fold_upper": pl.Float64, "fold_class": pl.String, "fold_basis": pl.String,
    **{f"coverage_{site}{end}": pl.Float64 for site in SITES for end in ("", "_lower", "_upper", "_minimum")},
    "coverage_basis": pl.String, "guide": pl.String, "guide_id": pl.String, "disagreement": pl.String,
    "source": pl.String, "verified": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Calls(ResistanceAnswer):
    """Calls on variants: `.table` has one row a sample, variant and compound."""

    level: float = 0.9

    KEY: ClassVar[tuple[str, ...]] = ("sample", "variant", "allele", "compound")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fold shift, mean over laboratories", "fold", "x", "fold_lower", "fold_upper"),
        *(
            Quantity(f"coverage at the average concentration, {site}", f"coverage_{site}", "ratio", f"coverage_{site}_lower", f"coverage_{site}_upper")
            for site in SITES
        ),
        *(Quantity(f"coverage at the lowest concentration, {site}", f"coverage_{site}_minimum", "ratio") for site in SITES),
        Quantity("class, plasma", "class", ""),
        Quantity("class, cns", "class_cns", ""),
    )  # fmt: skip


def call(
    variants: Any,
    compound: str | Sequence[str] = "alectinib",
    *,
    coverage: Any = None,
    exposure: Any = None,
    level: float = 0.9,
    verified_only: bool = True,
    build: str | None = None,
) -> Calls:
    """Return whether a drug's exposure covers each variant.

    Parameters
    ----------
    variants
        What `read_variants` takes: a list of texts, a file, a dataframe.
    compound
        The drug, or several.
    coverage
        A table as `bs.pharmacology.coverage` returns (`compound, variant, site, coverage_average, lower, upper`), or a function
        (compounds, variants, exposure) that makes one; None: the function that `use_coverage` set.
    exposure
        A free Exposure, or several, for that function instead of the published ones.

    Other Parameters
    ----------------
    level
        Probability of the limits of the fold.
    verified_only
        Leave out folds recalled from memory.
    build
        Genome build of a VCF or MAF.

    Returns
    -------
    Calls
        `.table`: `sample, variant, gene, kind, compound`; `class` (plasma) and `class_cns`, by the coverage at the average concentration:
        ``covered`` (lower limit 3 or more), ``marginal`` (meets 1-3), ``not covered`` (upper limit below 1), ``unresolved``, ``no
        evidence``; `fold, fold_lower, fold_upper, fold_class, fold_basis` (measured, predicted, by definition); `coverage_plasma`,
        `coverage_cns` with `_lower, _upper, _minimum` (at the trough) and `coverage_basis`; `guide`, its id, and `disagreement`;
        `bypass` of an off-target finding; `source, verified, status`. Null with a sentence where there is no evidence.

    Raises
    ------
    NoEvidenceError
        When no fact and no row of the coverage knows the compound.
    TableError, FileError, SettingError, MatrixMismatch
        As `read_variants`, and for a coverage that cannot be used.

    Examples
    --------
    >>> table = {"compound": ["alectinib"], "variant": ["WT"], "site": ["plasma"], "coverage_average": [4.0], "lower": [3.2], "upper": [6.0]}
    >>> found = call(["WT", "G1202R", "V1180L"], coverage=pl.DataFrame(table))
    >>> found.table["class"].to_list(), found.table["fold_class"].to_list()
    (['covered', 'not covered', 'no evidence'], ['<= 2', '> 10', None])
    """
    held = read_variants(variants, build=build)
    names = [compound] if isinstance(compound, str) else list(dict.fromkeys(compound))
    pairs, used = pair_table(held, names, coverage=coverage, exposure=exposure, level=level, verified_only=verified_only)
    settings = {"compound": names, "level": level, "verified_only": verified_only}
    inputs = (held.table, *(() if used is None else (used.drop("_key", "_drug"),)))
    return Calls(with_samples(held, pairs), Origin("resistance.call", VERSION, settings, inputs), level=level)


def pair_table(
    held: VariantTable, compounds: Sequence[str], *, coverage: Any, exposure: Any, level: float, verified_only: bool
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return the calls of every compound on every distinct variant (`PAIR_SCHEMA`), and the coverage they rest on."""
    if not 0 < level < 1:
        message = f"level is {level:g} and must lie between 0 and 1, for example 0.9."
        raise SettingError(message)
    distinct = (
        detected(held.table)
        .unique("variant", maintain_order=True)
        .select("variant", "kind", "gene", "bypass", "status", "checked")
    )
    asked = distinct.filter(pl.col("kind").is_in(["wild-type", "on-target"]))["variant"].to_list()
    folds = {
        (row["compound"], row["variant"]): row
        for row in fold_rows(compounds, asked, level=level, verified_only=verified_only).iter_rows(named=True)
    }
    # A source is asked for what somebody measured: it must not be led to predict a mutation from its drug alone.
    measured = {variant for (_, variant), row in folds.items() if row["fold"] is not None}
    used = coverage_table(coverage, exposure, compounds, ["WT", *(name for name in asked if name in measured - {"WT"})])
    require_compounds(compounds, used)
    known, words = cells(used), guide_words()
    rows = []
    for name in compounds:
        for finding in distinct.iter_rows(named=True):
            fold = folds.get((name, finding["variant"]))
            if fold is None:
                rows.append(_beside(finding, name))
            else:
                places = {site: _cell(known, used, name, fold, site) for site in SITES}
                rows.append(_pair(finding, fold, places, words.get((name.lower(), finding["variant"]), (None, None))))
    return pl.DataFrame(rows, schema=PAIR_SCHEMA), used


def detected(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose variant was there: a fraction or count of 0 is a sample in which it was looked for and not found."""
    return table.filter(~((pl.col("vaf") == 0) | (pl.col("alt_count") == 0)).fill_null(value=False))


def with_samples(held: VariantTable, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the calls joined to the samples that have the variants, compound by compound."""
    columns = ["sample", "patient", "variant", "gene", "bypass", "phase", "fusion", "vaf", "allele", "written", "checked"]
    joined = detected(held.table).select(columns).join(pairs, on="variant", how="inner", maintain_order="left_right")
    front = ["sample", "variant", "gene", "kind", "compound", "class", "class_cns"]
    return joined.select(*front, pl.exclude(front))


def require_compounds(compounds: Sequence[str], used: pl.DataFrame | None) -> None:
    """Raise NoEvidenceError for a compound that neither a fact nor the coverage knows."""
    drugs = (("potency", "drug"), ("fold_changes", "drug"), ("pharmacokinetics", "drug"))
    known = {str(name).lower() for table, column in drugs for name in facts(table)[column].drop_nulls()}
    known |= set() if used is None else set(used["_drug"])
    for name in compounds:
        if name.lower() not in known:
            message = (
                f"no potency, no pharmacokinetics and no coverage of {name!r} is known{nearest(name, known)}. Check the spelling, or "
                "give coverage= with rows of it; there is no default."
            )
            raise NoEvidenceError(message)


def _cell(known: Mapping[tuple[str, str, str], Cell], used: Any, compound: str, fold: Mapping[str, Any], site: str) -> Cell:
    """Return the coverage of a pair at a site: as given, else from the wild type's."""
    if used is None:
        return Cell(status=NO_COVERAGE)
    own = known.get((compound.lower(), fold["variant"], site))
    if own is not None and own.average is not None:
        return own
    wild = known.get((compound.lower(), "WT", site))
    if wild is None:
        told = own.status if own is not None else f"no coverage of {compound} on {fold['variant']} in {site} is known"
        return Cell(status=told)
    return predicted_cell(wild, fold)


def _beside(finding: Mapping[str, Any], compound: str) -> dict[str, Any]:
    """Return the row of a finding that no coverage of ALK speaks of."""
    bypass = BYPASSES.get(finding["bypass"] or "")
    told = [] if finding["status"] == "ok" else [finding["status"]]
    if bypass is not None:
        told.insert(0, f"opens the bypass {bypass.name}: how well ALK is covered does not decide")
    cited = [f"{fact} ({_cited(fact)})" for fact in (bypass.facts if bypass else ())]
    return dict.fromkeys(PAIR_SCHEMA) | {
        "compound": compound, "variant": finding["variant"], "kind": finding["kind"], "class": "no evidence", "class_cns": "no evidence",
        "guide_id": next((fact.split("/")[1] for fact in (bypass.facts if bypass else ()) if fact.startswith("guide")), None),
        "guide": "seen at resistance" if bypass and compound == "alectinib" and bypass.facts else None,
        "source": "; ".join(cited) or None, "verified": None, "status": "; ".join(told) or "no coverage speaks of it",
    }  # fmt: skip


def _cited(fact: str) -> str:
    table, name = fact.split("/")
    if table == "guide":
        return "the guide"
    row = facts(table).filter(pl.col("row_id") == name)
    return citation(row["source_id"][0]) or name


def _pair(
    finding: Mapping[str, Any], fold: Mapping[str, Any], places: Mapping[str, Cell], guide: tuple[str | None, str | None]
) -> dict[str, Any]:
    plasma, cns = (places[site] for site in SITES)
    numbers = {
        f"coverage_{site}{end}": value
        for site, cell in places.items()
        for end, value in (("", cell.average), ("_lower", cell.lower), ("_upper", cell.upper), ("_minimum", cell.minimum))
    }
    row = {name: fold[name] for name in ("fold", "fold_lower", "fold_upper", "fold_class", "fold_basis")}
    states = [fold["fold_verified"], *(cell.verified for cell in places.values() if cell.average is not None)]
    sources = [fold["fold_source"], *(cell.source for cell in places.values())]
    return {
        "compound": fold["compound"], "variant": finding["variant"], "kind": finding["kind"], "class": plasma.called, "class_cns": cns.called,
        **row, **numbers, "coverage_basis": plasma.basis or cns.basis, "guide": guide[0], "guide_id": guide[1],
        "disagreement": disagreement(guide[0], plasma.called, fold["fold_class"]),
        "source": "; ".join(dict.fromkeys(one for text in sources if text for one in text.split("; "))) or None,
        "verified": "memory" if "memory" in states else "yes" if "yes" in states and fold["fold_basis"] != "predicted" else None, "status": _said(finding, fold, places),
    }  # fmt: skip


def _said(finding: Mapping[str, Any], fold: Mapping[str, Any], places: Mapping[str, Cell]) -> str:
    """Return what must be known of a call: what holds for every site once, then what holds for one."""
    told = [text for text in (finding["status"], fold["fold_status"]) if text != "ok"]
    told += [finding["checked"]] if finding["checked"] != "yes" else []
    known = {text.rstrip(".") for text in told}
    parts = {
        site: [text.rstrip(".") for text in cell.status.split("; ") if text != "ok" and text.rstrip(".") not in known]
        for site, cell in places.items()
    }
    shared = [text for text in next(iter(parts.values())) if all(text in texts for texts in parts.values())]
    told += shared
    own = {site: [text for text in texts if text not in shared] for site, texts in parts.items()}
    told += [f"{site}: {'; '.join(texts)}" for site, texts in own.items() if texts]
    return "; ".join(dict.fromkeys(text.rstrip(".") for text in told)) or "ok"
