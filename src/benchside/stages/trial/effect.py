"""The sketch's effect: a hyperbolic kill by free drug on top of a published growth rate. It is assumed, not calibrated."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from benchside import evidence
from benchside.core.errors import NoEvidenceError, SettingError, listed
from benchside.core.exchange import Effect, Potency
from benchside.kernels.pharmacokinetics import unbound_in_medium
from benchside.stages.trial.model import NOTE, SketchParameters, sketch_parameters

FREE_NM: Final = np.concatenate(([0.0], np.logspace(-3, 5, 161)))
"""Free concentrations of the table: 20 a decade."""


def sketch_effect(
    potencies: Potency,
    *,
    wanted: Sequence[tuple[str, str]] | None = None,
    serum_fraction: float | None = None,
    system: str | None = None,
    parameters: SketchParameters | None = None,
) -> Effect:
    """Return division and death of cells of each variant at free concentrations of each compound.

    Parameters
    ----------
    potencies
        Nominal IC50 in the assay medium with its serum fraction.
    wanted
        (compound, variant) pairs; None: every pair of the table.
    serum_fraction
        Serum of the medium where a potency row has none; there is no other default.
    system
        The system whose potency is taken where a pair has several, for example ``Ba/F3``. Cell-free potencies are taken
        only when named here: an enzyme at an assay's ATP is no cell.
    parameters
        The sketch's parameters; None: those shipped.

    Returns
    -------
    Effect
        `.table` has also ``potency_row`` (the row of `potencies`), ``free_ic50_nM`` and ``status``.

    Raises
    ------
    NoEvidenceError, SettingError
        When a pair has no usable potency, several, or no serum fraction.

    Notes
    -----
    death(c) = division - growth + kill_max c / (c + free IC50), with one IC50 for every cell of a variant.
    """
    known = parameters or sketch_parameters()
    usable = potencies.table.with_row_index("potency_row").filter((pl.col("quantity") == "IC50").fill_null(value=True))
    pairs = wanted if wanted is not None else usable.select("compound", "variant").unique(maintain_order=True).rows()
    parts = [_rows(_chosen(usable, compound, variant, system), serum_fraction, known) for compound, variant in pairs]
    if not parts:
        message = "the potency table holds no IC50, so no effect can be sketched. Add a curve or an evidence row."
        raise NoEvidenceError(message)
    return Effect(pl.concat(parts))


def _chosen(usable: pl.DataFrame, compound: str, variant: str, system: str | None) -> dict[str, Any]:
    """Return the one potency row of a compound and variant."""
    rows = usable.filter((pl.col("compound") == compound) & (pl.col("variant") == variant))
    in_cells = (pl.col("system") != "cell-free").fill_null(value=True)
    rows = rows.filter(in_cells if system is None else pl.col("system") == system)
    if rows.height == 1:
        return rows.row(0, named=True)
    where = "in cells" if system is None else f"in {system}"
    if rows.is_empty():
        known = [f"{row[0]} on {row[1]} ({row[2]})" for row in usable.select("compound", "variant", "system").iter_rows()]
        message = (
            f"the trial needs the IC50 of {compound} on {variant} {where}, and the potency table has none; it has "
            f"{listed(known, 12) or 'no row'}. Add the curve, or name another variant under [trial] resistant or wild_type."
        )
        raise NoEvidenceError(message)
    message = (
        f"{compound} on {variant} has an IC50 in {listed(rows['system'])}, and the trial can use one. "
        "Name it under [trial] system."
    )
    raise SettingError(message)


def _rows(potency: dict[str, Any], serum_fraction: float | None, known: SketchParameters) -> pl.DataFrame:
    compound, variant = potency["compound"], potency["variant"]
    serum = potency["serum_fraction"] if potency["serum_fraction"] is not None else serum_fraction
    if serum is None:
        message = (
            f"the serum fraction of the medium is not given for {compound} on {variant}, so its IC50 cannot be made free. "
            "Fill in serum_fraction in the potency table or under [trial]."
        )
        raise SettingError(message)
    unbound = evidence.one("unbound_fraction", compound, fact_table="pharmacokinetics")
    ic50 = potency["value_nM"] * unbound_in_medium(float(str(unbound.value)), serum)
    kill = known.kill_max_per_day * FREE_NM / (FREE_NM + ic50)
    told = [NOTE, *([] if unbound.status == "ok" else [f"{compound} unbound fraction: {unbound.status}"])]
    if potency["relation"] in {"<", ">"}:
        told.append(f"the IC50 is known as {potency['relation']} {potency['value_nM']:g} nM only; the bound is used")
    return pl.DataFrame(
        {
            "compound": compound,
            "variant": variant,
            "bypass": "none",
            "member": 0,
            "free_nM": FREE_NM,
            "division_per_day": known.division_per_day,
            "death_per_day": known.division_per_day - known.net_growth_per_day + kill,
            "free_ic50_nM": ic50,
            "potency_row": potency["potency_row"],
            "status": "; ".join(told),
        }
    )
