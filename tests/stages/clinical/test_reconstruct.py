import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchside.core.errors import NoEvidenceError, SettingError, TableError
from benchside.kernels import reconstruct_layout as layout
from benchside.stages.clinical import (
    Landmark,
    Published,
    cox,
    ensemble_trials,
    landmark_ensemble,
    reconstruct,
    reconstructed_arms,
)
from tests.kernels.survival_twins import slow_curve
from tests.stages.clinical.reference import read_reference


def survival(time, event, at):
    return np.array([slow_curve(time, event, t) for t in at])


def digitised(time, event, *, points=300, noise=0.001, every=3.0, seed=0):
    """A figure of these patients: noisy points, and the at-risk row."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(0, time.max(), points))
    curve = pl.DataFrame({"time_months": at, "survival": np.clip(survival(time, event, at) + rng.normal(0, noise, points), 0, 1)})
    marks = np.arange(0, time.max(), every)
    return curve, pl.DataFrame({"time_months": marks, "at_risk": [int((time >= mark).sum()) for mark in marks]})


def trial(n=120, seed=1):
    rng = np.random.default_rng(seed)
    onset, censored = rng.exponential(10, n), rng.uniform(4, 24, n)
    return np.round(np.minimum(onset, censored), 2) + 0.01, (onset <= censored).astype(int)


def test_patients_events_and_error_on_every_digitised_curve():
    points, rows, peer = (read_reference(f"guyot_{name}.csv") for name in ("digitised", "atrisk", "peer_ipd"))
    truth = {row["curve"]: row["true_events"] for row in read_reference("guyot_expected.csv").iter_rows(named=True)}
    for (name,), part in points.group_by("curve", maintain_order=True):
        curve = part.select(time_months="time", survival="surv")
        row = rows.filter(pl.col("curve") == name).select(time_months="t_risk", at_risk="n_risk")
        ours = reconstruct(curve, row, total_events=truth.get(name))
        errors = dict(ours.errors.select("quantity", "error").rows())
        theirs = peer.filter(pl.col("curve") == name)
        gap = survival(theirs["time"].to_list(), theirs["event"].to_list(), curve["time_months"]) - curve["survival"].to_numpy()
        assert errors["patients"] == errors["max_error_at_risk"] == 0
        assert errors["events"] in (0, None)
        assert errors["rmse_survival"] < np.sqrt((gap**2).mean())


@given(st.integers(0, 500))
@settings(max_examples=20)
def test_patients_numbers_at_risk_and_the_total_hold(seed):
    time, event = trial(n=40 + seed % 60, seed=seed)
    curve, row = digitised(time, event, points=120, seed=seed)
    found = reconstruct(curve, row, total_events=int(event.sum()))
    assert found.table.height == time.size
    assert int(found.table["event"].sum()) == event.sum()
    assert found.errors.filter(pl.col("quantity") == "max_error_at_risk")["error"][0] == 0
    assert (found.table["time_months"] >= 0).all()


def test_nine_of_ten_small_trials_come_back_within_three_times_the_noise():
    errors = []
    for seed in range(30):
        time, event = trial(n=40 + seed, seed=seed)
        found = reconstruct(*digitised(time, event, points=120, seed=seed, noise=0.001), total_events=int(event.sum()))
        errors.append(found.errors.filter(pl.col("quantity") == "rmse_survival")["error"][0])
    assert np.quantile(errors, 0.9) < 0.003
    assert max(errors) < 0.03


def test_a_flat_tail_gets_no_death():
    curve = pl.DataFrame({"time_months": [0.0, 5.0, 5.0, 40.0], "survival": [1.0, 1.0, 0.6, 0.6]})
    row = pl.DataFrame({"time_months": [0, 10, 20, 30], "at_risk": [100, 60, 40, 20]})
    found = reconstruct(curve, row).table
    assert int(found["event"].sum()) == 40
    assert found.filter(pl.col("event") == 1)["time_months"].max() == pytest.approx(5, abs=0.01)


def test_exact_points_give_the_patients_back():
    time, event = np.array([2.0, 4, 6, 8, 10]), np.array([1, 1, 0, 1, 0])
    at = np.arange(0, 10.01, 0.01)
    curve = pl.DataFrame({"time_months": at, "survival": survival(time, event, at)})
    found = reconstruct(curve, pl.DataFrame({"time_months": [0, 5, 7], "at_risk": [5, 3, 2]})).table
    assert found.filter(pl.col("event") == 1)["time_months"].to_list() == pytest.approx([2, 4, 8], abs=0.011)


def test_reconstructed_arms_know_their_error():
    arms = {}
    for name, seed in (("a", 3), ("b", 4)):
        time, event = trial(seed=seed)
        arms[name] = reconstruct(*digitised(time, event, seed=seed), total_events=int(event.sum()))
    events, errors = reconstructed_arms(arms, control="a", reported_hazard_ratio=0.8)
    assert events.reconstructed
    assert arms["a"].events("a").reconstructed
    line = errors.filter(pl.col("quantity") == "log_hazard_ratio").row(0, named=True)
    assert line["error"] == pytest.approx(np.log(cox(events).table["hazard_ratio"][0] / 0.8))


CURVE, ROW = digitised(*trial())


@pytest.mark.parametrize(
    ("curve", "row", "words"),
    [
        (CURVE.with_columns(pl.col("survival") * 100), ROW, "divide it by 100"),
        (CURVE.with_columns(survival=1 - pl.col("survival") / 2), ROW, "rises by"),
        (CURVE.filter(pl.col("time_months") > 8), ROW, "how it came there"),
        (CURVE.head(1), ROW, "two or more"),
        (CURVE, ROW.reverse().with_columns(time_months=ROW["time_months"]), "numbers fall"),
        (CURVE, ROW.tail(2), "start at month 0"),
        (
            CURVE,
            ROW.with_columns(at_risk=pl.Series([120, *[118 - k for k in range(ROW.height - 1)]])),
            "Check that curve and row",
        ),
        (CURVE, pl.concat([ROW, ROW.tail(1)]), "stands twice"),
        (CURVE.rename({"survival": "s"}), ROW, "survival is missing"),
    ],
)
def test_figures_that_contradict_themselves_are_refused(curve, row, words):
    with pytest.raises(TableError, match=words):
        reconstruct(curve, row)


def test_a_total_that_cannot_be_is_refused():
    with pytest.raises(SettingError, match="121 events"):
        reconstruct(CURVE, ROW, total_events=121)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_falling_curve_is_the_nearest_one(values):
    found = layout.falling(np.array(values))
    assert (np.diff(found) <= 1e-12).all()
    # By its definition (max-min): the level at i is the least over j <= i of the greatest over k >= i of the mean of j .. k.
    wanted = [
        min(max(float(np.mean(values[j : k + 1])) for k in range(i, len(values))) for j in range(i + 1))
        for i in range(len(values))
    ]
    assert found == pytest.approx(wanted, abs=1e-9)


ALEX_LIKE = Published(150, 70, 30.0, (Landmark(12.0, 0.65),), 20.0, (15.5, None))


def test_every_member_agrees_with_what_is_published():
    found = landmark_ensemble(ALEX_LIKE, members=25, seed=7)
    assert found.members.height == 25
    assert found.table.group_by("member").len()["len"].unique().to_list() == [150]
    assert found.members["events"].unique().to_list() == [70]
    assert found.members["median_months"].is_between(19.6, 20.4).all()
    assert found.members["lower_months"].is_between(15.5 * 0.85, 15.5 * 1.15).all()
    for (member,), part in found.table.group_by("member"):
        at = slow_curve(part["time_months"].to_list(), part["event"].to_list(), 12.0)
        assert abs(at - 0.65) < 0.03, member
    assert found.table.equals(landmark_ensemble(ALEX_LIKE, members=25, seed=7).table)
    assert landmark_ensemble(ALEX_LIKE, members=3, seed=7).table.equals(found.table.filter(pl.col("member") < 3))


def test_the_truth_lies_within_the_ensemble():
    worse = Published(150, 105, 30.0, (Landmark(12.0, 0.48),), 11.1, (9.0, 13.5))
    arms = {"control": landmark_ensemble(worse, members=25, seed=1), "treated": landmark_ensemble(ALEX_LIKE, members=25, seed=2)}
    trials = ensemble_trials(arms, control="control")
    ratios = [cox(table).table["hazard_ratio"][0] for table in trials]
    assert len(trials) == 25
    assert all(table.reconstructed for table in trials)
    implied = np.log(0.65) / np.log(0.48)  # of two proportional hazards with these rates at 12 months
    assert min(ratios) < implied < max(ratios)
    assert np.std(np.log(ratios)) > 0.01


def test_contradicting_landmarks_are_refused():
    with pytest.raises(SettingError, match="must fall"):
        Published(100, 50, 30.0, (Landmark(6.0, 0.5), Landmark(12.0, 0.7)))
    with pytest.raises(SettingError, match="follow-up ends"):
        Published(100, 50, 10.0, (Landmark(12.0, 0.7),))
    with pytest.raises(SettingError, match="120 events"):
        Published(100, 120, 10.0)
    with pytest.raises(NoEvidenceError, match="none of"):
        landmark_ensemble(Published(100, 5, 30.0, (), 10.0, (9.9, 10.1)), members=1, seed=1)
