"""Calls: the classes by hand, folds as the model gives them, the guide beside them, and what is never invented."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside import evidence
from benchside.core.errors import MatrixMismatch, NoEvidenceError, SettingError, TableError
from benchside.core.exchange import Exposure
from benchside.stages.resistance import NOTICE, call, coverage_class, fold_class
from benchside.stages.resistance.analyse.cells import CLASSES, Cell, cells, conformed, predicted_cell, variant_key
from benchside.stages.resistance.analyse.folds import disagreement, fold_rows, guide_words
from tests.stages.resistance.coverages import both_sites, coverage

PROMISED = ("variant", "class", "fold", "fold_lower", "fold_upper", "coverage_plasma", "coverage_cns", "source", "verified")


@pytest.mark.parametrize(
    ("average", "lower", "upper", "relation", "called"),
    [
        (4.0, 3.0, 6.0, "=", "covered"), (4.0, 2.99, 6.0, "=", "marginal"), (2.0, 0.5, 2.99, "=", "marginal"), (2.0, 0.99, 3.0, "=", "unresolved"),
        (0.5, 0.2, 0.99, "=", "not covered"), (0.5, 0.2, 1.0, "=", "marginal"), (None, None, None, "=", "no evidence"),
        (2.0, None, 4.0, "=", "unresolved"), (4.0, 3.5, None, "=", "covered"), (0.5, None, 0.9, "=", "not covered"), (5.0, None, None, "=", "unresolved"),
        (5.0, None, None, ">", "covered"), (2.0, None, None, ">", "unresolved"), (0.5, None, None, "<", "not covered"), (5.0, None, None, "<", "unresolved"),
    ],
)  # fmt: skip
def test_the_class_follows_the_rule(average, lower, upper, relation, called):
    assert coverage_class(average, lower, upper, relation=relation) == called


@given(st.floats(1e-3, 1e3), st.floats(1, 50), st.floats(1, 50), st.floats(1, 10))
def test_more_coverage_never_makes_a_worse_class(average, down, up, more):
    order = {"not covered": 0, "marginal": 1, "unresolved": 1, "covered": 2}
    one = coverage_class(average, average / down, average * up)
    two = coverage_class(average * more, average * more / down, average * more * up)
    assert order[one] <= order[two]


@given(st.floats(0.01, 1000))
def test_every_fold_has_one_class(fold):
    assert fold_class(fold) == ("<= 2" if fold <= 2 else "2-4" if fold <= 4 else "4-10" if fold <= 10 else "> 10")


def test_the_table_holds_what_the_contract_promises_and_the_notice():
    found = call(["G1202R"], coverage=coverage(*both_sites("alectinib", "WT", 4, 3, 6)))
    assert set(PROMISED) <= set(found.table.columns)
    assert found.notice == NOTICE
    assert {record.quantity for record in found.evidence} >= {
        "fold shift, mean over laboratories",
        "coverage at the average concentration, plasma",
    }


def test_folds_are_those_of_the_model_and_of_the_wild_type_1():
    model = evidence.fold_shift("alectinib", "G1202R", level=0.9)
    table = call(["G1202R", "WT"], "alectinib").table
    row = table.row(0, named=True)
    assert (row["fold"], row["fold_lower"], row["fold_upper"]) == pytest.approx((model.fold, *model.mean_interval))
    assert (row["fold_class"], row["fold_basis"], row["verified"]) == ("> 10", "measured", "yes")
    assert table.row(1, named=True)["fold"] == 1.0


def test_a_pair_nobody_measured_is_predicted_and_a_mutation_nobody_measured_is_no_evidence():
    table = call(["L1196M", "V1180L", "T1151K"], "alectinib", coverage=coverage(*both_sites("alectinib", "WT", 4, 3, 6))).table
    assert table["fold_basis"].to_list() == ["predicted", None, None]
    assert table["class"].to_list()[1:] == ["no evidence"] * 2
    assert table["verified"].to_list() == [None] * 3
    assert "not used, from memory" in call(["I1171S"]).table["status"][0]
    assert "15.5 (GAINOR2016)" in call(["I1171S"]).table["status"][0]


def test_a_mutation_known_from_memory_only_is_called_when_asked_and_marked():
    row = call(["I1171S"], verified_only=False).table.row(0, named=True)
    assert row["fold_basis"] == "measured"
    assert row["verified"] == "memory"


def test_a_coverage_given_for_the_variant_stands_and_is_not_divided_again():
    table = coverage(*both_sites("alectinib", "WT", 40, 30, 60), *both_sites("alectinib", "EML4-ALK V3 G1202R", 0.5, 0.3, 0.9))
    row = call(["G1202R"], coverage=table).table.row(0, named=True)
    assert (row["coverage_plasma"], row["coverage_basis"], row["class"]) == (0.5, "as given", "not covered")
    assert row["coverage_plasma_minimum"] == pytest.approx(0.45)


def test_coverage_of_the_wild_type_over_the_fold_by_hand():
    wild = Cell(8.0, 4.0, 16.0, minimum=6.0)
    fold = {"fold": 4.0, "fold_lower": 2.0, "fold_upper": 8.0}
    found = predicted_cell(wild, fold)
    spread = math.exp(math.hypot(math.log(2), math.log(2)))
    assert (found.average, found.lower, found.upper) == pytest.approx((2.0, 2.0 / spread, 2.0 * spread))
    assert found.minimum == 1.5
    assert found.basis == "wild type over fold"


def test_plasma_and_brain_are_called_apart():
    row = call(["WT"], coverage=coverage(*both_sites("alectinib", "WT", 10, 5, 20, brain=0.02))).table.row(0, named=True)
    assert (row["class"], row["class_cns"]) == ("covered", "not covered")


def test_several_assays_of_one_pair_are_enveloped_and_cell_free_ones_left_out():
    rows = [("alectinib", "WT", "plasma", average, average / 2, average * 2, None) for average in (2.0, 8.0, 1000.0)]
    table = coverage(*rows).with_columns(system=pl.Series(["Ba/F3 A", "Ba/F3 B", "cell-free"]))
    cell = cells(conformed(table))["alectinib", "WT", "plasma"]
    assert (cell.average, cell.lower, cell.upper) == pytest.approx((4.0, 1.0, 16.0))
    assert "2 coverages of different assays" in cell.status


def test_a_compound_mutation_in_cis_is_no_product_of_folds():
    row = call(["p.[Leu1196Met;Gly1202Arg]"], coverage=coverage(*both_sites("alectinib", "WT", 4, 3, 6))).table.row(0, named=True)
    assert (row["variant"], row["class"], row["fold"]) == ("L1196M+G1202R", "no evidence", None)
    assert "not multiplied" in row["status"]


def test_a_user_who_measured_the_compound_mutation_gets_a_call():
    table = coverage(*both_sites("alectinib", "L1196M+G1202R", 0.2, 0.1, 0.4))
    assert call(["G1202R + L1196M in cis"], coverage=table).table["class"].to_list() == ["not covered"]


def test_an_off_target_finding_is_answered_by_its_bypass():
    row = call(["MET amplification"], coverage=coverage(*both_sites("alectinib", "WT", 4, 3, 6))).table.row(0, named=True)
    assert (row["class"], row["bypass"], row["guide_id"]) == ("no evidence", "MET", "G025")
    assert "does not decide" in row["status"]
    assert "Dagogo-Jack" in row["source"]


def test_every_variant_of_the_guide_is_called_or_said_to_be_without_evidence():
    stated = {variant for _, variant in guide_words()} - {"V1, V2, V3a and others"}
    asked = sorted(stated)
    table = call(asked, "alectinib", coverage=coverage(*both_sites("alectinib", "WT", 4, 3, 6))).table
    assert set(table["variant"]) == set(asked) >= {"G1202R", "L1196M", "C1156Y", "F1174L", "G1269A", "I1171T", "I1171S", "V1180L"}
    assert set(table["class"]) <= set(CLASSES)
    without = table.filter(pl.col("class") == "no evidence")
    assert without["status"].str.len_chars().min() > 20


def test_the_guide_stands_beside_and_a_disagreement_is_said():
    row = call(["G1269A"]).table.row(0, named=True)
    assert (row["guide"], row["guide_id"], row["fold_class"]) == ("active", "G006", "4-10")
    assert row["disagreement"] == "the guide says active, and the fold is 4-10"
    assert call(["G1202R"]).table["disagreement"][0] is None
    assert (
        disagreement("inactive", "covered", "<= 2") == "the guide says inactive, and the fold is <= 2 and the exposure covers it"
    )
    assert guide_words()["lorlatinib", "G1202R"] == ("overcomes it", "G028")


def test_without_coverage_the_call_says_what_is_missing():
    row = call(["G1202R"]).table.row(0, named=True)
    assert (row["class"], row["coverage_plasma"]) == ("no evidence", None)
    assert "no coverage was given" in row["status"]


def test_a_source_is_asked_for_what_somebody_measured():
    seen = []

    def source(compounds, variants, exposure):
        seen.append((list(compounds), list(variants), exposure))
        return coverage(*both_sites("alectinib", "WT", 4, 3, 6))

    free = Exposure(pl.DataFrame({"time_h": [0.0, 12.0], "concentration_nM": [5.0, 5.0]}), "alectinib", "plasma", "free")
    call(["V1180L", "G1202R", "L1196M+G1202R in cis"], coverage=source, exposure=free)
    assert seen == [(["alectinib"], ["WT", "G1202R"], free)]


def test_what_cannot_be_used_is_refused():
    total = Exposure(pl.DataFrame({"time_h": [0.0, 12.0], "concentration_nM": [5.0, 5.0]}), "alectinib", "plasma", "total")
    good = coverage(*both_sites("alectinib", "WT", 4, 3, 6))
    with pytest.raises(MatrixMismatch, match=r"Call \.unbound"):
        call(["WT"], exposure=total)
    with pytest.raises(SettingError, match="nothing that makes a coverage"):
        call(["WT"], coverage=good, exposure=Exposure(total.table, "alectinib", "plasma", "free"))
    with pytest.raises(NoEvidenceError, match=r"'alektinib'.*did you mean 'alectinib'"):
        call(["WT"], "alektinib")
    with pytest.raises(SettingError, match=r"level is 1\.5"):
        call(["WT"], level=1.5)
    with pytest.raises(TableError, match="column lower is missing"):
        call(["WT"], coverage=good.drop("lower"))
    with pytest.raises(TableError, match="lies within its limits"):
        call(["WT"], coverage=good.with_columns(lower=pl.lit(9.0)))
    with pytest.raises(TableError, match="site must be plasma or cns"):
        call(["WT"], coverage=good.with_columns(site=pl.lit("liver")))


def test_samples_in_which_the_variant_was_not_found_are_not_called():
    df = pl.DataFrame({"sample": ["a", "b", "c"], "variant": ["G1202R"] * 3, "vaf": [0.1, 0.0, None]})
    assert call(df).table["sample"].to_list() == ["a", "c"]


def test_a_compound_of_ones_own_is_called_by_its_coverage():
    row = call(["G1202R"], "TK-1", coverage=coverage(*both_sites("TK-1", "G1202R", 9, 5, 20))).table.row(0, named=True)
    assert (row["class"], row["fold"]) == ("covered", None)


def test_names_of_coverage_tables_meet_names_of_variants():
    assert variant_key("EML4-ALK V1 1151Tins") == "1151Tins"
    assert fold_rows(["alectinib"], ["WT"], level=0.9, verified_only=True)["fold_basis"].to_list() == ["by definition"]


def test_a_coverage_set_once_serves_every_call_and_a_given_one_stands_before_it():
    from benchside.stages.resistance import next_line, use_coverage

    use_coverage(
        lambda compounds, _variants, _exposure: coverage(*(row for name in compounds for row in both_sites(name, "WT", 4, 3, 6)))
    )
    try:
        assert call(["WT"]).table["class"].to_list() == ["covered"]
        assert call(["WT"], coverage=coverage(*both_sites("alectinib", "WT", 0.4, 0.3, 0.6))).table["class"].to_list() == [
            "not covered"
        ]
        assert next_line(["WT"]).table["rank"].drop_nulls().len() == 10
    finally:
        use_coverage(None)
    assert call(["WT"]).table["class"].to_list() == ["no evidence"]
