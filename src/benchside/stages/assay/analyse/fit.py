"""Curves fitted to responses: the global optimum, an interval, both IC50s, and a sentence for whatever is open or failed."""

from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin
from benchside.kernels import dose_interval
from benchside.kernels.dose_response import RSS
from benchside.stages.assay.analyse.shapes import HALF, FloatArray, Points, Shapes
from benchside.stages.assay.model import LL4, Delta, Fits, Interval, ProfileLikelihood, ResponseTable

VERSION: Final = "1"
DESCRIBED: Final = ("compound", "target", "variant", "system")


def fit(
    responses: Any,
    *,
    curve: LL4 = LL4(),  # noqa: B008  frozen values are safe defaults
    interval: Interval = ProfileLikelihood(),  # noqa: B008
    plates: Literal["pooled"] = "pooled",
) -> Fits:
    """Fit a dose-response curve to every `curve_id`, at the global least-squares optimum.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns; excluded and empty responses are left out.
    curve
        The curve: `LL4()`.
    interval
        `ProfileLikelihood(level)` (the default) or `Delta(level)`, on the log scale.
    plates
        ``pooled``: replicate plates of a curve are fitted together.

    Returns
    -------
    Fits
        One row a curve. `ec50_nM` is the midpoint, `ic50_nM` the dose of response 0.5 with its `ic50_relation`; an open limit
        is null, and `status` says in words what is open or failed. `slope` > 0 falls with dose. `auc` is the mean of the curve
        over the tested log doses.

    Raises
    ------
    SettingError
        When `plates` is anything else.
    TableError
        When the table breaks a rule of `ResponseTable`.

    Notes
    -----
    Ritz et al. 2015, doi:10.1371/journal.pone.0146021, describe the curve; the search is described in `kernels/dose_response.py`.

    Examples
    --------
    >>> import polars as pl
    >>> dose = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
    >>> table = pl.DataFrame({"curve_id": ["a"] * 6, "concentration_nM": dose, "response": [1 / (1 + d / 20) for d in dose]})
    >>> round(fit(table, interval=Delta()).table["ec50_nM"][0], 3)
    20.0
    """
    if plates != "pooled":
        message = f"plates={plates!r} is not offered: replicate plates of a curve are fitted together. Use plates='pooled'."
        raise SettingError(message)
    table = ResponseTable.of(responses).table
    settings = {"curve": curve.name, "interval": interval.name, "level": interval.level, "plates": "pooled"}
    return Fits(fit_table(table, interval), Origin("assay.fit", VERSION, settings, (table,)))


def fit_table(table: pl.DataFrame, interval: Interval) -> pl.DataFrame:
    """Return the promised columns of `fit`, one row a curve in the order the curves first appear."""
    every = table.group_by("curve_id", maintain_order=True).agg(
        *[pl.col(name).first() for name in DESCRIBED],
        n_plates=pl.col("plate_id").n_unique(),
        n_excluded=pl.col("excluded").fill_null(value=False).sum(),
    )
    return every.hstack(pl.DataFrame(curve_columns(points_of(table, every), interval), nan_to_null=True))


def points_of(table: pl.DataFrame, curves: pl.DataFrame) -> Points:
    """Return the points that are used, curve after curve in the order of `curves`; a curve may have none."""
    used = table.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())
    grouped = used.group_by("curve_id", maintain_order=True).agg("concentration_nM", "response")
    grouped = curves.select("curve_id").join(grouped, on="curve_id", how="left", maintain_order="left")
    counts = grouped["response"].list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = grouped.filter(pl.col("response").is_not_null()).select("concentration_nM", "response")
    flat = flat.explode("concentration_nM", "response")
    dose, response = (np.ascontiguousarray(flat[name].to_numpy(), dtype=np.float64) for name in flat.columns)
    return Points(dose, response, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def curve_columns(points: Points, interval: Interval) -> dict[str, Any]:
    """Return the columns of fits as arrays, nan where there is no value."""
    shapes = Shapes.of(points)
    limits = interval_limits(points, shapes, interval)
    return {
        "curve": [LL4.name] * len(points.counts),
        "top": np.where(shapes.falls, shapes.low, shapes.high),
        "bottom": np.where(shapes.falls, shapes.high, shapes.low),
        "slope": np.where(shapes.falls, shapes.slope, -shapes.slope),
        "ec50_nM": np.exp(shapes.mid),
        "ec50_lower_nM": np.exp(limits[:, 0]),
        "ec50_upper_nM": np.exp(limits[:, 1]),
        "ic50_nM": shapes.ic50_nM(),
        "ic50_relation": shapes.ic50_relation(),
        "ic50_lower_nM": np.exp(limits[:, 2]),
        "ic50_upper_nM": np.exp(limits[:, 3]),
        "auc": shapes.area(),
        "rss": shapes.fits[:, RSS],
        "n_points": points.counts,
        "lowest_nM": shapes.lowest_nM,
        "highest_nM": shapes.highest_nM,
        "status": shapes.statuses(limits, by_error=isinstance(interval, Delta)),
    }


def interval_limits(points: Points, shapes: Shapes, interval: Interval) -> FloatArray:
    """Return (curves, 4) ln limits of the midpoint and of the IC50; nan where open or not to be had."""
    x, y, w = points.log_dose, points.response, points.weights
    freedom = points.counts - LL4.parameters
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    quantile = stdtrit(np.maximum(freedom, 1), 0.5 + interval.level / 2)
    if isinstance(interval, Delta):
        half = quantile[:, None] * dose_interval.delta_errors(x, y, w, points.offsets, shapes.fits, HALF)
        at = np.column_stack([shapes.mid, shapes.log_half])
        limits = np.column_stack([at - half, at + half])[:, [0, 2, 1, 3]]
    else:
        # F with one numerator degree of freedom is the square of t.
        factor = np.where(freedom > 0, 1 + quantile**2 / np.maximum(freedom, 1), np.nan)
        limits = dose_interval.profile_limits(x, y, w, points.offsets, shapes.fits, factor, HALF)
    limits[~shapes.inside, 2:] = np.nan
    return limits
