"""Growth-rate inhibition against its definition, GRmetrics, and truths it must recover."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import TableError
from benchside.stages.assay import growth_rate_inhibition
from tests.shared_data import shared

DOSE = 10.0 ** np.arange(0, 4.5, 0.5)


def counts(gr, *, doublings=2.0, start=1000.0) -> pl.DataFrame:
    """Counts that have the given GR values exactly."""
    control = start * 2**doublings
    with_drug = start * 2 ** (doublings * np.log2(np.asarray(gr) + 1))
    columns = {"concentration_nM": DOSE, "cell_count": with_drug}
    return pl.DataFrame(columns).with_columns(cell_count_control=pl.lit(control), cell_count_time0=pl.lit(start))


def curve(gr_inf, gec50_nM, slope):
    return gr_inf + (1 - gr_inf) / (1 + (DOSE / gec50_nM) ** slope)


def test_by_hand():
    """100 cells become 400 without drug (two doublings), 200 with it (one): GR = 2 ** (1 / 2) - 1; 100 (none): 0; 50 (half die): 2 ** -0.5 - 1."""
    table = pl.DataFrame({"concentration_nM": [1.0, 2.0, 3.0], "cell_count": [200, 100, 50]})
    table = table.with_columns(cell_count_control=pl.lit(400), cell_count_time0=pl.lit(100))
    values = growth_rate_inhibition(table).values["gr_value"].to_list()
    assert values == pytest.approx([2**0.5 - 1, 0.0, 2**-0.5 - 1])


@given(st.floats(-0.8, 0.3), st.floats(10, 1000), st.floats(0.6, 3), st.floats(0.5, 4))
def test_the_curve_is_recovered_however_fast_the_cells_divide(gr_inf, gec50_nM, slope, doublings):
    row = growth_rate_inhibition(counts(curve(gr_inf, gec50_nM, slope), doublings=doublings)).table.row(0, named=True)
    assert row["gec50_nM"] == pytest.approx(gec50_nM, rel=1e-4)
    assert row["gr_inf"] == pytest.approx(gr_inf, abs=1e-4)
    half = gec50_nM * ((1 - gr_inf) / (0.5 - gr_inf) - 1) ** (1 / slope)
    if half <= DOSE[-1]:
        assert (row["gr50_relation"], row["gr50_nM"]) == ("=", pytest.approx(half, rel=1e-4))
    else:
        assert (row["gr50_relation"], row["gr50_nM"]) == (">", DOSE[-1])


def test_no_effect_is_a_bound_and_says_so():
    row = growth_rate_inhibition(counts(curve(0.9, 100, 1))).table.row(0, named=True)
    assert (row["gr50_relation"], row["gr50_nM"]) == (">", DOSE[-1])
    assert "above the top dose" in row["status"]


def test_a_control_that_did_not_grow_has_no_gr_value():
    table = counts(curve(0, 100, 1)).with_columns(cell_count_control=pl.col("cell_count_time0"))
    result = growth_rate_inhibition(table)
    assert result.values["gr_value"].null_count() == len(DOSE)
    assert result.table.is_empty()


def test_groups_keep_their_order_and_name():
    two = pl.concat([counts(curve(0, 100, 1)).with_columns(line=pl.lit(name)) for name in ("b", "a")])
    assert growth_rate_inhibition(two, by=["line"]).table["line"].to_list() == ["b", "a"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda table: table.drop("cell_count_time0"), ("cell_count_time0", "missing")),
        (lambda table: table.with_columns(cell_count_time0=pl.lit(0.0)), ("cell_count_time0", "row 1", "time-zero")),
        (lambda table: table.with_columns(cell_count=pl.lit("many")), ("cell_count", "many")),
        (lambda table: table.with_columns(concentration_nM=-pl.col("concentration_nM")), ("concentration_nM", "0 or more")),
    ],
)
def test_bad_counts_are_refused_in_a_sentence(change, parts):
    with pytest.raises(TableError) as refused:
        growth_rate_inhibition(change(counts(curve(0, 100, 1))))
    for part in parts:
        assert part in str(refused.value)


def test_as_grmetrics():
    by = ["cell_line", "treatment", "replicate", "time"]
    table = pl.read_csv(shared("data", "assay", "grmetrics_inputCaseA.csv")).with_columns(
        concentration_nM=pl.col("concentration") * 1e3
    )
    table = table.rename({"cell_count__ctrl": "cell_count_control", "cell_count__time0": "cell_count_time0"})
    reference = pl.read_csv(
        shared("reference", "assay", "reference_grmetrics_caseA.csv"), null_values=["NA", "Inf", "-Inf"], infer_schema_length=None
    )
    joined = growth_rate_inhibition(table, by=by).table.join(reference, on=by)
    assert joined.height == 40
    assert (joined["gr_aoc"] - joined["GR_AOC"]).abs().max() < 1e-12
    both = joined.filter(pl.col("GR50").is_not_null() & (pl.col("gr50_relation") == "="))
    assert both.height >= 30
    # GRmetrics bounds the slope to 0.1-5 and stops earlier; where both curves are inside, they are one curve
    assert (both["gr50_nM"] / 1e3 / both["GR50"] - 1).abs().max() < 1e-4
