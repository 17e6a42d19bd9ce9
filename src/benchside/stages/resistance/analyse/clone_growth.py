"""How fast each clone grows: rate and doubling time from serial allele fractions, those below the detection limit as censored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.kernels.clone_growth import fit_clone
from benchside.stages.resistance.notice import ResistanceAnswer
from benchside.stages.resistance.read import read_variants

VERSION: Final = "1"
SATURATING: Final = 0.25
"""Above this fraction a share of all DNA grows visibly more slowly than the clone itself."""

SCHEMA: Final[dict[str, Any]] = {
    "patient": pl.String, "gene": pl.String, "variant": pl.String, "n_samples": pl.Int64, "n_detected": pl.Int64,
    "growth_rate_per_day": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "doubling_days": pl.Float64,
    "doubling_lower_days": pl.Float64, "doubling_upper_days": pl.Float64, "log_vaf_at_0": pl.Float64, "sd_log_vaf": pl.Float64,
    "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class CloneGrowth(ResistanceAnswer):
    """Growth of clones: `.table` has one row a patient and variant, `.samples` one row a value used."""

    samples: pl.DataFrame | None = None
    level: float = 0.95

    KEY: ClassVar[tuple[str, ...]] = ("patient", "gene", "variant")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("growth rate of the allele fraction", "growth_rate_per_day", "1/day", "lower", "upper", n="n_samples"),
        Quantity(
            "doubling time of the allele fraction",
            "doubling_days",
            "days",
            "doubling_lower_days",
            "doubling_upper_days",
            n="n_samples",
        ),
    )


def clone_growth(variants: Any, *, level: float = 0.95, sd_log_vaf: float | None = None) -> CloneGrowth:
    """Return the growth rate and doubling time of every clone that was followed.

    The fraction of a clone is log-linear in time with a lognormal spread between samples; where reads were counted, their binomial
    variance is added. A sample in which the variant was looked for and not found (vaf 0 or null), or found below the detection limit,
    adds the probability of lying below the limit. Limits are of the profile likelihood, its drop widened for the estimated
    spread so that without censoring and counts they are the t interval of least squares.

    Parameters
    ----------
    variants
        What `read_variants` takes, with `patient, variant, time_days, vaf` (or `alt_count` and `depth`) and `detection_limit` where a
        value lies below it. A missing row is a sample in which the variant was not looked for.
    level
        Of the intervals.
    sd_log_vaf
        The standard deviation of ln VAF between samples of one patient beyond the counting of reads, where it is known, for
        example from replicates; None: estimated from each series, which takes three detected samples.

    Returns
    -------
    CloneGrowth
        `.table`: `patient, gene, variant, n_samples, n_detected, growth_rate_per_day, lower, upper, doubling_days` with limits (null where
        the rate or its limit is not above 0)`, log_vaf_at_0, sd_log_vaf, status`. What cannot be estimated is null with a sentence.

    Raises
    ------
    TableError
        When there is no patient or no time, or a value is below a detection limit that nobody states.
    SettingError
        When the level or the spread is out of range.

    Notes
    -----
    The fraction is a share of all DNA in the sample, so it follows the clone only while it is small; above 0.25 the status says so. With fewer
    than about ten reads at the detection limit ln VAF is skewed, and rates come out some per cent too high.

    References
    ----------
    Tobin 1958, doi:10.2307/1907382 (censoring); Venzon and Moolgavkar 1988, doi:10.2307/2347496 (profile limits).

    Examples
    --------
    >>> df = pl.DataFrame({"patient": ["a"] * 4, "variant": ["G1202R"] * 4, "time_days": [0, 30, 60, 90], "vaf": [0.001, 0.0021, 0.0039, 0.0082]})
    >>> found = clone_growth(df).table.row(0, named=True)
    >>> round(found["doubling_days"], 1)
    30.0
    """
    if not 0 < level < 1:
        message = f"level is {level:g} and must lie between 0 and 1, for example 0.95."
        raise SettingError(message)
    if sd_log_vaf is not None and not 0 <= sd_log_vaf < 6:
        message = f"sd_log_vaf is {sd_log_vaf:g} and must lie from 0 to 6: a standard deviation of ln VAF, for example 0.3."
        raise SettingError(message)
    held = read_variants(variants)
    samples = followed(held.table, held.label)
    rows = []
    for (patient, gene, variant), part in samples.group_by("patient", "gene", "variant", maintain_order=True):
        rows.append(_grown(part, level, sd_log_vaf) | {"patient": patient, "gene": gene, "variant": variant})
    settings = {"level": level, "sd_log_vaf": sd_log_vaf}
    table = pl.DataFrame(rows, schema=SCHEMA)
    return CloneGrowth(table, Origin("resistance.clone_growth", VERSION, settings, (held.table,)), samples=samples, level=level)


def serial(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of clones that were followed: a patient and a time each, two times or more, and a fraction in one of them."""
    known = table.filter((pl.col("kind") != "wild-type") & pl.col("time_days").is_not_null() & pl.col("patient").is_not_null())
    measured = pl.col("vaf").is_not_null() | pl.col("alt_count").is_not_null()
    clone = ["patient", "gene", "variant"]
    return known.filter((pl.col("time_days").n_unique().over(clone) > 1) & measured.any().over(clone))


def followed(table: pl.DataFrame, label: str) -> pl.DataFrame:
    """Return the values of variants followed over time: `patient, gene, variant, time_days, vaf, alt_count, depth, limit, below`."""
    wanted = table.filter(pl.col("kind") != "wild-type").with_row_index("_at", offset=1)
    for column in ("patient", "time_days"):
        lacking = wanted.filter(pl.col(column).is_null())
        if wanted.is_empty() or lacking.height:
            where = f"row {listed(lacking['_at'])} has none" if lacking.height else "there is no variant"
            message = f"{label}: growth takes patient and time_days of every variant, and {where}. Fill in {column}, or leave the rows out."
            raise TableError(message)
    counted = pl.col("alt_count") / pl.col("depth")
    one_read = 1.0 / pl.col("depth")
    made = wanted.with_columns(vaf=pl.coalesce("vaf", counted), limit=pl.coalesce("detection_limit", one_read)).with_columns(
        below=(pl.col("vaf").fill_null(0.0) <= 0) | (pl.col("vaf") < pl.col("limit")).fill_null(value=False)
    )
    unknown = made.filter(pl.col("below") & pl.col("limit").is_null())
    if unknown.height:
        message = (
            f"{label}: row {listed(unknown['_at'], 3)} has no fraction and no detection limit, so how low it lies is not known. "
            "Add detection_limit, the smallest fraction the assay calls."
        )
        raise TableError(message)
    columns = ("sample", "patient", "gene", "variant", "time_days", "vaf", "alt_count", "depth", "limit", "below")
    # Several alleles of one variant in one sample are one clone's reads.
    return made.select(columns).group_by("sample", "patient", "gene", "variant", "time_days", maintain_order=True).agg(
        pl.col("vaf").sum(), pl.col("alt_count").sum(), pl.col("depth").max(), pl.col("limit").max(), pl.col("below").all()
    )  # fmt: skip


def _grown(part: pl.DataFrame, level: float, known_sd: float | None) -> dict[str, Any]:
    """Return the fit of one clone, or why there is none."""
    detected = part.filter(~pl.col("below"))
    row: dict[str, Any] = dict.fromkeys(SCHEMA) | {"n_samples": part.height, "n_detected": detected.height}
    least = 2 if known_sd is not None else 3
    if detected["time_days"].n_unique() < 2 or detected.height < least:
        need = f"{least} detected samples at two times or more"
        return row | {"status": f"Not estimable: growth takes {need}, and there are {detected.height}."}
    a, r, sd, low, high = fitted(part, level=level, known_sd=known_sd)
    return row | {
        "growth_rate_per_day": r, "lower": low, "upper": high, **doubling(r, low, high), "log_vaf_at_0": a, "sd_log_vaf": sd,
        "status": _told(part, low, high),
    }  # fmt: skip


def fitted(part: pl.DataFrame, *, level: float, known_sd: float | None) -> tuple[float, float, float, float | None, float | None]:
    """Return ln VAF at time 0, the rate, the spread between samples, and the limits of the rate (None where open)."""
    time = part["time_days"].cast(pl.Float64).to_numpy()
    centre = float(time.mean())
    below = part["below"].to_numpy()
    shown = np.where(below, part["limit"].fill_null(1.0).to_numpy(), part["vaf"].fill_null(1.0).to_numpy())
    depth = part["depth"].cast(pl.Float64).fill_null(math.inf).to_numpy()
    value = np.log(shown)
    n = int((~below).sum())
    drop = profile_drop(n, level, known=known_sd is not None)
    sd = -1.0 if known_sd is None else known_sd
    extra = counting_variance(shown, depth)
    for _ in range(2):  # the variance of counting follows the fitted fraction, not the count that happened to be drawn
        a, r, *_ = fit_clone(time - centre, value, extra, below, sd, 0.0)
        extra = counting_variance(np.where(below, shown, np.exp(a + r * (time - centre))), depth)
    a, r, found_sd, low, high = (float(x) for x in fit_clone(time - centre, value, extra, below, sd, drop))
    ends = (None if math.isnan(end) else end for end in (low, high))
    return a - r * centre, r, found_sd, *ends  # type: ignore[return-value]


def counting_variance(fraction: npt.NDArray[np.float64], depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the variance of ln(reads / depth) when `depth` reads are drawn at a fraction (n,): (1 - v) / (v depth)."""
    v = np.clip(fraction, 0.5 / depth, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.isinf(depth), 0.0, (1.0 - v) / (np.maximum(v, 1e-300) * depth)), dtype=np.float64)


def profile_drop(n: int, level: float, *, known: bool) -> float:
    """Return how far the profile log-likelihood falls at the limits of a slope with n detected samples.

    With the spread known it is z²/2. With the spread estimated, n/2 ln(1 + t²/(n - 2)): the fall at the t limits of least squares.
    """
    if known:
        return float(0.5 * NormalDist().inv_cdf((1 + level) / 2) ** 2)
    from scipy.special import stdtrit  # noqa: PLC0415  only here needed

    t = float(stdtrit(n - 2, (1 + level) / 2))
    return 0.5 * n * math.log1p(t * t / (n - 2))


def doubling(rate: float, low: float | None, high: float | None) -> Mapping[str, float | None]:
    """Return the doubling time of a rate and its limits; a rate that is not above 0 has none."""
    times = [math.log(2) / one if one is not None and one > 0 else None for one in (rate, high, low)]
    return dict(zip(("doubling_days", "doubling_lower_days", "doubling_upper_days"), times, strict=True))


def _told(part: pl.DataFrame, low: float | None, high: float | None) -> str:
    told = []
    if low is None or high is None:
        told.append("the interval of the rate is open")
    elif low <= 0 < high:
        told.append("the rate is not told apart from 0, so the doubling time has no upper limit")
    elif high <= 0:
        told.append("the clone shrinks: it halves, and has no doubling time")
    censored = int(part["below"].sum())
    told += [f"{censored} below the detection limit, as censored"] if censored else []
    top = part["vaf"].max()
    if isinstance(top, float) and top > SATURATING:
        told.append(f"the fraction reaches {top:.2g}: a share of all DNA saturates, so the clone grows faster than this")
    return "; ".join(told) or "ok"
