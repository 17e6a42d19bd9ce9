"""Plates written to files the ways readers and people write them, for the tests of the reader."""

import csv
from pathlib import Path

import xlsxwriter

from benchside.stages.assay.model import PLATE_SHAPES, row_letters, well_name

DOSES_NM = [1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03]


def contents(size=96, compound="alectinib"):
    """Return well -> (role, compound, dose, signal): vehicle in column 1, blank in the last, ten doses in row A, the rest unused."""
    rows, columns = PLATE_SHAPES[size]
    wells = {}
    for r in range(rows):
        wells[well_name(r, 0)] = ("vehicle", None, None, round(2.0 + 0.01 * (r % 4), 4))
        wells[well_name(r, columns - 1)] = ("blank", None, None, round(0.1 + 0.001 * (r % 4), 4))
    for k, dose in enumerate(DOSES_NM):
        wells[well_name(0, 1 + k)] = ("sample", compound, dose, round(0.1 + 1.9 / (1 + dose / 20.0), 4))
    return wells


def grid(size, value_of, corner=""):
    """Return a plate block as rows of cells, with column numbers above and row letters beside."""
    rows, columns = PLATE_SHAPES[size]
    header = [corner, *range(1, columns + 1)]
    return [header, *([row_letters(r), *(value_of(well_name(r, c)) for c in range(columns))] for r in range(rows))]


def signal_grid(wells, size=96, **changes):
    return grid(size, lambda well: changes.get(well, wells[well][3] if well in wells else 0.05))


def layout_rows(wells, size=96, *, unit="nM", roles=None, compounds=None, doses=None, dose_title=None):
    """Return the layout as titled blocks: Role, Compound, Concentration."""
    role = {well: item[0] for well, item in wells.items()} | (roles or {})
    compound = {well: item[1] for well, item in wells.items() if item[1]} | (compounds or {})
    dose = {well: item[2] for well, item in wells.items() if item[2] is not None} | (doses or {})
    title = dose_title or f"Concentration ({unit})"
    return [
        ["Role"], *grid(size, lambda well: role.get(well, "empty")), [],
        ["Compound"], *grid(size, compound.get), [],
        [title], *grid(size, dose.get),
    ]  # fmt: skip


def layout_list(wells, unit="nM"):
    rows = [[well, role, compound, dose] for well, (role, compound, dose, _) in wells.items()]
    return [["well", "role", "compound", f"concentration_{unit}"], *rows]


def write_csv(path: Path, rows, *, delimiter=",", decimal="."):
    def text(cell):
        return "" if cell is None else str(cell).replace(".", decimal) if isinstance(cell, float) else cell

    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, delimiter=delimiter).writerows([text(cell) for cell in row] for row in rows)
    return path


def write_xlsx(path: Path, sheets, *, at=(0, 0)):
    """Write sheet name -> rows; `at` moves the cells down and to the right."""
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if cell is not None and cell != "":
                    sheet.write(r + at[0], c + at[1], cell)
    book.close()
    return path


def long_rows(wells, *, unit="nM"):
    header = ["plate_id", "well", "role", "compound", f"concentration_{unit}", "signal"]
    return [header, *(["P1", well, role, compound, dose, signal] for well, (role, compound, dose, signal) in wells.items())]
