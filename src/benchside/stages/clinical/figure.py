"""The Kaplan-Meier figure as data: an Altair chart of curves, censoring, medians and the numbers at risk below."""

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.figure import DASHES, OKABE_ITO
from benchside.kernels.survival import TIE, crossing_time

TICK_STEPS_MONTHS: Final = (0.5, 1, 2, 3, 6, 12, 24, 36, 60, 120, 240)
MOST_TICKS: Final = 9
NEEDED: Final = ("arm", "time_months", "survival", "lower", "upper", "at_risk", "n_censor")
ROW_HEIGHT: Final = 17
AXIS_HEIGHT: Final = 66
"""Pixels between the plots: tick labels, axis title and the heading of the table."""


def kaplan_meier_chart(
    curve: pl.DataFrame,
    *,
    endpoint: str = "Survival",
    title: str = "",
    order: Sequence[str] = (),
    bands: bool = True,
    width: int = 560,
    height: int = 320,
) -> alt.VConcatChart:
    """Return the Kaplan-Meier figure of one endpoint.

    Parameters
    ----------
    curve
        `KaplanMeier.curve`: `arm, time_months, survival, lower, upper, at_risk, n_event, n_censor`.
    endpoint
        What the vertical axis is the probability of, for example ``"PFS"``.
    title
        Above the figure.
    order
        Arms in the order of legend and table; by default as in `curve`, the control first.
    bands
        Shade the pointwise limits.
    width, height
        Of the curves, in pixels.

    Returns
    -------
    Chart of curves (a dash and a colour an arm), a mark where subjects are censored, dotted lines at the medians,
    and the numbers at risk under the ticks of the time axis. Nothing is drawn: save or embed it.

    Raises
    ------
    TableError
        When a column is missing or there is no row.
    """
    missing = [name for name in NEEDED if name not in curve.columns]
    if missing or curve.is_empty():
        lack = "it has no row" if curve.is_empty() else f"{listed(missing)} is missing"
        message = (
            f"a Kaplan-Meier figure needs rows with {', '.join(NEEDED)}; {lack}. Give it the .curve of a Kaplan-Meier result."
        )
        raise TableError(message)
    arms = list(order) or curve["arm"].unique(maintain_order=True).to_list()
    ticks = time_ticks(float(curve["time_months"].to_numpy().max()))
    curves = _curves(curve, arms, ticks, endpoint, bands=bands).properties(width=width, height=height)
    table = _at_risk(curve, arms, ticks).properties(
        width=width,
        height=ROW_HEIGHT * len(arms),
        title=alt.TitleParams("Number at risk", anchor="start", frame="group", fontSize=11, fontWeight="bold", offset=4),
    )
    chart = alt.vconcat(
        curves,
        table,
        spacing=AXIS_HEIGHT,
        bounds="flush",  # aligns the plots, not their labels, so the counts stand under the ticks
        padding=8,
    )
    if title:
        chart = chart.properties(title=alt.TitleParams(title, anchor="start", fontSize=14))
    shown = chart.resolve_scale(color="independent").configure_view(stroke=None)
    return cast("alt.VConcatChart", shown.configure_axis(labelFontSize=11, titleFontSize=12))


def time_ticks(last_months: float) -> list[float]:
    """Return even ticks from 0 that cover a follow-up, about `MOST_TICKS` at most, in steps that clinicians use."""
    step = next((step for step in TICK_STEPS_MONTHS if last_months / step <= MOST_TICKS - 1), last_months / (MOST_TICKS - 1))
    return [step * k for k in range(max(1, math.ceil(last_months / step - 1e-9)) + 1)]


def _inline(frame: pl.DataFrame) -> alt.InlineData:
    # Values are embedded, so the chart stands alone and has no limit of rows.
    return alt.InlineData(values=frame.to_dicts())


def _time(ticks: Sequence[float], **axis: Any) -> alt.X:
    scale = alt.Scale(domain=[0, ticks[-1]], nice=False)
    return alt.X(
        "time_months:Q",
        scale=scale,
        axis=alt.Axis(values=list(ticks), grid=False, labelFlush=False, **axis) if axis else None,
    )


def _arm_scale(arms: Sequence[str], values: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=list(arms), range=[values[k % len(values)] for k in range(len(arms))])


def _curves(curve: pl.DataFrame, arms: Sequence[str], ticks: Sequence[float], endpoint: str, *, bands: bool) -> alt.LayerChart:
    x = _time(ticks, title="Time (months)")
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2,
        columnPadding=24,
        symbolType="stroke",
        symbolSize=900,
        symbolStrokeWidth=2,
        labelFontSize=12,
        labelLimit=260,
    )
    colour = alt.Color("arm:N", scale=_arm_scale(arms, OKABE_ITO), legend=legend)
    unnamed = alt.Color("arm:N", scale=_arm_scale(arms, OKABE_ITO), legend=None)
    dash = alt.StrokeDash("arm:N", scale=_arm_scale(arms, DASHES), legend=legend)
    y = alt.Y(
        "survival:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", title=f"{endpoint} probability", grid=True, gridOpacity=0.4),
    )
    base = alt.Chart(_inline(curve.select(NEEDED)))
    lines = base.mark_line(interpolate="step-after", strokeWidth=2, clip=True).encode(
        x=x, y=y, color=colour, strokeDash=dash, order="time_months:Q"
    )
    censored = (
        base.transform_filter("datum.n_censor > 0")
        .mark_point(shape="stroke", angle=90, size=50, strokeWidth=1.2)
        .encode(
            x=x,
            y=y,
            color=unnamed,
            tooltip=["arm:N", alt.Tooltip("time_months:Q", format=".2f"), "n_censor:Q", "at_risk:Q"],
        )
    )
    layers: list[Any] = [lines, censored, *_median_lines(curve, arms, ticks)]
    if bands:
        shade = base.transform_filter("isValid(datum.lower)").mark_area(interpolate="step-after", opacity=0.13, clip=True)
        layers.insert(0, shade.encode(x=x, y=alt.Y("lower:Q", title=f"{endpoint} probability"), y2="upper:Q", color=unnamed))
    # Each layer its own scale, so that colour and dash of the lines make one legend; their domains are the same.
    layered = alt.layer(*layers).resolve_scale(color="independent", strokeDash="independent")
    return cast("alt.LayerChart", layered)


def _median_lines(curve: pl.DataFrame, arms: Sequence[str], ticks: Sequence[float]) -> list[alt.Chart]:
    medians = [_median(curve.filter(pl.col("arm") == arm)) for arm in arms]
    reached = [median for median in medians if math.isfinite(median)]
    if not reached:
        return []
    flat = pl.DataFrame({"time_months": [0.0], "end": [max(reached)], "survival": [0.5]})
    drop = pl.DataFrame({"time_months": reached, "survival": [0.5] * len(reached), "end": [0.0] * len(reached)})
    across = alt.Chart(_inline(flat)).mark_rule(strokeDash=[1, 3], color="#444444", strokeWidth=1.2)
    down = alt.Chart(_inline(drop)).mark_rule(strokeDash=[1, 3], color="#444444", strokeWidth=1.2)
    return [
        across.encode(x=_time(ticks, title="Time (months)"), x2="end:Q", y="survival:Q"),
        down.encode(x=_time(ticks, title="Time (months)"), y="survival:Q", y2="end:Q"),
    ]


def _median(part: pl.DataFrame) -> float:
    return crossing_time(part["time_months"].to_numpy(), part["survival"].to_numpy(), 0.5, terminal_is_reached=True)


def at_risk_at(curve: pl.DataFrame, arms: Sequence[str], times_months: Sequence[float]) -> pl.DataFrame:
    """Return `arm, time_months, at_risk`: subjects still followed just before each time."""
    rows = []
    for arm in arms:
        part = curve.filter(pl.col("arm") == arm)
        steps, n_risk = part["time_months"].to_numpy(), part["at_risk"].to_numpy()
        places = np.searchsorted(steps, np.asarray(times_months) - TIE, side="left")
        rows += [(arm, float(t), int(n_risk[k]) if k < steps.size else 0) for t, k in zip(times_months, places, strict=True)]
    return pl.DataFrame(rows, schema={"arm": pl.String, "time_months": pl.Float64, "at_risk": pl.Int64}, orient="row")


def _at_risk(curve: pl.DataFrame, arms: Sequence[str], ticks: Sequence[float]) -> alt.Chart:
    counts = at_risk_at(curve, arms, ticks)
    axis = alt.Axis(title=None, domain=False, ticks=False, labelFontSize=11, labelPadding=26, labelLimit=240)
    texts = (
        alt.Chart(_inline(counts))
        .mark_text(fontSize=11)
        .encode(
            x=_time(ticks),
            y=alt.Y("arm:N", sort=list(arms), axis=axis),
            text="at_risk:Q",
            color=alt.Color("arm:N", scale=_arm_scale(arms, OKABE_ITO), legend=None),
        )
    )
    return cast("alt.Chart", texts)


FIGURES: Final = {"kaplan_meier": kaplan_meier_chart}
