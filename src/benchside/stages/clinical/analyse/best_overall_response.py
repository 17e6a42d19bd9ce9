"""Best overall response by RECIST 1.1, confirmed or not, with the assessments it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import dataframe
from benchside.kernels import recist
from benchside.stages.clinical.adam import SUBJECT, dates, keep_rows, one_parameter, require_columns, require_one_row_each

METHOD, VERSION = "clinical.best_overall_response", "1"
NOUN: Final = "response table"
WORDS: Final = {code: word for word, code in recist.CODES.items()}
SYNONYMS: Final = {
    "NON CR/NON PD": "NON-CR/NON-PD", "NOT EVALUABLE": "NE", "INEVALUABLE": "NE", "NN": "NON-CR/NON-PD", "NED": "NON-CR/NON-PD",
}  # fmt: skip
"""Other spellings; NED, no evidence of disease, is what a brain without lesions is called."""

ASSESSORS: Final = ("EVAL", "EVALID", "RSEVAL", "RSEVALID")
"""Columns that say who assessed: the role, and which reader of that role."""

ACCEPTED: Final = frozenset({"ACPTFL", "RSACPTFL"})
"""Flags of the reads that were accepted: one reader's a subject, and not the same reader's of all."""

NOT_DONE: Final = frozenset({"ND", "NOT DONE", "MISSING"})
COLUMNS = {
    SUBJECT: pl.String, "response": pl.String, "first_date": pl.Date, "confirmation_date": pl.Date, "response_date": pl.Date,
    "assessments": pl.Int64, "counted": pl.Int64, "reason": pl.String, "rule": pl.String,
}  # fmt: skip
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BestOverallResponse(Answer):
    """One row a subject: `USUBJID, response, first_date, confirmation_date, response_date, assessments, counted, reason, rule`.

    `first_date` is the assessment the best response starts at, `confirmation_date` the one that confirms it, `response_date` the
    first CR or PR of a responder (where duration of response starts); `rule` prints the settings.
    """

    trail: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Every assessment: `USUBJID, ADT, AVALC, day, counted, role`."""

    KEY: ClassVar[tuple[str, ...]] = (SUBJECT,)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("best_overall_response", value="response", unit=""),)


@dataclass(frozen=True)
class _Rules:
    """The windows, all named."""

    confirmed: bool
    confirmation_days: int
    stable_days: int
    max_not_evaluable: int
    accept_stable: bool
    missing: str

    def __post_init__(self) -> None:
        counts = (self.confirmation_days, self.stable_days, self.max_not_evaluable)
        if any(count < 0 for count in counts):
            message = f"confirmation_days, stable_days and max_not_evaluable must be whole numbers of 0 or more, not {listed(counts)}. Correct the setting."
            raise SettingError(message)

    @property
    def words(self) -> str:
        if not self.confirmed:
            return f"RECIST 1.1, unconfirmed; SD from day {self.stable_days}"
        stable = "one SD" if self.accept_stable else "no SD"
        return (
            f"RECIST 1.1, confirmed after {self.confirmation_days} d or more with at most {self.max_not_evaluable} NE and {stable} "
            f"between; SD from day {self.stable_days}"
        )


def best_overall_response(
    adrs: Any,
    *,
    confirmed: bool = True,
    confirmation_days: int = 28,
    stable_days: int = 28,
    max_not_evaluable: int = 1,
    accept_stable: bool = False,
    missing: str = "MISSING",
    parameter: str | None = None,
    where: Mapping[str, str | int | float] | None = None,
    start: str = "TRTSDT",
    end: str | None = None,
) -> BestOverallResponse:
    """Return every subject's best overall response.

    Parameters
    ----------
    adrs
        A dataframe or path with a row an assessment: `USUBJID`, the start of treatment, `ADT` (empty: no assessment) and `AVALC`
        (CR, PR, SD, NON-CR/NON-PD, PD or NE; ND and MISSING count as no assessment).
    confirmed
        True: a CR needs a second CR, and a PR a second PR or a CR, `confirmation_days` later or more. Between them no PD and no
        more than `max_not_evaluable` NE; between two PR also one SD if `accept_stable`. A PR after a CR confirms nothing.
    confirmation_days, max_not_evaluable, accept_stable
        See above.
    stable_days
        SD (and a CR or PR that was not confirmed) counts from this many days after the start; so does NON-CR/NON-PD.
    missing
        What a subject without an assessment is called; ``"NE"`` counts it as not evaluable.
    parameter
        PARAMCD of the overall responses, where the table holds several parameters.
    where
        Keep rows whose column has a value: the assessor, an analysis flag, ``{"ANL01FL": "Y"}``.
    start
        Column of the date the windows count from.
    end
        Column of a date (new anticancer therapy, say): assessments after it do not count.

    Raises
    ------
    TableError
        When a column is missing, a response is unknown, two assessments of a subject have one date, or parameters or assessors
        (EVAL, EVALID, RSEVAL, RSEVALID) are mixed; accepted reads (``where={"RSACPTFL": "Y"}``) may be of several readers.

    Notes
    -----
    Nothing after the first PD counts. Order of preference: CR, PR, SD, NON-CR/NON-PD, PD, NE, missing.

    References
    ----------
    Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026 (table 3 for confirmation).

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1", "1"], "TRTSDT": ["2020-01-01"] * 2, "ADT": ["2020-02-01", "2020-03-15"], "AVALC": ["PR", "CR"]})
    >>> best_overall_response(df).table["response"].to_list()
    ['PR']
    """
    rules = _Rules(confirmed, confirmation_days, stable_days, max_not_evaluable, accept_stable, missing)
    frame = dataframe(adrs)
    rows = assessments(frame, parameter=parameter, where=where, start=start, end=end)
    table, trail = best_overall_response_table(rows, rules)
    settings = {**vars(rules), "parameter": parameter, "where": dict(where or {}), "start": start, "end": end}
    return BestOverallResponse(table, Origin(METHOD, VERSION, settings, (frame,)), trail=trail)


def assessments(
    frame: pl.DataFrame,
    *,
    parameter: str | None,
    where: Mapping[str, str | int | float] | None = None,
    start: str = "TRTSDT",
    end: str | None = None,
) -> pl.DataFrame:
    """Return `USUBJID, START, ADT, AVALC, END` in order, one row an assessment, and one with ADT null for a subject without."""
    require_columns(frame, [SUBJECT, start, "ADT", "AVALC", *([end] if end else [])], noun=NOUN)
    kept = one_parameter(keep_rows(frame, where or {}, noun=NOUN), parameter, noun=NOUN)
    _require_one_assessor(kept, accepted=bool(ACCEPTED & set(where or {})))
    rows = pl.DataFrame({
        SUBJECT: kept[SUBJECT].cast(pl.String),
        "START": dates(kept, start, noun=NOUN),
        "ADT": dates(kept, "ADT", noun=NOUN),
        "AVALC": kept["AVALC"].cast(pl.String).str.strip_chars().str.to_uppercase().replace(SYNONYMS),
        "END": dates(kept, end, noun=NOUN) if end else pl.Series([None] * kept.height, dtype=pl.Date),
    })  # fmt: skip
    rows = rows.with_columns(ADT=pl.when(pl.col("AVALC").is_in(list(NOT_DONE))).then(None).otherwise(pl.col("ADT")))
    _check(rows)
    everyone = rows.select(SUBJECT).unique(maintain_order=True)
    seen = rows.filter(pl.col("ADT").is_not_null())
    found = everyone.join(seen, on=SUBJECT, how="left", maintain_order="left")
    require_one_row_each(
        seen, [SUBJECT, "ADT"], noun=NOUN, remedy="Keep one assessor with where=, or one assessment a date, and say which."
    )
    return found.sort(SUBJECT, "ADT", maintain_order=True)


def _require_one_assessor(frame: pl.DataFrame, *, accepted: bool) -> None:
    for column in ASSESSORS:
        if column not in frame.columns or (accepted and column.endswith("ID")):
            continue
        names = frame[column].cast(pl.String).str.strip_chars().str.to_uppercase().replace("", None)
        *some, last = names.drop_nulls().unique().sort().to_list() or [""]
        if some:
            message = f"{NOUN}: {column} holds {', '.join(some)} and {last}: keep one with where=."
            raise TableError(message)


def _check(rows: pl.DataFrame) -> None:
    seen = rows.with_row_index("row", offset=1).filter(pl.col("ADT").is_not_null())
    unknown = seen.filter(~pl.col("AVALC").is_in(list(recist.CODES)).fill_null(value=False))
    if unknown.height:
        message = (
            f"{NOUN}: AVALC must be one of {', '.join(recist.CODES)}; row {listed(unknown['row'], 3)} holds "
            f"{listed([repr(value) for value in unknown['AVALC']], 3)}. Keep the overall responses (parameter=), or recode it."
        )
        raise TableError(message)
    unstarted = seen.filter(pl.col("START").is_null())
    if unstarted.height:
        message = f"{NOUN}: subject {unstarted[SUBJECT][0]} has an assessment and no start date (row {unstarted['row'][0]}). Fill it in, or name another column as start=."
        raise TableError(message)
    several = seen.group_by(SUBJECT, maintain_order=True).agg(pl.col("START").n_unique()).filter(pl.col("START") > 1)
    if several.height:
        message = f"{NOUN}: subject {several[SUBJECT][0]} has several start dates. Keep one."
        raise TableError(message)


def best_overall_response_table(rows: pl.DataFrame, rules: _Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the table and the trail of prepared assessments (`assessments`)."""
    seen = rows.filter(pl.col("ADT").is_not_null())
    late = (seen["ADT"] > seen["END"]).fill_null(value=False)
    used = seen.filter(~late).with_row_index("index")
    subjects = rows[SUBJECT].unique(maintain_order=True)
    counts = (
        subjects.to_frame().join(used.group_by(SUBJECT).len(), on=SUBJECT, how="left", maintain_order="left")["len"].fill_null(0)
    )
    starts = np.concatenate([[0], np.cumsum(counts.to_numpy())]).astype(np.int64)
    day = (used["ADT"] - used["START"]).dt.total_days().cast(pl.Int64).to_numpy()
    code = used["AVALC"].replace_strict(recist.CODES, return_dtype=pl.Int64).to_numpy()
    best, first, second, onset, stop = recist.best_response(
        starts,
        day,
        code,
        rules.confirmed,
        rules.confirmation_days,
        rules.stable_days,
        rules.max_not_evaluable,
        rules.accept_stable,
    )
    when = used["ADT"]
    table = pl.DataFrame({
        SUBJECT: subjects,
        "response": [WORDS.get(int(value), rules.missing) for value in best],
        "first_date": [when[int(i)] if i >= 0 else None for i in first],
        "confirmation_date": [when[int(i)] if i >= 0 else None for i in second],
        "response_date": [when[int(i)] if i >= 0 else None for i in onset],
        "assessments": counts.cast(pl.Int64),
        "counted": stop - starts[:-1],
        "reason": [_reason(int(value), rules) for value in best],
        "rule": rules.words,
    }, schema=COLUMNS)  # fmt: skip
    return table, _trail(seen, late, starts, first, second, stop)


def _reason(best: int, rules: _Rules) -> str:
    if best == recist.MISSING:
        return "No assessment."
    if best in (recist.CR, recist.PR):
        return (
            "Confirmed by the assessment of confirmation_date."
            if rules.confirmed
            else "First such response; none was asked to confirm it."
        )
    return {
        recist.SD: f"No {'confirmed ' if rules.confirmed else ''}response; SD or better {rules.stable_days} d or more after the start.",
        recist.NON_CR_NON_PD: f"Neither CR nor PD {rules.stable_days} d or more after the start.",
        recist.PD: "Progressed first.",
        recist.NE: f"No assessment that can be evaluated {rules.stable_days} d or more after the start, and no PD.",
    }[best]  # fmt: skip


def _trail(  # noqa: PLR0917  the arrays, in order
    seen: pl.DataFrame, late: pl.Series, starts: Integers, first: Integers, second: Integers, stop: Integers
) -> pl.DataFrame:
    used = int((~late).sum())
    role = np.full(used, "", dtype=object)
    for s in range(first.size):
        role[stop[s] : starts[s + 1]] = "after the first PD: not counted"
        if first[s] >= 0:
            role[first[s]] = "the response starts here"
        if second[s] >= 0:
            role[second[s]] = "confirms it"
    roles = np.full(seen.height, "after the end date: not counted", dtype=object)
    roles[(~late).to_numpy()] = role
    found = seen.select(SUBJECT, "ADT", "AVALC", day=(pl.col("ADT") - pl.col("START")).dt.total_days().cast(pl.Int64))
    return found.with_columns(role=pl.Series(roles.tolist(), dtype=pl.String)).with_columns(
        counted=~pl.col("role").str.ends_with("not counted")
    )
