"""Small event tables for the tests of the clinical stage."""

import polars as pl

from benchside.stages.clinical import EventTable


def table_of(time, event, arm, *, control=None, strata=(), **columns):
    """An event table from lists."""
    frame = pl.DataFrame({"time": time, "event": event, "arm": arm, **columns})
    return EventTable.from_frame(frame, time_unit="months", control=control, strata=strata)
