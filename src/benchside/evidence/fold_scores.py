"""How far the fold model can be trusted: each source is left out in turn and predicted from the others.

The rival says that a drug has one fold: the median of its folds, with their spread. Verified folds and those recalled from memory
are scored apart, and the agreement of laboratories with one another is the ceiling for any prediction.
"""

from typing import Final

import numpy as np
import polars as pl
from scipy.special import log_ndtr

from benchside.evidence.folds import folds
from benchside.evidence.shifts import Fitted, fitted

LEAST_FOR_SPREAD: Final = 3
"""Folds of a drug from which its own standard deviation is taken; below it the rival uses the one pooled over drugs."""


def leave_one_source_out(*, verified_only: bool = True, level: float = 0.9) -> pl.DataFrame:
    """Return every fold beside its prediction from the folds of all other sources.

    Parameters
    ----------
    verified_only
        True: folds from memory are neither predicted nor learned from.
    level
        Probability of the intervals.

    Returns
    -------
    polars.DataFrame
        The columns of `folds` and `predicted, lower, upper, covered, log_score, rival_own, rival_pooled`: the interval is for a new
        measurement in a new laboratory by the readout of the fold; a bound is covered when the interval reaches beyond it, and scores the
        chance of lying beyond it; scores are natural logs of the density of ln fold, higher is better.

    Examples
    --------
    >>> leave_one_source_out().height == folds().height
    True
    """
    data = folds(verified_only=verified_only)
    parts = []
    for source in data["source_id"].unique(maintain_order=True):
        rest = data.filter(pl.col("source_id") != source)
        parts.append(score(rest, data.filter(pl.col("source_id") == source), level=level))
    return pl.concat(parts)


def memory_apart(*, level: float = 0.9) -> pl.DataFrame:
    """Return every fold recalled from memory beside its prediction from the verified folds alone, as `leave_one_source_out`.

    Examples
    --------
    >>> memory_apart()["verified"].unique().to_list()
    ['memory']
    """
    every = folds(verified_only=False)
    return score(folds(), every.filter(pl.col("verified") == "memory"), level=level)


def score(known: pl.DataFrame, held_out: pl.DataFrame, *, level: float) -> pl.DataFrame:
    """Return `held_out` with its prediction from `known`, and the scores of model and rivals."""
    model: Fitted = fitted(known)
    rows = [(row["compound"], row["variant"], row["source_id"], row["readout"]) for row in held_out.iter_rows(named=True)]
    found = model.model.predict(model.labels(rows), measured=True)
    at = np.log(held_out["fold"].to_numpy())
    side = held_out["relation"].replace_strict({"=": 0, "~": 0, ">": 1, "<": -1}, return_dtype=pl.Int64).to_numpy()
    tail = (1 - level) / 2
    lower, upper = found.quantile(tail), found.quantile(1 - tail)
    inside = np.where(side == 0, (lower <= at) & (at <= upper), np.where(side > 0, upper > at, lower < at))
    chance = found.below(at)
    beyond = np.log(np.clip(np.where(side > 0, 1 - chance, chance), 1e-300, 1.0))
    log_score = np.where(side == 0, found.log_density(at), beyond)
    rivals = {
        f"rival_{spread}": [drug_median(known, drug, y, s, own=spread == "own") for drug, y, s in zip(held_out["compound"], at, side, strict=True)]
        for spread in ("own", "pooled")
    }  # fmt: skip
    return held_out.with_columns(
        predicted=np.exp(found.quantile(0.5)), lower=np.exp(lower), upper=np.exp(upper), covered=inside, log_score=log_score,
        **{name: pl.Series(values) for name, values in rivals.items()},
    )  # fmt: skip


def drug_median(known: pl.DataFrame, compound: str, ln_fold: float, side: int, *, own: bool) -> float:
    """Return the log score of the rival: normal about the median ln fold of the drug.

    Its standard deviation is that of the drug's own folds, where there are three or more and `own` is asked, else that of all folds
    about the median of their drug. A drug without a fold gets the median and the standard deviation of all folds.
    """
    exact = known.filter(pl.col("relation").is_in(["=", "~"])).with_columns(y=pl.col("fold").log())
    of_drug = exact.filter(pl.col("compound") == compound)["y"].to_numpy()
    every = exact["y"].to_numpy()
    residual = exact.select(pl.col("y") - pl.col("y").median().over("compound"))["y"].to_numpy()
    pooled = float(np.sqrt(np.sum(residual**2) / max(every.size - exact["compound"].n_unique(), 1)))
    if of_drug.size == 0:
        centre, spread = float(np.median(every)), float(np.std(every, ddof=1))
    else:
        centre, spread = float(np.median(of_drug)), pooled
        if own and of_drug.size >= LEAST_FOR_SPREAD:
            spread = float(np.std(of_drug, ddof=1))
    z = (ln_fold - centre) / spread
    if side:
        return float(log_ndtr(-side * z))
    return float(-0.5 * z**2 - np.log(spread * np.sqrt(2 * np.pi)))


def summary(scored: pl.DataFrame) -> dict[str, float]:
    """Return counts, coverage and mean log scores of a scored table; coverage is of folds that are values, bounds apart."""
    exact = scored.filter(pl.col("relation").is_in(["=", "~"]))
    bounds = scored.filter(pl.col("relation").is_in(["<", ">"]))
    width = (exact["upper"] / exact["lower"]).log().median()
    return {
        "folds": exact.height, "covered": float(exact["covered"].sum()), "bounds": bounds.height, "bounds_met": float(bounds["covered"].sum()),
        "median_width_fold": float(np.exp(float(width))) if isinstance(width, float) else float("nan"),
        **{name: float(np.mean(scored[name].to_numpy())) for name in ("log_score", "rival_own", "rival_pooled")},
    }  # fmt: skip
