"""The stage as the study sees it: tasks, verbs, lineage, truths."""

import doctest
import importlib
import json
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from benchside.core.evidence import EvidenceSet, Origin
from benchside.core.stage import Files, From, Inputs, StageContext
from benchside.stages import clinical
from benchside.stages.clinical.stage import STAGE, ClinicalSettings

SECTION = {"file": "data/pfs.csv", "time": "pfs", "time_unit": "weeks", "event": "event", "arm": "trt", "control": "chemo"}


@pytest.fixture
def study(tmp_path):
    (tmp_path / "data").mkdir()
    events = clinical.simulate(
        {"chemo": clinical.Hazard.from_median(8.0), "tki": clinical.Hazard.from_median(16.0)},
        control="chemo",
        seed=2,
        patients=30,
    ).table
    frame = events.select(pfs=pl.col("time_months") * 30.4375 / 7, event="event", trt="arm", site=pl.Series(["x", "y", "y"] * 20))
    frame.write_csv(tmp_path / "data" / "pfs.csv")
    return tmp_path


def run(settings, root):
    """Run the plan as a study would: each task on what the tasks before it made, settings through JSON."""
    context = StageContext(root, frozenset({"clinical"}), seed=1)
    made, number = {}, {}
    for task in STAGE.plan(settings, context):
        files = {source.role: source.paths for source in task.inputs if isinstance(source, Files)}
        held = [source for source in task.inputs if isinstance(source, From)]
        tables = {source.role: tuple(made[name].table for name in source.tasks) for source in held}
        numbers = {source.role: tuple(number[name] for name in source.tasks) for source in held}
        inputs = Inputs(tables, files, numbers, root)
        made[task.name] = STAGE.verbs[task.verb].run(inputs, json.loads(json.dumps(dict(task.settings))))
        number[task.name] = len(number)
    return made


def test_the_plan_gives_what_the_functions_give(study):
    made = run(ClinicalSettings(**SECTION, strata=["site"], landmarks_months=[6, 12]), study)
    events = clinical.read(
        study / "data" / "pfs.csv",
        time="pfs",
        time_unit="weeks",
        event="event",
        arm="trt",
        control="chemo",
        strata=["site"],
        root=study,
    )
    assert made["clinical.read"].table.equals(events.table)
    expected = {
        "clinical.kaplan_meier": clinical.kaplan_meier(events).table,
        "clinical.curve": clinical.kaplan_meier(events).curve,
        "clinical.survival_at": clinical.kaplan_meier(events).at([6, 12]).table,
        "clinical.log_rank": clinical.log_rank(events).table,
        "clinical.milestone": clinical.milestone(events, [6, 12]).table,
        "clinical.cox": clinical.cox(events, penalty="if needed").named(),
        "clinical.proportional_hazards": clinical.proportional_hazards(events).table,
        "clinical.schoenfeld": clinical.proportional_hazards(events).residuals,
        "clinical.restricted_mean": clinical.restricted_mean(events).table,
        "clinical.follow_up": clinical.follow_up(events).table,
    }
    assert set(made) == {"clinical.read", *expected}
    for name, table in expected.items():
        assert made[name].table.select(table.columns).equals(table), name
        assert made[name].table["endpoint"].unique().to_list() == ["PFS"]


def test_lineage_of_an_arm_is_its_rows_and_of_a_comparison_every_row(study):
    made = run(ClinicalSettings(**SECTION), study)
    events = made["clinical.read"].table
    lineage = made["clinical.kaplan_meier"].lineage
    for position, arm in enumerate(made["clinical.kaplan_meier"].table["arm"]):
        rows = lineage.filter(pl.col("row") == position)["rows"].to_list()
        assert rows == [(events["arm"] == arm).arg_true().to_list()]
    assert made["clinical.cox"].lineage.rows() == made["clinical.log_rank"].lineage.rows() == [(None, 0, None)]
    assert made["clinical.read"].lineage.is_empty()
    assert events["source_ref"][4].startswith("data/pfs.csv@")
    assert events["source_ref"][4].endswith("!row 5")


def test_every_number_of_a_verb_is_evidence_with_an_id_of_its_own(study):
    made = run(ClinicalSettings(**SECTION, landmarks_months=[6, 12]), study)
    seen = {}
    for name, product in made.items():
        verb = STAGE.verbs[name]
        assert product.table.select(verb.key).is_unique().all() if verb.key else product.table.height == 1
        records = EvidenceSet(product.table, verb.quantities, verb.key, Origin(name, verb.version, {})).records()
        seen |= {record.id: record for record in records}
    assert {record.quantity for record in seen.values()} == {
        "median",
        "events",
        "survival",
        "log_rank_chi2",
        "log_rank_p",
        "hazard_ratio",
        "cox_p",
        "proportional_hazards_chi2",
        "proportional_hazards_p",
        "mean_months",
        "difference_months",
        "ratio",
        "lost_ratio",
        "median_follow_up",
        "milestone_difference",
        "milestone_p",
    }
    two_hazards_tests, five_means, three_follow_ups, two_milestones = 2 * 2, 5, 3, 2 * 2
    assert len(seen) == 2 * 2 + 2 * 2 + 2 + 2 + two_hazards_tests + five_means + three_follow_ups + two_milestones
    ratio = next(record for record in seen.values() if record.quantity == "hazard_ratio")
    assert (ratio.arm, ratio.comparator, ratio.endpoint, ratio.level) == ("tki", "chemo", "PFS", 0.95)
    assert ratio.lower < ratio.value < ratio.upper


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_analysis_of_the_simulation_recovers_the_truth(truth):
    result = STAGE.analyse(STAGE.simulate(**truth.settings))
    assert truth.check(result, truth.settings)


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_the_truth_check_refuses_another_truth(truth):
    wrong = {arm: hazard.times(6.0 if arm == "treated" else 1.0) for arm, hazard in truth.settings["arms"].items()}
    result = STAGE.analyse(STAGE.simulate(**{**truth.settings, "arms": wrong}))
    assert not truth.check(result, truth.settings)


def test_settings_are_closed_and_name_what_is_missing():
    with pytest.raises(ValidationError, match="controll"):
        ClinicalSettings(**SECTION, controll="x")
    with pytest.raises(ValidationError, match="time_unit"):
        ClinicalSettings(**{name: value for name, value in SECTION.items() if name != "time_unit"})


def test_exported_names_are_sorted_and_there():
    assert clinical.__all__ == sorted(clinical.__all__)
    assert all(hasattr(clinical, name) for name in clinical.__all__)
    assert STAGE.recognise(Path("absent.csv")) is False


@pytest.mark.parametrize("name", ["analyse.kaplan_meier", "analyse.log_rank", "analyse.cox", "analyse.compare_arms", "simulate"])
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(f"benchside.stages.clinical.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
