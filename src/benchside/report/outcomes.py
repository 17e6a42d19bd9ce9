"""What was published of a trial, to stand beside what is predicted; trials that are to be predicted have nothing here on purpose."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside import evidence
from benchside.report.blocks import Cell

ENDPOINT_OF: Final[Mapping[tuple[str, str], str]] = {
    ("PFS", "hazard_ratio"): "PFS HR",
    ("PFS", "median"): "median PFS",
    ("PFS", "survival"): "PFS rate {months:g} mo",
    ("CNS progression", "cumulative_incidence"): "CNS progression cumulative incidence {months:g} mo",
}
"""A predicted endpoint and quantity, and the words of the fact table for it."""

AS_FRACTION: Final = {"%": 0.01}


def published_outcome(trial: str, row: Mapping[str, Any]) -> Cell:
    """Return what the first report of a trial says of one predicted quantity, by assessment, or that nothing is known here."""
    words = ENDPOINT_OF.get((row["endpoint"], row["quantity"]))
    if words is None:
        return Cell("")
    arm = f"{row['arm']} vs {row['comparator']}" if row["comparator"] else row["arm"]
    known = evidence.facts("clinical_results").filter(
        (pl.col("trial") == trial) & (pl.col("arm") == arm) & (pl.col("population") == "ITT") & (pl.col("verified") == "yes")
        & (pl.col("endpoint") == words.format(months=row["time_months"] or 0))
    )  # fmt: skip
    if known.is_empty():
        return Cell("nothing here", "grey")
    first = known.filter(pl.col("data_cutoff") == known["data_cutoff"].min())
    texts = [_text(one) for one in first.iter_rows(named=True)]
    sources = "; ".join(dict.fromkeys(first["source_id"].drop_nulls().to_list()))
    return Cell("; ".join(texts), title=sources)


def _text(one: Mapping[str, Any]) -> str:
    value, lower, upper = (_share(one[name], one["unit"]) for name in ("value", "lower95", "upper95"))
    interval = f" ({lower or 'NE'} to {upper or 'NE'})" if lower or upper else ""
    return f"{value}{interval} {one['assessment']} {one['data_cutoff']}"


def _share(text: str | None, unit: str) -> str | None:
    """Return a percentage as a fraction, other texts as printed."""
    if text is None or unit not in AS_FRACTION:
        return text
    try:
        return f"{float(text) * AS_FRACTION[unit]:.3g}"
    except ValueError:
        return text
