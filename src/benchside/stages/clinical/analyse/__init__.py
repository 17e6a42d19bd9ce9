"""The analyses of event tables, one a file, and the three that every trial reports, together."""

from dataclasses import dataclass
from typing import Any

from benchside.stages.clinical.analyse.cox import Cox, cox
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, kaplan_meier
from benchside.stages.clinical.analyse.log_rank import LogRank, log_rank
from benchside.stages.clinical.model import event_table


@dataclass(frozen=True)
class Analysis:
    """What every randomised trial reports of one endpoint."""

    kaplan_meier: KaplanMeier
    log_rank: LogRank
    cox: Cox


def analyse(ev: Any) -> Analysis:
    """Return curves, log-rank test and hazard ratio of an event table with a control arm, each by its defaults."""
    events = event_table(ev)
    return Analysis(kaplan_meier(events), log_rank(events), cox(events))
