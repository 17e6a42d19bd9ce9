"""Adverse events by arm: how many subjects, how severe, what they led to, per time at risk, and the difference of risks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.core.tables import FLOAT, cast_column, dataframe
from benchside.stages.clinical.adam import SUBJECT, dates, require_columns, require_one_row_each
from benchside.stages.clinical.analyse.rate_difference import AbstractDifferenceInterval, MiettinenNurminen
from benchside.stages.clinical.model import ClinicalAnswer

METHOD, VERSION = "clinical.adverse_events", "1"
DAYS_PER_YEAR: Final = 365.25
SEVERITIES: Final[Mapping[str, float]] = {"MILD": 1.0, "MODERATE": 2.0, "SEVERE": 3.0, "LIFE THREATENING": 4.0, "FATAL": 5.0}
CATEGORIES: Final[Mapping[str, tuple[str, str]]] = {
    "any": ("", ""), "grade 3 or higher": ("_grade", ">=3"), "fatal": ("_grade", ">=5"), "serious": ("AESER", "Y"),
    "led to dose reduction": ("AEACN", "DOSE REDUCED"), "led to interruption": ("AEACN", "DRUG INTERRUPTED"),
    "led to discontinuation": ("AEACN", "DRUG WITHDRAWN"),
}  # fmt: skip
COLUMNS = {
    "category": pl.String, "arm": pl.String, "comparator": pl.String, "subjects": pl.Int64, "n": pl.Int64, "percent": pl.Float64,
    "records": pl.Int64, "years_at_risk": pl.Float64, "per_100_patient_years": pl.Float64, "risk_difference": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "interval": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class AdverseEvents(ClinicalAnswer):
    """One row a category and arm.

    `category, arm, comparator, subjects` (with one event or more)`, n, percent, records, years_at_risk, per_100_patient_years,
    risk_difference, lower, upper` (fractions, against the control)`, interval, status`.
    """

    terms: pl.DataFrame = field(default_factory=pl.DataFrame)
    """The same of every term (AEDECOD), most frequent first, its name as the category."""

    KEY: ClassVar[tuple[str, ...]] = ("category", "arm")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("subjects_with_event", value="percent", unit="percent", n="n"),
        Quantity("risk_difference", value="risk_difference", unit="fraction", lower="lower", upper="upper", n="n"),
        Quantity("rate_per_100_patient_years", value="per_100_patient_years", unit="per 100 patient-years", n="n"),
    )


def adverse_events(
    adae: Any,
    adsl: Any,
    *,
    arm: str = "TRT01A",
    control: str | None = None,
    population: str | None = "SAFFL",
    treatment_emergent: str | None = "TRTEMFL",
    interval: AbstractDifferenceInterval | None = None,
) -> AdverseEvents:
    """Summarise adverse events by arm.

    Parameters
    ----------
    adae
        A row an event: `USUBJID`; read where they are there: `AETOXGR` (or `AESEV`), `AESER, AEACN, AEDECOD, ASTDT` and the flag of
        treatment-emergent events.
    adsl
        One row a subject: `USUBJID`, the arm, `TRTSDT, TRTEDT` for the time at risk.
    arm, control
        Column of the (actual) treatment; name of the control arm, against which risks are compared.
    population, treatment_emergent
        Columns that are ``"Y"`` for subjects and events that count; None, or a column that is not there, counts all.
    interval
        Of the risk difference; by default `MiettinenNurminen()`.

    Raises
    ------
    TableError
        When a column is missing, a grade is none, or an event belongs to nobody in `adsl`.

    Notes
    -----
    A subject counts once a category. Its time at risk ends at its first event of the category (with `ASTDT`), else with treatment;
    without treatment dates rates are null. An unknown AEACN is no reason for anything.
    """
    chosen = MiettinenNurminen() if interval is None else interval
    events, subjects = dataframe(adae), dataframe(adsl)
    people = _people(subjects, arm, population)
    _require_control(people, control)
    records = _records(events, people, subjects, treatment_emergent)
    there = [name for name, (column, _) in CATEGORIES.items() if not column or column in records.columns]
    parts = {name: _part(records, *CATEGORIES[name]) for name in there}
    table = adverse_events_table(parts, people, control, chosen)
    names = records["AEDECOD"].drop_nulls().unique(maintain_order=True).to_list() if "AEDECOD" in records.columns else []
    terms = adverse_events_table({name: records.filter(pl.col("AEDECOD") == name) for name in names}, people, control, chosen)
    order = terms.with_columns(_all=pl.col("subjects").sum().over("category")).sort(
        "_all", "category", "arm", descending=[True, False, False]
    )
    settings = {
        "arm": arm,
        "control": control,
        "population": population,
        "treatment_emergent": treatment_emergent,
        "interval": chosen.WORD,
        "level": chosen.level,
    }
    return AdverseEvents(
        table, Origin(METHOD, VERSION, settings, (events, subjects)), level=chosen.level, terms=order.drop("_all")
    )


def _people(subjects: pl.DataFrame, arm: str, population: str | None) -> pl.DataFrame:
    """Return `USUBJID, arm, START, DAYS` of the population."""
    require_columns(subjects, [SUBJECT, arm], noun="ADSL")
    require_one_row_each(subjects, [SUBJECT], noun="ADSL", remedy="ADSL has one row a subject.")
    if population and population in subjects.columns:
        subjects = subjects.filter(pl.col(population) == "Y")
    has_dates = {"TRTSDT", "TRTEDT"} <= set(subjects.columns)
    none = pl.Series([None] * subjects.height, dtype=pl.Date)
    start, end = (dates(subjects, name, noun="ADSL") if has_dates else none for name in ("TRTSDT", "TRTEDT"))
    people = pl.DataFrame(
        {SUBJECT: subjects[SUBJECT].cast(pl.String), "arm": subjects[arm].cast(pl.String), "START": start, "END": end}
    )
    backwards = people.filter(pl.col("END") < pl.col("START"))
    if backwards.height:
        message = (
            f"ADSL: treatment of {backwards[SUBJECT][0]} ends on {backwards['END'][0]}, before it starts. Correct the dates."
        )
        raise TableError(message)
    return people.filter(pl.col("arm").is_not_null()).with_columns(DAYS=(pl.col("END") - pl.col("START")).dt.total_days() + 1)


def _require_control(people: pl.DataFrame, control: str | None) -> None:
    arms = people["arm"].unique().sort().to_list()
    if control is not None and control not in arms:
        message = f"ADSL: the control {control!r} is none of the arms {listed(arms)}. Name one of them."
        raise TableError(message)


def _records(events: pl.DataFrame, people: pl.DataFrame, subjects: pl.DataFrame, emergent: str | None) -> pl.DataFrame:
    """Return the events of the population, with `arm, START, _grade` and `_day` of treatment they began on."""
    require_columns(events, [SUBJECT], noun="ADAE")
    events = events.with_columns(pl.col(SUBJECT).cast(pl.String))
    strangers = events.filter(~pl.col(SUBJECT).is_in(subjects[SUBJECT].cast(pl.String).to_list()))
    if strangers.height:
        message = f"ADAE: subject {strangers[SUBJECT][0]} is not in ADSL. Give the ADSL of the same study."
        raise TableError(message)
    if emergent and emergent in events.columns:
        events = events.filter(pl.col(emergent) == "Y")
    if "AETOXGR" in events.columns:
        events = events.with_columns(_grade=cast_column(events, "AETOXGR", FLOAT, noun="ADAE"))
    elif "AESEV" in events.columns:
        events = events.with_columns(
            _grade=pl.col("AESEV").str.to_uppercase().replace_strict(SEVERITIES, default=None, return_dtype=pl.Float64)
        )
    begun = dates(events, "ASTDT", noun="ADAE") if "ASTDT" in events.columns else pl.Series([None] * events.height, dtype=pl.Date)
    joined = events.drop("arm", "START", strict=False).with_columns(_begun=begun)
    joined = joined.join(people.select(SUBJECT, "arm", "START"), on=SUBJECT, how="inner", maintain_order="left")
    return joined.with_columns(_day=(pl.col("_begun") - pl.col("START")).dt.total_days() + 1)


def _part(records: pl.DataFrame, column: str, value: str) -> pl.DataFrame:
    if not column:
        return records
    if value.startswith(">="):
        return records.filter(pl.col(column) >= float(value[2:]))
    return records.filter(pl.col(column).cast(pl.String).str.to_uppercase() == value)


def adverse_events_table(
    parts: Mapping[str, pl.DataFrame], people: pl.DataFrame, control: str | None, interval: AbstractDifferenceInterval
) -> pl.DataFrame:
    """Return the rows of every category from its records (`USUBJID, arm, _day`) and the population (`USUBJID, arm, DAYS`)."""
    arms = people["arm"].unique().sort().to_list()
    rows = [row for name, part in parts.items() for row in _rows(name, part, people, arms, control, interval)]
    return pl.DataFrame(rows, schema=COLUMNS)


def _rows(  # noqa: PLR0917  one category and what it is counted among
    name: str,
    part: pl.DataFrame,
    people: pl.DataFrame,
    arms: Sequence[str],
    control: str | None,
    interval: AbstractDifferenceInterval,
) -> list[dict[str, Any]]:
    first = part.group_by(SUBJECT).agg(_first=pl.col("_day").min(), records=pl.len())
    joined = people.join(first, on=SUBJECT, how="left", maintain_order="left")
    until = pl.when(pl.col("_first").is_between(1, pl.col("DAYS"))).then("_first").otherwise("DAYS")
    joined = joined.with_columns(_years=until / DAYS_PER_YEAR)
    counts = {
        arm: (
            int(group["records"].is_not_null().sum()),
            group.height,
            int(group["records"].sum() or 0),
            _known_sum(group["_years"]),
        )
        for arm in arms
        for group in (joined.filter(pl.col("arm") == arm),)
    }
    rows = []
    for arm, (subjects, n, records, years) in counts.items():
        row: dict[str, Any] = {
            "category": name, "arm": arm, "subjects": subjects, "n": n, "percent": 100 * subjects / n if n else None,
            "records": records, "years_at_risk": years, "per_100_patient_years": 100 * subjects / years if years else None,
            "status": "ok" if years else "No rate: treatment dates are missing.",
        }  # fmt: skip
        if control is not None and arm != control:
            against = counts[control][:2]
            lower, upper = interval.limits((subjects, n), against)
            row |= {
                "comparator": control,
                "risk_difference": subjects / n - against[0] / against[1],
                "lower": lower,
                "upper": upper,
            }
            row["interval"] = f"{interval.WORD} {interval.level:g}"
        rows.append(row)
    return rows


def _known_sum(years: pl.Series) -> float | None:
    """Return the sum, or None where a value is missing: a rate over part of the time would look fine."""
    return None if years.null_count() or not len(years) else float(years.sum())
