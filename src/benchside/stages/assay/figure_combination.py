"""The figure of a combination: responses beside the excess over a null model, the cells that differ from it framed."""

from typing import Any, Final, cast

import altair as alt
import numpy as np
import polars as pl

from benchside.core.errors import SettingError, listed, nearest
from benchside.core.figure import BLACK, BLUE, VERMILION
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.pairs.combination import CALLED
from benchside.stages.assay.analyse.pairs.scores import Reference
from benchside.stages.assay.analyse.pairs.table import DOSES, KEY

CELL: Final = 46
LEAST_SCALE: Final = 20.0
"""Percentage points at which the colours of the excess are full, at least: noise must not look like synergy."""

UNKNOWN: Final = "#dddddd"


def combination_surface(
    cells: Any,
    *,
    reference: Reference = "zip",
    compound_a: str | None = None,
    compound_b: str | None = None,
    system: str | None = None,
    block: str | None = None,
) -> alt.HConcatChart:
    """Return the dose matrix of one combination: responses on the left, the excess over a null model on the right.

    A frame and bold print mark a cell whose 95 % interval excludes 0. Numbers carry a sign, so the sign survives grey print;
    a dash on grey is a cell for which the model expects nothing, such as an undefined Loewe response.

    Parameters
    ----------
    cells
        `.cells` of what `combination` returned.
    reference
        The null model: ``bliss``, ``hsa``, ``loewe`` or ``zip``.
    compound_a, compound_b, system, block
        Which combination, where the table holds several.

    Raises
    ------
    SettingError
        When the model is unknown, or these name no combination or several.
    """
    if reference not in CALLED:
        message = f"reference {reference!r} is unknown{nearest(reference, CALLED)}. Use one of {listed(CALLED)}."
        raise SettingError(message)
    wanted = {"compound_a": compound_a, "compound_b": compound_b, "system": system, "block": block}
    table = _one(dataframe(cells), {name: value for name, value in wanted.items() if value is not None})
    key = dict(zip(KEY, table.select(KEY).row(0), strict=True))
    called = f"{key['compound_a']} + {key['compound_b']}"
    place = ", ".join(str(key[name]) for name in ("system", "block") if key[name] is not None)
    charts = alt.hconcat(_responses(table, key), _excess(table, key, reference), spacing=36)
    title = alt.TitleParams(called + (f" ({place})" if place else ""), anchor="start", fontSize=14)
    return cast("alt.HConcatChart", charts.properties(title=title).resolve_scale(color="independent"))


def _one(table: pl.DataFrame, wanted: dict[str, str]) -> pl.DataFrame:
    """Return the cells of the one combination that is wanted."""
    for name, value in wanted.items():
        table = table.filter(pl.col(name) == value)
    keys = table.select(KEY).unique(maintain_order=True)
    if keys.height != 1:
        names = [" + ".join(str(part) for part in (row[1], row[2], row[3]) if part is not None) for row in keys.rows()]
        message = (
            f"the figure shows one combination, and {keys.height} match{': ' + listed(names) if names else ''}. "
            "Name it by compound_a, compound_b, system and block."
        )
        raise SettingError(message)
    return table


def _axes(table: pl.DataFrame, key: dict[str, Any]) -> dict[str, Any]:
    """Return the two axes, doses as they were given, rising to the right and upwards; alike for both panels, so that cells align."""
    order = [[f"{dose:g}" for dose in table[name].unique().sort().to_list()] for name in DOSES]
    x = alt.X("b:N", title=f"{key['compound_b']} (nM)").axis(labelAngle=0, labelOverlap=False, ticks=False).scale(domain=order[1])
    y = alt.Y("a:N", title=f"{key['compound_a']} (nM)").axis(ticks=False).scale(domain=order[0][::-1])
    return {"x": x, "y": y}


def _labelled(table: pl.DataFrame) -> pl.DataFrame:
    """Return the cells with their doses as text."""
    doses = {short: [f"{dose:g}" for dose in table[name]] for short, name in zip("ab", DOSES, strict=True)}
    return table.with_columns(pl.Series(name, text) for name, text in doses.items())


def _size(table: pl.DataFrame) -> dict[str, int]:
    return {"width": CELL * table[DOSES[1]].n_unique(), "height": CELL * table[DOSES[0]].n_unique()}


def _responses(table: pl.DataFrame, key: dict[str, Any]) -> alt.LayerChart:
    """Return the heat map of mean responses, single agents included."""
    data = _labelled(table).select("a", "b", "response", "n_wells", percent=(100 * pl.col("response")).round().cast(pl.Int64))
    base = alt.Chart(data).encode(**_axes(table, key))
    scale = alt.Scale(scheme="viridis", domain=[0, max(1.0, float(data["response"].to_numpy().max()))])
    legend = alt.Legend(format="%", gradientLength=CELL * 3, titleLimit=220)
    heat = base.mark_rect(stroke="white").encode(
        color=alt.Color("response:Q", title="Response (% of vehicle)", scale=scale, legend=legend),
        tooltip=[alt.Tooltip("response:Q", format=".3f"), "n_wells:Q"],
    )
    ink = alt.condition("datum.response > 0.55", alt.value("black"), alt.value("white"))
    layers = alt.layer(heat, base.mark_text(fontSize=11).encode(text="percent:Q", color=ink))
    words = ["Response (% of vehicle)", f"means of {int(data['n_wells'].sum())} wells; 0: the other agent alone"]
    return cast("alt.LayerChart", layers.properties(**_size(table), title=alt.TitleParams(words[0], subtitle=words[1])))


def _excess(table: pl.DataFrame, key: dict[str, Any], reference: Reference) -> alt.LayerChart:
    """Return the heat map of the excess over a null model, with frames where its interval excludes 0."""
    score, low, high = (f"{reference}_{part}points" for part in ("", "lower_", "upper_"))
    inner = table.filter((pl.col(DOSES[0]) > 0) & (pl.col(DOSES[1]) > 0))
    sign = (
        pl.when(pl.col(score).round() > 0)
        .then(pl.lit("+"))
        .when(pl.col(score).round() < 0)
        .then(pl.lit("−"))
        .otherwise(pl.lit(""))
    )
    number = pl.col(score).abs().round().cast(pl.Int64).cast(pl.String)
    data = _labelled(inner).select(
        "a", "b", excess=pl.col(score), lower=pl.col(low), upper=pl.col(high), text=(sign + number).fill_null("–"),
        differs=((pl.col(low) > 0) | (pl.col(high) < 0)).fill_null(value=False),
    )  # fmt: skip
    base = alt.Chart(data).encode(**_axes(table, key))
    most = max(LEAST_SCALE, float(np.nanmax(data["excess"].abs().to_numpy(), initial=0.0)))
    scale = alt.Scale(domain=[-most, 0, most], range=[BLUE, "#ffffff", VERMILION], interpolate="rgb")
    title = ["Excess effect", "(percentage points)", "− antagonism, + synergy"]
    known, framed = "isValid(datum.excess)", "datum.differs"
    heat = base.transform_filter(known).mark_rect(stroke="#bbbbbb").encode(
        color=alt.Color("excess:Q", title=title, scale=scale, legend=alt.Legend(gradientLength=CELL * 3, format="+.0f")),
        tooltip=[alt.Tooltip(f"{name}:Q", format="+.1f") for name in ("excess", "lower", "upper")],
    )  # fmt: skip
    bare = base.transform_filter(f"!{known}").mark_rect(color=UNKNOWN, stroke="#bbbbbb")
    frames = base.transform_filter(framed).mark_rect(filled=False, stroke=BLACK, strokeWidth=2.5)
    ink = alt.condition(f"datum.excess < {-0.75 * most:g}", alt.value("white"), alt.value("black"))
    plain = base.transform_filter(f"!{framed}").mark_text(fontSize=11).encode(text="text:N", color=ink)
    bold = base.transform_filter(framed).mark_text(fontSize=12, fontWeight="bold").encode(text="text:N", color=ink)
    layers = alt.layer(bare, heat, frames, plain, bold)
    words = [f"Excess over {CALLED[reference]} (percentage points)", "framed: the 95 % interval excludes 0"]
    return cast("alt.LayerChart", layers.properties(**_size(table), title=alt.TitleParams(words[0], subtitle=words[1])))
