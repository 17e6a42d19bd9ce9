from pathlib import Path

import pytest

from benchside.core.errors import StudyError
from benchside.study.file import load
from benchside.study.graph import order
from benchside.study.stages import STAGES
from benchside.study.workflow import run

HEAD = '[study]\nname = "s"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + '[assay]\nfilse = ["a.csv"]\n', r"key 'filse' is unknown \(did you mean 'files'\?\)"),
        (HEAD + '[asay]\nfiles = ["a.csv"]\n', r"section \[asay\] is unknown \(did you mean 'assay'\?\)"),
        (HEAD + "[assay]\n", r"\[assay\]: key 'files' is missing"),
        (HEAD + "[assay]\nfiles = []\n", "files = .* is not allowed"),
        (HEAD + '[assay]\nfiles = ["a.csv"]\nlevel = 95\n', "level = 95 is not allowed"),
        (HEAD + '[assay]\nfiles = ["a.csv"]\ninterval = "profle"\n', "interval = 'profle' is not allowed"),
        (HEAD, "no stage has a section"),
        ('[assay]\nfiles = ["a.csv"]\n', r"section \[study\] is missing"),
        ('[study]\nname = ""\n[assay]\nfiles = ["a.csv"]\n', "name = '' is not allowed"),
        (HEAD + "[assay\nfiles", "is not valid TOML.*line 3"),
        ("", r"section \[study\] is missing"),
    ],
)
def test_a_wrong_study_file_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StudyError, match=words) as caught:
        load(written(tmp_path, text), STAGES)
    assert "\n" not in str(caught.value)


def test_text_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_bytes('[study]\nname = "Zürich"\n'.encode("latin-1"))
    with pytest.raises(StudyError, match="is not valid TOML"):
        load(tmp_path, STAGES)


def test_a_folder_without_a_study_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"holds no study\.toml.*benchside init"):
        load(tmp_path, STAGES)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("../x.csv", "leads out of the study folder"), ("plates/../../x.csv", "leads out"), ("/etc/passwd", "leads out"), ("*.xlsx", "no file of the study matches")],
)  # fmt: skip
def test_files_outside_or_absent_are_refused_and_nothing_is_written(tmp_path: Path, pattern: str, words: str) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    root = tmp_path / "study"
    root.mkdir()
    written(root, HEAD + f'[assay]\nfiles = ["{pattern}"]\n')
    with pytest.raises(StudyError, match=words):
        run(root)
    assert not (root / "results").exists()


@pytest.mark.parametrize("through", ["file", "folder"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, through: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.csv").write_text("a\n1\n")
    root = tmp_path / "study"
    root.mkdir()
    link = root / ("x.csv" if through == "file" else "sub")
    link.symlink_to(tmp_path / "elsewhere" / "x.csv" if through == "file" else tmp_path / "elsewhere")
    written(root, HEAD + f'[assay]\nfiles = ["{"x.csv" if through == "file" else "sub/x.csv"}"]\n')
    with pytest.raises(StudyError, match="link that leads out"):
        run(root)


def test_every_task_comes_after_what_it_needs(fresh_demo: Path) -> None:
    study, seen = load(fresh_demo, STAGES), set()
    nodes = order(study, STAGES)
    for node in nodes:
        assert {one.task for one in node.sources if one.task is not None} <= seen
        seen.add(node.task.name)
    assert "trial.predict" in seen


def test_a_stage_whose_quantity_nobody_gives_is_named(tmp_path: Path) -> None:
    written(tmp_path, HEAD + '[trial]\ndesign = "ALEX"\nresistant = {alectinib = "G1202R", crizotinib = "G1269A"}\n')
    with pytest.raises(StudyError, match=r"needs potency, and no section of this study gives it\. Add the section \[assay\]"):
        order(load(tmp_path, STAGES), STAGES)
