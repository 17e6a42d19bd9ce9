"""What the clinical figures share: time axes, arms in colours and dashes, numbers at risk, words of journals, boxes of text."""

import json
import math
from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.figure import BLACK, DASHES, GREY, OKABE_ITO
from benchside.core.tables import dataframe
from benchside.kernels.survival import TIE
from benchside.stages.clinical.figures.box import CHARACTER

TICK_STEPS_MONTHS: Final = (0.5, 1, 2, 3, 6, 12, 24, 36, 60, 120, 240)
MOST_TICKS: Final = 9
ROW_HEIGHT: Final = 17
AXIS_HEIGHT: Final = 66
"""Pixels between the plots: tick labels, axis title and the heading of the table."""

MOST_STEPS: Final = 2000
"""Steps of a curve that a page can tell apart."""

NOT_ESTIMABLE: Final = "NE"


def checked(table: Any, needed: Sequence[str], *, figure: str, source: str) -> pl.DataFrame:
    """Return the table of a figure, or raise TableError where it has no row or misses a column."""
    frame = dataframe(table)
    missing = [name for name in needed if name not in frame.columns]
    if missing or frame.is_empty():
        lack = f"{listed(missing)} is missing{nearest(missing[0], frame.columns)}" if missing else "it has no row"
        message = f"{figure} needs rows with {', '.join(needed)}; {lack}. Give it {source}."
        raise TableError(message)
    return frame


def inline(frame: pl.DataFrame) -> alt.InlineData:
    """Return rows as data of a chart that stands alone and has no limit of rows."""
    return alt.InlineData(values=frame.to_dicts())


def names_in(frame: pl.DataFrame, column: str, order: Sequence[str] = ()) -> list[str]:
    """Return the names in a column, those of `order` first, each once."""
    there = frame[column].cast(pl.String).drop_nulls().unique(maintain_order=True).to_list()
    return [name for name in order if name in there] + [name for name in there if name not in order]


def time_ticks(last_months: float) -> list[float]:
    """Return even ticks from 0 that cover a follow-up, about `MOST_TICKS` at most, in steps that clinicians use."""
    step = next((step for step in TICK_STEPS_MONTHS if last_months / step <= MOST_TICKS - 1), last_months / (MOST_TICKS - 1))
    return [step * k for k in range(max(1, math.ceil(last_months / step - 1e-9)) + 1)]


def time_axis(ticks: Sequence[float], title: str | None = "Time (months)", *, field: str = "time_months") -> alt.X:
    """Return the time axis from 0 to the last tick; without a title it is the bare scale, for a table below."""
    axis = alt.Axis(values=list(ticks), grid=False, labelFlush=False, title=title) if title else None
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, ticks[-1]], nice=False), axis=axis)


def percent_axis(field: str, title: str, *, highest: float = 1.0) -> alt.Y:
    """Return a vertical axis of a fraction, told in per cent with the unit in the title."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if highest / step <= 6.0 or step == 0.2)
    values = [round(step * k, 6) for k in range(int(highest / step + 1e-9) + 1)]
    axis = alt.Axis(values=values, title=title, grid=True, gridOpacity=0.35, labelExpr="format(datum.value * 100, '.0f')")
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, highest], nice=False), axis=axis)


def series_scale(names: Sequence[str], values: Sequence[Any] = OKABE_ITO) -> alt.Scale:
    """Return a scale that gives every name a colour (or a dash), the first ones first."""
    return alt.Scale(domain=list(names), range=[values[k % len(values)] for k in range(len(names))])


def arm_encodings(arms: Sequence[str], *, width: int, field: str = "arm") -> tuple[alt.Color, alt.Color, alt.StrokeDash]:
    """Return the colour of arms with a legend, the same without one, and their dashes."""
    longest = max((len(arm) for arm in arms), default=1)
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=max(1, min(len(arms), int(width / (longest * CHARACTER * 1.15 + 70)))),
        columnPadding=24,
        symbolType="stroke",
        symbolSize=900,
        symbolStrokeWidth=2,
        labelFontSize=12,
        labelLimit=int(width * 0.8),
    )
    colour = alt.Color(f"{field}:N", scale=series_scale(arms), legend=legend)
    bare = alt.Color(f"{field}:N", scale=series_scale(arms), legend=None)
    return colour, bare, alt.StrokeDash(f"{field}:N", scale=series_scale(arms, DASHES), legend=legend)


def thinned(part: pl.DataFrame, last_months: float) -> pl.DataFrame:
    """Return one arm's steps, those that fall in one pixel of a wide page as one: the curve after the last of them."""
    if part.height <= MOST_STEPS:
        return part
    cell = (pl.col("time_months") / max(last_months, TIE) * MOST_STEPS).floor().cast(pl.Int64)
    held = [pl.col("n_censor").sum()] if "n_censor" in part.columns else []
    first = pl.col("at_risk").first()
    others = pl.all().exclude("_cell", "at_risk", "n_censor").last()
    found = part.with_columns(_cell=cell).group_by("_cell", maintain_order=True).agg(others, first, *held)
    return found.select(part.columns)


def at_risk_at(curve: pl.DataFrame, arms: Sequence[str], times_months: Sequence[float]) -> pl.DataFrame:
    """Return `arm, time_months, at_risk, censored`: subjects still followed just before each time, and censored up to it."""
    rows: list[tuple[str, float, int, int]] = []
    for arm in arms:
        part = curve.filter(pl.col("arm") == arm)
        steps, n_risk = part["time_months"].to_numpy(), np.append(part["at_risk"].to_numpy(), 0)
        gone = part["n_censor"].to_numpy() if "n_censor" in part.columns else np.zeros(steps.size, np.int64)
        lost = np.append(0, np.cumsum(gone))
        places = np.searchsorted(steps, np.asarray(times_months) - TIE, side="left")
        upto = np.searchsorted(steps, np.asarray(times_months) + TIE, side="right")
        rows += [(arm, float(t), int(n_risk[k]), int(lost[j])) for t, k, j in zip(times_months, places, upto, strict=True)]
    schema = {"arm": pl.String, "time_months": pl.Float64, "at_risk": pl.Int64, "censored": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def at_risk_panel(
    curve: pl.DataFrame, arms: Sequence[str], ticks: Sequence[float], *, width: int, censored: bool = False
) -> alt.Chart:
    """Return the numbers at risk under the ticks of a time axis, in the colours of the arms."""
    text = pl.format("{} ({})", "at_risk", "censored") if censored else pl.col("at_risk").cast(pl.String)
    counts = at_risk_at(curve, arms, ticks).with_columns(words=text)
    colours = [OKABE_ITO[k % len(OKABE_ITO)] for k in range(len(arms))]
    conditions = [
        {"test": f"datum.value === {json.dumps(arm)}", "value": colour} for arm, colour in zip(arms, colours, strict=True)
    ]
    axis = alt.Axis(
        title=None,
        domain=False,
        ticks=False,
        labelFontSize=11,
        labelPadding=36 if censored else 26,
        labelLimit=240,
        labelColor=cast("Any", {"condition": conditions, "value": BLACK}),
    )
    y = alt.Y("arm:N", scale=alt.Scale(domain=list(arms)), axis=axis)
    colour = alt.Color("arm:N", scale=series_scale(arms), legend=None)
    texts = alt.Chart(inline(counts)).mark_text(fontSize=11).encode(x=time_axis(ticks, None), y=y, text="words:N", color=colour)
    heading = "Number at risk (number censored)" if censored else "Number at risk"
    title = alt.TitleParams(heading, anchor="start", frame="group", fontSize=11, fontWeight="bold", offset=4)
    return cast("alt.Chart", texts.properties(width=width, height=ROW_HEIGHT * len(arms), title=title))


def note_under(text: str, *, width: int, height: int) -> alt.Chart:
    """Return a line of small print in the row of the time axis's title, at its right end."""
    words = alt.Chart(inline(pl.DataFrame({"words": [text]}))).mark_text(align="right", fontSize=10, color=GREY)
    return cast("alt.Chart", words.encode(x=alt.value(width), y=alt.value(height + 32), text=alt.Text("words:N")))


def over_table(curves: Any, table: Any, *, title: str, subtitle: Sequence[str] = ()) -> alt.VConcatChart:
    """Return curves over their numbers at risk, aligned at the ticks."""
    # Flush bounds align the plots, not their labels, so that the counts stand under the ticks.
    chart = alt.vconcat(curves, table, spacing=AXIS_HEIGHT, bounds="flush", padding=8)
    if title or subtitle:
        chart = chart.properties(title=heading(title, subtitle))
    return cast("alt.VConcatChart", finished(chart.resolve_scale(color="independent")))


def heading(title: str, subtitle: Sequence[str] = (), *, offset: float = 8) -> alt.TitleParams:
    """Return the title of a figure, with lines of plain text under it."""
    lines = list(subtitle)
    if not title:
        return alt.TitleParams(lines, anchor="start", fontSize=11, fontWeight="normal", offset=offset)
    under: dict[str, Any] = {"subtitle": lines, "subtitleFontSize": 11, "subtitlePadding": 4} if lines else {}
    return alt.TitleParams(title, anchor="start", fontSize=14, offset=offset, **under)


def finished(chart: Any) -> Any:
    """Return a figure without a frame, its labels in the sizes that survive a column of a journal."""
    return chart.configure_view(stroke=None).configure_axis(labelFontSize=11, titleFontSize=12, titleFontWeight="normal")


def p_words(p: float | None) -> str:
    """Return a p value as journals print it.

    Examples
    --------
    >>> [p_words(p) for p in (0.00004, 0.0042, 0.0314, 0.049, 0.2, 0.998, None)]
    ['P < 0.001', 'P = 0.004', 'P = 0.03', 'P = 0.049', 'P = 0.20', 'P > 0.99', 'P = NE']
    """
    if p is None or not math.isfinite(p):
        return f"P = {NOT_ESTIMABLE}"
    if p < 0.001:
        return "P < 0.001"
    if p > 0.99:
        return "P > 0.99"
    # Three digits also where two would move the value across 0.05.
    digits = 3 if p < 0.0095 or 0.045 <= p < 0.055 else 2
    return f"P = {p:.{digits}f}"


def estimate_words(value: float | None, lower: float | None, upper: float | None, *, digits: int = 2) -> str:
    """Return an estimate and its limits in words, what is not estimable as NE.

    Examples
    --------
    >>> estimate_words(0.454, 0.347, 0.6), estimate_words(10.87, 8.3, None, digits=1), estimate_words(None, None, None)
    ('0.45 (0.35 to 0.60)', '10.9 (8.3 to NE)', 'NE')
    """
    numbers = [NOT_ESTIMABLE if one is None or not math.isfinite(one) else f"{one:.{digits}f}" for one in (value, lower, upper)]
    return numbers[0] if numbers[1:] == [NOT_ESTIMABLE] * 2 else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
