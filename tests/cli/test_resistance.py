"""The command `resistance call`: a file of variants, every drug, and the notice that goes with it."""

import json

import pytest

from benchside.cli.main import run_app


@pytest.fixture
def variants(tmp_path):
    path = tmp_path / "variants.csv"
    path.write_text("patient,gene,variant\nP1,ALK,p.Gly1202Arg\nP1,MET,MET amplification\n", encoding="utf-8")
    return path


def test_every_drug_is_called_in_body_and_brain_with_the_notice(variants, capsys):
    assert run_app(["resistance", "call", str(variants), "--after", "alectinib", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["notice"].startswith("Research use only")
    calls = {(row["variant"], row["compound"]): row for row in found["calls"]}
    assert len(calls) == 12
    one = calls["G1202R", "alectinib"]
    assert one["coverage_plasma_lower"] < one["coverage_plasma"] < one["coverage_plasma_upper"]
    assert one["class"] in {"unresolved", "not covered", "marginal"}
    assert {row["class"] for (variant, _), row in calls.items() if variant == "MET amplification"} == {"no evidence"}
    ranked = [row for row in found["next_line"] if row["site"] == "plasma" and row["rank"] is not None]
    assert [row["rank"] for row in ranked] == sorted(row["rank"] for row in ranked)
    assert "alectinib" not in {row["compound"] for row in ranked}


def test_the_table_is_written_and_the_notice_printed(variants, tmp_path, capsys):
    assert run_app(["resistance", "call", str(variants), "--compound", "lorlatinib", "--out", str(tmp_path / "calls.csv")]) == 0
    assert "Research use only" in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "calls.csv").read_text(encoding="utf-8").count("lorlatinib") >= 2


def test_a_residue_that_is_not_alks_is_one_sentence(tmp_path, capsys):
    (tmp_path / "v.csv").write_text("patient,gene,variant\nP1,ALK,L1202R\n", encoding="utf-8")
    assert run_app(["resistance", "call", str(tmp_path / "v.csv")]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "1202" in said
