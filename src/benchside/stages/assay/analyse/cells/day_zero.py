"""Counts for growth-rate inhibition from plates: wells at the end beside the plate that was read when the drug was added."""

from typing import Any, Final, Literal

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.stages.assay.analyse.plates.normalise import MOMENTS
from benchside.stages.assay.model import WellTable

VERSION: Final = "1"
MATCHED_BY: Final = ("system", "variant", "target")
"""A day-0 plate belongs to the wells of the same cell line; what it does not say matches everything."""

Background = Literal["subtract", "keep"]


def day_zero(wells_end: Any, wells_day0: Any = None, *, background: Background = "subtract") -> pl.DataFrame:
    """Return the counts that growth_rate_inhibition takes: every sample well with its control and its count at time 0.

    Parameters
    ----------
    wells_end
        The wells at the end of the treatment: a `WellTable`, a path or any dataframe with its columns. Its plates have vehicle wells.
    wells_day0
        The wells of the plates read when the drug was added; their vehicle wells are counted. None: the rows of `wells_end` whose
        column `day` or `time_h` is 0.
    background
        ``subtract``: signals less the mean of the plate's blank wells (luminescence, absorbance); ``keep``: signals as they are
        (counts of nuclei).

    Returns
    -------
    polars.DataFrame
        One row a sample well with a signal: `compound, target, variant, system, replicate, plate_id, well, concentration_nM,
        cell_count, cell_count_control` (mean of the plate's vehicle wells), `cell_count_time0` (mean of the day-0 vehicle wells of the
        same system, over its plates).

    Raises
    ------
    TableError
        When there is no day-0 plate for a system, a plate lacks vehicle or blank wells, or a mean is not above 0.

    Notes
    -----
    GR = 2 ** (log2(x / x0) / log2(control / x0)) - 1 (Hafner et al. 2016, doi:10.1038/nmeth.3853) takes numbers of cells; a signal serves
    where it is proportional to them, so the signal of no cells must be 0: that is what the blank wells are subtracted for.

    Examples
    --------
    >>> import polars as pl
    >>> end = pl.DataFrame({"plate_id": ["E"] * 3, "well": ["A1", "A2", "A3"], "role": ["vehicle", "blank", "sample"],
    ...     "compound": [None, None, "x"], "concentration_nM": [0.0, 0.0, 5.0], "signal": [410.0, 10.0, 210.0]})
    >>> start = pl.DataFrame({"plate_id": ["S"] * 2, "well": ["A1", "A2"], "role": ["vehicle", "blank"], "signal": [110.0, 10.0]})
    >>> day_zero(end, start).select("cell_count", "cell_count_control", "cell_count_time0").row(0)
    (200.0, 400.0, 100.0)
    """
    end, start = _parts(wells_end, wells_day0)
    end, start = (
        _less_blank(part, what) if background == "subtract" else part for part, what in ((end, "end"), (start, "day-0"))
    )
    control = _vehicle(end, ["plate_id"], "cell_count_control")
    samples = end.filter((pl.col("role") == "sample") & pl.col("signal").is_not_null())
    _require(samples, control, ["plate_id"], "plate {} has no vehicle wells at the end", "Mark the vehicle wells in the layout.")
    keys = [name for name in MATCHED_BY if start[name].null_count() == 0]
    time0 = _vehicle(start, keys, "cell_count_time0") if keys else _overall(start)
    named = " / ".join(keys)
    _require(
        samples,
        time0,
        keys,
        f"{named} {{}} has no day-0 plate",
        "Read a plate of it when the drug is added, or name it alike in both layouts.",
    )
    joined = samples.join(control, on="plate_id", how="left", maintain_order="left")
    joined = joined.join(time0, on=keys, how="left", maintain_order="left") if keys else joined.join(time0, how="cross")
    return joined.select(
        "compound", "target", "variant", "system", "replicate", "plate_id", "well", "concentration_nM",
        pl.col("signal").alias("cell_count"), "cell_count_control", "cell_count_time0",
    )  # fmt: skip


def _parts(wells_end: Any, wells_day0: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the wells at the end and at day 0."""
    table = WellTable.of(wells_end).table
    if wells_day0 is not None:
        return table, WellTable.of(wells_day0).table
    mark = next((name for name in MOMENTS if name in table.columns), None)
    if mark is None:
        message = (
            "well table: nothing says which plate was read at day 0; there is neither a column day nor time_h. "
            "Add one (0 for the day-0 plate), or give the day-0 wells as a table of their own."
        )
        raise TableError(message)
    moments = table[mark].cast(pl.Float64, strict=False)
    later = sorted({value for value in moments.drop_nulls() if value > 0})
    if moments.null_count() or (moments < 0).any() or not (moments == 0).any() or len(later) != 1:
        message = (
            f"well table: column {mark} must hold 0 for the day-0 plates and one later time for the others; it holds "
            f"{listed(moments.unique().sort().to_list())}. Keep one end point, and mark the day-0 plate with 0."
        )
        raise TableError(message)
    return table.filter(moments > 0), table.filter(moments == 0)


def _less_blank(table: pl.DataFrame, what: str) -> pl.DataFrame:
    blank = _means(table, "blank", ["plate_id"], "_blank")
    used = table.filter(pl.col("role").is_in(["sample", "vehicle"]))
    remedy = "Mark them in the layout, or set background = 'keep' for counts that are 0 without cells."
    _require(used, blank, ["plate_id"], f"plate {{}} ({what}) has no blank wells", remedy)
    joined = table.join(blank, on="plate_id", how="left", maintain_order="left")
    return joined.with_columns(signal=pl.col("signal") - pl.col("_blank")).drop("_blank")


def _means(table: pl.DataFrame, role: str, keys: list[str], name: str) -> pl.DataFrame:
    used = table.filter((pl.col("role") == role) & pl.col("signal").is_not_null())
    return used.group_by(keys, maintain_order=True).agg(pl.col("signal").mean().alias(name))


def _vehicle(table: pl.DataFrame, keys: list[str], name: str) -> pl.DataFrame:
    means = _means(table, "vehicle", keys, name)
    _require_positive(means, name)
    return means


def _overall(start: pl.DataFrame) -> pl.DataFrame:
    vehicle = start.filter((pl.col("role") == "vehicle") & pl.col("signal").is_not_null())
    if vehicle.is_empty():
        message = "day-0 wells: no well is a vehicle well, and the cells at day 0 are counted in them. Give the untreated wells the role vehicle."
        raise TableError(message)
    means = vehicle.select(pl.col("signal").mean().alias("cell_count_time0"))
    _require_positive(means, "cell_count_time0")
    return means


def _require_positive(means: pl.DataFrame, name: str) -> None:
    bad = means.filter(~(pl.col(name) > 0).fill_null(value=False))
    if bad.height:
        where = " / ".join(str(cell) for cell in bad.row(0)[:-1]) or "day 0"
        message = f"{where}: {name} is {bad[name][0]:g}, and a mean count of vehicle wells must be above 0. Check the layout and the blank wells."
        raise TableError(message)


def _require(used: pl.DataFrame, known: pl.DataFrame, keys: list[str], rule: str, remedy: str) -> None:
    if not keys:
        return
    bare = used.join(known, on=keys, how="anti").select(pl.concat_str(keys, separator=" / ", ignore_nulls=True))
    if bare.height:
        names = listed(bare.to_series().unique(maintain_order=True).to_list(), 3)
        message = f"{rule.format(names)}. {remedy}"
        raise TableError(message)
