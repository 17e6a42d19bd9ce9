"""Charts as data: exposure over an interval, and coverage in body and brain."""

from typing import Any, Final

import altair as alt
import polars as pl

from benchside.core.figure import BLUE, VERMILION
from benchside.core.tables import dataframe
from benchside.stages.pharmacology.figure_population import coverage_matrix, exposure_response_chart, population_curves

SITE_COLOURS: Final = {"plasma": BLUE, "cns": VERMILION}

SITE_NAMES: Final = {"plasma": "body (plasma)", "cns": "brain"}


def _site_scale() -> alt.Scale:
    return alt.Scale(domain=list(SITE_NAMES.values()), range=list(SITE_COLOURS.values()))


def _named_sites(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("site").replace(SITE_NAMES))


def exposure_curves(data: Any) -> alt.Chart:
    """Return free concentration over one dosing interval, a panel a compound, active moieties together.

    Parameters
    ----------
    data
        The table of the verb `pharmacology.exposure`: ``compound, moiety, site, matrix, time_h, concentration_nM``.
    """
    table = _named_sites(dataframe(data).filter((pl.col("matrix") == "free") & (pl.col("moiety") == "active")))
    title = alt.TitleParams(
        "Free concentration at steady state", subtitle="active moieties summed; what is a bound or assumed is said beside it"
    )
    dashes = alt.Scale(domain=list(SITE_NAMES.values()), range=[[1, 0], [6, 5]])
    chart: alt.Chart = (
        alt.Chart(table.select("compound", "site", "time_h", "concentration_nM"), title=title, width=300, height=260)
        .mark_line(strokeWidth=3)
        .encode(
            x=alt.X("time_h:Q", title="time since dose (h)"),
            y=alt.Y("concentration_nM:Q", title="free concentration (nM)", scale=alt.Scale(type="log")),
            color=alt.Color("site:N", title="site", scale=_site_scale(), sort=list(SITE_NAMES.values())),
            strokeDash=alt.StrokeDash("site:N", title="site", scale=dashes),
            column=alt.Column("compound:N", title=None),
        )
    )
    return chart


def coverage(data: Any) -> alt.LayerChart:
    """Return coverage of each compound and variant, body beside brain, on a log scale with a line at 1.

    Parameters
    ----------
    data
        A Coverage or its table. Rows without a coverage (no exposure known) are left out and counted in the subtitle.
    """
    everything = dataframe(data)
    known = _named_sites(everything.filter(pl.col("coverage_average").is_not_null()))
    left_out = everything.height - known.height
    known = known.with_columns(label=pl.concat_str("compound", pl.lit(" on "), "variant"))
    note = "bar: interval of the IC50, none where open, hidden where narrower than its mark; dashed line at 1: free drug equals free IC50"
    subtitle = note if not left_out else f"{note}; {left_out} without exposure not shown"
    base = alt.Chart(
        known.select("label", "site", "coverage_average", "lower", "upper"),
        title=alt.TitleParams("Coverage: free drug over free IC50", subtitle=subtitle),
        width=420,
        height=alt.Step(20),
    )
    y = alt.Y("label:N", title=None, sort=None)
    offset = alt.YOffset("site:N", sort=list(SITE_NAMES.values()))
    colour = alt.Color("site:N", title="site", scale=_site_scale())
    x_scale = alt.Scale(type="log")
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("lower:Q", scale=x_scale), x2="upper:Q", y=y, yOffset=offset, color=colour
    )
    points = base.mark_point(size=70, filled=True, opacity=1).encode(
        x=alt.X(
            "coverage_average:Q",
            title="coverage (ratio)",
            scale=x_scale,
            axis=alt.Axis(format="~g", labelOverlap="greedy", labelSeparation=6),
        ),
        y=y,
        yOffset=offset,
        color=colour,
        shape=alt.Shape("site:N", title="site", scale=alt.Scale(domain=list(SITE_NAMES.values()), range=["circle", "diamond"])),
    )
    one = alt.Chart(pl.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[4, 3], color="black").encode(x="one:Q")
    layers: alt.LayerChart = one + bars + points
    return layers


FIGURES: Final = {
    "exposure_curves": exposure_curves,
    "coverage": coverage,
    "population_curves": population_curves,
    "coverage_matrix": coverage_matrix,
    "exposure_response": exposure_response_chart,
}
