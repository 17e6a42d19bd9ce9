"""Cause-specific hazards: one cause is the event and the others censor. What that answers, and what it does not, is named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.stages.clinical.analyse.cox import cox
from benchside.stages.clinical.analyse.cumulative_incidence import require_cause
from benchside.stages.clinical.analyse.kaplan_meier import KaplanMeier, kaplan_meier
from benchside.stages.clinical.model import AbstractInterval, ClinicalAnswer, Convention, Ties, event_table, settings_of

METHOD, VERSION = "clinical.cause_specific", "1"
KM_METHOD = "clinical.cause_specific_km"
TITLE: Final = "net, not cumulative incidence"


@dataclass(frozen=True)
class CauseSpecific(ClinicalAnswer):
    """A cause-specific Cox model: the columns of `cox` and `cause`, one row a term."""

    KEY: ClassVar[tuple[str, ...]] = ("cause", "term")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "cause_specific_hazard_ratio",
            value="hazard_ratio",
            unit="ratio",
            lower="lower",
            upper="upper",
            n="n",
            named_by="_ratio",
        ),
        Quantity("cause_specific_p", value="p", unit="", n="n", named_by="_p"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantities: a covariate's term is part of the name."""
        per_unit = pl.when(pl.col("arm").is_null()).then(pl.lit(" per unit of ") + pl.col("term")).otherwise(pl.lit(""))
        return self.table.with_columns(
            _ratio=pl.lit("cause_specific_hazard_ratio") + per_unit, _p=pl.lit("cause_specific_p") + per_unit
        )


@dataclass(frozen=True)
class CauseSpecificKaplanMeier(KaplanMeier):
    """1 - this curve is no incidence: it is what would be seen if the other causes did not exist and were independent."""

    title: str = TITLE


def cause_specific(
    ev: Any,
    *,
    cause: str,
    ties: Ties | None = None,
    covariates: Sequence[str] = (),
    level: float = 0.95,
    conventions: Convention | None = None,
) -> CauseSpecific:
    """Fit Cox's model to the hazard of one cause, the others censoring; stratified where the event table has strata.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control and its causes named.
    cause
        The cause of interest.
    ties, covariates, level, conventions
        As in `cox`.

    Raises
    ------
    SettingError
        When there is one arm, no control, or no such cause.

    Notes
    -----
    The ratio says how a treatment changes the rate among those still free of every cause. How many fail of the cause in the end
    also depends on the other causes: read it beside `cumulative_incidence` and `fine_gray`.

    References
    ----------
    Prentice et al. 1978, doi:10.2307/2530374; Latouche et al. 2013, doi:10.1016/j.jclinepi.2012.09.017.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 3, 2, 4, 2, 5], "event": [1, 1, 1, 1, 2, 2], "arm": ["a", "a", "b", "b", "a", "b"]})
    >>> ev = EventTable.from_frame(df, time_unit="months", control="a", causes={"cns": 1, "other": 2})
    >>> cause_specific(ev, cause="cns").table["cause"].to_list()
    ['cns']
    """
    events = event_table(ev)
    found = cox(only(events, cause), ties=ties, covariates=covariates, level=level, conventions=conventions)
    table = found.table.with_columns(cause=pl.lit(cause))
    settings = {**found.origin.settings, "cause": cause, "causes": dict(events.causes or {})}
    return CauseSpecific(table, Origin(METHOD, VERSION, settings, (events.table,)), level=level, left_out=found.left_out)


def cause_specific_km(
    ev: Any, *, cause: str, interval: AbstractInterval | None = None, conventions: Convention | None = None
) -> CauseSpecificKaplanMeier:
    """Estimate the Kaplan-Meier curve of one cause with the others censored: net, not cumulative incidence.

    It is here to be laid beside published time-to-progression curves. For how many patients will progress in the brain, use
    `cumulative_incidence`.

    Raises
    ------
    SettingError
        When the event table names no such cause.

    References
    ----------
    Putter et al. 2007, doi:10.1002/sim.2712.
    """
    events = event_table(ev)
    found = kaplan_meier(only(events, cause), interval=interval, conventions=conventions)
    settings = {**found.origin.settings, **settings_of(events, cause=cause, title=TITLE)}
    held = {name: value for name, value in vars(found).items() if name in found.__dataclass_fields__}
    held["table"] = found.table.with_columns(cause=pl.lit(cause), title=pl.lit(TITLE))
    held["origin"] = Origin(KM_METHOD, VERSION, settings, (events.table,))
    return CauseSpecificKaplanMeier(**held)


def only(events: EventTable, cause: str) -> EventTable:
    """Return the event table with one cause as the event and every other cause censored."""
    code = require_cause(events, cause)
    return replace(events, table=events.table.with_columns(event=(pl.col("event") == code).cast(pl.Int64)), causes=None)
