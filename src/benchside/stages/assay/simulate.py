"""Plates simulated from potencies that are stated: what `read` returns, so that the analysis cannot tell them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.seeds import stream_rng
from benchside.core.stage import Truth
from benchside.stages.assay.arrays import BoolArray, FloatArray
from benchside.stages.assay.model import Fits, WellTable, well_name
from benchside.stages.assay.simulate_design import PlateDesign
from benchside.stages.assay.simulate_faults import DIED, Faults, PlateChance, dilution_factors, on_edge

__all__ = ["TRUTHS", "Faults", "PlateDesign", "TrueCurve", "recovers_ic50", "simulate"]

TOP_OVER_IC50: Final = 80.0


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

    def response(self, dose_nM: FloatArray) -> FloatArray:
        """Return the true response at doses, as a fraction of the vehicle."""
        return np.asarray(self.bottom + (1 - self.bottom) / (1 + (dose_nM / self.ic50_nM) ** self.slope))


@dataclass(frozen=True)
class Reader:
    """What the reader reads: the mean signal of the controls, and the noise of a well as a fraction of the window between them."""

    vehicle_signal: float
    blank_signal: float
    noise: float

    @property
    def window(self) -> float:
        """Signal between the zero control and the vehicle."""
        return self.vehicle_signal - self.blank_signal


@dataclass(frozen=True)
class Run:
    """What all plates of a run share."""

    design: PlateDesign
    faults: Faults
    reader: Reader
    seed: int


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
    design: PlateDesign = PlateDesign(),  # noqa: B008  frozen values are safe defaults
    faults: Faults = Faults(),  # noqa: B008
) -> WellTable:
    """Simulate plates: by default one of 96 wells with one or two curves, each ten doses across the columns in triplicate.

    Parameters
    ----------
    truths
        What each curve is; at most `design.curves` a plate.
    seed
        Seed of the noise and of every fault.
    plate_id, target, system
        As the wells are to be labelled; of several plates, plate k is called `<plate_id>-<k>`.
    vehicle_signal, blank_signal
        Mean reader signal of the controls, for example an optical density.
    noise
        Standard deviation of a well as a fraction of the signal window.
    top_nM
        Highest dose; by default 80 times each curve's IC50.
    design
        Wells, doses, replicates, replicate plates, and the kind of zero control.
    faults
        What goes wrong; nothing by default. Turning one fault on leaves the draws of all others as they are.

    Returns
    -------
    WellTable
        As `read` gives it, every well of every plate, with one further column: `fault`, what is wrong with the well in words,
        null where nothing is. Effects that every well shares (plate, drift, dispensing) are not named a well.

    Raises
    ------
    SettingError
        When a plate does not hold the curves, or a fault names a row or column it does not have.

    Examples
    --------
    >>> plate = simulate([TrueCurve("alectinib", "WT", 10.4)], seed=1)
    >>> plate.table.height
    96
    >>> swapped = simulate([TrueCurve("alectinib", "WT", 10.4)], seed=1, faults=Faults(swapped_columns=((5, 6),)))
    >>> swapped.table["fault"].drop_nulls().unique().to_list()
    ['swapped column']
    """
    if not 1 <= len(truths) <= design.curves:
        message = (
            f"a simulated plate holds 1 to {design.curves} curves, and {len(truths)} were asked for. Simulate several plates."
        )
        raise SettingError(message)
    run = Run(design, faults, Reader(vehicle_signal, blank_signal, noise), seed)
    layout = layout_table(truths, design, top_nM)
    parts = []
    for plate in range(design.plates):
        chance = PlateChance.of(faults, design.shape, seed, plate)
        true = delivered_responses(layout, truths, chance, _diluted(run, len(truths), plate))
        signal, words = read_plate(layout["role"].to_list(), true, chance, run=run, plate=plate)
        name = plate_id if design.plates == 1 else f"{plate_id}-{plate + 1}"
        part = layout.with_columns(
            plate_id=pl.lit(name), target=pl.lit(target, pl.String), system=pl.lit(system, pl.String),
            replicate=pl.lit(plate + 1, pl.Int64), signal=pl.Series(signal), fault=pl.Series(words, dtype=pl.String),
        )  # fmt: skip
        parts.append(part.drop("curve", "step"))
    return WellTable(pl.concat(parts))


def layout_table(truths: Sequence[TrueCurve], design: PlateDesign, top_nM: float | None) -> pl.DataFrame:
    """Return every well of a plate, row by row: well, role, compound, variant, nominal dose, number of its curve and dose."""
    rows, columns = design.shape
    roles = design.control_roles()
    held = {well: (curve, step) for curve in range(len(truths)) for well, step in design.curve_wells(curve)}
    wells: list[dict[str, Any]] = []
    for index in range(rows * columns):
        name = well_name(*divmod(index, columns))
        curve, step = held.get(name, (None, None))
        truth = None if curve is None else truths[curve]
        dose = 0.0
        if truth is not None and step is not None:
            dose = float(f"{(top_nM or TOP_OVER_IC50 * truth.ic50_nM) / design.dose_factor**step:.4g}")
        wells.append(
            {
                "well": name, "role": "sample" if truth else roles.get(name, "empty"), "compound": truth and truth.compound,
                "variant": truth and truth.variant, "concentration_nM": dose, "curve": curve, "step": step,
            }
        )  # fmt: skip
    return pl.DataFrame(wells, infer_schema_length=None)


def _diluted(run: Run, curves: int, plate: int) -> FloatArray:
    """Return made over intended concentration of every curve and dose, (curves, doses)."""
    return np.stack([dilution_factors(run.faults, run.design.doses, run.seed, plate, curve) for curve in range(curves)])


def delivered_responses(
    layout: pl.DataFrame, truths: Sequence[TrueCurve], chance: PlateChance, diluted: FloatArray
) -> FloatArray:
    """Return the true response of every well at the dose it truly got, in the shape of the plate; controls 1 or 0."""
    response = np.where(layout["role"].to_numpy() == "vehicle", 1.0, 0.0)
    factor = chance.dose_factor.ravel()
    for curve, truth in enumerate(truths):
        own = np.flatnonzero((layout["curve"] == curve).fill_null(value=False).to_numpy())
        step, nominal = layout["step"][own].to_numpy(), layout["concentration_nM"][own].to_numpy()
        response[own] = truth.response(nominal * factor[own] * diluted[curve, step] / chance.ic50_factor)
    return np.asarray(response.reshape(chance.relative.shape))


def read_plate(
    roles: Sequence[str], response: FloatArray, chance: PlateChance, *, run: Run, plate: int
) -> tuple[FloatArray, list[str | None]]:
    """Return the signal of every well as the reader gives it, row by row, and what is wrong with the well in words."""
    design, faults, reader = run.design, run.faults, run.reader
    role = np.array(roles).reshape(design.shape)
    used, living = role != "empty", (role == "sample") | (role == "vehicle")
    share = response * chance.relative
    failed, wrong = chance.failed & living, (chance.added != 0) & used
    share[failed] = 0.0
    if plate + 1 in faults.failed_plates:
        share *= DIED
    noise = reader.noise * stream_rng(run.seed, plate).standard_normal(share.size).reshape(share.shape)
    signal = reader.blank_signal + reader.window * (share + noise + np.where(wrong, chance.added, 0.0))
    signal = chance.scale * signal + chance.shift * reader.window
    marks: list[tuple[str, BoolArray]] = [("failed well", failed), ("outlier", wrong)]
    for axis, first, second in faults.swaps(design.shape, plate):
        for array in (signal, *(mark for _, mark in marks)):
            _exchange(array, axis, first, second)
        swapped = np.zeros(design.shape, dtype=np.bool_)
        swapped[(slice(None), [first, second]) if axis else ([first, second], slice(None))] = True
        marks.append(("swapped " + ("column" if axis else "row"), swapped))
    signal = np.maximum(signal, 0.0)
    if faults.saturation_signal is not None:
        marks.append(("saturated", signal > faults.saturation_signal))
        signal = np.minimum(signal, faults.saturation_signal)
    marks += [
        ("edge", on_edge(design.shape) & (faults.edge != 0)),
        ("failed plate", np.full(design.shape, plate + 1 in faults.failed_plates)),
    ]
    return np.round(signal.ravel(), 4), _words(marks, used)


def _exchange(array: npt.NDArray[Any], axis: int, first: int, second: int) -> None:
    """Exchange two rows (axis 0) or two columns (axis 1) in place."""
    lines = np.moveaxis(array, axis, 0)
    lines[[first, second]] = lines[[second, first]]


def _words(marks: Sequence[tuple[str, BoolArray]], used: BoolArray) -> list[str | None]:
    """Return the names of the faults of every used well, joined; None where there are none."""
    flat = [(name, (mark & used).ravel()) for name, mark in marks]
    return [", ".join(dict.fromkeys(name for name, mark in flat if mark[k])) or None for k in range(used.size)]


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
