"""Allele fractions of clones over time, with the detection limit, the fitted line and what lies below the limit."""

import math
from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.figure import DASHES, GREY, OKABE_ITO
from benchside.stages.resistance.figure_matrix import checked, finished, inline

NEEDED: Final = ("patient", "variant", "time_days", "vaf", "limit", "below")
MOST_PANELS: Final = 12
POINTS_A_LINE: Final = 25


def vaf_trajectories(samples: Any, growth: Any = None) -> list[Any]:
    """Return pages of at most 12 patients: fractions on a log scale, open marks at the limit where a variant was not found.

    Parameters
    ----------
    samples
        `CloneGrowth.samples`, or a CloneGrowth.
    growth
        `CloneGrowth.table`, for the fitted lines; taken from a CloneGrowth by itself.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    Examples
    --------
    >>> from benchside.stages.resistance import clone_growth, simulate
    >>> len(vaf_trajectories(clone_growth(simulate(n=5, seed=1, frequencies={"G1202R": 1.0}))))
    1
    """
    held = getattr(samples, "samples", None)
    if held is not None:
        samples, growth = held, samples.table if growth is None else growth
    frame = checked(samples, NEEDED, figure="a trajectory", source="the .samples of clone growth")
    shown = frame.with_columns(
        shown=pl.when("below").then("limit").otherwise("vaf"),
        mark=pl.when("below").then(pl.lit("below the limit")).otherwise(pl.lit("found")),
    )
    lines = fitted_lines(frame, growth)
    patients = frame["patient"].unique(maintain_order=True).to_list()
    variants = frame["variant"].unique(maintain_order=True).to_list()
    pages = [patients[k : k + MOST_PANELS] for k in range(0, len(patients), MOST_PANELS)]
    return [_page(shown, lines, page, variants) for page in pages]


def fitted_lines(samples: pl.DataFrame, growth: Any) -> pl.DataFrame:
    """Return points of the fitted lines: `patient, variant, time_days, fitted`."""
    schema = {"patient": pl.String, "variant": pl.String, "time_days": pl.Float64, "fitted": pl.Float64}
    if growth is None:
        return pl.DataFrame(schema=schema)
    spans = samples.group_by("patient", "variant", maintain_order=True).agg(
        first=pl.col("time_days").min(), last=pl.col("time_days").max()
    )
    known = growth.drop_nulls(["growth_rate_per_day", "log_vaf_at_0"]).join(
        spans, on=["patient", "variant"], how="inner", maintain_order="left"
    )
    rows = []
    for row in known.iter_rows(named=True):
        for k in range(POINTS_A_LINE):
            time = row["first"] + (row["last"] - row["first"]) * k / (POINTS_A_LINE - 1)
            rows.append(
                (
                    row["patient"],
                    row["variant"],
                    time,
                    min(1.0, math.exp(row["log_vaf_at_0"] + row["growth_rate_per_day"] * time)),
                )
            )
    return pl.DataFrame(rows, schema=schema, orient="row")


def _page(shown: pl.DataFrame, lines: pl.DataFrame, patients: list[str], variants: list[str]) -> Any:
    own = shown.filter(pl.col("patient").is_in(patients))
    lowest = float(cast("float", own.select(pl.min_horizontal("shown", "limit").min()).item()))
    domain = [lowest / 2, min(1.0, max(0.1, float(cast("float", own["shown"].max())) * 2))]
    panels = [
        _panel(own.filter(pl.col("patient") == name), lines.filter(pl.col("patient") == name), name, variants, domain)
        for name in patients
    ]
    columns = min(3, len(panels))
    chart = alt.concat(*panels, columns=columns, spacing=16).resolve_scale(color="shared", shape="shared", strokeDash="shared")
    subtitle = ["circles: allele fraction; triangles: not found, drawn at the detection limit (dotted); lines: fitted growth"]
    return finished(chart, "Clones in ctDNA over time", subtitle)


def decades(domain: list[float]) -> list[float]:
    """Return the powers of ten inside a range, and what lies a factor of 3 above each where they are few.

    Examples
    --------
    >>> decades([0.0005, 0.2])
    [0.001, 0.003, 0.01, 0.03, 0.1]
    """
    low, high = math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1]))
    steps = (1.0, 3.0) if high - low <= 4 else (1.0,)
    marks = [float(f"{step * 10.0**power:.1g}") for power in range(low, high + 1) for step in steps]
    return [mark for mark in marks if domain[0] <= mark <= domain[1]]


def _panel(points: pl.DataFrame, lines: pl.DataFrame, patient: str, variants: list[str], domain: list[float]) -> alt.LayerChart:
    colour = alt.Color(
        "variant:N",
        title="variant",
        scale=alt.Scale(domain=variants, range=[OKABE_ITO[k % len(OKABE_ITO)] for k in range(len(variants))]),
    )
    dash = alt.StrokeDash(
        "variant:N",
        title="variant",
        scale=alt.Scale(domain=variants, range=[DASHES[k % len(DASHES)] for k in range(len(variants))]),
    )
    scale = alt.Scale(type="log", domain=domain, nice=False)
    axis = alt.Axis(title="allele fraction", format="~g", values=decades(domain), grid=False)
    x = alt.X("time_days:Q", title="time (days)", axis=alt.Axis(grid=False, tickCount=5))
    rows = points.select("time_days", "variant", "shown", "mark")
    base = alt.Chart(inline(rows), width=220, height=170, title=alt.TitleParams(patient, anchor="start", fontSize=12))
    shape = alt.Shape(
        "mark:N", title=None, scale=alt.Scale(domain=["found", "below the limit"], range=["circle", "triangle-down"])
    )
    marks = base.mark_point(size=55, filled=False, strokeWidth=1.8).encode(
        x=x,
        y=alt.Y("shown:Q", scale=scale, axis=axis),
        color=colour,
        shape=shape,
    )
    drawn = alt.Chart(inline(lines.select("time_days", "variant", "fitted"))).mark_line(strokeWidth=1.6, clip=True).encode(
        x=x, y=alt.Y("fitted:Q", scale=scale), color=colour, strokeDash=dash
    )  # fmt: skip
    limits = points.drop_nulls("limit").select("limit").unique()
    rule = (
        alt.Chart(inline(limits))
        .mark_rule(strokeDash=[2, 3], color=GREY, strokeWidth=1.2)
        .encode(y=alt.Y("limit:Q", scale=scale))
    )
    return cast("alt.LayerChart", rule + drawn + marks)
