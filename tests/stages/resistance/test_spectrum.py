"""Spectra: the published counts, intervals against scipy, cohorts by hand, exact tests against enumeration and scipy."""

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact

from benchside.core.errors import NoEvidenceError, SettingError, TableError
from benchside.evidence import facts
from benchside.stages.resistance import NOTICE, cohort, compare_spectra, simulate, spectrum
from benchside.stages.resistance.analyse.compare_spectra import freeman_halton, holm
from benchside.stages.resistance.analyse.proportion import wilson


def test_the_guides_29_per_cent_is_5_of_17_after_crizotinib_from_memory():
    found = spectrum("alectinib", prior="crizotinib")
    row = found.table.filter(mechanism="G1202R").row(0, named=True)
    assert (row["found"], row["n"], row["verified"]) == (5, 17, "memory")
    assert (row["lower"], row["upper"]) == pytest.approx((0.1328, 0.5313), abs=5e-5)
    assert "X02" in row["status"]
    assert found.notice == NOTICE


def test_every_published_interval_is_the_one_computed_in_the_facts():
    held = {f"resistance_spectrum/{row['row_id']}": row for row in facts("resistance_spectrum").iter_rows(named=True)}
    rows = [row for row in spectrum().table.iter_rows(named=True) if row["n"] is not None]
    assert len(rows) >= 16
    for row in rows:
        fact = held[row["fact"]]
        assert (row["lower"], row["upper"]) == pytest.approx((float(fact["lower"]), float(fact["upper"])), abs=6e-5)
        assert row["n"] == int(fact["n"])


def test_a_share_without_a_denominator_has_no_interval_and_says_so():
    row = spectrum("next-generation ALK TKI").table.row(0, named=True)
    assert (row["mechanism"], row["fraction"], row["n"], row["lower"]) == ("MET amplification", 0.15, None, None)
    assert "denominator is not published" in row["status"]


def test_responses_are_no_mechanism_and_unknown_drugs_are_refused():
    assert not spectrum().table["mechanism"].str.starts_with("PR,").any()
    with pytest.raises(NoEvidenceError, match="no published frequency has the drug 'alectinb'"):
        spectrum("alectinb")
    with pytest.raises(NoEvidenceError, match="prior therapy 'lorlatinib' of alectinib"):
        spectrum("alectinib", prior="lorlatinib")


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_is_scipys(counts, level):
    found, n = counts
    known = binomtest(found, n).proportion_ci(level, method="wilson")
    assert wilson(found, n, level=level) == pytest.approx((known.low, known.high), abs=1e-12)


def test_wilson_of_nobody_and_of_a_wrong_level():
    assert wilson(0, 0) == (None, None)
    with pytest.raises(SettingError, match="level is 2"):
        wilson(1, 2, level=2)


COHORT = pl.DataFrame({
    "patient": ["a", "a", "b", "c", "d", "e"],
    "sample": ["a1", "a2", "b1", "c1", "d1", "e1"],
    "variant": ["G1202R", "I1171T", "L1196M+G1202R in cis", "MET amplification", "WT", "G1202R"],
    "vaf": [0.1, 0.2, 0.1, None, None, 0.0],
    "drug": ["alectinib"] * 6,
})  # fmt: skip


def test_a_cohort_by_hand():
    found = cohort(COHORT)
    assert found.table.select("mechanism", "found", "n").rows() == [
        ("any ALK mutation", 2, 5), ("G1202R", 2, 5), ("I1171T", 1, 5), ("L1196M", 1, 5), ("MET", 1, 5), ("none found", 2, 5),
    ]  # fmt: skip
    assert found.patients["pattern"].to_list() == ["G1202R and I1171T", "G1202R and L1196M", "MET", "none found", "none found"]
    assert set(found.table["prior"]) == {"not stated"}


def test_drugs_and_prior_therapies_have_their_own_denominators():
    df = COHORT.with_columns(prior=pl.Series(["none", "none", "crizotinib", "crizotinib", "crizotinib", "none"]))
    found = cohort(df).table.filter(mechanism="any ALK mutation")
    assert found.select("prior", "found", "n").rows() == [("none", 1, 2), ("crizotinib", 1, 3)]
    with pytest.raises(TableError, match="patient 'a' stands under none, crizotinib as prior"):
        cohort(df.with_columns(prior=pl.Series(["none", "crizotinib", "none", "none", "none", "none"])))


def enumerated(counts):
    """Freeman-Halton by its definition: every table with these margins, its probability by factorials."""
    columns, first = counts.sum(axis=0), int(counts[0].sum())
    total = int(columns.sum())

    def probability(row):
        ways = math.prod(math.comb(int(c), int(x)) for c, x in zip(columns, row, strict=True))
        return ways / math.comb(total, first)

    observed = probability(counts[0])
    tables = (row for row in itertools.product(*(range(int(c) + 1) for c in columns)) if sum(row) == first)
    return sum(p for row in tables if (p := probability(row)) <= observed * (1 + 1e-7))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=4))
def test_freeman_halton_is_its_definition(columns):
    counts = np.array(columns).T
    assert freeman_halton(counts)[0] == pytest.approx(enumerated(counts) if counts.sum(axis=1).min() else 1.0, abs=1e-10)


@pytest.mark.parametrize("counts", [[[8, 2], [1, 5]], [[3, 9], [4, 2]], [[0, 7], [5, 3]]])
def test_freeman_halton_of_two_columns_is_fishers_test_of_scipy(counts):
    assert freeman_halton(np.array(counts))[0] == pytest.approx(fisher_exact(counts).pvalue, abs=1e-12)


def test_where_tables_are_too_many_they_are_drawn_and_said_to_be():
    counts = np.array([[8, 2, 3, 4], [1, 5, 4, 6]])
    exact, _ = freeman_halton(counts)
    drawn, told = freeman_halton(counts, seed=3, most=10)
    assert "20000 tables drawn" in told
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_their_order(p):
    adjusted = holm(p)
    assert all(new >= old - 1e-15 for new, old in zip(adjusted, p, strict=True))
    order = sorted(range(len(p)), key=lambda k: p[k])
    assert [adjusted[k] for k in order] == sorted(adjusted)


def test_two_cohorts_are_compared_by_mechanism_and_by_pattern():
    one = cohort(pl.DataFrame({"patient": [f"a{k}" for k in range(20)], "variant": ["G1202R"] * 10 + ["WT"] * 10}))
    two = cohort(pl.DataFrame({"patient": [f"b{k}" for k in range(20)], "variant": ["I1171T"] * 4 + ["WT"] * 16}))
    found = compare_spectra(one, two).table
    row = found.filter(mechanism="G1202R").row(0, named=True)
    assert (row["found_one"], row["found_two"], row["n_two"]) == (10, 0, 20)
    assert row["p"] == pytest.approx(fisher_exact([[10, 10], [0, 20]]).pvalue)
    assert row["p_adjusted"] >= row["p"]
    last = found.row(-1, named=True)
    assert (last["mechanism"], last["test"]) == ("patterns of patients", "Freeman-Halton")
    assert last["p"] == pytest.approx(freeman_halton(np.array([[10, 0, 10], [0, 4, 16]]))[0])


def test_a_published_spectrum_that_does_not_report_a_mechanism_is_not_taken_for_0():
    mine = cohort(simulate(n=30, seed=1, times_days=(0.0,), first_vaf=0.05))
    compared = compare_spectra(mine, spectrum("alectinib")).table
    assert set(compared["mechanism"]) == {"any ALK mutation", "G1202R", "L1196M"}


def test_spectra_of_several_series_are_not_compared():
    mine = cohort(COHORT)
    with pytest.raises(TableError, match="the second spectrum holds"):
        compare_spectra(mine, spectrum("crizotinib"))
    with pytest.raises(TableError, match="no mechanism is counted in both"):
        compare_spectra(spectrum("alectinib"), spectrum("ALK TKI (any)"))
