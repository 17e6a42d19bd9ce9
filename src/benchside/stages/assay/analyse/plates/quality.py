"""Plate quality before any IC50: controls, patterns across the plate, and a verdict in words.

Z' (Zhang 1999, doi:10.1177/108705719900400206), robust Z', SSMD (Zhang 2007, doi:10.1016/j.ygeno.2007.01.005), the signal window
(Sittampalam 1997, doi:10.1177/108705719700200306), spread of the controls, edge effect, drift, exchanged columns or rows.
"""

from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchside.core.evidence import Origin
from benchside.stages.assay.analyse.plates.effect import MAD_TO_SD
from benchside.stages.assay.analyse.plates.normalise import LEVEL, with_level
from benchside.stages.assay.analyse.plates.pattern import plate_pattern_table
from benchside.stages.assay.analyse.plates.verdict import QualityRules, verdict
from benchside.stages.assay.model import Quality, WellTable

VERSION: Final = "3"
CONTROLS: Final = ("vehicle", "blank", "positive")

Control = Literal["blank", "positive"]


def quality(wells: Any, *, against: Control = "blank", rules: QualityRules = QualityRules()) -> Quality:  # noqa: B008  frozen
    """Return the quality of every plate, vehicle wells against blank or positive control wells.

    Parameters
    ----------
    wells
        A `WellTable`, a path or any dataframe with its columns.
    against
        The zero of the signal window: ``blank`` or ``positive``.
    rules
        The limits of the verdict.

    Returns
    -------
    Quality
        ``.table``, one row a plate: `z_prime, robust_z_prime, ssmd, signal_to_background, cv_vehicle, n_vehicle, n_<against>,
        flags`; standard deviations are n - 1. Then `signal_window` (in vehicle standard deviations, three of each control left
        free), `cv_blank`; the columns of `plate_pattern`; `n_used, n_excluded, n_overflown`; `n_unlisted`, wells with a signal
        that the layout says nothing of; and `verdict` (``pass``, ``marginal``, ``fail``) with its `reason`: what is amiss, by how
        much, what to do. A figure that cannot be had (one well, no control) is null and `not_judged` says why. `remark`: words
        on what does not touch the verdict, here the unlisted wells.

    Examples
    --------
    >>> import polars as pl
    >>> wells = pl.DataFrame({"plate_id": ["P"] * 4, "well": ["A1", "A2", "A3", "A4"],
    ...     "role": ["vehicle", "vehicle", "blank", "blank"], "signal": [100.0, 110.0, 9.0, 11.0]})
    >>> plate = quality(wells).table
    >>> round(plate["signal_to_background"][0], 2), plate["verdict"][0]
    (10.5, 'pass')
    """
    table = WellTable.of(wells).table
    result = quality_table(table, against=against, rules=rules)
    return Quality(result, Origin("assay.quality", VERSION, {"against": against, "rules": rules.settings()}, (table,)))


def quality_table(table: pl.DataFrame, *, against: Control, rules: QualityRules = QualityRules()) -> pl.DataFrame:  # noqa: B008
    """Return the quality columns of every plate, in the order the plates first appear.

    A plate whose vehicle stands at several ATP levels has a window at each: it is judged level by level, and the row is that of
    its worst.
    """
    leveled = with_level(table)
    if leveled[LEVEL].is_null().all():
        return judged_plates(table, against=against, rules=rules)
    rows = judged_plates(apart(leveled), against=against, rules=rules)
    name, level = (
        pl.col("plate_id").str.split(LEVEL_MARK).list.get(0),
        pl.col("plate_id").str.split(LEVEL_MARK).list.get(1, null_on_oob=True),
    )
    words = pl.when(level.is_not_null() & (pl.col("reason") != "")).then(pl.format("At {} µM ATP: {}", level, "reason"))
    named = rows.with_columns(
        plate_id=name, reason=pl.coalesce(words, "reason"), _worst=pl.col("z_prime").fill_null(float("inf"))
    )
    order = pl.col("verdict").replace_strict({"fail": 0, "marginal": 1, "pass": 2}, return_dtype=pl.Int8)
    worst = (
        named.with_columns(_order=order)
        .sort("_order", "_worst", maintain_order=True)
        .unique("plate_id", keep="first", maintain_order=True)
    )
    plates = table.select(pl.col("plate_id").unique(maintain_order=True))
    return plates.join(worst.drop("_order", "_worst"), on="plate_id", how="left", maintain_order="left")


LEVEL_MARK: Final = "\t"
"""Between plate and ATP level, while a plate is judged level by level."""


def apart(leveled: pl.DataFrame) -> pl.DataFrame:
    """Return the wells with each ATP level of a plate as a plate of its own; wells without a level belong to all of them."""
    levels = leveled.filter(pl.col(LEVEL).is_not_null()).select("plate_id", _of=LEVEL).unique(maintain_order=True)
    joined = leveled.join(levels, on="plate_id", how="left", maintain_order="left")
    kept = joined.filter(pl.col(LEVEL).is_null() | (pl.col(LEVEL) == pl.col("_of")))
    marked = (
        pl.when(pl.col("_of").is_not_null())
        .then(pl.format("{}\t{}", "plate_id", pl.col("_of").round_sig_figs(6)))
        .otherwise("plate_id")
    )
    return kept.with_columns(plate_id=marked).drop(LEVEL, "_of")


def judged_plates(table: pl.DataFrame, *, against: Control, rules: QualityRules) -> pl.DataFrame:
    """Return the quality columns of plates whose vehicle wells should all read alike."""
    plates = control_moments(table).with_columns(pl.col("^n_.*$").cast(pl.Int64).fill_null(0))
    known = plates.select(*_figures(against), _flags(against), *_kept(against))
    judged = known.hstack(plate_pattern_table(table).drop("plate_id")).hstack(well_counts(table).drop("plate_id"))
    return judged.with_columns(blank_wider_p(plates)).with_columns(verdict(rules, against)).drop("blank_wider_p")


def blank_wider_p(plates: pl.DataFrame) -> pl.Series:
    """Return the p value of the F test that the blank of a plate varies more than its vehicle; null without either variance."""
    from scipy.special import fdtrc  # noqa: PLC0415  a third of a second to import

    ratio = (plates["sd_blank"] / plates["sd_vehicle"]).to_numpy() ** 2
    blank, vehicle = (np.maximum(plates[name].to_numpy() - 1, 1).astype(np.float64) for name in ("n_blank", "n_vehicle"))
    return pl.Series("blank_wider_p", np.asarray(fdtrc(blank, vehicle, ratio))).fill_nan(None)


def control_moments(table: pl.DataFrame) -> pl.DataFrame:
    """Return mean, standard deviation, median, scaled MAD and number of every plate's controls, null where there is none."""
    used = table.filter(pl.col("role").is_in(CONTROLS) & pl.col("signal").is_not_null())
    deviation = (pl.col("signal") - pl.col("signal").median().over("plate_id", "role")).abs()
    moments = used.with_columns(_deviation=deviation).group_by("plate_id", "role", maintain_order=True).agg(
        mean=pl.col("signal").mean(), sd=pl.col("signal").std(), median=pl.col("signal").median(),
        mad=pl.when(pl.len() > 1).then(pl.col("_deviation").median() * MAD_TO_SD), n=pl.len(),
    )  # fmt: skip
    plates = table.select("plate_id").unique(maintain_order=True)
    for role in CONTROLS:
        part = moments.filter(pl.col("role") == role).drop("role")
        part = part.rename({name: f"{name}_{role}" for name in ("mean", "sd", "median", "mad", "n")})
        plates = plates.join(part, on="plate_id", how="left", maintain_order="left")
    return plates


def well_counts(table: pl.DataFrame) -> pl.DataFrame:
    """Return how many wells of every plate are used at all, excluded, overflown in the reader, and not in the layout.

    Only a well that was read from a file can be missing in its layout: one without a `signal_ref` was made by hand.
    """
    excluded = pl.col("role") == "excluded"
    silent = (pl.col("role") == "empty") & pl.col("layout_ref").is_null() & pl.col("signal_ref").is_not_null()
    marked = (
        pl.col("note").fill_null("").str.starts_with("reader overflow") if "note" in table.columns else pl.col("signal").is_null()
    )
    return table.group_by("plate_id", maintain_order=True).agg(
        n_used=(pl.col("role") != "empty").sum().cast(pl.Int64), n_excluded=excluded.sum().cast(pl.Int64),
        n_overflown=(excluded & marked).sum().cast(pl.Int64),
        n_unlisted=(silent & pl.col("signal").is_not_null()).sum().cast(pl.Int64),
    )  # fmt: skip


def _figures(against: Control) -> list[pl.Expr]:
    def zero(name: str) -> pl.Expr:
        return pl.col(f"{name}_{against}")

    def vehicle(name: str) -> pl.Expr:
        return pl.col(f"{name}_vehicle")

    return [
        pl.col("plate_id"),
        (1 - 3 * (vehicle("sd") + zero("sd")) / (vehicle("mean") - zero("mean")).abs()).alias("z_prime"),
        (1 - 3 * (vehicle("mad") + zero("mad")) / (vehicle("median") - zero("median")).abs()).alias("robust_z_prime"),
        ((vehicle("mean") - zero("mean")) / (vehicle("sd") ** 2 + zero("sd") ** 2).sqrt()).alias("ssmd"),
        # Blanks that read 0 or less, as after a background was subtracted, are no background to divide by.
        pl.when(pl.col("mean_blank") > 0).then(vehicle("mean") / pl.col("mean_blank")).alias("signal_to_background"),
        (vehicle("sd") / vehicle("mean")).alias("cv_vehicle"),
        vehicle("n"),
        zero("n"),
    ]


def _kept(against: Control) -> list[pl.Expr]:
    """Return the further figures of the controls."""
    window = pl.col("mean_vehicle") - pl.col(f"mean_{against}") - 3 * (pl.col("sd_vehicle") + pl.col(f"sd_{against}"))
    return [
        pl.when(pl.col("sd_vehicle") > 0).then(window / pl.col("sd_vehicle")).alias("signal_window"),
        pl.when(pl.col("mean_blank") != 0).then(pl.col("sd_blank") / pl.col("mean_blank").abs()).alias("cv_blank"),
    ]


def _flags(against: Control) -> pl.Expr:
    """Words for what a reader of the plate must know; empty where there is nothing."""
    few = (pl.col("n_vehicle") < 2) | (pl.col(f"n_{against}") < 2)
    window = pl.col("mean_vehicle") - pl.col(f"mean_{against}")
    spread = 3 * (pl.col("sd_vehicle") + pl.col(f"sd_{against}"))
    return (
        pl.when(few).then(pl.lit(f"fewer than two vehicle or {against} wells: no Z'"))
        .when(window <= 0).then(pl.lit(f"vehicle does not exceed {against}: check the layout for swapped controls"))
        .when(spread >= window).then(pl.lit("failed: Z' is 0 or less, the controls overlap within three standard deviations"))
        .when(spread > window / 2).then(pl.lit("marginal: Z' is below 0.5"))
        .otherwise(pl.lit("")).alias("flags")
    )  # fmt: skip
