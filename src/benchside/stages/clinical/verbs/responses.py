"""Response and safety in a study: best overall response, rates and their differences, tumour sums, adverse events."""

from collections.abc import Collection
from typing import Final

import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.evidence import Quantity
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.adam import SUBJECT, dates, keep_rows, one_parameter, require_columns
from benchside.stages.clinical.analyse.adverse_events import AdverseEvents, adverse_events
from benchside.stages.clinical.analyse.best_overall_response import BestOverallResponse, best_overall_response
from benchside.stages.clinical.analyse.cmh import CochranMantelHaenszel, cmh_test
from benchside.stages.clinical.analyse.derive_tte import arm_column
from benchside.stages.clinical.analyse.duration import RESPONSES, ObjectiveResponse, objective_response
from benchside.stages.clinical.analyse.rate_difference import MiettinenNurminen, Newcombe, RateDifference, rate_difference
from benchside.stages.clinical.analyse.tumour_response import TumourResponse, tumour_response
from benchside.stages.clinical.verbs.common import Settings, about_all, started, table_of, up_to, with_endpoint

LESIONS: Final = {"baseline": "ABLFL", "new_lesion": "NEWLFL", "non_target": "NTRESP"}
"""Columns of ADTR that are used where they are there: baseline, new lesion, response of the non-target lesions."""

WINDOWS: Final = ("confirmed", "confirmation_days", "stable_days", "max_not_evaluable", "accept_stable")


def run_best_overall_response(inputs: Inputs, settings: Settings) -> Product:
    """Return the best overall response of every subject asked for, with its arm and the columns of the subgroups."""
    adsl = _subjects(inputs, settings)
    (adrs_file,) = inputs.files["adrs"]
    adrs = table_of(adrs_file)
    arm = arm_column(adsl, settings["arm"])
    adsl = started(adsl, settings["start"], settings["cut_off"])
    extra = [name for name in (settings["start"], settings["end"]) if name]
    require_columns(adsl, [SUBJECT, arm, *extra, *settings["by"], *settings["strata"]], noun="ADSL")
    rows = adrs.select(pl.exclude(extra)).join(adsl.select(SUBJECT, *extra), on=SUBJECT, how="inner", maintain_order="left")
    rows = up_to(rows, settings["cut_off"], noun="ADRS")
    found = best_overall_response(
        rows,
        parameter=settings["parameter"],
        where=settings["where"],
        start=settings["start"],
        end=settings["end"],
        **{name: settings[name] for name in WINDOWS},
    )
    columns = list(dict.fromkeys([*settings["by"], *settings["strata"]]))
    people = adsl.select(pl.col(SUBJECT), pl.col(arm).cast(pl.String).alias("arm"), *columns)
    table = people.join(found.table, on=SUBJECT, how="left", maintain_order="left")
    table = table.with_columns(
        response=pl.col("response").fill_null("MISSING"), START=dates(adsl, settings["start"], noun="ADSL")
    )
    return Product(with_endpoint(table, settings), lineage_of([]))


def run_response_rates(inputs: Inputs, settings: Settings) -> Product:
    """Return the rates of response by arm, and in subgroups."""
    table = inputs.stack("responses").drop("_input", "_row")
    found = objective_response(table, table.select(SUBJECT, "arm", *settings["by"]), arm="arm", by=settings["by"])
    return about_all(inputs, found.named(), settings, "responses")


def run_time_to_response(inputs: Inputs, settings: Settings) -> Product:
    """Return how long the responders of every arm took to respond: median and quartiles."""
    stacked = inputs.stack("responses")
    taken = stacked.filter(pl.col("response").is_in(list(RESPONSES))).with_columns(
        months=((pl.col("response_date") - pl.col("START")).dt.total_days() + 1) / DAYS_PER_MONTH
    )
    months = pl.col("months")
    table = taken.group_by("arm").agg(
        n=pl.len(),
        median_months=months.median(),
        lower_months=months.quantile(0.25, "linear"),
        upper_months=months.quantile(0.75, "linear"),
    )
    return Product(with_endpoint(table.sort("arm"), settings), lineage_by(stacked, ["arm"], table.sort("arm")))


def run_rate_difference(inputs: Inputs, settings: Settings) -> Product:
    """Return the difference of each arm's response rate against the control's, by Miettinen-Nurminen and by Newcombe."""
    table = inputs.stack("responses").with_columns(hit=pl.col("response").is_in(list(RESPONSES)))
    counts = {arm: (int(part["hit"].sum()), part.height) for (arm,), part in table.group_by("arm", maintain_order=True)}
    control = _control_of(counts, settings)
    parts = [
        rate_difference(counts[arm], counts[control], interval=interval, arm=arm, comparator=control).table
        for arm in sorted(set(counts) - {control})
        for interval in (MiettinenNurminen(), Newcombe())
    ]
    return about_all(inputs, pl.concat(parts), settings, "responses")


def run_cmh(inputs: Inputs, settings: Settings) -> Product:
    """Compare the response of each arm with the control's within strata."""
    table = inputs.stack("responses").with_columns(hit=pl.col("response").is_in(list(RESPONSES)))
    control = _control_of(set(table["arm"]), settings)
    parts = []
    for arm in sorted(set(table["arm"]) - {control}):
        pair = table.filter(pl.col("arm").is_in([arm, control]))
        parts.append(cmh_test(pair, response="hit", control=control, strata=tuple(settings["strata"])).table)
    return about_all(inputs, pl.concat(parts), settings, "responses")


def run_tumour_response(inputs: Inputs, settings: Settings) -> Product:
    """Return the change of the target lesions of every subject and assessment, with its arm."""
    found, people = _tumours(inputs, settings)
    months = (pl.col("ADT") - pl.col("TRTSDT")).dt.total_days() / DAYS_PER_MONTH
    return Product(_with_arm(found.table.with_columns(time_months=months), people), lineage_of([]))


def run_best_change(inputs: Inputs, settings: Settings) -> Product:
    """Return the best change of the target lesions of every subject up to its first progression, with its arm."""
    found, people = _tumours(inputs, settings)
    return Product(_with_arm(found.best, people), lineage_of([]))


def _tumours(inputs: Inputs, settings: Settings) -> tuple[TumourResponse, pl.DataFrame]:
    """Return the assessments of ADTR and the subjects they are of."""
    adsl = _subjects(inputs, settings)
    arm, start = arm_column(adsl, settings["arm"]), settings["start"]
    require_columns(adsl, [SUBJECT, arm, start], noun="ADSL")
    (file,) = inputs.files["adtr"]
    rows = one_parameter(keep_rows(table_of(file), settings["where"], noun=file.name), settings["parameter"], noun=file.name)
    require_columns(rows, [SUBJECT, "ADT", "AVAL"], noun=file.name)
    rows = up_to(rows, settings["cut_off"], noun=file.name)
    rows = rows.drop(start, strict=False).join(adsl.select(SUBJECT, start), on=SUBJECT, how="inner", maintain_order="left")
    columns = {name: column if column in rows.columns else None for name, column in LESIONS.items()}
    found = tumour_response(
        rows,
        sum_mm="AVAL",
        start=start,
        baseline=columns["baseline"],
        new_lesion=columns["new_lesion"],
        non_target=columns["non_target"],
    )
    return found, adsl.select(pl.col(SUBJECT).cast(pl.String), arm=pl.col(arm).cast(pl.String))


def _with_arm(table: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    return table.join(people, on=SUBJECT, how="left", maintain_order="left")


def run_adverse_events(inputs: Inputs, settings: Settings) -> Product:
    """Summarise adverse events by category and arm."""
    found = _adverse_events(inputs, settings)
    return Product(with_endpoint(found.table, settings), lineage_of([]))


def run_adverse_event_terms(inputs: Inputs, settings: Settings) -> Product:
    """Summarise adverse events by term and arm, the most frequent first."""
    found = _adverse_events(inputs, settings)
    return Product(with_endpoint(found.terms, settings), lineage_of([]))


def _adverse_events(inputs: Inputs, settings: Settings) -> AdverseEvents:
    (adae_file,), (adsl_file,) = inputs.files["adae"], inputs.files["adsl"]
    adae, adsl = table_of(adae_file), table_of(adsl_file)
    names = ("arm", "control", "population", "treatment_emergent")
    return adverse_events(adae, adsl, **{name: settings[name] for name in names})


def _subjects(inputs: Inputs, settings: Settings) -> pl.DataFrame:
    (file,) = inputs.files["adsl"]
    return keep_rows(table_of(file), settings["subjects"], noun=file.name)


def _control_of(arms: Collection[str], settings: Settings) -> str:
    control = str(settings["control"])
    if control not in arms:
        message = f"ADSL: the control arm {control!r} is not among the arms {listed(sorted(arms))}{nearest(control, sorted(arms))}. Name one of them."
        raise TableError(message)
    return control


RESPONSE: Final[tuple[Verb, ...]] = (
    Verb(
        "clinical.best_overall_response", "1", run_best_overall_response, kind="responses", key=BestOverallResponse.KEY
    ),
    Verb(
        "clinical.objective_response", "1", run_response_rates, kind="response_rates", key=ObjectiveResponse.KEY,
        quantities=ObjectiveResponse.QUANTITIES,
    ),
    Verb(
        "clinical.time_to_response", "1", run_time_to_response, kind="times_to_response", key=("arm",),
        quantities=(Quantity("median_time_to_response", "median_months", unit="months", n="n"),),
    ),
    Verb(
        "clinical.rate_difference", "1", run_rate_difference, kind="rate_differences", key=RateDifference.KEY,
        quantities=RateDifference.QUANTITIES,
    ),
    Verb(
        "clinical.cmh_test", "1", run_cmh, kind="cmh", key=CochranMantelHaenszel.KEY, quantities=CochranMantelHaenszel.QUANTITIES
    ),
    Verb("clinical.tumour_response", "1", run_tumour_response, kind="tumour_changes", key=TumourResponse.KEY),
    Verb("clinical.best_change", "1", run_best_change, kind="best_changes", key=(SUBJECT,)),
    Verb(
        "clinical.adverse_events", "1", run_adverse_events, kind="adverse_events", key=AdverseEvents.KEY,
        quantities=AdverseEvents.QUANTITIES,
    ),
    Verb(
        "clinical.adverse_event_terms", "1", run_adverse_event_terms, kind="adverse_event_terms", key=AdverseEvents.KEY,
        quantities=AdverseEvents.QUANTITIES,
    ),
)  # fmt: skip
"""Verbs of response and safety."""
