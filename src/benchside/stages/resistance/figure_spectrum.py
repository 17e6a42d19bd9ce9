"""Bars of how often each mechanism was found, with Wilson intervals and denominators."""

from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError
from benchside.core.figure import BLACK, GREY, SKY
from benchside.stages.resistance.figure_matrix import checked, finished, inline

NEEDED: Final = ("series", "drug", "prior", "mechanism", "found", "n", "fraction", "lower", "upper")
BAR: Final = 22


def spectrum_bars(data: Any, *, level: float = 0.95) -> Any:
    """Return bars of the shares of patients, a panel a series, drug and prior therapy.

    Parameters
    ----------
    data
        A Spectrum or its table; several may be stacked (``pl.concat``). Shares without a published denominator are left out and counted.
    level
        Of the intervals.

    Raises
    ------
    TableError
        When a column is missing, or no share has a denominator.

    Examples
    --------
    >>> from benchside.stages.resistance import spectrum
    >>> len(spectrum_bars(spectrum("alectinib")).to_dict()["vconcat"])
    1
    """
    frame = checked(data, NEEDED, figure="a spectrum", source="the .table of spectrum or cohort")
    known = frame.filter(pl.col("n").is_not_null())
    if known.is_empty():
        message = "a spectrum is drawn of shares with a denominator, and no row has one. Choose another drug or series."
        raise TableError(message)
    verified = pl.col("verified") if "verified" in known.columns else pl.lit(None, pl.String)
    is_recalled = (verified == "memory").fill_null(value=False)
    known = known.with_columns(
        label=pl.format("{} of {}", "found", "n") + pl.when(is_recalled).then(pl.lit(" †")).otherwise(pl.lit("")),
        origin=pl.when(is_recalled).then(pl.lit("from memory")).otherwise(pl.lit("as read")),
    )
    highest = min(1.0, float(cast("float", known["upper"].max())) * 1.15 + 0.02)
    panels = [_panel(part, highest) for _, part in known.group_by("series", "drug", "prior", maintain_order=True)]
    subtitle = [f"share of patients with the {level:.0%} interval of Wilson; one patient may have several mechanisms"]
    if is_recalled_any(known):
        subtitle.append("† counts from memory, not verified against the source (pale bars)")
    if left_out := frame.height - known.height:
        subtitle.append(f"{left_out} published without a denominator: not drawn")
    return finished(alt.vconcat(*panels, spacing=26).resolve_scale(x="shared"), "Mechanisms of resistance", subtitle)


def is_recalled_any(known: pl.DataFrame) -> bool:
    """Return whether a bar rests on memory."""
    return bool((known["origin"] == "from memory").any())


def _panel(part: pl.DataFrame, highest: float) -> alt.LayerChart:
    first = part.row(0, named=True)
    before = {"none": "no ALK inhibitor before", "not stated": "prior therapy not stated"}.get(
        first["prior"], f"after {first['prior']}"
    )
    order = part.sort("fraction", descending=True)["mechanism"].unique(maintain_order=True).to_list()
    title = alt.TitleParams(f"{first['drug']}, {before} ({first['series']})", anchor="start", fontSize=12)
    rows = part.select("mechanism", "fraction", "lower", "upper", "label", "origin")
    base = alt.Chart(inline(rows), width=430, height=alt.Step(BAR), title=title)
    y = alt.Y("mechanism:N", sort=order, title=None, axis=alt.Axis(labelLimit=200))
    axis = alt.Axis(title="share of patients (%)", labelExpr="format(datum.value * 100, '.0f')", gridOpacity=0.4, tickCount=6)
    x = alt.X("fraction:Q", scale=alt.Scale(domain=[0, highest], nice=False), axis=axis)
    fill = alt.Color("origin:N", scale=alt.Scale(domain=["as read", "from memory"], range=[SKY, "#DDEEF8"]), legend=None)
    bars = base.mark_bar(stroke=GREY, strokeWidth=0.6, height={"band": 0.62}).encode(x=x, y=y, color=fill)
    limits = base.mark_rule(color=BLACK, strokeWidth=1.4).encode(
        x=alt.X("lower:Q", scale=alt.Scale(domain=[0, highest], nice=False)), x2="upper:Q", y=y
    )
    words = base.mark_text(align="left", dx=6, fontSize=10.5).encode(x="upper:Q", y=y, text="label:N")
    return cast("alt.LayerChart", bars + limits + words)
