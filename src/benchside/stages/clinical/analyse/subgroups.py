"""The forest: the hazard ratio in every subgroup, and whether it differs between the subgroups of a factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.kernels.cox import fit_in_order
from benchside.kernels.risk_order import risk_order
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.analyse.cox import Penalty, cox
from benchside.stages.clinical.analyse.cox_estimates import chi2_p
from benchside.stages.clinical.analyse.design import levels_of
from benchside.stages.clinical.model import (
    ClinicalAnswer,
    Convention,
    Ties,
    codes,
    event_table,
    happened,
    require_control,
    settings_of,
    with_values,
)

METHOD, VERSION = "clinical.subgroups", "1"
COLUMNS: Final = {
    "subgroup": pl.String, "level": pl.String, "arm": pl.String, "comparator": pl.String, "n": pl.Int64,
    "events": pl.Int64, "n_treated": pl.Int64, "events_treated": pl.Int64, "n_control": pl.Int64,
    "events_control": pl.Int64, "hazard_ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "p": pl.Float64,
    "interaction_chi2": pl.Float64, "interaction_df": pl.Int64, "interaction_p": pl.Float64, "left_out": pl.Int64,
    "ties": pl.String, "stratified_by": pl.String, "status": pl.String, "interaction_status": pl.String,
    "conventions": pl.String,
}  # fmt: skip
OVERALL: Final = "overall"
MOST_SUBGROUPS: Final = 12


@dataclass(frozen=True)
class Subgroups(ClinicalAnswer):
    """The forest table, one row a treated arm and subgroup, `overall` first.

    `subgroup, level, arm, comparator, n, events, n_treated, ..., hazard_ratio, lower, upper, p, interaction_p, status`.
    `interaction_p` is that of the factor and stands in each of its rows; `left_out` counts who miss the factor.
    """

    KEY: ClassVar[tuple[str, ...]] = ("subgroup", "level", "arm")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("hazard_ratio", "hazard_ratio", unit="ratio", lower="lower", upper="upper", n="n", named_by="_ratio"),
        Quantity("interaction_p", "interaction_p", unit="", n="n", named_by="_p"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the subgroup in the name of each row's quantities."""
        where = pl.when(pl.col("level").is_null()).then(pl.lit("")).otherwise(pl.format(" in {} {}", "subgroup", "level"))
        return self.table.with_columns(_ratio=pl.lit("hazard_ratio") + where, _p=pl.lit("interaction_p") + where)


def subgroups(
    ev: Any,
    by: Sequence[str],
    *,
    ties: Ties | None = None,
    penalty: Penalty | None = None,
    level: float = 0.95,
    conventions: Convention | None = None,
) -> Subgroups:
    """Estimate the hazard ratio of each treated arm against the control in the subgroups of several factors.

    Parameters
    ----------
    ev
        An `EventTable` of two arms or more, its control named; every model is stratified where it has strata, except by the
        factor at hand.
    by
        Columns that name subgroups, a few levels each; cut a column of many numbers into classes first.
    ties, penalty, level, conventions
        As for `cox`, of the hazard ratios.

    Returns
    -------
    Subgroups
        The interaction is tested by the likelihood ratio of the model with a hazard ratio for every level against the one
        with a common ratio, both with the factor itself. It, not the p of each subgroup, says whether the effect differs.

    Raises
    ------
    SettingError, TableError
        When there is no control, no factor, or a factor has one level or too many.

    References
    ----------
    Wang et al. 2007, doi:10.1056/NEJMsr077003 (how subgroups are reported); Cox 1972,
    doi:10.1111/j.2517-6161.1972.tb00899.x.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 3, 2, 4, 2, 5, 1, 6], "event": [1] * 8, "arm": ["a", "a", "b", "b"] * 2, "sex": ["m"] * 4 + ["f"] * 4})
    >>> subgroups(EventTable.from_frame(df, time_unit="months", control="a"), ["sex"]).table["n"].to_list()
    [8, 4, 4]
    """
    events = event_table(ev)
    control = require_control(events, "the subgroup analysis")
    if isinstance(by, str) or not by:
        message = f"subgroups needs a list of columns, and by is {by!r}. Write by=['sex', 'age_group']."
        raise SettingError(message)
    rules = Conventions.of(conventions)
    options = _Options(rules.ties(ties), penalty, level)
    rows: list[dict[str, Any]] = []
    for arm in events.arms[1:]:
        pair = _part(events, events.table.filter(pl.col("arm").is_in([arm, control])), events.strata)
        rows.append({"subgroup": OVERALL} | _ratio(pair, arm, options))
        for factor in by:
            rows += _factor(pair, factor, arm, options)
    named = {"stratified_by": ", ".join(events.strata), "conventions": rules.name, "ties": options.ties, "comparator": control}
    settings = settings_of(events, by=list(by), ties=options.ties, level=level, penalty=penalty)
    table = pl.DataFrame([row | named for row in rows], schema=COLUMNS)
    return Subgroups(table, Origin(METHOD, VERSION, settings, (events.table,)), level=level)


@dataclass(frozen=True)
class _Options:
    """How every hazard ratio of the forest is fitted."""

    ties: Ties
    penalty: Penalty | None
    level: float


def _part(events: EventTable, table: pl.DataFrame, strata: Sequence[str]) -> EventTable:
    return EventTable(table, control=events.control, strata=tuple(strata), causes=events.causes, label=events.label)


def _factor(pair: EventTable, factor: str, arm: str, options: "_Options") -> list[dict[str, Any]]:
    """Return the rows of one factor's levels, each with the factor's interaction test."""
    table, left_out = with_values(pair, (factor,))
    levels = levels_of(table[factor])
    if len(levels) > MOST_SUBGROUPS:
        message = f"event table: {factor} has {len(levels)} levels ({listed(levels, 3)}); a forest shows at most {MOST_SUBGROUPS}. Group them into classes."
        raise TableError(message)
    strata = [name for name in pair.strata if name != factor]
    text = pl.col(factor).cast(pl.String)
    tested = _interaction(_part(pair, table, strata), factor, levels, arm, options.ties) | {"left_out": left_out}
    rows = []
    for name in levels:
        inside = table.filter(text == name)
        row = {"subgroup": factor, "level": name} | tested
        if inside["arm"].n_unique() < 2:
            only = inside["arm"][0]
            row |= _counts(inside, arm) | {"arm": arm, "status": f"Not estimable: everybody in this subgroup is in arm {only}."}
        else:
            row |= _ratio(_part(pair, inside, strata), arm, options)
        rows.append(row)
    return rows


def _ratio(part: EventTable, arm: str, options: "_Options") -> dict[str, Any]:
    found = cox(part, ties=options.ties, penalty=options.penalty, level=options.level).table.row(0, named=True)
    names = ("hazard_ratio", "lower", "upper", "p", "status")
    return {"arm": arm} | _counts(part.table, arm) | {name: found[name] for name in names}


def _counts(table: pl.DataFrame, arm: str) -> dict[str, Any]:
    treated, event = table["arm"] == arm, table["event"] != 0
    return {
        "n": table.height,
        "events": int(event.sum()),
        "n_treated": int(treated.sum()),
        "events_treated": int((treated & event).sum()),
        "n_control": int((~treated).sum()),
        "events_control": int((~treated & event).sum()),
    }


def _interaction(events: EventTable, factor: str, levels: list[str], arm: str, ties: Ties) -> dict[str, Any]:
    """Return the likelihood ratio test of arm by factor."""
    table, _ = with_values(events, events.strata)
    treated = (table["arm"] == arm).cast(pl.Float64).to_numpy()
    text = table[factor].cast(pl.String)
    dummies = [(text == name).cast(pl.Float64).to_numpy() for name in levels[1:]]
    order = risk_order(table["time_months"].to_numpy(), happened(table), codes(table, events.strata))
    common = fit_in_order(np.column_stack([treated, *dummies]), order, efron=ties == "efron")
    own = fit_in_order(
        np.column_stack([treated, *dummies, *(treated * dummy for dummy in dummies)]), order, efron=ties == "efron"
    )
    df = own.df - common.df
    if df < 1:
        return {"interaction_status": "Not estimable: the arms do not meet in two levels."}
    chi2 = max(2.0 * (own.log_likelihood - common.log_likelihood), 0.0)
    runs = bool(own.infinite[-len(dummies) :].any())
    status = "The ratio of a level has no finite estimate; the test stands on its limit." if runs else "ok"
    return {"interaction_chi2": chi2, "interaction_df": df, "interaction_p": chi2_p(chi2, df), "interaction_status": status}
