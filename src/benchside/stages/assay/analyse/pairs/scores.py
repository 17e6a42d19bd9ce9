"""Scores of dose matrices: the excess over each null model, its interval, and what must be said of it."""

import zlib
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchside.core.seeds import stream_rng
from benchside.stages.assay.analyse.pairs.resample import LEAST_FREEDOM, Wells, freedom, resampled_means
from benchside.stages.assay.analyse.pairs.surface import REFERENCES, Expected, Matrix, expected
from benchside.stages.assay.analyse.pairs.table import DOSES, KEY
from benchside.stages.assay.arrays import FloatArray

LEVEL: Final = 0.95
MOST_UNDEFINED: Final = 0.05
"""Share of resamplings in which a cell may have no Loewe response while its interval is still given."""

VEHICLE_OFF: Final = 0.15
"""How far the vehicle wells of a matrix may average from 1 without a word about it."""

POINTS: Final = 100.0
"""Percentage points in a fraction of the vehicle."""

Reference = Literal["bliss", "hsa", "loewe", "zip"]


def _model_columns(*names: str) -> dict[str, Any]:
    return {name.format(model): pl.Float64 for model in REFERENCES for name in names}


LIMITS: Final = ("{}_points", "{}_lower_points", "{}_upper_points")
CELL_SCHEMA: Final[dict[str, Any]] = {
    **dict.fromkeys(KEY, pl.String), **dict.fromkeys(DOSES, pl.Float64), "n_wells": pl.Int64, "response": pl.Float64,
    "zip_fitted": pl.Float64, **_model_columns("{}_expected", *LIMITS),
}  # fmt: skip
SUMMARY_SCHEMA: Final[dict[str, Any]] = {
    **dict.fromkeys(KEY, pl.String), "n_wells": pl.Int64, "n_cells": pl.Int64, **_model_columns(*LIMITS),
    **{f"{model}_cells": pl.Int64 for model in REFERENCES}, "reference": pl.String, "verdict": pl.String,
    "strongest_points": pl.Float64, "strongest_a_nM": pl.Float64, "strongest_b_nM": pl.Float64, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """The excess over one null model in percentage points: of every combination cell, and their mean; nan where there is none."""

    cells: FloatArray
    lower: FloatArray
    upper: FloatArray
    mean: tuple[float, float, float]
    """Mean, lower and upper limit."""

    @classmethod
    def of(cls, excess: FloatArray, resampled: FloatArray | None, quantile: float) -> "Scores":
        """Return the scores of a surface (doses of a, doses of b) and its resamplings (n, doses of a, doses of b).

        Limits are the score and `quantile` standard deviations of its resamplings to either side.
        """
        points, defined = POINTS * excess, ~np.isnan(excess)
        mean = float(points[defined].mean()) if defined.any() else np.nan
        half, half_mean = np.full_like(excess, np.nan), np.nan
        if resampled is not None and defined.any():
            seen = ~np.isnan(resampled)
            enough = defined & (seen.mean(axis=0) >= 1 - MOST_UNDEFINED)
            half[enough] = quantile * POINTS * np.nanstd(resampled[:, enough], axis=0, ddof=1)
            inside = seen & defined
            counts = inside.sum(axis=(1, 2))
            means = np.where(inside, resampled, 0.0).sum(axis=(1, 2))[counts > 0] / counts[counts > 0]
            half_mean = quantile * POINTS * float(means.std(ddof=1)) if means.size > 1 else np.nan
        return cls(points, points - half, points + half, (mean, mean - half_mean, mean + half_mean))


@dataclass(frozen=True)
class Surface:
    """One combination, analysed."""

    key: tuple[str | None, ...]
    matrix: Matrix
    response: FloatArray
    expected: Expected
    scores: dict[str, Scores]
    has_interval: bool

    @classmethod
    def of(cls, group: pl.DataFrame, *, n: int, seed: int, noise_sd: float | None) -> "Surface":
        """Analyse the wells of one combination."""
        key = group.select(KEY).row(0)
        matrix, wells = matrix_of(group)
        response = wells.means(matrix)[None]
        rng = stream_rng(seed, zlib.crc32("\t".join(str(part) for part in key).encode()))
        drawn = resampled_means(wells, matrix, n=n, rng=rng, noise_sd=noise_sd) if n else None
        null = expected(matrix, response)
        resampled = {} if drawn is None else excesses(expected(matrix, drawn), drawn)
        quantile = t_quantile(freedom(matrix))
        scores = {name: Scores.of(excess[0], resampled.get(name), quantile) for name, excess in excesses(null, response).items()}
        return cls(key, matrix, response[0], null, scores, drawn is not None)

    def summary(self, reference: Reference) -> tuple[Any, ...]:
        """Return the row of the summary, in the order of its schema."""
        limits = [_or_none(value) for name in REFERENCES for value in self.scores[name].mean]
        cells = [int((~np.isnan(self.scores[name].cells)).sum()) for name in REFERENCES]
        counts = (int(self.matrix.wells.sum()), int(self.matrix.inner.sum()))
        return (
            *self.key,
            *counts,
            *limits,
            *cells,
            reference,
            self.verdict(reference),
            *self.strongest(reference),
            self.status(),
        )

    def verdict(self, reference: Reference) -> str | None:
        """Return what the interval of the mean excess says, None where there is none."""
        _, low, high = self.scores[reference].mean
        if np.isnan(low):
            return None
        return "synergy" if low > 0 else "antagonism" if high < 0 else "no interaction shown"

    def strongest(self, reference: Reference) -> tuple[float | None, float | None, float | None]:
        """Return the largest excess in either direction and its doses."""
        excess = self.scores[reference].cells
        if np.isnan(excess).all():
            return None, None, None
        i, j = np.unravel_index(np.nanargmax(np.abs(excess)), excess.shape)
        return float(excess[i, j]), float(self.matrix.doses_a_nM[i]), float(self.matrix.doses_b_nM[j])

    def status(self) -> str:
        """Return what a reader must know, or `ok`."""
        said = []
        a, b = self.key[1], self.key[2]
        if not self.has_interval:
            said.append("No intervals: too few wells are replicated to tell the noise. Repeat wells, or give noise_sd.")
        if not self.matrix.curves_possible:
            said.append("Loewe and ZIP need curves of each agent alone, at three doses or more. Add doses.")
        open_cells = int((self.matrix.inner & np.isnan(self.expected.loewe[0])).sum())
        if self.matrix.curves_possible and open_cells:
            ends = ", ".join(f"{name} at {end:.2f}" for name, end in zip((a, b), self.expected.bottoms[0], strict=True))
            said.append(
                f"Loewe additivity is undefined in {open_cells} of {int(self.matrix.inner.sum())} cells, where one agent alone does more "
                f"than the other can at any dose (alone they end at: {ends})."
            )
        vehicle = self.response[0, 0]
        if abs(vehicle - 1) > VEHICLE_OFF:
            said.append(f"The vehicle wells of the matrix average {vehicle:.2f}, not 1. Check the normalisation.")
        return " ".join(said) or "ok"

    def cells(self) -> pl.DataFrame:
        """Return every cell that holds a well, the single agents too, by rising dose."""
        a = np.concatenate([[0.0], self.matrix.doses_a_nM])
        b = np.concatenate([[0.0], self.matrix.doses_b_nM])
        grid_a, grid_b = np.meshgrid(a, b, indexing="ij")
        columns = {
            "concentration_a_nM": grid_a.ravel(), "concentration_b_nM": grid_b.ravel(),
            "n_wells": self.matrix.wells.ravel(), "response": self.response.ravel(), "zip_fitted": _framed(self.expected.zip_fitted[0]),
        }  # fmt: skip
        for name in REFERENCES:
            scores, null = self.scores[name], getattr(self.expected, name)[0]
            shown = np.where(self.matrix.inner, null, np.nan)
            columns[f"{name}_expected"] = _framed(shown)
            for suffix, values in (("", scores.cells), ("_lower", scores.lower), ("_upper", scores.upper)):
                columns[f"{name}{suffix}_points"] = _framed(values)
        frame = pl.DataFrame(columns, nan_to_null=True).filter(pl.col("n_wells") > 0)
        keys = [pl.lit(value, pl.String).alias(name) for name, value in zip(KEY, self.key, strict=True)]
        return frame.with_columns(*keys).select(pl.col(name).cast(dtype) for name, dtype in CELL_SCHEMA.items())


def matrix_of(group: pl.DataFrame) -> tuple[Matrix, Wells]:
    """Return the dose matrix of one combination and its wells."""
    dose_a, dose_b = (group[name].to_numpy() for name in DOSES)
    doses_a, doses_b = (np.unique(dose[dose > 0]) for dose in (dose_a, dose_b))
    row = np.searchsorted(np.concatenate([[0.0], doses_a]), dose_a)
    column = np.searchsorted(np.concatenate([[0.0], doses_b]), dose_b)
    shape = 1 + doses_a.size, 1 + doses_b.size
    cell = (row * shape[1] + column).astype(np.int64)
    wells = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
    return Matrix(doses_a, doses_b, wells), Wells(cell, group["response"].to_numpy())


def _framed(inner: FloatArray) -> FloatArray:
    """Return values of combination cells with a row and a column of nan for the single agents, flattened."""
    return np.pad(inner, ((1, 0), (1, 0)), constant_values=np.nan).ravel()


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def excesses(null: Expected, response: FloatArray) -> dict[str, FloatArray]:
    """Return the excess over every null model."""
    return {name: null.excess(name, response) for name in REFERENCES}


def t_quantile(degrees: int) -> float:
    """Return the t quantile of the interval for residuals of so many degrees of freedom; normal where the noise was given."""
    from scipy.special import ndtri, stdtrit  # noqa: PLC0415  a third of a second to import

    tail = 0.5 + LEVEL / 2
    return float(stdtrit(degrees, tail) if degrees >= LEAST_FREEDOM else ndtri(tail))
