"""What goes wrong on a plate, to be simulated on purpose: patterns, dispensing errors, lost wells, exchanged columns."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from benchside.core.errors import SettingError, listed
from benchside.core.seeds import stream_rng
from benchside.stages.assay.arrays import BoolArray, FloatArray
from benchside.stages.assay.model import row_letters

STREAMS: Final = ("plate", "dilution", "dispensing", "outliers", "failed_wells")
"""Each kind of chance has a stream of its own on each plate, so switching one fault on never moves another's draws."""

DIED: Final = 0.05
"""Share of the signal window that is left on a plate that failed."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong on simulated plates; everything is off by default.

    Shares are of wells, sizes are fractions of the signal window (vehicle minus zero control), standard deviations of a
    logarithm are close to coefficients of variation. Plates, columns and rows are counted from 1, as people name them.

    Examples
    --------
    >>> Faults(edge=0.2, swapped_columns=((5, 6),)).swapped_columns
    ((5, 6),)
    """

    plate_scale_sd: float = 0.0
    """Plate to plate: standard deviation of the log of a factor on every signal of a plate."""

    plate_shift_sd: float = 0.0
    """Plate to plate: standard deviation of an amount added to every signal of a plate, in windows; no reader gives less than 0."""

    plate_ln_ic50_sd: float = 0.0
    """Plate to plate: standard deviation of ln IC50, one draw a plate shared by its curves (another passage of the cells)."""

    edge: float = 0.0
    """Part of the signal above blank that the outermost wells lose (evaporation); < 0: gain."""

    row_drift: float = 0.0
    """Relative change of the signal above blank from the first row to the last, linear, 0 in the middle."""

    column_drift: float = 0.0
    """Relative change of the signal above blank from the first column to the last, linear, 0 in the middle."""

    dose_cv: float = 0.0
    """Dispensing: coefficient of variation of the dose that a well truly gets; the table keeps the nominal one."""

    dilution_cv: float = 0.0
    """Serial dilution: coefficient of variation of each step, carried on to every lower dose of the curve."""

    outlier_share: float = 0.0
    """Share of the used wells that read wrong."""

    outlier_size: float = 0.5
    """How far an outlier reads, up or down."""

    failed_well_share: float = 0.0
    """Share of the sample and vehicle wells without cells or enzyme: they read as response 0."""

    failed_plates: tuple[int, ...] = ()
    """Plates on which nothing grew or reacted: every response is a twentieth of what it should be."""

    swapped_columns: tuple[tuple[int, int], ...] = ()
    """Pairs of columns whose signals stand in each other's place, for example ``((5, 6),)``."""

    swapped_rows: tuple[tuple[str, str], ...] = ()
    """Pairs of rows whose signals stand in each other's place, for example ``(("B", "C"),)``."""

    swapped_plates: tuple[int, ...] | None = None
    """The plates on which columns or rows are exchanged; None: all."""

    saturation_signal: float | None = None
    """The highest signal that the reader can give; None: no limit."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = (0.0, 1.0) if field.name.endswith("_share") else (0.0, np.inf)
            if field.name in {"edge", "row_drift", "column_drift"}:
                low, high = -1.0, 1.0
            if isinstance(value, int | float) and not low <= value <= high:
                message = f"Faults: {field.name} must lie between {low:g} and {high:g}, and is {value:g}. Correct it."
                raise SettingError(message)

    def swaps(self, shape: tuple[int, int], plate: int) -> list[tuple[int, int, int]]:
        """Return (axis, first, second) of every exchange on a plate, counted from 0; axis 0 is rows.

        Raises
        ------
        SettingError
            When the plate has no such row or column.
        """
        if self.swapped_plates is not None and plate + 1 not in self.swapped_plates:
            return []
        names = [[row_letters(k) for k in range(shape[0])], [str(k + 1) for k in range(shape[1])]]
        pairs = [(0, pair) for pair in self.swapped_rows] + [(1, pair) for pair in self.swapped_columns]
        for axis, pair in pairs:
            stray = [one for one in pair if str(one) not in names[axis]]
            if stray:
                what = ("row", "column")[axis]
                message = f"Faults: {what} {listed(stray)} is not on a plate of {shape[0]} rows and {shape[1]} columns. Correct swapped_{what}s."
                raise SettingError(message)
        return [(axis, names[axis].index(str(a)), names[axis].index(str(b))) for axis, (a, b) in pairs]


@dataclass(frozen=True)
class PlateChance:
    """The draws of one plate: what its faults came to. Arrays have the shape of the plate."""

    scale: float
    shift: float
    ic50_factor: float
    dose_factor: FloatArray
    """Delivered over intended dose of every well."""

    relative: FloatArray
    """Factor on the signal above blank of every well: edge and drift."""

    failed: BoolArray
    added: FloatArray
    """What outliers add, in windows; 0 elsewhere."""

    @classmethod
    def of(cls, faults: Faults, shape: tuple[int, int], seed: int, plate: int) -> "PlateChance":
        """Draw what happens on plate number `plate` (from 0) of a run."""
        rng = {name: stream_rng(seed, plate, 1 + k) for k, name in enumerate(STREAMS)}
        scale, shift, shifted = rng["plate"].standard_normal(3) * (
            faults.plate_scale_sd,
            faults.plate_shift_sd,
            faults.plate_ln_ic50_sd,
        )
        wrong = rng["outliers"].random(shape) < faults.outlier_share
        sign = np.where(rng["outliers"].random(shape) < 0.5, -1.0, 1.0)
        return cls(
            float(np.exp(scale)),
            float(shift),
            float(np.exp(shifted)),
            np.exp(log_sd(faults.dose_cv) * rng["dispensing"].standard_normal(shape)),
            pattern(faults, shape),
            rng["failed_wells"].random(shape) < faults.failed_well_share,
            np.where(wrong, sign * faults.outlier_size, 0.0),
        )


def log_sd(cv: float) -> float:
    """Return the standard deviation of the logarithm of a log-normal number with this coefficient of variation."""
    return float(np.sqrt(np.log1p(cv**2)))


def pattern(faults: Faults, shape: tuple[int, int]) -> FloatArray:
    """Return the factor that edge and drift put on the signal above blank of every well."""
    rows, columns = (np.linspace(-0.5, 0.5, size) for size in shape)
    factor = (1 + faults.row_drift * rows[:, None]) * (1 + faults.column_drift * columns[None, :])
    return np.asarray(factor * np.where(on_edge(shape), 1 - faults.edge, 1.0))


def on_edge(shape: tuple[int, int]) -> BoolArray:
    """Return which wells are outermost."""
    edge = np.ones(shape, dtype=np.bool_)
    edge[1:-1, 1:-1] = False
    return edge


def dilution_factors(faults: Faults, doses: int, seed: int, plate: int, curve: int) -> FloatArray:
    """Return made over intended concentration of every step of a serial dilution, the highest first; an error is carried on."""
    steps = stream_rng(seed, plate, 1 + STREAMS.index("dilution"), curve).standard_normal(doses)
    return np.asarray(np.exp(np.cumsum(log_sd(faults.dilution_cv) * steps)))
