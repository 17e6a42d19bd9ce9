"""What tells curves of one compound, target, variant and system apart: an ATP level, a plate, or the curve's own name."""

from typing import Final

import polars as pl

WHO: Final = ("compound", "target", "variant", "system")
CURVE: Final = "Curve"


def with_condition(table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return a table of curves with the column `condition`, and its heading; no heading where nothing needs telling apart.

    The condition is what a curve's name says beyond compound, target, variant and system.

    Examples
    --------
    >>> same = {name: ["x", "x"] for name in ("compound", "target", "variant", "system")}
    >>> table, heading = with_condition(pl.DataFrame({"curve_id": ["x | ATP 5 µM", "x | ATP 20 µM"], **same}))
    >>> table["condition"].to_list(), heading
    (['ATP 5 µM', 'ATP 20 µM'], {'Curve': 'condition'})
    """
    words = [_beyond(row) for row in table.select("curve_id", *WHO).iter_rows()]
    told = table.with_columns(condition=pl.Series(words, dtype=pl.String))
    alike = table.select(WHO).is_duplicated().any()
    return told, {CURVE: "condition"} if alike else {}


def _beyond(row: tuple[str | None, ...]) -> str:
    """Return the parts of a curve's name that none of its columns holds; its whole name where that leaves nothing."""
    name, *known = row
    parts = [part for part in str(name).split(" | ") if part not in known]
    return " | ".join(parts) or str(name)
