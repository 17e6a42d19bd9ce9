"""Export of concentrations and doses as the event table that NONMEM, nlmixr2 and Monolix read."""

from typing import Any, Final

import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.tables import FLOAT, TEXT, cast_column, dataframe
from benchside.stages.pharmacology.read import read

COLUMNS: Final = ("ID", "TIME", "AMT", "DV", "EVID", "MDV", "CMT")
DEPOT, CENTRAL = 1, 2

_OBSERVATION, _DOSE = 0, 1


def nonmem_table(
    concentrations: Any,
    doses: Any,
    *,
    molar_mass_g_per_mol: float | None = None,
    time: str = "time_h",
    absorbed: bool = True,
) -> pl.DataFrame:
    """Return an event table with one row an observation or dose.

    Parameters
    ----------
    concentrations
        ``subject``, times since the start of the study, and ``concentration_nM``: what `read` takes.
    doses
        ``subject, time_h, dose_mg``.
    molar_mass_g_per_mol
        Makes doses nmol, so that DV is nM and volumes are litres. None: AMT stays mg, and DV nM, which the units of a model must
        then carry; needed where concentrations are masses.
    time
        The column of `concentrations` that counts from the start of the study (``study_time_h`` of `read_events`).
    absorbed
        Doses enter the depot (CMT 1) and are observed in the central compartment (2); False: one compartment, CMT 1.

    Returns
    -------
    polars.DataFrame
        ``ID`` (1, 2, ... in the order of the subjects)``, TIME`` (h)``, AMT, DV, EVID`` (1 dose, 0 observation)``, MDV, CMT``, and
        ``SUBJECT``, the name as it was. Sorted by ID and TIME; at one time an observation stands before the dose, as a trough is
        drawn before it.

    Raises
    ------
    TableError
        When a subject has concentrations and no dose, or doses and no concentration: none is dropped silently.

    Examples
    --------
    >>> seen = pl.DataFrame({"subject": ["a", "a"], "time_h": [0.0, 2.0], "concentration_nM": [0.0, 9.0]})
    >>> given = pl.DataFrame({"subject": ["a"], "time_h": [0.0], "dose_mg": [10.0]})
    >>> nonmem_table(seen, given)["EVID"].to_list()
    [0, 1, 0]
    """
    frame = dataframe(concentrations)
    if time != "time_h":
        if time not in frame.columns:
            message = f"concentration table: column {time} is missing; the columns are {listed(frame.columns, 12)}. Name the time since the start."
            raise TableError(message)
        frame = frame.drop("time_h", strict=False).rename({time: "time_h"})
    seen = read(frame, molar_mass_g_per_mol=molar_mass_g_per_mol).table
    given = _doses(doses)
    _check_subjects(seen, given)
    if molar_mass_g_per_mol is not None and not molar_mass_g_per_mol > 0:
        message = f"molar_mass_g_per_mol must be > 0, and is {molar_mass_g_per_mol}. Correct it."
        raise SettingError(message)
    factor = 1.0 if molar_mass_g_per_mol is None else 1e6 / molar_mass_g_per_mol
    names = seen["subject"].unique(maintain_order=True)
    number = pl.col("SUBJECT").replace_strict(names, list(range(1, len(names) + 1)), return_dtype=pl.Int64)
    observed = seen.select(
        SUBJECT="subject", TIME="time_h", AMT=pl.lit(0.0), DV="concentration_nM", EVID=pl.lit(_OBSERVATION), MDV=pl.lit(0),
        CMT=pl.lit(CENTRAL if absorbed else DEPOT),
    )  # fmt: skip
    dosed = given.select(
        SUBJECT="subject", TIME="time_h", AMT=pl.col("dose_mg") * factor, DV=pl.lit(0.0), EVID=pl.lit(_DOSE), MDV=pl.lit(1),
        CMT=pl.lit(DEPOT),
    )  # fmt: skip
    table = pl.concat([observed, dosed]).with_columns(ID=number).sort("ID", "TIME", "EVID", maintain_order=True)
    return table.select(*COLUMNS, "SUBJECT")


def _doses(doses: Any) -> pl.DataFrame:
    frame = dataframe(doses)
    missing = [name for name in ("subject", "time_h", "dose_mg") if name not in frame.columns]
    if missing:
        message = f"dose table: column {listed(missing)} is missing; the columns are {listed(frame.columns, 12)}. Name dose and unit, for example dose_mg."
        raise TableError(message)
    types = {"subject": TEXT, "time_h": FLOAT, "dose_mg": FLOAT}
    held = pl.DataFrame({name: cast_column(frame, name, dtype, noun="dose table") for name, dtype in types.items()})
    wrong = held.filter(
        ~(pl.col("dose_mg") > 0).fill_null(value=False) | pl.col("time_h").is_null() | pl.col("subject").is_null()
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        message = f"dose table: subject {row['subject']} has {row['dose_mg']} mg at {row['time_h']} h; a dose needs both and is above 0. Correct the row."
        raise TableError(message)
    return held


def _check_subjects(seen: pl.DataFrame, given: pl.DataFrame) -> None:
    names, dosed = set(seen["subject"].to_list()), set(given["subject"].to_list())
    for lost, words in ((names - dosed, "concentrations and no dose"), (dosed - names, "doses and no concentration")):
        if lost:
            message = f"subject {listed(sorted(lost))} has {words}; a fit would lose it silently. Add the rows, or leave the subject out of both tables."
            raise TableError(message)
