"""Times to onset that are simulated from: Weibull times, and any of them with a cured share."""

import math
from dataclasses import dataclass
from typing import Protocol, Self, final

from benchside.core.errors import SettingError


class Onset(Protocol):
    """What a simulation asks of a distribution of times: when its cumulative hazard reaches a value."""

    def onset_months(self, cumulative: float) -> float:
        """Return when the cumulative hazard reaches a value; infinite where it never does."""
        ...


@final
@dataclass(frozen=True)
class Weibull:
    """Weibull times: survival exp(-(t / scale)^shape); a shape above 1 is a rising hazard."""

    shape: float
    scale_months: float

    def __post_init__(self) -> None:
        if not (0 < self.shape < math.inf and 0 < self.scale_months < math.inf):
            message = f"a Weibull needs a shape and a scale above 0, not {self.shape} and {self.scale_months}. Correct them."
            raise SettingError(message)

    @classmethod
    def from_median(cls, median_months: float, *, shape: float) -> Self:
        """Return the Weibull of this shape with this median.

        Examples
        --------
        >>> round(Weibull.from_median(10.0, shape=2.0).onset_months(math.log(2)), 6)
        10.0
        """
        if not 0 < median_months < math.inf:
            message = f"a median must be above 0 months, and is {median_months}. Correct it."
            raise SettingError(message)
        return cls(shape, median_months / math.log(2) ** (1 / shape) if shape > 0 else math.nan)

    def times(self, ratio: float) -> "Weibull":
        """Return the Weibull whose hazard is this one's times a hazard ratio."""
        if not 0 < ratio < math.inf:
            message = f"a hazard ratio must be above 0, and is {ratio}. Correct it."
            raise SettingError(message)
        return Weibull(self.shape, self.scale_months * ratio ** (-1 / self.shape))

    def onset_months(self, cumulative: float) -> float:
        """Return when the cumulative hazard reaches a value."""
        return float(self.scale_months * cumulative ** (1 / self.shape))


@final
@dataclass(frozen=True)
class Cure:
    """A mixture: a share never has the event, the others have it as `uncured` says."""

    cured: float
    """Share in [0, 1)."""

    uncured: Onset

    def __post_init__(self) -> None:
        if not 0 <= self.cured < 1:
            message = f"the cured share must lie in [0, 1), and is {self.cured}. Correct it."
            raise SettingError(message)

    def onset_months(self, cumulative: float) -> float:
        """Return when the cumulative hazard of the mixture reaches a value; infinite beyond -log(cured)."""
        left = (math.exp(-cumulative) - self.cured) / (1 - self.cured)
        return self.uncured.onset_months(-math.log(left)) if left > 0 else math.inf
