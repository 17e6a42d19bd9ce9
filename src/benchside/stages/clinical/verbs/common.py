"""What the stage's verbs share: the event table of an endpoint, and the lineage of answers about all of it or an arm."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from benchside.core.exchange import EventTable
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.clinical.adam import cut_off_date, dates, require_columns, require_rows
from benchside.stages.clinical.read_dataset import read_dataset

Settings = Mapping[str, Any]


def events_of(inputs: Inputs, settings: Settings) -> EventTable:
    """Return the endpoint's event table, with its control, strata and causes."""
    table = inputs.stack("events").drop("_input", "_row")
    return EventTable(
        table,
        control=settings["control"] if settings["control"] in set(table["arm"]) else None,
        strata=tuple(settings["strata"]),
        causes=settings.get("causes") or None,
        label=settings["endpoint"],
    )


def about_all(inputs: Inputs, table: pl.DataFrame, settings: Settings, role: str = "events") -> Product:
    """Return an answer that rests on every row of an input."""
    return Product(with_endpoint(table, settings), lineage_of((None, number, None) for number in inputs.numbers[role]))


def about_arms(inputs: Inputs, table: pl.DataFrame, settings: Settings) -> Product:
    """Return an answer whose rows rest on the subjects of their arm."""
    return Product(with_endpoint(table, settings), lineage_by(inputs.stack("events"), ["arm"], table))


def with_endpoint(table: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the table with the name of the endpoint, which every record of a number carries."""
    return table.with_columns(endpoint=pl.lit(settings["endpoint"]))


def up_to(rows: pl.DataFrame, cut_off: str | None, *, noun: str) -> pl.DataFrame:
    """Return the assessments up to the data cut-off (an ISO date), and those without a date; all without a cut-off."""
    if cut_off is None:
        return rows
    known = dates(rows, "ADT", noun=noun) <= cut_off_date(cut_off)
    return rows.filter(known.fill_null(value=True))


def started(adsl: pl.DataFrame, start: str, cut_off: str | None) -> pl.DataFrame:
    """Return the subjects who had started at the data cut-off; those who never did are in no denominator."""
    require_columns(adsl, [start], noun="ADSL")
    day, until = dates(adsl, start, noun="ADSL"), cut_off_date(cut_off)
    return adsl.filter(day.is_not_null() & ((day <= until) if until else True))


def table_of(file: Path) -> pl.DataFrame:
    """Return a dataset of the study, which has rows."""
    return require_rows(read_dataset(file).table, noun=file.name)


def where_compared(verb: Verb) -> Verb:
    """Return a comparison that finds nothing where only one arm is left: nobody responded in the other, say."""

    def run(inputs: Inputs, settings: Settings) -> Product:
        events = events_of(inputs, settings)
        if events.control is not None and len(events.arms) > 1:
            return verb.run(inputs, settings)
        names = [*verb.key, *(one.named_by for one in verb.quantities if one.named_by)]
        nothing = pl.DataFrame(schema=dict.fromkeys([*names, "endpoint"], pl.String))
        return Product(nothing, lineage_of([]))

    return replace(verb, run=run)
