"""Responses in colours and shapes, and the lines of RECIST 1.1."""

from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.figure import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from benchside.stages.clinical.figures.parts import names_in

SUBJECT: Final = "USUBJID"
RESPONSES: Final = {
    "CR": (BLUE, "circle"), "PR": (SKY, "triangle-up"), "SD": ("#BDBDBD", "square"), "NON-CR/NON-PD": (GREEN, "cross"),
    "PD": (VERMILION, "triangle-down"), "NE": ("#4D4D4D", "diamond"),
}  # fmt: skip
"""Colour and shape of a response: told apart by colour-blind readers, and by shape in black and white."""

SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
OTHER_COLOURS: Final = (PURPLE, ORANGE, GREEN, BLACK)
PARTIAL: Final = -30.0
PROGRESSIVE: Final = 20.0
"""RECIST 1.1: partial response from 30 % less than baseline, progression from 20 % more than the smallest sum."""

CAP: Final = 100.0
GROWS: Final = (20.0, 50.0, 100.0)


def response_names(frame: pl.DataFrame) -> list[str]:
    """Return the responses of a table in the order CR, PR, SD, ..., others after them; none without the column."""
    return names_in(frame, "response", list(RESPONSES)) if "response" in frame.columns else []


def response_encodings(responses: Sequence[str], *, offset: float = 18) -> tuple[alt.Color, alt.Shape]:
    """Return colour and shape of responses, which make one legend."""
    spare = iter(range(len(responses)))
    looks = []
    for name in responses:
        if name in RESPONSES:
            looks.append(RESPONSES[name])
        else:
            k = next(spare)
            looks.append((OTHER_COLOURS[k % len(OTHER_COLOURS)], SHAPES[-1 - k % len(SHAPES)]))
    legend = alt.Legend(title="Best response", orient="right", symbolSize=90, labelFontSize=11, symbolOpacity=1, offset=offset)
    colour = alt.Scale(domain=list(responses), range=[look[0] for look in looks])
    shape = alt.Scale(domain=list(responses), range=[look[1] for look in looks])
    return alt.Color("response:N", scale=colour, legend=legend), alt.Shape("response:N", scale=shape, legend=legend)


def recist_lines(width: int) -> list[alt.LayerChart]:
    """Return the dashed lines of RECIST at -30 % and +20 %, named at their right end, and the line at 0."""
    zero = alt.Chart(alt.InlineData(values=[{"at": 0.0}])).mark_rule(color=BLACK, strokeWidth=1).encode(y=alt.Y("at:Q"))
    lines = alt.InlineData(values=[{"at": PARTIAL, "words": "−30%"}, {"at": PROGRESSIVE, "words": "+20%"}])
    dashed = alt.Chart(lines).mark_rule(color=GREY, strokeDash=[5, 3], strokeWidth=1.1).encode(y=alt.Y("at:Q"))
    words = alt.Chart(lines).mark_text(align="left", fontSize=10, color=GREY, dx=4).encode(x=alt.value(width), y=alt.Y("at:Q"), text="words:N")  # fmt: skip
    return [cast("Any", zero), cast("Any", dashed), cast("Any", words)]
