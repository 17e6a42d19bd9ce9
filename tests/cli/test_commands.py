"""The commands as a user runs them: what they print, where errors go, and the exit codes."""

import json
from pathlib import Path

import polars as pl
import pytest

from benchside.cli.main import run_app


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "study"
    assert run_app(["init", str(root)]) == 0
    assert run_app(["run", str(root), "--json"]) == 0
    return root


def printed_json(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def one_sentence_on_stderr(capsys, *parts: str) -> None:
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1, captured.err
    for part in parts:
        assert part in captured.err


def test_run_says_where_the_dossier_is_and_a_rerun_changes_nothing(demo, capsys):
    before = (demo / "dossier.html").stat().st_mtime_ns
    assert run_app(["run", str(demo)]) == 0
    out = capsys.readouterr().out
    assert "nothing has changed" in out
    assert str(demo / "dossier.html") in out.replace("\n", "")
    assert (demo / "dossier.html").stat().st_mtime_ns == before


def test_numbers_of_an_unknown_stage_are_refused_in_a_sentence(demo, capsys):
    assert run_app(["numbers", str(demo), "--stage", "clincal"]) == 2
    one_sentence_on_stderr(capsys, "no number of the stage 'clincal'", "clinical")


def test_the_trace_of_the_predicted_hazard_ratio_ends_at_cells(demo, capsys):
    assert run_app(["numbers", str(demo), "--stage", "trial", "--quantity", "hazard_ratio", "--json"]) == 0
    (number,) = printed_json(capsys)["numbers"]
    assert "sketch: not calibrated" in number["status"]
    assert run_app(["trace", number["id"], "--study", str(demo)]) == 0
    out = capsys.readouterr().out
    assert "trial.predict" in out
    assert "plates/BaF3-01.xlsx@" in out
    assert "!Layout!" in out
    assert run_app(["replay", number["id"], "--study", str(demo)]) == 0
    assert "the same to the last bit" in capsys.readouterr().out


def test_an_unknown_id_is_one_sentence_and_exit_code_2(demo, capsys):
    assert run_app(["trace", "0123456789ab-0123456789ab", "--study", str(demo)]) == 2
    one_sentence_on_stderr(capsys, "0123456789ab", "dossier")


def test_exclusions_change_the_fit_are_shown_and_can_be_taken_back(tmp_path, capsys):
    root = tmp_path / "study"
    run_app(["init", str(root)])
    run_app(["run", str(root)])
    capsys.readouterr()
    run_app(["numbers", str(root), "--quantity", "IC50", "--json"])
    before = {one["id"]: one["value"] for one in printed_json(capsys)["numbers"]}
    reason = ["--plate", "BaF3-01", "--well", "A6", "--who", "A. Person", "--why", "pipetting error"]
    assert run_app(["exclude", str(root), *reason]) == 0
    assert run_app(["run", str(root)]) == 0
    capsys.readouterr()
    run_app(["numbers", str(root), "--quantity", "IC50", "--json"])
    after = {one["id"]: one["value"] for one in printed_json(capsys)["numbers"]}
    assert set(before.values()) != set(after.values())
    page = (root / "dossier.html").read_text(encoding="utf-8")
    assert "pipetting error" in page
    assert "A. Person" in page
    assert run_app(["exclude", str(root), *reason, "--undo"]) == 0
    assert run_app(["run", str(root)]) == 0
    capsys.readouterr()
    run_app(["numbers", str(root), "--quantity", "IC50", "--json"])
    assert {one["id"]: one["value"] for one in printed_json(capsys)["numbers"]} == before


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--plate", "BaF3-1", "--well", "A6", "--who", "A", "--why", "b"], ("BaF3-1", "did you mean")),
        (["--plate", "BaF3-01", "--well", "A1", "--who", "A", "--why", "b"], ("A1", "no sample well")),
        (["--plate", "BaF3-01", "--well", "A6", "--who", " ", "--why", "b"], ("name", "reason")),
        (["--plate", "BaF3-01", "--well", "A6", "--who", "A", "--why", "b", "--undo"], ("A6", "not excluded")),
    ],
)
def test_a_wrong_exclusion_is_refused(demo, capsys, arguments, parts):
    assert run_app(["exclude", str(demo), *arguments]) == 2
    one_sentence_on_stderr(capsys, *parts)


def test_init_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run_app(["init", str(tmp_path)]) == 2
    one_sentence_on_stderr(capsys, "not an empty folder")


def test_a_folder_without_study_file(tmp_path, capsys):
    assert run_app(["run", str(tmp_path)]) == 2
    one_sentence_on_stderr(capsys, "study.toml", "benchside init")


def test_assay_fit_prints_and_writes_the_fits(demo, tmp_path, capsys):
    out = tmp_path / "fits.csv"
    assert run_app(["assay", "fit", str(demo / "plates" / "BaF3-01.xlsx"), "--out", str(out), "--json"]) == 0
    found = printed_json(capsys)
    assert len(found["fits"]) == 2
    assert pl.read_csv(out).height == 2


def test_assay_fit_refuses_an_empty_file(tmp_path, capsys):
    (tmp_path / "empty.csv").touch()
    assert run_app(["assay", "fit", str(tmp_path / "empty.csv")]) == 2
    one_sentence_on_stderr(capsys, "empty.csv", "0 bytes")


def test_clinical_analyse(tmp_path, capsys):
    table = pl.DataFrame({"time": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "event": [1, 1, 0, 1, 1, 0], "arm": ["a", "b"] * 3})
    table.write_csv(tmp_path / "t.csv")
    words = ["clinical", "analyse", str(tmp_path / "t.csv"), "--control", "a", "--time-unit", "months"]
    assert run_app([*words, "--json"]) == 0
    assert {row["arm"] for row in printed_json(capsys)["kaplan_meier"]} == {"a", "b"}
    assert run_app(words[:-2]) == 2
    one_sentence_on_stderr(capsys, "time unit")


def test_trial_simulate_takes_the_potencies_of_a_study(demo, capsys):
    assert run_app(["trial", "simulate", "ALEX", "--study", str(demo), "--replicates", "20", "--json"]) == 0
    found = printed_json(capsys)
    assert found["note"] == "sketch: not calibrated"
    assert any(row["quantity"] == "hazard_ratio" for row in found["predictions"])


def test_evidence_warns_of_what_is_from_memory(capsys):
    assert run_app(["evidence", "--quantity", "IC50", "--compound", "alectinib", "--variant", "L1196M"]) == 0
    assert "from memory" in capsys.readouterr().out
    assert run_app(["evidence", "--quantity", "IC50", "--compound", "alectinip"]) == 2
    one_sentence_on_stderr(capsys, "did you mean 'alectinib'")
