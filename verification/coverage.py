"""How often intervals hold the truth: simulated curves of ten doses in triplicate, and of ten doses on replicate plates that differ.

The midpoint lies inside the tested range, the noise is constant, and an open end counts as holding everything on its side; the
share of open ends is printed beside. 95 % +- 2 % is asked of the profile, the default, for every family.
"""

import numpy as np
import polars as pl

import benchside as bs
from benchside.stages.assay.curves import LL3, LL4, LL5, Bootstrap, Curve, Delta, Interval, ProfileLikelihood
from verification.outcome import Outcome

CURVES, DOSES, REPLICATES, NOISE = 2_000, 10, 3, 0.06
LEVEL = 0.95
MIDPOINT = (0.93, 0.97)
"""95 % +- 2 %: four binomial standard errors of 2,000 curves."""

OTHERS = (0.92, 0.98)
"""For delta and bootstrap, which rest on more than the model, and for plates, of which fewer are simulated."""

TOO_NARROW = (0.0, 0.9)
"""For wells that are pooled over plates that differ: the shortfall is what the interval from plates is for."""

RESAMPLED = {"LL3": 500, "LL4": 1_000, "LL5": 200}
PLATE_CURVES = {"LL3": 500, "LL4": 1_000, "LL5": 300}
PLATE_SHIFT = 0.3
"""Standard deviation of the ln midpoint between plates: a factor of 1.35."""

FAMILIES: tuple[Curve, ...] = (LL3(), LL4(), LL5())


def truths(curve: Curve, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return ln doses, and of every curve the ln midpoint, slope, bottom and asymmetry."""
    x = np.log(1000.0 / 3.0 ** np.arange(DOSES))
    mid = rng.uniform(x[-3], x[2], count)
    slope, bottom = np.exp(rng.uniform(np.log(0.7), np.log(2.5), count)), rng.uniform(0.0, 0.3, count)
    g = np.exp(rng.uniform(np.log(0.4), np.log(2.5), count))
    return x, mid, slope, bottom * (curve.name != "LL3"), g if curve.name == "LL5" else np.ones(count)


def responses(x: np.ndarray, mid: np.ndarray, slope: np.ndarray, bottom: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the mean responses, (curves, points); `mid` is (curves, points) or (curves, 1), the others (curves,)."""
    k = np.log(2.0 ** (1.0 / g) - 1.0)[:, None]
    share = np.exp(-g[:, None] * np.logaddexp(0.0, slope[:, None] * (x - mid) + k))
    return bottom[:, None] + (1 - bottom[:, None]) * share


def table_of(x: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    names = np.repeat([f"c{k}" for k in range(len(y))], x.size)
    return pl.DataFrame({"curve_id": names, "concentration_nM": np.tile(np.exp(x), len(y)), "response": y.ravel()})


def simulated(curve: Curve, count: int, seed: int = 1) -> tuple[pl.DataFrame, np.ndarray]:
    """Return responses with constant noise, and the true ln midpoints in nM."""
    rng = np.random.default_rng(seed)
    x, mid, *shape = truths(curve, count, rng)
    x = np.repeat(x, REPLICATES)
    y = responses(x, mid[:, None], *shape)
    return table_of(x, y + NOISE * rng.standard_normal(y.shape)), mid


def on_plates(curve: Curve, count: int, plates: int, shift: float, seed: int = 2) -> tuple[pl.DataFrame, np.ndarray]:
    """Return responses of ten doses on every plate, each plate's midpoint shifted, and the true ln midpoints in nM."""
    rng = np.random.default_rng(seed)
    x, mid, *shape = truths(curve, count, rng)
    own = mid[:, None] + shift * rng.standard_normal((count, plates))
    x = np.tile(x, plates)
    y = responses(x, np.repeat(own, DOSES, axis=1), *shape)
    plate = np.tile(np.repeat([f"P{k}" for k in range(plates)], DOSES), count)
    return table_of(x, y + NOISE * rng.standard_normal(y.shape)).with_columns(plate_id=pl.Series(plate)), mid


def covered(fits: pl.DataFrame, mid: np.ndarray) -> tuple[float, float]:
    """Return the share of curves whose limits hold the midpoint, and the share with an open end."""
    low = fits["ec50_lower_nM"].fill_null(1e-300).to_numpy()
    high = fits["ec50_upper_nM"].fill_null(float("inf")).to_numpy()
    held = float(((np.log(low) <= mid) & (mid <= np.log(high))).mean())
    return held, float(np.mean((low == 1e-300) | np.isinf(high)))


def outcome(name: str, fits: pl.DataFrame, mid: np.ndarray, bounds: tuple[float, float]) -> Outcome:
    held, is_open = covered(fits, mid)
    figure = f"{held:.3f} of {len(mid)} hold the truth; {is_open:.3f} open on a side"
    return Outcome(name, figure, f"{bounds[0]} to {bounds[1]}", bounds[0] <= held <= bounds[1])


def check() -> list[Outcome]:
    """Return the outcomes per family and interval, then those of replicate plates."""
    found = []
    for curve in FAMILIES:
        intervals: list[tuple[Interval, int, tuple[float, float]]] = [
            (ProfileLikelihood(LEVEL), CURVES, MIDPOINT),
            (Delta(LEVEL), CURVES, OTHERS),
            (Bootstrap(n=199, level=LEVEL), RESAMPLED[curve.name], OTHERS),
        ]
        for interval, count, bounds in intervals:
            table, mid = simulated(curve, count)
            fits = bs.assay.fit(table, curve=curve, interval=interval).table
            found.append(outcome(f"coverage of {curve.name}, {interval.name}", fits, mid, bounds))
    for curve in FAMILIES:
        for plates, shift in ((4, PLATE_SHIFT), (6, PLATE_SHIFT), (4, 0.0)):
            table, mid = on_plates(curve, PLATE_CURVES[curve.name], plates, shift)
            name = f"coverage of {curve.name} on {plates} plates, SD {shift} of the ln midpoint"
            found.append(outcome(f"{name}, plates random", bs.assay.fit(table, curve=curve).table, mid, (0.91, 0.98)))
            pooled = bs.assay.fit(table, curve=curve, plates="pooled").table
            found.append(outcome(f"{name}, pooled", pooled, mid, OTHERS if shift == 0.0 else TOO_NARROW))
    return found
