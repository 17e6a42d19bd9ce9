"""The spider: the size of every subject's tumours over time, with the lines of RECIST."""

from typing import Any, Final, cast

import altair as alt
import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.figure import BLUE, OKABE_ITO
from benchside.core.tables import dataframe
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.figures.parts import checked, finished, heading, inline, names_in, series_scale, time_ticks
from benchside.stages.clinical.figures.recist import (
    CAP,
    GROWS,
    SHAPES,
    SUBJECT,
    recist_lines,
    response_encodings,
    response_names,
)

BESIDE: Final = 46
"""Pixels from the plot to its legend: the names of the lines of RECIST stand between."""

FIGURE: Final = "a figure of tumour size"


def tumour_changes(table: Any, *, parameter: str = "SDIAM") -> pl.DataFrame:
    """Return the rows of a spider: `USUBJID, time_months, change_percent`, and `arm` where there.

    Parameters
    ----------
    table
        `TumourResponse.table` (`USUBJID, TRTSDT, ADT, change_percent`), or ADaM ADTR: `USUBJID, PARAMCD, ADY, PCHG` and, where
        there, `ABLFL` and `TRT01P` or `ARM`. Day 1 is the start of treatment.
    parameter
        PARAMCD of the sum of the target lesions in ADTR.

    Returns
    -------
    Sorted by subject and time. A baseline that is flagged is at 0 months. Rows without a change are left out.

    Raises
    ------
    TableError
        When a column is missing or the table has no such parameter.

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1", "1"], "PARAMCD": ["SDIAM"] * 2, "ADY": [1, 62], "PCHG": [0.0, -40.0]})
    >>> tumour_changes(df)["change_percent"].to_list()
    [0.0, -40.0]
    """
    frame = dataframe(table)
    if "change_percent" in frame.columns:
        own = checked(frame, (SUBJECT, "TRTSDT", "ADT", "change_percent"), figure=FIGURE, source="the .table of tumour_response")
        days: pl.Expr = (pl.col("ADT") - pl.col("TRTSDT")).dt.total_days()
        change = "change_percent"
    else:
        own = _of_parameter(
            checked(frame, (SUBJECT, "PARAMCD", "ADY", "PCHG"), figure=FIGURE, source="the trial's ADTR"), parameter
        )
        day = pl.col("ADY").cast(pl.Float64, strict=False)
        days = pl.when(day > 0).then(day - 1).otherwise(day)
        change = "PCHG"
    baseline = pl.col("ABLFL") == "Y" if "ABLFL" in own.columns else pl.lit(value=False)
    arm = next((name for name in ("arm", "TRT01P", "TRTP", "ARM") if name in own.columns), None)
    found = own.select(
        pl.col(SUBJECT).cast(pl.String),
        *([pl.col(arm).cast(pl.String).alias("arm")] if arm else []),
        *([pl.col("response")] if "response" in own.columns else []),
        time_months=pl.when(baseline.fill_null(value=False)).then(0.0).otherwise(days / DAYS_PER_MONTH),
        change_percent=pl.col(change).cast(pl.Float64, strict=False),
    )
    return found.drop_nulls(["time_months", "change_percent"]).sort(SUBJECT, "time_months", maintain_order=True)


def _of_parameter(frame: pl.DataFrame, parameter: str) -> pl.DataFrame:
    own = frame.filter(pl.col("PARAMCD") == parameter)
    if own.is_empty():
        there = listed(names_in(frame, "PARAMCD"), 8)
        message = (
            f"tumour table: no row has PARAMCD {parameter}; there are {there}. Name the sum of the target lesions as parameter=."
        )
        raise TableError(message)
    return own


def spider(
    changes: Any, *, title: str = "", label: str = "Change from baseline (%)", width: int = 520, height: int = 320
) -> alt.LayerChart:
    """Return the spider: the sum of the target lesions of every subject over time, as change from baseline.

    Parameters
    ----------
    changes
        `USUBJID, time_months, change_percent` (as of `tumour_changes`) and, where there, `response` or `arm`, which colours the
        lines and shapes the mark at the last measurement.
    title, label, width, height
        As for `waterfall`.

    Returns
    -------
    One line a subject from 0 % at its start, with lines at -30 % and +20 %. Changes beyond +100 % leave the plot at its edge.

    Raises
    ------
    TableError
        When a column is missing or there is no row.

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1", "1"], "time_months": [0.0, 2.0], "change_percent": [0.0, -40.0]})
    >>> spider(df).to_dict()["width"]
    520
    """
    frame = checked(changes, (SUBJECT, "time_months", "change_percent"), figure="a spider plot", source="tumour_changes(...)")
    frame = _from_baseline(frame.drop_nulls(["time_months", "change_percent"]))
    named = next((name for name in ("response", "arm") if name in frame.columns), None)
    shown = frame.with_columns(pl.col("change_percent").clip(None, CAP), beyond=pl.col("change_percent") > CAP)
    ends = shown.group_by(SUBJECT, maintain_order=True).last()
    ticks = time_ticks(float(frame["time_months"].to_numpy().max()))
    top = next(grow for grow in GROWS if float(shown["change_percent"].to_numpy().max()) <= grow) + 2
    x = alt.X("time_months:Q", scale=alt.Scale(domain=[0, ticks[-1]], nice=False)).axis(
        values=ticks, format="~f", grid=False, labelFlush=False, title="Time (months)"
    )
    values = [tick for tick in range(-100, 101, 20) if tick <= top]
    y = alt.Y("change_percent:Q", scale=alt.Scale(domain=[-102, top], nice=False)).axis(values=values, grid=False, title=label)
    colour, shape = _group_encodings(frame, named)
    detail = alt.Detail(f"{SUBJECT}:N")
    tip = [f"{SUBJECT}:N", alt.Tooltip("time_months:Q", format=".1f"), alt.Tooltip("change_percent:Q", format=".0f")]
    lines = alt.Chart(inline(shown)).mark_line(strokeWidth=1.3, clip=True).encode(x=x, y=y, color=colour, detail=detail, order="time_months:Q")  # fmt: skip
    points = alt.Chart(inline(shown)).mark_point(filled=True, size=12, opacity=1, clip=True).encode(x=x, y=y, color=colour, tooltip=tip)  # fmt: skip
    last = alt.Chart(inline(ends)).mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y, color=colour, **({"shape": shape} if named else {}))  # fmt: skip
    layers = alt.layer(*recist_lines(width), lines, points, last).properties(width=width, height=height)
    return cast("alt.LayerChart", finished(layers.properties(title=heading(title)) if title else layers))


def _from_baseline(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the changes with a row at 0 months, 0 % for every subject, in order."""
    starts = frame.group_by(SUBJECT, maintain_order=True).agg(pl.col("time_months").min().alias("_first"), pl.all().exclude("time_months").first())  # fmt: skip
    absent = starts.filter(pl.col("_first") > 0).drop("_first").with_columns(time_months=pl.lit(0.0), change_percent=pl.lit(0.0))
    everything = pl.concat([frame, absent.select(frame.columns).cast(dict(frame.schema))])  # type: ignore[arg-type]
    return everything.sort(SUBJECT, "time_months", maintain_order=True)


def _group_encodings(frame: pl.DataFrame, named: str | None) -> tuple[Any, Any]:
    if named is None:
        return alt.value(BLUE), None
    if named == "response":
        return response_encodings(response_names(frame), offset=BESIDE)
    arms = names_in(frame, "arm")
    legend = alt.Legend(title=None, orient="right", symbolSize=90, symbolOpacity=1, offset=BESIDE)
    colour = alt.Color("arm:N", scale=series_scale(arms, OKABE_ITO), legend=legend)
    return colour, alt.Shape("arm:N", scale=series_scale(arms, SHAPES), legend=legend)
