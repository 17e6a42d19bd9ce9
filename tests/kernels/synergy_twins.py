"""Loewe additivity from its definition, one cell at a time."""

import numpy as np
from scipy.optimize import brentq


def dose_for(y, curve):
    """The dose of one agent alone that leaves response y; endless at or below its bottom."""
    bottom, slope, mid = curve
    return np.inf if y <= bottom else np.exp(mid) * ((1 - y) / (y - bottom)) ** (1 / slope)


def slow_additive(a, b, curve_a, curve_b):
    """The y with a / A(y) + b / B(y) = 1, found by Brent's method; nan where the equation has no solution."""
    low = max(curve_a[0], curve_b[0])

    def excess(y):
        return a / dose_for(y, curve_a) + b / dose_for(y, curve_b) - 1

    if excess(low) >= 0:
        return np.nan
    high = 1 - 1e-12
    while excess(high) <= 0:
        high = 1 - (1 - high) / 10
        if high == 1.0:
            return 1.0
    return brentq(excess, low, high, xtol=1e-15, rtol=1e-14)
