"""Fitted curves as arrays: their shapes, what follows from a shape, and the sentences about it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.kernels import dose_response
from benchside.stages.assay.model import LL4, FitStatus

HALF: Final = 0.5
"""The response that defines the absolute IC50."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Points:
    """The points of many curves, one after the other; curve k owns points offsets[k] to offsets[k + 1]."""

    dose_nM: FloatArray
    response: FloatArray
    offsets: IntArray

    @cached_property
    def log_dose(self) -> FloatArray:
        """Natural logarithm of every dose; -inf for no dose."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.dose_nM))

    @cached_property
    def weights(self) -> FloatArray:
        """Weight of every point: 1."""
        return np.ones_like(self.response)

    @cached_property
    def counts(self) -> IntArray:
        """Points of every curve."""
        return np.diff(self.offsets)

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
    """Too few points or doses for four parameters."""

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
        return cls(fits, lowest, highest, few)

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
            at = self.mid + np.log((1 - share) / share) / self.slope
        return np.asarray(np.where((share > 0) & (share < 1), at, np.nan))

    def response_at(self, log_dose: FloatArray) -> FloatArray:
        """Return the response of every curve at its own log dose."""
        f = 1 / (1 + np.exp(np.clip(self.slope * (log_dose - self.mid), -700, 700)))
        return np.asarray(self.low * f + self.high * (1 - f))

    def area(self) -> FloatArray:
        """Return the mean response of every curve over its tested log doses, in closed form."""
        lowest, highest = np.log(self.lowest_nM), np.log(self.highest_nM)
        with np.errstate(invalid="ignore"):
            # The integral of 1 / (1 + exp(u)) is u - log(1 + exp(u)), written so that neither end overflows.
            above = -np.logaddexp(0.0, -self.slope * (highest - self.mid))
            below = -np.logaddexp(0.0, -self.slope * (lowest - self.mid))
            return np.asarray(self.high + (self.low - self.high) * (above - below) / (self.slope * (highest - lowest)))

    def ic50_nM(self) -> FloatArray:
        """Return the absolute IC50: the end of the tested range where it is censored, nan where there is none."""
        inside = np.where(self.inside, np.exp(self.log_half), np.nan)
        return np.asarray(np.where(self.above, self.highest_nM, np.where(self.below, self.lowest_nM, inside)))

    def ic50_relation(self) -> pl.Series:
        """Return `=`, `>` or `<`, null where there is no IC50."""
        relation = np.where(self.above, ">", np.where(self.below, "<", "="))
        return pl.Series(relation).set(pl.Series(np.isnan(self.ic50_nM())), None)

    def statuses(self, limits: FloatArray, *, by_error: bool) -> list[str]:
        """Return the sentences of every curve: `ok`, or all that apply, in the order a reader needs them.

        Parameters
        ----------
        limits
            (curves, 4) ln limits of the midpoint and of the IC50, nan where there is none.
        by_error
            Whether they come from a standard error: a missing limit is then an error that does not exist, not an open end.
        """
        open_low, open_high = np.isnan(limits[:, 0]), np.isnan(limits[:, 1])
        no_error = self.fitted & open_low & by_error
        open_words = self.fitted & ~no_error
        step = self.slope >= 0.999 * dose_response.SLOPE_MAX
        no_ic50_limit = np.isnan(limits[:, 2:]).any(axis=1)
        rules = [
            (self.few, FitStatus.too_few),
            (~self.fitted & ~self.few, FitStatus.constant),
            (self.fitted & ~self.falls & ~self.above & ~self.below, FitStatus.rising),
            (self.above, FitStatus.above),
            (self.below, FitStatus.below),
            (self.outside, FitStatus.midpoint_outside),
            (self.fitted & ~self.outside & step, FitStatus.step),
            (no_error, FitStatus.no_error),
            (open_words & open_low & open_high, FitStatus.open_both),
            (open_words & open_low & ~open_high, FitStatus.open_lower),
            (open_words & ~open_low & open_high, FitStatus.open_upper),
            (self.inside & ~no_error & ~open_low & ~open_high & no_ic50_limit, FitStatus.open_ic50),
        ]
        said: list[list[str]] = [[] for _ in range(len(self.fits))]
        for where, sentence in rules:
            for k in np.flatnonzero(where):
                said[k].append(sentence.value)
        return [" ".join(words) or FitStatus.ok.value for words in said]
