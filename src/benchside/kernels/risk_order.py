"""The order in which a partial likelihood walks its subjects: who joins the risk set at each time, and who is not there yet."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.survival import TIE, block_starts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RiskOrder:
    """Subjects sorted by stratum and rising time. Walked backwards, block by block, each block's subjects join the risk set.

    With times of entry, those who entered at or after the time of the block leave it again: `leaving` up to `gone`.
    """

    order: Integers
    """(n,) position in the input of every subject of this order."""

    time: Floats
    event: Integers
    stratum: Integers
    starts: Integers
    """(blocks + 1,) first subject of every block of tied times of one stratum; the last entry is n."""

    leaving: Integers
    """Subjects by falling stratum and falling entry: (n,), or (0,) where everybody is there from the start."""

    gone: Integers
    """How many of `leaving` have left at each block: (blocks,) or (0,)."""

    entry: Floats
    """Time of entry of each subject in this order: (n,) or (0,)."""

    @property
    def block(self) -> Integers:
        """The block of every subject: (n,)."""
        return np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))

    @property
    def block_time(self) -> Floats:
        """The time of every block: (blocks,)."""
        return self.time[self.starts[:-1]]

    @property
    def block_stratum(self) -> Integers:
        """The stratum of every block: (blocks,)."""
        return self.stratum[self.starts[:-1]]

    def blocks_before_entry(self) -> Integers:
        """Return the last block of the subject's stratum that is over when it enters, -1 where there is none: (n,)."""
        if not self.entry.size:
            return np.full(self.time.size, -1, np.int64)
        return _last_block_before(self.entry, self.stratum, self.block_time, self.block_stratum)


def risk_order(time: Floats, event: Integers, stratum: Integers, entry: Floats | None = None) -> RiskOrder:
    """Sort subjects for a partial likelihood.

    Parameters
    ----------
    time, event, stratum
        (n,) times, 0 or 1, and integer strata, in any order.
    entry
        (n,) times from which each subject is at risk, each more than `TIE` before its `time`; None: from the start.
        A subject is at risk in (entry, time].
    """
    # A stable sort of times alone is several times faster than one of strata and times.
    order = np.argsort(time, kind="stable") if stratum.min() == stratum.max() else np.lexsort((time, stratum))
    sorted_time, sorted_stratum = time[order], stratum[order]
    starts = block_starts(sorted_time, sorted_stratum)
    none, later = np.empty(0, np.int64), np.empty(0, np.float64)
    if entry is None:
        return RiskOrder(order, sorted_time, event[order], sorted_stratum, starts, none, none, later)
    later = entry[order]
    leaving = np.lexsort((-later, -sorted_stratum))
    gone = _gone(sorted_time, later, sorted_stratum, starts, leaving)
    return RiskOrder(order, sorted_time, event[order], sorted_stratum, starts, leaving, gone, later)


@compiled
def _gone(time: Floats, entry: Floats, stratum: Integers, starts: Integers, leaving: Integers) -> Integers:
    """Count, for every block, the subjects of its stratum and of later strata that have not entered before its time."""
    gone = np.empty(starts.size - 1, np.int64)
    pointer = 0
    for block in range(starts.size - 2, -1, -1):
        t, s = time[starts[block]], stratum[starts[block]]
        while pointer < leaving.size:
            subject = leaving[pointer]
            if stratum[subject] == s and entry[subject] < t - TIE:
                break
            if stratum[subject] < s:
                break
            pointer += 1
        gone[block] = pointer
    return gone


@compiled
def _last_block_before(entry: Floats, stratum: Integers, block_time: Floats, block_stratum: Integers) -> Integers:
    found = np.empty(entry.size, np.int64)
    for i in range(entry.size):
        low, high = 0, block_time.size
        while low < high:  # the first block that is later than the entry
            middle = (low + high) // 2
            earlier = block_stratum[middle] < stratum[i]
            if earlier or (block_stratum[middle] == stratum[i] and block_time[middle] <= entry[i] + TIE):
                low = middle + 1
            else:
                high = middle
        found[i] = low - 1 if low > 0 and block_stratum[low - 1] == stratum[i] else -1
    return found
