"""Text in a plot: a box of lines, and a corner of the plot that no curve enters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import altair as alt
import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.figure import BLACK

Floats = npt.NDArray[np.float64]
Edges = tuple[Floats, Floats, Floats]
"""Of a curve: times (n,), and the lower and upper edge of what is drawn from each time to the next (n,)."""

CHARACTER: Final = 6.1
"""Pixels of a character of 11 points, a little more than the mean of sans-serif faces."""

CORNERS: Final = {
    "right first": ((True, True), (False, False), (True, False)),
    "left first": ((False, True), (True, True), (True, False)),
}
"""Corners of a plot as (right, top), in the order they are tried."""


@dataclass(frozen=True)
class Box:
    """Lines of text in a plot: columns of words at offsets in pixels from its left edge."""

    rows: list[list[str]]
    bold_first: bool = False
    """The first row is a heading."""

    LINE: Final = 15
    GAP: Final = 14

    @property
    def offsets(self) -> list[float]:
        """Left edge of each column, in pixels; a row of one cell spans all columns."""
        found, edge = [], 0.0
        for column in range(max(len(row) for row in self.rows)):
            found.append(edge)
            cells = [row[column] for row in self.rows if len(row) > max(column, 1)]
            edge += max((len(cell) for cell in cells), default=0) * CHARACTER + self.GAP
        return found

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        ends = [self.offsets[k] + len(cell) * CHARACTER for row in self.rows for k, cell in enumerate(row)]
        return max(ends), self.LINE * len(self.rows)

    def layers(self, left: float, top: float) -> list[alt.Chart]:
        """Return the text as marks, the box's corner at a place in pixels."""
        cells = [
            {"words": cell, "x": left + self.offsets[k], "y": top + self.LINE * (r + 0.5), "bold": self.bold_first and r == 0}
            for r, row in enumerate(self.rows)
            for k, cell in enumerate(row)
        ]
        made = []
        for weight in ("bold", "normal"):
            own = [cell for cell in cells if cell["bold"] == (weight == "bold")]
            if own:
                marks = alt.Chart(alt.InlineData(values=own)).mark_text(align="left", fontSize=11, fontWeight=weight, color=BLACK)
                # No scale: the places are pixels.
                made.append(marks.encode(x=alt.X("x:Q", scale=None), y=alt.Y("y:Q", scale=None), text="words:N"))
        return made

    def lines(self) -> list[str]:
        """Return the rows as lines of running text, for above the plot."""
        if not self.bold_first:
            return [" ".join(row) for row in self.rows]
        head = self.rows[0]
        return [
            f"{row[0]}: " + "; ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True))
            if len(row) == len(head)
            else " ".join(row)
            for row in self.rows[1:]
        ]


def free_corner(
    box: Box,
    curves: Sequence[Edges],
    *,
    last: float,
    highest: float,
    width: int,
    height: int,
    corners: str = "right first",
) -> tuple[float, float] | None:
    """Return where in a plot a box covers no curve, in pixels, or None where there is no such corner.

    Parameters
    ----------
    box
        The text.
    curves
        Of each arm.
    last, highest
        Ends of the axes, which start at 0.
    width, height
        Of the plot, in pixels.
    corners
        Which are tried: ``"right first"`` for curves that fall, ``"left first"`` for curves that rise.
    """
    pad = 8
    wide, tall = (size + 2 * pad for size in box.size)
    for right, top in CORNERS[corners]:
        x0 = width - wide if right else 0.0
        y0 = 0.0 if top else height - tall
        span = (x0 / width * last, (x0 + wide) / width * last)
        band = ((1 - (y0 + tall) / height) * highest, (1 - y0 / height) * highest)
        if x0 >= 0 and y0 >= 0 and not any(_crosses(*curve, span, band) for curve in curves):
            return x0 + pad, y0 + pad
    return None


def edges_of(parts: Sequence[pl.DataFrame], value: str, *, bands: bool) -> list[Edges]:
    """Return what is drawn of curves: their limits where there are bands and limits, else the curve itself."""
    made = []
    for part in parts:
        lower, upper = ((pl.coalesce(edge, value) if bands else pl.col(value)).alias(edge) for edge in ("lower", "upper"))
        drawn = part.select(lower, upper)
        made.append((part["time_months"].to_numpy(), drawn["lower"].to_numpy(), drawn["upper"].to_numpy()))
    return made


def _crosses(time: Floats, lower: Floats, upper: Floats, span: tuple[float, float], band: tuple[float, float]) -> bool:
    """Return whether a step curve, or the riser between two steps, enters a rectangle."""
    end = np.append(time[1:], time[-1])
    steps = (time <= span[1]) & (end >= span[0]) & (lower <= band[1]) & (upper >= band[0])
    low, high = np.minimum(lower[1:], lower[:-1]), np.maximum(upper[1:], upper[:-1])
    risers = (time[1:] >= span[0]) & (time[1:] <= span[1]) & (low <= band[1]) & (high >= band[0])
    return bool(steps.any() or risers.any())
