"""The curve gallery: points, fitted curves with their 95 % band, and IC50s with their intervals, a panel a curve, 20 panels a page."""

from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.figure import BLUE, GREY, VERMILION, number_words
from benchside.core.tables import dataframe
from benchside.stages.assay.figure_lines import curve_band, curve_lines
from benchside.stages.assay.model import ResponseTable

PER_PAGE: Final = 20
ACROSS: Final = 4
PANEL_WIDTH: Final = 190
PANEL_HEIGHT: Final = 140
NAME_LETTERS: Final = 34
"""Longer names of curves run into the neighbouring panel."""


def curves(fits: Any, responses: Any) -> alt.FacetChart:
    """Return fitted curves over their points, all on one page: a panel a curve.

    Points are filled, excluded points hollow. The band is pointwise, 95 %, by the delta method. The diamond is the IC50 at
    response one half, the bar its interval; an open end of it, or an IC50 beyond the tested doses, is an arrow.

    Parameters
    ----------
    fits
        What `fit` returned.
    responses
        What it was fitted to.
    """
    table, points = dataframe(fits), ResponseTable.of(responses).table
    return _page(table, points, across=3)


def curve_pages(fits: Any, responses: Any, *, per_page: int = PER_PAGE) -> list[alt.FacetChart]:
    """Return the curves as `curves` draws them, 20 a page, for print: `save_figure(curve_pages(fits, responses), "curves.pdf")`."""
    table, points = dataframe(fits), ResponseTable.of(responses).table
    return [_page(table.slice(first, per_page), points, across=ACROSS) for first in range(0, table.height, per_page)]


def _page(table: pl.DataFrame, points: pl.DataFrame, *, across: int) -> alt.FacetChart:
    own = points.join(table.select("curve_id"), on="curve_id", how="semi")
    shown = own.filter((pl.col("concentration_nM") > 0) & pl.col("response").is_not_null())
    shown = shown.select(
        "curve_id", "concentration_nM", "response", part=pl.when("excluded").then(pl.lit("excluded")).otherwise(pl.lit("point"))
    )
    order = table["curve_id"].to_list()
    parts = [
        curve_lines(table).with_columns(part=pl.lit("curve")),
        curve_band(table, own).with_columns(part=pl.lit("band")),
        shown,
    ]
    data = pl.concat([*parts, *ic50_marks(table, shown)], how="diagonal_relaxed")
    panels = alt.Facet("curve_id:N", title=None, sort=order).header(
        labelFontSize=11, labelFontWeight="bold", labelLimit=PANEL_WIDTH
    )
    words = "Filled: used; hollow: excluded; band: 95 %; diamond: IC50 at response 0.5 with its interval; arrow: open, or beyond the doses"
    chart = _layers(response_limits(data)).facet(facet=panels, columns=across, data=data).resolve_scale(x="independent")
    title = alt.Title("Dose-response curves", subtitle=words, anchor="start", subtitleColor=GREY)
    return cast("alt.FacetChart", chart.properties(title=title).configure_axis(gridColor="#eeeeee"))


def _layers(limits: list[float]) -> alt.LayerChart:
    x = alt.X("concentration_nM:Q", title="Concentration (nM)").scale(type="log", nice=False, padding=8)
    x = x.axis(format="~g", labelOverlap=True, grid=False, tickCount=5)
    y = alt.Y("response:Q", title="Response (fraction of vehicle)").axis(grid=False, tickCount=5).scale(domain=limits, nice=False)

    def part(name: str) -> alt.Chart:
        return alt.Chart().encode(x=x, y=y).transform_filter(alt.datum.part == name)

    bar = part("ic50").mark_rule(color=VERMILION, strokeWidth=3).encode(x="low_nM:Q", x2="high_nM:Q")
    words = part("words").mark_text(align="right", baseline="top", fontSize=10, color="#333", dy=2)
    layers = alt.layer(
        part("band").mark_area(color=BLUE, opacity=0.18, clip=True).encode(y="lower:Q", y2="upper:Q"),
        alt.Chart().mark_rule(strokeDash=[2, 3], color="#999").encode(y=alt.datum(0.5)),
        part("curve").mark_line(color=BLUE, strokeWidth=2),
        part("point").mark_point(filled=True, size=24, color="#222", opacity=0.8),
        part("excluded").mark_point(filled=False, size=34, color=GREY, strokeWidth=1.3, opacity=1),
        bar,
        part("left").mark_point(shape="triangle-left", filled=True, size=60, color=VERMILION, opacity=1),
        part("right").mark_point(shape="triangle-right", filled=True, size=60, color=VERMILION, opacity=1),
        part("ic50").mark_point(shape="diamond", filled=True, size=70, color=VERMILION, opacity=1),
        words.encode(x=alt.value(PANEL_WIDTH - 2), y=alt.value(0), text="words:N"),
    )
    return cast("alt.LayerChart", layers.properties(width=PANEL_WIDTH, height=PANEL_HEIGHT))


def response_limits(data: pl.DataFrame) -> list[float]:
    """Return the ends of the response axis: points and curves, with room for words above; a band may run out of the frame."""
    values = data.filter(pl.col("part").is_in(["point", "excluded", "curve"]))["response"]
    low, high = min([0.0, *values.to_list()]), max([1.0, *values.to_list()])
    return [low - 0.08 * (high - low), high + 0.25 * (high - low)]


def ic50_marks(fits: pl.DataFrame, shown: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the IC50s, the arrows of open ends, and the words of every panel."""
    doses = shown.group_by("curve_id", maintain_order=True).agg(
        first=pl.col("concentration_nM").min(), last=pl.col("concentration_nM").max()
    )
    table = fits.join(doses, on="curve_id", how="left", maintain_order="left")
    low, high, at = pl.col("ic50_lower_nM"), pl.col("ic50_upper_nM"), pl.col("ic50_nM")
    found = table.filter(pl.col("ic50_relation") == "=")
    ends = found.select("curve_id", low=low, high=high, low_nM=pl.max_horizontal(low.fill_null(pl.col("first")), "first"),
        high_nM=pl.min_horizontal(high.fill_null(pl.col("last")), "last"), concentration_nM=at, response=pl.lit(0.5), first="first", last="last")  # fmt: skip
    beyond = table.filter(pl.col("ic50_relation").is_in(["<", ">"])).select(
        "curve_id", concentration_nM=at, response=pl.lit(0.5), part=pl.when(pl.col("ic50_relation") == ">").then(pl.lit("right")).otherwise(pl.lit("left")),
    )  # fmt: skip
    cut = [
        ends.filter((pl.col("low").is_null() | (pl.col("low") < pl.col("first"))) & (pl.col("concentration_nM") >= pl.col("first")))
        .select("curve_id", "response", concentration_nM="first", part=pl.lit("left")),
        ends.filter((pl.col("high").is_null() | (pl.col("high") > pl.col("last"))) & (pl.col("concentration_nM") <= pl.col("last")))
        .select("curve_id", "response", concentration_nM="last", part=pl.lit("right")),
    ]  # fmt: skip
    marks = ends.select("curve_id", "concentration_nM", "response", "low_nM", "high_nM", part=pl.lit("ic50"))
    texts = table.select("curve_id", words=ic50_words(), part=pl.lit("words"))
    return [marks, beyond, *cut, texts]


def ic50_words() -> pl.Expr:
    """Return the expression of an IC50 in words: value, interval, or the bound; a fit without one says so."""

    def number(name: str) -> pl.Expr:
        return number_words(pl.col(name), 3)

    limits = pl.format("{}–{}", number("ic50_lower_nM").fill_null("open"), number("ic50_upper_nM").fill_null("open"))
    return (
        pl.when(pl.col("ic50_relation") == "=").then(pl.format("IC50 {} nM ({})", number("ic50_nM"), limits))
        .when(pl.col("ic50_relation").is_in(["<", ">"])).then(pl.format("IC50 {} {} nM", "ic50_relation", number("ic50_nM")))
        .otherwise(pl.lit("no IC50"))
    )  # fmt: skip
