"""How long subjects were followed: reverse Kaplan-Meier, in which being censored is the event."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.kaplan_meier import kaplan_meier
from benchside.stages.clinical.model import AbstractInterval, ClinicalAnswer, Convention, event_table, settings_of

METHOD, VERSION = "clinical.follow_up", "1"
COLUMNS: Final = {
    "arm": pl.String, "n": pl.Int64, "censored": pl.Int64, "median_months": pl.Float64, "lower_months": pl.Float64,
    "upper_months": pl.Float64, "shortest_censored_months": pl.Float64, "longest_months": pl.Float64, "status": pl.String,
    "interval": pl.String, "median_rule": pl.String, "conventions": pl.String,
}  # fmt: skip
ALL_ARMS: Final = "all arms"


@dataclass(frozen=True)
class FollowUp(ClinicalAnswer):
    """Follow-up: `arm, n, censored, median_months, lower_months, upper_months, ...`, a row an arm and one of all arms."""

    KEY: ClassVar[tuple[str, ...]] = ("arm",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("median_follow_up", "median_months", unit="months", lower="lower_months", upper="upper_months", n="n"),
    )


def follow_up(ev: Any, *, interval: AbstractInterval | None = None, conventions: Convention | None = None) -> FollowUp:
    """Estimate the median time subjects would have been followed had nobody had the event.

    Parameters
    ----------
    ev
        An `EventTable`. With several causes any of them ends follow-up.
    interval, conventions
        As for `kaplan_meier`.

    References
    ----------
    Schemper and Smith 1996, doi:10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [2, 4, 6], "event": [1, 0, 0], "arm": ["a", "a", "a"]})
    >>> follow_up(EventTable.from_frame(df, time_unit="months")).table["median_months"].to_list()
    [5.0, 5.0]
    """
    events = event_table(ev)
    chosen = Conventions.of(conventions).interval(interval)
    reversed_table = events.table.select("time_months", (pl.col("event") == 0).cast(pl.Int64).alias("event"), "arm")
    whole = reversed_table.with_columns(arm=pl.lit(ALL_ARMS))
    rows = [
        row
        for part, control in ((reversed_table, events.control), (whole, None))
        for row in _rows(EventTable(part, control=control, label=events.label), chosen, conventions)
    ]
    settings = settings_of(events, interval=chosen.WORD, level=chosen.level, **Conventions.of(conventions).words)
    return FollowUp(pl.DataFrame(rows, schema=COLUMNS), Origin(METHOD, VERSION, settings, (events.table,)), level=chosen.level)


def _rows(events: EventTable, interval: AbstractInterval, conventions: Convention | None) -> list[dict[str, Any]]:
    found = kaplan_meier(events, interval=interval, conventions=conventions).table.drop("follow_up_months", "past_last_follow_up")
    ends = events.table.group_by("arm").agg(
        pl.col("time_months").max().alias("longest_months"),
        pl.col("time_months").filter(pl.col("event") == 1).min().alias("shortest_censored_months"),
    )
    table = found.rename({"events": "censored"}).join(ends, on="arm", how="left", maintain_order="left")
    return table.with_columns(pl.col("status").str.replace("Median", "Median follow-up")).to_dicts()
