"""Time courses with their layout: what was in each well beside what was counted there over time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import LayoutError, listed
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from benchside.stages.assay.read.blocks import blocks
from benchside.stages.assay.read.cells import sheets
from benchside.stages.assay.read.grid import Defaults
from benchside.stages.assay.read.layout import layout_of, property_title
from benchside.stages.assay.read.properties import Cell, role_of
from benchside.stages.assay.read.time_course import read_time_course

VERSION: Final = "1"
DESCRIBED: Final = ("compound", "target", "variant", "system")


def courses(
    path: Path, layout: Path | None, defaults: Defaults, *, time_unit: str | None = None, label: str | None = None
) -> pl.DataFrame:
    """Return the counts of a time course with compound and dose: what `dip_rates` takes.

    Parameters
    ----------
    path
        The time course.
    layout
        The file with its layout; None: the layout stands in the same file.
    defaults
        What the study says of all wells.
    time_unit, label
        As `read_time_course` takes them.

    Returns
    -------
    polars.DataFrame
        `plate_id, well, role, time_h, cell_count, concentration_nM`, compound, target, variant, system and `signal_ref`; vehicle
        wells have concentration 0 and no compound, so that they serve every compound of their cell line. Wells that are
        neither sample nor vehicle are left out.

    Raises
    ------
    FileError, LayoutError, TableError, UnitError
    """
    course = read_time_course(path, time_unit=time_unit, label=label).table
    found = sheets(layout or path, name=(layout or path).name)
    grids = [block for sheet in found for block in blocks(sheet) if property_title(block) is not None]
    plates = course["plate_id"].unique(maintain_order=True).to_list()
    plan = layout_of(found, grids, plates, shape_of(course["well"].unique().to_list()), defaults.concentration_unit)
    rows = [row for plate in plates for row in _wells(plate, plan.of(plate, None), defaults)]
    wells = pl.DataFrame(
        rows,
        orient="row",
        schema=dict.fromkeys(("plate_id", "well", "role", *DESCRIBED), pl.String) | {"concentration_nM": pl.Float64},
    )
    used = course.join(
        wells.filter(pl.col("role").is_in(["sample", "vehicle"])), on=["plate_id", "well"], how="inner", maintain_order="left"
    )
    if used.is_empty():
        message = f"{(layout or path).name}: none of the wells of {listed(plates)} is a sample or vehicle well of the layout. Use the layout of these plates."
        raise LayoutError(message)
    return used.rename({"signal": "cell_count"}).filter(pl.col("cell_count").is_not_null())


def _wells(plate: str, layout: Mapping[str, Mapping[str, Cell]], defaults: Defaults) -> Iterator[tuple[Any, ...]]:
    """Yield (plate, well, role, compound, target, variant, system, dose in nM) of every well of a layout."""
    for well, properties in layout.items():
        role = role_of(properties)
        told = {name: str(properties[name].value) if name in properties else None for name in DESCRIBED}
        dose = float(properties["concentration"].value) if "concentration" in properties else None
        known = [told[name] or getattr(defaults, name) for name in DESCRIBED[1:]]
        yield plate, well, role, told["compound"] if role == "sample" else None, *known, 0.0 if role == "vehicle" else dose


def shape_of(wells: list[str]) -> tuple[int, int]:
    """Return rows and columns of the smallest plate that has all these wells."""
    for size in sorted(PLATE_SHAPES):
        rows, columns = PLATE_SHAPES[size]
        if set(wells) <= {well_name(r, c) for r in range(rows) for c in range(columns)}:
            return rows, columns
    return PLATE_SHAPES[max(PLATE_SHAPES)]
