"""Cell references gathered into ranges."""

from hypothesis import given
from hypothesis import strategies as st

from benchside.report.trails import cell_ranges, column_letters, column_number, runs


def test_cells_of_a_block_are_one_rectangle():
    cells = [f"p.xlsx@1!S!{column}{row}" for row in range(9, 12) for column in "CDE"]
    assert cell_ranges(cells) == ["p.xlsx@1!S C9:E11"]


def test_scattered_cells_stay_apart():
    assert cell_ranges(["p@1!S!A1", "p@1!S!C1", "p@1!S!A2"]) == ["p@1!S A1:A2, C1"]


def test_lines_of_a_table_are_runs():
    assert cell_ranges([f"t.csv@2!row {row}" for row in (4, 5, 6, 9)]) == ["t.csv@2 rows 4-6, 9"]


@given(st.integers(1, 20000))
def test_column_letters_and_numbers_are_inverse(number):
    assert column_number(column_letters(number)) == number


@given(st.sets(st.integers(0, 200), max_size=60))
def test_runs_hold_every_number_once(numbers):
    found = [number for first, last in runs(numbers) for number in range(first, last + 1)]
    assert found == sorted(numbers)
