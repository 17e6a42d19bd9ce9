"""The shape of the five-parameter curve as numpy: its share, the dose of a share, and its area."""

from typing import Final

import numpy as np

from benchside.stages.assay.arrays import FloatArray

_PANELS: Final = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0, 80.0, 160.0, 320.0, 800.0, 2000.0, 8000.0])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def shift(asymmetry: FloatArray) -> FloatArray:
    """Return k = ln(2 ** (1 / g) - 1), so that the share is one half at the midpoint."""
    return np.asarray(np.log(np.expm1(np.log(2.0) / asymmetry)))


def share(u: FloatArray, asymmetry: FloatArray) -> FloatArray:
    """Return h = (1 + exp(u + k)) ** -g, for u = slope * (x - mid)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.exp(-asymmetry * np.logaddexp(0.0, u + shift(asymmetry))))


def place(h: FloatArray, asymmetry: FloatArray) -> FloatArray:
    """Return the u at which the share is h, nan outside (0, 1)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        at = np.log(np.expm1(-np.log(h) / asymmetry)) - shift(asymmetry)
    return np.asarray(np.where((h > 0) & (h < 1), at, np.nan))


def area(start: FloatArray, end: FloatArray, asymmetry: FloatArray) -> FloatArray:
    """Return the integral of h over u from `start` to `end`, by Gauss-Legendre panels that are short around the bend."""
    bend = -shift(asymmetry)
    edges = bend[:, None] + np.concatenate([-_PANELS[:0:-1], _PANELS])
    edges = np.clip(edges, start[:, None], end[:, None])
    edges = np.column_stack([start, edges, end])
    centre, half = (edges[:, 1:] + edges[:, :-1]) / 2, (edges[:, 1:] - edges[:, :-1]) / 2
    total = np.zeros_like(start)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total += weight * (half * share(centre + node * half, asymmetry[:, None])).sum(axis=1)
    return total
