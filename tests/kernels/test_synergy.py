"""Loewe additivity against its definition, cases by hand, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels.synergy import loewe_all
from tests.kernels.synergy_twins import slow_additive

CURVES = st.tuples(st.floats(0, 0.8), st.floats(0.3, 6), st.floats(-3, 8))
DOSES = st.floats(0.01, 5000)


def additive(a, b, curve_a, curve_b):
    return loewe_all(np.log([a]), np.log([b]), np.array([curve_a], dtype=float), np.array([curve_b], dtype=float))[0, 0, 0]


def test_by_hand():
    """Both agents halve at 10 nM with slope 1, and end at 0: 4 nM and 6 nM together are 10 nM. With slope 2, 30 nM leaves 1 / (1 + 9)."""
    assert additive(4, 6, (0, 1, np.log(10)), (0, 1, np.log(10))) == pytest.approx(0.5, abs=1e-14)
    assert additive(10, 20, (0, 2, np.log(10)), (0, 2, np.log(10))) == pytest.approx(0.1, abs=1e-14)


def test_by_hand_with_unequal_potency():
    """10 nM of b stand for 1 nM of a: 0.5 nM of a and 5 nM of b leave what 1 nM of a leaves."""
    assert additive(0.5, 5, (0.2, 1, 0.0), (0.2, 1, np.log(10))) == pytest.approx(0.6, abs=1e-14)


def test_by_hand_undefined():
    """b alone leaves 0.1, and a never does less than 0.5: no dose of a has that effect."""
    assert np.isnan(additive(1, 90, (0.5, 1, 0.0), (0.0, 1, np.log(10))))


@given(DOSES, DOSES, CURVES, CURVES)
def test_fast_equals_definition(a, b, curve_a, curve_b):
    fast, slow = additive(a, b, curve_a, curve_b), slow_additive(a, b, curve_a, curve_b)
    assert fast == pytest.approx(slow, abs=1e-9, nan_ok=True)


@given(DOSES, DOSES, CURVES)
def test_an_agent_with_itself_is_one_dose_of_it(a, b, curve):
    bottom, slope, mid = curve
    alone = bottom + (1 - bottom) / (1 + ((a + b) / np.exp(mid)) ** slope)
    assert additive(a, b, curve, curve) == pytest.approx(alone, abs=1e-9)


@given(DOSES, DOSES, CURVES, CURVES)
def test_the_order_of_the_agents_and_the_unit_of_dose_do_not_matter(a, b, curve_a, curve_b):
    here = additive(a, b, curve_a, curve_b)
    assert additive(b, a, curve_b, curve_a) == pytest.approx(here, abs=1e-12, nan_ok=True)
    micro = [(bottom, slope, mid - np.log(1000)) for bottom, slope, mid in (curve_a, curve_b)]
    assert additive(a / 1000, b / 1000, *micro) == pytest.approx(here, abs=1e-9, nan_ok=True)


@given(DOSES, DOSES, CURVES, CURVES)
def test_more_drug_never_leaves_more(a, b, curve_a, curve_b):
    here, more = additive(a, b, curve_a, curve_b), additive(2 * a, b, curve_a, curve_b)
    assert np.isnan(here) or np.isnan(more) or more <= here + 1e-12


def test_a_surface_without_a_curve_is_nowhere_defined():
    curves = np.array([[np.nan, np.nan, np.nan], [0.0, 1.0, 1.0]])
    found = loewe_all(np.log([1.0, 2.0]), np.log([1.0, 2.0]), curves, curves)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
