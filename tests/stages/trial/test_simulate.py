"""Virtual trials: reproducible patients, the law, and the direction of every effect."""

import time

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import NoEvidenceError, SettingError, TableError
from benchside.core.exchange import GrowthLaw, Mechanism
from benchside.stages.trial import TrialRun, analyse, predict, read, simulate
from benchside.stages.trial.simulate import draw


def value(run, quantity="hazard_ratio", arm="new", column="value"):
    table = run.predict().table
    return table.filter((pl.col("quantity") == quantity) & (pl.col("arm") == arm))[column][0]


def test_patient_k_is_the_same_alone():
    many, alone = draw(5, np.arange(10)), draw(5, np.array([7]))
    assert np.array_equal(many.normal[7], alone.normal[0])
    assert np.array_equal(many.uniform[7], alone.uniform[0])
    assert not np.array_equal(draw(6, np.array([7])).normal, alone.normal)


def test_more_replicates_add_and_change_nothing(make_design, make_mechanism):
    few = simulate(make_design(), mechanism=make_mechanism(), replicates=2, seed=3).table
    many = simulate(make_design(), mechanism=make_mechanism(), replicates=5, seed=3).table
    assert many.filter(pl.col("replicate") < 2).equals(few)
    assert many["patient"].to_list() == list(range(5 * 150))
    assert many.group_by("replicate", "arm").len()["len"].unique().sort().to_list() == [70, 80]


def test_times_are_visits_or_deaths_within_follow_up(make_design, make_mechanism):
    table = simulate(make_design(), mechanism=make_mechanism(), replicates=20, seed=1).table
    visit = 8 * 7 / 30.4375
    on_visit = ((table["time_months"] / visit) - (table["time_months"] / visit).round()).abs() < 1e-9
    assert on_visit.filter(table["event"] == 0).all()
    assert on_visit.filter(table["cns_event"] == 1).all()
    assert table["time_months"].max() <= 36
    assert ((table["cns_event"] > 0) == (table["event"] == 1)).all()
    assert table["cns_baseline"].mean() == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("drug", ["alectinib", "crizotinib"])
def test_a_drug_against_itself_has_no_effect(make_design, make_mechanism, drug):
    run = simulate(make_design(drug, drug), mechanism=make_mechanism(), replicates=100, seed=2)
    assert value(run, column="lower") < 1 < value(run, column="upper")
    assert value(run) == pytest.approx(1, abs=0.08)


def potency_ratio_trial(make_design, make_mechanism, factor, **changes):
    """A drug whose IC50s are all `factor` times alectinib's, against crizotinib."""
    scaled = {"alectinib_WT": 12.0 * factor, "alectinib_G1202R": 868.0 * factor}
    return simulate(make_design(**changes), mechanism=make_mechanism(**scaled), replicates=60, seed=4)


def test_a_more_potent_drug_lowers_the_hazard_ratio(make_design, make_mechanism):
    found = [value(potency_ratio_trial(make_design, make_mechanism, factor)) for factor in (64.0, 16.0, 4.0, 1.0, 0.25, 1 / 16)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 1 > found[-1]


def test_a_deeper_response_can_progress_sooner_over_its_nadir(make_design, make_mechanism):
    # Killing sensitive cells faster, with the resistant ones as they were, lowers the nadir that progression is measured
    # from. RECIST has this property, so the hazard ratio need not fall with the potency on the sensitive variant alone.
    slow, fast = (
        value(simulate(make_design(), mechanism=make_mechanism(alectinib_WT=nominal), replicates=60, seed=4))
        for nominal in (96.0, 12.0)
    )
    assert slow < fast


def test_a_small_change_of_any_potency_reaches_the_hazard_ratio(make_design, make_mechanism):
    base = value(simulate(make_design(), mechanism=make_mechanism(), replicates=60, seed=4))
    for name, nominal in {"alectinib_WT": 12.0, "alectinib_G1202R": 868.0, "crizotinib_WT": 30.0}.items():
        moved = make_mechanism(**{name: 1.05 * nominal})
        assert value(simulate(make_design(), mechanism=moved, replicates=60, seed=4)) != base


def test_brain_covered_less_progresses_there_more(make_design, make_mechanism):
    run = simulate(make_design(), mechanism=make_mechanism(), replicates=40, seed=6)
    assert value(run, "cumulative_incidence", "old") > value(run, "cumulative_incidence", "new") + 0.1
    nobody = make_design("crizotinib", "crizotinib")
    arms = [{**arm.model_dump(), "cns_fraction": share} for arm, share in zip(nobody.arms, (0.0, 1.0), strict=True)]
    split = simulate(make_design("crizotinib", "crizotinib", arms=arms), mechanism=make_mechanism(), replicates=40, seed=6)
    assert value(split, "cumulative_incidence", "new") < value(split, "cumulative_incidence", "old")


def test_simulate_returns_what_read_returns(tmp_path, make_design, make_mechanism):
    run = simulate(make_design(), mechanism=make_mechanism(), replicates=3, seed=8)
    path = tmp_path / "events.csv"
    run.table.write_csv(path)
    assert read(path).table.equals(run.table)
    assert analyse(path).table.equals(run.predict().table)


def test_refusals(make_design, make_mechanism):
    mechanism = make_mechanism()
    gompertz = Mechanism(mechanism.effect, mechanism.exposures, GrowthLaw("gompertz"), "sketch")
    with pytest.raises(SettingError, match="not by the gompertz law"):
        simulate(make_design(), mechanism=gompertz)
    with pytest.raises(SettingError, match="replicates must be 1 or more"):
        simulate(make_design(), mechanism=mechanism, replicates=0)
    with pytest.raises(NoEvidenceError, match="no resistant variant is named for alectinib"):
        simulate(make_design(), mechanism=mechanism, replicates=1, resistant={"crizotinib": "G1269A"})
    with pytest.raises(NoEvidenceError, match="no effect of alectinib on L1196M"):
        simulate(make_design(), mechanism=mechanism, replicates=1, resistant={"alectinib": "L1196M", "crizotinib": "G1269A"})
    without = Mechanism(mechanism.effect, {}, mechanism.growth, "sketch")
    with pytest.raises(NoEvidenceError, match="no exposure of alectinib in plasma"):
        simulate(make_design(), mechanism=without, replicates=1)


def test_a_table_of_other_trials_is_refused(make_design, make_mechanism):
    table = simulate(make_design(), mechanism=make_mechanism(), replicates=2, seed=1).table
    with pytest.raises(TableError, match="one of them the control"):
        TrialRun(table.filter(pl.col("control")))
    with pytest.raises(TableError, match="Give each as many"):
        TrialRun(table[:-1])
    with pytest.raises(TableError, match=r"has time -1.0 months"):
        TrialRun(table.with_columns(time_months=-1.0))
    with pytest.raises(SettingError, match="level must lie in"):
        predict(table, level=95)


def test_a_trial_a_second_is_far_exceeded(make_design, make_mechanism):
    mechanism = make_mechanism()
    simulate(make_design(), mechanism=mechanism, replicates=1)  # compiled by now
    before = time.process_time()
    height = simulate(make_design(), mechanism=mechanism, replicates=100, seed=1).table.height
    assert height / (time.process_time() - before) > 3500
