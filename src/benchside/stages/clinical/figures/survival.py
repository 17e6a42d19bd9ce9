"""The Kaplan-Meier figure as data: an Altair chart of curves, censoring, medians, the comparison and the numbers at risk below."""

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.kernels.survival import crossing_time
from benchside.stages.clinical.figures.box import Box, Edges, edges_of, free_corner
from benchside.stages.clinical.figures.parts import (
    arm_encodings,
    at_risk_panel,
    checked,
    estimate_words,
    inline,
    names_in,
    note_under,
    over_table,
    p_words,
    percent_axis,
    thinned,
    time_axis,
    time_ticks,
)

NEEDED: Final = ("arm", "time_months", "survival", "lower", "upper", "at_risk", "n_censor")
GUIDE: Final = "#444444"


def kaplan_meier_chart(
    curve: pl.DataFrame,
    *,
    endpoint: str = "Survival",
    title: str = "",
    order: Sequence[str] = (),
    bands: bool = True,
    medians: Any = None,
    hazard_ratio: Any = None,
    test: Any = None,
    level: float = 0.95,
    with_censored: bool = False,
    width: int = 560,
    height: int = 320,
) -> alt.VConcatChart:
    """Return the Kaplan-Meier figure of one endpoint.

    Parameters
    ----------
    curve
        `KaplanMeier.curve`: `arm, time_months, survival, lower, upper, at_risk, n_event, n_censor`.
    endpoint
        What the vertical axis is the percentage of, for example ``"PFS"``.
    title
        Above the figure.
    order
        Arms in the order of legend and table; by default as in `curve`, the control first.
    bands
        Shade the pointwise limits.
    medians
        `KaplanMeier.table`: events, number of subjects and median with its limits, in the box; its medians are those drawn.
    hazard_ratio
        `Cox.table`: the hazard ratio of every arm against the control, in the box, with the p of the model where `test` is not
        given.
    test
        `LogRank.table`: the p in the box is that of the log-rank test.
    level
        Of the intervals in the box.
    with_censored
        Write the number censored up to each time behind the number at risk.
    width, height
        Of the curves, in pixels.

    Returns
    -------
    Chart of curves (a dash and a colour an arm), a tick where subjects are censored, dotted lines at the medians, the box in a
    corner that no curve enters (above the plot where there is none), and the numbers at risk under the ticks of the time axis.
    Nothing is drawn: save or embed it.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> from benchside.stages.clinical import kaplan_meier
    >>> df = pl.DataFrame({"time": [2, 4, 6, 3], "event": [1, 0, 1, 1], "arm": ["a", "a", "b", "b"]})
    >>> km = kaplan_meier(EventTable.from_frame(df, time_unit="months"))
    >>> kaplan_meier_chart(km.curve, endpoint="PFS", medians=km.table).to_dict()["vconcat"][1]["title"]["text"]
    'Number at risk'
    """
    frame = checked(curve, NEEDED, figure="a Kaplan-Meier figure", source="the .curve of a Kaplan-Meier result")
    arms = names_in(frame, "arm", order)
    ticks = time_ticks(float(frame["time_months"].to_numpy().max()))
    box = survival_box(arms, medians, hazard_ratio, test, level=level)
    parts = [frame.filter(pl.col("arm") == arm) for arm in arms]
    reached = _medians(parts, arms, medians)
    drawn = [*edges_of(parts, "survival", bands=bands), *_guides(reached)]
    place = free_corner(box, drawn, last=ticks[-1], highest=1.0, width=width, height=height) if box else None
    layers = _layers(frame, arms, ticks, endpoint, bands=bands, width=width)
    layers += _median_lines(reached, ticks)
    layers += box.layers(*place) if box and place else []
    if frame["n_censor"].sum():
        layers.append(note_under("Vertical ticks: censored", width=width, height=height))
    # Each layer its own scale, so that colour and dash of the lines make one legend; their domains are the same.
    curves = (
        alt.layer(*layers).resolve_scale(color="independent", strokeDash="independent").properties(width=width, height=height)
    )
    table = at_risk_panel(frame, arms, ticks, width=width, censored=with_censored)
    return over_table(curves, table, title=title, subtitle=box.lines() if box and not place else ())


def survival_box(arms: Sequence[str], medians: Any, hazard_ratio: Any, test: Any, *, level: float) -> Box | None:
    """Return the text of a Kaplan-Meier figure's box, or None where no table is given."""
    percent, rows = f"{level * 100:g}% CI", []
    if medians is not None:
        known = checked(medians, ("arm", "n", "events", "median_months", "lower_months", "upper_months"), figure="the box of medians", source="the .table of a Kaplan-Meier result")  # fmt: skip
        rows.append(["", "Events/n", f"Median ({percent}), months"])
        for row in sorted(known.filter(pl.col("arm").is_in(arms)).iter_rows(named=True), key=lambda row: arms.index(row["arm"])):
            words = estimate_words(row["median_months"], row["lower_months"], row["upper_months"], digits=1)
            rows.append([row["arm"], f"{row['events']}/{row['n']}", words])
    tested = None
    if test is not None:
        tested = checked(test, ("p",), figure="the box of a test", source="the .table of a log-rank test").row(0, named=True)
    for row in _ratios(hazard_ratio):
        against = f" ({row['arm']} vs {row['comparator']})" if len(arms) > 2 else ""
        text = estimate_words(row["hazard_ratio"], row["lower"], row["upper"]).replace("(", f"({percent}, ", 1)
        own = f"; {p_words(row['p'])}" if tested is None and row.get("hazard_ratio") is not None else ""
        rows.append([f"Hazard ratio{against}, {text}{own}"])
    if tested is not None:
        stratified = "stratified " if tested.get("stratified_by") else ""
        of_all = " of all arms" if len(arms) > 2 else ""
        rows.append([f"{p_words(tested['p'])} ({stratified}log-rank test{of_all})"])
    return Box(rows, bold_first=medians is not None) if rows else None


def _ratios(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a Cox table that compare arms."""
    if table is None:
        return []
    known = checked(table, ("arm", "comparator", "hazard_ratio", "lower", "upper", "p"), figure="the box of hazard ratios", source="the .table of a Cox model")  # fmt: skip
    return known.filter(pl.col("arm").is_not_null()).to_dicts()


def _guides(medians: Sequence[float]) -> list[Edges]:
    """Return the lines at the medians, which a box keeps clear of as of curves."""
    down = [(np.array([median]), np.zeros(1), np.full(1, 0.5)) for median in medians]
    return [*down, (np.array([0.0, max(medians)]), np.full(2, 0.5), np.full(2, 0.5))] if medians else []


def _layers(
    frame: pl.DataFrame, arms: Sequence[str], ticks: Sequence[float], endpoint: str, *, bands: bool, width: int
) -> list[Any]:
    colour, bare, dash = arm_encodings(arms, width=width)
    x, y = time_axis(ticks), percent_axis("survival", f"{endpoint} (%)")
    shown = pl.concat([thinned(frame.filter(pl.col("arm") == arm).select(NEEDED), ticks[-1]) for arm in arms])
    base = alt.Chart(inline(shown))
    lines = base.mark_line(interpolate="step-after", strokeWidth=2, clip=True).encode(
        x=x, y=y, color=colour, strokeDash=dash, order="time_months:Q"
    )
    tip = ["arm:N", alt.Tooltip("time_months:Q", format=".2f"), "n_censor:Q", "at_risk:Q"]
    # Altair's points are see-through unless told: a tick must stand out on its line.
    ticked = base.transform_filter("datum.n_censor > 0").mark_point(
        shape="stroke", angle=90, size=110, strokeWidth=1.5, opacity=1
    )
    layers = [lines, ticked.encode(x=x, y=y, color=bare, tooltip=tip)]
    if bands:
        shade = base.transform_filter("isValid(datum.lower)").mark_area(interpolate="step-after", opacity=0.13, clip=True)
        layers.insert(0, shade.encode(x=x, y=alt.Y("lower:Q", title=f"{endpoint} (%)"), y2="upper:Q", color=bare))
    return layers


def _medians(parts: Sequence[pl.DataFrame], arms: Sequence[str], medians: Any) -> list[float]:
    if medians is not None:
        known = dict(medians.select("arm", "median_months").iter_rows())
        return [known[arm] for arm in arms if known.get(arm) is not None]
    read = [_median(part) for part in parts]
    return [median for median in read if math.isfinite(median)]


def _median(part: pl.DataFrame) -> float:
    return crossing_time(part["time_months"].to_numpy(), part["survival"].to_numpy(), 0.5, terminal_is_reached=True)


def _median_lines(reached: Sequence[float], ticks: Sequence[float]) -> list[alt.Chart]:
    if not reached:
        return []
    flat = pl.DataFrame({"time_months": [0.0], "end": [max(reached)], "survival": [0.5]})
    drop = pl.DataFrame({"time_months": list(reached), "survival": [0.5] * len(reached), "end": [0.0] * len(reached)})
    across = alt.Chart(inline(flat)).mark_rule(strokeDash=[1, 3], color=GUIDE, strokeWidth=1.2)
    down = alt.Chart(inline(drop)).mark_rule(strokeDash=[1, 3], color=GUIDE, strokeWidth=1.2)
    x = time_axis(ticks)
    return [
        cast("alt.Chart", across.encode(x=x, x2="end:Q", y="survival:Q")),
        cast("alt.Chart", down.encode(x=x, y="survival:Q", y2="end:Q")),
    ]
