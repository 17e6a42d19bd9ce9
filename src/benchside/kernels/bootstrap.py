"""The two-arm hazard ratio of many resamples of one trial: patients are sorted once, a resample only counts them differently."""

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import PARALLEL, compiled, compiled_parallel
from benchside.kernels.survival import block_starts
from benchside.kernels.two_arm import _cox, _log_rank

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def resampled_log_hr(time: Floats, event: Integers, arm: Integers, times_drawn: Integers) -> Floats:
    """Return the log hazard ratio (Cox, Efron) of arm 1 against arm 0 in every resample.

    Parameters
    ----------
    time, event, arm
        (n,) of one trial; arm 0 is the control.
    times_drawn
        (resamples, n) how often each patient is in each resample.

    Returns
    -------
    (resamples,) log hazard ratios; minus infinity where only the control has events while both arms are at risk, infinity
    where only the treated arm has, nan where neither.
    """
    order = np.argsort(time, kind="stable")
    starts = block_starts(time[order], np.zeros(time.size, np.int64))
    found = np.empty(times_drawn.shape[0])
    _resampled(np.ascontiguousarray(times_drawn[:, order]), event[order], arm[order], starts, found)
    return found


@compiled_parallel
def _resampled(times_drawn: Integers, event: Integers, arm: Integers, starts: Integers, found: Floats) -> None:
    for resample in PARALLEL(times_drawn.shape[0]):
        counts = np.empty((starts.size, 4))
        k = _weighted_counts(times_drawn[resample], event, arm, starts, counts)
        _, start = _log_rank(counts, k)
        log_hr, _ = _cox(counts, k, start)
        found[resample] = log_hr if np.isfinite(log_hr) else _limit(counts, k)


@compiled
def _weighted_counts(times_drawn: Integers, event: Integers, arm: Integers, starts: Integers, counts: Floats) -> int:
    """Fill (control at risk, treated at risk, control events, treated events) of each event time; return how many there are."""
    n0 = n1 = 0
    k = 0
    for block in range(starts.size - 2, -1, -1):
        d0 = d1 = 0
        for i in range(starts[block], starts[block + 1]):
            times = times_drawn[i]
            if arm[i] == 1:
                n1 += times
                d1 += times * event[i]
            else:
                n0 += times
                d0 += times * event[i]
        if d0 + d1 > 0:
            counts[k, 0], counts[k, 1], counts[k, 2], counts[k, 3] = n0, n1, d0, d1
            k += 1
    return k


@compiled
def _limit(counts: Floats, k: int) -> float:
    control = treated = 0.0
    for j in range(k):
        if counts[j, 0] > 0.0 and counts[j, 1] > 0.0:
            control += counts[j, 2]
            treated += counts[j, 3]
    if control > 0.0 and treated == 0.0:
        return -np.inf
    if treated > 0.0 and control == 0.0:
        return np.inf
    return np.nan
