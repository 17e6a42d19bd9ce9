"""Which curve describes the points: families of curves beside each other, by the AICc of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import SettingError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.stages.assay.analyse.curves.fit import VERSION as FIT_VERSION
from benchside.stages.assay.analyse.curves.fit import fit_table
from benchside.stages.assay.curves import LL3, LL4, LL5, Curve, Delta
from benchside.stages.assay.model import ResponseTable

VERSION: Final = f"1.{FIT_VERSION}"
CURVES: Final[tuple[Curve, ...]] = (LL3(), LL4(), LL5())


@dataclass(frozen=True)
class Families(Answer):
    """Families of curves beside each other, one row a `curve_id` and family."""

    KEY: ClassVar[tuple[str, ...]] = ("curve_id", "curve")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("AICc", "aicc", "", n="n_points"),)


def compare_curves(responses: Any, *, curves: Sequence[Curve] = CURVES, weights: str | None = None) -> Families:
    """Return the AICc of every family on every curve, and which is best.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns.
    curves
        Two or more families, each once.
    weights
        As for `fit`. ``relative`` gives every family weights from its own curve, which AICc takes into account.

    Returns
    -------
    Families
        One row a `curve_id` and family: `rss`, `aicc`, `delta_aicc` (to the best of the curve), `akaike_weight` (they add up to 1 over
        the families that have an AICc), `best`, the midpoint and the `status`. AICc needs n > p + 2 points and noise: without it the
        row is null and cannot be best. A difference below 2 decides nothing (Burnham and Anderson 2002, doi:10.1007/b97636);
        wells of one plate count as independent.

    Raises
    ------
    SettingError
        When a family stands twice or fewer than two are compared.

    Examples
    --------
    >>> import polars as pl
    >>> dose, wiggle = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4], [0.01, -0.02, 0.01, 0.02, -0.01, 0.0, -0.02, 0.01, 0.01]
    >>> y = [0.4 + 0.6 / (1 + d / 20) + e for d, e in zip(dose, wiggle)]
    >>> compare_curves(pl.DataFrame({"curve_id": "a", "concentration_nM": dose, "response": y})).table.filter("best")["curve"].to_list()
    ['LL4']
    """
    table = ResponseTable.of(responses).table
    settings = {"curves": [repr(curve) for curve in curves], "weights": weights}
    return Families(families_table(table, curves, weights=weights), Origin("assay.compare_curves", VERSION, settings, (table,)))


def families_table(table: pl.DataFrame, curves: Sequence[Curve] = CURVES, *, weights: str | None = None) -> pl.DataFrame:
    """Return the columns of `compare_curves`; the families of a curve follow each other."""
    names = [curve.name for curve in curves]
    if len(names) < 2 or len(set(names)) < len(names):
        message = f"compare_curves got curves {listed(names)}: two or more families, each once, can be compared. Use (LL3(), LL4(), LL5())."
        raise SettingError(message)
    kept = ["curve_id", "curve", "n_points", "rss", "aicc", "ec50_nM", "asymmetry", "status"]
    fits = [fit_table(table, Delta(), curve=curve, weights=weights).select(kept) for curve in curves]
    order = fits[0].select("curve_id").with_row_index("_place")
    stacked = pl.concat(fits).join(order, on="curve_id", how="left", maintain_order="left").sort("_place", maintain_order=True)
    least = pl.col("aicc").min().over("curve_id")
    weight = (-0.5 * (pl.col("aicc") - least)).exp()
    return stacked.drop("_place").with_columns(
        delta_aicc=pl.col("aicc") - least,
        akaike_weight=weight / weight.sum().over("curve_id"),
        best=(pl.col("aicc") == least).fill_null(value=False),
    )
