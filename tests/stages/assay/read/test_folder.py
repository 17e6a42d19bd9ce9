"""A folder of reader exports gives plate verdicts and curves without a file being edited."""

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchside.core.errors import TableError
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.plates.normalise import normalise
from benchside.stages.assay.analyse.plates.quality import quality
from benchside.stages.assay.model import WellTable, row_letters, well_name
from benchside.stages.assay.read import read
from benchside.stages.assay.read.blocks import blocks
from benchside.stages.assay.read.cells import Sheet, number, sheets
from benchside.stages.assay.read.decimals import Unsettled, convention_of
from benchside.stages.assay.read.readings import plates_of, readings_of
from tests.stages.assay import corpus, plates


def test_readers_of_five_makers_become_one_table_and_one_curve(tmp_path):
    layout = corpus.layout_file(tmp_path)
    writers = (corpus.tecan, corpus.gen5, corpus.softmax, corpus.mars_grid, corpus.victor)
    wells = WellTable(pl.concat([read(write(tmp_path), layout).table for write in writers], how="diagonal_relaxed"))
    assert wells.table["plate_id"].unique(maintain_order=True).to_list() == ["tecan", "gen5", "softmax", "mars", "victor"]
    verdicts = quality(wells).table
    assert verdicts["z_prime"].to_list() == pytest.approx([verdicts["z_prime"][0]] * 5, abs=1e-12)
    fits = fit(normalise(wells)).table
    assert fits["n_points"].to_list() == [50]
    assert fits["ic50_nM"][0] == pytest.approx(20.0, rel=0.03)  # the plates are drawn from a midpoint of 20 nM


def test_a_reference_read_changes_quality_and_response_as_the_difference_does(tmp_path):
    path, layout = corpus.tecan(tmp_path, reads=((570, corpus.A), (650, corpus.B))), corpus.layout_file(tmp_path)
    wells = read(path, layout, signal_read="570", reference_read="650").table
    assert (wells["signal"] == wells["signal_measured"] - wells["signal_reference"]).all()
    assert wells["reference_ref"].is_not_null().all()
    assert wells["signal_ref"].n_unique() == wells["reference_ref"].n_unique() == 96


def test_day_0_plates_carry_their_day(tmp_path):
    case = next(case for case in corpus.CASES if "day 0" in case.name)
    table = read(*case.write(tmp_path)).table
    assert table.select("plate_id", "day").unique(maintain_order=True).rows() == [("E0", 0.0), ("E3", 3.0)]


def test_hidden_and_visible_sheets(tmp_path):
    path = corpus.book(tmp_path / "b.xlsx", {"a": [["x"]], "b": [["y"]]}, hide=("b",))
    (sheet,) = sheets(path)
    assert (sheet.name, sheet.hidden) == ("a", ("b",))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    down=st.integers(0, 5),
    right=st.integers(0, 4),
    gap=st.integers(0, 3),
    shape=st.sampled_from([(8, 12), (16, 24)]),
    turned=st.booleans(),
    names=st.lists(
        st.text("abcXYZ 0123456789-", min_size=1, max_size=8).filter(str.strip),
        min_size=1,
        max_size=3,
        unique_by=lambda name: name.strip(),
    ),
)
def test_named_plates_come_back_wherever_they_stand(*, seed, down, right, gap, shape, turned, names):
    rng = np.random.default_rng(seed)
    rows, truth = [[] for _ in range(down)], []
    for name in names:
        values = rng.normal(0, 1000, shape)
        truth.append((name.strip(), values))
        letters, count = [row_letters(r) for r in range(shape[0])], list(range(1, shape[1] + 1))
        above, beside, cells = (letters, count, values.T) if turned else (count, letters, values)
        block = [[None, *above], *([mark, *line] for mark, line in zip(beside, cells.tolist(), strict=True))]
        rows += [[None] * right + line for line in [[f"Plate: {name}"], *block]] + [[]] * (gap + 1)
    sheet = Sheet("f.xlsx", "0" * 12, "S", tuple(tuple(row) for row in rows), spreadsheet=True)
    found = blocks(sheet)
    got = plates_of(readings_of(found, found), None, None)
    assert [plate.written or plate.name for plate in got] == [name for name, _ in truth]
    for plate, (_, values) in zip(got, truth, strict=True):
        assert [value for _, value, *_ in plate.signal.cells] == values.ravel().tolist()
        assert [well for well, *_ in plate.signal.cells] == [well_name(r, c) for r in range(shape[0]) for c in range(shape[1])]


def test_blocks_side_by_side_have_titles_of_their_own(tmp_path):
    left, right = plates.signal_grid(corpus.A), plates.signal_grid(corpus.B)
    rows = [["OD 450", *[None] * 13, "OD 650"], *([*a, None, *b] for a, b in zip(left, right, strict=True))]
    (sheet,) = sheets(plates.write_csv(tmp_path / "p.csv", rows))
    assert [block.title for block in blocks(sheet)] == ["OD 450", "OD 650"]


@pytest.mark.parametrize(
    ("rows", "cell", "value"),
    [
        ([["12,345", "0,5", "1"]], "12,345", 12.345),
        ([["12,345", "0.5", "1"]], "12,345", 12345.0),
        ([["12,345", "1", "2"]], "12,345", None),
        ([["12,345", "0.5", "0,5"]], "12,345", None),
        ([["1.234", "0.5", "1"]], "1.234", 1.234),
        ([["1.234", "0,5", "1"]], "1.234", None),
        ([["1.234", "1.234,5", "1"]], "1.234", 1234.0),
        ([["1.234.567", "1", "2"]], "1.234.567", 1234567.0),
        ([["1,234,567", "1", "2"]], "1,234,567", 1234567.0),
        ([["12,345", "9,876.5", "1"]], "9,876.5", 9876.5),
        ([["Version", "3.10"], ["12,345", "1", "2"]], "12,345", None),
        ([["-12,345", "7,25", "1"]], "-12,345", -12.345),
    ],
)
def test_a_comma_means_what_the_sheet_settles(rows, cell, value):
    settled = convention_of(rows).settle(cell)
    assert number(settled) == value
    assert isinstance(settled, Unsettled) == (value is None)


@pytest.mark.parametrize("text", ["1_000", "", "0x10", "12 345", "½"])
def test_what_python_would_take_for_a_number_is_none(text):
    assert number(text) is None


def test_a_long_table_with_settled_commas_is_read(tmp_path):
    rows = [
        ["well", "role", "compound", "concentration_nM", "signal"],
        ["A1", "vehicle", None, None, "21,014"],
        ["A2", "sample", "x", "0,5", "12,345"],
    ]
    assert read(corpus.text(tmp_path / "long.csv", rows, mark=";")).table["signal"].to_list() == [21.014, 12.345]


def test_the_same_plate_in_two_files_is_noticed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    both = [read(corpus.tecan(tmp_path / name), corpus.layout_file(tmp_path)).table for name in "ab"]
    with pytest.raises(TableError, match=r"plate tecan .* stands more than once"):
        WellTable(pl.concat(both))


def test_a_screening_plate_in_a_spreadsheet_is_read_within_seconds(tmp_path):
    held = corpus.counts(1536)
    path = plates.write_xlsx(tmp_path / "p.xlsx", {"R": plates.signal_grid(held, 1536), "L": plates.layout_rows(held, 1536)})
    start = time.perf_counter()
    assert read(path).table.height == 1536
    assert time.perf_counter() - start < 5
