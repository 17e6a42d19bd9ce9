"""Event tables of a study: read from a plain table or ADTTE, or derived from assessments; each row names the record it rests on."""

from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.exchange import SOURCE_REF, EventTable
from benchside.core.stage import Inputs, Product, Verb, lineage_of
from benchside.core.tables import file_hash
from benchside.stages.clinical.adam import SUBJECT, dates, keep_rows, require_columns, require_one_row_each
from benchside.stages.clinical.analyse.derive_tte import derive_tte
from benchside.stages.clinical.analyse.first_event import derive_first_event
from benchside.stages.clinical.read import HASH_DIGITS, read
from benchside.stages.clinical.read_adtte import read_adtte
from benchside.stages.clinical.verbs.common import Settings, table_of

EVENT_KEY: Final = (SOURCE_REF,)
ADRS_ROW, ADSL_ROW = "_adrs_row", "_adsl_row"


def run_read(inputs: Inputs, settings: Settings) -> Product:
    """Read a plain table; each row names its own row of the file in `source_ref`, so lineage goes no further."""
    names = ("time", "time_unit", "event", "arm", "control", "strata", "where")
    (path,) = inputs.files["events"]
    events = read(path, root=inputs.root, causes=settings["causes"] or None, **{name: settings[name] for name in names})
    if SUBJECT in events.table.columns:
        require_one_row_each(
            events.table, [SUBJECT], noun=path.name, remedy="A table of times has one row a subject; keep one with where."
        )
    return _checked(events, settings)


def run_read_adtte(inputs: Inputs, settings: Settings) -> Product:
    """Read one parameter of ADTTE, with the columns of ADSL that it lacks."""
    names = ("parameter", "arm", "control", "strata", "time_unit", "where")
    (path,) = inputs.files["events"]
    adsl = next(iter(inputs.files.get("adsl", ())), None)
    events = read_adtte(path, root=inputs.root, adsl=adsl, **{name: settings[name] for name in names})
    return _checked(events, settings)


def run_derive(inputs: Inputs, settings: Settings) -> Product:
    """Derive an endpoint from ADRS and ADSL; each row names the record its date is from."""
    adrs, adsl = _datasets(inputs, settings)
    names = ("rule", "start", "visit_every_days", "missed_visits", "baseline", "arm", "parameter", "where", "cut_off")
    found = derive_tte(adrs, adsl, endpoint=settings["derive"], **{name: settings[name] for name in names})
    return _derived(inputs, found.events(), adrs, settings)


def run_first_event(inputs: Inputs, settings: Settings) -> Product:
    """Derive which came first: progression in the brain, progression elsewhere, or death."""
    adrs, adsl = _datasets(inputs, settings)
    names = ("parameter", "brain", "where", "cut_off", "arm", "start", "rule", "visit_every_days", "missed_visits")
    found = derive_first_event(adrs, adsl, **{name: settings[name] for name in names})
    return _derived(inputs, found.events(), adrs, settings)


def _datasets(inputs: Inputs, settings: Settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ADRS, and the subjects of ADSL asked for, each with the number of its rows."""
    (adrs_file,), (adsl_file,) = inputs.files["adrs"], inputs.files["adsl"]
    adrs = table_of(adrs_file).with_row_index(ADRS_ROW, offset=1)
    adsl = table_of(adsl_file).with_row_index(ADSL_ROW, offset=1)
    strangers = adrs.filter(~pl.col(SUBJECT).is_in(adsl[SUBJECT].to_list())) if SUBJECT in adrs.columns else adrs
    if SUBJECT in adsl.columns and strangers.height:
        message = f"{adrs_file.name}, row {strangers[ADRS_ROW][0]}: subject {strangers[SUBJECT][0]} is not in {adsl_file.name}, so its assessments would be lost. Correct the id, or give both files of one trial."
        raise TableError(message)
    kept = keep_rows(adsl, settings["subjects"], noun=adsl_file.name)
    require_columns(kept, [settings["start"]], noun=adsl_file.name)
    unstarted = kept.filter(dates(kept, settings["start"], noun=adsl_file.name).is_null())
    if unstarted.height:
        message = (
            f"{adsl_file.name}, row {unstarted[ADSL_ROW][0]}: subject {unstarted[SUBJECT][0]} has no {settings['start']} ({unstarted.height} such subjects). "
            'Fill it in, or leave them out by a flag: subjects = { ITTFL = "Y" }.'
        )
        raise TableError(message)
    return adrs, kept


def _derived(inputs: Inputs, events: EventTable, adrs: pl.DataFrame, settings: Settings) -> Product:
    """Return derived times with `source_ref`: the row of ADRS or ADSL that each rests on."""
    (adrs_file,), (adsl_file,) = inputs.files["adrs"], inputs.files["adsl"]
    used = keep_rows(adrs, settings["where"], noun=adrs_file.name)
    codes = [settings[name] for name in ("parameter", "brain") if settings[name]]
    used = used.filter(pl.col("PARAMCD").is_in(codes)) if codes else used
    seen = used.select(SUBJECT, ADRS_ROW, SRCDT=dates(used, "ADT", noun=adrs_file.name)).drop_nulls()
    seen = seen.unique([SUBJECT, "SRCDT"], keep="first", maintain_order=True)
    table = events.table.join(seen, on=[SUBJECT, "SRCDT"], how="left", maintain_order="left")
    assessed = (pl.col("SRCDOM") == "ADRS") & pl.col(ADRS_ROW).is_not_null()
    place = pl.when(assessed).then(_ref(inputs, adrs_file, ADRS_ROW)).otherwise(_ref(inputs, adsl_file, ADSL_ROW))
    table = table.with_columns(place.alias(SOURCE_REF)).drop(ADRS_ROW, ADSL_ROW)
    control = (
        settings["control"] if settings["control"] in events.arms or settings["derive"] != "DOR" else None
    )  # nobody responded in it
    design = {"control": control, "strata": tuple(settings["strata"]), "label": settings["endpoint"]}
    return _checked(EventTable(table, causes=events.causes, **design), settings)


def _ref(inputs: Inputs, file: Path, row: str) -> pl.Expr:
    """Return where each row stands: ``file@hash!row N``."""
    name = file.relative_to(inputs.root).as_posix() if file.is_relative_to(inputs.root) else file.name
    return pl.lit(f"{name}@{file_hash(file)[:HASH_DIGITS]}!row ") + pl.col(row).cast(pl.String)


def _checked(events: EventTable, settings: Settings) -> Product:
    """Return the table of an endpoint after checking what its analysis will ask of it."""
    if settings["control"] is not None and len(events.arms) < 2 and settings.get("derive") != "DOR":
        message = f"{events.label}: the only arm is {listed(events.arms)}, and a comparison needs two. Correct the arm column or the filter, or leave out control."
        raise TableError(message)
    missing = [name for name in settings["columns"] if name not in events.table.columns]
    if missing:
        message = f"{events.label}: subgroup or covariate {listed(missing)} is no column{nearest(missing[0], events.table.columns)}. Name a column of the table, or of ADSL."
        raise TableError(message)
    return Product(events.table, lineage_of([]))


EVENTS: Final[tuple[Verb, ...]] = (
    Verb("clinical.read", "2", run_read, kind="events", key=EVENT_KEY),
    Verb("clinical.read_adtte", "1", run_read_adtte, kind="events", key=EVENT_KEY),
    Verb("clinical.derive_tte", "2", run_derive, kind="events", key=(SUBJECT,)),
    Verb("clinical.first_event", "1", run_first_event, kind="events", key=(SUBJECT,)),
)
"""Verbs that make an endpoint's event table."""
