"""The target window: how far the potency on cells that live on the kinase lies from that on their parents, which do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import Potency

VERSION: Final = "1"
LEAST: Final = 10.0
"""Below this window, effects on the engineered cells may be effects on any cell."""


@dataclass(frozen=True)
class TargetWindow(Answer):
    """Windows, one row a compound and engineered line."""

    KEY: ClassVar[tuple[str, ...]] = ("compound", "target", "variant", "system")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("target window", "window", "ratio", lower="window_lower", upper="window_upper", relation="window_relation"),
    )


def target_window(
    potency: Any,
    *,
    parental: str,
    engineered: str | Sequence[str] | None = None,
    by: Literal["system", "variant"] = "system",
    least: float = LEAST,
) -> TargetWindow:
    """Return the IC50 on parental cells over that on engineered ones, such as Ba/F3 with IL-3 over Ba/F3 with EML4-ALK.

    Parameters
    ----------
    potency
        A `Potency` table, a path or any dataframe with its columns: of one laboratory, since IC50s of two do not compare.
    parental
        The value of `by` of the parental cells: one row a compound.
    engineered
        The values of `by` of the engineered cells; by default all others.
    by
        The column that tells the cells apart.
    least
        The window below which the effect is flagged as off target.

    Returns
    -------
    TargetWindow
        One row a compound and engineered line: `window, window_relation, window_lower, window_upper` (null: open),
        `value_nM, parental_nM`, `verdict` (``on target``, ``off target``, ``unknown``) and `status`.

    Raises
    ------
    TableError
        When there is no parental row, or two for a compound.

    Notes
    -----
    Limits of the ratio follow from those of its two parts on the log scale, the distances added as squares (Zou and Donner 2008,
    doi:10.1002/sim.3095). Where the responses are at hand, `potency_ratio` with ``by="system"`` gives the profile interval.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"compound": ["x", "x"], "variant": ["WT", "none"], "system": ["Ba/F3 ALK", "Ba/F3 IL-3"],
    ...     "value_nM": [10.0, 900.0]})
    >>> target_window(table, parental="Ba/F3 IL-3").table["window"][0]
    90.0
    """
    table = Potency.of(potency).table
    lines = [engineered] if isinstance(engineered, str) else engineered
    settings = {"parental": parental, "engineered": None if lines is None else list(lines), "by": by, "least": least}
    result = window_table(table, parental=parental, engineered=lines, by=by, least=least)
    return TargetWindow(result, Origin("assay.target_window", VERSION, settings, (table,)))


def window_table(
    table: pl.DataFrame, *, parental: str, engineered: Sequence[str] | None, by: Literal["system", "variant"], least: float
) -> pl.DataFrame:
    """Return the columns of `target_window`, one row an engineered line in the order of the table."""
    if by not in {"system", "variant"} or not least >= 1:
        message = f"by={by!r} must be 'system' or 'variant', and least={least} 1 or more. Correct them."
        raise SettingError(message)
    known = table[by].drop_nulls().unique().sort().to_list()
    missing = [name for name in (parental, *(engineered or ())) if name not in known]
    if missing:
        message = f"potency table: no row has {by} {missing[0]!r}{nearest(missing[0], known)}; there are {listed(known, 8)}. Name one of them."
        raise TableError(message)
    own = table.filter(pl.col(by) == parental)
    twice = own.filter(own["compound"].is_duplicated())
    if twice.height:
        message = f"potency table: {twice['compound'][0]} has {own.filter(pl.col('compound') == twice['compound'][0]).height} rows with {by} {parental!r}, and a window needs one. Keep one."
        raise TableError(message)
    lines = pl.col(by).is_in(list(engineered)) if engineered is not None else pl.col(by) != parental
    parents = own.select(
        "compound", parental_nM="value_nM", parental_lower="lower_nM", parental_upper="upper_nM",
        parental_relation=pl.col("relation").fill_null("="),
    )  # fmt: skip
    rows = (
        table.filter(lines)
        .with_columns(pl.col("relation").fill_null("="))
        .join(parents, on="compound", how="left", maintain_order="left")
    )
    return with_verdict(with_window(rows), least).select(
        "compound", "target", "variant", "system", "window", "window_relation", "window_lower", "window_upper", "value_nM",
        "parental_nM", "verdict", "status",
    )  # fmt: skip


def with_window(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with their window, its relation and its limits."""
    top, low = pl.col("parental_relation"), pl.col("relation")
    more, less = (top == ">") | (low == "<"), (top == "<") | (low == ">")
    relation = (
        pl.when(top.is_null() | (more & less)).then(None).when(more).then(pl.lit(">")).when(less).then(pl.lit("<"))
        .when((top == "=") & (low == "=")).then(pl.lit("="))
    )  # fmt: skip
    rows = rows.with_columns(window_relation=relation)
    window = pl.col("parental_nM") / pl.col("value_nM")

    def reach(upper: pl.Expr, lower: pl.Expr) -> pl.Expr:
        return (upper.log() ** 2 + lower.log() ** 2).sqrt()

    down = reach(pl.col("parental_nM") / pl.col("parental_lower"), pl.col("upper_nM") / pl.col("value_nM"))
    up = reach(pl.col("parental_upper") / pl.col("parental_nM"), pl.col("value_nM") / pl.col("lower_nM"))
    measured = pl.col("window_relation") == "="
    return rows.with_columns(
        window=pl.when(pl.col("window_relation").is_not_null()).then(window),
        window_lower=pl.when(measured).then(window / down.exp()),
        window_upper=pl.when(measured).then(window * up.exp()),
    ).with_columns(pl.col("window", "window_lower", "window_upper").fill_nan(None))


def with_verdict(rows: pl.DataFrame, least: float) -> pl.DataFrame:
    """Return the rows with a verdict and what must be said of it."""
    window, relation, lower = pl.col("window"), pl.col("window_relation"), pl.col("window_lower")
    narrow = (window < least) & (relation != ">")
    wide = (window >= least) & (relation != "<")
    rules = [
        (pl.col("parental_nM").is_null(), "No window: the compound was not tested on the parental cells. Test it there."),
        (pl.col("parental_nM").is_not_null() & relation.is_null(), "No window: both IC50s are bounds on the same side. Test further doses."),
        (narrow, f"Off target: the window is below {least:g}-fold, so what these cells show may be an effect on any cell."),
        ((window < least) & (relation == ">"), f"The window is a lower bound below {least:g}-fold. Test the parental cells at higher doses."),
        ((window >= least) & (relation == "<"), f"The window is an upper bound above {least:g}-fold. Test the engineered cells at higher doses."),
        (wide & (lower < least), f"The lower limit of the window is below {least:g}-fold: these data do not exclude an off-target effect."),
        (wide & (relation == "=") & lower.is_null(), "The window has no lower limit, since an IC50 has none."),
    ]  # fmt: skip
    said = pl.concat_str(
        [pl.when(where.fill_null(value=False)).then(pl.lit(text)) for where, text in rules], separator=" ", ignore_nulls=True
    )
    verdict = pl.when(narrow).then(pl.lit("off target")).when(wide).then(pl.lit("on target")).otherwise(pl.lit("unknown"))
    return rows.with_columns(verdict=verdict, status=pl.when(said.str.len_bytes() > 0).then(said).otherwise(pl.lit("ok")))
