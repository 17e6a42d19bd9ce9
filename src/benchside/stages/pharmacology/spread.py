"""What is not known exactly: a number with its centre and its spread, and the sentence that says where the spread is from."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchside.core.evidence import Evidence
from benchside.kernels.dosing import Floats

UNBOUND_CV: Final = 0.2
"""Assumed coefficient of variation of a measured unbound fraction."""

CSF_SD_LOG: Final = 0.7
"""Assumed standard deviation of the logarithm of one patient's CSF to free plasma ratio: a factor of 4 at 95 %."""

UNBOUND_PRIOR: Final = (0.003, 0.35)
CSF_PRIOR: Final = (0.02, 1.0)
SERUM_PRIOR: Final = (0.03, 0.1)
"""Class priors, even on the logarithm (of the serum fraction: even): the range of the ALK inhibitors that were measured."""

BOUND_DECADES: Final = 1.0
"""A quantity published only as below a bound is taken even on the logarithm over so many decades below it."""


@dataclass(frozen=True)
class Spread:
    """A positive number that is not known exactly: lognormal about a centre, or even on the logarithm between two limits."""

    centre: float
    sd_log: float = 0.0
    limits: tuple[float, float] | None = None
    is_prior: bool = False
    """A class prior: nothing of this compound is known."""

    sentence: str = ""
    """What must be said of it; empty where there is nothing to say."""

    def at(self, normal: Floats) -> Floats:
        """Return the value at standard normal numbers."""
        if self.limits is None:
            return np.asarray(self.centre * np.exp(self.sd_log * normal))
        from scipy.special import ndtr  # noqa: PLC0415  slow to import

        low, high = np.log(self.limits)
        return np.asarray(np.exp(low + (high - low) * ndtr(normal)))

    @property
    def middle(self) -> float:
        """The median."""
        return self.centre if self.limits is None else float(np.sqrt(self.limits[0] * self.limits[1]))


def unbound(compound: str, fact: Evidence | None) -> Spread:
    """Return the unbound fraction in plasma with its spread: measured, a bound, or the class prior."""
    if fact is None:
        return _prior(compound, "the unbound fraction in plasma", UNBOUND_PRIOR)
    value = float(fact.value or 0.0)
    if fact.relation == "<":
        limits = (value / 10**BOUND_DECADES, value)
        words = (
            f"the unbound fraction of {compound} is known only as < {value:g} and taken even on the logarithm from {limits[0]:g}"
        )
        return Spread(value, limits=limits, sentence=words)
    sd_log = float(np.sqrt(np.log1p(UNBOUND_CV**2)))
    return Spread(value, sd_log, sentence=f"CV {UNBOUND_CV:.0%} assumed for the unbound fraction of {compound}")


def csf_ratio(compound: str, fact: Evidence | None) -> Spread:
    """Return the ratio of free drug in the brain to free drug in plasma with its spread, by how many patients it rests on."""
    if fact is None:
        return _prior(compound, "the brain's share of free plasma", CSF_PRIOR)
    if fact.lower is not None and fact.upper is not None:
        sd_log = float(np.log(fact.upper / fact.lower) / (2 * 1.959964))
        return Spread(float(fact.value or 0.0), sd_log)
    n, said = (1, "number of patients not stated, taken as 1") if fact.n is None else (fact.n, f"n = {fact.n}")
    words = f"brain ratio of {compound} {float(fact.value or 0.0):g}: {said}, spread {CSF_SD_LOG:g} on the logarithm for one patient assumed"
    return Spread(float(fact.value or 0.0), CSF_SD_LOG / n**0.5, sentence=words)


def _prior(compound: str, what: str, limits: tuple[float, float]) -> Spread:
    centre = float(np.sqrt(limits[0] * limits[1]))
    words = (
        f"warning: {what} of {compound} is not published here; a class prior is used instead, even on the logarithm from "
        f"{limits[0]:g} to {limits[1]:g}"
    )
    return Spread(centre, limits=limits, is_prior=True, sentence=words)
