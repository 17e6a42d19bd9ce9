"""Simulated plates: every layout, and every fault doing what it says and nothing else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import SettingError
from benchside.stages.assay import fit, normalise, quality
from benchside.stages.assay.model import PLATE_SHAPES, ResponseTable, WellTable
from benchside.stages.assay.simulate import Faults, PlateDesign, TrueCurve, simulate
from benchside.stages.assay.simulate_faults import dilution_factors, on_edge, pattern

TRUE = TrueCurve("alectinib", "WT", 10.0)


def plate(**changes):
    return simulate([TRUE], seed=3, **{"noise": 0.0, **changes}).table


def grid(table, column="signal", size=96):
    return table[column].to_numpy().reshape(PLATE_SHAPES[size])


def test_without_faults_nothing_has_changed():
    """The signals of seed 1 as they were before plates could have faults; no well is named at fault."""
    table = simulate([TrueCurve("alectinib", "WT", 10.4)], seed=1).table
    rng = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(0,)))
    noise = rng.standard_normal(96)
    assert table["signal"][0] == round(0.08 + 1.92 * (1.0 + 0.03 * noise[0]), 4)
    assert table["signal"][11] == round(max(0.08 + 1.92 * 0.03 * noise[11], 0), 4)
    assert table["fault"].null_count() == 96


@pytest.mark.parametrize("wells", PLATE_SHAPES)
@pytest.mark.parametrize("assay", ["viability", "kinase"])
def test_every_plate_holds_its_curves_and_recovers_them(wells, assay):
    design = PlateDesign(wells=wells, assay=assay)
    truths = [TrueCurve(f"c{k}", "WT", 10.0 * (k + 1)) for k in range(design.curves)]
    table = simulate(truths, seed=2, noise=0.0, design=design).table
    assert table.height == wells
    counts = dict(table["role"].value_counts().rows())
    zero = "blank" if assay == "viability" else "positive"
    assert counts["vehicle"] == counts[zero] == wells // 12
    assert counts["sample"] == design.curves * 30
    fits = fit(normalise(WellTable(table))).table
    assert fits["ic50_nM"].to_list() == pytest.approx([true.ic50_nM for true in truths], rel=1e-3)
    assert WellTable(table.drop("fault")).table.height == wells


def test_a_plate_that_is_too_small_is_refused():
    with pytest.raises(SettingError, match="1 to 2 curves"):
        simulate([TRUE] * 3, seed=1)
    with pytest.raises(SettingError, match="20 doses"):
        PlateDesign(doses=20)
    with pytest.raises(SettingError, match="100 were asked for"):
        PlateDesign(wells=100)


def test_replicate_plates_are_named_and_differ_only_by_chance():
    table = simulate([TRUE], seed=3, plate_id="P", design=PlateDesign(plates=3)).table
    assert table["plate_id"].unique(maintain_order=True).to_list() == ["P-1", "P-2", "P-3"]
    assert table["replicate"].unique(maintain_order=True).to_list() == [1, 2, 3]
    one, two = (table.filter(pl.col("replicate") == k) for k in (1, 2))
    assert one.select("well", "role", "concentration_nM").equals(two.select("well", "role", "concentration_nM"))
    assert not one["signal"].equals(two["signal"])
    assert one["signal"].equals(simulate([TRUE], seed=3).table["signal"])


# ---------------------------------------------------------------- one fault at a time


def test_edge_lowers_the_outermost_wells_above_blank():
    clean, edged = grid(plate()) - 0.08, grid(plate(faults=Faults(edge=0.2))) - 0.08
    assert np.allclose(edged, clean * np.where(on_edge((8, 12)), 0.8, 1.0), atol=1e-4)


def test_the_words_stand_on_the_wells_at_fault():
    table = plate(faults=Faults(edge=0.2, swapped_columns=((5, 6),)))
    words = grid(table, "fault")
    used = grid(table, "role") != "empty"
    assert all(
        (words[r, c] is not None and "edge" in words[r, c]) == on_edge((8, 12))[r, c]
        for r, c in zip(*np.nonzero(used), strict=True)
    )
    assert [c + 1 for c in range(12) if words[1, c] is not None and "swapped column" in words[1, c]] == [5, 6]
    assert {words[r, c] for r, c in zip(*np.nonzero(~used), strict=True)} == {None}


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_drift_is_what_it_says_from_first_to_last(row_drift, column_drift):
    factor = pattern(Faults(row_drift=row_drift, column_drift=column_drift), (16, 24))
    assert factor[-1, 0] - factor[0, 0] == pytest.approx(row_drift * (1 - column_drift / 2))
    assert factor[0, -1] - factor[0, 0] == pytest.approx(column_drift * (1 - row_drift / 2))
    assert factor.mean() == pytest.approx(1)


def test_swaps_move_signals_and_leave_the_layout():
    clean, columns = plate(), plate(faults=Faults(swapped_columns=((5, 6),)))
    expected = grid(clean).copy()
    expected[:, [4, 5]] = expected[:, [5, 4]]
    assert (grid(columns) == expected).all()
    rows = plate(faults=Faults(swapped_rows=(("B", "C"),)))
    expected = grid(clean).copy()
    expected[[1, 2]] = expected[[2, 1]]
    assert (grid(rows) == expected).all()
    for table in (columns, rows):
        assert table.drop("signal", "fault").equals(clean.drop("signal", "fault"))


def test_swaps_happen_on_the_plates_named():
    faults, design = Faults(swapped_columns=((2, 11),), swapped_plates=(2,)), PlateDesign(plates=2)
    table = plate(faults=faults, design=design)
    assert table.filter(pl.col("fault").is_not_null())["replicate"].unique().to_list() == [2]
    with pytest.raises(SettingError, match="column 13 is not on a plate of 8 rows"):
        plate(faults=Faults(swapped_columns=((12, 13),)))
    with pytest.raises(SettingError, match="row I is not"):
        plate(faults=Faults(swapped_rows=(("A", "I"),)))


def test_a_failed_plate_has_no_window():
    design = PlateDesign(plates=2)
    table = simulate([TRUE], seed=3, design=design, faults=Faults(failed_plates=(2,))).table
    assert quality(table).table["z_prime"].to_list() == pytest.approx([0.9, -3.0], abs=3.0)
    assert quality(table).table["flags"][1] != ""
    assert quality(table).table["flags"][0] == ""


def test_failed_wells_and_outliers_are_as_many_as_asked_and_read_as_they_should():
    design = PlateDesign(wells=1536)
    truths = [TrueCurve(f"c{k}", "WT", 10.0) for k in range(design.curves)]
    clean = simulate(truths, seed=5, noise=0.0, design=design).table
    table = simulate(truths, seed=5, noise=0.0, design=design, faults=Faults(outlier_share=0.05, failed_well_share=0.03)).table
    failed, wrong = (table["fault"].fill_null("").str.contains(word) for word in ("failed well", "outlier"))
    assert 0.02 < failed.sum() / table["role"].is_in(["sample", "vehicle"]).sum() < 0.04
    assert 0.04 < wrong.sum() / (table["role"] != "empty").sum() < 0.06
    assert (table.filter(failed & ~wrong)["signal"] == 0.08).all()
    moved = (table["signal"] - clean["signal"]).filter(wrong & ~failed & (table["signal"] > 0))
    assert moved.abs().to_list() == pytest.approx([0.5 * 1.92] * len(moved), abs=1e-3)
    assert (moved > 0).mean() > 0.3
    untouched = table["fault"].is_null()
    assert table.filter(untouched).drop("fault").equals(clean.filter(untouched).drop("fault"))


def test_the_reader_saturates():
    table = plate(faults=Faults(saturation_signal=1.5))
    assert table["signal"].max() == 1.5
    assert (table.filter(pl.col("fault") == "saturated")["signal"] == 1.5).all()


def ln_ic50s(faults, plates=60):
    table = simulate([TRUE], seed=8, noise=0.0, design=PlateDesign(plates=plates), faults=faults).table
    responses = normalise(WellTable(table)).table.with_columns(curve_id=pl.col("plate_id"))
    return np.log(fit(ResponseTable(responses), plates="pooled").table["ec50_nM"].to_numpy() / TRUE.ic50_nM)


def test_plates_differ_as_much_as_asked():
    shifts = ln_ic50s(Faults(plate_ln_ic50_sd=0.3))
    assert shifts.std(ddof=1) == pytest.approx(0.3, rel=0.25)
    assert ln_ic50s(Faults(plate_scale_sd=0.3, plate_shift_sd=0.01), plates=10) == pytest.approx(np.zeros(10), abs=2e-3)
    table = simulate([TRUE], seed=8, noise=0.0, design=PlateDesign(plates=200), faults=Faults(plate_scale_sd=0.2)).table
    means = table.filter(pl.col("role") == "vehicle").group_by("plate_id", maintain_order=True).agg(pl.col("signal").mean())
    assert np.log(means["signal"].to_numpy() / 2.0).std(ddof=1) == pytest.approx(0.2, rel=0.2)


def test_dispensing_errors_blur_wells_and_dilution_errors_shift_doses():
    """A well's own error averages out over a curve; an error of a dilution step is carried on to every lower dose."""
    blurred = ln_ic50s(Faults(dose_cv=0.2))
    assert abs(blurred.mean()) < 0.03
    assert 0.02 < blurred.std() < 0.15
    made = np.array([np.log(dilution_factors(Faults(dilution_cv=0.1), 10, 1, 0, curve)) for curve in range(400)])
    assert made[:, 0].std() == pytest.approx(0.1, rel=0.1)
    assert made[:, 9].std() == pytest.approx(0.1 * np.sqrt(10), rel=0.1)


# ---------------------------------------------------------------- laws

KINDS = [
    {"plate_scale_sd": 0.1}, {"plate_shift_sd": 0.1}, {"plate_ln_ic50_sd": 0.2}, {"edge": 0.1}, {"row_drift": 0.2}, {"column_drift": -0.2},
    {"dose_cv": 0.1}, {"dilution_cv": 0.1}, {"outlier_share": 0.1}, {"failed_well_share": 0.1}, {"failed_plates": (1,)},
    {"swapped_columns": ((3, 4),)}, {"swapped_rows": (("A", "B"),)}, {"saturation_signal": 1.0},
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: next(iter(kind)))
def test_every_fault_shows_repeats_and_obeys_its_seed(kind):
    one, two = (simulate([TRUE], seed=3, faults=Faults(**kind)).table for _ in range(2))
    assert one.equals(two)
    assert not one["signal"].equals(simulate([TRUE], seed=3).table["signal"])
    assert not one["signal"].equals(simulate([TRUE], seed=4, faults=Faults(**kind)).table["signal"])


def test_one_fault_leaves_the_chance_of_the_others_alone():
    with_outliers = plate(faults=Faults(outlier_share=0.2))
    with_both = plate(faults=Faults(outlier_share=0.2, failed_well_share=0.2))
    where = [table["fault"].fill_null("").str.contains("outlier") for table in (with_outliers, with_both)]
    assert where[0].equals(where[1])


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"outlier_share": 1.5}, "outlier_share must lie between 0 and 1"),
        ({"edge": -2.0}, "edge"),
        ({"dose_cv": -0.1}, "dose_cv"),
    ],
)
def test_impossible_faults_are_refused(wrong, part):
    with pytest.raises(SettingError, match=part):
        Faults(**wrong)
