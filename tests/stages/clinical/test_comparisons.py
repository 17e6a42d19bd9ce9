import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import SettingError, TableError
from benchside.stages.clinical import compare_arms_batch, cox, log_rank
from tests.kernels.survival_twins import patients
from tests.stages.clinical.small import table_of

WORDS = np.array(["chemo", "tki"])
ALTERNATE = table_of([1, 2, 3, 4], [1, 1, 1, 1], ["chemo", "tki", "chemo", "tki"], control="chemo")


def events_of(drawn, *, control="chemo"):
    time, event, arm = drawn
    ends = ([50.0, 50.0], [0, 0], ["chemo", "tki"])  # so that both arms are there
    return table_of([*time.tolist(), *ends[0]], [*event.tolist(), *ends[1]], [*WORDS[arm].tolist(), *ends[2]], control=control)


def near(value, rel):
    return None if value is None else pytest.approx(value, rel=rel, abs=1e-9)


def test_hazard_ratio_by_hand():
    row = cox(ALTERNATE).table.row(0, named=True)
    assert row["hazard_ratio"] == pytest.approx((math.sqrt(17) - 1) / 8)
    assert (row["term"], row["arm"], row["comparator"]) == ("tki", "tki", "chemo")
    z = 1.959963984540054
    assert row["lower"] == pytest.approx(math.exp(row["coefficient"] - z * row["se"]))
    assert row["upper"] == pytest.approx(math.exp(row["coefficient"] + z * row["se"]))
    assert row["p"] == pytest.approx(math.erfc(abs(row["coefficient"] / row["se"]) / math.sqrt(2)))


@given(patients(), st.randoms(use_true_random=False))
def test_order_of_subjects_does_not_matter(drawn, random):
    order = list(range(drawn[0].size))
    random.shuffle(order)
    first, second = events_of(drawn), events_of([values[order] for values in drawn])
    assert log_rank(first).chi2 == near(log_rank(second).chi2, 1e-12)
    one, two = (cox(events).table.row(0, named=True)["coefficient"] for events in (first, second))
    assert one == near(two, 1e-8)


@given(patients())
def test_swapping_the_arms_flips_the_sign(drawn):
    one, other = (cox(events_of(drawn, control=control)).table.row(0, named=True) for control in ("chemo", "tki"))
    assert log_rank(events_of(drawn)).chi2 == near(log_rank(events_of(drawn, control="tki")).chi2, 1e-9)
    if one["status"] == "ok":
        assert one["coefficient"] == pytest.approx(-other["coefficient"], rel=1e-8, abs=1e-9)
        assert one["se"] == pytest.approx(other["se"], rel=1e-7)
    else:
        assert other["hazard_ratio"] is None


@given(patients())
def test_the_batch_gives_the_single_answers(drawn):
    events = events_of(drawn).table
    arm = (events["arm"] == "tki").cast(pl.Int64).to_numpy()
    batch = compare_arms_batch(events["time_months"].to_numpy()[None], events["event"].to_numpy()[None], arm[None]).table
    row, test = cox(events_of(drawn)).table.row(0, named=True), log_rank(events_of(drawn))
    for ours, theirs in (("chi2", test.chi2), ("p", test.p), ("log_hr", row["coefficient"]), ("se", row["se"])):
        assert batch[ours][0] == near(theirs, 1e-7)


def test_covariates_and_those_who_miss_one():
    rng = np.random.default_rng(5)
    time, arm = rng.exponential(size=100), np.tile(["a", "b"], 50)
    age = [None if k < 3 else float(v) for k, v in enumerate(rng.normal(60, 8, 100))]
    age[3] = math.nan
    events = table_of(time, [1] * 100, arm, control="a", age=age)
    fit = cox(events, covariates=["age"])
    assert fit.left_out == 4
    assert fit.table["n"].to_list() == [96, 96]
    assert fit.table["term"].to_list() == ["b", "age"]
    assert fit.table["arm"].to_list() == ["b", None]
    kept = table_of(time[4:], [1] * 96, arm[4:], control="a", age=age[4:])
    assert fit.table["coefficient"].to_list() == cox(kept, covariates=["age"]).table["coefficient"].to_list()
    assert [record.quantity for record in fit.evidence] == [
        "hazard_ratio",
        "hazard_ratio per unit of age",
        "cox_p",
        "cox_p per unit of age",
    ]


def test_strata_of_one_value_change_nothing_and_missing_strata_are_left_out():
    site = ["x"] * 4
    plain, stratified = (
        ALTERNATE,
        table_of([1, 2, 3, 4], [1] * 4, ["chemo", "tki"] * 2, control="chemo", strata=["site"], site=site),
    )
    assert cox(stratified).table["coefficient"][0] == cox(plain).table["coefficient"][0]
    assert log_rank(stratified).chi2 == log_rank(plain).chi2
    some = table_of(
        [1, 2, 3, 4, 5], [1] * 5, ["chemo", "tki"] * 2 + ["tki"], control="chemo", strata=["site"], site=[*site, None]
    )
    assert log_rank(some).chi2 == log_rank(plain).chi2
    assert log_rank(some).left_out == 1


def test_two_strata_columns_are_crossed():
    rng = np.random.default_rng(8)
    sex, site = rng.integers(0, 2, 80), rng.integers(0, 3, 80)
    columns = {"time": rng.exponential(size=80), "event": [1] * 80, "arm": np.tile(["a", "b"], 40), "control": "a"}
    crossed = table_of(**columns, strata=["sex", "site"], sex=sex, site=site)
    joined = table_of(**columns, strata=["both"], both=sex * 10 + site)
    assert log_rank(crossed).chi2 == log_rank(joined).chi2
    assert cox(crossed).table["coefficient"][0] == cox(joined).table["coefficient"][0]


def test_conventions_set_the_ties():
    tied = table_of([1, 1, 1, 2, 3, 3], [1] * 6, ["a", "b"] * 3, control="a")
    assert cox(tied, conventions="sas").table["coefficient"][0] == cox(tied, ties="breslow").table["coefficient"][0]
    assert cox(tied).table["ties"][0] == cox(tied, conventions="r").table["ties"][0] == "efron"
    assert cox(tied).table["coefficient"][0] != cox(tied, ties="breslow").table["coefficient"][0]


@pytest.mark.parametrize("silent", ["chemo", "tki"])
def test_an_arm_without_an_event_is_null_with_a_sentence(silent):
    events = table_of([1, 2, 3, 4], [int(arm != silent) for arm in ("chemo", "tki") * 2], ["chemo", "tki"] * 2, control="chemo")
    row = cox(events).table.row(0, named=True)
    assert [row[name] for name in ("coefficient", "se", "hazard_ratio", "lower", "upper", "p")] == [None] * 6
    assert f"nobody in arm {silent} had the event" in row["status"]
    assert log_rank(events).p is not None


def test_separated_arms_and_no_event_at_all_say_so():
    apart = table_of([1, 2, 3, 4], [1] * 4, ["chemo", "chemo", "tki", "tki"], control="chemo")
    assert "separate" in cox(apart).table["status"][0]
    none = table_of([1, 2], [0, 0], ["chemo", "tki"], control="chemo")
    assert "nobody had the event" in cox(none).table["status"][0]
    assert log_rank(none).chi2 is None
    assert log_rank(none).p is None
    assert log_rank(none).table["status"][0].startswith("Not estimable")


def test_comparisons_ask_for_a_control_and_for_two_arms():
    for compare in (cox, log_rank):
        with pytest.raises(SettingError, match="control="):
            compare(table_of([1, 2], [1, 1], ["a", "b"]))
        with pytest.raises(SettingError, match="two arms"):
            compare(table_of([1, 2], [1, 1], ["a", "a"], control="a"))


def test_what_cannot_be_fitted_is_refused_by_name():
    events = table_of([1, 2], [1, 1], ["a", "b"], control="a", sex=["m", "m"])
    with pytest.raises(TableError, match=r"age.*columns are"):
        cox(events, covariates=["age"])
    with pytest.raises(TableError, match="sex has only m"):
        cox(events, covariates=["sex"])
    with pytest.raises(SettingError, match="efron"):
        cox(events, ties="exact")


@pytest.mark.parametrize(
    ("time", "event", "arm", "words"),
    [
        ([1.0, 2.0], [1, 1], [0, 1], "trials, patients"),
        ([[1.0, math.nan]], [[1, 1]], [[0, 1]], "patient 1"),
        ([[1.0, -2.0]], [[1, 1]], [[0, 1]], r"-2\.0"),
        ([[1.0, 2.0]], [[1, 2]], [[0, 1]], "event must be 0 or 1"),
        ([[1.0, 2.0]], [[1, 1]], [[0, 0.5]], "arm must be 0 or 1"),
        ([[1.0, 2.0]], [[1, 1]], [[0, 1, 1]], "shape"),
    ],
)
def test_the_batch_refuses_what_it_would_misread(time, event, arm, words):
    with pytest.raises(TableError, match=words):
        compare_arms_batch(time, event, arm)


def test_the_batch_is_null_where_not_estimable_and_takes_flags():
    found = compare_arms_batch([[1, 2, 3, 4]], [[True, False, True, False]], np.array([[0, 1, 0, 1]], dtype=bool))
    assert math.isnan(found.log_hr[0])
    assert found.table.row(0, named=True)["log_hr"] is None
    assert found.chi2[0] > 0
