"""Figures of the assay stage, as Altair charts: data, bands and axes with units; nothing is drawn here."""

from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.figure import BLUE, VERMILION
from benchside.core.tables import dataframe
from benchside.stages.assay.model import ResponseTable, WellTable

BAND_POINTS: Final = 60


def curves(fits: Any, responses: Any) -> alt.FacetChart:
    """Return fitted curves over their points, a panel a curve, with the IC50 and its interval; excluded points are hollow and grey.

    Parameters
    ----------
    fits
        What `fit` returned.
    responses
        What it was fitted to.
    """
    table, points = dataframe(fits), ResponseTable.of(responses).table
    lines = curve_lines(table)
    shown = points.filter(pl.col("concentration_nM") > 0).select("curve_id", "concentration_nM", "response", "excluded")
    data = pl.concat(
        [
            lines.with_columns(part=pl.lit("curve")),
            shown.with_columns(part=pl.lit("point")),
            table.filter(pl.col("ic50_relation") == "=")
            .select("curve_id", concentration_nM="ic50_nM", low_nM="ic50_lower_nM", high_nM="ic50_upper_nM")
            .with_columns(part=pl.lit("ic50"), response=pl.lit(0.5)),
        ],
        how="diagonal_relaxed",
    )
    x = alt.X("concentration_nM:Q", title="Concentration (nM)").scale(type="log").axis(format="~g", labelOverlap=True, grid=False)
    y = alt.Y("response:Q", title="Response (fraction of vehicle)").axis(grid=False)
    base = alt.Chart().encode(x=x, y=y)
    layers = alt.layer(
        base.mark_rule(strokeDash=[2, 3], color="#999").encode(x=alt.X(), y=alt.datum(0.5)),
        base.transform_filter("datum.part === 'curve'").mark_line(color=BLUE, strokeWidth=2),
        base.transform_filter("datum.part === 'point' && !datum.excluded").mark_point(
            filled=True, size=26, color="#222", opacity=0.8
        ),
        base.transform_filter("datum.part === 'point' && datum.excluded").mark_point(
            filled=False, size=34, shape="cross", color="#888"
        ),
        base.transform_filter("datum.part === 'ic50'")
        .mark_rule(color=VERMILION, strokeWidth=3)
        .encode(x="low_nM:Q", x2="high_nM:Q"),
        base.transform_filter("datum.part === 'ic50'").mark_point(
            shape="diamond", filled=True, size=70, color=VERMILION, opacity=1
        ),
    ).properties(width=230, height=170)
    panels = alt.Facet("curve_id:N", title=None).header(labelFontSize=11, labelFontWeight="bold")
    return cast("alt.FacetChart", layers.facet(facet=panels, columns=3, data=data).resolve_scale(x="independent"))


def curve_lines(fits: pl.DataFrame) -> pl.DataFrame:
    """Return the fitted curves as points over their tested doses: curve_id, concentration_nM, response."""
    fitted = fits.filter(pl.col("rss").is_not_null())
    if fitted.is_empty():
        return pl.DataFrame(schema={"curve_id": pl.String, "concentration_nM": pl.Float64, "response": pl.Float64})
    low, high = np.log(fitted["lowest_nM"].to_numpy()), np.log(fitted["highest_nM"].to_numpy())
    x = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, BAND_POINTS)[None, :]
    top, bottom, slope, mid = (fitted[name].to_numpy()[:, None] for name in ("top", "bottom", "slope", "ec50_nM"))
    y = bottom + (top - bottom) / (1 + np.exp(np.clip(slope * (x - np.log(mid)), -700, 700)))
    return pl.DataFrame(
        {
            "curve_id": np.repeat(fitted["curve_id"].to_numpy(), BAND_POINTS),
            "concentration_nM": np.exp(x).ravel(),
            "response": y.ravel(),
        }
    )


def plate(wells: Any, plate_id: str) -> alt.LayerChart:
    """Return the heat map of one plate's signal: control wells lettered, excluded wells crossed, empty wells left white."""
    table = WellTable.of(wells).table.filter((pl.col("plate_id") == plate_id) & pl.col("signal").is_not_null())
    data = table.select(
        "signal", "role", "compound", "concentration_nM", "well",
        row=pl.col("well").str.extract(r"^([A-Z]+)"), column=pl.col("well").str.extract(r"(\d+)$").cast(pl.Int64),
        mark=pl.col("role").replace_strict({"vehicle": "V", "blank": "B", "positive": "P", "excluded": "✕"}, default=""),
        light=pl.col("signal") > (pl.col("signal").min() + pl.col("signal").max()) / 2,
    )  # fmt: skip
    order = sorted(data["row"].unique().to_list(), key=lambda letters: (len(letters), letters))
    columns = list(range(1, int(str(data["column"].max())) + 1))
    base = alt.Chart(data).encode(
        x=alt.X("column:O", title="Column").axis(labelAngle=0, orient="top").scale(domain=columns),
        y=alt.Y("row:N", title="Row").scale(domain=order),
    )
    heat = (
        base.transform_filter("datum.role !== 'empty'")
        .mark_rect(stroke="white")
        .encode(
            color=alt.Color("signal:Q", title="Signal").scale(scheme="viridis"),
            tooltip=["well", "role", "compound", "concentration_nM", "signal"],
        )
    )
    ink = alt.condition("datum.light", alt.value("black"), alt.value("white"))
    letters = (
        base.transform_filter("datum.role !== 'excluded'")
        .mark_text(fontSize=10, fontWeight="bold")
        .encode(text="mark:N", color=ink)
    )
    crosses = base.transform_filter("datum.role === 'excluded'").mark_text(fontSize=18, fontWeight="bold", color=VERMILION)
    layers = alt.layer(heat, letters, crosses.encode(text="mark:N"))
    words = f"Plate {plate_id}: V vehicle, B blank, ✕ excluded; white: empty"
    return cast("alt.LayerChart", layers).properties(width=22 * len(columns), height=22 * len(order), title=words)


FIGURES: Final = {"curves": curves, "plate": plate}
