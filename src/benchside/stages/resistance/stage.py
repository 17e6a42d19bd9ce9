"""The resistance stage as a value: what the study knows of it."""

from typing import Final

from benchside.core.stage import Stage
from benchside.stages.resistance.analyse.summary import analyse
from benchside.stages.resistance.plan import plan, propose
from benchside.stages.resistance.read import read_variants, recognise
from benchside.stages.resistance.settings import ResistanceSettings
from benchside.stages.resistance.simulate import simulate
from benchside.stages.resistance.truths import TRUTHS
from benchside.stages.resistance.verbs import VERBS

STAGE: Final = Stage(
    name="resistance",
    question="What escapes the drug, and what comes next?",
    recognise=recognise,
    read=read_variants,
    analyse=analyse,
    simulate=simulate,
    truths=TRUTHS,
    figures="benchside.stages.resistance.figure",
    settings=ResistanceSettings,
    verbs=VERBS,
    plan=plan,
    propose=propose,
)
"""What the study knows of this stage."""
