"""How a curve is estimated: which family, which weights, which loss. Everything that refits (plates, bootstrap) does it through here."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from benchside.core.errors import SettingError
from benchside.kernels.dose_response import RSS
from benchside.stages.assay.analyse.curves.shapes import Points, Shapes
from benchside.stages.assay.arrays import BoolArray, FloatArray
from benchside.stages.assay.curves import Curve

Loss = Literal["squares", "tukey", "lorentzian"]
LOSSES: Final = ("squares", "tukey", "lorentzian")

RELATIVE: Final = "relative"
RELATIVE_FLOOR: Final = 0.05
"""Responses below this share of the curve's upper plateau weigh no more than at it; without a floor a response near 0 rules the fit."""
RELATIVE_STEPS: Final = 12

TUKEY: Final = 4.685
"""Tuning constant of the biweight, in standard deviations: 95 % efficiency under Gaussian noise."""
ROBUST_STEPS: Final = 60
_STEPS_OF_SCALE: Final = 20
_SETTLED: Final = 1e-6


@dataclass(frozen=True)
class Estimate:
    """Fitted shapes, with the points as an interval of the same estimator sees them."""

    shapes: Shapes
    points: Points
    """The points with final weights and, for a robust loss, pseudo-responses: least squares on them has this estimate and its variance."""

    residuals: FloatArray
    """Response less curve, of the points as given."""

    scale: FloatArray
    """(curves,) robust standard deviation of the noise; nan for least squares."""

    settled: BoolArray
    """Whether the weights came to rest."""

    @property
    def limit_shapes(self) -> Shapes:
        """The shapes with the sum of squares of `points`, which limits are drawn against."""
        fits = self.shapes.fits.copy()
        away = self.points.response - curve_at(self.shapes, self.points)
        fits[:, RSS] = sums(self.points.weights * away**2, self.points)
        return replace(self.shapes, fits=fits)


def sums(values: FloatArray, points: Points) -> FloatArray:
    """Return the sum of a value of the points for every curve."""
    return np.bincount(points.curve_of, values, len(points.counts)).astype(np.float64)


def curve_at(shapes: Shapes, points: Points) -> FloatArray:
    """Return the fitted response at every point; nan where nothing was fitted."""
    with np.errstate(invalid="ignore"):
        return shapes.response_of(points.log_dose, points.curve_of)


def estimate(points: Points, curve: Curve, *, relative: bool = False, loss: Loss = "squares") -> Estimate:
    """Return the estimate of every curve.

    Parameters
    ----------
    points
        With the weights given by the user, if any.
    curve
        The family.
    relative
        Whether the standard deviation is taken as proportional to the response: weights 1 / max(curve, floor)^2, renewed from the
        fitted curve until they rest.
    loss
        ``squares``, or a robust loss: see `robust_estimate`.
    """
    if loss not in LOSSES:
        message = f"loss={loss!r} is not offered. Use one of {', '.join(LOSSES)}."
        raise SettingError(message)
    settled = np.ones(len(points.counts), np.bool_)
    if relative:
        points, settled = relative_points(points, curve)
    if loss == "squares":
        shapes = Shapes.fit(points, curve)
        nothing = np.full(len(points.counts), np.nan)
        return Estimate(shapes, points, points.response - curve_at(shapes, points), nothing, settled)
    return robust_estimate(points, curve, loss)


def normalised(weights: FloatArray, points: Points) -> FloatArray:
    """Return the weights scaled to a mean of 1 in every curve: their unit cannot matter."""
    means = sums(weights, points) / np.maximum(points.counts, 1)
    return np.asarray(weights / means[points.curve_of])


def relative_points(points: Points, curve: Curve) -> tuple[Points, BoolArray]:
    """Return the points with weights for a constant coefficient of variation, and whether they came to rest."""
    base, before = points.weights, np.zeros_like(points.response)
    rest = np.zeros(len(points.counts), np.bool_)
    for _ in range(RELATIVE_STEPS):
        shapes = Shapes.fit(points, curve)
        height = np.abs(curve_at(shapes, points))
        floor = RELATIVE_FLOOR * np.maximum(np.abs(np.stack(shapes.ends)).max(axis=0), 1e-12)
        weights = np.where(np.isfinite(height), np.maximum(height, floor[points.curve_of]), 1.0) ** -2.0
        points = replace(points, given_weights=normalised(base * weights, points))
        change = np.abs(points.weights - before)
        rest = ~(np.bincount(points.curve_of, change > 1e-4 * np.maximum(points.weights, 1.0), len(rest)) > 0)
        before = points.weights
        if rest.all():
            break
    return points, rest


# ---------------------------------------------------------------- robust losses


def robust_estimate(points: Points, curve: Curve, loss: Loss) -> Estimate:
    """Return the M-estimate of every curve: least squares reweighted, from the global least-squares optimum on.

    Tukey's biweight gives points beyond 4.685 standard deviations no weight; the Lorentzian loss ln(1 + (r / s)^2) of Motulsky and
    Brown 2006 (doi:10.1186/1471-2105-7-123) gives every point some. The scale s is 1.4826 times the median absolute residual
    (biweight) or the 68.27th percentile (Lorentzian), times n / (n - p); it is renewed for 20 steps and then held. The biweight
    starts with 6 Lorentzian steps, so that a least-squares curve drawn to an outlier is not where it ends.
    """
    shapes, given = Shapes.fit(points, curve), points.weights
    curves, settled = len(points.counts), ~np.isfinite(sums(points.response, points))
    settled |= ~shapes.fitted
    scale, weights = np.full(curves, np.nan), np.ones_like(given)
    for step in range(ROBUST_STEPS):
        away = (points.response - curve_at(shapes, points)) * np.sqrt(given)
        if step < _STEPS_OF_SCALE:
            scale = np.where(settled, scale, spread(away, points, curve.parameters, loss))
        gentle: Loss = "lorentzian" if step < 6 else loss
        new = np.where(settled[points.curve_of], weights, loss_weights(away / scale[points.curve_of], gentle))
        moved = np.bincount(points.curve_of, np.abs(new - weights) > _SETTLED, curves) > 0
        weights = new
        settled |= (step >= 6) & ~moved
        if settled.all():
            break
        shapes = refitted(replace(points, given_weights=given * weights), curve, shapes, ~settled)
    residuals = points.response - curve_at(shapes, points)
    fits = shapes.fits.copy()
    fits[:, RSS] = sums(given * residuals**2, points)
    pseudo = pseudo_responses(points, shapes, residuals=residuals, scale=scale, parameters=curve.parameters, loss=loss)
    return Estimate(replace(shapes, fits=fits), pseudo, residuals, scale, np.asarray(settled))


def refitted(points: Points, curve: Curve, before: Shapes, which: BoolArray) -> Shapes:
    """Return the shapes with some curves fitted anew."""
    chosen = np.flatnonzero(which)
    part = Shapes.fit(points.of_curves(chosen), curve)
    fits, boxes = before.fits.copy(), before.boxes.copy()
    fits[chosen], boxes[chosen] = part.fits, part.boxes
    power = None if before.asymmetry is None else before.asymmetry.copy()
    if power is not None and part.asymmetry is not None:
        power[chosen] = part.asymmetry
    return replace(before, fits=fits, boxes=boxes, asymmetry=power)


def spread(away: FloatArray, points: Points, parameters: int, loss: Loss) -> FloatArray:
    """Return the robust standard deviation of the residuals of every curve, corrected for the parameters fitted."""
    share, factor = (0.5, 1.4826) if loss == "tukey" else (0.6827, 1.0)
    order = np.lexsort((np.abs(away), points.curve_of))
    ranked = np.append(np.abs(away)[order], 0.0)
    n = points.counts
    position = share * np.maximum(n - 1, 0)
    low = points.offsets[:-1] + np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(points.offsets[1:] - 1, 0))
    part = position - np.floor(position)
    low, high = np.minimum(low, ranked.size - 1), np.minimum(high, ranked.size - 1)
    value = ranked[low] * (1 - part) + ranked[high] * part
    root = np.sqrt(sums(away**2, points) / np.maximum(n - parameters, 1))
    return np.asarray(np.maximum(factor * value * n / np.maximum(n - parameters, 1), np.maximum(1e-3 * root, 1e-12)))


def loss_weights(u: FloatArray, loss: Loss) -> FloatArray:
    """Return the weight of a residual of u standard deviations."""
    if loss == "lorentzian":
        return np.asarray(1 / (1 + u**2))
    return np.asarray(np.where(np.abs(u) < TUKEY, (1 - (u / TUKEY) ** 2) ** 2, 0.0))


def pseudo_responses(
    points: Points, shapes: Shapes, *, residuals: FloatArray, scale: FloatArray, parameters: int, loss: Loss
) -> Points:
    """Return the points with Huber's pseudo-responses, curve + K s psi(u) / mean psi'(u), u = r / s.

    Least squares on them stands still at the robust estimate, and its variance is that of the M-estimate (Huber 1981, section 7.10,
    doi:10.1002/0471725250, with his small-sample factor K), so every interval of least squares serves the robust fit.
    """
    root, s = np.sqrt(points.weights), scale[points.curve_of]
    u = residuals * root / s
    if loss == "lorentzian":
        psi, slope = u / (1 + u**2), (1 - u**2) / (1 + u**2) ** 2
    else:
        inside, part = np.abs(u) < TUKEY, (u / TUKEY) ** 2
        psi, slope = np.where(inside, u * (1 - part) ** 2, 0.0), np.where(inside, (1 - part) * (1 - 5 * part), 0.0)
    n = np.maximum(points.counts, 1)
    mean = sums(slope, points) / n
    variance = sums(slope**2, points) / n - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = (1 + parameters / n * variance / mean**2) / mean
        moved = curve_at(shapes, points) + factor[points.curve_of] * s * psi / root
    return replace(points, response=np.where(np.isfinite(moved), moved, points.response))
