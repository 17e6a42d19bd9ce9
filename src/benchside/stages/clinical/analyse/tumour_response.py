"""Response of every assessment from the sum of target lesions, non-target lesions and new lesions (RECIST 1.1), and best change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import FLOAT, cast_column, dataframe
from benchside.kernels import recist
from benchside.stages.clinical.adam import SUBJECT, dates, require_columns, require_one_row_each

METHOD, VERSION = "clinical.tumour_response", "1"
NOUN: Final = "sums of lesions"
WORDS: Final = {code: word for word, code in recist.CODES.items()}
NON_TARGET: Final = ("CR", "NON-CR/NON-PD", "PD", "NE")


@dataclass(frozen=True)
class TumourResponse(Answer):
    """Every assessment after baseline, ready for `best_overall_response`.

    `table`: `USUBJID, TRTSDT, ADT, sum_mm, baseline_mm, nadir_mm, change_percent, from_nadir_percent, target, non_target,
    new_lesion, AVALC`.
    """

    best: pl.DataFrame = field(default_factory=pl.DataFrame)
    """`USUBJID, best_change_percent`: the smallest sum against baseline up to the first PD (a waterfall plot)."""

    KEY: ClassVar[tuple[str, ...]] = (SUBJECT, "ADT")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (Quantity("change_from_baseline", value="change_percent", unit="percent"),)


def tumour_response(
    sums: Any,
    *,
    sum_mm: str = "sum_mm",
    start: str = "TRTSDT",
    baseline: str | None = None,
    non_target: str | None = None,
    new_lesion: str | None = None,
    nodes_normal: str | None = None,
    complete: str | None = None,
    growth: float = 0.2,
    growth_mm: float = 5.0,
    shrinkage: float = 0.3,
) -> TumourResponse:
    """Return the overall response of every assessment from target sums.

    Parameters
    ----------
    sums
        A row an assessment: `USUBJID, ADT`, the start of treatment and the sum of target diameters (empty: not evaluable).
    sum_mm, start
        Names of those columns.
    baseline
        Column that is ``"Y"`` on the baseline assessment; by default the last one on or before the start, else the first.
    non_target
        Column of the response of non-target lesions (CR, NON-CR/NON-PD, PD, NE), empty where there are none.
    new_lesion
        Column that is true or ``"Y"`` where there is a new lesion: PD.
    nodes_normal
        Column that is true or ``"Y"`` where all that is left are lymph nodes below 10 mm: the target response is CR though the
        sum is not 0.
    complete
        Column that is true or ``"Y"`` where every target lesion was measured (ADTR's ANL01FL); elsewhere a sum can show PD only.
    growth, growth_mm, shrinkage
        PD: this share and these mm above the smallest sum so far. PR: this share below baseline.

    Raises
    ------
    TableError
        When a column is missing, a sum is negative, or two assessments of a subject have one date.

    References
    ----------
    Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026 (tables 1 and 2).

    Examples
    --------
    >>> df = pl.DataFrame({"USUBJID": ["1"] * 3, "TRTSDT": ["2020-01-01"] * 3, "ADT": ["2019-12-30", "2020-02-26", "2020-04-22"], "sum_mm": [50, 30, 40]})
    >>> tumour_response(df).table["AVALC"].to_list()
    ['PR', 'PD']
    """
    if not (growth > 0 and growth_mm >= 0 and 0 < shrinkage < 1):
        message = f"growth, growth_mm and shrinkage must be above 0 (the last below 1), not {growth}, {growth_mm} and {shrinkage}. Correct the setting."
        raise SettingError(message)
    frame = dataframe(sums)
    optional = [name for name in (baseline, non_target, new_lesion, nodes_normal, complete) if name]
    require_columns(frame, [SUBJECT, "ADT", start, sum_mm, *optional], noun=NOUN)
    named = {"non_target": non_target, "new_lesion": new_lesion, "nodes_normal": nodes_normal, "complete": complete}
    rows = _rows(frame, sum_mm, start, baseline, named)
    table = tumour_response_table(rows, growth=growth, growth_mm=growth_mm, shrinkage=shrinkage)
    settings = {
        "sum_mm": sum_mm, "start": start, "baseline": baseline, "non_target": non_target, "new_lesion": new_lesion,
        "nodes_normal": nodes_normal, "complete": complete, "growth": growth, "growth_mm": growth_mm, "shrinkage": shrinkage,
    }  # fmt: skip
    return TumourResponse(table, Origin(METHOD, VERSION, settings, (frame,)), best=_best(table))


def _rows(frame: pl.DataFrame, sum_mm: str, start: str, baseline: str | None, named: Mapping[str, str | None]) -> pl.DataFrame:
    """Return the prepared assessments, sorted by subject and date, with `is_baseline`."""
    non_target = named["non_target"]
    sums = cast_column(frame, sum_mm, FLOAT, noun=NOUN)
    bad = (sums < 0).fill_null(value=False).arg_true().to_list()
    if bad:
        message = f"{NOUN}: a sum of diameters is 0 mm or more; row {listed([row + 1 for row in bad], 3)} holds {sums[bad[0]]:g}. Correct it."
        raise TableError(message)
    words = (
        frame[non_target].cast(pl.String).str.to_uppercase() if non_target else pl.Series([None] * frame.height, dtype=pl.String)
    )
    unknown = sorted(set(words.drop_nulls().to_list()) - set(NON_TARGET))
    if unknown:
        message = f"{NOUN}: the response of non-target lesions must be one of {', '.join(NON_TARGET)}, not {listed(unknown)}. Recode it."
        raise TableError(message)
    rows = pl.DataFrame({
        SUBJECT: frame[SUBJECT].cast(pl.String),
        "TRTSDT": dates(frame, start, noun=NOUN),
        "ADT": dates(frame, "ADT", noun=NOUN),
        "sum_mm": sums,
        "is_baseline": _flag(frame, baseline),
        "non_target": words,
        "new_lesion": _flag(frame, named["new_lesion"]),
        "nodes_normal": _flag(frame, named["nodes_normal"]),
        "complete": _flag(frame, named["complete"]) if named["complete"] else pl.Series([True] * frame.height, dtype=pl.Boolean),
    }).filter(pl.col("ADT").is_not_null())  # fmt: skip
    require_one_row_each(rows, [SUBJECT, "ADT"], noun=NOUN, remedy="Keep one sum a date and assessor.")
    rows = rows.sort(SUBJECT, "ADT", maintain_order=True)
    if baseline:
        return rows
    before = (pl.col("ADT") <= pl.col("TRTSDT")).fill_null(value=False)
    chosen = pl.coalesce(pl.col("ADT").filter(before).max(), pl.col("ADT").min()).over(SUBJECT)
    return rows.with_columns(is_baseline=pl.col("ADT") == chosen)


def _flag(frame: pl.DataFrame, name: str | None) -> pl.Series:
    if name is None:
        return pl.Series([False] * frame.height, dtype=pl.Boolean)
    if frame[name].dtype == pl.Boolean:
        return frame[name].fill_null(value=False)
    return frame[name].cast(pl.String).str.to_uppercase().is_in(["Y", "YES", "TRUE", "1"]).fill_null(value=False)


def tumour_response_table(rows: pl.DataFrame, *, growth: float, growth_mm: float, shrinkage: float) -> pl.DataFrame:
    """Return the table of prepared rows (sorted by subject and date, with `is_baseline`); assessments up to baseline are left out."""
    counts = rows.group_by(SUBJECT, maintain_order=True).len()["len"].to_numpy()
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    flags = rows["is_baseline"].to_numpy()
    at = np.array([_last_true(flags, starts[s], starts[s + 1]) for s in range(counts.size)], dtype=np.int64)
    sums = rows["sum_mm"].fill_null(float("nan")).to_numpy()
    code, base, nadir = recist.target_response(starts, sums, rows["complete"].to_numpy(), at, growth, growth_mm, shrinkage)
    target = pl.Series([WORDS.get(int(value)) for value in code], dtype=pl.String)
    found = rows.with_columns(target=target, baseline_mm=pl.Series(base).fill_nan(None), nadir_mm=pl.Series(nadir).fill_nan(None))
    shrunk = pl.col("nodes_normal") & pl.col("target").is_in(["PR", "SD"])
    found = found.with_columns(target=pl.when(shrunk).then(pl.lit("CR")).otherwise("target")).filter(
        pl.col("target").is_not_null()
    )
    percent = {
        "change_percent": 100 * (pl.col("sum_mm") / pl.col("baseline_mm") - 1),
        "from_nadir_percent": 100 * (pl.col("sum_mm") / pl.col("nadir_mm") - 1),
    }
    finite = [pl.when(value.is_finite()).then(value).alias(name) for name, value in percent.items()]  # a sum of 0 has no percent
    found = found.with_columns(*finite, AVALC=_overall())
    return found.select(
        SUBJECT, "TRTSDT", "ADT", "sum_mm", "baseline_mm", "nadir_mm", "change_percent", "from_nadir_percent", "target", "non_target",
        "new_lesion", "AVALC",
    )  # fmt: skip


def _last_true(flags: Any, start: int, stop: int) -> int:
    found = np.flatnonzero(flags[start:stop])
    return int(start + found[-1]) if found.size else -1


def _overall() -> pl.Expr:
    """Return the overall response of target, non-target and new lesions (table 1 of RECIST 1.1)."""
    target, other = pl.col("target"), pl.col("non_target")
    return (
        pl.when(pl.col("new_lesion") | (target == "PD") | (other == "PD").fill_null(value=False))
        .then(pl.lit("PD"))
        .when(target == "NE")
        .then(pl.lit("NE"))
        .when((target == "CR") & (other.is_null() | (other == "CR")))
        .then(pl.lit("CR"))
        .when(target == "CR")
        .then(pl.lit("PR"))
        .otherwise(target)
    )


def _best(table: pl.DataFrame) -> pl.DataFrame:
    """Return every subject's best change up to and including the first PD."""
    first = table.filter(pl.col("AVALC") == "PD").group_by(SUBJECT).agg(_pd=pl.col("ADT").min())
    until = table.join(first, on=SUBJECT, how="left", maintain_order="left").filter(
        pl.col("_pd").is_null() | (pl.col("ADT") <= pl.col("_pd"))
    )
    return until.group_by(SUBJECT, maintain_order=True).agg(best_change_percent=pl.col("change_percent").min())
