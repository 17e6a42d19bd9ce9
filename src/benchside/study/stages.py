"""The stages there are. Adding a stage is one new folder and one line here."""

from collections.abc import Mapping
from typing import Final

from benchside.core.stage import Stage, Verb
from benchside.stages.assay.stage import STAGE as ASSAY
from benchside.stages.clinical.stage import STAGE as CLINICAL
from benchside.stages.pharmacology.stage import STAGE as PHARMACOLOGY
from benchside.stages.resistance.stage import STAGE as RESISTANCE
from benchside.stages.trial.stage import STAGE as TRIAL

STAGES: Final[Mapping[str, Stage]] = {stage.name: stage for stage in (ASSAY, PHARMACOLOGY, RESISTANCE, TRIAL, CLINICAL)}

VERBS: Final[Mapping[str, Verb]] = {name: verb for stage in STAGES.values() for name, verb in stage.verbs.items()}
"""The closed table of verbs: what a ledger may name and `replay` may run."""
