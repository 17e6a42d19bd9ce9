"""Readers' own files through openreadout: counted first, and refused where the wells do not count up."""

import sys
import types

import numpy as np
import pytest

from benchside.core.errors import BenchsideError, FileError, LayoutError
from benchside.stages.assay.read import read
from benchside.stages.assay.read.export import COLUMNS, preview
from tests.stages.assay import corpus, plates


def table_of(held, *, read_number=1, leave_out=(), repeat=0):
    """Return rows as openreadout gives them: well, row, col, read, wavelength, time, value."""
    rows = [
        [8.0 * 12, r + 1, c + 1, read_number, np.nan, np.nan, held.get(name, (None, None, None, 0.05))[3]]
        for r in range(8)
        for c in range(12)
        if (name := corpus.well_name(r, c)) not in leave_out
    ]
    return np.array(rows + rows[:repeat])


def stand_in(monkeypatch, tables, *, sound=True, kind="plate", columns=COLUMNS, fails=None, wavelengths=(570, 650)):
    """Put a package in place of openreadout that gives these tables."""

    class OpenReadoutError(Exception):
        pass

    class File:
        def __init__(self, _path):
            if fails:
                raise OpenReadoutError(fails)
            reads = [
                {"read": k + 1, "label": f"Label{k + 1}", "origin": "measured", "settings": {"Wavelength": nm}}
                for k, nm in enumerate(wavelengths)
            ]
            described = {"name": "Plate 1", "columns": [{"name": name} for name in columns], "extra": {"reads": reads}}
            self.info, self.format = {"tables": [described for _ in tables]}, kind

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def check(self):
            return {"ok": sound}

        def read_table(self, k):
            return tables[k]

    package = types.ModuleType("openreadout")
    package.File, package.OpenReadoutError = File, OpenReadoutError
    monkeypatch.setitem(sys.modules, "openreadout", package)


def files(folder):
    path = folder / "run.pda"
    path.write_bytes(b"binary")
    return path, corpus.layout_file(folder)


def wells(table):
    return {
        row["well"]: (row["role"], row["compound"], row["signal"])
        for row in table.iter_rows(named=True)
        if row["role"] != "empty"
    }


TRUTH = {well: (role, compound, signal) for well, (role, compound, _, signal) in corpus.A.items()}


def test_a_whole_plate(tmp_path, monkeypatch):
    stand_in(monkeypatch, [table_of(corpus.A)])
    path, layout = files(tmp_path)
    table = read(path, layout, through="openreadout").table
    assert wells(table) == TRUTH
    assert table["plate_id"].unique().to_list() == ["run"]
    assert table["signal_ref"][0].startswith("run.pda@")
    assert preview(path).select("read", "wells", "whole").row(0) == ("570 nm", 96, True)


def test_two_reads_are_subtracted_when_asked(tmp_path, monkeypatch):
    stand_in(monkeypatch, [np.vstack([table_of(corpus.A), table_of(corpus.B, read_number=2)])])
    path, layout = files(tmp_path)
    with pytest.raises(LayoutError, match=r"2 blocks of signals \(570 nm, 650 nm\)"):
        read(path, layout, through="openreadout")
    table = read(path, layout, through="openreadout", signal_read="570", reference_read="650").table
    assert {row["well"]: row["signal"] for row in table.iter_rows(named=True) if row["role"] == "vehicle"} == {
        well: item[3] - corpus.B[well][3] for well, item in corpus.A.items() if item[0] == "vehicle"
    }


@pytest.mark.parametrize(
    ("tables", "options", "parts"),
    [
        ([table_of(corpus.A, leave_out=("H12",))], {}, ("run.pda", "95 readings of 95 wells", "Export the whole plate")),
        ([table_of(corpus.A, repeat=1)], {}, ("97 readings of 96 wells", "each once")),
        ([table_of(corpus.A)], {"sound": False}, ("run.pda is damaged", "Export the plate again")),
        ([table_of(corpus.A)], {"kind": "czi"}, ("file of kind 'czi' and no plate", "Export")),
        ([table_of(corpus.A)], {"columns": ("well", "value")}, ("other columns (well, value)", "Export")),
        ([table_of(corpus.A)], {"fails": "unknown format"}, ("could not be read by openreadout: unknown format.", "Export")),
        ([], {}, ("found no plate", "Export")),
    ],
)
def test_what_does_not_count_up_is_refused(tmp_path, monkeypatch, tables, options, parts):
    stand_in(monkeypatch, tables, **options)
    path, layout = files(tmp_path)
    with pytest.raises(BenchsideError) as refused:
        read(path, layout, through="openreadout")
    for part in parts:
        assert part in str(refused.value)


def test_a_lost_plate_is_noticed(tmp_path, monkeypatch):
    """A file of two plates side by side, of which the package gives one."""
    stand_in(monkeypatch, [table_of(corpus.A)])
    path = plates.write_csv(tmp_path / "two.csv", corpus.beside(corpus.A, corpus.B))
    with pytest.raises(LayoutError, match=r"two\.csv: openreadout gives 96 readings, and the plates in the file hold 192"):
        read(path, corpus.layout_file(tmp_path), through="openreadout")


def test_a_file_without_a_layout_is_refused(tmp_path, monkeypatch):
    stand_in(monkeypatch, [table_of(corpus.A)])
    with pytest.raises(LayoutError, match="Give the layout as a file of its own"):
        read(files(tmp_path)[0], through="openreadout")


def test_an_absent_package_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openreadout", None)
    path, layout = files(tmp_path)
    with pytest.raises(FileError, match=r"openreadout.*is not installed.*pip install 'benchside\[plates\]'"):
        read(path, layout, through="openreadout")


AGREED = ["tecan endpoint", "gen5", "softmax plate, UTF-16", "softmax columns", "mars plate, Windows text, micro sign", "glomax"]


@pytest.mark.parametrize("name", AGREED)
def test_the_package_itself_agrees_with_our_readers(tmp_path, name):
    pytest.importorskip("openreadout", reason="the extra plates is not installed")
    case = next(case for case in corpus.CASES if case.name == name)
    path, layout = case.write(tmp_path)
    theirs, ours = (read(path, layout, through=way).table for way in ("openreadout", "benchside"))
    assert theirs.sort("well")["signal"].to_list() == ours.sort("well")["signal"].to_list()
    assert preview(path)["whole"].to_list() == [True]
