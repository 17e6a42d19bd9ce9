"""Simulated responses for the tests of fits: families, plates, outliers; seeded."""

import numpy as np
import polars as pl

LN3 = np.log(3.0)


def shapes(x, *, mid, slope, bottom, g=1.0, top=1.0):
    """Return the response at log doses, half-way between top and bottom at `mid`."""
    k = np.log(2 ** (1 / g) - 1)
    return bottom + (top - bottom) * np.exp(-g * np.logaddexp(0.0, slope * (x - mid) + k))


def simulated(curves, *, seed, doses=10, replicates=3, noise=0.06, bottom=0.3, asymmetry=1.0):
    """Return responses of curves whose midpoint lies within the doses, and the true ln midpoints in nM.

    `bottom` is the most a bottom may be, `asymmetry` the most an asymmetry may be (and one over it the least).
    """
    rng = np.random.default_rng(seed)
    dose = 1000.0 / 3.0 ** np.arange(doses)
    mid = rng.uniform(np.log(dose[-3]), np.log(dose[2]), curves)
    slope, floor = np.exp(rng.uniform(np.log(0.7), np.log(2.5), curves)), rng.uniform(0, bottom, curves)
    g = np.exp(rng.uniform(-np.log(asymmetry), np.log(asymmetry), curves))
    x = np.repeat(np.log(dose), replicates)
    y = np.stack([shapes(x, mid=m, slope=s, bottom=b, g=a) for m, s, b, a in zip(mid, slope, floor, g, strict=True)])
    return frame(x, y + noise * rng.standard_normal(y.shape)), mid


def on_plates(curves, *, seed, plates=4, shift=0.3, level=0.0, noise=0.06):
    """Return one curve of ten doses on every plate, each plate with a midpoint (and a level) of its own, and the true ln midpoints."""
    rng = np.random.default_rng(seed)
    x = np.log(1000.0 / 3.0 ** np.arange(10))
    mid = rng.uniform(x[-3], x[2], curves)
    slope, floor = np.exp(rng.uniform(np.log(0.7), np.log(2.5), curves)), rng.uniform(0, 0.3, curves)
    rows = []
    for m, s, b in zip(mid, slope, floor, strict=True):
        own = m + shift * rng.standard_normal(plates)
        scale = 1 + level * rng.standard_normal(plates)
        rows.append(np.concatenate([a * shapes(x, mid=o, slope=s, bottom=b) for a, o in zip(scale, own, strict=True)]))
    y = np.stack(rows)
    names = np.repeat([f"P{k}" for k in range(plates)], x.size)
    table = frame(np.tile(x, plates), y + noise * rng.standard_normal(y.shape))
    return table.with_columns(plate_id=pl.Series(np.tile(names, curves))), mid


def frame(x, y):
    names = np.repeat([f"c{k}" for k in range(len(y))], len(x))
    return pl.DataFrame({"curve_id": names, "concentration_nM": np.tile(np.exp(x), len(y)), "response": y.ravel()})


def coverage(table, mid):
    """Return the share of curves whose limits hold the true ln midpoint; an open end holds everything on its side."""
    low = table["ec50_lower_nM"].fill_null(1e-300).to_numpy()
    high = table["ec50_upper_nM"].fill_null(float("inf")).to_numpy()
    return float(((np.log(low) <= mid) & (mid <= np.log(high))).mean())
