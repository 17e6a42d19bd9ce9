"""The linear algebra of the fold model: a Gaussian model with crossed random effects, its standard deviations integrated out.

    ln fold = mean + drug + mutation + drug x mutation + lab + readout + noise

Every effect is Gaussian around 0. Given the standard deviations, the effects integrate out exactly: the ln folds are one
multivariate normal with a dense covariance, and so is every prediction (Rasmussen & Williams 2006, doi:10.7551/mitpress/3206.001.0001).
The standard deviations are integrated over their prior by `POINTS` points of a Richtmyer sequence (Niederreiter 1978,
doi:10.1090/S0002-9904-1978-14532-7), each weighted by its likelihood, so the answer is deterministic. A bound is a latent value on
its side: it is drawn by the sequential rule of Geweke, Hajivassiliou and Keane (Hajivassiliou, McFadden & Ruud 1996,
doi:10.1016/0304-4076(94)01716-6), from further coordinates of the same points, and its probability enters the weight.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

EFFECTS: Final = ("drug", "mutation", "drug x mutation", "lab", "readout", "noise")
TOTAL_SD: Final = 2.0
"""Scale, in ln units, of the half-normal prior of the standard deviation of one fold about the mean, all effects together: its median
is a factor 3.9, its 95 % point a factor 50, which spans what point mutations of kinases do. The total is split between the effects by
a uniform (Dirichlet) prior, so that no effect is favoured and counting more effects does not widen a prediction (Fuglstad et al.
2020, doi:10.1214/19-BA1185)."""

MEAN_SD: Final = 3.0
"""Prior standard deviation, in ln units, of the overall mean around no shift: within a factor of 400 either way."""

POINTS: Final = 8192
CHUNK: Final = 512
NEW: Final = -1
"""Code of a drug, mutation, lab or readout that no datum has."""

_PRIMES: Final = (
    2,
    3,
    5,
    7,
    11,
    13,
    17,
    19,
    23,
    29,
    31,
    37,
    41,
    43,
    47,
    53,
    59,
    61,
    67,
    71,
    73,
    79,
    83,
    89,
    97,
    101,
    103,
    107,
    109,
    113,
)


@dataclass(frozen=True)
class Data:
    """Folds as numbers; every array has the shape (n,)."""

    labels: Codes
    """Codes of drug, mutation, lab and readout, of shape (n, 4); `NEW` equals nothing, not even itself."""

    ln_fold: Floats
    side: Codes
    """0: the fold; 1: it is above `ln_fold`; -1: it is below."""


def uniform_points(count: int, dimensions: int) -> Floats:
    """Return `count` points that fill the unit cube evenly, of shape (count, dimensions): multiples of the square roots of primes."""
    steps = np.sqrt(np.array(_PRIMES[:dimensions], dtype=np.float64))
    points = np.outer(np.arange(1, count + 1), steps) % 1.0
    inside: Floats = np.clip(points, 1e-12, 1 - 1e-12)
    return inside


def prior_sds(uniform: Floats) -> Floats:
    """Return standard deviations of the effects drawn from their prior, of shape (n, 6), from points in the cube of shape (n, 7)."""
    total = TOTAL_SD * ndtri(0.5 + 0.5 * uniform[:, 0])
    parts = -np.log(uniform[:, 1:])  # exponentials over their sum are uniform on the simplex
    shares = parts / parts.sum(axis=1, keepdims=True)
    sds: Floats = total[:, None] * np.sqrt(shares)
    return sds


def same(left: Codes, right: Codes) -> Floats:
    """Return which effects two sets of data share, as 0 or 1, of shape (5, n_left, n_right) in the order of `EFFECTS`."""
    equal = (left[:, None, :] == right[None, :, :]) & (left[:, None, :] != NEW)
    drug, mutation, lab, readout = (equal[:, :, k] for k in range(4))
    return np.stack([drug, mutation, drug & mutation, lab, readout]).astype(np.float64)


@dataclass(frozen=True)
class Mixture:
    """Predictive distributions of several ln folds: one normal a point, weighted."""

    weight: Floats
    """(n_points,), sums to 1."""

    mean: Floats
    """(n_targets, n_points)."""

    sd: Floats
    """(n_targets, n_points)."""

    def below(self, value: Floats) -> Floats:
        """Return the probability that each ln fold is below `value`, of shape (n_targets,)."""
        share: Floats = ndtr((value[:, None] - self.mean) / self.sd) @ self.weight
        return share

    def log_density(self, value: Floats) -> Floats:
        """Return the log density of each ln fold at `value`."""
        z = (value[:, None] - self.mean) / self.sd
        density = np.exp(-0.5 * z**2) / (self.sd * np.sqrt(2 * np.pi))
        logs: Floats = np.log(density @ self.weight)
        return logs

    def quantile(self, share: float) -> Floats:
        """Return the value below which each ln fold lies with probability `share`, by bisection to 1e-11 of the range."""
        low = (self.mean - 12 * self.sd).min(axis=1)
        high = (self.mean + 12 * self.sd).max(axis=1)
        for _ in range(38):
            middle = (low + high) / 2
            under = self.below(middle) < share
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2, dtype=np.float64)


@dataclass(frozen=True)
class FoldModel:
    """The model conditioned on data; made by `FoldModel.of`."""

    data: Data
    repeat_sd: float
    """Known standard deviation of a repeat within one laboratory, in ln units: the noise is never less."""

    sds: Floats
    """(n_points, 6): standard deviations of `EFFECTS`, the last beyond the repeat."""

    latent: Floats
    """(n_points, n): ln folds, bounds replaced by a value on their side."""

    weight: Floats
    """(n_points,): posterior weight of each point."""

    log_evidence: float
    """ln of the marginal likelihood."""

    @classmethod
    def of(cls, data: Data, *, repeat_sd: float, points: int = POINTS) -> "FoldModel":
        """Condition the model on data.

        Parameters
        ----------
        data
            The folds; may be empty, then every prediction is the prior's.
        repeat_sd
            Standard deviation of a repeat within one laboratory, in ln units.
        points
            Points over which the standard deviations are integrated.
        """
        order = np.argsort(data.side != 0, kind="stable")
        data = Data(data.labels[order], data.ln_fold[order], data.side[order])
        bounds = int((data.side != 0).sum())
        uniform = uniform_points(points, 1 + len(EFFECTS) + bounds)
        sds = prior_sds(uniform[:, : 1 + len(EFFECTS)])
        log_weight, latent = np.empty(points), np.empty((points, data.ln_fold.size))
        for rows in chunks(points):
            root: Floats = np.asarray(np.linalg.cholesky(covariance(data, sds[rows], repeat_sd)), dtype=np.float64)
            log_weight[rows], latent[rows] = likelihood(root, data, uniform[rows, 1 + len(EFFECTS) :])
        top = float(log_weight.max())
        weight = np.exp(log_weight - top)
        total = float(weight.sum())
        return cls(data, repeat_sd, sds, latent, weight / total, top + float(np.log(total / points)))

    @cached_property
    def effective_points(self) -> float:
        """Points that carry the weight, 1 / sum of squares; few of them make the integral coarse."""
        return float(1.0 / np.sum(self.weight**2))

    def sd_quantiles(self, shares: tuple[float, ...]) -> Floats:
        """Return posterior quantiles of each standard deviation of `EFFECTS`, of shape (6, n_shares)."""
        found = []
        for column in self.total_sds().T:
            order = np.argsort(column)
            below = np.cumsum(self.weight[order])
            found.append(column[order][np.minimum(np.searchsorted(below, shares), column.size - 1)])
        return np.array(found)

    def total_sds(self) -> Floats:
        """Return `sds` with the known repeat within the noise."""
        total = self.sds.copy()
        total[:, -1] = np.sqrt(total[:, -1] ** 2 + self.repeat_sd**2)
        return total

    def predict(self, labels: Codes, *, measured: bool) -> Mixture:
        """Return the predictive distributions of ln folds.

        Parameters
        ----------
        labels
            Codes of drug, mutation, lab and readout of the targets, of shape (n_targets, 4); `NEW` for one that no datum has.
        measured
            True: of one new measurement, with lab, readout and noise; False: of the mean over labs and readouts.
        """
        keep = np.flatnonzero(self.weight > self.weight.max() * 1e-7)
        mean, sd = np.empty((len(labels), keep.size)), np.empty((len(labels), keep.size))
        shared = same(labels, self.data.labels)
        parts = slice(0, 5) if measured else slice(0, 3)
        for rows in chunks(keep.size):
            variance = self.sds[keep[rows]] ** 2
            inverse = np.linalg.inv(covariance(self.data, self.sds[keep[rows]], self.repeat_sd))
            cross = MEAN_SD**2 + np.einsum("ke,etn->ktn", variance[:, parts], shared[parts])
            solved = cross @ inverse
            prior = MEAN_SD**2 + variance[:, parts].sum(axis=1)
            if measured:
                prior = prior + variance[:, 5] + self.repeat_sd**2
            mean[:, rows] = np.einsum("ktn,kn->tk", solved, self.latent[keep[rows]])
            left = prior[:, None] - np.einsum("ktn,ktn->kt", solved, cross)
            sd[:, rows] = np.sqrt(np.maximum(left, 1e-12)).T
        weight = self.weight[keep]
        return Mixture(weight / weight.sum(), mean, sd)


def chunks(count: int) -> Iterator[slice]:
    """Yield slices of at most `CHUNK` rows, so that memory does not grow with the points."""
    yield from (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def covariance(data: Data, sds: Floats, repeat_sd: float) -> Floats:
    """Return the covariance of the data at each point, of shape (n_points, n, n)."""
    variance = sds**2
    total: Floats = MEAN_SD**2 + np.einsum("ke,eij->kij", variance[:, :5], same(data.labels, data.labels))
    diagonal = np.arange(data.ln_fold.size)
    total[:, diagonal, diagonal] = MEAN_SD**2 + variance.sum(axis=1)[:, None] + repeat_sd**2
    return total


def likelihood(root: Floats, data: Data, uniform: Floats) -> tuple[Floats, Floats]:
    """Return the log likelihood (n_points,) and the data with bounds replaced by latent values (n_points, n).

    `root` is the lower Cholesky factor of each covariance; the data stand with the bounds last; `uniform` (n_points, n_bounds)
    are the coordinates the latent values are drawn from.
    """
    points, n = len(root), data.ln_fold.size
    z = np.zeros((points, n))
    log_likelihood = np.zeros(points)
    exact = int((data.side == 0).sum())
    for row in range(n):
        centre = np.einsum("kj,kj->k", root[:, row, :row], z[:, :row])
        scale = root[:, row, row]
        at = (data.ln_fold[row] - centre) / scale
        if row < exact:
            z[:, row] = at
            log_likelihood -= 0.5 * at**2 + np.log(scale) + 0.5 * np.log(2 * np.pi)
        else:
            side = float(data.side[row])
            log_chance = log_ndtr(-side * at)
            log_likelihood += log_chance
            drawn = uniform[:, row - exact] * np.exp(log_chance)
            z[:, row] = -side * ndtri(np.maximum(drawn, 1e-300))
    latent = np.einsum("kij,kj->ki", root, z)
    return log_likelihood, latent
