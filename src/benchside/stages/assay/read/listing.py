"""Reader exports as lists: a row a well, a column a read, somewhere below the reader's own header lines."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchside.core.errors import LayoutError
from benchside.stages.assay.read.cells import OVERFLOW, Sheet, number
from benchside.stages.assay.read.properties import canonical_well, property_of
from benchside.stages.assay.read.readings import Reading

WELL_TITLES: Final = frozenset({"well", "wells", "well id", "well name", "well position", "position", "pos", "pos."})
_WELL_PARTS: Final = (("well row", "well col"), ("well row", "well column"), ("row", "column"), ("row", "col"))
_PLATE_TITLES: Final = frozenset({"plate", "plate id", "plate_id", "plate name", "plate barcode", "barcode", "plate number"})
_DESCRIBES: Final = re.compile(
    r"^(content|name|sample.*|group|setup|repeat|replicate.*|time.*|date.*|temp.*|meas.*|row|col(umn)?|well.*|id|no\.?|nr\.?|index|excluded|dilution.*|"
    r"conc.*|dose.*|type|unit|user|comment.*|note.*|read ?time|elapsed)$",
    re.IGNORECASE,
)
_WELL: Final = re.compile(r"^[A-Z]{1,2}\d{1,2}$")


@dataclass(frozen=True)
class Listing:
    """A list of wells in a sheet: where its header is and what its columns are."""

    sheet: Sheet
    top: int
    well: tuple[int, ...]
    """Column of the well, or columns of its row and column."""

    columns: Mapping[str, int]
    """Column title as written -> column."""

    rows: tuple[tuple[int, str], ...]
    """(sheet row, well)."""

    @property
    def plate(self) -> int | None:
        """The column of the plate, where there is one."""
        return next((column for title, column in self.columns.items() if title.lower() in _PLATE_TITLES), None)

    @property
    def values(self) -> dict[str, int]:
        """Title -> column of every column that holds signals: numbers (or overflow marks) that describe nothing known."""
        taken = {*self.well, self.plate}
        return {
            title: column
            for title, column in self.columns.items()
            if column not in taken and not _DESCRIBES.match(title) and property_of(title) is None and self._holds_signals(column)
        }

    def _holds_signals(self, column: int) -> bool:
        cells = [self.sheet.at(row, column) for row, _ in self.rows]
        filled = [cell for cell in cells if cell is not None]
        return any(number(cell) is not None for cell in filled) and sum(_is_signal(cell) for cell in filled) * 2 > len(filled)


def _is_signal(cell: Any) -> bool:
    return number(cell) is not None or (isinstance(cell, str) and bool(OVERFLOW.match(cell)))


def listings(sheet: Sheet) -> list[Listing]:
    """Return the lists of wells of a sheet.

    Raises
    ------
    LayoutError
        When a row amid a list names no well.
    """
    found: list[Listing] = []
    row = 0
    while row < len(sheet.rows):
        titles = {sheet.text(row, column): column for column in range(len(sheet.rows[row])) if sheet.text(row, column)}
        well = _well_columns(titles)
        if not well:
            row += 1
            continue
        wells, after = _wells(sheet, row, well)
        if wells:
            _require_endpoint(sheet, row, wells[0][0])
            found.append(Listing(sheet, row, well, titles, tuple(wells)))
        row = max(after, row + 1)
    return found


def _require_endpoint(sheet: Sheet, top: int, first: int) -> None:
    """Refuse a list with a column title that stands twice, or a line of times between its header and its wells."""
    titles = [sheet.text(top, column) for column in range(len(sheet.rows[top]))]
    twice = next((title for place, title in enumerate(titles) if title and title in titles[:place]), None)
    timed = any(
        sheet.text(row, column).lower() == "time" for row in range(top + 1, first) for column in range(len(sheet.rows[row]))
    )
    if twice is not None or timed:
        what = "a line of times stands below it" if timed else f"the column {twice!r} stands more than once"
        message = (
            f"{sheet.place(top, 0)}: a list of wells begins here and {what}, so it is a time course or a repeated read. "
            "Export one time point, a column a read, each with a title of its own."
        )
        raise LayoutError(message)


def _well_columns(titles: Mapping[str, int]) -> tuple[int, ...]:
    if len(titles) < 2:
        return ()
    lower = {title.lower(): column for title, column in titles.items()}
    for title in WELL_TITLES & set(lower):
        return (lower[title],)
    return next(((lower[a], lower[b]) for a, b in _WELL_PARTS if a in lower and b in lower), ())


def _wells(sheet: Sheet, top: int, columns: tuple[int, ...]) -> tuple[list[tuple[int, str]], int]:
    """Return the (row, well) of a list and the row after it: it ends at a text below an empty line, or at the sheet's end."""
    wells: list[tuple[int, str]] = []
    gap = False
    for row in range(top + 1, len(sheet.rows)):
        text = "".join(sheet.text(row, column) for column in columns)
        well = canonical_well(text)
        if _WELL.match(well):
            wells.append((row, well))
            gap = False
        elif not text or text.lower().startswith("~end"):
            gap = True
        elif gap or not wells:
            return wells, row
        else:
            message = f"{sheet.place(row, columns[0])} holds {text!r}, which is no well, amid a list of wells. Correct the cell or clear the row."
            raise LayoutError(message)
    return wells, len(sheet.rows)


def readings_of_list(listing: Listing) -> list[Reading]:
    """Return every column of signals as a reading, by plate where the list names plates."""
    found: list[Reading] = []
    for title, column in listing.values.items():
        plates: dict[str | None, list[tuple[str, Any, int, int]]] = {}
        for row, well in listing.rows:
            plate = None if listing.plate is None else listing.sheet.text(row, listing.plate) or None
            plates.setdefault(plate, []).append((well, listing.sheet.at(row, column), row, column))
        for plate, cells in plates.items():
            _require_once(listing, cells)
            found.append(Reading(listing.sheet, listing.top, column, tuple(cells), title, plate))
    return found


def _require_once(listing: Listing, cells: list[tuple[str, Any, int, int]]) -> None:
    seen: set[str] = set()
    for well, _, row, _ in cells:
        if well in seen:
            message = (
                f"{listing.sheet.place(row, listing.well[0])}: well {well} stands more than once on its plate. Keep one row a well; "
                "a time course is read with read_time_course."
            )
            raise LayoutError(message)
        seen.add(well)
