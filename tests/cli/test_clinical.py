"""The clinical commands as a user runs them: numbers by hand and from R, what is said beside them, and wrong input of each kind."""

import json
from pathlib import Path

import polars as pl
import pytest

from benchside.cli.main import run_app
from benchside.stages import clinical
from tests.shared_data import shared

PFS_DAYS = {"1": 57, "2": 113, "3": 57, "4": 29}


@pytest.fixture
def trial(tmp_path) -> Path:
    """Four subjects: two progress, one dies, one goes on; every date is known."""
    visits = [
        ("1", "OVR", "2020-02-26", "PD"), ("2", "OVR", "2020-02-26", "PR"), ("2", "OVR", "2020-04-22", "PD"),
        ("3", "OVR", "2020-02-26", "PR"), ("4", "OVR", "2020-01-29", "SD"), ("1", "CNS", "2020-02-26", "PD"),
        ("2", "CNS", "2020-02-26", "SD"), ("3", "CNS", "2020-02-26", "NED"), ("4", "CNS", "2020-01-29", "SD"),
    ]  # fmt: skip
    pl.DataFrame(visits, schema=["USUBJID", "PARAMCD", "ADT", "AVALC"], orient="row").write_csv(tmp_path / "adrs.csv")
    subjects = {
        "USUBJID": ["1", "2", "3", "4", "5"], "TRT01P": ["old", "new", "new", "old", "none"], "SEX": ["f", "m", "f", "m", "f"],
        "TRT01A": ["old", "new", "new", "old", "none"], "RANDDT": ["2020-01-01"] * 4 + [None], "AGE": [50, 60, 70, 80, 90],
        "LSTALVDT": ["2020-12-31"] * 4 + [None],
        "TRTSDT": ["2020-01-01"] * 4 + [None], "TRTEDT": ["2020-12-30"] * 4 + [None], "SAFFL": ["Y"] * 4 + ["N"],
        "DTHDT": [None, None, None, "2020-02-10", None],
    }  # fmt: skip
    pl.DataFrame(subjects).write_csv(tmp_path / "adsl.csv")
    events = {"USUBJID": ["1", "1", "2"], "AEDECOD": ["RASH", "NAUSEA", "RASH"], "AETOXGR": [3, 1, 1], "TRTEMFL": ["Y"] * 3}
    pl.DataFrame(events).write_csv(tmp_path / "adae.csv")
    return tmp_path


@pytest.fixture
def adtte(tmp_path) -> Path:
    """Twelve subjects of two parameters; in FIRST every event has a cause."""
    n, rows = 12, []
    for code in ("PFS", "FIRST"):
        for k in range(n):
            censored = int(k % 4 == 3)
            cause = "Censored" if censored else ("CNS progression", "Death")[k % 2]
            rows.append(
                (f"S{k:02}", code, 30 * (k + 1), "DAYS", censored, cause, ("a", "b")[k % 2], ("f", "m")[k // 2 % 2], k % 5)
            )
    names = ["USUBJID", "PARAMCD", "AVAL", "AVALU", "CNSR", "EVNTDESC", "TRT01P", "SEX", "SCORE"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(tmp_path / "adtte.csv")
    return tmp_path / "adtte.csv"


def found(capsys, *words) -> dict:
    assert run_app(["clinical", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def printed(capsys, *words) -> str:
    assert run_app(["clinical", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(capsys, parts, *words) -> None:
    assert run_app(["clinical", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1, captured.err
    assert not captured.out
    for part in parts:
        assert part in captured.err, captured.err


def test_adtte_gives_what_the_library_gives(adtte, capsys):
    words = ["analyse", adtte, "--parameter", "PFS", "--control", "a", "--at", "2,100", "--by", "SEX", "--covariates", "SCORE"]
    answer = found(capsys, *words, "--strata", "SEX", "--conventions", "sas")
    events = clinical.read_adtte(adtte, parameter="PFS", control="a", strata=["SEX"])
    expected = clinical.cox(events, covariates=["SCORE"], conventions="sas").table
    assert answer["cox"] == expected.to_dicts()
    assert answer["log_rank"]["chi2"] == clinical.log_rank(events).chi2
    forest = clinical.subgroups(events, ["SEX"], conventions="sas").table
    assert pl.DataFrame(answer["subgroups"], schema=forest.schema).drop("status").equals(forest.drop("status"))
    assert answer["strata"] == ["SEX"]
    assert (answer["n"], answer["parameter"], answer["conventions"]["conventions"]) == (12, "PFS", "SAS")
    late = [row for row in answer["landmarks"] if row["time_months"] == 100]
    assert [row["survival"] for row in late] == [clinical.kaplan_meier(events).at([100]).table["survival"][k] for k in (0, 1)]
    text = printed(capsys, *words, "--strata", "SEX")
    for said in ("Conventions: benchside (Efron ties", "Strata: SEX.", "NE", "stratified by SEX", "interaction_p"):
        assert said in text


def test_without_a_control_it_is_descriptive_and_says_so(adtte, tmp_path, capsys):
    out = tmp_path / "medians.csv"
    text = printed(capsys, "analyse", adtte, "--parameter", "PFS", "--out", out)
    assert "nothing is compared" in text
    assert "hazard" not in text
    table = pl.read_csv(out)
    assert table["arm"].to_list() == ["a", "b"]
    assert table["median_months"][0] == pytest.approx(180 / 30.4375)  # a: events at 30, 90, .. 330 d; one half from 150 to 210
    assert "cox" not in found(capsys, "analyse", adtte, "--parameter", "PFS")


def test_an_arm_without_events_is_ne_and_firth_gives_a_ratio(tmp_path, capsys):
    pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1, 1, 1, 0, 0, 0], "arm": ["a"] * 3 + ["b"] * 3}).write_csv(
        tmp_path / "t.csv"
    )
    words = ["analyse", tmp_path / "t.csv", "--time-unit", "months", "--control", "a"]
    text = printed(capsys, *words)
    assert "NE" in text
    assert "--firth gives a penalised one" in text
    (row,) = found(capsys, *words, "--firth")["cox"]
    assert 0 < row["hazard_ratio"] < 1
    assert "Firth" in row["estimator"]


def test_filters_of_numbers_are_numbers(adtte, tmp_path, capsys):
    assert found(capsys, "analyse", adtte, "--parameter", "PFS", "--where", "SCORE=1")["n"] == 3
    plain = pl.DataFrame({"time": [1, 2], "event": [1, 1], "arm": ["a", "a"], "site": [1.0, 2.0], "code": ["1", "1x"]})
    plain.write_csv(tmp_path / "plain.csv")
    words = ["analyse", tmp_path / "plain.csv", "--time-unit", "months"]
    assert found(capsys, *words, "--where", "site=2")["n"] == 1
    assert found(capsys, *words, "--where", "code=1")["n"] == 1


def test_causes_by_the_description_of_the_event(adtte, capsys):
    causes = ["--causes", "CNS progression=1,Death=2", "--cause", "Death"]
    words = ["analyse", adtte, "--parameter", "FIRST", "--control", "b", "--at", "6,900"]
    answer = found(capsys, *words, *causes)
    assert "kaplan_meier" not in answer
    events = clinical.read_adtte(adtte, parameter="FIRST", control="b")
    codes = pl.col("EVNTDESC").replace_strict({"CNS progression": 1, "Death": 2}, default=0, return_dtype=pl.Int64)
    table = events.table.with_columns(event=codes)
    events = clinical.EventTable(table, control="b", causes={"CNS progression": 1, "Death": 2})
    assert answer["fine_gray"] == clinical.fine_gray(events, cause="Death").table.to_dicts()
    assert answer["gray"]["chi2"] == clinical.gray_test(events, cause="Death").chi2
    late = {row["arm"]: row["incidence"] for row in answer["cumulative_incidence"] if row["time_months"] == 900}
    assert late == {"b": None, "a": 0.0}  # of b some are censored; all of a had the other event
    text = printed(capsys, *words, *causes)
    assert "Cause: Death; competing: CNS progression" in text
    assert "1 - Kaplan-Meier is not offered" in text
    assert "Kaplan-Meier (" not in text


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ("PFS", "FIRST", "--parameter")),
        (["--parameter", "PSF"], ("did you mean 'PFS'",)),
        (["--parameter", "PFS", "--control", "A"], ("did you mean 'a'",)),
        (["--parameter", "PFS", "--time", "AVAL"], ("--time",)),
        (["--parameter", "PFS", "--event", "EVNTDESC"], ("CNSR", "--causes")),
        (["--parameter", "PFS", "--cause", "Death"], ("--causes cns=1,other=2",)),
        (["--parameter", "PFS", "--causes", "Death"], ("NAME=CODE",)),
        (["--parameter", "PFS", "--causes", "x=1,y=1"], ("'y=1'", "of its own")),
        (["--parameter", "PFS", "--causes", "Death=1"], ("CNS progression", "every kind of event")),
        (["--parameter", "PFS", "--causes", "CNS progression=1,Death=2", "--cause", "cns"], ("none of its causes",)),
        (["--parameter", "PFS", "--causes", "a=1", "--by", "SEX"], ("--by",)),
        (["--parameter", "PFS", "--by", "SEX"], ("--control",)),
        (["--parameter", "PFS", "--control", "a", "--by", "NOPE"], ("NOPE",)),
        (["--parameter", "PFS", "--control", "a", "--strata", "NOPE"], ("NOPE",)),
        (["--parameter", "PFS", "--control", "a", "--covariates", "USUBJID,NOPE"], ("NOPE",)),
        (["--parameter", "PFS", "--at", "6;12"], ("--at", "6,12,24")),
        (["--parameter", "PFS", "--at", "nan"], ("--at", "0 or more")),
        (["--parameter", "PFS", "--conventions", "spss"], ("'spss'", "r or sas")),
        (["--parameter", "PFS", "--time-unit", "weeks"], ("AVALU",)),
        (["--parameter", "PFS", "--where", "SEX"], ("COLUMN=VALUE",)),
        (["--parameter", "PFS", "--where", "SEX=x"], ("f, m",)),
        (["--parameter", "PFS", "--adsl", "none.csv"], ("none.csv", "does not exist")),
        (["--parameter", "PFS", "--out", "t.doc"], (".csv, .parquet",)),
    ],
)
def test_a_wrong_analysis_is_one_sentence(adtte, capsys, words, parts):
    refused(capsys, parts, "analyse", adtte, *words)


def test_wrong_files_are_one_sentence(tmp_path, capsys):
    (tmp_path / "empty.csv").touch()
    refused(capsys, ("empty.csv", "0 bytes"), "analyse", tmp_path / "empty.csv")
    refused(capsys, ("none.csv", "does not exist"), "analyse", tmp_path / "none.csv")
    (tmp_path / "bad.json").write_text("{")
    refused(capsys, ("bad.json", "Dataset-JSON"), "analyse", tmp_path / "bad.json")
    refused(capsys, ("--time", "AVAL"), "analyse", tmp_path / "bad.json", "--time", "t")
    pl.DataFrame({"time": [1], "event": [1], "arm": ["a"]}).write_csv(tmp_path / "one.csv")
    words = ["analyse", tmp_path / "one.csv", "--time-unit", "months"]
    refused(capsys, ("plain table", "--adsl"), *words, "--adsl", tmp_path / "one.csv")
    refused(capsys, ("only a",), *words, "--control", "a")


def test_derive_counts_states_the_estimand_and_writes_adtte(trial, capsys):
    out = trial / "adtte.csv"
    words = ["derive", trial / "adrs.csv", trial / "adsl.csv", "--endpoint", "pfs", "--parameter", "OVR"]
    text = printed(capsys, *words, "--visit-every-days", "56", "--out", out)
    for said in ("Population: all subjects of adsl.csv with a RANDDT", "FDA's rule", "112 d", "4 subjects ended (3 events)"):
        assert said in text
    table = pl.read_csv(out, schema_overrides={"USUBJID": pl.String})
    assert dict(table.select("USUBJID", "AVAL").iter_rows()) == {**PFS_DAYS, "4": 41}  # 4 died on day 41
    assert table["CNSR"].to_list() == [0, 0, 1, 0]
    assert found(capsys, "analyse", out, "--control", "old")["events"] == 3  # what is written is read
    early = found(capsys, *words, "--rule", "EMA", "--cut-off", "2020-02-01")
    assert early["events"] == 0
    assert "data cut-off 2020-02-01" in early["estimand"]["endpoint"]
    only = found(capsys, *words, "--rule", "EMA", "--subjects", "AGE=60")
    assert (only["n"], only["estimand"]["population"]) == (1, "AGE=60")


def test_the_first_event_is_derived_and_analysed_by_cause(trial, capsys):
    out = trial / "first.csv"
    words = ["derive", trial / "adrs.csv", trial / "adsl.csv", "--endpoint", "CNS first", "--parameter", "OVR", "--brain", "CNS"]
    counts = {row["EVNTDESC"]: (row["new"], row["old"]) for row in found(capsys, *words, "--out", out)["counts"]}
    assert counts == {"CNS progression": (0, 1), "Death": (0, 1), "Non-CNS progression": (1, 0), "Censored": (1, 0)}
    risks = found(capsys, "analyse", out, "--causes", "CNS=1,non-CNS=2,death=3", "--at", "1.5,2")
    assert risks["cause"] == "CNS"
    assert {row["arm"]: row["events"] for row in risks["first_events"]} == {"new": 0, "old": 1}
    last = {row["arm"]: row["incidence"] for row in risks["cumulative_incidence"] if row["time_months"] == 2}
    assert last["old"] == 0.5  # death at 41 d, then CNS at 57 d of the one left: 1/2 of 1


def test_a_response_after_the_cut_off_is_not_known(trial, capsys):
    words = ["derive", trial / "adrs.csv", trial / "adsl.csv", "--endpoint", "DOR", "--parameter", "OVR", "--rule", "EMA"]
    refused(capsys, ("DOR", "responded up to the cut-off 2020-02-26"), *words, "--cut-off", "2020-02-26")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--endpoint", "PFX"], ("did you mean 'PFS'",)),
        (["--endpoint", "PFS"], ("--visit-every-days",)),
        (["--endpoint", "PFS", "--rule", "FDR"], ("FDA or EMA",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--cut-off", "9.2.2017"], ("--cut-off", "2017-02-09")),
        (["--endpoint", "PFS", "--rule", "EMA", "--cut-off", "2001-01-01"], ("RANDDT", "cut-off 2001-01-01")),
        (["--endpoint", "PFS", "--rule", "EMA", "--start", "NOPE"], ("NOPE",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--start", "DTHDTX"], ("did you mean 'DTHDT'",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--arm", "NOPE"], ("NOPE",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--brain", "CNS"], ("--brain",)),
        (["--endpoint", "CNS first"], ("--brain CNSIRC",)),
        (["--endpoint", "CNS first", "--brain", "CNS", "--baseline", "SAFFL"], ("--baseline",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--subjects", "SEX=x"], ("f, m",)),
        (["--endpoint", "PFS", "--rule", "EMA", "--where", "NOPE=1"], ("adrs.csv", "NOPE")),
        (["--endpoint", "PFS", "--rule", "EMA", "--where", "AVALC=PD", "--where", "AVALC=PR"], ("twice",)),
    ],
)
def test_a_wrong_derivation_is_one_sentence(trial, capsys, words, parts):
    refused(capsys, parts, "derive", trial / "adrs.csv", trial / "adsl.csv", "--parameter", "OVR", *words)


def test_adrs_without_the_subjects_is_refused_and_not_all_censored(trial, capsys):
    (trial / "none.csv").write_text("USUBJID,PARAMCD,ADT,AVALC\n")
    words = [trial / "none.csv", trial / "adsl.csv"]
    refused(capsys, ("none.csv", "no subject"), "derive", *words, "--endpoint", "PFS", "--rule", "EMA")
    refused(capsys, ("none.csv", "no subject"), "respond", *words)
    assert found(capsys, "derive", *words, "--endpoint", "OS")["events"] == 1


def test_respond_counts_rates_and_differences(trial, capsys):
    out = trial / "best.csv"
    words = ["respond", trial / "adrs.csv", trial / "adsl.csv", "--parameter", "OVR", "--unconfirmed", "--by", "SEX"]
    answer = found(capsys, *words, "--control", "old", "--out", out)
    rates = {(row["outcome"], row["arm"], row["subgroup"]): row for row in answer["rates"]}
    best = rates["objective_response", "new", "all"]
    assert (best["responders"], best["n"], best["upper"]) == (2, 2, 1.0)
    assert best["lower"] == pytest.approx(0.025**0.5)  # Clopper-Pearson of 2 of 2
    assert rates["objective_response", "new", "SEX = f"]["n"] == 1
    assert [row["interval"].split()[0] for row in answer["differences"]] == ["Miettinen-Nurminen", "Newcombe"]
    assert {row["difference"] for row in answer["differences"]} == {1.0}
    table = pl.read_csv(out, schema_overrides={"USUBJID": pl.String})
    assert dict(table.select("USUBJID", "response").iter_rows()) == {"1": "PD", "2": "PR", "3": "PR", "4": "SD"}
    text = printed(capsys, *words[:-3])
    assert "confirmed after 28 d" in text
    assert "nothing is compared" in text


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ("CNS, OVR", "--parameter")),
        (["--parameter", "OVR", "--control", "placebo"], ("'placebo'", "new, old")),
        (["--parameter", "OVR", "--by", "NOPE"], ("NOPE",)),
        (["--parameter", "OVR", "--cut-off", "2020-13-01"], ("--cut-off",)),
        (["--parameter", "OVR", "--cut-off", "2020-01-02"], ("no subject", "cut-off")),
    ],
)
def test_a_wrong_response_is_one_sentence(trial, capsys, words, parts):
    refused(capsys, parts, "respond", trial / "adrs.csv", trial / "adsl.csv", *words)


def test_safety_counts_subjects_and_events(trial, capsys):
    out = trial / "ae.csv"
    words = ["safety", trial / "adae.csv", trial / "adsl.csv"]
    answer = found(capsys, *words, "--control", "old", "--out", out)
    rows = {(row["category"], row["arm"]): row for row in answer["adverse_events"]}
    assert (rows["any", "old"]["subjects"], rows["any", "old"]["records"], rows["any", "old"]["n"]) == (1, 2, 2)
    assert rows["grade 3 or higher", "new"]["risk_difference"] == -0.5
    assert rows["any", "old"]["risk_difference"] is None
    assert rows["any", "new"]["per_100_patient_years"] == pytest.approx(100 / (2 * 365 / 365.25))
    assert [row["category"] for row in answer["terms"]] == ["RASH", "RASH", "NAUSEA", "NAUSEA"]
    assert set(pl.read_csv(out)["kind"]) == {"category", "term"}
    assert "subjects with SAFFL = Y, events with TRTEMFL = Y" in printed(capsys, *words)
    refused(capsys, ("'placebo'", "new, old"), *words, "--control", "placebo")
    refused(capsys, ("TRT02A",), *words, "--arm", "TRT02A")
    (trial / "none.csv").write_text("USUBJID,AEDECOD\n")
    refused(capsys, ("none.csv", "no rows"), "safety", trial / "none.csv", trial / "adsl.csv")


def test_reconstructed_patients_say_that_they_are(tmp_path, capsys):
    curve = pl.DataFrame({"time_months": [0, 2, 2, 5, 5, 8], "survival": [1.0, 1.0, 0.75, 0.75, 0.5, 0.5]})
    curve.write_csv(tmp_path / "curve.csv")
    pl.DataFrame({"time_months": [0, 4], "at_risk": [4, 3]}).write_csv(tmp_path / "row.csv")
    words, out = ["reconstruct", tmp_path / "curve.csv", tmp_path / "row.csv"], tmp_path / "patients.csv"
    text = printed(capsys, *words, "--events", "2", "--arm", "a", "--out", out)
    assert "no patient data" in text
    assert "4 patients, 2 events; the curve is met to 0 " in text
    table = pl.read_csv(out)
    assert table.filter(pl.col("event") == 1)["time_months"].to_list() == [2.0, 5.0]
    assert table["reconstructed"].all()
    assert found(capsys, *words)["reconstructed"] is True
    assert "no patient data" in printed(capsys, "analyse", out, "--time", "time_months", "--time-unit", "months")
    refused(capsys, ("9 events", "--events"), *words, "--events", "9")
    refused(capsys, ("survival",), "reconstruct", tmp_path / "row.csv", tmp_path / "row.csv")
    pl.DataFrame({"time_months": [0, 3], "survival": [100, 50]}).write_csv(tmp_path / "percent.csv")
    refused(capsys, ("percent",), "reconstruct", tmp_path / "percent.csv", tmp_path / "row.csv")


def test_digitised_patients_as_r_has_them(capsys):
    file = shared("data", "clinical", "kmdata_dev.parquet")
    words = ["analyse", file, "--time-unit", "months", "--where", "trial=20050181_1A", "--control", "folfiri"]
    answer = found(capsys, *words, "--conventions", "r")
    assert answer["log_rank"]["chi2"] == pytest.approx(5.2622655263739, rel=1e-9)
    assert answer["cox"][0]["coefficient"] == pytest.approx(-0.200476574334817, rel=1e-9)
    assert found(capsys, *words, "--conventions", "sas")["cox"][0]["coefficient"] == pytest.approx(-0.194063904347803, rel=1e-9)


def test_causes_that_compete_as_r_has_them(capsys):
    file = shared("data", "clinical", "sim_cns_competing.csv")
    words = ["analyse", file, "--time-unit", "months", "--event", "status", "--causes", "cns=1,other=2,death=3"]
    answer = found(capsys, *words, "--cause", "cns", "--control", "crizotinib", "--covariates", "cns_baseline")
    assert answer["gray"]["chi2"] == pytest.approx(51.5625514460221, rel=1e-9)
    drug, baseline = answer["fine_gray"]
    assert (drug["coefficient"], drug["se"]) == pytest.approx((-1.80564909481168, 0.287630696267867), rel=1e-7)
    assert (baseline["hazard_ratio"], baseline["upper"]) == pytest.approx((1.90945292003299, 2.89754188161792), rel=1e-7)
    assert answer["cause_specific"][0]["coefficient"] == pytest.approx(-2.09611327504129, rel=1e-7)


def test_a_sas_transport_file_is_adtte(capsys):
    pytest.importorskip("pyreadstat")
    file = shared("data", "clinical", "pilot1_adtte.xpt")
    answer = found(capsys, "analyse", file, "--control", "Placebo", "--covariates", "AGE")
    assert answer["log_rank"]["chi2"] == pytest.approx(60.2695567390281, rel=1e-9)
    assert answer["cox"][2]["coefficient"] == pytest.approx(-0.0141231859718419, rel=1e-7)
    assert found(capsys, "analyse", file, "--where", "TRTAN=81")["n"] == 84  # its numbers are decimals
