"""Dose matrices as arrays, and what each null model expects of them, for one matrix or for a thousand resamplings of it at once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from benchside.kernels.dose_response import FITTED, FREE, HIGH, LOW, MID, SLOPE, STARTS, fit_all
from benchside.kernels.synergy import loewe_all
from benchside.stages.assay.arrays import BoolArray, FloatArray, IntArray

REFERENCES: Final = ("bliss", "hsa", "loewe", "zip")

ALONE: Final = np.array([1.0, 1.0, 0.0, 1.0])
"""A single agent starts at 1, the vehicle, and ends between 0 and 1."""

FROM_ONE: Final = np.array([1.0, 1.0, FREE[2], FREE[3]])
"""A second agent starts at the response of the first, here shifted to 1, and ends anywhere."""

LEAST_DOSES: Final = 3
"""A curve whose start is fixed has three free parameters: bottom, slope, midpoint."""


@dataclass(frozen=True)
class Matrix:
    """The doses of one combination and how many wells each of its cells has; index 0 of either axis is no dose."""

    doses_a_nM: FloatArray
    """(doses of a,) rising, without 0."""

    doses_b_nM: FloatArray
    wells: IntArray
    """(1 + doses of a, 1 + doses of b)."""

    @cached_property
    def inner(self) -> BoolArray:
        """Return which combination cells, (doses of a, doses of b), hold a well."""
        return np.asarray(self.wells[1:, 1:] > 0)

    @cached_property
    def curves_possible(self) -> bool:
        """Whether both agents have doses enough for a curve."""
        return min(self.doses_a_nM.size, self.doses_b_nM.size) >= LEAST_DOSES


@dataclass(frozen=True)
class Expected:
    """What null models expect of the combination cells, (surfaces, doses of a, doses of b) each; nan where there is nothing to expect.

    The excess of Bliss, HSA and Loewe is the expected response minus the mean response; that of ZIP is the expected response
    minus the fitted surface, `zip_fitted`.
    """

    bliss: FloatArray
    hsa: FloatArray
    loewe: FloatArray
    zip: FloatArray
    zip_fitted: FloatArray
    bottoms: FloatArray
    """(surfaces, 2) fitted response of each agent alone at an endless dose."""

    def excess(self, name: str, response: FloatArray) -> FloatArray:
        """Return by how much the effect exceeds what a null model expects, as a fraction of the vehicle."""
        seen = self.zip_fitted if name == "zip" else response[:, 1:, 1:]
        return np.asarray(getattr(self, name) - seen)


def expected(matrix: Matrix, response: FloatArray) -> Expected:
    """Return what Bliss, HSA, Loewe and ZIP expect of every surface.

    Parameters
    ----------
    matrix
        Doses and wells.
    response
        (surfaces, 1 + doses of a, 1 + doses of b) mean response of every cell, nan where the matrix has no well.
    """
    alone_a, alone_b = response[:, 1:, 0], response[:, 0, 1:]
    bliss = alone_a[:, :, None] * alone_b[:, None, :]
    hsa = np.minimum(alone_a[:, :, None], alone_b[:, None, :])
    nothing = np.full_like(bliss, np.nan)
    if not matrix.curves_possible:
        return Expected(bliss, hsa, nothing, nothing, nothing, np.full((len(response), 2), np.nan))
    log_a, log_b = np.log(matrix.doses_a_nM), np.log(matrix.doses_b_nM)
    curves_a = fit_rows(log_a, alone_a, matrix.wells[1:, 0], ALONE)
    curves_b = fit_rows(log_b, alone_b, matrix.wells[0, 1:], ALONE)
    fitted_a, fitted_b = curve_values(curves_a, log_a, alone_a), curve_values(curves_b, log_b, alone_b)
    shape = [HIGH, SLOPE, MID]
    additive = loewe_all(log_a, log_b, np.ascontiguousarray(curves_a[:, shape]), np.ascontiguousarray(curves_b[:, shape]))
    along_b = conditional(log_b, response[:, 1:, 1:], fitted_a, matrix.wells[1:, 1:])
    turned = response[:, 1:, 1:].transpose(0, 2, 1)
    along_a = conditional(log_a, turned, fitted_b, matrix.wells[1:, 1:].T).transpose(0, 2, 1)
    zero_interaction = fitted_a[:, :, None] * fitted_b[:, None, :]
    bottoms = np.column_stack([curves_a[:, HIGH], curves_b[:, HIGH]])
    return Expected(bliss, hsa, additive, zero_interaction, 0.5 * (along_a + along_b), bottoms)


def conditional(log_dose: FloatArray, response: FloatArray, start: FloatArray, wells: IntArray) -> FloatArray:
    """Return the curves of one agent at each dose of the other, (surfaces, doses of the other, doses), nan where they have too few doses.

    Each starts at the response of the other agent alone, `start` (surfaces, doses of the other), as in Yadav et al. 2015.
    """
    out = np.full_like(response, np.nan)
    for other in range(response.shape[1]):
        held = wells[other] > 0
        if held.sum() < LEAST_DOSES:
            continue
        shift = 1.0 - start[:, other, None]
        shifted = np.ascontiguousarray(response[:, other, :] + shift)
        curves = fit_rows(log_dose, shifted, wells[other], FROM_ONE)
        out[:, other, held] = (curve_values(curves, log_dose, shifted) - shift)[:, held]
    return out


def fit_rows(log_dose: FloatArray, response: FloatArray, wells: IntArray, box: FloatArray) -> FloatArray:
    """Fit a curve to each row of `response` (surfaces, doses), each mean weighted by its wells; doses without a well are left out."""
    held = np.flatnonzero(wells > 0)
    surfaces = response.shape[0]
    x = np.tile(log_dose[held], surfaces)
    w = np.tile(wells[held].astype(np.float64), surfaces)
    y = np.ascontiguousarray(response[:, held]).ravel()
    offsets = np.arange(surfaces + 1, dtype=np.int64) * held.size
    return np.asarray(fit_all(x, y, w, offsets, box, STARTS))


def curve_values(curves: FloatArray, log_dose: FloatArray, response: FloatArray) -> FloatArray:
    """Return the response of every curve at every dose; a row that does not vary with dose is its own curve."""
    slope, mid = curves[:, SLOPE, None], curves[:, MID, None]
    f = 1 / (1 + np.exp(np.clip(slope * (log_dose[None, :] - mid), -700, 700)))
    values = curves[:, LOW, None] * f + curves[:, HIGH, None] * (1 - f)
    return np.asarray(np.where(curves[:, FITTED, None] == 1.0, values, response))
