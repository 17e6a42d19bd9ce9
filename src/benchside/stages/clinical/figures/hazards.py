"""Whether hazards are proportional, to the eye: log-log curves, and scaled Schoenfeld residuals with their smooth."""

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.figure import BLACK, BLUE, GREY, VERMILION
from benchside.stages.clinical.figures.parts import (
    arm_encodings,
    checked,
    finished,
    heading,
    inline,
    names_in,
    p_words,
)
from benchside.stages.clinical.figures.smooth import natural_spline_smooth

LOG_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
GLOBAL: Final = "GLOBAL"
TRANSFORM_WORDS: Final = {"km": "1 − Kaplan-Meier", "rank": "rank", "identity": "linear", "log": "log"}


def log_log_chart(
    curve: Any, *, title: str = "", order: Sequence[str] = (), width: int = 480, height: int = 320
) -> alt.LayerChart:
    """Return log(-log S) of every arm against the logarithm of time: parallel where hazards are proportional.

    Parameters
    ----------
    curve
        `KaplanMeier.curve`: `arm, time_months, survival`.
    title, order, width, height
        As for `kaplan_meier_chart`.

    Returns
    -------
    Steps of every arm where its survival is below 1 and above 0 and the time above 0. An arm without an event has no line, and the
    line under the title says so.

    Raises
    ------
    TableError
        When a column is missing, there is no row, or no arm had an event.

    References
    ----------
    Hess 1995, doi:10.1002/sim.4780141510 (graphical checks of proportional hazards).

    Examples
    --------
    >>> df = pl.DataFrame({"arm": ["a"] * 3, "time_months": [0.0, 1.0, 3.0], "survival": [1.0, 0.6, 0.2]})
    >>> log_log_chart(df).to_dict()["layer"][0]["encoding"]["x"]["scale"]["type"]
    'log'
    """
    source = "the .curve of a Kaplan-Meier result with an event"
    needed = ("arm", "time_months", "survival")
    frame = checked(curve, needed, figure="a log-log figure", source=source)
    arms = names_in(frame, "arm", order)
    inside = (pl.col("survival") > 0) & (pl.col("survival") < 1) & (pl.col("time_months") > 0)
    shown = checked(frame.filter(inside), needed, figure="a log-log figure", source=source)
    shown = shown.select("arm", "time_months", height=(-pl.col("survival").log()).log())
    low, high = (float(one) for one in (shown["time_months"].to_numpy().min(), shown["time_months"].to_numpy().max()))
    domain = [low / 1.1, max(high, low * 1.5) * 1.1]
    ticks = [tick for tick in LOG_TICKS if domain[0] <= tick <= domain[1]]
    x = alt.X("time_months:Q", scale=alt.Scale(type="log", domain=domain, nice=False))
    x = x.axis(values=ticks or [low], format="~f", grid=False, title="Time (months, log scale)")
    y = alt.Y("height:Q", scale=alt.Scale(zero=False)).axis(title="log(−log(survival))", gridOpacity=0.35)
    colour, _, dash = arm_encodings(arms, width=width)
    lines = alt.Chart(inline(shown)).mark_line(interpolate="step-after", strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash, order="time_months:Q")  # fmt: skip
    flat = [arm for arm in arms if arm not in set(shown["arm"])]
    notes = [f"No line for {arm}: nobody had the event, or the curve falls to 0 at once." for arm in flat]
    chart = alt.layer(lines).properties(width=width, height=height)
    return cast("alt.LayerChart", finished(chart.properties(title=heading(title, notes)) if title or notes else chart))


def schoenfeld_chart(
    residuals: Any, test: Any, *, title: str = "", columns: int = 2, width: int = 320, height: int = 220
) -> alt.ConcatChart:
    """Return the scaled Schoenfeld residuals of every term against time, with their smooth: the coefficient as it changes.

    Parameters
    ----------
    residuals
        `ProportionalHazards.residuals`: `term, time_months, transformed_time, scaled_residual`.
    test
        `ProportionalHazards.table`: `term, p, transform`; the p of the score test stands over each panel.
    title
        Above the figure; the global test stands under it.
    columns
        Panels a row.
    width, height
        Of a panel, in pixels.

    Returns
    -------
    A panel a term. A smooth (natural spline, 4 degrees of freedom, 95 % limits from the scatter of the residuals) that stays level
    agrees with proportional hazards; the dashed line is the mean, about the fitted coefficient. Time is spaced as it is in the test.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    References
    ----------
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> from benchside.stages.clinical import proportional_hazards
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1] * 6, "arm": ["a", "b", "b", "a", "a", "b"]})
    >>> found = proportional_hazards(EventTable.from_frame(df, time_unit="months", control="a"))
    >>> len(schoenfeld_chart(found.residuals, found.table).to_dict()["concat"])
    1
    """
    needed = ("term", "time_months", "transformed_time", "scaled_residual")
    source = "the .residuals and .table of a test of proportional hazards whose model could be fitted"
    frame = checked(residuals, needed, figure="a figure of Schoenfeld residuals", source=source)
    tested = checked(test, ("term", "p", "transform"), figure="a figure of Schoenfeld residuals", source=source)
    found = {row["term"]: row for row in tested.iter_rows(named=True)}
    transform = str(tested["transform"][0])
    panels = [
        _panel(frame.filter(pl.col("term") == term), term, row_of_test(term, found), transform, (width, height))
        for term in names_in(frame, "term")
    ]
    lines = [f"Global score test: {p_words(found[GLOBAL]['p'])}"] if GLOBAL in found else []
    chart = alt.concat(*panels, columns=columns, spacing={"row": 84, "column": 76}, bounds="flush", padding=8).properties(
        title=heading(title, lines)
    )
    return cast("alt.ConcatChart", finished(chart))


def row_of_test(term: str, found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of the test that a term of the model belongs to: its own, its factor's, or that of the arms."""
    if term in found:
        return cast("dict[str, Any]", found[term])
    factor = next((name for name in found if term.startswith(f"{name}: ")), "arm")
    return found.get(factor)


def _panel(part: pl.DataFrame, term: str, row: dict[str, Any] | None, transform: str, size: tuple[int, int]) -> alt.LayerChart:
    x, y = part["transformed_time"].to_numpy(), part["scaled_residual"].to_numpy()
    smooth = natural_spline_smooth(x, y)
    pad = max(float(np.ptp(x)), 1e-9) * 0.03
    scale = alt.Scale(domain=[float(x.min()) - pad, float(x.max()) + pad], nice=False, zero=False)
    places = month_places(part)
    label = " : ".join(f"abs(datum.value - {place!r}) < 1e-9 ? '{month:g}'" for month, place in places) + " : ''"
    axis = alt.Axis(values=[place for _, place in places], labelExpr=label, grid=False, title=f"Time (months; scale: {TRANSFORM_WORDS.get(transform, transform)})")  # fmt: skip
    across = alt.X("transformed_time:Q", scale=scale, axis=axis)
    up = alt.Y("scaled_residual:Q", scale=alt.Scale(zero=False, nice=True)).axis(title="Coefficient (log hazard ratio)", gridOpacity=0.35, tickCount=6)  # fmt: skip
    points = alt.Chart(inline(part.select("transformed_time", "scaled_residual", "time_months")))
    layers: list[Any] = [points.mark_point(size=16, color=GREY, opacity=0.75, strokeWidth=1).encode(x=across, y=up)]
    mean = alt.Chart(alt.InlineData(values=[{"scaled_residual": float(y.mean())}]))
    layers.append(mean.mark_rule(color=VERMILION, strokeDash=[5, 3], strokeWidth=1.5).encode(y=up))
    if smooth.height:
        base = alt.Chart(inline(smooth.rename({"x": "transformed_time"})))
        layers.append(base.mark_area(opacity=0.22, color=BLUE).encode(x=across, y=alt.Y("lower:Q", title="Coefficient (log hazard ratio)"), y2="upper:Q"))  # fmt: skip
        layers.append(base.mark_line(color=BLACK, strokeWidth=2).encode(x=across, y=alt.Y("fit:Q", title="Coefficient (log hazard ratio)")))  # fmt: skip
    name = term if row is None or row["term"] == term else f"{term} ({row['term']})"
    words = f"{name}: {p_words(row['p'])}" if row else name
    made = alt.layer(*layers).properties(
        width=size[0], height=size[1], title=alt.TitleParams(words, anchor="start", frame="group", fontSize=12)
    )
    return cast("alt.LayerChart", made)


def month_places(part: pl.DataFrame, *, most: int = 7) -> list[tuple[float, float]]:
    """Return round months and where they stand on the transformed axis, no two closer than a tenth of its length."""
    events = part.select("time_months", "transformed_time").unique().sort("time_months")
    time, place = events["time_months"].to_numpy(), events["transformed_time"].to_numpy()
    first, last = math.floor(time[0]), time[-1]
    raw = max((last - first) / 60, 1e-6)
    step = next((one for one in (0.1, 0.25, 0.5, 1, 2, 3, 6, 12) if one >= raw and (one >= 1 or last < 6)), raw)
    held: list[tuple[float, float]] = []
    gap = (place[-1] - place[0]) / most
    for month in np.arange(first, last + step, step):
        if time[0] <= month <= last:
            at = float(np.interp(month, time, place))
            if not held or at - held[-1][1] >= gap:
                held.append((float(month), at))
    return held or [(float(time[0]), float(place[0]))]
