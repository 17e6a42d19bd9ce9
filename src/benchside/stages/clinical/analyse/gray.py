"""Gray's test: whether the cumulative incidence of one cause differs between arms."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchside.core.evidence import Origin, Quantity
from benchside.kernels import competing_risks
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cumulative_incidence import cause_codes, require_cause
from benchside.stages.clinical.model import (
    Convention,
    OneTest,
    arm_codes,
    codes,
    event_table,
    null_if_nan,
    require_control,
    settings_of,
    with_values,
)

METHOD, VERSION = "clinical.gray_test", "1"
COLUMNS = {
    "cause": pl.String, "chi2": pl.Float64, "df": pl.Int64, "p": pl.Float64, "n": pl.Int64, "events": pl.Int64,
    "stratified_by": pl.String, "status": pl.String, "conventions": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class GrayTest(OneTest):
    """Gray's test: `table` has one row, `cause, chi2, df, p, n, events, stratified_by, status, conventions`."""

    KEY: ClassVar[tuple[str, ...]] = ("cause",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("gray_chi2", value="chi2", unit="", n="n"),
        Quantity("gray_p", value="p", unit="", n="n"),
    )


def gray_test(ev: Any, *, cause: str, conventions: Convention | None = None) -> GrayTest:
    """Test whether the arms have the same cumulative incidence of a cause, stratified where the event table has strata.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control and its causes named.
    cause
        The cause of interest.
    conventions
        Printed on the answer; R (cmprsk) and SAS (PROC LIFETEST) do the same test.

    Raises
    ------
    SettingError
        When there is one arm, no control, or no such cause.

    References
    ----------
    Gray 1988, doi:10.1214/aos/1176350951, with rho = 0.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1, 2, 1, 1, 0, 1], "arm": ["a", "b"] * 3})
    >>> ev = EventTable.from_frame(df, time_unit="months", control="a", causes={"cns": 1, "other": 2})
    >>> gray_test(ev, cause="cns").df
    1
    """
    events = event_table(ev)
    require_control(events, "Gray's test")
    require_cause(events, cause)
    Conventions.of(conventions)
    table, left_out = with_values(events, events.strata)
    time, causes = table["time_months"].to_numpy(), cause_codes(events, table, cause)
    group, stratum = arm_codes(table, events.arms), codes(table, events.strata)
    order = np.lexsort((time, stratum))
    sums = competing_risks.gray_sums(time[order], causes[order], group[order], stratum[order], len(events.arms))
    chi2, df, p = competing_risks.gray_test(*sums)
    status = "ok" if np.isfinite(chi2) else "Not estimable: no event of the cause happened while two arms were at risk together."
    row = {
        "cause": cause, "chi2": null_if_nan(chi2), "df": df, "p": null_if_nan(p), "n": table.height,
        "events": int((causes == 1).sum()), "stratified_by": ", ".join(events.strata), "status": status,
        "conventions": Conventions.of(conventions).name,
    }  # fmt: skip
    counts = np.bincount(group, minlength=len(events.arms))
    return GrayTest(
        table=pl.DataFrame([row], schema=COLUMNS),
        origin=Origin(METHOD, VERSION, settings_of(events, cause=cause, conventions=conventions), (events.table,)),
        left_out=left_out,
        arms=pl.DataFrame({"arm": events.arms, "n": counts, "observed": sums[0], "expected": sums[1]}),
    )
