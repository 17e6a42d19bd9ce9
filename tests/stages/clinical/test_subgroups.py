import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError
from benchside.stages.clinical import EventTable, cox, subgroups
from tests.stages.clinical.small import table_of
from tests.stages.clinical.test_cox_options import trial


def rows_of(found):
    return {(row["subgroup"], row["level"]): row for row in found.table.iter_rows(named=True)}


def test_rows_are_the_models_of_the_subgroups():
    events = trial()
    found = rows_of(subgroups(events, ["stage"]))
    assert list(found) == [("overall", None), ("stage", "I"), ("stage", "II"), ("stage", "III")]
    assert found["overall", None]["hazard_ratio"] == cox(events).table["hazard_ratio"][0]
    for level in ("I", "II", "III"):
        inside = EventTable(events.table.filter(pl.col("stage") == level), control="chemo")
        fit, row = cox(inside).table.row(0, named=True), found["stage", level]
        assert [row[name] for name in ("hazard_ratio", "lower", "upper", "p", "n", "events")] == [
            fit[name] for name in ("hazard_ratio", "lower", "upper", "p", "n", "events")
        ]
        treated = inside.table.filter(pl.col("arm") == "tki")
        assert (row["n_treated"], row["events_treated"]) == (treated.height, treated["event"].sum())
        assert row["n"] == row["n_treated"] + row["n_control"]


def test_the_interaction_is_the_likelihood_ratio_of_the_products():
    events = trial()
    coded = events.table.with_columns(
        (pl.col("stage") == level).cast(pl.Int64).alias(level) for level in ("II", "III")
    ).with_columns((pl.col(level) * (pl.col("arm") == "tki")).cast(pl.Int64).alias(f"{level} treated") for level in ("II", "III"))
    table = EventTable(coded, control="chemo")
    common, own = (cox(table, covariates=names) for names in (["II", "III"], ["II", "III", "II treated", "III treated"]))
    row = rows_of(subgroups(events, ["stage"]))["stage", "II"]
    assert row["interaction_chi2"] == pytest.approx(2 * (own.log_likelihood - common.log_likelihood), abs=1e-9)
    assert row["interaction_df"] == 2
    assert row["interaction_p"] == rows_of(subgroups(events, ["stage"]))["stage", "I"]["interaction_p"]


def test_an_effect_in_half_of_the_patients_is_an_interaction():
    rng = np.random.default_rng(4)
    arm, sex = np.tile(["a", "b"], 200), np.repeat(["f", "m"], 200)
    time = rng.exponential(np.where((arm == "b") & (sex == "f"), 40, 10))
    found = rows_of(subgroups(table_of(time, [1] * 400, arm, control="a", sex=sex), ["sex"]))
    assert found["sex", "f"]["interaction_p"] < 1e-5
    assert found["sex", "f"]["hazard_ratio"] < 0.4
    assert found["sex", "m"]["hazard_ratio"] > 0.7


def test_the_size_of_the_interaction_test_is_its_level():
    below = 0
    for seed in range(200):
        below += rows_of(subgroups(trial(100, seed=1000 + seed), ["stage"]))["stage", "I"]["interaction_p"] < 0.1
    assert 0.05 <= below / 200 <= 0.16


def test_strata_apply_except_the_factor_itself_and_the_interaction_stands():
    events = trial()
    stratified = EventTable(events.table, control="chemo", strata=("stage",))
    found = rows_of(subgroups(stratified, ["stage"]))
    assert found["overall", None]["hazard_ratio"] == cox(stratified).table["hazard_ratio"][0]
    assert found["stage", "I"] | {"stratified_by": ""} == rows_of(subgroups(events, ["stage"]))["stage", "I"]
    assert found["stage", "I"]["stratified_by"] == "stage"


def test_missing_levels_are_counted_and_one_sided_subgroups_say_so():
    arm = ["a", "b"] * 6
    level = ["x", "x", "x", "x", "y", None, "y", None, "z", "z", "z", "z"]
    found = rows_of(subgroups(table_of(range(1, 13), [1] * 12, arm, control="a", level=level), ["level"]))
    assert (found["level", "x"]["left_out"], found["level", "x"]["n"]) == (2, 4)
    assert (found["level", "y"]["hazard_ratio"], found["level", "y"]["n_control"]) == (None, 2)
    assert "arm a" in found["level", "y"]["status"]
    assert found["level", "x"]["interaction_df"] == 1


def test_each_treated_arm_is_compared_with_the_control_alone():
    rng = np.random.default_rng(7)
    events = table_of(rng.exponential(10, 90), [1] * 90, ["a", "b", "c"] * 30, control="a", sex=["f"] * 45 + ["m"] * 45)
    found = subgroups(events, ["sex"]).table
    assert found["arm"].to_list() == ["b", "b", "b", "c", "c", "c"]
    assert found["n"][0] == 60


def test_an_arm_without_an_event_is_null_or_penalised():
    events = table_of(range(1, 13), [1, 0, 1, 0, 1, 0] + [1] * 6, ["a", "b"] * 6, control="a", sex=["f"] * 6 + ["m"] * 6)
    plain, penalised = (rows_of(subgroups(events, ["sex"], penalty=penalty)) for penalty in (None, "if needed"))
    assert plain["sex", "f"]["hazard_ratio"] is None
    assert "nobody in arm b" in plain["sex", "f"]["status"]
    assert 0 < penalised["sex", "f"]["hazard_ratio"] < 1
    assert penalised["sex", "m"]["hazard_ratio"] == plain["sex", "m"]["hazard_ratio"]


def test_what_is_no_subgroup_is_refused_and_evidence_is_named():
    events = trial()
    with pytest.raises(SettingError, match="list of columns"):
        subgroups(events, "stage")
    with pytest.raises(SettingError, match="list of columns"):
        subgroups(events, [])
    with pytest.raises(TableError, match="levels"):
        subgroups(events, ["age"])
    with pytest.raises(TableError, match="is no column"):
        subgroups(events, ["sexe"])
    names = {record.quantity for record in subgroups(events, ["stage"]).evidence}
    assert {"hazard_ratio", "hazard_ratio in stage III", "interaction_p in stage III"} <= names
