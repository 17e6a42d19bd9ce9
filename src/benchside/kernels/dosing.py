"""Concentrations of linear pharmacokinetics: a disposition is a sum of exponentials, doses add, and steady state is a geometric series."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Decay = Callable[[Floats], Floats]
"""What is left of a unit that decays at a rate, summed over the doses."""

_NEAR: Final = 1e-4
"""Absorption and elimination rates closer than this share are told apart by taking the mean of one just below and one just above."""


def one_compartment(clearance_L_per_h: float | Floats, volume_L: float | Floats) -> tuple[Floats, Floats]:
    """Return the exponentials of one compartment.

    Parameters
    ----------
    clearance_L_per_h, volume_L
        Apparent clearance and volume, > 0: numbers, or (patients, 1).

    Returns
    -------
    rates_per_h, weights_per_L
        (1, ...) each: after a bolus of 1 mg the concentration is the sum of weight x exp(-rate t), in mg/L.

    Examples
    --------
    >>> rates, weights = one_compartment(10.0, 100.0)
    >>> float(rates[0]), float(weights[0])
    (0.1, 0.01)
    """
    rate = np.asarray(clearance_L_per_h, dtype=np.float64) / volume_L
    return rate[None], np.broadcast_to(1.0 / np.asarray(volume_L, dtype=np.float64), rate.shape)[None]


def two_compartments(
    clearance_L_per_h: float | Floats,
    central_L: float | Floats,
    exchange_L_per_h: float | Floats,
    peripheral_L: float | Floats,
) -> tuple[Floats, Floats]:
    """Return the exponentials of a central and a peripheral compartment.

    Parameters
    ----------
    clearance_L_per_h, central_L, exchange_L_per_h, peripheral_L
        Apparent clearance, volumes and exchange between them, > 0: numbers, or (patients, 1).

    Returns
    -------
    rates_per_h, weights_per_L
        (2, ...) each, the faster exponential first.

    References
    ----------
    Gibaldi and Perrier, Pharmacokinetics, 2nd ed. 1982, chapter 2.

    Examples
    --------
    >>> rates, weights = two_compartments(18.0, 159.0, 29.0, 204.0)
    >>> round(float((weights / rates).sum()) * 18.0, 12)  # area after 1 mg is 1 / CL
    1.0
    """
    clearance, central = np.asarray(clearance_L_per_h, dtype=np.float64), np.asarray(central_L, dtype=np.float64)
    out, over, back = clearance / central, exchange_L_per_h / central, np.asarray(exchange_L_per_h) / peripheral_L
    total = out + over + back
    fast = (total + np.sqrt(total**2 - 4.0 * out * back)) / 2.0
    slow = out * back / fast
    gap = (fast - slow) * central
    return np.stack([fast, slow]), np.stack([(fast - back) / gap, (back - slow) / gap])


def zero_order_steady_state(
    time_h: Floats, rates_per_h: Floats, weights_per_L: Floats, *, dose_mg: float, every_h: float, duration_h: float
) -> Floats:
    """Return the concentration at steady state when each dose enters at a constant rate over `duration_h`.

    Parameters
    ----------
    time_h
        (times,) hours since the last dose, within [0, every_h].
    rates_per_h, weights_per_L
        The disposition, (exponentials,) or (exponentials, patients, 1).
    dose_mg, every_h, duration_h
        Dose, interval and duration of the input, > 0; the duration may exceed the interval.

    Returns
    -------
    mg/L, (times,) or (patients, times).

    Examples
    --------
    >>> rates, weights = one_compartment(81.9, 4016.0)
    >>> at = np.array([0.0, 4.0])
    >>> np.round(1000 * zero_order_steady_state(at, rates, weights, dose_mg=600, every_h=12, duration_h=4))  # ng/mL
    array([561., 661.])
    """
    rates, weights = _against(time_h, rates_per_h), _against(time_h, weights_per_L)
    whole, rest_h = divmod(duration_h, every_h)
    rise = -np.expm1(-rates * np.minimum(time_h, rest_h)) * np.exp(-rates * np.maximum(time_h - rest_h, 0.0))
    earlier = np.expm1(-rates * rest_h) / np.expm1(-rates * every_h) * np.exp(-rates * (time_h + every_h - rest_h))
    return np.asarray(dose_mg / duration_h * (weights / rates * (whole + rise + earlier)).sum(axis=0))


def zero_order_single(time_h: Floats, rates_per_h: Floats, weights_per_L: Floats, *, dose_mg: float, duration_h: float) -> Floats:
    """Return the concentration after one dose that enters at a constant rate over `duration_h`; 0 before it.

    Examples
    --------
    >>> rates, weights = one_compartment(10.0, 100.0)
    >>> c = zero_order_single(np.array([-1.0, 0.0, 2.0]), rates, weights, dose_mg=100, duration_h=2)
    >>> c.round(4).tolist()  # 50 mg/h / 10 L/h * (1 - exp(-0.2))
    [0.0, 0.0, 0.9063]
    """
    rates, weights = _against(time_h, rates_per_h), _against(time_h, weights_per_L)
    since = np.maximum(time_h, 0.0)
    rise = -np.expm1(-rates * np.minimum(since, duration_h)) * np.exp(-rates * np.maximum(since - duration_h, 0.0))
    return np.asarray(dose_mg / duration_h * (weights / rates * rise).sum(axis=0))


def first_order_steady_state(
    time_h: Floats,
    rates_per_h: Floats,
    weights_per_L: Floats,
    *,
    dose_mg: float,
    every_h: float,
    absorption_per_h: float,
    lag_h: float = 0.0,
) -> Floats:
    """Return the concentration at steady state when each dose is absorbed by first order after a lag.

    Parameters
    ----------
    time_h
        (times,) hours since the last dose, within [0, every_h].
    rates_per_h, weights_per_L
        The disposition, (exponentials,) or (exponentials, patients, 1).
    dose_mg, every_h, absorption_per_h
        Dose, interval and absorption rate, > 0.
    lag_h
        Hours before absorption begins, >= 0; it may exceed the interval.

    Returns
    -------
    mg/L, (times,) or (patients, times).

    References
    ----------
    Gibaldi and Perrier, Pharmacokinetics, 2nd ed. 1982, chapter 3 (multiple dosing, superposition).

    Examples
    --------
    >>> rates, weights = one_compartment(8.9, 307.0)
    >>> at = np.linspace(0, 24, 2401)
    >>> c = first_order_steady_state(at, rates, weights, dose_mg=180, every_h=24, absorption_per_h=1.11)
    >>> round(float(np.trapezoid(c, at)) * 8.9, 2)  # area times clearance is the dose
    180.0
    """
    since_h = np.mod(time_h - lag_h, every_h)

    def decay(rate: Floats) -> Floats:
        return np.asarray(np.exp(-rate * since_h) / -np.expm1(-rate * every_h))

    return _first_order(since_h, rates_per_h, weights_per_L, dose_mg, absorption_per_h, decay)


def first_order_single(
    time_h: Floats,
    rates_per_h: Floats,
    weights_per_L: Floats,
    *,
    dose_mg: float,
    absorption_per_h: float,
    lag_h: float = 0.0,
) -> Floats:
    """Return the concentration after one dose that is absorbed by first order after a lag; 0 before it.

    Examples
    --------
    >>> rates, weights = one_compartment(10.0, 100.0)
    >>> c = first_order_single(np.array([0.0, 10.0]), rates, weights, dose_mg=100, absorption_per_h=0.1)
    >>> c.round(4).tolist()  # equal rates: D/V k t exp(-k t)
    [0.0, 0.3679]
    """
    since_h = np.maximum(time_h - lag_h, 0.0)

    def decay(rate: Floats) -> Floats:
        return np.asarray(np.exp(-rate * since_h))

    return _first_order(since_h, rates_per_h, weights_per_L, dose_mg, absorption_per_h, decay)


def _first_order(
    since_h: Floats, rates_per_h: Floats, weights_per_L: Floats, dose_mg: float, absorption_per_h: float, decay: Decay
) -> Floats:
    rates, weights = _against(since_h, rates_per_h), _against(since_h, weights_per_L)
    near = np.abs(absorption_per_h - rates) < _NEAR * rates
    if not near.any():
        return _absorbed(rates, weights, np.float64(absorption_per_h), dose_mg, decay)
    sides = [np.where(near, rates * (1.0 + side * _NEAR), absorption_per_h) for side in (-1.0, 1.0)]
    return (_absorbed(rates, weights, sides[0], dose_mg, decay) + _absorbed(rates, weights, sides[1], dose_mg, decay)) / 2.0


def _absorbed(rates: Floats, weights: Floats, absorption: Floats | np.float64, dose_mg: float, decay: Decay) -> Floats:
    left = decay(rates) - decay(np.asarray(absorption))
    return np.asarray((dose_mg * weights * absorption / (absorption - rates) * left).sum(axis=0))


def _against(time_h: Floats, values: Floats) -> Floats:
    """Return (exponentials,) values as (exponentials, 1), so that they broadcast against times."""
    values = np.asarray(values, dtype=np.float64)
    return values[:, None] if values.ndim == 1 and np.ndim(time_h) == 1 else values
