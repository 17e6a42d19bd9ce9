"""Log-rank test: whether the arms differ at all."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels import survival
from benchside.kernels.weighted_log_rank import weighted_log_rank_sums
from benchside.stages.clinical.model import (
    OneTest,
    arm_codes,
    codes,
    event_table,
    happened,
    null_if_nan,
    require_control,
    settings_of,
    with_values,
)

METHOD, VERSION = "clinical.log_rank", "1"
COLUMNS = {
    "chi2": pl.Float64,
    "df": pl.Int64,
    "p": pl.Float64,
    "n": pl.Int64,
    "events": pl.Int64,
    "stratified_by": pl.String,
    "status": pl.String,
    "weights": pl.String,
}


UNWEIGHTED = "every event weighs 1"


@dataclass(frozen=True)
class FlemingHarrington:
    """Weights of events, S**rho (1 - S)**gamma, S being the Kaplan-Meier curve of all arms just before the event.

    (0, 0) is the log-rank test; (1, 0) weighs early events (Peto and Peto), (0, 1) late ones, (1, 1) those in between.
    """

    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.rho <= 100 and 0 <= self.gamma <= 100):
            message = f"the exponents of Fleming-Harrington weights are 0 or more; these are {self.rho} and {self.gamma}."
            raise SettingError(message)

    @property
    def words(self) -> str:
        """The weights in words."""
        return UNWEIGHTED if self.rho == self.gamma == 0 else f"Fleming-Harrington ({self.rho:g}, {self.gamma:g})"


@dataclass(frozen=True)
class LogRank(OneTest):
    """The log-rank test: `table` has one row, `chi2, df, p, n, events, stratified_by, status, weights`."""

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("log_rank_chi2", value="chi2", unit="", n="n"),
        Quantity("log_rank_p", value="p", unit="", n="n"),
    )


def log_rank(ev: Any, *, weights: FlemingHarrington | None = None) -> LogRank:
    """Test whether the arms have the same hazard (Mantel's log-rank), stratified where the event table has strata.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named.
    weights
        `FlemingHarrington(rho, gamma)`; by default every event weighs 1. In a stratified test each stratum has its own curve.

    Raises
    ------
    SettingError
        When there is one arm, or no control.

    References
    ----------
    Peto and Peto 1972, doi:10.2307/2344317; Harrington and Fleming 1982, doi:10.1093/biomet/69.3.553 (weights).

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "arm": ["a", "a", "b", "b"]})
    >>> round(log_rank(EventTable.from_frame(df, time_unit="months", control="a")).chi2, 4)
    2.8824
    """
    events = event_table(ev)
    require_control(events, "the log-rank test")
    rows = ranked(events)
    chosen = FlemingHarrington() if weights is None else weights
    if chosen.words == UNWEIGHTED:
        sums = survival.log_rank_sums(*rows.arrays, len(events.arms))
    else:
        exponents = np.array([chosen.rho]), np.array([chosen.gamma])
        observed, expected, covariance = weighted_log_rank_sums(*rows.arrays, len(events.arms), *exponents)
        sums = observed[0], expected[0], covariance[0, 0]
    chi2, df, p = survival.log_rank_test(*sums)
    status = "ok" if np.isfinite(chi2) else "Not estimable: no event happened while two arms were at risk together."
    number = [null_if_nan(chi2), df, null_if_nan(p), rows.n, rows.events]
    settings = settings_of(events) | ({} if chosen.words == UNWEIGHTED else {"weights": chosen.words})
    return LogRank(
        table=pl.DataFrame([[*number, ", ".join(events.strata), status, chosen.words]], schema=COLUMNS, orient="row"),
        origin=Origin(METHOD, VERSION, settings, (events.table,)),
        left_out=rows.left_out,
        arms=pl.DataFrame({"arm": events.arms, "n": rows.counts, "observed": sums[0], "expected": sums[1]}),
    )


@dataclass(frozen=True)
class Ranked:
    """Subjects with a value in every stratum, sorted by stratum and time."""

    arrays: tuple[survival.Floats, survival.Integers, survival.Integers, survival.Integers]
    """Time, event, arm and stratum: each (n,)."""

    counts: survival.Integers
    """Subjects of each arm."""

    left_out: int

    @property
    def n(self) -> int:
        """Subjects."""
        return int(self.counts.sum())

    @property
    def events(self) -> int:
        """Events."""
        return int(self.arrays[1].sum())


def ranked(events: EventTable) -> Ranked:
    """Return the subjects of an event table in the order the log-rank sums walk them."""
    table, left_out = with_values(events, events.strata)
    time, event = table["time_months"].to_numpy(), happened(table)
    group, stratum = arm_codes(table, events.arms), codes(table, events.strata)
    order = np.lexsort((time, stratum)) if events.strata else np.argsort(time, kind="stable")
    arrays = time[order], event[order], group[order], stratum[order]
    return Ranked(arrays, np.bincount(group, minlength=len(events.arms)), left_out)
