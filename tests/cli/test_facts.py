"""The evidence command: a list, sources side by side, conflicts, folds; files, JSON, and what is refused."""

import json

import polars as pl
import pytest

from benchside.cli.main import run_app


def printed(capsys, *arguments):
    assert run_app(["evidence", *arguments]) == 0
    return capsys.readouterr().out


def test_sources_side_by_side_with_citations_and_a_warning(capsys):
    out = printed(capsys, "--compare", "--quantity", "IC50", "--compound", "crizotinib", "--variant", "WT")
    assert "132 (ZHANG2011)" in out
    assert "PMID 22034911" in out
    assert "38.6 (GAINOR2016) [from memory]" in out
    assert "Warning: 1 of these are from memory" in out
    assert "from memory" not in printed(
        capsys, "--compare", "--quantity", "IC50", "--compound", "crizotinib", "--variant", "WT", "--verified"
    )


def test_conflicts_computed_and_written_down(capsys):
    found = json.loads(printed(capsys, "--conflicts", "--compound", "ceritinib", "--json"))
    assert max(row["ratio"] for row in found["conflicts"]) == pytest.approx(16.625)
    assert all(row["conflict"] for row in found["conflicts"])
    assert {"X08", "X12"} <= {row["id"] for row in found["written_down"]}
    assert "from memory" in found["warning"]
    assert "X08" in printed(capsys, "--conflicts", "--compound", "ceritinib")


def test_folds_of_a_pair_that_nobody_measured(capsys):
    (row,) = json.loads(printed(capsys, "--fold-shift", "--compound", "alectinib", "--variant", "L1196M", "--json"))["fold-shift"]
    assert row["class"] == "predicted"
    assert row["lower"] < row["fold"] < row["upper"]
    out = printed(capsys, "--fold-shift", "--compound", "alectinib", "--variant", "L1196M")
    assert "the model did not use them" in out
    assert "memory" not in printed(
        capsys, "--fold-shift", "--compound", "alectinib", "--variant", "L1196M", "--verified", "--json"
    )


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "html"])
def test_every_view_is_written_to_a_file(tmp_path, capsys, ending):
    for view in ("--compare", "--fold-shift", None):
        file = tmp_path / f"facts.{ending}"
        printed(capsys, *([view] if view else []), "--compound", "alectinib", "--variant", "G1202R", "--out", str(file))
        assert file.stat().st_size > 100
        if ending == "csv":
            assert pl.read_csv(file).height > 0


def test_own_facts_are_added_and_a_bad_row_is_one_sentence(tmp_path, capsys):
    file = tmp_path / "own.tsv"
    head = "quantity\tvalue\tunit\tdrug\tvariant\tcitation\tverified\n"
    file.write_text(head + "IC50\t12\tnM\talectinib\tG1202R\tNotebook 7\tyes\n")
    ids = [fact["id"] for fact in json.loads(printed(capsys, "--compound", "alectinib", "--add", str(file), "--json"))["facts"]]
    assert "own.tsv/2" in ids
    file.write_text(head + "IC50\t12\tnm\talectinib\tG1202R\tNotebook 7\tyes\n")
    assert run_app(["evidence", "--compound", "alectinib", "--add", str(file)]) == 2
    assert "own.tsv, row 2: IC50 has the unit 'nm'" in capsys.readouterr().err


def test_two_views_at_once_are_refused(capsys):
    assert run_app(["evidence", "--compare", "--conflicts"]) == 2
    assert "Name one of them" in capsys.readouterr().err
