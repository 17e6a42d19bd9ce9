"""Weighted log-rank tests, MaxCombo, the bootstrap, follow-up, quantiles and conventions."""

import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.kernels import _jit
from benchside.stages.clinical import (
    EventTable,
    FlemingHarrington,
    Log,
    bootstrap_hazard_ratio,
    cox,
    follow_up,
    kaplan_meier,
    log_rank,
    max_combo,
)
from tests.stages.clinical.small import table_of
from tests.stages.clinical.test_cox_options import trial


def delayed(size=200, *, seed=1):
    """A trial in which the treatment acts from month 6 on."""
    rng = np.random.default_rng(seed)
    arm = np.tile(["a", "b"], size // 2)
    time = rng.exponential(10, size)
    time = np.where((arm == "b") & (time > 6), 6 + (time - 6) * 4, time)
    return table_of(np.minimum(time, 40), (time < 40).astype(int), arm, control="a")


def test_weights_by_hand():
    # S before the deaths at 1, 2, 3, 4: 1, 3/4, 1/2, 1/4. Excess of b: 0 - 1/2, 0 - 2/3, 0, 0; variances 1/4, 2/9.
    events = table_of([1, 2, 3, 4], [1] * 4, ["a", "a", "b", "b"], control="a")
    early = log_rank(events, weights=FlemingHarrington(rho=1))
    assert early.chi2 == pytest.approx((1 / 2 + 3 / 4 * 2 / 3) ** 2 / (1 / 4 + 9 / 16 * 2 / 9))
    late = log_rank(events, weights=FlemingHarrington(gamma=1))
    assert late.chi2 == pytest.approx((1 / 4 * 2 / 3) ** 2 / (1 / 16 * 2 / 9))
    assert early.table["weights"][0] == "Fleming-Harrington (1, 0)"
    assert log_rank(events, weights=FlemingHarrington()).table.equals(log_rank(events).table)
    assert early.origin.settings["weights"] != late.origin.settings["weights"]


def test_late_weights_see_a_delayed_effect_and_max_combo_is_near_the_best():
    events = delayed()
    p = {weight: log_rank(events, weights=FlemingHarrington(*weight)).p for weight in ((0, 0), (1, 0), (0, 1))}
    assert p[0, 1] < p[0, 0] < p[1, 0]
    found = max_combo(events)
    best = min(found.table["p"][:-1])
    assert best < found.p < 4 * best  # never better than its best test, never worse than Bonferroni's
    assert found.table["z"][-1] < 0
    signs = {row["weights"]: row for row in found.table.iter_rows(named=True)}
    assert signs["Fleming-Harrington (0, 1)"]["p"] == pytest.approx(p[0, 1])


def test_max_combo_of_one_weight_is_that_test_and_swapping_arms_turns_z():
    events = delayed(60)
    single = max_combo(events, weights=[FlemingHarrington(1, 1)])
    assert single.p == pytest.approx(log_rank(events, weights=FlemingHarrington(1, 1)).p, rel=1e-10)
    swapped = max_combo(EventTable(events.table, control="b"))
    assert swapped.table["z"].to_list() == pytest.approx([-z for z in max_combo(events).table["z"]])
    assert swapped.p == pytest.approx(max_combo(events).p, rel=1e-9)


def test_max_combo_keeps_its_level():
    rng = np.random.default_rng(12)
    below = 0
    for _ in range(150):
        arm = rng.permutation(np.repeat(["a", "b"], 40))
        below += max_combo(table_of(rng.exponential(1, 80), rng.integers(0, 2, 80), arm, control="a")).p < 0.1
    assert 0.04 <= below / 150 <= 0.17


def test_what_the_weighted_tests_refuse_and_what_they_leave_null():
    with pytest.raises(SettingError, match="0 or more"):
        FlemingHarrington(-1, 0)
    with pytest.raises(SettingError, match="two arms, and"):
        max_combo(table_of([1, 2, 3], [1] * 3, list("abc"), control="a"))
    with pytest.raises(SettingError, match="each once"):
        max_combo(delayed(20), weights=[])
    none = max_combo(table_of([1, 2], [0, 0], list("ab"), control="a"))
    assert none.p is None
    assert none.table["status"][-1].startswith("Not estimable")
    # The only event is the first, where 1 - S is 0: weights (0, 1) and (1, 1) say nothing.
    first = max_combo(table_of([1, 2, 3], [1, 0, 0], list("abb"), control="a"))
    assert first.table["z"].is_null().to_list() == [False, False, True, True, False]
    assert first.p == pytest.approx(log_rank(table_of([1, 2, 3], [1, 0, 0], list("abb"), control="a")).p)


def test_bootstrap_is_near_wald_in_a_large_trial_and_repeats():
    events = trial(400)
    row = cox(events).table.row(0, named=True)
    for limits in ("bca", "percentile"):
        found = bootstrap_hazard_ratio(events, resamples=2000, seed=7, limits=limits)
        boot = found.table.row(0, named=True)
        assert boot["hazard_ratio"] == pytest.approx(row["hazard_ratio"], rel=1e-9)
        assert boot["se_log"] == pytest.approx(row["se"], rel=0.06)
        assert (boot["lower"], boot["upper"]) == pytest.approx((row["lower"], row["upper"]), rel=0.06)
        assert found.log_hazard_ratios.size == 2000
    before = _jit.threads()
    try:
        _jit.threads(1)
        again = bootstrap_hazard_ratio(events, resamples=2000, seed=7, limits="percentile")
    finally:
        _jit.threads(before)
    assert again.table.equals(found.table)
    assert np.array_equal(again.log_hazard_ratios, found.log_hazard_ratios)
    more = bootstrap_hazard_ratio(events, resamples=2500, seed=7, limits="percentile")
    assert np.array_equal(more.log_hazard_ratios[:2000], found.log_hazard_ratios)


def test_bootstrap_percentiles_are_those_of_a_plain_resampling():
    events = trial(60, seed=3)
    table, rng = events.table, np.random.default_rng(1)
    parts = [table.filter(pl.col("arm") == arm) for arm in ("chemo", "tki")]
    plain = []
    for _ in range(300):
        again = pl.concat([part[rng.integers(0, part.height, part.height)] for part in parts])
        plain.append(cox(EventTable(again, control="chemo")).table["coefficient"][0])
    found = bootstrap_hazard_ratio(events, resamples=5000, seed=1).log_hazard_ratios
    assert np.mean(plain) == pytest.approx(found.mean(), abs=0.08)
    assert np.std(plain) == pytest.approx(found.std(), rel=0.15)


def test_a_bootstrap_of_few_events_has_null_limits_with_a_sentence():
    few = table_of(range(1, 21), [1, 1] + [0] * 18, ["a", "b"] * 10, control="a")
    percentile = bootstrap_hazard_ratio(few, resamples=500, seed=1, limits="percentile").table.row(0, named=True)
    assert percentile["without_estimate"] > 100
    assert percentile["lower"] is percentile["upper"] is None
    assert "no event" in percentile["status"]
    bca = bootstrap_hazard_ratio(few, resamples=500, seed=1).table.row(0, named=True)
    assert (bca["lower"], bca["status"].startswith("No BCa limits")) == (None, True)
    silent = table_of([1, 2, 3, 4], [1, 0, 1, 0], ["a", "b"] * 2, control="a")
    assert bootstrap_hazard_ratio(silent, resamples=100, seed=1).table["hazard_ratio"][0] is None
    for wrong in ({"resamples": 10}, {"limits": "normal"}):
        with pytest.raises(SettingError):
            bootstrap_hazard_ratio(few, **{"resamples": 200, "seed": 1, **wrong})


def test_follow_up_by_hand():
    # Censored at 2, 4, 6; an event at 1 takes one of four away before: 1, 2/3, 1/3, 0.
    found = follow_up(table_of([1, 2, 4, 6], [1, 0, 0, 0], ["a"] * 4)).table
    assert found["arm"].to_list() == ["a", "all arms"]
    row = found.row(0, named=True)
    assert (row["n"], row["censored"], row["median_months"]) == (4, 3, 4.0)
    assert (row["shortest_censored_months"], row["longest_months"]) == (2.0, 6.0)
    nobody = follow_up(table_of([1, 2], [1, 1], ["a", "a"])).table.row(0, named=True)
    assert nobody["median_months"] is None
    assert nobody["status"].startswith("Median follow-up not reached")
    assert follow_up(table_of([1, 2], [0, 0], ["b", "a"], control="b"), conventions="sas").table["arm"].to_list() == [
        "b",
        "a",
        "all arms",
    ]


def test_quantiles_by_hand_and_where_not_reached():
    km = kaplan_meier(table_of([1, 2, 3, 4, 5], [1, 1, 1, 0, 0], ["a"] * 5))
    found = km.quantiles([0.2, 0.5, 0.7]).table
    assert found["time_months"].to_list() == [1.5, 3.0, None]  # flat at 0.8 from 1 to 2: the midpoint
    assert "not reached: the curve ends at 0.400" in found["status"][2]
    assert km.quantiles([0.5]).table["time_months"][0] == km.table["median_months"][0]
    assert km.quantiles([0.5]).evidence[0].value == 3.0
    for wrong in (0, 1, 50):
        with pytest.raises(SettingError, match="between 0 and 1"):
            km.quantiles([wrong])


def test_numbers_at_risk_by_hand():
    km = kaplan_meier(table_of([1, 2, 2, 4], [1, 0, 1, 1], ["a"] * 4))
    assert km.at_risk([0, 1, 2, 3, 4, 5]).rows() == [
        ("a", 0.0, 4, 0, 0), ("a", 1.0, 4, 1, 0), ("a", 2.0, 3, 2, 1), ("a", 3.0, 1, 2, 1), ("a", 4.0, 1, 3, 1), ("a", 5.0, 0, 3, 1),
    ]  # fmt: skip


def test_one_switch_sets_the_rule_past_the_last_follow_up_too():
    events = table_of([1, 2, 3], [1, 1, 0], ["a"] * 3)
    late = {name: kaplan_meier(events, conventions=name).at([9]).table.row(0, named=True) for name in (None, "r", "sas")}
    assert [late[name]["survival"] for name in (None, "r", "sas")] == [None, pytest.approx(1 / 3), None]
    assert [late[name]["past_last_follow_up"] for name in (None, "r", "sas")] == [
        "not estimable",
        "carried forward",
        "not estimable",
    ]
    assert late["r"]["status"].endswith("carried forward from there.")
    assert late["r"]["at_risk"] == 0
    assert [late[name]["conventions"] for name in (None, "r", "sas")] == ["benchside", "R", "SAS"]
    table = kaplan_meier(events, conventions="r", interval=Log(0.9)).table
    assert table.select("interval", "past_last_follow_up", "conventions").row(0) == ("log 0.9", "carried forward", "R")
    assert math.isclose(kaplan_meier(events).curve["se"][1], math.sqrt(1 / 3 * 2 / 3 / 3))
