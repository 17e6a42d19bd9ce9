"""Concentrations while the clearance changes with time: autoinduction and auto-inhibition, solved dose by dose."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """One patient's apparent pharmacokinetics with a clearance that goes exponentially from a first to a last value."""

    first_L_per_h: float
    last_L_per_h: float
    change_per_h: float
    """Rate of the change since the first dose; 0 keeps the first value."""

    central_L: float
    exchange_L_per_h: float = 0.0
    """0: one compartment."""

    peripheral_L: float = 1.0
    absorption_per_h: float | None = None
    """First-order absorption; None: zero-order over `duration_h`."""

    duration_h: float = 0.0
    lag_h: float = 0.0

    def clearance_at(self, time_h: float | Floats) -> Floats:
        """Return the clearance at hours since the first dose."""
        left = np.exp(-self.change_per_h * np.maximum(time_h, 0.0))
        return np.asarray(self.last_L_per_h + (self.first_L_per_h - self.last_L_per_h) * left)


def solve_course(
    time_h: Floats, dose_time_h: Sequence[float], dose_mg: Sequence[float], course: Course, *, rtol: float = 1e-9
) -> Floats:
    """Return the concentration over a whole course of doses.

    Parameters
    ----------
    time_h
        (times,) rising hours since the first dose, >= 0.
    dose_time_h, dose_mg
        (doses,) rising times and the doses taken at them; a missed dose is left out.
    course
        The patient.
    rtol
        Relative tolerance of the solver.

    Returns
    -------
    mg/L, (times,).

    Notes
    -----
    The equations are solved anew between every two events (a dose, the end of a zero-order input), so that no step spans one.

    References
    ----------
    Dormand and Prince 1980, doi:10.1016/0771-050X(80)90013-3, in the eighth-order form of scipy's DOP853.

    Examples
    --------
    >>> steady = Course(first_L_per_h=10, last_L_per_h=10, change_per_h=0, central_L=100, absorption_per_h=1.0)
    >>> solve_course(np.array([0.0, 5.0]), [0.0], [100.0], steady).round(4).tolist()
    [0.0, 0.6664]
    """
    end = float(time_h[-1])
    events = [event for event in _events(dose_time_h, dose_mg, course) if event[0] <= end]
    edges = np.unique([0.0, *(when for when, _, _ in events), end])
    state, inflow, found = np.zeros(3), 0.0, np.zeros(time_h.size)
    for low, high in itertools.pairwise(edges.tolist()):
        for _, depot_mg, rate in (event for event in events if event[0] == low):
            state[0] += depot_mg
            inflow += rate
        inside = (time_h >= low) & (time_h <= high)
        state, values = _between(low, high, state, inflow, course, time_h[inside], rtol)
        found[inside] = values
    return found


def _events(dose_time_h: Sequence[float], dose_mg: Sequence[float], course: Course) -> list[tuple[float, float, float]]:
    """Return (time, mg into the depot, change of the input rate in mg/h) of every event."""
    events: list[tuple[float, float, float]] = []
    for when, dose in zip(dose_time_h, dose_mg, strict=True):
        begin = when + course.lag_h
        if course.absorption_per_h is not None:
            events.append((begin, dose, 0.0))
        else:
            rate = dose / course.duration_h
            events += [(begin, 0.0, rate), (begin + course.duration_h, 0.0, -rate)]
    return events


def _between(
    low: float, high: float, state: Floats, inflow: float, course: Course, time_h: Floats, rtol: float
) -> tuple[Floats, Floats]:
    from scipy.integrate import solve_ivp  # noqa: PLC0415  slow to import, and linear courses need none of it

    absorption, exchange = course.absorption_per_h or 0.0, course.exchange_L_per_h

    def change(when: float, amount: Floats) -> list[float]:
        centre, edge = amount[1] / course.central_L, amount[2] / course.peripheral_L
        absorbed, moved = absorption * amount[0], exchange * (centre - edge)
        return [-absorbed, absorbed + inflow - float(course.clearance_at(when)) * centre - moved, moved]

    at = np.unique(np.append(time_h, high))
    solved = solve_ivp(change, (low, high), state, method="DOP853", t_eval=at, rtol=rtol, atol=1e-12)
    return solved.y[:, -1], solved.y[1, np.searchsorted(at, time_h)] / course.central_L
