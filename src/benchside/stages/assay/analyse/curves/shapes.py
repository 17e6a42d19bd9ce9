"""Fitted curves as arrays: their shapes, and what follows from a shape."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from benchside.kernels import dose_five, dose_five_curve, dose_response
from benchside.stages.assay.analyse.curves import five
from benchside.stages.assay.arrays import BoolArray, FloatArray, IntArray
from benchside.stages.assay.curves import LL3, LL4, LL5, Curve

HALF: Final = 0.5
"""The response that defines the absolute IC50."""


@dataclass(frozen=True)
class Points:
    """The points of many curves, one after the other; curve k owns points offsets[k] to offsets[k + 1]."""

    dose_nM: FloatArray
    response: FloatArray
    offsets: IntArray
    given_weights: FloatArray | None = None
    """Weight of every point, > 0, with a mean of 1 in every curve; None: all 1."""

    plates: IntArray | None = None
    """Plate of every point as a number; None where no curve has replicate plates."""

    @cached_property
    def log_dose(self) -> FloatArray:
        """Natural logarithm of every dose; -inf for no dose."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.dose_nM))

    @cached_property
    def weights(self) -> FloatArray:
        """Weight of every point."""
        return np.ones_like(self.response) if self.given_weights is None else self.given_weights

    @cached_property
    def counts(self) -> IntArray:
        """Points of every curve."""
        return np.diff(self.offsets)

    @cached_property
    def curve_of(self) -> IntArray:
        """Index of the curve of every point."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def of_curves(self, curves: IntArray) -> "Points":
        """Return the points of some curves, in the order given; a curve may be asked for more than once."""
        starts, counts = self.offsets[curves], self.counts[curves]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
        weights, plates = (None if a is None else a[rows] for a in (self.given_weights, self.plates))
        return Points(self.dose_nM[rows], self.response[rows], offsets, weights, plates)

    def tested_range(self) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return the lowest and highest dose above 0 and the number of distinct doses (0 counts) of every curve."""
        curves = pl.int_range(len(self.counts), dtype=pl.Int64, eager=True).alias("curve")
        frame = pl.DataFrame({"curve": np.repeat(curves.to_numpy(), self.counts), "dose": self.dose_nM})
        above = pl.col("dose").filter(pl.col("dose") > 0)
        found = frame.group_by("curve").agg(low=above.min(), high=above.max(), n=pl.col("dose").n_unique())
        found = curves.to_frame().join(found, on="curve", how="left", maintain_order="left")
        low, high = (found[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("low", "high"))
        return low, high, found["n"].fill_null(0).to_numpy().astype(np.int64)


@dataclass(frozen=True)
class Shapes:
    """The fits of many curves, one row a curve; nan where nothing was fitted."""

    fits: FloatArray
    """(curves, 6) as the kernel writes them."""

    lowest_nM: FloatArray
    highest_nM: FloatArray
    few: BoolArray
    """Too few points or doses for the parameters."""

    parameters: int
    """Number of free parameters."""

    boxes: FloatArray
    """(curves, 4) bounds of the two levels."""

    asymmetry: FloatArray | None = None
    """(curves,) power of the five-parameter curve; None for the others."""

    @classmethod
    def fit(cls, points: Points, curve: Curve) -> "Shapes":
        """Fit a curve of any family to every set of points."""
        if isinstance(curve, LL3):
            most, bottom = dose_response.LEVEL_MAX, curve.bottom
            falling = cls.of(points, box=np.array([bottom, most, bottom, bottom]), parameters=LL3.parameters)
            rising = cls.of(points, box=np.array([bottom, bottom, bottom, most]), parameters=LL3.parameters)
            return falling.where_better(rising)
        four = cls.of(points, parameters=curve.parameters)
        if not isinstance(curve, LL5):
            return four
        arrays = points.log_dose, points.response, points.weights, points.offsets
        fits = dose_five.fit_all_five(*arrays, four.fits, dose_response.FREE, dose_five.FIVE_STARTS)
        return replace(four, fits=fits[:, : dose_response.FIT_WIDTH].copy(), asymmetry=fits[:, dose_five_curve.ASYMMETRY].copy())

    def where_better(self, other: "Shapes") -> "Shapes":
        """Return, curve by curve, this fit or the other where its sum of squares is lower."""
        better = other.fits[:, dose_response.RSS] < self.fits[:, dose_response.RSS]
        fits, boxes = (np.where(better[:, None], b, a) for a, b in ((self.fits, other.fits), (self.boxes, other.boxes)))
        return replace(self, fits=fits, boxes=boxes)

    def of_curves(self, curves: IntArray) -> "Shapes":
        """Return the fits of some curves, in the order given."""
        power = None if self.asymmetry is None else self.asymmetry[curves]
        lowest, highest = self.lowest_nM[curves], self.highest_nM[curves]
        return Shapes(self.fits[curves], lowest, highest, self.few[curves], self.parameters, self.boxes[curves], power)

    @cached_property
    def wide_fits(self) -> FloatArray:
        """The fits as the kernels of the five-parameter curve take them, (curves, 7)."""
        extra = np.ones(len(self.fits)) if self.asymmetry is None else self.asymmetry
        return np.column_stack([self.fits, extra])

    @classmethod
    def of(cls, points: Points, *, box: FloatArray = dose_response.FREE, parameters: int = LL4.parameters) -> "Shapes":
        """Fit every curve to its global optimum; curves of too few points or doses are left unfitted.

        `box` bounds the two levels as the kernel takes it; equal bounds fix a level, and `parameters` counts those left free.
        """
        arrays = points.log_dose, points.response, points.weights, points.offsets
        fits = dose_response.fit_all(*arrays, box, dose_response.STARTS)
        lowest, highest, distinct = points.tested_range()
        few = (points.counts <= parameters) | (distinct < parameters)
        fits[few] = np.nan
        fits[few, dose_response.FITTED] = 0.0
        return cls(fits, lowest, highest, few, parameters, np.tile(box, (len(fits), 1)))

    @property
    def fitted(self) -> BoolArray:
        """Whether there is a curve."""
        return np.asarray(self.fits[:, dose_response.FITTED] == 1.0)

    @property
    def low(self) -> FloatArray:
        """Level at no dose."""
        return self.fits[:, dose_response.LOW]

    @property
    def high(self) -> FloatArray:
        """Level at an endless dose."""
        return self.fits[:, dose_response.HIGH]

    @property
    def slope(self) -> FloatArray:
        """Steepness, > 0 whichever way the curve runs."""
        return self.fits[:, dose_response.SLOPE]

    @property
    def mid(self) -> FloatArray:
        """Natural logarithm of the midpoint in nM."""
        return self.fits[:, dose_response.MID]

    @cached_property
    def falls(self) -> BoolArray:
        """Whether the response falls with dose."""
        return np.asarray(self.low >= self.high)

    @cached_property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Response of every curve at its lowest and at its highest dose; between them it is monotone."""
        return self.response_at(np.log(self.lowest_nM)), self.response_at(np.log(self.highest_nM))

    @cached_property
    def above(self) -> BoolArray:
        """Whether the curve, whichever way it runs, is above one half at every tested dose."""
        return np.asarray(self.fitted & (np.minimum(*self.ends) > HALF))

    @cached_property
    def below(self) -> BoolArray:
        """Whether the curve is below one half at every tested dose."""
        return np.asarray(self.fitted & (np.maximum(*self.ends) < HALF))

    @cached_property
    def inside(self) -> BoolArray:
        """Whether the falling curve takes one half within the tested doses: the IC50 is a number."""
        return np.asarray(self.fitted & self.falls & ~self.above & ~self.below)

    @cached_property
    def outside(self) -> BoolArray:
        """Whether the midpoint lies outside the tested doses."""
        return np.asarray(self.fitted & ((self.mid < np.log(self.lowest_nM)) | (self.mid > np.log(self.highest_nM))))

    @cached_property
    def log_half(self) -> FloatArray:
        """Natural log of the dose at which the curve takes one half, nan where it never does."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (HALF - self.high) / (self.low - self.high)
            if self.asymmetry is not None:
                return np.asarray(np.where(self.falls, self.mid + five.place(share, self.asymmetry) / self.slope, np.nan))
            at = self.mid + np.log((1 - share) / share) / self.slope
        return np.asarray(np.where((share > 0) & (share < 1), at, np.nan))

    def response_at(self, log_dose: FloatArray) -> FloatArray:
        """Return the response of every curve at its own log dose."""
        return self.response_of(log_dose, slice(None))

    def response_of(self, log_dose: FloatArray, curves: IntArray | slice) -> FloatArray:
        """Return the response at log doses of the curves named beside them, by index."""
        low, high, slope, mid = (column[curves] for column in (self.low, self.high, self.slope, self.mid))
        if self.asymmetry is not None:
            falls = self.falls[curves]
            h = five.share(np.where(falls, 1.0, -1.0) * slope * (log_dose - mid), self.asymmetry[curves])
            return np.asarray(np.where(falls, low, high) * h + np.where(falls, high, low) * (1 - h))
        f = 1 / (1 + np.exp(np.clip(slope * (log_dose - mid), -700, 700)))
        return np.asarray(low * f + high * (1 - f))

    def area(self) -> FloatArray:
        """Return the mean response of every curve over its tested log doses, in closed form; by quadrature with an asymmetry."""
        lowest, highest = np.log(self.lowest_nM), np.log(self.highest_nM)
        if self.asymmetry is not None:
            turn = np.where(self.falls, self.slope, -self.slope)
            start, end = np.sort(np.stack([turn * (lowest - self.mid), turn * (highest - self.mid)]), axis=0)
            mean = five.area(start, end, self.asymmetry) / (end - start)
            return np.asarray(np.minimum(self.low, self.high) + np.abs(self.low - self.high) * mean)
        with np.errstate(invalid="ignore"):
            # The integral of 1 / (1 + exp(u)) is u - log(1 + exp(u)), written so that neither end overflows.
            above = -np.logaddexp(0.0, -self.slope * (highest - self.mid))
            below = -np.logaddexp(0.0, -self.slope * (lowest - self.mid))
            return np.asarray(self.high + (self.low - self.high) * (above - below) / (self.slope * (highest - lowest)))

    def ic50_nM(self) -> FloatArray:
        """Return the absolute IC50: the end of the tested range where it is censored, nan where there is none."""
        inside = np.exp(np.where(self.inside, self.log_half, np.nan))
        return np.asarray(np.where(self.above, self.highest_nM, np.where(self.below, self.lowest_nM, inside)))

    def ic50_relation(self) -> pl.Series:
        """Return `=`, `>` or `<`, null where there is no IC50."""
        relation = np.where(self.above, ">", np.where(self.below, "<", "="))
        return pl.Series(relation).set(pl.Series(np.isnan(self.ic50_nM())), None)
