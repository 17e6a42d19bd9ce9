"""What `[clinical]` says of one endpoint and of one response."""

from datetime import date
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from benchside.core.errors import listed

Where = dict[str, str | int | float]
Derived = Literal["PFS", "OS", "TTP", "DOR", "CNS TTP", "CNS first"]


_OF_DERIVED: Final = ("derive", "rule", "visit_every_days", "missed_visits", "start", "baseline", "brain", "cut_off", "subjects")
KEYS_OF: Final = {
    "derived": ("file", "time_unit", "event"),
    "plain": _OF_DERIVED,
    "ADTTE": (*_OF_DERIVED, "event"),
}
"""Keys that an endpoint of a kind has no use for: of the other kinds."""


class Section(BaseModel):
    """Base of the settings: frozen, and closed to keys that are not there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointSettings(Section):
    """One `[[clinical.endpoints]]`: a plain table (`time`), a parameter of ADTTE (`parameter`), or derived from ADRS and ADSL (`derive`)."""

    name: str = Field(default="PFS", min_length=1)
    """What it is: PFS, OS, DOR, CNS progression, ..."""

    assessment: str = ""
    """Who assessed it, for example INV or IRC."""

    file: str = ""
    """The plain table, or the ADTTE dataset; by default the trial's `adtte`."""

    time: str = ""
    """Column of the times, of a plain table."""

    time_unit: str | None = None
    """`days`, `weeks`, `months` or `years` (a month is 30.4375 days); of ADTTE only where AVALU does not say."""

    event: str = "event"
    """Column of the events: 1 event, 0 censored, or the codes of `causes`."""

    parameter: str = ""
    """PARAMCD: of ADTTE, or with `derive` of the assessments in ADRS."""

    derive: Derived | None = None
    """What is derived from ADRS and ADSL."""

    rule: Literal["FDA", "EMA"] | None = None
    """By default FDA's; of `CNS first` EMA's, since causes that compete know no censoring by gaps."""

    visit_every_days: int | None = Field(default=None, gt=0)
    """Days between assessments; FDA's rule needs it."""

    missed_visits: int = Field(default=2, ge=1)
    """So many missed visits before an event censor it (FDA)."""

    start: str = "RANDDT"
    """Column of ADSL from which time counts."""

    baseline: str | None = None
    """Column of ADSL that is Y for subjects with a baseline assessment (FDA)."""

    brain: str = ""
    """PARAMCD of the assessments of the brain, for `derive = "CNS first"`."""

    cut_off: date | None = None
    """Nothing after it is known; of derived endpoints, since a table that was cut before has no such date to go by."""

    where: Where = {}
    """Keep the rows whose column equals a value."""

    subjects: Where = {}
    """Keep the subjects of ADSL whose column equals a value; of derived endpoints."""

    causes: dict[str, int] = {}
    """Names of the event codes where several causes compete."""

    cause: str = ""
    """The cause of interest; by default the first of `causes`."""

    landmarks_months: list[float] | None = None
    """Times at which it is reported; by default the trial's."""

    covariates: list[str] = []
    """Columns that adjust the hazard ratio."""

    strata: bool = True
    """Whether the trial's strata stratify this endpoint: not where its subjects were not randomised as such, as responders are."""

    subgroups: list[str] | None = None
    """Columns of its forest; by default the trial's."""

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
        parts = [self.assessment, f"cut-off {self.cut_off}" if self.cut_off else "", _whom(self)]
        told = ", ".join(part for part in parts if part)
        return f"{self.name} ({told})" if told else self.name

    @field_validator("landmarks_months")
    @classmethod
    def _no_time_before_the_start(cls, times: list[float] | None) -> list[float] | None:
        return require_landmarks(times)

    @model_validator(mode="after")
    def _only_its_own_keys(self) -> Self:
        """Refuse keys that would be printed or expected and never used."""
        way = "derived" if self.derive else "plain" if self.time else "ADTTE" if self.parameter else ""
        stray = [name for name in KEYS_OF.get(way, ()) if name in self.model_fields_set]
        if way and stray:
            told = {
                "derived": "is derived from ADRS and ADSL",
                "plain": "is a plain table",
                "ADTTE": "is read from ADTTE as it is",
            }[way]
            message = f"endpoint {self.name!r} {told}, where {stray[0]} does nothing: leave it out"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _codes_are_apart(self) -> Self:
        named = list(self.causes.values())
        if 0 in named or len(set(named)) < len(named):
            message = f"endpoint {self.name!r}: every cause has a code of its own, and 0 is censored; causes is {self.causes}"
            raise ValueError(message)
        return self

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


class ResponseSettings(Section):
    """One `[[clinical.responses]]`: best overall response from ADRS and the rates that follow."""

    name: str = Field(default="ORR", min_length=1)
    """What it is: ORR, CNS ORR, ..."""

    assessment: str = ""
    """Who assessed it."""

    parameter: str | None = None
    """PARAMCD of the responses in ADRS."""

    where: Where = {}
    """Keep the rows of ADRS whose column equals a value."""

    subjects: Where = {}
    """Keep the subjects of ADSL whose column equals a value: measurable disease at baseline, say."""

    by: list[str] = []
    """Columns of ADSL whose values are subgroups, for example prior radiotherapy."""

    confirmed: bool = True
    """Whether a response must be confirmed."""

    confirmation_days: int = Field(default=28, ge=0)
    """By an assessment so many days later."""

    stable_days: int = Field(default=28, ge=0)
    """Stable disease counts from this many days after the start."""

    max_not_evaluable: int = Field(default=1, ge=0)
    """Assessments that may be NE between a response and its confirmation."""

    accept_stable: bool = False
    """Whether one SD may stand between two PR."""

    start: str = "RANDDT"
    """Column of ADSL the windows count from."""

    end: str | None = None
    """Column of ADSL after whose date nothing counts, for example new anticancer therapy."""

    cut_off: date | None = None
    """Nothing after it is known."""

    population: str = ""
    """In words; by default what `subjects` says."""

    @property
    def label(self) -> str:
        """The name that tells it from the trial's other responses."""
        told = ", ".join(part for part in (self.assessment, _whom(self)) if part)
        return f"{self.name} ({told})" if told else self.name


def require_landmarks(times: list[float] | None) -> list[float] | None:
    """Return the landmarks, or raise ValueError for a time before the start."""
    if any(not time >= 0 for time in times or ()):
        message = "a landmark is a time of 0 or more months"
        raise ValueError(message)
    return times


def _whom(one: "EndpointSettings | ResponseSettings") -> str:
    """Return which subjects it is of, where not all: the population in words, else what the filter says."""
    return one.population if one.population and one.subjects else _words(one.subjects)


def _words(where: Where) -> str:
    return ", ".join(f"{name} = {value}" for name, value in where.items())
