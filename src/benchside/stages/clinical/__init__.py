"""Does it help patients? Event tables of subjects: curves, tests and hazard ratios.

``read`` a table, ``kaplan_meier``, ``log_rank`` and ``cox`` analyse it, ``compare_arms_batch`` compares the arms of
thousands of trials at once, ``simulate`` makes the same table from known hazards.
"""

from benchside.core.exchange import EventTable
from benchside.stages.clinical.analyse import Analysis, analyse
from benchside.stages.clinical.analyse.compare_arms import ArmComparisons, compare_arms_batch
from benchside.stages.clinical.analyse.cox import Cox, cox
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, Landmarks, kaplan_meier
from benchside.stages.clinical.analyse.log_rank import LogRank, log_rank
from benchside.stages.clinical.model import Log, LogLog, Plain
from benchside.stages.clinical.read import read
from benchside.stages.clinical.simulate import Hazard, simulate

__all__ = [
    "Analysis",
    "ArmComparisons",
    "Cox",
    "EventTable",
    "Hazard",
    "KaplanMeier",
    "Landmarks",
    "Log",
    "LogLog",
    "LogRank",
    "Plain",
    "analyse",
    "compare_arms_batch",
    "cox",
    "kaplan_meier",
    "log_rank",
    "read",
    "simulate",
]
