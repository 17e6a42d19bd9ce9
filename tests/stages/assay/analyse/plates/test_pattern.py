"""Edge effect, drift and exchanged lines: against plain least squares and a t test, on simulated faults, and what clean plates say."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchside.stages.assay.analyse.plates.effect import LEAST_LEVEL
from benchside.stages.assay.analyse.plates.exchange import ExchangeRules
from benchside.stages.assay.analyse.plates.pattern import plate_levels, plate_pattern, plate_pattern_table, positions
from benchside.stages.assay.model import row_letters, well_name
from benchside.stages.assay.simulate import Faults, PlateDesign, TrueCurve, simulate

TRUTHS = [TrueCurve("a", "WT", 10.0, slope=1.0), TrueCurve("b", "WT", 30.0, slope=1.5)]
EFFECTS = ("edge_effect", "row_drift", "column_drift")


def plates(n=40, *, seed=1, noise=0.05, truths=TRUTHS, top_nM=None, design=None, **faults):
    layout = design or PlateDesign(plates=n)
    return simulate(truths, seed=seed, design=layout, noise=noise, top_nM=top_nM, faults=Faults(**faults)).table


def vehicle_plate(signal_of, rows=8, columns=12, plate_id="P"):
    wells = [(r, c) for r in range(rows) for c in range(columns)]
    return pl.DataFrame(
        {
            "plate_id": [plate_id] * len(wells), "well": [well_name(r, c) for r, c in wells], "role": ["vehicle"] * len(wells),
            "compound": [None] * len(wells), "concentration_nM": [0.0] * len(wells), "target": [None] * len(wells),
            "variant": [None] * len(wells), "system": [None] * len(wells), "signal": [float(signal_of(r, c)) for r, c in wells],
        },
        schema_overrides=dict.fromkeys(("compound", "target", "variant", "system"), pl.String),
    )  # fmt: skip


def slow_effects(table):
    """One plate by ordinary least squares with a dummy a group: signal ~ group + level * (outer, row, column)."""
    placed = positions(table)
    level = plate_levels(placed).row(0, named=True)
    wells = placed.filter(pl.col("role").is_in(["vehicle", "sample"])).to_dicts()
    groups = {}
    for well in wells:
        key = (well["role"], well["curve"], well["concentration_nM"] if well["role"] == "sample" else None)
        groups.setdefault(key, []).append(well)
    kept = [
        members for members in groups.values()
        if len(members) > 1 and np.mean([w["signal"] for w in members]) - level["zero"] > LEAST_LEVEL * (level["vehicle"] - level["zero"])
    ]  # fmt: skip
    rows, y = [], []
    for g, members in enumerate(kept):
        height = np.mean([w["signal"] for w in members]) - level["zero"]
        for w in members:
            outer = w["row"] in (level["top"], level["bottom"]) or w["column"] in (level["left"], level["right"])
            x = [
                outer,
                (w["row"] - level["top"]) / (level["bottom"] - level["top"]),
                (w["column"] - level["left"]) / (level["right"] - level["left"]),
            ]
            rows.append([height * value for value in x] + [float(k == g) for k in range(len(kept))])
            y.append(w["signal"])
    design, y = np.array(rows), np.array(y)
    beta, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    freedom = len(y) - rank
    variance = np.sum((y - design @ beta) ** 2) / freedom
    error = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design))[:3])
    return beta[:3], 2 * stats.t.sf(np.abs(beta[:3]) / error, freedom)


@pytest.mark.parametrize("seed", range(5))
def test_effects_are_those_of_plain_least_squares(seed):
    table = plates(1, seed=seed, edge=0.1, row_drift=0.2, column_drift=-0.1)
    got = plate_pattern_table(table).row(0, named=True)
    beta, p = slow_effects(table)
    assert [got["row_drift"], got["column_drift"]] == pytest.approx(beta[1:].tolist(), rel=1e-9)
    assert [got[f"{name}_p"] for name in EFFECTS] == pytest.approx(p.tolist(), rel=1e-8)
    assert got["pattern_basis"] == "vehicle wells and replicate wells"


def test_the_edge_effect_of_vehicle_wells_is_the_ratio_of_means_and_a_t_test():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 2, (8, 12))
    noise[4:] = noise[3::-1]
    noise[:, 6:] = noise[:, 5::-1]  # symmetric about the middle: no drift is left to share the variation with
    table = vehicle_plate(lambda r, c: 100 - 12 * (r in (0, 7) or c in (0, 11)) + noise[r, c])
    edge = np.ones((8, 12), bool)
    edge[1:-1, 1:-1] = False
    signal = table["signal"].to_numpy().reshape(8, 12)
    got = plate_pattern_table(table).row(0, named=True)
    assert got["edge_effect"] == pytest.approx(signal[edge].mean() / signal[~edge].mean() - 1, rel=1e-9)
    t = stats.ttest_ind(signal[edge], signal[~edge])
    # Two more degrees of freedom are spent on the drifts, which are 0 here.
    ours = 2 * stats.t.sf(abs(t.statistic) * np.sqrt(92 / 94), 92)
    assert got["edge_effect_p"] == pytest.approx(ours, rel=1e-6)
    assert got["row_drift"] == pytest.approx(0, abs=1e-12)


def test_drift_without_noise_by_hand():
    # from 90 in the first row to 110 in the last: 20 % of the mean of 100
    got = plate_pattern_table(vehicle_plate(lambda r, _: 90 + 20 * r / 7)).row(0, named=True)
    assert got["row_drift"] == pytest.approx(0.2)
    assert got["edge_effect"] == pytest.approx(0, abs=1e-12)
    assert got["column_drift"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("fault", "column", "truth"),
    [
        ({"edge": 0.25}, "edge_effect", -0.25),
        ({"row_drift": 0.3}, "row_drift", 0.3),
        ({"column_drift": -0.3}, "column_drift", -0.3),
    ],
)
def test_simulated_faults_are_found_in_their_size(fault, column, truth):
    table = plate_pattern_table(plates(100, noise=0.03, **fault))
    assert table[column].mean() == pytest.approx(truth, abs=0.02)
    assert (table[f"{column}_p"] < 0.01).mean() > 0.95
    for other in set(EFFECTS) - {column}:
        assert abs(table[other].mean()) < 0.02


def test_clean_plates_seldom_alarm():
    table = plate_pattern_table(plates(300, noise=0.05))
    for name in EFFECTS:
        p = table[f"{name}_p"].to_numpy()
        assert (p < 0.01).mean() <= 0.03  # 3 in 100 is three standard errors above 1 in 100
        assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.1)
    assert table["swapped"].null_count() == 300


@pytest.mark.parametrize(
    ("pair", "noise", "least"), [((5, 6), 0.03, 1.0), ((6, 7), 0.03, 1.0), ((4, 5), 0.03, 0.9), ((5, 6), 0.08, 0.85)]
)
def test_exchanged_columns_are_found(pair, noise, least):
    table = plate_pattern_table(plates(100, noise=noise, swapped_columns=(pair,)))
    assert (table["swapped"] == f"columns {pair[0]} and {pair[1]}").sum() >= 100 * least
    assert table["swapped"].drop_nulls().n_unique() == 1


def test_exchanged_rows_are_seen_by_replicates():
    curves = [TrueCurve("a", "WT", 10.0), TrueCurve("a", "G1202R", 300.0)]  # rows A to C and D to F at the same doses
    clean = plates(50, truths=curves, top_nM=1000.0)
    assert plate_pattern_table(clean)["swapped"].null_count() == 50
    table = plate_pattern_table(plates(50, truths=curves, top_nM=1000.0, swapped_rows=(("C", "D"),)))
    assert (table["swapped"] == "rows C and D").sum() >= 48


def test_columns_exchanged_on_a_plateau_cannot_be_seen_and_are_not_claimed():
    assert plate_pattern_table(plates(50, noise=0.03, swapped_columns=((2, 3),)))["swapped"].null_count() == 50


def test_dirty_plates_without_an_exchange_seldom_alarm():
    faults = {"dose_cv": 0.2, "dilution_cv": 0.1, "outlier_share": 0.05, "edge": 0.2, "column_drift": 0.2}
    table = plate_pattern_table(plates(300, noise=0.05, **faults))
    assert 300 - table["swapped"].null_count() <= 3


def test_one_bad_well_is_no_exchange():
    wells = plates(1, noise=0.01)
    bad = wells.with_columns(signal=pl.when(pl.col("well") == "B8").then(0.1).otherwise("signal"))
    assert plate_pattern_table(bad)["swapped"][0] is None


def test_a_wide_plate_finds_its_columns():
    design = PlateDesign(wells=384, plates=5, replicates=1)
    truths = [TrueCurve(f"c{k}", "WT", 10.0 * (1 + k % 3)) for k in range(design.curves)]
    clean = plate_pattern_table(plates(truths=truths, design=design))
    assert clean["swapped"].null_count() == 5
    found = plate_pattern_table(plates(truths=truths, design=design, swapped_columns=((7, 8),)))
    assert set(found["swapped"]) == {"columns 7 and 8"}


def test_rows_past_z_have_their_names():
    design = PlateDesign(wells=1536, plates=1, replicates=3)
    truths = [TrueCurve(f"c{k}", "WT", 10.0 if (k // 4) % 2 else 1000.0) for k in range(design.curves)]
    table = plates(truths=truths, design=design, top_nM=1e4, noise=0.03, swapped_rows=(("AA", "AB"),))
    assert row_letters(27) == "AB"
    assert plate_pattern_table(table)["swapped"][0] == "rows AA and AB"


def test_what_a_plate_does_not_tell_is_null():
    few = vehicle_plate(lambda r, c: 100.0 + (r + c) % 3, rows=1, columns=3)
    got = plate_pattern_table(few).row(0, named=True)
    assert [got[name] for name in EFFECTS] == [None, None, None]
    assert (got["swapped"], got["swap_mended"], got["n_series"]) == (None, None, 0)
    column = vehicle_plate(lambda r, c: 100.0 + (r * 7 + c) % 3, columns=1)
    got = plate_pattern_table(column).row(0, named=True)
    assert got["column_drift"] is None
    assert got["edge_effect"] is None  # every well of one column is outermost
    assert got["row_drift"] is not None


def test_plates_without_signals_keep_their_row():
    empty = vehicle_plate(lambda *_: 1.0).with_columns(plate_id=pl.lit("E"), role=pl.lit("empty"))
    table = plate_pattern_table(pl.concat([empty, plates(1).select(empty.columns)]))
    assert table["plate_id"].to_list() == ["E", "simulated"]
    assert table["n_pattern"][0] == 0


def test_a_screen_rests_on_its_inactive_samples():
    rng = np.random.default_rng(8)
    wells = vehicle_plate(
        lambda r, c: 100 * (1 - 0.3 * (r / 7 - 0.5)) * (0.1 if (r * 12 + c) % 17 == 0 else 1) + rng.normal(0, 3)
    )
    screen = wells.with_columns(
        role=pl.lit("sample"), compound=pl.format("x{}", pl.int_range(pl.len())), concentration_nM=pl.lit(1000.0)
    )
    got = plate_pattern_table(screen).row(0, named=True)
    assert got["pattern_basis"] == "samples, most taken as inactive"
    assert got["row_drift"] == pytest.approx(-0.3, abs=0.05)
    assert got["row_drift_p"] < 1e-6
    assert abs(got["column_drift"]) < 0.05


@given(st.floats(1e-3, 1e4), st.integers(0, 30))
def test_the_unit_of_the_reader_does_not_matter(scale, seed):
    table = plates(1, seed=seed, edge=0.2, swapped_columns=((5, 6),))
    one, other = (plate_pattern_table(part).row(0, named=True) for part in (table, table.with_columns(pl.col("signal") * scale)))
    for name in (*EFFECTS, "swap_mended", "edge_effect_p"):
        assert one[name] == pytest.approx(other[name], rel=1e-6, abs=1e-9)
    assert one["swapped"] == other["swapped"]


def test_a_plate_turned_about_drifts_the_other_way():
    table = vehicle_plate(lambda r, c: 100 + r * 1.5 + c + (r * 5 + c * 3) % 7)
    turned = vehicle_plate(lambda r, c: 100 + (7 - r) * 1.5 + (11 - c) + ((7 - r) * 5 + (11 - c) * 3) % 7)
    one, other = plate_pattern_table(table).row(0, named=True), plate_pattern_table(turned).row(0, named=True)
    assert one["edge_effect"] == pytest.approx(other["edge_effect"])
    assert one["row_drift"] == pytest.approx(-other["row_drift"])
    assert one["column_drift"] == pytest.approx(-other["column_drift"])


def test_a_plate_is_judged_alike_alone_and_among_others():
    table = plates(6, edge=0.2, swapped_columns=((5, 6),), swapped_plates=(2, 4))
    every = plate_pattern_table(table)
    assert every["swapped"].is_not_null().to_list() == [False, True, False, True, False, False]
    for k, name in enumerate(every["plate_id"]):
        alone = plate_pattern_table(table.filter(pl.col("plate_id") == name))
        for mine, theirs in zip(alone.row(0), every.row(k), strict=True):
            assert mine == (pytest.approx(theirs, rel=1e-9) if isinstance(theirs, float) else theirs)


def test_the_verb_records_its_rules():
    answer = plate_pattern(plates(2, swapped_columns=((5, 6),)), exchange=ExchangeRules(least_step=5.0))
    assert answer.table["swapped"].null_count() == 2
    assert answer.origin.settings["least_step"] == 5.0
