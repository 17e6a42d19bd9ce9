"""Curves fitted to responses: the global optimum, an interval, both IC50s, and a sentence for whatever is open or failed."""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtrit

from benchside.core.evidence import Origin
from benchside.kernels import dose_interval, dose_response
from benchside.stages.assay.model import LL4, Delta, FitStatus, Fits, Interval, ProfileLikelihood, ResponseTable

VERSION: Final = "1"
HALF: Final = 0.5
"""The response that defines the absolute IC50."""

DESCRIBED: Final = ("compound", "target", "variant", "system")

FloatArray = npt.NDArray[np.float64]


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
    del plates
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
    used = table.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())
    grouped = used.group_by("curve_id", maintain_order=True).agg("concentration_nM", "response")
    grouped = every.select("curve_id").join(grouped, on="curve_id", how="left", maintain_order="left")
    counts = grouped["response"].list.len().fill_null(0).to_numpy().astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    flat = (
        grouped.select("concentration_nM", "response")
        .filter(pl.col("response").is_not_null())
        .explode("concentration_nM", "response")
    )
    dose = np.ascontiguousarray(flat["concentration_nM"].to_numpy(), dtype=np.float64)
    response = np.ascontiguousarray(flat["response"].to_numpy(), dtype=np.float64)
    columns = curve_columns(dose, response, offsets, interval)
    return every.hstack(pl.DataFrame(columns, nan_to_null=True))


def curve_columns(
    dose_nM: FloatArray, response: FloatArray, offsets: npt.NDArray[np.int64], interval: Interval
) -> dict[str, Any]:
    """Return the columns of fits as arrays, nan where there is no value; curve k owns rows offsets[k] to offsets[k + 1]."""
    with np.errstate(divide="ignore"):
        x = np.log(dose_nM)
    w, counts = np.ones_like(response), np.diff(offsets)
    fits = dose_response.fit_all(x, response, w, offsets, dose_response.STARTS)
    lowest, highest, distinct = tested_range(dose_nM, offsets)
    few = (counts <= LL4.parameters) | (distinct < LL4.parameters)
    fits[few] = np.nan
    fits[few, dose_response.FITTED] = 0.0
    fitted = fits[:, dose_response.FITTED] == 1.0
    low, high, slope, mid = (fits[:, c] for c in (dose_response.LOW, dose_response.HIGH, dose_response.SLOPE, dose_response.MID))
    falls = low >= high
    limits = interval_limits(x, response, w, offsets, fits, interval)
    with np.errstate(invalid="ignore"):
        share = (HALF - high) / (low - high)
        half = np.where((share > 0) & (share < 1), mid + np.log((1 - share) / share) / slope, np.nan)
        top_response, first_response = curve_at(fits, np.log(highest)), curve_at(fits, np.log(lowest))
    above = fitted & falls & (top_response > HALF)
    below = fitted & falls & (first_response < HALF)
    rising = fitted & ~falls
    inside = fitted & falls & ~above & ~below
    ic50 = np.where(above, highest, np.where(below, lowest, np.where(inside, np.exp(half), np.nan)))
    relation = np.where(above, ">", np.where(below, "<", "="))
    limits[~inside, 2:] = np.nan
    outside = fitted & ((mid < np.log(lowest)) | (mid > np.log(highest)))
    words = statuses(fitted, few, fits, limits, above, below, rising, inside, outside, interval)
    return {
        "curve": [LL4.name] * len(counts),
        "top": np.where(falls, low, high),
        "bottom": np.where(falls, high, low),
        "slope": np.where(falls, slope, -slope),
        "ec50_nM": np.exp(mid),
        "ec50_lower_nM": np.exp(limits[:, 0]),
        "ec50_upper_nM": np.exp(limits[:, 1]),
        "ic50_nM": ic50,
        "ic50_relation": pl.Series(relation).set(pl.Series(np.isnan(ic50)), None),
        "ic50_lower_nM": np.exp(limits[:, 2]),
        "ic50_upper_nM": np.exp(limits[:, 3]),
        "auc": area(fits, np.log(lowest), np.log(highest)),
        "rss": fits[:, dose_response.RSS],
        "n_points": counts,
        "lowest_nM": lowest,
        "highest_nM": highest,
        "status": words,
    }


def tested_range(dose_nM: FloatArray, offsets: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Return the lowest and highest dose above 0 and the number of distinct doses (0 counts) of every curve."""
    curve = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    frame = pl.DataFrame({"curve": curve, "dose": dose_nM})
    above = pl.col("dose").filter(pl.col("dose") > 0)
    found = frame.group_by("curve").agg(low=above.min(), high=above.max(), n=pl.col("dose").n_unique())
    found = pl.DataFrame({"curve": np.arange(len(offsets) - 1)}).join(found, on="curve", how="left", maintain_order="left")
    low, high = (found[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("low", "high"))
    return low, high, found["n"].fill_null(0).to_numpy().astype(np.int64)


def interval_limits(
    x: FloatArray, y: FloatArray, w: FloatArray, offsets: npt.NDArray[np.int64], fits: FloatArray, interval: Interval
) -> FloatArray:
    """Return (curves, 4) ln limits of the midpoint and of the IC50; nan where open or not to be had."""
    freedom = np.diff(offsets) - LL4.parameters
    quantile = stdtrit(np.maximum(freedom, 1), 0.5 + interval.level / 2)
    if isinstance(interval, Delta):
        errors = dose_interval.delta_errors(x, y, w, offsets, fits, HALF)
        half = quantile[:, None] * errors
        mid = fits[:, dose_response.MID]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (HALF - fits[:, dose_response.HIGH]) / (fits[:, dose_response.LOW] - fits[:, dose_response.HIGH])
            at = mid + np.log((1 - share) / share) / fits[:, dose_response.SLOPE]
        return np.column_stack([mid - half[:, 0], mid + half[:, 0], at - half[:, 1], at + half[:, 1]])
    # F with one numerator degree of freedom is the square of t.
    factor = np.where(freedom > 0, 1 + quantile**2 / np.maximum(freedom, 1), np.nan)
    return dose_interval.profile_limits(x, y, w, offsets, fits, factor, HALF)


def curve_at(fits: FloatArray, x: FloatArray) -> FloatArray:
    """Return the fitted response of every curve at its own log dose x."""
    u = np.clip(fits[:, dose_response.SLOPE] * (x - fits[:, dose_response.MID]), -700, 700)
    f = 1 / (1 + np.exp(u))
    return np.asarray(fits[:, dose_response.LOW] * f + fits[:, dose_response.HIGH] * (1 - f))


def area(fits: FloatArray, lowest: FloatArray, highest: FloatArray) -> FloatArray:
    """Return the mean response of every fitted curve over its tested log doses, in closed form."""
    low, high, slope, mid = (fits[:, c] for c in (dose_response.LOW, dose_response.HIGH, dose_response.SLOPE, dose_response.MID))
    # The integral of 1 / (1 + exp(u)) is u - log(1 + exp(u)), written so that neither end overflows.
    above = -np.logaddexp(0.0, -slope * (highest - mid))
    below = -np.logaddexp(0.0, -slope * (lowest - mid))
    return np.asarray(high + (low - high) * (above - below) / (slope * (highest - lowest)))


def statuses(
    fitted: npt.NDArray[np.bool_], few: npt.NDArray[np.bool_], fits: FloatArray, limits: FloatArray, above: npt.NDArray[np.bool_],
    below: npt.NDArray[np.bool_], rising: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], outside: npt.NDArray[np.bool_],
    interval: Interval,
) -> list[str]:  # fmt: skip
    """Return the sentences of every curve: `ok`, or all that apply, in the order a reader needs them."""
    open_low, open_high = np.isnan(limits[:, 0]), np.isnan(limits[:, 1])
    no_error = fitted & open_low if isinstance(interval, Delta) else np.zeros_like(fitted)
    open_words = fitted & ~no_error
    rules = [
        (few, FitStatus.too_few),
        (~fitted & ~few, FitStatus.constant),
        (rising, FitStatus.rising),
        (above, FitStatus.above),
        (below, FitStatus.below),
        (outside, FitStatus.midpoint_outside),
        (fitted & ~outside & (fits[:, dose_response.SLOPE] >= 0.999 * dose_response.SLOPE_MAX), FitStatus.step),
        (no_error, FitStatus.no_error),
        (open_words & open_low & open_high, FitStatus.open_both),
        (open_words & open_low & ~open_high, FitStatus.open_lower),
        (open_words & ~open_low & open_high, FitStatus.open_upper),
        (inside & ~no_error & ~open_low & ~open_high & np.isnan(limits[:, 2:]).any(axis=1), FitStatus.open_ic50),
    ]
    said: list[list[str]] = [[] for _ in range(len(fitted))]
    for where, sentence in rules:
        for k in np.flatnonzero(where):
            said[k].append(sentence.value)
    return [" ".join(words) or FitStatus.ok.value for words in said]
