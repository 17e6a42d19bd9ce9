"""Fold shifts: where they come from, the interval of any pair, and how it scores on sources it has not seen."""

import numpy as np
import polars as pl
import pytest

from benchside import evidence
from benchside.core.errors import NoEvidenceError, SettingError
from benchside.evidence.fold_scores import summary
from benchside.evidence.shifts import repeat_sd
from benchside.evidence.variants import forms, fusion, is_wild_type, mutations, same_thing


@pytest.mark.parametrize(
    ("text", "changed", "partner", "wild"),
    [
        ("WT", (), None, True),
        ("wild-type", (), None, True),
        ("EML4-ALK V3a", (), "EML4-ALK", True),
        ("EML4-ALK V1 (NCI-H3122)", (), "EML4-ALK", True),
        ("EML4-ALK V1 F1245C (ENU clone)", ("F1245C",), "EML4-ALK", False),
        ("G1202del", ("G1202del",), None, False),
        ("EML4-ALK V1 1151Tins", ("1151Tins",), "EML4-ALK", False),
        ("L1196M, C1156Y", ("L1196M", "C1156Y"), None, False),
        ("parental + IL-3", (), None, False),
        ("WT fusion (non-mutant ALK)", (), None, True),
        (None, (), None, False),
    ],
)
def test_words_of_a_variant(text, changed, partner, wild):
    assert (mutations(text), fusion(text), is_wild_type(text)) == (changed, partner, wild)


def test_forms_of_a_fusion_meet_and_sublines_do_not():
    assert same_thing("EML4-ALK V3 G1202R") == same_thing("EML4-ALK V1 G1202R") == "EML4-ALK G1202R"
    assert same_thing("I1171T (MGH056-1)") == "I1171T (MGH056-1)"
    assert forms("EML4-ALK V3b") == ("V3b",)


def test_a_fold_is_never_taken_across_sources():
    table = evidence.folds(verified_only=False)
    known = {row["id"]: row for row in evidence.query().table.iter_rows(named=True)}
    for row in table.iter_rows(named=True):
        rests_on = [known[number] for number in row["facts"]]
        assert {fact["source_id"] for fact in rests_on} == {row["source_id"]}
        assert {fact["compound"] for fact in rests_on} == {row["compound"]}
        assert (row["verified"] == "yes") == all(fact["verified"] == "yes" for fact in rests_on)


def test_every_curated_fold_is_there_and_a_second_statement_of_it_is_not():
    table = evidence.folds(verified_only=False)
    curated = evidence.facts("fold_changes")
    ids = [number for row in table["facts"] for number in row]
    assert {f"fold_changes/{row + 1}" for row in range(curated.height)} <= set(ids)
    fontana = table.filter(pl.col("source_id") == "FONTANA2015", pl.col("compound") == "alectinib", pl.col("variant") == "G1202R")
    assert fontana["fold"].to_list() == [64.3]  # P067 says 64.4 of the same measurement
    assert table.group_by("compound", "variant", "fusion", "source_id", "readout").len()["len"].max() == 1


def test_a_ratio_of_one_source_by_hand():
    row = evidence.folds().filter(compound="lorlatinib").row(0, named=True)
    assert (row["fold"], row["relation"], row["origin"]) == (pytest.approx(16 / 2), "~", "same-source ratio")


def test_a_bound_stays_a_bound():
    row = evidence.folds().filter(compound="alectinib", variant="I1171T").row(0, named=True)
    assert (row["relation"], row["fold"]) == (">", 10.0)


def test_three_of_seven_pairs_measured_twice_agree_within_threefold():
    stated = evidence.agreement(evidence.folds(verified_only=False).filter(pl.col("origin") == "stated"))
    assert (int(stated["agree"].sum()), stated.height) == (3, 7)
    curated = evidence.facts("fold_changes").with_columns(pl.col("fold_vs_same_lab_WT").cast(pl.Float64))
    pairs = curated.group_by("drug", "mutation").agg(
        pl.col("fold_vs_same_lab_WT").max() / pl.col("fold_vs_same_lab_WT").min(), n=pl.len()
    )
    twice = pairs.filter(pl.col("n") > 1)
    assert (twice.height, int((twice["fold_vs_same_lab_WT"] <= 3).sum())) == (7, 3)


def test_the_noise_is_at_least_the_published_repeat():
    assert repeat_sd() == pytest.approx(np.sqrt(2) * np.log(1.46))


def test_a_measured_pair_and_one_that_nobody_measured():
    measured, predicted = evidence.fold_shift("alectinib", "G1202R"), evidence.fold_shift("alectinib", "F1174L")
    assert measured.is_measured
    assert not predicted.is_measured
    assert measured.lower < measured.mean_interval[0] < measured.fold < measured.mean_interval[1] < measured.upper
    width = lambda shift: np.log(shift.upper / shift.lower)  # noqa: E731
    assert width(predicted) > width(measured)
    assert "Predicted" in predicted.table["status"][0]
    assert evidence.MEMORY_SENTENCE in predicted.table["status"][0]  # 0.53 is recalled, and was not used
    assert 1.0 < measured.fold < 64.3  # shrunk towards the others


def test_the_records_carry_level_and_both_intervals():
    shift = evidence.fold_shift("Alectinib", "EML4-ALK V3 G1202R", level=0.8)
    mean, new = shift.evidence
    assert (mean.level, new.level, mean.compound, mean.variant) == (0.8, 0.8, "alectinib", "G1202R")
    assert new.lower < mean.lower < mean.value < mean.upper < new.upper
    wider = evidence.fold_shift("alectinib", "G1202R", level=0.95)
    assert wider.lower < shift.lower
    assert evidence.fold_shift("alectinib", "G1202R", level=0.8).evidence[0].id == mean.id


def test_the_table_is_the_single_answers():
    table = evidence.fold_shift_table(compounds=["alectinib", "lorlatinib"], variants=["G1202R", "L1196M"])
    assert table.height == 4
    for row in table.iter_rows(named=True):
        one = evidence.fold_shift(row["compound"], row["variant"])
        assert row["fold"] == pytest.approx(one.fold, rel=1e-9)
        assert row["upper"] == pytest.approx(one.upper, rel=1e-9)
    every = evidence.fold_shift_table()
    known = evidence.folds(verified_only=False)
    assert every.height == known["compound"].n_unique() * known["variant"].n_unique()
    assert (every.filter(pl.col("class") == "measured").height, evidence.folds().height) == (14, 14)
    assert every.select(pl.col("fold", "lower", "upper", "mean_lower", "mean_upper").is_finite().all()).row(0) == (True,) * 5


def test_a_recalled_fold_never_moves_a_verified_answer(tmp_path):
    file = tmp_path / "recalled.tsv"
    file.write_text(
        "quantity\tvalue\tunit\tdrug\tvariant\tcitation\tverified\nfold_vs_WT\t900\tx\talectinib\tG1202R\tHearsay\tmemory\n"
    )
    plain, with_it = evidence.fold_shift("alectinib", "G1202R"), evidence.fold_shift("alectinib", "G1202R", extra=file)
    assert with_it.fold == plain.fold
    assert "900" in with_it.table["status"][0]


def test_an_own_measurement_narrows_the_interval(tmp_path):
    file = tmp_path / "own.tsv"
    head = "quantity\tvalue\tunit\tdrug\ttarget\tvariant\tsystem\treadout\tcitation\tverified\n"
    rows = [f"IC50\t{value}\tnM\talectinib\tALK\t{variant}\tBa/F3\tviability\tNotebook 7\tyes\n" for value, variant in ((11, "EML4-ALK V1"), (95, "EML4-ALK V1 L1196M"))]  # fmt: skip
    file.write_text(head + "".join(rows))
    before, after = evidence.fold_shift("alectinib", "L1196M"), evidence.fold_shift("alectinib", "L1196M", extra=file)
    assert (before.is_measured, after.is_measured) == (False, True)
    assert np.log(after.mean_interval[1] / after.mean_interval[0]) < np.log(before.mean_interval[1] / before.mean_interval[0])
    held = evidence.folds(extra=file).filter(variant="L1196M", compound="alectinib")
    assert held["fold"].to_list() == [pytest.approx(95 / 11)]


def test_repeats_in_one_table_are_kept(tmp_path):
    file = tmp_path / "own.tsv"
    row = "fold_vs_WT\t{}\tx\talectinib\tL1196M\tNotebook 7\tyes\n"
    file.write_text("quantity\tvalue\tunit\tdrug\tvariant\tcitation\tverified\n" + row.format(8) + row.format(12))
    assert evidence.fold_shift("alectinib", "L1196M", extra=file).table["n"].to_list() == [2]


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda: evidence.fold_shift("alectinb", "G1202R"), NoEvidenceError, "did you mean 'alectinib'"),
        (lambda: evidence.fold_shift("alectinib", "WT"), SettingError, "fold 1 by definition"),
        (lambda: evidence.fold_shift("alectinib", "L1196M/G1202R"), SettingError, "one point mutation"),
        (lambda: evidence.fold_shift("alectinib", "G1202R", level=90), SettingError, "between 0 and 1"),
        (lambda: evidence.fold_shift("alectinib", "G1202R", readout="viabilty"), SettingError, "did you mean 'viability'"),
    ],
)
def test_what_cannot_be_asked_is_said(ask, error, words):
    with pytest.raises(error, match=words):
        ask()


def test_sources_left_out_are_predicted_within_their_intervals_and_better_than_by_the_drugs_median():
    said = summary(evidence.leave_one_source_out())
    assert (said["folds"], said["bounds"]) == (13, 1)
    assert said["covered"] / said["folds"] >= 0.8
    assert said["log_score"] > said["rival_own"]


def test_folds_from_memory_scored_apart_by_a_model_that_never_saw_them():
    said = summary(evidence.memory_apart())
    assert said["folds"] == 45
    assert said["covered"] / said["folds"] >= 0.8
    assert said["log_score"] > max(said["rival_own"], said["rival_pooled"])
