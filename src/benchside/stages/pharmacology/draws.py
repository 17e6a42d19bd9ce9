"""Draws of one compound: everything its coverage rests on that depends on neither the variant nor the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchside.core.errors import NoEvidenceError
from benchside.kernels.dosing import Floats
from benchside.stages.pharmacology.compound import CSF_CV, VOLUME_CV, Compound, compound
from benchside.stages.pharmacology.exposure import regimen_of
from benchside.stages.pharmacology.model import Regimen
from benchside.stages.pharmacology.spread import SERUM_PRIOR

TIMES: Final = 64
"""Parts of an interval at whose middles the concentration is compared with the IC90: a share is known to 1 in 64."""

NUMBERS: Final = 8
"""Random numbers of a draw, in the order below."""

CLEARANCE, VOLUME, UNBOUND, SERUM, BRAIN, POTENCY, BRAIN_OF_PATIENT = range(7)


@dataclass(frozen=True)
class Draws:
    """Everything of one compound that does not depend on the variant or the site, one value a draw."""

    known: Compound
    average: Floats
    """(draws,) sum over moieties of fu C / fu_medium at the average concentration, nM."""

    curve: Floats
    """(draws, 1 + times) the same at the trough and over the interval."""

    medium: Floats
    """(draws,) unbound fraction of the parent in the medium."""

    brain: Floats
    """(draws,) brain over free plasma."""

    variances: Mapping[str, float]
    """Variance of ln coverage when one input alone varies."""


def drawn_of(
    name: str, own: Mapping[str, Compound], regimens: Sequence[Regimen], serum: float | None, normal: Floats, *, metabolites: bool,
    fed: bool | None,
) -> Draws | str:  # fmt: skip
    """Return the draws of a compound, or the sentence on why there are none."""
    try:
        known = own[name] if name in own else compound(name)
    except NoEvidenceError as error:
        return str(error)
    if known.exposure_cv is None:
        return f"the spread of {name} between patients is not known, so no interval can be given. Add AUC_ss_cv to its facts."
    regimen = next((each for each in regimens if each.compound == name), None)
    dose_mg, every_h = regimen_of(
        known, None if regimen is None else regimen.dose_mg, None if regimen is None else regimen.every_h
    )
    moieties = known.moieties if metabolites else (known,)
    share = serum_at(serum, normal[:, SERUM])
    time_h = np.append(0.0, (np.arange(TIMES) + 0.5) * every_h / TIMES)  # the trough, and the middles of equal parts
    curves, averages, footing = [], [], []
    for moiety in moieties:
        clearance, volume = _patients(moiety, normal)
        factor = moiety.nM_per_mg_per_L * moiety.food_factor(fed)
        curve = moiety.structure.steady_state(time_h, dose_mg=dose_mg, every_h=every_h, clearance=clearance, volume=volume)
        curves.append(curve * factor)
        averages.append((dose_mg / every_h * factor / clearance)[:, 0])
        footing.append(footing_of(moiety.unbound.at(normal[:, UNBOUND]), share))
    middle = np.zeros(1)
    base = [footing_of(moiety.unbound.at(middle), serum_at(serum, middle)) for moiety in moieties]
    typical = [dose_mg / every_h * moiety.nM_per_mg_per_L / moiety.structure.clearance_L_per_h for moiety in moieties]
    brain = known.csf.at(normal[:, BRAIN]) * np.exp(np.sqrt(np.log1p(CSF_CV**2)) * normal[:, BRAIN_OF_PATIENT])
    unbound_only = [footing_of(moiety.unbound.at(normal[:, UNBOUND]), serum_at(serum, middle)) for moiety in moieties]
    serum_only = [footing_of(moiety.unbound.at(middle), share) for moiety in moieties]
    variances = {
        "exposure": _variance(sum(b * a for b, a in zip(base, averages, strict=True))),
        "unbound": _variance(sum(f * t for f, t in zip(unbound_only, typical, strict=True))),
        "serum": _variance(sum(f * t for f, t in zip(serum_only, typical, strict=True))),
        "brain": _variance(brain),
    }
    return Draws(
        known=known,
        average=np.asarray(sum(f * a for f, a in zip(footing, averages, strict=True))),
        curve=np.asarray(sum(f[:, None] * c for f, c in zip(footing, curves, strict=True))),
        medium=unbound_in_medium_of(known.unbound.at(normal[:, UNBOUND]), share),
        brain=brain,
        variances=variances,
    )


def _patients(moiety: Compound, normal: Floats) -> tuple[Floats, Floats]:
    cv = moiety.exposure_cv or 0.0
    clearance = moiety.structure.clearance_L_per_h * np.exp(np.sqrt(np.log1p(cv**2)) * normal[:, CLEARANCE])
    volume = moiety.structure.volume_L * np.exp(np.sqrt(np.log1p(VOLUME_CV**2)) * normal[:, VOLUME])
    return clearance[:, None], volume[:, None]


def serum_at(stated: float | None, normal: Floats) -> Floats:
    """Return the serum fraction at standard normal numbers: as stated, or even over its prior."""
    if stated is not None:
        return np.full(normal.shape, stated)
    from scipy.special import ndtr  # noqa: PLC0415  slow to import

    low, high = SERUM_PRIOR
    return np.asarray(low + (high - low) * ndtr(normal))


def unbound_in_medium_of(unbound: Floats, serum: Floats) -> Floats:
    """Return the unbound fraction in the medium, elementwise; see `unbound_in_medium`."""
    return np.asarray(1.0 / (1.0 + serum * (1.0 / unbound - 1.0)))


def footing_of(unbound: Floats, serum: Floats) -> Floats:
    """Return fu / fu_medium: by how much a total concentration in plasma counts as a nominal one in the medium."""
    return np.asarray(unbound / unbound_in_medium_of(unbound, serum))


def _variance(values: Any) -> float:
    return float(np.var(np.log(values)))
