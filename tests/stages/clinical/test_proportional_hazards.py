import math

import numpy as np
import pytest

from benchside.core.errors import SettingError
from benchside.stages.clinical import Entry, cox, proportional_hazards
from tests.stages.clinical.small import table_of
from tests.stages.clinical.test_cox_options import transplants, trial


def test_arms_are_one_term_and_so_is_a_factor():
    events = trial()
    table = proportional_hazards(events, covariates=["stage", "age"]).table
    assert table["term"].to_list() == ["arm", "stage", "age", "GLOBAL"]
    assert table["df"].to_list() == [1, 2, 1, 4]
    three = table_of([1, 2, 3, 4, 5, 6, 7, 8, 9], [1] * 9, ["a", "b", "c", "b", "c", "a", "c", "a", "b"], control="a")
    assert proportional_hazards(three).table["df"].to_list() == [2, 2]


def test_crossing_hazards_are_found_and_proportional_ones_are_not():
    rng = np.random.default_rng(2)
    size = 400
    arm = np.tile(["a", "b"], size // 2)
    late = np.where(arm == "b", rng.weibull(2.5, size), rng.weibull(0.8, size)) * 10
    even = rng.exponential(np.where(arm == "b", 15, 10))
    assert proportional_hazards(table_of(late, [1] * size, arm, control="a")).table["p"][0] < 1e-8
    assert proportional_hazards(table_of(even, [1] * size, arm, control="a")).table["p"][0] > 0.05


def test_a_function_of_time_may_be_shifted_and_scaled():
    # Months or years, the identity transform is the same test; rank does not change under any stretching of time.
    events = trial()
    table = events.table
    years = table_of(table["time_months"] / 12, table["event"], table["arm"], control="chemo")
    squared = table_of(table["time_months"] ** 2, table["event"], table["arm"], control="chemo")
    for other, transform in ((years, "identity"), (years, "log"), (squared, "rank"), (squared, "km")):
        pair = [proportional_hazards(which, transform=transform).table["chi2"][0] for which in (events, other)]
        assert pair[0] == pytest.approx(pair[1], rel=1e-6)


def test_residuals_sum_to_nothing_and_scaled_ones_average_the_coefficient():
    events = trial()
    found = proportional_hazards(events, covariates=["age"])
    fit = cox(events, covariates=["age"]).table
    for term, coefficient in zip(fit["term"], fit["coefficient"], strict=True):
        rows = found.residuals.filter(found.residuals["term"] == term)
        assert rows.height == fit["events"][0]
        assert rows["residual"].sum() == pytest.approx(0, abs=1e-6)
        assert rows["scaled_residual"].mean() == pytest.approx(coefficient, abs=1e-6)


def test_schoenfelds_residual_by_hand():
    # At coefficient b the treated who dies first of (treated, control) leaves 1 - r/(r + 1), r = exp(b).
    events = table_of([1, 2, 3, 4], [1, 1, 1, 1], ["tki", "chemo", "tki", "chemo"], control="chemo")
    r = math.exp(cox(events).table["coefficient"][0])
    found = proportional_hazards(events, transform="identity").residuals
    assert found["residual"].to_list() == pytest.approx([1 - r / (r + 1), -r / (r + 2), 1 - r / (r + 1), 0], abs=1e-9)
    assert found["transformed_time"].to_list() == [1, 2, 3, 4]


def test_late_entry_is_a_counting_process():
    # A subject cut into two rows is the same subject; the Kaplan-Meier transform counts those at risk then.
    events = trial()
    table = events.table
    cut = np.floor(table["time_months"].to_numpy() / 2)
    later = table.with_columns(start=cut)
    sooner = table.with_columns(time_months=cut, event=0 * table["event"], start=0.0)
    halves = table_of(
        np.concatenate([cut[cut > 0], table["time_months"]]),
        np.concatenate([np.zeros(int((cut > 0).sum()), int), table["event"]]),
        np.concatenate([sooner["arm"].to_numpy()[cut > 0], later["arm"]]),
        control="chemo",
        start=np.concatenate([np.zeros(int((cut > 0).sum())), cut]),
    )
    for transform in ("identity", "km", "log"):
        whole = proportional_hazards(events, transform=transform).table["chi2"].to_list()
        assert proportional_hazards(halves, transform=transform, entry=Entry("start", "months")).table[
            "chi2"
        ].to_list() == pytest.approx(whole, rel=1e-6)
    found = proportional_hazards(transplants(), covariates=["age"], entry=Entry("start", "days")).table
    assert found["status"].to_list() == ["ok"] * 3


def test_what_cannot_be_tested_is_null_with_a_sentence():
    at_zero = table_of([0, 1, 2, 3, 4, 5], [1] * 6, ["a", "b", "b", "a", "b", "a"], control="a")
    assert "time 0" in proportional_hazards(at_zero, transform="log").table["status"][0]
    assert proportional_hazards(at_zero).table["status"][0] == "ok"
    silent = table_of([1, 2, 3, 4], [1, 0, 1, 0], ["a", "b"] * 2, control="a")
    found = proportional_hazards(silent)
    assert found.table["chi2"].to_list() == [None, None]
    assert "no finite estimate" in found.table["status"][0]
    assert found.residuals.is_empty()
    nobody = proportional_hazards(table_of([1, 2], [0, 0], ["a", "b"], control="a")).table
    assert nobody["p"].to_list() == [None, None]
    assert "nobody had the event" in nobody["status"][0]
    constant = proportional_hazards(trial(same=[3.0] * 120), covariates=["same"]).table
    assert constant["chi2"][1] is None
    assert "does not vary" in constant["status"][1]
    assert constant["df"].to_list() == [1, 0, 1]
    with pytest.raises(SettingError, match="sqrt"):
        proportional_hazards(at_zero, transform="sqrt")


def test_ties_follow_the_conventions_and_are_printed():
    events = trial()
    sas = proportional_hazards(events, conventions="sas")
    assert sas.table["chi2"][0] == proportional_hazards(events, ties="breslow").table["chi2"][0]
    assert sas.table.select("ties", "conventions").row(0) == ("breslow", "SAS")
    assert sas.table["chi2"][0] != proportional_hazards(events).table["chi2"][0]
    assert {record.quantity for record in sas.evidence} == {"proportional_hazards_chi2", "proportional_hazards_p"}
