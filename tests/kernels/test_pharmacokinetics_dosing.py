"""Sums of exponentials against the differential equation and by hand; a changing clearance against its integrating factor; draws by patient."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import expm

from benchside.kernels.clearance_course import Course, solve_course
from benchside.kernels.dosing import (
    first_order_single,
    first_order_steady_state,
    one_compartment,
    two_compartments,
    zero_order_single,
    zero_order_steady_state,
)
from benchside.kernels.patient_draws import patient_normals
from benchside.kernels.pharmacokinetics import steady_state_concentration

REGIMEN = {"dose_mg": 100.0, "every_h": 24.0}
LORLATINIB = (18.0, 158.8, 28.99, 204.1)

compartments = st.tuples(st.floats(1, 100), st.floats(20, 3000), st.floats(1, 100), st.floats(20, 3000))


def by_matrix(time_h, dose_mg, volumes, absorption):
    """The definition: the matrix exponential of depot, centre and edge, from the dose in the depot."""
    clearance, central, exchange, peripheral = volumes
    rates = np.array(
        [
            [-absorption, 0.0, 0.0],
            [absorption, -(clearance + exchange) / central, exchange / peripheral],
            [0.0, exchange / central, -exchange / peripheral],
        ]
    )
    return (expm(rates * time_h) @ [dose_mg, 0.0, 0.0])[1] / central


@given(compartments, st.floats(0.05, 5), st.floats(0.01, 96))
def test_two_compartments_are_the_matrix_exponential(volumes, absorption, time_h):
    rates, weights = two_compartments(*volumes)
    fast = first_order_single(np.array([time_h]), rates, weights, dose_mg=50, absorption_per_h=absorption)[0]
    assert fast == pytest.approx(by_matrix(time_h, 50, volumes, absorption), rel=1e-6, abs=1e-12)


@given(compartments, st.floats(0.05, 5), st.floats(0, 30), st.floats(0, 1))
@settings(max_examples=30)
def test_steady_state_is_the_sum_over_doses(volumes, absorption, lag_h, share):
    rates, weights = two_compartments(*volumes)
    time_h = share * 24.0
    doses = math.ceil((lag_h + 45 / min(rates.min(), absorption)) / 24.0) + 1
    since = time_h + 24.0 * np.arange(doses)
    summed = first_order_single(since, rates, weights, dose_mg=100, absorption_per_h=absorption, lag_h=lag_h).sum()
    found = first_order_steady_state(np.array([time_h]), rates, weights, **REGIMEN, absorption_per_h=absorption, lag_h=lag_h)[0]
    assert found == pytest.approx(summed, rel=1e-6)
    infused = zero_order_single(since, rates, weights, dose_mg=100, duration_h=lag_h + 0.5).sum()
    steady = zero_order_steady_state(np.array([time_h]), rates, weights, **REGIMEN, duration_h=lag_h + 0.5)[0]
    assert steady == pytest.approx(infused, rel=1e-6)


def test_one_compartment_agrees_with_the_older_closed_form():
    at = np.linspace(0, 12, 49)
    rates, weights = one_compartment(81.9, 4016.0)
    for duration_h in (0.5, 4.0, 12.0, 30.0):
        old = steady_state_concentration(
            at, dose_mg=600, every_h=12, clearance_L_per_h=81.9, volume_L=4016.0, absorption_h=duration_h
        )
        assert zero_order_steady_state(at, rates, weights, dose_mg=600, every_h=12, duration_h=duration_h) == pytest.approx(
            old, rel=1e-12
        )


def test_by_hand():
    # k = ka = 0.1 per h: D/V k t exp(-k t), 10 h after 100 mg in 100 L: exp(-1) = 0.367879
    rates, weights = one_compartment(10.0, 100.0)
    same = first_order_single(np.array([10.0]), rates, weights, dose_mg=100, absorption_per_h=0.1)
    assert same[0] == pytest.approx(math.exp(-1), rel=1e-7)
    # ka = 1, k = 0.1, t = 2: 1 mg/L * 1/0.9 * (exp(-0.2) - exp(-2)) = 0.759328
    other = first_order_single(np.array([2.0]), rates, weights, dose_mg=100, absorption_per_h=1.0)
    assert other[0] == pytest.approx((math.exp(-0.2) - math.exp(-2)) / 0.9, rel=1e-12)
    # before the lag nothing is there
    assert first_order_single(np.array([1.9]), rates, weights, dose_mg=100, absorption_per_h=1.0, lag_h=2.0)[0] == 0.0


@given(compartments, st.floats(0.05, 5))
@settings(max_examples=20)
def test_area_over_an_interval_is_dose_over_clearance(volumes, absorption):
    at = np.linspace(0, 24, 20001)
    rates, weights = two_compartments(*volumes)
    curve = first_order_steady_state(at, rates, weights, **REGIMEN, absorption_per_h=absorption)
    assert np.trapezoid(curve, at) == pytest.approx(100 / volumes[0], rel=1e-4)


def test_patients_broadcast():
    clearance = np.array([[10.0], [30.0]])
    at = np.array([0.0, 3.0, 9.0])
    both = first_order_steady_state(at, *two_compartments(clearance, 100.0, 20.0, 200.0), **REGIMEN, absorption_per_h=1.0)
    alone = first_order_steady_state(at, *two_compartments(30.0, 100.0, 20.0, 200.0), **REGIMEN, absorption_per_h=1.0)
    assert both.shape == (2, 3)
    assert both[1] == pytest.approx(alone, rel=1e-13)


def test_a_constant_course_is_superposition():
    at = np.linspace(0, 96, 193)
    course = Course(18.0, 18.0, 0.0, 158.8, 28.99, 204.1, absorption_per_h=3.113, lag_h=0.5)
    rates, weights = two_compartments(*LORLATINIB)
    taken = [0.0, 24.0, 72.0]
    summed = sum(first_order_single(at - when, rates, weights, dose_mg=100, absorption_per_h=3.113, lag_h=0.5) for when in taken)
    assert solve_course(at, taken, [100.0] * 3, course) == pytest.approx(summed, rel=1e-6, abs=1e-9)


def test_zero_order_doses_may_overlap():
    at = np.linspace(0, 48, 97)
    course = Course(20.0, 20.0, 0.0, 300.0, duration_h=15.0)
    rates, weights = one_compartment(20.0, 300.0)
    summed = sum(zero_order_single(at - when, rates, weights, dose_mg=50, duration_h=15.0) for when in (0.0, 12.0, 24.0))
    assert solve_course(at, [0.0, 12.0, 24.0], [50.0] * 3, course) == pytest.approx(summed, rel=1e-6, abs=1e-9)


def test_a_changing_clearance_is_its_integrating_factor():
    # one compartment is a scalar equation: A(t) = int R(s) exp(-(L(t) - L(s))) ds with L the integral of CL/V
    first, last, rate, volume, duration = 100.0, 60.1, 0.1575 / 24, 4121.0, 4.0
    course = Course(first, last, rate, volume, duration_h=duration)

    def cleared(t):
        return (last * t + (first - last) * (1 - math.exp(-rate * t)) / rate) / volume

    def amount(t):
        total = 0.0
        for when in (0.0, 12.0, 24.0):
            if t > when:
                total += quad(
                    lambda s: 250 / duration * math.exp(cleared(s) - cleared(t)), when, min(t, when + duration), epsabs=1e-12
                )[0]
        return total

    at = np.array([0.0, 3.0, 12.0, 20.0, 30.0, 48.0])
    found = solve_course(at, [0.0, 12.0, 24.0], [250.0] * 3, course)
    assert found == pytest.approx([amount(t) / volume for t in at], rel=1e-7, abs=1e-12)


@given(st.integers(0, 2**40), st.integers(0, 500), st.integers(1, 9))
@settings(max_examples=25)
def test_patient_k_is_the_same_alone_and_in_any_batch(seed, patient, numbers):
    many = patient_normals(seed, patients=patient + 3, numbers=numbers)
    assert (patient_normals(seed, patients=1, numbers=numbers, first=patient)[0] == many[patient]).all()
    assert (patient_normals(seed, patients=patient + 1, numbers=numbers)[-1] == many[patient]).all()


def test_draws_are_standard_normal_and_independent():
    from scipy.stats import kstest

    drawn = patient_normals(5, patients=40_000, numbers=4)
    for column in drawn.T:
        assert kstest(column, "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.02
    assert not (patient_normals(6, patients=10, numbers=4) == drawn[:10]).any()
