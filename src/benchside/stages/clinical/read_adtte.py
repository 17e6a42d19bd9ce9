"""Read time to event from CDISC ADaM ADTTE: which row is whose event, in which unit, on which treatment; never guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.exchange import SOURCE_REF, EventTable
from benchside.core.tables import FLOAT, cast_column, file_hash
from benchside.core.units import days_per
from benchside.stages.clinical.adam import SUBJECT, keep_rows, one_parameter, require_one_row_each, require_rows
from benchside.stages.clinical.read_dataset import Dataset, read_dataset

HASH_DIGITS: Final = 12
ARMS: Final = ("TRT01P", "TRTP", "ARM")
"""Planned treatment, in the order it is looked for."""

_CENSORED: Final = re.compile(
    r"alive|censor|lost to|\bno (event|pd\b|progress|death)|(event|progression|disease)[- ]free|ongoing|"
    r"last (tumou?r|known|contact|adequate|assessment|evaluable|visit|follow)|withdr",
    re.IGNORECASE,
)
_EVENT: Final = re.compile(r"death|\bdead\b|died|progress|\bPD\b|relapse|recurren", re.IGNORECASE)
_UNIT_IN_NAME: Final = re.compile(r"[\[(]\s*(days?|weeks?|months?|years?)\s*[\])]", re.IGNORECASE)


@dataclass(frozen=True)
class TimeToEvent(EventTable):
    """The event table of one parameter of an ADTTE dataset."""

    parameter: str = ""
    """Its PARAMCD."""

    without_time: int = 0
    """Records left out because AVAL is empty (non-responders in a duration of response, say)."""


def read_adtte(
    path: str | Path,
    *,
    parameter: str | None = None,
    arm: str | None = None,
    control: str | None = None,
    strata: Sequence[str] = (),
    time_unit: str | None = None,
    event_code: int | None = None,
    where: Mapping[str, str | int | float] | None = None,
    adsl: str | Path | None = None,
    root: str | Path | None = None,
) -> TimeToEvent:
    """Read one parameter of an ADTTE dataset.

    Parameters
    ----------
    path
        CSV, TSV, XPT (version 5 or 8), SAS7BDAT, Parquet or Dataset-JSON 1.1.
    parameter
        PARAMCD, for example ``"PFS"``; asked for where there are several.
    arm
        Column of the treatment; by default the planned one: the first of TRT01P, TRTP and ARM that is there.
    control, strata
        As in `EventTable.from_frame`.
    time_unit
        Unit of AVAL where AVALU does not say; by default days.
    event_code
        The CNSR of an event. In ADaM, and by default, it is 0 and every other value is a way of being censored; it is asked for
        where no record holds 0 and there are several values.
    where
        Keep rows whose column has a value: a population or analysis flag, ``{"ITTFL": "Y"}``.
    adsl
        ADSL dataset of the study; columns that ADTTE lacks (arm, strata, covariates) are taken from it by USUBJID.
    root
        Name the file relative to this folder in `source_ref`; by default by its own name.

    Returns
    -------
    TimeToEvent
        An `EventTable`: `time_months, event, arm, USUBJID`, every further column, and `source_ref`, ``file@hash!row N``.

    Raises
    ------
    FileError, TableError, UnitError
        Naming row and remedy: a parameter or treatment that is not there, two records of a subject, mixed units, a CNSR that is
        missing, no code or the wrong way round.

    References
    ----------
    CDISC ADaM Basic Data Structure for Time-to-Event Analyses 1.0.
    """
    file = Path(path)
    dataset = read_dataset(file)
    name = file.relative_to(root).as_posix() if root is not None and file.is_relative_to(root) else file.name
    ref = f"{name}@{file_hash(file)[:HASH_DIGITS]}!row "
    frame = require_rows(dataset.table, noun=name).drop(SOURCE_REF, strict=False).with_row_index("_line", offset=1)
    frame = frame.with_columns((pl.lit(ref) + pl.col("_line").cast(pl.String)).alias(SOURCE_REF)).drop("_line")
    _require(Dataset(frame, name, dataset.labels), [SUBJECT, "AVAL", "CNSR"])
    kept = one_parameter(keep_rows(frame, where or {}, noun=name), parameter, noun=name)
    if adsl is not None:
        kept = _with_subjects(kept, read_dataset(adsl))
    chosen = arm or _planned_arm(kept, name)
    _require(Dataset(kept, name, dataset.labels), [chosen, *strata])
    events = _events(kept, event_code, name)
    timed = kept.with_columns(event=events).filter(pl.col("AVAL").is_not_null())
    if timed.is_empty():
        message = f"{name}: no record of parameter {parameter or 'the table'} has a time (AVAL). Choose another parameter."
        raise TableError(message)
    require_one_row_each(
        timed, [SUBJECT], noun=name, remedy='Keep one record a subject with where=, for example {"ANL01FL": "Y"}.'
    )
    unit = _unit(timed, time_unit, name)
    found = EventTable.from_frame(
        timed, time="AVAL", time_unit=unit, event="event", arm=chosen, control=control, strata=strata, label=name
    )
    code = parameter or (str(kept["PARAMCD"][0]) if "PARAMCD" in kept.columns else "")
    table = found.table.with_columns(timed[chosen]) if chosen != "arm" else found.table  # the treatment keeps its own name too
    return TimeToEvent(table, control, tuple(strata), label=name, parameter=code, without_time=kept.height - timed.height)


def _require(dataset: Dataset, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in dataset.table.columns]
    if not missing:
        return
    columns = [column for column in dataset.table.columns if column != SOURCE_REF]
    shown = listed([f"{column} ({dataset.labels[column]})" if column in dataset.labels else column for column in columns], 12)
    message = f"{dataset.name}: variable {listed(missing)} is missing{nearest(missing[0], columns)}; there are {shown}. Rename the variable to its ADaM name; labels are not read as names."
    raise TableError(message)


def _planned_arm(frame: pl.DataFrame, name: str) -> str:
    there = [column for column in ARMS if column in frame.columns]
    if not there:
        message = f"{name}: none of {listed(ARMS)} is there to tell the treatment. Name its column as arm=, or give adsl=."
        raise TableError(message)
    if "TRT01P" in there and "TRTP" in there:
        differ = frame.filter(pl.col("TRT01P").cast(pl.String) != pl.col("TRTP").cast(pl.String))
        if differ.height:
            message = f"{name}: TRT01P and TRTP differ in {differ.height} records, first for {differ[SUBJECT][0]}. Say which is meant, as arm=."
            raise TableError(message)
    return there[0]


def _events(frame: pl.DataFrame, event_code: int | None, name: str) -> pl.Series:
    """Return 1 where CNSR says event, 0 where it says censored, after checking that it says so."""
    cnsr = cast_column(frame, "CNSR", FLOAT, noun=name)
    timed = frame["AVAL"].is_not_null()
    bad = (timed & (cnsr.is_null() | (cnsr < 0) | (cnsr != cnsr.floor())).fill_null(value=True)).arg_true().to_list()
    if bad:
        held = ["nothing" if cnsr[row] is None else f"{cnsr[row]:g}" for row in bad]
        message = (
            f"{name}: CNSR must be 0 for an event or a whole number above for a way of being censored; "
            f"{frame[SUBJECT][bad[0]]} holds {held[0]} ({len(bad)} such records). Correct it."
        )
        raise TableError(message)
    values = cnsr.filter(timed).unique().sort().to_list()
    if event_code is None and 0 not in values and len(values) > 1:
        message = (
            f"{name}: CNSR holds {listed([f'{value:g}' for value in values])} and never 0, so it is not clear which is an event. "
            "Say it as event_code= (0 if nobody had the event)."
        )
        raise TableError(message)
    code = event_code or 0
    events = (cnsr == code).cast(pl.Int64)
    _require_polarity(frame.with_columns(_event=events).filter(timed), code, name)
    return events


def _require_polarity(frame: pl.DataFrame, event_code: int, name: str) -> None:
    """Refuse a CNSR whose descriptions say that it is the wrong way round."""
    events, censored = (frame.filter(pl.col("_event") == code) for code in (1, 0))
    if events.is_empty() or censored.is_empty():
        return
    said, told = ([_described(part, column) for part in (events, censored)] for column in ("EVNTDESC", "CNSDTDSC"))
    if said[0] and all(map(_is_censored, said[0])) and _speak_of_events(said[1]):
        column, (of_events, of_censored) = "EVNTDESC", said
    elif told[0] and not _speak_of_events(said[0]) and _tell_of_censoring(told[0], told[1], events.height):
        column, (of_events, of_censored) = "CNSDTDSC", told
    else:
        return
    others = repr(of_censored[0]) if of_censored else "nothing"
    remedy = "Leave out event_code=" if event_code else "Give event_code=1"
    message = (
        f"{name}: CNSR {event_code} would be an event, but the {column} of those records says {of_events[0]!r} and of the others {others}: "
        f"the flag is the wrong way round. {remedy}, or correct CNSR (ADaM: 0 is an event)."
    )
    raise TableError(message)


def _described(frame: pl.DataFrame, column: str) -> list[str]:
    """Return the texts of a description, none where there is no such column of text."""
    return frame[column].drop_nulls().to_list() if frame.schema.get(column) == pl.String else []


def _is_censored(text: str) -> bool:
    return bool(_CENSORED.search(text))


def _is_event(text: str) -> bool:
    return bool(_EVENT.search(text)) and not _is_censored(text)


def _speak_of_events(texts: list[str]) -> bool:
    return bool(texts) and all(map(_is_event, texts))


def _tell_of_censoring(events: list[str], censored: list[str], coded_as_events: int) -> bool:
    """Whether CNSDTDSC, which describes the date of a censoring, does so for the records that are coded as events."""
    only_theirs = not censored and len(events) == coded_as_events and not _speak_of_events(events)
    return only_theirs or (all(map(_is_censored, events)) and all(map(_is_event, censored)))


def _unit(frame: pl.DataFrame, time_unit: str | None, name: str) -> str:
    """Return the unit of AVAL: AVALU, the setting (which must agree), else days."""
    said = (
        frame["AVALU"].cast(pl.String).str.strip_chars().str.to_lowercase().unique()
        if "AVALU" in frame.columns
        else pl.Series([None], dtype=pl.String)
    )
    units = said.drop_nulls().sort().to_list()
    if len({days_per(unit, place=f"{name}, AVALU") for unit in units}) > 1 or (units and said.null_count()):
        message = f"{name}: AVALU mixes {listed(units)}{' and empty cells' if said.null_count() else ''} within one parameter. Give every record one unit."
        raise TableError(message)
    if units and time_unit and days_per(units[0], place=name) != days_per(time_unit, place=name):
        message = f"{name}: AVALU says {units[0]} and time_unit says {time_unit}. Leave out one of them."
        raise TableError(message)
    if units or time_unit:
        return str(units[0] if units else time_unit)
    named = _UNIT_IN_NAME.search(str(frame["PARAM"][0])) if "PARAM" in frame.columns else None
    if named and days_per(named[1], place=name) != 1.0:
        message = (
            f"{name}: there is no AVALU, and PARAM speaks of {named[1]} ({frame['PARAM'][0]!r}). Say the unit as time_unit=."
        )
        raise TableError(message)
    return "days"


def _with_subjects(frame: pl.DataFrame, subjects: Dataset) -> pl.DataFrame:
    """Return the records with the columns of ADSL they lack."""
    _require(subjects, [SUBJECT])
    require_one_row_each(subjects.table, [SUBJECT], noun=subjects.name, remedy="ADSL has one row a subject.")
    unknown = frame.filter(~pl.col(SUBJECT).is_in(subjects.table[SUBJECT].to_list()))
    if unknown.height:
        message = f"{subjects.name}: subject {unknown[SUBJECT][0]} and {unknown.height - 1} more records are not in it. Give the ADSL of the same study."
        raise TableError(message)
    new = [SUBJECT, *(column for column in subjects.table.columns if column not in frame.columns)]
    return frame.join(subjects.table.select(new), on=SUBJECT, how="left", maintain_order="left")
