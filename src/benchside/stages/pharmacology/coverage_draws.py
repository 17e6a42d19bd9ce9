"""Coverage with an interval that carries everything that is not known: potency, exposure, binding, serum, brain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.core.exchange import Potency, Site
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.kernels.dosing import Floats
from benchside.kernels.patient_draws import patient_normals
from benchside.stages.pharmacology.compound import Compound, compound, facts_used
from benchside.stages.pharmacology.coverage import SCHEMA as BASE_SCHEMA
from benchside.stages.pharmacology.coverage import SERUM_SENTENCE, Coverage
from benchside.stages.pharmacology.draws import NUMBERS, POTENCY, Draws, drawn_of
from benchside.stages.pharmacology.model import Regimen
from benchside.stages.pharmacology.potencies import as_potency, between_laboratories_sd_log, published_potencies
from benchside.stages.pharmacology.spread import SERUM_PRIOR

VERSION: Final = "1"
INPUTS: Final = ("potency", "exposure", "unbound", "serum", "brain")
"""What the interval rests on, in the order of the columns `variance_share_...`."""

_Z95: Final = 1.959964

SCHEMA: Final[dict[str, Any]] = {
    **{name: dtype for name, dtype in BASE_SCHEMA.items() if name not in {"relation", "status"}},
    "minimum_lower": pl.Float64, "minimum_upper": pl.Float64,
    "share_above_ic90": pl.Float64, "share_lower": pl.Float64, "share_upper": pl.Float64,
    **{f"variance_share_{name}": pl.Float64 for name in INPUTS},
    "level": pl.Float64, "relation": pl.String, "verified": pl.String, "warning": pl.String, "source": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class CoverageDraws(Coverage):
    """Coverage by compound, variant and site: the median of the draws, its interval, and what the interval rests on."""

    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("coverage_average", "coverage_average", "ratio", "lower", "upper", relation="relation"),
        Quantity("coverage_minimum", "coverage_minimum", "ratio", "minimum_lower", "minimum_upper", relation="relation"),
        Quantity("share of the interval above IC90", "share_above_ic90", "fraction", "share_lower", "share_upper"),
        Quantity("free_average", "free_average_nM", "nM"),
        Quantity("free_ic50", "free_ic50_nM", "nM"),
    )


def coverage_draws(
    potencies: Potency,
    *,
    regimens: Sequence[Regimen] = (),
    compounds: Sequence[Compound] = (),
    sites: Sequence[Site] = ("plasma", "cns"),
    serum_fraction: float | None = None,
    hill: float = 1.0,
    metabolites: bool = True,
    fed: bool | None = None,
    draws: int = 1000,
    seed: int = 1,
    level: float = 0.95,
) -> CoverageDraws:
    """Return coverage with intervals by Monte Carlo, one row a potency and site.

    Coverage is the sum over a compound and its active metabolites of fu C / (fu_medium IC50), fu_medium = 1 / (1 + s (1/fu - 1)).

    Parameters
    ----------
    potencies
        Nominal IC50 in the assay medium; `lower_nM` and `upper_nM` are read as 95 % limits of a lognormal.
    regimens
        Dose and interval of a compound; the published ones where none is given.
    compounds
        Compounds of your own, which stand before published ones of the same name.
    sites
        ``plasma``, ``cns`` or both.
    serum_fraction
        Serum in the medium where a potency row has none. None: even between 0.03 and 0.1, what 10 % serum may hold.
    hill
        Slope that makes an IC90 of an IC50: IC90 = 9^(1/hill) IC50.
    metabolites
        Whether active metabolites count.
    fed
        With or without food, as in `exposure`.
    draws, seed, level
        Size, seed and level of the interval.

    Returns
    -------
    CoverageDraws
        The columns of `Coverage`, ``minimum_lower, minimum_upper, share_above_ic90, share_lower, share_upper``, and
        ``variance_share_potency, _exposure, _unbound, _serum, _brain``: each input's variance of ln coverage when it alone
        varies, over the sum of the five. Null with a sentence where the pharmacokinetics of a compound are not known.

    Raises
    ------
    SettingError
        When a setting is out of range.

    Notes
    -----
    The interval is that of one patient drawn at random: it holds the spread between patients beside what is not known of the
    compound. Draw k is the same for every compound, so that differences between compounds are not noise.

    References
    ----------
    Kalvass and Maurer 2002, doi:10.1002/bdd.325 (binding in dilute media); Smith, Di and Kerns 2010, doi:10.1038/nrd3287 (free drug).

    Examples
    --------
    >>> rows = pl.DataFrame({"compound": ["lorlatinib"], "variant": ["WT"], "value_nM": [2.0]})
    >>> found = coverage_draws(Potency(rows), sites=["cns"]).table
    >>> bool(found["lower"][0] < found["coverage_average"][0] < found["upper"][0])
    True
    """
    _check(draws, level, hill, serum_fraction)
    normal = patient_normals(seed, patients=draws, numbers=NUMBERS)
    own = {each.name: each for each in compounds}
    held: dict[tuple[str, float | None], Draws | str] = {}
    rows: list[dict[str, Any]] = []
    for (name, serum), part in potencies.table.group_by("compound", "serum_fraction", maintain_order=True):
        stated = serum_fraction if serum is None else float(str(serum))
        drawn = drawn_of(str(name), own, regimens, stated, normal, metabolites=metabolites, fed=fed)
        held[str(name), stated] = drawn
        if isinstance(drawn, str):
            rows += [_unknown(row, site, drawn, level) for row in part.iter_rows(named=True) for site in sites]
        else:
            rows += [row for site in sites for row in _rows(part, site, drawn, normal, hill=hill, level=level, stated=stated)]
    table = pl.DataFrame(rows, schema=SCHEMA)
    settings = {
        "regimens": [each.model_dump() for each in regimens], "sites": list(sites), "serum_fraction": serum_fraction, "hill": hill,
        "metabolites": metabolites, "fed": fed, "draws": draws, "seed": seed, "level": level,
        "facts": {each.known.name: facts_used(each.known) for each in held.values() if isinstance(each, Draws)},
    }  # fmt: skip
    return CoverageDraws(table, Origin("pharmacology.coverage_draws", VERSION, settings, (potencies.table,)))


def coverage_of(
    compounds: str | Sequence[str], *, variants: Sequence[str], sites: Sequence[Site] = ("plasma", "cns"), **settings: Any
) -> CoverageDraws:
    """Return the coverage of published compounds on variants, from published potency and exposure.

    Parameters
    ----------
    compounds
        One name or several.
    variants
        ``WT`` and mutations; one nobody measured is predicted from its drug and its mutation, and said to be.
    sites, settings
        As in `coverage_draws`.

    Returns
    -------
    CoverageDraws
        As `coverage_draws`; a compound without a potency in cells has nulls and a sentence.

    Examples
    --------
    >>> found = coverage_of("lorlatinib", variants=["L1196M"], sites=["plasma"])
    >>> found.table["verified"].to_list()
    ['memory']
    """
    names = [compounds] if isinstance(compounds, str) else list(compounds)
    for name in names:
        compound(name)  # an unknown compound is refused before its potency is looked up
    known = published_potencies(names, variants)
    found = coverage_draws(as_potency(known), sites=sites, **settings)
    level = float(settings.get("level", 0.95))
    without = [row for row in known.iter_rows(named=True) if row["value_nM"] is None]
    rows = [_unknown(row, site, str(row["status"]), level) for row in without for site in sites]
    return CoverageDraws(pl.concat([found.table, pl.DataFrame(rows, schema=SCHEMA)]), found.origin)


def _check(draws: int, level: float, hill: float, serum_fraction: float | None) -> None:
    rules = (
        (draws >= 100, f"draws must be 100 or more for an interval, and is {draws}."),
        (0 < level < 1, f"level must lie between 0 and 1, and is {level}."),
        (hill > 0, f"hill must be > 0, and is {hill}."),
        (serum_fraction is None or 0 <= serum_fraction <= 1, f"serum_fraction must lie in [0, 1], and is {serum_fraction}."),
    )
    for holds, sentence in rules:
        if not holds:
            message = f"{sentence} Correct it."
            raise SettingError(message)


def _rows(
    part: pl.DataFrame, site: Site, drawn: Draws, normal: Floats, *, hill: float, level: float, stated: float | None
) -> list[dict[str, Any]]:
    sd_log = _potency_sd(part)
    ic50 = part["value_nM"].to_numpy()[:, None] * np.exp(sd_log[:, None] * normal[:, POTENCY])
    brain = drawn.brain if site == "cns" else np.ones(drawn.brain.size)
    lowest = drawn.curve.min(axis=1)
    values = {
        ("coverage_average", "lower", "upper"): brain * drawn.average / ic50,
        ("coverage_minimum", "minimum_lower", "minimum_upper"): brain * lowest / ic50,
        ("share_above_ic90", "share_lower", "share_upper"): _share_above(brain[:, None] * drawn.curve[:, 1:], ic50 * 9.0 ** (1.0 / hill)),
    }  # fmt: skip
    tails = [0.5, (1 - level) / 2, (1 + level) / 2]
    cells: dict[str, Floats] = {}
    for names, value in values.items():
        cells |= dict(zip(names, np.quantile(value, tails, axis=1), strict=True))
    cells["free_ic50_nM"] = part["value_nM"].to_numpy() * np.median(drawn.medium)
    every = {
        "site": site, "serum_fraction": stated, "level": level, "free_average_nM": float(np.median(drawn.average * drawn.medium * brain)),
        "free_minimum_nM": float(np.median(lowest * drawn.medium * brain)), **_words(drawn, site, stated),
    }  # fmt: skip
    return [
        _row(row, {**every, **{name: float(value[k]) for name, value in cells.items()}, **_shares(drawn, site, sd_log[k] ** 2)})
        for k, row in enumerate(part.iter_rows(named=True))
    ]


def _potency_sd(part: pl.DataFrame) -> Floats:
    """Return the standard deviation of each ln IC50: from its limits, else the spread between laboratories."""
    logs = (part["upper_nM"] / part["lower_nM"]).log().fill_nan(None) / (2 * _Z95)
    usable = pl.when((logs > 0) & logs.is_finite()).then(logs)
    return part.select(sd=usable).to_series().fill_null(between_laboratories_sd_log()).to_numpy()


def _share_above(curve: Floats, threshold: Floats) -> Floats:
    """Return the share of the interval spent above each threshold: (potencies, draws) of curves (draws, times)."""
    rising = np.sort(curve, axis=1)
    found = np.empty(threshold.shape)
    for k, row in enumerate(threshold):
        found[k] = np.count_nonzero(rising >= row[:, None], axis=1) / curve.shape[1]
    return found


def _shares(drawn: Draws, site: Site, potency: float) -> dict[str, float | None]:
    variances = {"potency": potency, **drawn.variances}
    if site == "plasma":
        variances["brain"] = 0.0
    total = sum(variances.values())
    return {f"variance_share_{name}": variances[name] / total for name in INPUTS}


def _row(row: dict[str, Any], cells: dict[str, Any]) -> dict[str, Any]:
    relation = {">": "<", "<": ">"}.get(row["relation"] or "=", row["relation"] or "=")
    told = [sentence for sentence in (row.get("status"), cells["status"]) if sentence and sentence != "ok"]
    if row["lower_nM"] is None or row["upper_nM"] is None:
        told.insert(0, "the IC50 has no interval; the spread between laboratories stands in for it")
    memory = row.get("verified") == "memory" or MEMORY_SENTENCE in cells["status"]
    said = {
        "relation": relation,
        "verified": "memory" if memory else "yes",
        "source": row["source"],
        "status": "; ".join(told) or "ok",
    }
    return {**_named(row), **cells, **said}


def _words(drawn: Draws, site: Site, stated: float | None) -> dict[str, str | None]:
    """Return the warning, where a class prior is used, and the status: everything else that must be said."""
    known = drawn.known
    spreads = [known.unbound] + ([known.csf] if site == "cns" else [])
    warnings = [spread.sentence for spread in spreads if spread.is_prior]
    told = [spread.sentence for spread in spreads if spread.sentence and not spread.is_prior]
    told += [moiety.status(site=site, matrix="free", names=("AUC_ss_cv",)) for moiety in known.moieties]
    if stated is None:
        told.append(f"serum fraction not given: even from {SERUM_PRIOR[0]:g} to {SERUM_PRIOR[1]:g}")
    if stated != 0:
        told.append(SERUM_SENTENCE)
    if known.metabolites:
        told.append(f"{listed([each.name for each in known.moieties])} are summed at the same nominal IC50 and drawn together")
    return {"warning": "; ".join(warnings) or None, "status": "; ".join(sentence for sentence in told if sentence != "ok")}


def _unknown(row: dict[str, Any], site: Site, sentence: str, level: float) -> dict[str, Any]:
    blank = {**dict.fromkeys(SCHEMA), **_named(row), "site": site, "level": level, "relation": "=", "status": sentence}
    return {**blank, "verified": row.get("verified"), "source": row.get("source")}


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("compound", "variant", "system", "quantity")}
