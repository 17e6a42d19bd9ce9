"""The verification recomputes what it ships, judges by the printed digits, and its own references follow from definitions."""

import json
from fractions import Fraction
from math import exp, sqrt

import polars as pl
import pytest

from benchside.cli import verify as command
from benchside.cli.main import run_app
from benchside.core.errors import TableError
from benchside.verify import methods, run, verify
from benchside.verify.methods import METHODS, packaged
from benchside.verify.run import judged, tolerance


@pytest.fixture(scope="module")
def found():
    return verify()


def references(method):
    rows = packaged("cases.tsv", text=True).filter(pl.col("method") == method)
    return {quantity: float(value) for quantity, value in rows.select("quantity", "reference").rows()}


def risk_table():
    """Events and numbers at risk of (6-MP, placebo) at every relapse time, counted."""
    rows = list(packaged("remission.tsv").iter_rows())
    held = []
    for time in sorted({time for time, relapse, _ in rows if relapse}):
        died = [sum(t == time and e == 1 and arm == name for t, e, arm in rows) for name in ("6-MP", "placebo")]
        held.append((died, [sum(t >= time and arm == name for t, _, arm in rows) for name in ("6-MP", "placebo")]))
    return held


def test_every_value_agrees_here(found):
    assert found.table.filter(~pl.col("agrees"))["case"].to_list() == []
    assert found.agrees
    assert found.summary == f"{found.table.height} of {found.table.height} reference values agree."
    assert found.table["case"].n_unique() == found.table.height >= 60
    assert {"benchside", "numpy", "polars", "python", "time (UTC)"} <= set(found.environment)


def test_every_case_names_a_method_and_every_method_has_a_case():
    assert set(packaged("cases.tsv", text=True)["method"]) == set(METHODS)


def test_the_data_are_the_trial():
    table = packaged("remission.tsv")
    counts = table.group_by("arm").agg(pl.len(), pl.col("relapse").sum(), pl.col("time_weeks").sum()).sort("arm").rows()
    # Printed with the data: 9 relapses in 359 weeks under 6-MP, 21 in 182 weeks under placebo.
    assert counts == [("6-MP", 21, 9, 359), ("placebo", 21, 21, 182)]


def test_the_log_rank_reference_is_its_definition():
    table = risk_table()
    observed = sum(died[1] for died, _ in table)
    expected = sum(Fraction(sum(died) * n[1], sum(n)) for died, n in table)
    variance = sum(
        Fraction(sum(died) * n[0] * n[1] * (sum(n) - sum(died)), sum(n) ** 2 * (sum(n) - 1)) for died, n in table if sum(n) > 1
    )
    assert references("remission_log_rank")["chi-square"] == pytest.approx(
        float((observed - expected) ** 2 / variance), rel=1e-14
    )


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_the_cox_references_solve_the_score_equation(ties):
    given, table = references(f"remission_cox_{ties}"), risk_table()
    ratio = exp(given["coefficient"])
    score, information = float(sum(died[1] for died, _ in table)), 0.0
    for died, n in table:
        for k in range(sum(died)):
            gone = k / sum(died) if ties == "efron" else 0.0
            treated, other = (n[1] - gone * died[1]) * ratio, n[0] - gone * died[0]
            share = treated / (treated + other)
            score, information = score - share, information + share * (1 - share)
    assert score == pytest.approx(0.0, abs=1e-10)
    assert given["standard error"] == pytest.approx(1 / sqrt(information), rel=1e-12)
    assert given["hazard ratio"] == pytest.approx(ratio, rel=1e-14)


def test_printed_digits_set_what_is_allowed():
    assert tolerance("0.0090", printed=True) == pytest.approx(0.00005)
    assert tolerance("17", printed=True) == pytest.approx(0.5)
    assert tolerance("200.0", printed=False) == pytest.approx(2e-5)
    assert tolerance("0.0", printed=False) == pytest.approx(1e-7)
    case = {"method": "rates", "quantity": "x", "reference": "0.25", "basis": "published"}
    assert judged(case, {"x": 0.2549}, "")["agrees"]
    assert not judged(case, {"x": 0.2551}, "")["agrees"]
    assert judged(case, {}, "")["note"] == "The method gave no such number."
    assert not judged(case, {"x": None}, "")["agrees"]
    assert not judged(case, {"x": float("nan")}, "")["agrees"]


def broken():
    """Fails."""
    message = "the table is wrong. Mend it."
    raise TableError(message)


def off():
    """Is off."""
    return {"chi-square": 16.8}


@pytest.mark.parametrize(("method", "words"), [(broken, "the table is wrong"), (off, "")])
def test_a_value_that_differs_is_said_and_leaves_with_1(monkeypatch, capsys, tmp_path, method, words):
    monkeypatch.setattr(run, "METHODS", {**METHODS, "remission_log_rank": method})
    assert run_app(["verify", "--json", "--out", str(tmp_path / "v.html")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["agrees"]
    (row,) = [row for row in told["cases"] if not row["agrees"]]
    assert row["requirement"] == "Log-rank test"
    assert words in row["note"]
    assert "class=no" in (tmp_path / "v.html").read_text()


def test_the_document_holds_the_matrix_and_claims_nothing(found):
    page = found.html()
    for row in found.table.iter_rows(named=True):
        assert f"<td>{row['case']}</td>" in page
    for text in (
        "no claim of compliance with any regulation",
        "Reviewed by",
        found.summary,
        found.environment["python"],
        "agrees",
    ):
        assert text in page
    assert "class=no" not in page
    assert "Part 11" not in page
    assert "0.7071067811865475" not in page  # ten digits are enough to read


def test_the_command_prints_and_writes(monkeypatch, capsys, tmp_path, found):
    monkeypatch.setattr(command, "verify", lambda: found)
    assert run_app(["verify", "--out", str(tmp_path / "v.csv")]) == 0
    out = capsys.readouterr().out
    assert "Kaplan-Meier estimate" in out
    assert found.summary in out
    assert pl.read_csv(tmp_path / "v.csv").height == found.table.height
    assert run_app(["verify", "--out", str(tmp_path / "v.xyz")]) == 2


def test_methods_say_what_they_do():
    assert all(methods.describe(name).endswith(".") for name in METHODS)
