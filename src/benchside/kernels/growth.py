"""Lesions of sensitive and resistant cells: their volume over time, and the visit at which they have progressed."""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from benchside.kernels._jit import PARALLEL, compiled, compiled_inline, compiled_parallel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NONE: Final = 0
BRAIN: Final = 1
BODY: Final = 2
"""Where a patient progressed first: nowhere, in the brain, elsewhere."""


class Visits(NamedTuple):
    """When patients are seen, and what counts as progression."""

    days: float
    """Days between visits."""

    total: int
    brain_every: int
    """The brain is imaged at every so manyth visit, from 1."""

    fold: float
    """Progression: a sum of diameters of at least `fold` times its smallest so far ..."""

    increase_mm: float
    """... and larger than it by this or more."""

    detectable_mm: float
    """Diameter from which an unseen brain lesion is seen, and is a new lesion."""


@compiled_inline
def relative_volume(days: float, resistant: float, sensitive_per_day: float, resistant_per_day: float) -> float:
    """Return the volume of a lesion over its first, each clone growing or shrinking exponentially.

    Parameters
    ----------
    days
        Time since the first volume.
    resistant
        Fraction of resistant cells at the start, in [0, 1].
    sensitive_per_day, resistant_per_day
        Net growth rates of the two clones; negative when they shrink.
    """
    return (1.0 - resistant) * math.exp(sensitive_per_day * days) + resistant * math.exp(resistant_per_day * days)


@compiled
def lesion_diameter(
    days: Floats, diameter_mm: float, resistant: float, sensitive_per_day: float, resistant_per_day: float
) -> Floats:
    """Return the diameter (times,) of a lesion that keeps its shape: it goes with the cube root of the volume."""
    found = np.empty(days.size)
    for k in range(days.size):
        found[k] = diameter_mm * np.cbrt(relative_volume(days[k], resistant, sensitive_per_day, resistant_per_day))
    return found


@compiled_parallel
def first_progression(
    diameter_mm: Floats,
    brain_known: Flags,
    resistant: Floats,
    rate_per_day: Floats,
    visits: Visits,
) -> tuple[Integers, Integers]:
    """Return at which visit, and where, each patient has progressed.

    Parameters
    ----------
    diameter_mm
        (patients, 2) diameter at the start of the body and the brain lesion; 0 where there is no brain lesion.
    brain_known
        (patients,) whether the brain lesion was seen at the start, and so counts in the sum of diameters.
    resistant
        (patients, 2) fraction of resistant cells of each lesion.
    rate_per_day
        (patients, 2, 2) net growth by lesion (body, brain) and clone (sensitive, resistant).
    visits
        When patients are seen, and what counts as progression.

    Returns
    -------
    Visit (patients,), from 1, or 0 for none; place (patients,), `BRAIN`, `BODY` or `NONE`. Brain progression found at the
    visit at which the sum progresses counts as brain.

    References
    ----------
    Eisenhauer et al. 2009 (RECIST 1.1), doi:10.1016/j.ejca.2008.10.026.
    """
    patients = diameter_mm.shape[0]
    visit, place = np.zeros(patients, np.int64), np.zeros(patients, np.int64)
    for i in PARALLEL(patients):
        known = brain_known[i]
        brain = diameter_mm[i, 1]
        least_sum = diameter_mm[i, 0] + (brain if known else 0.0)
        least_brain = brain
        for k in range(1, visits.total + 1):
            days = k * visits.days
            total = diameter_mm[i, 0] * np.cbrt(
                relative_volume(days, resistant[i, 0], rate_per_day[i, 0, 0], rate_per_day[i, 0, 1])
            )
            in_brain = False
            if diameter_mm[i, 1] > 0.0:
                if k % visits.brain_every == 0:
                    brain = diameter_mm[i, 1] * np.cbrt(
                        relative_volume(days, resistant[i, 1], rate_per_day[i, 1, 0], rate_per_day[i, 1, 1])
                    )
                    if known:
                        in_brain = brain >= visits.fold * least_brain and brain - least_brain >= visits.increase_mm
                        least_brain = min(least_brain, brain)
                    else:
                        in_brain = brain >= visits.detectable_mm
                if known:
                    total += brain  # between brain images the last one counts
            if in_brain:
                visit[i], place[i] = k, BRAIN
                break
            if total >= visits.fold * least_sum and total - least_sum >= visits.increase_mm:
                visit[i], place[i] = k, BODY
                break
            least_sum = min(least_sum, total)
    return visit, place
