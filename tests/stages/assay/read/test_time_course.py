"""Time courses come out as one long table in hours, or are refused."""

import polars as pl
import pytest

from benchside.core.errors import BenchsideError, LayoutError, TableError, UnitError
from benchside.stages.assay.model import well_name
from benchside.stages.assay.read.time_course import TimeCourse, read_time_course
from tests.shared_data import shared
from tests.stages.assay import corpus, plates

NAMES = [well_name(r, c) for r in range(8) for c in range(12)]


def value(well, hour):
    return round(5 + 0.1 * NAMES.index(well) + 0.5 * hour, 3)


def incucyte(path, *, vessels=("H3122 lorlatinib",), names=NAMES, title="Elapsed", hours=(0, 2, 4, 6)):
    lines = []
    for vessel in vessels:
        lines += [
            [f"Vessel Name: {vessel}"], ["Metric: Phase Object Confluence (Percent)"], ["Cell Type: H3122"], ["Passage: 12"], ["Notes: "],
            ["Analysis: phase"], [], ["Date Time", title, *names],
            *([f"3/12/2024 {2 + h}:00:00 PM", h, *(value(name.split(",")[0], h) for name in names)] for h in hours), [],
        ]  # fmt: skip
    return corpus.text(path, lines)


def truth(table, plate, hours=(0, 2, 4, 6)):
    rows = table.filter(pl.col("plate_id") == plate)
    assert rows.height == len(NAMES) * len(hours)
    assert {(row["well"], row["time_h"]): row["signal"] for row in rows.iter_rows(named=True)} == {
        (name, h): value(name, h) for name in NAMES for h in hours
    }


def test_an_imager_export_of_two_vessels(tmp_path):
    course = read_time_course(incucyte(tmp_path / "incucyte.txt", vessels=("H3122 a", "H3122 b")))
    assert course.table["plate_id"].unique(maintain_order=True).to_list() == ["H3122 a", "H3122 b"]
    for plate in ("H3122 a", "H3122 b"):
        truth(course.table, plate)
    assert course.table["read"].unique().to_list() == ["Phase Object Confluence (Percent)"]
    assert course.table["signal_ref"][0].endswith("!text!C9")


def test_a_kinetic_sheet_with_wells_as_lines_in_seconds(tmp_path):
    table = read_time_course(corpus.tecan_kinetic(tmp_path)).table
    assert sorted(table["time_h"].unique()) == pytest.approx([0, 1 / 6, 1 / 3, 1800.5 / 3600])
    row = table.filter((pl.col("well") == "B1") & (pl.col("time_h") == 1 / 3))
    assert row["signal"].to_list() == [round(0.1 + 0.12 + 0.2, 3)]
    assert table["read"].unique().to_list() == ["Label1"]


def test_clock_times_in_a_text_export(tmp_path):
    table = read_time_course(corpus.softmax_columns(tmp_path, times=3)).table
    assert sorted(table["time_h"].unique()) == pytest.approx([0, 1 / 6, 1 / 3])
    assert table.filter(pl.col("well") == "A2")["signal"].unique().to_list() == [corpus.A["A2"][3]]


def test_clock_times_in_a_spreadsheet(tmp_path):
    from datetime import time

    import xlsxwriter

    path = tmp_path / "gen5.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet, clock = workbook.add_worksheet(), workbook.add_format({"num_format": "h:mm:ss"})
        for column, title in enumerate(["Time", "T° 570", "A1", "A2"]):
            sheet.write(0, column, title)
        for row, minutes in enumerate((0, 30, 90), start=1):
            sheet.write_datetime(row, 0, time(minutes // 60, minutes % 60), clock)
            sheet.write_row(row, 1, [37.0, 0.1 * row, 0.2 * row])
    table = read_time_course(path).table
    assert table.filter(pl.col("well") == "A2").select("time_h", "signal").rows() == [
        (0.0, 0.2),
        (0.5, 0.4),
        (1.5, pytest.approx(0.6)),
    ]


@pytest.mark.parametrize(
    ("title", "unit", "factor"),
    [("Time (min)", None, 1 / 60), ("Time [s]", None, 1 / 3600), ("Time", "days", 24), ("Time (h)", None, 1)],
)
def test_every_unit_becomes_hours(tmp_path, title, unit, factor):
    path = plates.write_csv(tmp_path / "t.csv", [[title, "A1"], [0, 1], [90, 2]])
    assert read_time_course(path, time_unit=unit).table["time_h"].to_list() == pytest.approx([0, 90 * factor])


def test_missing_and_overflown_readings_are_kept_as_such(tmp_path):
    path = plates.write_csv(tmp_path / "t.csv", [["Time (h)", "A1", "A2"], [0, None, 1], [1, "OVRFLW", 2], [2, "NaN", 3]])
    rows = read_time_course(path).table.filter(pl.col("well") == "A1").select("signal", "note").rows()
    assert rows == [(None, "no reading"), (None, "reader overflow: OVRFLW"), (None, "no reading")]


@pytest.mark.parametrize(
    ("rows", "error", "parts"),
    [
        ([["Time", "A1"], [0, 1], [2, 2]], UnitError, ("t.csv, line 2, field 1", "times have no unit", "never guessed")),
        ([["Elapsed", "A1"], [0, 1], [2, 2]], UnitError, ("t.csv, line 2, field 1", "times have no unit")),
        ([["Time (h)", "A1", "A01"], [0, 1, 2]], LayoutError, ("t.csv, line 1, field 3", "A1 stands more than once")),
        (
            [["Time (h)", "A1", "A1 (Std Err Img)"], [0, 1, 2]],
            LayoutError,
            ("t.csv, line 1, field 3", "further value of a well", "Export one value"),
        ),
        ([["Time (h)", "A1"], [0, "high"]], TableError, ("t.csv, line 2, field 2", "'high'", "Correct or clear")),
        ([["Time (h)", "A1"], ["soon", 1]], TableError, ("t.csv, line 2, field 1", "'soon'", "Correct the cell")),
        (
            [["Time (h)", "A1"], [0, 1], [None, 2]],
            TableError,
            ("t.csv, line 3, field 1", "is the time of a line", "Correct or clear"),
        ),
        ([["Time (h)", "A1"], [-1, 1]], TableError, ("t.csv, line 2, field 1", "0 or more")),
        ([["Time (h)", "A1"], [1, 1], [1, 2]], TableError, ("well A1 stands more than once at 1 h",)),
        ([["notes"], ["nothing"]], LayoutError, ("t.csv", "no time course was found", "export it")),
    ],
)
def test_what_is_no_time_course_is_refused(tmp_path, rows, error, parts):
    path = plates.write_csv(tmp_path / "t.csv", rows)
    with pytest.raises(BenchsideError) as refused:
        read_time_course(path)
    assert type(refused.value) is error
    for part in parts:
        assert part in str(refused.value)


def test_images_of_a_well_are_refused(tmp_path):
    names = [name for well in NAMES[:3] for name in (f"{well}, Image 1", f"{well}, Image 2")]
    with pytest.raises(LayoutError, match=r"field 4: well A1 stands more than once"):
        read_time_course(incucyte(tmp_path / "i.txt", names=names))


def test_one_image_a_well_is_its_value(tmp_path):
    course = read_time_course(incucyte(tmp_path / "i.txt", names=[f"{well}, Image 1" for well in NAMES]))
    truth(course.table, "H3122 lorlatinib")


def test_plates_below_one_another_with_their_hours(tmp_path):
    rows = [["Vessel Name: V1"], ["Metric: Confluence"], []]
    for hour in (0, 2):
        rows += [
            ["Time Stamp:", "3/12/2024 2:00:00 PM", "Elapsed:", hour, "hours"],
            [],
            *plates.grid(96, lambda well, hour=hour: value(well, hour)),
            [],
        ]
    truth(read_time_course(corpus.text(tmp_path / "i.txt", rows)).table, "V1", hours=(0, 2))


def test_a_time_below_zero_is_refused_at_birth():
    with pytest.raises(TableError, match="plate P, well A1: time_h is -1"):
        TimeCourse(pl.DataFrame({"plate_id": ["P"], "well": ["A1"], "time_h": [-1.0], "signal": [1.0]}))


def test_real_counts_written_as_an_imager_writes_them_come_back(tmp_path):
    """One plate of real counts (irregular times, 380 wells), written as wells by time and read again."""
    whole = pl.read_csv(shared("data", "assay", "thunor_hts007_timecourse.csv"), infer_schema_length=None)
    plate = whole["plate"].unique(maintain_order=True)[0]
    held = whole.filter(pl.col("plate") == plate).select(
        "hours",
        "cell_count",
        well=pl.col("well_num").cast(pl.Int64).map_elements(lambda k: well_name(k // 24, k % 24), return_dtype=pl.String),
    )
    wide = held.pivot("well", index="hours", values="cell_count", aggregate_function="first", sort_columns=False).sort("hours")
    rows = [["Vessel Name: HTS007"], ["Metric: nuclei"], [], ["Elapsed", *wide.columns[1:]], *wide.rows()]
    table = read_time_course(corpus.text(tmp_path / "thunor.txt", rows)).table.filter(pl.col("signal").is_not_null())
    unique = held.unique(["hours", "well"], keep="first")
    back = table.select(hours="time_h", well="well", signal="signal").join(unique, on=["hours", "well"], how="inner")
    assert back.height == unique.height == table.height > 1000
    assert (back["signal"] == back["cell_count"]).all()
