"""Trails as short lines for the page: what a number rests on, cells gathered into ranges."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from benchside.study.trail import Step, Trail

_CELL: Final = re.compile(r"^(?P<place>.*)!(?P<column>[A-Z]+)(?P<row>\d+)$")
_LINE: Final = re.compile(r"^(?P<place>.*)!row (?P<row>\d+)$")


def trail_lines(trail: Trail) -> tuple[str, ...]:
    """Return the trail of a number as lines, indented by depth, ending at ranges of cells."""
    return tuple(_lines(trail.step, 0))


def _lines(step: Step, depth: int) -> Iterable[str]:
    indent = "  " * depth
    yield f"{indent}{step.verb}: {step.rows.height} of {step.total_rows} {step.kind}"
    for text in cell_ranges(step.cells):
        yield f"{indent}  {text}"
    for source in step.sources:
        yield from _lines(source, depth + 1)


def cell_ranges(cells: Sequence[str]) -> list[str]:
    """Return cell references gathered into rectangles: ``plate.xlsx@1a2b!Plate C9:L11``.

    Examples
    --------
    >>> cell_ranges(["p.xlsx@1!S!C9", "p.xlsx@1!S!D9", "p.xlsx@1!S!C10", "p.xlsx@1!S!D10", "t.csv@2!row 4", "t.csv@2!row 5"])
    ['p.xlsx@1!S C9:D10', 't.csv@2 rows 4-5']
    """
    grids: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    lines: dict[str, list[int]] = defaultdict(list)
    for cell in cells:
        if match := _CELL.match(cell):
            grids[match["place"]][int(match["row"])].append(column_number(match["column"]))
        elif match := _LINE.match(cell):
            lines[match["place"]].append(int(match["row"]))
    found = [f"{place} {', '.join(_rectangles(rows))}" for place, rows in grids.items()]
    return found + [f"{place} rows {', '.join(_span(a, b) for a, b in runs(numbers))}" for place, numbers in lines.items()]


def column_number(letters: str) -> int:
    """Return a spreadsheet column as a number: A is 1."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return a column number as spreadsheet letters."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return sorted numbers as runs of neighbours."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _rectangles(rows: dict[int, list[int]]) -> list[str]:
    """Return rows of columns as rectangles: rows that follow each other with the same run of columns are one."""
    found: list[list[int]] = []
    for row in sorted(rows):
        for left, right in runs(rows[row]):
            grown = next((box for box in found if box[0] == left and box[1] == right and box[3] == row - 1), None)
            if grown is not None:
                grown[3] = row
            else:
                found.append([left, right, row, row])
    return [_box(*box) for box in found]


def _box(left: int, right: int, top: int, bottom: int) -> str:
    first, last = f"{column_letters(left)}{top}", f"{column_letters(right)}{bottom}"
    return first if first == last else f"{first}:{last}"
