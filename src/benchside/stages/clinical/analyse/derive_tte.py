"""Time to event derived from assessments and subjects: PFS, OS, time to progression, duration of response; FDA's or EMA's rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.exchange import EventTable
from benchside.core.tables import dataframe
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.adam import SUBJECT, cut_off_date, dates, require_columns, require_one_row_each
from benchside.stages.clinical.analyse.best_overall_response import BestOverallResponse, assessments, best_overall_response
from benchside.stages.clinical.analyse.time_to_event_rule import TITLES, TimeToEventRule, estimand

METHOD, VERSION = "clinical.derive_tte", "1"
Endpoint = Literal["PFS", "OS", "TTP", "DOR", "CNS TTP"]
Rule = Literal["FDA", "EMA"]
ARMS: Final = ("TRT01P", "TRTP", "ARM")
MISSED: Final = 2
COLUMNS = {
    SUBJECT: pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "STARTDT": pl.Date, "ADT": pl.Date, "AVAL": pl.Int64,
    "AVALU": pl.String, "CNSR": pl.Int64, "EVNTDESC": pl.String, "CNSDTDSC": pl.String, "SRCDOM": pl.String, "SRCVAR": pl.String,
    "SRCDT": pl.Date,
}  # fmt: skip


@dataclass(frozen=True)
class DerivedTimeToEvent(Answer):
    """An ADTTE table, one row a subject: `USUBJID, PARAMCD, STARTDT, ADT, AVAL` (days)`, CNSR, EVNTDESC, CNSDTDSC` and its source.

    `SRCDOM, SRCVAR, SRCDT` say which record the date is from; ADSL's columns travel along.
    """

    estimand: Mapping[str, str] = field(default_factory=dict)
    """`population, endpoint, intercurrent_events, summary_measure` in words (ICH E9(R1))."""

    arm: str = "ARM"

    KEY: ClassVar[tuple[str, ...]] = (SUBJECT,)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = ()

    def events(self, *, control: str | None = None, strata: tuple[str, ...] = ()) -> EventTable:
        """Return the event table: months from the start, 1 for an event."""
        table = self.table.with_columns(time_months=pl.col("AVAL") / DAYS_PER_MONTH, event=(pl.col("CNSR") == 0).cast(pl.Int64))
        label = f"derived {self.table['PARAMCD'][0]}" if self.table.height else "derived times"
        return EventTable.from_frame(
            table,
            time="time_months",
            time_unit="months",
            event="event",
            arm=self.arm,
            control=control,
            strata=strata,
            label=label,
        )


def derive_tte(
    adrs: Any,
    adsl: Any,
    *,
    endpoint: Endpoint = "PFS",
    rule: Rule = "FDA",
    arm: str | None = None,
    parameter: str | None = None,
    where: Mapping[str, str | int | float] | None = None,
    start: str = "RANDDT",
    visit_every_days: int | None = None,
    missed_visits: int = MISSED,
    visit_window_days: int = 0,
    progression_date: str = "assessment",
    new_therapy: str = "NACTDT",
    baseline: str | None = None,
    cut_off: str | None = None,
    responses: BestOverallResponse | None = None,
    population: str = "all subjects of the table",
) -> DerivedTimeToEvent:
    """Derive the time to an event of every subject.

    Parameters
    ----------
    adrs
        Overall responses, a row an assessment: `USUBJID, ADT, AVALC`; of one assessor (`where`), for `CNS TTP` of the brain.
    adsl
        One row a subject: `USUBJID`, the start, the arm; read where they are there: `DTHDT`, new therapy, and `LSTALVDT`, without
        which there is no OS unless everybody died.
    endpoint
        ``"PFS"`` progression or death; ``"OS"`` death; ``"TTP"`` and ``"CNS TTP"`` progression, death censors; ``"DOR"`` PFS from
        the first response on, of responders only.
    rule
        ``"FDA"``: new anticancer therapy censors at the last adequate assessment before it, an event after `missed_visits` or
        more missed visits censors at the last one before the gap, a response after new therapy is none, and a subject without
        baseline or later assessment is censored at the start (unless it died before the gap). ``"EMA"``: every progression and
        death counts, whenever it comes.
    arm
        Column of the treatment; by default the first of TRT01P, TRTP, ARM of ADSL.
    parameter, where
        Which rows of `adrs` are the assessments.
    start
        Column of the start date in `adsl`.
    visit_every_days, missed_visits, visit_window_days
        A gap longer than missed_visits * visit_every_days + visit_window_days is one (FDA only).
    progression_date
        ``"assessment"``, or ``"midpoint"`` between it and the last adequate assessment before.
    new_therapy
        Column of the date of new anticancer therapy in `adsl`; it need not be there.
    baseline
        Column of `adsl` that is ``"Y"`` for subjects with a baseline assessment (FDA); without it everyone had one.
    cut_off
        ISO date; nothing after it is known.
    responses
        Best overall responses, for `DOR`; by default confirmed, of the same assessments.
    population
        In words, for the estimand.

    Raises
    ------
    TableError, SettingError
        Naming the subject or column, and the remedy.

    Notes
    -----
    An assessment is adequate unless it is NE. AVAL counts the first day as day 1, as ADaM does.

    References
    ----------
    FDA 2018, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, tables A-C; EMA 2012,
    EMA/CHMP/27994/2008/Rev.1, appendix 1.

    Examples
    --------
    >>> rs = pl.DataFrame({"USUBJID": ["1", "1"], "ADT": ["2020-02-26", "2020-04-22"], "AVALC": ["SD", "PD"]})
    >>> sl = pl.DataFrame({"USUBJID": ["1"], "RANDDT": ["2020-01-01"], "ARM": ["A"]})
    >>> derive_tte(rs, sl, endpoint="PFS", visit_every_days=56).table.select("AVAL", "CNSR").row(0)
    (113, 0)
    """
    settings = TimeToEventRule(
        endpoint, rule, start, visit_every_days, missed_visits, visit_window_days, progression_date, new_therapy, baseline
    )
    responses_frame, subjects_frame = dataframe(adrs), dataframe(adsl)
    chosen = arm_column(subjects_frame, arm)
    subjects = _subjects(subjects_frame, settings, cut_off)
    if endpoint == "OS":
        _require_last_alive(subjects_frame, subjects)
    seen = _assessments(responses_frame, subjects, parameter, where) if endpoint != "OS" else responses_frame.clear()
    if endpoint == "DOR":
        subjects = subjects.with_columns(END=pl.min_horizontal("THERAPY", "CUT") if rule == "FDA" else "CUT")
        found = _responses(responses_frame, subjects, parameter, where) if responses is None else responses
        subjects = _from_response(subjects, found)
    derived = _overall(subjects) if endpoint == "OS" else _progression(subjects, seen, settings)
    table = _shape(derived, settings).join(
        subjects_frame.select(pl.col(SUBJECT).cast(pl.String), pl.exclude(SUBJECT, *COLUMNS)),
        on=SUBJECT,
        how="left",
        maintain_order="left",
    )
    used = {**vars(settings), "arm": chosen, "parameter": parameter, "where": dict(where or {}), "cut_off": cut_off}
    origin = Origin(METHOD, VERSION, used, (responses_frame, subjects_frame))
    return DerivedTimeToEvent(table, origin, estimand=estimand(settings, population), arm=chosen)


def arm_column(frame: pl.DataFrame, arm: str | None) -> str:
    """Return the column of the treatment: as named, else the first of TRT01P, TRTP and ARM that is there."""
    wanted = [arm] if arm else [name for name in ARMS if name in frame.columns][:1]
    if not wanted:
        message = f"ADSL: none of {listed(ARMS)} is there to tell the arm. Name its column as arm=."
        raise TableError(message)
    require_columns(frame, wanted, noun="ADSL")
    return wanted[0]


def _subjects(frame: pl.DataFrame, settings: TimeToEventRule, cut_off: str | None) -> pl.DataFrame:
    """Return `USUBJID, START, DTH, ALIVE, THERAPY, BASED, CUT`, one row a subject; subjects that never started are left out."""
    require_columns(frame, [SUBJECT, settings.start, *([settings.baseline] if settings.baseline else [])], noun="ADSL")
    require_one_row_each(frame, [SUBJECT], noun="ADSL", remedy="ADSL has one row a subject.")

    def optional(name: str) -> pl.Series:
        return dates(frame, name, noun="ADSL") if name in frame.columns else pl.Series([None] * frame.height, dtype=pl.Date)

    cut = pl.lit(cut_off_date(cut_off), dtype=pl.Date)
    found = pl.DataFrame({
        SUBJECT: frame[SUBJECT].cast(pl.String),
        "START": dates(frame, settings.start, noun="ADSL"),
        "DTH": optional("DTHDT"),
        "ALIVE": optional("LSTALVDT"),
        "THERAPY": optional(settings.new_therapy),
        "BASED": frame[settings.baseline] == "Y" if settings.baseline else pl.Series([True] * frame.height),
    }).with_columns(CUT=cut)  # fmt: skip
    early = found.filter(pl.col("DTH") < pl.col("START"))
    if early.height:
        message = (
            f"ADSL: {early[SUBJECT][0]} died on {early['DTH'][0]}, before its start on {early['START'][0]}. Correct the dates."
        )
        raise TableError(message)
    started = found.filter(pl.col("START").is_not_null() & (pl.col("CUT").is_null() | (pl.col("START") <= pl.col("CUT"))))
    known = pl.min_horizontal("ALIVE", "CUT")
    return started.with_columns(DTH=pl.when(pl.col("DTH") <= pl.col("CUT").fill_null(pl.col("DTH"))).then("DTH"), ALIVE=known)


def _assessments(
    frame: pl.DataFrame, subjects: pl.DataFrame, parameter: str | None, where: Mapping[str, str | int | float] | None
) -> pl.DataFrame:
    """Return `USUBJID, ADT, AVALC` of the adequate assessments from the start to the cut-off."""
    with_start = frame.with_columns(pl.col(SUBJECT).cast(pl.String)).drop("_START", strict=False)
    with_start = with_start.join(subjects.select(SUBJECT, _START="START"), on=SUBJECT, how="inner", maintain_order="left")
    if with_start.is_empty() and not frame.is_empty() and subjects.height:
        message = (
            f"ADRS: none of its subjects is among the {subjects.height} of ADSL. Give both of one trial, with the same USUBJID."
        )
        raise TableError(message)
    rows = assessments(with_start, parameter=parameter, where=where, start="_START").filter(pl.col("ADT").is_not_null())
    rows = rows.join(subjects.select(SUBJECT, "CUT"), on=SUBJECT, how="left", maintain_order="left")
    inside = (pl.col("ADT") >= pl.col("START")) & (pl.col("CUT").is_null() | (pl.col("ADT") <= pl.col("CUT")))
    return rows.filter(inside & (pl.col("AVALC") != "NE")).select(SUBJECT, "ADT", "AVALC")


def _require_last_alive(frame: pl.DataFrame, subjects: pl.DataFrame) -> None:
    alive = subjects["DTH"].null_count()
    if alive and "LSTALVDT" not in frame.columns:
        who = "1 subject is" if alive == 1 else f"{alive} subjects are"
        message = f"ADSL: there is no LSTALVDT, and {who} alive, whose survival would end on day 1. Add LSTALVDT, the date last known alive."
        raise TableError(message)


def _responses(
    frame: pl.DataFrame, subjects: pl.DataFrame, parameter: str | None, where: Mapping[str, str | int | float] | None
) -> BestOverallResponse:
    """Return best overall responses of the assessments up to each subject's END."""
    rows = frame.with_columns(pl.col(SUBJECT).cast(pl.String)).drop("_START", "_END", strict=False)
    rows = rows.join(subjects.select(SUBJECT, _START="START", _END="END"), on=SUBJECT, how="inner", maintain_order="left")
    return best_overall_response(rows, parameter=parameter, where=where, start="_START", end="_END")


def _from_response(subjects: pl.DataFrame, responses: BestOverallResponse) -> pl.DataFrame:
    """Return the responders, starting at their response; one after END is none."""
    responded = responses.table.filter(pl.col("response").is_in(["CR", "PR"])).select(SUBJECT, FIRST="response_date")
    joined = subjects.join(responded, on=SUBJECT, how="inner", maintain_order="left")
    return joined.filter(pl.col("END").is_null() | (pl.col("FIRST") <= pl.col("END"))).with_columns(START="FIRST").drop("FIRST")


def _overall(subjects: pl.DataFrame) -> pl.DataFrame:
    died = pl.col("DTH").is_not_null()
    return subjects.select(
        SUBJECT,
        "START",
        ADT=pl.when(died).then("DTH").otherwise(pl.max_horizontal("START", pl.coalesce("ALIVE", "START"))),
        CNSR=(~died).cast(pl.Int64),
        EVNTDESC=pl.when(died).then(pl.lit("Death")).otherwise(pl.lit("Alive")),
        CNSDTDSC=pl.when(died).then(None).when(pl.col("ALIVE").is_null()).then(pl.lit("Start: never seen alive after it")).otherwise(pl.lit("Last known alive")),
        SRCVAR=pl.when(died).then(pl.lit("DTHDT")).otherwise(pl.lit("LSTALVDT")),
    ).with_columns(SRCDOM=pl.lit("ADSL"), SRCDT=pl.col("ADT"))  # fmt: skip


def _progression(subjects: pl.DataFrame, seen: pl.DataFrame, settings: TimeToEventRule) -> pl.DataFrame:
    """Return the dates of an endpoint that rests on assessments."""
    rows = seen.join(subjects.select(SUBJECT, "START", "THERAPY"), on=SUBJECT, how="inner", maintain_order="left")
    rows = rows.filter(pl.col("ADT") >= pl.col("START"))
    if settings.rule == "FDA":
        rows = rows.filter(pl.col("THERAPY").is_null() | (pl.col("ADT") <= pl.col("THERAPY")))
    progressed = rows.filter(pl.col("AVALC") == "PD").group_by(SUBJECT, maintain_order=True).agg(PD=pl.col("ADT").min())
    rows = rows.join(progressed, on=SUBJECT, how="left", maintain_order="left")
    free = rows.filter(pl.col("PD").is_null() | (pl.col("ADT") < pl.col("PD")))
    last = free.group_by(SUBJECT, maintain_order=True).agg(LAST=pl.col("ADT").max())
    one = subjects.join(progressed, on=SUBJECT, how="left", maintain_order="left").join(
        last, on=SUBJECT, how="left", maintain_order="left"
    )
    return _decide(one, settings)


def _decide(one: pl.DataFrame, settings: TimeToEventRule) -> pl.DataFrame:
    death_counts = settings.endpoint in ("PFS", "DOR")
    fda = settings.rule == "FDA"
    death = pl.col("DTH") if death_counts else pl.lit(None, dtype=pl.Date)
    if fda:  # a death after new therapy is not of the randomised treatment alone
        death = pl.when(pl.col("THERAPY").is_null() | (death <= pl.col("THERAPY"))).then(death)
    one = one.with_columns(DEATH=death, SEEN=pl.max_horizontal("START", "LAST")).with_columns(
        HAPPENED=pl.min_horizontal("PD", "DEATH")
    )
    gap = (
        (pl.col("HAPPENED") - pl.col("SEEN")).dt.total_days() > settings.gap_days if settings.gap_matters else pl.lit(value=False)
    )
    unbased = (~pl.col("BASED") & pl.col("DEATH").is_null()) if fda else pl.lit(value=False)
    is_pd = pl.col("PD").is_not_null() & (pl.col("PD") == pl.col("HAPPENED"))
    half = pl.col("SEEN") + (pl.col("PD") - pl.col("SEEN")) / 2
    date = (
        pl.when(is_pd).then(half.cast(pl.Date) if settings.progression_date == "midpoint" else pl.col("PD")).otherwise("HAPPENED")
    )
    one = one.with_columns(GAP=gap.fill_null(value=False), UNBASED=unbased).with_columns(
        EVENT=pl.col("HAPPENED").is_not_null() & ~pl.col("GAP") & ~pl.col("UNBASED")
    )
    therapy_cut = pl.col("THERAPY").is_not_null() if fda else pl.lit(value=False)
    never = pl.col("LAST").is_null()
    return one.select(
        SUBJECT,
        "START",
        ADT=pl.when("EVENT").then(date).when("UNBASED").then("START").otherwise("SEEN"),
        CNSR=pl.when("EVENT").then(0).when("UNBASED").then(4).when("GAP").then(3).when(therapy_cut).then(2).otherwise(1).cast(pl.Int64),
        EVNTDESC=pl.when(pl.col("EVENT") & is_pd).then(pl.lit("Disease Progression")).when("EVENT").then(pl.lit("Death")).otherwise(pl.lit("Censored")),
        CNSDTDSC=pl.when("EVENT").then(None)
        .when("UNBASED").then(pl.lit("Start: no baseline assessment"))
        .when("GAP").then(pl.lit(f"Last adequate assessment before {settings.missed_visits} or more missed visits"))
        .when(therapy_cut).then(pl.lit("Last adequate assessment before new anticancer therapy"))
        .when(never).then(pl.lit("Start: no adequate assessment after it"))
        .otherwise(pl.lit("Last adequate assessment")),
        SRCDOM=pl.when(pl.col("EVENT") & ~is_pd).then(pl.lit("ADSL")).when(~pl.col("EVENT") & (never | pl.col("UNBASED"))).then(pl.lit("ADSL")).otherwise(pl.lit("ADRS")),
        SRCVAR=pl.when(pl.col("EVENT") & ~is_pd).then(pl.lit("DTHDT")).when(~pl.col("EVENT") & (never | pl.col("UNBASED"))).then(pl.lit(settings.start)).otherwise(pl.lit("ADT")),
        SRCDT=pl.when(pl.col("EVENT") & is_pd).then("PD").when("EVENT").then("HAPPENED").when("UNBASED").then("START").otherwise("SEEN"),
    )  # fmt: skip


def _shape(derived: pl.DataFrame, settings: TimeToEventRule) -> pl.DataFrame:
    return derived.with_columns(
        PARAMCD=pl.lit(settings.endpoint.replace(" ", "")),
        PARAM=pl.lit(TITLES[settings.endpoint]),
        STARTDT="START",
        AVAL=(pl.col("ADT") - pl.col("START")).dt.total_days().cast(pl.Int64) + 1,
        AVALU=pl.lit("DAYS"),
    ).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
