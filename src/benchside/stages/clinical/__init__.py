"""Does it help patients? Event tables of subjects: curves, tests and hazard ratios.

``read`` a table, ``kaplan_meier``, ``log_rank`` and ``cox`` analyse it, ``compare_arms_batch`` compares the arms of
thousands of trials at once, ``simulate`` makes the same table from known hazards.
"""

from benchside.core.exchange import EventTable
from benchside.stages.clinical.analyse import Analysis, analyse
from benchside.stages.clinical.analyse.adverse_events import AdverseEvents, adverse_events
from benchside.stages.clinical.analyse.best_overall_response import BestOverallResponse, best_overall_response
from benchside.stages.clinical.analyse.bootstrap import BootstrapRatio, bootstrap_hazard_ratio
from benchside.stages.clinical.analyse.cause_specific import (
    CauseSpecific,
    CauseSpecificKaplanMeier,
    cause_specific,
    cause_specific_km,
)
from benchside.stages.clinical.analyse.cmh import CochranMantelHaenszel, cmh_test
from benchside.stages.clinical.analyse.compare_arms import ArmComparisons, compare_arms_batch
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cox import Cox, cox
from benchside.stages.clinical.analyse.cumulative_incidence import CumulativeIncidence, Incidences, cumulative_incidence
from benchside.stages.clinical.analyse.derive_tte import DerivedTimeToEvent, derive_tte
from benchside.stages.clinical.analyse.design import Entry
from benchside.stages.clinical.analyse.duration import (
    ObjectiveResponse,
    duration_of_response,
    objective_response,
    time_to_response,
)
from benchside.stages.clinical.analyse.fine_gray import FineGray, fine_gray
from benchside.stages.clinical.analyse.follow_up import FollowUp, follow_up
from benchside.stages.clinical.analyse.gray import GrayTest, gray_test
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, Landmarks, kaplan_meier
from benchside.stages.clinical.analyse.landmark_ensemble import (
    Landmark,
    LandmarkEnsemble,
    Published,
    ensemble_trials,
    landmark_ensemble,
)
from benchside.stages.clinical.analyse.log_rank import FlemingHarrington, LogRank, log_rank
from benchside.stages.clinical.analyse.max_combo import MaxCombo, max_combo
from benchside.stages.clinical.analyse.milestone import Milestones, milestone
from benchside.stages.clinical.analyse.proportional_hazards import ProportionalHazards, proportional_hazards
from benchside.stages.clinical.analyse.rate_difference import MiettinenNurminen, Newcombe, RateDifference, rate_difference
from benchside.stages.clinical.analyse.readings import Quantiles
from benchside.stages.clinical.analyse.reconstruct import Reconstruction, reconstruct, reconstructed_arms
from benchside.stages.clinical.analyse.response_rate import ClopperPearson, ResponseRate, Wilson, response_rate
from benchside.stages.clinical.analyse.restricted_mean import RestrictedMean, restricted_mean
from benchside.stages.clinical.analyse.subgroups import Subgroups, subgroups
from benchside.stages.clinical.analyse.tumour_response import TumourResponse, tumour_response
from benchside.stages.clinical.hazards import Cure, Weibull
from benchside.stages.clinical.model import Log, LogLog, Plain
from benchside.stages.clinical.read import read
from benchside.stages.clinical.read_adtte import TimeToEvent, read_adtte
from benchside.stages.clinical.read_dataset import Dataset, read_dataset
from benchside.stages.clinical.simulate import Accrual, Hazard, simulate

__all__ = [
    "Accrual",
    "AdverseEvents",
    "Analysis",
    "ArmComparisons",
    "BestOverallResponse",
    "BootstrapRatio",
    "CauseSpecific",
    "CauseSpecificKaplanMeier",
    "ClopperPearson",
    "CochranMantelHaenszel",
    "Conventions",
    "Cox",
    "CumulativeIncidence",
    "Cure",
    "Dataset",
    "DerivedTimeToEvent",
    "Entry",
    "EventTable",
    "FineGray",
    "FlemingHarrington",
    "FollowUp",
    "GrayTest",
    "Hazard",
    "Incidences",
    "KaplanMeier",
    "Landmark",
    "LandmarkEnsemble",
    "Landmarks",
    "Log",
    "LogLog",
    "LogRank",
    "MaxCombo",
    "MiettinenNurminen",
    "Milestones",
    "Newcombe",
    "ObjectiveResponse",
    "Plain",
    "ProportionalHazards",
    "Published",
    "Quantiles",
    "RateDifference",
    "Reconstruction",
    "ResponseRate",
    "RestrictedMean",
    "Subgroups",
    "TimeToEvent",
    "TumourResponse",
    "Weibull",
    "Wilson",
    "adverse_events",
    "analyse",
    "best_overall_response",
    "bootstrap_hazard_ratio",
    "cause_specific",
    "cause_specific_km",
    "cmh_test",
    "compare_arms_batch",
    "cox",
    "cumulative_incidence",
    "derive_tte",
    "duration_of_response",
    "ensemble_trials",
    "fine_gray",
    "follow_up",
    "gray_test",
    "kaplan_meier",
    "landmark_ensemble",
    "log_rank",
    "max_combo",
    "milestone",
    "objective_response",
    "proportional_hazards",
    "rate_difference",
    "read",
    "read_adtte",
    "read_dataset",
    "reconstruct",
    "reconstructed_arms",
    "response_rate",
    "restricted_mean",
    "simulate",
    "subgroups",
    "time_to_response",
    "tumour_response",
]
