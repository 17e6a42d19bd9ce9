"""The published facts: asked, cited, flagged, and never invented."""

import importlib.resources
import re

import polars as pl
import pytest

from benchside import evidence
from benchside.core.errors import NoEvidenceError
from tests.shared_data import shared


def test_a_fact_seen_carries_its_citation():
    found = evidence.query(quantity="IC50", compound="alectinib", variant="G1202R", verified_only=True)
    assert found.table["id"].to_list() == ["potency/P051"]
    record = found.evidence[0]
    assert (record.value, record.unit, record.relation, record.verified, record.status) == (868.0, "nM", "=", "yes", "ok")
    assert record.source is not None
    assert record.source.startswith("Fontana et al 2015")


def test_a_recalled_fact_says_so_and_is_left_out_on_request():
    every = evidence.query(quantity="IC50", compound="lorlatinib", variant="G1202R")
    assert every.table["verified"].to_list() == ["memory"]
    assert every.evidence[0].verified == "memory"
    assert every.evidence[0].status.startswith(evidence.MEMORY_SENTENCE)
    assert evidence.query(quantity="IC50", compound="lorlatinib", variant="G1202R", verified_only=True).evidence == []


def test_every_recalled_fact_is_flagged_and_no_other():
    table = evidence.query().table
    flagged = table["status"].str.starts_with(evidence.MEMORY_SENTENCE)
    assert (flagged == (table["verified"] == "memory").fill_null(value=False)).all()
    assert flagged.sum() > 100


def test_every_row_of_every_file_is_asked():
    heights = {name: evidence.facts(name).height for name in evidence.FACT_TABLES}
    counted = dict(evidence.query().table.group_by("fact_table").len().iter_rows())
    assert counted == heights
    assert evidence.query().table["id"].is_unique().all()


def test_a_list_of_compounds_matches_each_and_words_match_whole():
    assert "potency/P111" in evidence.query(compound="TAE684").table["id"].to_list()
    variants = evidence.query(variant="G1202R").table["variant"].to_list()
    assert {"G1202R", "EML4-ALK V3 G1202R"} <= set(variants)
    assert all("G1202R" in re.split(r"[\s,;()/]+", text) for text in variants)


def test_a_bound_stays_a_bound():
    record = evidence.one("unbound_fraction", "alectinib", fact_table="pharmacokinetics")
    assert (record.value, record.relation) == (0.01, "<")
    assert "upper bound" in record.status
    assert "< 0.01" in record.status


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: evidence.query(compound="alectinb"), "did you mean 'alectinib'"),
        (lambda: evidence.query(quantity="IC5O"), "did you mean 'IC50'"),
        (lambda: evidence.one("CL/F", "osimertinib", fact_table="pharmacokinetics"), "there is no default"),
        (lambda: evidence.one("Cmin_ss", "alectinib", fact_table="exposure_response"), "no row"),
        (lambda: evidence.facts("potencies"), "did you mean 'potency'"),
    ],
)
def test_what_nobody_published_is_said(ask, words):
    with pytest.raises(NoEvidenceError, match=re.escape(words)):
        ask()


def test_words_that_never_meet_give_an_empty_answer():
    assert evidence.query(quantity="Ki", compound="alectinib", variant="G2032R").evidence == []


def test_no_outcome_of_a_trial_to_be_predicted_is_here():
    designs = evidence.facts("trial_designs")
    predicted = designs.filter(pl.col("role") == "prediction")["trial"].to_list()
    assert len(predicted) == 6
    for name in ("clinical_results", "clinical_survival_points", "baseline", "safety"):
        assert not set(evidence.facts(name)["trial"]) & set(predicted)


def test_every_pharmacokinetic_row_has_a_source_or_says_that_it_is_assumed():
    table = evidence.query().table.filter(pl.col("fact_table") == "pharmacokinetics")
    without = table.filter(pl.col("source").is_null())
    assert (without["via"] == "assumed").all()
    assert without["status"].str.starts_with("assumed: ").all()
    assert table.filter(pl.col("via") == "assumed")["verified"].is_null().all()


def test_known_sources_are_cited_in_full():
    ids = evidence.facts("sources")["source_id"].to_list()
    assert len(ids) == len(set(ids))
    assert evidence.citation("MACKINTOSH2014") is not None
    assert evidence.citation("NOBODY1900") is None
    assert evidence.citation(None) is None


@pytest.mark.parametrize("name", sorted({*evidence.FACT_TABLES, "sources", "conflicts", "trial_designs"} - {"pharmacokinetics"}))
def test_the_shipped_facts_are_the_curated_ones(name):
    packaged = importlib.resources.files("benchside.evidence") / "facts" / f"{name}.tsv"
    assert packaged.read_bytes() == shared("evidence", f"{name}.tsv").read_bytes()
