"""Selectivity scores by hand, by their definitions, and by laws."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.enzymes.selectivity import entropy, gini, selectivity


def panel(values, compound="x", **more):
    readout = more.pop("readout", "value_nM")
    frame = pl.DataFrame({"compound": compound, "kinase": [f"K{k}" for k in range(len(values))], readout: values}, strict=False)
    return frame.with_columns(**{name: pl.Series(value) for name, value in more.items()})


def only(result):
    return result.table.row(0, named=True)


def test_s_score_by_hand():
    """Of ten kinases three lie below 3,000 nM: S(3 uM) = 0.3; two below 100 nM: S(100 nM) = 0.2."""
    values = [1.0, 50.0, 2999.0, 3000.0, 5e3, 1e4, 1e4, 1e4, 1e4, 1e4]
    assert only(selectivity(panel(values)))["s_score"] == pytest.approx(0.3)
    assert only(selectivity(panel(values), threshold=100))["s_score"] == pytest.approx(0.2)


def test_percentages_by_hand():
    control = [5.0, 20.0, 34.0, 35.0, 50.0, 80.0, 90.0, 100.0, 104.0, 110.0]
    row = only(selectivity(panel(control, readout="percent_control"), readout="percent_control"))
    assert (row["s_score"], row["n_hits"], row["n_outside"]) == (pytest.approx(0.3), 3, 2)
    assert "2 percentages lie outside" in row["status"]
    inhibition = [100 - value for value in control]
    mirrored = only(selectivity(panel(inhibition, readout="percent_inhibition"), readout="percent_inhibition"))
    assert [mirrored[name] for name in ("s_score", "gini", "entropy")] == pytest.approx(
        [row[name] for name in ("s_score", "gini", "entropy")]
    )


def test_gini_by_hand():
    """Inhibitions 0, 0, 0 and 1: the Lorenz curve is flat to 3/4, its area 1/8, so G = 1 - 2/8. Alike: 0. 1, 2, 3: area 5/18 + ... G = 2/9."""
    assert gini(np.array([0.0, 0, 1, 0])) == pytest.approx(0.75)
    assert gini(np.full(7, 0.4)) == pytest.approx(0.0)
    assert gini(np.array([3.0, 1.0, 2.0])) == pytest.approx(2 / 9)
    assert np.isnan(gini(np.zeros(4)))


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=40))
def test_gini_is_one_less_twice_the_lorenz_area(values):
    x = np.array(values)
    lorenz = np.concatenate([[0], np.cumsum(np.sort(x)) / x.sum()])
    assert gini(x) == pytest.approx(1 - 2 * np.trapezoid(lorenz, dx=1 / len(x)), abs=1e-12)
    # and half the mean absolute difference over the mean
    assert gini(x) == pytest.approx(np.abs(x[:, None] - x[None, :]).mean() / 2 / x.mean(), abs=1e-12)


def test_entropy_by_hand():
    """One kinase: 0. Two bound alike: ln 2. Kd 1 and 1,000 nM: shares 1000/1001 and 1/1001, 0.0079."""
    assert entropy(np.array([1.0])) == 0.0
    assert entropy(np.array([1.0, 1.0])) == pytest.approx(np.log(2))
    assert entropy(1 / np.array([1.0, 1000.0])) == pytest.approx(0.0079, abs=5e-5)


@given(st.lists(st.floats(0.1, 1e4), min_size=10, max_size=40), st.floats(0.01, 100))
def test_scores_lie_within_their_range_and_entropy_is_free_of_the_unit(values, scale):
    row = only(selectivity(panel(values)))
    scaled = only(selectivity(panel([value * scale for value in values])))
    assert 0 <= row["s_score"] <= 1
    assert -1e-12 <= row["gini"] <= 1 - 1 / len(values) + 1e-12
    assert -1e-12 <= row["entropy"] <= np.log(len(values)) + 1e-9
    assert scaled["entropy"] == pytest.approx(row["entropy"], abs=1e-9)


def test_censored_values_decide_only_on_their_side():
    relation = ["=", ">", ">", "<", "<"] + [">"] * 5
    values = [10.0, 10_000.0, 1000.0, 0.1, 5000.0] + [10_000.0] * 5
    row = only(selectivity(panel(values, relation=relation)))
    assert (row["n_hits"], row["n_undecided"], row["n_censored"]) == (2, 2, 9)
    assert row["s_score"] is None
    assert (row["s_lower"], row["s_upper"]) == pytest.approx((0.2, 0.4))
    assert "2 censored values" in row["status"]


def test_kinases_not_bound_add_no_entropy():
    row = only(selectivity(panel([10.0] + [10_000.0] * 9, relation=["="] + [">"] * 9)))
    assert row["entropy"] == 0.0
    assert row["gini"] == pytest.approx(0.9)
    assert row["s_score"] == pytest.approx(0.1)


def test_few_kinases_get_no_score_and_compounds_keep_their_order():
    frame = pl.concat([panel([1.0] * 3, "b"), panel([1.0] * 12, "a"), panel([1.0] * 9 + [None] * 5, "c")])
    table = selectivity(frame).table
    assert table["compound"].to_list() == ["b", "a", "c"]
    assert table["s_score"].to_list() == [None, 1.0, None]
    assert table["n_kinases"].to_list() == [3, 12, 9]
    assert "3 kinases have a value" in table["status"][0]


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda: selectivity(panel([1.0] * 10), readout="kd"), SettingError, "readout='kd'"),
        (lambda: selectivity(panel([1.0] * 10), threshold=-1), SettingError, "above 0"),
        (lambda: selectivity(panel([1.0] * 9 + [0.0])), TableError, "above 0"),
        (lambda: selectivity(pl.concat([panel([1.0] * 10)] * 2)), TableError, "more than once"),
        (lambda: selectivity(panel([1.0] * 10).drop("kinase")), TableError, "kinase"),
        (lambda: selectivity(panel([1.0] * 10, relation=["~"] * 10)), TableError, "relation"),
    ],
)
def test_refusals(call, error, part):
    with pytest.raises(error, match=part):
        call()
