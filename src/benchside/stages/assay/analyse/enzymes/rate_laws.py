"""The four laws of reversible inhibition over a grid of inhibitor and substrate, and their least-squares fits with profile limits.

v = Vmax S / (Km a + S b): a and b are 1 + I / Ki and 1 + I / (alpha Ki) where the inhibitor binds the free enzyme and the
enzyme-substrate complex, else 1 (Segel 1975, ISBN 978-0-471-77425-9). As a fraction of the rate without inhibitor at the same
S, Vmax drops out. Every parameter is fitted on the log scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np

from benchside.stages.assay.arrays import FloatArray

Kind = Literal["velocity", "fraction"]
MODELS: Final = ("competitive", "non-competitive", "uncompetitive", "mixed")
STEPS: Final = 100
REACH: Final = 4 * np.log(10.0)
"""A limit farther than four decades beyond the data is open."""

_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "competitive": ("ki_nM", "km_uM"),
    "non-competitive": ("ki_nM", "km_uM"),
    "uncompetitive": ("ki_nM", "km_uM"),
    "mixed": ("ki_nM", "km_uM", "alpha"),
}


@dataclass(frozen=True)
class Grid:
    """The data of one inhibitor on one enzyme: dose, substrate and rate of every well."""

    dose_nM: FloatArray
    atp_uM: FloatArray
    rate: FloatArray
    kind: Kind


@dataclass(frozen=True)
class LawFit:
    """One law fitted to one grid."""

    model: str
    names: tuple[str, ...]
    log_values: FloatArray
    rss: float

    @property
    def values(self) -> dict[str, float]:
        """Value of every parameter, by name."""
        return {name: float(np.exp(value)) for name, value in zip(self.names, self.log_values, strict=True)}


def parameters(model: str, kind: Kind) -> tuple[str, ...]:
    """Return the names of the parameters of a law; as a fraction the non-competitive one does not hold the Km."""
    names = _PARAMETERS[model]
    if kind == "fraction":
        return names[:1] if model == "non-competitive" else names
    return (*names, "vmax")


def rate(model: str, log_values: FloatArray, grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Return the rate of every well (n,) and its derivative by every log parameter (n, parameters)."""
    names = parameters(model, grid.kind)
    at = dict(zip(names, np.exp(np.clip(log_values, -60, 60)), strict=True))
    km, alpha, s = at.get("km_uM", 1.0), at.get("alpha", 1.0), grid.atp_uM
    bound = grid.dose_nM / at["ki_nM"]
    on_free = np.zeros_like(bound) if model == "uncompetitive" else km * bound
    on_complex = np.zeros_like(bound) if model == "competitive" else s * bound / alpha
    whole = km + s + on_free + on_complex
    top = (km + s) if grid.kind == "fraction" else at["vmax"] * s
    y = top / whole
    own = km / (km + s) if grid.kind == "fraction" else 0.0
    slopes = {
        "ki_nM": y * (on_free + on_complex) / whole,
        "km_uM": y * (own - (km + on_free) / whole),
        "alpha": y * on_complex / whole,
        "vmax": y,
    }
    return y, np.column_stack([slopes[name] for name in names])


def descend(model: str, start: FloatArray, grid: Grid, held: int | None = None) -> tuple[FloatArray, float]:
    """Return the log parameters and sum of squares reached from a start by damped Gauss-Newton steps; `held` keeps one."""
    at, free = start.copy(), np.arange(len(start)) != (-1 if held is None else held)
    y, slopes = rate(model, at, grid)
    rss, damping = float(np.sum((grid.rate - y) ** 2)), 1e-3
    if not free.any():
        return at, rss
    for _ in range(STEPS):
        j = slopes[:, free]
        h, g = j.T @ j, j.T @ (grid.rate - y)
        lift = damping * np.diag(h) + 1e-12 * max(float(np.trace(h)), 1e-300)
        step = np.clip(np.linalg.solve(h + np.diag(lift), g), -2.0, 2.0)
        new = at.copy()
        new[free] += step
        new_y, new_slopes = rate(model, new, grid)
        new_rss = float(np.sum((grid.rate - new_y) ** 2))
        if new_rss <= rss:
            settled = float(np.abs(step).max()) < 1e-9 or rss - new_rss <= 1e-14 * rss
            at, y, slopes, rss, damping = new, new_y, new_slopes, new_rss, max(damping * 0.1, 1e-12)
            if settled:
                break
        else:
            damping *= 10.0
            if damping > 1e10:
                break
    return at, rss


def fit_law(model: str, grid: Grid) -> LawFit:
    """Return the best fit of a law from a grid of starts that spans the doses and the substrate."""
    names, dose, s = parameters(model, grid.kind), grid.dose_nM[grid.dose_nM > 0], grid.atp_uM
    candidates = {
        "ki_nM": np.log(np.geomspace(dose.min() / 30, dose.max(), 7)),
        "km_uM": np.log(np.geomspace(s.min() / 3, s.max() * 3, 5)),
        "alpha": np.log(np.array([0.1, 1.0, 10.0])),
        "vmax": np.log([max(float(grid.rate.max()), 1e-300)]),
    }
    starts = np.array(list(product(*(candidates[name] for name in names))))
    if "vmax" in names:
        starts[:, -1] = [best_vmax(model, start, grid) for start in starts]
    first = [float(np.sum((grid.rate - rate(model, start, grid)[0]) ** 2)) for start in starts]
    found = [descend(model, starts[k], grid) for k in np.argsort(first, kind="stable")[:4]]
    log_values, rss = min(found, key=lambda one: one[1])
    return LawFit(model, names, log_values, rss)


def best_vmax(model: str, start: FloatArray, grid: Grid) -> float:
    """Return the best ln Vmax for the other parameters of a start; Vmax enters linearly."""
    y, _ = rate(model, np.append(start[:-1], 0.0), grid)
    share = float(y @ grid.rate / (y @ y))
    return float(np.log(share)) if share > 0 else float(start[-1])


def profile(fit: LawFit, grid: Grid, name: str, most: float) -> tuple[float, float]:
    """Return the profile limits of one parameter: the first values at which the best sum of squares exceeds `most`; nan: open."""
    j = fit.names.index(name)
    low, high = (limit(fit, grid, j, side, most) for side in (-1.0, 1.0))
    return float(np.exp(low)), float(np.exp(high))


def box(name: str, grid: Grid) -> tuple[float, float]:
    """Return the ln range in which a parameter is looked for: four decades beyond the doses, the substrate, 1 or the rates."""
    dose = grid.dose_nM[grid.dose_nM > 0]
    spans = {"ki_nM": dose, "km_uM": grid.atp_uM, "alpha": np.ones(1), "vmax": np.abs(grid.rate[grid.rate != 0])}
    return float(np.log(spans[name].min()) - REACH), float(np.log(spans[name].max()) + REACH)


def limit(fit: LawFit, grid: Grid, j: int, side: float, most: float) -> float:
    """Return the limit of ln parameter j on one side, or nan where it is not met within the box."""
    from scipy.optimize import brentq  # noqa: PLC0415  a third of a second to import

    low, high = box(fit.names[j], grid)
    # An estimate that ran off to where the data say nothing is as good at the end of the box.
    inside, warm = float(np.clip(fit.log_values[j], low, high)), fit.log_values
    step, end = 0.02, low if side < 0 else high

    def excess(value: float) -> tuple[float, FloatArray]:
        start = warm.copy()
        start[j] = value
        at, rss = descend(fit.model, start, grid, j)
        return rss - most, at

    while (end - inside) * side > 0:
        outside = inside + side * min(step, abs(end - inside))
        over, at = excess(outside)
        if over > 0:
            # From one start the excess is a plain function of the value, whose sign the walk has shown at both ends.
            return float(brentq(lambda value: excess(value)[0], inside, outside, xtol=1e-9)) if excess(inside)[0] < 0 else inside
        inside, warm, step = outside, at, min(step * 1.6, 0.5)
    return float("nan")
