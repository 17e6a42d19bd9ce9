"""The smooth of a diagnostic plot: a natural cubic spline by least squares, with pointwise limits."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

SMOOTH: Final = {"x": pl.Float64, "fit": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
PLACES: Final = 40


def natural_spline_smooth(x: Floats, y: Floats, *, df: int = 4, z: float = 1.959963984540054) -> pl.DataFrame:
    """Return the least-squares natural cubic spline of points, with limits of its height.

    Parameters
    ----------
    x, y
        The points, (n,) each.
    df
        Degrees of freedom: the knots are the two ends and ``df - 2`` quantiles between them, taken over the points and the places
        where the curve is drawn, as R's plot of a test of proportional hazards takes them.
    z
        Normal quantile of the limits.

    Returns
    -------
    `x, fit, lower, upper` at 40 even places; no row where there are fewer than ``df + 1`` points or as few different x.

    References
    ----------
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515 (the smooth of scaled residuals is the coefficient in time).

    Examples
    --------
    >>> line = np.arange(10.0)
    >>> bool(np.allclose(natural_spline_smooth(line, 2 * line)["fit"], 2 * np.linspace(0, 9, 40)))
    True
    """
    if x.size <= df or np.unique(x).size <= df:
        return pl.DataFrame(schema=SMOOTH)
    from scipy.interpolate import CubicSpline  # noqa: PLC0415  heavy, and only needed to draw residuals

    places = np.linspace(x.min(), x.max(), PLACES)
    knots = np.quantile(np.concatenate([places, x]), np.linspace(0, 1, df))
    if np.unique(knots).size < df:
        return pl.DataFrame(schema=SMOOTH)
    # The splines that are 1 at one knot and 0 at the others span the natural splines of these knots.
    basis = CubicSpline(knots, np.eye(df), bc_type="natural")
    design = np.asarray(basis(x), dtype=np.float64)
    coefficient, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ coefficient
    variance = float(residual @ residual) / (x.size - df)
    at = np.asarray(basis(places), dtype=np.float64)
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", at, np.linalg.pinv(design.T @ design), at) * variance, 0.0))
    fit = at @ coefficient
    return pl.DataFrame({"x": places, "fit": fit, "lower": fit - z * spread, "upper": fit + z * spread}, schema=SMOOTH)
