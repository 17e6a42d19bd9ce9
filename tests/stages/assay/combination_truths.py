"""Dose matrices that are exactly additive under one null model, to plant synergy into and to add noise to."""

import numpy as np
import polars as pl

from tests.kernels.synergy_twins import slow_additive

DOSES_A = np.array([1.0, 3.0, 10.0, 30.0, 100.0])
DOSES_B = np.array([2.0, 8.0, 32.0, 128.0, 512.0])
CURVE_A, CURVE_B = (0.1, 1.4, np.log(12.0)), (0.1, 1.1, np.log(40.0))
"""Bottom, slope, ln midpoint."""


def alone(dose, curve):
    bottom, slope, mid = curve
    return bottom + (1 - bottom) / (1 + (dose / np.exp(mid)) ** slope)


def surface(null, curve_a=CURVE_A, curve_b=CURVE_B):
    """Responses (1 + doses of a, 1 + doses of b) that follow a null model exactly; ZIP and Bliss have the same one."""
    matrix = np.ones((6, 6))
    matrix[1:, 0], matrix[0, 1:] = alone(DOSES_A, curve_a), alone(DOSES_B, curve_b)
    for i in range(1, 6):
        for j in range(1, 6):
            a, b = matrix[i, 0], matrix[0, j]
            additive = slow_additive(DOSES_A[i - 1], DOSES_B[j - 1], curve_a, curve_b) if null == "loewe" else None
            matrix[i, j] = additive if null == "loewe" else min(a, b) if null == "hsa" else a * b
    return matrix


def wells(matrix, *, replicates=1, sd=0.0, seed=0, a="alectinib", b="x", system=None):
    """The matrix as a table of wells, with noise."""
    rng = np.random.default_rng(seed)
    doses_a, doses_b = np.concatenate([[0], DOSES_A]), np.concatenate([[0], DOSES_B])
    rows = [
        (doses_a[i], doses_b[j], matrix[i, j] + sd * rng.standard_normal(), replicate + 1)
        for i in range(matrix.shape[0])
        for j in range(matrix.shape[1])
        for replicate in range(replicates)
    ]
    names = ["concentration_a_nM", "concentration_b_nM", "response", "replicate"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(compound_a=pl.lit(a), compound_b=pl.lit(b), system=pl.lit(system, pl.String))
