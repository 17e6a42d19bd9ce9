"""Curves and intervals, which are settings of a fit, and the sentences a fit ends with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal, final

from benchside.core.errors import SettingError


class FitStatus(StrEnum):
    """What a fit ends with, as a sentence a bench scientist can act on."""

    ok = "ok"
    too_few = "Not fitted: four parameters need five points at four doses or more. Add doses."
    too_few_for_three = "Not fitted: three parameters need four points at three doses or more. Add doses."
    too_few_for_five = "Not fitted: five parameters need six points at five doses or more. Add doses, or fit LL4()."
    constant = "Not fitted: every response is the same, so no midpoint exists. Check that the compound was dispensed."
    midpoint_outside = "The midpoint lies outside the tested doses and is an extrapolation. Test further doses."
    step = "The curve falls within one dose step, so the slope is only known to be steep. Add doses around the midpoint."
    above = "The response never falls to one half, so the IC50 is above the top dose. Add higher doses."
    below = "The response is below one half at the lowest dose already, so the IC50 is below it. Add lower doses."
    rising = "The response rises through one half with dose, so there is no IC50. Check the layout and the controls."
    level_on_bound = "A plateau ran to its bound of 10 times the vehicle. Responses are fractions (1 = vehicle): were these percent? Convert them."
    asymmetry_on_bound = (
        "The asymmetry ran to its bound (0.05 or 20), so these doses do not settle it. LL4() may describe them as well."
    )
    open_lower = "The lower limit of the midpoint is open: these doses do not exclude arbitrarily low values."
    open_upper = "The upper limit of the midpoint is open: these doses do not exclude arbitrarily high values."
    open_both = "Both limits of the midpoint are open: these doses do not settle it."
    open_ic50 = "A limit of the IC50 is open within four decades of the tested doses."
    no_error = "No standard error exists (singular or on a bound), so there is no delta interval. Use ProfileLikelihood()."
    not_settled = (
        "The robust fit did not settle in its steps, so its numbers are provisional. Use loss='squares' and look at outliers()."
    )
    few_plates = (
        "Plates are pooled: fewer than four do not tell how much plates differ, so the interval speaks for these plates only. "
        "Repeat on four plates or more."
    )
    plates_disagree = "Without one of its plates the midpoint is not within the tested doses, so plates give no interval. Look at the plates one by one."


TOO_FEW = {3: FitStatus.too_few_for_three, 4: FitStatus.too_few, 5: FitStatus.too_few_for_five}


@final
@dataclass(frozen=True)
class LL3:
    """The three-parameter log-logistic curve: the lower plateau is fixed; top, slope and midpoint are free, top >= bottom."""

    bottom: float = 0.0
    """Response at the lower plateau, where the drug (or, for a rising curve, its absence) leaves nothing."""

    name: ClassVar[str] = "LL3"
    parameters: ClassVar[int] = 3

    def __post_init__(self) -> None:
        if not -10 < self.bottom < 10:
            message = f"LL3 has bottom={self.bottom}, and a plateau lies within -10 and 10 (1 = vehicle). Convert percent to a fraction."
            raise SettingError(message)


@final
@dataclass(frozen=True)
class LL4:
    """The four-parameter log-logistic curve: top, bottom, slope and midpoint, all free within the box of the kernel."""

    name: ClassVar[str] = "LL4"
    parameters: ClassVar[int] = 4


@final
@dataclass(frozen=True)
class LL5:
    """The five-parameter log-logistic curve: LL4 with an asymmetry, 0.05 to 20, the power g of (1 + exp(slope (x - e)))^-g.

    As drc's LL.5, except that top >= bottom and that `ec50_nM` is the dose half-way between top and bottom, not e.
    """

    name: ClassVar[str] = "LL5"
    parameters: ClassVar[int] = 5


Curve = LL3 | LL4 | LL5


@final
@dataclass(frozen=True)
class ProfileLikelihood:
    """Interval of all values whose best sum of squares stays below RSS * (1 + F / (n - p)); may be open."""

    level: float = 0.95
    name: ClassVar[str] = "profile"

    def __post_init__(self) -> None:
        check_level(self.level)


@final
@dataclass(frozen=True)
class Delta:
    """Interval from the standard error on the log scale; too narrow where a plateau is not reached, never open."""

    level: float = 0.95
    name: ClassVar[str] = "delta"

    def __post_init__(self) -> None:
        check_level(self.level)


@final
@dataclass(frozen=True)
class Bootstrap:
    """Interval of percentiles over curves refitted to resampled residuals, on the log scale; may be open.

    The percentiles are widened from normal to t with n - p degrees of freedom (the expanded percentile interval of Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789). Every curve has random numbers of its own, by its `curve_id`.
    """

    n: int = 999
    seed: int = 0
    level: float = 0.95
    name: ClassVar[str] = "bootstrap"

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.n < 99:
            message = f"a bootstrap of n={self.n} has no tails to speak of. Use n=999, or 99 at the least."
            raise SettingError(message)


Interval = ProfileLikelihood | Delta | Bootstrap


def check_level(level: float) -> None:
    """Raise SettingError unless a confidence level lies strictly between 0 and 1."""
    if not 0 < level < 1:
        message = f"a confidence level lies between 0 and 1, and {level} does not. Use 0.95 for 95 %."
        raise SettingError(message)


def interval_named(name: Literal["profile", "delta", "bootstrap"], level: float) -> Interval:
    """Return the interval a study file names."""
    kinds: dict[str, type[ProfileLikelihood] | type[Delta] | type[Bootstrap]]
    kinds = {"profile": ProfileLikelihood, "delta": Delta, "bootstrap": Bootstrap}
    return kinds[name](level=level)


def curve_named(name: Literal["LL3", "LL4", "LL5"], *, bottom: float = 0.0) -> Curve:
    """Return the curve a study file names; `bottom` is that of LL3."""
    return LL3(bottom) if name == "LL3" else LL5() if name == "LL5" else LL4()
