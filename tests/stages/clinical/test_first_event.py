"""Which came first: by hand, on days that meet, and against its parts."""

import doctest
import importlib
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import TableError
from benchside.stages.clinical.analyse.first_event import derive_first_event

START = date(2020, 1, 1)


def day(number: int | None) -> date | None:
    """Return the date of a day; the start is day 1."""
    return None if number is None else START + timedelta(days=number - 1)


def tables(subjects):
    """Return ADRS and ADSL of subjects `(overall, brain, death)`: days of assessments with their response, and of death."""
    rs, sl = [], []
    for number, (overall, brain, death) in enumerate(subjects):
        sl.append({"USUBJID": f"S{number}", "RANDDT": START, "ARM": "a", "DTHDT": day(death)})
        for code, seen in (("OVR", overall), ("CNS", brain)):
            rs += [{"USUBJID": f"S{number}", "PARAMCD": code, "ADT": day(d), "AVALC": word} for d, word in seen]
    schema = {"USUBJID": pl.String, "PARAMCD": pl.String, "ADT": pl.Date, "AVALC": pl.String}
    return pl.DataFrame(rs, schema=schema), pl.DataFrame(sl, schema_overrides={"DTHDT": pl.Date})


def first(subjects, **settings):
    adrs, adsl = tables(subjects)
    return derive_first_event(adrs, adsl, parameter="OVR", brain="CNS", **settings).table


CASES = {
    "brain first": (([(57, "PD")], [(29, "PD")], None), ("CNS progression", 29)),
    "both on one day": (([(57, "PD")], [(57, "PD")], None), ("CNS progression", 57)),
    "elsewhere first": (([(29, "PD")], [(57, "PD")], None), ("Non-CNS progression", 29)),
    "elsewhere alone": (([(29, "SD"), (57, "PD")], [(57, "SD")], 300), ("Non-CNS progression", 57)),
    "death before": (([(29, "SD")], [(29, "SD")], 40), ("Death", 40)),
    "death on the day": (([(57, "PD")], [(57, "SD")], 57), ("Non-CNS progression", 57)),
    "nothing": (([(29, "SD"), (57, "NE")], [(29, "SD")], None), ("Censored", 29)),
    "never seen": (([], [], None), ("Censored", 1)),
    "brain seen later than the rest": (([(29, "SD")], [(85, "SD")], None), ("Censored", 85)),
}


@pytest.mark.parametrize(("subject", "expected"), CASES.values(), ids=CASES.keys())
def test_by_hand(subject, expected):
    others = (([(29, "SD")], [(29, "SD")], None),)  # so that both parameters are in the table
    row = first([subject, *others]).row(0, named=True)
    assert (row["EVNTDESC"], row["AVAL"]) == expected


def test_nothing_after_the_cut_off_is_known():
    row = first([([(29, "SD"), (57, "PD")], [(29, "SD")], 90)], cut_off="2020-02-10").row(0, named=True)
    assert (row["EVNTDESC"], row["AVAL"]) == ("Censored", 29)


def test_the_source_is_the_record_the_date_is_from():
    table = first([([(57, "PD")], [(29, "SD")], None), ([(29, "SD")], [(29, "SD")], 40), ([], [], None)])
    assert table.select("SRCDOM", "SRCVAR").rows() == [("ADRS", "ADT"), ("ADSL", "DTHDT"), ("ADSL", "RANDDT")]


def test_the_causes_are_named_in_the_event_table():
    adrs, adsl = tables([([(57, "PD")], [(29, "PD")], None), ([(29, "SD")], [(29, "SD")], 40)])
    events = derive_first_event(adrs, adsl, parameter="OVR", brain="CNS").events()
    assert events.causes == {"CNS": 1, "non-CNS": 2, "death": 3}
    assert events.table["event"].to_list() == [1, 3]
    assert events.table["time_months"].to_list() == pytest.approx([29 / 30.4375, 40 / 30.4375])


def test_an_unknown_parameter_is_named():
    adrs, adsl = tables([([(29, "SD")], [(29, "SD")], None)])
    with pytest.raises(TableError, match="no parameter 'CSN'"):
        derive_first_event(adrs, adsl, parameter="OVR", brain="CSN")


VISITS = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["SD", "PD", "NE"])), max_size=5, unique_by=lambda seen: seen[0])


@given(st.lists(st.tuples(VISITS, VISITS, st.none() | st.integers(1, 40)), min_size=1, max_size=6))
def test_the_event_is_the_earliest_of_its_parts(subjects):
    both = ([(2, "SD")], [(2, "SD")], None)
    table = first([*subjects, both])
    for (overall, brain, death), row in zip(subjects, table.iter_rows(named=True), strict=False):
        found = {"brain": [d for d, word in brain if word == "PD"], "else": [d for d, word in overall if word == "PD"]}
        days = [min(seen) for seen in found.values() if seen] + ([death] if death else [])
        if days:
            assert row["event"] > 0
            assert row["AVAL"] == min(days)
            assert (row["event"] == 1) == (bool(found["brain"]) and min(found["brain"]) == min(days))
        else:
            assert row["event"] == 0


def test_the_example_runs():
    found = doctest.testmod(importlib.import_module("benchside.stages.clinical.analyse.first_event"))
    assert (found.failed, found.attempted) == (0, 3)
