"""Fitted curves as points of a line, with their pointwise 95 % band, for drawing."""

from typing import Final

import numpy as np
import polars as pl

from benchside.stages.assay.analyse.curves.five import share
from benchside.stages.assay.arrays import FloatArray

LINE_POINTS: Final = 60
BAND_POINTS: Final = 20
LEVEL: Final = 0.95
STEP: Final = 1e-5
"""Step of the numerical derivative, relative to parameters of order one."""

WORST_CONDITION: Final = 1e12
"""Of the information matrix: above it the points do not settle the parameters."""

FREE: Final = {"LL3": [0, 2, 3], "LL4": [0, 1, 2, 3], "LL5": [0, 1, 2, 3, 4]}
"""Which of top, bottom, slope, ln midpoint and asymmetry a family fits."""


def curve_lines(fits: pl.DataFrame, points: int = LINE_POINTS) -> pl.DataFrame:
    """Return the fitted curves as points over their tested doses: curve_id, concentration_nM, response."""
    fitted = fits.filter(pl.col("rss").is_not_null())
    if fitted.is_empty():
        return pl.DataFrame(schema={"curve_id": pl.String, "concentration_nM": pl.Float64, "response": pl.Float64})
    x = log_doses(fitted, points)
    y = responses_at(x, parameters(fitted))
    return pl.DataFrame(
        {
            "curve_id": np.repeat(fitted["curve_id"].to_numpy(), points),
            "concentration_nM": np.exp(x).ravel(),
            "response": y.ravel(),
        }
    )


def log_doses(fitted: pl.DataFrame, points: int) -> FloatArray:
    """Return (curves, points) ln doses, evenly from the lowest tested dose to the highest."""
    low, high = np.log(fitted["lowest_nM"].to_numpy()), np.log(fitted["highest_nM"].to_numpy())
    return np.asarray(low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)[None, :])


def parameters(fitted: pl.DataFrame) -> FloatArray:
    """Return (curves, 5): top, bottom, slope, ln midpoint, asymmetry (1 where the curve has none)."""
    power = fitted["asymmetry"].fill_null(1.0).to_numpy() if "asymmetry" in fitted.columns else np.ones(fitted.height)
    return np.column_stack(
        [*(fitted[name].to_numpy() for name in ("top", "bottom", "slope")), np.log(fitted["ec50_nM"].to_numpy()), power]
    )


def responses_at(log_dose: FloatArray, values: FloatArray) -> FloatArray:
    """Return the responses of curves at ln doses: (curves, points) from (curves, points) and (curves, 5)."""
    top, bottom, slope, mid, power = (values[:, k : k + 1] for k in range(5))
    return np.asarray(bottom + (top - bottom) * share(slope * (log_dose - mid), power))


def curve_band(fits: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the pointwise band of every curve that has one: curve_id, concentration_nM, lower, upper.

    By the delta method (Bates and Watts 1988, doi:10.1002/9780470316757) on the wells as independent. A curve on a bound, or
    with no more points than parameters, has none.
    """
    fitted = fits.filter(pl.col("rss").is_not_null())
    if fitted.is_empty():
        return pl.DataFrame(
            schema={"curve_id": pl.String, "concentration_nM": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
        )
    half = band_half_widths(fitted, points)
    kept = np.isfinite(half).all(axis=1)
    grid = log_doses(fitted, BAND_POINTS)[kept]
    y = responses_at(grid, parameters(fitted)[kept])
    return pl.DataFrame(
        {
            "curve_id": np.repeat(fitted["curve_id"].to_numpy()[kept], BAND_POINTS),
            "concentration_nM": np.exp(grid).ravel(),
            "lower": (y - half[kept]).ravel(),
            "upper": (y + half[kept]).ravel(),
        },
        schema_overrides={"curve_id": pl.String},
    )


def band_half_widths(fitted: pl.DataFrame, points: pl.DataFrame) -> FloatArray:
    """Return (curves, 20) half the band of fitted curves at even ln doses over the tested ones; nan where a curve has no band.

    Wells without compound count as the fit counted them: they settle the top.
    """
    used = points.filter(
        ~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null() & (pl.col("concentration_nM") >= 0)
    )
    doses = used.select("curve_id", "concentration_nM").group_by("curve_id").agg("concentration_nM")
    held = fitted.select("curve_id").join(doses, on="curve_id", how="left", maintain_order="left")["concentration_nM"]
    counts = held.list.len().fill_null(0).to_numpy()
    names = fitted["curve"].to_numpy() if "curve" in fitted.columns else np.full(fitted.height, "LL4", dtype=object)
    grid, values, rss = log_doses(fitted, BAND_POINTS), parameters(fitted), fitted["rss"].to_numpy()
    half = np.full(grid.shape, np.nan)
    # Curves of one family with as many points are one stack of matrices.
    for name, count in sorted(set(zip(names.tolist(), counts.tolist(), strict=True))):
        rows = np.flatnonzero((names == name) & (counts == count))
        free = FREE.get(name, FREE["LL4"])
        if count <= len(free):
            continue
        with np.errstate(divide="ignore"):
            log_dose = np.log(held.gather(rows).explode().to_numpy()).reshape(len(rows), count)
        half[rows] = half_widths(log_dose, grid[rows], values[rows], free, rss[rows])
    return half


def half_widths(log_dose: FloatArray, at: FloatArray, values: FloatArray, free: list[int], rss: FloatArray) -> FloatArray:
    """Return half the bands at ln doses `at` (curves, places), from the ln doses of the points (curves, points); else nan.

    nan where the points do not settle the curve's parameters.
    """
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import

    freedom = log_dose.shape[1] - len(free)
    there, here = slopes(log_dose, values, free), slopes(at, values, free)
    information = np.einsum("cik,cil->ckl", there, there)
    settled = np.isfinite(information).all(axis=(1, 2))
    settled[settled] = np.linalg.cond(information[settled]) <= WORST_CONDITION
    half = np.full(at.shape, np.nan)
    covariance = np.linalg.inv(information[settled])
    spread = np.einsum("cik,ckl,cil->ci", here[settled], covariance, here[settled])
    half[settled] = stdtrit(freedom, 0.5 + LEVEL / 2) * np.sqrt(rss[settled, None] / freedom * spread)
    return half


def slopes(log_dose: FloatArray, values: FloatArray, free: list[int]) -> FloatArray:
    """Return (curves, points, free) derivatives of curves by their free parameters."""
    columns = []
    for k in free:
        step = STEP * np.maximum(1.0, np.abs(values[:, k]))
        up, down = values.copy(), values.copy()
        up[:, k] += step
        down[:, k] -= step
        columns.append((responses_at(log_dose, up) - responses_at(log_dose, down)) / (2 * step[:, None]))
    return np.stack(columns, axis=2)
