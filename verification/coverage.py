"""How often intervals hold the truth: simulated curves of ten doses in triplicate, the midpoint inside the tested range."""

import numpy as np
import polars as pl

import benchside as bs
from verification.outcome import Outcome

CURVES, DOSES, REPLICATES, NOISE = 2_000, 10, 3, 0.06
LEVEL = 0.95
LEAST, MOST = 0.935, 0.965
"""95 % with three binomial standard errors of 2,000 curves."""


def simulated(seed: int = 1) -> tuple[pl.DataFrame, np.ndarray]:
    """Return responses with constant noise, and the true ln midpoints in nM."""
    rng = np.random.default_rng(seed)
    dose = 1000.0 / 3.0 ** np.arange(DOSES)
    mid = rng.uniform(np.log(dose[-3]), np.log(dose[2]), CURVES)
    slope, bottom = np.exp(rng.uniform(np.log(0.7), np.log(2.5), CURVES)), rng.uniform(0.0, 0.3, CURVES)
    x = np.repeat(np.log(dose), REPLICATES)
    share = 1 / (1 + np.exp(slope[:, None] * (x - mid[:, None])))
    response = bottom[:, None] + (1 - bottom[:, None]) * share + NOISE * rng.standard_normal((CURVES, x.size))
    names = np.repeat([f"c{k}" for k in range(CURVES)], x.size)
    table = {"curve_id": names, "concentration_nM": np.tile(np.exp(x), CURVES), "response": response.ravel()}
    return pl.DataFrame(table), mid


def check() -> list[Outcome]:
    """Return the outcomes of the profile and of the delta interval of the midpoint."""
    table, mid = simulated()
    found = []
    for interval in (bs.assay.ProfileLikelihood(level=LEVEL), bs.assay.Delta(level=LEVEL)):
        fits = bs.assay.fit(table, interval=interval).table
        low = fits["ec50_lower_nM"].fill_null(0.0).to_numpy()
        high = fits["ec50_upper_nM"].fill_null(float("inf")).to_numpy()
        covered = float(((np.log(np.maximum(low, 1e-300)) <= mid) & (mid <= np.log(high))).mean())
        is_open = float((fits["ec50_lower_nM"].is_null() | fits["ec50_upper_nM"].is_null()).mean() or 0.0)
        figure = f"{covered:.3f} of {CURVES} hold the truth; {is_open:.3f} open on a side"
        found.append(Outcome(f"coverage of the {interval.name} interval", figure, f"{LEAST} to {MOST}", LEAST <= covered <= MOST))
    return found
