"""Where wells lie on their plate, and patterns that have nothing to do with doses: edge effect, drift, exchanged columns or rows."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.evidence import Answer, Origin
from benchside.stages.assay.analyse.plates.effect import effects
from benchside.stages.assay.analyse.plates.exchange import ExchangeRules, exchanges
from benchside.stages.assay.model import WellTable, row_letters

VERSION: Final = "1"
CURVE: Final = ("compound", "target", "variant", "system", "atp_uM", "compound_b", "concentration_b_nM")
"""Wells alike in those of these columns that a table has, and in their dose, should read alike."""

ROWS: Final = 32
"""Rows of the largest plate, of 1536 wells."""


@dataclass(frozen=True)
class PlatePattern(Answer):
    """Patterns of plates, one row a plate."""

    KEY: ClassVar[tuple[str, ...]] = ("plate_id",)


def plate_pattern(wells: Any, *, exchange: ExchangeRules = ExchangeRules()) -> PlatePattern:  # noqa: B008  frozen values are safe defaults
    """Return what the wells of every plate say of their place: edge effect, drift, exchanged columns or rows.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    exchange
        When columns or rows count as exchanged.

    Returns
    -------
    PlatePattern
        ``.table``: `plate_id, edge_effect, edge_effect_p, row_drift, row_drift_p, column_drift, column_drift_p` (relative changes
        of the signal above zero: outermost wells against inner ones, last row against first, last column against first),
        `pattern_basis, n_pattern` (which wells told, and how many), `swapped, swap_mended, n_series` (the pair, for example
        ``columns 5 and 6``; the share of the departure from monotone curves that its exchange mends; series that could tell).
        What a plate does not tell is null.

    Examples
    --------
    >>> import polars as pl
    >>> rows = [("ABCDEFGH"[r], c) for r in range(8) for c in range(1, 13)]
    >>> wells = pl.DataFrame({"plate_id": ["P"] * 96, "well": [f"{r}{c}" for r, c in rows], "role": ["vehicle"] * 96,
    ...     "signal": [100.0 - 10.0 * (r in "AH" or c in (1, 12)) + 0.1 * (c % 2) for r, c in rows]})
    >>> round(plate_pattern(wells).table["edge_effect"][0], 2)
    -0.1
    """
    table = WellTable.of(wells).table
    settings = {"least_step": exchange.least_step, "least_mended": exchange.least_mended, "least_gain": exchange.least_gain}
    return PlatePattern(plate_pattern_table(table, exchange=exchange), Origin("assay.plate_pattern", VERSION, settings, (table,)))


def plate_pattern_table(table: pl.DataFrame, *, exchange: ExchangeRules = ExchangeRules()) -> pl.DataFrame:  # noqa: B008
    """Return the pattern columns of every plate, in the order the plates first appear."""
    placed = positions(table)
    levels = plate_levels(placed)
    plates = table.select(pl.col("plate_id").unique(maintain_order=True)).with_row_index("plate")
    for part in (effects(placed, levels), exchanges(placed, levels, exchange)):
        plates = plates.join(part, on="plate", how="left", maintain_order="left")
    return plates.with_columns(pl.col("n_pattern", "n_series").fill_null(0)).drop("plate")


def positions(table: pl.DataFrame) -> pl.DataFrame:
    """Return the wells that carry a signal: `plate` and `curve` (numbers), `role, concentration_nM, signal, row, column` (from 0)."""
    curve = [name for name in CURVE if name in table.columns]
    letters = pl.Series([row_letters(k) for k in range(ROWS)])
    wells = table.select(pl.col("well").unique(maintain_order=True)).with_columns(
        row=pl.col("well").str.extract(r"^([A-Z]+)").replace_strict(letters, pl.Series(range(ROWS), dtype=pl.Int64)),
        column=pl.col("well").str.extract(r"(\d+)$").cast(pl.Int64) - 1,
    )
    plates = table.select(pl.col("plate_id").unique(maintain_order=True)).with_row_index("plate")
    curves = table.select(curve).unique(maintain_order=True).with_row_index("curve")
    used = table.filter((pl.col("role") != "empty") & pl.col("signal").is_not_null())
    used = used.select("plate_id", "well", "role", *curve, "concentration_nM", "signal")
    joined = used.join(wells, on="well", how="left", maintain_order="left")
    joined = joined.join(plates, on="plate_id", how="left", maintain_order="left")
    joined = joined.join(curves, on=list(curve), how="left", maintain_order="left", nulls_equal=True)
    return joined.select(
        "plate", "role", "concentration_nM", "signal", "row", "column", curve=pl.col("curve").cast(pl.Int64)
    )  # fmt: skip


def plate_levels(placed: pl.DataFrame) -> pl.DataFrame:
    """Return the rectangle of used wells and the control levels of every plate: what patterns are measured against."""

    def signal(role: str) -> pl.Expr:
        return pl.col("signal").filter(pl.col("role") == role)

    sample = pl.col("role") == "sample"
    return placed.group_by("plate", maintain_order=True).agg(
        top=pl.col("row").min(), bottom=pl.col("row").max(), left=pl.col("column").min(), right=pl.col("column").max(),
        zero=pl.coalesce(signal("blank").mean(), signal("positive").mean(), pl.lit(0.0)),
        vehicle=signal("vehicle").mean(), vehicle_sd=signal("vehicle").std(), full=pl.coalesce(signal("vehicle").mean(), pl.col("signal").max()),
        n_sample=sample.sum(), n_compounds=pl.col("curve").filter(sample).n_unique(),
    )  # fmt: skip
