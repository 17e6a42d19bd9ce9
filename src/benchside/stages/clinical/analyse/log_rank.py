"""Log-rank test: whether the arms differ at all."""

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.kernels import survival
from benchside.stages.clinical.model import (
    ClinicalAnswer,
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
}


@dataclass(frozen=True)
class LogRank(ClinicalAnswer):
    """The log-rank test: `table` has one row, `chi2, df, p, n, events, stratified_by, status`."""

    arms: pl.DataFrame | None = None
    """`arm, n, observed, expected` events."""

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("log_rank_chi2", value="chi2", unit="", n="n"),
        Quantity("log_rank_p", value="p", unit="", n="n"),
    )

    @property
    def chi2(self) -> float | None:
        """The test statistic; None where it is not estimable."""
        return cast("float | None", self.table.item(0, "chi2"))

    @property
    def df(self) -> int:
        """Degrees of freedom: arms that were at risk at an event, less one."""
        return int(self.table.item(0, "df"))

    @property
    def p(self) -> float | None:
        """Two-sided p; None where it is not estimable."""
        return cast("float | None", self.table.item(0, "p"))


def log_rank(ev: Any) -> LogRank:
    """Test whether the arms have the same hazard (Mantel's log-rank), stratified where the event table has strata.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named.

    Raises
    ------
    SettingError
        When there is one arm, or no control.

    References
    ----------
    Peto and Peto 1972, doi:10.2307/2344317.

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
    table, left_out = with_values(events, events.strata)
    time, event = table["time_months"].to_numpy(), happened(table)
    group, stratum = arm_codes(table, events.arms), codes(table, events.strata)
    order = np.lexsort((time, stratum))
    sums = survival.log_rank_sums(time[order], event[order], group[order], stratum[order], len(events.arms))
    chi2, df, p = survival.log_rank_test(*sums)
    status = "ok" if np.isfinite(chi2) else "Not estimable: no event happened while two arms were at risk together."
    row = [null_if_nan(chi2), df, null_if_nan(p), table.height, int(event.sum()), ", ".join(events.strata), status]
    counts = np.bincount(group, minlength=len(events.arms))
    return LogRank(
        table=pl.DataFrame([row], schema=COLUMNS, orient="row"),
        origin=Origin(METHOD, VERSION, settings_of(events), (events.table,)),
        left_out=left_out,
        arms=pl.DataFrame({"arm": events.arms, "n": counts, "observed": sums[0], "expected": sums[1]}),
    )
