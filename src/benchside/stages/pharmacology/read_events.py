"""Reading long event tables: observations and doses of many subjects in one file, whose units stand in columns of their own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import TableError, UnitError, listed
from benchside.core.tables import cast_column, dataframe
from benchside.core.units import HOURS_PER_DAY, NM_PER_UNIT, days_per, nM_per
from benchside.stages.pharmacology.model import ConcentrationTable
from benchside.stages.pharmacology.read import MG_PER_L

COLUMNS: Final = ("ID", "Time", "Time unit", "Observable", "Value", "Observable unit", "Dose", "Dose unit")
NOUN: Final = "event table"


@dataclass(frozen=True)
class Events:
    """Concentrations and doses of the same subjects."""

    concentrations: ConcentrationTable
    """``subject, time_h`` (since the last dose)``, concentration_nM, dose_mg, dose_number, arm``."""

    doses: pl.DataFrame
    """``subject, time_h`` (since the start of the study)``, dose_mg, arm``."""

    counts: dict[str, int]
    """Subjects and rows read, and what became of them: everything is counted in and out."""


def read_events(
    data: Any, *, molar_mass_g_per_mol: float, observable: str = "Plasma concentration", arm: str | None = None
) -> Events:
    """Return the concentrations and doses of a long event table.

    Parameters
    ----------
    data
        A path or dataframe with ``ID, Time, Time unit, Observable, Value, Observable unit, Dose, Dose unit`` (and ``arm``). A
        row may hold an observation, a dose, or both at once.
    molar_mass_g_per_mol
        Of the compound, for mass concentrations.
    observable
        The word for the concentration.
    arm
        One arm; None: all.

    Raises
    ------
    TableError
        When a column or the observable is missing.
    UnitError
        When a unit is missing, unknown, or not the same in all rows.

    Notes
    -----
    A sample drawn at the time of a dose counts as 0 h after it. Samples of subjects before any dose, and empty values, are
    left out and counted in `.counts`.

    Examples
    --------
    >>> rows = {"ID": [1, 1], "Time": [0, 1], "Time unit": ["h", "h"], "Observable": [None, "Plasma concentration"],
    ...         "Value": [None, 5.0], "Observable unit": [None, "nM"], "Dose": [10.0, None], "Dose unit": ["mg", None]}
    >>> read_events(pl.DataFrame(rows), molar_mass_g_per_mol=400.0).concentrations.table["concentration_nM"].to_list()
    [5.0]
    """
    frame = dataframe(data if not isinstance(data, str) else Path(data))
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        message = f"{NOUN}: column {listed(missing)} is missing; the columns are {listed(frame.columns, 12)}. Rename or add it."
        raise TableError(message)
    if "arm" not in frame.columns:
        frame = frame.with_columns(arm=pl.lit(""))
    if arm is not None:
        frame = _of_arm(frame, arm)
    hours = days_per(_one(frame, "Time unit"), place=f"{NOUN}, column Time unit") * HOURS_PER_DAY
    numbers = {name: cast_column(frame, name, pl.Float64, noun=NOUN) for name in ("Time", "Value", "Dose")}
    held = frame.with_columns(**numbers, subject=pl.col("ID").cast(pl.String)).with_columns(time_h=pl.col("Time") * hours)
    doses = _doses(held)
    seen = held.filter(pl.col("Observable") == observable)
    if seen.is_empty():
        known = held["Observable"].drop_nulls().unique().sort().to_list()
        message = f"{NOUN}: there is no observable {observable!r}; there are {listed(known)}. Say which is the concentration."
        raise TableError(message)
    measured = seen.filter(pl.col("Value").is_not_null())
    unit = _one(measured, "Observable unit")
    factor = (
        MG_PER_L[unit] * 1e6 / molar_mass_g_per_mol if unit in MG_PER_L else nM_per(unit, place=f"{NOUN}, column Observable unit")
    )
    placed = _since_dose(measured.with_columns(concentration_nM=pl.col("Value") * factor), doses)
    counts = {
        "rows": frame.height, "subjects": held["subject"].n_unique(), "doses": doses.height, "concentrations": seen.height,
        "empty concentrations left out": seen.height - measured.height,
        "concentrations before any dose left out": measured.height - placed.height, "concentrations kept": placed.height,
        "subjects kept": placed["subject"].n_unique(),
    }  # fmt: skip
    return Events(ConcentrationTable(placed), doses, counts)


def _of_arm(frame: pl.DataFrame, arm: str) -> pl.DataFrame:
    known = frame["arm"].unique().sort().to_list()
    if arm not in known:
        message = f"{NOUN}: there is no arm {arm!r}; there are {listed(known)}. Correct the name."
        raise TableError(message)
    return frame.filter(pl.col("arm") == arm)


def _one(rows: pl.DataFrame, column: str) -> str:
    units = (
        rows[column].cast(pl.String).replace({"ng/mL": "ng_per_mL", "ug/mL": "ug_per_mL", "mg/L": "mg_per_L", "ug/L": "ug_per_L"})
    )
    known = units.drop_nulls().unique().sort().to_list()
    if len(known) != 1 or units.null_count():
        message = (
            f"{NOUN}: column {column} holds {listed(known) or 'nothing'}{' and empty cells' if units.null_count() else ''}; it must "
            "hold one unit in every row. Convert the rows, or fill in the unit."
        )
        raise UnitError(message)
    if column == "Observable unit" and known[0] not in MG_PER_L and known[0] not in NM_PER_UNIT:
        message = f"{NOUN}: {known[0]!r} is no concentration unit known here. Use nM, uM, ng/mL, ug/mL, mg/L."
        raise UnitError(message)
    return str(known[0])


def _doses(held: pl.DataFrame) -> pl.DataFrame:
    given = held.filter(pl.col("Dose").is_not_null())
    wrong = given.filter((pl.col("Dose unit") != "mg").fill_null(value=True))
    if wrong.height:
        message = f"{NOUN}: subject {wrong['subject'][0]} has a dose in {wrong['Dose unit'][0]!r}. Give every dose in mg an animal or patient."
        raise UnitError(message)
    return given.select("subject", "time_h", dose_mg="Dose", arm="arm").sort("subject", "time_h")


def _since_dose(measured: pl.DataFrame, doses: pl.DataFrame) -> pl.DataFrame:
    numbered = doses.with_columns(
        dose_number=pl.col("time_h").rank("ordinal").over("subject").cast(pl.Int64), dosed_h=pl.col("time_h")
    )
    joined = measured.sort("time_h").join_asof(
        numbered.drop("arm").sort("time_h"), on="time_h", by="subject", strategy="backward", check_sortedness=False
    )
    kept = joined.filter(pl.col("dosed_h").is_not_null()).with_columns(
        time_h=pl.col("time_h") - pl.col("dosed_h"), study_time_h=pl.col("time_h")
    )
    return kept.select("subject", "time_h", "concentration_nM", "dose_mg", "dose_number", "arm", "study_time_h").sort(
        "subject", "study_time_h"
    )
