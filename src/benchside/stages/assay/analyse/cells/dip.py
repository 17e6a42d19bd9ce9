"""Drug-induced proliferation rates (Harris et al. 2016, doi:10.1038/nmeth.3852): how fast cells divide once the drug has settled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import dataframe
from benchside.stages.assay.analyse.cells.dip_windows import LEAST_TIMES, Lines, stable_lines
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.model import ResponseTable

VERSION: Final = "1"
COUNTS: Final = ("time_h", "cell_count", "concentration_nM")
COURSE: Final = ("plate_id", "well", "replicate")
"""Columns that, where present, tell time courses of one dose apart."""

LEVEL: Final = 0.95


@dataclass(frozen=True)
class DipRates(Answer):
    """Dose-response of proliferation rates, one row a group; `rates` holds the rate of every time course."""

    rates: pl.DataFrame
    by: tuple[str, ...] = ()

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "DIP IC50", "ic50_dip_nM", "nM", lower="ic50_dip_lower_nM", upper="ic50_dip_upper_nM",
            relation="ic50_dip_relation", n="n_courses",
        ),
        Quantity("DIP rate of control", "control_dip_per_h", "doublings per hour", n="n_control"),
        Quantity("DIP at top dose", "dip_top_dose", "fraction of control", n="n_courses"),
        Quantity("DIP activity area", "activity_area", "decades", n="n_courses"),
    )  # fmt: skip


def dip_rates(counts: Any, *, by: Sequence[str] = ()) -> DipRates:
    """Return the drug-induced proliferation (DIP) rate of every time course and the dose-response of every group.

    Parameters
    ----------
    counts
        Any dataframe or path with the columns of `by` and `time_h, cell_count, concentration_nM`, one row a time point. Of
        one dose, courses are told apart by `plate_id`, `well` and `replicate`, where there are such columns. Concentration 0
        is the control; a control row that is empty in a column of `by` serves every group that agrees in the others (the
        vehicle wells of a cell line serve all its compounds).
    by
        Columns that name a curve, for example ``["cell_line", "compound"]``.

    Returns
    -------
    DipRates
        `.rates`, one row a course: `dip_per_h` in doublings per hour (below 0: cells are lost) with `se_per_h` and 95 %
        limits, the window `first_time_h` to `last_time_h` of `n_times`, `adjusted_r2`, `rmse`, `status`.
        `.table`, one row a group: `control_dip_per_h`, the mean of its controls; the curve fitted to rates as a fraction of
        it: `ec50_dip_nM`, `slope`, `dip_inf` (at an endless dose), `ic50_dip_nM` (half the control's rate) with limits by
        profile likelihood and `ic50_dip_relation`; `dip_top_dose`, the mean at the highest dose; `activity_area`, the area
        between 1 and the curve over the tested log10 doses, in decades; `status`.

    Raises
    ------
    TableError
        When a column is missing, a time, count or dose is impossible, or a group has no control.

    Notes
    -----
    The window is described in `dip_windows.stable_lines`. The limits of a rate take its window as given and its residuals as
    independent; the scatter between courses, which the dose-response rests on, is usually larger. Time points without cells
    have no logarithm: they are left out, and the status of the course says how many.

    A level line has R2 near 0 however close it is, so where cells stop dividing after a delay the criterion of the paper may
    keep the early growth in the window: rates near 0 are then drawn towards the control's. `first_time_h` shows the choice.

    Examples
    --------
    >>> import polars as pl
    >>> doses = [0.0, 1.0, 3.0, 10.0, 30.0, 100.0]
    >>> rows = [(d, t, 500 * 2 ** (0.04 * t / (1 + d / 10))) for d in doses for t in (0.0, 12.0, 24.0, 48.0, 72.0)]
    >>> found = dip_rates(pl.DataFrame(rows, schema=["concentration_nM", "time_h", "cell_count"], orient="row"))
    >>> round(found.table["control_dip_per_h"][0], 6), round(found.table["ic50_dip_nM"][0], 4)
    (0.04, 10.0)
    """
    table = dataframe(counts)
    require_courses(table, by)
    rates = rates_table(table, by)
    origin = Origin("assay.dip_rates", VERSION, {"by": list(by)}, (table,))
    return DipRates(response_table(rates, by), origin, rates, tuple(by))


def require_courses(table: pl.DataFrame, by: Sequence[str]) -> None:
    """Refuse a table that lacks a column, or times, counts and doses that cannot be."""
    missing = [name for name in (*by, *COUNTS) if name not in table.columns]
    if missing:
        message = f"counts: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    for name in COUNTS:
        series = table[name].cast(pl.Float64, strict=False)
        bad = (~(series.is_finite() & (series >= 0)).fill_null(value=False)).arg_true().to_list()
        if bad:
            message = (
                f"counts: {name} must be a number of 0 or more; row {listed([row + 1 for row in bad], 3)} holds "
                f"{listed([table[name][row] for row in bad], 3)}. Correct or leave out the rows."
            )
            raise TableError(message)
    key = [*by, *(name for name in COURSE if name in table.columns), "concentration_nM", "time_h"]
    twice = table.filter(table.select(key).is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        message = (
            f"counts: {row['concentration_nM']:g} nM at {row['time_h']:g} h is counted more than once in one time course. "
            f"Tell the courses apart by a column plate_id, well or replicate, or give the mean."
        )
        raise TableError(message)


def rates_table(table: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the rate of every time course, in the order they first appear."""
    key = [*by, *(name for name in COURSE if name in table.columns), "concentration_nM"]
    cast = table.with_columns(pl.col(name).cast(pl.Float64) for name in COUNTS)
    seen = pl.col("cell_count") > 0
    courses = cast.sort("time_h", maintain_order=True).group_by(key, maintain_order=True).agg(
        t=pl.col("time_h").filter(seen), y=pl.col("cell_count").filter(seen).log(2), n_empty=(~seen).sum().cast(pl.Int64)
    )  # fmt: skip
    order = cast.select(key).unique(maintain_order=True)
    courses = order.join(courses, on=key, how="left", nulls_equal=True, maintain_order="left")
    times, values = _padded(courses["t"]), _padded(courses["y"])
    lines = stable_lines(times, values)
    half = _t_quantile(lines.n) * lines.error
    row = np.arange(len(times))
    last = courses["t"].list.len().to_numpy().astype(np.int64) - 1
    known = ~np.isnan(lines.rate)
    found = pl.DataFrame(
        {
            "dip_per_h": lines.rate, "se_per_h": lines.error, "dip_lower_per_h": lines.rate - half, "dip_upper_per_h": lines.rate + half,
            "first_time_h": np.where(known, times[row, lines.first], np.nan), "last_time_h": np.where(known, times[row, np.maximum(last, 0)], np.nan),
            "n_times": lines.n, "adjusted_r2": lines.adjusted_r2, "rmse": lines.rmse, "status": _course_status(lines, courses["n_empty"]),
        },
        nan_to_null=True,
    )  # fmt: skip
    return courses.select(key).hstack(found)


def _padded(lists: pl.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return lists of numbers as the rows of an array, nan after their ends; at least one column."""
    counts = lists.list.len().to_numpy().astype(np.int64)
    out = np.full((len(counts), max(int(counts.max()) if counts.size else 0, 1)), np.nan)
    out[np.arange(out.shape[1]) < counts[:, None]] = lists.filter(lists.list.len() > 0).explode(empty_as_null=False).to_numpy()
    return out


def _t_quantile(n: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    from scipy.special import stdtrit  # noqa: PLC0415  a third of a second to import

    return np.asarray(stdtrit(np.maximum(n - 2, 1), 0.5 + LEVEL / 2))


def _course_status(lines: Lines, n_empty: pl.Series) -> list[str]:
    """Return what must be said of every course."""
    said = []
    for few, empty in zip(np.isnan(lines.rate), n_empty, strict=True):
        words = [f"No rate: a line needs {LEAST_TIMES} time points with cells. Count more often."] if few else []
        if empty:
            words.append(f"{empty} time points without cells are left out, so the true rate is lower.")
        said.append(" ".join(words) or "ok")
    return said


def response_table(rates: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the dose-response of every group from the rates of its courses, in the order the groups first appear."""
    key = list(by)
    treated = rates.filter((pl.col("concentration_nM") > 0) & pl.col("dip_per_h").is_not_null())
    groups = treated.select(key).unique(maintain_order=True) if key else pl.DataFrame({"_all": ["all"]})
    groups = groups.with_columns(curve_id=pl.int_range(pl.len()).cast(pl.String))
    controls = _controls(groups, rates.filter((pl.col("concentration_nM") == 0) & pl.col("dip_per_h").is_not_null()), key)
    own = (
        treated.join(groups, on=key, how="inner", nulls_equal=True, maintain_order="left")
        if key
        else treated.with_columns(curve_id=pl.lit("0"))
    )
    points = pl.concat([part.select("curve_id", "concentration_nM", "dip_per_h") for part in (own, controls)])
    mean = controls.group_by("curve_id", maintain_order=True).agg(
        control_dip_per_h=pl.col("dip_per_h").mean(), n_control=pl.len().cast(pl.Int64)
    )
    _require_controls(groups, mean, key)
    points = points.join(mean, on="curve_id", maintain_order="left").with_columns(
        # A control that does not divide is no unit to measure rates in.
        response=pl.when(pl.col("control_dip_per_h") > 0).then(pl.col("dip_per_h") / pl.col("control_dip_per_h"))
    )
    fits = fit(ResponseTable(points.select("curve_id", "concentration_nM", "response")), plates="pooled").table
    shaped = groups.join(mean, on="curve_id", how="left", maintain_order="left").join(
        _measured(points), on="curve_id", how="left", maintain_order="left"
    )
    shaped = shaped.join(fits.select(_fitted()), on="curve_id", how="left", maintain_order="left")
    still = pl.col("control_dip_per_h") <= 0
    status = pl.when(still).then(pl.lit("The control does not divide, so rates cannot be scaled to it.")).otherwise("status")
    return shaped.with_columns(status.alias("status")).drop("curve_id", *([] if key else ["_all"]))


def _controls(groups: pl.DataFrame, control: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return the control rates of every group: those that agree with it in every column they fill in."""
    matched = groups.join(control, how="cross", suffix="_control", maintain_order="left")
    for name in key:
        matched = matched.filter(pl.col(f"{name}_control").is_null() | pl.col(f"{name}_control").eq_missing(pl.col(name)))
    return matched.select("curve_id", "concentration_nM", "dip_per_h")


def _require_controls(groups: pl.DataFrame, mean: pl.DataFrame, key: list[str]) -> None:
    bare = groups.join(mean, on="curve_id", how="anti", maintain_order="left")
    if bare.height:
        names = ", ".join(f"{name} {bare[name][0]}" for name in key) or "the table"
        message = (
            f"counts: {names} has no control time course, and rates are compared with it. Add rows with concentration_nM 0; "
            "leave a column empty in them to let them serve all its values."
        )
        raise TableError(message)


def _measured(points: pl.DataFrame) -> pl.DataFrame:
    """Return what is read off the courses themselves, per curve: how many, and the mean at the highest dose."""
    dosed = points.filter(pl.col("concentration_nM") > 0)
    top = pl.col("concentration_nM") == pl.col("concentration_nM").max()
    return dosed.group_by("curve_id", maintain_order=True).agg(
        n_courses=pl.len().cast(pl.Int64),
        top_dose_nM=pl.col("concentration_nM").max(),
        dip_top_dose=pl.col("response").filter(top).mean(),
    )


def _fitted() -> list[pl.Expr]:
    """Return the columns of a fitted curve under their names here."""
    decades = (pl.col("highest_nM") / pl.col("lowest_nM")).log(10)
    names = {"ec50_nM": "ec50_dip_nM", "ic50_nM": "ic50_dip_nM", "ic50_relation": "ic50_dip_relation"}
    names |= {"ic50_lower_nM": "ic50_dip_lower_nM", "ic50_upper_nM": "ic50_dip_upper_nM", "top": "dip_zero", "bottom": "dip_inf"}
    same = [pl.col(name) for name in ("curve_id", "slope", "rss", "status")]
    return [
        *same,
        *[pl.col(name).alias(ours) for name, ours in names.items()],
        ((1 - pl.col("auc")) * decades).alias("activity_area"),
    ]
