"""The order of a few numbers: one small stable sort for all kernels, since numba's own is compiled anew for each and takes seconds."""

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@compiled
def rising(values: FloatArray) -> IntArray:
    """Return the places of the values from least to greatest, equal ones in the order they stand (merge sort)."""
    count = values.size
    order, merged = np.empty(count, np.int64), np.empty(count, np.int64)
    for k in range(count):
        order[k] = k
    width = 1
    while width < count:
        for start in range(0, count, 2 * width):
            middle, end = min(start + width, count), min(start + 2 * width, count)
            i, j = start, middle
            for k in range(start, end):
                if i < middle and (j >= end or values[order[i]] <= values[order[j]]):
                    merged[k] = order[i]
                    i += 1
                else:
                    merged[k] = order[j]
                    j += 1
        for k in range(count):
            order[k] = merged[k]
        width *= 2
    return order
