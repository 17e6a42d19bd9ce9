"""The messy-plate corpus: exports as readers and people write them, each with the wells it holds or the sentence it must be refused with.

The shapes follow the makers' public descriptions of their export formats; every number is invented here. A case either reads exactly,
well for well, or is refused with file, place, rule and remedy. None may read wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import xlsxwriter

from benchside.core.errors import BenchsideError, FileError, LayoutError, SettingError, TableError, UnitError
from benchside.stages.assay.model import PLATE_SHAPES, well_name
from tests.stages.assay import plates

LETTERS = "ABCDEFGHIJKLMNOP"


@dataclass(frozen=True)
class Case:
    """One export: how it is written, how it is read, and what must come of it."""

    name: str
    kind: str
    write: Callable[[Path], tuple[Path, Path | None]]
    """Folder -> (file, layout file)."""

    truth: dict = field(default_factory=dict)
    """Plate -> well -> (role, compound, dose in nM, signal)."""

    settings: dict = field(default_factory=dict)
    refused: type[BenchsideError] | None = None
    says: tuple[str, ...] = ()
    """Parts of the sentence: file or place, rule, remedy."""


# ---------------------------------------------------------------- invented plates


def wells(shift=0.0, size=96, compound="alectinib"):
    """Return a plate of absorbances, moved by `shift`."""
    return {well: (*item[:3], round(item[3] + shift, 4)) for well, item in plates.contents(size, compound).items()}


def counts(size=96, compound="lorlatinib", factor=10007):
    """Return a plate of whole counts above a thousand."""
    held = plates.contents(size, compound)
    return {well: (*item[:3], float(int(item[3] * factor + 1000))) for well, item in held.items()}


A, B, C = wells(), wells(0.2), counts()


def signals(held, size=96, scale=lambda value: value, **changes):
    return plates.grid(size, lambda well: changes.get(well, scale(held[well][3]) if well in held else scale(0.05)))


def bare(held, size=96):
    """Return the readings without letters and numbers."""
    return [line[1:] for line in signals(held, size)[1:]]


def layout_file(folder, held=A, size=96, *, name="layout.csv", **options):
    return plates.write_csv(folder / name, plates.layout_rows(held, size, **options))


def text(path, lines, *, mark="\t", encoding="utf-8", newline="\r\n"):
    """Write rows of cells as text, without quotes."""
    rows = [mark.join("" if cell is None else str(cell) for cell in line) for line in lines]
    path.write_bytes((newline.join(rows) + newline).encode(encoding))
    return path


def book(path, sheets, *, hide=(), merge=()):
    """Write sheet -> rows of cells (dates too); `merge` lists (sheet, first row, column, last row, column, value)."""
    workbook = xlsxwriter.Workbook(str(path))
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = workbook.add_worksheet(name)
        covered = {
            (r, c)
            for where, top, left, bottom, right, _ in merge
            if where == name
            for r in range(top, bottom + 1)
            for c in range(left, right + 1)
        }
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(r, c, cell, day)
                elif cell is not None and cell != "" and (r, c) not in covered:
                    sheet.write(r, c, cell)
        for where, top, left, bottom, right, value in merge:
            if where == name:
                sheet.merge_range(top, left, bottom, right, value)
        if name in hide:
            sheet.hide()
    workbook.close()
    return path


def incucyte(folder):
    names = [well_name(r, c) for r in range(8) for c in range(12)]
    head = [["Vessel Name: H3122 lorlatinib"], ["Metric: Phase Object Confluence (Percent)"], ["Cell Type: H3122"], []]
    return text(
        folder / "incucyte.txt",
        [*head, ["Date Time", "Elapsed", *names], *([f"3/12/2024 {2 + h}:00:00 PM", h, *[10.5 + h] * 96] for h in (0, 2, 4))],
    )


def with_layout(write, **options):
    """Return a writer of (file, layout file)."""
    return lambda folder: (write(folder), layout_file(folder, **options))


def alone(write):
    return lambda folder: (write(folder), None)


# ---------------------------------------------------------------- Tecan i-control


def tecan_head():
    return [
        ["Application: Tecan i-control", None, None, None, "Tecan i-control , 2.0.10.0"], ["Device: infinite 200Pro", None, None, None, "Serial number: 1501001"],
        [], ["Date:", "12.03.2024"], ["Time:", "14:02:11"], [], ["System", None, None, None, "LAB-PC-4"], ["User", None, None, None, "LAB-PC-4\\reader"],
        ["Plate", None, None, None, "Greiner 96 Flat Bottom Transparent Polystyrene"], ["Plate-ID (Stacker)"], [],
    ]  # fmt: skip


def tecan_label(number, wavelength, grid):
    corner = [["<>", *grid[0][1:]], *grid[1:]]
    return [
        [f"Label: Label{number}"], ["Mode", None, None, None, "Absorbance"], ["Wavelength", None, None, None, wavelength, "nm"],
        ["Bandwidth", None, None, None, 9, "nm"], ["Number of Flashes", None, None, None, 25], ["Settle Time", None, None, None, 0, "ms"],
        ["Part of Plate", None, None, None, "A1-H12"], ["Start Time:", "12.03.2024 14:02:13"], [], [None, f"Temperature: 24.{number} °C"],
        *corner, [], [], ["End Time:", "12.03.2024 14:02:58"], [],
    ]  # fmt: skip


def tecan(folder, *, reads=((570, A),), **changes):
    rows = tecan_head()
    for k, (wavelength, held) in enumerate(reads, start=1):
        rows += tecan_label(k, wavelength, signals(held, **changes))
    return book(folder / "tecan.xlsx", {"Sheet1": rows})


def tecan_part(folder):
    part = [["<>", *range(2, 12)], *([LETTERS[r], *(round(0.1 * r + 0.01 * c, 3) for c in range(10))] for r in range(1, 7))]
    return book(folder / "tecan.xlsx", {"Sheet1": [*tecan_head(), ["Label: Label1"], *part]})


def tecan_kinetic(folder):
    names = [well_name(r, c) for r in range(8) for c in range(12)]
    lines = [[name, *(round(0.1 + 0.01 * k + 0.1 * t, 3) for t in range(4))] for k, name in enumerate(names)]
    rows = [
        *tecan_head(),
        ["Label1"],
        ["Cycle Nr.", 1, 2, 3, 4],
        ["Time [s]", 0, 600, 1200, 1800.5],
        ["Temp. [°C]", 37, 37, 37.1, 37],
        *lines,
        [],
        ["End Time:", "x"],
    ]
    return book(folder / "kinetic.xlsx", {"Sheet1": rows})


# ---------------------------------------------------------------- BMG MARS


def mars_grid(folder):
    head = [
        ["User: USER", "Path: C:\\Program Files\\BMG\\", "Test ID: 14"],
        ["Test Name: CTG 96", "Date: 12/03/2024", "Time: 14:02:11"],
        ["Luminescence"],
        ["Raw Data (570 µm slit)"],
    ]
    return text(folder / "mars.csv", [*head, [], *signals(A)], mark=";", encoding="cp1252")


def mars_list(*columns):
    def write(folder):
        head = [["User: USER", "Path: C:\\BMG\\"], ["Test Name: MTT", "Date: 12/03/2024"], ["Absorbance"], []]
        titles = ["Well Row", "Well Col", "Content", *(title for title, _ in columns)]
        lines = []
        for r in range(8):
            for c in range(12):
                well = well_name(r, c)
                lines.append(
                    [
                        LETTERS[r],
                        f"{c + 1:02d}",
                        f"Sample X{r * 12 + c + 1}",
                        *(held[well][3] if well in held else 0.05 for _, held in columns),
                    ]
                )
        return book(folder / "mars.xlsx", {"Table All Data points": [*head, titles, *lines]})

    return write


def mars_kinetic(folder):
    head = [["User: USER", "Path: C:\\BMG\\"], ["Test name: OD600", "Date: 15/10/2025"], ["Absorbance"], []]
    titles = [["Well Row", "Well Col", "Content", *["Raw Data (600)"] * 3], ["", "", "Time", "0 h ", "0 h 15 min", "0 h 30 min"]]
    lines = [[LETTERS[r], c + 1, f"Sample X{c + 1}", 0.1, 0.2, 0.3] for r in range(8) for c in range(12)]
    return plates.write_csv(folder / "mars.csv", [*head, *titles, *lines])


# ---------------------------------------------------------------- SoftMax Pro


def softmax(folder, *, reads=(A,), wavelengths="570", encoding="utf-16"):
    columns = []
    for _ in reads:
        columns += [*range(1, 13), None]
    section = [
        "Plate:",
        "Plate1",
        "1.3",
        "PlateFormat",
        "Endpoint",
        "Absorbance",
        "Raw",
        "FALSE",
        "1",
        None,
        None,
        None,
        None,
        None,
        len(reads),
        wavelengths,
        "1",
        "12",
        "96",
        "1",
        "8",
    ]
    lines = [["##BLOCKS= 1"], section, [None, "Temperature(°C)", *columns]]
    for r in range(8):
        cells = []
        for held in reads:
            cells += [*bare(held)[r], None]
        lines.append([None, "23.50" if r == 0 else None, *cells])
    return text(
        folder / "softmax.txt",
        [*lines, [], ["~End"], ["Original Filename: ctg.sda; Date Last Saved: 3/12/2024 2:02:11 PM"]],
        encoding=encoding,
    )


def softmax_columns(folder, times=1):
    names = [well_name(r, c) for r in range(8) for c in range(12)]
    section = ["Plate:", "Plate1", "1.3", "TimeFormat", "Endpoint" if times == 1 else "Kinetic", "Luminescence", "Raw"]
    values = [A[name][3] if name in A else 0.05 for name in names]
    rows = [[f"00:{10 * t:02d}:00", 23.5, *values] for t in range(times)]
    return text(
        folder / "softmax.txt",
        [["##BLOCKS= 1"], section, ["Time(hh:mm:ss)", "Temperature(°C)", *names], *rows, ["~End"]],
        encoding="utf-16",
    )


# ---------------------------------------------------------------- EnVision, Gen5, Victor, GloMax, lists


def envision(folder, *, letters=True, barcodes=("BC-0001", "BC-0002"), lost=None):
    def plate(number, barcode, held):
        grid = (
            [["", *(f"{c:02d}" for c in range(1, 13))], *signals(held)[1:]]
            if letters
            else [line for r, line in enumerate(bare(held)) if r != lost]
        )
        return [
            ["Plate information"], ["Plate", "Repeat", "Barcode", "Measured height", "Chamber temperature at start"], [number, 1, f'="{barcode}"', 0, 24.3], [],
            ["Background information"], ["Plate", "Label", "Result", "Signal", "Flashes/time"], [number, "US LUM 96 (cps)", 0, 12, 10], [],
            ["Results for US LUM 96 (cps)"], *grid, [],
        ]  # fmt: skip

    platemap = [["Platemap:"], *plates.grid(96, lambda well: "- " if well.endswith("12") else "UN1")]
    tail = [
        ["Basic assay information"],
        ["Assay ID:", None, None, 4123],
        [],
        *platemap,
        [],
        ["Exported with EnVision Workstation version 1.13"],
    ]
    return plates.write_csv(folder / "envision.csv", [*plate(1, barcodes[0], A), *plate(2, barcodes[1], B), *tail])


def gen5(folder, *, reads=(("570", A),), layout_block=False):
    head = [
        ["Software Version", "3.10.06"],
        [],
        ["Experiment File Path:", "C:\\exp.xpt"],
        ["Plate Number", "Plate 1"],
        ["Date", "3/12/2024"],
        ["Reader Type:", "Synergy H1"],
        [],
    ]
    head += [["Procedure Details"], ["Plate Type", "96 WELL PLATE"], ["Read", "Absorbance Endpoint"], []]
    block = [["Layout"], ["", *range(1, 13)]]
    for r in range(8):
        block += [[LETTERS[r], *(f"SPL{c}" for c in range(12)), "Well ID"], ["", *(None for _ in range(12)), "Conc/Dil"]]
    rows = [["Results"], ["Actual Temperature:", 24.0], [], ["", *range(1, 13)]]
    for r in range(8):
        for k, (label, held) in enumerate(reads):
            rows.append([LETTERS[r] if k == 0 else None, *bare(held)[r], label])
    return book(folder / "gen5.xlsx", {"Plate 1 - Sheet1": [*head, *([*block, []] if layout_block else []), *rows]})


def victor(folder, *, repeats=1):
    rows = [["Protocol name:", "CTG 96"], ["Measured on:", "12/03/2024"], [], ["Plate", "Repeat", "Well", "Type", "Time", "CPS"]]
    for repeat in range(1, repeats + 1):
        for r in range(8):
            for c in range(12):
                well = well_name(r, c)
                rows.append(
                    [1, repeat, f"{LETTERS[r]}{c + 1:02d}", "M", f"00:0{r}:{c:02d}.32", A[well][3] if well in A else 0.05]
                )
    return book(folder / "victor.xlsx", {"List": rows})


def spectramax(folder, *, letter="A"):
    rows = [["Experiment", "screen 3"], [], ["Well", "Values"]]
    for r in range(8):
        for c in range(12):
            well = well_name(r, c)
            rows.append([f"{letter if r == 0 and c == 9 else LETTERS[r]}{c + 1:02d}", A[well][3] if well in A else 0.05])
    return plates.write_csv(folder / "list.csv", rows)


def long_book(folder):
    header = ["Plate ID", "Well", "Role", "Drug", "Conc (uM)", "Replicate", "RLU"]
    rows = [
        [plate, well.lower(), role, compound, None if dose is None else dose / 1000, 1, signal]
        for plate, held in (("P1", A), ("P2", B))
        for well, (role, compound, dose, signal) in held.items()
    ]
    return book(folder / "wells.xlsx", {"Data": [["Exported by the LIMS"], [], header, *rows]})


def open_document(folder):
    """Write an OpenDocument spreadsheet, as free office programs save it."""
    from xml.sax.saxutils import escape
    from zipfile import ZipFile

    def cell(value):
        if value is None or value == "":
            return "<table:table-cell/>"
        kind = (
            f'office:value-type="float" office:value="{value}"'
            if isinstance(value, int | float)
            else 'office:value-type="string"'
        )
        return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"

    def table(name, rows):
        lines = "".join(f"<table:table-row>{''.join(map(cell, row)) or '<table:table-cell/>'}</table:table-row>" for row in rows)
        return f'<table:table table:name="{name}">{lines}</table:table>'

    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    body = table("Reader", [["OD 450"], *signals(A)]) + table("Layout", plates.layout_rows(A))
    with ZipFile(folder / "day1.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>",
        )
        file.writestr("META-INF/manifest.xml", "<manifest/>")
    return folder / "day1.ods"


def both_books(rows, name="day1.xlsx", held=A, **options):
    """Return a workbook with signals on one sheet and the layout on another."""
    return lambda folder: book(folder / name, {"Reader": rows, "Layout": plates.layout_rows(held)}, **options)


def comma_text(value, decimals=4):
    return f"{value:.{decimals}f}".replace(".", ",")


def turned(held):
    rows, columns = PLATE_SHAPES[96]
    return [
        ["", *LETTERS[:rows]],
        *([c + 1, *(held[well_name(r, c)][3] if well_name(r, c) in held else 0.05 for r in range(rows))] for c in range(columns)),
    ]


def beside(first, second):
    left, right = signals(first), signals(second)
    titles = ["Plate: left", *[None] * 13, "Plate: right"]
    return [titles, *([*a, None, *b] for a, b in zip(left, right, strict=True))]


def by_column(folder):
    """Doses by column, compounds by row: two short lists."""
    columns = [
        ["Column", "Role", "Concentration (nM)"],
        [1, "vehicle", None],
        *([k + 2, "sample", 1000 / 2**k] for k in range(10)),
        [12, "blank", None],
    ]
    rows = [["Row", "Compound"], *([letter, "alectinib" if letter < "E" else "lorlatinib"] for letter in LETTERS[:8])]
    return plates.write_csv(folder / "layout.csv", [*columns, [], *rows])


def by_column_truth():
    held = {}
    for r in range(8):
        for c in range(12):
            signal = round(0.1 * r + 0.01 * c + 0.5, 3)
            role = {0: "vehicle", 11: "blank"}.get(c, "sample")
            compound = ("alectinib" if r < 4 else "lorlatinib") if role == "sample" else None
            held[well_name(r, c)] = (role, compound, 1000 / 2 ** (c - 1) if role == "sample" else None, signal)
    return held


def gdsc(folder):
    rows = [
        ["BARCODE", "POSITION", "TAG", "DRUG_ID", "CONC", "INTENSITY"],
        [7, 1, "NC-1", None, None, 9000],
        [7, 2, "B", None, None, 90],
        [7, 3, "L1-D1-S", 11, 0.25, 4000],
    ]
    return plates.write_csv(folder / "gdsc.csv", rows)


def merged_layout(folder):
    """The compound written once over ten columns, as people do."""
    layout = plates.layout_rows(A)
    return book(
        folder / "day1.xlsx",
        {"Reader": [["ALK viability"], [], *signals(A)], "Layout": layout},
        merge=[("Reader", 0, 0, 0, 8, "ALK viability, H3122"), ("Layout", 13, 2, 13, 11, "alectinib")],
    )


def listed_layout(folder, plates_held):
    rows = [["Plate", "Well", "Role", "Compound", "Dose (nM)"]]
    rows += [
        [plate, well, role, compound, dose]
        for plate, held in plates_held.items()
        for well, (role, compound, dose, _) in held.items()
    ]
    return plates.write_csv(folder / "layout.csv", rows)


def named(name, held, **changes):
    return [["Plate:", name], *signals(held, **changes), []]


def twice_laid_out(folder, *, names=()):
    other = wells(compound="crizotinib")
    parts = [plates.layout_rows(A), plates.layout_rows(other)]
    layout = []
    for k, part in enumerate(parts):
        layout += [*([["Plate:", names[k]]] if names else []), *part, []]
    signal = [*named("P1", A), *named("P2", {well: (*other[well][:3], B[well][3]) for well in B})]
    return book(folder / "two.xlsx", {"Reader": signal, "Layout": layout})


CRIZOTINIB_B = {well: (*wells(compound="crizotinib")[well][:3], B[well][3]) for well in B}
OVER = {**A, "A2": ("excluded", "alectinib", 1000.0, None)}
RADIO = {well: (*item[:3], float(int(item[3] * 40_000))) for well, item in A.items()}
MINUS = {well: (*item[:3], item[3] - B[well][3]) for well, item in A.items()}


def case(name, kind, write, plate=None, held=None, **rest):
    truth = {} if plate is None else {plate: held} if not isinstance(plate, dict) else plate
    return Case(name, kind, write, truth, **rest)


CASES = [
    case("tecan endpoint", "Tecan", with_layout(tecan), "tecan", A),
    case("tecan two wavelengths, subtracted", "Tecan", with_layout(lambda f: tecan(f, reads=((570, A), (650, B)))), "tecan", MINUS,
         settings={"signal_read": "570", "reference_read": "650 nm"}),
    case("tecan two wavelengths, one wanted", "Tecan", with_layout(lambda f: tecan(f, reads=((570, A), (650, B)))), "tecan", B, settings={"signal_read": "650"}),
    case("tecan two wavelengths, nothing said", "Tecan", with_layout(lambda f: tecan(f, reads=((570, A), (650, B)))), refused=LayoutError,
         says=("tecan.xlsx, sheet 'Sheet1', cell B", "2 blocks of signals (570 nm, 650 nm)", "set signal_read")),
    case("tecan a wavelength that is not there", "Tecan", with_layout(lambda f: tecan(f, reads=((570, A), (650, B)))), settings={"signal_read": "450"},
         refused=SettingError, says=("tecan.xlsx", "signal_read is '450'", "570 nm, 650 nm", "Name one")),
    case("tecan part of a plate", "Tecan", with_layout(tecan_part), refused=LayoutError, says=("tecan.xlsx, sheet 'Sheet1', cell B", "begins at well B2", "Export the whole plate")),
    case("tecan kinetic", "Tecan", with_layout(tecan_kinetic), refused=LayoutError, says=("kinetic.xlsx", "time course", "read_time_course")),
    case("tecan overflow", "Tecan", with_layout(lambda f: tecan(f, A2="OVER")), refused=TableError, says=("tecan.xlsx, sheet 'Sheet1', cell C23", "'OVER'", 'overflow = "exclude"')),
    case("tecan overflow, excluded", "Tecan", with_layout(lambda f: tecan(f, A2="OVER")), "tecan", OVER, settings={"overflow": "exclude"}),
    case("mars plate, Windows text, micro sign", "BMG MARS", with_layout(mars_grid, unit="µM"), "mars", {w: (r, c, None if d is None else d * 1000, s) for w, (r, c, d, s) in A.items()}),
    case("mars list", "BMG MARS", with_layout(mars_list(("Raw Data (570)", A))), "mars", A),
    case("mars list, two reads", "BMG MARS", with_layout(mars_list(("Raw Data (570)", A), ("Raw Data (650)", B))), refused=LayoutError,
         says=("mars.xlsx", "2 blocks of signals (Raw Data (570), Raw Data (650))", "set signal_read")),
    case("mars list, two reads, subtracted", "BMG MARS", with_layout(mars_list(("Raw Data (570)", A), ("Raw Data (650)", B))), "mars", MINUS,
         settings={"signal_read": "Raw Data (570)", "reference_read": "650"}),
    case("mars list, a time course", "BMG MARS", with_layout(mars_kinetic), refused=LayoutError, says=("mars.csv, line 5, field 1", "a line of times stands below it", "Export one time point")),
    case("mars list, a read that stands twice", "BMG MARS", with_layout(mars_list(("Raw Data (570)", A), ("Raw Data (570)", B))), refused=LayoutError,
         says=("mars.xlsx", "'Raw Data (570)' stands more than once", "a title of its own")),
    case("softmax plate, UTF-16", "SoftMax Pro", with_layout(softmax), "softmax", A),
    case("softmax two wavelengths", "SoftMax Pro", with_layout(lambda f: softmax(f, reads=(A, B), wavelengths="570 650")), "softmax", MINUS,
         settings={"signal_read": "570", "reference_read": "650"}),
    case("softmax two wavelengths, nothing said", "SoftMax Pro", with_layout(lambda f: softmax(f, reads=(A, B), wavelengths="570 650")), refused=LayoutError,
         says=("softmax.txt, line 3", "570 nm, 650 nm", "signal_read")),
    case("softmax columns", "SoftMax Pro", with_layout(softmax_columns), "softmax", A),
    case("softmax kinetic", "SoftMax Pro", with_layout(lambda f: softmax_columns(f, times=3)), refused=LayoutError, says=("softmax.txt, line 2", "3 lines of readings", "read_time_course")),
    case("envision two plates, barcodes, platemap", "EnVision", with_layout(envision), {"BC-0001": A, "BC-0002": B}),
    case("envision without row letters", "EnVision", with_layout(lambda f: envision(f, letters=False)), {"BC-0001": A, "BC-0002": B}),
    case("envision without row letters and barcodes", "EnVision", with_layout(lambda f: envision(f, letters=False, barcodes=("", ""))), {"envision:Plate 1": A, "envision:Plate 2": B}),
    case("envision, a line lost", "EnVision", with_layout(lambda f: envision(f, letters=False, lost=3)), refused=LayoutError,
         says=("envision.csv, line 10, field 1", "7 lines of 12 readings", "Export one read of the whole plate")),
    case("incucyte", "IncuCyte", with_layout(incucyte), refused=LayoutError, says=("incucyte.txt", "holds a time course", "read_time_course")),
    case("gen5", "Gen5", with_layout(gen5), "gen5", A),
    case("gen5 with its own layout codes", "Gen5", with_layout(lambda f: gen5(f, layout_block=True)), "gen5", A),
    case("gen5 two reads a row", "Gen5", with_layout(lambda f: gen5(f, reads=(("570", A), ("650", B)))), "gen5", MINUS, settings={"signal_read": "570", "reference_read": "650"}),
    case("gen5 two reads a row, one named the reference", "Gen5", with_layout(lambda f: gen5(f, reads=(("MTT:570", A), ("Reference:650", B)))), "gen5", MINUS),
    case("gen5 two reads a row, nothing said", "Gen5", with_layout(lambda f: gen5(f, reads=(("570", A), ("650", B)))), refused=LayoutError, says=("gen5.xlsx", "(570, 650)", "signal_read")),
    case("victor list", "Victor", with_layout(victor), "victor", A),
    case("victor list, measured twice", "Victor", with_layout(lambda f: victor(f, repeats=2)), refused=LayoutError, says=("victor.xlsx, sheet 'List', cell C101", "well A1 stands more than once", "Keep one row")),
    case("glomax", "GloMax", with_layout(lambda f: plates.write_csv(f / "glomax.csv", [["GloMax", "Luminescence"], ["Protocol", "CellTiter-Glo"], ["Integration", 0.5, "s"], [], *signals(C)]), held=C), "glomax", C),
    case("spectramax list", "SpectraMax", with_layout(spectramax), "list", A),
    case("a letter O in a well name", "SpectraMax", with_layout(lambda f: spectramax(f, letter="A1O")), refused=LayoutError, says=("list.csv, line 13, field 1", "'A1O10'", "no well", "Correct the cell")),
    case("a long table in a spreadsheet, drugs and µM", "list", alone(long_book), {"P1": A, "P2": B}),
    case("gdsc raw", "GDSC", alone(gdsc), "7", {"A1": ("vehicle", None, None, 9000.0), "A2": ("blank", None, None, 90.0), "A3": ("sample", "GDSC_11", 250.0, 4000.0)}),
    case("semicolons, decimal commas, a byte order mark", "European CSV", with_layout(lambda f: text(f / "day1.csv", [["Absorption 570"], *signals(A, scale=comma_text)], mark=";", encoding="utf-8-sig")), "day1", A),
    case("decimal commas in a file separated by commas", "European CSV", with_layout(lambda f: text(f / "day1.csv", signals(A, scale=lambda v: comma_text(v, 1)), mark=",")), refused=LayoutError,
         says=("day1.csv, line 2, field 14", "right of the last column", "separated by semicolons")),
    case("commas that may be either", "European CSV", with_layout(lambda f: text(f / "day1.csv", signals(C, scale=lambda v: f"{max(v, 1000):,.0f}"), mark=";"), held=C), refused=TableError,
         says=("day1.csv, line 2, field 2", "may be a decimal or a thousands sign", "without thousands signs")),
    case("thousands commas settled by decimal points", "European CSV", with_layout(lambda f: text(f / "day1.csv", signals(C, scale=lambda v: f"{v:,.1f}"), mark=";"), held=C), "day1", C),
    case("commas settled by the other cells", "European CSV", with_layout(lambda f: text(f / "day1.csv", signals(A, scale=lambda v: comma_text(v, 3), H12="12,345", H1="0,05"), mark=";"), held=A),
         "day1", {**{w: (*i[:3], round(i[3], 3)) for w, i in A.items()}, "H12": ("blank", None, None, 12.345), "H1": ("vehicle", None, None, 0.05)}),
    case("a long table of commas that may be either", "European CSV", alone(lambda f: text(f / "long.csv", [["well", "role", "compound", "concentration_nM", "signal"], ["A1", "vehicle", None, None, "21,014"], ["A2", "sample", "x", 10, "12,345"]], mark=";")),
         refused=TableError, says=("long.csv, row 1", "'21,014'", "decimal or a thousands sign", "Export the numbers")),
    case("merged titles and a compound merged over ten wells", "Excel", alone(merged_layout), "day1", A),
    case("a merged signal", "Excel", alone(both_books(signals(A), merge=[("Reader", 1, 2, 1, 4, 0.9)])), refused=TableError, says=("day1.xlsx, sheet 'Reader', cell C2", "merged cell", "without merged cells")),
    case("an old plate on a hidden sheet", "Excel", alone(lambda f: book(f / "day1.xlsx", {"Reader": signals(A), "old": signals(B), "Layout": plates.layout_rows(A)}, hide=("old",))), "day1", A),
    case("a hidden layout", "Excel", alone(both_books(signals(A), hide=("Layout",))), refused=LayoutError, says=("day1.xlsx", "no layout was found", "hidden sheets, here Layout")),
    case("formatted cells too narrow", "Excel", alone(both_books(signals(A, A2="####"))), refused=TableError, says=("day1.xlsx, sheet 'Reader', cell C2", "'####'", 'overflow = "exclude"')),
    case("a dose that became a date", "Excel", alone(lambda f: book(f / "day1.xlsx", {"Reader": signals(A), "Layout": plates.layout_rows(A, doses={"A2": date(2024, 3, 1)})})), refused=TableError,
         says=("day1.xlsx, sheet 'Layout', cell C25", "the date or time 2024-03-01", "a dose must be a number", "Correct")),
    case("a compound that became a date", "Excel", alone(lambda f: book(f / "day1.xlsx", {"Reader": signals(A), "Layout": plates.layout_rows(A, compounds={"A2": date(2024, 9, 2)})})), refused=TableError,
         says=("day1.xlsx, sheet 'Layout', cell C14", "made a date of a name", "as text")),
    case("a compound that is a number", "Excel", alone(lambda f: book(f / "day1.xlsx", {"Reader": signals(A), "Layout": plates.layout_rows(wells(compound=1003))})), "day1", wells(compound="1003")),
    case("an OpenDocument spreadsheet", "Excel", alone(open_document), "day1", A),
    case("text named as a spreadsheet", "Excel", alone(lambda f: text(f / "day1.xls", signals(A))), refused=FileError, says=("day1.xls", "could not be read as a spreadsheet", "save it again")),
    case("two sheets named by wavelength", "Excel", alone(lambda f: book(f / "mtt.xlsx", {"570 nm": signals(A), "650 nm": signals(B)})), refused=LayoutError, says=("mtt.xlsx, sheet '650 nm'", "(570 nm, 650 nm)", "signal_read")),
    case("two sheets named by wavelength, subtracted", "Excel", with_layout(lambda f: book(f / "mtt.xlsx", {"570 nm": signals(A), "650 nm": signals(B)})), "mtt", MINUS, settings={"signal_read": "570", "reference_read": "650"}),
    case("a turned plate", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [["OD 450"], *turned(A)])), "day1", A),
    case("two plates side by side", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", beside(A, B))), {"left": A, "right": B}),
    case("three plates below one another", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [["Screen 4"], [], *named("P1", A), ["remark: bubbles in H6"], *named("P2", B), *named("P3", A)])), {"P1": A, "P2": B, "P3": A}),
    case("a plate name that stands twice", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [*named("P1", A), *named("P1", B)])), refused=LayoutError, says=("day1.csv, line 14, field 2", "second block of plate 'P1'", "names of their own")),
    case("blocks titled by cell line", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [["H3122"], *signals(A), [], ["H2228"], *signals(B)])), refused=LayoutError,
         says=("day1.csv, line 14, field 2", "(H3122, H2228)", "reads of one plate or plates", "write 'Plate: name' above each")),
    case("raw and corrected in one file", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [["Raw data"], *signals(A), [], ["Blank corrected"], *signals(B)])), "day1", B, settings={"signal_read": "blank corrected"}),
    case("half of the columns", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [row[:7] for row in signals(A)])), refused=LayoutError, says=("day1.csv, line 1, field 2", "8 x 6 wells", "Export the whole plate")),
    case("letters without numbers", "grid", with_layout(lambda f: plates.write_csv(f / "day1.csv", [*signals(A), [], ["second plate"], [], *signals(B)[1:]])), refused=LayoutError, says=("day1.csv, line 13, field 1", "without column numbers", "Export the plate")),
    case("lower-case letters, zero-padded numbers", "grid", lambda f: (plates.write_csv(f / "day1.csv", [["", *(f"{c:02d}" for c in range(1, 13))], *([row[0].lower(), *row[1:]] for row in signals(A)[1:])]), plates.write_csv(f / "l.csv", [[r[0].lower() if k else r[0], *r[1:]] for k, r in enumerate(plates.layout_list(A))])), "day1", A),
    case("384 wells among notes", "grid", alone(lambda f: plates.write_xlsx(f / "day1.xlsx", {"Reader": [["by the late shift"], ["Temperature:", 37.0], [], ["OD 450"], *signals(counts(384), 384)], "Layout": plates.layout_rows(counts(384), 384)}, at=(6, 2))), "day1", counts(384)),
    case("1536 wells in text", "grid", lambda f: (plates.write_csv(f / "big.tsv", signals(counts(1536), 1536), delimiter="\t"), layout_file(f, counts(1536), 1536)), "big", counts(1536)),
    case("doses by column, compounds by row", "layout", lambda f: (plates.write_csv(f / "day1.csv", signals(by_column_truth())), by_column(f)), "day1", by_column_truth()),
    case("two layouts", "layout", alone(twice_laid_out), refused=LayoutError, says=("two.xlsx, sheet 'Layout'", "'Role' stands more than once", "Keep one layout")),
    case("two layouts, a plate each", "layout", alone(lambda f: twice_laid_out(f, names=("P1", "P2"))), {"P1": A, "P2": CRIZOTINIB_B}),
    case("a layout list of two plates", "layout", lambda f: (plates.write_csv(f / "day1.csv", [*named("P1", A), *named("P2", CRIZOTINIB_B)]), listed_layout(f, {"P1": A, "P2": CRIZOTINIB_B})), {"P1": A, "P2": CRIZOTINIB_B}),
    case("a layout list of other plates", "layout", lambda f: (plates.write_csv(f / "day1.csv", named("P9", A)), listed_layout(f, {"P1": A})), refused=LayoutError, says=("layout.csv", "plate 'P9' is none of them", "same plate names")),
    case("doses as logarithms", "layout", with_layout(lambda f: plates.write_csv(f / "day1.csv", signals(A)), dose_title="log10 Concentration (M)"), refused=UnitError, says=("layout.csv", "are logarithms", "10**x")),
    case("no unit", "layout", with_layout(lambda f: plates.write_csv(f / "day1.csv", signals(A)), dose_title="Dose"), refused=UnitError, says=("layout.csv", "'Dose' names no concentration unit", "never guessed")),
    case("no unit, stated by the study", "layout", with_layout(lambda f: plates.write_csv(f / "day1.csv", signals(A)), dose_title="Dose"), "day1", A, settings={"concentration_unit": "nM"}),
    case("a misspelt layout title", "layout", alone(lambda f: plates.write_csv(f / "day1.csv", [*signals(A), [], ["Compond"], *plates.grid(96, lambda w: A[w][1] if w in A else None)])), refused=LayoutError, says=("day1.csv", "'Compond'", "did you mean 'compound'", "Correct the title")),
    case("radiometric counts, no enzyme", "cell-free", lambda f: (plates.write_csv(f / "cpm.csv", [["33P CPM"], *signals(RADIO)]), layout_file(f, roles={well: "no enzyme" for well in A if well.endswith("12")})), "cpm", RADIO),
    case("elisa, day 0 marked", "cell-free", with_layout(lambda f: plates.write_csv(f / "elisa.csv", [["Plate:", "E0"], ["Day:", 0], *signals(A), [], ["Plate:", "E3"], ["Day:", 3], *signals(B)])), {"E0": A, "E3": B}),
]  # fmt: skip
