"""Random numbers by patient from a counter: patient k of a seed is the same alone, in any batch, and in any order."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_A_COUNT: Final = 4
"""Numbers that one count of the Philox generator gives."""


def patient_normals(seed: int, *, patients: int, numbers: int, first: int = 0) -> Floats:
    """Return standard normal numbers of consecutive patients, a row a patient.

    Parameters
    ----------
    seed
        Seed of the run, >= 0.
    patients
        How many patients; > 0.
    numbers
        Numbers a patient has; they belong to the stream, so the first of 3 is not the first of 8.
    first
        Index of the first patient.

    Returns
    -------
    (patients, numbers) float64. Row k is that of patient ``first + k``, whatever is drawn beside it.

    Notes
    -----
    Patient k owns the counts k b ... (k + 1) b - 1 of one counter-based generator, b whole counts of four numbers. Each number
    takes exactly one 64-bit word, made normal by the inverse of its distribution function; a rejection method would not
    keep the count.

    References
    ----------
    Salmon, Moraes, Dror and Shaw 2011, doi:10.1145/2063384.2063405 (Philox).

    Examples
    --------
    >>> many = patient_normals(7, patients=100, numbers=3)
    >>> bool((patient_normals(7, patients=1, numbers=3, first=41)[0] == many[41]).all())
    True
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow to import, and typical patients need none of it

    counts = -(-numbers // _A_COUNT)
    bits = np.random.Philox(np.random.SeedSequence(seed))
    bits.advance(first * counts)
    uniform = np.random.Generator(bits).random((patients, counts * _A_COUNT))[:, :numbers]
    return np.asarray(ndtri(uniform + 2.0**-54))
