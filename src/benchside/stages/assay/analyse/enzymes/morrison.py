"""Tight binding fitted as such: Morrison's quadratic (1969, doi:10.1016/0005-2744(69)90420-3) on the responses themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.stages.assay.analyse.enzymes.constants import Mode, PerVariant, divisor, per_variant, require_mode
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.model import ResponseTable, check_level

VERSION: Final = "1"
DESCRIBED: Final = ("compound", "target", "variant", "system")
DECADES: Final = 4.0
"""How far beyond the tested doses (below them: beyond the enzyme too) a constant is searched for."""

Levels = Literal["fixed", "top", "free"]
FREE_LEVELS: Final = {"fixed": 0, "top": 1, "free": 2}


@dataclass(frozen=True)
class MorrisonFits(Answer):
    """Inhibition constants fitted with the enzyme's share, one row a curve."""

    KEY: ClassVar[tuple[str, ...]] = ("curve_id",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("Ki", "ki_nM", "nM", lower="ki_lower_nM", upper="ki_upper_nM", n="n_points"),
        Quantity("apparent Ki", "ki_app_nM", "nM", n="n_points"),
    )


def morrison(
    responses: Any,
    *,
    atp_uM: PerVariant,
    km_uM: PerVariant,
    enzyme_nM: PerVariant,
    mode: Mode = "competitive",
    alpha: float | None = None,
    plateaus: Levels = "top",
    level: float = 0.95,
) -> MorrisonFits:
    """Return the inhibition constant of every curve, fitted with the inhibitor that the enzyme takes up.

    Parameters
    ----------
    responses
        A `ResponseTable`, a path or any dataframe with its columns; excluded and empty responses are left out.
    atp_uM, km_uM, enzyme_nM
        ATP, its Km, and the active enzyme in the well: one number, or a number for each variant.
    mode, alpha
        As in `ki`.
    plateaus
        ``top``: the level without inhibitor is fitted, that of complete inhibition is 0. ``fixed``: 1 and 0. ``free``: both fitted.
    level
        Confidence level of the profile-likelihood interval.

    Returns
    -------
    MorrisonFits
        One row a curve: `ki_nM, ki_lower_nM, ki_upper_nM` (null: open), `ki_app_nM` (before the ATP is accounted for),
        `top, bottom, rss, n_points, atp_uM, km_uM, enzyme_nM, status`.

    Raises
    ------
    SettingError
        When a setting is out of range.

    Examples
    --------
    >>> import polars as pl
    >>> dose = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    >>> left = [(5 - i - 1 + ((5 + i + 1) ** 2 - 20 * i) ** 0.5) / 10 for i in dose]
    >>> table = pl.DataFrame({"curve_id": ["a"] * 6, "concentration_nM": dose, "response": left})
    >>> round(morrison(table, atp_uM=50, km_uM=50, enzyme_nM=5).table["ki_nM"][0], 6)
    0.5
    """
    table = ResponseTable.of(responses).table
    settings: dict[str, Any] = {
        "atp_uM": atp_uM, "km_uM": km_uM, "enzyme_nM": enzyme_nM, "mode": mode, "alpha": alpha, "plateaus": plateaus, "level": level,
    }  # fmt: skip
    return MorrisonFits(morrison_table(table, **settings), Origin("assay.morrison", VERSION, settings, (table,)))


def morrison_table(
    table: pl.DataFrame,
    *,
    atp_uM: PerVariant,
    km_uM: PerVariant,
    enzyme_nM: PerVariant,
    mode: Mode,
    alpha: float | None,
    plateaus: Levels,
    level: float,
) -> pl.DataFrame:
    """Return the columns of `morrison`, one row a curve in the order the curves first appear."""
    check_level(level)
    require_mode(mode, alpha)
    if plateaus not in FREE_LEVELS:
        message = f"plateaus={plateaus!r} is unknown. Use 'top', 'fixed' or 'free'."
        raise SettingError(message)
    used = ~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null()
    curves = table.group_by("curve_id", maintain_order=True).agg(
        *[pl.col(name).first() for name in DESCRIBED], dose=pl.col("concentration_nM").filter(used), y=pl.col("response").filter(used)
    )  # fmt: skip
    curves = curves.with_columns(
        atp_uM=per_variant(atp_uM, curves, "atp_uM"), km_uM=per_variant(km_uM, curves, "km_uM"),
        enzyme_nM=per_variant(enzyme_nM, curves, "enzyme_nM"),
    ).with_columns(divisor=divisor(mode, alpha))  # fmt: skip
    rows = [
        fit_one(
            np.asarray(dose, dtype=np.float64), np.asarray(y, dtype=np.float64), enzyme, ratio, plateaus=plateaus, level=level
        )
        for dose, y, enzyme, ratio in curves.select("dose", "y", "enzyme_nM", "divisor").iter_rows()
    ]
    return curves.drop("dose", "y").hstack(pl.DataFrame(rows, schema=RESULT, orient="row"))


RESULT: Final = {
    "ki_nM": pl.Float64, "ki_lower_nM": pl.Float64, "ki_upper_nM": pl.Float64, "ki_app_nM": pl.Float64, "top": pl.Float64,
    "bottom": pl.Float64, "rss": pl.Float64, "n_points": pl.Int64, "status": pl.String,
}  # fmt: skip


def activity_left(dose_nM: FloatArray, ki_app_nM: FloatArray, enzyme_nM: float) -> FloatArray:
    """Return the share of activity left (constants, doses), the root written so that no digits cancel.

    v / v0 = (E - I - K + root) / (2 E), root = sqrt((E + I + K) ** 2 - 4 E I); the free enzyme is also E K over the positive root
    of K + I - E.
    """
    gap = dose_nM[None, :] + ki_app_nM[:, None] - enzyme_nM
    root = np.sqrt(gap**2 + 4 * enzyme_nM * ki_app_nM[:, None])
    return np.asarray(np.where(gap > 0, 2 * ki_app_nM[:, None] / (gap + root), (root - gap) / (2 * enzyme_nM)))


def projected(log_k: FloatArray, dose: FloatArray, y: FloatArray, enzyme: float, plateaus: Levels) -> FloatArray:
    """Return (constants, 3): residual sum of squares, top and bottom, the free levels at their best for every constant."""
    f = activity_left(dose, np.exp(log_k), enzyme)
    top, bottom = np.ones(len(f)), np.zeros(len(f))
    if plateaus == "top":
        top = (f @ y) / np.sum(f**2, axis=1)
    elif plateaus == "free":
        centred = f - f.mean(axis=1, keepdims=True)
        spread = np.sum(centred**2, axis=1)
        span = np.divide(centred @ (y - y.mean()), spread, out=np.zeros(len(f)), where=spread > 1e-300)
        bottom = y.mean() - span * f.mean(axis=1)
        top = bottom + span
    rest = y - bottom[:, None] - (top - bottom)[:, None] * f
    return np.column_stack([np.sum(rest**2, axis=1), top, bottom])


def fit_one(
    dose: FloatArray, y: FloatArray, enzyme: float | None, ratio: float | None, *, plateaus: Levels, level: float
) -> tuple[Any, ...]:
    """Return the row of one curve: only the constant enters non-linearly, so a dense grid cannot miss the optimum."""
    df = len(y) - 1 - FREE_LEVELS[plateaus]
    if enzyme is None or ratio is None:
        return (
            *[None] * 7,
            len(y),
            "No Ki: no ATP, Km or enzyme is given for this variant. Measure them; mutants differ from the wild type.",
        )
    if df < 1 or not (dose > 0).any():
        return (*[None] * 7, len(y), "Not fitted: there are no more points than parameters. Add doses.")
    from scipy.optimize import brentq, minimize_scalar  # noqa: PLC0415  a third of a second to import
    from scipy.special import stdtrit  # noqa: PLC0415

    reach = DECADES * np.log(10.0)
    grid = np.linspace(np.log(min(dose[dose > 0].min(), enzyme)) - reach, np.log(dose.max()) + reach, 600)

    def rss(log_k: float) -> float:
        return float(projected(np.array([log_k]), dose, y, enzyme, plateaus)[0, 0])

    values = projected(grid, dose, y, enzyme, plateaus)[:, 0]
    at = int(values.argmin())
    near = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    best = float(minimize_scalar(rss, bounds=near, method="bounded", options={"xatol": 1e-10}).x)
    best = best if rss(best) < values[at] else float(grid[at])
    least, top, bottom = projected(np.array([best]), dose, y, enzyme, plateaus)[0]
    most = least * (1 + stdtrit(df, 0.5 + level / 2) ** 2 / df)
    limits = []
    for beyond in (np.flatnonzero((values > most) & (grid < best))[::-1], np.flatnonzero((values > most) & (grid > best))):
        root = brentq(lambda k: rss(k) - most, best, grid[beyond[0]], xtol=1e-10) if beyond.size and most > least else None
        limits.append(None if root is None else float(np.exp(root)) / ratio)
    at_end = at in {0, len(grid) - 1}
    constant = None if at_end else float(np.exp(best)) / ratio
    apparent = None if at_end else float(np.exp(best))
    words = said(at_end=at_end, limits=limits, enzyme=enzyme, apparent=float(np.exp(best)))
    return (constant, *limits, apparent, float(top), float(bottom), float(least), len(y), words)


def said(*, at_end: bool, limits: list[float | None], enzyme: float, apparent: float) -> str:
    """Return what must be said of one curve."""
    rules = [
        (at_end and apparent < enzyme, "No Ki: the curve is a titration of the enzyme, which any constant this small fits alike. Use less enzyme."),
        (at_end and apparent >= enzyme, "No Ki: the best constant lies four decades above the doses. Test higher doses."),
        (limits[0] is None and not at_end, "The lower limit is open: at this enzyme concentration the curve only says that binding is tight. Use less enzyme."),
        (limits[1] is None and not at_end, "The upper limit is open: add higher doses."),
        (not at_end and apparent < enzyme / 100, "The apparent Ki is below a hundredth of the enzyme: the curve is a titration of the enzyme, and the Ki hangs on the enzyme given."),
    ]  # fmt: skip
    return " ".join(text for where, text in rules if where) or "ok"
