"""Coverage by hand, its interval, and what it refuses."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import MatrixMismatch, SettingError
from benchside.core.exchange import Exposure, Potency
from benchside.stages.pharmacology import coverage, exposure


def constant(compound, level_nM, site="plasma", matrix="free"):
    return Exposure(pl.DataFrame({"time_h": [0.0, 12.0], "concentration_nM": [level_nM] * 2}), compound, site, matrix)


def potency(**changes):
    row = {"compound": "crizotinib", "variant": "WT", "system": "Ba/F3", "value_nM": 50.0, "lower_nM": 40.0}
    return Potency(pl.DataFrame([{**row, "upper_nM": 80.0, "serum_fraction": 0.1, **changes}]))


def only_row(answer):
    return answer.table.row(0, named=True)


def test_by_hand():
    # fu in medium = 1 / (1 + 0.1 (1/0.09 - 1)) = 1 / 2.0111 = 0.49724; free IC50 = 24.862; 60 / 24.862 = 2.4133
    row = only_row(coverage(potency(), [constant("crizotinib", 60.0)]))
    assert row["free_ic50_nM"] == pytest.approx(24.862, abs=1e-3)
    assert row["coverage_average"] == pytest.approx(2.4133, abs=1e-4)
    assert (row["lower"], row["upper"]) == (pytest.approx(2.4133 * 50 / 80, abs=1e-4), pytest.approx(2.4133 * 50 / 40, abs=1e-4))
    assert row["coverage_minimum"] == row["coverage_average"]


def test_parent_and_metabolite_are_summed():
    found = coverage(potency(compound="alectinib"), [constant("alectinib_M4", 5.0), constant("alectinib", 10.0)])
    assert found.table.height == 1
    assert only_row(found)["free_average_nM"] == pytest.approx(15.0)
    assert "same free IC50" in only_row(found)["status"]


def test_the_upper_bound_is_said_and_coverage_hardly_rests_on_it():
    regimen = {"dose_mg": 600.0, "every_h": 12.0, "matrix": "free"}
    status = only_row(coverage(potency(compound="alectinib"), [exposure("alectinib", **regimen)]))["status"]
    assert "published only as < 0.01" in status
    # coverage goes with fu + s (1 - fu): 0.109 at fu = 0.01, 0.1 at 0, a fall of 8 %
    assert "at most 8% lower" in status


def test_body_and_brain_are_two_rows():
    found = coverage(potency(), [constant("crizotinib", 60.0), constant("crizotinib", 2.0, "cns")]).table
    assert dict(found.select("site", "free_average_nM").iter_rows()) == {"plasma": 60.0, "cns": 2.0}


def test_a_censored_potency_bounds_the_coverage():
    assert only_row(coverage(potency(relation=">"), [constant("crizotinib", 60.0)]))["relation"] == "<"
    open_end = only_row(coverage(potency(upper_nM=None), [constant("crizotinib", 60.0)]))
    assert open_end["lower"] is None
    assert open_end["upper"] is not None


def test_a_compound_without_exposure_has_nulls_and_a_sentence():
    row = only_row(coverage(potency(compound="lorlatinib"), [constant("crizotinib", 60.0)]))
    assert row["coverage_average"] is None
    assert "no exposure of lorlatinib" in row["status"]


def test_refusals():
    with pytest.raises(SettingError, match="serum fraction of the medium is not given"):
        coverage(potency(serum_fraction=None), [constant("crizotinib", 60.0)])
    with pytest.raises(SettingError, match="must lie in"):
        coverage(potency(serum_fraction=10.0), [constant("crizotinib", 60.0)])
    with pytest.raises(MatrixMismatch, match="unbound"):
        coverage(potency(), [constant("crizotinib", 60.0, matrix="total")])


def test_the_settings_serum_fills_a_gap_only():
    given_here = only_row(coverage(potency(serum_fraction=None), [constant("crizotinib", 60.0)], serum_fraction=0.1))
    assert given_here == only_row(coverage(potency(), [constant("crizotinib", 60.0)], serum_fraction=0.9))


@given(st.floats(0.1, 1e4), st.floats(0, 1), st.floats(0.01, 1e4))
def test_coverage_scales_with_drug_and_falls_with_ic50(ic50_nM, serum, free_nM):
    def value(ic50, free):
        made = potency(value_nM=ic50, lower_nM=None, upper_nM=None, serum_fraction=serum)
        return only_row(coverage(made, [constant("crizotinib", free)]))["coverage_average"]

    assert value(ic50_nM, 2 * free_nM) == pytest.approx(2 * value(ic50_nM, free_nM))
    assert value(2 * ic50_nM, free_nM) == pytest.approx(value(ic50_nM, free_nM) / 2)


def test_evidence_of_a_coverage():
    found = coverage(potency(), [constant("crizotinib", 60.0)])
    record = found.evidence[0]
    assert (record.quantity, record.compound, record.site) == ("coverage_average", "crizotinib", "plasma")
    assert record.value == only_row(found)["coverage_average"]
    assert record.id == coverage(potency(), [constant("crizotinib", 60.0)]).evidence[0].id
