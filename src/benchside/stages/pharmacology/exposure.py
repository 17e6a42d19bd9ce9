"""Exposure at steady state from published pharmacokinetics: total or free, in plasma or in the brain."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from benchside.core.errors import MatrixMismatch, SettingError, TableError
from benchside.core.exchange import Exposure, Matrix, Site, require_free
from benchside.core.seeds import patient_rng
from benchside.kernels.pharmacokinetics import Floats, steady_state_concentration
from benchside.stages.pharmacology.model import Parameters, parameters

GRID_POINTS = 121
"""Times of an interval: 0.1 h apart over 12 h."""


def exposure(
    compound: str,
    *,
    dose_mg: float,
    every_h: float,
    site: Site = "plasma",
    matrix: Matrix = "total",
    n: int | None = None,
    seed: int = 0,
) -> Exposure:
    """Return the concentration of a compound over one dosing interval at steady state.

    Parameters
    ----------
    compound
        ``alectinib``, ``alectinib_M4`` (dosed as its parent), ``crizotinib``: those with published pharmacokinetics.
    dose_mg, every_h
        Dose and hours between doses; > 0.
    site
        ``plasma``, or ``cns`` (the brain's extracellular fluid, by the CSF to free plasma ratio).
    matrix
        ``total``, or ``free``: unbound. In ``cns`` only free drug is known.
    n
        None: the typical patient. A number: that many patients, lognormal in clearance.
    seed
        Seed of the patients; patient k of a seed is the same whatever n is.

    Returns
    -------
    Exposure
        `.table` has ``time_h, concentration_nM`` (and ``subject``); `.source` says what of it is derived, assumed,
        a bound, or from memory.

    Raises
    ------
    NoEvidenceError
        When nothing is published of the compound here.
    MatrixMismatch
        When the total concentration in the brain is asked for.

    Examples
    --------
    >>> round(exposure("alectinib", dose_mg=600, every_h=12, matrix="total").average_nM)
    1265
    """
    if site == "cns" and matrix == "total":
        message = f"the total concentration of {compound} in the brain is not known here. Say matrix='free'."
        raise MatrixMismatch(message)
    _check_positive(dose_mg=dose_mg, every_h=every_h)
    known = parameters(compound)
    time_h = np.linspace(0.0, every_h, GRID_POINTS)
    factor = known.nM_per_mg_per_L
    if matrix == "free":
        factor *= known.unbound_fraction
    if site == "cns":
        factor *= known.csf_to_free_plasma
    clearance = known.clearance_L_per_h if n is None else _clearances(known, n, seed)
    total_mg_per_L = steady_state_concentration(
        time_h,
        dose_mg=dose_mg,
        every_h=every_h,
        clearance_L_per_h=clearance,
        volume_L=known.volume_L,
        absorption_h=known.absorption_h,
    )
    names = () if n is None else ("exposure_cv",)
    status = known.status(site=site, matrix=matrix, names=names)
    return Exposure(_table(time_h, total_mg_per_L * factor), compound, site, matrix, status)


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            message = f"{name} must be > 0, and is {value}. Correct the regimen."
            raise SettingError(message)


def _clearances(known: Parameters, n: int, seed: int) -> Floats:
    """Return (n, 1) clearances: lognormal, so that the AUC has its published coefficient of variation."""
    sd_log = np.sqrt(np.log1p(known.exposure_cv**2))
    draws = np.array([patient_rng(seed, k).standard_normal() for k in range(n)])
    return np.asarray(known.clearance_L_per_h * np.exp(sd_log * draws))[:, None]


def _table(time_h: Floats, concentration_nM: Floats) -> pl.DataFrame:
    if concentration_nM.ndim == 1:
        return pl.DataFrame({"time_h": time_h, "concentration_nM": concentration_nM})
    n = concentration_nM.shape[0]
    subject = [f"S{k + 1:04d}" for k in range(n)]
    return pl.DataFrame(
        {
            "subject": np.repeat(subject, time_h.size),
            "time_h": np.tile(time_h, n),
            "concentration_nM": concentration_nM.ravel(),
        }
    )


def active_sum(exposures: Sequence[Exposure]) -> Exposure:
    """Return the free exposure of a compound and its equally potent metabolites together.

    Parameters
    ----------
    exposures
        Free exposures at one site over one grid of times; the parent first.

    Raises
    ------
    MatrixMismatch
        When one is total, or the sites differ.
    TableError
        When their times differ.
    """
    first = exposures[0]
    for each in exposures:
        require_free(each)
        if each.site != first.site:
            message = f"{first.compound} in {first.site} cannot be added to {each.compound} in {each.site}. Give one site."
            raise MatrixMismatch(message)
        if not each.table.drop("concentration_nM").equals(first.table.drop("concentration_nM")):
            message = f"{first.compound} and {each.compound} are given at different times. Use one regimen for both."
            raise TableError(message)
    together = sum((each.table["concentration_nM"] for each in exposures[1:]), first.table["concentration_nM"])
    table = first.table.with_columns(concentration_nM=together)
    sentences = [each.source for each in exposures if each.source not in {"", "ok"}]
    if len(exposures) > 1:
        names = " and ".join(each.compound for each in exposures)
        sentences.append(f"{names} are summed at the same free IC50 (published as of similar potency)")
    status = "; ".join(sentences) or "ok"
    return Exposure(table, first.compound, first.site, "free", status)
