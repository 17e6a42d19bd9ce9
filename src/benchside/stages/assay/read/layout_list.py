"""Layouts as lists: a row a well, or a row for a whole row or column of wells."""

import re
from collections.abc import Iterator, Mapping, Sequence

from benchside.core.errors import LayoutError
from benchside.stages.assay.model import row_letters
from benchside.stages.assay.read.cells import Sheet
from benchside.stages.assay.read.properties import DOSED, Cell, WellCells, canonical_well, converted, property_of, unit_of


def list_headers(sheet: Sheet) -> list[tuple[int, dict[str, int]]]:
    """Return (row, property -> column) of every list: a row that names a well, row or column, and a known property."""
    found: list[tuple[int, dict[str, int]]] = []
    for row in range(len(sheet.rows)):
        names = {sheet.text(row, column).lower(): column for column in range(len(sheet.rows[row]) - 1, -1, -1)}
        keys = _list_keys(names)
        if not keys:
            continue
        known: dict[str, int] = {}
        for column in range(len(sheet.rows[row])):
            title = sheet.text(row, column)
            name = property_of(title) if title and column not in keys.values() and not holds_codes(sheet, row, column) else None
            if name is not None:
                if name in known and name != "plate_id":
                    message = f"{sheet.place(row, column)}: a second column of {name} ({title!r}) begins here. Keep one, or rename the other."
                    raise LayoutError(message)
                known.setdefault(name, column)
        if set(known) - {"plate_id"}:
            found.append((row, {**known, **keys}))
    return found


def holds_codes(sheet: Sheet, top: int, column: int) -> bool:
    """Return whether a column `Type` holds a reader's own letters (M, S, B1) and no roles."""
    if sheet.text(top, column).strip().lower() not in {"type", "well type"}:
        return False
    cells = [text for row in range(top + 1, len(sheet.rows)) if (text := sheet.text(row, column))]
    return all(re.fullmatch(r"[A-Z]{1,3}\d*", text) for text in cells)


def _list_keys(names: Mapping[str, int]) -> dict[str, int]:
    """Return what places the rows of a list: `well`, or `row` and `column`, or one of the two."""
    for title in ("well", "wells", "well id", "well name", "well position"):
        if title in names:
            return {"well": names[title]}
    row = next((names[title] for title in ("well row", "row", "rows", "plate row") if title in names), None)
    column = next(
        (names[title] for title in ("well col", "well column", "column", "columns", "col", "plate column") if title in names),
        None,
    )
    return {name: place for name, place in (("row", row), ("column", column)) if place is not None}


def from_list(
    sheet: Sheet, top: int, columns: Mapping[str, int], unit: str | None, shape: tuple[int, int]
) -> list[tuple[str | None, WellCells]]:
    """Return the layout written as a list, a row a well (or a row or column of wells), by plate where the list names plates."""
    place = f"{sheet.file}, sheet {sheet.name!r}"
    factors = {name: unit_of(sheet.text(top, columns[name]), unit, place=place) for name in DOSED if name in columns}
    found: dict[str | None, WellCells] = {}
    gap = False
    for row in range(top + 1, len(sheet.rows)):
        wells = _wells_of_row(sheet, row, columns, shape)
        if not wells:
            gap = True
            continue
        if _list_keys({sheet.text(row, c).lower(): c for c in range(len(sheet.rows[row]))}) or (gap and not _are_wells(wells)):
            break
        gap = False
        plate = (sheet.text(row, columns["plate_id"]) or None) if "plate_id" in columns else None
        layout = found.setdefault(plate, {})
        cells = dict(_row_cells(sheet, row, columns, factors))
        for well in wells:
            if well in layout:
                place = sheet.place(row, columns.get("well", columns.get("column", columns.get("row", 0))))
                message = f"{place}: well {well} stands twice in the layout. Keep one row a well."
                raise LayoutError(message)
            layout[well] = cells
    return list(found.items())


def _are_wells(names: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[A-Z]{1,2}\d{1,2}", name) for name in names)


def _wells_of_row(sheet: Sheet, row: int, columns: Mapping[str, int], shape: tuple[int, int]) -> list[str]:
    """Return the wells one row of a list is of; none where its place is empty."""
    if "well" in columns:
        well = canonical_well(sheet.text(row, columns["well"]))
        return [well] if well else []
    letter = sheet.text(row, columns["row"]).upper() if "row" in columns else None
    count = sheet.text(row, columns["column"]) if "column" in columns else None
    if not letter and not count:
        return []
    rows = [row_letters(k) for k in range(shape[0])] if letter is None else [letter]
    places = [str(k + 1) for k in range(shape[1])] if count is None else [str(int(count)) if count.isdecimal() else count]
    return [r + c for r in rows for c in places]


def _row_cells(sheet: Sheet, row: int, columns: Mapping[str, int], factors: Mapping[str, float]) -> Iterator[tuple[str, Cell]]:
    for name, column in columns.items():
        origin = sheet.merged_into(row, column)
        value = sheet.at(*origin)
        if name not in {"well", "row", "column", "plate_id"} and value is not None:
            yield name, converted(Cell(value, sheet.place(*origin), sheet.ref(*origin)), name, factors.get(name, 1.0))
