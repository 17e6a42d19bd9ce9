"""The section [clinical]: one endpoint or many, what each needs, and the tasks that follow."""

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from benchside.core.errors import StudyError
from benchside.core.stage import StageContext
from benchside.stages.clinical.plan import plan
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.stages.clinical.settings_endpoint import EndpointSettings
from benchside.study.file import checked

PLAIN = {"name": "PFS", "file": "a.csv", "time": "t", "time_unit": "months"}
DERIVED = {"name": "PFS", "derive": "PFS", "parameter": "OVR", "visit_every_days": 56}
DATASETS = {"adsl": "adsl.csv", "adrs": "adrs.csv", "adtte": "adtte.csv", "adae": "adae.csv", "adtr": "adtr.csv"}


def refused(match, **section):
    with pytest.raises(ValidationError, match=match):
        ClinicalSettings(**section)


def tasks(tmp_path, **section):
    for name in ("a.csv", *DATASETS.values()):
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    context = StageContext(tmp_path, frozenset({"clinical"}), seed=1)
    return {task.name: task for task in plan(ClinicalSettings(**section), context)}


def test_one_endpoint_may_stand_in_the_section_itself():
    flat = ClinicalSettings(file="a.csv", time="t", time_unit="days", event="e", arm="x", control="c", endpoint="OS")
    (one,) = flat.endpoints
    assert (one.name, one.time, one.event, one.label) == ("OS", "t", "e", "OS")
    rich = ClinicalSettings(
        file="a.csv", time="t", time_unit="days", arm="x", covariates=["age"], population="ITT", assessment="INV"
    )
    assert (rich.endpoints[0].covariates, rich.endpoints[0].label) == (["age"], "PFS (INV)")
    refused("not both", arm="x", file="a.csv", time="t", time_unit="days", endpoints=[PLAIN])


@pytest.mark.parametrize(
    ("match", "endpoint"),
    [
        ("one way to its times", {"name": "PFS"}),
        ("one way to its times", {**PLAIN, "parameter": "PFS"}),
        ("no column of times", {**DERIVED, "time": "t"}),
        ("the table its times are in", {"name": "PFS", "time": "t", "time_unit": "days"}),
        ("the unit of its times", {"name": "PFS", "file": "a.csv", "time": "t"}),
        ("none of its causes", {**PLAIN, "causes": {"cns": 1}, "cause": "csn"}),
        ("causes are codes", {"name": "PFS", "parameter": "PFS", "causes": {"cns": 1}}),
        ("how far visits are apart", {"name": "PFS", "derive": "PFS"}),
        ("that of the brain", {"name": "CNS", "derive": "CNS first", "parameter": "OVR"}),
        ("0 or more months", {**PLAIN, "landmarks_months": [-1.0]}),
        ("cut_off does nothing", {"name": "PFS", "parameter": "PFS", "cut_off": date(2017, 2, 9)}),
        ("rule does nothing", {**PLAIN, "rule": "FDA"}),
        ("file does nothing", {**DERIVED, "file": "a.csv"}),
        ("a code of its own", {**PLAIN, "causes": {"cns": 1, "other": 1}}),
        ("a code of its own", {**PLAIN, "causes": {"cens": 0, "cns": 1}}),
    ],
)
def test_an_endpoint_says_what_it_misses(match, endpoint):
    refused(match, arm="x", **DATASETS, endpoints=[endpoint])


@pytest.mark.parametrize(
    ("match", "section"),
    [
        ("something to analyse", {"arm": "x"}),
        ("needs the dataset ADSL", {"endpoints": [DERIVED]}),
        ("needs the dataset ADTTE", {"endpoints": [{"name": "OS", "parameter": "OS"}]}),
        ("needs the dataset ADSL", {"responses": [{"name": "ORR"}]}),
        ("needs the dataset ADSL", {"adae": "adae.csv"}),
        ("column of the treatment must be named", {"endpoints": [PLAIN]}),
        ("two endpoints are called 'PFS'", {"arm": "x", "endpoints": [PLAIN, PLAIN]}),
        ("two responses are called 'ORR'", {**DATASETS, "responses": [{}, {}]}),
    ],
)
def test_a_trial_says_what_it_misses(match, section):
    refused(match, **section)


def test_a_misspelt_key_of_an_endpoint_is_named():
    with pytest.raises(
        StudyError, match=r"\[clinical\.endpoints\]: key 'landmark_months' is unknown \(did you mean 'landmarks_months'"
    ):
        checked("clinical", ClinicalSettings, {"arm": "x", "endpoints": [{**PLAIN, "landmark_months": [6]}]})


def test_labels_tell_analyses_apart():
    primary = EndpointSettings(**DERIVED, assessment="INV", cut_off=date(2017, 2, 9))
    assert primary.label == "PFS (INV, cut-off 2017-02-09)"
    assert EndpointSettings(**DERIVED, subjects={"CNSBLFL": "Y"}).label == "PFS (CNSBLFL = Y)"
    assert EndpointSettings(**DERIVED, subjects={"CNSBLFL": "Y"}, population="CNS mets").label == "PFS (CNS mets)"


def test_without_a_control_nothing_is_compared(tmp_path):
    alone = tasks(tmp_path, arm="x", endpoints=[PLAIN], landmarks_months=[6])
    assert set(alone) == {
        "clinical.read",
        "clinical.kaplan_meier",
        "clinical.curve",
        "clinical.follow_up",
        "clinical.survival_at",
    }
    compared = tasks(tmp_path, arm="x", control="c", endpoints=[PLAIN], landmarks_months=[6], subgroups=["sex"])
    assert set(compared) - set(alone) == {
        f"clinical.{verb}"
        for verb in ("log_rank", "cox", "proportional_hazards", "schoenfeld", "restricted_mean", "milestone", "subgroups")
    }


def test_causes_bring_incidence_and_no_survival_curve(tmp_path):
    found = tasks(tmp_path, arm="x", control="c", endpoints=[{**PLAIN, "causes": {"cns": 1, "other": 2}}], landmarks_months=[12])
    verbs = {task.verb for task in found.values()}
    assert {"clinical.incidence_curve", "clinical.incidence_at", "clinical.gray_test", "clinical.fine_gray"} <= verbs
    assert not verbs & {"clinical.kaplan_meier", "clinical.cox", "clinical.log_rank"}
    assert all(task.settings["cause"] == "cns" for task in found.values() if task.verb == "clinical.gray_test")


def test_a_whole_trial_reads_every_dataset_before_it_computes(tmp_path):
    section = {
        **DATASETS,
        "control": "c",
        "endpoints": [DERIVED, {"name": "OS", "parameter": "OS"}],
        "responses": [{"parameter": "OVR"}],
    }
    found = tasks(tmp_path, **section)
    assert {
        "clinical.derive_tte PFS",
        "clinical.read_adtte OS",
        "clinical.best_overall_response",
        "clinical.adverse_events",
    } <= set(found)
    assert {"clinical.tumour_response", "clinical.best_change", "clinical.treatment"} <= set(found)
    treatment = found["clinical.treatment"]
    assert [source.tasks for source in treatment.inputs[1:]] == [
        ("clinical.best_overall_response",),
        ("clinical.derive_tte PFS",),
    ]
    assert found["clinical.derive_tte PFS"].settings["rule"] == "FDA"


def test_strata_may_be_left_out_of_an_endpoint(tmp_path):
    section = {**DATASETS, "control": "c", "strata": ["ecog"]}
    both = [{**DERIVED}, {**DERIVED, "name": "DOR", "derive": "DOR", "strata": False}]
    found = tasks(tmp_path, **section, endpoints=both)
    assert found["clinical.cox PFS"].settings["strata"] == ["ecog"]
    assert found["clinical.cox DOR"].settings["strata"] == []


def test_the_swimmer_rests_on_the_latest_progression_of_everyone(tmp_path):
    of = [
        {**DERIVED, "cut_off": date(2017, 2, 9)},
        {**DERIVED, "cut_off": date(2018, 11, 30)},
        {**DERIVED, "cut_off": date(2025, 1, 1), "subjects": {"F": "Y"}},
    ]
    found = tasks(tmp_path, **DATASETS, endpoints=of)
    assert found["clinical.treatment"].inputs[1].tasks == ("clinical.derive_tte PFS (cut-off 2018-11-30)",)
    assert found["clinical.treatment"].settings["cut_off"] == "2018-11-30"


def test_an_endpoint_alone_keeps_plain_task_names(tmp_path):
    assert "clinical.cox" in tasks(tmp_path, arm="x", control="c", endpoints=[PLAIN])
    assert pl.Series(list(tasks(tmp_path, arm="x", control="c", endpoints=[PLAIN]))).is_unique().all()
