"""The stable part of a growth curve: the window of a straight line of log2 cells against time, for many time courses at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchside.stages.assay.arrays import FloatArray, IntArray

LEAST_TIMES: Final = 4
"""The criterion is 0 at three time points; a line and its error need four."""


@dataclass(frozen=True)
class Lines:
    """Straight lines y = intercept + rate * t, one a time course; nan where there are too few time points."""

    rate: FloatArray
    intercept: FloatArray
    error: FloatArray
    """Standard error of the rate, given the window."""

    adjusted_r2: FloatArray
    rmse: FloatArray
    """Root mean squared residual."""

    first: IntArray
    """Number of the first time point in the window."""

    n: IntArray
    """Time points in the window."""


def stable_lines(time_h: FloatArray, log2_cells: FloatArray) -> Lines:
    """Return the line of each time course over its stable window, which runs from a chosen time point to the end.

    Parameters
    ----------
    time_h, log2_cells
        (courses, times) rising in time, packed to the left; nan after the last time point of a course.

    Notes
    -----
    After a drug is added the rate of division changes, over hours to days, to a new constant one. Every start that leaves
    at least four time points is tried, and the one with the greatest R2a * (1 - rmse)^2 * (n - 3)^(1/4) is taken, where R2a
    is the adjusted R2, rmse the root mean squared residual in doublings and n the number of time points: straight, close,
    and long (Harris et al. 2016, doi:10.1038/nmeth.3852). A residual of a doubling or more counts as no fit (factor 0).
    Of equal starts the earliest is taken.
    """
    lines = suffix_lines(time_h, log2_cells)
    with np.errstate(invalid="ignore"):
        merit = lines.adjusted_r2 * np.maximum(1 - lines.rmse, 0.0) ** 2 * np.maximum(lines.n - 3, 0) ** 0.25
    merit = np.where(lines.n >= LEAST_TIMES, np.nan_to_num(merit, nan=0.0), -np.inf)
    best = merit.argmax(axis=1)
    row = np.arange(len(best))
    picked = {
        name: getattr(lines, name)[row, best] for name in ("rate", "intercept", "error", "adjusted_r2", "rmse", "first", "n")
    }
    few = picked["n"] < LEAST_TIMES
    for name in ("rate", "intercept", "error", "adjusted_r2", "rmse"):
        picked[name] = np.where(few, np.nan, picked[name])
    return Lines(**picked)


def suffix_lines(time_h: FloatArray, log2_cells: FloatArray) -> Lines:
    """Return the least-squares line of every window that ends with the course, (courses, times): column k starts at time point k."""
    held = ~np.isnan(log2_cells)
    # Moments are taken about the mean of each course, so that no digits are lost to large times or counts.
    with np.errstate(invalid="ignore"):
        counts = np.maximum(held.sum(axis=1, keepdims=True), 1)
        centre_t = np.where(held, time_h, 0.0).sum(axis=1, keepdims=True) / counts
        centre_y = np.where(held, log2_cells, 0.0).sum(axis=1, keepdims=True) / counts
        t, y = np.where(held, time_h - centre_t, 0.0), np.where(held, log2_cells - centre_y, 0.0)
    n, sum_t, sum_y, sum_tt, sum_ty, sum_yy = (_from_end(part) for part in (held.astype(np.float64), t, y, t * t, t * y, y * y))
    with np.errstate(invalid="ignore", divide="ignore"):
        s_tt, s_ty, s_yy = sum_tt - sum_t**2 / n, sum_ty - sum_t * sum_y / n, sum_yy - sum_y**2 / n
        rate = s_ty / s_tt
        rss = np.maximum(s_yy - rate * s_ty, 0.0)
        intercept = sum_y / n + centre_y - rate * (sum_t / n + centre_t)
        error = np.sqrt(rss / (n - 2) / s_tt)
        adjusted = np.where(s_yy > 0, 1 - (rss / s_yy) * (n - 1) / (n - 2), 0.0)
    first = np.broadcast_to(np.arange(t.shape[1]), t.shape).astype(np.int64)
    return Lines(rate, intercept, error, adjusted, np.sqrt(rss / np.maximum(n, 1)), first, n.astype(np.int64))


def _from_end(values: FloatArray) -> FloatArray:
    """Return the sum from each column to the last."""
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])
