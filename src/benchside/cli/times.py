"""Times to events on the command line: a plain table or ADTTE, described, compared with a control, or by causes that compete."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import polars as pl

from benchside.cli.options import names, option_words, pairs, typed
from benchside.cli.show import cell
from benchside.cli.trials import Report, Shown, present
from benchside.core.errors import SettingError, TableError, listed
from benchside.core.exchange import SOURCE_REF, EventTable
from benchside.core.tables import read_table, require_file, text_options
from benchside.stages import clinical
from benchside.stages.clinical.adam import require_columns
from benchside.stages.clinical.analyse.conventions import Conventions
from benchside.stages.clinical.model import Convention

DATASETS: Final = {".xpt", ".sas7bdat", ".json", ".ndjson"}
"""Endings of files that are ADaM datasets and no plain tables."""


@dataclass(frozen=True)
class Source:
    """Where an event table is, and which of its columns and rows are meant."""

    file: Path
    time: str | None = None
    """Column of times of a plain table; ``time`` by default."""

    time_unit: str | None = None
    event: str | None = None
    arm: str | None = None
    control: str | None = None
    strata: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    parameter: str | None = None
    adsl: Path | None = None
    event_code: int | None = None

    @property
    def is_adtte(self) -> bool:
        """Whether it is read as ADTTE: a parameter or its format says so, or its columns do and no column of times is named."""
        return self.parameter is not None or self.file.suffix.lower() in DATASETS or (self.time is None and _is_adtte(self.file))

    def check(self) -> None:
        """Refuse options of the one kind of table with the other."""
        if self.is_adtte and self.time is not None:
            message = f"{self.file.name} is read as ADTTE, whose times are AVAL, and --time names a column of a plain table. Leave out --time, or --parameter."
            raise SettingError(message)
        if not self.is_adtte and (self.adsl is not None or self.event_code is not None):
            message = f"{self.file.name} is a plain table, and --adsl and --event-code go with ADTTE. Leave them out, or name the --parameter."
            raise SettingError(message)


@dataclass(frozen=True)
class Asked:
    """What is to be found."""

    times_months: tuple[float, ...] = ()
    by: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    causes: Mapping[str, int] = field(default_factory=dict)
    cause: str | None = None
    conventions: str | None = None
    firth: bool = False

    @property
    def rules(self) -> Convention | None:
        """The conventions, checked."""
        name = None if self.conventions is None else self.conventions.strip().lower()
        if name not in (None, "r", "sas"):
            message = f"--conventions {self.conventions!r} is unknown. Use r or sas, or leave it out for benchside's own."
            raise SettingError(message)
        return cast("Convention | None", name)

    def check(self, control: str | None) -> None:
        """Refuse what does not go together."""
        if self.cause is not None and not self.causes:
            message = (
                f"--cause {self.cause!r} is one of several causes, and none are named. Give their codes: --causes cns=1,other=2."
            )
            raise SettingError(message)
        if self.causes and (self.by or self.firth):
            message = "--by and --firth are of Kaplan-Meier and Cox, and are not offered where causes compete. Leave them out, or --causes."
            raise SettingError(message)
        asked = {"--by": self.by, "--covariates": self.covariates, "--firth": self.firth}
        named = [option for option, value in asked.items() if value]
        if control is None and named:
            message = f"{listed(named)} compare arms, so the control arm must be known. Name it as --control."
            raise SettingError(message)


def causes_named(text: str | None) -> dict[str, int]:
    """Return ``cns=1,other=2`` as names and codes."""
    found: dict[str, int] = {}
    for part in names([text or ""]):
        name, mark, code = (piece.strip() for piece in part.rpartition("="))
        if not (name and mark and code.isdecimal() and int(code) > 0) or name in found or int(code) in found.values():
            message = f"--causes {text!r}: {part!r} is no NAME=CODE with a name and a code (1, 2, ...) of its own; 0 is censored. Write cns=1,other=2."
            raise SettingError(message)
        found[name] = int(code)
    return found


@option_words()
def clinical_analyse(source: Source, asked: Asked, *, out: Path | None, as_json: bool) -> None:
    """Analyse times to events, of one kind or of several that compete, and print what was found."""
    source.check()
    asked.check(source.control)
    rules = Conventions.of(asked.rules)
    events = _adtte(source, asked.causes) if source.is_adtte else _plain(source, asked.causes)
    report, written = _risks(events, asked) if asked.causes else _survival(events, asked)
    parameter = events.parameter if isinstance(events, clinical.TimeToEvent) else None
    n, happened = events.table.height, int((events.table["event"] != 0).sum())
    title = f"{source.file.name}{f', {parameter}' if parameter else ''}: {n} subjects, {happened} events."
    lines = [title, f"Conventions: {rules.name} ({_used(rules, bool(asked.causes))})."]
    lines.append(f"Strata: {listed(events.strata, 20) or 'none'}.")
    if events.control is None:
        lines.append("Descriptive only: without --control nothing is compared.")
    if "reconstructed" in events.table.columns and events.table["reconstructed"].cast(pl.String).eq("true").any():
        lines.append("Reconstructed from a published curve: these are no patient data.")
    head = {
        "file": source.file.name, "parameter": parameter, "n": n, "events": happened, "control": events.control,
        "strata": list(events.strata), "conventions": {"ties": rules.ties(None), **rules.words},
        **report.head,
    }  # fmt: skip
    present(replace(report, head=head, lines=[*lines, *report.lines]), written, out=out, as_json=as_json)


def _used(rules: Conventions, competing: bool) -> str:  # noqa: FBT001  two sets of rules
    """Return the rules of the analysis in words."""
    ties = f"{rules.ties(None).capitalize()} ties"
    if competing:
        return f"{ties} in the cause-specific model; Breslow ties in Fine-Gray and log-log limits of the incidence, as R and SAS have them"
    limits = rules.interval(None)
    return f"{ties} in Cox; {limits.WORD} limits at {limits.level:g}; median of a curve {rules.median_words}; past the last follow-up {rules.past_last}"


def _is_adtte(file: Path) -> bool:
    """Return whether a table has the columns of ADTTE."""
    require_file(file)
    try:
        if file.suffix.lower() == ".parquet":
            columns = set(pl.read_parquet_schema(file))
        else:
            columns = set(pl.read_csv(file, separator=text_options(file)["separator"], n_rows=0, infer_schema_length=0).columns)
    except (pl.exceptions.PolarsError, OSError):
        return False  # reading the table says what is wrong with it
    return {"AVAL", "CNSR"} <= columns


def _plain(source: Source, causes: Mapping[str, int]) -> EventTable:
    columns = {"time": source.time or "time", "event": source.event or "event", "arm": source.arm or "arm"}
    where = typed(pairs(source.where, "--where"), lambda: read_table(source.file))
    return clinical.read(
        source.file,
        **columns,
        time_unit=source.time_unit,
        control=source.control,
        strata=source.strata,
        where=where,
        causes=dict(causes) or None,
    )


def _adtte(source: Source, causes: Mapping[str, int]) -> EventTable:
    if source.event is not None and not causes:
        message = (
            "ADTTE says by CNSR what is an event; --event names the column of the causes. Leave it out, or name them as --causes."
        )
        raise SettingError(message)
    where = typed(pairs(source.where, "--where"), lambda: clinical.read_dataset(source.file).table)
    found = clinical.read_adtte(
        source.file,
        parameter=source.parameter,
        arm=source.arm,
        control=source.control,
        strata=source.strata,
        time_unit=source.time_unit,
        event_code=source.event_code,
        where=where,
        adsl=source.adsl,
    )
    return _with_causes(found, source, causes) if causes else found


def _with_causes(found: EventTable, source: Source, causes: Mapping[str, int]) -> EventTable:
    """Return ADTTE's events by their causes: a column of codes, or of texts that are the names of the causes."""
    dataset = clinical.read_dataset(source.file).table
    column = source.event or ("event" if "event" in dataset.columns else "EVNTDESC")
    require_columns(dataset, [column], noun=source.file.name)
    rows = found.table[SOURCE_REF].str.extract(r"!row (\d+)$").cast(pl.Int64) - 1
    held, happened = dataset[column].gather(rows), found.table["event"] == 1
    codes = (
        held.replace_strict(dict(causes), default=None, return_dtype=pl.Int64) if held.dtype == pl.String else held.cast(pl.Int64)
    )
    unknown = held.filter(happened & ~codes.is_in(list(causes.values())).fill_null(value=False)).unique()
    if len(unknown):
        known = listed((f"{name}={code}" for name, code in causes.items()), 9)
        message = f"{source.file.name}: {column} of an event is {listed([repr(value) for value in unknown])}, and --causes names {known}. Name every kind of event, or the column of the causes as --event."
        raise TableError(message)
    table = found.table.with_columns(event=codes.set(~happened, 0))
    return replace(found, table=table, causes=dict(causes))


def _survival(events: EventTable, asked: Asked) -> tuple[Report, pl.DataFrame]:
    """Return medians and landmarks; against a control also the test, the hazard ratio and the subgroups."""
    rules = asked.rules
    km = clinical.kaplan_meier(events, conventions=rules)
    limits = km.table["interval"][0]
    columns = ["arm", "n", "events", "median_months", "lower_months", "upper_months"]
    shown = [Shown("kaplan_meier", km.table, columns, f"Kaplan-Meier ({limits} limits)")]
    if asked.times_months:
        columns = ["arm", "time_months", "survival", "lower", "upper", "at_risk", "status"]
        shown.append(Shown("landmarks", km.at(asked.times_months).table, columns, f"Survival at landmarks ({limits} limits)"))
    if events.control is None:
        return Report({}, [], shown), km.table
    penalty: Any = "if needed" if asked.firth else None
    ratio = clinical.cox(events, covariates=asked.covariates, penalty=penalty, conventions=rules)
    test = clinical.log_rank(events)
    fitted, within = _worded(ratio.table), f", stratified by {', '.join(events.strata)}" if events.strata else ""
    columns = ["term", "hazard_ratio", "lower", "upper", "p", "status"]
    shown.append(Shown("cox", fitted, columns, f"Cox, {fitted['ties'][0].capitalize()} ties, against {events.control}{within}"))
    if asked.by:
        forest = clinical.subgroups(events, asked.by, penalty=penalty, conventions=rules).table
        columns = ["subgroup", "level", "arm", "n", "events", "hazard_ratio", "lower", "upper", "interaction_p", "status"]
        title = "Subgroups (p of interaction by likelihood ratio)"
        shown.append(Shown("subgroups", _worded(forest), columns, title, printed=_forest(_worded(forest))))
    below = [f"log-rank: chi2 {cell(test.chi2)}, p {cell(test.p)}{within}", *_left_out(ratio.left_out, test.left_out)]
    return Report({"left_out": ratio.left_out}, [], shown, below, tests={"log_rank": test.table}), fitted


def _forest(table: pl.DataFrame) -> pl.DataFrame:
    """Return the forest as it is printed: overall there is no interaction, elsewhere one without a p is NE."""
    p = [cell(value) for value in table["interaction_p"]]
    whole = table["level"].is_null()
    return table.with_columns(interaction_p=pl.Series(["" if no else text for no, text in zip(whole, p, strict=True)]))


def _worded(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the sentences of its statuses in the words of the command line."""
    return table.with_columns(pl.col("status").str.replace("penalty='firth'", "--firth", literal=True))


def _left_out(model: int, test: int) -> list[str]:
    """Return who a missing value leaves out, in words."""
    said = {"of the log-rank test": test, "of the model": model} if test != model else {"of test and model": model}
    return [f"{n} subjects miss a stratum or covariate and are left out {where}." for where, n in said.items() if n]


def _risks(events: EventTable, asked: Asked) -> tuple[Report, pl.DataFrame]:
    """Return the incidence of a cause; against a control also Gray's test and the two hazard ratios side by side."""
    rules, cause = asked.rules, asked.cause or next(iter(asked.causes))
    found = clinical.cumulative_incidence(events, cause=cause, conventions=rules)
    others = listed((name for name in asked.causes if name != cause), 9) or "none named"
    lines = [f"Cause: {cause}; competing: {others}. Incidence is Aalen-Johansen's; 1 - Kaplan-Meier is not offered."]
    columns = ["arm", "n", "events", "other_events", "censored", "follow_up_months"]
    shown = [Shown("first_events", found.summary, columns, "What came first")]
    incidences = found.summary
    if asked.times_months:
        incidences = found.at(asked.times_months).table
        columns = ["arm", "time_months", "incidence", "lower", "upper", "at_risk", "status"]
        shown.append(Shown("cumulative_incidence", incidences, columns, f"Incidence at landmarks ({incidences['interval'][0]})"))
    if events.control is None:
        return Report({"cause": cause, "causes": dict(asked.causes)}, lines, shown), incidences
    gray = clinical.gray_test(events, cause=cause, conventions=rules)
    hazard = clinical.cause_specific(events, cause=cause, covariates=asked.covariates, conventions=rules)
    subdistribution = clinical.fine_gray(events, cause=cause, covariates=asked.covariates, conventions=rules)
    models = {"cause_specific": _worded(hazard.table), "fine_gray": _worded(subdistribution.table)}
    columns = ["term", "hazard_ratio", "lower", "upper", "p", "status"]
    within = f", stratified by {', '.join(events.strata)}" if events.strata else ""
    unstratified = ", not stratified" if events.strata else ""
    titles = (f"Cause-specific hazard ratio{within}", f"Fine-Gray hazard ratio of the subdistribution{unstratified}")
    for (name, table), title in zip(models.items(), titles, strict=True):
        shown.append(Shown(name, table, columns, f"{title}, against {events.control}"))
    both = pl.concat([table.with_columns(model=pl.lit(name)) for name, table in models.items()], how="diagonal_relaxed")
    below = [f"Gray's test: chi2 {cell(gray.chi2)}, p {cell(gray.p)}{within}", *_left_out(hazard.left_out, gray.left_out)]
    head = {"cause": cause, "causes": dict(asked.causes), "left_out": hazard.left_out}
    return Report(head, lines, shown, below, tests={"gray": gray.table}), both
