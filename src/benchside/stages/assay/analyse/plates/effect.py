"""Edge effect and drift of plates, from wells that should read the same, so that a dose series is no pattern.

Vehicle wells are compared with each other, and wells of one compound and dose with each other. Where a plate has neither, as
a screen of single wells has, most samples are taken as inactive, as in the B score (Brideau 2003, doi:10.1177/1087057103258285).
"""

from typing import Final

import numpy as np
import polars as pl

from benchside.stages.assay.arrays import FloatArray

EFFECTS: Final = ("edge_effect", "row_drift", "column_drift")
PLACES: Final = ("outer", "along_rows", "along_columns")
"""What each effect is the slope of: 1 in outermost wells, 0 to 1 from first to last used row, the same for columns."""

LEAST_LEVEL: Final = 0.3
"""Groups below this share of the window say little of a factor on the signal, and their noise is of another kind."""

LEAST_FREEDOM: Final = 5
"""Degrees of freedom left below which no effect is given."""

LEAST_INDEPENDENT: Final = 0.1
"""An effect is estimable where at least this share of its variation is not also that of the two others."""

SCREEN_WELLS: Final = 40
SCREEN_COMPOUNDS: Final = 0.8
"""A plate is a screen when it has this many samples and this many compounds a sample."""

OUTLIER_SDS: Final = 3.0
MAD_TO_SD: Final = 1.4826
"""Makes the median absolute deviation of normal data estimate their standard deviation."""


def effects(placed: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Return edge effect and drifts of every plate, each with its p value; null where the plate does not tell.

    Within each group of wells that should read the same, the deviation from the group's mean is regressed on being outermost,
    on the row and on the column, each times the group's level above zero, in one model a plate. So an effect is a relative
    change of the signal above zero, the two others held fixed, and low groups weigh less.

    Parameters
    ----------
    placed, levels
        What `positions` and `plate_levels` returned.
    """
    groups = comparable_groups(placed, levels)
    height = pl.col("mean_signal") - pl.col("zero")
    wells = groups.explode("signal", *PLACES).select(
        "plate", "group", "kind", "mean_outer", y=pl.col("signal") - pl.col("mean_signal"),
        **{f"x{k}": (pl.col(name) - pl.col(f"mean_{name}")) * height for k, name in enumerate(PLACES)},
    )  # fmt: skip
    products = {f"x{i}x{j}": (pl.col(f"x{i}") * pl.col(f"x{j}")).sum() for i in range(3) for j in range(i, 3)}
    products |= {f"yx{i}": (pl.col("y") * pl.col(f"x{i}")).sum() for i in range(3)}
    total = wells.group_by("plate", maintain_order=True).agg(
        **products, yy=(pl.col("y") ** 2).sum(), share_outer=(pl.col("x0") ** 2 * pl.col("mean_outer")).sum(), n_pattern=pl.len(), n_groups=pl.col("group").n_unique(),
        pattern_basis=pl.col("kind").unique().sort(descending=True).str.join(" and "),
    )  # fmt: skip
    return solved(total)


def comparable_groups(placed: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Return groups of wells that should read alike: their signals and places as lists, the means of these, and what they are."""
    screen = (pl.col("n_sample") >= SCREEN_WELLS) & (pl.col("n_compounds") >= SCREEN_COMPOUNDS * pl.col("n_sample"))
    plates = levels.with_columns(screen=screen)
    wells = placed.filter(pl.col("role").is_in(["vehicle", "sample"])).join(plates, on="plate", how="left", maintain_order="left")
    edge = (pl.col("row") == pl.col("top")) | (pl.col("row") == pl.col("bottom"))
    edge |= (pl.col("column") == pl.col("left")) | (pl.col("column") == pl.col("right"))
    sample = pl.col("role") == "sample"
    wells = wells.select(
        "plate", "signal", "zero", "vehicle", "screen",
        curve=pl.when(sample & ~pl.col("screen")).then("curve"), dose=pl.when(sample & ~pl.col("screen")).then("concentration_nM"),
        sample=sample, outer=edge.cast(pl.Float64),
        along_rows=(pl.col("row") - pl.col("top")) / (pl.col("bottom") - pl.col("top")).clip(1),
        along_columns=(pl.col("column") - pl.col("left")) / (pl.col("right") - pl.col("left")).clip(1),
    )  # fmt: skip
    groups = without_actives(wells).group_by("plate", "sample", "curve", "dose", maintain_order=True).agg(
        "signal", *PLACES, pl.col("zero", "vehicle", "screen").first(), n=pl.len(), mean_signal=pl.col("signal").mean(),
        **{f"mean_{name}": pl.col(name).mean() for name in PLACES},
    )  # fmt: skip
    full = pl.coalesce("vehicle", pl.col("mean_signal").max().over("plate")) - pl.col("zero")
    kind = pl.when(~pl.col("sample")).then(pl.lit("vehicle wells")).when("screen").then(pl.lit("samples, most taken as inactive"))
    high = (pl.col("mean_signal") - pl.col("zero")) > LEAST_LEVEL * full
    kept = groups.filter((pl.col("n") > 1) & high)
    return kept.with_columns(kind=kind.otherwise(pl.lit("replicate wells"))).with_row_index("group")


def without_actives(wells: pl.DataFrame) -> pl.DataFrame:
    """Return the wells, samples of a screen only where they lie within three robust standard deviations of their median."""
    screen = pl.col("screen") & pl.col("sample")
    samples = wells.filter(screen)
    if samples.is_empty():
        return wells
    away = (pl.col("signal") - pl.col("signal").median()).abs()
    inactive = samples.filter((away <= OUTLIER_SDS * MAD_TO_SD * away.median()).over("plate"))
    return pl.concat([wells.filter(~screen), inactive])


def solved(total: pl.DataFrame) -> pl.DataFrame:
    """Return effects and p values from the sums of products of every plate."""
    from scipy.special import stdtr  # noqa: PLC0415  a third of a second to import

    gram = np.stack(
        [np.stack([total[f"x{min(i, j)}x{max(i, j)}"].to_numpy() for j in range(3)], axis=-1) for i in range(3)], axis=-2
    )
    right = np.stack([total[f"yx{i}"].to_numpy() for i in range(3)], axis=-1)
    # The solution of least norm equals the unique one in every effect that is estimable.
    inverse = np.linalg.pinv(gram, rcond=1e-9, hermitian=True)
    slope = np.einsum("pij,pj->pi", inverse, right)
    used = total["n_pattern"].to_numpy() - total["n_groups"].to_numpy().astype(np.int64)
    freedom = (used - np.linalg.matrix_rank(gram, hermitian=True)).astype(np.float64)
    rss = np.maximum(total["yy"].to_numpy() - np.einsum("pi,pi->p", slope, right), 0.0)  # rounding can leave -1e-16 of it
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.einsum("pii->pi", inverse) * (rss / np.maximum(freedom, 1))[:, None])
        p = 2 * stdtr(np.maximum(freedom, 1)[:, None], -np.abs(slope) / error)
    known = (independent_share(gram) >= LEAST_INDEPENDENT) & (freedom >= LEAST_FREEDOM)[:, None]
    with np.errstate(invalid="ignore"):
        # Slopes are relative to group means; the edge effect is wanted relative to inner wells.
        slope[:, 0] /= 1 - slope[:, 0] * (total["share_outer"].to_numpy() / gram[:, 0, 0])
    columns = {"plate": total["plate"]}
    for k, name in enumerate(EFFECTS):
        columns[name] = pl.Series(np.where(known[:, k], slope[:, k], np.nan)).fill_nan(None)
        columns[f"{name}_p"] = pl.Series(np.where(known[:, k], p[:, k], np.nan)).fill_nan(None)
    return pl.DataFrame(columns).hstack(total.select("pattern_basis", pl.col("n_pattern").cast(pl.Int64)))


def independent_share(gram: FloatArray) -> FloatArray:
    """Return, per plate and effect, which share of the effect's variation the two others do not share, (plates, 3)."""
    share = np.zeros(gram.shape[:2])
    for k in range(3):
        rest = [j for j in range(3) if j != k]
        inner = np.linalg.pinv(gram[:, rest][:, :, rest], rcond=1e-9, hermitian=True)
        shared = np.einsum("pi,pij,pj->p", gram[:, k, rest], inner, gram[:, k, rest])
        own = gram[:, k, k]
        share[:, k] = np.divide(own - shared, own, out=np.zeros(len(own)), where=own > 0)
    return share
