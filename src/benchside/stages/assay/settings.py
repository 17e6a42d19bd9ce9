"""Section [assay] of study.toml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AssaySettings(BaseModel):
    """Section [assay] of study.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] = Field(min_length=1)
    """Plate files, relative to the study; * and ? match."""

    layout: str | None = None
    """Layout file for all plates; by default each file holds its own."""

    format: Literal["plates", "responses"] = "plates"
    concentration_unit: str | None = None
    response_unit: Literal["fraction", "percent"] | None = None
    columns: dict[str, str] = {}
    """For format = "responses": promised name -> column of the file."""

    where: dict[str, str | int | float | list[str]] = {}
    target: str | None = None
    variant: str | None = None
    system: str | None = None
    serum_fraction: float | None = Field(default=None, ge=0, le=1)
    interval: Literal["profile", "delta"] = "profile"
    level: float = Field(default=0.95, gt=0, lt=1)
    quality_against: Literal["blank", "positive"] = "blank"
    overflow: Literal["refuse", "exclude"] = "refuse"
    round_trip: str | None = None
    """What the data were simulated from, where they were; the dossier then heads them "round-trip"."""
