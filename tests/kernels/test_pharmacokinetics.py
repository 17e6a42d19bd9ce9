"""The closed form against brute force, by hand, and its laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels.pharmacokinetics import area_under_curve, steady_state_concentration, unbound_in_medium


def slow_concentration(time_h, *, dose_mg, every_h, clearance_L_per_h, volume_L, absorption_h):
    """The definition: one infusion's curve, added up over doses until the oldest has left."""
    k = clearance_L_per_h / volume_L
    doses = math.ceil((absorption_h + 45 / k) / every_h)
    total = 0.0
    for dose in range(doses):
        since = time_h + dose * every_h
        during = min(since, absorption_h)
        after = max(since - absorption_h, 0.0)
        total += dose_mg / absorption_h / clearance_L_per_h * (1 - math.exp(-k * during)) * math.exp(-k * after)
    return total


regimens = st.fixed_dictionaries(
    {
        "dose_mg": st.floats(1, 1000),
        "every_h": st.floats(6, 48),
        "clearance_L_per_h": st.floats(5, 300),
        "volume_L": st.floats(50, 8000),
        "absorption_h": st.floats(0.2, 60),
    }
)


@given(regimens, st.floats(0, 1))
def test_closed_form_is_the_sum_over_doses(regimen, share):
    time_h = share * regimen["every_h"]
    fast = steady_state_concentration(np.array([time_h]), **regimen)[0]
    assert fast == pytest.approx(slow_concentration(time_h, **regimen), rel=1e-9)


@given(regimens)
def test_average_is_dose_over_clearance_and_interval(regimen):
    time_h = np.linspace(0, regimen["every_h"], 20001)
    average = area_under_curve(time_h, steady_state_concentration(time_h, **regimen)) / regimen["every_h"]
    assert average == pytest.approx(regimen["dose_mg"] / regimen["clearance_L_per_h"] / regimen["every_h"], rel=2e-3)


@given(regimens)
def test_interval_closes_and_dose_is_proportional(regimen):
    ends = np.array([0.0, regimen["every_h"]])
    value = steady_state_concentration(ends, **regimen)
    assert value[0] == pytest.approx(value[1], rel=1e-9)
    doubled = steady_state_concentration(ends, **{**regimen, "dose_mg": 2 * regimen["dose_mg"]})
    assert doubled == pytest.approx(2 * value)


def test_by_hand():
    # k = ln 2 per h, one dose an hour, absorbed over the whole hour: a constant infusion, so C = rate / CL at all times.
    at = np.array([0.0, 0.3, 1.0])
    held = steady_state_concentration(at, dose_mg=5, every_h=1, clearance_L_per_h=2, volume_L=2 / math.log(2), absorption_h=1)
    assert held == pytest.approx([2.5, 2.5, 2.5])


def test_patients_broadcast_against_times():
    clearance = np.array([[20.0], [40.0]])
    found = steady_state_concentration(
        np.array([0.0, 6.0]), dose_mg=100, every_h=12, clearance_L_per_h=clearance, volume_L=500, absorption_h=3
    )
    assert found.shape == (2, 2)
    alone = steady_state_concentration(
        np.array([0.0, 6.0]), dose_mg=100, every_h=12, clearance_L_per_h=40.0, volume_L=500, absorption_h=3
    )
    assert found[1] == pytest.approx(alone, rel=1e-14)


@pytest.mark.parametrize(
    ("unbound", "serum", "expected"),
    [(0.01, 0.0, 1.0), (0.01, 1.0, 0.01), (0.09, 1.0, 0.09), (0.5, 0.1, 1 / 1.1), (1.0, 0.7, 1.0), (0.01, 0.1, 1 / 10.9)],
)
def test_unbound_in_medium_by_hand(unbound, serum, expected):
    assert unbound_in_medium(unbound, serum) == pytest.approx(expected)


@given(st.floats(0.001, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_serum_binds_more(unbound, one, other):
    low, high = sorted((one, other))
    assert unbound * (1 - 1e-12) <= unbound_in_medium(unbound, high) <= unbound_in_medium(unbound, low) <= 1
