"""Curves fitted to responses: the global optimum, an interval, both IC50s, and a sentence for whatever is open or failed."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Origin
from benchside.kernels.dose_response import RSS
from benchside.stages.assay.analyse.curves.estimate import LOSSES, RELATIVE, Estimate, Loss, estimate, normalised, sums
from benchside.stages.assay.analyse.curves.limits import interval_limits
from benchside.stages.assay.analyse.curves.replicate_plates import LEAST_PLATES, PlateLimits, plate_limits, plates_of
from benchside.stages.assay.analyse.curves.sentences import statuses
from benchside.stages.assay.analyse.curves.shapes import Points, Shapes
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.curves import LL3, LL4, Bootstrap, Curve, Delta, FitStatus, Interval, ProfileLikelihood
from benchside.stages.assay.model import Fits, ResponseTable

VERSION: Final = "2"
DESCRIBED: Final = ("compound", "target", "variant", "system")
CONDITION: Final = "atp_uM"
"""Column of the responses that a curve has one value of, and that says what its IC50 is of; carried along where it is there."""

Plates = Literal["random", "pooled"]


def fit(
    responses: Any,
    *,
    curve: Curve = LL4(),  # noqa: B008  frozen values are safe defaults
    interval: Interval = ProfileLikelihood(),  # noqa: B008
    weights: str | None = None,
    plates: Plates = "random",
    loss: Loss = "squares",
) -> Fits:
    """Fit a dose-response curve to every `curve_id`, at the global least-squares optimum.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns; excluded and empty responses are left out.
    curve
        `LL4()` (the default), `LL3(bottom=0.0)` or `LL5()`.
    interval
        `ProfileLikelihood(level)` (the default), `Delta(level)` or `Bootstrap(n, seed, level)`, on the log scale.
    weights
        None; the name of a column of numbers > 0 that multiply the squared residuals (as in Prism and R's lm; drc's `weights`
        multiply the residuals, so pass their squares); or ``relative``, for noise in proportion to the response, 1 / curve^2 with
        the curve no lower than 5 % of its highest response. Only their ratios within a curve matter. `rss` is then weighted.
    plates
        ``random``: where a curve stands on four or more plates, the plate is the unit of replication, and the interval comes from
        the estimates without each plate, t with plates - 1 degrees of freedom, whatever `interval` is. On two or three plates they
        are pooled, and `status` says so. ``pooled``: all wells count as independent.
    loss
        ``squares``; ``tukey`` or ``lorentzian`` for a robust fit that distant points draw less. It never removes a point.

    Returns
    -------
    Fits
        One row a curve. `ec50_nM` is the midpoint, the dose half-way between top and bottom (of LL5 too: not drc's e), `ic50_nM` the
        dose of response 0.5 with its `ic50_relation`; an open limit is null, and `status` says in words what is open or failed.
        `slope` > 0 falls with dose. `auc` is the mean of the curve over the tested log doses, `emax` the curve at the top dose.
        `asymmetry` is that of LL5. `f_flat` and `p_flat` test the curve against a flat line by F with p - 1 and n - p degrees of freedom; on
        that line the midpoint does not exist, so p is approximate (of simulated flat noise 1 to 3 % lies below 0.05). `aicc` compares
        curves on the same points. `interval` names where the limits come from. `plate_sd` is the standard deviation of the ln midpoint between plates.

    Raises
    ------
    SettingError
        When a setting is not offered.
    TableError
        When the table breaks a rule of `ResponseTable`, or a weight is not above 0.

    Notes
    -----
    Ritz et al. 2015, doi:10.1371/journal.pone.0146021, describe the curves; the search is described in `kernels/dose_response.py`
    and `kernels/dose_five.py`, the interval from plates in `analyse/plates.py`, the robust losses in `analyse/estimate.py`.

    Examples
    --------
    >>> import polars as pl
    >>> dose = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
    >>> table = pl.DataFrame({"curve_id": ["a"] * 6, "concentration_nM": dose, "response": [1 / (1 + d / 20) for d in dose]})
    >>> round(fit(table, interval=Delta()).table["ec50_nM"][0], 3)
    20.0
    """
    table = ResponseTable.of(responses).table
    found = fit_table(table, interval, curve=curve, weights=weights, plates=plates, loss=loss)
    settings: dict[str, Any] = {"curve": curve.name, "interval": interval.name, "level": interval.level, "plates": plates}
    settings |= {"weights": weights, "loss": loss}
    if isinstance(curve, LL3):
        settings["bottom"] = curve.bottom
    if isinstance(interval, Bootstrap):
        settings |= {"n": interval.n, "seed": interval.seed}
    return Fits(found, Origin("assay.fit", VERSION, settings, (table,)))


def fit_table(
    table: pl.DataFrame,
    interval: Interval,
    *,
    curve: Curve = LL4(),  # noqa: B008
    weights: str | None = None,
    plates: Plates = "pooled",
    loss: Loss = "squares",
) -> pl.DataFrame:
    """Return the promised columns of `fit`, one row a curve in the order the curves first appear."""
    if plates not in {"random", "pooled"}:
        message = (
            f"plates={plates!r} is not offered. Use 'random' (the plate is the replicate) or 'pooled' (wells are independent)."
        )
        raise SettingError(message)
    if loss not in LOSSES:
        message = f"loss={loss!r} is not offered{nearest(str(loss), LOSSES)}. Use one of {listed(LOSSES)}."
        raise SettingError(message)
    every = table.group_by("curve_id", maintain_order=True).agg(
        *[pl.col(name).first() for name in (*DESCRIBED, *({CONDITION} & set(table.columns)))],
        n_plates=pl.col("plate_id").n_unique(),
        n_excluded=pl.col("excluded").fill_null(value=False).sum(),
    )
    points = points_of(table, every, weights)
    ids = every["curve_id"].cast(pl.String).to_list()
    columns = curve_columns(points, interval, curve, relative=weights == RELATIVE, plates=plates, loss=loss, curve_ids=ids)
    return every.hstack(pl.DataFrame(columns, nan_to_null=True))


def points_of(table: pl.DataFrame, curves: pl.DataFrame, weights: str | None = None) -> Points:
    """Return the points that are used, curve after curve in the order of `curves`; a curve may have none."""
    column = None if weights in {None, RELATIVE} else weights
    if column is not None:
        check_weights(table, column)
    used = table.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())
    held = {"concentration_nM": pl.col("concentration_nM"), "response": pl.col("response")}
    if table["plate_id"].n_unique() > 1:
        held["_plate"] = pl.col("plate_id").rank("dense").fill_null(0).cast(pl.Int64)
    if column is not None:
        held["_weight"] = pl.col(column).cast(pl.Float64)
    grouped = used.select("curve_id", **held).group_by("curve_id", maintain_order=True).agg(*held)
    grouped = curves.select("curve_id").join(grouped, on="curve_id", how="left", maintain_order="left")
    counts = grouped["response"].list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = grouped.filter(pl.col("response").is_not_null()).select(*held).explode(*held)
    dose, response = (np.ascontiguousarray(flat[name].to_numpy(), dtype=np.float64) for name in flat.columns[:2])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    plates = flat["_plate"].to_numpy().astype(np.int64) if "_plate" in held else None
    points = Points(dose, response, offsets, None, plates)
    if column is None:
        return points
    given = normalised(np.ascontiguousarray(flat["_weight"].to_numpy(), dtype=np.float64), points)
    return Points(dose, response, offsets, given, plates)


def check_weights(table: pl.DataFrame, column: str) -> None:
    """Refuse weights that are absent, no numbers or not above 0."""
    if column not in table.columns:
        message = (
            f"weights={column!r} is neither 'relative' nor a column of the responses{nearest(column, table.columns)}; "
            f"the columns are {listed(table.columns, 12)}."
        )
        raise TableError(message)
    used = ~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null()
    number = pl.col(column).cast(pl.Float64, strict=False)
    bad = table.with_row_index("_at").filter(used & ~(number.is_finite() & (number > 0)).fill_null(value=False))
    if bad.height:
        message = (
            f"weights: {column} must be a number above 0; row {listed([row + 1 for row in bad['_at']], 3)} "
            f"(curve {bad['curve_id'][0]}) holds {listed(bad[column], 3)}. Correct the row, or exclude it."
        )
        raise TableError(message)


def curve_columns(
    points: Points,
    interval: Interval,
    curve: Curve,
    *,
    relative: bool,
    plates: Plates,
    loss: Loss,
    curve_ids: Sequence[str],
) -> dict[str, Any]:
    """Return the columns of fits as arrays, nan where there is no value."""
    found = estimate(points, curve, relative=relative, loss=loss)
    shapes, n = found.shapes, len(points.counts)
    count = plates_of(points) if plates == "random" else np.ones(n, np.int64)
    limits, by_plates = np.full((n, 4), np.nan), PlateLimits(np.zeros(n, np.bool_), np.full((n, 4), np.nan), np.full(n, np.nan))
    if (count >= LEAST_PLATES).any():
        by_plates = plate_limits(points, found, curve, relative=relative, loss=loss, level=interval.level)
    if not by_plates.used.all() or n == 0:
        limits = interval_limits(found, curve, interval, loss=loss, curve_ids=curve_ids)
    used = by_plates.used
    limits = np.where(used[:, None], by_plates.limits, limits)
    lost = used & ~shapes.outside & np.isnan(limits[:, 0])
    words = statuses(
        shapes,
        limits,
        by_error=~used & isinstance(interval, Delta),
        silent=lost,
        further=[
            (lost, FitStatus.plates_disagree),
            (shapes.fitted & (count > 1) & (count < LEAST_PLATES), FitStatus.few_plates),
            (shapes.fitted & ~found.settled, FitStatus.not_settled),
        ],
    )
    return {
        "curve": [curve.name] * n,
        **shape_columns(shapes, limits),
        "rss": shapes.fits[:, RSS],
        "n_points": points.counts,
        "lowest_nM": shapes.lowest_nM,
        "highest_nM": shapes.highest_nM,
        **judged(found, curve),
        "interval": np.where(used, "plates", interval.name),
        "plate_sd": by_plates.plate_sd,
        "status": words,
    }


def shape_columns(shapes: Shapes, limits: FloatArray) -> dict[str, Any]:
    """Return the parameters, the potencies with their limits, and what follows from the curve."""
    nothing = np.full(len(shapes.fits), np.nan)
    return {
        "top": np.where(shapes.falls, shapes.low, shapes.high),
        "bottom": np.where(shapes.falls, shapes.high, shapes.low),
        "slope": np.where(shapes.falls, shapes.slope, -shapes.slope),
        "asymmetry": nothing if shapes.asymmetry is None else shapes.asymmetry,
        "ec50_nM": np.exp(shapes.mid),
        "ec50_lower_nM": np.exp(limits[:, 0]),
        "ec50_upper_nM": np.exp(limits[:, 1]),
        "ic50_nM": shapes.ic50_nM(),
        "ic50_relation": shapes.ic50_relation(),
        "ic50_lower_nM": np.exp(limits[:, 2]),
        "ic50_upper_nM": np.exp(limits[:, 3]),
        "auc": shapes.area(),
        "emax": shapes.ends[1],
    }


def judged(found: Estimate, curve: Curve) -> dict[str, FloatArray]:
    """Return the test of the curve against a flat line, and the AICc (Gaussian noise of unknown size; null for a robust loss).

    AICc = n ln(rss / n) - sum ln w + 2 k + 2 k (k + 1) / (n - k - 1), with k = p + 1 (Burnham and Anderson 2002, doi:10.1007/b97636).
    """
    from scipy.special import fdtrc  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    points, p = found.points, curve.parameters
    n, rss = points.counts.astype(np.float64), np.where(np.isnan(found.scale), found.shapes.fits[:, RSS], np.nan)
    w, y = points.weights, points.response
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums(w * y, points) / sums(w, points)
        flat = sums(w * (y - mean[points.curve_of]) ** 2, points)
        f = np.where(n > p, np.maximum(flat - rss, 0.0) / (p - 1) / (rss / (n - p)), np.nan)
        k = p + 1
        aicc = n * np.log(rss / n) - sums(np.log(w), points) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        p_flat = fdtrc(p - 1, np.maximum(n - p, 1), f)
    return {
        "f_flat": np.where(np.isfinite(f), f, np.nan),
        "p_flat": np.where(np.isnan(f), np.nan, p_flat),
        "aicc": np.where(np.isfinite(aicc) & (n > k + 1), aicc, np.nan),
    }
