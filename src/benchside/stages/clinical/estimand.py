"""What an endpoint of a study estimates, in words: population, endpoint, intercurrent events, summary measure (ICH E9(R1))."""

from typing import Final

from benchside.stages.clinical.analyse.time_to_event_rule import TimeToEventRule, estimand
from benchside.stages.clinical.settings import ClinicalSettings, EndpointSettings

NOT_STATED: Final = "not stated"
EVERYBODY: Final = "all subjects of ADSL"


def estimand_of(endpoint: EndpointSettings, settings: ClinicalSettings) -> dict[str, str]:
    """Return `population, endpoint, intercurrent_events, summary_measure` of an endpoint; what nobody stated is said to be so."""
    if endpoint.derive is not None and endpoint.derive != "CNS first":
        population = (
            endpoint.population or ", ".join(f"{name} = {value}" for name, value in endpoint.subjects.items()) or EVERYBODY
        )
        rule = TimeToEventRule(
            endpoint.derive, endpoint.rule, endpoint.start, endpoint.visit_every_days, endpoint.missed_visits, 0, "assessment",
            "NACTDT", endpoint.baseline,
        )  # fmt: skip
        return _with_cut_off(estimand(rule, population), endpoint)
    competing = endpoint.derive == "CNS first" or bool(endpoint.causes)
    measure = "cumulative incidence; cause-specific and subdistribution hazard ratio" if competing else "hazard ratio, and median"
    handled = "the other causes compete with it (while at risk)" if competing else NOT_STATED
    where = (
        f"first event, from {endpoint.start}" if endpoint.derive else f"{endpoint.name}, as in {endpoint.file or settings.adtte}"
    )
    return _with_cut_off({
        "population": endpoint.population or (EVERYBODY if endpoint.derive else NOT_STATED),
        "endpoint": where,
        "intercurrent_events": endpoint.intercurrent_events or handled,
        "summary_measure": measure if settings.control is not None else measure.rsplit(",", maxsplit=1)[-1].strip().removeprefix("and "),
    }, endpoint)  # fmt: skip


def _with_cut_off(said: dict[str, str], endpoint: EndpointSettings) -> dict[str, str]:
    if endpoint.cut_off is None:
        return said
    return {**said, "endpoint": f"{said['endpoint']}; data cut-off {endpoint.cut_off}"}
