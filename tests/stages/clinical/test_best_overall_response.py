import datetime as dt

import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError
from benchside.stages.clinical import best_overall_response, duration_of_response, time_to_response, tumour_response
from tests.shared_data import shared

ADMIRAL = {"expected_cbor_confirm28_window28": {}, "expected_cbor_confirm14_window28_acceptSD_maxNE0_missingNE": {
    "confirmation_days": 14, "max_not_evaluable": 0, "accept_stable": True, "missing": "NE"}}  # fmt: skip


def adam(name):
    return pl.read_csv(shared("data", "clinical", name), infer_schema_length=None, null_values=["", "NA"])


def visits(*rows, start="2020-01-01"):
    return pl.DataFrame(
        [{"USUBJID": subject, "TRTSDT": start, "ADT": date, "AVALC": response} for subject, date, response in rows]
    )


@pytest.mark.parametrize("column", ADMIRAL)
def test_the_worked_cases(column):
    cases = pl.read_csv(shared("reference", "clinical", "recist_cbor_cases.csv"), infer_schema_length=0)
    adrs = cases.select(USUBJID="usubjid", TRTSDT="trtsdt", ADT="adt", AVALC="ovr")
    got = dict(best_overall_response(adrs, **ADMIRAL[column]).table.select("USUBJID", "response").rows())
    wanted = {subject: response for subject, response in cases.select("usubjid", column).rows() if "(" not in response}
    assert {subject: got[subject] for subject in wanted} == wanted


@pytest.mark.parametrize(("confirmed", "parameter"), [(False, "BOR"), (True, "CBOR")])
def test_response_and_date_equal_the_adam_table(confirmed, parameter):
    rows = adam("adrs_onco.csv")
    got = best_overall_response(rows, parameter="OVR", confirmed=confirmed, stable_days=42, where={"ANL01FL": "Y"}).table
    wanted = rows.filter(pl.col("PARAMCD") == parameter).select("USUBJID", "AVALC", pl.col("ADT").str.to_date())
    joined = got.join(wanted, on="USUBJID")
    assert joined.height == 8
    assert joined["response"].to_list() == joined["AVALC"].to_list()
    assert joined["first_date"].to_list() == joined["ADT"].to_list()


def test_sums_equal_the_adam_table():
    rows = adam("adtr_onco.csv").filter(pl.col("PARAMCD") == "SDIAM")
    found = tumour_response(rows, sum_mm="AVAL", baseline="ABLFL", complete="ANL01FL").table
    joined = found.join(rows.with_columns(pl.col("ADT").str.to_date()), on=["USUBJID", "ADT"])
    assert joined.height == 19
    for got, wanted in (("baseline_mm", "BASE"), ("nadir_mm", "NADIR"), ("change_percent", "PCHG")):
        assert joined[got].to_list() == pytest.approx(joined[wanted].to_list(), rel=1e-12)
    assert (joined["target"] == "PD").to_list() == joined["PDFL"].eq_missing("Y").to_list()


def test_every_window_turns_at_its_day():
    pair = visits(("1", "2020-02-01", "PR"), ("1", "2020-02-29", "PR"))
    assert best_overall_response(pair).table["response"].to_list() == ["PR"]
    assert best_overall_response(pair, confirmation_days=29).table["response"].to_list() == ["SD"]
    single = visits(("1", "2020-01-29", "SD"))
    assert best_overall_response(single).table["response"].to_list() == ["SD"]
    assert best_overall_response(single, stable_days=29).table["response"].to_list() == ["NE"]


def test_the_trail_says_what_counted():
    rows = visits(("1", "2020-02-01", "PR"), ("1", "2020-03-01", "CR"), ("1", "2020-04-01", "PD"), ("1", "2020-05-01", "CR"))
    found = best_overall_response(rows)
    assert found.trail["role"].to_list() == ["the response starts here", "confirms it", "", "after the first PD: not counted"]
    row = found.table.row(0, named=True)
    assert (row["response"], row["confirmation_date"]) == ("PR", dt.date(2020, 3, 1))
    assert (row["assessments"], row["counted"]) == (4, 3)
    assert "28 d" in row["rule"]
    ended = rows.with_columns(NACTDT=pl.lit("2020-02-15"))
    assert best_overall_response(ended, end="NACTDT").table["response"].to_list() == ["SD"]
    assert best_overall_response(ended, end="NACTDT").trail["role"].to_list()[1] == "after the end date: not counted"


def test_the_response_date_is_the_first_of_cr_and_pr():
    rows = visits(("1", "2020-02-01", "PR"), ("1", "2020-03-01", "CR"), ("1", "2020-04-01", "CR"))
    found = best_overall_response(rows)
    assert found.table["response"].to_list() == ["CR"]
    assert found.table["response_date"].to_list() == [dt.date(2020, 2, 1)]
    adsl = pl.DataFrame({"USUBJID": ["1"], "TRTSDT": ["2020-01-01"], "RANDDT": ["2020-01-01"], "ARM": ["A"]})
    assert time_to_response(found, adsl)["time_months"][0] == pytest.approx(32 / 30.4375)
    durations = duration_of_response(rows, adsl, visit_every_days=42).table
    assert durations.select("AVAL", "CNSR").rows() == [(61, 1)]


def test_new_lesions_and_non_targets_decide_too():
    base = {"USUBJID": ["1"] * 5, "TRTSDT": ["2020-01-01"] * 5, "sum_mm": [50.0, 0, 0, 40, 40]}
    dates = ["2019-12-20", "2020-02-01", "2020-03-01", "2020-04-01", "2020-05-01"]
    frame = pl.DataFrame(
        {**base, "ADT": dates, "NT": [None, "NON-CR/NON-PD", "CR", "NE", "PD"], "NEW": ["N", "N", "N", "Y", "N"]}
    )
    found = tumour_response(frame, non_target="NT", new_lesion="NEW")
    assert found.table["AVALC"].to_list() == ["PR", "CR", "PD", "PD"]
    assert found.best["best_change_percent"].to_list() == [-100.0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (visits(("1", "2020-02-01", "iUPD")), "AVALC must be one of"),
        (visits(("1", "2020-02-01", "PR"), ("1", "2020-02-01", "SD")), "2 rows, and one is expected"),
        (visits(("1", "2020-02", "PR")), "full dates"),
        (visits(("1", "2020-02-01", "PR"), start=None), "no start date"),
    ],
)
def test_what_cannot_be_read_is_refused(rows, words):
    with pytest.raises(TableError, match=words):
        best_overall_response(rows)


def test_parameters_are_not_mixed_and_settings_are_checked():
    rows = visits(("1", "2020-02-01", "PR")).with_columns(PARAMCD=pl.lit("OVR"))
    mixed = pl.concat([rows, rows.with_columns(PARAMCD=pl.lit("CNS"))])
    with pytest.raises(TableError, match="Name the one"):
        best_overall_response(mixed)
    with pytest.raises(TableError, match="did you mean 'OVR'"):
        best_overall_response(mixed, parameter="OVRR")
    with pytest.raises(SettingError, match="whole numbers of 0 or more"):
        best_overall_response(rows, confirmation_days=-1)
    with pytest.raises(TableError, match="0 mm or more"):
        tumour_response(rows.with_columns(sum_mm=pl.lit(-3.0)))


def test_two_assessors_are_not_pooled_even_when_their_dates_differ():
    rows = visits(("1", "2020-02-01", "PR"), ("1", "2020-03-15", "SD"), ("1", "2020-04-01", "PR"))
    pooled = rows.with_columns(EVAL=pl.Series(["INVESTIGATOR", "INDEPENDENT ASSESSOR", "Investigator"]))
    with pytest.raises(TableError, match="EVAL holds INDEPENDENT ASSESSOR and INVESTIGATOR: keep one with where="):
        best_overall_response(pooled)
    alone = best_overall_response(pooled, where={"EVAL": "INVESTIGATOR"}).table
    assert alone["assessments"].to_list() == [1]
    assert best_overall_response(rows.with_columns(EVAL=pl.Series(["INVESTIGATOR", None, " investigator "]))).table.height == 1


@pytest.mark.parametrize("column", ["EVAL", "EVALID", "RSEVAL", "RSEVALID"])
def test_every_column_of_the_assessor_is_looked_at(column):
    rows = visits(("1", "2020-02-01", "PR"), ("2", "2020-03-15", "SD"), ("3", "2020-03-15", "SD"))
    read = rows.with_columns(pl.Series(column, ["RADIOLOGIST 1", "RADIOLOGIST 2", "RADIOLOGIST 3"]))
    with pytest.raises(TableError, match=f"{column} holds RADIOLOGIST 1, RADIOLOGIST 2 and RADIOLOGIST 3"):
        best_overall_response(read)


def test_accepted_reads_are_of_one_reader_each_and_stay():
    rows = visits(("1", "2020-02-01", "PR"), ("1", "2020-02-02", "SD"), ("2", "2020-02-01", "SD"), ("2", "2020-02-02", "PD"))
    read = rows.with_columns(
        RSEVALID=pl.Series(["RADIOLOGIST 1", "RADIOLOGIST 2"] * 2), RSACPTFL=pl.Series(["Y", None, None, "Y"])
    )
    with pytest.raises(TableError, match="RSEVALID holds"):
        best_overall_response(read)
    kept = best_overall_response(read, where={"RSACPTFL": "Y"}, confirmed=False).table
    assert kept["response"].to_list() == ["PR", "PD"]
    both = read.with_columns(RSEVAL=pl.Series(["INVESTIGATOR", None, None, "INDEPENDENT ASSESSOR"]))
    with pytest.raises(TableError, match="RSEVAL holds"):
        best_overall_response(both, where={"RSACPTFL": "Y"})


@pytest.mark.parametrize("name", ["adrs_onco.csv", "admiral_adrs.csv"])
def test_real_assessments_of_one_assessor_are_read_and_of_two_refused(name):
    rows = adam(name).filter(pl.col("PARAMCD") == "OVR")
    assert best_overall_response(rows).table.height == rows["USUBJID"].n_unique()
    other = rows.with_columns(RSEVAL=pl.lit("INDEPENDENT ASSESSOR"), ADT=pl.col("ADT").str.to_date() + pl.duration(days=1))
    two = pl.concat([rows.with_columns(pl.col("ADT").str.to_date()), other])
    with pytest.raises(TableError, match="RSEVAL holds"):
        best_overall_response(two)
    kept = best_overall_response(two, where={"RSEVAL": "INVESTIGATOR"}).table
    assert kept.rows() == best_overall_response(rows).table.rows()
