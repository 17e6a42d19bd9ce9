"""The plate heat map: what the reader saw, where, and which wells are controls, excluded or empty."""

import textwrap
from typing import Any, Final, Literal, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.figure import BLACK, VERMILION
from benchside.stages.assay.model import PLATE_SHAPES, WellTable, row_letters

Shown = Literal["signal", "response"]

MARKS: Final = {"vehicle": "V", "blank": "B", "positive": "P"}
WIDTHS: Final = {96: 26, 384: 17, 1536: 11}
"""Side of a well in points, by the plate."""

TITLES: Final = {"signal": "Signal", "response": "Response (fraction of vehicle)"}


def plate(wells: Any, plate_id: str, *, value: Shown = "signal", note: str = "") -> alt.LayerChart:
    """Return the heat map of one plate: control wells lettered, excluded wells crossed, empty wells left white.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    plate_id
        The plate.
    value
        ``signal``, or ``response``: the signal as a fraction of the plate's vehicle mean, above its blank (or positive) mean.
    note
        Words below the title, for example the verdict on the plate.

    Raises
    ------
    TableError
        When there is no such plate, or no response for want of controls.
    """
    table = WellTable.of(wells).table
    own = table.filter(pl.col("plate_id") == plate_id)
    if own.is_empty():
        known = table["plate_id"].unique(maintain_order=True).to_list()
        message = (
            f"plate {plate_id} is not in the table{nearest(plate_id, known)}; it holds {listed(known, 3)}. Correct the name."
        )
        raise TableError(message)
    return _drawn(shown_wells(own, value), plate_id, value, note)


def plates(wells: Any, *, value: Shown = "signal", quality: Any = None) -> list[alt.LayerChart]:
    """Return a heat map a plate, as the pages of one figure, in the order the plates first appear.

    Parameters
    ----------
    wells, value
        As `plate` takes them.
    quality
        What `quality` returned: each page then carries its verdict and reason.
    """
    table = WellTable.of(wells).table
    notes: dict[str, str] = {}
    if quality is not None:
        held = quality.table if hasattr(quality, "table") else quality
        notes = {
            name: f"Verdict: {verdict}. {reason}".strip()
            for name, verdict, reason in held.select("plate_id", "verdict", "reason").rows()
        }
    parts = table.partition_by("plate_id", maintain_order=True)
    named = [(str(part["plate_id"][0]), part) for part in parts]
    return [_drawn(shown_wells(part, value), name, value, notes.get(name, "")) for name, part in named]


def shown_wells(table: pl.DataFrame, value: Shown) -> pl.DataFrame:
    """Return the wells of one plate as they are drawn: `row, column` (from 1)`, shown`, the mark, and whether the well is light."""
    signal = pl.col("signal")
    if value == "response":
        zero = next((role for role in ("blank", "positive") if (table["role"] == role).any()), None)
        if zero is None or not (table["role"] == "vehicle").any():
            message = f"plate {table['plate_id'][0]}: a response needs vehicle wells and blank or positive control wells. Draw the signal."
            raise TableError(message)
        low, high = (table.filter(pl.col("role") == role)["signal"].mean() for role in (zero, "vehicle"))
        signal = (signal - low) / (pl.lit(high) - low)
    used = pl.col("role").is_in(["empty", "excluded"]).not_()
    placed = table.select(
        "role", "compound", "concentration_nM", "well", shown=signal.cast(pl.Float64),
        row=pl.col("well").str.extract(r"^([A-Z]+)"), column=pl.col("well").str.extract(r"(\d+)$").cast(pl.Int64),
        mark=pl.col("role").replace_strict(MARKS, default=""),
    )  # fmt: skip
    low, high = (placed.filter(used)["shown"].quantile(share) for share in (0.0, 1.0))
    middle = 0.5 * ((low or 0.0) + (high or 0.0))
    return placed.with_columns(light=(pl.col("shown") > middle).fill_null(value=True))


def _drawn(data: pl.DataFrame, plate_id: str, value: Shown, note: str) -> alt.LayerChart:
    size = next(size for size, (_, columns) in PLATE_SHAPES.items() if _fits(data, size))
    rows, columns = PLATE_SHAPES[size]
    side, order = WIDTHS[size], [row_letters(k) for k in range(rows)]
    every = 1 if size == 96 else 2 if size == 384 else 4
    base = alt.Chart(data).encode(
        x=alt.X("column:O", title="Column")
        .axis(labelAngle=0, orient="top", ticks=False, domain=False, values=[1, *range(every, columns + 1, every)])
        .scale(domain=list(range(1, columns + 1)), paddingInner=0, paddingOuter=0),
        y=alt.Y("row:N", title="Row").axis(ticks=False, domain=False).scale(domain=order, paddingInner=0, paddingOuter=0),
    )
    used = data.filter(~pl.col("role").is_in(["empty", "excluded"]) & pl.col("shown").is_not_null())["shown"]
    limits = [float(end) for end in (used.to_numpy().min(), used.to_numpy().max())] if len(used) else [0.0, 1.0]
    number_format = "~s" if limits[1] >= 1e4 else "~g"
    heat = base.transform_filter("datum.role !== 'empty' && datum.role !== 'excluded'").mark_rect(stroke="white", strokeWidth=0.5)
    heat = heat.encode(
        color=alt.Color("shown:Q", title=TITLES[value]).scale(scheme="viridis", domain=limits).legend(gradientLength=min(200, rows * side), format=number_format),
        tooltip=["well", "role", "compound", "concentration_nM", alt.Tooltip("shown:Q", title=value, format=".4~g")],
    )  # fmt: skip
    ink = alt.condition("datum.light", alt.value("black"), alt.value("white"))
    letters = (
        base.transform_filter("datum.mark !== ''")
        .mark_text(fontSize=side * 0.55, fontWeight="bold")
        .encode(text="mark:N", color=ink)
    )
    left_out = base.transform_filter("datum.role === 'excluded'")
    frames = left_out.mark_rect(fill="#eeeeee", stroke=BLACK, strokeWidth=0.5)
    crosses = left_out.mark_text(text="×", fontSize=side, fontWeight="bold", color=VERMILION)
    # An empty well is an outline, so that the plate keeps its shape in print.
    outlines = base.transform_filter("datum.role === 'empty'").mark_rect(fill="white", stroke="#dddddd", strokeWidth=0.5)
    layers = cast("alt.LayerChart", alt.layer(outlines, heat, letters, frames, crosses))
    title = alt.Title(
        f"Plate {plate_id}", subtitle=[legend_words(data), *wrapped(note, columns * side)], anchor="start", offset=8
    )
    return layers.properties(width=side * columns, height=side * rows, title=title)


def _fits(data: pl.DataFrame, size: int) -> bool:
    rows, columns = PLATE_SHAPES[size]
    known = [row_letters(k) for k in range(rows)]
    return bool(data["row"].is_in(known).all()) and int(str(data["column"].max())) <= columns


def legend_words(data: pl.DataFrame) -> str:
    """Return what the marks on this plate mean, those that are there."""
    words = {
        "vehicle": "V vehicle",
        "blank": "B blank",
        "positive": "P positive control",
        "excluded": "× excluded",
        "empty": "white: empty",
    }
    present = set(data["role"].unique())
    return ", ".join(text for role, text in words.items() if role in present)


def wrapped(text: str, width: float, points_a_letter: float = 5.4) -> list[str]:
    """Return words as lines that fit below a chart of this width in points."""
    return textwrap.wrap(text, max(30, int(width / points_a_letter)))
