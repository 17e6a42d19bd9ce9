"""The fact tables as they lie on disk, and the one shape they are brought to."""

from collections.abc import Mapping, Sequence
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
    named = {wanted: held for wanted, held in renamed.items() if held in raw.columns}
    table = raw.with_columns(**{wanted: pl.col(held) for wanted, held in named.items()})
    table = table.with_columns(pl.lit(text, pl.String).alias(column) for column, text in constant.items())
    cited = [citation(row.get("source_id")) or row.get("where") for row in table.iter_rows(named=True)]
    return common_shape(table, name, cited=cited, level=0.95 if "lower95" in raw.columns else None)


def common_shape(table: pl.DataFrame, name: str, *, cited: Sequence[str | None], level: float | None = None) -> pl.DataFrame:
    """Return a table of texts, its columns named as in the common shape, in that shape: numbers parsed, status said.

    Parameters
    ----------
    table
        One fact a row; columns that it lacks become nulls.
    name
        The table's name, which becomes `fact_table` and begins every id.
    cited
        The citation of each row.
    level
        Level of `lower` and `upper`, where the table has one.
    """
    held = [pl.col(column) if column in table.columns else pl.lit(None, pl.String).alias(column) for column in _COLUMNS]
    number = {column: pl.col(column).cast(pl.Float64, strict=False) for column in ("lower", "upper", "time_months")}
    return table.select(held).with_row_index("_row").with_columns(
        id=pl.lit(f"{name}/") + pl.coalesce("id", (pl.col("_row") + 1).cast(pl.String)),
        fact_table=pl.lit(name),
        number=pl.col("value").cast(pl.Float64, strict=False),
        relation=pl.col("relation").fill_null("="),
        unit=pl.col("unit").fill_null(""),
        level=pl.lit(level, pl.Float64),
        n=pl.col("n").cast(pl.Int64, strict=False),
        **number,
        source=pl.Series(cited, dtype=pl.String),
        status=_status(),
    ).drop("_row")  # fmt: skip


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
