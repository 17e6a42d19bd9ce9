"""Weighted log-rank sums, MaxCombo's probability, restricted means, concordance, and the bootstrap's counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from benchside.kernels import survival
from benchside.kernels.bootstrap import resampled_log_hr
from benchside.kernels.concordance import concordance
from benchside.kernels.max_combo import exceeds
from benchside.kernels.risk_order import risk_order
from benchside.kernels.rmst import restricted_mean
from benchside.kernels.two_arm import compare_two_arms
from benchside.kernels.weighted_log_rank import weighted_log_rank_sums
from tests.kernels.cox_twins import slow_concordance
from tests.kernels.survival_twins import patients, slow_curve

EXPONENTS = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 2.0)]


def slow_weighted(time, event, arm, stratum, exponents):
    """Weighted excess of arm 1 and each event time's weight with its variance."""
    (rho, gamma), excess, parts = exponents, 0.0, []
    for s, t in sorted({(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}):
        here = stratum == s
        before = slow_curve(time[here], event[here], np.nextafter(t, -1))
        weight = before**rho * (1 - before) ** gamma
        risk = here & (time >= t)
        dead = risk & (time == t) & (event == 1)
        n, d, n1 = risk.sum(), dead.sum(), (risk & (arm == 1)).sum()
        excess += weight * (arm[dead].sum() - d * n1 / n)
        parts.append((weight, d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0))
    return excess, parts


def sums_of(time, event, arm, stratum, exponents):
    order = np.lexsort((time, stratum))
    rho, gamma = (np.array(column) for column in zip(*exponents, strict=True))
    return weighted_log_rank_sums(time[order], event[order], arm[order], stratum[order], 2, rho, gamma)


@given(patients())
def test_weighted_sums_equal_the_definition(drawn):
    time, event, arm = drawn
    stratum = (np.arange(time.size) % 2).astype(np.int64)
    observed, expected, covariance = sums_of(time, event, arm, stratum, EXPONENTS)
    weights = []
    for k, exponents in enumerate(EXPONENTS):
        excess, parts = slow_weighted(time, event, arm, stratum, exponents)
        weights.append(parts)
        assert observed[k, 1] - expected[k, 1] == pytest.approx(excess, abs=1e-10)
    for j, one in enumerate(weights):
        for k, other in enumerate(weights):
            both = sum(a * b * v for (a, v), (b, _) in zip(one, other, strict=True))
            assert covariance[j, k, 1, 1] == pytest.approx(both, abs=1e-10)


@given(patients())
def test_weight_one_is_the_log_rank_test_and_weights_add_up(drawn):
    time, event, arm = drawn
    stratum = np.zeros(time.size, np.int64)
    observed, expected, covariance = sums_of(time, event, arm, stratum, EXPONENTS)
    order = np.argsort(time, kind="stable")
    plain = survival.log_rank_sums(time[order], event[order], arm[order], stratum, 2)
    assert observed[0] == pytest.approx(plain[0])
    assert expected[0] == pytest.approx(plain[1])
    assert covariance[0, 0].ravel() == pytest.approx(plain[2].ravel())
    # S + (1 - S) = 1.
    assert observed[1] + observed[2] == pytest.approx(observed[0])


def test_the_largest_of_one_and_of_independent_normals():
    assert exceeds(np.ones((1, 1)), 1.959963984540054) == pytest.approx(0.05, rel=1e-12)
    for size, relative in ((2, 1e-7), (3, 5e-5), (4, 1e-3)):
        for bound in (1.0, 2.0, 3.0):
            alone = math.erfc(bound / math.sqrt(2))
            assert exceeds(np.eye(size), bound) == pytest.approx(1 - (1 - alone) ** size, rel=relative)


def test_the_largest_of_correlated_normals_is_that_of_scipy():
    rng = np.random.default_rng(3)
    for size in (2, 3):
        spread = rng.normal(size=(size, size + 2))
        spread = spread @ spread.T
        scale = np.sqrt(np.diag(spread))
        correlation = spread / np.outer(scale, scale)
        for bound in (0.5, 1.5, 2.5):
            inside = multivariate_normal(np.zeros(size), correlation, seed=1).cdf([bound] * size, lower_limit=[-bound] * size)
            assert exceeds(correlation, bound) == pytest.approx(1 - inside, abs=2e-5)


def test_copies_of_a_normal_do_not_count():
    pair = np.array([[1.0, 0.5], [0.5, 1.0]])
    doubled = pair[np.ix_([0, 1, 0], [0, 1, 0])]
    assert exceeds(np.ones((3, 3)), 1.0) == pytest.approx(math.erfc(1 / math.sqrt(2)), rel=1e-9)
    assert exceeds(doubled, 1.7) == pytest.approx(exceeds(pair, 1.7), rel=1e-9)


def mean_of(time, event, tau):
    order = np.argsort(time, kind="stable")
    return restricted_mean(*survival.risk_table(time[order], event[order])[:3], tau)


def test_restricted_mean_by_hand():
    # 1 to month 1, 3/4 to month 3, 3/8 to month 4: 1 + 1.5 + 0.375. Area to the right of 1: 1.875, of 3: 0.375.
    value, se = mean_of(np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 1], np.int64), 4.0)
    assert value == pytest.approx(2.875)
    assert se == pytest.approx(math.sqrt(1.875**2 / 12 + 0.375**2 / 2))
    # A curve at 0 stays known.
    assert mean_of(np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 1], np.int64), 9.0)[0] == pytest.approx(2.875)
    assert math.isnan(mean_of(np.array([1.0, 2.0]), np.array([1, 0], np.int64), 2.5)[0])


@given(patients(), st.floats(0.3, 1.0))
def test_restricted_mean_is_the_area_under_the_curve(drawn, share):
    time, event, _ = drawn
    tau = max(share * float(time.max()), 0.1)
    value, _ = mean_of(np.append(time, 40.0), np.append(event, 0), tau)
    middles = (np.arange(4000) + 0.5) * tau / 4000
    curve = [slow_curve(np.append(time, 40.0), np.append(event, 0), t) for t in np.unique(np.append(time, 0.0))]
    steps = np.unique(np.append(time, 0.0))
    area = np.array(curve)[np.searchsorted(steps, middles, side="right") - 1].mean() * tau
    assert value == pytest.approx(area, abs=tau / 4000 * (time.size + 1))


def test_without_censoring_the_restricted_mean_is_the_mean():
    time = np.array([1.0, 2, 4, 9])
    value, se = mean_of(time, np.ones(4, np.int64), 9.0)
    assert value == pytest.approx(time.mean())
    assert se == pytest.approx(time.std() / 2)


@given(patients(), st.integers(0, 1000))
def test_concordance_counts_every_pair(drawn, seed):
    time, event, _ = drawn
    score = np.random.default_rng(seed).integers(0, 4, time.size).astype(float)
    stratum = (np.arange(time.size) % 2).astype(np.int64)
    order = risk_order(time, event, stratum)
    agree, pairs = slow_concordance(score, time, event, stratum)
    value, se = concordance(score[order.order], order)
    if pairs.sum() == 0:
        assert math.isnan(value)
        return
    assert value == pytest.approx(agree.sum() / pairs.sum(), abs=1e-12)
    influence = 2 * (agree - value * pairs) / pairs.sum()
    assert se == pytest.approx(math.sqrt((influence**2).sum()), abs=1e-12)


@given(patients(least=6), st.integers(0, 1000))
def test_a_resample_is_the_trial_of_its_patients(drawn, seed):
    time, event, arm = drawn
    times = np.random.default_rng(seed).integers(0, 3, (4, time.size))
    found = resampled_log_hr(time, event, arm, times)
    for value, row in zip(found, times, strict=True):
        drawn_again = (np.repeat(values, row)[None, :] for values in (time, event, arm))
        if row.sum() == 0:
            continue
        log_hr = compare_two_arms(*drawn_again)[2][0]
        assert (value if np.isfinite(value) else math.nan) == pytest.approx(log_hr, rel=1e-8, abs=1e-9, nan_ok=True)


def test_a_resample_in_which_one_arm_has_no_event_is_infinite():
    time, event, arm = np.array([1.0, 2, 3, 4]), np.ones(4, np.int64), np.array([0, 1, 0, 1])
    times = np.array([[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 0, 0]])
    # 1: the control dies at 1 and 3 beside one treated; 2: the treated dies at 2 and a control at 3; 3: a control at 1 only.
    assert resampled_log_hr(time, event, arm, times).tolist()[0::2] == [-math.inf, -math.inf]
    assert math.isfinite(resampled_log_hr(time, event, arm, times)[1])
