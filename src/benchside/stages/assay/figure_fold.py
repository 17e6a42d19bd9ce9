"""The fold-shift forest: how many times more of a compound each variant takes than its reference, with intervals."""

from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.figure import BLACK, BLUE, GREY, OKABE_ITO, number_words
from benchside.core.tables import dataframe

THRESHOLDS: Final = (2.0, 4.0, 10.0)
"""Fold shifts at which resistance is commonly graded: slight, moderate, high."""

SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle")
STEP: Final = 22
WIDTH: Final = 380
REQUIRED: Final = ("variant", "fold")
PANELS: Final = ("compound", "target", "system")


def fold_forest(folds: Any, *, thresholds: Sequence[float] = THRESHOLDS) -> alt.VConcatChart:
    """Return a forest of fold shifts: variants down the y axis, the fold with its interval on a log axis, a panel a compound.

    A line stands at 1, no shift, and a dashed one at each threshold. An interval that is open ends in an arrow; so does a fold
    that is only a bound. A pair without a fold keeps its row, with its status in words.

    Parameters
    ----------
    folds
        Rows of `variant, fold` and, where there, `fold_lower, fold_upper, relation` (or `fold_relation`)`, compound, target,
        system, reference, status`, as `potency_ratio` gives them.
    thresholds
        Where the dashed lines stand.

    Raises
    ------
    TableError
        When a column is missing, no row is there, or a fold is not above 0.
    """
    table = forest_table(dataframe(folds))
    known = table.filter(pl.col("fold").is_not_null())
    low, high = axis_limits(known, thresholds)
    ready = table.with_columns(
        fold_low=pl.when("open_low").then(pl.coalesce("fold_lower", pl.lit(low))).otherwise(pl.coalesce("fold_lower", "fold")).clip(low, high),
        fold_high=pl.when("open_high").then(pl.lit(high)).otherwise(pl.coalesce("fold_upper", "fold")).clip(low, high),
        edge_low=pl.when(pl.col("open_low")).then(pl.lit(low)), edge_high=pl.when(pl.col("open_high")).then(pl.lit(high)),
        words=fold_words(),
    )  # fmt: skip
    # Panels are charts of their own: a facet with rows of its own a panel makes Vega warn, and guess its size.
    panels = [
        _forest(part, thresholds, (low, high), compounds=_compounds(ready), last=k == ready["panel"].n_unique() - 1)
        for k, part in enumerate(ready.partition_by("panel", maintain_order=True))
    ]
    words = f"Fold of the reference's potency with its interval; arrow: open, or a bound (hollow point); dashed: {', '.join(f'{line:g}' for line in thresholds)}-fold"
    title = alt.Title("Fold shifts", subtitle=words, anchor="start", subtitleColor=GREY, offset=12)
    return alt.vconcat(*panels, spacing=14).properties(title=title)


def _compounds(table: pl.DataFrame) -> list[str]:
    if "compound" not in table.columns:
        return []
    return table["compound"].cast(pl.String).unique(maintain_order=True).drop_nulls().to_list()


def forest_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return the checked columns of the forest, with a panel and a row name a pair, and which ends are open."""
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        message = f"fold table: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    bad = table.filter(pl.col("fold") <= 0)
    if table.is_empty() or bad.height:
        what = f"fold {bad['fold'][0]:g} of {bad['variant'][0]} is not above 0" if bad.height else "there is no row"
        message = f"fold table: {what}, and the forest has a logarithmic axis. Correct or leave out the row."
        raise TableError(message)
    spare = {
        "fold_lower": pl.Float64,
        "fold_upper": pl.Float64,
        "relation": pl.String,
        "status": pl.String,
        "reference": pl.String,
    }
    if "relation" not in table.columns and "fold_relation" in table.columns:
        table = table.rename({"fold_relation": "relation"})
    # A table that has no column of limits gives none; a null in such a column is an open end.
    limited = {name: name in table.columns for name in ("fold_lower", "fold_upper")}
    table = table.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in spare.items() if name not in table.columns)
    groups = [pl.col(name).cast(pl.String) for name in PANELS if name in table.columns]
    relation, known = pl.col("relation").fill_null("="), pl.col("fold").is_not_null()
    return table.with_columns(
        panel=pl.concat_str(groups, separator=" · ", ignore_nulls=True) if groups else pl.lit(""),
        name=pl.concat_str(pl.col("variant").cast(pl.String).fill_null("not named"), "reference", separator=" / ", ignore_nulls=True),
        open_low=known & ((pl.col("fold_lower").is_null() & limited["fold_lower"]) | (relation == "<")),
        open_high=known & ((pl.col("fold_upper").is_null() & limited["fold_upper"]) | (relation == ">")),
        relation=relation,
    )  # fmt: skip


def axis_limits(known: pl.DataFrame, thresholds: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the fold axis: all folds, finite limits, 1 and the thresholds, with a fifth of a decade to spare."""
    values = [0.5, 1.0, *thresholds]
    for name in ("fold", "fold_lower", "fold_upper"):
        # A limit three decades from its fold says "open" as well as an arrow does, and would squeeze all others.
        near = known.filter(pl.col(name).is_not_null() & ((pl.col(name) / pl.col("fold")).log10().abs() <= 3))
        values += near[name].to_list()
    low, high = np.log10([min(values), max(values)])
    return float(10 ** (low - 0.2)), float(10 ** (high + 0.2))


def fold_words() -> pl.Expr:
    """Return the expression of a fold in words: ``12.3 (8.1–19)``, ``> 50``, or its status."""

    def number(name: str) -> pl.Expr:
        return number_words(pl.col(name), 2)

    bound = pl.col("relation").is_in(["<", ">", "~"])
    limits = pl.format(
        "{} ({}–{})", number("fold"), number("fold_lower").fill_null("open"), number("fold_upper").fill_null("open")
    )
    bare = pl.all_horizontal(pl.col("fold_lower", "fold_upper").is_null()) & ~pl.col("open_low") & ~pl.col("open_high")
    known = pl.col("fold").is_not_null()
    text = pl.when(bound).then(pl.format("{} {}", "relation", number("fold"))).when(known & bare).then(number("fold"))
    text = text.when(known).then(limits)
    return text.otherwise(pl.col("status").fill_null("no fold").str.slice(0, 60))


def _forest(
    part: pl.DataFrame, thresholds: Sequence[float], limits: tuple[float, float], *, compounds: list[str], last: bool
) -> alt.LayerChart:
    x = alt.X("fold:Q", title="Fold shift (log scale)" if last else None).scale(
        type="log", domain=list(limits), nice=False, clamp=True
    )
    x = x.axis(format="~g", grid=False, labelOverlap=True)
    names = part["name"].unique(maintain_order=True).to_list()
    y = alt.Y("name:N", title=None).axis(labelLimit=240, labelPadding=9, ticks=False, grid=True).scale(domain=names)
    colours = [OKABE_ITO[(k + 2) % len(OKABE_ITO)] for k in range(len(compounds))]
    shapes = [SHAPES[k % len(SHAPES)] for k in range(len(compounds))]
    base = alt.Chart(part).encode(x=x, y=y)
    points = base.transform_filter("isValid(datum.fold)").mark_point(filled=True, size=70, opacity=1)
    hollow = base.transform_filter("datum.relation !== '='").mark_point(filled=True, size=22, fill="white", opacity=1)
    if compounds:
        points = points.encode(
            color=alt.Color("compound:N", legend=None).scale(domain=compounds, range=colours),
            shape=alt.Shape("compound:N", legend=None).scale(domain=compounds, range=shapes),
        )
    rules = [alt.Chart(part).mark_rule(strokeDash=[4, 3], color="#999").encode(x=alt.datum(line)) for line in thresholds]
    arrows = [
        base.transform_filter(f"isValid(datum.{edge})")
        .mark_point(shape=shape, filled=True, size=55, color=BLACK, opacity=1)
        .encode(x=f"{edge}:Q")
        for edge, shape in (("edge_low", "triangle-left"), ("edge_high", "triangle-right"))
    ]
    layers = alt.layer(
        *rules,
        alt.Chart(part).mark_rule(color=BLACK).encode(x=alt.datum(1.0)),
        base.transform_filter("isValid(datum.fold)").mark_rule(color=BLACK, strokeWidth=1.5).encode(x="fold_low:Q", x2="fold_high:Q"),
        *arrows,
        points if compounds else points.encode(color=alt.value(BLUE)),
        hollow,
        base.mark_text(align="left", fontSize=11, dx=8).encode(x=alt.value(WIDTH), text="words:N"),
    )  # fmt: skip
    title = alt.Title(str(part["panel"][0]), anchor="start", fontSize=12)
    return cast("alt.LayerChart", layers.properties(width=WIDTH, height=alt.Step(STEP), title=title))
