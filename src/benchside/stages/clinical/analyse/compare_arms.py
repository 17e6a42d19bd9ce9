"""Thousands of two-arm trials at once: what a simulated programme asks for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import TableError
from benchside.kernels.two_arm import compare_two_arms

Floats = npt.NDArray[np.float64]
LATEST = 1e5


@dataclass(frozen=True)
class ArmComparisons:
    """Log-rank test and hazard ratio of many trials: arrays of (trials,)."""

    chi2: Floats
    """Log-rank chi-square with 1 degree of freedom; nan where no event happened while both arms were at risk."""

    p: Floats
    """Its two-sided p; nan with it."""

    log_hr: Floats
    """Log hazard ratio of arm 1 against arm 0 (Cox, Efron); nan where it is not finite, as where an arm has no
    event."""

    se: Floats
    """Standard error of `log_hr`; nan with it."""

    @property
    def table(self) -> pl.DataFrame:
        """One row a trial, `trial, chi2, p, log_hr, se`; null where not estimable."""
        columns = {"chi2": self.chi2, "p": self.p, "log_hr": self.log_hr, "se": self.se}
        return pl.DataFrame({"trial": np.arange(self.chi2.size), **columns}).with_columns(pl.col(*columns).fill_nan(None))


def compare_arms_batch(time: npt.ArrayLike, event: npt.ArrayLike, arm: npt.ArrayLike) -> ArmComparisons:
    """Compare the two arms of every trial: unstratified log-rank test and Cox hazard ratio (Efron's ties).

    Parameters
    ----------
    time
        (trials, patients) times from 0 to below 100,000, in any one unit. Times that agree to 1e-9 are tied.
    event, arm
        (trials, patients) of 0 and 1. Arm 0 is the control.

    Raises
    ------
    TableError
        When shapes differ, a time is missing or out of range, or event or arm is not 0 or 1.

    Notes
    -----
    Trials are independent: the answers do not depend on which other trials are in the batch, nor on the number of
    threads.

    References
    ----------
    Peto and Peto 1972, doi:10.2307/2344317; Efron 1977, doi:10.1080/01621459.1977.10480613.

    Examples
    --------
    >>> found = compare_arms_batch([[1, 2, 3, 4]], [[1, 1, 1, 1]], [[0, 1, 0, 1]])
    >>> float(found.log_hr[0].round(4))
    -0.9406
    """
    times = np.ascontiguousarray(time, dtype=np.float64)
    if times.ndim != 2 or times.shape[1] == 0:
        message = f"time must be an array of (trials, patients), and has shape {times.shape}. Reshape one trial to (1, patients)."
        raise TableError(message)
    in_range = (times >= 0) & (times < LATEST)
    if not in_range.all():
        trial, patient = (int(place) for place in np.argwhere(~in_range)[0])
        message = (
            f"time must lie from 0 to below {LATEST:g}; trial {trial}, patient {patient} has {times[trial, patient]}. "
            "Correct it or change the unit."
        )
        raise TableError(message)
    events, arms = _flags(event, "event", times.shape), _flags(arm, "arm", times.shape)
    return ArmComparisons(*compare_two_arms(times, events, arms))


def _flags(values: npt.ArrayLike, name: str, shape: tuple[int, ...]) -> Any:
    given = np.asarray(values)
    if given.shape != shape:
        message = f"{name} has shape {given.shape} and time {shape}; they must be the same (trials, patients)."
        raise TableError(message)
    if given.dtype == np.bool_:
        return given.astype(np.int64)
    is_flag = (given == 0) | (given == 1)
    if not is_flag.all():
        trial, patient = (int(place) for place in np.argwhere(~is_flag)[0])
        message = f"{name} must be 0 or 1; trial {trial}, patient {patient} has {given[trial, patient]}. Recode it."
        raise TableError(message)
    return given.astype(np.int64)
