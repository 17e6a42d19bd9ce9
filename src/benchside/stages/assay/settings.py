"""Section [assay] of study.toml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PerVariant = float | dict[str, float]
"""One number, or one for each variant by name."""


class AssaySettings(BaseModel):
    """Section [assay] of study.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] = Field(min_length=1)
    """Plate files, relative to the study; * and ? match."""

    layout: str | None = None
    """Layout file for all plates; by default each file holds its own."""

    format: Literal["plates", "responses", "time courses"] = "plates"
    time_unit: str | None = None
    """For format = "time courses": unit of times whose title gives none."""

    concentration_unit: str | None = None
    response_unit: Literal["fraction", "percent"] | None = None
    columns: dict[str, str] = {}
    """For format = "responses": promised name -> column of the file."""

    where: dict[str, str | int | float | list[str]] = {}
    target: str | None = None
    variant: str | None = None
    system: str | None = None
    serum_fraction: float | None = Field(default=None, ge=0, le=1)
    signal_read: str | None = None
    """Where plates were read more than once: which read is the signal, by label or wavelength."""

    reference_read: str | None = None
    """Which read is subtracted from it, for example "650"."""

    through: Literal["benchside", "openreadout"] = "benchside"
    overflow: Literal["refuse", "exclude"] = "refuse"
    quality_against: Literal["blank", "positive"] = "blank"

    curve: Literal["LL3", "LL4", "LL5"] = "LL4"
    bottom: float = Field(default=0.0, gt=-10, lt=10)
    """Lower plateau of LL3."""

    interval: Literal["profile", "delta", "bootstrap"] = "profile"
    level: float = Field(default=0.95, gt=0, lt=1)
    plates: Literal["random", "pooled"] = "random"
    weights: str | None = None
    loss: Literal["squares", "tukey", "lorentzian"] = "squares"
    outlier_fdr: float = Field(default=0.01, gt=0, lt=1)
    """False discovery rate of outlier flags; a flag never removes a point."""

    reference: str = "WT"
    """The variant fold shifts are taken against, within one system."""

    fold_shared: Literal["plateaus", "shape"] | None = None
    fold_measure: Literal["ec50", "ic50"] = "ec50"
    parental: str | None = None
    """The system of the parental cells (Ba/F3 with IL-3): opens the window over the engineered ones."""

    window_least: float = Field(default=10.0, ge=1)
    atp_uM: PerVariant | None = None
    """ATP of a cell-free assay, for Ki; where the layout has an ATP grid the mode of inhibition is asked too."""

    km_uM: PerVariant | None = None
    km_se_uM: PerVariant | None = None
    enzyme_nM: PerVariant | None = None
    inhibition: Literal["competitive", "non-competitive", "uncompetitive", "mixed"] = "competitive"
    alpha: float | None = Field(default=None, gt=0)
    day_zero: list[str] = []
    """Plate files read when the drug was added: opens growth-rate inhibition."""

    background: Literal["subtract", "keep"] = "subtract"
    combination_reference: Literal["bliss", "hsa", "loewe", "zip"] = "zip"
    resamples: int = Field(default=999, ge=99)
    selectivity_threshold_nM: float = Field(default=3000.0, gt=0)
    round_trip: str | None = None
    """What the data were simulated from, where they were; the dossier then heads them "round-trip"."""
