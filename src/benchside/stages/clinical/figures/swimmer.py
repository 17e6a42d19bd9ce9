"""The swimmer: every subject's time on treatment, and what happened on it."""

from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError
from benchside.core.figure import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION
from benchside.stages.clinical.figures.parts import checked, finished, heading, inline, names_in, series_scale, time_ticks

SUBJECT: Final = "USUBJID"
EVENTS: Final = {
    "Response": (BLUE, "triangle-up"), "Complete response": (BLUE, "circle"), "Partial response": (BLUE, "triangle-up"),
    "Progression": (VERMILION, "diamond"), "Death": (BLACK, "cross"),
}  # fmt: skip
OTHERS: Final = ((GREEN, "square"), (ORANGE, "triangle-down"), (PURPLE, "triangle-left"), (BLACK, "circle"))
WIDE: Final = {
    "response_months": "Response", "progression_months": "Progression", "death_months": "Death",
}  # fmt: skip
"""Columns of a subject that hold an event's time, and what it is called."""

BARS: Final = ("#E8E8E8", "#A9C4E4", "#C99A73", "#D5EBDD", "#B5A7C9", "#8C8C8C", "#F3E9B5")
"""Pale fills: the marks on the bars stand out, in grey too."""

STEPS: Final = (4.0, 16.0)
TALL: Final = 720
LEGIBLE: Final = 9.0
"""Bars at least so high have room for the subject's name."""


def swimmer(
    subjects: Any,
    events: Any = None,
    *,
    title: str = "",
    label: str = "Time on treatment (months)",
    group: str | None = None,
    width: int = 560,
) -> alt.LayerChart:
    """Return the swimmer: a bar a subject, the longest on top, with marks at its events and an arrow where treatment goes on.

    Parameters
    ----------
    subjects
        A row a subject: `USUBJID, time_months` (the end of the bar), and, where there, `ongoing` (true: an arrow) and
        `response_months, progression_months, death_months` (null: did not happen).
    events
        Further events, a row each: `USUBJID, time_months, event`; any name may stand in `event`.
    title
        Above the figure.
    label
        Of the time axis.
    group
        Column of `subjects` that colours the bars, for example ``"arm"`` or ``"response"``.
    width
        Of the plot, in pixels.

    Returns
    -------
    Bars and marks with their legends. With more than 80 subjects the bars get thin and lose their names.

    Raises
    ------
    TableError
        When a column is missing, a subject has two rows or a negative time, or an event belongs to nobody.

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1", "2"], "time_months": [8.0, 3.0], "ongoing": [True, False], "progression_months": [None, 2.5]})
    >>> swimmer(df).to_dict()["width"]
    560
    """
    frame = checked(
        subjects, (SUBJECT, "time_months", *([group] if group else [])), figure="a swimmer plot", source="a row a subject"
    )
    _check(frame)
    rows = frame.sort("time_months", SUBJECT, descending=[True, False]).with_columns(pl.col(SUBJECT).cast(pl.String))
    order = rows[SUBJECT].to_list()
    happened = swimmer_events(rows, events)
    last = max(float(rows["time_months"].to_numpy().max()), float(happened["time_months"].max() or 0.0))  # type: ignore[arg-type]
    ticks = time_ticks(last * 1.03)
    step = min(max(TALL / len(order), STEPS[0]), STEPS[1])
    x = alt.X("time_months:Q", scale=alt.Scale(domain=[0, ticks[-1]], nice=False))
    x = x.axis(values=ticks, format="~f", labelFlush=False, grid=True, gridOpacity=0.35, title=label)
    y = alt.Y("USUBJID:N", scale=alt.Scale(domain=order, paddingInner=0.28, paddingOuter=0.3))
    y = y.axis(
        title=None,
        ticks=False,
        domain=False,
        labelPadding=6,
        labels=step >= LEGIBLE,
        labelFontSize=min(10, int(step) - 2) if step >= LEGIBLE else 1,
    )
    layers: list[Any] = [_bars(rows, x, y, group, edge=0.5 if step >= LEGIBLE else 0.2), *_events(happened, x, y, step)]
    if "ongoing" in rows.columns:
        going = rows.filter(pl.col("ongoing").fill_null(value=False))
        layers.append(_arrows(going, x, y, step))
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent", y="shared")
    chart = chart.properties(width=width, height=alt.Step(step))
    return cast("alt.LayerChart", finished(chart.properties(title=heading(title)) if title else chart))


def _check(frame: pl.DataFrame) -> None:
    twice = frame.filter(pl.col(SUBJECT).is_duplicated())
    if twice.height:
        message = f"a swimmer plot has one bar a subject, and {twice[SUBJECT][0]} has more than one row. Keep one row, and give its events apart."
        raise TableError(message)
    bad = frame.filter(~(pl.col("time_months").is_finite() & (pl.col("time_months") >= 0)).fill_null(value=False))
    if bad.height:
        message = f"a swimmer plot needs times of 0 or more months; {bad[SUBJECT][0]} has {bad['time_months'][0]}. Correct or leave out the subject."
        raise TableError(message)


def swimmer_events(subjects: pl.DataFrame, events: Any) -> pl.DataFrame:
    """Return `USUBJID, time_months, event` of the columns of the subjects and of a table of further events."""
    schema = {SUBJECT: pl.String, "time_months": pl.Float64, "event": pl.String}
    parts = [
        subjects.select(pl.col(SUBJECT), pl.col(column).cast(pl.Float64).alias("time_months"), pl.lit(name).alias("event"))
        for column, name in WIDE.items()
        if column in subjects.columns
    ]
    if events is not None:
        further = checked(events, tuple(schema), figure="the events of a swimmer plot", source="a row an event")
        further = further.select(pl.col(name).cast(kind) for name, kind in schema.items())
        strangers = further.filter(~pl.col(SUBJECT).is_in(subjects[SUBJECT].to_list()))
        if strangers.height:
            message = f"a swimmer plot's events must belong to its subjects, and {strangers[SUBJECT][0]} has no bar. Add the subject or leave out the event."
            raise TableError(message)
        parts.append(further)
    return pl.concat([pl.DataFrame(schema=schema), *parts]).drop_nulls()


def mark_size(step: float) -> float:
    """Return the area of a mark on bars so far apart: on thin bars it is larger than they are, so that it can be seen."""
    return min(62.0, max(30.0, (0.7 * step) ** 2 + 6))


def _bars(rows: pl.DataFrame, x: alt.X, y: alt.Y, group: str | None, *, edge: float) -> alt.Chart:
    base = alt.Chart(inline(rows)).mark_bar(stroke="#6B6B6B", strokeWidth=edge)
    tip = [f"{SUBJECT}:N", alt.Tooltip("time_months:Q", format=".1f")]
    if group is None:
        return cast("alt.Chart", base.encode(x=x, y=y, color=alt.value(BARS[0]), tooltip=tip))
    names = names_in(rows, group)
    legend = alt.Legend(title=group, orient="right", symbolType="square", symbolSize=110)
    return cast("alt.Chart", base.encode(x=x, y=y, color=alt.Color(f"{group}:N", scale=series_scale(names, BARS), legend=legend), tooltip=tip))  # fmt: skip


def _events(happened: pl.DataFrame, x: alt.X, y: alt.Y, step: float) -> list[alt.Chart]:
    if happened.is_empty():
        return []
    names = names_in(happened, "event", list(EVENTS))
    others = [name for name in names if name not in EVENTS]
    looks = {name: OTHERS[k % len(OTHERS)] for k, name in enumerate(others)} | EVENTS
    legend = alt.Legend(title=None, orient="right", symbolSize=80, symbolOpacity=1)
    colour = alt.Color("event:N", scale=alt.Scale(domain=names, range=[looks[name][0] for name in names]), legend=legend)
    shape = alt.Shape("event:N", scale=alt.Scale(domain=names, range=[looks[name][1] for name in names]), legend=legend)
    tip = [f"{SUBJECT}:N", "event:N", alt.Tooltip("time_months:Q", format=".1f")]
    marks = alt.Chart(inline(happened)).mark_point(filled=True, size=mark_size(step), opacity=1, stroke="white", strokeWidth=0.6)  # fmt: skip
    return [cast("alt.Chart", marks.encode(x=x, y=y, color=colour, shape=shape, tooltip=tip))]


def _arrows(going: pl.DataFrame, x: alt.X, y: alt.Y, step: float) -> alt.Chart:
    """Return an arrow at the end of every bar that goes on, with its own entry in the legend."""
    rows = going.with_columns(arrow=pl.lit("Treatment ongoing"))
    legend = alt.Legend(
        title=None, orient="right", symbolSize=80, symbolOpacity=1, symbolFillColor=BLACK, symbolStrokeColor=BLACK
    )
    shape = alt.Shape("arrow:N", scale=alt.Scale(domain=["Treatment ongoing"], range=["triangle-right"]), legend=legend)
    marks = alt.Chart(inline(rows)).mark_point(filled=True, color=BLACK, size=mark_size(step), opacity=1, xOffset=5)
    return cast("alt.Chart", marks.encode(x=x, y=y, shape=shape))
