"""Fitted curves as points of a line, with their pointwise 95 % band, for drawing."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.stages.assay.analyse.five import share

FloatArray = npt.NDArray[np.float64]

LINE_POINTS: Final = 60
BAND_POINTS: Final = 20
LEVEL: Final = 0.95
STEP: Final = 1e-5
"""Step of the numerical derivative, relative to parameters of order one."""


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
    kept: list[pl.DataFrame] = []
    used = points.filter(
        ~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null() & (pl.col("concentration_nM") > 0)
    )
    doses = {
        str(key): part["concentration_nM"].to_numpy() for (key,), part in used.partition_by("curve_id", as_dict=True).items()
    }
    fitted = fits.filter(pl.col("rss").is_not_null())
    if not fitted.height:
        return pl.DataFrame(
            schema={"curve_id": pl.String, "concentration_nM": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
        )
    grid, values = log_doses(fitted, BAND_POINTS), parameters(fitted)
    names = fitted["curve"].to_list() if "curve" in fitted.columns else ["LL4"] * fitted.height
    for row, (curve_id, rss) in enumerate(fitted.select("curve_id", "rss").rows()):
        free = {"LL3": [0, 2, 3], "LL5": [0, 1, 2, 3, 4]}.get(names[row], [0, 1, 2, 3])
        half = half_width(np.log(doses.get(curve_id, np.empty(0))), grid[row], values[row], free, rss)
        if half is None:
            continue
        y = responses_at(grid[row][None, :], values[row][None, :])[0]
        kept.append(
            pl.DataFrame({"concentration_nM": np.exp(grid[row]), "lower": y - half, "upper": y + half}).with_columns(
                curve_id=pl.lit(curve_id)
            )
        )
    return pl.concat(kept) if kept else curve_band(fits.clear(), points)


def half_width(log_dose: FloatArray, at: FloatArray, values: FloatArray, free: list[int], rss: float) -> FloatArray | None:
    """Return half the band at ln doses, or None where the curve's parameters are not settled by its points."""
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import

    freedom = len(log_dose) - len(free)
    if freedom < 1:
        return None
    there, here = slopes(log_dose, values, free), slopes(at, values, free)
    information = there.T @ there
    if np.linalg.cond(information) > 1e12:
        return None
    error = np.sqrt(rss / freedom * np.einsum("ij,jk,ik->i", here, np.linalg.inv(information), here))
    return np.asarray(stdtrit(freedom, 0.5 + LEVEL / 2) * error)


def slopes(log_dose: FloatArray, values: FloatArray, free: list[int]) -> FloatArray:
    """Return (points, free) derivatives of a curve by its free parameters."""
    columns = []
    for k in free:
        up, down = values.copy(), values.copy()
        step = STEP * max(1.0, abs(values[k]))
        up[k] += step
        down[k] -= step
        difference = responses_at(log_dose[None, :], up[None, :]) - responses_at(log_dose[None, :], down[None, :])
        columns.append(difference[0] / (2 * step))
    return np.column_stack(columns)
