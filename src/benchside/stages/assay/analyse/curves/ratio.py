"""Fold shifts: how many times more of a compound a mutant takes than the wild type measured beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.kernels import fold_shift, shared_plateaus
from benchside.kernels._jit import on_threads
from benchside.kernels.dose_response import DECADES_BEYOND, RSS
from benchside.stages.assay.analyse.curves.ratio_plates import over_plates
from benchside.stages.assay.analyse.curves.shapes import HALF, Points, Shapes
from benchside.stages.assay.arrays import BoolArray, FloatArray, IntArray
from benchside.stages.assay.model import LL4, ResponseTable, check_level

VERSION: Final = "2"
DESCRIBED: Final = ("compound", "target", "variant", "system")
LAB: Final = "lab"
"""A column of this name always belongs to the group: a mutant is never compared with another laboratory's wild type."""

Shared = Literal["plateaus", "shape"] | None
Measure = Literal["ec50", "ic50"]
PARAMETERS: Final = {None: 2 * LL4.parameters, "plateaus": 6, "shape": 5}
_BEYOND: Final = DECADES_BEYOND * np.log(10.0)


@dataclass(frozen=True)
class PotencyRatio(Answer):
    """Fold shifts, one row a pair of curves."""

    KEY: ClassVar[tuple[str, ...]] = (*DESCRIBED, "pair")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fold shift", "fold", "ratio", lower="fold_lower", upper="fold_upper", relation="fold_relation", n="n_points"),
    )


def potency_ratio(
    responses: Any,
    *,
    reference: str = "WT",
    by: str = "variant",
    shared: Shared = None,
    measure: Measure = "ec50",
    level: float = 0.95,
    within: Sequence[str] = (),
) -> PotencyRatio:
    """Return the fold shift of every curve over its reference, fitted together with it.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns; excluded and empty responses are left out.
    reference
        The value of `by` the others are divided by.
    by
        The column in which the two curves of a pair differ. They agree in the others of compound, target, variant and system,
        in `within`, and in `lab` where there is such a column. All curves of one group and value, whatever their plate, are
        one curve.
    shared
        None: two LL4 curves with one residual variance. ``plateaus``: common top and bottom, for a mutant whose curve is not
        complete. ``shape``: common slope too (parallel curves); `shared_p` then says whether the data allow it.
    measure
        ``ec50``: the ratio of the midpoints. ``ic50``: of the doses of response 0.5 (not with ``plateaus``).
    level
        Confidence level of the profile-likelihood interval of ln fold.
    within
        Further columns in which a pair must agree, for example ``["run"]``.

    Returns
    -------
    PotencyRatio
        One row a pair: `fold` with `fold_relation` (``>`` where the variant's potency is above its top dose or the reference's
        below its lowest: the value is then a bound), `fold_lower, fold_upper` (null: open), `p_value` of the F test of fold = 1
        (extra sum of squares) with `f_statistic, df`, both potencies in nM, and `status` in words. Where the fold is a bound,
        the limits are those of the fitted curves, which may reach past the tested doses.

    Raises
    ------
    SettingError
        When `shared` or `measure` is unknown, or the two do not go together.
    TableError
        When `by` is missing or empty, or no row holds the reference.

    Notes
    -----
    Where both curves stand on four plates or more the plate is the unit: limits and test are those of a jackknife over plates
    (`ratio_plates`); with fewer than four, and more than one, `status` says that the interval leaves out how plates differ.

    Profile likelihood: Bates and Watts 1988, doi:10.1002/9780470316757. Ratios of dose-response curves: Ritz et al. 2015,
    doi:10.1371/journal.pone.0146021.

    Examples
    --------
    >>> import polars as pl
    >>> dose = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
    >>> noise = [0.01, -0.02, 0.01, 0.02, -0.01, -0.01, 0.0]
    >>> rows = [{"curve_id": v, "variant": v, "concentration_nM": d, "response": 1 / (1 + d / mid) + e}
    ...     for v, mid in (("WT", 10.0), ("G1202R", 80.0)) for d, e in zip(dose, noise)]
    >>> row = potency_ratio(pl.DataFrame(rows)).table.row(0, named=True)
    >>> row["fold_lower"] < 8 < row["fold_upper"], row["p_value"] < 0.05
    (True, True)
    """
    table = ResponseTable.of(responses).table
    settings = {
        "reference": reference, "by": by, "shared": shared, "measure": measure, "level": level, "within": list(within),
    }  # fmt: skip
    result = ratio_table(table, reference=reference, by=by, shared=shared, measure=measure, level=level, within=within)
    return PotencyRatio(result, Origin("assay.potency_ratio", VERSION, settings, (table,)))


def ratio_table(
    table: pl.DataFrame, *, reference: str, by: str, shared: Shared, measure: Measure, level: float, within: Sequence[str] = ()
) -> pl.DataFrame:
    """Return the columns of `potency_ratio`, one row a pair in the order the variants first appear."""
    require_settings(shared, measure, level)
    keys = [*DESCRIBED, *(name for name in (LAB, by, *within) if name in table.columns and name not in DESCRIBED)]
    keys = list(dict.fromkeys(keys))
    used = used_rows(table, reference=reference, by=by, within=within)
    groups = used.group_by(keys, maintain_order=True).agg("concentration_nM", "response", "plate_id").with_row_index("curve")
    points = points_of(groups)
    paired = pairs_of(groups, keys, by, reference)
    shapes = Shapes.of(points)
    pairs = np.ascontiguousarray(paired.select(pl.col("reference", "curve").fill_null(0).cast(pl.Int64)).to_numpy())
    absent = paired["reference"].is_null().to_numpy()
    columns = pair_columns(points, shapes, pairs, absent, shared=shared, measure=measure, level=level)
    columns = over_plates(columns, points, pairs, measure=measure, separate=shared is None, level=level)
    name = pl.concat_str([pl.col(key) for key in keys if key not in DESCRIBED or key == by], separator=" / ")
    described = paired.select(*keys, comparator=pl.lit(reference), pair=name + pl.lit(f" : {reference}"))
    return described.hstack(pl.DataFrame(columns, nan_to_null=True))


def require_settings(shared: Shared, measure: Measure, level: float) -> None:
    """Refuse unknown settings and the one combination that has no common parameter to hold."""
    check_level(level)
    if shared not in PARAMETERS:
        message = f"shared={shared!r} is unknown. Use None, 'plateaus' or 'shape'."
        raise SettingError(message)
    if measure not in {"ec50", "ic50"}:
        message = f"measure={measure!r} is unknown. Use 'ec50' (midpoints) or 'ic50' (doses of response 0.5)."
        raise SettingError(message)
    if shared == "plateaus" and measure == "ic50":
        message = "measure='ic50' is not offered with shared='plateaus'. Use measure='ec50', or shared='shape', where both ratios are one."
        raise SettingError(message)


def used_rows(table: pl.DataFrame, *, reference: str, by: str, within: Sequence[str]) -> pl.DataFrame:
    """Return the rows that are used; refuse a table that does not say what a pair differs in."""
    missing = [name for name in (by, *within) if name not in table.columns]
    if missing:
        message = f"response table: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    used = table.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())
    used = used.with_columns(pl.col(by).cast(pl.String))
    empty = used[by].is_null().arg_true().to_list()
    if empty:
        message = (
            f"response table: a fold shift compares values of {by}, and {len(empty)} of {used.height} rows have none "
            f"(curve {used['curve_id'][empty[0]]}). Fill in the column, or name another one with by=."
        )
        raise TableError(message)
    known = used[by].unique().sort().to_list()
    if reference not in known:
        message = f"response table: no row has {by} {reference!r}{nearest(reference, known)}; there are {listed(known, 8)}. Name one of them as the reference."
        raise TableError(message)
    return used


def comparable(table: pl.DataFrame, reference: str) -> pl.DataFrame:
    """Return the rows of a study that fold shifts of variants can be taken of: those of a compound, target and system with a reference.

    A row without a variant is one of the reference. Where no group holds both, no row is left.
    """
    alike = [name for name in DESCRIBED if name != "variant"]
    named = table.with_columns(pl.col("variant").fill_null(reference))
    known = named.filter(pl.col("variant") == reference).select(alike).unique()
    rows = named.join(known, on=alike, how="semi", nulls_equal=True, maintain_order="left")
    return rows.clear() if (rows["variant"] == reference).all() else rows


def points_of(groups: pl.DataFrame) -> Points:
    """Return the points of all groups, one after the other, with their plates where every point names one."""
    counts = groups["response"].list.len().to_numpy().astype(np.int64)
    flat = groups.select("concentration_nM", "response", "plate_id").explode("concentration_nM", "response", "plate_id")
    dose, response = (np.ascontiguousarray(flat[name].to_numpy(), dtype=np.float64) for name in ("concentration_nM", "response"))
    named = flat["plate_id"].null_count() == 0
    plates = flat["plate_id"].rank("dense").to_numpy().astype(np.int64) if named else None
    return Points(dose, response, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), None, plates)


def pairs_of(groups: pl.DataFrame, keys: list[str], by: str, reference: str) -> pl.DataFrame:
    """Return every group that is no reference, with the number of its own reference (null where there is none)."""
    dims = [name for name in keys if name != by]
    own = groups.filter(pl.col(by) == reference).select(*dims, reference="curve")
    others = groups.filter(pl.col(by) != reference).select(*keys, "curve")
    if dims:
        return others.join(own, on=dims, how="left", maintain_order="left", nulls_equal=True)
    return others.join(own, how="cross")


@dataclass(frozen=True)
class Joint:
    """What the joint fits of all pairs say: ln potencies, ln limits of the fold, and sums of squares."""

    log_nM: FloatArray
    """(pairs, 2): reference, variant."""

    lower: FloatArray
    upper: FloatArray
    rss: FloatArray
    rss_together: FloatArray
    rss_apart: FloatArray
    """Of the two curves alone."""


def joint_of(
    points: Points, shapes: Shapes, pairs: IntArray, *, usable: BoolArray, shared: Shared, measure: Measure, factor: FloatArray
) -> Joint:
    """Return the joint fits; nan where a pair is not usable."""
    arrays = points.log_dose, points.response, points.offsets
    allowed = np.where(usable, factor, np.nan)
    apart = np.where(usable, shapes.fits[pairs, RSS].sum(axis=1), np.nan)
    if shared is not None:
        found = shared_plateaus.shared_pairs(*arrays, shapes.fits, pairs, allowed, shared == "shape")
        mids = found[:, [shared_plateaus.MID_R, shared_plateaus.MID_V]]
        lower, upper = found[:, shared_plateaus.LOWER], found[:, shared_plateaus.UPPER]
        return Joint(mids, lower, upper, found[:, shared_plateaus.RSS], found[:, shared_plateaus.RSS_TOGETHER], apart)
    anchor = fold_shift.MIDPOINT if measure == "ec50" else fold_shift.LEVEL
    start = shapes.mid if measure == "ec50" else half_or_end(shapes)
    begin = np.ascontiguousarray(start)

    def part(rows: slice) -> FloatArray:
        return fold_shift.separate_pairs(*arrays, shapes.fits, begin, pairs[rows], allowed[rows], anchor, HALF)

    found = np.concatenate(on_threads(part, len(pairs)))
    log_nM = shapes.mid if measure == "ec50" else np.log(shapes.ic50_nM())
    return Joint(log_nM[pairs], found[:, 0], found[:, 1], apart, found[:, 2], apart)


def half_or_end(shapes: Shapes) -> FloatArray:
    """Return where the search for a dose of response 0.5 starts: the fitted one, or the end of the box the curve points to."""
    low, high = np.log(shapes.lowest_nM) - _BEYOND, np.log(shapes.highest_nM) + _BEYOND
    inside = (shapes.log_half > low) & (shapes.log_half < high) & shapes.falls
    return np.asarray(np.where(inside, shapes.log_half, np.where(shapes.above, high, low)))


def pair_columns(
    points: Points, shapes: Shapes, pairs: IntArray, absent: BoolArray, *, shared: Shared, measure: Measure, level: float
) -> dict[str, Any]:
    """Return the columns of all pairs, nan where there is no value."""
    from scipy.special import fdtrc, stdtrit  # noqa: PLC0415  a third of a second to import

    n = points.counts[pairs].sum(axis=1)
    df = n - PARAMETERS[shared]
    rising = shapes.fitted & ~shapes.falls & ~shapes.above & ~shapes.below if measure == "ic50" else np.zeros_like(shapes.fitted)
    unfit = (~shapes.fitted | rising)[pairs]
    usable = ~unfit.any(axis=1) & ~absent & (df > 0)
    factor = stdtrit(np.maximum(df, 1), 0.5 + level / 2) ** 2 / np.maximum(df, 1)
    joint = joint_of(points, shapes, pairs, usable=usable, shared=shared, measure=measure, factor=factor)
    side = sides(joint.log_nM, shapes, pairs, measure, shared)
    bound = np.where(side > 0, shapes.highest_nM[pairs], np.where(side < 0, shapes.lowest_nM[pairs], np.exp(joint.log_nM)))
    known = usable & (side[:, 0] * side[:, 1] <= 0)
    relation = np.sign(side[:, 1] - side[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.maximum(joint.rss_together - joint.rss, 0) / (joint.rss / df)
        extra = PARAMETERS[None] - PARAMETERS[shared]
        f_shared = np.maximum(joint.rss - joint.rss_apart, 0) / max(extra, 1) / (joint.rss_apart / (n - PARAMETERS[None]))
    words = pl.Series(np.where(relation > 0, ">", np.where(relation < 0, "<", "=")))
    named = f"{measure}_nM"
    return {
        "measure": [measure] * len(pairs), "shared": pl.Series([shared] * len(pairs), dtype=pl.String),
        "fold": np.where(known, bound[:, 1] / bound[:, 0], np.nan), "fold_relation": words.set(pl.Series(~known), None),
        "fold_lower": np.exp(joint.lower), "fold_upper": np.exp(joint.upper), "f_statistic": np.where(usable, f, np.nan),
        "df": pl.Series(df).set(pl.Series(~usable), None), "p_value": np.where(usable, fdtrc(1, np.maximum(df, 1), f), np.nan),
        f"{named}": np.where(usable, bound[:, 1], np.nan), f"reference_{named}": np.where(usable, bound[:, 0], np.nan),
        "shared_p": np.where(usable & (extra > 0), fdtrc(max(extra, 1), np.maximum(n - PARAMETERS[None], 1), f_shared), np.nan),
        "n_points": n, "status": statuses(absent, unfit, rising[pairs], usable=usable, side=side, joint=joint),
    }  # fmt: skip


def sides(log_nM: FloatArray, shapes: Shapes, pairs: IntArray, measure: Measure, shared: Shared) -> IntArray:
    """Return 1 where a potency is above the tested doses, -1 where it is below, 0 within; (pairs, 2)."""
    if measure == "ic50" and shared is None:
        return np.where(shapes.above, 1, np.where(shapes.below, -1, 0))[pairs]
    lowest, highest = np.log(shapes.lowest_nM)[pairs], np.log(shapes.highest_nM)[pairs]
    return np.where(log_nM > highest, 1, np.where(log_nM < lowest, -1, 0))


def statuses(
    absent: BoolArray, unfit: BoolArray, rising: BoolArray, *, usable: BoolArray, side: IntArray, joint: Joint
) -> list[str]:
    """Return what must be said of every pair."""
    low, high = np.isnan(joint.lower), np.isnan(joint.upper)
    rules = [
        (absent, "No fold: this group holds no curve of the reference, and one from elsewhere does not count. Test the reference beside it."),
        (unfit[:, 0] & ~rising[:, 0] & ~absent, "No fold: the reference has no curve (too few doses, or no variation). Add doses."),
        (unfit[:, 1] & ~rising[:, 1] & ~absent, "No fold: the variant has no curve (too few doses, or no variation). Add doses."),
        (rising.any(axis=1) & ~absent, "No fold: a curve rises through one half with dose, so it has no IC50. Check the layout and the controls."),
        (usable & (side[:, 0] * side[:, 1] > 0), "No fold: both potencies lie beyond the same end of the doses, so their ratio is unknown. Test further doses."),
        (usable & (side[:, 1] > 0) & (side[:, 0] <= 0), "The variant's potency is above its top dose, so the fold is a lower bound. Add higher doses."),
        (usable & (side[:, 1] < 0) & (side[:, 0] >= 0), "The variant's potency is below its lowest dose, so the fold is an upper bound. Add lower doses."),
        (usable & (side[:, 0] > 0) & (side[:, 1] <= 0), "The reference's potency is above its top dose, so the fold is an upper bound. Add higher doses."),
        (usable & (side[:, 0] < 0) & (side[:, 1] >= 0), "The reference's potency is below its lowest dose, so the fold is a lower bound. Add lower doses."),
        (usable & low & high, "Both limits of the fold are open: these doses do not settle it."),
        (usable & low & ~high, "The lower limit of the fold is open: these doses do not exclude arbitrarily low values."),
        (usable & ~low & high, "The upper limit of the fold is open: these doses do not exclude arbitrarily high values."),
    ]  # fmt: skip
    return [" ".join(sentence for where, sentence in rules if where[k]) or "ok" for k in range(len(absent))]
