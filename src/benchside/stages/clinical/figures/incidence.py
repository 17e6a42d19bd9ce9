"""The cumulative-incidence figure: who has failed of a cause by a time, when other causes compete, with the numbers at risk."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import polars as pl

from benchside.core.figure import DASHES
from benchside.stages.clinical.figures.box import Box, edges_of, free_corner
from benchside.stages.clinical.figures.parts import (
    arm_encodings,
    at_risk_panel,
    checked,
    estimate_words,
    inline,
    names_in,
    over_table,
    p_words,
    percent_axis,
    series_scale,
    thinned,
    time_axis,
    time_ticks,
)

NEEDED: Final = ("arm", "cause", "time_months", "incidence", "lower", "upper", "at_risk")
HEADROOMS: Final = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def cumulative_incidence_chart(
    curve: Any,
    *,
    endpoint: str = "Cumulative incidence",
    title: str = "",
    order: Sequence[str] = (),
    bands: bool = True,
    hazard_ratio: Any = None,
    ratio_name: str = "Hazard ratio",
    test: Any = None,
    level: float = 0.95,
    highest: float | None = 1.0,
    width: int = 560,
    height: int = 320,
) -> alt.VConcatChart:
    """Return the cumulative incidence of one or more causes in every arm.

    Parameters
    ----------
    curve
        `CumulativeIncidence.table`, or those of several causes one under the other: `arm, cause, time_months, incidence, lower,
        upper, at_risk`. Arms differ in colour; with several causes, the causes in dashes.
    endpoint, title, order, bands, level, width, height
        As for `kaplan_meier_chart`.
    hazard_ratio
        The `.table` of `fine_gray` or `cause_specific`: its ratios of arms, in the box.
    ratio_name
        What that ratio is: ``"Subdistribution hazard ratio"`` or ``"Cause-specific hazard ratio"``.
    test
        `GrayTest.table`: the p in the box.
    highest
        End of the vertical axis, a fraction. All of it (1) by default, since a short axis makes a small difference look large;
        None ends it above the highest curve, for causes that are rare.

    Returns
    -------
    Curves with bands where the limits are known, and the numbers at risk of the first cause (they are those of every cause).

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> from benchside.stages.clinical import cumulative_incidence
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 2, 1, 0], "arm": ["a"] * 4})
    >>> ev = EventTable.from_frame(df, time_unit="months", causes={"cns": 1, "other": 2})
    >>> chart = cumulative_incidence_chart(cumulative_incidence(ev, cause="cns").table)
    >>> chart.to_dict()["vconcat"][0]["width"]
    560
    """
    frame = checked(curve, NEEDED, figure="a figure of cumulative incidence", source="the .table of a cumulative incidence")
    arms, causes = names_in(frame, "arm", order), names_in(frame, "cause")
    ticks = time_ticks(float(frame["time_months"].to_numpy().max()))
    top = highest or _headroom(frame, bands=bands)
    parts = [frame.filter(pl.col("arm") == arm, pl.col("cause") == cause) for arm in arms for cause in causes]
    parts = [thinned(part, ticks[-1]) for part in parts if part.height]
    box = incidence_box(arms, hazard_ratio, test, level=level, ratio_name=ratio_name)
    # Incidences rise: the corner at the top left is the one that is free.
    drawn, last = edges_of(parts, "incidence", bands=bands), ticks[-1]
    place = free_corner(box, drawn, last=last, highest=top, width=width, height=height, corners="left first") if box else None
    layers = _layers(pl.concat(parts), arms, causes, ticks, title=f"{endpoint} (%)", highest=top, bands=bands, width=width)
    layers += box.layers(*place) if box and place else []
    curves = (
        alt.layer(*layers).resolve_scale(color="independent", strokeDash="independent").properties(width=width, height=height)
    )
    table = at_risk_panel(frame.filter(pl.col("cause") == causes[0]), arms, ticks, width=width)
    return over_table(curves, table, title=title, subtitle=box.lines() if box and not place else ())


def incidence_box(arms: Sequence[str], hazard_ratio: Any, test: Any, *, level: float, ratio_name: str) -> Box | None:
    """Return the text of the figure's box, or None where no table is given."""
    rows: list[list[str]] = []
    if hazard_ratio is not None:
        table = checked(hazard_ratio, ("hazard_ratio", "lower", "upper", "p"), figure="the box of hazard ratios", source="the .table of fine_gray or cause_specific")  # fmt: skip
        held = table.filter(pl.col("arm").is_not_null()) if "arm" in table.columns else table
        for row in held.iter_rows(named=True):
            against = f" ({row['arm']} vs {row['comparator']})" if len(arms) > 2 else ""
            text = estimate_words(row["hazard_ratio"], row["lower"], row["upper"]).replace("(", f"({level * 100:g}% CI, ", 1)
            rows.append([f"{ratio_name}{against}, {text}" + (f"; {p_words(row['p'])}" if test is None else "")])
    if test is not None:
        tested = checked(test, ("p",), figure="the box of a test", source="the .table of Gray's test").row(0, named=True)
        stratified = "stratified " if tested.get("stratified_by") else ""
        of_all = " of all arms" if len(arms) > 2 else ""
        rows.append([f"{p_words(tested['p'])} ({stratified}Gray's test{of_all})"])
    return Box(rows) if rows else None


def _headroom(frame: pl.DataFrame, *, bands: bool) -> float:
    values = frame.select(pl.max_horizontal("incidence", "upper") if bands else "incidence").to_series()
    return next((room for room in HEADROOMS if float(values.to_numpy().max()) <= room), 1.0)


def _layers(
    shown: pl.DataFrame,
    arms: Sequence[str],
    causes: Sequence[str],
    ticks: Sequence[float],
    *,
    title: str,
    highest: float,
    bands: bool,
    width: int,
) -> list[Any]:
    colour, bare, dash = arm_encodings(arms, width=width)
    if len(causes) > 1:
        legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=900, labelFontSize=12)
        dash = alt.StrokeDash("cause:N", scale=series_scale(causes, DASHES), legend=legend)
    x, y = time_axis(ticks), percent_axis("incidence", title, highest=highest)
    base = alt.Chart(inline(shown.select(NEEDED)))
    tip = ["arm:N", "cause:N", alt.Tooltip("time_months:Q", format=".2f"), alt.Tooltip("incidence:Q", format=".3f"), "at_risk:Q"]
    lines = base.mark_line(interpolate="step-after", strokeWidth=2, clip=True).encode(
        x=x, y=y, color=colour, strokeDash=dash, detail="cause:N", order="time_months:Q", tooltip=tip
    )
    if not bands:
        return [lines]
    shade = base.transform_filter("isValid(datum.lower)").mark_area(interpolate="step-after", opacity=0.13, clip=True)
    band = shade.encode(x=x, y=alt.Y("lower:Q", title=title), y2="upper:Q", color=bare, detail="cause:N")
    return [band, lines]
