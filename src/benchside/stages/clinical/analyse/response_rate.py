"""Response rates: how many responded, of how many, with an exact or a score interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.stages.clinical.model import ClinicalAnswer, normal_quantile

METHOD, VERSION = "clinical.response_rate", "1"
COLUMNS = {
    "arm": pl.String, "responders": pl.Int64, "n": pl.Int64, "rate": pl.Float64, "lower": pl.Float64, "upper": pl.Float64,
    "interval": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class AbstractProportionInterval:
    """A confidence interval of one proportion."""

    level: float = 0.95
    """Two-sided level, in (0, 1)."""

    WORD: ClassVar[str]

    def __post_init__(self) -> None:
        normal_quantile(self.level)

    def limits(self, responders: int, n: int) -> tuple[float, float]:
        """Return the lower and upper limit of responders / n."""
        raise NotImplementedError


@final
class ClopperPearson(AbstractProportionInterval):
    """Exact: the rates whose binomial tails hold half of 1 - level each. Never covers less than the level.

    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """

    WORD = "Clopper-Pearson"

    def limits(self, responders: int, n: int) -> tuple[float, float]:
        """Return the limits; 0 with no responder and 1 with no other."""
        from scipy.special import betaincinv  # noqa: PLC0415  a third of a second to import, and only here needed

        tail = (1 - self.level) / 2
        lower = 0.0 if responders == 0 else float(betaincinv(responders, n - responders + 1, tail))
        upper = 1.0 if responders == n else float(betaincinv(responders + 1, n - responders, 1 - tail))
        return lower, upper


@final
class Wilson(AbstractProportionInterval):
    """The rates that the score test, without continuity correction, does not reject.

    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """

    WORD = "Wilson"

    def limits(self, responders: int, n: int) -> tuple[float, float]:
        """Return the limits; 0 with no responder and 1 with no other."""
        z2 = normal_quantile(self.level) ** 2
        centre = (responders + z2 / 2) / (n + z2)
        half = (z2 * responders * (n - responders) / n + z2 * z2 / 4) ** 0.5 / (n + z2)
        return 0.0 if responders == 0 else centre - half, 1.0 if responders == n else centre + half


@dataclass(frozen=True)
class ResponseRate(ClinicalAnswer):
    """Response rates, one row an arm: `arm, responders, n, rate, lower, upper, interval, status`."""

    KEY: ClassVar[tuple[str, ...]] = ("arm",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("response_rate", value="rate", unit="fraction", lower="lower", upper="upper", n="n"),
    )


def response_rate(
    responders: int | Sequence[int],
    n: int | Sequence[int],
    *,
    interval: AbstractProportionInterval | None = None,
    arm: str | Sequence[str] | None = None,
) -> ResponseRate:
    """Return the rate of responders with its interval.

    Parameters
    ----------
    responders, n
        Numbers of responders and of subjects: whole numbers, or one of each an arm.
    interval
        `ClopperPearson(level)` (default) or `Wilson(level)`.
    arm
        Name of the arm or arms.

    Returns
    -------
    ResponseRate
        An arm without subjects has null rate and limits, and `status` says so.

    Raises
    ------
    SettingError
        When a count is negative, no whole number, or there are more responders than subjects.

    Examples
    --------
    >>> response_rate(126, 152).table["rate"].round(3).to_list()
    [0.829]
    """
    chosen = ClopperPearson() if interval is None else interval
    found = [responders] if isinstance(responders, int) else list(responders)
    totals = [n] if isinstance(n, int) else list(n)
    names: list[str | None] = [arm] if isinstance(arm, str) else [None] * len(found) if arm is None else list(arm)
    if not len(found) == len(totals) == len(names):
        message = f"response rates need one number of responders, of subjects and one name an arm, not {len(found)}, {len(totals)} and {len(names)}. Give as many of each."
        raise SettingError(message)
    rows = [_row(*counts, chosen) for counts in zip(names, found, totals, strict=True)]
    settings = {"responders": found, "n": totals, "arm": names, "interval": chosen.WORD, "level": chosen.level}
    return ResponseRate(pl.DataFrame(rows, schema=COLUMNS), Origin(METHOD, VERSION, settings), level=chosen.level)


def response_rate_table(frame: pl.DataFrame, *, response: str, arm: str, interval: AbstractProportionInterval) -> pl.DataFrame:
    """Return the rates of a table of subjects whose column `response` is true, by arm: the columns of `ResponseRate.table`."""
    counts = frame.group_by(arm).agg(pl.col(response).cast(pl.Int64).sum().alias("x"), pl.len().alias("n")).sort(arm)
    return pl.DataFrame([_row(str(name), x, total, interval) for name, x, total in counts.iter_rows()], schema=COLUMNS)


def require_counts(responders: Any, n: Any, place: str) -> None:
    """Raise SettingError unless the counts are whole numbers with 0 <= responders <= n."""
    whole = all(isinstance(count, int) and not isinstance(count, bool) for count in (responders, n))
    if not whole or not 0 <= responders <= n:
        message = (
            f"{place}: {responders} responders of {n} subjects cannot be. Give whole numbers, the first from 0 to the second."
        )
        raise SettingError(message)


def _row(arm: str | None, responders: int, n: int, interval: AbstractProportionInterval) -> dict[str, Any]:
    require_counts(responders, n, "response rate" if arm is None else f"response rate of {arm}")
    lower, upper = interval.limits(responders, n) if n else (None, None)
    return {
        "arm": arm,
        "responders": responders,
        "n": n,
        "rate": responders / n if n else None,
        "lower": lower,
        "upper": upper,
        "interval": f"{interval.WORD} {interval.level:g}",
        "status": "ok" if n else "Not estimable: there is no subject.",
    }
