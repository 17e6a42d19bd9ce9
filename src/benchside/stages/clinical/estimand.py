"""What an endpoint of a study estimates, in words: population, endpoint, intercurrent events, summary measure (ICH E9(R1))."""

from typing import Final

from benchside.stages.clinical.analyse.first_event import TIE
from benchside.stages.clinical.analyse.time_to_event_rule import TimeToEventRule, estimand
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.stages.clinical.settings_endpoint import EndpointSettings

NOT_STATED: Final = "not stated"
EVERYBODY: Final = "all subjects of ADSL"
MEASURES: Final = {
    False: ("median", "hazard ratio"),
    True: ("cumulative incidence", "cause-specific and subdistribution hazard ratio"),
}
"""What sums an endpoint up, by whether causes compete: of one arm, and of arms compared."""


def estimand_of(endpoint: EndpointSettings, settings: ClinicalSettings) -> dict[str, str]:
    """Return `population, endpoint, intercurrent_events, summary_measure` of an endpoint; what nobody stated is said to be so."""
    everybody = EVERYBODY if endpoint.derive else NOT_STATED
    population = endpoint.population or ", ".join(f"{name} = {value}" for name, value in endpoint.subjects.items()) or everybody
    competing = endpoint.derive == "CNS first" or bool(endpoint.causes)
    if endpoint.derive is not None:
        derived = "PFS" if endpoint.derive == "CNS first" else endpoint.derive
        rule = TimeToEventRule(
            derived, endpoint.chosen_rule, endpoint.start, endpoint.visit_every_days, endpoint.missed_visits, 0, "assessment",
            "NACTDT", endpoint.baseline,
        )  # fmt: skip
        said = estimand(rule, population)
        if endpoint.derive == "CNS first":
            said["endpoint"] = f"First of CNS progression, other progression and death, from {endpoint.start}; {TIE}"
    else:
        handled = endpoint.intercurrent_events or ("the other causes compete with it" if competing else NOT_STATED)
        unit = "" if endpoint.time or endpoint.time_unit else "; AVAL in the unit of AVALU, days where there is none"
        where = f"{endpoint.name}, as in {endpoint.file or settings.adtte}{unit}"
        said = {"population": population, "endpoint": where, "intercurrent_events": handled}
    said["summary_measure"] = ", ".join(MEASURES[competing][: None if settings.control is not None else 1])
    return _with_cut_off(said, endpoint)


def _with_cut_off(said: dict[str, str], endpoint: EndpointSettings) -> dict[str, str]:
    if endpoint.cut_off is None:
        return said
    return {**said, "endpoint": f"{said['endpoint']}; data cut-off {endpoint.cut_off}"}
