"""Two spectra of resistance against each other, by exact tests."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.core.seeds import stream_rng
from benchside.stages.resistance.analyse.spectrum import Spectrum
from benchside.stages.resistance.notice import ResistanceAnswer

VERSION: Final = "1"
DRAWN: Final = 20_000
"""Tables drawn where there are too many to count."""

ENUMERATED: Final = 300_000
OVERALL: Final = "patterns of patients"


@dataclass(frozen=True)
class SpectraTest(ResistanceAnswer):
    """Tests of shares: `.table` has one row a mechanism, and one of the patterns of patients where both cohorts hold patients."""

    KEY: ClassVar[tuple[str, ...]] = ("mechanism",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("p of the exact test", "p", ""),
        Quantity("p of the exact test, adjusted by Holm", "p_adjusted", ""),
    )


def compare_spectra(one: Spectrum, two: Spectrum, *, seed: int = 1) -> SpectraTest:
    """Return exact tests of the shares of two spectra: Fisher's of every mechanism, Freeman-Halton's of the patterns of patients.

    Parameters
    ----------
    one, two
        As `cohort` or `spectrum` return: one series each, with its drug and prior therapy (filter first).
    seed
        Of the tables drawn where there are more than can be counted.

    Returns
    -------
    SpectraTest
        `.table`: `mechanism, found_one, n_one, found_two, n_two, p, p_adjusted` (Holm over the mechanisms)`, test, status`. Mechanisms that
        one spectrum does not report (a published one reports few) are left out; those whose denominator is not published, too.

    Raises
    ------
    TableError
        When a spectrum holds several series, drugs or prior therapies, or none is reported by both.

    References
    ----------
    Fisher 1935; Freeman and Halton 1951, doi:10.1093/biomet/38.1-2.141; Holm 1979.

    Examples
    --------
    >>> from benchside.stages.resistance.analyse.spectrum import cohort, spectrum
    >>> mine = cohort(pl.DataFrame({"patient": list("abcdefgh"), "variant": ["G1202R"] * 6 + ["WT"] * 2, "drug": ["alectinib"] * 8}))
    >>> compare_spectra(mine, spectrum("alectinib")).table.select("mechanism", pl.col("p").round(3)).rows()
    [('any ALK mutation', 0.402), ('G1202R', 0.081), ('L1196M', 1.0)]
    """
    from scipy.stats import fisher_exact  # noqa: PLC0415  a second to import, and only here needed

    left, right = (_series(spectrum, place) for spectrum, place in ((one, "first"), (two, "second")))
    both = left.join(right, on="mechanism", how="full", suffix="_two", coalesce=True, maintain_order="left_right")
    both = _with_zeros(both, one, two).drop_nulls(["found", "found_two", "n", "n_two"])
    if both.is_empty():
        message = f"no mechanism is counted in both spectra; the first reports {listed(left['mechanism'])}, the second {listed(right['mechanism'])}. Compare series that report the same."
        raise TableError(message)
    rows = []
    for mechanism, a, n, b, m in both.select("mechanism", "found", "n", "found_two", "n_two").iter_rows():
        p = float(fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue)
        rows.append(
            {
                "mechanism": mechanism,
                "found_one": a,
                "n_one": n,
                "found_two": b,
                "n_two": m,
                "p": min(p, 1.0),
                "test": "Fisher",
                "status": "ok",
            }
        )
    adjusted = holm([row["p"] for row in rows])
    rows = [row | {"p_adjusted": p} for row, p in zip(rows, adjusted, strict=True)]
    if one.patients.height and two.patients.height:
        rows.append(_patterns(one.patients, two.patients, seed))
    table = pl.DataFrame(rows, schema_overrides={"p_adjusted": pl.Float64}, infer_schema_length=None)
    return SpectraTest(table, Origin("resistance.compare_spectra", VERSION, {"seed": seed}, (one.table, two.table)))


def _series(spectrum: Spectrum, place: str) -> pl.DataFrame:
    """Return the counts of a spectrum of one series; refuse several, since their denominators differ."""
    table = spectrum.table.filter(pl.col("n").is_not_null())
    for column in ("series", "drug", "prior"):
        held = table[column].unique(maintain_order=True).to_list()
        if len(held) > 1:
            message = f"the {place} spectrum holds {len(held)} of {column}: {listed(held)}. Compare one series, drug and prior therapy at a time."
            raise TableError(message)
    return table.select("mechanism", "found", "n")


def _with_zeros(both: pl.DataFrame, one: Spectrum, two: Spectrum) -> pl.DataFrame:
    """Return counts in which a cohort's missing mechanism is 0 of its patients: a cohort reports all it has, a publication need not."""
    for spectrum, ending in ((one, ""), (two, "_two")):
        if spectrum.patients.height:
            both = both.with_columns(
                pl.col(f"found{ending}").fill_null(0), pl.col(f"n{ending}").fill_null(spectrum.patients.height)
            )
    return both


def holm(p: list[float]) -> list[float]:
    """Return p values adjusted by Holm's step-down rule, in their order.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order, largest = sorted(range(len(p)), key=lambda k: p[k]), 0.0
    adjusted = [0.0] * len(p)
    for step, k in enumerate(order):
        largest = min(1.0, max(largest, (len(p) - step) * p[k]))
        adjusted[k] = largest
    return adjusted


def _patterns(one: pl.DataFrame, two: pl.DataFrame, seed: int) -> dict[str, Any]:
    """Return the test of the patterns of patients, each patient in exactly one."""
    names = sorted({*one["pattern"], *two["pattern"]})
    counts = np.array([[int((part["pattern"] == name).sum()) for name in names] for part in (one, two)], dtype=np.int64)
    p, how = freeman_halton(counts, seed=seed)
    return {
        "mechanism": OVERALL, "found_one": None, "n_one": one.height, "found_two": None, "n_two": two.height, "p": p, "p_adjusted": None,
        "test": "Freeman-Halton", "status": how,
    }  # fmt: skip


def freeman_halton(counts: npt.NDArray[np.int64], *, seed: int = 1, most: int = ENUMERATED) -> tuple[float, str]:
    """Return the p of a 2 x k table by the probability of tables no likelier than it, and how it was found.

    All tables with its margins are counted where there are few; else tables are drawn, and the p is (1 + as extreme) / (1 + drawn).

    Parameters
    ----------
    counts
        (2, k) whole numbers.
    seed
        Of the draws.
    most
        Tables counted; where there are more, they are drawn.

    Examples
    --------
    >>> round(freeman_halton(np.array([[3, 0, 1], [0, 4, 1]]))[0], 4)
    0.0238
    """
    from scipy.special import gammaln  # noqa: PLC0415  as above

    columns = counts.sum(axis=0)
    total, first = int(columns.sum()), int(counts[0].sum())
    held = columns[columns > 0]
    if len(held) < 2 or first in (0, total):
        return 1.0, "ok"

    def log_p(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        ways = gammaln(held + 1) - gammaln(rows + 1) - gammaln(held - rows + 1)
        return np.asarray(ways.sum(axis=1), dtype=np.float64)

    observed = log_p(counts[0][columns > 0][None, :])[0]
    all_rows = _rows(held, first, most)
    if all_rows is None:
        drawn = stream_rng(seed).multivariate_hypergeometric(held, first, size=DRAWN, method="marginals")
        extreme = int((log_p(np.asarray(drawn)) <= observed + 1e-7).sum())
        return (1 + extreme) / (1 + DRAWN), f"from {DRAWN} tables drawn: there are too many to count"
    logs = log_p(all_rows)
    weights = np.exp(logs - logs.max())
    return float(min(1.0, weights[logs <= observed + 1e-7].sum() / weights.sum())), "ok"


def _rows(columns: npt.NDArray[np.int64], first: int, most: int) -> npt.NDArray[np.int64] | None:
    """Return every first row that the margins allow, or None where there are more than `most`."""
    rows = np.zeros((1, 0), dtype=np.int64)
    for k, held in enumerate(columns):
        left = int(columns[k + 1 :].sum())
        parts = []
        for count in range(int(held) + 1):
            used = rows.sum(axis=1) + count
            fits = rows[(used <= first) & (used + left >= first)]
            parts.append(np.hstack([fits, np.full((len(fits), 1), count, dtype=np.int64)]))
        rows = np.vstack(parts)
        if len(rows) > most:
            return None
    return rows
