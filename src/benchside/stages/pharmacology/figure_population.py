"""Charts of exposure and coverage with their intervals: the population's band, and a heat map of coverage in words."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import polars as pl

from benchside.core.exchange import Exposure
from benchside.core.figure import BLUE, VERMILION, number_words
from benchside.core.tables import dataframe

BANDS: Final = ((0.05, 0.95), (0.25, 0.75))
PLACES: Final = {("plasma", "total"): "plasma, total", ("plasma", "free"): "plasma, free", ("cns", "free"): "brain, free"}
PALETTE: Final = ("#b2182b", "#ef8a62", "#fddbc7", "#d1e5f0", "#67a9cf", "#2166ac")
"""Red to blue, told apart by colour-blind readers and in order of lightness on either side of 1."""

LEVELS: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
BAND_NAMES: Final = ("below 0.1", "0.1 to 0.3", "0.3 to 1", "1 to 3", "3 to 10", "10 or more")
NO_EVIDENCE: Final = "no evidence"
NO_COLOUR: Final = "#dddddd"


def population_table(exposures: Sequence[Exposure]) -> pl.DataFrame:
    """Return quantiles over patients at each time of population exposures.

    Parameters
    ----------
    exposures
        Exposures with ``subject``, as `exposure` gives them with `n`.

    Returns
    -------
    polars.DataFrame
        ``compound, place, time_h, median_nM, low_50_nM, high_50_nM, low_90_nM, high_90_nM``.
    """
    parts: list[pl.DataFrame] = []
    for each in exposures:
        value = pl.col("concentration_nM")
        (far_low, far_high), (low, high) = BANDS
        quantiles = each.table.group_by("time_h", maintain_order=True).agg(
            median_nM=value.median(), low_50_nM=value.quantile(low, "linear"), high_50_nM=value.quantile(high, "linear"),
            low_90_nM=value.quantile(far_low, "linear"), high_90_nM=value.quantile(far_high, "linear"),
        )  # fmt: skip
        place = PLACES[each.site, each.matrix]
        parts.append(quantiles.select(pl.lit(each.compound).alias("compound"), pl.lit(place).alias("place"), pl.all()))
    return pl.concat(parts)


def population_curves(data: Any) -> alt.FacetChart:
    """Return concentration over one interval with the bands that hold 50 and 90 % of patients, a panel a compound.

    Parameters
    ----------
    data
        A table of `population_table`, with the places wanted (plasma and brain of one matrix).
    """
    table = dataframe(data)
    places = [place for place in PLACES.values() if place in table["place"].unique().to_list()]
    colour = alt.Color("place:N", title=None, scale=alt.Scale(domain=places, range=[BLUE, VERMILION, "#000000"][: len(places)]))
    base = alt.Chart().encode(x=alt.X("time_h:Q", title="time since dose (h)"))
    axis = alt.Axis(format="~g", values=[10.0**k for k in range(-4, 6)])
    y_scale = alt.Scale(type="log")

    def band(share: int, opacity: float) -> alt.Chart:
        low = alt.Y(f"low_{share}_nM:Q", title="concentration (nM)", scale=y_scale, axis=axis)
        area: alt.Chart = base.mark_area(opacity=opacity).encode(y=low, y2=f"high_{share}_nM:Q", color=colour)
        return area

    line = base.mark_line(strokeWidth=2.5).encode(
        y=alt.Y("median_nM:Q", scale=y_scale),
        color=colour,
        strokeDash=alt.StrokeDash(
            "place:N", title=None, scale=alt.Scale(domain=places, range=[[1, 0], [6, 4], [2, 2]][: len(places)])
        ),
    )
    layers = alt.layer(band(90, 0.18), band(50, 0.3), line, data=table).properties(width=210, height=200)
    chart: alt.FacetChart = (
        layers.facet(facet=alt.Facet("compound:N", title=None, sort=None), columns=3)
        .resolve_scale(x="independent")
        .properties(
            title=alt.TitleParams(
                "Concentration at steady state between patients",
                subtitle="the compound itself, without metabolites; line: median; bands: half and 90 % of simulated patients",
            )
        )
    )
    return chart


def coverage_matrix(data: Any) -> alt.FacetChart:
    """Return coverage of every compound on every variant, plasma beside brain: colour by the value, interval and class in words.

    Parameters
    ----------
    data
        A `CoverageDraws` or its table. A cell without a value says so. An asterisk marks what rests on memory, a dagger a class prior.
    """
    table = dataframe(data).with_columns(place=pl.col("site").replace({"plasma": "body (plasma)", "cns": "brain"}))
    known = pl.col("coverage_average").is_not_null()

    def words(name: str) -> pl.Expr:
        return number_words(pl.col(name), 2)

    memory = pl.when(pl.col("verified") == "memory").then(pl.lit("*")).otherwise(pl.lit(""))
    prior = pl.when(pl.col("warning").is_not_null()).then(pl.lit("†")).otherwise(pl.lit(""))
    level = sum((pl.col("coverage_average") >= edge for edge in LEVELS), start=pl.lit(0))
    band = level.replace_strict(list(range(len(BAND_NAMES))), list(BAND_NAMES), default=None, return_dtype=pl.String)
    drawn = table.select(
        "compound", "variant", "place", "coverage_average",
        value=pl.when(known).then(words("coverage_average") + memory + prior).otherwise(pl.lit("–")),
        interval=pl.when(known).then(words("lower") + pl.lit(" to ") + words("upper")).otherwise(pl.lit("no evidence")),
        band=band.fill_null(NO_EVIDENCE),
    )  # fmt: skip
    scale = alt.Scale(domain=[*BAND_NAMES, NO_EVIDENCE], range=[*PALETTE, NO_COLOUR])
    legend = alt.Legend(title="coverage", orient="bottom", direction="horizontal", columns=7, symbolType="square")
    base = alt.Chart().encode(
        x=alt.X("compound:N", title=None, sort=None, axis=alt.Axis(labelAngle=-30, orient="top")),
        y=alt.Y("variant:N", title=None, sort=None),
    )
    dark = "datum.coverage_average !== null && (datum.coverage_average < 0.1 || datum.coverage_average >= 10)"
    ink = alt.when(dark).then(alt.value("white")).otherwise(alt.value("black"))
    cells = base.mark_rect(stroke="white").encode(color=alt.Color("band:N", scale=scale, legend=legend))
    top = base.mark_text(fontSize=12, fontWeight="bold", dy=-7).encode(text="value:N", color=ink)
    below = base.mark_text(fontSize=9, dy=7).encode(text="interval:N", color=ink)
    layers = alt.layer(cells, top, below, data=drawn).properties(width=alt.Step(86), height=alt.Step(38))
    chart: alt.FacetChart = layers.facet(column=alt.Column("place:N", title=None, sort=["body (plasma)", "brain"])).properties(
        title=alt.TitleParams(
            "Coverage: free drug over free IC50, average over the interval",
            subtitle=[
                "large: median of the draws; small: interval of one patient at random, all that is not known in it",
                "* rests on numbers from memory; † a class prior stands in for binding or the brain; grey: no evidence",
            ],
        )
    )
    return chart


def exposure_response_chart(data: Any) -> alt.LayerChart:
    """Return the hazard ratios of low against high troughs with their limits, and beside them the study that found no relation.

    Parameters
    ----------
    data
        The table of `exposure_response`.
    """
    table = dataframe(data).with_columns(number=pl.col("value").cast(pl.Float64, strict=False))
    ratios = table.filter(pl.col("fact").str.contains("HR") & pl.col("lower").is_not_null())
    none = table.filter(pl.col("finding") == "no relation")
    label = pl.concat_str(["compound", pl.lit(": "), "fact", pl.lit(" ("), "source_id", pl.lit(")")])
    shown = ratios.with_columns(label=label).select("label", "number", "lower", "upper")
    said = none.with_columns(label=label, words=pl.lit("no relation found, no number published")).select("label", "words")
    y = alt.Y("label:N", title=None, sort=None, axis=alt.Axis(labelLimit=420))
    scale = alt.Scale(type="log")
    bars = (
        alt.Chart(shown)
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("lower:Q", scale=scale, title="hazard ratio, low over high trough"), x2="upper:Q", y=y)
    )
    points = alt.Chart(shown).mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("number:Q", scale=scale), y=y)
    one = alt.Chart(pl.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[4, 3]).encode(x="one:Q")
    words = alt.Chart(said).mark_text(align="left", dx=6, fontStyle="italic").encode(x=alt.datum(1.0), y=y, text="words:N")
    layers: alt.LayerChart = (one + bars + points + words).properties(
        title=alt.TitleParams(
            "Trough and outcome: the studies do not agree", subtitle="bar: 95 % interval; no threshold is used anywhere here"
        ),
        width=380,
    )
    return layers
