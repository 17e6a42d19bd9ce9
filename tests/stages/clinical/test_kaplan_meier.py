import math

import pytest

from benchside.core.errors import SettingError
from benchside.stages.clinical import Log, LogLog, Plain, kaplan_meier
from tests.stages.clinical.small import table_of

FOUR = table_of([1, 2, 3, 4], [1, 0, 1, 1], ["a"] * 4)


def test_curve_by_hand():
    km = kaplan_meier(FOUR)
    assert km.curve["time_months"].to_list() == [0, 1, 2, 3, 4]
    assert km.curve["survival"].to_list() == pytest.approx([1, 0.75, 0.75, 0.375, 0])
    assert km.curve["at_risk"].to_list() == [4, 4, 3, 2, 1]
    assert km.curve["n_censor"].to_list() == [0, 0, 1, 0, 0]
    assert km.curve["lower"].is_null().to_list() == [True, False, False, False, True]
    row = km.table.row(0, named=True)
    assert (row["n"], row["events"], row["median_months"]) == (4, 3, 3.0)


def test_landmarks_by_hand():
    found = kaplan_meier(FOUR, interval=Plain()).at([0, 1, 2.5, 4, 9]).table
    assert found["survival"].to_list() == pytest.approx([1, 0.75, 0.75, 0, 0])
    assert found["at_risk"].to_list() == [4, 4, 2, 1, 0]
    assert found["lower"].null_count() == 3
    assert found["lower"][1] == pytest.approx(0.75 - 1.959963984540054 * math.sqrt(0.75 * 0.25 / 4))


def test_past_the_last_follow_up_survival_is_null_with_a_sentence():
    found = kaplan_meier(table_of([1, 2], [1, 0], ["a", "a"])).at([2, 2.5]).table
    assert found["survival"].to_list() == [0.5, None]
    assert found["at_risk"].to_list() == [1, 0]
    assert "last follow-up" in found["status"][1]


def test_conventions_set_interval_and_median_rule_and_are_printed():
    flat = table_of([1, 2, 3, 4], [1, 1, 0, 0], ["a"] * 4)
    ours, r, sas = (kaplan_meier(flat, conventions=name).table for name in (None, "r", "sas"))
    assert [table["median_months"][0] for table in (ours, r, sas)] == [2.0, 2.0, None]
    assert [table["interval"][0] for table in (ours, r, sas)] == ["log-log 0.95", "log 0.95", "log-log 0.95"]
    assert "not estimable" in sas["median_rule"][0]
    assert "Median not estimable" in sas["status"][0]
    assert kaplan_meier(flat, conventions="r", interval=Plain(0.9)).table["interval"][0] == "plain 0.9"


def test_a_flat_stretch_at_one_half_gives_its_midpoint():
    assert kaplan_meier(table_of([1, 2, 5, 6], [1, 1, 1, 1], ["a"] * 4)).table["median_months"][0] == 3.5


def test_what_is_not_reached_is_null_with_a_sentence():
    row = kaplan_meier(table_of([1, 2, 3], [0, 0, 0], ["a"] * 3)).table.row(0, named=True)
    assert row["median_months"] is row["lower_months"] is row["upper_months"] is None
    assert row["status"].startswith("Median not reached")
    row = kaplan_meier(table_of([1, 2, 3], [1, 1, 1], ["a"] * 3)).table.row(0, named=True)
    assert row["upper_months"] is None
    assert "upper limit of the median is not reached" in row["status"]


def test_a_higher_level_is_wider():
    tight, wide = (kaplan_meier(FOUR, interval=Log(level)).curve for level in (0.8, 0.99))
    assert tight["lower"][1] > wide["lower"][1]


def test_arms_are_apart_and_the_control_is_first():
    both = table_of([1, 2, 3, 4, 1], [1, 0, 1, 1, 1], ["b"] * 4 + ["a"], control="b")
    km = kaplan_meier(both)
    assert km.table["arm"].to_list() == ["b", "a"]
    assert km.curve.filter(km.curve["arm"] == "b")["survival"].to_list() == kaplan_meier(FOUR).curve["survival"].to_list()


def test_evidence_carries_value_limits_level_and_settings():
    km = kaplan_meier(table_of(list(range(1, 21)), [1] * 20, ["a"] * 20), interval=LogLog(0.9))
    median = next(record for record in km.evidence if record.quantity == "median")
    row = km.table.row(0, named=True)
    assert (median.value, median.lower, median.upper) == (row["median_months"], row["lower_months"], row["upper_months"])
    assert (median.level, median.arm, median.n, median.unit) == (0.9, "a", 20, "months")
    assert median.settings["interval"] == "log-log"
    assert median.id == kaplan_meier(table_of(list(range(1, 21)), [1] * 20, ["a"] * 20), interval=LogLog(0.9)).evidence[0].id
    assert km.at([3]).evidence[0].value == pytest.approx(0.85)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match=r"0\.95"):
        LogLog(95)
    with pytest.raises(SettingError, match="'r', 'sas'"):
        kaplan_meier(FOUR, conventions="stata")
    with pytest.raises(SettingError, match="-1"):
        kaplan_meier(FOUR).at([-1])
