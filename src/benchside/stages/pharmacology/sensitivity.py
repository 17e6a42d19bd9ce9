"""How coverage depends on what is least known: serum in the medium, the unbound fraction, and the active metabolites."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from benchside.core.errors import NoEvidenceError
from benchside.kernels.pharmacokinetics import unbound_in_medium
from benchside.stages.pharmacology.compound import Compound, compound
from benchside.stages.pharmacology.potencies import SYSTEM, published_potencies

TIMES: Final = 121


def sensitivity(
    compound_name: str,
    *,
    ic50_nM: float | None = None,
    variant: str = "WT",
    serum: Sequence[float] = (0.03, 0.05, 0.1),
    unbound: Sequence[float] = (0.001, 0.003, 0.01),
) -> pl.DataFrame:
    """Return how typical coverage depends on the serum fraction, the unbound fraction, and the active metabolites.

    Parameters
    ----------
    compound_name
        A published compound.
    ic50_nM
        Nominal IC50; None: the published one of the variant.
    variant
        For the published IC50 and for the table.
    serum, unbound
        Values tried; the unbound fraction is that of the compound and its metabolites alike.

    Returns
    -------
    polars.DataFrame
        ``compound, variant, ic50_nM, site, serum_fraction, unbound_fraction, with_metabolites, free_average_nM, free_ic50_nM,
        coverage_average, coverage_minimum``.

    Examples
    --------
    >>> table = sensitivity("alectinib", ic50_nM=12.0, serum=[0.1], unbound=[0.001, 0.01])
    >>> ratio = table.filter(site="plasma", with_metabolites=True)["coverage_average"]
    >>> round(ratio[1] / ratio[0], 2)  # ten times the unbound fraction, hardly more coverage
    1.08
    """
    known = compound(compound_name)
    if ic50_nM is None:
        ic50_nM = published_potencies([compound_name], [variant])["value_nM"][0]
        if ic50_nM is None:
            message = f"no IC50 of {compound_name} on {variant} in {SYSTEM} is published here. Give ic50_nM."
            raise NoEvidenceError(message)
    rows = [
        {"compound": known.name, "variant": variant, "ic50_nM": ic50_nM, "site": site, "with_metabolites": both, **cells}
        for both in ((True, False) if known.metabolites else (False,))
        for total in [_total(known.moieties if both else (known,))]
        for site in ("plasma", "cns")
        for cells in _cells(total, ic50_nM, known.csf.middle if site == "cns" else 1.0, serum, unbound)
    ]
    return pl.DataFrame(rows)


def _total(moieties: Sequence[Compound]) -> tuple[float, float]:
    """Return the average and the lowest total concentration of moieties together, nM."""
    parent = moieties[0]
    time_h = np.linspace(0.0, parent.every_h, TIMES)
    curve, average = np.zeros(TIMES), 0.0
    for moiety in moieties:
        structure = moiety.structure
        curve += moiety.nM_per_mg_per_L * structure.steady_state(
            time_h,
            dose_mg=parent.dose_mg,
            every_h=parent.every_h,
            clearance=structure.clearance_L_per_h,
            volume=structure.volume_L,
        )
        average += moiety.nM_per_mg_per_L * parent.dose_mg / parent.every_h / structure.clearance_L_per_h
    return average, float(curve.min())


def _cells(
    total: tuple[float, float], ic50_nM: float, ratio: float, serum: Sequence[float], unbound: Sequence[float]
) -> list[dict[str, float]]:
    rows = []
    for s, fu in itertools.product(serum, unbound):
        free_ic50 = ic50_nM * unbound_in_medium(fu, s)
        average, minimum = (ratio * fu * value for value in total)
        rows.append(
            {
                "serum_fraction": s, "unbound_fraction": fu, "free_average_nM": average, "free_ic50_nM": free_ic50,
                "coverage_average": average / free_ic50, "coverage_minimum": minimum / free_ic50,
            }
        )  # fmt: skip
    return rows
