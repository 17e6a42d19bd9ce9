"""Parts of a table: no row lost, none doubled, no key torn, whatever the order of the rows and the kind of the file."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchside.core import parts
from benchside.core.errors import FileError
from benchside.core.parts import Part, part_count, row_count, scan_table
from benchside.core.tables import FILE_ROW, read_table


@given(keys=st.lists(st.sampled_from([*"abcdefgh", None]), min_size=1, max_size=60), count=st.integers(1, 12))
def test_every_row_is_in_exactly_one_part_and_no_key_is_torn(keys: list[str | None], count: int) -> None:
    table = pl.DataFrame({"key": pl.Series(keys, dtype=pl.String)}).with_row_index("row")
    found = [Part(number, count).rows(table.lazy(), pl.col("key")) for number in range(1, count + 1)]
    assert sorted(row for part in found for row in part["row"]) == list(range(len(keys)))
    homes: dict[str, int] = {}
    for number, part in enumerate(found):
        assert part["row"].is_sorted()
        for key in part["key"].drop_nulls():
            assert homes.setdefault(key, number) == number


@pytest.mark.parametrize(("rows", "count"), [(0, 1), (1, 1), (1_000_000, 1), (1_000_001, 2), (10_000_128, 11)])
def test_part_count(rows: int, count: int) -> None:
    assert part_count(rows) == count


TABLE = pl.DataFrame(
    {"plate": ["b", "a", None, "b"], "value": [1.5, None, 3.0, 4.0], "n": [1, 2, 3, 4], "word": ["1", "x", "", None]}
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_a_scan_types_columns_as_reading_does_and_numbers_the_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        TABLE.write_parquet(path)
    else:
        TABLE.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    scanned = scan_table(path).collect()
    assert scanned[FILE_ROW].to_list() == [1, 2, 3, 4]
    assert scanned.drop(FILE_ROW).equals(read_table(path))
    assert row_count(path) in {4, 5}  # text counts its header too: an estimate


def test_decimal_commas_survive_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("plate;value\na;1,5\nb;2,25\n")
    assert scan_table(path).collect()["value"].to_list() == [1.5, 2.25]


def test_other_files_count_nothing_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    book = tmp_path / "t.xlsx"
    book.write_bytes(b"PK")
    assert row_count(book) == 0
    damaged = tmp_path / "t.parquet"
    damaged.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises((FileError, pl.exceptions.PolarsError)):
        scan_table(damaged).collect()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 50))
def test_parts_hold_about_equal_numbers_of_keys(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 7)
    table = pl.DataFrame({"key": [f"k{number:03}" for number in range(size)]})
    count = part_count(size)
    heights = [Part(number, count).rows(table.lazy(), pl.col("key")).height for number in range(1, count + 1)]
    assert max(heights) <= 7
    assert max(heights) - min(heights) <= 1
