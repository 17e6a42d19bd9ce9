"""The `[resistance]` section of study.toml: the variants of patients, what is called, and what they are compared with."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from benchside.stages.resistance.analyse.call import ALK_INHIBITORS


class ResistanceSettings(BaseModel):
    """The `[resistance]` section: variants found in patients, the drug they came after, and the drugs asked about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    """The variants: a table, a MAF, or a VCF annotated by VEP or SnpEff."""

    build: Literal["GRCh37", "GRCh38"] | None = None
    """Genome build of a MAF or VCF; refused where the file says another."""

    compounds: tuple[str, ...] = ALK_INHIBITORS
    """The drugs that are called on every variant."""

    after: str = "alectinib"
    """The drug given before: shown in the ranking, and not ranked."""

    level: float = Field(default=0.9, gt=0, lt=1)
    """Probability of the limits of the fold shifts."""

    verified_only: bool = True
    """Leave out folds recalled from memory."""

    spectrum_drug: str | None = None
    """The drug whose published spectrum stands beside the cohort's; by default the one given before."""

    spectrum_prior: str | None = None
    """The therapy before that drug, as published, for example `crizotinib`; none: every published series of the drug."""

    sd_log_vaf: float | None = Field(default=None, ge=0, lt=6)
    """Standard deviation of ln VAF between samples of one patient, where replicates tell it; none: estimated from each series."""
