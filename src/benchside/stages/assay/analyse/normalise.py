"""Signals to responses, plate by plate: 1 at the vehicle mean, 0 at the blank (or positive control) mean, untrimmed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.stages.assay.model import ResponseTable, WellTable

VERSION: Final = "1"
CURVE_KEY: Final = ("compound", "target", "variant", "system")

CONTROLS_SCHEMA: Final = ("plate_id", "vehicle_mean", "vehicle_n", "zero_mean", "zero_n", "zero_role")


def normalise(wells: Any, *, to: Literal["vehicle"] = "vehicle", excluded: Sequence[Mapping[str, Any]] = ()) -> ResponseTable:
    """Return the responses of every sample well as a fraction of its plate's vehicle.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    to
        What response 1 is: the mean of the plate's vehicle wells. Response 0 is the mean of its blank wells, or of its
        positive control wells where there is no blank.
    excluded
        Wells a person excluded (`plate_id`, `well`); they stay in the table with `excluded` true.

    Raises
    ------
    TableError
        When a plate lacks vehicle wells, has neither blank nor positive control wells, or an excluded well is no sample well.

    Examples
    --------
    >>> import polars as pl
    >>> wells = pl.DataFrame({"plate_id": ["P"] * 3, "well": ["A1", "A2", "A3"], "role": ["vehicle", "blank", "sample"],
    ...     "compound": [None, None, "x"], "concentration_nM": [0.0, 0.0, 5.0], "signal": [110.0, 10.0, 60.0]})
    >>> normalise(wells).table["response"].to_list()
    [0.5]
    """
    del to  # one choice so far; named so that a script says what it did
    table = WellTable.of(wells).table
    samples = set(table.filter(pl.col("role") == "sample").select("plate_id", "well").rows())
    stray = next((record for record in excluded if (record["plate_id"], record["well"]) not in samples), None)
    if stray is not None:
        message = (
            f"plate {stray['plate_id']}: {stray['well']} is no sample well of it, and only sample wells can be excluded here. "
            "Give a control well the role 'excluded' in the layout, or correct the name."
        )
        raise TableError(message)
    return ResponseTable(responses(table, controls(table), excluded))


def controls(wells: pl.DataFrame) -> pl.DataFrame:
    """Return the control means of every plate that holds samples, or say which plate has none."""
    plates = wells.filter(pl.col("role") == "sample").select("plate_id").unique(maintain_order=True)
    known = wells.filter(pl.col("role").is_in(["vehicle", "blank", "positive"]) & pl.col("signal").is_not_null())
    means = known.group_by("plate_id").agg(
        *[
            pl.col("signal").filter(pl.col("role") == role).mean().alias(f"{role}_mean")
            for role in ("vehicle", "blank", "positive")
        ],
        *[(pl.col("role") == role).sum().cast(pl.Int64).alias(f"{role}_n") for role in ("vehicle", "blank", "positive")],
    )
    table = plates.join(means, on="plate_id", how="left", maintain_order="left")
    _require(table, pl.col("vehicle_mean").is_null(), "vehicle wells", "Mark the vehicle (DMSO) wells in the layout.")
    without = pl.col("blank_mean").is_null() & pl.col("positive_mean").is_null()
    _require(table, without, "blank or positive control wells", "Mark them in the layout: response 0 needs them.")
    table = table.with_columns(
        zero_mean=pl.coalesce("blank_mean", "positive_mean"),
        zero_n=pl.when(pl.col("blank_n") > 0).then("blank_n").otherwise("positive_n"),
        zero_role=pl.when(pl.col("blank_n") > 0).then(pl.lit("blank")).otherwise(pl.lit("positive")),
    )
    same = table.filter(pl.col("vehicle_mean") == pl.col("zero_mean"))
    if same.height:
        message = f"plate {same['plate_id'][0]}: vehicle and {same['zero_role'][0]} have the same mean, so there is no signal window. Check the layout."
        raise TableError(message)
    return table.select(CONTROLS_SCHEMA)


def _require(table: pl.DataFrame, lacks: pl.Expr, what: str, remedy: str) -> None:
    bare = table.filter(lacks)["plate_id"].to_list()
    if bare:
        message = (
            f"plate {listed(bare, 3)} has no {what}, and responses are fractions of the window between the controls. {remedy}"
        )
        raise TableError(message)


def responses(wells: pl.DataFrame, means: pl.DataFrame, excluded: Sequence[Mapping[str, Any]] = ()) -> pl.DataFrame:
    """Return one row a sample well, in the order of the wells; `means` is what `controls` returned."""
    samples = wells.filter((pl.col("role") == "sample") & pl.col("signal").is_not_null())
    joined = samples.join(means, on="plate_id", how="left", maintain_order="left")
    struck = [f"{record['plate_id']}\t{record['well']}" for record in excluded]
    parts = [pl.col(name) for name in CURVE_KEY]
    return joined.with_columns(
        curve_id=pl.concat_str(parts, separator=" | ", ignore_nulls=True),
        response=(pl.col("signal") - pl.col("zero_mean")) / (pl.col("vehicle_mean") - pl.col("zero_mean")),
        excluded=pl.concat_str("plate_id", "well", separator="\t").is_in(struck),
    ).select("curve_id", *CURVE_KEY, "concentration_nM", "response", "replicate", "plate_id", "excluded", "well")
