"""Fitted curves as potencies, the quantity other stages read."""

from typing import Any, Final

import polars as pl

from benchside.core.exchange import Potency
from benchside.core.tables import dataframe

VERSION: Final = "1"


def potency(fits: Any, *, serum_fraction: float | None = None) -> Potency:
    """Return the absolute IC50s of fitted curves as the exchange type; curves without one are left out.

    Parameters
    ----------
    fits
        What `fit` returned, or its table.
    serum_fraction
        Serum in the assay medium as a fraction (0.1 = 10 %); 0 for a cell-free assay; None where it was not recorded.

    Examples
    --------
    >>> import polars as pl
    >>> row = {"curve_id": ["a"], "compound": ["x"], "target": ["ALK"], "variant": ["WT"], "system": ["Ba/F3"], "ic50_nM": [12.0],
    ...     "ic50_lower_nM": [9.0], "ic50_upper_nM": [16.0], "ic50_relation": ["="]}
    >>> potency(pl.DataFrame(row), serum_fraction=0.1).table["value_nM"].to_list()
    [12.0]
    """
    return Potency(potency_table(dataframe(fits), serum_fraction))


def potency_table(fits: pl.DataFrame, serum_fraction: float | None) -> pl.DataFrame:
    """Return the columns of `Potency` for the curves that have an IC50 and name their compound."""
    known = fits.filter(pl.col("ic50_nM").is_not_null() & pl.col("compound").is_not_null())
    return known.select(
        "compound",
        "target",
        pl.col("variant").fill_null("WT"),
        "system",
        quantity=pl.lit("IC50"),
        value_nM=pl.col("ic50_nM"),
        lower_nM=pl.col("ic50_lower_nM"),
        upper_nM=pl.col("ic50_upper_nM"),
        relation=pl.col("ic50_relation"),
        n_curves=pl.lit(1, pl.Int64),
        serum_fraction=pl.lit(serum_fraction, pl.Float64),
        source=pl.lit("measured: assay.fit"),
    )
