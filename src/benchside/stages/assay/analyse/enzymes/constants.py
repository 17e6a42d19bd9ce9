"""Inhibition constants from IC50s: Cheng-Prusoff, and the correction for the enzyme where binding is tight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import FLOAT, TEXT, Column, conform, dataframe
from benchside.stages.assay.model import check_level

VERSION: Final = "1"
TIGHT: Final = 10.0
"""Binding is tight below this many times the enzyme: there half the enzyme is more than 5 % of the IC50."""

Mode = Literal["competitive", "non-competitive", "uncompetitive", "mixed"]
PerVariant = float | Mapping[str, float]
NEEDED: Final = {
    "curve_id": Column(TEXT, "the curve"),
    "compound": Column(TEXT, "the compound"),
    "target": Column(TEXT, "the kinase"),
    "variant": Column(TEXT, "WT or the mutation"),
    "system": Column(TEXT, "cell-free, or the cell line"),
    "ic50_nM": Column(FLOAT, "dose of response 0.5", required=True),
    "ic50_relation": Column(TEXT, "=, > or <", required=True),
    "ic50_lower_nM": Column(FLOAT, "lower confidence limit"),
    "ic50_upper_nM": Column(FLOAT, "upper confidence limit"),
}


@dataclass(frozen=True)
class InhibitionConstants(Answer):
    """Inhibition constants, one row a curve."""

    KEY: ClassVar[tuple[str, ...]] = ("curve_id", "compound", "target", "variant", "system")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("Ki", "ki_nM", "nM", lower="ki_lower_nM", upper="ki_upper_nM", relation="ki_relation"),
    )


def ki(
    fits: Any,
    *,
    atp_uM: PerVariant,
    km_uM: PerVariant,
    enzyme_nM: PerVariant | None = None,
    mode: Mode = "competitive",
    alpha: float | None = None,
    km_se_uM: PerVariant | None = None,
    level: float = 0.95,
) -> InhibitionConstants:
    """Return the inhibition constant behind every IC50 of a cell-free assay.

    Parameters
    ----------
    fits
        What `fit` returned, or any table with `ic50_nM, ic50_relation` and, where there are, limits and names.
    atp_uM, km_uM
        ATP in the assay and the Km of the kinase for it: one number, or a number for each variant (mutants differ).
    enzyme_nM
        Active enzyme in the well. Where the IC50 is below 10 times the enzyme, half the enzyme is taken off it first; without
        it, binding is taken not to be tight, and `status` says so.
    mode
        How the inhibitor binds: ``competitive`` with ATP, ``non-competitive``, ``uncompetitive`` (the constant is then that of
        the enzyme-ATP complex), or ``mixed`` with `alpha`.
    alpha
        For ``mixed``: the constant of the enzyme-ATP complex over that of the free enzyme.
    km_se_uM
        Standard error of the Km; it widens the limits.
    level
        Confidence level of the limits of the IC50s, and of the Km's share in those of the constant.

    Returns
    -------
    InhibitionConstants
        The rows of `fits` with `ki_nM, ki_relation, ki_lower_nM, ki_upper_nM, method` (``Cheng-Prusoff`` or ``tight binding``,
        and why), `atp_uM, km_uM, enzyme_nM, divisor` and `status`. A censored IC50 gives a censored Ki.

    Raises
    ------
    SettingError
        When a number is not above 0, or `alpha` and `mode` do not go together.
    TableError
        When the table holds no IC50s.

    Notes
    -----
    Cheng and Prusoff 1973, doi:10.1016/0006-2952(73)90196-2: competitive, IC50 = Ki (1 + [ATP] / Km). The divisor of any mode
    is (Km + [ATP]) / (Km + [ATP] / alpha), alpha endless when competitive and 1 when non-competitive; uncompetitive,
    1 + Km / [ATP]. Tight binding: IC50 = Ki_app + E / 2 (Henderson 1972, doi:10.1042/bj1270321), from Morrison 1969,
    doi:10.1016/0005-2744(69)90420-3. The Km's error enters by the delta method on the log scale, joined to the IC50's limits as
    squares of distances (Zou and Donner 2008, doi:10.1002/sim.3095).

    Examples
    --------
    >>> import polars as pl
    >>> fits = pl.DataFrame({"curve_id": ["a"], "ic50_nM": [30.0], "ic50_relation": ["="]})
    >>> ki(fits, atp_uM=100, km_uM=50).table["ki_nM"][0]
    10.0
    """
    table = dataframe(fits)
    settings: dict[str, Any] = {
        "atp_uM": atp_uM, "km_uM": km_uM, "enzyme_nM": enzyme_nM, "mode": mode, "alpha": alpha, "km_se_uM": km_se_uM, "level": level,
    }  # fmt: skip
    return InhibitionConstants(ki_table(table, **settings), Origin("assay.ki", VERSION, settings, (table,)))


def ki_table(
    fits: pl.DataFrame,
    *,
    atp_uM: PerVariant,
    km_uM: PerVariant,
    enzyme_nM: PerVariant | None,
    mode: Mode,
    alpha: float | None,
    km_se_uM: PerVariant | None,
    level: float,
) -> pl.DataFrame:
    """Return the columns of `ki`, one row an IC50."""
    check_level(level)
    require_mode(mode, alpha)
    table = conform(fits, NEEDED, noun="table of IC50s")
    if table["ic50_nM"].is_null().all() and table.height:
        message = "table of IC50s: ic50_nM is empty in every row, so there is no Ki. Fit the curves first."
        raise TableError(message)
    table = table.select(*NEEDED).with_columns(
        atp_uM=per_variant(atp_uM, table, "atp_uM"),
        km_uM=per_variant(km_uM, table, "km_uM"),
        enzyme_nM=per_variant(enzyme_nM, table, "enzyme_nM"),
        km_se_uM=per_variant(km_se_uM, table, "km_se_uM"),
    )
    table = table.with_columns(divisor=divisor(mode, alpha), tight=pl.col("ic50_nM") < TIGHT * pl.col("enzyme_nM"))
    table = table.with_columns(
        off=pl.when(pl.col("tight").fill_null(value=False)).then(pl.col("enzyme_nM") / 2).otherwise(0.0),
        km_half=km_half_width(mode, alpha, level),
    )
    return with_constants(table).with_columns(method(), status()).drop("tight", "off", "km_half")


def require_mode(mode: str, alpha: float | None) -> None:
    """Refuse unknown modes and an alpha that is missing, out of place or not above 0."""
    if mode not in {"competitive", "non-competitive", "uncompetitive", "mixed"}:
        known = ("competitive", "non-competitive", "uncompetitive", "mixed")
        message = f"mode={mode!r} is unknown{nearest(mode, known)}. Use one of {listed(known)}."
        raise SettingError(message)
    if (mode == "mixed") != (alpha is not None) or (alpha is not None and not alpha > 0):
        message = f"mode={mode!r} with alpha={alpha}: alpha, above 0, belongs to mode='mixed' and to no other. Give it there, or leave it out."
        raise SettingError(message)


def per_variant(value: PerVariant | None, table: pl.DataFrame, name: str) -> pl.Series:
    """Return a number for every row; null where the mapping does not name the variant."""
    if value is None:
        return pl.Series(name, [None] * table.height, dtype=pl.Float64)
    given = list(value.items()) if isinstance(value, Mapping) else [(None, value)]
    for variant, number in given:
        if not 0 < number < float("inf"):
            message = (
                f"{name}{'' if variant is None else f' of {variant}'} must be a number above 0, and is {number!r}. Correct it."
            )
            raise SettingError(message)
    if isinstance(value, Mapping):
        return table["variant"].replace_strict(dict(value), default=None, return_dtype=pl.Float64).alias(name)
    return pl.Series(name, [float(value)] * table.height, dtype=pl.Float64)


def divisor(mode: Mode, alpha: float | None) -> pl.Expr:
    """Return the expression of IC50 / Ki."""
    atp, km = pl.col("atp_uM"), pl.col("km_uM")
    if mode == "competitive":
        return 1 + atp / km
    if mode == "uncompetitive":
        return 1 + km / atp
    return (km + atp) / (km + atp / (1.0 if alpha is None else alpha))


def km_half_width(mode: Mode, alpha: float | None, level: float) -> pl.Expr:
    """Return the expression of the half width that the Km's error gives ln Ki; 0 where the Km is taken as exact."""
    from statistics import NormalDist  # noqa: PLC0415  only needed here

    atp, km = pl.col("atp_uM"), pl.col("km_uM")
    if mode == "competitive":
        share = (atp / km) / (1 + atp / km)
    elif mode == "uncompetitive":
        share = (km / atp) / (1 + km / atp)
    else:  # d ln divisor / d ln Km
        share = (km / (km + atp) - km / (km + atp / (1.0 if alpha is None else alpha))).abs()
    return (share * pl.col("km_se_uM") / km).fill_null(0.0) * NormalDist().inv_cdf(0.5 + level / 2)


def with_constants(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with `ki_nM`, its relation and limits; null where the enzyme alone explains the IC50."""
    columns = {"ki_nM": "ic50_nM", "ki_lower_nM": "ic50_lower_nM", "ki_upper_nM": "ic50_upper_nM"}
    found = table.with_columns(
        pl.when(pl.col(theirs) > pl.col("off")).then((pl.col(theirs) - pl.col("off")) / pl.col("divisor")).alias(ours)
        for ours, theirs in columns.items()
    )
    value, wide = pl.col("ki_nM"), pl.col("km_half")
    below, above = (value / pl.col("ki_lower_nM")).log(), (pl.col("ki_upper_nM") / value).log()
    # Without an error of the Km the limits stay as they are, to the last bit, and need no value between them.
    return found.with_columns(
        pl.when(wide > 0).then(value / (below**2 + wide**2).sqrt().exp()).otherwise(pl.col("ki_lower_nM")).alias("ki_lower_nM"),
        pl.when(wide > 0).then(value * (above**2 + wide**2).sqrt().exp()).otherwise(pl.col("ki_upper_nM")).alias("ki_upper_nM"),
        pl.when(value.is_not_null()).then(pl.col("ic50_relation")).alias("ki_relation"),
    )


def method() -> pl.Expr:
    """Return which equation was used, and why."""
    enzyme, ic50 = pl.col("enzyme_nM").round_sig_figs(3), pl.col("ic50_nM").round_sig_figs(3)
    return (
        pl.when(pl.col("enzyme_nM").is_null()).then(pl.lit("Cheng-Prusoff (the enzyme concentration was not given)"))
        .when(pl.col("tight")).then(pl.format("tight binding (IC50 {} nM is below 10 times the enzyme, {} nM)", ic50, enzyme))
        .otherwise(pl.format("Cheng-Prusoff (IC50 {} nM is 10 times the enzyme, {} nM, or more)", ic50, enzyme)).alias("method")
    )  # fmt: skip


def status() -> pl.Expr:
    """Return what must be said of every constant, `ok` where nothing must."""
    ic50, off = pl.col("ic50_nM"), pl.col("off")
    rules = [
        (ic50.is_null(), "No Ki: the curve has no IC50."),
        (pl.col("divisor").is_null(), "No Ki: no ATP or no Km is given for this variant. Measure its Km; mutants differ from the wild type."),
        ((off > 0) & (ic50 <= off), "No Ki: the IC50 is not above half the enzyme, which no reversible inhibitor can be under. Titrate the active enzyme, or use less of it."),
        ((off > 0) & (ic50 > off) & (pl.col("ic50_lower_nM") <= off), "The lower limit is open: the IC50's is not above half the enzyme. Use less enzyme."),
        ((ic50 > off) & (pl.col("ic50_relation") == ">"), "A lower bound: the IC50 is above the top dose."),
        ((ic50 > off) & (pl.col("ic50_relation") == "<"), "An upper bound: the IC50 is below the lowest dose."),
    ]  # fmt: skip
    said = pl.concat_str(
        [pl.when(where.fill_null(value=False)).then(pl.lit(text)) for where, text in rules], separator=" ", ignore_nulls=True
    )
    return pl.when(said.str.len_bytes() > 0).then(said).otherwise(pl.lit("ok")).alias("status")
