"""The variant by compound heat map: IC50s or fold shifts, each with its number, bounds marked as such."""

from typing import Any, Final, Literal, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.figure import GREY, number_words
from benchside.core.tables import dataframe

Shown = Literal["ic50_nM", "fold"]

RELATIONS: Final = {"ic50_nM": "ic50_relation", "fold": "fold_relation"}
TITLES: Final = {"ic50_nM": "IC50 (nM, log scale)", "fold": "Fold shift (log scale)"}
NOUNS: Final = {"ic50_nM": "IC50 (nM)", "fold": "Fold shift"}
CELL_WIDTH: Final = 82
CELL_HEIGHT: Final = 24
LETTER_POINTS: Final = 6.0
HATCHING_LETTERS: Final = 6
"""Width of the strokes on both sides of a bound."""


def variant_map(table: Any, *, value: Shown = "fold", rows: str = "variant", columns: str = "compound") -> alt.LayerChart:
    """Return a heat map of variants down and compounds across, on a logarithmic colour scale, the number in every cell.

    A bound stands with its sign (``> 1,000``) in a cell hatched along the diagonal; a pair that was not measured is empty, one
    measured without a value shows a dash. Several rows of one pair are drawn as their geometric mean with their number.

    Parameters
    ----------
    table
        Rows of `rows, columns` and `value`, with the relation in `relation`, `ic50_relation` or `fold_relation`.
    value
        ``ic50_nM`` or ``fold``.
    rows, columns
        Columns of the table that name the two sides, for example ``system`` against ``compound``.

    Raises
    ------
    TableError
        When a column is missing, no row is there, or a value is not above 0.
    """
    cells = map_cells(dataframe(table), value, rows, columns)
    across = cells["across"].unique(maintain_order=True).to_list()
    down = cells["down"].unique(maintain_order=True).to_list()
    base = alt.Chart(cells).encode(
        x=alt.X("across:N", title=columns.capitalize(), sort=across).axis(orient="top", labelAngle=-35 if len(across) > 4 else 0, ticks=False, domain=False, labelLimit=140),
        y=alt.Y("down:N", title=rows.capitalize(), sort=down).axis(ticks=False, domain=False, labelLimit=200),
    )  # fmt: skip
    width = cell_width(cells)
    colour = (
        alt.Color("shown:Q", title=TITLES[value])
        .scale(type="log", scheme="viridis")
        .legend(format="~g", gradientLength=max(80, min(160, CELL_HEIGHT * len(down))), tickCount=4)
    )
    valued = base.transform_filter("isValid(datum.shown)")
    heat = valued.mark_rect(stroke="white", strokeWidth=1).encode(color=colour, tooltip=["down", "across", "words"])
    ink = alt.condition("datum.light", alt.value("black"), alt.value("white"))
    bound = valued.transform_filter("datum.relation !== '='")
    # Vega draws no hatching: a row of strokes across the cell does, and stays in black and white.
    strokes = [
        bound.mark_text(text="╱", fontSize=CELL_HEIGHT * 0.65, opacity=0.6, dx=way * (width / 2 - inset)).encode(color=ink)
        for way in (-1, 1)
        for inset in (6, 12)
    ]
    words = valued.mark_text(fontSize=11).encode(text="words:N", color=ink)
    missing = base.transform_filter("!isValid(datum.shown)").mark_text(text="–", color=GREY, fontSize=13)
    layers = cast("alt.LayerChart", alt.layer(heat, *strokes, words, missing))
    title = alt.Title(
        f"{NOUNS[value]} by {rows} and {columns}",
        subtitle="> < and hatching: a bound, not a value; –: measured without a value; blank: not measured",
        anchor="start",
        subtitleColor=GREY,
    )
    return layers.properties(width=alt.Step(width), height=alt.Step(CELL_HEIGHT), title=title)


def cell_width(cells: pl.DataFrame) -> float:
    """Return the width of a cell in points that holds its words, with room for the hatching of a bound."""
    letters = cells["words"].fill_null("").str.len_chars() + (cells["relation"] != "=").cast(pl.Int64) * HATCHING_LETTERS
    return max(float(CELL_WIDTH), LETTER_POINTS * int(str(letters.max())) + 10)


def map_cells(table: pl.DataFrame, value: Shown, rows: str, columns: str) -> pl.DataFrame:
    """Return one row a cell: `down, across, shown, relation, words`, and whether the cell is light."""
    missing = [name for name in (rows, columns, value) if name not in table.columns]
    if missing:
        message = f"variant map: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    bad = table.filter(pl.col(value) <= 0)
    if table.is_empty() or bad.height:
        what = f"{value} {bad[value][0]:g} is not above 0" if bad.height else "there is no row"
        message = f"variant map: {what}, and the colours are logarithmic. Correct or leave out the row."
        raise TableError(message)
    relation = next((name for name in ("relation", RELATIONS[value]) if name in table.columns), None)
    sign = pl.lit("=") if relation is None else pl.col(relation).fill_null("=")
    cells = table.with_columns(_sign=sign, _shown=pl.col(value).cast(pl.Float64)).group_by(rows, columns, maintain_order=True).agg(
        shown=pl.col("_shown").log().mean().exp(), n=pl.col("_shown").count(), relation=mixed_relation(),
    )  # fmt: skip
    low, high = cells["shown"].min(), cells["shown"].max()
    middle = 1.0 if low is None or high is None else (float(str(low)) * float(str(high))) ** 0.5
    number = number_words(pl.col("shown"), 3)
    prefix = pl.when(pl.col("relation") != "=").then(pl.col("relation") + " ").otherwise(pl.lit(""))
    several = pl.when(pl.col("n") > 1).then(pl.format(" ({})", "n")).otherwise(pl.lit(""))
    return cells.select(
        down=pl.col(rows).cast(pl.String).fill_null("not named"), across=pl.col(columns).cast(pl.String).fill_null("not named"),
        shown="shown", relation="relation", words=prefix + number + several, light=(pl.col("shown") >= middle).fill_null(value=True),
    )  # fmt: skip


def mixed_relation() -> pl.Expr:
    """Return the relation of the mean of several values: that of all, ``~`` where bounds of both kinds meet."""
    signs = pl.col("_sign").filter(pl.col("_shown").is_not_null())
    up, down = (signs == ">").any(), (signs == "<").any()
    return pl.when(up & down).then(pl.lit("~")).when(up).then(pl.lit(">")).when(down).then(pl.lit("<")).otherwise(pl.lit("="))
