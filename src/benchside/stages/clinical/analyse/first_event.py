"""Which came first: progression in the brain, progression elsewhere, or death; derived from assessments, for competing risks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from benchside.core.evidence import Origin
from benchside.core.exchange import EventTable
from benchside.core.tables import dataframe
from benchside.stages.clinical.adam import SUBJECT, dates, require_columns
from benchside.stages.clinical.analyse.best_overall_response import assessments
from benchside.stages.clinical.analyse.derive_tte import MISSED, DerivedTimeToEvent, Rule, derive_tte

METHOD, VERSION = "clinical.derive_first_event", "1"
CAUSES: Final[Mapping[str, int]] = {"CNS": 1, "non-CNS": 2, "death": 3}
"""The codes of the event table."""

DESCRIPTIONS: Final[Mapping[str, str]] = {"CNS": "CNS progression", "non-CNS": "Non-CNS progression", "death": "Death"}
TIE: Final = "progression in the brain and elsewhere on one date counts as CNS"


@dataclass(frozen=True)
class FirstEvent(DerivedTimeToEvent):
    """An ADTTE table, one row a subject: the columns of `derive_tte`, EVNTDESC the cause, and `event` its code (0: censored).

    ADSL's columns travel along.
    """

    def events(self, *, control: str | None = None, strata: tuple[str, ...] = ()) -> EventTable:
        """Return the event table: months from the start, and the code of the cause that came first."""
        happened = super().events(control=control, strata=strata)
        return replace(happened, table=happened.table.with_columns(event=self.table["event"]), causes=CAUSES)


def derive_first_event(
    adrs: Any,
    adsl: Any,
    *,
    brain: str,
    parameter: str | None = None,
    where: Mapping[str, str | int | float] | None = None,
    rule: Rule = "EMA",
    arm: str | None = None,
    start: str = "RANDDT",
    visit_every_days: int | None = None,
    missed_visits: int = MISSED,
    visit_window_days: int = 0,
    new_therapy: str = "NACTDT",
    cut_off: str | None = None,
) -> FirstEvent:
    """Derive the first of CNS progression, progression elsewhere and death, of every subject.

    Parameters
    ----------
    adrs
        Overall responses and responses of the brain, a row an assessment: `USUBJID, PARAMCD, ADT, AVALC`. A brain without
        lesions is NED.
    adsl
        One row a subject, as in `derive_tte`.
    brain, parameter
        PARAMCD of the responses of the brain, and of the overall responses.
    where
        Which rows of `adrs` are of the assessor.
    rule
        As in `derive_tte`; by default EMA's, under which every event counts: competing risks know no censoring by gaps.
    arm, start, visit_every_days, missed_visits, visit_window_days, new_therapy, cut_off
        As in `derive_tte`.

    Raises
    ------
    TableError, SettingError
        Naming the subject or column, and the remedy.

    Notes
    -----
    Progression in the brain and elsewhere on one date counts as CNS. A progression of the brain counts whether or not the
    overall response of that date is PD. Of a death and a progression on one date, progression counts.

    References
    ----------
    The analysis of CNS progression in ALEX: Peters et al. 2017, doi:10.1056/NEJMoa1704795.

    Examples
    --------
    >>> rs = pl.DataFrame({"USUBJID": ["1", "1"], "PARAMCD": ["ALL", "CNS"], "ADT": ["2020-02-26"] * 2, "AVALC": ["PD", "PD"]})
    >>> sl = pl.DataFrame({"USUBJID": ["1"], "RANDDT": ["2020-01-01"], "ARM": ["A"]})
    >>> derive_first_event(rs, sl, parameter="ALL", brain="CNS").table.select("AVAL", "EVNTDESC").row(0)
    (57, 'CNS progression')
    """
    responses, subjects = dataframe(adrs), dataframe(adsl)
    require_columns(subjects, [SUBJECT, start], noun="ADSL")
    everywhere = _seen(responses, subjects, parameter, where, start)
    inside = _seen(responses, subjects, brain, where, start)
    windows: dict[str, Any] = {
        "rule": rule, "start": start, "visit_every_days": visit_every_days, "missed_visits": missed_visits,
        "visit_window_days": visit_window_days, "new_therapy": new_therapy, "cut_off": cut_off,
    }  # fmt: skip
    first = derive_tte(_either(everywhere, inside), subjects, endpoint="PFS", arm=arm, **windows)
    table = _with_cause(first.table, inside)
    settings = {**windows, "arm": first.arm, "parameter": parameter, "brain": brain, "where": dict(where or {})}
    origin = Origin(METHOD, VERSION, settings, (responses, subjects))
    return FirstEvent(table, origin, estimand=_estimand(first, start), arm=first.arm)


def _seen(
    frame: pl.DataFrame, subjects: pl.DataFrame, parameter: str | None, where: Mapping[str, str | int | float] | None, start: str
) -> pl.DataFrame:
    """Return `USUBJID, ADT, AVALC` of one parameter's assessments."""
    require_columns(frame, [SUBJECT, "AVALC"], noun="ADRS")
    starts = pl.DataFrame({SUBJECT: subjects[SUBJECT].cast(pl.String), "_START": dates(subjects, start, noun="ADSL")})
    rows = frame.with_columns(pl.col(SUBJECT).cast(pl.String))
    rows = rows.drop("_START", strict=False).join(starts, on=SUBJECT, how="inner", maintain_order="left")
    found = assessments(rows, parameter=parameter, where=where, start="_START")
    return found.filter(pl.col("ADT").is_not_null()).select(SUBJECT, "ADT", "AVALC")


def _either(everywhere: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    """Return one response a date: PD where either is, adequate where either is."""
    both = pl.concat([everywhere, inside]).group_by(SUBJECT, "ADT", maintain_order=True)
    word = pl.when((pl.col("AVALC") == "PD").any()).then(pl.lit("PD")).when((pl.col("AVALC") == "NE").all()).then(pl.lit("NE"))
    return both.agg(AVALC=word.otherwise(pl.lit("SD")))


def _with_cause(table: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    brain = inside.filter(pl.col("AVALC") == "PD").select(SUBJECT, SRCDT="ADT", _brain=pl.lit(value=True))
    joined = table.join(brain, on=[SUBJECT, "SRCDT"], how="left", maintain_order="left")
    happened, died = pl.col("CNSR") == 0, pl.col("EVNTDESC") == "Death"
    name = (
        pl.when(~happened)
        .then(None)
        .when(died)
        .then(pl.lit("death"))
        .when("_brain")
        .then(pl.lit("CNS"))
        .otherwise(pl.lit("non-CNS"))
    )
    joined = joined.with_columns(_cause=name).with_columns(
        PARAMCD=pl.lit("CNSFIRST"),
        PARAM=pl.lit("Time to First Event: CNS Progression, Non-CNS Progression or Death"),
        EVNTDESC=pl.col("_cause").replace_strict(DESCRIPTIONS, default="Censored", return_dtype=pl.String),
        event=pl.col("_cause").replace_strict(CAUSES, default=0, return_dtype=pl.Int64),
    )
    return joined.drop("_brain", "_cause")


def _estimand(first: DerivedTimeToEvent, start: str) -> dict[str, str]:
    return {
        **first.estimand,
        "endpoint": f"Time to first event by cause, from {start}: CNS progression, non-CNS progression, death; {TIE}",
        "summary_measure": "cumulative incidence, and cause-specific hazard ratio",
    }
