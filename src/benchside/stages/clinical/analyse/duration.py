"""What follows from responses: their duration, disease control, time to response, and rates in subgroups (measurable disease, prior radiotherapy)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import polars as pl

from benchside.core.errors import SettingError, TableError
from benchside.core.evidence import Origin, Quantity
from benchside.core.tables import dataframe
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.clinical.adam import SUBJECT, dates, require_columns, require_one_row_each
from benchside.stages.clinical.analyse.best_overall_response import BestOverallResponse
from benchside.stages.clinical.analyse.derive_tte import DerivedTimeToEvent, Rule, derive_tte
from benchside.stages.clinical.analyse.response_rate import AbstractProportionInterval, ClopperPearson
from benchside.stages.clinical.model import ClinicalAnswer

METHOD, VERSION = "clinical.objective_response", "1"
RESPONSES: Final = ("CR", "PR")
CONTROL: Final = ("CR", "PR", "SD", "NON-CR/NON-PD")
OUTCOMES: Final = {"objective_response": RESPONSES, "complete_response": ("CR",), "disease_control": CONTROL}
SUMMARY: Final = {
    "outcome": pl.String, "arm": pl.String, "subgroup": pl.String, "responders": pl.Int64, "n": pl.Int64, "rate": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "interval": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class ObjectiveResponse(ClinicalAnswer):
    """Rates by outcome, arm and subgroup: `outcome, arm, subgroup, responders, n, rate, lower, upper, interval, status`."""

    KEY: ClassVar[tuple[str, ...]] = ("outcome", "arm", "subgroup")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("rate", value="rate", unit="fraction", lower="lower", upper="upper", n="n", named_by="_quantity"),
    )

    def named(self) -> pl.DataFrame:
        """Return the table with the name of each row's quantity."""
        return self.table.with_columns(_quantity=pl.col("outcome") + "_rate")


def objective_response(
    responses: BestOverallResponse | Any,
    adsl: Any,
    *,
    arm: str = "ARM",
    by: Sequence[str] = (),
    interval: AbstractProportionInterval | None = None,
) -> ObjectiveResponse:
    """Return objective response, complete response and disease control rates by arm, and in subgroups.

    Parameters
    ----------
    responses
        Best overall responses (or a table with `USUBJID, response`). Of the brain they give the intracranial rates: a subject with
        non-measurable disease can have CR, NON-CR/NON-PD or PD only.
    adsl
        One row a subject: `USUBJID`, the arm, the columns of `by`. Every subject counts, those without a response row too.
    arm
        Column of the arm.
    by
        Columns whose values are subgroups, one after another: measurable disease at baseline, prior radiotherapy.
    interval
        By default `ClopperPearson()`.

    Raises
    ------
    TableError
        When a column is missing, or a subject with a response is not in `adsl`.
    """
    chosen = ClopperPearson() if interval is None else interval
    found, subjects = dataframe(responses), dataframe(adsl)
    require_columns(found, [SUBJECT, "response"], noun="responses")
    require_columns(subjects, [SUBJECT, arm, *by], noun="ADSL")
    require_one_row_each(subjects, [SUBJECT], noun="ADSL", remedy="ADSL has one row a subject.")
    everyone = subjects.select(pl.col(SUBJECT).cast(pl.String), pl.col(arm).cast(pl.String).alias("arm"), *by)
    strangers = found.filter(~pl.col(SUBJECT).is_in(everyone[SUBJECT].to_list()))
    if strangers.height:
        message = f"ADSL: subject {strangers[SUBJECT][0]} has a response and is not in it. Give the ADSL of the same study."
        raise TableError(message)
    table = everyone.join(found.select(SUBJECT, "response"), on=SUBJECT, how="left", maintain_order="left")
    settings = {"arm": arm, "by": list(by), "interval": chosen.WORD, "level": chosen.level}
    return ObjectiveResponse(
        objective_response_table(table, by, chosen), Origin(METHOD, VERSION, settings, (found, subjects)), level=chosen.level
    )


def objective_response_table(subjects: pl.DataFrame, by: Sequence[str], interval: AbstractProportionInterval) -> pl.DataFrame:
    """Return the rates of a table of subjects with `arm, response` and the columns of `by`."""
    groups = [("all", subjects)]
    groups += [
        (f"{name} = {value}", subjects.filter(pl.col(name) == value))
        for name in by
        for value in subjects[name].drop_nulls().unique().sort()
    ]
    rows = []
    for outcome, words in OUTCOMES.items():
        for arm in subjects["arm"].drop_nulls().unique().sort():
            for subgroup, part in groups:
                inside = part.filter(pl.col("arm") == arm)
                x, n = int(inside["response"].is_in(list(words)).sum()), inside.height
                lower, upper = interval.limits(x, n) if n else (None, None)
                rows.append({
                    "outcome": outcome, "arm": arm, "subgroup": subgroup, "responders": x, "n": n, "rate": x / n if n else None,
                    "lower": lower, "upper": upper, "interval": f"{interval.WORD} {interval.level:g}",
                    "status": "ok" if n else "Not estimable: there is no subject.",
                })  # fmt: skip
    return pl.DataFrame(rows, schema=SUMMARY)


def duration_of_response(adrs: Any, adsl: Any, *, rule: Rule = "FDA", **settings: Any) -> DerivedTimeToEvent:
    """Return every responder's duration of response: from the first (confirmed) CR or PR to progression or death.

    Parameters
    ----------
    adrs, adsl, rule, settings
        As in `derive_tte`, with endpoint DOR.
    """
    if "endpoint" in settings:
        message = "duration_of_response is the endpoint DOR. Leave out endpoint=, or call derive_tte."
        raise SettingError(message)
    return derive_tte(adrs, adsl, endpoint="DOR", rule=rule, **settings)


def time_to_response(responses: BestOverallResponse, adsl: Any, *, start: str = "TRTSDT") -> pl.DataFrame:
    """Return `USUBJID, response, time_months` of the responders, from the start to the first CR or PR."""
    subjects = dataframe(adsl)
    require_columns(subjects, [SUBJECT, start], noun="ADSL")
    starts = pl.DataFrame({SUBJECT: subjects[SUBJECT].cast(pl.String), "START": dates(subjects, start, noun="ADSL")})
    responders = responses.table.filter(pl.col("response").is_in(list(RESPONSES)))
    joined = responders.join(starts, on=SUBJECT, how="left", maintain_order="left")
    days = (pl.col("response_date") - pl.col("START")).dt.total_days() + 1
    return joined.select(SUBJECT, "response", time_months=days / DAYS_PER_MONTH)
