"""Reading, simulating and summarising concentrations: simulate returns what read returns."""

import polars as pl
import pytest

from benchside.core.errors import TableError, UnitError
from benchside.stages.pharmacology import nca, read, simulate
from benchside.stages.pharmacology.read import recognise


def test_units_in_the_column_names_are_converted(tmp_path):
    path = tmp_path / "pk.csv"
    path.write_text("subject,time_days,concentration_ng_per_mL\n1,0,450.3\n1,0.5,900.6\n", encoding="utf-8")
    assert recognise(path)
    table = read(path, molar_mass_g_per_mol=450.3).table
    assert table["time_h"].to_list() == [0.0, 12.0]
    assert table["concentration_nM"].to_list() == pytest.approx([1000.0, 2000.0])
    assert table["subject"].to_list() == ["1", "1"]


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        ({"time": [0, 1], "concentration_nM": [1, 2]}, TableError, "no column of time with its unit"),
        ({"time_h": [0, 1], "concentration_nM": [1, 2], "concentration_uM": [1, 2]}, TableError, "Give exactly one"),
        ({"time_h": [0, 1], "concentration_ng_per_mL": [1, 2]}, UnitError, "state molar_mass_g_per_mol"),
        ({"time_h": [0, 1], "concentration_stones": [1, 2]}, UnitError, "no concentration unit"),
        ({"time_fortnights": [0, 1], "concentration_nM": [1, 2]}, UnitError, "no time unit"),
        ({"time_h": [0, 1], "concentration_nM": [1, -2]}, TableError, "-2.0 nM at 1.0 h"),
        ({"time_h": [0, 1], "concentration_nM": ["1", "BLQ"]}, TableError, "row 2 holds 'BLQ'"),
        ({"time_h": [0, 0], "concentration_nM": [1, 2]}, TableError, "two concentrations at 0.0 h"),
        ({"time_h": [0, None], "concentration_nM": [1, 2]}, TableError, "must be given"),
    ],
)
def test_refusals_name_the_place(table, error, words):
    with pytest.raises(error, match=words):
        read(pl.DataFrame(table))


def test_summary_by_hand():
    # trapezoids: (0 + 10) / 2 * 2 + (10 + 4) / 2 * 4 = 10 + 28 = 38; average 38 / 6
    row = nca(pl.DataFrame({"time_h": [0, 2, 6], "concentration_nM": [0, 10, 4]}), rule="linear").table.row(0, named=True)
    assert (row["auc_nM_h"], row["maximum_nM"], row["maximum_at_h"], row["minimum_nM"]) == (38.0, 10.0, 2.0, 0.0)
    assert row["average_nM"] == pytest.approx(38 / 6)
    with pytest.raises(TableError, match="needs two or more"):
        nca(pl.DataFrame({"time_h": [0], "concentration_nM": [1]}))


def test_simulate_returns_what_read_returns(tmp_path):
    made = simulate("crizotinib", dose_mg=250, every_h=12, n=5, seed=2)
    path = tmp_path / "simulated.csv"
    made.table.write_csv(path)
    assert read(path).table.equals(made.table)
    assert nca(path).table["auc_nM_h"].to_list() == pytest.approx(nca(made).table["auc_nM_h"].to_list())


def test_recognise_says_no_quietly(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    assert not recognise(other)
    assert not recognise(empty)
    assert not recognise(tmp_path / "absent.csv")
    assert not recognise(tmp_path / "x.xlsx")
