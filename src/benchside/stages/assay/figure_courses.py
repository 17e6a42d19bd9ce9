"""The figure of growth courses: cells over time by dose with the window a rate was read in, beside the dose-response of the rates."""

from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.figure import BLACK, BLUE, GREY, VERMILION, number_words
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.plates.normalise import CURVE_KEY

WIDTH: Final = 340
HEIGHT: Final = 260
LINE_POINTS: Final = 60
MOST_NAMED: Final = 12
"""Levels named beside their colours."""

_WINDOW: Final = ("dip_per_h", "first_time_h", "last_time_h")


def growth_courses(counts: Any, rates: Any, fits: Any, *, by: Sequence[str] = CURVE_KEY) -> list[alt.HConcatChart]:
    """Return a page a group of time courses: the counts on the left, the rates over dose on the right.

    Left, cells on a log2 scale by time, coloured by dose, the control black; the thick line is the straight one whose slope is
    the rate, over the window it was read in. Right, every rate as a fraction of the control's with its 95 % limits, the fitted
    curve, and the IC50 of the rate.

    Parameters
    ----------
    counts
        What `dip_rates` was given.
    rates, fits
        `.rates` and `.table` of what it returned.
    by
        The columns that name a group, as `dip_rates` was given them.

    Examples
    --------
    >>> from benchside.stages.assay import dip_rates
    >>> rows = [(d, t, 500 * 2 ** (0.04 * t / (1 + d / 10))) for d in (0.0, 3.0, 10.0, 30.0) for t in (0.0, 12.0, 24.0, 48.0, 72.0)]
    >>> counts = pl.DataFrame(rows, schema=["concentration_nM", "time_h", "cell_count"], orient="row")
    >>> found = dip_rates(counts)
    >>> len(growth_courses(counts, found.rates, found.table, by=()))
    1
    """
    held, lines, table = dataframe(counts), dataframe(rates), dataframe(fits)
    return [_page(_own(held, row, by), _own(lines, row, by), row, by) for row in table.iter_rows(named=True)]


def _own(table: pl.DataFrame, group: dict[str, Any], by: Sequence[str]) -> pl.DataFrame:
    """Return the rows of a group and of its controls, which may leave a column of its name empty."""
    for name in by:
        shared = pl.col(name).is_null() & (pl.col("concentration_nM") == 0)
        table = table.filter(shared | pl.col(name).eq_missing(pl.lit(group[name])))
    return table


def _page(counts: pl.DataFrame, rates: pl.DataFrame, group: dict[str, Any], by: Sequence[str]) -> alt.HConcatChart:
    name = " | ".join(str(group[column]) for column in by if group[column]) or "All courses"
    title = alt.TitleParams(name, anchor="start", fontSize=14)
    charts = alt.hconcat(_courses(counts, rates), _response(rates, group), spacing=36)
    return cast("alt.HConcatChart", charts.properties(title=title).configure_axis(gridColor="#eeeeee"))


def _courses(counts: pl.DataFrame, rates: pl.DataFrame) -> alt.LayerChart:
    """Return cells by time, and the lines the rates are the slopes of."""
    key = [name for name in rates.columns if name in counts.columns and name != "status"]
    numbered = rates.with_row_index("course").select("course", *key, *_WINDOW)
    seen = counts.filter(pl.col("cell_count") > 0)
    data = seen.join(numbered, on=key, how="left", nulls_equal=True, maintain_order="left")
    x = alt.X("time_h:Q", title="Time (h)").axis(grid=False)
    y = alt.Y("cell_count:Q", title="Cells (log2 scale)").scale(type="log", base=2, nice=False, padding=8).axis(grid=False)
    colour = level_colour("concentration_nM", counts["concentration_nM"], "nM")
    dosed, control = alt.datum.concentration_nM > 0, alt.datum.concentration_nM == 0
    points = alt.Chart(data.select("course", "concentration_nM", "time_h", "cell_count")).encode(x=x, y=y, detail="course:N")
    lines = alt.Chart(window_lines(data)).encode(x=x, y=y, detail="course:N")
    layers = alt.layer(
        points.transform_filter(dosed).mark_point(filled=True, size=22, opacity=0.8).encode(color=colour),
        points.transform_filter(control).mark_point(filled=True, size=22, color=BLACK, opacity=0.8),
        points.transform_filter(dosed).mark_line(strokeWidth=0.8, opacity=0.6).encode(color=colour),
        points.transform_filter(control).mark_line(strokeWidth=0.8, opacity=0.6, color=BLACK),
        lines.transform_filter(dosed).mark_line(strokeWidth=2.6).encode(color=colour),
        lines.transform_filter(control).mark_line(strokeWidth=2.6, color=BLACK),
    )
    words = "Thick: the line whose slope is the rate, over its window; black: control"
    return cast("alt.LayerChart", layers.properties(width=WIDTH, height=HEIGHT, title=panel_title("Growth courses", words)))


def window_lines(data: pl.DataFrame) -> pl.DataFrame:
    """Return both ends of the line of every course that has a rate: course, concentration_nM, time_h, cell_count.

    A least-squares line passes through the means of its points, which with its slope is the whole line.
    """
    inside = data.filter(pl.col("dip_per_h").is_not_null() & pl.col("time_h").is_between("first_time_h", "last_time_h"))
    middle = inside.group_by("course", maintain_order=True).agg(
        pl.col("concentration_nM").first(), *(pl.col(name).first() for name in _WINDOW), t=pl.col("time_h").mean(), y=pl.col("cell_count").log(2).mean(),
    )  # fmt: skip
    ends = [middle.with_columns(time_h=pl.col(end)) for end in ("first_time_h", "last_time_h")]
    level = pl.lit(2.0).pow(pl.col("y") + pl.col("dip_per_h") * (pl.col("time_h") - pl.col("t")))
    return pl.concat(ends).select("course", "concentration_nM", "time_h", cell_count=level)


def _response(rates: pl.DataFrame, group: dict[str, Any]) -> alt.LayerChart:
    """Return rates as a fraction of the control's by dose, and the fitted curve; the rates themselves where the control does not divide."""
    control = group["control_dip_per_h"]
    scaled = control is not None and control > 0
    unit = control if scaled else 1.0
    known = rates.filter((pl.col("concentration_nM") > 0) & pl.col("dip_per_h").is_not_null())
    data = known.select(
        "concentration_nM", rate=pl.col("dip_per_h") / unit, lower=pl.col("dip_lower_per_h") / unit, upper=pl.col("dip_upper_per_h") / unit
    )  # fmt: skip
    title = "Rate (fraction of the control's)" if scaled else "Rate (doublings per h)"
    x = alt.X("concentration_nM:Q", title="Concentration (nM)").scale(type="log", nice=False, padding=8)
    y = alt.Y("rate:Q", title=title).axis(grid=False).scale(zero=True)
    x = x.axis(format="~g", labelOverlap=True, grid=False, tickCount=5)
    base = alt.Chart(data).encode(x=x)
    marks = [
        alt.Chart().mark_rule(color="#999").encode(y=alt.datum(0.0)),
        base.mark_rule(color=GREY).encode(y=alt.Y("lower:Q", title=title), y2="upper:Q"),
        base.mark_point(filled=True, size=30, opacity=1).encode(
            y=y, color=level_colour("concentration_nM", rates["concentration_nM"], "nM")
        ),
        alt.Chart(curve_points(group, data["concentration_nM"])).mark_line(color=BLUE, strokeWidth=2).encode(x=x, y=y),
    ]
    exact = scaled and group["ic50_dip_relation"] == "=" and group["ic50_dip_nM"] is not None
    if exact:
        at = pl.DataFrame({"concentration_nM": [group["ic50_dip_nM"]], "rate": [0.5]})
        marks.append(alt.Chart(at).mark_point(shape="diamond", filled=True, size=80, color=VERMILION, opacity=1).encode(x=x, y=y))
    layers = alt.layer(*marks, data=data)
    heading = panel_title("Proliferation rates", f"{ic50_words(group)}; 0: no growth; below 0: cells are lost")
    return cast("alt.LayerChart", layers.properties(width=WIDTH, height=HEIGHT, title=heading))


def curve_points(group: dict[str, Any], doses_nM: pl.Series) -> pl.DataFrame:
    """Return the fitted curve of a group over its doses, as a fraction of the control's rate; no row where none was fitted."""
    top, bottom, mid, slope = (group[name] for name in ("dip_zero", "dip_inf", "ec50_dip_nM", "slope"))
    if mid is None or doses_nM.is_empty():
        return pl.DataFrame(schema={"concentration_nM": pl.Float64, "rate": pl.Float64})
    tested = doses_nM.to_numpy()
    dose = np.geomspace(tested.min(), tested.max(), LINE_POINTS)
    return pl.DataFrame({"concentration_nM": dose, "rate": bottom + (top - bottom) / (1 + (dose / mid) ** slope)})


def ic50_words(group: dict[str, Any]) -> str:
    """Return the IC50 of the rate in words."""
    value, relation = group["ic50_dip_nM"], group["ic50_dip_relation"]
    if value is None:
        return "no IC50 of the rate"
    number = pl.select(number_words(pl.lit(float(value)), 3)).item()
    return f"IC50 of the rate {'' if relation == '=' else relation + ' '}{number} nM"


def panel_title(text: str, subtitle: str) -> alt.TitleParams:
    """Return the heading of one of several panels, with a line below it."""
    return alt.TitleParams(text, subtitle=subtitle, anchor="start", fontSize=12, subtitleColor=GREY)


def level_colour(name: str, levels: pl.Series, title: str) -> alt.Color:
    """Return the colour of doses or of other levels above 0: dark is high; the legend names those there are, at most so many of them."""
    known = levels.filter(levels > 0).unique().sort().to_list()
    named = known[:: -(-len(known) // MOST_NAMED)] if known else []
    scheme = alt.SchemeParams(name="viridis", extent=[0.0, 0.87])  # the last of it is too bright on white
    return alt.Color(f"{name}:Q", title=title).scale(type="log", scheme=scheme, reverse=True).legend(format="~g", values=named)
