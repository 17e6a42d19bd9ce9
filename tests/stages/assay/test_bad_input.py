"""What cannot be used is refused in a sentence that names the file, the place, the rule and the remedy."""

import re

import polars as pl
import pytest

from benchside.core.errors import BenchsideError, FileError, LayoutError, TableError, UnitError
from benchside.stages.assay import WellTable, normalise
from benchside.stages.assay.read import cells, read, read_responses
from tests.stages.assay import plates

WELLS = plates.contents()
SIGNAL = plates.signal_grid(WELLS)
LAYOUT = plates.layout_rows(WELLS)


def grid_file(folder, signal=SIGNAL, layout=LAYOUT, *, name="day1.csv"):
    return plates.write_csv(folder / name, [*signal, [], *layout])


def book(folder, signal=SIGNAL, layout=LAYOUT):
    return plates.write_xlsx(folder / "day1.xlsx", {"Reader": signal, "Layout": layout})


def long_file(folder, **changes):
    """Write a long table with one well changed: `well=...` names it, the others are its cells."""
    header, *rows = plates.long_rows(WELLS)
    well = changes.pop("well", "A2")
    for row in rows:
        if row[1] == well:
            for name, value in changes.items():
                row[header.index(name)] = value
    return plates.write_csv(folder / "long.csv", [header, *rows])


def refused(call, error, *parts):
    """Check that a call is refused with this error, whose one or two sentences hold every part."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 420
    return message


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "tsv"])
def test_an_empty_file(tmp_path, ending):
    path = tmp_path / f"day1.{ending}"
    path.write_bytes(b"")
    refused(lambda: read(path), FileError, f"day1.{ending}", "is empty (0 bytes)", "Export it again")


def test_blank_lines_only(tmp_path):
    path = tmp_path / "day1.csv"
    path.write_text("  \n\n\t\n")
    refused(lambda: read(path), FileError, "day1.csv", "only blank lines", "Export it again")


def test_a_file_that_is_not_there(tmp_path):
    refused(lambda: read(tmp_path / "day9.csv"), FileError, "day9.csv", "does not exist", "Check the name")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_a_truncated_spreadsheet(tmp_path, share):
    path = book(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(lambda: read(path), FileError, "day1.xlsx", "could not be read as a spreadsheet", "save it again")


def test_text_named_as_a_spreadsheet(tmp_path):
    path = tmp_path / "day1.xlsx"
    path.write_text("well,signal\nA1,3\n")
    refused(lambda: read(path), FileError, "day1.xlsx", "could not be read as a spreadsheet")


def test_a_damaged_parquet_file(tmp_path):
    path = tmp_path / "day1.parquet"
    path.write_bytes(b"PAR1" + b"x" * 100_000)
    refused(lambda: read(path), FileError, "day1.parquet", "could not be read as PARQUET", "Save it again")


def test_a_spreadsheet_over_the_limit(tmp_path, monkeypatch):
    path = book(tmp_path)
    monkeypatch.setattr(cells, "XLSX_LIMIT_BYTES", 1000)
    refused(lambda: read(path), FileError, "day1.xlsx", "over the limit", "Save it as CSV or Parquet")


@pytest.mark.parametrize("ending", ["docx", "pzfx", ""])
def test_an_unknown_ending(tmp_path, ending):
    path = tmp_path / ("day1." + ending if ending else "day1")
    path.write_text("x")
    refused(lambda: read(path), FileError, "day1", "is no plate file read here", "Use .xlsx, .csv or .tsv")


@pytest.mark.parametrize("content", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n\x00\x00\x00"])
def test_a_binary_file_named_csv(tmp_path, content):
    path = tmp_path / "day1.csv"
    path.write_bytes(content)
    refused(lambda: read(path), FileError, "day1.csv", "is no text", "Give it its own ending")


def test_a_spreadsheet_named_csv(tmp_path):
    path = book(tmp_path).rename(tmp_path / "day1.csv")
    refused(lambda: read(path), FileError, "day1.csv", "spreadsheet with another ending")


@pytest.mark.parametrize("header", ["well,role,compound,concentration_nM,signal", "BARCODE,POSITION,TAG,DRUG_ID,CONC,INTENSITY"])
def test_a_header_without_rows(tmp_path, header):
    path = tmp_path / "day1.csv"
    path.write_text(header + "\n")
    refused(lambda: read(path), FileError, "day1.csv", "a header and no rows", "Export it again")


def test_a_table_of_responses_without_rows(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("dose,response\n")
    call = lambda: read_responses(path, columns={"concentration": "dose", "response": "response"}, concentration_unit="nM")  # noqa: E731
    refused(call, FileError, "r.csv", "a header and no rows")


# ---------------------------------------------------------------- blocks and layouts


def test_no_plate_in_the_file(tmp_path):
    path = plates.write_csv(tmp_path / "day1.csv", [["notes"], ["nothing", "here"]])
    refused(lambda: read(path), LayoutError, "day1.csv", "no plate was found", "export it")


def test_half_a_plate(tmp_path):
    path = plates.write_csv(tmp_path / "day1.csv", [*SIGNAL[:6], [], *LAYOUT])
    refused(lambda: read(path), LayoutError, "day1.csv, line 1, field 2", "5 x 12 wells", "Export the whole plate")


def test_no_layout(tmp_path):
    path = plates.write_csv(tmp_path / "day1.csv", SIGNAL)
    refused(lambda: read(path), LayoutError, "day1.csv", "no layout was found", "A layout is a list with a 'well' column")


def test_the_layout_of_another_plate_size(tmp_path):
    signal = plates.write_csv(tmp_path / "day1.csv", SIGNAL)
    layout = plates.write_csv(tmp_path / "plan.csv", plates.layout_rows(plates.contents(384), 384))
    refused(
        lambda: read(signal, layout), LayoutError, "plan.csv", "384 wells", "day1.csv", "has 96", "Use the layout of this plate"
    )


def test_a_listed_well_off_the_plate(tmp_path):
    signal = plates.write_csv(tmp_path / "day1.csv", SIGNAL)
    rows = [*plates.layout_list(WELLS), ["P24", "sample", "x", 5.0]]
    layout = plates.write_csv(tmp_path / "plan.csv", rows)
    refused(
        lambda: read(signal, layout),
        LayoutError,
        f"plan.csv, line {len(rows)}",
        "well P24 is not on the 96-well plate",
        "Use the layout",
    )


def test_a_well_listed_twice(tmp_path):
    signal = plates.write_csv(tmp_path / "day1.csv", SIGNAL)
    rows = [*plates.layout_list(WELLS), ["A01", "sample", "x", 5.0]]
    layout = plates.write_csv(tmp_path / "plan.csv", rows)
    refused(
        lambda: read(signal, layout),
        LayoutError,
        f"plan.csv, line {len(rows)}, field 1",
        "A1 stands twice",
        "Keep one row a well",
    )


@pytest.mark.parametrize(("role", "hint"), [("vehicel", "did you mean 'vehicle'"), ("treated twice", "unknown")])
def test_a_role_that_is_none(tmp_path, role, hint):
    layout = plates.layout_rows(WELLS, roles={"C4": role})
    refused(
        lambda: read(book(tmp_path, layout=layout)),
        TableError,
        "day1.xlsx, sheet 'Layout', cell E5",
        repr(role),
        hint,
        "Use one of sample, vehicle",
    )
    path = long_file(tmp_path, role=role)
    refused(lambda: read(path), TableError, "long.csv, row ", "well A2", repr(role), hint, "Use one of sample, vehicle")


def test_a_replicate_that_is_no_number(tmp_path):
    signal = plates.write_csv(tmp_path / "day1.csv", SIGNAL)
    header, *rows = plates.layout_list(WELLS)
    layout = plates.write_csv(tmp_path / "plan.csv", [[*header, "replicate"], *([*row, "first"] for row in rows)])
    refused(lambda: read(signal, layout), TableError, "plan.csv, line 2, field 5", "'first'", "whole number")


# ---------------------------------------------------------------- doses and units


def test_a_dose_without_a_unit(tmp_path):
    path = grid_file(tmp_path, layout=plates.layout_rows(WELLS, dose_title="Concentration"))
    refused(lambda: read(path), UnitError, "day1.csv", "'Concentration' names no concentration unit", "it is never guessed")


def test_a_long_table_without_a_unit(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("well,role,compound,concentration,signal\nA1,sample,x,3,1\n")
    refused(lambda: read(path), UnitError, "long.csv, column concentration", "unit is missing", "State it")
    path.write_text("well,role,compound,signal\nA1,sample,x,1\n")
    refused(lambda: read(path), UnitError, "long.csv", "no concentration column", "concentration_nM")


@pytest.mark.parametrize("title", ["Concentration (mg/mL)", "Concentration (um)", "Dose [ng/mL]"])
@pytest.mark.parametrize("default", [None, "nM"])
def test_a_unit_that_is_none_is_refused_even_where_the_study_names_one(tmp_path, title, default):
    path = grid_file(tmp_path, layout=plates.layout_rows(WELLS, dose_title=title))
    unit = re.split(r"[(\[]", title)[1][:-1]
    refused(
        lambda: read(path, concentration_unit=default), UnitError, "day1.csv", repr(unit), "no concentration unit", "Use pM, nM"
    )


@pytest.mark.parametrize(
    "title",
    [
        "Concentration (log10 M)",
        "Concentration (log10M)",
        "log10 concentration (M)",
        "Log Dose (nM)",
        "ln(concentration)",
        "log10_conc",
    ],
)
@pytest.mark.parametrize("default", [None, "nM"])
def test_a_dose_as_a_logarithm_by_its_title(tmp_path, title, default):
    path = grid_file(tmp_path, layout=plates.layout_rows(WELLS, dose_title=title))
    refused(lambda: read(path, concentration_unit=default), UnitError, "day1.csv", "are logarithms", "10**x")


def test_a_dose_as_a_logarithm_by_its_values(tmp_path):
    path = book(tmp_path, layout=plates.layout_rows(WELLS, doses={"A2": -6.0}))
    refused(
        lambda: read(path),
        TableError,
        "day1.xlsx, sheet 'Layout', cell C25",
        "A2",
        "-6 nM",
        "usually a logarithm",
        "Correct the dose",
    )
    refused(lambda: read(long_file(tmp_path, concentration_nM=-6.0)), TableError, "long.csv, row ", "A2", "usually a logarithm")


def test_a_sample_without_a_dose(tmp_path):
    path = book(tmp_path, layout=plates.layout_rows(WELLS, doses={"A2": 0.0}))
    refused(
        lambda: read(path),
        TableError,
        "day1.xlsx, sheet 'Layout', cell C25",
        "sample well A2 has dose 0 nM",
        "make the well vehicle",
    )
    refused(lambda: read(long_file(tmp_path, concentration_nM=None)), TableError, "long.csv, row ", "A2", "dose missing")


def test_a_dose_without_a_compound(tmp_path):
    path = book(tmp_path, layout=plates.layout_rows(WELLS, roles={"A2": None}, compounds={"A2": None}))
    refused(
        lambda: read(path),
        LayoutError,
        "day1.xlsx, sheet 'Layout', cell C25",
        "a dose to a well without compound and role",
        "Name the compound",
    )


def test_a_vehicle_well_with_a_dose(tmp_path):
    path = book(tmp_path, layout=plates.layout_rows(WELLS, doses={"A1": 30.0}))
    refused(lambda: read(path), TableError, "day1.xlsx, sheet 'Layout', cell B25", "both vehicle and dosed at 30 nM", "relabel")


@pytest.mark.parametrize("dose", ["ten", "#DIV/0!", "nan", "inf"])
def test_a_dose_that_is_no_number(tmp_path, dose):
    path = book(tmp_path, layout=plates.layout_rows(WELLS, doses={"A2": dose}))
    refused(
        lambda: read(path), TableError, "day1.xlsx, sheet 'Layout', cell C25", repr(dose), "must be a number", "Correct or clear"
    )


def test_a_dose_in_a_long_table_that_is_no_number(tmp_path):
    refused(
        lambda: read(long_file(tmp_path, concentration_nM="ten")),
        TableError,
        "long.csv",
        "concentration_nM",
        "row ",
        "'ten'",
        "Correct or clear",
    )


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("broken", "no number"),
        ("NaN", "no number"),
        ("inf", "no number"),
        ("OVRFLW", "an overflow mark"),
        ("#DIV/0!", "a formula error"),
        (None, "is empty"),
    ],
)
@pytest.mark.parametrize("well", ["A2", "B1"])
def test_a_signal_that_is_no_number_in_a_grid(tmp_path, cell, what, well):
    signal = plates.signal_grid(WELLS, **{well: cell})
    place = {"A2": "cell C2", "B1": "cell B3"}[well]
    refused(
        lambda: read(book(tmp_path, signal)),
        TableError,
        f"day1.xlsx, sheet 'Reader', {place}",
        what,
        "correct the cell" if cell == "OVRFLW" else "Correct the cell",
    )


def test_a_formula_that_failed(tmp_path):
    import xlsxwriter

    path = tmp_path / "day1.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        for name, rows in {"Reader": SIGNAL, "Layout": LAYOUT}.items():
            sheet = workbook.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    if cell not in {None, ""}:
                        sheet.write(r, c, cell)
            if name == "Reader":
                sheet.write_formula("C2", "=1/0", None, "#DIV/0!")
    refused(lambda: read(path), TableError, "day1.xlsx, sheet 'Reader', cell C2", "formula error", "Correct the cell")


@pytest.mark.parametrize(("cell", "parts"), [
    ("broken", ("column signal must hold numbers", "'broken'")), ("OVRFLW", ("signal 'OVRFLW' is an overflow mark", 'overflow = "exclude"')),
    ("NaN", ("sample well A2 has signal nan", "Correct the cell")), ("inf", ("sample well A2 has signal inf",)), (None, ("sample well A2 has no signal",)),
])  # fmt: skip
def test_a_signal_that_is_no_number_in_a_long_table(tmp_path, cell, parts):
    refused(lambda: read(long_file(tmp_path, signal=cell)), TableError, "long.csv", "row ", *parts)


@pytest.mark.parametrize("mark", ["OVRFLW", "overflow", "****", ">Max", "> 65000", "sat"])
def test_an_overflow_is_excluded_where_the_study_says_so(tmp_path, mark):
    for path in (book(tmp_path, plates.signal_grid(WELLS, A2=mark)), long_file(tmp_path, signal=mark)):
        row = read(path, overflow="exclude").table.row(by_predicate=pl.col("well") == "A2", named=True)
        assert (row["role"], row["signal"], row["note"]) == ("excluded", None, f"reader overflow: {mark}")


def test_what_is_no_overflow_is_refused_even_then(tmp_path):
    refused(lambda: read(book(tmp_path, plates.signal_grid(WELLS, A2="?")), overflow="exclude"), TableError, "cell C2")
    refused(lambda: read(long_file(tmp_path, signal="?"), overflow="exclude"), TableError, "long.csv", "'?'")


def test_an_unused_well_may_hold_anything(tmp_path):
    path = book(tmp_path, plates.signal_grid(WELLS, D5="#N/A", D6=None))
    rows = read(path).table.filter(pl.col("well").is_in(["D5", "D6"]))
    assert rows["role"].to_list() == ["empty", "empty"]
    assert rows["signal"].null_count() == 2


# ---------------------------------------------------------------- plates as a whole


def test_a_well_that_stands_twice(tmp_path):
    header, *rows = plates.long_rows(WELLS)
    path = plates.write_csv(tmp_path / "long.csv", [header, *rows, rows[3]])
    refused(
        lambda: read(path),
        TableError,
        f"long.csv, row {len(rows) + 1}",
        f"well {rows[3][1]} stands more than once",
        "Keep one row a well",
    )


def without(*roles):
    return {well: item for well, item in WELLS.items() if item[0] not in roles}


def test_no_vehicle(tmp_path):
    wells = read(plates.write_csv(tmp_path / "long.csv", plates.long_rows(without("vehicle"))))
    refused(lambda: normalise(wells), TableError, "plate P1 has no vehicle wells", "Mark the vehicle")


def test_no_blank_and_no_positive_control(tmp_path):
    wells = read(plates.write_csv(tmp_path / "long.csv", plates.long_rows(without("blank"))))
    refused(lambda: normalise(wells), TableError, "plate P1 has no blank or positive control wells", "Mark them in the layout")


def test_no_window_between_the_controls():
    wells = pl.DataFrame(
        {
            "plate_id": ["P"] * 3,
            "well": ["A1", "A2", "A3"],
            "role": ["vehicle", "blank", "sample"],
            "compound": [None, None, "x"],
            "concentration_nM": [None, None, 1.0],
            "signal": [2.0] * 3,
        }
    )
    refused(lambda: normalise(wells), TableError, "plate P: vehicle and blank have the same mean", "Check the layout")


@pytest.mark.parametrize("role", ["vehicle", "blank", "positive", "sample"])
@pytest.mark.parametrize("signal", [float("nan"), float("inf"), None])
def test_every_used_well_has_a_signal(role, signal):
    dose = 1.0 if role == "sample" else None
    frame = pl.DataFrame(
        {"plate_id": ["P"], "well": ["A1"], "role": [role], "concentration_nM": [dose], "signal": [signal]},
        schema_overrides={"signal": pl.Float64},
    )
    refused(lambda: WellTable(frame), TableError, f"plate P: {role} well A1 has", "must be a finite number", "empty or excluded")


@pytest.mark.parametrize(("column", "value"), [("dose", "ten"), ("response", "high"), ("replicate", "first")])
def test_a_table_of_responses_with_a_word_for_a_number(tmp_path, column, value):
    frame = pl.DataFrame({"dose": ["1", "2"], "response": ["0.9", "0.5"], "replicate": ["1", "2"]})
    frame = frame.with_columns(pl.Series(column, [frame[column][0], value]))
    frame.write_csv(tmp_path / "r.csv")
    columns = {"concentration": "dose", "response": "response", "replicate": "replicate"}
    refused(
        lambda: read_responses(tmp_path / "r.csv", columns=columns, concentration_unit="nM"),
        TableError,
        "r.csv",
        f"column {column}",
        "row 2",
        repr(value),
    )


@pytest.mark.parametrize("noise", range(12))
def test_any_mangled_file_is_read_or_refused_never_a_bug(tmp_path, noise):
    """A byte here and there goes wrong on the way: the answer is wells or a sentence."""
    import numpy as np

    rng = np.random.default_rng(noise)
    for path in (grid_file(tmp_path), book(tmp_path), long_file(tmp_path)):
        content = bytearray(path.read_bytes())
        for place in rng.integers(0, len(content), 6):
            content[place] = int(rng.integers(0, 256))
        path.write_bytes(bytes(content))
        assert read_or_sentence(path)


def read_or_sentence(path):
    """Return whether a file gives wells, or a refusal that ends like a sentence; anything else is raised."""
    try:
        return read(path).table.height > 0
    except BenchsideError as error:
        return str(error).endswith(".")


LONG = {"well": ["A1", "A2", "A3", "A12"], "role": ["vehicle", "sample", "sample", "blank"], "compound": ["", "x", "x", ""]}
DOSES = {"concentration_nM": [0.0, 1.0, 10.0, 0.0], "signal": [9.0, 8.0, 4.0, 1.0]}


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda table: table.rename({"compound": "cmpd"}), ("A2", "names no compound")),
        (lambda table: table.with_columns(compound=pl.lit(None, pl.String)), ("A2", "names no compound")),
        (lambda table: table.rename({"signal": "sgnal"}), ("signal", "sgnal")),
        (lambda table: table.rename({"well": "wel"}), ("well", "wel")),
        (lambda table: table.with_columns(well=pl.col("well").replace("A3", "Z99")), ("Z99", "no well")),
    ],
)
def test_a_long_table_with_a_wrong_column_or_well_is_refused(tmp_path, change, parts):
    change(pl.DataFrame({**LONG, **DOSES})).write_csv(tmp_path / "p.csv")
    with pytest.raises(BenchsideError) as refused:
        read(tmp_path / "p.csv")
    for part in parts:
        assert part in str(refused.value)


def test_a_unit_that_contradicts_the_column_is_refused(tmp_path):
    pl.DataFrame({**LONG, **DOSES}).write_csv(tmp_path / "p.csv")
    with pytest.raises(BenchsideError, match=r"concentration_nM is in nM, and concentration_unit says uM"):
        read(tmp_path / "p.csv", concentration_unit="uM")
    assert read(tmp_path / "p.csv", concentration_unit="nM").table.height == 4
