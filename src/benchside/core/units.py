"""Units, converted at the door and nowhere else: concentrations become nM, times become months or days, shares fractions."""

from collections.abc import Mapping
from typing import Final

from benchside.core.errors import UnitError, nearest

DAYS_PER_MONTH: Final = 30.4375
"""A month is a twelfth of 365.25 days."""

HOURS_PER_DAY: Final = 24.0
DAYS_PER_WEEK: Final = 7.0

NM_PER_UNIT: Final[Mapping[str, float]] = {
    "pM": 1e-3, "nM": 1.0, "uM": 1e3, "µM": 1e3, "μM": 1e3, "mM": 1e6, "M": 1e9,
    "pmol/L": 1e-3, "nmol/L": 1.0, "umol/L": 1e3, "µmol/L": 1e3, "mmol/L": 1e6, "mol/L": 1e9,
}  # fmt: skip

DAYS_PER_UNIT: Final[Mapping[str, float]] = {
    "hours": 1 / 24, "days": 1.0, "weeks": 7.0, "months": DAYS_PER_MONTH, "years": 365.25,
}  # fmt: skip

FRACTION_PER_UNIT: Final[Mapping[str, float]] = {"fraction": 1.0, "percent": 0.01}

_TIME_WORDS: Final[Mapping[str, str]] = {
    "h": "hours", "hour": "hours", "hours": "hours", "hr": "hours", "d": "days", "day": "days", "days": "days",
    "week": "weeks", "weeks": "weeks", "wk": "weeks", "month": "months", "months": "months", "mo": "months",
    "year": "years", "years": "years", "yr": "years", "y": "years",
}  # fmt: skip


def nM_per(unit: str | None, *, place: str) -> float:
    """Return how many nM one `unit` of concentration is.

    Parameters
    ----------
    unit
        ``nM``, ``uM``, ``mM``, ``M``, ``pM`` (or ``nmol/L`` ...); case matters, since mM and M differ by it.
    place
        Where the unit was met, for the message.

    Raises
    ------
    UnitError
        When the unit is missing, a logarithm, or unknown: a unit is asked for, never guessed.

    Examples
    --------
    >>> nM_per("uM", place="plate P1")
    1000.0
    """
    if unit is None or not unit.strip():
        message = f"{place}: the concentration unit is missing. State it, for example 'nM' or 'uM'; it is never guessed."
        raise UnitError(message)
    text = unit.strip()
    if text.lower().startswith(("log", "ln", "-log", "p[")):
        message = (
            f"{place}: concentrations in {text!r} are logarithms, and a dose must be a concentration. "
            "Convert them (10**x) and state the unit, for example 'nM'."
        )
        raise UnitError(message)
    if text in NM_PER_UNIT:
        return NM_PER_UNIT[text]
    message = f"{place}: {text!r} is no concentration unit known here{nearest(text, NM_PER_UNIT)}. Use pM, nM, uM, mM or M."
    raise UnitError(message)


def days_per(unit: str | None, *, place: str) -> float:
    """Return how many days one `unit` of time is (hours, days, weeks, months of 30.4375 d, years).

    Raises
    ------
    UnitError
        When the unit is missing or unknown.

    Examples
    --------
    >>> days_per("weeks", place="trial table")
    7.0
    """
    if unit is None or not unit.strip():
        message = f"{place}: the time unit is missing. State it: days, weeks, months or years."
        raise UnitError(message)
    word = _TIME_WORDS.get(unit.strip().lower())
    if word is None:
        message = (
            f"{place}: {unit!r} is no time unit known here{nearest(unit, _TIME_WORDS)}. Use hours, days, weeks, months or years."
        )
        raise UnitError(message)
    return DAYS_PER_UNIT[word]


def fraction_per(unit: str | None, *, place: str) -> float:
    """Return what one `unit` of response is as a fraction of the vehicle (``fraction`` 1, ``percent`` 0.01).

    Raises
    ------
    UnitError
        When the unit is missing or unknown; percent and fraction are never told apart by looking at the values.
    """
    if unit is not None and unit in FRACTION_PER_UNIT:
        return FRACTION_PER_UNIT[unit]
    message = (
        f"{place}: the response unit is {unit!r}. Say 'fraction' (1 = vehicle) or 'percent' (100 = vehicle); it is never guessed."
    )
    raise UnitError(message)
