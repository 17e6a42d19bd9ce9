import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError
from benchside.stages.clinical import best_overall_response, derive_tte, duration_of_response, kaplan_meier
from tests.shared_data import shared


def adam(name):
    return pl.read_csv(shared("data", "clinical", name), infer_schema_length=None, null_values=["", "NA"])


@pytest.mark.parametrize(("endpoint", "parameter", "rows"), [("PFS", "PFS", 254), ("OS", "OS", 254), ("DOR", "RSD", 4)])
def test_times_and_flags_equal_the_adam_table(endpoint, parameter, rows):
    adrs, adsl, adtte = adam("adrs_onco.csv"), adam("adsl.csv"), adam("adtte_onco.csv")
    where = {"ANL01FL": "Y"}
    responses = best_overall_response(adrs, parameter="OVR", confirmed=False, where=where) if endpoint == "DOR" else None
    found = derive_tte(adrs, adsl, endpoint=endpoint, rule="EMA", parameter="OVR", where=where, responses=responses).table
    wanted = adtte.filter(pl.col("PARAMCD") == parameter).select(
        "USUBJID", want="AVAL", flag="CNSR", day=pl.col("ADT").str.to_date()
    )
    joined = wanted.join(found, on="USUBJID")
    assert joined.height == wanted.height == rows
    assert joined["AVAL"].to_list() == joined["want"].to_list()
    assert joined["CNSR"].to_list() == joined["flag"].to_list()
    assert joined["ADT"].to_list() == joined["day"].to_list()


def case(assessments, *, death=None, therapy=None, alive=None, based="Y"):
    """One subject, randomised on 1 January 2020, seen every 56 days."""
    adrs = pl.DataFrame(
        {"USUBJID": ["1"] * len(assessments), "ADT": [d for d, _ in assessments], "AVALC": [r for _, r in assessments]},
        schema={"USUBJID": pl.String, "ADT": pl.String, "AVALC": pl.String},
    )
    schema = dict.fromkeys(("USUBJID", "ARM", "RANDDT", "DTHDT", "NACTDT", "LSTALVDT", "BASEFL"), pl.String)
    adsl = pl.DataFrame([["1", "A", "2020-01-01", death, therapy, alive, based]], schema=schema, orient="row")
    return adrs, adsl


def day(data, **settings):
    row = derive_tte(*data, visit_every_days=56, **settings).table.row(0, named=True)
    return row["AVAL"], row["CNSR"], row["CNSDTDSC"] or row["EVNTDESC"]


SD, GONE = ("2020-02-26", "SD"), ("2020-09-01", "PD")  # days 57 and 245


@pytest.mark.parametrize(
    ("data", "fda", "ema"),
    [
        (case([SD, ("2020-04-22", "PD")]), (113, 0), (113, 0)),
        (case([SD, ("2020-06-01", "NE")]), (57, 1), (57, 1)),  # NE is no adequate assessment
        (case([SD, GONE]), (57, 3), (245, 0)),  # 188 days between: more than two visits missed
        (case([SD, ("2020-04-22", "PD")], therapy="2020-03-15"), (57, 2), (113, 0)),
        (case([SD], death="2020-03-20"), (80, 0), (80, 0)),
        (case([SD], death="2020-12-01"), (57, 3), (336, 0)),  # death after a gap
        (case([SD], death="2020-03-20", therapy="2020-03-01"), (57, 2), (80, 0)),
        (case([], death="2020-03-01"), (61, 0), (61, 0)),  # death before two visits were missed
        (case([], death="2020-08-01"), (1, 3), (214, 0)),
        (case([]), (1, 1), (1, 1)),
        (case([("2020-02-26", "PD"), ("2020-04-22", "CR")]), (57, 0), (57, 0)),
    ],
)
def test_the_two_rules(data, fda, ema):
    assert day(data, rule="FDA")[:2] == fda
    assert day(data, rule="EMA")[:2] == ema


def test_the_other_endpoints():
    data = case([SD, ("2020-04-22", "PD")], death="2020-06-01", alive="2020-06-01")
    assert day(data, endpoint="OS") == (153, 0, "Death")
    assert day(data, endpoint="TTP", rule="EMA")[:2] == (113, 0)
    died = case([SD], death="2020-03-20")
    assert day(died, endpoint="CNS TTP", rule="EMA") == (57, 1, "Last adequate assessment")
    assert day(case([SD], alive="2020-05-01"), endpoint="OS") == (122, 1, "Last known alive")
    assert day(case([SD]), endpoint="OS")[:2] == (1, 1)


def test_midpoint_cut_off_and_no_baseline():
    data = case([SD, ("2020-04-22", "PD")])
    assert day(data, progression_date="midpoint")[:2] == (85, 0)
    assert day(data, cut_off="2020-03-31")[:2] == (57, 1)
    unbased = case([SD, ("2020-04-22", "PD")], based="N")
    assert day(unbased, baseline="BASEFL") == (1, 4, "Start: no baseline assessment")
    assert day(unbased, baseline="BASEFL", rule="EMA")[:2] == (113, 0)


def test_the_source_and_the_estimand_are_named():
    data = case([SD, GONE])
    found = derive_tte(*data, visit_every_days=56, population="all randomised")
    row = found.table.row(0, named=True)
    assert (row["SRCDOM"], row["SRCVAR"], str(row["SRCDT"])) == ("ADRS", "ADT", "2020-02-26")
    assert found.estimand["population"] == "all randomised"
    assert "censored before the gap" in found.estimand["intercurrent_events"]
    events = found.events(control="A")
    assert events.table["time_months"][0] == pytest.approx(57 / 30.4375)
    assert kaplan_meier(events).table["events"].to_list() == [0]


def test_duration_starts_at_the_confirmed_response():
    data = case([("2020-02-26", "PR"), ("2020-04-22", "PR"), ("2020-06-17", "PD")])
    found = duration_of_response(*data, visit_every_days=56).table
    assert found.select("AVAL", "CNSR").rows() == [(113, 0)]
    assert duration_of_response(*case([SD]), visit_every_days=56).table.height == 0
    with pytest.raises(SettingError, match="Leave out endpoint"):
        duration_of_response(*data, endpoint="PFS")


def test_what_is_missing_is_asked_for():
    data = case([SD])
    with pytest.raises(SettingError, match="visit_every_days"):
        derive_tte(*data)
    with pytest.raises(SettingError, match="rule is 'FDAA'"):
        derive_tte(*data, rule="FDAA", visit_every_days=56)
    with pytest.raises(TableError, match="died on 2019-12-01, before its start"):
        derive_tte(*case([SD], death="2019-12-01"), visit_every_days=56)
    with pytest.raises(TableError, match="2 rows"):
        derive_tte(data[0], pl.concat([data[1], data[1]]), visit_every_days=56)
    with pytest.raises(TableError, match="RANDDT is missing"):
        derive_tte(data[0], data[1].drop("RANDDT"), visit_every_days=56)


def test_a_response_after_the_cut_off_makes_no_responder():
    adsl = pl.DataFrame({"USUBJID": ["1", "2"], "RANDDT": ["2020-01-01"] * 2, "ARM": ["a"] * 2})
    early = [("1", "2020-02-26", "PR"), ("1", "2020-04-22", "PR"), ("1", "2020-06-17", "SD")]
    late = [("2", "2020-02-26", "SD"), ("2", "2020-04-22", "PR"), ("2", "2020-06-17", "PR")]
    adrs = pl.DataFrame([*early, *late], schema=["USUBJID", "ADT", "AVALC"], orient="row")
    known = {"endpoint": "DOR", "rule": "EMA"}
    assert derive_tte(adrs, adsl, **known).table["USUBJID"].to_list() == ["1", "2"]
    assert derive_tte(adrs, adsl, **known, cut_off="2020-05-01").table["USUBJID"].to_list() == ["1"]


def test_duration_of_response_says_where_it_begins():
    adsl = pl.DataFrame({"USUBJID": ["1"], "RANDDT": ["2020-01-01"], "ARM": ["a"]})
    adrs = pl.DataFrame({"USUBJID": ["1"] * 2, "ADT": ["2020-02-26", "2020-04-22"], "AVALC": ["PR", "PR"]})
    assert "from the first confirmed response" in derive_tte(adrs, adsl, endpoint="DOR", rule="EMA").estimand["endpoint"]


def test_a_cut_off_that_is_no_date_is_refused_in_a_sentence():
    adsl = pl.DataFrame({"USUBJID": ["1"], "RANDDT": ["2020-01-01"], "ARM": ["a"]})
    adrs = pl.DataFrame({"USUBJID": ["1"], "ADT": ["2020-02-26"], "AVALC": ["SD"]})
    with pytest.raises(SettingError, match="a date as 2017-02-09, and is '2017-13-40'"):
        derive_tte(adrs, adsl, rule="EMA", cut_off="2017-13-40")


def test_assessments_of_nobody_are_refused_and_not_called_censored():
    adsl = pl.DataFrame({"USUBJID": ["1"], "RANDDT": ["2020-01-01"], "ARM": ["a"]})
    adrs = pl.DataFrame({"USUBJID": ["A-1"], "ADT": ["2020-02-26"], "AVALC": ["SD"]})
    with pytest.raises(TableError, match="none of its subjects is among the 1 of ADSL"):
        derive_tte(adrs, adsl, rule="EMA")


def test_two_assessors_make_no_time_to_event():
    data = case([SD, ("2020-03-20", "PD"), ("2020-04-22", "SD")])
    pooled = data[0].with_columns(RSEVAL=pl.Series(["INVESTIGATOR", "INDEPENDENT ASSESSOR", "INVESTIGATOR"]))
    with pytest.raises(TableError, match="RSEVAL holds INDEPENDENT ASSESSOR and INVESTIGATOR"):
        day((pooled, data[1]))
    assert day((pooled, data[1]), where={"RSEVAL": "INVESTIGATOR"})[:2] == (113, 1)


@pytest.mark.parametrize("cut_off", [None, "2020-06-30"])
def test_survival_needs_the_date_last_known_alive(cut_off):
    rows, subjects = case([SD])
    died = case([SD], death="2020-03-20")[1].with_columns(USUBJID=pl.lit("2"))
    both = pl.concat([subjects, died])
    with pytest.raises(
        TableError, match=r"ADSL: there is no LSTALVDT, and 1 subject is alive.*Add LSTALVDT, the date last known"
    ):
        derive_tte(rows, both.drop("LSTALVDT"), endpoint="OS", cut_off=cut_off)
    assert derive_tte(rows, died.drop("LSTALVDT"), endpoint="OS", cut_off=cut_off).table["AVAL"].to_list() == [80]
    late = case([SD], death="2020-12-01")[1].drop("LSTALVDT")
    if cut_off:  # who died after the cut-off was alive at it
        with pytest.raises(TableError, match="no LSTALVDT, and 1 subject is alive"):
            derive_tte(rows, late, endpoint="OS", cut_off=cut_off)
    assert derive_tte(rows, both.drop("LSTALVDT"), endpoint="PFS", rule="EMA").table.height == 2


THERAPY = [SD, ("2020-04-22", "PR"), ("2020-06-17", "PR"), ("2020-08-12", "PD")]


def test_a_response_to_new_therapy_is_none_under_the_rule_of_the_fda():
    after = case(THERAPY, therapy="2020-03-15")
    assert duration_of_response(*after, visit_every_days=56).table.height == 0
    assert duration_of_response(*after, rule="EMA").table["AVAL"].to_list() == [113]
    confirmed_after = case(THERAPY, therapy="2020-05-01")
    assert duration_of_response(*confirmed_after, visit_every_days=56).table.height == 0
    during = case(THERAPY, therapy="2020-06-17")  # therapy on the day of the confirming assessment, which still counts
    assert duration_of_response(*during, visit_every_days=56).table.select("AVAL", "CNSR").rows() == [(57, 2)]


def test_responses_that_are_given_count_up_to_new_therapy_too():
    rows, subjects = case(THERAPY, therapy="2020-03-15")
    responses = best_overall_response(rows.with_columns(TRTSDT=pl.lit("2020-01-01")))
    assert responses.table["response"].to_list() == ["PR"]
    given = {"endpoint": "DOR", "responses": responses}
    assert derive_tte(rows, subjects, **given, visit_every_days=56).table.height == 0
    assert derive_tte(rows, subjects, **given, rule="EMA").table.height == 1
    earlier = case(THERAPY, therapy="2020-05-01")[1]  # the response began before; how it was confirmed is the caller's
    assert derive_tte(rows, earlier, **given, visit_every_days=56).table.select("AVAL", "CNSR").rows() == [(1, 2)]
