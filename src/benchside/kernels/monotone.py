"""How far dose series are from monotone, and how much of that an exchange of two neighbouring positions mends."""

from typing import Any

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import compiled
from benchside.kernels.order import rising

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@compiled
def _falling_rss(values: Any, level: Any, weight: Any) -> float:
    """Return the squared distance of `values` to the nearest sequence that never rises (pool adjacent violators)."""
    blocks, rss = 0, 0.0
    for value in values:
        level[blocks], weight[blocks] = value, 1.0
        blocks += 1
        while blocks > 1 and level[blocks - 2] < level[blocks - 1]:
            w0, w1 = weight[blocks - 2], weight[blocks - 1]
            # Pooling two blocks adds the squared distance of their levels, times half their harmonic mean weight.
            rss += w0 * w1 / (w0 + w1) * (level[blocks - 1] - level[blocks - 2]) ** 2
            level[blocks - 2] = (w0 * level[blocks - 2] + w1 * level[blocks - 1]) / (w0 + w1)
            weight[blocks - 2] = w0 + w1
            blocks -= 1
    return rss


@compiled
def _monotone_rss(values: Any, negated: Any, level: Any, weight: Any) -> float:
    for k in range(len(values)):
        negated[k] = -values[k]
    return min(_falling_rss(values, level, weight), _falling_rss(negated, level, weight))


@compiled
def exchange_gains(dose: FloatArray, response: FloatArray, position: IntArray, offsets: IntArray) -> Any:
    """Return what an exchange of neighbouring positions mends, for every point of every dose series.

    Parameters
    ----------
    dose, response
        Points of all series, (n,); within a series in any order.
    position
        Row or column of each point on the plate, (n,).
    offsets
        Series k holds the points offsets[k] .. offsets[k + 1] - 1, (series + 1,).

    Returns
    -------
    gain : (n,)
        Loss of the series as it stands, minus its loss with the responses at this position and at the next one exchanged;
        nan where the series has no point at the next position, or the two share a dose.
    loss : (series,)
        Squared distance of the series, ordered by dose, to the nearest one that only falls or only rises (isotonic
        regression: Barlow and Brunk 1972, doi:10.1080/01621459.1972.10481216).
    """
    gain, loss = np.full(len(dose), np.nan), np.zeros(len(offsets) - 1)
    longest = 1
    for s in range(len(offsets) - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    level, weight, negated = np.empty(longest), np.empty(longest), np.empty(longest)
    for s in range(len(offsets) - 1):
        first, last = offsets[s], offsets[s + 1]
        order = rising(dose[first:last])
        values = response[first:last][order]
        count = last - first
        loss[s] = _monotone_rss(values, negated[:count], level, weight)
        for p in range(count):
            for q in range(count):
                i, j = first + order[p], first + order[q]
                if position[j] == position[i] + 1 and dose[j] != dose[i]:
                    values[p], values[q] = values[q], values[p]
                    gain[i] = loss[s] - _monotone_rss(values, negated[:count], level, weight)
                    values[p], values[q] = values[q], values[p]
    return gain, loss
