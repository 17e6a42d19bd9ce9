"""Sources side by side: the ratio by hand, bounds, what is memory, and the conflicts written down by hand found again."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside import evidence
from benchside.core.errors import NoEvidenceError, SettingError
from benchside.evidence.comparison import apart


def test_wild_type_crizotinib_spans_twelvefold_between_five_read_sources():
    # conflict X07 of the curated list: 11, 17 (16 and 19 in one paper), 27, 51 and 132 nM
    found = evidence.compare(quantity="IC50", compound="crizotinib", variant="WT", system="Ba/F3", verified_only=True)
    row = found.table.filter(variant="EML4-ALK").row(0, named=True)
    assert (row["n_sources"], row["n_verified"], row["conflict"], row["status"]) == (5, 5, True, "ok")
    assert row["ratio"] == pytest.approx(132 / 11)
    cells = found.cells.filter(variant="EML4-ALK")
    friboulet = cells.filter(source_id="FRIBOULET2014").row(0, named=True)
    assert friboulet["value"] == pytest.approx(math.sqrt(16 * 19))
    assert (friboulet["low"], friboulet["high"], len(friboulet["facts"])) == (16.0, 19.0, 2)
    assert cells["source"].is_not_null().all()


def test_memory_is_marked_in_the_row_in_the_cell_and_left_out_on_request():
    with_memory = evidence.compare(quantity="IC50", compound="crizotinib", variant="WT", system="Ba/F3")
    row = with_memory.table.filter(variant="EML4-ALK").row(0, named=True)
    assert "38.6 (GAINOR2016) [from memory]" in row["values"]
    assert row["status"] == f"GAINOR2016: {evidence.MEMORY_SENTENCE}"
    assert with_memory.cells.filter(source_id="GAINOR2016")["status"].unique().to_list() == [evidence.MEMORY_SENTENCE]
    record = next(r for r in with_memory.evidence if r.variant == "EML4-ALK")
    assert (record.n, record.unit) == (6, "x")
    assert evidence.MEMORY_SENTENCE in record.status
    assert (
        "GAINOR2016"
        not in evidence.compare(quantity="IC50", compound="crizotinib", verified_only=True).cells["source_id"].to_list()
    )


def test_systems_never_meet():
    table = evidence.compare(quantity="IC50", compound="alectinib", target="ALK").table
    assert {"cell-free", "Ba/F3"} <= set(table["system"])
    cell_free = table.filter(system="cell-free", variant="WT").row(0, named=True)
    assert (cell_free["lowest"], cell_free["ratio"]) == (pytest.approx(1.9), pytest.approx(1.0))


def test_folds_that_two_sources_give_are_those_of_the_agreement_table():
    table = evidence.compare().table.filter((pl.col("quantity") == "fold vs wild-type") & (pl.col("n_sources") > 1))
    stated = evidence.agreement(evidence.folds(verified_only=False).filter(pl.col("origin") == "stated"))
    assert table.height == stated.height == 7
    assert int((~table["conflict"]).sum()) == int(stated["agree"].sum()) == 3


@pytest.mark.parametrize(
    ("compound", "variant", "ratio"),
    [
        ("crizotinib", "EML4-ALK", 12.0),
        ("ceritinib", "EML4-ALK", 13.3),
        ("ceritinib", "EML4-ALK G1269A", 16.6),
        ("crizotinib", "EML4-ALK C1156Y", 6.07),
    ],
)
def test_conflicts_written_down_by_hand_are_found(compound, variant, ratio):
    table = evidence.conflicts().table.filter(compound=compound, variant=variant)
    assert table["ratio"].max() == pytest.approx(ratio, rel=0.02)


def test_conflicts_are_those_beyond_the_factor_widest_first():
    wide, narrow = evidence.conflicts(fold=3.0).table, evidence.conflicts(fold=10.0).table
    assert wide["ratio"].is_sorted(descending=True)
    assert narrow.height < wide.height
    assert (narrow["ratio"] > 10).all()
    assert evidence.known_conflicts().height == evidence.facts("conflicts").height


def test_trials_and_cut_offs_do_not_meet():
    cells = evidence.compare(compound="alectinib").cells.filter(pl.col("trial").is_not_null())
    same = cells.group_by(
        "trial", "endpoint", "quantity", "arm", "assessment", "data_cutoff", "time_months", "population", "unit"
    ).len()
    assert cells.height > 10
    assert same["len"].max() <= cells["source_id"].n_unique()


def test_own_rows_stand_beside_the_shipped_ones(tmp_path):
    file = tmp_path / "own.tsv"
    file.write_text(
        "quantity\tvalue\tunit\tdrug\ttarget\tvariant\tsystem\tcitation\tverified\n"
        "GI50\t4.2\tuM\talectinib\tALK\tEML4-ALK V1 G1202R\tBa/F3\tNotebook 7\tyes\n"
    )
    found = evidence.compare(quantity="IC50", compound="alectinib", variant="G1202R", verified_only=True, extra=file)
    row = found.table.row(0, named=True)
    assert (row["n_sources"], row["conflict"]) == (2, True)
    assert row["ratio"] == pytest.approx(4200 / 868)
    assert found.cells.filter(source_id="Notebook 7")["facts"].to_list() == [["own.tsv/2"]]


def cell(value, relation, source):
    return {"value": value, "relation": relation, "source_id": source}


@pytest.mark.parametrize(
    ("cells", "ratio"),
    [
        ([cell(10.0, "=", "A"), cell(30.0, "=", "B"), cell(20.0, "=", "C")], 3.0),
        ([cell(10.0, "=", "A"), cell(50.0, "<", "B")], 1.0),
        ([cell(200.0, "=", "A"), cell(50.0, "<", "B")], 4.0),
        ([cell(200.0, ">", "A"), cell(50.0, "=", "B")], 4.0),
        ([cell(200.0, ">", "A"), cell(50.0, ">", "B")], 1.0),
        ([cell(200.0, ">", "A"), cell(50.0, "<", "B")], 4.0),
        ([cell(10.0, "=", "A"), cell(90.0, "=", "A")], 1.0),
    ],
)
def test_a_bound_lies_apart_only_from_what_is_beyond_it(cells, ratio):
    assert apart(cells) == pytest.approx(ratio)


@given(st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=6))
def test_values_alone_lie_max_over_min_apart(values):
    cells = [cell(value, "=", str(k)) for k, value in enumerate(values)]
    assert apart(cells) == pytest.approx(max(values) / min(values))


def test_what_cannot_be_compared_is_said():
    with pytest.raises(SettingError, match="must be above 1"):
        evidence.compare(fold=1.0)
    with pytest.raises(SettingError, match="has the system 'BaF3'"):
        evidence.compare(quantity="IC50", compound="alectinib", system="BaF3")
    with pytest.raises(NoEvidenceError, match="did you mean 'alectinib'"):
        evidence.compare(compound="alectinb")
