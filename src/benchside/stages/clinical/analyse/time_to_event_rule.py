"""The rules a time to event is derived by, as settings and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchside.core.errors import SettingError, listed, nearest

TITLES: Final[Mapping[str, str]] = {
    "PFS": "Progression Free Survival", "OS": "Overall Survival", "TTP": "Time to Progression", "DOR": "Duration of Response",
    "CNS TTP": "Time to CNS Progression",
}  # fmt: skip


@dataclass(frozen=True)
class TimeToEventRule:
    """An endpoint, a rule and its windows."""

    endpoint: str
    rule: str
    start: str
    visit_every_days: int | None
    missed_visits: int
    visit_window_days: int
    progression_date: str
    new_therapy: str
    baseline: str | None

    def __post_init__(self) -> None:
        _one_of("endpoint", self.endpoint, tuple(TITLES))
        _one_of("rule", self.rule, ("FDA", "EMA"))
        _one_of("progression_date", self.progression_date, ("assessment", "midpoint"))
        if self.gap_matters and not (self.visit_every_days or 0) > 0:
            message = (
                f"FDA's rule censors an event after {self.missed_visits} missed visits, so it needs to know how far they are apart. "
                "Give visit_every_days=, for example 56."
            )
            raise SettingError(message)

    @property
    def gap_matters(self) -> bool:
        """Whether missed visits censor."""
        return self.rule == "FDA" and self.endpoint != "OS"

    @property
    def gap_days(self) -> int:
        """Days between assessments above which visits were missed."""
        return self.missed_visits * int(self.visit_every_days or 0) + self.visit_window_days


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        message = f"{name} is {value!r}{nearest(value, known)}; it must be one of {listed(known, 9)}."
        raise SettingError(message)


def estimand(settings: TimeToEventRule, population: str) -> dict[str, str]:
    """Return the estimand in words: population, endpoint, intercurrent events, summary measure (ICH E9(R1))."""
    if settings.endpoint == "OS":
        events = "none: death whenever it comes (treatment policy)"
    elif settings.rule == "FDA":
        events = (
            "new anticancer therapy: censored at the last adequate assessment before it (hypothetical); "
            f"{settings.missed_visits} or more missed visits ({settings.gap_days} d): censored before the gap"
        )
    else:
        events = "new anticancer therapy and missed visits: ignored (treatment policy)"
    if settings.endpoint in ("TTP", "CNS TTP"):
        events += "; death: censored (hypothetical)"
    origin = "the first confirmed response" if settings.endpoint == "DOR" else settings.start
    return {
        "population": population,
        "endpoint": f"{TITLES[settings.endpoint]}, from {origin}, {settings.rule}'s rule",
        "intercurrent_events": events,
        "summary_measure": "hazard ratio, and median",
    }
