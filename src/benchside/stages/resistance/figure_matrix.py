"""The resistance matrix: every drug on every variant, the class in words and colour, body and brain apart."""

from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.figure import BLACK, BLUE, GREY, ORANGE
from benchside.core.tables import dataframe
from benchside.stages.resistance.analyse.cells import CLASSES
from benchside.stages.resistance.analyse.next_line import long_cells
from benchside.stages.resistance.notice import NOTICE

FILLS: Final = {"covered": BLUE, "marginal": ORANGE, "not covered": "#4D1500", "unresolved": "#D9D9D9", "no evidence": "#FFFFFF"}
"""Colours whose greys lie apart (about 95, 165, 35, 217, 255), so that a copy in black and white tells them too."""

INKS: Final = {"covered": "#FFFFFF", "marginal": BLACK, "not covered": "#FFFFFF", "unresolved": BLACK, "no evidence": GREY}
SITE_NAMES: Final = {"plasma": "body (plasma)", "cns": "brain"}
CELL_WIDTH: Final = 118
CELL_HEIGHT: Final = 40
MOST_ROWS: Final = 24
NEEDED: Final = ("compound", "variant", "class", "class_cns", "coverage_plasma", "coverage_cns")


def checked(data: Any, needed: tuple[str, ...], *, figure: str, source: str) -> pl.DataFrame:
    """Return the table of a figure, or raise TableError where it has no row or misses a column."""
    frame = dataframe(data)
    missing = [name for name in needed if name not in frame.columns]
    if missing or frame.is_empty():
        lack = f"{listed(missing)} is missing{nearest(missing[0], frame.columns)}" if missing else "it has no row"
        message = f"{figure} needs rows with {', '.join(needed)}; {lack}. Give it {source}."
        raise TableError(message)
    return frame


def inline(frame: pl.DataFrame) -> alt.InlineData:
    """Return rows as data of a chart that stands alone and has no limit of rows."""
    return alt.InlineData(values=frame.to_dicts())


def finished(chart: Any, title: str, subtitle: list[str]) -> Any:
    """Return a figure with its title, what must be known of it and the notice, without a frame."""
    words = alt.TitleParams(
        title,
        subtitle=[*subtitle, *_lines(NOTICE)],
        anchor="start",
        fontSize=14,
        subtitleFontSize=10,
        subtitleColor=GREY,
        offset=14,
    )
    return chart.properties(title=words, padding=8).configure_view(stroke=None).configure_axis(labelFontSize=11, titleFontSize=12)


def _lines(text: str) -> list[str]:
    return [sentence.strip().rstrip(".") + "." for sentence in text.split(". ") if sentence.strip()]


def resistance_matrix(data: Any) -> list[Any]:
    """Return pages of the matrix, at most 24 variants each, a panel a site.

    Parameters
    ----------
    data
        Calls or their table (one sample's, or several: each drug and variant is drawn once).

    Returns
    -------
    A list of charts. A cell has its class in words, and below the coverage at the average concentration with its limits; a dagger marks
    what rests on numbers from memory.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    Examples
    --------
    >>> from benchside.stages.resistance import call
    >>> len(resistance_matrix(call(["G1202R", "WT"])))
    1
    """
    frame = checked(data, NEEDED, figure="a resistance matrix", source="the .table of calls")
    pairs = frame.unique(["compound", "variant"], maintain_order=True)
    opened = (
        pairs.select("variant", "bypass").unique()
        if "bypass" in pairs.columns
        else pairs.select("variant", bypass=pl.lit(None, pl.String)).unique()
    )
    cells = long_cells(pairs).join(opened, on="variant", how="left", maintain_order="left")
    cells = cells.with_columns(pl.col("site").replace(SITE_NAMES), told=pl.Series(_told(cells), dtype=pl.String))
    cells = cells.with_columns(
        ink=pl.col("class").replace_strict(INKS),
        called=pl.col("class") + pl.when(pl.col("verified") == "memory").then(pl.lit(" †")).otherwise(pl.lit("")),
    )
    drugs = pairs["compound"].unique(maintain_order=True).to_list()
    variants = pairs["variant"].unique(maintain_order=True).to_list()
    pages = [variants[k : k + MOST_ROWS] for k in range(0, len(variants), MOST_ROWS)]
    return [_page(cells.filter(pl.col("variant").is_in(page)), drugs, page) for page in pages]


def _told(cells: pl.DataFrame) -> list[str]:
    """Return the second line of every cell: coverage and limits, or the bypass that makes coverage beside the point."""
    words = []
    for value, low, high, bypass in cells.select("coverage", "lower", "upper", "bypass").iter_rows():
        numbers = "" if value is None else f"{_short(value)} ({_short(low)} to {_short(high)})"
        words.append(f"opens {bypass}" if bypass else numbers)
    return words


def _short(value: float | None) -> str:
    if value is None:
        return "open"
    if value < 0.01:
        return "<0.01"
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.2g}"


def _page(cells: pl.DataFrame, drugs: list[str], variants: list[str]) -> Any:
    panels = [_panel(cells.filter(pl.col("site") == name), name, drugs, variants) for name in SITE_NAMES.values()]
    subtitle = [
        "free drug over free IC50 at the average concentration (limits); covered: lower limit 3 or more, not covered: upper limit below 1",
        *(["† rests on numbers from memory, not verified against the source"] if (cells["verified"] == "memory").any() else []),
    ]
    return finished(alt.vconcat(*panels, spacing=22), "Which drug covers which variant", subtitle)


def _panel(cells: pl.DataFrame, name: str, drugs: list[str], variants: list[str]) -> alt.LayerChart:
    held = cells.select("compound", "variant", "class", "called", "told", "ink")
    base = alt.Chart(
        inline(held),
        width=alt.Step(CELL_WIDTH),
        height=alt.Step(CELL_HEIGHT),
        title=alt.TitleParams(name, anchor="start", fontSize=12),
    )
    x = alt.X("compound:N", sort=drugs, title=None, axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False))
    y = alt.Y("variant:N", sort=variants, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=220))
    fill = alt.Color("class:N", scale=alt.Scale(domain=list(CLASSES), range=[FILLS[one] for one in CLASSES]), legend=None)
    ink = alt.Color("ink:N", scale=None)
    boxes = base.mark_rect(stroke="#8C8C8C", strokeWidth=0.7).encode(x=x, y=y, color=fill)
    alone = "datum.told == ''"
    above = (
        base.transform_filter(f"!({alone})")
        .mark_text(dy=-7, fontSize=11, fontWeight="bold")
        .encode(x=x, y=y, text="called:N", color=ink)
    )
    middle = base.transform_filter(alone).mark_text(fontSize=11, fontWeight="bold").encode(x=x, y=y, text="called:N", color=ink)
    numbers = base.mark_text(dy=8, fontSize=9.5).encode(x=x, y=y, text="told:N", color=ink)
    return cast("alt.LayerChart", (boxes + above + middle + numbers).resolve_scale(color="independent"))
