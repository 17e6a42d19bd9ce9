"""Growth-rate inhibition (Hafner et al. 2016, doi:10.1038/nmeth.3853): potency that does not depend on how fast the cells divide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.curves.shapes import Points, Shapes

VERSION: Final = "1"
COUNTS: Final = ("concentration_nM", "cell_count", "cell_count_control", "cell_count_time0")
BOX: Final = np.array([1.0, 1.0, -1.0, 1.0])
"""A GR curve starts at 1, growth as without drug; it ends between -1, all cells dead, and 1."""

FREE_PARAMETERS: Final = 3


@dataclass(frozen=True)
class GrowthRateInhibition(Answer):
    """GR curves, one row a group; `values` holds every row of counts with its GR value."""

    values: pl.DataFrame
    by: tuple[str, ...] = ()

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("GR50", "gr50_nM", "nM", relation="gr50_relation", n="n_points"),
        Quantity("GRmax", "gr_max", "", n="n_points"),
        Quantity("GRAOC", "gr_aoc", "", n="n_points"),
    )


def growth_rate_inhibition(counts: Any, *, by: Sequence[str] = ()) -> GrowthRateInhibition:
    """Return GR values and the GR curve of every group.

    Parameters
    ----------
    counts
        Any dataframe or path with the columns of `by` and `concentration_nM, cell_count, cell_count_control,
        cell_count_time0`: cells at the end with drug, at the end without, and at the start.
    by
        Columns that name a curve, for example ``["cell_line", "treatment"]``.

    Returns
    -------
    GrowthRateInhibition
        `.values`: the counts with `gr_value`, 2 ** (log2(count / time0) / log2(control / time0)) - 1, null where the control
        did not grow. `.table`, one row a group: the curve GR = GRinf + (1 - GRinf) / (1 + (c / GEC50) ** h), fitted to its
        global optimum, as `gec50_nM, gr_inf, h_gr`; `gr50_nM` with `gr50_relation` (``>``: above the top dose, then the top
        dose); `gr_max`, the mean GR value at the top dose; `gr_aoc`, the mean of 1 - GR over the tested log doses; `status`.

    Raises
    ------
    TableError
        When a column is missing or a count is not above 0.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"concentration_nM": [1.0, 10.0], "cell_count": [400, 200], "cell_count_control": [400, 400],
    ...     "cell_count_time0": [100, 100]})
    >>> [round(value, 4) for value in growth_rate_inhibition(table).values["gr_value"]]
    [1.0, 0.4142]
    """
    table = dataframe(counts)
    require_counts(table, by)
    values = table.with_columns(gr_value=gr_value())
    grouped = values if by else values.with_columns(_all=pl.lit("all"))
    fits = curves(grouped, list(by) or ["_all"])
    origin = Origin("assay.growth_rate_inhibition", VERSION, {"by": list(by)}, (table,))
    return GrowthRateInhibition(fits if by else fits.drop("_all"), origin, values, tuple(by))


def gr_value() -> pl.Expr:
    """Return the expression of the GR value of a row of counts."""
    growth = (pl.col("cell_count_control") / pl.col("cell_count_time0")).log(2)
    with_drug = (pl.col("cell_count") / pl.col("cell_count_time0")).log(2)
    return pl.when(growth != 0).then(2.0 ** (with_drug / growth) - 1)


def require_counts(table: pl.DataFrame, by: Sequence[str]) -> None:
    """Refuse a table that lacks a column, or counts and doses that no cell line can have."""
    missing = [name for name in (*by, *COUNTS) if name not in table.columns]
    if missing:
        message = f"counts: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    for name in COUNTS:
        least = 0.0 if name == "concentration_nM" else np.nextafter(0.0, 1.0)
        series = table[name].cast(pl.Float64, strict=False)
        bad = (~(series.is_finite() & (series >= least)).fill_null(value=False)).arg_true().to_list()
        if bad:
            rule = "0 or more" if name == "concentration_nM" else "above 0"
            message = (
                f"counts: {name} must be a number {rule}; row {listed([row + 1 for row in bad], 3)} holds "
                f"{listed([table[name][row] for row in bad], 3)}. Correct or leave out the rows; without a time-zero count there is no GR value."
            )
            raise TableError(message)


def curves(values: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return the GR curve of every group, in the order the groups first appear."""
    used = values.filter(pl.col("gr_value").is_not_null())
    groups = used.group_by(by, maintain_order=True).agg(
        pl.col("concentration_nM").cast(pl.Float64), "gr_value", n_points=pl.len()
    )
    offsets = np.concatenate([[0], np.cumsum(groups["n_points"].to_numpy())]).astype(np.int64)
    flat = groups.select("concentration_nM", "gr_value").explode("concentration_nM", "gr_value")
    dose, response = (np.ascontiguousarray(flat[name].to_numpy(), dtype=np.float64) for name in flat.columns)
    shapes = Shapes.of(Points(dose, response, offsets), box=BOX, parameters=FREE_PARAMETERS)
    fitted = pl.DataFrame(
        {
            "gr50_nM": shapes.ic50_nM(), "gr50_relation": shapes.ic50_relation(), "gec50_nM": np.exp(shapes.mid),
            "gr_inf": shapes.high, "h_gr": shapes.slope, "rss": shapes.fits[:, 4], "status": statuses(shapes),
        },
        nan_to_null=True,
    )  # fmt: skip
    return groups.select(*by, pl.col("n_points").cast(pl.Int64)).hstack(measured(used, by)).hstack(fitted)


def measured(used: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return GRmax and GRAOC of every group, from the mean GR value at each dose and not from the curve."""
    means = (
        used.filter(pl.col("concentration_nM") > 0)
        .group_by([*by, "concentration_nM"], maintain_order=True)
        .agg(pl.col("gr_value").mean())
    )
    means = means.sort("concentration_nM").with_columns(x=pl.col("concentration_nM").cast(pl.Float64).log())
    gap, height = pl.col("x").diff(), 1 - (pl.col("gr_value") + pl.col("gr_value").shift(1)) / 2
    found = means.group_by(by, maintain_order=True).agg(
        gr_max=pl.col("gr_value").last(), gr_aoc=(gap * height).sum() / (pl.col("x").max() - pl.col("x").min())
    )
    return (
        used.select(by)
        .unique(maintain_order=True)
        .join(found, on=by, how="left", maintain_order="left", nulls_equal=True)
        .drop(by)
    )


def statuses(shapes: Shapes) -> list[str]:
    """Return what must be said of every curve."""
    rules = [
        (shapes.few, "Not fitted: three parameters need four points at three doses or more. Add doses."),
        (~shapes.fitted & ~shapes.few, "Not fitted: every GR value is the same, so no curve exists."),
        (shapes.above, "GR never falls to one half, so the GR50 is above the top dose. Add higher doses."),
        (shapes.below, "GR is below one half at the lowest dose already, so the GR50 is below it. Add lower doses."),
        (shapes.outside, "The midpoint lies outside the tested doses and is an extrapolation. Test further doses."),
    ]
    return [" ".join(sentence for where, sentence in rules if where[k]) or "ok" for k in range(len(shapes.fits))]
