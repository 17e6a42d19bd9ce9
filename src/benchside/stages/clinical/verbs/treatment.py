"""Time on treatment in a study, with what happened during it: what a swimmer plot is drawn from."""

from typing import Final

import polars as pl

from benchside.core.stage import Inputs, Product, Verb, lineage_of
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.adam import SUBJECT, cut_off_date, dates, require_columns, require_one_row_each
from benchside.stages.clinical.analyse.derive_tte import arm_column
from benchside.stages.clinical.verbs.common import Settings, table_of

PROGRESSED: Final = "Disease Progression"


def run_treatment(inputs: Inputs, settings: Settings) -> Product:
    """Return how long every subject was treated, whether it goes on, and when it responded, progressed and died."""
    (file,) = inputs.files["adsl"]
    adsl = table_of(file)
    arm = arm_column(adsl, settings["arm"])
    if not {"TRTSDT", "TRTEDT"} <= set(adsl.columns):  # the plot is one nobody asked for: without treatment dates there is none
        return Product(pl.DataFrame(schema={SUBJECT: pl.String}), lineage_of([]))
    require_columns(adsl, [SUBJECT, arm], noun=file.name)
    require_one_row_each(adsl, [SUBJECT], noun="ADSL", remedy="ADSL has one row a subject.")
    people = pl.DataFrame({
        SUBJECT: adsl[SUBJECT].cast(pl.String),
        "arm": adsl[arm].cast(pl.String),
        "START": dates(adsl, "TRTSDT", noun="ADSL"),
        "END": dates(adsl, "TRTEDT", noun="ADSL"),
        "ALIVE": _optional(adsl, "LSTALVDT"),
        "death": _optional(adsl, "DTHDT"),
        "ONGOING": adsl["EOTSTT"] == "ONGOING" if "EOTSTT" in adsl.columns else adsl["TRTEDT"].is_null(),
    })  # fmt: skip
    people = _joined(people, inputs, "responses", pl.col("response_date").alias("response"))
    people = _joined(people, inputs, "progressions", pl.when(pl.col("EVNTDESC") == PROGRESSED).then("ADT").alias("progression"))
    treated = _known(people.filter(pl.col("START").is_not_null()), settings["cut_off"])
    end = pl.coalesce("END", "ALIVE", "START")
    return Product(
        treated.select(
            SUBJECT,
            "arm",
            time_months=_months(end),
            ongoing=(pl.col("ONGOING").fill_null(value=False) | pl.col("END").is_null()) & pl.col("death").is_null(),
            response_months=_months(pl.col("response")),
            progression_months=_months(pl.col("progression")),
            death_months=_months(pl.col("death")),
        ),
        lineage_of([]),
    )


def _known(people: pl.DataFrame, cut_off: str | None) -> pl.DataFrame:
    """Return what was known of the subjects at the data cut-off: treatment that ended later goes on, and later dates are not there."""
    if cut_off is None:
        return people
    until = pl.lit(cut_off_date(cut_off))
    later = [pl.when(pl.col(name) <= until).then(name).alias(name) for name in ("END", "response", "progression", "death")]
    return people.filter(pl.col("START") <= until).with_columns(*later, ALIVE=pl.min_horizontal("ALIVE", until))


def _joined(people: pl.DataFrame, inputs: Inputs, role: str, found: pl.Expr) -> pl.DataFrame:
    """Return the subjects with a date of another step, null where the study did not do it."""
    if not inputs.tables.get(role):
        return people.with_columns(pl.lit(None, dtype=pl.Date).alias(found.meta.output_name()))
    return people.join(inputs.stack(role).select(SUBJECT, found), on=SUBJECT, how="left", maintain_order="left")


def _optional(adsl: pl.DataFrame, name: str) -> pl.Series:
    return dates(adsl, name, noun="ADSL") if name in adsl.columns else pl.Series([None] * adsl.height, dtype=pl.Date)


def _months(day: pl.Expr) -> pl.Expr:
    """Return months from the start of treatment; its first day is day 1."""
    days = (day - pl.col("START")).dt.total_days() + 1
    return days.clip(0) / DAYS_PER_MONTH


TREATMENT: Final = (Verb("clinical.treatment", "1", run_treatment, kind="treatment", key=(SUBJECT,)),)
"""The verb of the swimmer plot."""
