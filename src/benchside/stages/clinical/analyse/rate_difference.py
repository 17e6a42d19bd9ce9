"""Difference of two response rates, treated less control, with a score interval."""

import math
from dataclasses import dataclass
from typing import ClassVar, Final, final

import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.stages.clinical.analyse.response_rate import Wilson, require_counts
from benchside.stages.clinical.model import ClinicalAnswer, normal_quantile

METHOD, VERSION = "clinical.rate_difference", "1"
COLUMNS = {
    "arm": pl.String, "comparator": pl.String, "responders": pl.Int64, "n": pl.Int64, "control_responders": pl.Int64,
    "control_n": pl.Int64, "difference": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "interval": pl.String,
    "status": pl.String,
}  # fmt: skip
Counts = tuple[int, int]
BISECTIONS: Final = 200
NARROW: Final = 1e-14


@dataclass(frozen=True)
class AbstractDifferenceInterval:
    """A confidence interval of the difference of two independent proportions."""

    level: float = 0.95
    """Two-sided level, in (0, 1)."""

    WORD: ClassVar[str]

    def __post_init__(self) -> None:
        normal_quantile(self.level)

    def limits(self, treated: Counts, control: Counts) -> tuple[float, float]:
        """Return the limits of treated less control, each (responders, n)."""
        raise NotImplementedError


@final
class Newcombe(AbstractDifferenceInterval):
    """Wilson's limits of the two rates, combined as a hybrid score (method 10), without continuity correction.

    Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """

    WORD = "Newcombe"

    def limits(self, treated: Counts, control: Counts) -> tuple[float, float]:
        """Return the limits of treated less control."""
        p1, p2 = treated[0] / treated[1], control[0] / control[1]
        (l1, u1), (l2, u2) = (Wilson(self.level).limits(*counts) for counts in (treated, control))
        return p1 - p2 - math.hypot(p1 - l1, u2 - p2), p1 - p2 + math.hypot(u1 - p1, p2 - l2)


@final
class MiettinenNurminen(AbstractDifferenceInterval):
    """The differences that the score test does not reject, its variance at the restricted estimates times N / (N - 1).

    Miettinen and Nurminen 1985, doi:10.1002/sim.4780040211.
    """

    WORD = "Miettinen-Nurminen"

    def limits(self, treated: Counts, control: Counts) -> tuple[float, float]:
        """Return the limits of treated less control."""
        z = normal_quantile(self.level)
        observed = treated[0] / treated[1] - control[0] / control[1]
        return _edge(treated, control, observed, -1.0, z), _edge(treated, control, observed, 1.0, z)


def _edge(treated: Counts, control: Counts, observed: float, end: float, z: float) -> float:
    """Bisect between the observed difference and `end` (-1 or 1) for where the score statistic reaches z."""
    inside, outside = observed, end
    for _ in range(BISECTIONS):
        middle = 0.5 * (inside + outside)
        if abs(_score(treated, control, middle)) <= z:
            inside = middle
        else:
            outside = middle
        if abs(outside - inside) < NARROW:
            break
    return 0.5 * (inside + outside)


def _score(treated: Counts, control: Counts, difference: float) -> float:
    (x1, n1), (x2, n2) = treated, control
    p1, p2 = restricted_rates(treated, control, difference)
    total = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
    gap = x1 / n1 - x2 / n2 - difference
    if variance <= 0:
        return 0.0 if abs(gap) < NARROW else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def restricted_rates(treated: Counts, control: Counts, difference: float) -> tuple[float, float]:
    """Return the most likely two rates among those that differ by `difference`: the root of a cubic, by its cosine form."""
    (x1, n1), (x2, n2) = treated, control
    total, d = n1 + n2, difference
    # The likelihood equation of the control rate p: a p^3 + b p^2 + c p + e = 0.
    a = float(total)
    b = (n1 + 2 * n2) * d - total - (x1 + x2)
    c = (n2 * d - total - 2 * x2) * d + x1 + x2
    e = x2 * d * (1 - d)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a * a) + e / (2 * a)
    u = math.copysign(math.sqrt(max(b * b / (3 * a) ** 2 - c / (3 * a), 0.0)), v)
    turn = v / u**3 if u else 0.0
    w = (math.pi + math.acos(min(max(turn, -1.0), 1.0))) / 3
    p2 = 2 * u * math.cos(w) - b / (3 * a)
    p2 = min(max(p2, 0.0, -d), 1.0, 1.0 - d)
    return min(max(p2 + d, 0.0), 1.0), p2


@dataclass(frozen=True)
class RateDifference(ClinicalAnswer):
    """The difference of two response rates, one row.

    `arm, comparator, responders, n, control_responders, control_n, difference, lower, upper, interval, status`.
    """

    KEY: ClassVar[tuple[str, ...]] = ("arm", "interval")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("response_rate_difference", value="difference", unit="fraction", lower="lower", upper="upper", n="n"),
    )


def rate_difference(
    treated: Counts,
    control: Counts,
    *,
    interval: AbstractDifferenceInterval | None = None,
    arm: str = "treated",
    comparator: str = "control",
) -> RateDifference:
    """Return the difference of two response rates with its interval.

    Parameters
    ----------
    treated, control
        (responders, subjects) of the two arms.
    interval
        `MiettinenNurminen(level)` (default) or `Newcombe(level)`.
    arm, comparator
        Names of the arms.

    Raises
    ------
    SettingError
        When the counts cannot be.

    Examples
    --------
    >>> rate_difference((126, 152), (114, 151)).table["difference"].round(3).to_list()
    [0.074]
    """
    chosen = MiettinenNurminen() if interval is None else interval
    require_counts(*treated, arm)
    require_counts(*control, comparator)
    known = treated[1] > 0 and control[1] > 0
    lower, upper = chosen.limits(treated, control) if known else (None, None)
    row = {
        "arm": arm, "comparator": comparator, "responders": treated[0], "n": treated[1], "control_responders": control[0],
        "control_n": control[1], "difference": treated[0] / treated[1] - control[0] / control[1] if known else None,
        "lower": lower, "upper": upper, "interval": f"{chosen.WORD} {chosen.level:g}",
        "status": "ok" if known else "Not estimable: an arm has no subject.",
    }  # fmt: skip
    settings = {"treated": list(treated), "control": list(control), "interval": chosen.WORD, "level": chosen.level}
    origin = Origin(METHOD, VERSION, {**settings, "arm": arm, "comparator": comparator})
    return RateDifference(pl.DataFrame([row], schema=COLUMNS), origin, level=chosen.level)
