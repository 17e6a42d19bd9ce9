"""Restricted mean survival time: the area under a Kaplan-Meier curve up to a time."""

import math

import numpy as np
import numpy.typing as npt

from benchside.kernels.survival import TIE

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def restricted_mean(time: Floats, n_risk: Integers, n_event: Integers, tau: float) -> tuple[float, float]:
    """Return the restricted mean up to `tau` and its standard error.

    Parameters
    ----------
    time, n_risk, n_event
        (k,) distinct rising times, at risk just before, and events, as `survival.risk_table` gives them.
    tau
        The end of the window, above 0, in the unit of the times.

    Returns
    -------
    Mean and standard error; nan where the curve is not known up to `tau`: follow-up ends before and it has not reached 0.

    Notes
    -----
    The variance sums, over event times, the squared area to the right of each times d / (n (n - d)); a last step to 0 adds
    nothing, for no area lies to its right.

    References
    ----------
    Irwin 1949, doi:10.1017/S0022172400014443; Royston and Parmar 2013, doi:10.1186/1471-2288-13-152.
    """
    steps = 1.0 - n_event / n_risk
    if tau > time[-1] + TIE and not (steps == 0.0).any():
        return math.nan, math.nan
    within = time <= tau + TIE
    edges = np.concatenate([[0.0], np.minimum(time[within], tau), [tau]])
    survival = np.concatenate([[1.0], np.cumprod(steps[within])])
    areas = np.diff(edges) * survival
    right = np.cumsum(areas[::-1])[::-1][1:]
    n, d = n_risk[within].astype(np.float64), n_event[within].astype(np.float64)
    last = n == d
    greenwood = np.where(last, 0.0, d / (n * np.where(last, 1.0, n - d)))
    return float(areas.sum()), math.sqrt(float((right**2 * greenwood).sum()))
