"""Plates come back as they were written, whichever way they were written, each number with its cell."""

import time

import polars as pl
import pytest

from benchside.core.errors import FileError, TableError
from benchside.stages.assay import quality
from benchside.stages.assay.read import read, read_responses
from benchside.stages.assay.read.cells import cell_name, number
from benchside.stages.assay.stage import STAGE
from tests.shared_data import shared
from tests.stages.assay import plates

WELLS = plates.contents()


def assert_is(table, wells, *, size=96):
    """Check every written well, and that all further ones are empty."""
    assert table.height == size
    rows = {row["well"]: row for row in table.iter_rows(named=True)}
    for well, (role, compound, dose, signal) in wells.items():
        row = rows.pop(well)
        assert (row["role"], row["compound"], row["signal"]) == (role, compound, signal), well
        assert row["concentration_nM"] == (pytest.approx(dose) if dose is not None else None), well
    assert {row["role"] for row in rows.values()} <= {"empty"}


@pytest.mark.parametrize(
    ("delimiter", "decimal", "ending"), [(",", ".", "csv"), (";", ",", "csv"), ("\t", ".", "tsv"), ("\t", ",", "txt")]
)
def test_a_grid_in_a_text_file(tmp_path, delimiter, decimal, ending):
    rows = [["Plate reader 3000"], [], ["OD 450"], *plates.signal_grid(WELLS), [], *plates.layout_rows(WELLS)]
    path = plates.write_csv(tmp_path / f"day1.{ending}", rows, delimiter=delimiter, decimal=decimal)
    table = read(path).table
    assert_is(table, WELLS)
    assert table["plate_id"].unique().to_list() == ["day1"]


@pytest.mark.parametrize("at", [(0, 0), (7, 3)])
def test_a_grid_in_a_spreadsheet_with_notes_above_and_the_layout_on_a_second_sheet(tmp_path, at):
    signal = [["Measured by the early shift"], ["Temperature:", 37.0], [], ["OD 450"], *plates.signal_grid(WELLS)]
    path = plates.write_xlsx(tmp_path / "p.xlsx", {"Reader": signal, "Layout": plates.layout_rows(WELLS)}, at=at)
    assert_is(read(path).table, WELLS)


def test_every_number_names_its_cell(tmp_path):
    path = plates.write_xlsx(tmp_path / "p.xlsx", {"Reader": plates.signal_grid(WELLS), "Layout": plates.layout_rows(WELLS)})
    row = read(path).table.row(by_predicate=pl.col("well") == "A2", named=True)
    file, _, rest = row["signal_ref"].partition("@")
    assert (file, rest.split("!", 1)[1]) == ("p.xlsx", "Reader!C2")
    assert row["layout_ref"].endswith("!Layout!C25")  # two blocks of title, header, eight rows and a gap, then title and header


def test_the_layout_in_a_file_of_its_own(tmp_path):
    signal = plates.write_csv(tmp_path / "p.csv", plates.signal_grid(WELLS))
    layout = plates.write_csv(tmp_path / "layout.csv", plates.layout_rows(WELLS))
    assert_is(read(signal, layout).table, WELLS)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_layout_as_a_list(tmp_path, ending):
    signal = plates.write_csv(tmp_path / "p.csv", plates.signal_grid(WELLS))
    rows = plates.layout_list({well: item for well, item in WELLS.items() if item[0] != "empty"})
    path = tmp_path / f"layout.{ending}"
    layout = plates.write_csv(path, rows) if ending == "csv" else plates.write_xlsx(path, {"L": [["Layout of day 1"], [], *rows]})
    assert_is(read(signal, layout).table, WELLS)


def test_several_plates_in_one_sheet(tmp_path):
    second = {well: (*item[:3], round(item[3] + 1, 4)) for well, item in WELLS.items()}
    rows = [["Plate:", "day1-a"], *plates.signal_grid(WELLS), [], ["Plate:", "day1-b"], *plates.signal_grid(second), []]
    path = plates.write_xlsx(tmp_path / "p.xlsx", {"Reader": rows, "Layout": plates.layout_rows(WELLS)})
    table = read(path).table
    assert table["plate_id"].unique(maintain_order=True).to_list() == ["day1-a", "day1-b"]
    assert_is(table.filter(pl.col("plate_id") == "day1-a"), WELLS)
    assert_is(table.filter(pl.col("plate_id") == "day1-b"), second)


def test_plates_on_sheets_of_their_own(tmp_path):
    sheets = {"one": plates.signal_grid(WELLS), "two": plates.signal_grid(WELLS), "Layout": plates.layout_rows(WELLS)}
    table = read(plates.write_xlsx(tmp_path / "p.xlsx", sheets)).table
    assert table["plate_id"].unique(maintain_order=True).to_list() == ["p:one", "p:two"]


@pytest.mark.parametrize("size", [384, 1536])
def test_larger_plates(tmp_path, size):
    wells = plates.contents(size)
    sheets = {"Reader": plates.signal_grid(wells, size), "Layout": plates.layout_rows(wells, size)}
    table = read(plates.write_xlsx(tmp_path / "p.xlsx", sheets)).table
    assert_is(table, wells, size=size)
    assert table["well"][-1] == {384: "P24", 1536: "AF48"}[size]


@pytest.mark.parametrize(("unit", "factor"), [("uM", 1e3), ("M", 1e9), ("pM", 1e-3), ("nmol/L", 1.0)])
def test_doses_become_nM(tmp_path, unit, factor):
    path = plates.write_csv(tmp_path / "p.csv", [*plates.signal_grid(WELLS), [], *plates.layout_rows(WELLS, unit=unit)])
    dose = read(path).table.filter(pl.col("well") == "A2")["concentration_nM"][0]
    assert dose == pytest.approx(1000.0 * factor)


def test_what_the_file_does_not_say_the_study_says(tmp_path):
    path = plates.write_csv(tmp_path / "p.csv", [*plates.signal_grid(WELLS), [], *plates.layout_rows(WELLS, dose_title="Dose")])
    table = read(path, concentration_unit="uM", target="ALK", variant="L1196M", system="Ba/F3").table
    assert table.filter(pl.col("well") == "A2")["concentration_nM"][0] == pytest.approx(1e6)
    assert table.select("target", "variant", "system").unique().rows() == [("ALK", "L1196M", "Ba/F3")]


def test_compound_names_are_text_and_nothing_else(tmp_path):
    name = "<script>alert('x')</script> & \"Co\" =1+1"
    wells = plates.contents(compound=name)
    book = plates.write_csv(tmp_path / "p.csv", [*plates.signal_grid(wells), [], *plates.layout_rows(wells)])
    long = plates.write_csv(tmp_path / "l.csv", plates.long_rows(wells))
    for path in (book, long):
        assert read(path).table["compound"].drop_nulls().unique().to_list() == [name]


# ---------------------------------------------------------------- long tables


@pytest.mark.parametrize(
    ("delimiter", "decimal", "ending"), [(",", ".", "csv"), (";", ",", "csv"), ("\t", ".", "tsv"), ("\t", ".", "txt")]
)
def test_a_long_table(tmp_path, delimiter, decimal, ending):
    path = plates.write_csv(tmp_path / f"l.{ending}", plates.long_rows(WELLS), delimiter=delimiter, decimal=decimal)
    table = read(path).table
    assert_is(table, WELLS, size=len(WELLS))
    assert STAGE.recognise(path)
    assert table["signal_ref"][0].startswith(f"l.{ending}@")
    assert table["signal_ref"][0].endswith("!row 1")


def test_a_long_table_in_parquet_in_another_unit(tmp_path):
    header, *rows = plates.long_rows(WELLS, unit="uM")
    pl.DataFrame(rows, schema=header, orient="row").write_parquet(tmp_path / "l.parquet")
    table = read(tmp_path / "l.parquet").table
    assert table.filter(pl.col("well") == "A2")["concentration_nM"][0] == pytest.approx(1e6)


def test_well_names_are_written_one_way(tmp_path):
    rows = plates.long_rows({"a01": ("vehicle", None, None, 1.0), "B12": ("blank", None, None, 0.1)})
    assert read(plates.write_csv(tmp_path / "l.csv", rows)).table["well"].to_list() == ["A1", "B12"]
    twice = plates.long_rows({"A01": ("vehicle", None, None, 1.0), "A1": ("vehicle", None, None, 0.9)})
    with pytest.raises(TableError, match=r"plate P1 \(t\.csv, row 2\): well A1 stands more than once"):
        read(plates.write_csv(tmp_path / "t.csv", twice))


def test_two_hundred_thousand_rows_in_seconds(tmp_path):
    one = pl.DataFrame(plates.long_rows(WELLS)[1:], schema=plates.long_rows(WELLS)[0], orient="row")
    copies = 200_000 // one.height + 1
    many = pl.concat([one.with_columns(plate_id=pl.lit(f"P{k}")) for k in range(copies)])
    many.write_csv(tmp_path / "many.csv")
    start = time.perf_counter()
    table = read(tmp_path / "many.csv").table
    assert table.height == many.height > 200_000
    assert time.perf_counter() - start < 15


# ---------------------------------------------------------------- responses


def test_a_table_of_responses(tmp_path):
    frame = pl.DataFrame(
        {
            "drug": ["x"] * 4 + ["y"],
            "dose": [1.0, 10.0, 1.0, 10.0, 5.0],
            "unit": ["uM", "uM", "nM", "nM", "nM"],
            "pct": [90.0, 20.0, 99.0, 97.0, 50.0],
        }
    )
    frame.write_csv(tmp_path / "r.csv")
    columns = {"compound": "drug", "concentration": "dose", "concentration_unit": "unit", "response": "pct"}
    table = read_responses(
        tmp_path / "r.csv", columns=columns, response_unit="percent", constants={"variant": "WT"}, where={"drug": "x"}
    ).table
    assert table["concentration_nM"].to_list() == [1000.0, 10000.0, 1.0, 10.0]
    assert table["response"].to_list() == pytest.approx([0.9, 0.2, 0.99, 0.97])
    assert table["curve_id"].unique().to_list() == ["x | WT"]
    assert [ref.rsplit("!", 1)[1] for ref in table["source_ref"]] == ["row 1", "row 2", "row 3", "row 4"]


# ---------------------------------------------------------------- GDSC


def gdsc():
    return pl.DataFrame({
        "BARCODE": [77] * 6, "POSITION": [1, 2, 3, 4, 5, 384], "TAG": ["NC-1", "B", "PC-1", "L12-D1-S", "UN-USED", "NC-0"],
        "DRUG_ID": [None, None, None, 1003, None, None], "CONC": [None, None, None, 0.5, None, None],
        "INTENSITY": [1000, 10, 20, 400, 0, 990], "CELL_LINE_NAME": ["H3122"] * 6,
    })  # fmt: skip


def test_the_gdsc_raw_format(tmp_path):
    gdsc().write_csv(tmp_path / "g.csv")
    table = read(tmp_path / "g.csv").table
    assert table["well"].to_list() == ["A1", "A2", "A3", "A4", "A5", "P24"]
    assert table["role"].to_list() == ["vehicle", "blank", "positive", "sample", "empty", "excluded"]
    assert table.row(3, named=True)["compound"] == "GDSC_1003"
    assert table.row(3, named=True)["concentration_nM"] == 500.0
    assert table["system"].unique().to_list() == ["H3122"]


@pytest.mark.parametrize("column", ["POSITION", "CONC", "INTENSITY"])
def test_a_gdsc_table_with_a_word_for_a_number(tmp_path, column):
    gdsc().with_columns(
        pl.when(pl.col("POSITION") == 4).then(pl.lit("many")).otherwise(pl.col(column).cast(pl.String)).alias(column)
    ).write_csv(tmp_path / "g.csv")
    with pytest.raises(TableError, match=rf"g\.csv: column {column} must hold (whole )?numbers, but row 4 holds 'many'"):
        read(tmp_path / "g.csv")


@pytest.mark.parametrize("position", [0, 1537, None])
def test_a_gdsc_position_off_the_plate(tmp_path, position):
    gdsc().with_columns(POSITION=pl.Series([1, 2, position, 4, 5, 6])).write_csv(tmp_path / "g.csv")
    with pytest.raises(TableError, match=rf"g\.csv, row 3: POSITION is {position}, and wells are numbered from 1 to 1536"):
        read(tmp_path / "g.csv")


def test_gdsc_plates_have_the_stored_quality():
    stored = pl.read_csv(shared("reference", "assay", "gdsc_plate_qc_reference.csv"), infer_schema_length=None).sort("BARCODE")
    table = read(shared("data", "assay", "gdsc_wells.parquet"))
    for against, suffix in (("blank", "B"), ("positive", "PC1")):
        got = quality(table, against=against).table.sort(pl.col("plate_id").cast(pl.Int64))
        assert got["plate_id"].cast(pl.Int64).to_list() == stored["BARCODE"].to_list()
        for column, theirs in (
            ("z_prime", "zprime_NC1_vs_"),
            ("robust_z_prime", "robust_zprime_NC1_vs_"),
            ("ssmd", "ssmd_NC1_vs_"),
        ):
            assert got[column].to_list() == pytest.approx(stored[theirs + suffix].to_list(), rel=1e-6, abs=1e-9)


# ---------------------------------------------------------------- small parts by hand


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1,5", 1.5), ("-0,25e3", -250.0), (" 7 ", 7.0), (3, 3.0), (True, None), ("1,234.5", None), ("x", None), (None, None)],
)
def test_numbers_as_people_write_them(cell, value):
    assert number(cell) == value


def test_cells_have_their_spreadsheet_names():
    assert [cell_name(0, 0), cell_name(9, 25), cell_name(0, 26), cell_name(0, 701), cell_name(0, 702)] == [
        "A1",
        "Z10",
        "AA1",
        "ZZ1",
        "AAA1",
    ]


def test_a_text_file_in_utf_16_is_read(tmp_path):
    plates.write_csv(tmp_path / "p.csv", plates.signal_grid(WELLS))
    (tmp_path / "wide.csv").write_bytes((tmp_path / "p.csv").read_text(encoding="utf-8").encode("utf-16"))
    layout = plates.write_xlsx(tmp_path / "layout.xlsx", {"Layout": plates.layout_rows(WELLS)})
    wide, plain = (read(tmp_path / name, layout).table for name in ("wide.csv", "p.csv"))
    assert wide["signal"].to_list() == plain["signal"].to_list()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("well,role,compound,concentration (µM),signal\nA1,vehicle,,0,9\nA2,sample,x,1,4\n", "header"),
        ("well,role,compound,concentration_nM,signal\nA1,vehicle,,0,9\nA2,sample,Verbindung für ALK,1,4\n", "row 2"),
    ],
)
def test_a_long_table_in_latin_1_is_refused_with_its_place_and_remedy(tmp_path, text, place):
    (tmp_path / "wells.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match=rf"wells\.csv, {place}: not UTF-8 text \(byte 0x.+ Save it as UTF-8"):
        read(tmp_path / "wells.csv")
    (tmp_path / "wells.csv").write_text(text, encoding="utf-8")
    assert read(tmp_path / "wells.csv").table["signal"].to_list() == [9.0, 4.0]


def test_latin_1_far_down_a_table_is_refused_too(tmp_path):
    rows = [f"P{k},A{j + 1},sample,x,1,4" for k in range(600) for j in range(12)]
    text = "\n".join(["plate_id,well,role,compound,concentration_nM,signal", *rows, "P9999,A1,sample,für,1,4", ""])
    (tmp_path / "wells.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match=r"wells\.csv is not UTF-8 text\. Save it as UTF-8"):
        read(tmp_path / "wells.csv")
