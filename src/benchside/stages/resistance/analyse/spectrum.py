"""How often a mechanism was found after a drug: as published with its denominator and prior therapy, and in a cohort of one's own."""

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import NoEvidenceError, TableError, listed, nearest
from benchside.core.evidence import Origin, Quantity
from benchside.evidence import citation, facts
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.stages.resistance.analyse.proportion import wilson
from benchside.stages.resistance.notice import ResistanceAnswer
from benchside.stages.resistance.read import read_variants

VERSION: Final = "1"
COUNTS: Final = re.compile(r"^(\d+)/(\d+)")
NOT_STATED: Final = "not stated"
NO_MECHANISM: Final = "none found"

PRIOR: Final = {
    ("GAINOR2016", "alectinib"): ("crizotinib", "known conflict X02: post-crizotinib population"),
    ("DOEBELE2012", "crizotinib"): ("none", "crizotinib was the first ALK inhibitor in patients"),
    ("KIM2013", "crizotinib"): ("none", "crizotinib was the first ALK inhibitor in patients"),
}
"""Prior therapy of a published series and what says so; every other series: not stated in the rows held here."""

SPECTRUM_SCHEMA: Final[dict[str, Any]] = {
    "drug": pl.String, "prior": pl.String, "mechanism": pl.String, "found": pl.Int64, "n": pl.Int64, "fraction": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "sample_kind": pl.String, "series": pl.String, "source": pl.String, "verified": pl.String,
    "fact": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Spectrum(ResistanceAnswer):
    """Shares of mechanisms: `.table` has one row a series, drug, prior therapy and mechanism."""

    patients: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Of a cohort: one row a patient, `series, drug, prior, patient, pattern` (its mechanisms together). Empty for published shares."""

    level: float = 0.95

    KEY: ClassVar[tuple[str, ...]] = ("series", "drug", "prior", "mechanism", "fact")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("share of patients", "fraction", "fraction", "lower", "upper", n="n"),)


def spectrum(drug: str | None = None, prior: str | None = None, *, level: float = 0.95, verified_only: bool = False) -> Spectrum:
    """Return the published frequencies of resistance mechanisms, with counts, Wilson intervals and prior therapy.

    Parameters
    ----------
    drug
        The drug at whose progression the samples were taken; None: all.
    prior
        The ALK inhibitor before it, ``none``, or ``not stated``; None: all.
    level
        Of the intervals.
    verified_only
        Leave out counts recalled from memory.

    Returns
    -------
    Spectrum
        `.table`: `drug, prior, mechanism, found, n, fraction, lower, upper, sample_kind, series, source, verified, fact, status`. A share
        whose denominator is not published has null counts and limits. Mechanisms of one series may overlap in a patient.

    Raises
    ------
    NoEvidenceError
        When no series of this drug, or after this therapy, is known.

    Examples
    --------
    >>> row = spectrum("alectinib", prior="crizotinib").table.filter(mechanism="G1202R").row(0, named=True)
    >>> row["found"], row["n"], round(row["lower"], 2), round(row["upper"], 2)
    (5, 17, 0.13, 0.53)
    """
    rows = [made for row in facts("resistance_spectrum").iter_rows(named=True) if (made := _published(row, level)) is not None]
    table = pl.DataFrame(rows, schema=SPECTRUM_SCHEMA)
    if verified_only:
        table = table.filter(pl.col("verified") == "yes")
    for column, word in (("drug", drug), ("prior", prior)):
        known = table[column].unique().sort().to_list()
        if word is not None:
            table = table.filter(pl.col(column).str.to_lowercase() == word.lower())
            if table.is_empty():
                said = f"drug {word!r}" if column == "drug" else f"prior therapy {word!r} of {drug or 'any drug'}"
                message = f"no published frequency has the {said}{nearest(word, known)}; there are {listed(known, 12)}."
                raise NoEvidenceError(message)
    settings = {"drug": drug, "prior": prior, "level": level, "verified_only": verified_only}
    return Spectrum(table, Origin("resistance.spectrum", VERSION, settings, (facts("resistance_spectrum"),)), level=level)


def _published(row: dict[str, Any], level: float) -> dict[str, Any] | None:
    """Return one published frequency; None for a row that is no frequency of a mechanism of resistance."""
    mechanism, drug = row["target"], row["drug"]
    if row["quantity"] != "fraction" or mechanism is None or mechanism.startswith("PR,") or not _is_number(row["value"]):
        return None
    fraction = float(row["value"])
    counts = COUNTS.match(row["conditions"] or "")
    found, n = (int(counts[1]), int(counts[2])) if counts else (None, None)
    lower, upper = wilson(found, n, level=level) if found is not None and n is not None else (None, None)
    prior, why = PRIOR.get((row["source_id"], drug), (NOT_STATED, ""))
    told = [MEMORY_SENTENCE + (f": {row['note']}" if row["note"] else "")] if row["verified"] == "memory" else []
    told += [] if counts else ["the denominator is not published, so there is no interval"]
    told += [f"prior therapy: {why}"] if why else []
    kind = "xenograft" if "xenograft" in (drug or "") else row["system"]
    return {
        "drug": drug, "prior": prior, "mechanism": mechanism, "found": found, "n": n, "fraction": found / n if found is not None and n else fraction,
        "lower": lower, "upper": upper, "sample_kind": kind, "series": row["source_id"],
        "source": citation(row["source_id"]), "verified": row["verified"], "fact": f"resistance_spectrum/{row['row_id']}",
        "status": "; ".join(told) or "ok",
    }  # fmt: skip


def _is_number(text: str | None) -> bool:
    return bool(re.fullmatch(r"[0-9.]+", text or ""))


def cohort(variants: Any, *, level: float = 0.95, series: str = "cohort", build: str | None = None) -> Spectrum:
    """Return the frequencies of mechanisms in a cohort of one's own, in the shape of the published ones.

    Parameters
    ----------
    variants
        What `read_variants` takes, with `patient` (else every sample counts as a patient) and, where known, `drug` and `prior`. A
        patient without any mechanism is a row whose variant is WT.
    level
        Of the Wilson intervals.
    series
        What the cohort is called.
    build
        Genome build of a VCF or MAF.

    Returns
    -------
    Spectrum
        `.table` as of `spectrum`, with ``any ALK mutation``, every mutation, every bypass and ``none found``; `.patients`.

    Raises
    ------
    TableError
        When a patient stands under two drugs or two prior therapies.

    Examples
    --------
    >>> df = pl.DataFrame({"patient": ["a", "b", "c"], "variant": ["G1202R", "WT", "MET amplification"]})
    >>> cohort(df).table.select("mechanism", "found", "n").rows()
    [('any ALK mutation', 1, 3), ('G1202R', 1, 3), ('MET', 1, 3), ('none found', 1, 3)]
    """
    held = read_variants(variants, build=build)
    table = held.table.with_columns(
        patient=pl.coalesce("patient", "sample"),
        drug=pl.col("drug").fill_null(NOT_STATED),
        prior=pl.col("prior").fill_null(NOT_STATED),
    )
    _check_patients(table, held.label)
    here = ~((pl.col("vaf") == 0) | (pl.col("alt_count") == 0)).fill_null(value=False)
    single = (
        table.filter(here, pl.col("kind") == "on-target")
        .with_columns(mechanism=pl.col("variant").str.split("+")).explode("mechanism").unique(["patient", "mechanism"], maintain_order=True)
    )  # fmt: skip
    bypass = (
        table.filter(here, pl.col("bypass").is_not_null())
        .with_columns(mechanism="bypass")
        .unique(["patient", "mechanism"], maintain_order=True)
    )
    every = pl.concat([single.select("patient", "mechanism"), bypass.select("patient", "mechanism")])
    people = table.unique("patient", maintain_order=True).select("drug", "prior", "patient")
    patterns = every.group_by("patient").agg(pattern=pl.col("mechanism").sort().str.join(" and "))
    people = people.join(patterns, on="patient", how="left", maintain_order="left").with_columns(
        pl.col("pattern").fill_null(NO_MECHANISM), series=pl.lit(series)
    )
    rows = _counted(people, every, set(single["patient"]), level=level)
    settings = {"level": level, "series": series}
    return Spectrum(
        pl.DataFrame(rows, schema=SPECTRUM_SCHEMA),
        Origin("resistance.cohort", VERSION, settings, (held.table,)),
        patients=people,
        level=level,
    )


def _check_patients(table: pl.DataFrame, label: str) -> None:
    for column in ("drug", "prior"):
        several = (
            table.group_by("patient", maintain_order=True)
            .agg(pl.col(column).unique(maintain_order=True))
            .filter(pl.col(column).list.len() > 1)
        )
        if several.height:
            name, held = several.row(0)
            message = (
                f"{label}: patient {name!r} stands under {listed(held)} as {column}. Keep the samples of one progression a table."
            )
            raise TableError(message)


def _counted(people: pl.DataFrame, every: pl.DataFrame, mutated: set[str], *, level: float) -> list[dict[str, Any]]:
    rows = []
    for (series, drug, prior), group in people.group_by("series", "drug", "prior", maintain_order=True):
        inside, n = group["patient"].to_list(), group.height
        own = every.filter(pl.col("patient").is_in(inside))
        counts = own.group_by("mechanism").len().sort("len", "mechanism", descending=[True, False])
        found = [("any ALK mutation", len(mutated & set(inside))), *counts.iter_rows()]
        found.append((NO_MECHANISM, n - own["patient"].n_unique()))
        for mechanism, count in found:
            lower, upper = wilson(count, n, level=level)
            rows.append(dict.fromkeys(SPECTRUM_SCHEMA) | {
                "drug": drug, "prior": prior, "mechanism": mechanism, "found": count, "n": n, "fraction": count / n, "lower": lower,
                "upper": upper, "sample_kind": "cohort", "series": series, "status": "ok",
            })  # fmt: skip
    return rows
