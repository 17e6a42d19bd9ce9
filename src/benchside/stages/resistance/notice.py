"""The words that stand beside every answer of this stage."""

from dataclasses import dataclass
from typing import Final

from benchside.core.evidence import Answer

NOTICE: Final = (
    "Research use only: not a medical device, not medical advice, and no basis for treating a patient. "
    "Calls rest on published laboratory data and on exposure models with the intervals shown."
)


@dataclass(frozen=True)
class ResistanceAnswer(Answer):
    """Base of the stage's answers: a table, its evidence, and the notice."""

    notice: str = NOTICE
