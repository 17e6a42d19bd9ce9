"""Seeds: patient k of seed s is the same alone, in a batch, on one core or on a hundred."""

import numpy as np


def patient_rng(seed: int, patient: int) -> np.random.Generator:
    """Return the generator of one patient, independent of every other patient's.

    Parameters
    ----------
    seed
        Seed of the run.
    patient
        Index of the patient within the run (not within an arm or replicate).

    Examples
    --------
    >>> patient_rng(7, 12).random() == patient_rng(7, 12).random()
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(patient,)))


def stream_rng(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of a named stream of a run, for draws that belong to no patient (a bootstrap, a plate)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
