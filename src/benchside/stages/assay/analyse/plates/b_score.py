"""B scores: signals of a plate freed of row and column effects (Brideau 2003, doi:10.1177/1087057103258285)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.evidence import Answer, Origin
from benchside.stages.assay.analyse.plates.effect import MAD_TO_SD
from benchside.stages.assay.analyse.plates.pattern import positions
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.model import WellTable

VERSION: Final = "1"
ROUNDS: Final = 10
"""Sweeps of the median polish; it settles in two or three."""

SETTLED: Final = 1e-6
"""The polish ends when a sweep changes the sum of absolute residuals by less than this share of it."""


@dataclass(frozen=True)
class BScore(Answer):
    """B scores, one row a sample well."""

    KEY: ClassVar[tuple[str, ...]] = ("plate_id", "well")
    SETTINGS: ClassVar[Mapping[str, Any]] = {}


def b_score(wells: Any) -> BScore:
    """Return the B score of every sample well: its residual from a median polish of the plate, over their scaled MAD.

    For screens, where most wells of a row and of a column are inactive. On a plate of dose series the rows or columns are doses,
    and the polish would take the doses away: use `quality` there.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.

    Returns
    -------
    BScore
        ``.table``: `plate_id, well, signal, row_effect, column_effect, residual, b_score`, effects and residuals in the unit of
        the signal; `b_score` is null where more than half of a plate's residuals are 0.

    Examples
    --------
    >>> import polars as pl
    >>> cells = [(r, c, 10.0 * r + c + (50.0 if (r, c) == (1, 2) else 0.0)) for r in range(3) for c in range(1, 5)]
    >>> wells = pl.DataFrame({"plate_id": ["P"] * 12, "well": [f"{'ABC'[r]}{c}" for r, c, _ in cells], "role": ["sample"] * 12,
    ...     "compound": [f"x{k}" for k in range(12)], "concentration_nM": [1000.0] * 12, "signal": [s for _, _, s in cells]})
    >>> b_score(wells).table.filter(pl.col("well") == "B2")["residual"].to_list()
    [50.0]
    """
    table = WellTable.of(wells).table
    return BScore(b_score_table(table), Origin("assay.b_score", VERSION, {}, (table,)))


def b_score_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return the B score columns, one row a sample well in the order of the wells."""
    samples = table.filter((pl.col("role") == "sample") & pl.col("signal").is_not_null())
    placed = positions(samples).select("plate", "row", "column")
    parts = []
    for part in samples.select("plate_id", "well", "signal").hstack(placed).partition_by("plate", maintain_order=True):
        row, column = part["row"].to_numpy(), part["column"].to_numpy()
        grid = np.full((row.max() + 1, column.max() + 1), np.nan)
        grid[row, column] = part["signal"].to_numpy()
        effects = median_polish(grid)
        left = effects.residual[row, column]
        spread = MAD_TO_SD * float(np.median(np.abs(left - np.median(left))))
        score = pl.Series(left / spread) if spread > 0 else pl.Series([None] * len(left), dtype=pl.Float64)
        parts.append(part.drop("plate", "row", "column").with_columns(
            row_effect=pl.Series(effects.row[row]), column_effect=pl.Series(effects.column[column]), residual=pl.Series(left), b_score=score,
        ))  # fmt: skip
    empty = dict.fromkeys(("signal", "row_effect", "column_effect", "residual", "b_score"), pl.Float64)
    return pl.concat(parts) if parts else pl.DataFrame(schema={"plate_id": pl.String, "well": pl.String, **empty})


@dataclass(frozen=True)
class Polished:
    """A table taken apart: overall + row + column + residual is the table."""

    overall: float
    row: FloatArray
    column: FloatArray
    residual: FloatArray


def median_polish(grid: FloatArray) -> Polished:
    """Return overall level, row effects, column effects and residuals by Tukey's median polish; nan cells are left out.

    Parameters
    ----------
    grid
        Values, (rows, columns); rows and columns without a value have effect 0.

    Examples
    --------
    >>> part = median_polish(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 90.0]]))
    >>> part.overall, part.row.tolist(), float(part.residual[2, 2])
    (5.0, [-3.0, 0.0, 3.0], 81.0)
    """
    left = grid.copy()
    row, column, overall, before = np.zeros(grid.shape[0]), np.zeros(grid.shape[1]), 0.0, np.inf
    for _ in range(ROUNDS):
        step = _medians(left, axis=1)
        left -= step[:, None]
        row += step
        centre = float(np.median(column))
        column -= centre
        overall += centre
        step = _medians(left, axis=0)
        left -= step[None, :]
        column += step
        centre = float(np.median(row))
        row -= centre
        overall += centre
        size = float(np.nansum(np.abs(left)))
        if size == 0 or abs(before - size) < SETTLED * size:
            break
        before = size
    return Polished(overall, row, column, left)


def _medians(values: FloatArray, *, axis: int) -> FloatArray:
    """Return medians along an axis, 0 where there is nothing."""
    present = ~np.isnan(values).all(axis=axis)
    out = np.zeros(values.shape[1 - axis])
    held = values[present] if axis == 1 else values[:, present]
    out[present] = np.nanmedian(held, axis=axis)
    return out
