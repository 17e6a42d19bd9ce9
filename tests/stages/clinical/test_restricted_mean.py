import math
from dataclasses import replace

import numpy as np
import pytest

from benchside.core.errors import SettingError
from benchside.stages.clinical import milestone, restricted_mean
from tests.stages.clinical.small import table_of

Z = 1.959963984540054
TWO = table_of([2, 4, 3, 8], [1, 1, 1, 1], ["a", "a", "b", "b"], control="a")


def rows_of(found):
    return {(row["quantity"], row["arm"]): row for row in found.table.iter_rows(named=True)}


def test_by_hand():
    # Up to 4 months: a lives 2 + 2/2, b 3 + 1/2. Greenwood of two: 1/(2 * 1) at the first death.
    found = rows_of(restricted_mean(TWO, tau_months=4))
    a, b = found["mean_months", "a"], found["mean_months", "b"]
    assert (a["value"], b["value"]) == (3.0, 3.5)
    assert (a["se"], b["se"]) == pytest.approx((math.sqrt(0.5), 0.5 * math.sqrt(0.5)))
    difference = found["difference_months", "b"]
    se = math.sqrt(0.5 + 0.125)
    assert [difference[key] for key in ("value", "se", "lower", "upper")] == pytest.approx([0.5, se, 0.5 - Z * se, 0.5 + Z * se])
    assert (difference["comparator"], a["comparator"], difference["unit"]) == ("a", None, "months")
    log_se = math.sqrt(0.5 / 9 + 0.125 / 3.5**2)
    assert found["ratio", "b"]["upper"] == pytest.approx(3.5 / 3 * math.exp(Z * log_se))
    assert found["lost_ratio", "b"]["value"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("time", "event", "arm", "tau"),
    [
        ([1, 5, 2, 9], [1, 0, 1, 0], "aabb", 5),
        ([1, 5, 2, 9], [1, 1, 1, 0], "aabb", 9),  # the curve of a is 0 from 5 on, and stays known
        ([1, 5, 2, 9], [1, 1, 1, 1], "aabb", 9),
        ([1, 5, 5, 2, 9], [1, 1, 0, 1, 1], "aaabb", 5),  # censored with the last death: not at 0
        ([1, 5, 2, 9, 7], [1, 0, 1, 0, 0], "aabbc", 5),
    ],
)
def test_the_default_window_ends_where_a_curve_is_no_longer_known(time, event, arm, tau):
    assert restricted_mean(table_of(time, event, list(arm), control="a")).tau_months == tau


def test_a_window_past_the_follow_up_is_null_with_a_sentence():
    found = restricted_mean(table_of([1, 5, 2, 9], [1, 0, 1, 0], list("aabb"), control="a"), tau_months=8)
    rows = rows_of(found)
    assert rows["mean_months", "a"]["value"] is None
    assert "followed for 5 months" in rows["mean_months", "a"]["status"]
    assert rows["mean_months", "b"]["value"] == pytest.approx(2 + 6 / 2)
    assert rows["difference_months", "b"]["value"] is rows["ratio", "b"]["p"] is None


def test_without_events_there_is_no_variance_and_no_p():
    found = rows_of(restricted_mean(table_of([4, 5, 6, 7], [0] * 4, list("aabb"), control="a")))
    row = found["difference_months", "b"]
    assert (row["value"], row["p"]) == (0.0, None)
    assert row["status"].startswith("No variance")
    assert found["lost_ratio", "b"]["value"] is None


@pytest.mark.parametrize(
    ("time", "event"),
    [
        ([9, 9, 9], [0, 0, 0]),  # nobody had the event
        ([9], [1]),  # one subject
        ([2, 2, 2], [1, 1, 1]),  # everybody at one time
    ],
)
def test_an_arm_without_variance_has_no_limits_and_no_p(time, event):
    small, size = table_of([1, 3, 5, 7, *time], [1, 1, 1, 0, *event], ["a"] * 4 + ["b"] * len(time), control="a"), len(time)
    found = rows_of(restricted_mean(small, tau_months=6))
    assert (found["mean_months", "a"]["status"], found["mean_months", "a"]["se"] > 0) == ("ok", True)
    for key in (("mean_months", "b"), ("difference_months", "b"), ("ratio", "b")):
        row = found[key]
        assert [row[name] for name in ("se", "lower", "upper", "p")] == [None] * 4
        assert row["status"].startswith("No variance: arm b has no event in the window with subjects left")
    assert found["mean_months", "b"]["value"] == min(time[0], 6)
    assert found["difference_months", "b"]["value"] == pytest.approx(min(time[0], 6) - 15 / 4)
    assert found["mean_months", "b"]["n"] == size
    turned = rows_of(restricted_mean(replace(small, control="b"), tau_months=6))
    assert turned["ratio", "a"]["status"] == found["ratio", "b"]["status"]
    assert turned["difference_months", "a"]["p"] is None


def test_an_arm_without_variance_has_no_ratio_of_the_lost_months_either():
    found = rows_of(restricted_mean(table_of([1, 3, 5, 7, 2, 2], [1, 1, 1, 0, 1, 1], list("aaaabb"), control="a"), tau_months=6))
    lost = found["lost_ratio", "b"]
    assert lost["value"] == pytest.approx((6 - 2) / (6 - 15 / 4))
    assert (lost["lower"], lost["p"], lost["status"]) == (None, None, found["ratio", "b"]["status"])


def test_swapping_the_arms_turns_the_sign():
    args = ([1, 3, 5, 2, 6, 9], [1, 0, 1, 1, 1, 0], list("aaabbb"))
    one, other = (rows_of(restricted_mean(table_of(*args, control=control), tau_months=5)) for control in "ab")
    assert one["difference_months", "b"]["value"] == -other["difference_months", "a"]["value"]
    assert one["ratio", "b"]["lower"] == pytest.approx(1 / other["ratio", "a"]["upper"])
    assert one["difference_months", "b"]["p"] == other["difference_months", "a"]["p"]


def test_window_and_arms_are_checked_and_evidence_is_named():
    with pytest.raises(SettingError, match="above 0"):
        restricted_mean(TWO, tau_months=0)
    with pytest.raises(SettingError, match="above 0"):
        restricted_mean(table_of([0, 0], [1, 1], ["a", "b"], control="a"))
    with pytest.raises(SettingError, match="two arms"):
        restricted_mean(table_of([1, 2], [1, 1], ["a", "a"], control="a"))
    names = {record.quantity: record for record in restricted_mean(TWO, tau_months=4, level=0.9).evidence}
    assert {"restricted_mean_months", "restricted_difference_months", "restricted_ratio", "restricted_ratio_p"} <= set(names)
    assert (names["restricted_ratio"].level, names["restricted_difference_months"].unit) == (0.9, "months")


def trial(size=200, *, seed=3):
    rng = np.random.default_rng(seed)
    arm = np.tile(["a", "b"], size // 2)
    onset, censored = rng.exponential(np.where(arm == "b", 15, 10)), rng.uniform(5, 30, size)
    return table_of(np.minimum(onset, censored), (onset <= censored).astype(int), arm, control="a")


def test_milestone_by_hand():
    # At 6 months: a 2 of 8 left, b 6 of 8, nobody censored before: binomial variances.
    events = table_of([1, 2, 3, 4, 5, 5, 9, 9, 1, 2, 9, 9, 9, 9, 9, 9], [1] * 16, ["a"] * 8 + ["b"] * 8, control="a")
    row = milestone(events, [6], limits="plain").table.row(0, named=True)
    variance = 0.25 * 0.75 / 8
    assert (row["survival_control"], row["survival"], row["difference"]) == pytest.approx((0.25, 0.75, 0.5))
    assert row["se"] == pytest.approx(math.sqrt(2 * variance))
    assert row["lower"] == pytest.approx(0.5 - Z * math.sqrt(2 * variance))
    assert row["p"] == pytest.approx(math.erfc(0.5 / math.sqrt(2 * variance) / math.sqrt(2)))
    assert (row["at_risk"], row["at_risk_control"]) == (6, 2)
    log_log = milestone(events, [6]).table.row(0, named=True)

    def limits(s):
        half = Z * math.sqrt(variance) / (s * -math.log(s))
        return s ** math.exp(half), s ** math.exp(-half)

    (low_a, high_a), (low_b, high_b) = limits(0.25), limits(0.75)
    assert log_log["lower"] == pytest.approx(0.5 - math.hypot(0.75 - low_b, high_a - 0.25))
    assert log_log["upper"] == pytest.approx(0.5 + math.hypot(high_b - 0.75, 0.25 - low_a))
    apart = math.log(-math.log(0.25)) - math.log(-math.log(0.75))
    spread = math.sqrt(variance) * math.hypot(1 / (0.25 * math.log(0.25)), 1 / (0.75 * math.log(0.75)))
    assert log_log["p"] == pytest.approx(math.erfc(apart / spread / math.sqrt(2)))


@pytest.mark.parametrize("limits", ["log-log", "plain"])
def test_milestone_limits_hold_the_difference_and_both_kinds_are_near_in_a_large_trial(limits):
    table = milestone(trial(2000), [3, 6, 12], limits=limits).table
    other = milestone(trial(2000), [3, 6, 12], limits="plain").table
    for name in ("lower", "upper"):
        assert table[name].to_list() == pytest.approx(other[name].to_list(), abs=2e-3)
    assert ((table["lower"] < table["difference"]) & (table["difference"] < table["upper"])).all()


def test_milestone_coverage_of_the_limits():
    truth = math.exp(-8 / 15) - math.exp(-8 / 10)
    held = 0
    for seed in range(300):
        row = milestone(trial(80, seed=seed), [8]).table.row(0, named=True)
        held += row["lower"] < truth < row["upper"]
    assert 0.92 <= held / 300 <= 0.98


def test_milestones_that_are_not_known_are_null_with_a_sentence():
    events = table_of([1, 5, 2, 9], [1, 0, 1, 1], list("aabb"), control="a")
    found = {row["time_months"]: row for row in milestone(events, [0.5, 3, 7]).table.iter_rows(named=True)}
    assert (found[7]["difference"], "curve of arm a is not known" in found[7]["status"]) == (None, True)
    assert (found[0.5]["difference"], found[0.5]["lower"], found[0.5]["p"]) == (0.0, None, None)
    assert "no variance" in found[0.5]["status"]
    assert found[3]["status"] == "ok"
    with pytest.raises(SettingError, match="log-log"):
        milestone(events, [3], limits="log")
    with pytest.raises(SettingError, match="-1"):
        milestone(events, [-1])
