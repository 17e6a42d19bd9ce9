"""The fact tables as they lie on disk, and the one shape they are brought to."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl

from benchside.core.errors import NoEvidenceError, listed, nearest

MEMORY_SENTENCE: Final = "from memory, not verified against the source"
"""What stands beside every number whose source text was never read."""

_ROW: Final = {"compound": "drug", "where": "where_in_source", "id": "row_id"}

FACT_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "affinity_kinetics": _ROW,
    "baseline": {"quantity": "characteristic", "lower": "lower95", "upper": "upper95"},
    "cell_lines": _ROW,
    "clinical_results": {"quantity": "endpoint", "compound": "drug", "lower": "lower95", "upper": "upper95"},
    "clinical_survival_points": {
        "value": "S", "lower": "lower95", "upper": "upper95", "n": "n_total", "conditions": "kind"},
    "cns": _ROW,
    "downstream": _ROW,
    "exposure_response": {
        "quantity": "fact", "compound": "drug", "lower": "lower95", "upper": "upper95", "conditions": "setting"},
    "fold_changes": {"compound": "drug", "variant": "mutation", "value": "fold_vs_same_lab_WT", "system": "backbone"},
    "guide": {},
    "pharmacokinetics": _ROW,
    "potency": _ROW,
    "resistance_spectrum": _ROW,
    "safety": {"quantity": "event", "endpoint": "grade"},
}  # fmt: skip
"""The tables that hold one fact a row, and the columns each of them names in its own way: common name, name there."""

_CONSTANT: Final[Mapping[str, Mapping[str, str]]] = {
    "clinical_survival_points": {"quantity": "survival", "unit": "fraction"},
    "fold_changes": {"quantity": "fold_vs_same_lab_WT", "unit": "x"},
}
_COLUMNS: Final = (
    "id", "quantity", "value", "relation", "unit", "lower", "upper", "n",
    "compound", "target", "variant", "system", "site", "trial", "arm", "population", "endpoint", "assessment",
    "data_cutoff", "time_months", "readout", "conditions", "source_id", "where", "verified", "via", "note",
)  # fmt: skip


@cache
def facts(name: str) -> pl.DataFrame:
    """Return one fact table as it lies on disk, every cell as text.

    Parameters
    ----------
    name
        A name of `FACT_TABLES`, or `sources`, `conflicts`, `trial_designs`.

    Raises
    ------
    NoEvidenceError
        When there is no table of this name.

    Examples
    --------
    >>> facts("trial_designs")["trial"][0]
    'ALEX'
    """
    known = [*FACT_TABLES, "sources", "conflicts", "trial_designs"]
    if name not in known:
        message = f"there is no fact table {name!r}{nearest(name, known)}; there are {listed(sorted(known), 20)}."
        raise NoEvidenceError(message)
    text = (files("benchside.evidence") / "facts" / f"{name}.tsv").read_bytes()
    return pl.read_csv(text, separator="\t", infer_schema=False)


def citation(source_id: str | None) -> str | None:
    """Return the citation of a source with its identifier, or None where the source is not listed.

    Examples
    --------
    >>> citation("COSTA2011")
    'CSF concentration of crizotinib, J Clin Oncol 2011 (letter)'
    """
    return _citations().get(source_id) if source_id else None


@cache
def _citations() -> Mapping[str, str]:
    rows = facts("sources").select("source_id", "citation", "doi_pmid").iter_rows()
    return {key: ". ".join(part for part in (text, identifier) if part) for key, text, identifier in rows}


@cache
def every_fact() -> pl.DataFrame:
    """Return all facts in the one shape: `value` as text, its `number` where it is one, citation and status."""
    parts = [_in_common_shape(name) for name in FACT_TABLES]
    return pl.concat(parts, how="vertical")


def _in_common_shape(name: str) -> pl.DataFrame:
    raw, renamed, constant = facts(name), FACT_TABLES[name], _CONSTANT.get(name, {})

    def column(wanted: str) -> pl.Expr:
        if wanted in constant:
            return pl.lit(constant[wanted], pl.String).alias(wanted)
        held = renamed.get(wanted, wanted)
        return (pl.col(held) if held in raw.columns else pl.lit(None, pl.String)).alias(wanted)

    table = raw.select(column(wanted) for wanted in _COLUMNS).with_row_index("_row")
    intervals_are_95 = "lower95" in raw.columns
    cited = [citation(key) or where for key, where in table.select("source_id", "where").iter_rows()]
    number = {name: pl.col(name).cast(pl.Float64, strict=False) for name in ("lower", "upper", "time_months")}
    return table.with_columns(
        id=pl.lit(f"{name}/") + pl.coalesce("id", (pl.col("_row") + 1).cast(pl.String)),
        fact_table=pl.lit(name),
        number=pl.col("value").cast(pl.Float64, strict=False),
        relation=pl.col("relation").fill_null("="),
        unit=pl.col("unit").fill_null(""),
        level=pl.lit(0.95 if intervals_are_95 else None, pl.Float64),
        n=pl.col("n").cast(pl.Int64, strict=False),
        **number,
        source=pl.Series(cited, dtype=pl.String),
        status=_status(),
    ).drop("_row")


def _status() -> pl.Expr:
    """Return the sentence that must stand beside a fact; `ok` for a number read where it is cited."""
    reason = pl.when(pl.col("note").is_not_null()).then(pl.lit(": ") + pl.col("note")).otherwise(pl.lit(""))
    bound = pl.when(pl.col("relation").is_in(["<", "<="])).then(pl.lit("an upper bound")).otherwise(pl.lit("a lower bound"))
    return (
        pl.when(pl.col("verified") == "memory")
        .then(pl.lit(MEMORY_SENTENCE) + reason)
        .when(pl.col("via") == "assumed")
        .then(pl.lit("assumed") + reason)
        .when(pl.col("relation").is_in(["<", "<=", ">", ">="]))
        .then(bound + reason)
        .when(pl.col("via") == "derived")
        .then(pl.lit("derived") + reason)
        .when(pl.col("relation") == "~")
        .then(pl.lit("approximate") + reason)
        .otherwise(pl.lit("ok"))
    )
