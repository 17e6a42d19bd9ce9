"""Exchange of neighbours in dose series: the pooling kernel against its definition, scipy, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from benchside.kernels.monotone import exchange_gains

DOSES = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0])


def slow_loss(values):
    """The nearest monotone sequence from its definition: fitted[i] = max over a <= i of min over b >= i of mean(values[a..b])."""

    def rising(v):
        n = len(v)
        fitted = [max(min(np.mean(v[a : b + 1]) for b in range(i, n)) for a in range(i + 1)) for i in range(n)]
        return float(np.sum((np.array(v) - fitted) ** 2))

    return min(rising(values), rising([-value for value in values]))


def slow_gains(dose, response, position):
    order = np.argsort(dose, kind="stable")
    loss = slow_loss(response[order])
    gain = np.full(len(dose), np.nan)
    for i in range(len(dose)):
        for j in range(len(dose)):
            if position[j] == position[i] + 1 and dose[i] != dose[j]:
                swapped = response.copy()
                swapped[i], swapped[j] = response[j], response[i]
                gain[i] = loss - slow_loss(swapped[order])
    return gain, loss


def gains(dose, response, position, offsets=None):
    ends = np.array([0, len(dose)]) if offsets is None else np.array(offsets)
    return exchange_gains(dose, np.array(response, dtype=float), np.array(position, dtype=np.int64), ends)


def test_by_hand():
    # 1.0, 0.9, 0.3, 0.6, 0.1, 0.0: the pair 0.3, 0.6 pools to 0.45 twice, 2 * 0.15 ** 2 = 0.045; exchanged nothing is out of order
    gain, loss = gains(DOSES, [1.0, 0.9, 0.3, 0.6, 0.1, 0.0], range(6))
    assert loss[0] == pytest.approx(0.045)
    assert gain[2] == pytest.approx(0.045)
    assert np.isnan(gain[5])
    assert all(gain[k] < 0 for k in (0, 1, 3, 4))


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_fast_equals_definition(values, random):
    n = len(values)
    dose = np.array([random.choice([1.0, 2.0, 5.0, 10.0, 20.0, 50.0]) for _ in range(n)])
    position = np.array(random.sample(range(n + 2), n))
    gain, loss = gains(dose, values, position)
    slow_gain, slow = slow_gains(dose, np.array(values), position)
    assert loss[0] == pytest.approx(slow, abs=1e-9)
    np.testing.assert_allclose(gain, slow_gain, atol=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30))
def test_the_loss_is_scipys(values):
    y = np.array(values)
    theirs = min(float(np.sum((y - isotonic_regression(y, increasing=up).x) ** 2)) for up in (True, False))
    _, loss = gains(np.arange(1.0, len(y) + 1), y, np.arange(len(y)))
    assert loss[0] == pytest.approx(theirs, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_matter(values, order):
    values, order = np.array(values), np.array(order)
    gain, loss = gains(DOSES, values, np.arange(6))
    other, same = gains(DOSES[order], values[order], np.arange(6)[order])
    assert same[0] == pytest.approx(loss[0], abs=1e-12)
    np.testing.assert_allclose(other, gain[order], atol=1e-12)


def test_series_are_apart():
    a, b = [1.0, 0.2, 0.5, 0.1, 0.0, 0.0], [0.9, 0.8, 0.1, 0.3, 0.2, 0.0]
    both, losses = gains(np.tile(DOSES, 2), a + b, np.tile(np.arange(6), 2), [0, 6, 12])
    for part, (gain, loss) in zip(
        (slice(0, 6), slice(6, 12)), (gains(DOSES, a, range(6)), gains(DOSES, b, range(6))), strict=True
    ):
        np.testing.assert_array_equal(both[part], gain)
        assert loss[0] in losses
