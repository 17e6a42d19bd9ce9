"""Dose-response fits: ours through the public door, the bare kernel on the same arrays, and scipy."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import expit

import benchside as bs
from benchmarks.timing import Row, beside, timed
from benchside.kernels import dose_response
from benchside.kernels._jit import threads

GDSC = Path(__file__).resolve().parents[2] / "shared" / "data" / "assay" / "gdsc_curves.parquet"
DELTA_PER_SECOND, PROFILE_PER_SECOND, SHARE_OF_KERNEL = 7_000, 1_000, 0.8
SCIPY_CURVES = 150


def simulated(curves: int, *, seed: int = 1) -> pl.DataFrame:
    """Return 9-point curves a factor sqrt(10) apart, plateaus, slopes and midpoints as screens have them."""
    rng, dose = np.random.default_rng(seed), 10.0 ** np.arange(0, 4.5, 0.5)
    mid = rng.uniform(np.log(dose[0]) - 1, np.log(dose[-1]) + 1, (curves, 1))
    slope, bottom = np.exp(rng.normal(0.1, 0.5, (curves, 1))), rng.uniform(0, 0.5, (curves, 1))
    response = bottom + (1 - bottom) * expit(-slope * (np.log(dose) - mid)) + 0.05 * rng.standard_normal((curves, dose.size))
    names = np.repeat([f"c{k}" for k in range(curves)], dose.size)
    return pl.DataFrame({"curve_id": names, "concentration_nM": np.tile(dose, curves), "response": response.ravel()})


def gdsc() -> pl.DataFrame:
    """Return the GDSC curves as a response table."""
    held: pl.DataFrame = bs.assay.ResponseTable.from_frame(
        pl.read_parquet(GDSC), concentration="conc", concentration_unit="uM"
    ).table
    return held


def scipy_fits(table: pl.DataFrame) -> int:
    """Fit every curve with scipy's bounded least squares, as its documentation shows; returns how many converged."""
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        for _, part in table.group_by("curve_id", maintain_order=True):
            x, y = np.log(part["concentration_nM"].to_numpy()), part["response"].to_numpy()
            box = ([-10.0, -10.0, 0.0, x.min() - 9.2], [10.0, 10.0, 50.0, x.max() + 9.2])
            try:
                curve_fit(_curve, x, y, [1.0, 0.0, 1.0, float(x.mean())], bounds=box)
            except RuntimeError:
                continue
            done += 1
    return done


def _curve(x: np.ndarray, top: float, bottom: float, slope: float, mid: float) -> np.ndarray:
    return np.asarray(bottom + (top - bottom) * expit(-slope * (x - mid)))


def rows(*, quick: bool) -> list[Row]:
    """Measure everything on one thread."""
    before = threads()
    threads(1)
    try:
        sets = {"simulated 9-point": simulated(2_000 if quick else 20_000)}
        if GDSC.is_file():
            sets["GDSC"] = gdsc()
        found = [row for name, table in sets.items() for row in _one_set(name, table, repeats=3 if quick else 5)]
        found += _families(simulated(500 if quick else 2_000))
        if not GDSC.is_file():
            found.append(Row("LL4 fits, GDSC", "", "", "", "shared/ is not beside the checkout", None))
        return found
    finally:
        threads(before)


def _one_set(name: str, table: pl.DataFrame, *, repeats: int) -> list[Row]:
    table = table.drop_nulls("response")
    curves = table["curve_id"].n_unique()
    counts = table.group_by("curve_id", maintain_order=True).len()["len"].to_numpy()
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    with np.errstate(divide="ignore"):
        x = np.log(table["concentration_nM"].to_numpy())
    y = np.ascontiguousarray(table["response"].to_numpy())
    w = np.ones_like(y)
    ours, kernel = beside(
        lambda: bs.assay.fit(table, interval=bs.assay.Delta()).table,
        lambda: dose_response.fit_all(x, y, w, offsets, dose_response.FREE, dose_response.STARTS),
        repeats=repeats,
    )
    few = table.filter(pl.col("curve_id").is_in(table["curve_id"].unique(maintain_order=True).head(SCIPY_CURVES).to_list()))
    theirs = timed(lambda: scipy_fits(few), repeats=3)
    profile = timed(lambda: bs.assay.fit(table, interval=bs.assay.ProfileLikelihood()).table, repeats=repeats)
    speed, bare, slow = curves / ours.cpu, curves / kernel.cpu, few["curve_id"].n_unique() / theirs.cpu
    return [
        Row(
            f"LL4 + delta, {name}, {curves} curves",
            f"{speed:,.0f}/s a core (wall {curves / ours.wall:,.0f}/s)",
            f"bare kernel {bare:,.0f}/s",
            f"{speed / bare:.2f}",
            f">= {DELTA_PER_SECOND:,}/s and >= {SHARE_OF_KERNEL} x kernel",
            speed >= DELTA_PER_SECOND and speed >= SHARE_OF_KERNEL * bare,
        ),
        Row(
            f"LL4 + delta, {name}",
            f"{speed:,.0f}/s a core",
            f"scipy curve_fit {slow:,.0f}/s",
            f"{speed / slow:,.0f}",
            ">= 100 x" if name == "GDSC" else "stated",
            speed >= 100 * slow if name == "GDSC" else None,
        ),
        Row(
            f"LL4 + profile, {name}",
            f"{curves / profile.cpu:,.0f}/s a core (wall {curves / profile.wall:,.0f}/s)",
            f"delta {speed:,.0f}/s",
            f"{curves / profile.cpu / speed:.2f}",
            f">= {PROFILE_PER_SECOND:,}/s",
            curves / profile.cpu >= PROFILE_PER_SECOND,
        ),
    ]


def _families(table: pl.DataFrame) -> list[Row]:
    """Measure the other families, with profile intervals."""
    curves, found = table["curve_id"].n_unique(), []
    base = timed(lambda: bs.assay.fit(table).table, repeats=3)
    for curve in (bs.assay.LL3(), bs.assay.LL5()):
        made = timed(partial(bs.assay.fit, table, curve=curve), repeats=3)
        ours, four = curves / made.cpu, curves / base.cpu
        found.append(
            Row(
                f"{curve.name} + profile, simulated 9-point",
                f"{ours:,.0f}/s a core",
                f"LL4 {four:,.0f}/s",
                f"{ours / four:.2f}",
                "stated",
                None,
            )
        )
    return found
