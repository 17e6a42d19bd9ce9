"""Concentrations at steady state in one compartment, what is read off them, and how much of a drug is unbound."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def steady_state_concentration(
    time_h: Floats,
    *,
    dose_mg: float,
    every_h: float,
    clearance_L_per_h: float | Floats,
    volume_L: float | Floats,
    absorption_h: float,
) -> Floats:
    """Return the total concentration after many doses: one compartment, zero-order absorption.

    Parameters
    ----------
    time_h
        (times,) hours since the last dose, within [0, every_h].
    dose_mg, every_h
        Dose and interval between doses; > 0.
    clearance_L_per_h, volume_L
        Apparent clearance CL/F and volume V/F, > 0: one number, or (patients, 1).
    absorption_h
        Duration of the zero-order absorption, > 0. It may exceed the interval: doses then overlap.

    Returns
    -------
    mg/L, (times,) or (patients, times).

    Notes
    -----
    Each dose is an infusion of rate D/T over T hours. Where T spans m whole intervals, m infusions always run and
    give the constant m D / (T CL); what is left of T repeats once an interval, and its doses form a geometric series.

    References
    ----------
    Gibaldi and Perrier, Pharmacokinetics, 2nd ed. 1982, chapter 3 (multiple dosing, superposition).

    Examples
    --------
    >>> at = np.array([0.0, 4.0])
    >>> c = steady_state_concentration(
    ...     at, dose_mg=600, every_h=12, clearance_L_per_h=81.9, volume_L=4016, absorption_h=4
    ... )
    >>> np.round(1000 * c)  # ng/mL
    array([561., 661.])
    """
    rate_per_h = np.asarray(clearance_L_per_h) / volume_L
    plateau_mg_per_L = dose_mg / absorption_h / np.asarray(clearance_L_per_h)
    whole, rest_h = divmod(absorption_h, every_h)
    rise = -np.expm1(-rate_per_h * np.minimum(time_h, rest_h))
    after_h = np.maximum(time_h - rest_h, 0.0)
    earlier = -np.expm1(-rate_per_h * rest_h) / -np.expm1(-rate_per_h * every_h)
    left = rise * np.exp(-rate_per_h * after_h) + earlier * np.exp(-rate_per_h * (time_h + every_h - rest_h))
    return np.asarray(plateau_mg_per_L * (whole + left))


def area_under_curve(time_h: Floats, concentration: Floats) -> float:
    """Return the area under a sampled curve by the linear trapezoid, in concentration times hours.

    Parameters
    ----------
    time_h, concentration
        (n,) rising times and the concentrations at them; n >= 2.

    Examples
    --------
    >>> area_under_curve(np.array([0.0, 2.0, 6.0]), np.array([0.0, 10.0, 0.0]))
    30.0
    """
    return float(np.trapezoid(concentration, time_h))


def unbound_in_medium(unbound_in_plasma: float, serum_fraction: float) -> float:
    """Return the unbound fraction in a medium that holds a fraction of serum: 1 / (1 + s (1/fu - 1)).

    Parameters
    ----------
    unbound_in_plasma
        Unbound fraction in undiluted plasma, in (0, 1].
    serum_fraction
        Serum in the medium, in [0, 1]; 0 gives 1.

    Notes
    -----
    Binding is linear (bound over unbound is proportional to the protein), and serum of any species
    binds like human plasma.

    References
    ----------
    Kalvass and Maurer 2002, doi:10.1002/bdd.325.

    Examples
    --------
    >>> round(unbound_in_medium(0.01, 0.1), 4)
    0.0917
    """
    return 1.0 / (1.0 + serum_fraction * (1.0 / unbound_in_plasma - 1.0))
