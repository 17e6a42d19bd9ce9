"""The guide's tables item by item, and its first one beside evidence and prediction."""

import pytest

from benchside import evidence
from benchside.core.errors import NoEvidenceError
from benchside.evidence.guide_items import NOTHING

ITEMS = ["ALK wild-type", "ALK L1196M", "ALK G1202R", "ALK C1156Y", "ALK F1174L", "ALK G1269A", "RET", "EML4-ALK variants"]


@pytest.fixture(scope="module")
def table():
    return evidence.table_one()


def of(table, item):
    return table.filter(item=item).row(0, named=True)


def test_the_guides_first_table_item_by_item():
    found = evidence.guide(table=1)
    assert found["item"].to_list() == ITEMS
    assert found["value"].to_list() == ["1.9", "active", "inactive", "active", "active", "active", "active", "3.6"]
    assert evidence.guide().height == evidence.facts("guide").height
    assert evidence.guide(table=3)["section"].str.contains("Intracranial").all()
    with pytest.raises(NoEvidenceError, match="no table 4"):
        evidence.guide(table=4)


def test_a_cell_free_value_is_no_cell_value(table):
    row = of(table, "ALK wild-type")
    assert (row["guide"], row["cell_free_ic50_nM"], row["cell_free_ic50_nM_n"]) == ("1.9 nM", 1.9, 1)
    assert (row["cell_ic50_nM"], row["cell_ic50_nM_lower"], row["cell_ic50_nM_upper"]) == (pytest.approx(11.95), 10.4, 13.5)
    assert "NPM" not in row["verified"]
    assert row["predicted_fold"] is None


def test_items_that_nobody_verified_say_so_and_keep_memory_apart(table):
    for item in ("ALK L1196M", "ALK C1156Y", "ALK F1174L"):
        row = of(table, item)
        assert (row["guide"], row["verified_n"], row["verified"], row["fold_median"]) == ("active", 0, NOTHING, None)
        assert row["cell_ic50_nM"] is None
        assert row["citations"] is None
        assert row["memory_n"] > 0
        assert row["warning"] == evidence.MEMORY_SENTENCE
        assert row["predicted_class"] == "predicted"


def test_the_two_measured_mutants_have_fold_interval_and_citation(table):
    row = of(table, "ALK G1202R")
    assert (row["guide"], row["fold_median"], row["fold_n"], row["predicted_class"]) == ("inactive", 64.3, 1, "measured")
    assert row["citations"] == evidence.citation("FONTANA2015")
    assert row["predicted_lower"] < row["predicted_mean_lower"] < row["predicted_fold"] < row["predicted_upper"]
    assert row["predicted_fold"] == pytest.approx(evidence.fold_shift("alectinib", "G1202R").fold, rel=1e-9)
    assert of(table, "ALK G1269A")["fold_median"] == 6.22


def test_ret_is_an_affinity_in_nM_and_the_fusions_are_not_compared_between_laboratories(table):
    ret = of(table, "RET")
    assert "Kd_app 369.5 nM" in ret["verified"]
    assert (ret["verified_n"], ret["memory_n"], ret["cell_ic50_nM"], ret["predicted_fold"]) == (1, 1, None, None)
    fusions = of(table, "EML4-ALK variants")
    assert (fusions["guide"], fusions["verified"], fusions["predicted_fold"]) == ("< 3.6 fold", NOTHING, None)


def test_memory_never_enters_a_verified_column(table):
    for row in table.iter_rows(named=True):
        assert "GAINOR2016" not in (row["verified"] + (row["citations"] or ""))
        assert "SAKAMOTO2011" not in row["verified"]


def test_of_another_drug_the_guide_says_nothing_and_the_evidence_does():
    table = evidence.table_one("crizotinib")
    assert table["item"].to_list() == ITEMS
    assert table["guide"].null_count() == len(ITEMS)
    assert of(table, "ALK C1156Y")["fold_median"] == 10.15
    with pytest.raises(NoEvidenceError, match="did you mean 'crizotinib'"):
        evidence.table_one("crizotinb")


def test_own_facts_fill_the_table(tmp_path):
    file = tmp_path / "own.tsv"
    file.write_text(
        "quantity\tvalue\tunit\tdrug\ttarget\tvariant\tsystem\treadout\tcitation\tverified\n"
        "fold_vs_WT\t1.2\tx\talectinib\tALK\tF1174L\tBa/F3\tviability\tNotebook 7\tyes\n"
    )
    row = of(evidence.table_one(extra=file), "ALK F1174L")
    assert (row["verified_n"], row["fold_median"], row["citations"], row["predicted_class"]) == (1, 1.2, "Notebook 7", "measured")
