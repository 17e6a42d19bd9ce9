"""Reading concentration-time tables; the units stand in the column names and are converted here."""

import re
from pathlib import Path
from typing import Any

import polars as pl

from benchside.core.errors import FileError, TableError, UnitError, listed
from benchside.core.tables import cast_column, dataframe, read_table
from benchside.core.units import HOURS_PER_DAY, NM_PER_UNIT, days_per, nM_per
from benchside.stages.pharmacology.model import ConcentrationTable

MG_PER_L = {"ng_per_mL": 1e-3, "ug_per_L": 1e-3, "ug_per_mL": 1.0, "mg_per_L": 1.0, "ng_per_L": 1e-6}
"""Mass concentrations understood in a column name, in mg/L."""


def recognise(path: Path) -> bool:
    """Return whether a CSV file looks like a concentration-time table: a time and a concentration column with units."""
    if path.suffix.lower() not in {".csv", ".tsv"}:
        return False
    try:
        columns = read_table(path).columns
    except FileError:
        return False
    return bool(_with_unit(columns, "time") and _with_unit(columns, "concentration"))


def read(data: Any, *, molar_mass_g_per_mol: float | None = None) -> ConcentrationTable:
    """Return a table of concentrations over time.

    Parameters
    ----------
    data
        A path or a dataframe with ``time_<unit>`` (``time_h``, ``time_days``), ``concentration_<unit>``
        (``concentration_nM``, ``concentration_ng_per_mL`` ...) and, where there are several, ``subject``.
    molar_mass_g_per_mol
        Needed where the concentration is a mass per volume.

    Raises
    ------
    TableError, UnitError
        When a column or its unit is missing, or a mass concentration comes without a molar mass.

    Examples
    --------
    >>> table = pl.DataFrame({"time_h": [0, 2], "concentration_ng_per_mL": [482.6, 965.2]})
    >>> read(table, molar_mass_g_per_mol=482.6).table["concentration_nM"].to_list()
    [1000.0, 2000.0]
    """
    if isinstance(data, ConcentrationTable):
        return data
    frame = dataframe(data)
    time, time_unit = _column(frame, "time", "time_h")
    value, unit = _column(frame, "concentration", "concentration_nM")
    hours = days_per(time_unit, place=f"column {time}") * HOURS_PER_DAY
    subject = frame["subject"].cast(pl.String) if "subject" in frame.columns else pl.repeat("S0001", frame.height, eager=True)
    numbers = {name: cast_column(frame, name, pl.Float64, noun="concentration table") for name in (time, value)}
    table = pl.DataFrame(
        {
            "subject": subject,
            "time_h": numbers[time] * hours,
            "concentration_nM": numbers[value] * _nM_per(unit, value, molar_mass_g_per_mol),
        }
    )
    return ConcentrationTable(table.hstack(frame.drop([time, value, "subject"], strict=False)))


def _with_unit(columns: list[str], noun: str) -> list[str]:
    return [name for name in columns if re.fullmatch(rf"{noun}_\w+", name)]


def _column(frame: pl.DataFrame, noun: str, example: str) -> tuple[str, str]:
    found = _with_unit(frame.columns, noun)
    if len(found) != 1:
        count = "no column" if not found else f"the columns {listed(found)}"
        message = (
            f"concentration table: {count} of {noun} with its unit among {listed(frame.columns, 12)}. "
            f"Give exactly one, with the unit in the name, for example {example}."
        )
        raise TableError(message)
    return found[0], found[0].removeprefix(f"{noun}_")


def _nM_per(unit: str, column: str, molar_mass_g_per_mol: float | None) -> float:
    if unit in MG_PER_L:
        if molar_mass_g_per_mol is None or not molar_mass_g_per_mol > 0:
            message = f"column {column} is a mass per volume; state molar_mass_g_per_mol (> 0) to make it nM."
            raise UnitError(message)
        return MG_PER_L[unit] * 1e6 / molar_mass_g_per_mol
    if unit in NM_PER_UNIT:
        return nM_per(unit, place=f"column {column}")
    message = f"column {column}: {unit!r} is no concentration unit known here. Use nM, uM, or {listed(MG_PER_L, 9)}."
    raise UnitError(message)
