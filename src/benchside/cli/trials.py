"""Clinical commands on ADaM datasets: derive an endpoint, rates of response, adverse events; and patients from a published curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.cli.options import Rows, option_words
from benchside.cli.show import cell, print_json, print_table, say, write_out
from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.tables import dataframe
from benchside.stages import clinical
from benchside.stages.clinical.adam import SUBJECT, require_columns
from benchside.stages.clinical.analyse.derive_tte import DerivedTimeToEvent, arm_column
from benchside.stages.clinical.analyse.duration import RESPONSES
from benchside.stages.clinical.analyse.first_event import derive_first_event
from benchside.stages.clinical.analyse.subgroups import MOST_SUBGROUPS
from benchside.stages.clinical.analyse.time_to_event_rule import TITLES

CNS_FIRST: Final = "CNS first"
COMMON_TERMS: Final = 10
"""Terms of adverse events that are printed; all are written."""

NOTHING_COMPARED: Final = "Without --control nothing is compared."


@dataclass(frozen=True)
class Shown:
    """One table of a report: its name in JSON, and how a person sees it."""

    name: str
    table: pl.DataFrame
    columns: Sequence[str]
    title: str
    most: int = 40
    printed: pl.DataFrame | None = None
    """What is printed, where it is not the table itself."""


@dataclass(frozen=True)
class Report:
    """What a clinical command found, for both of its readers."""

    head: Mapping[str, Any]
    """What JSON says besides the tables."""

    lines: Sequence[str]
    """What stands above the tables."""

    shown: Sequence[Shown]
    below: Sequence[str] = ()
    tests: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """Tables of one row: an object in JSON, a line in print (in `below`)."""


def present(report: Report, written: pl.DataFrame, *, out: Path | None, as_json: bool) -> None:
    """Write the table asked for, then print the report as JSON or for people."""
    if out is not None:
        write_out(written, out)
    if as_json:
        rows = {one.name: one.table.to_dicts() for one in report.shown}
        single = {name: table.row(0, named=True) for name, table in report.tests.items()}
        print_json({**report.head, **rows, **single, "out": None if out is None else str(out)})
        return
    for line in report.lines:
        say(line)
    for one in report.shown:
        print_table(one.table if one.printed is None else one.printed, one.columns, title=one.title, most=one.most)
    for line in report.below:
        say(line)


@option_words()
def derive(  # noqa: PLR0917  the command's own options
    rows: Rows,
    endpoint: str,
    rule: str | None,
    brain: str | None,
    windows: Mapping[str, Any],
    baseline: str | None,
    *,
    out: Path | None,
    as_json: bool,
) -> None:
    """Derive the times to an endpoint, and print how many subjects ended how, and what is estimated."""
    chosen = _endpoint(endpoint, brain)
    if brain and baseline:
        message = '--baseline is of FDA\'s rule for one event, and --endpoint "CNS first" does not use it. Leave it out.'
        raise SettingError(message)
    adrs, adsl, where = rows.read(assessed=chosen != "OS")
    shared = {
        **windows, "parameter": rows.parameter, "where": where, "arm": rows.arm, "start": rows.start, "cut_off": rows.cut_off,
    }  # fmt: skip
    found: DerivedTimeToEvent
    if brain:
        found = derive_first_event(adrs, adsl, brain=brain, rule=_rule(rule or "EMA"), **shared)
    else:
        own: dict[str, Any] = {"endpoint": chosen, "rule": _rule(rule or "FDA"), "baseline": baseline}
        found = clinical.derive_tte(adrs, adsl, **own, **shared)
    if found.table.is_empty():
        message = f"{chosen}: no subject of {rows.adsl.name} responded{rows.until}. Correct the cut-off or the filter."
        raise TableError(message)
    said = {**found.estimand, "population": rows.population}
    if rows.cut_off:
        said["endpoint"] += f"; data cut-off {rows.cut_off}"
    head = {"endpoint": chosen, "n": found.table.height, "events": int((found.table["CNSR"] == 0).sum()), "estimand": said}
    counts, words = _ends(found), [f"{name.replace('_', ' ').capitalize()}: {text}." for name, text in said.items()]
    shown = Shown("counts", counts, counts.columns, f"How {head['n']} subjects ended ({head['events']} events)")
    below = [f"{found.table.height} rows of ADTTE in {out}." if out else "Write the times with --out adtte.csv."]
    present(Report(head, [f"Derived {found.table['PARAM'][0]}.", *words], [shown], below), found.table, out=out, as_json=as_json)


def _endpoint(text: str, brain: str | None) -> str:
    """Return the endpoint as the library spells it, after checking that it goes with the responses of the brain."""
    known = {name.lower(): name for name in (*TITLES, CNS_FIRST)}
    chosen = known.get(text.strip().lower())
    if chosen is None:
        message = f"--endpoint {text!r} is unknown{nearest(text, known.values())}. Use {listed(known.values(), 9)}."
        raise SettingError(message)
    if chosen == CNS_FIRST and not brain:
        message = '--endpoint "CNS first" needs the PARAMCD of the responses of the brain: --brain CNSIRC.'
        raise SettingError(message)
    if chosen != CNS_FIRST and brain:
        message = f'--brain goes with --endpoint "CNS first", and the endpoint is {chosen}. Name its responses as --parameter.'
        raise SettingError(message)
    return chosen


def _rule(text: str) -> Any:
    rule = text.strip().upper()
    if rule not in {"FDA", "EMA"}:
        message = f"--rule {text!r} is unknown. Use FDA or EMA."
        raise SettingError(message)
    return rule


def _ends(found: DerivedTimeToEvent) -> pl.DataFrame:
    """Return the subjects by how they ended, a column an arm."""
    arms = found.table[found.arm].cast(pl.String).fill_null("no arm")
    ends = found.table.select("CNSR", "EVNTDESC", "CNSDTDSC", _arm=arms)
    counted = ends.group_by("CNSR", "EVNTDESC", "CNSDTDSC", "_arm").len().sort("CNSR", "EVNTDESC", "CNSDTDSC", "_arm")
    wide = counted.pivot("_arm", index=["CNSR", "EVNTDESC", "CNSDTDSC"], values="len").drop("CNSR")
    return wide.select("EVNTDESC", "CNSDTDSC", *(pl.col(arm).fill_null(0) for arm in arms.unique().sort()))


@option_words()
def respond(rows: Rows, *, confirmed: bool, by: tuple[str, ...], control: str | None, out: Path | None, as_json: bool) -> None:
    """Find the best overall response of every subject, its rates by arm, and their differences from the control's."""
    adrs, adsl, where = rows.read()
    arm = arm_column(adsl, rows.arm)
    _require_classes(adsl, by, rows.adsl.name)
    starts = adsl.select(SUBJECT, pl.col(rows.start))
    seen = adrs.drop(rows.start, strict=False).join(starts, on=SUBJECT, how="inner", maintain_order="left")
    best = clinical.best_overall_response(seen, confirmed=confirmed, parameter=rows.parameter, where=where, start=rows.start)
    people = adsl.select(SUBJECT, pl.col(arm).cast(pl.String).alias("arm"), *by).filter(pl.col("arm").is_not_null())
    table = people.join(best.table, on=SUBJECT, how="left", maintain_order="left")
    table = table.with_columns(pl.col("response").fill_null("MISSING"), rule=pl.lit(best.table["rule"][0]))
    rates = clinical.objective_response(table, people, arm="arm", by=by).table
    shown = [
        Shown("best_overall_response", _responses(table), _responses(table).columns, "Best overall response"),
        Shown("rates", rates, ["outcome", "arm", "subgroup", "responders", "n", "rate", "lower", "upper"], "Rates (Clopper-Pearson 0.95)"),
    ]  # fmt: skip
    if control is not None:
        difference = _differences(table, control)
        columns = ["arm", "comparator", "difference", "lower", "upper", "interval", "status"]
        shown.append(Shown("differences", difference, columns, "Difference of objective response rates"))
    lines = [f"{best.table['rule'][0]}. {table.height} subjects: {rows.population}."]
    lines += [] if control is not None else [NOTHING_COMPARED]
    head = {
        "rule": best.table["rule"][0],
        "n": table.height,
        "population": rows.population,
        "control": control,
        "cut_off": rows.cut_off,
    }
    present(Report(head, lines, shown), table, out=out, as_json=as_json)


def _require_classes(adsl: pl.DataFrame, by: Sequence[str], noun: str) -> None:
    """Refuse columns of so many values that they name no subgroups."""
    require_columns(adsl, by, noun=noun)
    many = [name for name in by if adsl[name].n_unique() > MOST_SUBGROUPS]
    if many:
        message = f"{noun}: {many[0]} has {adsl[many[0]].n_unique()} values, and subgroups are {MOST_SUBGROUPS} at most. Group them into classes."
        raise TableError(message)


def _responses(table: pl.DataFrame) -> pl.DataFrame:
    """Return the subjects by best response, a column an arm."""
    order = {word: place for place, word in enumerate(("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING"))}
    wide = table.group_by("response", "arm").len().sort("arm").pivot("arm", index="response", values="len").fill_null(0)
    return wide.sort(pl.col("response").replace_strict(order, default=9, return_dtype=pl.Int64))


def _differences(table: pl.DataFrame, control: str) -> pl.DataFrame:
    arms = table["arm"].unique().sort().to_list()
    if control not in arms or len(arms) < 2:
        message = f"ADSL: a difference from the control {control!r} needs that arm and another; the arms are {listed(arms)}{nearest(control, arms)}. Correct --control or the filter."
        raise TableError(message)
    hit = table["response"].is_in(list(RESPONSES))
    counts = {arm: (int((hit & (table["arm"] == arm)).sum()), int((table["arm"] == arm).sum())) for arm in arms}
    return pl.concat(
        clinical.rate_difference(counts[arm], counts[control], interval=interval, arm=arm, comparator=control).table
        for arm in arms
        if arm != control
        for interval in (clinical.MiettinenNurminen(), clinical.Newcombe())
    )


@option_words()
def safety(adae: Path, adsl: Path, *, arm: str, control: str | None, out: Path | None, as_json: bool) -> None:
    """Summarise adverse events by arm, and by term."""
    events, subjects = clinical.read_dataset(adae).table, clinical.read_dataset(adsl).table
    require_columns(events, [SUBJECT], noun=adae.name)
    if events.is_empty():
        message = (
            f"{adae.name}: the table has a header and no rows, which is not a trial without adverse events. Export it again."
        )
        raise TableError(message)
    found = clinical.adverse_events(events, subjects, arm=arm, control=control)
    compared = ["risk_difference", "lower", "upper"] if control is not None else []
    columns = ["category", "arm", "subjects", "n", "percent", "records", "per_100_patient_years", *compared]
    arms = found.table["arm"].n_unique()
    whom = [
        "subjects with SAFFL = Y" if "SAFFL" in subjects.columns else f"all subjects of {adsl.name} (it has no SAFFL)",
        "events with TRTEMFL = Y" if "TRTEMFL" in events.columns else f"all events of {adae.name} (it has no TRTEMFL)",
    ]
    against = f"Risk differences (fractions) against {control}: {listed(found.table['interval'].drop_nulls().unique()) or 'NE'}."
    lines = [f"By {arm}; {whom[0]}, {whom[1]}.", against if control is not None else NOTHING_COMPARED]
    said = [without_reference(table, compared, control) for table in (found.table, found.terms)]
    shown = [
        Shown("adverse_events", found.table, columns, "Adverse events", printed=said[0]),
        Shown("terms", found.terms, columns, "The most frequent terms", most=COMMON_TERMS * arms, printed=said[1]),
    ]
    head = {"arm": arm, "control": control, "population": whom[0], "counted": whom[1]}
    both = pl.concat([found.table.with_columns(kind=pl.lit("category")), found.terms.with_columns(kind=pl.lit("term"))])
    present(Report(head, lines, shown), both, out=out, as_json=as_json)


def without_reference(table: pl.DataFrame, columns: Sequence[str], control: str | None) -> pl.DataFrame:
    """Return a table as it is printed: the control has no difference from itself, which is not the same as NE."""
    reference = [arm == control for arm in table["arm"]]
    blank = {name: ["" if own else cell(value) for own, value in zip(reference, table[name], strict=True)] for name in columns}
    return table.with_columns(pl.Series(name, texts) for name, texts in blank.items())


@option_words()
def reconstruct(curve: Path, at_risk: Path, *, events: int | None, arm: str | None, out: Path | None, as_json: bool) -> None:
    """Make patients of a digitised curve and its numbers at risk."""
    found = clinical.reconstruct(dataframe(curve), dataframe(at_risk), total_events=events)
    n, happened = found.table.height, int(found.table["event"].sum())
    written = found.table.with_columns(reconstructed=pl.lit(value=True))
    if arm is not None:
        written = written.with_columns(arm=pl.lit(arm))
    note = "Reconstructed from a published curve: these are no patient data."
    gap = dict(found.errors.select("quantity", "error").iter_rows())["rmse_survival"]
    lines = [note, f"{n} patients, {happened} events; the curve is met to {cell(gap)} (root mean square of survival)."]
    sizes = pl.col("quantity").str.contains("error|rmse")
    printed = found.errors.with_columns(
        pl.when(sizes).then(pl.lit("")).otherwise(pl.Series(name, [cell(value) for value in found.errors[name]])).alias(name)
        for name in ("given", "reconstructed")
    )
    shown = [Shown("errors", found.errors, found.errors.columns, "Against what was published", printed=printed)]
    below = [f"Patients in {out}." if out else "Write the patients with --out patients.csv."]
    head = {"note": note, "reconstructed": True, "n": n, "events": happened}
    present(Report(head, lines, shown, below), written, out=out, as_json=as_json)
