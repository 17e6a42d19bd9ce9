"""Exchanged columns or rows: two neighbours whose exchange makes the dose series of the plate monotone again.

Two columns that were read, pasted or dispensed in each other's place leave every series across them with a step the wrong way.
Where replicates stand below each other, exchanged rows leave them apart instead. A single bad well does either to one series or
one set of replicates, so the best-mended of them never count: the others must say it too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from benchside.kernels.monotone import exchange_gains
from benchside.stages.assay.analyse.plates.replicates import best_gains, replicate_gains, scaled_groups
from benchside.stages.assay.model import row_letters

SERIES_DOSES: Final = 4
"""Doses in one row or column below which a series cannot tell."""


@dataclass(frozen=True)
class ExchangeRules:
    """When two neighbouring columns or rows count as exchanged; chosen here on simulated plates, see the tests of this module."""

    least_step: float = 0.1
    """Step the wrong way, as a fraction of the window, averaged over the series without the best-mended."""

    least_mended: float = 0.5
    """Share of the series' squared departure from monotone that the exchange mends."""

    least_gain: float = 3.0
    """Standard deviations by which the gain without the best-mended series exceeds what noise gives."""


def exchanges(placed: pl.DataFrame, levels: pl.DataFrame, rules: ExchangeRules) -> pl.DataFrame:
    """Return, for every plate with dose series, the pair that is exchanged: `swapped, swap_mended, n_series`.

    Parameters
    ----------
    placed, levels
        What `positions` and `plate_levels` returned.
    rules
        When a pair counts as exchanged.
    """
    axes = (("column", "row"), ("row", "column"))
    found = [pair_gains(placed, levels, along, across) for along, across in axes]
    groups = scaled_groups(placed, levels)
    found += [replicate_gains(groups, along) for along, _ in axes]
    pairs = judged(pl.concat(found, how="vertical_relaxed"), rules)
    best = (
        pairs.filter("exchanged")
        .sort("plate", "gain", descending=[False, True])
        .unique("plate", keep="first", maintain_order=True)
    )
    series = pairs.group_by("plate", maintain_order=True).agg(n_series=pl.col("series").max().cast(pl.Int64))
    letters = pl.Series([row_letters(k) for k in range(33)])
    where = pl.col("at"), pl.col("at") + 1
    words = [pl.format("columns {} and {}", pl.col("at") + 1, pl.col("at") + 2)]
    words += [
        pl.format(
            "rows {} and {}", *(k.replace_strict(pl.Series(range(33), dtype=pl.Int64), letters, default=None) for k in where)
        )
    ]
    named = best.select(
        "plate", swapped=pl.when(pl.col("along") == "column").then(words[0]).otherwise(words[1]), swap_mended="mended"
    )
    return series.join(named, on="plate", how="left", maintain_order="left").select("plate", "swapped", "swap_mended", "n_series")


def pair_gains(placed: pl.DataFrame, levels: pl.DataFrame, along: str, across: str) -> pl.DataFrame:
    """Return what exchanging each pair of neighbours along one axis mends, per plate; responses as fractions of the window."""
    samples = placed.filter((pl.col("role") == "sample") & (pl.col("concentration_nM") > 0))
    lines = samples.group_by("plate", "curve", across, maintain_order=True).agg("concentration_nM", "signal", along)
    lines = lines.filter(pl.col("concentration_nM").list.n_unique() >= SERIES_DOSES).with_row_index("line")
    points = lines.explode("concentration_nM", "signal", along).join(
        levels.select("plate", "zero", "full", "vehicle_sd"), on="plate", how="left", maintain_order="left"
    )
    window = pl.col("full") - pl.col("zero")
    points = points.with_columns(response=(pl.col("signal") - pl.col("zero")) / window, sd=pl.col("vehicle_sd") / window)
    counts = lines["signal"].list.len().to_numpy().astype(np.int64)
    dose, response = (
        np.ascontiguousarray(points[name].to_numpy(), dtype=np.float64) for name in ("concentration_nM", "response")
    )
    gain, loss = exchange_gains(
        dose, response, np.ascontiguousarray(points[along].to_numpy(), dtype=np.int64), np.concatenate([[0], np.cumsum(counts)])
    )
    each = points.select("plate", "line", "sd", at=along).with_columns(
        gain=pl.Series(gain).fill_nan(None), loss=pl.Series(np.repeat(loss, counts)), size=pl.Series(np.repeat(counts, counts))
    )
    told = each.filter(pl.col("gain").is_not_null())
    return told.group_by("plate", "at", maintain_order=True).agg(
        gain=pl.col("gain").sum(), **best_gains(), loss=pl.col("loss").sum(), series=pl.len(),
        points=pl.col("size").sum(), sd=pl.col("sd").first(),
    ).with_columns(along=pl.lit(along))  # fmt: skip


def judged(pairs: pl.DataFrame, rules: ExchangeRules) -> pl.DataFrame:
    """Return the pairs with the share they mend and whether they count as exchanged.

    The variance of a well is that of the vehicle or what the exchange leaves unmended, whichever is larger. Where two doses
    have one response, the gain of a series is half a squared difference with either sign: its standard deviation is that of
    a squared normal number about zero, the root of 3, in variances.
    """
    others = pl.col("series").cast(pl.Int64) - pl.col("dropped")
    left = (pl.col("loss") - pl.col("gain")).clip(0) / (pl.col("points") / 2)
    variance = pl.max_horizontal(pl.col("sd").fill_null(0.0) ** 2, left)
    gain = pl.col("gain") - pl.col("best")
    step = (2 * gain.clip(0) / others).sqrt()
    surprise = gain > rules.least_gain * variance * (3.0 * others).sqrt()
    mended = pl.when(pl.col("loss") > 0).then(pl.col("gain") / pl.col("loss"))
    return pairs.with_columns(
        mended=mended,
        exchanged=((others >= 1) & surprise & (step >= rules.least_step) & (mended >= rules.least_mended)).fill_null(value=False),
    )
