"""The waterfall: every subject's best change in tumour size, with the lines of RECIST."""

from collections.abc import Sequence
from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError
from benchside.core.figure import BLUE
from benchside.stages.clinical.figures.parts import checked, finished, heading, inline, names_in
from benchside.stages.clinical.figures.recist import CAP, GROWS, SUBJECT, recist_lines, response_encodings, response_names

WIDTHS: Final = (380, 900)


def waterfall(
    table: Any, *, title: str = "", label: str = "Best change from baseline (%)", height: int = 280
) -> alt.VConcatChart:
    """Return the waterfall: every subject's best change in the sum of the target lesions, from growth to shrinkage.

    Parameters
    ----------
    table
        `USUBJID, best_change_percent` (`TumourResponse.best`) and, where there, `response` (best overall response: colour and shape),
        `confirmed` (a CR or PR that is not has a hollow mark) and `arm` (a panel an arm).
    title
        Above the figure.
    label
        Of the vertical axis.
    height
        Of a panel, in pixels.

    Returns
    -------
    Bars with lines at -30 % and +20 %. A bar beyond +100 % is cut there and bears its number. Subjects without a measurement after
    baseline have no bar: the heading counts them.

    Raises
    ------
    TableError
        When a column is missing, no subject has a change, or one has two rows.

    References
    ----------
    Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026 (RECIST 1.1).

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1", "2"], "best_change_percent": [-55.0, 12.0], "response": ["PR", "SD"]})
    >>> waterfall(df).to_dict()["vconcat"][0]["height"]
    280
    """
    frame = checked(table, (SUBJECT, "best_change_percent"), figure="a waterfall", source="the .best of tumour_response")
    _require_one_row_each(frame)
    known = frame.filter(pl.col("best_change_percent").is_not_null() & pl.col("best_change_percent").is_not_nan())
    if known.is_empty():
        message = "a waterfall needs a change after baseline, and no subject has one. Check the parameter and the baseline flag."
        raise TableError(message)
    arms = names_in(frame, "arm") if "arm" in frame.columns else [""]
    responses = response_names(known)
    panels = []
    for arm in arms:
        every = frame.filter(pl.col("arm") == arm) if arm else frame
        own = known.filter(pl.col("arm") == arm) if arm else known
        panels.append(_waterfall(own, every.height, arm, responses, label=label, height=height))
    chart = alt.vconcat(*panels, spacing=22, padding=8)
    return cast("alt.VConcatChart", finished(chart.properties(title=heading(title)) if title else chart))


def _require_one_row_each(frame: pl.DataFrame) -> None:
    twice = frame.filter(pl.col(SUBJECT).is_duplicated())
    if twice.height:
        message = f"a waterfall has one bar a subject, and {twice[SUBJECT][0]} has {twice.filter(pl.col(SUBJECT) == twice[SUBJECT][0]).height} rows. Give it the .best of tumour_response."
        raise TableError(message)


def _waterfall(
    own: pl.DataFrame, everyone: int, arm: str, responses: Sequence[str], *, label: str, height: int
) -> alt.LayerChart:
    rows = _bars_of(own)
    highest = float(own["best_change_percent"].to_numpy().max())
    top = next((grow + 2 for grow in GROWS if highest <= grow), CAP + 8)
    width = int(min(max(18.0 * own.height, WIDTHS[0]), WIDTHS[1]))
    ticks = [tick for tick in range(-100, 101, 20) if tick <= top]
    y = alt.Y("shown:Q", scale=alt.Scale(domain=[-102, top], nice=False)).axis(title=label, values=ticks, grid=False)
    x = alt.X("left:Q", scale=alt.Scale(domain=[0, own.height], nice=False), axis=None)
    colour, shape = response_encodings(responses)
    base = alt.Chart(inline(rows))
    tip = [f"{SUBJECT}:N", "best_change_percent:Q"]
    bars = base.mark_rect().encode(
        x=x, x2="right:Q", y=y, y2="zero:Q", color=colour if responses else alt.value(BLUE), tooltip=tip
    )
    cut = base.transform_filter("isValid(datum.words)").mark_text(fontSize=9, dy=-6)
    layers: list[Any] = [bars, *recist_lines(width)]
    layers += _marks(base, width / own.height, colour, shape) if responses else []
    layers.append(cut.encode(x="middle:Q", y="shown:Q", text="words:N"))
    words = counted(own.height, everyone) + ("; hollow: not confirmed" if responses and rows["hollow"].any() else "")
    title = alt.TitleParams(
        f"{arm}: {words}" if arm else words, anchor="start", fontSize=12, fontWeight="bold" if arm else "normal"
    )
    return cast("alt.LayerChart", alt.layer(*layers).properties(width=width, height=height, title=title))


def counted(shown: int, everyone: int) -> str:
    """Return how many subjects a panel shows, and how many it cannot."""
    return (
        f"n = {everyone}" if shown == everyone else f"n = {shown} of {everyone}; {everyone - shown} not measured after baseline"
    )


def _bars_of(own: pl.DataFrame) -> pl.DataFrame:
    """Return the places of the bars, the largest change first, what stands over those that are cut, and which marks are hollow."""
    change = pl.col("best_change_percent")
    ranked = own.sort("best_change_percent", SUBJECT, descending=[True, False]).with_row_index("rank")
    # CR and PR are what RECIST asks to confirm.
    asked = pl.col("response").is_in(["CR", "PR"]) if {"response", "confirmed"} <= set(own.columns) else pl.lit(value=False)
    open_ = pl.col("confirmed").not_().fill_null(value=False) if "confirmed" in own.columns else pl.lit(value=False)
    return ranked.select(
        pl.all().exclude("rank"),
        shown=change.clip(None, CAP),
        zero=pl.lit(0.0),
        left=pl.col("rank") + 0.1,
        right=pl.col("rank") + 0.9,
        middle=pl.col("rank") + 0.5,
        words=pl.when(change > CAP).then(change.round(0).cast(pl.Int64).cast(pl.String)),
        hollow=asked & open_,
    )


def _marks(base: alt.Chart, step: float, colour: alt.Color, shape: alt.Shape) -> list[Any]:
    """Return the marks at the ends of the bars, which tell responses in black and white."""
    size = min(70.0, (0.95 * step) ** 2)
    made = []
    # Outside of the bar: above one that grows, below one that shrinks.
    for side, offset in ((">= 0", -7), ("< 0", 7)):
        for hollow in (False, True):
            own = base.transform_filter(
                f"datum.best_change_percent {side} && datum.hollow === {str(hollow).lower()} && !isValid(datum.words)"
            )
            marks = own.mark_point(filled=not hollow, opacity=1, size=size, yOffset=offset, strokeWidth=1.3)
            made.append(marks.encode(x="middle:Q", y="shown:Q", color=colour, shape=shape))
    return made
