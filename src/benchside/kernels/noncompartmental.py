"""Areas, moments and terminal slopes of a sampled concentration curve, without a model."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST: Final = 3
"""Points a terminal slope needs."""

ALIKE: Final = 1e-4
"""Fits whose adjusted r2 differs by less than this are alike; the one with more points is taken."""


def areas(time_h: Floats, concentration: Floats, *, log_down: bool) -> tuple[Floats, Floats]:
    """Return area and first moment of every segment of a curve.

    Parameters
    ----------
    time_h, concentration
        (n,) rising times and concentrations >= 0.
    log_down
        Logarithmic trapezoid where the concentration falls and both ends are above 0; linear elsewhere. False: linear everywhere.

    Returns
    -------
    area, moment
        (n - 1,) each: the integrals of C and of t C; where linear, the trapezoid of t C itself, as the programs in use have it.

    References
    ----------
    Gabrielsson and Weiner, Pharmacokinetic and Pharmacodynamic Data Analysis, 4th ed. 2006, chapter 2.8 (linear-up log-down).

    Examples
    --------
    >>> area, _ = areas(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0]), log_down=True)
    >>> area.round(4).tolist()  # 1, and (2 - 1) / ln 2
    [1.0, 1.4427]
    """
    t1, t2, c1, c2 = time_h[:-1], time_h[1:], concentration[:-1], concentration[1:]
    width = t2 - t1
    area, moment = width * (c1 + c2) / 2.0, width * (t1 * c1 + t2 * c2) / 2.0
    if log_down:
        falls = (c2 < c1) & (c2 > 0)
        rate = np.log(c1[falls] / c2[falls]) / width[falls]
        area[falls] = (c1[falls] - c2[falls]) / rate
        moment[falls] = (t1[falls] * c1[falls] - t2[falls] * c2[falls]) / rate + (c1[falls] - c2[falls]) / rate**2
    return area, moment


@dataclass(frozen=True)
class Terminal:
    """The terminal slope: rate, points, adjusted r2, and the first time used."""

    rate_per_h: float
    points: int
    r2_adjusted: float
    from_h: float


def terminal_slope(time_h: Floats, concentration: Floats) -> Terminal | None:
    """Return the log-linear fit of the last points after the peak with the best adjusted r2, or None where none falls.

    Parameters
    ----------
    time_h, concentration
        (n,) rising times and concentrations above 0.

    Returns
    -------
    Terminal or None
        Of the last 3, 4, ... points after the peak (the peak itself left out). None: fewer than 3, or no fit falls.

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    >>> round(terminal_slope(at, np.array([1.0, 8.0, 4.0, 2.0, 1.0])).rate_per_h, 6)  # ln 2
    0.693147
    """
    last = time_h.size - int(concentration.argmax()) - 1
    if last < FEWEST:
        return None
    points = np.arange(1.0, last + 1)
    t, y = time_h[: -last - 1 : -1] - time_h[-1], np.log(concentration[: -last - 1 : -1] / concentration[-1])
    mean_t, mean_y = np.cumsum(t) / points, np.cumsum(y) / points
    within = (np.cumsum(t * t) - points * mean_t**2)[FEWEST - 1 :]
    across = (np.cumsum(t * y) - points * mean_t * mean_y)[FEWEST - 1 :]
    total = (np.cumsum(y * y) - points * mean_y**2)[FEWEST - 1 :]
    slope, counts = across / within, points[FEWEST - 1 :]
    r2 = np.divide(slope * across, total, out=np.zeros_like(total), where=total > 0)
    adjusted = np.where(slope < 0, 1.0 - (1.0 - r2) * (counts - 1) / (counts - 2), -np.inf)
    if not (slope < 0).any():
        return None
    taken = int(np.flatnonzero(adjusted >= adjusted.max() - ALIKE)[-1])
    count = int(counts[taken])
    return Terminal(float(-slope[taken]), count, float(adjusted[taken]), float(time_h[-count]))


def sparse_area_error(time_h: Floats, sd: Floats, n: Floats) -> float:
    """Return the standard error of a linear-trapezoid area through means of animals that were each sampled once.

    Parameters
    ----------
    time_h, sd, n
        (times,) rising times, the standard deviation and number of animals at each.

    References
    ----------
    Bailer 1988, doi:10.1007/BF01062139.

    Examples
    --------
    >>> round(sparse_area_error(np.array([0.0, 2.0]), np.array([1.0, 1.0]), np.array([4.0, 4.0])), 4)
    0.7071
    """
    width = np.diff(time_h)
    weight = (np.append(width, 0.0) + np.append(0.0, width)) / 2.0
    return float(np.sqrt((weight**2 * sd**2 / n).sum()))
