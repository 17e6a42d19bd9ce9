"""The ranking: by the least covered variant, sites apart, never over what is not known."""

import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.stages.resistance import ALK_INHIBITORS, next_line, sources
from benchside.stages.resistance.analyse.next_line import cell_words
from tests.stages.resistance.coverages import both_sites, coverage

TABLE = coverage(
    *both_sites("alectinib", "WT", 30, 20, 40), *both_sites("alectinib", "G1202R", 0.3, 0.2, 0.5),
    *both_sites("brigatinib", "WT", 20, 10, 30, brain=0.1), *both_sites("brigatinib", "G1202R", 4.0, 3.5, 6, brain=0.1),
    *both_sites("lorlatinib", "WT", 50, 30, 70, brain=0.7), *both_sites("lorlatinib", "G1202R", 2.0, 1.5, 3, brain=0.7),
    *both_sites("ceritinib", "WT", 90, 80, 99),
)  # fmt: skip


def rows(found, site):
    return found.table.filter(pl.col("site") == site).select("rank", "compound", "limiting_variant", "class").rows()


def test_compounds_are_ranked_by_their_smallest_coverage_in_each_site():
    found = next_line(["WT", "G1202R"], after="alectinib", compounds=["alectinib", "brigatinib", "lorlatinib"], coverage=TABLE)
    assert rows(found, "plasma") == [
        (1, "brigatinib", "G1202R", "covered"), (2, "lorlatinib", "G1202R", "marginal"), (None, "alectinib", "G1202R", "not covered"),
    ]  # fmt: skip
    assert [row[1] for row in rows(found, "cns")] == ["lorlatinib", "brigatinib", "alectinib"]
    assert found.table["smallest_coverage"].to_list()[:2] == [4.0, 2.0]


def test_a_compound_of_which_one_variant_is_not_known_has_no_rank():
    found = next_line(["WT", "T1151K"], compounds=["brigatinib", "ceritinib"], coverage=TABLE)
    plasma = found.table.filter(pl.col("site") == "plasma")
    assert plasma["rank"].to_list() == [None] * 3
    assert plasma["class"].to_list() == ["no evidence"] * 3
    assert plasma["n_no_evidence"].to_list() == [1] * 3
    assert "no evidence for T1151K" in plasma["status"][0]
    assert set(found.cells.filter(pl.col("variant") == "T1151K")["words"]) == {"no evidence"}


def test_every_cell_has_its_interval_and_words_and_the_unverified_are_marked():
    told = TABLE.with_columns(
        verified=pl.when(pl.col("compound") == "lorlatinib").then(pl.lit("memory")).otherwise(pl.lit("yes")),
        source=pl.lit("Doe 2020"),
    )
    found = next_line(["G1202R"], compounds=["brigatinib", "lorlatinib"], coverage=told)
    words = dict(found.cells.filter(pl.col("site") == "plasma").select("compound", "words").rows())
    assert words["brigatinib"] == "covered, 4 (3.5 to 6)"
    assert words["lorlatinib"] == "marginal, 2 (1.5 to 3), unverified"
    assert found.cells["source"].str.contains("Doe 2020").all()
    ranked = found.table.filter(pl.col("compound") == "lorlatinib")
    assert set(ranked["verified"]) == {"memory"}
    assert ranked["status"].str.contains("unverified: G1202R").all()


def test_an_open_bypass_is_said_beside_every_rank():
    found = next_line(["G1202R", "MET amplification"], compounds=["brigatinib"], coverage=TABLE)
    assert found.table["status"].str.contains("the bypass MET is open").all()
    assert found.table["n_variants"].to_list() == [1] * 4  # brigatinib and what was given before, at two sites


def test_limits_are_the_smallest_of_each_end():
    table = coverage(*both_sites("brigatinib", "WT", 5, 1, 6), *both_sites("brigatinib", "G1202R", 4, 3, 9))
    row = next_line(["WT", "G1202R"], after=[], compounds=["brigatinib"], coverage=table).table.row(0, named=True)
    assert (row["smallest_coverage"], row["lower"], row["upper"], row["limiting_variant"]) == (4.0, 1.0, 6.0, "G1202R")


def test_without_a_table_the_six_inhibitors_are_asked_and_nothing_is_ranked(monkeypatch):
    monkeypatch.setattr(sources, "_held", {})  # `bs.resistance` may have set where coverage comes from
    found = next_line(["G1202R"])
    assert set(found.table["compound"]) == set(ALK_INHIBITORS)
    assert found.table["rank"].null_count() == found.table.height


def test_variants_that_no_coverage_speaks_of_cannot_be_ranked():
    with pytest.raises(SettingError, match="no row is a mutation of ALK"):
        next_line(["MET amplification"], coverage=TABLE)


def test_words_of_a_cell_without_limits():
    assert (
        cell_words({"class": "unresolved", "coverage": 12.3, "lower": None, "upper": 40.0, "verified": "yes"})
        == "unresolved, 12 (open to 40)"
    )
