"""The `[clinical]` section of study.toml: one trial, its endpoints, responses and adverse events."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from benchside.core.errors import listed

Where = dict[str, str | int | float]
Derived = Literal["PFS", "OS", "TTP", "DOR", "CNS TTP", "CNS first"]
FLAT: Final = ("file", "time", "time_unit", "event", "where", "causes", "cause", "parameter", "derive")
"""Keys that make a section with one endpoint, without a list of endpoints."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointSettings(_Settings):
    """One `[[clinical.endpoints]]`: a plain table (`time`), a parameter of ADTTE (`parameter`), or derived from ADRS and ADSL (`derive`)."""

    name: str = Field(default="PFS", min_length=1)
    """What it is: PFS, OS, DOR, CNS progression, ..."""

    assessment: str = ""
    """Who assessed it, for example INV or IRC."""

    file: str = ""
    """The plain table, or the ADTTE dataset; by default the trial's `adtte`."""

    time: str = ""
    time_unit: str | None = None
    event: str = "event"
    parameter: str = ""
    """PARAMCD: of ADTTE, or with `derive` of the assessments in ADRS."""

    derive: Derived | None = None
    rule: Literal["FDA", "EMA"] | None = None
    """By default FDA's; of `CNS first` EMA's, since causes that compete know no censoring by gaps."""

    visit_every_days: int | None = Field(default=None, gt=0)
    missed_visits: int = Field(default=2, ge=1)
    start: str = "RANDDT"
    baseline: str | None = None
    brain: str = ""
    """PARAMCD of the assessments of the brain, for `derive = "CNS first"`."""

    cut_off: date | None = None
    """Nothing after it is known; of derived endpoints."""

    where: Where = {}
    """Keep the rows whose column equals a value."""

    subjects: Where = {}
    """Keep the subjects of ADSL whose column equals a value; of derived endpoints."""

    causes: dict[str, int] = {}
    """Names of the event codes where several causes compete."""

    cause: str = ""
    """The cause of interest; by default the first of `causes`."""

    landmarks_months: list[float] | None = None
    covariates: list[str] = []
    """Columns that adjust the hazard ratio."""

    subgroups: list[str] | None = None
    population: str = ""
    """In words, for the estimand; by default what `subjects` says."""

    intercurrent_events: str = ""
    """In words, where they were handled before the table was made."""

    @property
    def chosen_rule(self) -> Literal["FDA", "EMA"]:
        """The rule it is derived by."""
        return self.rule or ("EMA" if self.derive == "CNS first" else "FDA")

    @property
    def label(self) -> str:
        """The name that tells it from the trial's other endpoints."""
        parts = [self.assessment, f"cut-off {self.cut_off}" if self.cut_off else "", _words(self.subjects)]
        told = ", ".join(part for part in parts if part)
        return f"{self.name} ({told})" if told else self.name

    @field_validator("landmarks_months")
    @classmethod
    def _no_time_before_the_start(cls, times: list[float] | None) -> list[float] | None:
        return require_landmarks(times)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.derive is None and bool(self.time) == bool(self.parameter):
            message = f'endpoint {self.name!r} needs one way to its times: time = "column" of a table, parameter = "PARAMCD" of ADTTE, or derive = "PFS" from ADRS and ADSL'
            raise ValueError(message)
        if self.causes and not self.time:
            message = f'endpoint {self.name!r}: causes are codes of an event column, so they go with time = "column"; from ADRS use derive = "CNS first"'
            raise ValueError(message)
        if self.derive is not None and self.time:
            message = f"endpoint {self.name!r} is derived, so it has no column of times: leave out time, or derive"
            raise ValueError(message)
        if self.derive == "CNS first" and not (self.parameter and self.brain):
            message = (
                f"endpoint {self.name!r} needs the PARAMCD of the overall responses and that of the brain's: parameter and brain"
            )
            raise ValueError(message)
        needs_gap = self.derive not in (None, "OS") and self.chosen_rule == "FDA"
        if needs_gap and self.visit_every_days is None:
            message = f'endpoint {self.name!r}: FDA\'s rule censors after missed visits, so it needs to know how far visits are apart: visit_every_days = 56, or rule = "EMA"'
            raise ValueError(message)
        if self.time and not self.file:
            message = f'endpoint {self.name!r} needs the table its times are in: file = "table.csv"'
            raise ValueError(message)
        if self.time and self.time_unit is None:
            message = f'endpoint {self.name!r} needs the unit of its times: time_unit = "days", "weeks", "months" or "years"'
            raise ValueError(message)
        if self.cause and self.cause not in self.causes and self.derive != "CNS first":
            message = f"endpoint {self.name!r}: cause {self.cause!r} is none of its causes, {listed(self.causes) or 'of which it has none'}"
            raise ValueError(message)
        return self


class ResponseSettings(_Settings):
    """One `[[clinical.responses]]`: best overall response from ADRS and the rates that follow."""

    name: str = Field(default="ORR", min_length=1)
    assessment: str = ""
    parameter: str | None = None
    where: Where = {}
    subjects: Where = {}
    """Keep the subjects of ADSL whose column equals a value: measurable disease at baseline, say."""

    by: list[str] = []
    """Columns of ADSL whose values are subgroups, for example prior radiotherapy."""

    confirmed: bool = True
    confirmation_days: int = Field(default=28, ge=0)
    stable_days: int = Field(default=28, ge=0)
    max_not_evaluable: int = Field(default=1, ge=0)
    accept_stable: bool = False
    start: str = "RANDDT"
    end: str | None = None
    cut_off: date | None = None
    population: str = ""
    """In words; by default what `subjects` says."""

    @property
    def label(self) -> str:
        """The name that tells it from the trial's other responses."""
        told = ", ".join(part for part in (self.assessment, _words(self.subjects)) if part)
        return f"{self.name} ({told})" if told else self.name


class TumourSettings(_Settings):
    """`[clinical.tumours]`: the sums of target lesions in ADTR."""

    parameter: str | None = None
    """PARAMCD of the sum of the target lesions."""

    where: Where = {}
    subjects: Where = {}
    start: str = "TRTSDT"


class SafetySettings(_Settings):
    """`[clinical.safety]`: adverse events from ADAE and ADSL."""

    arm: str = "TRT01A"
    population: str | None = "SAFFL"
    treatment_emergent: str | None = "TRTEMFL"


class ClinicalSettings(_Settings):
    """The `[clinical]` section: a trial. With one endpoint its keys may stand in the section itself."""

    title: str = ""
    control: str | None = None
    """The arm the others are compared with; without it nothing is compared."""

    arm: str = ""
    """Column of the treatment; of ADaM by default TRT01P, TRTP or ARM."""

    strata: list[str] = []
    """Columns that stratify the tests and Cox regression."""

    subgroups: list[str] = []
    """Columns whose levels the forest shows."""

    landmarks_months: list[float] = []
    """Times at which survival is reported."""

    conventions: Literal["r", "sas"] | None = None
    published: str = ""
    """The trial whose published results stand beside the computed ones, for example ALEX."""

    round_trip: str = ""
    """What the tables were simulated from; empty for data."""

    data_note: str = ""
    """What a reader must know of the data before any number, for example that the patients were reconstructed from published curves."""

    adsl: str = ""
    adtte: str = ""
    adrs: str = ""
    adtr: str = ""
    adae: str = ""
    endpoints: list[EndpointSettings] = []
    responses: list[ResponseSettings] = []
    tumours: TumourSettings = TumourSettings()
    safety: SafetySettings = SafetySettings()

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Take the keys of a section with one endpoint as that endpoint."""
        if not isinstance(raw, Mapping) or not any(name in raw for name in ("endpoint", *FLAT)):
            return raw
        if "endpoints" in raw:
            message = "one endpoint stands in [clinical] itself, several stand in [[clinical.endpoints]]: not both"
            raise ValueError(message)
        given = {name: raw[name] for name in FLAT if name in raw}
        rest = {name: value for name, value in raw.items() if name not in ("endpoint", *FLAT)}
        return {**rest, "endpoints": [{"name": raw.get("endpoint", "PFS"), **given}]}

    @field_validator("landmarks_months")
    @classmethod
    def _no_time_before_the_start(cls, times: list[float]) -> list[float]:
        require_landmarks(times)
        return times

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if not (self.endpoints or self.responses or self.adae):
            message = "a trial needs something to analyse: [[clinical.endpoints]], [[clinical.responses]] or adae"
            raise ValueError(message)
        for one in self.endpoints:
            _require(one.label, ("adsl", "adrs") if one.derive else ("adtte",) if one.parameter and not one.file else (), self)
            if one.time and not self.arm:
                message = f'endpoint {one.label!r} is a plain table, so the column of the treatment must be named: arm = "column"'
                raise ValueError(message)
        for response in self.responses:
            _require(response.label, ("adsl", "adrs"), self)
        if self.adae or self.adtr:
            _require("adae" if self.adae else "adtr", ("adsl",), self)
        for what, labels in (
            ("endpoints", [one.label for one in self.endpoints]),
            ("responses", [one.label for one in self.responses]),
        ):
            twice = [label for label, times in Counter(labels).items() if times > 1]
            if twice:
                message = f"two {what} are called {twice[0]!r}: tell them apart by name or assessment"
                raise ValueError(message)
        return self

    def landmarks_of(self, endpoint: EndpointSettings) -> list[float]:
        """Return the landmarks of one endpoint: its own, else the trial's."""
        return self.landmarks_months if endpoint.landmarks_months is None else endpoint.landmarks_months

    def subgroups_of(self, endpoint: EndpointSettings) -> list[str]:
        """Return the subgroups of one endpoint: its own, else the trial's."""
        return self.subgroups if endpoint.subgroups is None else endpoint.subgroups


def require_landmarks(times: list[float] | None) -> list[float] | None:
    """Return the landmarks, or raise ValueError for a time before the start."""
    if any(not time >= 0 for time in times or ()):
        message = "a landmark is a time of 0 or more months"
        raise ValueError(message)
    return times


def _require(label: str, datasets: tuple[str, ...], settings: "ClinicalSettings") -> None:
    missing = [name for name in datasets if not getattr(settings, name)]
    if missing:
        message = f'{label} needs the dataset {missing[0].upper()}: {missing[0]} = "{missing[0]}.csv"'
        raise ValueError(message)


def _words(where: Where) -> str:
    return ", ".join(f"{name} = {value}" for name, value in where.items())
