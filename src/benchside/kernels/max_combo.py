"""How likely the largest of several correlated normal statistics is to be this large: the p of a MaxCombo test."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RANK_TOLERANCE: Final = 1e-9
ANGLES: Final = 1 << 15
HEIGHTS, LONGITUDES = 256, 384
POINTS_LOG2: Final = 17


def exceeds(correlation: Floats, bound: float) -> float:
    """Return the probability that the largest absolute value of standard normals of this correlation exceeds `bound`.

    Parameters
    ----------
    correlation
        (k, k), of any rank: weights 1, S and 1 - S, for example, give two dimensions only.
    bound
        0 or more.

    Notes
    -----
    A normal vector is a direction times an independent length, so the probability is the mean over directions that the
    length leaves the box along that direction. Directions are laid out evenly, without random numbers: exact in one
    dimension; about 1e-8 relative in two, 1e-5 in three (1e-4 where p is below 1e-5), and 1e-3 from four on.
    """
    values, vectors = np.linalg.eigh(correlation)
    kept = values > RANK_TOLERANCE * values.max()
    loadings = vectors[:, kept] * np.sqrt(values[kept])
    rank = int(kept.sum())
    if rank == 1:
        return math.erfc(bound / math.sqrt(2))
    reach = bound / np.abs(_directions(rank) @ loadings.T).max(axis=1)
    from scipy.special import gammaincc  # noqa: PLC0415  a third of a second to import; only this needs it

    return float(gammaincc(0.5 * rank, 0.5 * reach**2).mean())


def _directions(rank: int) -> Floats:
    """Return unit vectors spread evenly over the sphere: (many, rank)."""
    if rank == 2:
        angle = (np.arange(ANGLES) + 0.5) * (math.pi / ANGLES)  # half the circle: the other half is its mirror image
        return np.column_stack([np.cos(angle), np.sin(angle)])
    if rank == 3:
        height = (np.arange(HEIGHTS) + 0.5) / HEIGHTS
        angle = (np.arange(LONGITUDES) + 0.5) * (2 * math.pi / LONGITUDES)
        ring = np.sqrt(1.0 - height**2)
        parts = np.outer(ring, np.cos(angle)), np.outer(ring, np.sin(angle)), np.repeat(height[:, None], LONGITUDES, axis=1)
        return np.column_stack([part.ravel() for part in parts])
    from scipy.special import ndtri  # noqa: PLC0415  as above
    from scipy.stats import qmc  # noqa: PLC0415  as above

    normal = ndtri(qmc.Sobol(rank, scramble=False).random_base2(POINTS_LOG2)[2:])  # the first are a corner and the middle
    return np.asarray(normal / np.linalg.norm(normal, axis=1)[:, None], dtype=np.float64)
