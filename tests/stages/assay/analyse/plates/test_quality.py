"""The verdict on a plate: what fails, by how much, in words; and what a plate cannot tell."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.stages.assay.analyse.plates.quality import quality, quality_table
from benchside.stages.assay.analyse.plates.verdict import QualityRules
from benchside.stages.assay.read.door import read
from benchside.stages.assay.simulate import Faults, PlateDesign, TrueCurve, simulate
from tests.shared_data import shared

TRUTHS = [TrueCurve("a", "WT", 10.0), TrueCurve("b", "WT", 30.0)]


def plates(n=1, *, seed=1, noise=0.03, design=None, **faults):
    return simulate(TRUTHS, seed=seed, design=design or PlateDesign(plates=n), noise=noise, faults=Faults(**faults)).table


def controls(vehicle, blank, further=()):
    rows = [("vehicle", value) for value in vehicle] + [("blank", value) for value in blank] + list(further)
    return pl.DataFrame({
        "plate_id": ["P"] * len(rows), "well": [f"A{k + 1}" for k in range(len(rows))], "role": [role for role, _ in rows],
        "signal": pl.Series([value for _, value in rows], dtype=pl.Float64),
    })  # fmt: skip


def judged(wells, **settings):
    return quality(wells, **settings).table.row(0, named=True)


def test_further_figures_by_hand():
    row = judged(controls([90.0, 100.0, 110.0], [8.0, 10.0, 12.0]))
    assert row["signal_window"] == pytest.approx((100 - 10 - 3 * (10 + 2)) / 10)
    assert row["cv_blank"] == pytest.approx(0.2)
    assert (row["n_used"], row["n_excluded"], row["n_overflown"]) == (6, 0, 0)
    assert (row["verdict"], row["reason"]) == ("pass", "")


@pytest.mark.parametrize(
    ("vehicle", "blank", "verdict", "words"),
    [
        ([100.0], [10.0, 11.0], "marginal", "1 vehicle and 2 blank wells do not give a Z'; give more control wells"),
        ([9.0, 10.0], [11.0, 12.0], "fail", "Vehicle does not exceed blank; check the layout for swapped controls."),
        ([50.0, 150.0], [8.0, 10.0], "fail", "Z' is -1.38 (needs more than 0): the controls overlap"),
        ([85.0, 100.0, 115.0], [8.0, 10.0, 12.0], "marginal", "Z' is 0.43 (0.5 is good); add replicates"),
        ([75.0, 100.0, 125.0], [9.0, 10.0, 11.0], "marginal", "The vehicle wells vary by 25.0 % (at most 20 %); look for bad wells."),
        ([75.0, 100.0, 125.0], [9.0, 10.0, 11.0], "marginal", "The signal window is 0.5 vehicle standard deviations (2 are needed)"),
        ([100.0, 101.0, 102.0], [60.0, 61.0, 62.0], "marginal", "Vehicle is only 1.66 times the blank (2 are needed)"),
        ([100.0, 100.1, 100.2, 99.9], [2.0, 12.0, 4.0, 9.0], "marginal", "The blank wells vary by 67.8 % (at most 20 %), more than the vehicle"),
    ],
)  # fmt: skip
def test_what_is_amiss_stands_with_its_size_and_a_remedy(vehicle, blank, verdict, words):
    row = judged(controls(vehicle, blank))
    assert row["verdict"] == verdict
    assert words in row["reason"]


def test_a_dim_blank_may_vary_as_much_as_the_vehicle():
    row = judged(controls([100.0, 104.0, 96.0], [1.0, 5.0, 3.0]))
    assert row["cv_blank"] > 0.2
    assert row["verdict"] == "pass"


def test_overflown_wells_are_counted():
    wells = controls([100.0, 101.0, 99.0], [10.0, 11.0, 9.0], [("excluded", None), ("excluded", 95.0)])
    row = judged(wells)
    assert (row["n_used"], row["n_excluded"], row["n_overflown"]) == (8, 2, 1)
    assert row["verdict"] == "marginal"
    assert "2 of 8 wells are excluded, 1 of them overflown (at most 10 %)" in row["reason"]
    noted = wells.with_columns(note=pl.Series([None] * 6 + ["reader overflow: OVRFLW", "pipetting"], dtype=pl.String))
    assert judged(noted)["n_overflown"] == 1


def test_what_could_not_be_judged_is_said():
    row = judged(controls([100.0, 101.0], []))
    assert (row["z_prime"], row["edge_effect"], row["swapped"]) == (None, None, None)
    for words in (
        "Z', robust Z', SSMD: they need two vehicle and two blank wells.",
        "Edge effect: no wells",
        "Drift along rows",
        "Exchanged columns",
    ):
        assert words in row["not_judged"]
    assert row["verdict"] == "marginal"


def test_a_full_plate_leaves_nothing_unjudged():
    row = judged(plates())
    assert (row["verdict"], row["reason"], row["not_judged"]) == ("pass", "", "")


@pytest.mark.parametrize(
    ("fault", "verdict", "words"),
    [
        ({"swapped_columns": ((5, 6),)}, "fail", "Columns 5 and 6 look exchanged, or one of them misdispensed: swapping them back mends 9"),
        ({"edge": 0.3}, "marginal", "Outermost wells read"), ({"edge": 0.55}, "fail", "leave the outer wells out or fill them with medium."),
        ({"row_drift": 0.35}, "marginal", "higher than the first (up to 20 % is immaterial); check dispensing"),
        ({"column_drift": -0.6}, "fail", "lower than the first"), ({"failed_plates": (1,)}, "fail", "the controls overlap"),
    ],
)  # fmt: skip
def test_simulated_faults_reach_the_verdict(fault, verdict, words):
    row = judged(plates(**fault))
    assert (row["verdict"], words in row["reason"]) == (verdict, True)


def test_clean_plates_pass():
    table = quality_table(plates(300, noise=0.03), against="blank")
    assert (table["verdict"] == "pass").mean() >= 0.99
    assert (table["verdict"] != "fail").all()


def test_a_kinase_plate_is_judged_against_its_positive_control():
    wells = plates(design=PlateDesign(assay="kinase"))
    assert judged(wells, against="positive")["verdict"] == "pass"
    row = judged(wells)
    assert row["verdict"] == "marginal"
    assert "0 blank wells do not give a Z'" in row["reason"]
    assert "against=" in row["reason"]


def test_the_rules_are_settings():
    wells = plates(edge=0.3)
    assert judged(wells, rules=QualityRules(pattern_marginal=0.5, pattern_fail=0.6))["verdict"] == "pass"
    assert judged(wells, rules=QualityRules(pattern_fail=0.2))["verdict"] == "fail"
    assert quality(wells, rules=QualityRules(cv_most=0.3)).origin.settings["rules"]["cv_most"] == 0.3
    with pytest.raises(SettingError, match=r"z_prime_fail \(0.9\) may not exceed z_prime_pass \(0.5"):
        QualityRules(z_prime_fail=0.9)


def test_the_numbers_of_version_1_have_not_moved():
    table = quality_table(plates(3), against="blank")
    wells = plates(3)
    for row in table.iter_rows(named=True):
        own = wells.filter(pl.col("plate_id") == row["plate_id"])
        v, b = (own.filter(pl.col("role") == role)["signal"].to_numpy() for role in ("vehicle", "blank"))
        assert row["z_prime"] == pytest.approx(1 - 3 * (v.std(ddof=1) + b.std(ddof=1)) / abs(v.mean() - b.mean()), rel=1e-12)
        mads = [1.4826 * np.median(np.abs(x - np.median(x))) for x in (v, b)]
        assert row["robust_z_prime"] == pytest.approx(1 - 3 * sum(mads) / abs(np.median(v) - np.median(b)), rel=1e-12)
        assert row["ssmd"] == pytest.approx((v.mean() - b.mean()) / np.hypot(v.std(ddof=1), b.std(ddof=1)), rel=1e-12)


def test_gdsc_plates_get_believable_verdicts():
    table = quality_table(read(shared("data", "assay", "gdsc_wells.parquet")).table, against="blank")
    assert table.height == 1164
    counts = dict(table["verdict"].value_counts().rows())
    assert counts == {"pass": 827, "marginal": 336, "fail": 1}
    # Row H of this plate reads up to 1.8 times the vehicle at its second lowest doses, row I below it does not.
    assert table.filter(pl.col("verdict") == "fail").select("plate_id", "swapped").rows() == [("6931", "rows H and I")]
    assert (table["not_judged"] == "").all()
    assert (table.filter(pl.col("flags") != "")["verdict"] != "pass").all()


def block(title, cells):
    """A block of a plate of 96 wells: column numbers above, row letters beside, the cells that are given, the others empty."""
    rows = [",".join([letter, *(str(cells.get(f"{letter}{column}", "")) for column in range(1, 13))]) for letter in "ABCDEFGH"]
    return "\n".join([title, "," + ",".join(map(str, range(1, 13))), *rows, ""])


SIGNALS = {
    "A1": 100,
    "A2": 102,
    "A3": 98,
    "A4": 101,
    "B1": 10,
    "B2": 11,
    "B3": 9,
    "B4": 55,
    "C1": 50,
    "C2": 40,
    "C3": 30,
    "C4": 60,
}


def test_wells_with_a_signal_that_the_layout_does_not_name_are_counted(tmp_path):
    (tmp_path / "p.csv").write_text(block("", SIGNALS).lstrip("\n"))
    (tmp_path / "layout.csv").write_text(
        "well,role,compound,concentration (nM)\nA1,vehicle,,\nA2,vehicle,,\nA3,vehicle,,\nB1,blank,,\nB2,blank,,\nB3,blank,,\nA4,empty,,\nC1,,x,1\nC2,,x,10\n"
    )
    row = judged(read(tmp_path / "p.csv", tmp_path / "layout.csv"))
    assert row["n_unlisted"] == 3  # B4, C3, C4; A4 is empty by the layout's own word, and row D on has no signal
    assert (
        row["remark"]
        == "3 wells with a signal have neither compound nor role in the layout, so they are not used: complete the layout, or mark what is empty there."
    )
    assert "layout" not in row["reason"]
    assert row["verdict"] == "pass"


def test_a_plate_whose_wells_are_all_in_the_layout_has_no_remark():
    row = judged(controls([100.0, 101.0, 99.0], [10.0, 11.0, 9.0], [("empty", 7.0)]))
    assert (row["n_unlisted"], row["remark"]) == (0, "")


def test_a_dose_of_0_alone_or_a_cell_line_alone_does_not_say_what_a_well_is(tmp_path):
    roles = {"A1": "vehicle", "A2": "vehicle", "B1": "blank", "B2": "blank", "B4": "empty"}
    compounds, doses = dict.fromkeys(["B3", "C3", "C4"], "x"), {"A1": 0, "A2": 0, "A3": 0, "B3": 1, "C3": 10, "C4": 100}
    lines = dict.fromkeys([*SIGNALS, "H1"], "H3122")
    grids = {"Signal": SIGNALS, "Role": roles, "Compound": compounds, "Concentration (nM)": doses, "Cell line": lines}
    (tmp_path / "p.csv").write_text("\n".join(block(title, cells) for title, cells in grids.items()))
    wells = read(tmp_path / "p.csv")
    assert judged(wells)["n_unlisted"] == 4  # A3 has only a dose of 0; A4, C1, C2 only a cell line; H1 has no signal
    silent = wells.table.filter(pl.col("layout_ref").is_null() & pl.col("signal").is_not_null())["well"].to_list()
    assert silent == ["A3", "A4", "C1", "C2"]


def test_blanks_at_or_below_nothing_are_no_background():
    for blank in ([-3.0, 1.0, 0.5], [0.0, 0.0, 0.0]):
        row = judged(controls([90.0, 100.0, 110.0], blank))
        assert row["signal_to_background"] is None
        assert row["verdict"] == "pass"
