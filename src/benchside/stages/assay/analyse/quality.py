"""Plate quality before any IC50: Z' (Zhang 1999, doi:10.1177/108705719900400206), robust Z', SSMD (Zhang 2007, doi:10.1016/j.ygeno.2007.01.005)."""

from typing import Any, Final, Literal

import polars as pl

from benchside.core.evidence import Origin
from benchside.stages.assay.model import Quality, WellTable

VERSION: Final = "1"
MAD_TO_SD: Final = 1.4826
"""Makes the median absolute deviation of normal data estimate their standard deviation."""

Control = Literal["blank", "positive"]


def quality(wells: Any, *, against: Control = "blank") -> Quality:
    """Return the quality of every plate, vehicle wells against blank or positive control wells.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    against
        The zero of the signal window: ``blank`` or ``positive``.

    Returns
    -------
    Quality
        ``.table``: `plate_id, z_prime, robust_z_prime, ssmd, signal_to_background, cv_vehicle, n_vehicle, n_<against>, flags`;
        standard deviations are n - 1. A figure that cannot be had (one well, no control) is null and `flags` says why.

    Examples
    --------
    >>> import polars as pl
    >>> wells = pl.DataFrame({"plate_id": ["P"] * 4, "well": ["A1", "A2", "A3", "A4"],
    ...     "role": ["vehicle", "vehicle", "blank", "blank"], "signal": [100.0, 110.0, 9.0, 11.0]})
    >>> round(quality(wells).table["signal_to_background"][0], 2)
    10.5
    """
    table = WellTable.of(wells).table
    result = quality_table(table, against=against)
    return Quality(result, Origin("assay.quality", VERSION, {"against": against}, (table,)))


def quality_table(table: pl.DataFrame, *, against: Control) -> pl.DataFrame:
    """Return the quality columns of every plate, in the order the plates first appear."""
    names = ["vehicle", "blank"] if against == "blank" else ["vehicle", "blank", "positive"]
    used = table.filter(pl.col("role").is_in(names) & pl.col("signal").is_not_null())
    deviation = (pl.col("signal") - pl.col("signal").median().over("plate_id", "role")).abs()
    moments = used.with_columns(_deviation=deviation).group_by("plate_id", "role").agg(
        mean=pl.col("signal").mean(), sd=pl.col("signal").std(), median=pl.col("signal").median(),
        mad=pl.when(pl.len() > 1).then(pl.col("_deviation").median() * MAD_TO_SD), n=pl.len(),
    )  # fmt: skip
    plates = table.select("plate_id").unique(maintain_order=True)
    for role in names:
        part = (
            moments.filter(pl.col("role") == role)
            .drop("role")
            .rename({name: f"{name}_{role}" for name in ("mean", "sd", "median", "mad", "n")})
        )
        plates = plates.join(part, on="plate_id", how="left", maintain_order="left")
    return plates.select(*_figures(against), _flags(against))


def _figures(against: Control) -> list[pl.Expr]:
    def zero(name: str) -> pl.Expr:
        return pl.col(f"{name}_{against}")

    def vehicle(name: str) -> pl.Expr:
        return pl.col(f"{name}_vehicle")

    return [
        pl.col("plate_id"),
        (1 - 3 * (vehicle("sd") + zero("sd")) / (vehicle("mean") - zero("mean")).abs()).alias("z_prime"),
        (1 - 3 * (vehicle("mad") + zero("mad")) / (vehicle("median") - zero("median")).abs()).alias("robust_z_prime"),
        ((vehicle("mean") - zero("mean")) / (vehicle("sd") ** 2 + zero("sd") ** 2).sqrt()).alias("ssmd"),
        (vehicle("mean") / pl.col("mean_blank")).alias("signal_to_background"),
        (vehicle("sd") / vehicle("mean")).alias("cv_vehicle"),
        vehicle("n").cast(pl.Int64).fill_null(0).alias("n_vehicle"),
        zero("n").cast(pl.Int64).fill_null(0).alias(f"n_{against}"),
    ]


def _flags(against: Control) -> pl.Expr:
    """Words for what a reader of the plate must know; empty where there is nothing."""
    few = (pl.col("n_vehicle").fill_null(0) < 2) | (pl.col(f"n_{against}").fill_null(0) < 2)
    window = pl.col("mean_vehicle") - pl.col(f"mean_{against}")
    spread = 3 * (pl.col("sd_vehicle") + pl.col(f"sd_{against}"))
    return (
        pl.when(few).then(pl.lit(f"fewer than two vehicle or {against} wells: no Z'"))
        .when(window <= 0).then(pl.lit(f"vehicle does not exceed {against}: check the layout for swapped controls"))
        .when(spread >= window).then(pl.lit("failed: Z' is 0 or less, the controls overlap within three standard deviations"))
        .when(spread > window / 2).then(pl.lit("marginal: Z' is below 0.5"))
        .otherwise(pl.lit("")).alias("flags")
    )  # fmt: skip
