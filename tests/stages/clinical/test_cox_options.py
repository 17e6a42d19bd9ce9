"""Factors, late entry, robust variances, Firth's penalty and the tests of Cox regression."""

import math
import warnings

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError, UnitError
from benchside.stages.clinical import Entry, EventTable, cox, proportional_hazards
from tests.stages.clinical.small import table_of

ESTIMATES = ["coefficient", "se", "hazard_ratio", "lower", "upper", "p"]


def trial(size=120, *, seed=1, **columns):
    rng = np.random.default_rng(seed)
    stage = rng.choice(["I", "II", "III"], size)
    age = rng.normal(60, 8, size)
    arm = np.tile(["chemo", "tki"], size // 2)
    hazard = np.exp(-0.5 * (arm == "tki") + 0.02 * (age - 60) + 0.3 * (stage == "III")) / 10
    onset, censored = rng.exponential(1 / hazard), rng.uniform(5, 40, size)
    time = np.ceil(np.minimum(onset, censored) * 2) / 2
    event = (onset <= censored).astype(int)
    return table_of(time, event, arm, control="chemo", stage=stage, age=age, site=rng.integers(0, 8, size), **columns)


def terms_of(found):
    return {row["term"]: row for row in found.table.iter_rows(named=True)}


def test_a_factor_is_its_levels_against_the_reference():
    events = trial()
    found = terms_of(cox(events, covariates=["stage", "age"]))
    assert list(found) == ["tki", "stage: II", "stage: III", "age"]
    by_hand = events.table.with_columns((pl.col("stage") == level).cast(pl.Int64).alias(level) for level in ("II", "III"))
    coded = terms_of(cox(EventTable(by_hand, control="chemo"), covariates=["II", "III", "age"]))
    assert [found[f"stage: {level}"]["coefficient"] for level in ("II", "III")] == [
        coded[level]["coefficient"] for level in ("II", "III")
    ]
    row = found["stage: III"]
    assert (row["covariate"], row["level"], row["reference"], row["arm"], row["comparator"]) == ("stage", "III", "I", None, None)


def test_the_reference_level_can_be_chosen_and_numbers_can_be_levels():
    events = trial()
    against_one, against_three = (
        terms_of(cox(events, covariates=["stage"], references=choice)) for choice in ({}, {"stage": "III"})
    )
    assert against_three["stage: I"]["coefficient"] == pytest.approx(-against_one["stage: III"]["coefficient"], rel=1e-7)
    assert against_three["tki"]["coefficient"] == pytest.approx(against_one["tki"]["coefficient"], rel=1e-7)
    assert list(terms_of(cox(events, covariates=["site"]))) == ["tki", "site"]
    assert len(terms_of(cox(events, covariates=["site"], references={"site": 3}))) == 8
    typed = events.table.with_columns(decimal=pl.col("site").cast(pl.Float64), old=pl.col("age") > 60)
    for name, reference, term in (("decimal", 3, "decimal: 4.0"), ("old", True, "old: false")):
        assert term in terms_of(cox(EventTable(typed, control="chemo"), covariates=[name], references={name: reference}))


def test_evidence_names_level_and_reference():
    quantities = {record.quantity for record in cox(trial(), covariates=["stage", "age"]).evidence}
    assert {"hazard_ratio", "hazard_ratio of stage III against I", "cox_p per unit of age"} <= quantities


def test_who_misses_a_factor_is_left_out_and_counted():
    events = trial()
    holes = events.table.with_columns(stage=pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise(pl.col("stage")))
    found = cox(EventTable(holes, control="chemo"), covariates=["stage"])
    assert (found.left_out, found.table["n"][0]) == (5, 115)


def test_covariates_that_cannot_be_terms_are_refused():
    events = trial(constant=["x"] * 120, dates=pl.Series([20000] * 120).cast(pl.Date), subject=[f"S{k}" for k in range(120)])
    for name, words in (("constant", "only x"), ("dates", "Date"), ("subject", "120 levels")):
        with pytest.raises(TableError, match=words):
            cox(events, covariates=[name])
    with pytest.raises(SettingError, match="levels are I, II, III"):
        cox(events, covariates=["stage"], references={"stage": "IV"})
    with pytest.raises(SettingError, match="no covariate"):
        cox(events, references={"stage": "I"})


def heart():
    """The Stanford heart transplants, as the lifelines package holds them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines.datasets import load_stanford_heart_transplants
    return load_stanford_heart_transplants()


def transplants():
    frame = pl.from_pandas(heart()).with_columns(
        arm=pl.when(pl.col("transplant") == 1).then(pl.lit("new")).otherwise(pl.lit("own"))
    )
    return EventTable.from_frame(frame, time="stop", time_unit="days", event="event", arm="arm", control="own")


def test_a_covariate_that_changes_with_time_equals_lifelines():
    from lifelines import CoxTimeVaryingFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = CoxTimeVaryingFitter(penalizer=0.0).fit(
            heart(), id_col="id", start_col="start", stop_col="stop", event_col="event"
        )
    found = terms_of(cox(transplants(), covariates=["age", "year", "surgery"], entry=Entry("start", "days")))
    for ours, theirs in (("new", "transplant"), ("age", "age"), ("year", "year"), ("surgery", "surgery")):
        # lifelines leaves its iteration at about 1e-6.
        assert found[ours]["coefficient"] == pytest.approx(float(peer.params_[theirs]), abs=2e-6)
        assert found[ours]["se"] == pytest.approx(float(peer.standard_errors_[theirs]), rel=1e-5)


def test_the_unit_of_the_start_is_asked_for_and_rows_must_start_before_they_stop():
    events = transplants()
    with pytest.raises(UnitError):
        cox(events, entry=Entry("start", ""))
    with pytest.raises(TableError, match="start < time"):
        cox(events, entry=Entry("start", "years"))
    with pytest.raises(TableError, match="start column arm"):
        cox(events, entry=Entry("arm", "days"))
    months = EventTable(events.table.with_columns(start=pl.col("start") / 30.4375), control="own")
    one, other = cox(events, entry=Entry("start", "days")), cox(months, entry=Entry("start", "months"))
    assert one.table["coefficient"][0] == pytest.approx(other.table["coefficient"][0], rel=1e-9)
    assert one.concordance == (None, None)


def test_robust_and_clustered_standard_errors_equal_lifelines_without_ties():
    from lifelines import CoxPHFitter

    events = trial(size=150, seed=5)
    rng = np.random.default_rng(2)
    untied = events.table.with_columns(time_months=pl.col("time_months") + pl.Series(rng.uniform(0, 0.4, 150)))
    frame = untied.select("time_months", "event", "age", "site", tki=(pl.col("arm") == "tki").cast(pl.Int64)).to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        robust = CoxPHFitter().fit(frame.drop(columns="site"), "time_months", "event", robust=True)
        clustered = CoxPHFitter().fit(frame, "time_months", "event", cluster_col="site", formula="tki + age")
    for peer, choice in ((robust, {"robust": True}), (clustered, {"cluster": "site"})):
        found = terms_of(cox(EventTable(untied, control="chemo"), covariates=["age"], **choice))
        for term in ("tki", "age"):
            assert found[term]["coefficient"] == pytest.approx(float(peer.params_[term]), rel=1e-5)
            assert found[term]["se"] == pytest.approx(float(peer.standard_errors_[term]), rel=1e-5)


def test_robust_standard_errors_with_ties_are_near_the_jackknife():
    # lifelines passes over Efron's ties here; leaving out one subject after another is the outside truth, to its order.
    events = trial(size=200, seed=8)
    whole = cox(events, robust=True).table.row(0, named=True)
    left = [
        cox(EventTable(events.table.filter(pl.int_range(pl.len()) != k), control="chemo")).table["coefficient"][0]
        for k in range(200)
    ]
    jackknife = math.sqrt(sum((value - whole["coefficient"]) ** 2 for value in left))
    assert whole["se"] == pytest.approx(jackknife, rel=0.05)


def test_a_clustered_variance_keeps_that_of_the_model_and_doubling_subjects_changes_nothing():
    events = trial()
    numbered = events.table.with_columns(subject=pl.int_range(pl.len()))
    once, robust = cox(EventTable(numbered, control="chemo"), cluster="subject"), cox(events, robust=True)
    assert once.table["se"][0] == pytest.approx(robust.table["se"][0], rel=1e-12)
    assert once.table["se_model"][0] == cox(events).table["se"][0]
    assert (once.table["variance"][0], robust.table["variance"][0]) == ("clustered by subject", "robust")
    # Breslow's score of a table in which everybody stands twice is twice the score: the clustered variance does not shrink.
    twice = cox(EventTable(pl.concat([numbered, numbered]), control="chemo"), cluster="subject", ties="breslow")
    single = cox(EventTable(numbered, control="chemo"), cluster="subject", ties="breslow")
    assert twice.table["se"][0] == pytest.approx(single.table["se"][0], rel=1e-9)
    assert twice.table["se_model"][0] == pytest.approx(single.table["se_model"][0] / math.sqrt(2), rel=1e-9)


def test_what_robust_variances_cannot_do():
    with pytest.raises(SettingError, match="Firth"):
        cox(trial(), robust=True, penalty="firth")
    with pytest.raises(SettingError, match="one value"):
        cox(trial(one=[1] * 120), cluster="one")
    with pytest.raises(SettingError, match="penalty is 'ridge'"):
        cox(trial(), penalty="ridge")


def test_firths_penalty_gives_a_ratio_where_an_arm_has_no_event():
    silent = table_of([1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 1, 0, 1, 0, 1, 0], ["chemo", "tki"] * 4, control="chemo")
    none = cox(silent).table.row(0, named=True)
    assert [none[name] for name in ESTIMATES] == [None] * 6
    assert "penalty='firth'" in none["status"]
    row = cox(silent, penalty="firth").table.row(0, named=True)
    assert 0 < row["lower"] < row["hazard_ratio"] < 1
    assert row["upper"] > row["hazard_ratio"]
    assert (row["status"], row["estimator"].startswith("Firth")) == ("ok", True)
    assert cox(silent, penalty="if needed").table["hazard_ratio"][0] == row["hazard_ratio"]
    needed = cox(trial(), penalty="if needed")
    assert needed.table["estimator"][0] == "partial likelihood"
    assert needed.table["coefficient"][0] == cox(trial()).table["coefficient"][0]


def test_in_a_large_trial_the_penalty_hardly_matters():
    events = trial(size=400)
    plain, firth = (cox(events, covariates=["age"], penalty=penalty).table for penalty in (None, "firth"))
    for name, within in (("coefficient", 0.02), ("lower", 0.02), ("upper", 0.02)):
        assert firth[name].to_list() == pytest.approx(plain[name].to_list(), abs=within)


def test_firths_limits_and_p_agree():
    # The limit at level 1 - p stands at a hazard ratio of 1.
    events = trial(size=60, seed=12)
    p = cox(events, penalty="firth").table["p"][0]
    row = cox(events, penalty="firth", level=1 - p).table.row(0, named=True)
    assert min(abs(math.log(row["lower"])), abs(math.log(row["upper"]))) == pytest.approx(0, abs=1e-6)


def test_tests_of_one_term_and_of_a_fit_that_runs_to_infinity():
    found = cox(trial())
    tests = {row["test"]: row for row in found.tests.iter_rows(named=True)}
    row = found.table.row(0, named=True)
    assert tests["Wald"]["chi2"] == pytest.approx((row["coefficient"] / row["se"]) ** 2)
    assert tests["Wald"]["p"] == pytest.approx(row["p"])
    assert tests["likelihood ratio"]["chi2"] == pytest.approx(2 * (found.log_likelihood - found.null_log_likelihood))
    silent = cox(table_of([1, 2, 3, 4], [1, 0, 1, 0], ["chemo", "tki"] * 2, control="chemo"))
    assert silent.tests.row(1, named=True) == {"test": "Wald", "chi2": None, "df": 1, "p": None}
    assert silent.tests["chi2"][0] > 0
    assert silent.concordance == (None, None)


def test_a_fit_whose_subjects_are_few_says_so_and_stays_without_numbers():
    for events in (
        table_of([0, 0], [1, 1], ["a", "b"], control="a"),
        table_of([5, 5, 5], [1, 0, 1], ["a", "b", "b"], control="a"),
        table_of([1, 2], [1, 1], ["a", "b"], control="a"),
    ):
        for found in (cox(events), cox(events, penalty="if needed"), cox(events, robust=True)):
            row = found.table.row(0, named=True)
            numbers = [row[name] for name in ESTIMATES if row[name] is not None]
            assert all(math.isfinite(value) for value in numbers)
            assert row["status"] == "ok" or row["status"].endswith(".")
        tested = proportional_hazards(events).table
        assert all(value is None or math.isfinite(value) for value in tested["chi2"])


def test_conventions_are_printed():
    assert cox(trial(), conventions="sas").table.select("ties", "conventions").row(0) == ("breslow", "SAS")
    assert cox(trial(), conventions="r").table.select("ties", "conventions").row(0) == ("efron", "R")
