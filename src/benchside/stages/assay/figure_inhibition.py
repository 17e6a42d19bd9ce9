"""The figure of a grid of inhibitor and ATP: its curves by ATP level under the law it prefers, beside the IC50 over ATP."""

from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.figure import GREY, VERMILION
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.enzymes.mode import DESCRIBED
from benchside.stages.assay.analyse.enzymes.rate_laws import Grid, parameters, rate
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.figure_courses import level_colour, panel_title

WIDTH: Final = 340
HEIGHT: Final = 260
LINE_POINTS: Final = 60
_LINE: Final = {"concentration_nM": pl.Float64, "atp_uM": pl.Float64, "response": pl.Float64}


def inhibition_grids(responses: Any, modes: Any, fits: Any = None) -> list[alt.HConcatChart]:
    """Return a page a grid of inhibitor and ATP that prefers a law: responses by dose and ATP, and the IC50 over ATP.

    Left, the responses and, in the colour of their ATP, the curves of the preferred law, which is one fit of all of them. Right, the
    IC50 of every curve that was fitted by itself, with its interval, and the IC50 the law gives: rising with ATP where the inhibitor
    competes with it, level where ATP does not matter, falling where it needs the complex (Cheng and Prusoff 1973,
    doi:10.1016/0006-2952(73)90196-2). A law whose constants are not all identified is not drawn.

    Parameters
    ----------
    responses
        What `mode_of_inhibition` was given, with `concentration_nM, atp_uM, response` as fractions of the vehicle.
    modes
        `.table` of what it returned.
    fits
        `.table` of `fit`, with `atp_uM`, for the IC50s; without it the right panel holds the law alone.

    Examples
    --------
    >>> from benchside.stages.assay import mode_of_inhibition
    >>> rows = [{"concentration_nM": i, "atp_uM": s, "response": (50 + s) / (50 * (1 + i / 8) + s) + e}
    ...     for i, e in ((3.0, 0.01), (10.0, -0.01), (30.0, 0.005), (100.0, 0.0)) for s in (10.0, 50.0, 250.0, 1000.0)]
    >>> grid = pl.DataFrame(rows)
    >>> len(inhibition_grids(grid, mode_of_inhibition(grid).table))
    1
    """
    wells, table = dataframe(responses), dataframe(modes)
    curves = None if fits is None else dataframe(fits)
    best = table.filter("best")
    return [_page(_own(wells, row), None if curves is None else _own(curves, row), row) for row in best.iter_rows(named=True)]


def _own(table: pl.DataFrame, grid: dict[str, Any]) -> pl.DataFrame:
    """Return the rows of one grid that hold an ATP level."""
    for name in DESCRIBED:
        if name in table.columns:
            table = table.filter(pl.col(name).eq_missing(pl.lit(grid[name], pl.String)))
    return table.filter(pl.col("atp_uM").is_not_null())


def _page(wells: pl.DataFrame, curves: pl.DataFrame | None, grid: dict[str, Any]) -> alt.HConcatChart:
    name = " | ".join(str(grid[column]) for column in DESCRIBED if grid[column]) or "Inhibitor by ATP"
    told = f"the data prefer: {grid['model']}" + ("" if grid["verdict"] == grid["model"] else " (not told from other laws)")
    constants = None if log_constants(grid) is not None else "not drawn: a constant of this law is not identified"
    title = alt.TitleParams(
        name, subtitle=told if constants is None else f"{told}, {constants}", anchor="start", fontSize=14, subtitleColor=GREY
    )
    charts = alt.hconcat(_responses(wells, grid), _ic50s(wells, curves, grid), spacing=36)
    return cast("alt.HConcatChart", charts.properties(title=title).configure_axis(gridColor="#eeeeee"))


def log_constants(grid: dict[str, Any]) -> FloatArray | None:
    """Return the ln constants of a law in the order it takes them; None where one is not identified."""
    values = [grid[name] for name in parameters(grid["model"], "fraction")]
    return None if any(value is None for value in values) else np.log(np.array(values, dtype=np.float64))


def law_lines(wells: pl.DataFrame, grid: dict[str, Any]) -> pl.DataFrame:
    """Return the curves of the law at every ATP level over the tested doses; no row where it is not drawn."""
    constants = log_constants(grid)
    dosed = wells.filter(pl.col("concentration_nM") > 0)["concentration_nM"].to_numpy()
    if constants is None or dosed.size == 0:
        return pl.DataFrame(schema=_LINE)
    levels = wells["atp_uM"].unique().sort().to_numpy()
    dose = np.tile(np.geomspace(dosed.min(), dosed.max(), LINE_POINTS), len(levels))
    atp = np.repeat(levels, LINE_POINTS)
    response, _ = rate(grid["model"], constants, Grid(dose, atp, np.zeros_like(dose), "fraction"))
    return pl.DataFrame({"concentration_nM": dose, "atp_uM": atp, "response": response})


def ic50_of_law(grid: dict[str, Any], atp_uM: FloatArray) -> FloatArray | None:
    """Return the IC50 (nM) a law gives at ATP levels: where the bound share of the rate's denominator equals the rest.

    v0 / v = 1 + I (a Km + b S) / (Km + S) with a = 1 / Ki and b = 1 / (alpha Ki), each 0 where the law has no such complex.
    """
    if log_constants(grid) is None:
        return None
    model, ki = grid["model"], grid["ki_nM"]
    if model == "non-competitive":
        return np.full(len(atp_uM), float(ki))
    on_free = 0.0 if model == "uncompetitive" else 1 / ki
    on_complex = 0.0 if model == "competitive" else 1 / (ki * (grid["alpha"] if model == "mixed" else 1.0))
    km = grid["km_uM"]
    return np.asarray((km + atp_uM) / (on_free * km + on_complex * atp_uM))


def _responses(wells: pl.DataFrame, grid: dict[str, Any]) -> alt.LayerChart:
    shown = wells.filter((pl.col("concentration_nM") > 0) & pl.col("response").is_not_null())
    out = pl.col("excluded").fill_null(value=False) if "excluded" in shown.columns else pl.lit(value=False)
    data = shown.select("concentration_nM", "atp_uM", "response", excluded=out)
    x = alt.X("concentration_nM:Q", title="Concentration (nM)").scale(type="log", nice=False, padding=8)
    x = x.axis(format="~g", labelOverlap=True, grid=False, tickCount=5)
    y = alt.Y("response:Q", title="Response (fraction of vehicle)").axis(grid=False)
    base = alt.Chart(data).encode(x=x, y=y, color=_atp_colour(wells))
    layers = alt.layer(
        base.transform_filter(~alt.datum.excluded).mark_point(filled=True, size=26, opacity=0.8),
        base.transform_filter(alt.datum.excluded).mark_point(filled=False, size=36, opacity=1),
        alt.Chart(law_lines(wells, grid)).mark_line(strokeWidth=2).encode(x=x, y=y, color=_atp_colour(wells)),
    )
    heading = panel_title("Responses by ATP", f"lines: the {grid['model']} law, one fit of all; hollow: excluded")
    return cast("alt.LayerChart", layers.properties(width=WIDTH, height=HEIGHT, title=heading))


def _ic50s(wells: pl.DataFrame, curves: pl.DataFrame | None, grid: dict[str, Any]) -> alt.LayerChart:
    x = alt.X("atp_uM:Q", title="ATP (µM)").scale(type="log", nice=False, padding=12)
    x = x.axis(format="~g", labelOverlap=True, grid=False, tickCount=5)
    y = alt.Y("ic50_nM:Q", title="IC50 (nM)").scale(type="log", nice=False, padding=12).axis(format="~g", grid=False, tickCount=5)
    levels = wells["atp_uM"].to_numpy()
    atp = np.geomspace(levels.min(), levels.max(), LINE_POINTS)
    level = ic50_of_law(grid, atp)
    law = pl.DataFrame({"atp_uM": atp, "ic50_nM": np.full(LINE_POINTS, np.nan) if level is None else level}, nan_to_null=True)
    law = law.drop_nulls()
    layers = [alt.Chart(law).mark_line(color=VERMILION, strokeWidth=2).encode(x=x, y=y)]
    if curves is not None:
        found = curves.filter(pl.col("ic50_relation") == "=").select("atp_uM", "ic50_nM", "ic50_lower_nM", "ic50_upper_nM")
        own = alt.Chart(found).encode(x=x, color=_atp_colour(wells))
        ends = own.transform_filter("isValid(datum.ic50_lower_nM) && isValid(datum.ic50_upper_nM)")
        layers += [
            ends.mark_rule(strokeWidth=2).encode(y=alt.Y("ic50_lower_nM:Q", title="IC50 (nM)"), y2="ic50_upper_nM:Q"),
            own.mark_point(shape="diamond", filled=True, size=80, opacity=1).encode(y=y),
        ]
    heading = panel_title("IC50 by ATP", "diamonds: each curve by itself, 95 %; line: the law")
    return cast("alt.LayerChart", alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=heading))


def _atp_colour(wells: pl.DataFrame) -> alt.Color:
    return level_colour("atp_uM", wells["atp_uM"], "ATP (µM)")
