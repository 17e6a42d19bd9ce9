"""A population at steady state: average, highest and lowest concentration of every patient, in plasma and in the brain."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.evidence import Answer, Origin, Quantity
from benchside.kernels.dosing import Floats
from benchside.stages.pharmacology.compound import CSF_CV, VOLUME_CV, Compound, facts_used, resolve
from benchside.stages.pharmacology.exposure import patients_of, regimen_of, subjects
from benchside.stages.pharmacology.structures import ZeroOrder

VERSION: Final = "1"
TIMES: Final = 49


@dataclass(frozen=True)
class Population(Answer):
    """One row a patient: total concentrations in plasma, and free ones in plasma and brain, all active moieties together."""

    KEY: ClassVar[tuple[str, ...]] = ("subject",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("average total concentration in plasma", "total_average_nM", "nM"),
        Quantity("trough total concentration in plasma", "total_minimum_nM", "nM"),
        Quantity("average free concentration in plasma", "plasma_average_nM", "nM"),
        Quantity("trough free concentration in plasma", "plasma_minimum_nM", "nM"),
        Quantity("average free concentration in the brain", "cns_average_nM", "nM"),
        Quantity("trough free concentration in the brain", "cns_minimum_nM", "nM"),
    )


def population(
    compound: str | Compound,
    *,
    n: int,
    seed: int = 0,
    dose_mg: float | None = None,
    every_h: float | None = None,
    fed: bool | None = None,
) -> Population:
    """Return the steady state of many patients, plasma and brain.

    Parameters
    ----------
    compound
        A published compound or one of your own.
    n, seed
        How many patients; patient k of a seed is the same whatever n is, and the same as in `exposure`.
    dose_mg, every_h, fed
        As in `exposure`.

    Returns
    -------
    Population
        ``subject``, total average, highest and lowest concentration in plasma of the compound itself, and free average and
        lowest of all active moieties in plasma and brain, in nM.

    Examples
    --------
    >>> found = population("alectinib", n=500, seed=1).table
    >>> 600 < found["total_average_nM"].median() < 1400
    True
    """
    known = resolve(compound)
    dose_mg, every_h = regimen_of(known, dose_mg, every_h)
    food = known.food_factor(fed)
    columns: dict[str, Floats] = {}
    for moiety in known.moieties:
        clearance, volume, brain = patients_of(moiety, n, seed)
        at = _times(moiety, every_h)
        curve = moiety.structure.steady_state(at, dose_mg=dose_mg, every_h=every_h, clearance=clearance, volume=volume)
        curve *= moiety.nM_per_mg_per_L * food
        average = (dose_mg / every_h * moiety.nM_per_mg_per_L * food / np.asarray(clearance))[:, 0]
        lowest = curve.min(axis=1)
        if moiety is known:
            columns |= {"total_average_nM": average, "total_maximum_nM": curve.max(axis=1), "total_minimum_nM": lowest}
        fu, ratio = moiety.unbound.centre, moiety.csf.centre * np.asarray(brain)[:, 0]
        for name, value in (("average", average), ("minimum", lowest)):
            columns[f"plasma_{name}_nM"] = columns.get(f"plasma_{name}_nM", 0.0) + fu * value
            columns[f"cns_{name}_nM"] = columns.get(f"cns_{name}_nM", 0.0) + fu * ratio * value
    table = pl.DataFrame({"subject": subjects(n), **columns}).with_columns(status=pl.lit(_status(known)))
    settings = {"compound": known.name, "dose_mg": dose_mg, "every_h": every_h, "fed": fed, "n": n, "seed": seed}
    facts = facts_used(known)
    return Population(table, Origin("pharmacology.population", VERSION, {**settings, "facts": facts}))


def _times(moiety: Compound, every_h: float) -> Floats:
    """Return the times looked at: an even grid, and the end of a zero-order input, where the peak is."""
    grid = np.linspace(0.0, every_h, TIMES)
    absorption = moiety.structure.absorption
    peak = absorption.duration_h % every_h if isinstance(absorption, ZeroOrder) else 0.0
    return np.unique(np.append(grid, peak))


def _status(known: Compound) -> str:
    told = [
        sentence for moiety in known.moieties for sentence in [moiety.status(site="cns", matrix="free", names=("AUC_ss_cv",))]
    ]
    told.append(f"CV of volume {VOLUME_CV:.0%} and of the brain ratio {CSF_CV:.0%}: assumed")
    return "; ".join(sentence for sentence in told if sentence != "ok")
