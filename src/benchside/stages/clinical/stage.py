"""The clinical stage as a value: what the study knows of it."""

from typing import Final

from benchside.core.stage import Stage
from benchside.stages.clinical.analyse import analyse
from benchside.stages.clinical.plan import plan
from benchside.stages.clinical.read import read, recognise
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.stages.clinical.simulate import simulate
from benchside.stages.clinical.truths import TRUTHS
from benchside.stages.clinical.verbs.events import EVENTS
from benchside.stages.clinical.verbs.responses import RESPONSE
from benchside.stages.clinical.verbs.risks import RISKS
from benchside.stages.clinical.verbs.survival import SURVIVAL
from benchside.stages.clinical.verbs.treatment import TREATMENT

STAGE: Final = Stage(
    name="clinical",
    question="does it help patients?",
    recognise=recognise,
    read=read,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.clinical.figure",
    settings=ClinicalSettings,
    verbs={verb.name: verb for verb in (*EVENTS, *SURVIVAL, *RISKS, *RESPONSE, *TREATMENT)},
    plan=plan,
    gives=("events",),
)
"""What the study knows of this stage."""

__all__ = ["STAGE", "ClinicalSettings"]
