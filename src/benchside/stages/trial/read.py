"""Reading tables of virtual events."""

from pathlib import Path
from typing import Any

from benchside.core.errors import FileError
from benchside.core.tables import dataframe, read_table
from benchside.stages.trial.model import TrialRun
from benchside.stages.trial.predict import Predictions

_TOLD_BY = frozenset({"replicate", "patient", "arm", "control", "time_months", "event", "cns_event"})


def recognise(path: Path) -> bool:
    """Return whether a file looks like a table of virtual events."""
    if path.suffix.lower() not in {".csv", ".tsv", ".parquet"}:
        return False
    try:
        return set(read_table(path).columns) >= _TOLD_BY
    except FileError:
        return False


def read(data: Any) -> TrialRun:
    """Return virtual events from a path or any dataframe: what `simulate` returns.

    Raises
    ------
    TableError, FileError
        When a column is missing, or there are not two arms.
    """
    return data if isinstance(data, TrialRun) else TrialRun(dataframe(data))


def analyse(data: Any, *, level: float = 0.95) -> Predictions:
    """Return what a table of virtual events predicts."""
    return read(data).predict(level)
