"""Selectivity of compounds over a panel of kinases: S-score, Gini coefficient, selectivity entropy."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import FLOAT, TEXT, Column, conform, dataframe
from benchside.stages.assay.arrays import FloatArray

VERSION: Final = "1"
FEWEST: Final = 10
"""Over fewer kinases than this a score says more about the choice of kinases than about the compound."""

Readout = Literal["value_nM", "percent_control", "percent_inhibition"]
USUAL: Final = {"value_nM": 3000.0, "percent_control": 35.0, "percent_inhibition": 65.0}
"""Karaman's 3 uM, and the usual cut of single-dose panels: 35 % of control left."""


@dataclass(frozen=True)
class Selectivity(Answer):
    """Selectivity, one row a compound."""

    KEY: ClassVar[tuple[str, ...]] = ("compound",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("S-score", "s_score", "fraction", n="n_kinases"),
        Quantity("Gini coefficient", "gini", "", n="n_kinases"),
        Quantity("selectivity entropy", "entropy", "nat", n="n_kinases"),
    )


def selectivity(
    table: Any, *, readout: Readout = "value_nM", threshold: float | None = None, concentration_nM: float | None = None
) -> Selectivity:
    """Return how selective each compound is over the kinases it was tested on.

    Parameters
    ----------
    table
        Any dataframe or path, one row a compound and kinase: `compound, kinase`, the column of the readout, and for affinities
        `relation` (``=``, ``>`` or ``<``; absent: all ``=``). Leave mutants out: they are not further kinases. A row without
        a value counts as not tested.
    readout
        ``value_nM``: Kd, Ki or IC50. ``percent_control`` (0 = all inhibited) or ``percent_inhibition`` at one concentration.
    threshold
        A kinase is hit below this affinity or percent of control, or above this percent of inhibition; by default 3,000 nM,
        35 % and 65 %.
    concentration_nM
        The concentration at which affinities are turned into inhibition, c / (c + Kd), for the Gini coefficient; by default
        the threshold. Not for percentages, which were measured at one.

    Returns
    -------
    Selectivity
        One row a compound: `s_score`, hits over kinases tested (0 is most selective), with `s_lower, s_upper` where censored
        values leave it open; `gini` (1 is most selective); `entropy` (0 is most selective); `n_kinases, n_hits, n_censored,
        n_undecided, n_outside` (inhibitions below 0 or above 100 %, taken as 0 and 100 % in gini and entropy), `status`.

    Raises
    ------
    TableError
        When a compound has two rows for a kinase, or a value is no affinity.
    SettingError
        When a setting is unknown or out of range.

    Notes
    -----
    S-score: Karaman et al. 2008, doi:10.1038/nbt1358. Gini coefficient of the inhibitions: Graczyk 2007,
    doi:10.1021/jm070562u. Entropy, -sum p ln p with p the share of a kinase in the sum of association constants: Uitdehaag and
    Zaman 2011, doi:10.1186/1471-2105-12-94; a percentage gives the constant inhibited / left, and an affinity known only to be
    weaker than a bound counts as no binding.

    Examples
    --------
    >>> import polars as pl
    >>> panel = pl.DataFrame({"compound": ["x"] * 10, "kinase": [f"K{k}" for k in range(10)], "value_nM": [1.0] * 2 + [1e6] * 8})
    >>> selectivity(panel).table["s_score"][0]
    0.2
    """
    frame = dataframe(table)
    settings = {"readout": readout, "threshold": threshold, "concentration_nM": concentration_nM}
    result = selectivity_table(frame, readout=readout, threshold=threshold, concentration_nM=concentration_nM)
    return Selectivity(result, Origin("assay.selectivity", VERSION, settings, (frame,)))


def selectivity_table(
    frame: pl.DataFrame, *, readout: Readout, threshold: float | None, concentration_nM: float | None
) -> pl.DataFrame:
    """Return the columns of `selectivity`, one row a compound in the order the compounds first appear."""
    if readout not in USUAL:
        message = f"readout={readout!r} is unknown. Use one of {listed(USUAL)}."
        raise SettingError(message)
    cut = USUAL[readout] if threshold is None else threshold
    dose = cut if concentration_nM is None else concentration_nM
    if not (0 < cut < np.inf and 0 < dose < np.inf) or (readout != "value_nM" and concentration_nM is not None):
        message = f"threshold={cut} and concentration_nM={concentration_nM} must be above 0, and a concentration goes with readout='value_nM' only. Correct them."
        raise SettingError(message)
    panel = panel_of(frame, readout)
    rows = [
        {"compound": part["compound"][0], **scores(part, readout, cut, dose)}
        for part in panel.partition_by("compound", maintain_order=True)
    ]
    schema = {
        "compound": pl.String,
        "threshold": pl.Float64,
        **dict.fromkeys(SCORES, pl.Float64),
        **dict.fromkeys(COUNTS, pl.Int64),
    }
    return pl.DataFrame(rows, schema={**schema, "status": pl.String}).with_columns(pl.selectors.float().fill_nan(None))


SCORES: Final = ("s_score", "s_lower", "s_upper", "gini", "entropy")
COUNTS: Final = ("n_kinases", "n_hits", "n_censored", "n_undecided", "n_outside")


def panel_of(frame: pl.DataFrame, readout: Readout) -> pl.DataFrame:
    """Return `compound, kinase, value, relation` of every row; refuse repeats and values that are no affinity."""
    needed = {
        "compound": Column(TEXT, "the compound", required=True), "kinase": Column(TEXT, "the kinase", required=True),
        readout: Column(FLOAT, "the readout", required=True), "relation": Column(TEXT, "=, > or <"),
    }  # fmt: skip
    noun = "selectivity panel"
    panel = conform(frame, needed, noun=noun).select("compound", "kinase", pl.col(readout).alias("value"), "relation")
    panel = panel.with_columns(pl.col("relation").fill_null("="))
    twice = panel.filter(panel.select("compound", "kinase").is_duplicated())
    if twice.height:
        message = f"{noun}: {twice['compound'][0]} stands more than once for {twice['kinase'][0]}. Keep one row a kinase, or average them first."
        raise TableError(message)
    positive = readout == "value_nM"
    right = pl.col("value").is_finite() & (pl.col("value") > 0 if positive else pl.lit(value=True))
    bad = panel.filter(~right.fill_null(value=True) | ~pl.col("relation").is_in(["=", "<", ">"]))
    if bad.height:
        row = bad.row(0, named=True)
        message = f"{noun}: {readout} must be {'above 0' if positive else 'a finite number'} with a relation of =, < or >; {row['compound']} on {row['kinase']} has {row['relation']} {row['value']}. Correct the row; a kinase that did not bind is '>' the top dose."
        raise TableError(message)
    if not positive and (panel["relation"] != "=").any():
        message = f"{noun}: a {readout} has no relation but '='. Remove the column, or use readout='value_nM'."
        raise TableError(message)
    return panel


def scores(part: pl.DataFrame, readout: Readout, cut: float, dose: float) -> dict[str, Any]:
    """Return the scores of one compound."""
    known = part.filter(pl.col("value").is_not_null())
    value, relation = known["value"].to_numpy(), known["relation"].to_numpy()
    n = len(value)
    above, below = relation == ">", relation == "<"
    if readout == "percent_inhibition":
        hit, undecided = value > cut, np.zeros(n, dtype=bool)
    else:
        # A bound decides only on its own side of the cut: > 1,000 nM does not say whether 3,000 nM is reached.
        undecided = (above & (value < cut)) | (below & (value > cut))
        hit = (value < cut) & ~undecided
    counts = {
        "n_kinases": n, "n_hits": int(hit.sum()), "n_censored": int((above | below).sum()), "n_undecided": int(undecided.sum()),
    }  # fmt: skip
    inhibition, strength, outside = inhibitions(value, above, readout, dose)
    few = n < FEWEST
    found = {
        "s_lower": counts["n_hits"] / n, "s_upper": (counts["n_hits"] + counts["n_undecided"]) / n,
        "s_score": counts["n_hits"] / n if not undecided.any() else np.nan, "gini": gini(inhibition), "entropy": entropy(strength),
    } if not few else dict.fromkeys(SCORES, np.nan)  # fmt: skip
    return {"threshold": cut, **found, **counts, "n_outside": outside, "status": status(found, counts, outside, few=few)}


def inhibitions(
    value: FloatArray, above: np.ndarray[Any, np.dtype[np.bool_]], readout: Readout, dose: float
) -> tuple[FloatArray, FloatArray, int]:
    """Return inhibition (0 to 1) and association constant of every kinase, and how many percentages lay outside 0 to 100."""
    if readout == "value_nM":
        return np.where(above, 0.0, dose / (dose + value)), np.where(above, 0.0, 1.0 / value), 0
    raw = (value if readout == "percent_inhibition" else 100.0 - value) / 100.0
    share = np.clip(raw, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        strength = share / (1.0 - share)
    return share, strength, int(((raw < 0) | (raw > 1)).sum())


def gini(inhibition: FloatArray) -> float:
    """Return the Gini coefficient of inhibitions of 0 or more; nan where nothing is inhibited.

    It is 1 less twice the area under the Lorenz curve: 0 where all kinases are inhibited alike, 1 - 1 / n where only one is.
    """
    n, total = len(inhibition), float(inhibition.sum())
    if not total > 0:
        return float("nan")
    rank = np.arange(1, n + 1)
    return float(2 * np.sum(rank * np.sort(inhibition)) / (n * total) - (n + 1) / n)


def entropy(strength: FloatArray) -> float:
    """Return -sum p ln p over the shares of the association constants; nan where nothing binds or one is endless."""
    total = float(strength.sum())
    if not 0 < total < np.inf:
        return float("nan")
    p = strength[strength > 0] / total
    return float(-np.sum(p * np.log(p))) + 0.0


def status(found: dict[str, float], counts: dict[str, int], outside: int, *, few: bool) -> str:
    """Return what must be said of one compound."""
    undecided = counts["n_undecided"]
    rules = [
        (few, f"No score: {counts['n_kinases']} kinases have a value, and fewer than {FEWEST} say more about the panel than about the compound. Test more kinases."),
        (not few and undecided > 0, f"{undecided} censored values leave open whether the kinase is hit, so the S-score is only known to lie between its bounds. Test higher or lower doses."),
        (not few and outside > 0, f"{outside} percentages lie outside 0 to 100 and are taken as 0 or 100 in gini and entropy."),
        (not few and np.isnan(found["gini"]), "No Gini coefficient: no kinase is inhibited."),
        (not few and np.isnan(found["entropy"]), "No entropy: no kinase binds, or one is inhibited completely, whose constant is unknown."),
    ]  # fmt: skip
    return " ".join(text for where, text in rules if where) or "ok"
