"""The one door for tables: what it takes, what it refuses and in which words; and the hash that is equality."""

import math
import struct
from dataclasses import dataclass, field

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import FileError, TableError
from benchside.core.tables import (
    FLAG,
    FLOAT,
    INTEGER,
    TEXT,
    Column,
    TypedTable,
    conform,
    dataframe,
    file_hash,
    read_table,
    table_hash,
    text_options,
)

SCHEMA = {
    "name": Column(TEXT, "a name", required=True),
    "dose_nM": Column(FLOAT, "a dose", required=True),
    "n": Column(INTEGER, "a count"),
    "kept": Column(FLAG, "a flag"),
}


def good():
    return pl.DataFrame({"note": ["z", None], "dose_nM": [1, 2], "name": ["a", "b"]})


# ---------------------------------------------------------------- the door


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: t.lazy(), lambda t: t.to_pandas(), lambda t: t.to_arrow()])
def test_any_dataframe_comes_in_alike(wrap):
    assert dataframe(wrap(good())).to_dicts() == good().to_dicts()


def test_pandas_and_pyarrow_are_what_was_tried():
    assert isinstance(good().to_pandas(), pd.DataFrame)
    assert isinstance(good().to_arrow(), pa.Table)


def test_a_result_comes_in_by_its_table():
    @dataclass
    class Held:
        table: pl.DataFrame = field(default_factory=good)

    assert dataframe(Held()).equals(good())


@pytest.mark.parametrize("what", [3, None, {"a": [1]}, [1, 2]])
def test_anything_else_is_refused(what):
    with pytest.raises(TableError, match=f"expected a table .* got {type(what).__name__}"):
        dataframe(what)


@pytest.mark.parametrize(
    ("ending", "text"), [("csv", "a,b\n1,x\n"), ("tsv", "a\tb\n1\tx\n"), ("txt", "a\tb\n1\tx\n"), ("txt", "a,b\n1,x\n")]
)
def test_text_tables(tmp_path, ending, text):
    path = tmp_path / f"t.{ending}"
    path.write_text(text)
    assert read_table(path).to_dicts() == [{"a": 1, "b": "x"}]
    assert dataframe(str(path)).to_dicts() == dataframe(path).to_dicts()


def test_semicolons_with_decimal_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,5;x\n0,25;y\n")
    assert read_table(path)["a"].to_list() == [1.5, 0.25]


def test_semicolons_with_decimal_points(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1.5;x\n0.25;y\n")
    assert read_table(path)["a"].to_list() == [1.5, 0.25]


def test_parquet(tmp_path):
    good().write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(good())


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileError, match=r"none\.csv does not exist"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(FileError, match=r"empty\.csv is empty \(0 bytes\)"):
        read_table(tmp_path / "empty.csv")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FileError, match=r"cut\.parquet could not be read as PARQUET: .* Save it again"):
        read_table(tmp_path / "cut.parquet")
    (tmp_path / "t.docx").write_bytes(b"x")
    with pytest.raises(FileError, match=r"t\.docx: \.docx is no table read here"):
        read_table(tmp_path / "t.docx")
    with pytest.raises(FileError, match="does not exist or is not a file"):
        read_table(tmp_path)


# ---------------------------------------------------------------- promised columns


def test_promised_columns_come_first_in_their_types_and_others_travel_along():
    table = conform(good(), SCHEMA, noun="plate")
    assert table.columns == ["name", "dose_nM", "n", "kept", "note"]
    assert dict(zip(table.columns, table.dtypes, strict=True)) == {
        "name": TEXT,
        "dose_nM": FLOAT,
        "n": INTEGER,
        "kept": FLAG,
        "note": TEXT,
    }
    assert table["n"].null_count() == 2


def test_a_missing_column_is_named_with_its_likely_misspelling():
    with pytest.raises(TableError, match=r"plate: column dose_nM is missing \(did you mean 'dose_nm'\?\).*Rename"):
        conform(good().rename({"dose_nM": "dose_nm"}), SCHEMA, noun="plate")


def test_a_cell_that_is_no_number_is_named_by_its_row():
    table = good().with_columns(dose_nM=pl.Series(["1.5", "ten"]))
    with pytest.raises(TableError, match=r"plate: column dose_nM must hold numbers, but row 2 holds 'ten'\. Correct or clear"):
        conform(table, SCHEMA, noun="plate")


def test_half_a_count_is_no_count():
    with pytest.raises(TableError, match=r"column n must hold whole numbers, but row 1 holds 0\.5"):
        conform(good().with_columns(n=pl.Series([0.5, 2.0])), SCHEMA, noun="plate")
    assert conform(good().with_columns(n=pl.Series([1.0, 2.0])), SCHEMA, noun="plate")["n"].to_list() == [1, 2]


def test_a_typed_table_checks_at_birth():
    class Doses(TypedTable):
        SCHEMA = SCHEMA
        NOUN = "doses"

        def check(self):
            if (self.table["dose_nM"] < 0).any():
                message = "below 0"
                raise TableError(message)

    held = Doses.of(good())
    assert Doses.of(held) is held
    with pytest.raises(TableError, match="below 0"):
        Doses(good().with_columns(dose_nM=pl.lit(-1.0)))


# ---------------------------------------------------------------- the hash

cells = {
    pl.Int64: st.none() | st.integers(-3, 3),
    pl.Float64: st.none() | st.sampled_from([0.0, 1.0, -1.0, 0.1, math.inf]),
    pl.String: st.none() | st.sampled_from(["", "a", "b", "ab", "é", "\x00"]),
    pl.Boolean: st.none() | st.booleans(),
    pl.List(pl.UInt32): st.none() | st.lists(st.integers(0, 2), max_size=2),
    pl.List(pl.String): st.none() | st.lists(st.none() | st.sampled_from(["", "a", "ab"]), max_size=2),
}


@st.composite
def tables(draw):
    height = draw(st.integers(0, 3))
    columns = []
    for name in draw(st.lists(st.sampled_from("xyz"), unique=True, min_size=1, max_size=2)):
        dtype = draw(st.sampled_from(list(cells)))
        columns.append(pl.Series(name, [draw(cells[dtype]) for _ in range(height)], dtype=dtype))
    return pl.DataFrame(columns)


@given(tables(), tables())
def test_one_hash_exactly_where_tables_are_equal_cell_by_cell(one, two):
    equal = one.schema == two.schema and one.columns == two.columns and one.rows() == two.rows()
    assert (table_hash(one) == table_hash(two)) == equal


@given(tables(), st.data())
def test_one_changed_cell_changes_the_hash(table, data):
    if table.height == 0:
        return
    column, row = data.draw(st.sampled_from(table.columns)), data.draw(st.integers(0, table.height - 1))
    old = table[column].to_list()
    new = data.draw(cells[table[column].dtype].filter(lambda value: value != old[row]))
    changed = table.with_columns(pl.Series(column, [*old[:row], new, *old[row + 1 :]], dtype=table[column].dtype))
    assert table_hash(changed) != table_hash(table)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (pl.Series([["a", "b"]]), pl.Series([["ab", ""]])),
        (pl.Series(["a", "bc"]), pl.Series(["ab", "c"])),
        (pl.Series([None, 0.0]), pl.Series([0.0, None])),
        (pl.Series([None, ""]), pl.Series(["", None])),
        (pl.Series([[], None], dtype=pl.List(pl.Int64)), pl.Series([None, []], dtype=pl.List(pl.Int64))),
        (pl.Series([[1], [2, 3]]), pl.Series([[1, 2], [3]])),
        (pl.Series([[None, 1]]), pl.Series([[1, None]])),
        (pl.Series([1], dtype=pl.Int32), pl.Series([1], dtype=pl.Int64)),
        (pl.Series([0.1]), pl.Series([0.1 + 2**-56])),
    ],
)
def test_near_misses_by_hand(one, two):
    assert table_hash(one.alias("v").to_frame()) != table_hash(two.alias("v").to_frame())


def test_names_and_order_count():
    table = pl.DataFrame({"a": [1], "b": [1]})
    assert len({table_hash(t) for t in (table, table.select("b", "a"), table.rename({"a": "c"}))}) == 3


def test_memory_layout_does_not_count(tmp_path):
    table = pl.DataFrame({"x": list(range(9)), "s": list("abcabcabc"), "l": [[1], [], None] * 3})
    pieces = pl.concat([table[:4], table[4:]], rechunk=False)
    table.write_parquet(tmp_path / "t.parquet")
    hashes = {table_hash(t) for t in (table, pieces, pl.concat([table, table])[9:], pl.read_parquet(tmp_path / "t.parquet"))}
    assert len(hashes) == 1


def test_floats_are_hashed_by_their_bits():
    odd = struct.unpack("<d", struct.pack("<q", 0x7FF8000000000001))[0]
    values = [pl.Series("v", [value]) for value in (0.0, -0.0, math.nan, odd)]
    assert len({table_hash(v.to_frame()) for v in values}) == 4


def test_a_file_is_hashed_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * (5 << 20))
    (tmp_path / "b").write_bytes(b"x" * (5 << 20))
    (tmp_path / "c").write_bytes(b"x" * (5 << 20) + b"y")
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b") != file_hash(tmp_path / "c")


def test_a_long_text_column_is_hashed_in_parts_to_the_same_hash(monkeypatch):
    table = pl.DataFrame({"text": [f"w{k}" if k % 7 else None for k in range(1000)], "n": range(1000)})
    whole = table_hash(table)
    monkeypatch.setattr("benchside.core.tables.HASHED_AT_ONCE", 64)
    assert table_hash(table) == whole


LATER = ["6", "-1.5", "+6", " 6", "6 ", "nan", "NaN", "Infinity", "true", "NA", "", "text", '"6"', "6e3", "99999999999999999999"]


@pytest.mark.parametrize("first", ["5", "1.5", "true", "", "text", "99999999999999999999"])
@pytest.mark.parametrize("later", LATER)
def test_a_late_row_counts_for_the_type_of_its_column_as_the_first_do(tmp_path, first, later):
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + f"{first},x\n" * 10_001 + f"{later},x\n")
    whole = pl.read_csv(path, infer_schema_length=None, **text_options(path))
    table = read_table(path)
    assert table.schema == whole.schema
    assert table.equals(whole)
