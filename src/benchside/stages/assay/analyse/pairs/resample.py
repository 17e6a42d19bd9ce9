"""Resampling of dose matrices: residuals of replicate wells, drawn anew for every well."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchside.stages.assay.analyse.pairs.surface import Matrix
from benchside.stages.assay.arrays import FloatArray, IntArray

LEAST_FREEDOM: Final = 5
"""Replicate wells beyond one a cell, summed over the matrix, that intervals ask for."""


@dataclass(frozen=True)
class Wells:
    """The wells of one matrix: the cell of each, as an index into the flattened matrix, and its response."""

    cell: IntArray
    response: FloatArray

    def means(self, matrix: Matrix) -> FloatArray:
        """Return the mean response of every cell, nan where there is no well, in the shape of the matrix."""
        total = np.bincount(self.cell, self.response, minlength=matrix.wells.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((total / matrix.wells.ravel()).reshape(matrix.wells.shape))

    def residuals(self, matrix: Matrix) -> FloatArray:
        """Return what replicate wells differ from their cell's mean by, scaled up to the spread of single wells; empty without replicates.

        A residual of n replicates spreads by sqrt((n - 1) / n) less than a well does. The vehicle cell is left out: its wells
        are the unit of the response, not part of the surface.
        """
        count = matrix.wells.ravel()[self.cell]
        used = (count > 1) & (self.cell != 0)
        difference = self.response - self.means(matrix).ravel()[self.cell]
        return np.asarray((difference * np.sqrt(count / np.maximum(count - 1, 1)))[used])


def freedom(matrix: Matrix) -> int:
    """Return the degrees of freedom that replicate wells leave for their spread."""
    count = matrix.wells.ravel()[1:]
    return int(np.maximum(count - 1, 0).sum())


def resampled_means(
    wells: Wells, matrix: Matrix, *, n: int, rng: np.random.Generator, noise_sd: float | None
) -> FloatArray | None:
    """Return `n` matrices of cell means, every well its cell's mean plus a residual drawn from all cells; None where nothing tells the spread.

    Where too few wells are replicated, normal residuals of `noise_sd` are drawn instead, if that is given.
    """
    means = wells.means(matrix).ravel()
    if freedom(matrix) >= LEAST_FREEDOM:
        pool = wells.residuals(matrix)
        drawn = pool[rng.integers(0, pool.size, size=(n, wells.cell.size))]
    elif noise_sd is not None:
        drawn = noise_sd * rng.standard_normal((n, wells.cell.size))
    else:
        return None
    order = np.argsort(wells.cell, kind="stable")
    cells, first = np.unique(wells.cell[order], return_index=True)
    sums = np.add.reduceat(drawn[:, order], first, axis=1)
    out = np.tile(means, (n, 1))
    out[:, cells] += sums / matrix.wells.ravel()[cells]
    return np.asarray(out.reshape(n, *matrix.wells.shape))
