"""Coverage of one compound on one variant at one site, out of a table of coverages, and the class it falls in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.exchange import Exposure, require_free
from benchside.core.tables import cast_column, dataframe
from benchside.evidence import MEMORY_SENTENCE
from benchside.evidence.variants import is_wild_type, mutations
from benchside.stages.resistance import sources

COVERED: Final = 3.0
"""From this coverage at the average concentration upwards, in its lower limit, a variant is covered."""

TOUCHED: Final = 1.0
"""Free drug equals the free IC50."""

CallClass = Literal["covered", "marginal", "not covered", "unresolved", "no evidence"]
CLASSES: Final[tuple[CallClass, ...]] = ("covered", "marginal", "not covered", "unresolved", "no evidence")
SITES: Final = ("plasma", "cns")

NO_COVERAGE: Final = "no coverage was given: pass coverage= (a table of bs.pharmacology.coverage)"
_OPTIONAL: Final[dict[str, Any]] = {
    "coverage_minimum": pl.Float64, "relation": pl.String, "system": pl.String, "source": pl.String, "verified": pl.String,
    "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """Coverage of a compound on a variant at a site; what is not known is None."""

    average: float | None = None
    lower: float | None = None
    upper: float | None = None
    minimum: float | None = None
    relation: str = "="
    basis: str | None = None
    source: str | None = None
    verified: str | None = None
    status: str = "ok"

    @property
    def called(self) -> CallClass:
        """The class of the coverage."""
        return coverage_class(self.average, self.lower, self.upper, relation=self.relation)


def coverage_class(average: float | None, lower: float | None, upper: float | None, *, relation: str = "=") -> CallClass:
    """Return the class of a coverage by its interval.

    ``covered``: the lower limit is 3 or more; ``not covered``: the upper limit is below 1; ``unresolved``: the interval reaches from
    below 1 to 3 or more, or has an open end that decides; ``marginal``: it meets 1-3 otherwise; ``no evidence``: no coverage.

    Parameters
    ----------
    average
        Coverage at the average concentration.
    lower, upper
        Its limits; None where open or not known.
    relation
        ``>`` where the coverage is known as a lower bound only, ``<`` as an upper bound.

    Examples
    --------
    >>> coverage_class(5, 3.0, 8), coverage_class(2, 0.5, 2.9), coverage_class(2, 0.5, 9), coverage_class(0.3, 0.1, 0.9)
    ('covered', 'marginal', 'unresolved', 'not covered')
    """
    if average is None:
        return "no evidence"
    low = (lower if lower is not None else average) if relation == ">" else lower
    high = (upper if upper is not None else average) if relation == "<" else upper
    low = None if relation == "<" else low  # the coverage may be anything below
    high = None if relation == ">" else high
    if low is not None and low >= COVERED:
        return "covered"
    if high is not None and high < TOUCHED:
        return "not covered"
    if low is None or high is None or (low < TOUCHED and high >= COVERED):
        return "unresolved"
    return "marginal"


def coverage_table(coverage: Any, exposure: Any, compounds: Sequence[str], variants: Sequence[str]) -> pl.DataFrame | None:
    """Return a table of coverages from a table or a source of one; None where nothing was given.

    Raises
    ------
    TableError
        When a column is missing or a limit does not enclose.
    MatrixMismatch
        When an exposure is total.
    SettingError
        When an exposure is given without anything that makes coverage of it.
    """
    coverage = sources.default() if coverage is None else coverage
    for one in [exposure] if isinstance(exposure, Exposure) else list(exposure or ()):
        require_free(one)
    if callable(coverage) and not hasattr(coverage, "table"):
        return conformed(coverage(compounds, variants, exposure))
    if exposure is not None:
        message = (
            "an exposure is given, and nothing that makes a coverage of it. Pass coverage=bs.pharmacology.coverage(potencies, exposures), "
            "or a function of compounds, variants and exposure."
        )
        raise SettingError(message)
    return None if coverage is None else conformed(coverage)


def conformed(coverage: Any) -> pl.DataFrame:
    """Return a table of coverages with the columns that calls need, checked."""
    table = dataframe(coverage)
    needed = ("compound", "variant", "site", "coverage_average", "lower", "upper")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        message = f"coverage table: column {listed(missing)} is missing; it needs {', '.join(needed)}. Give a table of bs.pharmacology.coverage."
        raise TableError(message)
    stray = table.filter(~pl.col("site").is_in(SITES) & pl.col("coverage_average").is_not_null())
    if stray.height:
        message = f"coverage table: site must be plasma or cns, and is {stray['site'][0]!r}. Correct it."
        raise TableError(message)
    numbers = [cast_column(table, name, pl.Float64, noun="coverage table") for name in needed[3:]]
    table = table.with_columns(numbers).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in _OPTIONAL.items() if name not in table.columns
    )
    value, low, high = pl.col("coverage_average"), pl.col("lower"), pl.col("upper")
    bad = table.filter((~(value.is_finite() & (value >= 0))) | (low > value) | (high < value))
    if bad.height:
        row = bad.row(0, named=True)
        message = (
            f"coverage table: {row['compound']} on {row['variant']} has coverage {row['coverage_average']:g} with limits {row['lower']} to "
            f"{row['upper']}; a coverage is 0 or more and lies within its limits. Correct the row."
        )
        raise TableError(message)
    alike = [variant_key(name) for name in table["variant"]]
    return table.with_columns(_key=pl.Series(alike, dtype=pl.String), _drug=pl.col("compound").str.to_lowercase())


def variant_key(text: str | None) -> str:
    """Return the name under which a variant of a coverage table meets one that was called.

    Examples
    --------
    >>> variant_key("EML4-ALK V3 G1202R"), variant_key("EML4-ALK V1"), variant_key("L1196M+G1202R")
    ('G1202R', 'WT', 'L1196M+G1202R')
    """
    changed = mutations(text)
    if changed:
        return "+".join(changed)
    return "WT" if is_wild_type(text) else (text or "")


def cells(table: pl.DataFrame | None) -> Mapping[tuple[str, str, str], Cell]:
    """Return the coverage of every compound (in small letters), variant and site of a table; rows of one triple are enveloped."""
    if table is None:
        return {}
    groups = table.group_by("_drug", "_key", "site", maintain_order=True)
    return {(str(drug), str(key), str(site)): _enveloped(part) for (drug, key, site), part in groups if site is not None}


def _enveloped(part: pl.DataFrame) -> Cell:
    """Return several coverages of one thing as one: geometric mean, and the limits that enclose every one's; cells before cell-free."""
    known = part.filter(pl.col("coverage_average").is_not_null())
    if known.is_empty():
        return Cell(status=str(part["status"][0] or "no coverage is known"))
    in_cells = known.filter(pl.col("system").is_null() | ~pl.col("system").str.starts_with("cell-free"))
    used = known if in_cells.is_empty() else in_cells
    exact = used.filter(pl.col("relation").fill_null("=").is_in(["=", "~"]))
    used = used if exact.is_empty() else exact
    values = used["coverage_average"].to_list()
    average = values[0] if len(values) == 1 else geometric_mean(values)
    enclosed = used["lower"].null_count() + used["upper"].null_count() == 0
    several = used.height > 1
    limits: tuple[float | None, float | None] = (
        (float(used["lower"].min()), float(used["upper"].max())) if enclosed  # type: ignore[arg-type]
        else (min(values), max(values)) if several and not enclosed else (used["lower"][0], used["upper"][0])
    )  # fmt: skip
    return Cell(
        average, *limits, minimum=used["coverage_minimum"].min(), relation=str(used["relation"][0] or "="),  # type: ignore[arg-type]
        basis="as given", source=_joined(used["source"]), verified=_verified(used), status=_told(used, enclosed=enclosed),
    )  # fmt: skip


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of numbers of 0 or more.

    Examples
    --------
    >>> geometric_mean([2.0, 8.0]), geometric_mean([0.0, 3.0])
    (4.0, 0.0)
    """
    return 0.0 if min(values) == 0 else math.exp(sum(map(math.log, values)) / len(values))


def _told(used: pl.DataFrame, *, enclosed: bool) -> str:
    told = [f"{used.height} coverages of different assays: geometric mean, limits enclose all"] if used.height > 1 else []
    if used.height == 1 and not enclosed:
        told.append("the coverage has no interval")
    told += [text for text in used["status"].drop_nulls().unique(maintain_order=True) if text != "ok"]
    return "; ".join(told) or "ok"


def _joined(texts: pl.Series) -> str | None:
    return "; ".join(texts.drop_nulls().unique(maintain_order=True)) or None


def _verified(used: pl.DataFrame) -> str | None:
    unsaid = pl.col("verified").is_null() & pl.col("status").str.contains(MEMORY_SENTENCE, literal=True).fill_null(value=False)
    recalled = not used.filter((pl.col("verified") == "memory") | unsaid).is_empty()
    stated = used["verified"].drop_nulls()
    return "memory" if recalled else "yes" if len(stated) == used.height and (stated == "yes").all() else None


def predicted_cell(wild: Cell, fold: Mapping[str, Any]) -> Cell:
    """Return the coverage of a variant nobody gave one of: that of the wild type over its fold, both uncertainties in quadrature.

    Parameters
    ----------
    wild
        Coverage of the wild type.
    fold
        A row of `fold_rows`; without a fold there is no coverage.
    """
    if wild.average is None or fold["fold"] is None:
        return Cell(status=wild.status if wild.average is None else fold["fold_status"])
    average = wild.average / fold["fold"]
    status = "; ".join(["coverage of the wild type over the fold", *([wild.status] if wild.status != "ok" else [])])
    known = wild.average > 0 and wild.lower and wild.upper
    down = (
        math.hypot(math.log(wild.average / wild.lower), math.log(fold["fold_upper"] / fold["fold"]))
        if known and wild.lower
        else None
    )
    up = (
        math.hypot(math.log(wild.upper / wild.average), math.log(fold["fold"] / fold["fold_lower"]))
        if known and wild.upper
        else None
    )
    return Cell(
        average,
        None if down is None else average * math.exp(-down),
        None if up is None else average * math.exp(up),
        minimum=None if wild.minimum is None else wild.minimum / fold["fold"],
        relation=wild.relation,
        basis="wild type over fold",
        source=wild.source,
        verified=wild.verified,
        status=status,
    )
