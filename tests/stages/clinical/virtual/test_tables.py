"""A simulated trial: its tables agree with each other, with RECIST 1.1 and with the calendar, and give back what they came from."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.core.exchange import EventTable
from benchside.stages.clinical import (
    Hazard,
    adverse_events,
    best_overall_response,
    cox,
    cumulative_incidence,
    kaplan_meier,
    tumour_response,
)
from benchside.stages.clinical.analyse.first_event import derive_first_event
from benchside.stages.clinical.read_adtte import read_adtte
from benchside.stages.clinical.read_dataset import read_dataset
from benchside.stages.clinical.virtual.design import (
    AdamArm,
    AdamDesign,
    AdverseTerm,
    BaselineShares,
    Parameter,
    ResponseShares,
    Risks,
)
from benchside.stages.clinical.virtual.tables import simulate_adam
from benchside.stages.clinical.virtual.truth import WITH, ArmTruth, cumulative, expected_hazard_ratio

BASELINE = BaselineShares(60.0, 0.5, 0.4, 0.1, 0.6, 0.4, 0.5, 0.4)
READ_UNTIL, CUT = date(2018, 1, 1), date(2022, 6, 30)
TERMS = (AdverseTerm("NAUSEA", 0.4, 0.05), AdverseTerm("RASH", 0.2, 0.0))


def risks(scale=1.0):
    return Risks(
        cns=Hazard((0.02 * scale, 0.01 * scale), (9.0,)),
        cns_ratio=2.5,
        elsewhere=Hazard((0.02 * scale,)),
        investigator_only=Hazard((0.002,)),
        reviewer_only=Hazard((0.004,)),
        death=Hazard((0.004,)),
        death_after=Hazard((0.03,)),
        death_after_ratio=1.5,
        dropout=Hazard((0.005,)),
    )


def arm(name, scale=1.0, patients=120, **changes):
    shares = ResponseShares(0.85, 0.1, 0.7, 0.3, 0.3)
    return AdamArm(name, patients, BASELINE, risks(scale), shares, TERMS, 0.5, 0.5, **changes)


def design(*arms, **changes):
    settings = {
        "study": "T", "arms": arms or (arm("new", 0.5), arm("old")), "control": "old", "accrual_start": date(2015, 1, 1),
        "accrual_end": date(2016, 6, 30), "cut_off": CUT, "reviewed_until": READ_UNTIL, "missed": 0.04, "not_evaluable": 0.03,
        "agreement": 0.9, "parameters": (Parameter("PFSINV", "PFS", "INV", READ_UNTIL), Parameter("OS", "OS", None, CUT)),
    }  # fmt: skip
    return AdamDesign(**{**settings, **changes})


TRIAL = design()


@pytest.fixture(scope="module")
def tables():
    return simulate_adam(TRIAL, seed=5)


def of(adtte, code, **columns):
    rows = adtte.filter(pl.col("PARAMCD") == code).with_columns(event=(pl.col("CNSR") == 0).cast(pl.Int64))
    return EventTable.from_frame(rows, time="AVAL", time_unit="days", arm="TRT01P", control="old", **columns)


def test_recist_read_off_the_sums_is_the_response_of_every_visit(tables):
    for sums, responses in (("SUMINV", "OVRINV"), ("SUMIRC", "OVRIRC"), ("SUMCNS", "CNSIRC")):
        measured = tables.adtr.filter(pl.col("PARAMCD") == sums)
        found = tumour_response(measured, sum_mm="AVAL", baseline="ABLFL", non_target="NTRESP", new_lesion="NEWLFL").table
        written = tables.adrs.filter(pl.col("PARAMCD") == responses, pl.col("USUBJID").is_in(measured["USUBJID"].to_list()))
        both = written.join(found, on=["USUBJID", "ADT"], how="full", suffix="_read")
        assert both.height == written.height == found.height > 100
        assert both.filter(pl.col("AVALC").ne_missing(pl.col("AVALC_read"))).is_empty()
        assert set(written["AVALC"]) == {"CR", "PR", "SD", "PD", "NE"}


def test_nothing_is_dated_after_the_cut_off_or_the_end_of_review(tables):
    last = {
        "adsl": ["RANDDT", "TRTSDT", "TRTEDT", "NACTDT", "DTHDT", "LSTALVDT"], "adrs": ["ADT"], "adtr": ["ADT"],
        "adae": ["ASTDT", "AENDT"], "adtte": ["STARTDT", "ADT", "SRCDT"],
    }  # fmt: skip
    for name, columns in last.items():
        assert all(getattr(tables, name)[column].max() <= CUT for column in columns), name
    for frame, codes in ((tables.adrs, ["OVRIRC", "CNSIRC"]), (tables.adtr, ["SUMIRC", "SUMCNS"])):
        assert frame.filter(pl.col("PARAMCD").is_in(codes))["ADT"].max() <= READ_UNTIL
    assert tables.adrs.filter(pl.col("PARAMCD") == "OVRINV")["ADT"].max() > READ_UNTIL


def test_nothing_happens_to_the_dead_the_lost_or_the_untreated(tables):
    people = tables.adsl.select("USUBJID", "RANDDT", START="TRTSDT", END="TRTEDT", DEAD="DTHDT", ALIVE="LSTALVDT", NEXT="NACTDT")
    seen = tables.adrs.join(people, on="USUBJID")
    assert seen.filter((pl.col("ADT") >= pl.col("DEAD")) | (pl.col("ADT") > pl.col("ALIVE"))).is_empty()
    assert seen.filter(pl.col("ADT") > pl.col("NEXT")).is_empty()
    assert seen.filter(pl.col("ADT") <= pl.col("RANDDT")).is_empty()
    events = tables.adae.join(people, on="USUBJID")
    assert events.filter((pl.col("ASTDT") < pl.col("START")) | (pl.col("ASTDT") > pl.col("END"))).is_empty()
    assert events.filter(pl.col("AENDT") < pl.col("ASTDT")).is_empty()
    assert events.filter(pl.col("AENDT") > pl.col("ALIVE")).is_empty()
    assert people.filter((pl.col("NEXT") >= pl.col("DEAD")) | (pl.col("NEXT") <= pl.col("END"))).is_empty()
    assert people.filter(pl.col("DEAD") != pl.col("ALIVE")).is_empty()
    assert people.filter((pl.col("START") < pl.col("RANDDT")) | (pl.col("END") < pl.col("START"))).is_empty()


def test_images_end_with_the_investigators_progression(tables):
    first = tables.adrs.filter(pl.col("AVALC") == "PD", pl.col("PARAMCD") == "OVRINV").select("USUBJID", PD="ADT")
    assert first["USUBJID"].is_unique().all()
    late = tables.adrs.join(first, on="USUBJID").filter(pl.col("ADT") > pl.col("PD"))
    assert late.is_empty()


def test_adtte_is_derived_and_the_files_read_back(tables, tmp_path):
    for name in ("adsl", "adrs", "adtr", "adae", "adtte"):
        getattr(tables, name).write_csv(tmp_path / f"{name}.csv")
        assert read_dataset(tmp_path / f"{name}.csv").table.height == getattr(tables, name).height
    read = read_adtte(
        tmp_path / "adtte.csv",
        parameter="OS",
        control="old",
        strata=["ECOGGR1", "RACEGR1", "CNSBLFL"],
        adsl=tmp_path / "adsl.csv",
    )
    assert read.table.height == tables.adsl.height
    assert int(read.table["event"].sum()) == tables.adsl["DTHDT"].count()
    again = read_adtte(tmp_path / "adtte.csv", parameter="PFSINV", control="old")
    assert again.table["event"].to_list() == of(tables.adtte, "PFSINV").table["event"].to_list()


def test_a_patient_is_the_same_however_many_there_are(tables):
    fewer = simulate_adam(replace(TRIAL, arms=(arm("new", 0.5, 7), arm("old", patients=5))), seed=5)
    assert fewer.adsl.height == 12
    for name in ("adsl", "adrs", "adtr", "adae"):
        small = getattr(fewer, name)
        assert small.equals(getattr(tables, name).filter(pl.col("USUBJID").is_in(fewer.adsl["USUBJID"].to_list())))
    assert not simulate_adam(TRIAL, seed=6).adsl.equals(tables.adsl)
    assert simulate_adam(TRIAL, seed=5).adtte.equals(tables.adtte)


def test_first_event_of_the_tables_is_the_first_of_what_was_seen(tables):
    found = derive_first_event(tables.adrs, tables.adsl, parameter="OVRIRC", brain="CNSIRC", cut_off=READ_UNTIL.isoformat()).table
    pd = tables.adrs.filter(pl.col("AVALC") == "PD")
    for row in found.iter_rows(named=True):
        own = pd.filter(pl.col("USUBJID") == row["USUBJID"])
        days = {code: own.filter(pl.col("PARAMCD") == code)["ADT"].min() for code in ("OVRIRC", "CNSIRC")}
        dead = row["DTHDT"] if row["DTHDT"] and row["DTHDT"] <= READ_UNTIL else None
        known = [day for day in (*days.values(), dead) if day is not None]
        if not known:
            assert row["event"] == 0
            continue
        first = min(known)
        assert row["event"] == (1 if days["CNSIRC"] == first else 2 if days["OVRIRC"] == first else 3)
        assert row["ADT"] == first
    assert set(found["event"]) == {0, 1, 2, 3}


def test_time_to_cns_progression_rests_on_the_brain_alone():
    trial = replace(TRIAL, missed=0.0, not_evaluable=0.0, parameters=(Parameter("CNSTTP", "CNS TTP", "IRC", READ_UNTIL),))
    tables = simulate_adam(trial, seed=5)
    events = tables.adtte.filter(pl.col("CNSR") == 0)
    seen = tables.adrs.filter((pl.col("PARAMCD") == "CNSIRC") & (pl.col("AVALC") == "PD"))
    assert events.select("USUBJID", "ADT").sort("USUBJID").equals(seen.select("USUBJID", "ADT").sort("USUBJID"))
    assert set(events["EVNTDESC"]) == {"Disease Progression"}
    assert tables.adtte.filter((pl.col("CNSR") > 0) & (pl.col("AVAL") > 200)).height > 50  # NED is an adequate assessment


def test_brains_without_metastases_have_no_response(tables):
    brain = tables.adrs.filter(pl.col("PARAMCD") == "CNSIRC").join(
        tables.adsl.select("USUBJID", "CNSBLFL", "CNSMEFL"), on="USUBJID"
    )
    assert set(brain.filter(pl.col("CNSBLFL") == "N")["AVALC"]) == {"NED", "NE", "PD"}
    assert set(brain.filter((pl.col("CNSBLFL") == "Y") & (pl.col("CNSMEFL") == "N"))["AVALC"]) <= {
        "CR",
        "NON-CR/NON-PD",
        "PD",
        "NE",
    }
    assert tables.adsl.filter((pl.col("CNSBLFL") == "N") & ((pl.col("CNSMEFL") == "Y") | (pl.col("CNSRTFL") == "Y"))).is_empty()


def test_adverse_events_come_as_often_as_asked():
    big = simulate_adam(design(arm("new", 0.5, 900), arm("old", patients=2)), seed=2)
    terms = adverse_events(big.adae, big.adsl, control="old").terms.filter(pl.col("arm") == "new")
    percent = dict(terms.select("category", "percent").iter_rows())
    assert percent["NAUSEA"] == pytest.approx(40, abs=3 * 100 * math.sqrt(0.4 * 0.6 / 900) + 1)
    assert percent["RASH"] == pytest.approx(20, abs=3 * 100 * math.sqrt(0.2 * 0.8 / 900) + 1)


def test_cumulative_hazard_is_the_integral():
    hazard = Hazard((0.1, 0.0, 0.3), (2.0, 5.0))
    by_hand = {0.0: 0.0, 1.0: 0.1, 2.0: 0.2, 4.0: 0.2, 5.0: 0.2, 9.0: 0.2 + 4 * 0.3}
    assert {end: cumulative(hazard, end) for end in by_hand} == pytest.approx(by_hand)
    assert hazard.onset_months(cumulative(hazard, 7.0)) == pytest.approx(7.0)  # the inverse


def test_truth_of_one_hazard_is_the_textbook():
    one = replace(
        risks(), cns=Hazard((0.03,)), cns_ratio=1.0, elsewhere=Hazard((0.0,)), investigator_only=Hazard((0.0,)),
        reviewer_only=Hazard((0.0,)), death=Hazard((0.0,)), death_after=Hazard((0.05,)), death_after_ratio=1.0,
    )  # fmt: skip
    truth = ArmTruth(replace(arm("x"), risks=one), visit_months=1e-3)  # visits so dense that everything is seen at once
    assert truth.progression_free(12, evaluator="INV") == pytest.approx(math.exp(-0.36), rel=1e-4)
    assert truth.cns_incidence(12) == pytest.approx(1 - math.exp(-0.36), rel=1e-4)
    two_steps = (0.05 * math.exp(-0.36) - 0.03 * math.exp(-0.6)) / 0.02  # progress at 0.03, then die at 0.05
    assert truth.alive(12) == pytest.approx(two_steps, rel=1e-4)
    coarse = ArmTruth(replace(arm("x"), risks=one), visit_months=5.0)
    assert coarse.progression_free(12, evaluator="INV") == pytest.approx(math.exp(-0.3))
    assert coarse.smoothed(12, evaluator="INV") == pytest.approx(math.exp(-0.03 * 9.5))


def test_expected_hazard_ratio_of_proportional_hazards_is_their_ratio():
    halved = {name: getattr(risks(), name).times(0.5) for name in ("cns", "elsewhere", "investigator_only", "death")}
    trial = design(replace(arm("new"), risks=replace(risks(), **halved)), arm("old"))
    assert expected_hazard_ratio(trial, "new", evaluator="INV", cut_off=READ_UNTIL) == pytest.approx(0.5, abs=0.005)


SEEDS = 24


@pytest.mark.slow
def test_the_mean_of_the_analyses_is_the_truth():
    """Within 3 standard errors of the mean, and 0.01 for what the truth leaves out (missed visits, days within a visit)."""
    trial = design(arm("new", 0.5, 150), arm("old", patients=150))
    found = {}
    for seed in range(SEEDS):
        for name, value in _landmarks(simulate_adam(trial, seed=seed)).items():
            found.setdefault(name, []).append(value)
    truth = _truths(trial)
    assert set(found) == set(truth)
    for name, values in found.items():
        error = 3 * float(np.std(values, ddof=1)) / math.sqrt(SEEDS)
        assert float(np.mean(values)) == pytest.approx(truth[name], abs=error + 0.01), name


def _landmarks(tables):
    pfs = of(tables.adtte, "PFSINV", strata=("CNSBLFL",))
    at = {("PFS", row["arm"]): row["survival"] for row in kaplan_meier(pfs).at([12.0]).table.iter_rows(named=True)}
    at |= {
        ("OS", row["arm"]): row["survival"] for row in kaplan_meier(of(tables.adtte, "OS")).at([36.0]).table.iter_rows(named=True)
    }
    first = derive_first_event(tables.adrs, tables.adsl, parameter="OVRIRC", brain="CNSIRC", cut_off=READ_UNTIL.isoformat())
    incidence = cumulative_incidence(first.events(control="old"), cause="CNS").at([12.0]).table
    at |= {("CIF", row["arm"]): row["incidence"] for row in incidence.iter_rows(named=True)}
    best = best_overall_response(tables.adrs, parameter="OVRINV").table
    called = tables.adsl.join(best, on="USUBJID", how="left")
    for name in ("new", "old"):
        inside = called.filter(pl.col("TRT01P") == name)
        at["ORR", name] = inside["response"].is_in(["CR", "PR"]).fill_null(value=False).mean()
    return at | {("log HR", "new"): float(cox(pfs).table["coefficient"][0])}


def _truths(trial):
    truth = {("log HR", "new"): math.log(expected_hazard_ratio(trial, "new", evaluator="INV", cut_off=READ_UNTIL))}
    for name in ("new", "old"):
        own = ArmTruth.of(trial, name)
        truth |= {
            ("PFS", name): own.progression_free(12.0, evaluator="INV"), ("OS", name): own.alive(36.0),
            ("CIF", name): own.cns_incidence(12.0), ("ORR", name): own.response_rate(),
        }  # fmt: skip
    return truth


def test_the_brain_makes_progression_likelier():
    truth = ArmTruth.of(TRIAL, "old")
    assert truth.progression_free(12, evaluator="IRC", subgroup=WITH) < truth.progression_free(12, evaluator="IRC")
    assert truth.cns_incidence(12, subgroup=WITH) > truth.cns_incidence(12)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: BaselineShares(60, 1.5, 0.4, 0.1, 0.6, 0.4, 0.5, 0.4), "female must lie in"),
        (lambda: AdverseTerm("RASH", 0.1, 0.2), "part of all grades"),
        (lambda: design(control="placebo"), "'placebo' must be one of them"),
        (lambda: design(arm("old"), arm("old")), "different names"),
        (lambda: design(cut_off=date(2015, 2, 1)), "must end by the cut-off"),
        (lambda: design(visit_window_days=40), "change places"),
        (lambda: design(missed=-0.1), "missed must lie in"),
        (lambda: arm("old", patients=0), "at least 1 patient"),
        (lambda: replace(risks(), cns_ratio=0.0), "above 0"),
        (lambda: ArmTruth.of(TRIAL, "nwe"), "did you mean 'new'"),
    ],
)
def test_a_design_that_cannot_be_says_so(wrong, words):
    with pytest.raises(SettingError, match=words):
        wrong()


def test_without_parameters_adtte_is_empty():
    empty = simulate_adam(replace(TRIAL, parameters=(), arms=(arm("old", patients=2),)), seed=1).adtte
    assert empty.height == 0
    assert {"USUBJID", "PARAMCD", "AVAL", "CNSR"} <= set(empty.columns)
