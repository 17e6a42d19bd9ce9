import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.stages.clinical import Accrual, Cure, Hazard, Weibull, cause_specific, cumulative_incidence, kaplan_meier, simulate

CAUSES = {"cns": Hazard((0.03,)), "death": Hazard((0.02,))}


def test_weibull_and_cure_are_their_survival_curves():
    weibull = Weibull.from_median(12.0, shape=1.6)
    assert weibull.onset_months(-math.log(0.5)) == pytest.approx(12)
    assert weibull.times(0.5).onset_months(0.5 * 0.8) == pytest.approx(weibull.onset_months(0.8))
    cure = Cure(0.3, weibull)
    assert cure.onset_months(-math.log(0.65)) == pytest.approx(12)  # half of the 70 % that can
    assert cure.onset_months(2.0) == math.inf
    found = kaplan_meier(simulate({"a": cure, "b": weibull}, control="b", seed=3, patients=1500, censoring_months=(60.0, 60.0)))
    at = {(row["arm"], row["time_months"]): row["survival"] for row in found.at([12.0, 59.0]).table.iter_rows(named=True)}
    assert at["a", 12.0] == pytest.approx(0.65, abs=0.04)
    assert at["a", 59.0] == pytest.approx(0.3, abs=0.04)
    assert at["b", 12.0] == pytest.approx(0.5, abs=0.04)


def test_two_causes_come_back():
    arms = {"control": CAUSES, "treated": {"cns": Hazard((0.006,)), "death": Hazard((0.02,))}}
    events = simulate(arms, control="control", seed=5, patients=800, exact=("death",))
    assert events.causes == {"cns": 1, "death": 2}
    row = cause_specific(events, cause="cns").table.row(0, named=True)
    assert abs(row["coefficient"] - math.log(0.2)) < 3 * row["se"]
    at = cumulative_incidence(events, cause="cns").at([12.0]).table.filter(pl.col("arm") == "control").row(0, named=True)
    truth = 0.03 / 0.05 * (1 - math.exp(-0.05 * 12))
    assert at["lower"] < truth < at["upper"]


@pytest.mark.slow
def test_incidence_limits_cover_the_truth_as_often_as_they_say():
    truth = 0.03 / 0.05 * (1 - math.exp(-0.05 * 12))
    covered = []
    for seed in range(300):
        events = simulate({"a": CAUSES}, control="a", seed=seed, patients=100)
        row = cumulative_incidence(events, cause="cns").at([12.0]).table.row(0, named=True)
        covered.append(row["lower"] <= truth <= row["upper"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)


def test_visits_date_progression_and_death_dates_itself():
    events = simulate({"a": CAUSES}, control="a", seed=2, patients=300, visit_every_months=2.0, exact=("death",)).table
    seen, died = events.filter(pl.col("event") == 1)["time_months"], events.filter(pl.col("event") == 2)["time_months"]
    assert (seen % 2 == 0).all()
    assert (died % 2 != 0).mean() > 0.99
    assert (events.filter(pl.col("event") == 0)["time_months"] % 2 == 0).all()


def test_accrual_and_dropout_bound_follow_up():
    hazard = Hazard.from_median(10.0)
    plain = simulate({"a": hazard}, control="a", seed=2, patients=300, accrual=Accrual(12.0, 20.0)).table
    censored = plain.filter(pl.col("event") == 0)["time_months"]
    assert censored.min() >= 8.0
    assert censored.max() <= 20.0
    dropping = simulate(
        {"a": hazard}, control="a", seed=2, patients=300, accrual=Accrual(12.0, 20.0), dropout=Hazard((0.05,))
    ).table
    assert dropping["event"].sum() < plain["event"].sum()
    assert (dropping["time_months"] <= plain["time_months"]).all()  # patient k is the same patient


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(SettingError, match="same causes"):
        simulate({"a": CAUSES, "b": {"cns": Hazard((0.1,))}}, control="a", seed=1)
    with pytest.raises(SettingError, match="cut-off"):
        Accrual(12.0, 6.0)
    with pytest.raises(SettingError, match="cured share"):
        Cure(1.0, Hazard((0.1,)))
    with pytest.raises(SettingError, match="shape"):
        Weibull(0.0, 1.0)
