"""Cochran-Mantel-Haenszel: response of two arms compared within strata, and the common odds ratio and difference."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Origin, Quantity
from benchside.core.tables import dataframe
from benchside.stages.clinical.model import ClinicalAnswer, normal_quantile, null_if_nan

Floats = npt.NDArray[np.float64]

METHOD, VERSION = "clinical.cmh_test", "1"
COLUMNS = {
    "arm": pl.String, "comparator": pl.String, "strata": pl.Int64, "n": pl.Int64, "chi2": pl.Float64, "p": pl.Float64,
    "chi2_corrected": pl.Float64, "p_corrected": pl.Float64, "odds_ratio": pl.Float64, "odds_ratio_lower": pl.Float64,
    "odds_ratio_upper": pl.Float64, "difference": pl.Float64, "difference_se": pl.Float64, "difference_lower": pl.Float64,
    "difference_upper": pl.Float64, "stratified_by": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class CochranMantelHaenszel(ClinicalAnswer):
    """The test and the common effects, one row.

    `chi2, p` (without continuity correction)`, chi2_corrected, p_corrected, odds_ratio` (limits of Robins, Breslow and Greenland)`,
    difference` (of rates, with Sato's variance), and their limits.
    """

    KEY: ClassVar[tuple[str, ...]] = ("arm",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("cmh_chi2", value="chi2", unit="", n="n"),
        Quantity("cmh_p", value="p", unit="", n="n"),
        Quantity("odds_ratio", value="odds_ratio", unit="ratio", lower="odds_ratio_lower", upper="odds_ratio_upper", n="n"),
        Quantity("response_rate_difference", value="difference", unit="fraction", lower="difference_lower", upper="difference_upper", n="n"),
    )  # fmt: skip

    @property
    def chi2(self) -> float | None:
        """The test statistic without continuity correction; None where it is not estimable."""
        return cast("float | None", self.table.item(0, "chi2"))

    @property
    def p(self) -> float | None:
        """Its two-sided p."""
        return cast("float | None", self.table.item(0, "p"))


def cmh_test(
    subjects: Any, *, response: str, arm: str = "arm", control: str, strata: tuple[str, ...] = (), level: float = 0.95
) -> CochranMantelHaenszel:
    """Compare the response of two arms within strata.

    Parameters
    ----------
    subjects
        A dataframe or path with one row a subject.
    response
        Column that is true (or 1) for responders.
    arm, control
        Column of the arm, and the name of the control arm.
    strata
        Columns that stratify; without any this is the (N - 1) chi-square of one table.
    level
        Two-sided level of the limits.

    Raises
    ------
    TableError
        When a column is missing or a response is neither true nor false.
    SettingError
        When there are not two arms, or the control is none of them.

    Notes
    -----
    Subjects that miss the response or a stratum are left out and counted in `.left_out`.

    References
    ----------
    Mantel and Haenszel 1959, doi:10.1093/jnci/22.4.719; Robins, Breslow and Greenland 1986, doi:10.2307/2531052;
    Sato 1989, doi:10.2307/2532046.

    Examples
    --------
    >>> df = pl.DataFrame({"arm": ["a"] * 4 + ["b"] * 4, "r": [1, 0, 0, 0, 1, 1, 1, 0]})
    >>> round(cmh_test(df, response="r", control="a").table["odds_ratio"][0], 3)
    9.0
    """
    z = normal_quantile(level)
    frame = dataframe(subjects)
    missing = [name for name in (response, arm, *strata) if name not in frame.columns]
    if missing:
        message = (
            f"CMH: {listed(missing)} is no column{nearest(missing[0], frame.columns)}. Name one of {listed(frame.columns, 12)}."
        )
        raise TableError(message)
    known = frame.drop_nulls([response, arm, *strata])
    arms = sorted(known[arm].cast(pl.String).unique().to_list())
    if len(arms) != 2 or control not in arms:
        message = f"CMH compares two arms, one of them the control {control!r}; the table has {listed(arms) or 'none'}. Filter the arms, or name the control."
        raise SettingError(message)
    treated = next(name for name in arms if name != control)
    counts = _counts(known, response, arm, treated, strata)
    row = {"arm": treated, "comparator": control, "strata": counts.shape[0], "n": known.height, **cmh_table(counts, z)}
    row["stratified_by"] = ", ".join(strata)
    settings = {"response": response, "arm": arm, "control": control, "strata": list(strata), "level": level}
    return CochranMantelHaenszel(
        pl.DataFrame([row], schema=COLUMNS), Origin(METHOD, VERSION, settings, (frame,)), level, frame.height - known.height
    )


def _counts(frame: pl.DataFrame, response: str, arm: str, treated: str, strata: tuple[str, ...]) -> Floats:
    """Return (strata, 4): treated responders and others, control responders and others."""
    values = frame[response].cast(pl.Int64, strict=False)
    if values.is_null().any() or not values.is_in([0, 1]).all():
        message = f"CMH: the response {response} must be true or false (1 or 0) in every row. Recode it."
        raise TableError(message)
    is_treated = frame[arm].cast(pl.String) == treated
    cells = frame.select(
        *strata,
        a=is_treated & (values == 1),
        b=is_treated & (values == 0),
        c=~is_treated & (values == 1),
        d=~is_treated & (values == 0),
    )
    sums = [pl.col(name).cast(pl.Float64).sum() for name in "abcd"]
    grouped = cells.group_by(strata, maintain_order=True).agg(sums) if strata else cells.select(sums)
    return np.ascontiguousarray(grouped.select("a", "b", "c", "d").to_numpy(), dtype=np.float64)


def cmh_table(counts: Floats, z: float) -> dict[str, Any]:
    """Return test, odds ratio and difference from counts (strata, 4) of treated yes, no, control yes, no."""
    a, b, c, d = counts[(counts[:, 0] + counts[:, 1] > 0) & (counts[:, 2] + counts[:, 3] > 0)].T
    n1, n0, m1, m0 = a + b, c + d, a + c, b + d
    n = n1 + n0
    excess = float((a - n1 * m1 / n).sum())
    variance = float((n1 * n0 * m1 * m0 / (n * n * np.maximum(n - 1, 1))).sum())
    found: dict[str, Any] = {"status": "ok"}
    if variance <= 0:
        return {"status": "Not estimable: no stratum holds both arms and both responders and others."}
    found |= _test(excess, variance)
    found |= _odds_ratio(a, b, c, d, z)
    found |= _difference(a, b, c, d, z)
    if found["odds_ratio"] is None:
        found["status"] = "The odds ratio has no finite estimate: in every stratum an arm has no responder, or nobody else."
    return found


def _test(excess: float, variance: float) -> dict[str, float]:
    correction = 0.5 if abs(excess) >= 0.5 else 0.0  # as R's mantelhaen.test: an excess below one half is left as it is
    plain, corrected = excess**2 / variance, (abs(excess) - correction) ** 2 / variance
    tails = [math.erfc(math.sqrt(0.5 * chi2)) for chi2 in (plain, corrected)]
    return {"chi2": plain, "p": tails[0], "chi2_corrected": corrected, "p_corrected": tails[1]}


def _odds_ratio(a: Floats, b: Floats, c: Floats, d: Floats, z: float) -> dict[str, float | None]:
    n = a + b + c + d
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    total_r, total_s = float(r.sum()), float(s.sum())
    if total_r == 0 or total_s == 0:
        return {"odds_ratio": None}
    variance = (
        float((p * r).sum()) / (2 * total_r**2)
        + float((p * s + q * r).sum()) / (2 * total_r * total_s)
        + float((q * s).sum()) / (2 * total_s**2)
    )
    centre, half = math.log(total_r / total_s), z * math.sqrt(variance)
    limits = {"odds_ratio_lower": math.exp(centre - half), "odds_ratio_upper": math.exp(centre + half)}
    return {"odds_ratio": total_r / total_s, **limits}


def _difference(a: Floats, b: Floats, c: Floats, d: Floats, z: float) -> dict[str, float | None]:
    n1, n0 = a + b, c + d
    n = n1 + n0
    weight = n1 * n0 / n
    difference = float((a * n0 / n - c * n1 / n).sum() / weight.sum())
    first = (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2
    second = (a * (n0 - c) + c * (n1 - a)) / (2 * n)
    variance = float((difference * first.sum() + second.sum()) / weight.sum() ** 2)
    se = math.sqrt(variance) if variance > 0 else math.nan
    return {
        "difference": difference,
        "difference_se": null_if_nan(se),
        "difference_lower": null_if_nan(difference - z * se),
        "difference_upper": null_if_nan(difference + z * se),
    }
