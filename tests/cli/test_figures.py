"""Figures as files: what is written, in which format, cut where it says so, and what is refused."""

import json
from pathlib import Path

import pytest

from benchside.cli.main import run_app
from tests.report import studies

STARTS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF-"}


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> Path:
    return studies.cells_study(tmp_path_factory.mktemp("figures") / "cells")


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Path:
    return studies.pair_study(tmp_path_factory.mktemp("figures") / "pair")


def one_sentence(capsys, *parts: str) -> None:
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1, captured.err
    for part in parts:
        assert part in captured.err


@pytest.mark.parametrize("kind", STARTS)
def test_every_figure_of_a_study_is_written_and_named(cells, tmp_path, capsys, kind):
    assert run_app(["figures", str(cells), "--out", str(tmp_path / "new" / "folder"), "--format", kind]) == 0
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [file.stem for file in files] == ["curves", "fold_forest", "fold_map", "ic50_map", "plates"]
    out = capsys.readouterr().out
    for file in files:
        assert file.suffix == f".{kind}"
        assert file.read_bytes().startswith(STARTS[kind])
        assert file.name in out


def test_the_figures_show_the_study(cells, pair, tmp_path, capsys):
    for root in (cells, pair):
        assert run_app(["figures", str(root), "--out", str(tmp_path / root.name)]) == 0
    words = {
        "cells/plates.svg": ("Plate end", "Verdict: pass"), "cells/fold_forest.svg": ("G1202R", "Fold shift (log scale)", "alectinib"),
        "cells/ic50_map.svg": ("crizotinib", "L1196M", "Ba/F3 + IL-3"), "cells/curves.svg": ("Concentration (nM)", "IC50"),
        "pair/combinations.svg": ("x + y (H3122)", "Excess over ZIP"), "pair/curves.svg": ("y | H3122",),
    }  # fmt: skip
    for name, parts in words.items():
        text = (tmp_path / name).read_text(encoding="utf-8")
        for part in parts:
            assert part in text, (name, part)


def test_pages_are_files_cut_where_it_says_so(tmp_path, capsys):
    rows = studies.controls()
    for k in range(3):
        for variant in (f"V{j}" for j in range(7)):
            rows += studies.dosed(10.0 * (k + 1), doses=studies.DOSES[::2], compound=f"c{k}", variant=variant)
    root = studies.finished(tmp_path / "many", {"many.parquet": studies.wells(rows, "P")}, "")
    assert run_app(["figures", str(root), "--out", str(tmp_path / "out"), "--only", "curves"]) == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["curves-1.svg", "curves-2.svg"]
    capsys.readouterr()
    assert run_app(["figures", str(root), "--out", str(tmp_path / "cut"), "--only", "curves", "--most", "1"]) == 0
    assert [file.name for file in (tmp_path / "cut").iterdir()] == ["curves.svg"]
    assert "the first of 2: --most 2 writes them all" in capsys.readouterr().out


def test_the_list_is_had_as_json(pair, tmp_path, capsys):
    assert run_app(["figures", str(pair), "--out", str(tmp_path), "--only", "combinations", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["figures"]["combinations"]["pages"] == 1
    assert [Path(file).name for file in told["figures"]["combinations"]["files"]] == ["combinations.svg"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--format", "jpg"], ("'jpg' is unknown", "svg, png, pdf")),
        (["--only", "plate"], ("'plate' is unknown (did you mean 'plates'?)", "fold_forest")),
        (["--only", "combinations"], ("nothing to show as combinations", "without --only")),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(cells, tmp_path, capsys, arguments, parts):
    assert run_app(["figures", str(cells), "--out", str(tmp_path / "out"), *arguments]) == 2
    one_sentence(capsys, *parts)


def test_a_study_that_was_not_run_is_refused_and_no_folder_is_made(tmp_path, capsys):
    assert run_app(["figures", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    one_sentence(capsys, "has no results yet", "benchside run")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused(cells, tmp_path, capsys):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert run_app(["figures", str(cells), "--out", str(tmp_path / "file")]) == 2
    one_sentence(capsys, "cannot be used as a folder", "--out FOLDER")
    assert run_app(["figures", str(cells), "--out", str(tmp_path / "file" / "below")]) == 2
    one_sentence(capsys, "cannot be used as a folder")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
