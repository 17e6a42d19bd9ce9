"""Exchanged columns or rows as replicates see them: wells that should read alike do so again once two neighbours are exchanged.

Where replicates stand below each other, two exchanged rows leave every dose series monotone, and only the replicates tell.
"""

from typing import Final

import numpy as np
import polars as pl

WELL: Final = ("plate", "row", "column")

LINES: Final = 64
"""More than a plate has rows or columns, so that a group and a line make one number."""

DROPPED: Final = 0.15
"""Share of the series or groups, at least one, that bad wells may have made look exchanged: the best-mended do not count."""


def replicate_gains(wells: pl.DataFrame, along: str) -> pl.DataFrame:
    """Return what exchanging each pair of neighbours along one axis takes off the scatter of replicates, per plate.

    A group is the wells of one compound and dose, or of one control. The scatter of a group is its sum of squares about its
    mean; an exchange gives some of its wells the signals of their neighbours.

    Parameters
    ----------
    wells
        What `scaled_groups` returned.
    along
        ``column`` or ``row``.

    Returns
    -------
    DataFrame
        `plate, at` (the first of the pair, from 0)`, gain, dropped, best` (how many groups gain most, and what)`, loss, series`
        (groups that could tell)`, points, sd, along`, in fractions of the signal window.
    """
    moved = exchanged_sums(wells, along)
    groups = wells.group_by("group", maintain_order=True).agg(
        n=pl.len(),
        total=pl.col("y").sum(),
        squared=(pl.col("y") ** 2).sum(),
        sd=pl.col("sd").first(),
        plate=pl.col("plate").first(),
    )
    told = moved.join(groups, on="group", how="left", maintain_order="left")
    told = told.filter(pl.col("n") > 1)
    before = pl.col("squared") - pl.col("total") ** 2 / pl.col("n")
    after = pl.col("squared") + pl.col("squares") - (pl.col("total") + pl.col("shift")) ** 2 / pl.col("n")
    return told.with_columns(loss=before, gain=before - after).group_by("plate", "at", maintain_order=True).agg(
        pl.col("gain").sum(), **best_gains(), loss=pl.col("loss").sum(), series=pl.len(),
        points=pl.col("n").sum(), sd=pl.col("sd").first(),
    ).sort("plate", "at").with_columns(along=pl.lit(along))  # fmt: skip


def exchanged_sums(wells: pl.DataFrame, along: str) -> pl.DataFrame:
    """Return `group, at, shift, squares`: what an exchange of a pair of neighbours adds to the sum and the sum of squares of a group."""
    place = {name: wells[name].to_numpy().astype(np.int64) for name in WELL}
    row, column = place["row"], place["column"]
    index = np.full((place["plate"].max(initial=0) + 1, row.max(initial=0) + 2, column.max(initial=0) + 2), -1, dtype=np.int32)
    index[place["plate"], row, column] = np.arange(wells.height, dtype=np.int32)
    # A table of wells by their place finds neighbours in a third of the time of a join.
    near = index[place["plate"], row + (along == "row"), column + (along == "column")]
    group, y = wells["group"].to_numpy().astype(np.int64), wells["y"].to_numpy()
    own = np.flatnonzero((near >= 0) & (group != group[near]))
    other = near[own]
    change, squares = y[other] - y[own], y[other] ** 2 - y[own] ** 2
    at = place[along][own]
    key = np.concatenate([group[own] * LINES + at, group[other] * LINES + at])
    sums = pl.DataFrame({"key": key, "shift": np.concatenate([change, -change]), "squares": np.concatenate([squares, -squares])})
    found = sums.group_by("key", maintain_order=True).agg(pl.col("shift", "squares").sum())
    return found.select(
        (pl.col("key") // LINES).cast(pl.UInt32).alias("group"), (pl.col("key") % LINES).alias("at"), "shift", "squares"
    )


def best_gains() -> dict[str, pl.Expr]:
    """Return the expressions of how many of the series or groups that gain most do not count, and of what they gain."""
    dropped = (pl.len() * DROPPED).ceil().cast(pl.Int64)
    return {"dropped": dropped, "best": pl.col("gain").sort(descending=True).slice(0, dropped).sum()}


def scaled_groups(placed: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Return the wells with the number of their group and their signal as a fraction of the window, on plates with replicates."""
    used = placed.filter(pl.col("role") != "excluded")
    key = ["plate", "role", "curve", "concentration_nM"]
    sizes = used.group_by(key, maintain_order=True).agg(n=pl.len()).with_row_index("group")
    replicated = sizes.filter((pl.col("role") == "sample") & (pl.col("n") > 1)).select("plate").unique()
    wells = used.join(replicated, on="plate", how="semi", maintain_order="left").join(
        sizes, on=key, how="left", nulls_equal=True, maintain_order="left"
    )
    wells = wells.join(levels.select("plate", "zero", "full", "vehicle_sd"), on="plate", how="left", maintain_order="left")
    window = pl.col("full") - pl.col("zero")
    return wells.select(*WELL, "group", y=(pl.col("signal") - pl.col("zero")) / window, sd=pl.col("vehicle_sd") / window)
