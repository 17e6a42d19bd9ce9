"""What a study asks of the resistance stage: its variants read, called, ranked, counted and followed."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchside.core.stage import Files, From, Port, StageContext, Task
from benchside.stages.resistance.settings import ResistanceSettings


def plan(settings: ResistanceSettings, context: StageContext) -> Sequence[Task]:
    """Return the tasks of a file of variants; calls rest on whatever coverage the study has."""
    file = context.root / context.match([settings.file])[0]
    read = Task("resistance.read", "resistance.read", (Files("variants", (file,)),), {"build": settings.build})
    variants = From("variants", (read.name,))
    coverage = Port("coverage", "coverage", optional=True)
    asked: dict[str, Any] = {
        "compounds": list(settings.compounds),
        "level": settings.level,
        "verified_only": settings.verified_only,
    }
    ranked = {**asked, "after": settings.after}
    growth = {"sd_log_vaf": settings.sd_log_vaf}
    published = {"drug": settings.spectrum_drug or settings.after, "prior": settings.spectrum_prior}
    steps: Mapping[str, tuple[tuple[Files | From | Port, ...], dict[str, Any]]] = {
        "resistance.call": ((variants, coverage), asked),
        "resistance.next_line": ((variants, coverage), ranked),
        "resistance.next_line_cells": ((variants, coverage), ranked),
        "resistance.cohort": ((variants,), {}),
        "resistance.clone_growth": ((variants,), growth),
        "resistance.clone_samples": ((variants,), growth),
        "resistance.spectrum": ((), published),
        "resistance.compare_spectra": ((variants,), published),
    }
    return [read, *(Task(verb, verb, inputs, chosen) for verb, (inputs, chosen) in steps.items())]


def propose(files: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the section for the one file of variants in a folder; None where there are several: a person says which."""
    return {"file": files[0]} if len(files) == 1 else None
