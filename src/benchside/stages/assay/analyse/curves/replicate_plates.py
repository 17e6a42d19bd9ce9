"""Replicate plates as the unit of replication: the interval of a curve from what happens without each of its plates.

Wells of one plate share its dispensing, its cells and its controls, so they are no independent replicates, and an interval from the
scatter of wells about the pooled curve is far too narrow where plates differ. The pooled curve is fitted anew without each plate
in turn; with K plates the variance of the ln midpoint is (K - 1) / K times the sum of squares of these estimates about their mean
(the jackknife of clusters), and the limits are t with K - 1 degrees of freedom. Whatever differs between plates, midpoint, plateaus or slope, is in
it, and so is the noise of wells; the estimate stays the pooled one. Cameron and Miller 2015, doi:10.3368/jhr.50.2.317.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchside.kernels.dose_response import RSS
from benchside.stages.assay.analyse.curves.estimate import Estimate, Loss, estimate
from benchside.stages.assay.analyse.curves.limits import standard_errors
from benchside.stages.assay.analyse.curves.shapes import Points
from benchside.stages.assay.arrays import BoolArray, FloatArray, IntArray
from benchside.stages.assay.curves import Curve

LEAST_PLATES: Final = 4


@dataclass(frozen=True)
class PlateLimits:
    """Limits of the curves that have enough plates; the other curves keep theirs."""

    used: BoolArray
    """(curves,) whether plates give the interval."""

    limits: FloatArray
    """(curves, 4) ln limits of the midpoint and of the IC50; nan where they are open or not used."""

    plate_sd: FloatArray
    """(curves,) standard deviation of the ln midpoint between plates, beyond what the noise of wells explains; nan where unknown."""


def plates_of(points: Points) -> IntArray:
    """Return how many plates every curve stands on."""
    if points.plates is None:
        return np.minimum(points.counts, 1)
    pairs = np.unique(np.stack([points.curve_of, points.plates]), axis=1)
    return np.bincount(pairs[0], minlength=len(points.counts))


def plate_limits(points: Points, found: Estimate, curve: Curve, *, relative: bool, loss: Loss, level: float) -> PlateLimits:
    """Return the interval from plates of every curve that has four or more.

    Parameters
    ----------
    points
        As the user gave them, with the plates.
    found
        The pooled estimate.
    curve, relative, loss
        How it was made.
    level
        Confidence level.
    """
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import, and few data have four plates

    curves = len(points.counts)
    count = plates_of(points)
    used = (count >= LEAST_PLATES) & found.shapes.fitted
    limits, between = np.full((curves, 4), np.nan), np.full(curves, np.nan)
    which = np.flatnonzero(used)
    if which.size:
        without = estimate(parts_of(points, which, kept=False), curve, relative=relative, loss=loss).shapes
        owner = np.repeat(np.arange(which.size), count[which])
        mids = np.where(without.outside | ~without.fitted, np.nan, without.mid)
        half = np.where(without.inside, without.log_half, np.nan)
        errors = np.column_stack([jackknife(values, owner, count[which]) for values in (mids, half)])
        reach = stdtrit(count[which] - 1, 0.5 + level / 2)[:, None] * errors
        at = np.column_stack([found.shapes.mid[which], found.shapes.log_half[which]])
        limits[which] = np.column_stack([at - reach, at + reach])[:, [0, 2, 1, 3]]
        limits[which[found.shapes.outside[which]], :2] = np.nan
        between[which] = beyond_noise(points, found, which, error=errors[:, 0], count=count[which], curve=curve)
    limits[~found.shapes.inside, 2:] = np.nan
    return PlateLimits(used, limits, between)


def parts_of(points: Points, which: IntArray, *, kept: bool) -> Points:
    """Return, for every plate of the curves named, the curve's points on that plate (`kept`) or on all others."""
    plates = points.plates if points.plates is not None else np.zeros_like(points.curve_of)
    rows, sizes = [], []
    for k in which:
        own = np.arange(points.offsets[k], points.offsets[k + 1])
        for plate in np.unique(plates[own]):
            part = own[(plates[own] == plate) == kept]
            rows.append(part)
            sizes.append(part.size)
    chosen = np.concatenate(rows)
    weights = None if points.given_weights is None else points.given_weights[chosen]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Points(points.dose_nM[chosen], points.response[chosen], offsets, weights, plates[chosen])


def jackknife(values: FloatArray, owner: IntArray, count: IntArray) -> FloatArray:
    """Return the jackknife standard error of every curve from its estimates without each plate; nan where one of these is missing."""
    mean = np.bincount(owner, values) / count
    return np.asarray(np.sqrt((count - 1) / count * np.bincount(owner, (values - mean[owner]) ** 2)))


def beyond_noise(
    points: Points, found: Estimate, which: IntArray, *, error: FloatArray, count: IntArray, curve: Curve
) -> FloatArray:
    """Return the between-plate standard deviation of the ln midpoint: what the jackknife finds less what wells explain, at least 0.

    The noise of wells is that about each plate's own curve; nan where a plate has too few wells for one of its own.
    """
    alone = parts_of(points, which, kept=True)
    own = estimate(alone, curve).shapes
    owner = np.repeat(np.arange(which.size), count)
    inner = np.bincount(owner, own.fits[:, RSS]) / np.bincount(owner, alone.counts - curve.parameters)
    pooled = found.shapes.fits[which, RSS] / np.maximum(found.points.counts[which] - curve.parameters, 1)
    chosen = found.points.of_curves(which)
    part = replace(
        found, residuals=found.residuals[:0], shapes=found.shapes.of_curves(which), points=chosen, scale=found.scale[which]
    )
    by_wells = standard_errors(part, curve)[:, 0] ** 2 * inner / pooled
    return np.asarray(np.sqrt(np.maximum(count * (error**2 - by_wells), 0.0)))
