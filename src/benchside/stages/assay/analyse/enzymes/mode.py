"""How an inhibitor binds: the laws of inhibition fitted to a grid of inhibitor and ATP, and which of them the data prefer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, TableError, listed, nearest
from benchside.core.evidence import Answer, Origin, Quantity
from benchside.core.tables import FLOAT, cast_column, dataframe
from benchside.stages.assay.analyse.enzymes.constants import TIGHT
from benchside.stages.assay.analyse.enzymes.preference import aicc, akaike, choose, is_told
from benchside.stages.assay.analyse.enzymes.rate_laws import MODELS, Grid, Kind, LawFit, box, fit_law, parameters, profile
from benchside.stages.assay.curves import check_level

VERSION: Final = "2"
DESCRIBED: Final = ("compound", "target", "variant", "system")
ESTIMATES: Final = ("ki_nM", "km_uM", "alpha", "vmax")
CALLED: Final = {"ki_nM": ("Ki", " nM"), "km_uM": ("Km", " uM"), "alpha": ("Alpha", ""), "vmax": ("Vmax", "")}


def limits_of(name: str) -> tuple[str, str]:
    """Return the columns of the limits of a parameter: of `ki_nM`, `ki_lower_nM` and `ki_upper_nM`."""
    stem, _, unit = name.partition("_")
    tail = f"_{unit}" if unit else ""
    return f"{stem}_lower{tail}", f"{stem}_upper{tail}"


SCHEMA: Final[dict[str, Any]] = {
    "model": pl.String,
    **{
        column: pl.Float64
        for name in ESTIMATES
        for column in (name, *limits_of(name))
    },
    "rss": pl.Float64, "n_points": pl.Int64, "aicc": pl.Float64, "delta_aicc": pl.Float64, "weight": pl.Float64,
    "best": pl.Boolean, "verdict": pl.String, "status": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class InhibitionMode(Answer):
    """Laws of inhibition fitted to grids of inhibitor and ATP, four rows a grid."""

    KEY: ClassVar[tuple[str, ...]] = (*DESCRIBED, "model")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("Ki", "ki_nM", "nM", lower="ki_lower_nM", upper="ki_upper_nM", n="n_points"),
        Quantity("Km", "km_uM", "uM", lower="km_lower_uM", upper="km_upper_uM", n="n_points"),
        Quantity("alpha", "alpha", "", lower="alpha_lower", upper="alpha_upper", n="n_points"),
        Quantity("AICc", "aicc", "", n="n_points"),
        Quantity("Akaike weight", "weight", "", n="n_points"),
    )

    @property
    def best(self) -> pl.DataFrame:
        """The row of the law that each grid prefers."""
        return self.table.filter(pl.col("best"))


def mode_of_inhibition(
    responses: Any,
    *,
    atp_uM: str | Mapping[str, float] = "atp_uM",
    kind: Kind = "fraction",
    response: str | None = None,
    enzyme_nM: float | None = None,
    km_uM: float | None = None,
    level: float = 0.95,
) -> InhibitionMode:
    """Return how each compound binds: competitive with ATP, non-competitive, uncompetitive or mixed.

    Parameters
    ----------
    responses
        Any dataframe or path with `concentration_nM`, the response, and ATP; `compound, target, variant, system` where present
        name a grid, and `excluded` rows are left out.
    atp_uM
        The column that holds ATP in uM, or ATP by `curve_id`.
    kind
        ``fraction``: the response is a fraction of the vehicle at the same ATP, as `normalise` gives it when every ATP level has
        its own vehicle wells. Vmax drops out, wells without inhibitor tell nothing and are left out, and the non-competitive law
        has no Km. ``velocity``: the raw rate, signal a time, background taken off; Vmax is fitted, and wells without inhibitor
        belong in it.
    response
        The column of the response; by default ``response`` or ``velocity``.
    enzyme_nM
        Active enzyme. Below 10 times of it binding is tight, which makes a competitive inhibitor look non-competitive: said.
    km_uM
        The Km, where it is known from rates without inhibitor. Fractions that do not change with ATP fit a non-competitive
        inhibitor and a competitive one with a Km above all ATP alike; the Km decides between them. It enters no fit.
    level
        Confidence level of the profile-likelihood intervals.

    Returns
    -------
    InhibitionMode
        Four rows a grid: `model, ki_nM, km_uM, alpha, vmax` with limits (null: open, or not in the law; an estimate that ran
        four decades beyond the data is null too, and `status` says on which side of which limit it lies), `rss, aicc,
        delta_aicc, weight` (Akaike weight over the four), `best`, `verdict` (the law, or ``undecided``), `status`.
        `.best`: the preferred rows. Ki is the constant of the free enzyme, of the enzyme-ATP complex where uncompetitive; alpha
        is the second over the first.

    Raises
    ------
    TableError
        When a column is missing or a number is out of range.
    SettingError
        When a setting is unknown.

    Notes
    -----
    Constant error of the response is assumed. The best simple law has the least AICc (Hurvich and Tsai 1989,
    doi:10.1093/biomet/76.2.297); the mixed one, which holds them all, is preferred where an F test gives p < 0.01.

    Examples
    --------
    >>> import polars as pl
    >>> rows = [{"concentration_nM": i, "atp_uM": s, "response": (50 + s) / (50 * (1 + i / 8) + s) + e}
    ...     for i, e in ((3.0, 0.01), (10.0, -0.01), (30.0, 0.005), (100.0, 0.0)) for s in (10.0, 50.0, 250.0, 1000.0)]
    >>> mode_of_inhibition(pl.DataFrame(rows)).best["model"][0]
    'competitive'
    """
    table = dataframe(responses)
    settings = {
        "atp_uM": atp_uM if isinstance(atp_uM, str) else dict(atp_uM), "kind": kind, "response": response, "enzyme_nM": enzyme_nM,
        "km_uM": km_uM, "level": level,
    }  # fmt: skip
    result = mode_table(table, atp_uM=atp_uM, kind=kind, response=response, enzyme_nM=enzyme_nM, km_uM=km_uM, level=level)
    return InhibitionMode(result, Origin("assay.mode_of_inhibition", VERSION, settings, (table,)))


def mode_table(
    table: pl.DataFrame, *, atp_uM: str | Mapping[str, float], kind: Kind, response: str | None, enzyme_nM: float | None,
    km_uM: float | None, level: float
) -> pl.DataFrame:  # fmt: skip
    """Return the columns of `mode_of_inhibition`, four rows a grid in the order the grids first appear."""
    check_level(level)
    if kind not in {"fraction", "velocity"}:
        message = f"kind={kind!r} is unknown. Use 'fraction' (of the vehicle at the same ATP) or 'velocity' (raw rates)."
        raise SettingError(message)
    used = wells_of(table, atp_uM, response or ("response" if kind == "fraction" else "velocity"))
    if kind == "fraction":
        used = used.filter(pl.col("dose") > 0)
    dims = [name for name in DESCRIBED if name in table.columns]
    parts = used.partition_by(dims, maintain_order=True) if dims else [used]
    rows = []
    for part in parts:
        names = {name: part[name][0] if name in dims else None for name in DESCRIBED}
        dose, atp, rate = (part[name].to_numpy() for name in ("dose", "atp", "rate"))
        grid = Grid(dose, atp, rate, kind)
        rows += [{**names, **row} for row in laws_of(grid, enzyme_nM, km_uM, level)]
    schema: dict[str, Any] = dict.fromkeys(DESCRIBED, pl.String) | SCHEMA
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.selectors.float().fill_nan(None))


def wells_of(table: pl.DataFrame, atp_uM: str | Mapping[str, float], response: str) -> pl.DataFrame:
    """Return `dose, atp, rate` of every well that is used, beside the columns of the table."""
    needed = ["concentration_nM", response, atp_uM if isinstance(atp_uM, str) else "curve_id"]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        message = f"inhibitor by ATP table: column {listed(missing)} is missing{nearest(missing[0], table.columns)}; the columns are {listed(table.columns, 12)}."
        raise TableError(message)
    if isinstance(atp_uM, str):
        atp = cast_column(table, atp_uM, FLOAT, noun="inhibitor by ATP table")
    else:
        curves = table["curve_id"].cast(pl.String)
        unknown = curves.filter(~curves.is_in(list(atp_uM))).unique().to_list()
        if unknown:
            message = f"atp_uM: curve {listed(sorted(map(str, unknown)))} has no ATP concentration. Add it to the mapping."
            raise SettingError(message)
        atp = curves.replace_strict(dict(atp_uM), return_dtype=pl.Float64)
    columns = (cast_column(table, name, FLOAT, noun="inhibitor by ATP table") for name in ("concentration_nM", response))
    dose, rate = columns
    wells = table.with_columns(dose.alias("dose"), atp.alias("atp"), rate.alias("rate"))
    if "excluded" in table.columns:
        wells = wells.filter(~pl.col("excluded").fill_null(value=False))
    wells = wells.filter(pl.col("rate").is_not_null())
    for name, label, least in (
        ("dose", "concentration_nM", 0.0),
        ("atp", "ATP", np.nextafter(0, 1)),
        ("rate", response, -np.inf),
    ):
        bad = wells.filter(~(pl.col(name).is_finite() & (pl.col(name) >= least)).fill_null(value=False))
        if bad.height:
            rule = {"dose": "0 or more", "atp": "above 0"}.get(name, "a finite number")
            message = f"inhibitor by ATP table: {label} must be {rule}, and {bad.height} rows hold {listed(bad[name].to_list(), 3)}. Correct or leave out the rows."
            raise TableError(message)
    return wells


def laws_of(grid: Grid, enzyme_nM: float | None, km_uM: float | None, level: float) -> list[dict[str, Any]]:
    """Return the four rows of one grid."""
    n = len(grid.rate)
    levels, doses = np.unique(grid.atp_uM), np.unique(grid.dose_nM)
    reason = None
    if len(levels) < 2:
        reason = "No mode: ATP stands at one level, where every mode gives the same curve. Test the inhibitor at three levels or more, below and above the Km."
    elif len(doses) < 3 or n < 7:
        reason = "No mode: fewer than three doses or seven wells. Add doses."
    if reason is not None:
        return [{"model": model, "n_points": n, "best": False, "verdict": "undecided", "status": reason} for model in MODELS]
    fits = [fit_law(model, grid) for model in MODELS]
    scores = np.array([aicc(fit.rss, n, len(fit.names)) for fit in fits])
    weights = akaike(scores)
    found = [estimates(fit, grid, level) for fit in fits]
    chosen, p_mixed = choose(fits, scores, grid)
    told = chosen == 3 or is_told(chosen, scores, found, grid, km_uM)
    words = remarks(fits[chosen], found[chosen], grid, told=told, p_mixed=p_mixed, enzyme_nM=enzyme_nM)
    return [
        {
            "model": fit.model, **found[k], "rss": fit.rss, "n_points": n, "aicc": scores[k],
            "delta_aicc": scores[k] - scores.min(), "weight": weights[k], "best": k == chosen,
            "verdict": fits[chosen].model if told else "undecided", "status": " ".join([*words, *unidentified(found[k])]) or "ok",
        }
        for k, fit in enumerate(fits)
    ]  # fmt: skip


def estimates(fit: LawFit, grid: Grid, level: float) -> dict[str, float]:
    """Return every parameter of a law with its profile limits."""
    from scipy.special import stdtrit  # noqa: PLC0415  as above

    df = len(grid.rate) - len(fit.names)
    most = float(fit.rss * (1 + stdtrit(df, 0.5 + level / 2) ** 2 / df))
    found: dict[str, float] = {}
    for name, log_value in zip(fit.names, fit.log_values, strict=True):
        low, high = profile(fit, grid, name, most)
        least, greatest = box(name, grid)
        # A value that may be anything is none; nor is one that ran off to where the data say nothing.
        settled = (np.isfinite(low) or np.isfinite(high)) and least < log_value < greatest
        lower, upper = limits_of(name)
        found |= {name: float(np.exp(log_value)) if settled else np.nan, lower: low, upper: high}
    return found


def unidentified(found: Mapping[str, float]) -> list[str]:
    """Return a sentence for every parameter of a law that has no estimate, with the limit it has."""
    said = []
    for name, (called, unit) in CALLED.items():
        if name not in found or np.isfinite(found[name]):
            continue
        low, high = (found[end] for end in limits_of(name))
        ends = [f"above {low:.3g}{unit}"] if np.isfinite(low) else [f"below {high:.3g}{unit}"] if np.isfinite(high) else []
        said.append(f"{called} is not identified{': ' + ends[0] if ends else ''}.")
    return said


def remarks(
    best: LawFit, found: Mapping[str, float], grid: Grid, *, told: bool, p_mixed: float, enzyme_nM: float | None
) -> list[str]:
    """Return what must be said of one grid; `found` are the estimates of its preferred law."""
    s, km = grid.atp_uM, found.get("km_uM", np.nan)  # no comparison holds for a Km that is none
    ki = found["ki_nM"] if np.isfinite(found["ki_nM"]) else found["ki_upper_nM"]
    rules = [
        (not told and best.model == "non-competitive" and grid.kind == "fraction", "These data do not tell non-competitive from competitive with a Km above, or uncompetitive with one below, the ATP tested. Test a wider range of ATP, or give the Km."),
        (not told and not (best.model == "non-competitive" and grid.kind == "fraction"), f"These data do not tell {best.model} from the other simple laws. Test a wider range of ATP, below and above the Km."),
        (s.max() < km, f"ATP never exceeds the Km of {km:.3g} uM, where the laws differ least. Test ATP well above it."),
        (s.min() > km, f"ATP is always above the Km of {km:.3g} uM. Test ATP below it too."),
        (np.isnan(km) and found.get("km_upper_uM", np.nan) < s.min(), "ATP is always above the Km. Test ATP below it too."),
        (len(np.unique(s)) < len(parameters("mixed", grid.kind)) - (grid.kind == "velocity"), "There are fewer ATP levels than the mixed law needs, so its alpha is not settled. Add a level."),
        (best.model != "mixed" and p_mixed < 0.05, f"The mixed law fits better (p = {p_mixed:.2g}), not by enough to be named."),
        (enzyme_nM is not None and ki < TIGHT * (enzyme_nM or 0), f"Binding is tight (Ki {ki:.3g} nM, enzyme {enzyme_nM or 0:.3g} nM), which makes a competitive inhibitor look non-competitive. Use less enzyme, or fit Morrison's equation at every ATP level."),
    ]  # fmt: skip
    return [text for where, text in rules if where]
