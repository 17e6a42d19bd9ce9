"""Patient k of seed s is the same alone or in any company, and no two streams are one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.seeds import patient_rng, stream_rng

seeds, patients = st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1)


@given(seeds, patients)
def test_a_patient_is_reproducible_alone(seed, patient):
    np.testing.assert_array_equal(patient_rng(seed, patient).random(4), patient_rng(seed, patient).random(4))


@given(seeds, patients, patients)
def test_patients_differ(seed, one, two):
    same = np.array_equal(patient_rng(seed, one).random(4), patient_rng(seed, two).random(4))
    assert same == (one == two)


@given(seeds, seeds)
def test_seeds_differ(one, two):
    assert np.array_equal(patient_rng(one, 3).random(4), patient_rng(two, 3).random(4)) == (one == two)


def test_a_stream_of_two_keys_is_no_patient():
    draws = [tuple(rng.random(2)) for rng in (patient_rng(1, 2), stream_rng(1, 2, 0), stream_rng(1, 0, 2), stream_rng(1))]
    assert len(set(draws)) == len(draws)


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002  the legacy state is what must not move
    patient_rng(1, 2).random(10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
