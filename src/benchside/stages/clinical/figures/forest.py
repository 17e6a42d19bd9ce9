"""The forest of subgroups: the hazard ratio in each, its events, and whether the effect differs between them."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.figure import BLACK, BLUE, GREY
from benchside.stages.clinical.figures.box import CHARACTER
from benchside.stages.clinical.figures.parts import (
    NOT_ESTIMABLE,
    checked,
    estimate_words,
    finished,
    heading,
    names_in,
    p_words,
)

NEEDED: Final = (
    "subgroup", "level", "arm", "comparator", "n_treated", "events_treated", "n_control", "events_control", "hazard_ratio",
    "lower", "upper", "interaction_p",
)  # fmt: skip
OVERALL: Final = "overall"
ROW: Final = 19
PLOT: Final = 260
LABELS: Final = (120, 300)
"""Least and most pixels for the names of subgroups."""

INDENT: Final = 10
COUNTS: Final = 84
RATIOS: Final = 130
INTERACTIONS: Final = 84
HEAD: Final = 14
MOST_LINES: Final = 3
"""Characters a line, and lines, of an arm's name over its column."""

TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
WIDEST: Final = 30.0
"""A limit this many times further from 1 than that is drawn as an arrow: it would squeeze all others."""


def subgroup_forest(
    table: Any,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    favours: tuple[str, str] | None = None,
    level: float = 0.95,
) -> alt.VConcatChart:
    """Return the forest of subgroups: a row a level under the name of its factor, all patients first.

    Parameters
    ----------
    table
        `Subgroups.table`: `subgroup, level, arm, comparator, n_treated, events_treated, n_control, events_control, hazard_ratio,
        lower, upper, interaction_p` and, where there, `left_out, status`.
    title
        Above the figure.
    labels
        Names to print for factors, for example ``{"ecog": "ECOG performance status"}``.
    favours
        What stands left and right of 1 under the axis; by default the treated arm and the control, as where the event is bad.
    level
        Of the intervals.

    Returns
    -------
    A panel a treated arm. The area of a square is in proportion to the events; the diamond is the overall ratio with its limits,
    and the dotted line goes through it. An arrow ends an interval that goes further than the axis. What is not estimable says so.
    The p is that of the interaction, one a factor: it, not a subgroup's own interval, says whether the effect differs.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    References
    ----------
    Wang et al. 2007, doi:10.1056/NEJMsr077003.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> from benchside.stages.clinical import subgroups
    >>> df = pl.DataFrame({"time": [1, 3, 2, 4, 2, 5, 1, 6], "event": [1] * 8, "arm": ["a", "a", "b", "b"] * 2, "sex": ["m"] * 4 + ["f"] * 4})
    >>> found = subgroups(EventTable.from_frame(df, time_unit="months", control="a"), ["sex"])
    >>> len(subgroup_forest(found.table).to_dict()["vconcat"])
    1
    """
    frame = checked(table, NEEDED, figure="a forest of subgroups", source="the .table of a subgroup analysis")
    low, high = ratio_limits(frame)
    panels = []
    for arm in names_in(frame, "arm"):
        own = frame.filter(pl.col("arm") == arm)
        rows = forest_rows(own, labels or {}, (low, high))
        control = str(own["comparator"][0])
        panels.append(_panel(rows, (arm, control), (low, high), favours=favours or (arm, control), level=level))
    chart = alt.vconcat(*panels, spacing=26, padding=8)
    if title:
        chart = chart.properties(title=heading(title, offset=16))
    return cast("alt.VConcatChart", finished(chart))


def ratio_limits(frame: pl.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: every ratio, and the limits that are not absurdly far."""
    held: list[float] = [0.5, 2.0]
    for name in ("hazard_ratio", "lower", "upper"):
        known = frame[name].drop_nulls().to_list()
        held += [value for value in known if math.isfinite(value) and 1 / WIDEST <= value <= WIDEST]
    return min(held) / 1.15, max(held) * 1.15


def forest_rows(own: pl.DataFrame, labels: Mapping[str, str], limits: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the rows of one arm's forest, from the top: a heading a factor, and the levels under it, with their words."""
    rows: list[dict[str, Any]] = []
    groups = own["subgroup"].unique(maintain_order=True).to_list()
    for band, name in enumerate(groups):
        inside = own.filter(pl.col("subgroup") == name).to_dicts()
        if name != OVERALL:
            missing = inside[0].get("left_out") or 0
            note = f" ({missing} missing)" if missing else ""
            p = p_words(inside[0]["interaction_p"]).replace("P = ", "").replace("P ", "")
            rows.append({"label": labels.get(name, name) + note, "bold": True, "band": band % 2, "interaction": p})
        rows += [_row(row, band % 2, limits) for row in inside]
    return [row | {"y": float(k)} for k, row in enumerate(rows)]


def _row(row: Mapping[str, Any], band: int, limits: tuple[float, float]) -> dict[str, Any]:
    low, high = limits
    ratio, lower, upper = row["hazard_ratio"], row["lower"], row["upper"]
    known = ratio is not None and math.isfinite(ratio)
    overall = row["subgroup"] == OVERALL
    shown = {"ratio": min(max(ratio, low), high)} if known else {}
    ends = lower is not None and upper is not None
    if known and ends:
        shown |= {"from": min(max(lower, low), high), "to": max(min(upper, high), low)}
        shown |= {"edge_low": low if lower < low else None, "edge_high": high if upper > high else None}
    status = row.get("status") or ""
    return {
        "label": "All patients" if overall else str(row["level"]),
        "bold": overall,
        "band": band,
        "overall": overall,
        "treated": f"{row['events_treated']}/{row['n_treated']}",
        "control": f"{row['events_control']}/{row['n_control']}",
        "events": row["events_treated"] + row["events_control"],
        "words": estimate_words(ratio, lower, upper) if known else NOT_ESTIMABLE,
        "note": "" if known else status.removeprefix("Not estimable: "),
        **shown,
    }


def _panel(
    rows: Sequence[dict[str, Any]],
    arms: tuple[str, str],
    limits: tuple[float, float],
    *,
    favours: tuple[str, str],
    level: float,
) -> alt.LayerChart:
    data = alt.InlineData(values=list(rows))
    height = ROW * len(rows)
    scale = alt.Scale(domain=[-0.5, len(rows) - 0.5], reverse=True, nice=False, zero=False)
    y = alt.Y("y:Q", scale=scale, axis=None)
    base = alt.Chart(data).encode(y=y)
    left = -(label_width(rows) + 2 * COUNTS)
    stripes = (
        alt.Chart(alt.InlineData(values=_stripes(rows)))
        .mark_rect(color="#F2F2F2")
        .encode(
            y=alt.Y("top:Q", scale=scale, axis=None),
            y2="end:Q",
            x=alt.value(left),
            x2=alt.value(PLOT + RATIOS + INTERACTIONS),
        )
    )
    layers = [stripes, *_estimates(base, rows, limits), *_texts(base, left), *_heads(arms, left, level)]
    layers += _favours(favours, limits, height)
    return cast("alt.LayerChart", alt.layer(*layers).properties(width=PLOT, height=height))


def label_width(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return the pixels that the names of subgroups take."""
    longest = max(len(row["label"]) * CHARACTER * (1.1 if row["bold"] else 1.0) + INDENT for row in rows)
    return int(min(max(longest, LABELS[0]), LABELS[1]))


def _stripes(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return one stripe a shaded factor: every second."""
    shaded = [row["y"] for row in rows if row["band"]]
    starts = [y for y in shaded if y - 1 not in shaded]
    ends = [y for y in shaded if y + 1 not in shaded]
    return [{"top": start - 0.5, "end": end + 0.5} for start, end in zip(starts, ends, strict=True)]


def _estimates(base: alt.Chart, rows: Sequence[dict[str, Any]], limits: tuple[float, float]) -> list[Any]:
    ticks = [tick for tick in TICKS if limits[0] <= tick <= limits[1]]
    axis = alt.Axis(values=ticks, format="~g", grid=False, title="Hazard ratio (log scale)", titlePadding=26)
    x = alt.X("ratio:Q", scale=alt.Scale(type="log", domain=list(limits), nice=False), axis=axis)
    overall = next((row for row in rows if row.get("overall") and "from" in row), None)
    one = alt.Chart(alt.InlineData(values=[{"ratio": 1.0}])).mark_rule(color=BLACK, strokeWidth=1).encode(x=x)
    layers: list[Any] = [one]
    if overall:
        through = alt.Chart(alt.InlineData(values=[{"ratio": overall["ratio"]}]))
        layers.append(through.mark_rule(color=GREY, strokeDash=[2, 3]).encode(x=x))
    levels = base.transform_filter("isValid(datum.ratio) && !datum.overall")
    layers.append(levels.transform_filter("isValid(datum.from)").mark_rule(color=BLACK, strokeWidth=1.3).encode(x=alt.X("from:Q"), x2="to:Q"))  # fmt: skip
    for edge, shape in (("edge_low", "triangle-left"), ("edge_high", "triangle-right")):
        arrow = base.transform_filter(f"isValid(datum.{edge})").mark_point(
            shape=shape, filled=True, size=55, color=BLACK, opacity=1
        )
        layers.append(arrow.encode(x=f"{edge}:Q"))
    most = max([row["events"] for row in rows if "events" in row and not row["overall"]], default=1)
    size = alt.Size("events:Q", scale=alt.Scale(domain=[0, max(most, 1)], range=[12, 130]), legend=None)
    layers.append(levels.mark_point(shape="square", filled=True, color=BLUE, opacity=1).encode(x=x, size=size))
    if overall:
        layers.append(_diamond(overall))
    return layers


def _diamond(row: Mapping[str, Any]) -> alt.Chart:
    corners = [("from", 0.0), ("ratio", 0.32), ("to", 0.0)]
    values = [{"ratio": row[name], "top": row["y"] - half, "end": row["y"] + half} for name, half in corners]
    area = alt.Chart(alt.InlineData(values=values)).mark_area(color=BLACK, opacity=1)
    return cast("alt.Chart", area.encode(x="ratio:Q", y=alt.Y("top:Q", axis=None), y2="end:Q"))


def _texts(base: alt.Chart, left: int) -> list[Any]:
    def column(field: str, at: float, align: str = "left", limit: float = 0, **marks: Any) -> Any:
        style = {"align": align, "fontSize": 11, **({"limit": limit} if limit else {}), **marks}
        shown = base.transform_filter(f"isValid(datum.{field}) && datum.{field} !== ''")
        return shown.mark_text(**style).encode(x=alt.value(at), text=alt.Text(f"{field}:N"))

    bold = base.transform_filter("datum.bold").mark_text(align="left", fontSize=11, fontWeight="bold", limit=-left - 2 * COUNTS)
    plain = base.transform_filter("!datum.bold").mark_text(align="left", fontSize=11, limit=-left - 2 * COUNTS)
    return [
        bold.encode(x=alt.value(left), text="label:N"),
        plain.encode(x=alt.value(left + INDENT), text="label:N"),
        column("treated", -1.5 * COUNTS - 8, "center"),
        column("control", -0.5 * COUNTS - 8, "center"),
        column("words", PLOT + 12),
        column("interaction", PLOT + RATIOS + INTERACTIONS / 2, "center"),
        column("note", PLOT / 2, "center", PLOT - 10, color="white", stroke="white", strokeWidth=5, fontStyle="italic"),
        column("note", PLOT / 2, "center", PLOT - 10, color=GREY, fontStyle="italic"),
    ]


def _heads(arms: tuple[str, str], left: int, level: float) -> list[Any]:
    treated, control = ("\n".join([*textwrap.wrap(arm, HEAD, break_long_words=False)[:MOST_LINES], "events/n"]) for arm in arms)
    places = [
        ("Subgroup", left, "left"), (treated, -1.5 * COUNTS - 8, "center"),
        (control, -0.5 * COUNTS - 8, "center"),
        (f"Hazard ratio\n({level * 100:g}% CI)", PLOT + 12, "left"),
        ("P for\ninteraction", PLOT + RATIOS + INTERACTIONS / 2, "center"),
    ]  # fmt: skip
    return [
        alt.Chart(alt.InlineData(values=[{"words": words}]))
        .mark_text(
            align=cast("Any", align),
            baseline="bottom",
            fontSize=11,
            fontWeight="bold",
            lineBreak="\n",
            limit=COUNTS + 2,
            lineHeight=13,
        )
        .encode(x=alt.value(x), y=alt.value(-7 - 13 * words.count("\n")), text="words:N")
        for words, x, align in places
    ]


def _favours(favours: tuple[str, str], limits: tuple[float, float], height: int) -> list[Any]:
    low, high = (math.log(limit) for limit in limits)
    one = PLOT * -low / (high - low)
    sides = ((f"← Favours {favours[0]}", one - 8, "right"), (f"Favours {favours[1]} →", one + 8, "left"))
    return [
        alt.Chart(alt.InlineData(values=[{"words": words}]))
        .mark_text(align=cast("Any", align), fontSize=11)
        .encode(x=alt.value(x), y=alt.value(height + 32), text="words:N")
        for words, x, align in sides
    ]
