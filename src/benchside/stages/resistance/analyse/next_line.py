"""What next: compounds ranked by how well each covers the variant it covers least, in the body and in the brain apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.stages.resistance.analyse.call import ALK_INHIBITORS, detected, pair_table
from benchside.stages.resistance.analyse.cells import SITES, coverage_class, coverage_table
from benchside.stages.resistance.notice import ResistanceAnswer
from benchside.stages.resistance.read import read_variants
from benchside.stages.resistance.sources import default

VERSION: Final = "1"
RANK_SCHEMA: Final[dict[str, Any]] = {
    "site": pl.String, "rank": pl.Int64, "compound": pl.String, "smallest_coverage": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "limiting_variant": pl.String, "class": pl.String, "n_variants": pl.Int64, "n_no_evidence": pl.Int64, "source": pl.String,
    "verified": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class NextLine(ResistanceAnswer):
    """A ranking: `.table` has one row a site and compound, `.cells` one row a site, compound and variant."""

    cells: pl.DataFrame = field(default_factory=pl.DataFrame)

    KEY: ClassVar[tuple[str, ...]] = ("site", "compound")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("smallest coverage over the variants", "smallest_coverage", "ratio", "lower", "upper", n="n_variants"),
    )


def next_line(
    variants: Any,
    after: str | Sequence[str] = "alectinib",
    *,
    compounds: Sequence[str] | None = None,
    coverage: Any = None,
    exposure: Any = None,
    level: float = 0.9,
    verified_only: bool = True,
    build: str | None = None,
) -> NextLine:
    """Return the compounds ranked by the smallest coverage over all variants seen, plasma and CNS apart.

    Parameters
    ----------
    variants
        What `read_variants` takes; all of them together are what the next drug must cover.
    after
        The drug, or drugs, given before: shown, and not ranked.
    compounds
        Those asked about; None: the compounds of the coverage table, else the six ALK inhibitors.
    coverage, exposure, level, verified_only, build
        As in `call`.

    Returns
    -------
    NextLine
        `.table`: `site, rank, compound, smallest_coverage, lower, upper, limiting_variant, class, n_variants, n_no_evidence, source,
        verified, status`. A compound of which one variant is not known has no rank: the least covered variant may be that one.
        `.cells`: `site, compound, variant, coverage, lower, upper, minimum, class, words, fold, fold_lower, fold_upper, fold_class,
        source, verified, status`, with the cell in words.

    Raises
    ------
    SettingError
        When the variants hold no change of ALK and no wild type, so that there is nothing to rank by.
    NoEvidenceError, TableError, FileError, MatrixMismatch
        As `call`.

    Examples
    --------
    >>> rows = [(drug, "WT", site, 4.0 + k, 3.0 + k, 6.0 + k) for k, drug in enumerate(["alectinib", "brigatinib"]) for site in ("plasma", "cns")]
    >>> names = ["compound", "variant", "site", "coverage_average", "lower", "upper"]
    >>> next_line(["G1269A"], coverage=pl.DataFrame(rows, schema=names, orient="row")).table.select("site", "rank", "compound").row(0)
    ('plasma', 1, 'brigatinib')
    """
    held = read_variants(variants, build=build)
    found = detected(held.table)
    asked = found.filter(pl.col("kind").is_in(["wild-type", "on-target"]))["variant"].unique(maintain_order=True)
    if asked.is_empty():
        message = f"{held.label}: no row is a mutation of ALK or the wild type, so no coverage ranks anything. Add what is known of ALK, for example 'WT'."
        raise SettingError(message)
    given = [after] if isinstance(after, str) else list(after)
    names = _compounds(compounds, coverage, exposure, given, asked.to_list())
    pairs, used = pair_table(held, names, coverage=coverage, exposure=exposure, level=level, verified_only=verified_only)
    each = long_cells(pairs.filter(pl.col("kind").is_in(["wild-type", "on-target"])))
    open_bypasses = found["bypass"].drop_nulls().unique(maintain_order=True).to_list()
    table = ranked(each, given, open_bypasses)
    settings = {"after": given, "compounds": names, "level": level, "verified_only": verified_only}
    inputs = (held.table, *(() if used is None else (used.drop("_key", "_drug"),)))
    return NextLine(table, Origin("resistance.next_line", VERSION, settings, inputs), cells=each)


def _compounds(
    compounds: Sequence[str] | None, coverage: Any, exposure: Any, given: Sequence[str], asked: Sequence[str]
) -> list[str]:
    if compounds is not None:
        return list(dict.fromkeys([*compounds, *given]))
    coverage = default() if coverage is None else coverage
    if coverage is None or (callable(coverage) and not hasattr(coverage, "table")):
        return list(dict.fromkeys([*ALK_INHIBITORS, *given]))
    table = coverage_table(coverage, exposure, given, asked)
    return list(dict.fromkeys([*([] if table is None else table["compound"].to_list()), *given]))


def long_cells(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return calls one row a site, with each cell in words."""
    shared = [
        "compound",
        "variant",
        "fold",
        "fold_lower",
        "fold_upper",
        "fold_class",
        "fold_basis",
        "source",
        "verified",
        "status",
    ]
    parts = [
        pairs.select(
            pl.lit(site).alias("site"), "compound", "variant", coverage=f"coverage_{site}", lower=f"coverage_{site}_lower",
            upper=f"coverage_{site}_upper", minimum=f"coverage_{site}_minimum",
            **{"class": "class" if site == "plasma" else "class_cns"}, **{name: name for name in shared[2:]},
        )
        for site in SITES
    ]  # fmt: skip
    table = pl.concat(parts)
    words = [cell_words(row) for row in table.iter_rows(named=True)]
    return table.with_columns(words=pl.Series(words, dtype=pl.String))


def cell_words(row: dict[str, Any]) -> str:
    """Return one cell of the ranking as people read it: class, coverage with limits, and a mark where it is from memory.

    Examples
    --------
    >>> cell_words({"class": "marginal", "coverage": 1.234, "lower": 0.5, "upper": None, "verified": "memory"})
    'marginal, 1.2 (0.5 to open), unverified'
    """
    if row["coverage"] is None:
        return "no evidence"
    low, high = ("open" if row[end] is None else f"{row[end]:.2g}" for end in ("lower", "upper"))
    mark = ", unverified" if row["verified"] == "memory" else ""
    return f"{row['class']}, {row['coverage']:.2g} ({low} to {high}){mark}"


def ranked(each: pl.DataFrame, given: Sequence[str], open_bypasses: Sequence[str]) -> pl.DataFrame:
    """Return the ranking of each site: compounds with every variant known by their smallest coverage, then the others."""
    rows = []
    for (site, compound), part in each.group_by("site", "compound", maintain_order=True):
        rows.append(_row(str(site), str(compound), part, open_bypasses))
    table = pl.DataFrame(rows, schema=RANK_SCHEMA, orient="row")
    before = pl.col("compound").str.to_lowercase().is_in([name.lower() for name in given])
    can = ~before & (pl.col("n_no_evidence") == 0)
    order = table.with_columns(_can=can, _before=before).sort(
        pl.col("site") != "plasma", "_before", ~pl.col("_can"), "smallest_coverage", "lower",
        descending=[False, False, False, True, True], nulls_last=True, maintain_order=True,
    )  # fmt: skip
    rank = pl.when("_can").then(pl.int_range(1, pl.len() + 1).over("site")).cast(pl.Int64)
    told = pl.when("_before").then(pl.concat_str(pl.lit("given before: not ranked; "), "status")).otherwise("status")
    return order.with_columns(rank=rank, status=told.str.replace("; ok$", "")).drop("_can", "_before")


def _row(site: str, compound: str, part: pl.DataFrame, open_bypasses: Sequence[str]) -> dict[str, Any]:
    known = part.filter(pl.col("coverage").is_not_null()).sort("coverage", "lower", maintain_order=True)
    lacking = part.filter(pl.col("coverage").is_null())["variant"].to_list()
    told = [f"no evidence for {', '.join(lacking)}: not ranked"] if lacking else []
    told += [f"the bypass {name} is open: covering ALK may not be enough" for name in open_bypasses]
    recalled = part.filter(pl.col("verified") == "memory")["variant"].to_list()
    told += [f"unverified: {', '.join(recalled)}"] if recalled else []
    row = dict.fromkeys(RANK_SCHEMA) | {
        "site": site, "compound": compound, "n_variants": part.height, "n_no_evidence": len(lacking), "class": "no evidence",
        "status": "; ".join(told) or "ok", "source": "; ".join(part["source"].drop_nulls().unique(maintain_order=True)) or None,
        "verified": "memory" if recalled else "yes" if (part["verified"] == "yes").all() else None,
    }  # fmt: skip
    if known.is_empty():
        return row
    first = known.row(0, named=True)
    # Limits of a smallest: each variant's true coverage may be the smallest, so the ends are the smallest ends.
    low = None if known["lower"].null_count() else known["lower"].min()
    high = None if known["upper"].null_count() else known["upper"].min()
    called = "no evidence" if lacking else coverage_class(first["coverage"], low, high)  # type: ignore[arg-type]
    return row | {
        "smallest_coverage": first["coverage"], "lower": low, "upper": high, "limiting_variant": first["variant"], "class": called,
    }  # fmt: skip
