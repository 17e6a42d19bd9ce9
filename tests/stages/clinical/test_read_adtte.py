import json

import polars as pl
import pytest

from benchside.core.errors import FileError, TableError, UnitError
from benchside.stages.clinical import kaplan_meier, read_adtte, read_dataset
from tests.shared_data import shared

PFS = pl.DataFrame({
    "USUBJID": ["001", "002", "003", "004"],
    "TRTP": ["A", "A", "B", "B"],
    "PARAMCD": ["PFS"] * 4,
    "PARAM": ["Progression Free Survival"] * 4,
    "AVAL": [100.0, 200.0, 50.0, 300.0],
    "CNSR": [0, 1, 0, 1],
    "EVNTDESC": ["Disease Progression", "Alive", "Death", "Alive"],
    "STRATA1": ["x", "y", "x", "y"],
})  # fmt: skip


@pytest.fixture
def csv(tmp_path):
    def write(frame, name="adtte.csv"):
        frame.write_csv(tmp_path / name)
        return tmp_path / name

    return write


def test_events_are_cnsr_0_and_days_are_months(csv):
    found = read_adtte(csv(PFS), parameter="PFS", control="B", strata=["STRATA1"])
    assert found.table["time_months"].to_list() == pytest.approx([v / 30.4375 for v in PFS["AVAL"]])
    assert found.table["event"].to_list() == [1, 0, 1, 0]
    assert found.table["USUBJID"].to_list() == ["001", "002", "003", "004"]  # leading zeros count
    assert (found.parameter, found.without_time, found.control, found.strata) == ("PFS", 0, "B", ("STRATA1",))
    assert found.table["source_ref"][1].endswith("!row 2")
    assert kaplan_meier(found).table["events"].to_list() == [1, 1]


@pytest.mark.parametrize("stem", ["adtte_onco", "pilot1_adtte"])
def test_csv_and_xpt_are_row_for_row_the_same(stem):
    pytest.importorskip("pyreadstat")
    text = shared("data", "clinical", f"{stem}.csv")
    for parameter in pl.read_csv(text, infer_schema_length=None)["PARAMCD"].unique().sort():
        tables = [read_adtte(path, parameter=parameter).table for path in (text, text.with_suffix(".xpt"))]
        columns = ["USUBJID", "time_months", "event", "arm"]
        assert tables[0].height > 0
        assert tables[0].select(columns).rows() == tables[1].select(columns).rows()


@pytest.mark.parametrize("version", [5, 8])
def test_both_versions_of_sas_transport(tmp_path, version):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "adtte.xpt"
    pyreadstat.write_xport(
        PFS.to_pandas(), str(path), file_format_version=version, column_labels=["Unique Subject Identifier"] + [""] * 7
    )
    assert read_adtte(path).table["time_months"].to_list() == read_adtte(_parquet(tmp_path)).table["time_months"].to_list()
    assert read_dataset(path).labels["USUBJID"] == "Unique Subject Identifier"


def _parquet(folder):
    PFS.write_parquet(folder / "adtte.parquet")
    return folder / "adtte.parquet"


@pytest.mark.parametrize("newline", [False, True])
def test_dataset_json(tmp_path, newline):
    kinds = {"AVAL": "decimal", "CNSR": "integer"}
    columns = [{"name": name, "label": name.title(), "dataType": kinds.get(name, "string")} for name in PFS.columns]
    rows = [[str(value) if name == "AVAL" else value for name, value in zip(PFS.columns, row, strict=True)] for row in PFS.rows()]
    head = {"datasetJSONVersion": "1.1.0", "records": 4, "name": "ADTTE", "columns": columns}
    path = tmp_path / ("adtte.ndjson" if newline else "adtte.json")
    whole = json.dumps({**head, "rows": rows})
    path.write_text("\n".join(json.dumps(part) for part in [head, *rows]) if newline else whole)
    assert read_adtte(path).table.select("USUBJID", "event").rows() == [("001", 1), ("002", 0), ("003", 1), ("004", 0)]
    path.write_text(json.dumps({"columns": columns, "rows": [[1]]}) if not newline else "{}")
    with pytest.raises(FileError, match=r"no Dataset-JSON 1\.1"):
        read_adtte(path)


@pytest.mark.parametrize("newline", [False, True])
@pytest.mark.parametrize(("records", "words"), [(3, "3 records, and the file holds 2 rows"), ("many", "no Dataset-JSON")])
def test_dataset_json_that_was_cut_short_is_refused(tmp_path, newline, records, words):
    columns = [{"name": name, "dataType": "string"} for name in ("USUBJID", "AVALC")]
    head, rows = {"records": records, "columns": columns}, [["1", "a"], ["2", "b"]]
    path = tmp_path / ("adrs.ndjson" if newline else "adrs.json")
    lines = "\n".join(json.dumps(part) for part in [head, *rows])
    path.write_text(lines if newline else json.dumps({**head, "rows": rows}))
    with pytest.raises(FileError, match=rf"adrs\.(nd)?json.*{words}.*[Ee]xport it again"):
        read_dataset(path)
    path.write_text(path.read_text().replace(json.dumps(records), "2", 1))
    assert read_dataset(path).table.height == 2


def test_units_are_read_and_never_mixed(csv):
    months = PFS.with_columns(AVALU=pl.lit("MONTHS"))
    assert read_adtte(csv(months)).table["time_months"][0] == 100.0
    with pytest.raises(TableError, match="mixes days, months"):
        read_adtte(csv(months.with_columns(AVALU=pl.Series(["DAYS", "MONTHS", "DAYS", "DAYS"]))))
    with pytest.raises(TableError, match="speaks of Months"):
        read_adtte(csv(PFS.with_columns(PARAM=pl.lit("PFS (Months)"))))
    with pytest.raises(TableError, match="AVALU says months and time_unit says days"):
        read_adtte(csv(months), time_unit="days")
    with pytest.raises(UnitError):
        read_adtte(csv(PFS.with_columns(AVALU=pl.lit("cycles"))))
    assert read_adtte(csv(PFS.with_columns(PARAM=pl.lit("PFS (Months)"))), time_unit="months").table["time_months"][0] == 100.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"CNSR": [1, 0, 1, 0]}, "wrong way round"),
        ({"CNSR": [1, 2, 1, 2], "EVNTDESC": None}, "never 0"),
        ({"CNSR": [None, 1, 0, 1]}, "holds nothing"),
        ({"CNSR": [0.5, 1, 0, 1]}, "holds 0.5"),
        ({"USUBJID": ["1", "1", "2", "3"]}, "has 2 rows"),
        ({"AVAL": [-1.0, 2, 3, 4]}, "0 or more"),
        ({"TRTP": None}, "none of TRT01P, TRTP, ARM"),
        ({"TRT01P": ["A", "A", "B", "A"]}, "differ in 1 record"),
        ({"AVAL": None}, "AVAL is missing"),
        ({"PARAMCD": ["PFS", "PFS", "OS", "OS"]}, "Name the one to read"),
        ({"AVAL": [None] * 4}, "has a time"),
    ],
)
def test_what_is_ambiguous_is_refused_in_words(csv, change, words):
    dropped = PFS.drop([name for name, values in change.items() if values is None])
    frame = dropped.with_columns(pl.Series(name, values) for name, values in change.items() if values is not None)
    with pytest.raises(TableError, match=words):
        read_adtte(csv(frame))


TOLD = ["Last assessment", None, "Last assessment", None]  # CNSDTDSC of two who were censored, coded as events


@pytest.mark.parametrize(
    "change",
    [
        {"CNSR": [1, 0, 1, 0], "EVNTDESC": ["PD", "Alive", "PD", "Censored"]},
        {"CNSR": [1, 0, 1, 0], "EVNTDESC": ["PD", "No PD", "dead", "Progression free"]},
        {"CNSR": [0, 1, 0, 1], "EVNTDESC": None, "CNSDTDSC": TOLD},
        {"CNSR": [0, 1, 0, 1], "EVNTDESC": ["Censored"] * 4, "CNSDTDSC": TOLD},
        {"CNSR": [0, 1, 0, 1], "EVNTDESC": None, "CNSDTDSC": ["Completion of study", None, "Treatment stop", None]},
        {"CNSR": [0, 1, 0, 1], "EVNTDESC": None, "CNSDTDSC": ["Censored at last visit", "Death", "Alive", "PD"]},
        {"CNSR": [0, 1, 0, 1], "EVNTDESC": None, "CNSDTDSC": ["Censored at last visit", None, None, None]},
    ],
)
def test_an_inverted_flag_is_seen_in_either_description(csv, change):
    dropped = PFS.drop([name for name, values in change.items() if values is None])
    frame = dropped.with_columns(pl.Series(name, values) for name, values in change.items() if values is not None)
    with pytest.raises(TableError, match=r"adtte\.csv: CNSR 0 would be an event.*wrong way round\. Give event_code=1"):
        read_adtte(csv(frame))
    assert read_adtte(csv(frame), event_code=1).table["event"].sum() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"EVNTDESC": ["PD", "Alive", "PD", "Censored"]},
        {"CNSDTDSC": [None, "Last assessment", None, "Last assessment"]},
        {"CNSDTDSC": [None, "Last assessment before progression after missed visits", None, "PD after new therapy"]},
        {"CNSDTDSC": ["Death", None, "Progression", None]},  # carried by the events, and speaks of events
        {"EVNTDESC": ["PD", "Alive", "Death", "Alive"], "CNSDTDSC": ["Week 8", None, "Week 16", None]},
    ],
)
def test_a_flag_the_right_way_round_is_let_through(csv, change):
    found = read_adtte(csv(PFS.with_columns(pl.Series(name, values) for name, values in change.items())))
    assert found.table["event"].to_list() == [1, 0, 1, 0]


def test_a_code_that_was_named_the_wrong_way_round_is_to_be_left_out(csv):
    with pytest.raises(TableError, match=r"CNSR 1 would be an event.*Leave out event_code="):
        read_adtte(csv(PFS), event_code=1)


def test_an_inverted_flag_can_be_named(csv):
    inverted = PFS.with_columns(CNSR=pl.Series([1, 0, 1, 0]))
    assert read_adtte(csv(inverted), event_code=1).table["event"].to_list() == [1, 0, 1, 0]
    coded = PFS.with_columns(CNSR=pl.Series([2, 1, 2, 1])).drop("EVNTDESC")
    assert read_adtte(csv(coded), event_code=0).table["event"].sum() == 0


def test_labels_are_not_names(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "labels.xpt"
    frame = PFS.rename({"USUBJID": "V1", "AVAL": "V2"}).to_pandas()
    labels = {"V1": "Unique Subject Identifier", "V2": "Analysis Value"}
    pyreadstat.write_xport(frame, str(path), column_labels=labels)
    with pytest.raises(TableError, match=r"V1 \(Unique Subject Identifier\).*Rename the variable"):
        read_adtte(path)


def test_flags_filter_and_adsl_adds(csv, tmp_path):
    twice = pl.concat([PFS.with_columns(ANL01FL=pl.lit("Y")), PFS.with_columns(ANL01FL=pl.lit("N"))])
    assert read_adtte(csv(twice), where={"ANL01FL": "Y"}).table.height == 4
    with pytest.raises(TableError, match="the column holds N, Y"):
        read_adtte(csv(twice), where={"ANL01FL": "X"})
    adsl = csv(PFS.select("USUBJID", TRT01P=pl.Series(["p", "q", "p", "q"]), AGE=pl.Series([50, 60, 70, 80])), "adsl.csv")
    found = read_adtte(csv(PFS.drop("TRTP")), adsl=adsl, parameter="PFS")
    assert found.arms == ["p", "q"]
    assert found.table["AGE"].to_list() == [50, 60, 70, 80]
    with pytest.raises(TableError, match="subject 001 and 0 more"):
        read_adtte(csv(PFS), adsl=csv(pl.read_csv(adsl, infer_schema_length=0).tail(3), "three.csv"))


def test_records_without_a_time_are_counted(csv):
    found = read_adtte(csv(PFS.with_columns(AVAL=pl.Series([100.0, None, 50.0, 300.0]))))
    assert (found.table.height, found.without_time) == (3, 1)


def test_damaged_files_are_said_to_be_so(tmp_path):
    path = tmp_path / "adtte.xpt"
    path.write_bytes(b"no transport file at all" * 20)
    pytest.importorskip("pyreadstat")
    with pytest.raises(FileError, match="could not be read as XPT"):
        read_adtte(path)
    with pytest.raises(FileError, match="does not exist"):
        read_adtte(tmp_path / "absent.csv")


def test_a_header_alone_is_refused(tmp_path):
    (tmp_path / "adtte.csv").write_text("USUBJID,PARAMCD,AVAL,CNSR,TRT01P\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"adtte\.csv: the table has a header and no rows"):
        read_adtte(tmp_path / "adtte.csv", parameter="PFS")
