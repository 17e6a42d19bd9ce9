"""Plates simulated from potencies that are stated: what `read` returns, so that the analysis cannot tell them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from benchside.core.errors import SettingError
from benchside.core.seeds import stream_rng
from benchside.core.stage import Truth
from benchside.stages.assay.model import Fits, WellTable, well_name

DOSES: Final = 10
REPLICATES: Final = 3
CURVES: Final = 2
"""A plate of 96 wells holds two curves of ten doses in triplicate between its control columns."""


@dataclass(frozen=True)
class TrueCurve:
    """One curve to simulate: a compound on a variant, with the IC50 it is given."""

    compound: str
    variant: str
    ic50_nM: float
    slope: float = 1.5
    bottom: float = 0.0
    """Response at an endless dose; the midpoint is `ic50_nM` where it is 0."""

    def __post_init__(self) -> None:
        if not (self.ic50_nM > 0 and self.slope > 0 and 0 <= self.bottom < 1):
            message = f"{self.compound} on {self.variant}: ic50_nM and slope must be > 0 and bottom in [0, 1). Correct the truth."
            raise SettingError(message)


def simulate(
    truths: Sequence[TrueCurve],
    *,
    seed: int,
    plate_id: str = "simulated",
    target: str | None = None,
    system: str | None = None,
    vehicle_signal: float = 2.0,
    blank_signal: float = 0.08,
    noise: float = 0.03,
    top_nM: float | None = None,
) -> WellTable:
    """Simulate one 96-well plate: one or two curves, each ten doses across the columns, in triplicate down the rows.

    Column 1 is blank and vehicle, column 12 vehicle and blank, so that a drift across the plate meets both controls.

    Parameters
    ----------
    truths
        What each curve is; at most two a plate.
    seed
        Seed of the noise.
    plate_id, target, system
        As the wells are to be labelled.
    vehicle_signal, blank_signal
        Mean reader signal of the controls, for example an optical density.
    noise
        Standard deviation of a well as a fraction of the signal window.
    top_nM
        Highest dose; by default 80 times each curve's IC50, doses a factor 3 apart below it.

    Examples
    --------
    >>> plate = simulate([TrueCurve("alectinib", "WT", 10.4)], seed=1)
    >>> plate.table.height
    96
    """
    if not 1 <= len(truths) <= CURVES:
        message = f"a simulated plate holds 1 to {CURVES} curves, and {len(truths)} were asked for. Simulate several plates."
        raise SettingError(message)
    rng, window = stream_rng(seed, 0), vehicle_signal - blank_signal
    samples = _samples(truths, top_nM)
    share = {**_controls(), **{well: response for well, (_, _, response) in samples.items()}}
    rows = []
    for index in range(96):
        name = well_name(*divmod(index, 12))
        mean = share.get(name, 0.0)
        signal = blank_signal + window * (mean + noise * rng.standard_normal())
        curve, dose, _ = samples.get(name, (None, 0.0, 0.0))
        role = "sample" if curve else "vehicle" if mean == 1.0 and name in share else "blank" if name in share else "empty"
        rows.append(
            {
                "plate_id": plate_id, "well": name, "role": role, "compound": curve.compound if curve else None,
                "concentration_nM": dose, "target": target, "variant": curve.variant if curve else None, "system": system,
                "replicate": 1, "signal": round(float(max(signal, 0.0)), 4),
            }
        )  # fmt: skip
    return WellTable(pl.DataFrame(rows, infer_schema_length=None))


def _controls() -> dict[str, float]:
    """Return the response of the control wells: column 1 and 12, vehicle in rows A-D and E-H in turn."""
    first = {well_name(row, 0): 1.0 if row < 4 else 0.0 for row in range(8)}
    last = {well_name(row, 11): 1.0 if row >= 4 else 0.0 for row in range(8)}
    return {**first, **last}


def _samples(truths: Sequence[TrueCurve], top_nM: float | None) -> dict[str, tuple[TrueCurve, float, float]]:
    """Return well -> (curve, dose, true response); curve k takes rows of its own, a dose a column."""
    wells = {}
    for k, truth in enumerate(truths):
        highest = top_nM or 80 * truth.ic50_nM
        for j in range(DOSES):
            dose = float(f"{highest / 3**j:.4g}")
            response = truth.bottom + (1 - truth.bottom) / (1 + (dose / truth.ic50_nM) ** truth.slope)
            for replicate in range(REPLICATES):
                wells[well_name(k * REPLICATES + replicate, 1 + j)] = (truth, dose, response)
    return wells


def recovers_ic50(fits: Fits, settings: Mapping[str, Any]) -> bool:
    """Return whether every IC50 was measured, within limits that exist, hold the true one, and span less than threefold."""
    if fits.table.height != len(settings["truths"]):
        return False
    for truth, row in zip(settings["truths"], fits.table.iter_rows(named=True), strict=True):
        low, high = row["ic50_lower_nM"], row["ic50_upper_nM"]
        if row["ic50_relation"] != "=" or low is None or high is None or high > 3 * low or not low <= truth.ic50_nM <= high:
            return False
    return True


TRUTHS: Final = tuple(
    Truth(
        f"IC50 {ic50_nM:g} nM, slope {slope:g}", {"truths": [TrueCurve("x", "WT", ic50_nM, slope)], "seed": seed}, recovers_ic50
    )
    for ic50_nM, slope, seed in ((10.4, 1.5, 1), (868.0, 1.2, 2), (27.0, 2.5, 3))
)
