"""Limits of the midpoint and of the IC50 on the log scale: profile likelihood, delta, bootstrap."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from benchside.core.seeds import stream_rng
from benchside.kernels import dose_delta, dose_five_interval, dose_interval, dose_response
from benchside.stages.assay.analyse.curves.estimate import Estimate, Loss, curve_at, estimate
from benchside.stages.assay.analyse.curves.shapes import HALF, Points, Shapes
from benchside.stages.assay.arrays import FloatArray, IntArray
from benchside.stages.assay.curves import LL4, Bootstrap, Curve, Delta, Interval

POINTS_AT_ONCE: Final = 1_000_000
"""Points of resampled curves held at one time."""


def interval_limits(found: Estimate, curve: Curve, interval: Interval, *, loss: Loss, curve_ids: Sequence[str]) -> FloatArray:
    """Return (curves, 4) ln limits of the midpoint and of the IC50; nan where open or not to be had."""
    if isinstance(interval, Bootstrap):
        limits = bootstrap_limits(found, curve, interval, loss=loss, curve_ids=curve_ids)
    elif isinstance(interval, Delta):
        half = t_quantile(found, curve, interval)[:, None] * standard_errors(found, curve)
        at = np.column_stack([found.shapes.mid, found.shapes.log_half])
        limits = np.column_stack([at - half, at + half])[:, [0, 2, 1, 3]]
    else:
        limits = profile_limits(found, curve, t_quantile(found, curve, interval))
    limits[~found.shapes.inside, 2:] = np.nan
    return limits


def t_quantile(found: Estimate, curve: Curve, interval: Interval) -> FloatArray:
    """Return the quantile of t with n - p degrees of freedom for every curve; with less than one, that of one."""
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    return np.asarray(stdtrit(np.maximum(found.points.counts - curve.parameters, 1), 0.5 + interval.level / 2))


def profile_limits(found: Estimate, curve: Curve, quantile: FloatArray) -> FloatArray:
    """Return where the profile of the sum of squares crosses rss (1 + F / (n - p)); F is the square of t."""
    points, shapes = found.points, found.limit_shapes if np.isfinite(found.scale).any() else found.shapes
    freedom = points.counts - curve.parameters
    factor = np.where(freedom > 0, 1 + quantile**2 / np.maximum(freedom, 1), np.nan)
    arrays = points.log_dose, points.response, points.weights, points.offsets
    if shapes.asymmetry is None:
        return np.asarray(dose_interval.profile_limits(*arrays, shapes.fits, factor, HALF, shapes.boxes))
    return np.asarray(dose_five_interval.profile_limits_five(*arrays, shapes.wide_fits, factor, HALF, dose_response.FREE))


def standard_errors(found: Estimate, curve: Curve) -> FloatArray:
    """Return (curves, 2) standard errors of the ln midpoint and of the ln IC50, nan where there is none."""
    points, shapes = found.points, found.limit_shapes if np.isfinite(found.scale).any() else found.shapes
    x, w, offsets = points.log_dose, points.weights, points.offsets
    if isinstance(curve, LL4):
        return np.asarray(dose_delta.delta_errors(x, points.response, w, offsets, shapes.fits, HALF))
    five = shapes.asymmetry is not None
    return np.asarray(dose_delta.delta_errors_of(x, w, offsets, shapes.wide_fits, HALF, shapes.boxes, five))


# ---------------------------------------------------------------- bootstrap


def bootstrap_limits(found: Estimate, curve: Curve, interval: Bootstrap, *, loss: Loss, curve_ids: Sequence[str]) -> FloatArray:
    """Return expanded percentile limits of curves refitted to the fitted responses plus resampled residuals.

    Residuals are taken by the square root of their weight, centred, and widened by sqrt(n / (n - p)), the part the fit took up. A
    replicate whose midpoint runs to the edge of the box (or that cannot be fitted) counts as beyond every limit on that side, so
    a percentile that falls among such replicates is an open end.
    """
    limits = np.full((len(curve_ids), 4), np.nan)
    usable = np.flatnonzero(found.shapes.fitted & (found.points.counts > curve.parameters))
    sizes = found.points.counts[usable] * interval.n
    for chunk in np.split(usable, np.flatnonzero(np.diff(np.cumsum(sizes) // POINTS_AT_ONCE)) + 1):
        if chunk.size:
            replicates = resampled(found, curve, chunk, interval, curve_ids)
            fits = estimate(replicates, curve, loss=loss).shapes
            limits[chunk] = percentiles(fits, found, curve, chunk, interval)
    return limits


def resampled(found: Estimate, curve: Curve, chunk: IntArray, interval: Bootstrap, curve_ids: Sequence[str]) -> Points:
    """Return n sets of points of every curve of a chunk, one after the other."""
    fitted, responses = curve_at(found.shapes, found.points), []
    for which in chunk:
        rows = slice(found.points.offsets[which], found.points.offsets[which + 1])
        y, root = fitted[rows], np.sqrt(found.points.weights[rows])
        residual = found.residuals[rows] * root
        n = residual.size
        # Rows may come in any order: residuals are drawn from, and given to, the points in order of dose and response.
        order = np.lexsort((found.residuals[rows], found.points.dose_nM[rows]))
        pool = (residual - residual.mean())[order] * np.sqrt(n / (n - curve.parameters))
        drawn = np.empty((interval.n, n))
        drawn[:, order] = pool[generator(interval.seed, curve_ids[which]).integers(0, n, (interval.n, n))]
        responses.append((y + drawn / root).ravel())
    repeated = found.points.of_curves(np.repeat(chunk, interval.n))
    return replace(repeated, response=np.concatenate(responses))


def generator(seed: int, curve_id: str) -> np.random.Generator:
    """Return the random numbers of one curve: by its name, so that neither its place nor its company matters."""
    return stream_rng(seed, int.from_bytes(hashlib.blake2b(str(curve_id).encode(), digest_size=8).digest()))


def percentiles(fits: Shapes, found: Estimate, curve: Curve, chunk: IntArray, interval: Bootstrap) -> FloatArray:
    """Return (chunk, 4) limits from the replicates of a chunk of curves."""
    from scipy.special import ndtr  # noqa: PLC0415  as above

    tail = ndtr(-t_quantile(found, curve, interval)[chunk])
    lowest, highest = (np.repeat(np.log(a[chunk]), interval.n) for a in (found.shapes.lowest_nM, found.shapes.highest_nM))
    beyond = dose_response.DECADES_BEYOND * np.log(10.0) - 1e-6
    mids = np.where(fits.mid <= lowest - beyond, -np.inf, np.where(fits.mid >= highest + beyond, np.inf, fits.mid))
    # A curve that never takes one half has its IC50 above every dose, or below.
    half = np.where(fits.falls, fits.log_half, np.nan)
    half = np.where(np.isnan(half) & fits.above, np.inf, np.where(np.isnan(half) & fits.below, -np.inf, half))
    out = np.empty((len(chunk), 4))
    for column, values in ((0, mids), (2, half)):
        table = values.reshape(len(chunk), interval.n)
        low, high = np.where(np.isnan(table), -np.inf, table), np.where(np.isnan(table), np.inf, table)
        out[:, column] = _ranked(low, tail)
        out[:, column + 1] = -_ranked(-high, tail)
    return out


def _ranked(table: FloatArray, tail: FloatArray) -> FloatArray:
    """Return the lower quantile `tail` of every row, nan where it is endless; beyond the most extreme replicate, that one."""
    n = table.shape[1]
    place = np.clip(tail * (n + 1) - 1, 0, n - 1)
    low = np.floor(place).astype(np.int64)
    ordered, rows = np.sort(table, axis=1), np.arange(len(table))
    one, two = ordered[rows, low], ordered[rows, np.minimum(low + 1, n - 1)]
    part = place - low
    with np.errstate(invalid="ignore"):
        value = np.where(part > 0, one + part * (two - one), one)
    return np.where(np.isfinite(value), value, np.nan)
