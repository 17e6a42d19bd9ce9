"""The steps of a trial in a study: what they refuse before anything is computed, and what they leave out without refusing."""

import polars as pl
import pytest

from benchside.core.errors import TableError
from benchside.core.evidence import EvidenceSet, Origin
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.stages.clinical.stage import STAGE
from tests.stages.clinical.test_stage import run

ADSL = {"USUBJID": ["1", "2", "3", "4"], "RANDDT": ["2020-01-01"] * 4, "TRT01P": ["a", "a", "b", "b"], "ITTFL": ["Y"] * 4}
SEEN = {
    "1": ("PR", "PR", "SD", "PD"), "2": ("PR", "PR", "SD", "SD"), "3": ("SD", "SD", "PD", "PD"), "4": ("SD", "PD", "PD", "PD"),
}  # fmt: skip
VISITS = ("2020-02-26", "2020-04-22", "2020-06-17", "2020-08-12")
DERIVED = {"parameter": "OVR", "visit_every_days": 56}


@pytest.fixture
def trial(tmp_path):
    """Write ADSL and ADRS of four patients; return a runner of sections over them."""

    def write(adsl=None, adrs=None):
        rows = [(who, "OVR", day, word) for who, words in SEEN.items() for day, word in zip(VISITS, words, strict=True)]
        responses = pl.DataFrame(rows, schema=["USUBJID", "PARAMCD", "ADT", "AVALC"], orient="row") if adrs is None else adrs
        pl.DataFrame({**ADSL, **(adsl or {})}).write_csv(tmp_path / "adsl.csv")
        responses.write_csv(tmp_path / "adrs.csv")

    def made(adsl=None, adrs=None, **section):
        write(adsl, adrs)
        return run(ClinicalSettings(adsl="adsl.csv", adrs="adrs.csv", **section), tmp_path)

    return made


def test_every_derived_time_names_the_record_it_rests_on(trial):
    made = trial(control="b", endpoints=[{"name": "PFS", "derive": "PFS", **DERIVED}])
    events = made["clinical.derive_tte"].table
    assert events["event"].to_list() == [1, 0, 1, 1]
    rows = {row["USUBJID"]: row["source_ref"] for row in events.iter_rows(named=True)}
    assert [rows[who].split("!")[1] for who in "1234"] == ["row 4", "row 8", "row 11", "row 14"]  # PD, last SD, PD, PD of ADRS
    assert all(ref.startswith("adrs.csv@") for ref in rows.values())


def test_without_a_responder_in_the_control_its_duration_is_described_and_not_compared(trial):
    made = trial(control="b", endpoints=[{"name": "DOR", "derive": "DOR", **DERIVED}])
    assert made["clinical.kaplan_meier"].table["arm"].to_list() == ["a"]
    for verb in ("log_rank", "cox", "proportional_hazards", "schoenfeld", "restricted_mean"):
        product = made[f"clinical.{verb}"]
        assert product.table.is_empty()
        one = STAGE.verbs[f"clinical.{verb}"]
        assert EvidenceSet(product.table, one.quantities, one.key, Origin(verb, "1", {})).records() == []


def test_a_swimmer_nobody_asked_for_does_not_refuse_the_study(trial):
    made = trial(endpoints=[{"name": "PFS", "derive": "PFS", **DERIVED}])
    assert made["clinical.treatment"].table.is_empty()
    dated = {"TRTSDT": ["2020-01-02"] * 4, "TRTEDT": ["2020-08-12", None, "2020-06-17", "2020-04-22"]}
    made = trial(dated, endpoints=[{"name": "PFS", "derive": "PFS", **DERIVED}], responses=[{"parameter": "OVR"}])
    treated = made["clinical.treatment"].table
    assert treated["ongoing"].to_list() == [False, True, False, False]
    assert treated["response_months"].is_null().to_list() == [False, False, True, True]
    assert treated["progression_months"].is_null().to_list() == [False, True, False, False]


def test_a_subject_that_never_started_is_named_and_not_lost(trial):
    blank = {"RANDDT": ["2020-01-01", None, "2020-01-01", "2020-01-01"], "ITTFL": ["Y", "N", "Y", "Y"]}
    section = {"name": "PFS", "derive": "PFS", **DERIVED}
    with pytest.raises(TableError, match=r"adsl\.csv, row 2: subject 2 has no RANDDT \(1 such subjects\).*ITTFL"):
        trial(blank, endpoints=[section])
    made = trial(blank, endpoints=[{**section, "subjects": {"ITTFL": "Y"}}])
    assert made["clinical.derive_tte"].table["USUBJID"].to_list() == ["1", "3", "4"]


def test_assessments_of_a_stranger_are_named_and_not_lost(trial):
    stranger = pl.DataFrame({"USUBJID": ["1", "9"], "PARAMCD": ["OVR"] * 2, "ADT": ["2020-02-26"] * 2, "AVALC": ["SD", "PD"]})
    with pytest.raises(TableError, match=r"adrs\.csv, row 2: subject 9 is not in adsl\.csv"):
        trial(adrs=stranger, endpoints=[{"name": "PFS", "derive": "PFS", **DERIVED}])


def test_a_subject_twice_in_a_plain_table_is_refused(tmp_path):
    table = pl.DataFrame({"USUBJID": ["1", "1", "2"], "t": [1.0, 1.0, 2.0], "event": [1, 1, 0], "trt": ["a", "a", "b"]})
    table.write_csv(tmp_path / "e.csv")
    section = ClinicalSettings(file="e.csv", time="t", time_unit="months", arm="trt", control="a")
    with pytest.raises(TableError, match=r"e\.csv: USUBJID 1 has 2 rows"):
        run(section, tmp_path)


def test_responders_of_who_had_started_by_the_cut_off(trial):
    late = {"RANDDT": ["2020-01-01", "2020-01-01", "2020-01-01", "2020-05-01"]}
    rows = [(who, "OVR", day, word) for who, words in SEEN.items() if who != "4" for day, word in zip(VISITS, words, strict=True)]
    seen = pl.DataFrame(rows, schema=["USUBJID", "PARAMCD", "ADT", "AVALC"], orient="row")
    made = trial(late, seen, control="b", responses=[{"parameter": "OVR", "cut_off": "2020-04-22"}])
    best = made["clinical.best_overall_response"].table
    assert dict(best.select("USUBJID", "response").iter_rows()) == {"1": "PR", "2": "PR", "3": "SD"}
    rates = made["clinical.objective_response"].table.filter(outcome="objective_response")
    assert dict(zip(rates["arm"], rates["rate"], strict=True)) == {"a": 1.0, "b": 0.0}
