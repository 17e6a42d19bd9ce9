"""Outliers of dose-response curves after ROUT: a robust fit, then a test of every residual at a stated false discovery rate."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.stages.assay.analyse.curves.estimate import Estimate, curve_at, estimate
from benchside.stages.assay.analyse.curves.fit import DESCRIBED, points_of
from benchside.stages.assay.analyse.curves.shapes import Points
from benchside.stages.assay.arrays import BoolArray, FloatArray
from benchside.stages.assay.curves import LL4, Curve
from benchside.stages.assay.model import ResponseTable

VERSION: Final = "1"
TESTED_SHARE: Final = 0.3
"""Of the points of a curve, this share with the largest residuals is tested, as in the paper."""


@dataclass(frozen=True)
class Outliers(Answer):
    """The rows of the responses with their residuals from a robust curve, and which stand out."""

    KEY: ClassVar[tuple[str, ...]] = ("curve_id", "row")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("outlier p", "p", ""),)


def outliers(responses: Any, *, fdr: float = 0.01, curve: Curve = LL4()) -> Outliers:  # noqa: B008  a frozen value is a safe default
    """Return every response with its residual from a robust curve, and whether it is flagged as an outlier.

    Nothing is removed: to leave a flagged response out is a person's decision, by `excluded`.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns; excluded responses are not tested.
    fdr
        The false discovery rate Q, as a fraction: of the flagged points of a curve this share at most is expected to be Gaussian.
    curve
        The family fitted.

    Returns
    -------
    Outliers
        The rows of the responses, in their order: `row` (from 1), `fitted`, `residual`, `t` (residual over the robust standard
        deviation), `p` (two-sided, n - p degrees of freedom), `flagged`. Null where a row is excluded, empty or not fitted.

    Raises
    ------
    SettingError
        When `fdr` is not between 0 and 1.

    Notes
    -----
    Motulsky and Brown 2006, doi:10.1186/1471-2105-7-123: Lorentzian loss, scale from the 68.27th percentile of the absolute
    residuals, then of the 30 % largest residuals the i-th smallest of n is an outlier, and all larger with it, where its p is
    below Q (n - i + 1) / n. Here the robust fit is reweighted least squares from the global optimum; the scale is RSDR with n / (n - p).

    Examples
    --------
    >>> import polars as pl
    >>> dose = [float(3**k) for k in range(10)]
    >>> wiggle = [0.01, -0.02, 0.01, 0.02, -0.01, 0.0, -0.02, 0.01, 0.01, -0.01]
    >>> y = [1 / (1 + d / 100) + e + (0.5 if k == 2 else 0) for k, (d, e) in enumerate(zip(dose, wiggle))]
    >>> outliers(pl.DataFrame({"curve_id": "a", "concentration_nM": dose, "response": y})).table.filter("flagged")["row"].to_list()
    [3]
    """
    if not 0 < fdr < 1:
        message = f"a false discovery rate lies between 0 and 1, and {fdr} does not. Use 0.01 for 1 %."
        raise SettingError(message)
    table = ResponseTable.of(responses).table
    settings = {"fdr": fdr, "curve": repr(curve)}
    return Outliers(outliers_table(table, fdr=fdr, curve=curve), Origin("assay.outliers", VERSION, settings, (table,)))


def outliers_table(table: pl.DataFrame, *, fdr: float = 0.01, curve: Curve = LL4()) -> pl.DataFrame:  # noqa: B008
    """Return the columns of `outliers`, one row a response."""
    numbered = table.with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64))
    curves = table.select("curve_id").unique(maintain_order=True)
    used = numbered.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())
    grouped = used.group_by("curve_id", maintain_order=True).agg("row")
    grouped = curves.join(grouped, on="curve_id", how="inner", maintain_order="left")
    points = points_of(table, curves)
    found = estimate(points, curve, loss="lorentzian")
    values = {"row": grouped.explode("row")["row"], **residual_columns(points, found, curve, fdr)}
    kept = ["row", "curve_id", *DESCRIBED, "concentration_nM", "response", "replicate", "plate_id", "excluded"]
    joined = numbered.select(kept).join(pl.DataFrame(values, nan_to_null=True), on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.col("flagged").fill_null(value=False))


def residual_columns(points: Points, found: Estimate, curve: Curve, fdr: float) -> dict[str, FloatArray | BoolArray]:
    """Return the residuals of the points with their p values, and which are flagged."""
    from scipy.special import stdtr  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    owner, n = points.curve_of, points.counts[points.curve_of]
    t = found.residuals / found.scale[owner]
    p = 2 * stdtr(np.maximum(n - curve.parameters, 1), -np.abs(t))
    order = np.lexsort((np.abs(t), owner))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1) - points.offsets[owner[order]]
    stands_out = (rank > (1 - TESTED_SHARE) * n) & (p < fdr * (n - rank + 1) / n)
    first = np.full(len(points.counts), np.iinfo(np.int64).max)
    np.minimum.at(first, owner[stands_out], rank[stands_out])
    return {
        "fitted": curve_at(found.shapes, points),
        "residual": found.residuals,
        "t": t,
        "p": p,
        "flagged": np.asarray((rank >= first[owner]) & np.isfinite(t)),
    }
