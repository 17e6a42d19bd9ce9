"""What a study asks of the clinical stage: the tasks of a trial, endpoint by endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benchside.core.stage import Files, From, StageContext, Task
from benchside.stages.clinical.analyse.first_event import CAUSES
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.stages.clinical.settings_endpoint import EndpointSettings, ResponseSettings
from benchside.stages.clinical.verbs.responses import WINDOWS


def plan(settings: ClinicalSettings, context: StageContext) -> Sequence[Task]:
    """Return the tasks of a trial: every file is read or judged first, then each endpoint, the responses, the safety."""
    trial = _Trial(settings, context)
    several = len(settings.endpoints) > 1
    tasks: list[Task] = []
    for endpoint in settings.endpoints:
        tasks += trial.endpoint(endpoint, f" {endpoint.label}" if several else "")
    several = len(settings.responses) > 1
    for response in settings.responses:
        tasks += trial.response(response, f" {response.label}" if several else "")
    if settings.adtr:
        tasks += trial.tumours()
    if settings.adae:
        tasks += trial.safety()
    return [*tasks, *trial.treatment(tasks)]


@dataclass(frozen=True)
class _Trial:
    """The files and the design of one trial, as its tasks need them. Private to this module."""

    settings: ClinicalSettings
    context: StageContext

    def file(self, role: str, name: str) -> Files:
        """Return one file of the study as an input."""
        return Files(role, (self.context.root / self.context.match([name])[0],))

    def dataset(self, name: str) -> Files:
        """Return one of the trial's datasets as an input."""
        return self.file(name, getattr(self.settings, name))

    def endpoint(self, endpoint: EndpointSettings, suffix: str) -> Iterator[Task]:
        """Return what one endpoint asks for: its events, curves, and where a control is named its comparisons."""
        causes = self.causes(endpoint)
        read = self.events(endpoint, causes, suffix)
        yield read
        design = {
            "control": self.settings.control, "strata": self.strata(endpoint), "endpoint": endpoint.label, "causes": causes,
            "conventions": self.settings.conventions,
        }  # fmt: skip
        times, cause = self.settings.landmarks_of(endpoint), endpoint.cause or next(iter(causes), "")
        steps = competing(design, cause, times) if causes else survival(design, times)
        if self.settings.control is not None:
            by = self.settings.subgroups_of(endpoint)
            steps |= (
                compared_risks(design, cause)
                if causes
                else comparisons(design, endpoint.covariates, times, by, self.settings.labels)
            )
        events = (From("events", (read.name,)),)
        yield from (Task(verb + suffix, verb, events, chosen) for verb, chosen in steps.items())

    def strata(self, endpoint: EndpointSettings) -> list[str]:
        """Return the columns that stratify an endpoint."""
        return self.settings.strata if endpoint.strata else []

    def causes(self, endpoint: EndpointSettings) -> dict[str, int]:
        """Return the names of the codes of the endpoint's events; empty where any event is the same."""
        return dict(CAUSES) if endpoint.derive == "CNS first" else endpoint.causes

    def events(self, endpoint: EndpointSettings, causes: Mapping[str, int], suffix: str) -> Task:
        """Return the task that makes the endpoint's event table."""
        own = self.settings
        shared = {
            "control": own.control, "strata": self.strata(endpoint), "endpoint": endpoint.label, "where": endpoint.where,
            "columns": [*endpoint.covariates, *own.subgroups_of(endpoint)],
        }  # fmt: skip
        if endpoint.time:
            columns = {"time": endpoint.time, "time_unit": endpoint.time_unit, "event": endpoint.event, "arm": own.arm}
            files: tuple[Files, ...] = (self.file("events", endpoint.file),)
            return Task("clinical.read" + suffix, "clinical.read", files, {**shared, **columns, "causes": causes}, gives="events")
        if endpoint.derive is None:
            files = (self.file("events", endpoint.file or own.adtte), *((self.dataset("adsl"),) if own.adsl else ()))
            chosen = {"parameter": endpoint.parameter, "arm": own.arm or None, "time_unit": endpoint.time_unit}
            return Task("clinical.read_adtte" + suffix, "clinical.read_adtte", files, {**shared, **chosen}, gives="events")
        verb = "clinical.first_event" if endpoint.derive == "CNS first" else "clinical.derive_tte"
        files = (self.dataset("adrs"), self.dataset("adsl"))
        return Task(verb + suffix, verb, files, {**shared, **derivation(endpoint, own.arm or None)}, gives="events")

    def response(self, response: ResponseSettings, suffix: str) -> Iterator[Task]:
        """Return what one response asks for: every subject's best, the rates, and the differences from the control."""
        own = self.settings
        names = ("parameter", "where", "subjects", "by", "start", "end", *WINDOWS)
        chosen: dict[str, Any] = {name: getattr(response, name) for name in names}
        chosen |= {"arm": own.arm or None, "strata": own.strata, "endpoint": response.label, "cut_off": text(response.cut_off)}
        best = Task(
            "clinical.best_overall_response" + suffix, "clinical.best_overall_response",
            (self.dataset("adrs"), self.dataset("adsl")), chosen,
        )  # fmt: skip
        yield best
        responses = (From("responses", (best.name,)),)
        design = {"endpoint": response.label, "by": response.by}
        yield Task("clinical.objective_response" + suffix, "clinical.objective_response", responses, design)
        yield Task("clinical.time_to_response" + suffix, "clinical.time_to_response", responses, {"endpoint": response.label})
        if own.control is not None:
            against = {"endpoint": response.label, "control": own.control, "strata": own.strata}
            for verb in ("clinical.rate_difference", "clinical.cmh_test"):
                yield Task(verb + suffix, verb, responses, against)

    def tumours(self) -> Iterator[Task]:
        """Return what the sums of lesions ask for."""
        chosen = {**self.settings.tumours.model_dump(mode="json"), "arm": self.settings.arm or None}
        files = (self.dataset("adtr"), self.dataset("adsl"))
        yield from (Task(verb, verb, files, chosen) for verb in ("clinical.tumour_response", "clinical.best_change"))

    def treatment(self, tasks: Sequence[Task]) -> Iterator[Task]:
        """Return what a swimmer plot asks for, where ADSL is there: with the first responses and, up to its data cut-off, the latest progression."""
        if not self.settings.adsl:
            return
        responses = [task.name for task in tasks if task.verb == "clinical.best_overall_response"][:1]
        derived = [task for task in tasks if task.verb == "clinical.derive_tte" and task.settings["derive"] == "PFS"]
        everyone = [task for task in derived if not task.settings["subjects"]] or derived
        latest = max(everyone, key=lambda task: task.settings["cut_off"] or "9", default=None)  # no cut-off: after every other
        found = (("responses", responses), ("progressions", [latest.name] if latest else []))
        inputs: tuple[Files | From, ...] = (
            self.dataset("adsl"),
            *(From(role, tuple(names)) for role, names in found if names),
        )
        chosen = {"arm": self.settings.arm or None, "cut_off": latest.settings["cut_off"] if latest else None}
        yield Task("clinical.treatment", "clinical.treatment", inputs, chosen)

    def safety(self) -> Iterator[Task]:
        """Return what the adverse events ask for."""
        chosen = {**self.settings.safety.model_dump(), "control": self.settings.control, "endpoint": "adverse events"}
        files = (self.dataset("adae"), self.dataset("adsl"))
        yield from (Task(verb, verb, files, chosen) for verb in ("clinical.adverse_events", "clinical.adverse_event_terms"))


def survival(design: Mapping[str, Any], times: Sequence[float]) -> dict[str, Mapping[str, Any]]:
    """Return verb -> settings of one endpoint's curves."""
    steps = dict.fromkeys(("clinical.kaplan_meier", "clinical.curve", "clinical.follow_up"), design)
    return steps | ({"clinical.survival_at": {**design, "times_months": list(times)}} if times else {})


def comparisons(
    design: Mapping[str, Any], covariates: Sequence[str], times: Sequence[float], by: Sequence[str], labels: Mapping[str, str]
) -> dict[str, Mapping[str, Any]]:
    """Return verb -> settings of one endpoint's comparisons with the control."""
    adjusted = {**design, "covariates": list(covariates)}
    steps: dict[str, Mapping[str, Any]] = {
        "clinical.log_rank": design,
        "clinical.cox": adjusted,
        "clinical.proportional_hazards": adjusted,
        "clinical.schoenfeld": adjusted,
        "clinical.restricted_mean": design,
    }
    steps |= {"clinical.milestone": {**design, "times_months": list(times)}} if times else {}
    return steps | (
        {"clinical.subgroups": {**design, "by": list(by), "labels": {name: labels[name] for name in by if name in labels}}}
        if by
        else {}
    )


def competing(design: Mapping[str, Any], cause: str, times: Sequence[float]) -> dict[str, Mapping[str, Any]]:
    """Return verb -> settings of the incidence of one cause among several."""
    one = {**design, "cause": cause}
    steps: dict[str, Mapping[str, Any]] = dict.fromkeys(("clinical.first_events", "clinical.incidence_curve"), one)
    return steps | ({"clinical.incidence_at": {**one, "times_months": list(times)}} if times else {})


def compared_risks(design: Mapping[str, Any], cause: str) -> dict[str, Mapping[str, Any]]:
    """Return verb -> settings of the comparisons of one cause among several."""
    one = {**design, "cause": cause}
    return dict.fromkeys(("clinical.gray_test", "clinical.cause_specific", "clinical.fine_gray"), one)


def derivation(endpoint: EndpointSettings, arm: str | None) -> dict[str, Any]:
    """Return the settings an endpoint is derived with."""
    names = ("derive", "start", "visit_every_days", "missed_visits", "baseline", "subjects", "brain")
    return {name: getattr(endpoint, name) for name in names} | {
        "arm": arm,
        "rule": endpoint.chosen_rule,
        "parameter": endpoint.parameter or None,
        "cut_off": text(endpoint.cut_off),
    }


def text(day: date | None) -> str | None:
    """Return a date as the settings of a task hold it."""
    return day.isoformat() if day else None
