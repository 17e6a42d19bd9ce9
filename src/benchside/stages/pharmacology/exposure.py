"""Exposure at steady state from published pharmacokinetics: total or free, in plasma or in the brain."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from benchside.core.errors import MatrixMismatch, SettingError, TableError, listed
from benchside.core.exchange import Exposure, Matrix, Site, require_free
from benchside.kernels.dosing import Floats
from benchside.kernels.patient_draws import patient_normals
from benchside.stages.pharmacology.compound import CSF_CV, VOLUME_CV, Compound, resolve

GRID_POINTS: Final = 121
"""Times of an interval: 0.1 h apart over 12 h."""

NUMBERS: Final = 4
"""Random numbers a patient has: clearance, volume, brain ratio, and one kept for what may come."""

DOSE_RANGE: Final = 20.0
"""A dose that differs by more than this factor from the published one is taken for another unit."""


def exposure(
    compound: str | Compound,
    *,
    dose_mg: float | None = None,
    every_h: float | None = None,
    site: Site = "plasma",
    matrix: Matrix = "total",
    n: int | None = None,
    seed: int = 0,
    fed: bool | None = None,
    missed: Sequence[int] = (),
) -> Exposure:
    """Return the concentration of a compound over one dosing interval at steady state.

    Parameters
    ----------
    compound
        One of `compounds()`, a metabolite such as ``alectinib_M4`` (dosed as its parent), or a compound of your own.
    dose_mg, every_h
        Dose and hours between doses; > 0. None: the published ones of the compound.
    site
        ``plasma``, or ``cns`` (the brain's extracellular fluid, by the CSF to free plasma ratio).
    matrix
        ``total``, or ``free``: unbound. In ``cns`` only free drug is known.
    n
        None: the typical patient. A number: that many patients, lognormal in clearance, volume and brain ratio.
    seed
        Seed of the patients; patient k of a seed is the same whatever n is.
    fed
        With (True) or without (False) food, by the published food effect on the area; None: as the parameters were measured.
    missed
        Doses not taken, counted back: 1 is the dose that begins the interval shown, 2 the one before it.

    Returns
    -------
    Exposure
        `.table` has ``time_h, concentration_nM`` (and ``subject``); `.source` says what of it is derived, assumed,
        a bound, a class prior, or from memory.

    Raises
    ------
    NoEvidenceError
        When nothing is published of the compound here, or not the food effect asked for.
    MatrixMismatch
        When the total concentration in the brain is asked for.
    SettingError
        When the regimen cannot be one.

    Examples
    --------
    >>> round(exposure("alectinib", dose_mg=600, every_h=12, matrix="total").average_nM)
    1265
    """
    known = resolve(compound)
    if site == "cns" and matrix == "total":
        message = f"the total concentration of {known.name} in the brain is not known here. Say matrix='free'."
        raise MatrixMismatch(message)
    dose_mg, every_h = regimen_of(known, dose_mg, every_h)
    time_h = np.linspace(0.0, every_h, GRID_POINTS)
    clearance, volume, brain = patients_of(known, n, seed)
    total_mg_per_L = known.structure.steady_state(time_h, dose_mg=dose_mg, every_h=every_h, clearance=clearance, volume=volume)
    for back in _checked_missed(missed):
        single = known.structure.single(dose_mg=dose_mg, clearance=clearance, volume=volume)
        total_mg_per_L = np.maximum(total_mg_per_L - single(time_h + (back - 1) * every_h), 0.0)
    factor = known.nM_per_mg_per_L * known.food_factor(fed)
    if matrix == "free":
        factor *= known.unbound.centre
    scale: float | Floats = factor * known.csf.centre * brain if site == "cns" else factor
    return Exposure(_table(time_h, total_mg_per_L * scale), known.name, site, matrix, _status(known, site, matrix, n, fed))


def regimen_of(known: Compound, dose_mg: float | None, every_h: float | None) -> tuple[float, float]:
    """Return a checked dose and interval, the published ones where none are given."""
    dose_mg = known.dose_mg if dose_mg is None else dose_mg
    every_h = known.every_h if every_h is None else every_h
    for name, value in {"dose_mg": dose_mg, "every_h": every_h}.items():
        if not (value > 0 and np.isfinite(value)):
            message = f"{name} must be > 0, and is {value}. Correct the regimen."
            raise SettingError(message)
    if not 1 / DOSE_RANGE <= dose_mg / known.dose_mg <= DOSE_RANGE:
        message = (
            f"{dose_mg:g} mg of {known.name} is more than {DOSE_RANGE:g} times away from its published dose of {known.dose_mg:g} mg, "
            "which looks like another unit. Give the dose in mg."
        )
        raise SettingError(message)
    return float(dose_mg), float(every_h)


def patients_of(
    known: Compound, n: int | None, seed: int, *, first: int = 0
) -> tuple[float | Floats, float | Floats, float | Floats]:
    """Return clearance (L/h), central volume (L) and relative brain ratio: the typical patient's, or (n, 1) each.

    The clearance is lognormal with the published coefficient of variation of the AUC; volume and brain ratio have assumed ones.
    """
    structure = known.structure
    if n is None:
        return structure.clearance_L_per_h, structure.volume_L, 1.0
    if n < 1 or int(n) != n:
        message = f"n is the number of patients and must be a whole number above 0, and is {n}. Correct it, or leave it out."
        raise SettingError(message)
    if known.exposure_cv is None:
        message = f"the spread of {known.name} between patients is not known. Add AUC_ss_cv to its facts, or leave out n."
        raise SettingError(message)
    normal = patient_normals(seed, patients=n, numbers=NUMBERS, first=first)
    factors = (
        np.exp(np.sqrt(np.log1p(cv**2)) * normal[:, k])[:, None] for k, cv in enumerate((known.exposure_cv, VOLUME_CV, CSF_CV))
    )
    clearance, volume, brain = factors
    return structure.clearance_L_per_h * clearance, structure.volume_L * volume, brain


def _checked_missed(missed: Sequence[int]) -> list[int]:
    wrong = [back for back in missed if back < 1 or int(back) != back]
    if wrong or len(set(missed)) < len(missed):
        message = (
            f"missed doses are counted back from the interval shown, 1 for the dose that begins it, each once; given are "
            f"{listed(missed)}. Correct them."
        )
        raise SettingError(message)
    return [int(back) for back in missed]


def _status(known: Compound, site: Site, matrix: Matrix, n: int | None, fed: bool | None) -> str:  # noqa: FBT001
    names = (*(() if n is None else ("AUC_ss_cv",)), *(() if fed is None else ("food_effect_AUC",)))
    status = known.status(site=site, matrix=matrix, names=names)
    if n is None:
        return status
    words = f"{known.name} CV of volume {VOLUME_CV:.0%}" + (f" and of the brain ratio {CSF_CV:.0%}" if site == "cns" else "")
    return "; ".join([*([] if status == "ok" else [status]), f"{words}: assumed"])


def _table(time_h: Floats, concentration_nM: Floats) -> pl.DataFrame:
    if concentration_nM.ndim == 1:
        return pl.DataFrame({"time_h": time_h, "concentration_nM": concentration_nM})
    n, times = concentration_nM.shape
    subject = subjects(n).gather(np.repeat(np.arange(n, dtype=np.uint32), times))
    return pl.DataFrame({"subject": subject, "time_h": np.tile(time_h, n), "concentration_nM": concentration_nM.ravel()})


def subjects(n: int) -> pl.Series:
    """Return the names of n patients, ``S0001`` and on."""
    return pl.Series("subject", [f"S{k + 1:04d}" for k in range(n)])


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
