"""Layouts: what is in each well, as grids (a block a property) or as lists, of every plate or of plates by name, always with its cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchside.core.errors import LayoutError, listed
from benchside.stages.assay.read.blocks import Block
from benchside.stages.assay.read.cells import Sheet
from benchside.stages.assay.read.layout_list import from_list, list_headers
from benchside.stages.assay.read.properties import DOSED, Cell, WellCells, converted, property_of, unit_of
from benchside.stages.assay.read.readings import is_plate_word, plate_name


@dataclass(frozen=True)
class Layout:
    """What is in the wells: of every plate, or of plates by name."""

    by_plate: Mapping[str | None, WellCells]
    """Plate -> wells; None holds for every plate."""

    sheet: Sheet

    def of(self, plate: str, written: str | None = None) -> WellCells:
        """Return the wells of one plate: those of every plate, and those of its own name (or of the name its file writes)."""
        own, general = self.by_plate.get(plate, self.by_plate.get(written or plate)), self.by_plate.get(None)
        if own is None and general is None:
            known = [name for name in self.by_plate if name is not None]
            message = (
                f"{self.sheet.file}: the layout is of plates {listed(known)}, and plate {plate!r} is none of them. "
                "Use the same plate names in the layout and in the reader's file."
            )
            raise LayoutError(message)
        merged: WellCells = {well: dict(cells) for well, cells in (general or {}).items()}
        for well, cells in (own or {}).items():
            _add(merged, {well: cells})
        return merged


def layout_of(
    sheets: Sequence[Sheet], found: Sequence[Block], plates: Sequence[str], shape: tuple[int, int], unit: str | None
) -> Layout:
    """Return the layout that sheets hold, as plate-shaped blocks (a block a property), as lists (a row a well, column or row), or both.

    Parameters
    ----------
    sheets
        The sheets of the layout.
    found
        Their layout blocks.
    plates
        The plates of the reader's file: a layout block may name one of them.
    shape
        Rows and columns of the plates, for lists that give a property of whole rows or columns.
    unit
        Unit of doses whose title gives none.

    Raises
    ------
    LayoutError, TableError, UnitError
    """
    by_plate: dict[str | None, WellCells] = {}
    for block, plate in zip(found, block_plates(found, plates), strict=True):
        _add(by_plate.setdefault(plate, {}), from_block(block, unit))
    for sheet in sheets:
        for top, columns in list_headers(sheet):
            for plate, cells in from_list(sheet, top, columns, unit, shape):
                _add(by_plate.setdefault(plate, {}), cells)
    if not by_plate:
        hidden = f" (hidden sheets, here {listed(sheets[0].hidden)}, are not read)" if sheets[0].hidden else ""
        message = f"{sheets[0].file}: no layout was found{hidden}. A layout is a list with a 'well' column, or plate blocks titled Compound, Concentration (nM), Role."
        raise LayoutError(message)
    return Layout(by_plate, sheets[0])


def block_plates(found: Sequence[Block], plates: Sequence[str]) -> list[str | None]:
    """Return which plate each layout block is of: None, every plate, unless a property stands more than once.

    Raises
    ------
    LayoutError
        When a property stands twice and the blocks do not name different plates of the file.
    """
    names: list[str | None] = []
    for place, block in enumerate(found):
        above = [other for other in found[: place + 1] if other.sheet.name == block.sheet.name]
        names.append(next((name for other in reversed(above) if (name := plate_name(other)) is not None), None))
    held = [property_title(block) for block in found]
    if len(set(held)) == len(held):
        return [None] * len(held)
    keys = list(zip(names, held, strict=True))
    second = next((place for place, key in enumerate(keys) if key in keys[:place] or key[0] not in plates), None)
    if second is not None:
        block = found[second]
        message = (
            f"{block.sheet.place(block.top, block.left)}: {block.title!r} stands more than once in the layout, and the blocks do not each name a plate "
            f"of the file ({listed(plates)}). Keep one layout, or write 'Plate: name' above each."
        )
        raise LayoutError(message)
    return names


def property_title(block: Block) -> str | None:
    """Return the layout property a block holds: that of its nearest title, remarks in brackets between them aside."""
    for word in block.words:
        if is_plate_word(block, word):
            continue
        name = property_of(word.text)
        if name not in {None, "plate_id"}:
            return name
        if not word.text.startswith("("):
            return None
    return None


def from_block(block: Block, unit: str | None) -> WellCells:
    """Return one property by well; a merged cell holds for every well it covers."""
    name = property_title(block)
    layout: WellCells = {}
    if name is None:
        return layout
    title = next(word.text for word in block.words if property_of(word.text) == name)
    factor = unit_of(title, unit, place=f"{block.sheet.file}, sheet {block.sheet.name!r}") if name in DOSED else 1.0
    for well, _, row, column in block.cells():
        origin = block.sheet.merged_into(row, column)
        value = block.sheet.at(*origin)
        if value is not None:
            layout.setdefault(well, {})[name] = converted(
                Cell(value, block.sheet.place(*origin), block.sheet.ref(*origin)), name, factor
            )
    return layout


def _add(layout: WellCells, further: WellCells) -> None:
    """Add properties to a layout; one that is there already must be the same."""
    for well, cells in further.items():
        held = layout.setdefault(well, {})
        for name, cell in cells.items():
            if name in held and held[name].value != cell.value:
                message = (
                    f"{cell.place}: well {well} has {name} {cell.value!r} here and {held[name].value!r} at {held[name].place}. "
                    "Keep one layout, or correct one of them."
                )
                raise LayoutError(message)
            held[name] = cell
