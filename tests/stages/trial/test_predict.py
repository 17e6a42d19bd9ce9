"""Predictions by hand, against lifelines, and what stands beside them."""

import warnings

import numpy as np
import polars as pl
import pytest

from benchside.stages.trial import NOTE, TrialRun, predict, simulate
from benchside.stages.trial.predict import curves, step_value


def events(rows, replicates=1):
    table = pl.DataFrame(rows, schema=["arm", "control", "time_months", "event", "cns_event"], orient="row")
    parts = [table.with_columns(replicate=k, patient=pl.int_range(pl.len()) + k * table.height) for k in range(replicates)]
    return TrialRun(pl.concat(parts).with_columns(cns_baseline=False, cns_time_months=pl.col("time_months")))


SMALL = [
    ("new", False, 2.0, 1, 1), ("new", False, 3.0, 1, 2), ("new", False, 3.0, 0, 0), ("new", False, 15.0, 1, 1),
    ("old", True, 1.0, 1, 2), ("old", True, 4.0, 1, 1), ("old", True, 5.0, 1, 2), ("old", True, 20.0, 0, 0),
]  # fmt: skip


def test_by_hand():
    # new: 4 at risk at 2 (CNS), 3 at 3 (other; one censored there), 1 at 15 (CNS). PFS 3/4, 1/2, 0.
    # CNS incidence: 1/4 at 2, then + 1/2 * 1/1 at 15. old: PFS 3/4, 1/2, 1/4; CNS incidence 3/4 * 1/3 = 1/4 at 4.
    table = predict(events(SMALL).table).table
    found = {(row["quantity"], row["arm"]): row["value"] for row in table.iter_rows(named=True)}
    assert found["survival", "new"] == pytest.approx(0.5)
    assert found["survival", "old"] == pytest.approx(0.25)
    assert found["cumulative_incidence", "new"] == pytest.approx(0.25)
    assert found["cumulative_incidence", "old"] == pytest.approx(0.25)
    assert found["median", "new"] == pytest.approx(9.0)  # flat at one half from 3 to 15
    assert found["median", "old"] == pytest.approx(4.5)


def test_curves_by_hand():
    new = [row for row in SMALL if row[0] == "new"]
    time, survival, incidence = curves(*(np.array([row[k] for row in new]) for k in (2, 3, 4)))
    assert time.tolist() == [2.0, 3.0, 15.0]
    assert survival == pytest.approx([0.75, 0.5, 0.0])
    assert incidence == pytest.approx([0.25, 0.25, 0.75])
    assert step_value(time, survival, np.array([0.0, 2.0, 14.0, 99.0]), 1.0) == pytest.approx([1.0, 0.75, 0.5, 0.0])


def test_hazard_ratio_agrees_with_lifelines(make_design, make_mechanism):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own deprecations
        from lifelines import CoxPHFitter

        run = simulate(make_design(), mechanism=make_mechanism(), replicates=1, seed=12)
        frame = run.table.select("time_months", "event", treated=(~pl.col("control")).cast(pl.Int64)).to_pandas()
        fitted = CoxPHFitter().fit(frame, "time_months", "event")
    ours = run.predict().table.filter(pl.col("quantity") == "hazard_ratio")["value"][0]
    assert ours == pytest.approx(float(fitted.hazard_ratios_["treated"]), rel=1e-5)


def test_a_median_not_reached_is_null_and_said():
    rows = [(arm, arm == "old", 20.0, int(k == 0), 2 * int(k == 0)) for arm in ("new", "old") for k in range(6)]
    row = predict(events(rows, replicates=3).table).table.filter(pl.col("quantity") == "median").row(0, named=True)
    assert (row["value"], row["lower"], row["upper"]) == (None, None, None)
    assert "not reached within follow-up in 3 of 3" in row["status"]


def test_a_ratio_without_estimate_is_null_and_said():
    rows = [(arm, arm == "old", 20.0, int(arm == "old"), 2 * int(arm == "old")) for arm in ("new", "old") for _ in range(4)]
    row = predict(events(rows, replicates=2).table).table.row(0, named=True)
    assert row["quantity"] == "hazard_ratio"
    assert row["value"] is None
    assert "no estimate in 2 of 2" in row["status"]


@pytest.mark.parametrize(
    ("quantity", "middle"),
    [("survival", np.mean), ("hazard_ratio", lambda alone: np.exp(np.mean(np.log(alone)))), ("median", np.median)],
)
def test_values_are_means_and_intervals_percentiles_over_replicates(make_design, make_mechanism, quantity, middle):
    run = simulate(make_design(), mechanism=make_mechanism(), replicates=41, seed=9)
    pick = (pl.col("quantity") == quantity) & (pl.col("arm") == "new")
    alone = [
        TrialRun(part).predict().table.filter(pick)["value"][0]
        for part in run.table.partition_by("replicate", maintain_order=True)
    ]
    row = run.predict(0.9).table.filter(pick).row(0, named=True)
    if None in alone:
        assert quantity == "median"  # not reached in some virtual trials: they count as later than all others
        alone = [np.inf if value is None else value for value in alone]
    lower, upper = np.quantile(alone, [0.05, 0.95], method="inverted_cdf")
    for found, expected in ((row["value"], middle(alone)), (row["lower"], lower), (row["upper"], upper)):
        assert found is None if np.isinf(expected) else found == pytest.approx(expected)
    assert row["level"] == 0.9


def test_everything_is_headed_a_sketch(make_design, make_mechanism):
    found = simulate(make_design(), mechanism=make_mechanism(), replicates=4, seed=9).predict()
    assert found.table["status"].str.starts_with(NOTE).all()
    assert not found.table.select(found.KEY).is_duplicated().any()
    record = found.evidence[0]
    assert (record.quantity, record.endpoint, record.arm, record.unit) == ("hazard_ratio", "PFS", "new", "ratio")
    assert record.status.startswith(NOTE)
