"""Signals to responses, plate by plate: 1 at the vehicle mean, 0 at the blank (or positive control) mean, untrimmed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.stages.assay.model import ResponseTable, WellTable

VERSION: Final = "2"
CURVE_KEY: Final = ("compound", "target", "variant", "system")
FURTHER: Final = ("atp_uM", "compound_b", "concentration_b_nM", "time_h")
"""Columns that tell curves apart too, where the wells have them: ATP level, second compound with its dose, time of reading."""

MOMENTS: Final = ("day", "time_h")
"""Columns that say when a plate was read, in the order they are looked for."""

LEVEL: Final = "level_atp_uM"
"""ATP level of a control group, null where the plate has one vehicle for all its wells."""

CONTROLS_SCHEMA: Final = ("plate_id", LEVEL, "vehicle_mean", "vehicle_n", "zero_mean", "zero_n", "zero_role")


def normalise(wells: Any, *, to: Literal["vehicle"] = "vehicle", excluded: Sequence[Mapping[str, Any]] = ()) -> ResponseTable:
    """Return the responses of every sample well as a fraction of its plate's vehicle.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    to
        What response 1 is: the mean of the plate's vehicle wells. Response 0 is the mean of its blank wells, or of its
        positive control wells where there is no blank. Where the vehicle wells of a plate stand at several ATP levels
        (column `atp_uM`), each well is compared with the vehicle of its own level. Plates of day 0 (column `day` or `time_h`
        at 0 beside later ones) have no response: `day_zero` takes them.
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


def at_start(columns: Sequence[str]) -> pl.Expr:
    """Return where wells were read when the compound was added (day 0), where the table holds later ones too: they have no response."""
    mark = next((name for name in MOMENTS if name in columns), None)
    if mark is None:
        return pl.lit(value=False)
    moment = pl.col(mark).cast(pl.Float64, strict=False)
    return ((moment == 0) & (moment > 0).any()).fill_null(value=False)


def controls(wells: pl.DataFrame) -> pl.DataFrame:
    """Return the control means of every plate (and ATP level) that holds samples, or say which plate has none."""
    table = with_level(wells.filter(~at_start(wells.columns)))
    plates = table.filter(pl.col("role") == "sample").select("plate_id", LEVEL).unique(maintain_order=True)
    known = table.filter(pl.col("role").is_in(["vehicle", "blank", "positive"]) & pl.col("signal").is_not_null())
    whole = _means(known, ["plate_id"])
    found = plates.join(
        _means(known, ["plate_id", LEVEL]), on=["plate_id", LEVEL], how="left", nulls_equal=True, maintain_order="left"
    )
    found = found.join(whole, on="plate_id", how="left", maintain_order="left", suffix="_plate")
    _require(
        found,
        pl.col("vehicle_mean").is_null(),
        "vehicle wells",
        "Mark the vehicle (DMSO) wells in the layout, at every ATP level.",
    )
    # A blank has no enzyme or no cells: where it was not repeated at every ATP level, the plate's serves all of them.
    choices = [(role, suffix) for role in ("blank", "positive") for suffix in ("", "_plate")]
    zero = pl.coalesce([f"{role}_mean{suffix}" for role, suffix in choices])
    _require(found, zero.is_null(), "blank or positive control wells", "Mark them in the layout: response 0 needs them.")
    used = [(pl.col(f"{role}_mean{suffix}").is_not_null(), role, suffix) for role, suffix in choices]
    result = found.with_columns(
        zero_mean=zero,
        zero_n=pl.coalesce([pl.when(there).then(f"{role}_n{suffix}") for there, role, suffix in used]),
        zero_role=pl.coalesce([pl.when(there).then(pl.lit(role)) for there, role, _ in used]),
    )
    same = result.filter(pl.col("vehicle_mean") == pl.col("zero_mean"))
    if same.height:
        message = f"plate {same['plate_id'][0]}: vehicle and {same['zero_role'][0]} have the same mean, so there is no signal window. Check the layout."
        raise TableError(message)
    return result.select(CONTROLS_SCHEMA)


def with_level(wells: pl.DataFrame) -> pl.DataFrame:
    """Return the wells with the ATP level whose vehicle they are compared with, null on plates with one vehicle for all."""
    if "atp_uM" not in wells.columns:
        return wells.with_columns(pl.lit(None, pl.Float64).alias(LEVEL))
    atp = pl.col("atp_uM").cast(pl.Float64)
    several = atp.filter(pl.col("role") == "vehicle").n_unique().over("plate_id") > 1
    return wells.with_columns(pl.when(several).then(atp).alias(LEVEL))


def _means(known: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return mean and number of the wells of every control role."""
    roles = ("vehicle", "blank", "positive")
    return known.group_by(by).agg(
        *[pl.col("signal").filter(pl.col("role") == role).mean().alias(f"{role}_mean") for role in roles],
        *[(pl.col("role") == role).sum().cast(pl.Int64).alias(f"{role}_n") for role in roles],
    )


def _require(table: pl.DataFrame, lacks: pl.Expr, what: str, remedy: str) -> None:
    bare = table.filter(lacks)["plate_id"].to_list()
    if bare:
        message = (
            f"plate {listed(bare, 3)} has no {what}, and responses are fractions of the window between the controls. {remedy}"
        )
        raise TableError(message)


def responses(wells: pl.DataFrame, means: pl.DataFrame, excluded: Sequence[Mapping[str, Any]] = ()) -> pl.DataFrame:
    """Return one row a sample well, in the order of the wells; `means` is what `controls` returned."""
    later = wells.filter(~at_start(wells.columns))
    samples = with_level(later).filter((pl.col("role") == "sample") & pl.col("signal").is_not_null())
    joined = samples.join(means, on=["plate_id", LEVEL], how="left", nulls_equal=True, maintain_order="left")
    struck = [f"{record['plate_id']}\t{record['well']}" for record in excluded]
    further = [name for name in FURTHER if name in joined.columns]
    return joined.with_columns(
        curve_id=pl.concat_str([*(pl.col(name) for name in CURVE_KEY), *_marks(further)], separator=" | ", ignore_nulls=True),
        response=(pl.col("signal") - pl.col("zero_mean")) / (pl.col("vehicle_mean") - pl.col("zero_mean")),
        excluded=pl.concat_str("plate_id", "well", separator="\t").is_in(struck),
    ).select("curve_id", *CURVE_KEY, "concentration_nM", "response", "replicate", "plate_id", "excluded", "well", *further)


def _marks(further: Sequence[str]) -> list[pl.Expr]:
    """Return what the further columns add to the name of a curve."""
    marks = []
    if "atp_uM" in further:
        marks.append(pl.format("ATP {} µM", "atp_uM"))
    if {"compound_b", "concentration_b_nM"} <= set(further):
        marks.append(pl.when(pl.col("concentration_b_nM") > 0).then(pl.format("+ {} {} nM", "compound_b", "concentration_b_nM")))
    if "time_h" in further:
        marks.append(pl.format("{} h", "time_h"))
    return marks
