"""The `[clinical]` section of study.toml: one trial, its endpoints, responses and adverse events."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from benchside.stages.clinical.settings_endpoint import (
    EndpointSettings,
    ResponseSettings,
    Where,
    require_landmarks,
)

FLAT: Final = tuple(
    name for name in EndpointSettings.model_fields if name not in {"name", "landmarks_months", "subgroups", "strata"}
)
"""Keys that make a section with one endpoint, without a list of endpoints."""


class TumourSettings(BaseModel):
    """`[clinical.tumours]`: the sums of target lesions in ADTR."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameter: str | None = None
    """PARAMCD of the sum of the target lesions."""

    where: Where = {}
    """Keep the rows of ADTR whose column equals a value: the assessor."""

    subjects: Where = {}
    """Keep the subjects of ADSL whose column equals a value."""

    start: str = "TRTSDT"
    """Column of ADSL that time counts from."""

    cut_off: date | None = None
    """Nothing after it is known."""


class SafetySettings(BaseModel):
    """`[clinical.safety]`: adverse events from ADAE and ADSL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: str = "TRT01A"
    """Column of the treatment that was taken."""

    population: str | None = "SAFFL"
    """Column of ADSL that is Y for subjects who count; all where it is not there."""

    treatment_emergent: str | None = "TRTEMFL"
    """Column of ADAE that is Y for events that count; all where it is not there."""


class ClinicalSettings(BaseModel):
    """The `[clinical]` section: a trial. With one endpoint its keys may stand in the section itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    """Heading of the section."""

    control: str | None = None
    """The arm the others are compared with; without it nothing is compared."""

    arm: str = ""
    """Column of the treatment; of ADaM by default TRT01P, TRTP or ARM."""

    strata: list[str] = []
    """Columns that stratify the tests and Cox regression."""

    subgroups: list[str] = []
    """Columns whose levels the forest shows."""

    labels: dict[str, str] = {}
    """What the forest calls columns, for example `CNSBLFL = "CNS metastases at baseline"`."""

    landmarks_months: list[float] = []
    """Times at which survival is reported."""

    conventions: Literal["r", "sas"] | None = None
    """Ties, limits, median rule and rule past the last follow-up as R or SAS have them; by default benchside's own."""

    published: str = ""
    """The trial whose published results stand beside the computed ones, for example ALEX."""

    round_trip: str = ""
    """What the tables were simulated from; empty for data."""

    data_note: str = ""
    """What a reader must know of the data before any number, for example that the patients were reconstructed from published curves."""

    adsl: str = ""
    """One row a subject: CSV, XPT, SAS7BDAT, Parquet or Dataset-JSON, as all five datasets."""

    adtte: str = ""
    """Times to events."""

    adrs: str = ""
    """Responses."""

    adtr: str = ""
    """Sums of target lesions."""

    adae: str = ""
    """Adverse events."""

    endpoints: list[EndpointSettings] = []
    """The endpoints: tables of the keys below. A section with one endpoint may hold its keys itself, the name as `endpoint`."""

    responses: list[ResponseSettings] = []
    """The responses: tables of the keys below."""

    tumours: TumourSettings = TumourSettings()
    """How ADTR is read."""

    safety: SafetySettings = SafetySettings()
    """How ADAE is read."""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, raw: Any) -> Any:
        """Take the keys of a section with one endpoint as that endpoint."""
        if not isinstance(raw, Mapping) or not any(name in raw for name in ("endpoint", *FLAT)):
            return raw
        if "endpoints" in raw:
            message = "one endpoint stands in [clinical] itself, several stand in [[clinical.endpoints]]: not both"
            raise ValueError(message)
        given = {name: raw[name] for name in FLAT if name in raw and name != "endpoint"}
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


def _require(label: str, datasets: tuple[str, ...], settings: "ClinicalSettings") -> None:
    missing = [name for name in datasets if not getattr(settings, name)]
    if missing:
        message = f'{label} needs the dataset {missing[0].upper()}: {missing[0]} = "{missing[0]}.csv"'
        raise ValueError(message)
