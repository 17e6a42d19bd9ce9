"""Fitted curves as potencies, the quantity other stages read: one for a compound, variant and system, however many curves it has."""

import math
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from benchside.core.exchange import Potency
from benchside.core.tables import dataframe

VERSION: Final = "2"
KEY: Final = ("compound", "target", "variant", "system")
RANDOM_FROM: Final = 4
"""From so many curves on their own spread gives the interval; with fewer it would rest on next to nothing."""


def potency(fits: Any, *, serum_fraction: float | None = None, level: float = 0.95) -> Potency:
    """Return the absolute IC50s of fitted curves as the exchange type; curves without one are left out.

    Parameters
    ----------
    fits
        What `fit` returned, or its table.
    serum_fraction
        Serum in the assay medium as a fraction (0.1 = 10 %); 0 for a cell-free assay; None where it was not recorded.
    level
        The level of the intervals of the fits; pooled intervals get the same.

    Notes
    -----
    Several curves of one compound, target, variant and system (other plates under other names) give one
    geometric mean: from four on with Student's t interval of their logarithms, with two or three weighted by their own
    intervals. Where one of them is censored the median curve stands for all, without limits. `source` says which it was.

    Examples
    --------
    >>> import polars as pl
    >>> row = {"curve_id": ["a"], "compound": ["x"], "target": ["ALK"], "variant": ["WT"], "system": ["Ba/F3"], "ic50_nM": [12.0],
    ...     "ic50_lower_nM": [9.0], "ic50_upper_nM": [16.0], "ic50_relation": ["="]}
    >>> potency(pl.DataFrame(row), serum_fraction=0.1).table["value_nM"].to_list()
    [12.0]
    """
    return Potency(potency_table(dataframe(fits), serum_fraction, level))


def at_one_atp(fits: pl.DataFrame, wanted_uM: float | None) -> pl.DataFrame:
    """Return the fits of one ATP level a compound, target, variant and system: an IC50 of a kinase is that of its ATP.

    Where curves stand at several levels those at `wanted_uM` are kept; none where it is not among them, since a mean over levels
    is the potency of nothing.
    """
    if "atp_uM" not in fits.columns:
        return fits
    level = pl.col("atp_uM")
    several = level.n_unique().over(KEY) > 1
    return fits.filter(~several | ((level - pl.lit(wanted_uM, pl.Float64)).abs() <= 1e-9 * level).fill_null(value=False))


def known(fits: pl.DataFrame) -> pl.DataFrame:
    """Return the fits that have an IC50 and name their compound, variants without a name as WT; in their order."""
    return fits.filter(pl.col("ic50_nM").is_not_null() & pl.col("compound").is_not_null()).with_columns(
        pl.col("variant").fill_null("WT")
    )


def potency_table(fits: pl.DataFrame, serum_fraction: float | None, level: float = 0.95) -> pl.DataFrame:
    """Return the columns of `Potency`, one row a compound, target, variant and system."""
    columns = {"value_nM": "ic50_nM", "lower_nM": "ic50_lower_nM", "upper_nM": "ic50_upper_nM", "relation": "ic50_relation"}
    grouped = known(fits).group_by(KEY, maintain_order=True).agg(pl.col(theirs).alias(ours) for ours, theirs in columns.items())
    one = grouped.filter(pl.col("value_nM").list.len() == 1).explode(list(columns)).with_columns(
        n_curves=pl.lit(1, pl.Int64), source=pl.lit("measured: assay.fit")
    )  # fmt: skip
    several = grouped.filter(pl.col("value_nM").list.len() > 1)
    pooled = [
        pool(row["value_nM"], row["lower_nM"], row["upper_nM"], row["relation"], level) for row in several.iter_rows(named=True)
    ]
    schema = {
        **dict.fromkeys(("value_nM", "lower_nM", "upper_nM"), pl.Float64),
        "relation": pl.String,
        "n_curves": pl.Int64,
        "source": pl.String,
    }
    found = pl.concat([one, several.select(KEY).hstack(pl.DataFrame(pooled, schema=schema, orient="row"))], how="diagonal")
    table = grouped.select(KEY).join(found, on=list(KEY), how="left", nulls_equal=True, maintain_order="left")
    return table.select(
        *KEY, quantity=pl.lit("IC50"), value_nM="value_nM", lower_nM="lower_nM", upper_nM="upper_nM", relation="relation",
        n_curves="n_curves", serum_fraction=pl.lit(serum_fraction, pl.Float64), source="source",
    )  # fmt: skip


def pool(
    values: Sequence[float],
    lowers: Sequence[float | None],
    uppers: Sequence[float | None],
    relations: Sequence[str],
    level: float,
) -> tuple[float, float | None, float | None, str, int, str]:
    """Return (value, lower, upper, relation, curves, source) of several curves of one potency."""
    count = len(values)
    if set(relations) != {"="}:
        rank = {"<": -math.inf, ">": math.inf}
        order = sorted(range(count), key=lambda k: (rank.get(relations[k], values[k]), values[k]))
        middle = order[(count - 1) // 2]
        words = f"measured: assay.fit, median of {count} curves, {sum(one != '=' for one in relations)} of them beyond the tested doses"
        return values[middle], None, None, relations[middle], count, words
    logs = [math.log(value) for value in values]
    if count >= RANDOM_FROM:
        from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import

        mean = sum(logs) / count
        error = math.sqrt(sum((value - mean) ** 2 for value in logs) / (count - 1) / count)
        half = float(stdtrit(count - 1, 0.5 + level / 2)) * error
        words = f"measured: assay.fit, geometric mean of {count} curves, Student's t over the curves"
        return math.exp(mean), math.exp(mean - half), math.exp(mean + half), "=", count, words
    widths = [
        math.log(upper / lower) / 2 if lower is not None and upper is not None and upper > lower else None
        for lower, upper in zip(lowers, uppers, strict=True)
    ]
    closed = [width for width in widths if width is not None]
    if len(closed) < count:
        words = f"measured: assay.fit, geometric mean of {count} curves; a limit of one is open, so there is no interval"
        return math.exp(sum(logs) / count), None, None, "=", count, words
    weights = [1 / width**2 for width in closed]
    mean = sum(weight * value for weight, value in zip(weights, logs, strict=True)) / sum(weights)
    half = 1 / math.sqrt(sum(weights))
    words = f"measured: assay.fit, {count} curves weighted by their intervals; too few to see how they differ"
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half), "=", count, words
