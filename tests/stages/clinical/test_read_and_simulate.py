import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import FileError, SettingError, TableError, UnitError
from benchside.core.tables import file_hash
from benchside.stages.clinical import EventTable, Hazard, read, simulate
from benchside.stages.clinical.read import recognise
from benchside.stages.clinical.simulate import log_ratio

COLUMNS = {"time": "t", "time_unit": "days", "event": "e", "arm": "trt"}


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "data" / "trial.csv"
    path.parent.mkdir()
    path.write_text("t,e,trt,study,age\n60.875,1,a,X,50\n30.4375,0,b,Y,NA\n121.75,1,b,X,61\n")
    return path


def test_read_converts_keeps_columns_and_names_every_row(sheet, tmp_path):
    events = read(sheet, **COLUMNS, control="a", root=tmp_path)
    assert events.table["time_months"].to_list() == pytest.approx([2, 1, 4])
    assert events.table["age"].to_list() == [50, None, 61]
    assert events.control == "a"
    hashed = file_hash(sheet)[:12]
    assert events.table["source_ref"].to_list() == [f"data/trial.csv@{hashed}!row {n}" for n in (1, 2, 3)]


def test_the_filter_keeps_row_numbers(sheet):
    events = read(sheet, **COLUMNS, where={"study": "X", "age": 61})
    assert events.table["source_ref"].str.extract(r"row (\d+)$").to_list() == ["3"]
    assert events.table["source_ref"][0].startswith("trial.csv@")


def test_parquet_reads_as_csv_does(sheet, tmp_path):
    pl.read_csv(sheet, null_values=["NA"]).write_parquet(tmp_path / "trial.parquet")
    one, two = read(sheet, **COLUMNS), read(tmp_path / "trial.parquet", **COLUMNS)
    assert one.table.drop("source_ref").equals(two.table.drop("source_ref"))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"studi": "X"}, "did you mean 'study'"),
        ({"study": "Z"}, "no row has study = 'Z'"),
        ({"study": 3}, "holds text"),
        ({"age": "61"}, "holds numbers"),
    ],
)
def test_a_filter_that_cannot_hold_is_refused(sheet, where, words):
    with pytest.raises(TableError, match=words):
        read(sheet, **COLUMNS, where=where)


def test_unit_and_file_are_asked_for(sheet, tmp_path):
    with pytest.raises(UnitError, match="missing"):
        read(sheet, **(COLUMNS | {"time_unit": None}))
    with pytest.raises(FileError, match="absent"):
        read(tmp_path / "absent.csv", **COLUMNS)


def test_recognise(tmp_path, sheet):
    for name, header, expected in [
        ("yes.csv", "USUBJID,Time,EVENT,Arm", True),
        ("adtte.csv", "USUBJID,AVAL,CNSR,TRTP", False),
        ("pk.csv", "subject,time,concentration_nM,arm", False),
        ("empty.csv", "", False),
    ]:
        (tmp_path / name).write_text(f"{header}\n" if header else "")
        assert recognise(tmp_path / name) is expected, name
    pl.DataFrame({"time_months": [1.0], "status": [1], "treatment": ["a"]}).write_parquet(tmp_path / "yes.parquet")
    assert recognise(tmp_path / "yes.parquet")
    assert not recognise(tmp_path / "absent.csv")
    assert not recognise(sheet)


BASE = Hazard((0.1, 0.05), (6.0,))


def trial(**settings):
    return simulate({"chemo": BASE, "tki": BASE.times(0.5)}, **{"control": "chemo", "seed": 4, "patients": 30, **settings})


def test_simulate_gives_what_read_gives():
    events = trial()
    assert isinstance(events, EventTable)
    assert events.table.columns == ["time_months", "event", "arm", "USUBJID"]
    assert events.table["arm"].value_counts().sort("arm")["count"].to_list() == [30, 30]
    assert events.control == "chemo"


def test_a_patient_is_the_same_in_a_larger_trial_and_differs_by_seed():
    assert trial(patients=40).table.head(60).equals(trial().table)
    assert not trial(seed=5).table.equals(trial().table)


def test_visits_show_events_at_the_next_visit_within_follow_up():
    exact, seen = trial().table, trial(visit_every_months=2.0).table
    assert set(np.unique(seen["time_months"].to_numpy() % 2.0)) == {0.0}
    gained = (seen["event"] == 1) & (exact["event"] == 0)
    assert not gained.any()
    both = (seen["event"] == 1) & (exact["event"] == 1)
    wait = seen.filter(both)["time_months"] - exact.filter(both)["time_months"]
    assert wait.min() >= 0
    assert wait.max() < 2
    censored = seen["event"] == 0
    assert (seen.filter(censored)["time_months"] <= exact.filter(censored)["time_months"] + 2).all()


@pytest.mark.parametrize(("cumulative", "month"), [(0.3, 3.0), (0.6, 6.0), (0.7, 8.0)])
def test_onset_by_hand(cumulative, month):
    assert BASE.onset_months(cumulative) == pytest.approx(month)


def test_a_hazard_of_zero_never_comes():
    assert Hazard((0.0,)).onset_months(0.1) == math.inf
    assert Hazard((0.1, 0.0), (5.0,)).onset_months(0.6) == math.inf
    assert Hazard((0.0, 0.1), (5.0,)).onset_months(0.1) == pytest.approx(6.0)
    assert simulate({"a": Hazard((0.0,))}, control="a", seed=1, patients=5).table["event"].sum() == 0


def test_true_ratio():
    assert log_ratio(BASE.times(0.5), BASE) == pytest.approx(math.log(0.5))
    with pytest.raises(SettingError, match="not proportional"):
        log_ratio(Hazard((0.1,)), BASE)
    with pytest.raises(SettingError, match="not proportional"):
        log_ratio(Hazard((0.1, 0.1), (6.0,)), BASE)


@pytest.mark.parametrize("wrong", [{"patients": 0}, {"censoring_months": (9.0, 3.0)}, {"visit_every_months": 0.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match="Correct the number"):
        trial(**wrong)


@pytest.mark.parametrize("wrong", [((0.1, 0.2), ()), ((-0.1,), ()), ((0.1, 0.2, 0.3), (5.0, 4.0)), ((math.nan,), ())])
def test_a_hazard_is_checked_at_birth(wrong):
    with pytest.raises(SettingError, match="one break fewer"):
        Hazard(*wrong)
    with pytest.raises(SettingError, match="above 0"):
        Hazard.from_median(0)
