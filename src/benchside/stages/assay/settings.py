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
    readout: str | None = None
    """What was read, in words: CCK-8 at 450 nm, MTT at 570 nm, luminescence, 33P counts."""

    cells_per_well: int | None = Field(default=None, gt=0)
    treatment_h: float | None = Field(default=None, gt=0)
    """Hours with the compound."""

    signal_read: str | None = None
    """Where plates were read more than once: which read is the signal, by label or wavelength."""

    reference_read: str | None = None
    """Which read is subtracted from it, for example "650"."""

    through: Literal["benchside", "openreadout"] = "benchside"
    """"openreadout" reads a reader's own export through that package, for kinds not read here."""

    overflow: Literal["refuse", "exclude"] = "refuse"
    quality_against: Literal["blank", "positive"] = "blank"

    curve: Literal["LL3", "LL4", "LL5"] = "LL4"
    """Log-logistic curve of three, four or five parameters."""

    bottom: float = Field(default=0.0, gt=-10, lt=10)
    """Lower plateau of LL3."""

    interval: Literal["profile", "delta", "bootstrap"] = "profile"
    level: float = Field(default=0.95, gt=0, lt=1)
    plates: Literal["random", "pooled"] = "random"
    """`random`: from four replicate plates on the plate is the replicate; `pooled`: wells are independent."""

    weights: str | None = None
    """Column of weights, or `relative` for noise in proportion to the response."""

    loss: Literal["squares", "tukey", "lorentzian"] = "squares"
    """Least squares, or a robust loss."""

    outlier_fdr: float = Field(default=0.01, gt=0, lt=1)
    """False discovery rate of outlier flags; a flag never removes a point."""

    reference: str = "WT"
    """The variant fold shifts are taken against, within one system."""

    fold_shared: Literal["plateaus", "shape"] | None = None
    """What the two curves of a fold shift have in common, beside their noise."""

    fold_measure: Literal["ec50", "ic50"] = "ec50"
    """Ratio of midpoints, or of doses of response 0.5."""

    parental: str | None = None
    """The system of the parental cells (Ba/F3 with IL-3): opens the window over the engineered ones."""

    window_least: float = Field(default=10.0, ge=1)
    """A narrower window is flagged off target."""

    atp_uM: PerVariant | None = None
    """ATP of a cell-free assay, for Ki; wells whose layout states their ATP have that, and at several levels a mode of inhibition."""

    km_uM: PerVariant | None = None
    """Km of the kinase for ATP, of each variant."""

    km_se_uM: PerVariant | None = None
    """Its standard error, which then widens the limits of Ki."""

    enzyme_nM: PerVariant | None = None
    """Enzyme in the well: says whether binding is tight."""

    inhibition: Literal["competitive", "non-competitive", "uncompetitive", "mixed"] = "competitive"
    """The mode Ki is computed for."""

    alpha: float | None = Field(default=None, gt=0)
    """For mixed inhibition: by how much ATP and inhibitor hinder each other."""

    day_zero: list[str] = []
    """Plate files read when the drug was added: opens growth-rate inhibition."""

    background: Literal["subtract", "keep"] = "subtract"
    """For growth rates: whether the blank is subtracted from signals first."""

    combination_reference: Literal["bliss", "hsa", "loewe", "zip"] = "zip"
    """The model the surface of a combination is drawn against; all four are computed."""

    resamples: int = Field(default=999, ge=100)
    """Resamplings behind the intervals of combinations."""

    selectivity_threshold_nM: float = Field(default=3000.0, gt=0)
    """A kinase counts as hit below this IC50."""

    round_trip: str | None = None
    """What the data were simulated from, where they were; the dossier then heads them "round-trip"."""
