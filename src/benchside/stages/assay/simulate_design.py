"""How a simulated plate is laid out: its wells, its controls, and the wells each curve gets."""

from dataclasses import dataclass
from typing import Final, Literal

from benchside.core.errors import SettingError, listed
from benchside.stages.assay.model import PLATE_SHAPES, well_name

COLUMNS_PER_CONTROL: Final = 12
"""A control column on either side for every twelve columns: 1 of 96 wells, 2 of 384, 4 of 1536."""


@dataclass(frozen=True)
class PlateDesign:
    """The layout of simulated plates; the default is 96 wells, ten doses in triplicate, vehicle and blank on both sides.

    Control columns stand on both sides: vehicle above on the left and below on the right, the zero control in the other
    halves, so that a drift across the plate meets both. A curve takes `replicates` rows and its doses run across the columns,
    the highest first. Rows left over at the bottom and columns left over on the right stay empty.

    Examples
    --------
    >>> PlateDesign().curves, PlateDesign(wells=384).curves, PlateDesign(wells=1536).curves
    (2, 10, 40)
    """

    wells: Literal[96, 384, 1536] = 96
    doses: int = 10
    replicates: int = 3
    """Wells of a dose on a plate."""

    plates: int = 1
    """Replicate plates of the same layout."""

    dose_factor: float = 3.0
    """What each dose is divided by to give the next."""

    assay: Literal["viability", "kinase"] = "viability"
    """What stands for response 0: blank wells without cells (viability), or a positive control at full inhibition (kinase)."""

    def __post_init__(self) -> None:
        if self.wells not in PLATE_SHAPES:
            message = f"a plate has {listed(list(PLATE_SHAPES), 3)} wells, and {self.wells} were asked for. Use one of these."
            raise SettingError(message)
        rows, columns = self.shape
        fits = 1 <= self.doses <= columns - 2 * self.controls and 1 <= self.replicates <= rows
        if not (fits and self.plates >= 1 and self.dose_factor > 1):
            message = (
                f"a plate of {self.wells} wells takes 1 to {columns - 2 * self.controls} doses in 1 to {rows} replicates, on 1 plate or more, "
                f"doses a factor above 1 apart; asked for were {self.doses} doses, {self.replicates} replicates, {self.plates} plates, "
                f"factor {self.dose_factor:g}. Correct the design."
            )
            raise SettingError(message)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return PLATE_SHAPES[self.wells]

    @property
    def controls(self) -> int:
        """Control columns on either side."""
        return self.shape[1] // COLUMNS_PER_CONTROL

    @property
    def zero_role(self) -> str:
        """Role of the wells that stand for response 0."""
        return "blank" if self.assay == "viability" else "positive"

    @property
    def curves(self) -> int:
        """Curves that a plate holds."""
        rows, columns = self.shape
        return (rows // self.replicates) * ((columns - 2 * self.controls) // self.doses)

    def control_roles(self) -> dict[str, str]:
        """Return control well -> role."""
        rows, columns = self.shape
        sides = [(c, "above") for c in range(self.controls)] + [(columns - 1 - c, "below") for c in range(self.controls)]
        return {
            well_name(row, column): "vehicle" if (row < rows // 2) == (half == "above") else self.zero_role
            for column, half in sides
            for row in range(rows)
        }

    def curve_wells(self, curve: int) -> list[tuple[str, int]]:
        """Return (well, number of its dose from the highest) of one curve."""
        across = (self.shape[1] - 2 * self.controls) // self.doses
        band, place = divmod(curve, across)
        first_row, first_column = band * self.replicates, self.controls + place * self.doses
        return [
            (well_name(first_row + replicate, first_column + dose), dose)
            for dose in range(self.doses)
            for replicate in range(self.replicates)
        ]
