"""Quality, normalisation and fits: by hand where a hand can, in words where a fit cannot."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import SettingError, TableError, UnitError
from benchside.stages.assay import LL4, Delta, FitStatus, ProfileLikelihood, ResponseTable, fit, normalise, potency, quality
from benchside.stages.assay.simulate import TrueCurve, simulate
from benchside.stages.assay.stage import STAGE, analyse
from tests.shared_data import shared

DOSES = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]
WIGGLE = [0.01, -0.02, 0.015, -0.005, 0.02, -0.01, 0.005, -0.015]


def curve(response, doses=DOSES, name="a"):
    return pl.DataFrame({"curve_id": [name] * len(doses), "concentration_nM": doses, "response": response})


def falling(ec50, *, top=1.0, bottom=0.0, slope=1.2, doses=DOSES, wiggle=True):
    return [bottom + (top - bottom) / (1 + (d / ec50) ** slope) + (WIGGLE[k % 8] if wiggle else 0.0) for k, d in enumerate(doses)]


def one(frame, **settings):
    return fit(frame, **settings).table.row(0, named=True)


# ---------------------------------------------------------------- statuses


def test_a_good_curve_is_ok():
    row = one(curve(falling(60.0)))
    assert row["status"] == "ok"
    assert row["ic50_relation"] == "="
    assert row["ic50_lower_nM"] < row["ic50_nM"] < row["ic50_upper_nM"]
    assert row["ec50_lower_nM"] < row["ec50_nM"] < row["ec50_upper_nM"]
    assert row["slope"] > 0
    assert row["top"] > row["bottom"]


@pytest.mark.parametrize(
    ("doses", "response"),
    [
        ([1.0, 10.0, 100.0], [1.0, 0.6, 0.2]),
        ([1.0, 3.0, 10.0, 30.0], [1.0, 0.8, 0.3, 0.1]),
        ([1.0, 1.0, 10.0, 10.0, 100.0, 100.0], [1.0, 0.9, 0.5, 0.6, 0.1, 0.2]),
    ],
)
def test_too_few_points_or_doses(doses, response):
    row = one(curve(response, doses))
    assert row["status"] == FitStatus.too_few
    assert all(row[name] is None for name in ("ec50_nM", "ic50_nM", "ic50_relation", "rss", "auc", "slope"))
    assert row["n_points"] == len(doses)


def test_no_variation():
    row = one(curve([1.0] * 8))
    assert row["status"] == FitStatus.constant
    assert row["ec50_nM"] is None


def test_a_rising_curve_has_no_ic50():
    row = one(curve([1.2 - y for y in falling(60.0)]))
    assert FitStatus.rising in row["status"]
    assert row["slope"] < 0
    assert (row["ic50_nM"], row["ic50_relation"], row["ic50_lower_nM"], row["ic50_upper_nM"]) == (None, None, None, None)
    assert row["top"] > row["bottom"]


def test_a_response_that_stays_above_one_half_is_censored_at_the_top_dose():
    row = one(curve(falling(60.0, bottom=0.7)))
    assert FitStatus.above in row["status"]
    assert (row["ic50_nM"], row["ic50_relation"]) == (3000.0, ">")
    assert row["ic50_lower_nM"] is None
    assert row["ic50_upper_nM"] is None


def test_a_response_below_one_half_at_once_is_censored_at_the_lowest_dose():
    row = one(curve(falling(60.0, top=0.45)))
    assert FitStatus.below in row["status"]
    assert (row["ic50_nM"], row["ic50_relation"]) == (1.0, "<")


def test_a_zero_dose_is_used_and_is_not_the_lowest_dose():
    row = one(curve([1.01, *falling(60.0)], [0.0, *DOSES]))
    assert row["n_points"] == 9
    assert (row["lowest_nM"], row["highest_nM"]) == (1.0, 3000.0)
    assert one(curve([0.46, *falling(60.0, top=0.45)], [0.0, *DOSES]))["ic50_nM"] == 1.0


def test_a_midpoint_beyond_the_doses_is_open_and_says_so():
    row = one(curve(falling(20_000.0)))
    assert FitStatus.midpoint_outside in row["status"]
    assert any(words in row["status"] for words in (FitStatus.open_upper, FitStatus.open_both))
    assert row["ec50_upper_nM"] is None


def test_noise_without_a_curve_is_open_on_both_sides():
    row = one(curve([1.0 + 3 * w for w in WIGGLE]))
    assert row["status"] != "ok"
    assert row["ec50_lower_nM"] is None or row["ec50_upper_nM"] is None


def test_a_step_says_so_and_has_no_standard_error():
    response = [1.01, 0.99, 1.0, 1.0, 0.01, -0.01, 0.0, 0.0]
    row = one(curve(response), interval=Delta())
    assert FitStatus.no_error in row["status"]
    assert row["ec50_lower_nM"] is None
    assert row["ec50_upper_nM"] is None


@given(st.lists(st.floats(-0.5, 1.5), min_size=8, max_size=8), st.sampled_from([ProfileLikelihood(), Delta(), Delta(0.8)]))
def test_every_fit_is_finite_or_null_and_speaks(response, interval):
    row = one(curve(response), interval=interval)
    assert row["status"]
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    assert all(math.isfinite(value) for value in numbers.values()), numbers
    if row["ic50_nM"] is not None:
        assert 1.0 * (1 - 1e-9) <= row["ic50_nM"] <= 3000.0 * (1 + 1e-9)
        assert row["ic50_relation"] in {"=", "<", ">"}


# ---------------------------------------------------------------- values


def test_a_curve_without_noise_by_hand():
    row = one(curve(falling(60.0, slope=1.0, wiggle=False)), interval=Delta())
    assert row["ec50_nM"] == pytest.approx(60.0, rel=1e-5)
    assert row["ic50_nM"] == pytest.approx(60.0, rel=1e-5)
    assert (row["top"], row["bottom"], row["slope"]) == pytest.approx((1.0, 0.0, 1.0), abs=1e-5)
    # The mean of 1 / (1 + d / 60) over ln d from 1 to 3000 is ln((1 + 60) / (1 + 60 / 3000)) / ln 3000 by integration.
    assert row["auc"] == pytest.approx(math.log(61.0 / 1.02) / math.log(3000.0), abs=1e-5)


def test_the_absolute_ic50_differs_from_the_midpoint_where_the_bottom_is_not_0():
    row = one(curve(falling(60.0, bottom=0.2, slope=1.0, wiggle=False)), interval=Delta())
    assert row["ec50_nM"] == pytest.approx(60.0, rel=1e-4)
    assert row["ic50_nM"] == pytest.approx(100.0, rel=1e-4)  # 0.2 + 0.8 / (1 + d / 60) = 0.5 at d / 60 = 5 / 3


def test_excluded_points_are_kept_and_not_used():
    response = falling(60.0)
    spoilt = [*response[:3], 5.0, *response[4:]]
    frame = curve(spoilt).with_columns(excluded=pl.Series([k == 3 for k in range(8)]))
    row = one(frame)
    assert (row["n_points"], row["n_excluded"]) == (7, 1)
    clean = one(curve(response[:3] + response[4:], DOSES[:3] + DOSES[4:]))
    assert row["ec50_nM"] == clean["ec50_nM"]
    assert fit(frame).origin.inputs[0].height == 8


def test_a_curve_of_excluded_points_only_is_not_lost():
    frame = pl.concat([curve(falling(60.0)), curve(falling(60.0), name="b").with_columns()]).with_columns(
        excluded=pl.col("curve_id") == "a"
    )
    table = fit(frame).table
    assert table["curve_id"].to_list() == ["a", "b"]
    assert table["n_points"].to_list() == [0, 8]
    assert table["status"].to_list() == [FitStatus.too_few, "ok"]


def test_empty_responses_are_left_out():
    response = falling(60.0)
    assert one(curve([None, *response[1:]]))["n_points"] == 7


def test_curves_keep_the_order_in_which_they_appear():
    frame = pl.concat([curve(falling(60.0), name=name) for name in "zab"])
    assert fit(frame).table["curve_id"].to_list() == ["z", "a", "b"]


@given(st.permutations(range(16)))
def test_the_order_of_rows_does_not_matter(order):
    frame = pl.concat([curve(falling(60.0), name="a"), curve(falling(6.0, bottom=0.2), name="b")])
    plain, mixed = (fit(f).table.sort("curve_id") for f in (frame, frame[list(order)]))
    for name in ("ec50_nM", "ic50_nM", "ec50_lower_nM", "ec50_upper_nM"):
        assert mixed[name].to_list() == pytest.approx(plain[name].to_list(), rel=1e-5)


def test_a_wider_level_is_a_wider_interval():
    narrow, wide = (one(curve(falling(60.0)), interval=ProfileLikelihood(level)) for level in (0.8, 0.95))
    assert wide["ec50_lower_nM"] < narrow["ec50_lower_nM"] < narrow["ec50_upper_nM"] < wide["ec50_upper_nM"]


def test_settings_that_are_not_offered_are_refused():
    with pytest.raises(SettingError, match="plates='fixed' is not offered"):
        fit(curve(falling(60.0)), plates="fixed")
    for interval in (ProfileLikelihood, Delta):
        with pytest.raises(SettingError, match="level lies between 0 and 1, and 95 does not"):
            interval(95)


def test_the_evidence_of_a_fit():
    fits = fit(curve(falling(60.0)), curve=LL4(), interval=ProfileLikelihood(0.9))
    record = next(item for item in fits.evidence if item.quantity == "IC50")
    row = fits.table.row(0, named=True)
    assert (record.value, record.lower, record.upper, record.unit, record.n) == (
        row["ic50_nM"],
        row["ic50_lower_nM"],
        row["ic50_upper_nM"],
        "nM",
        8,
    )
    assert record.settings["level"] == 0.9
    assert (
        record.id
        == next(
            item for item in fit(curve(falling(60.0)), interval=ProfileLikelihood(0.9)).evidence if item.quantity == "IC50"
        ).id
    )


# ---------------------------------------------------------------- responses


def test_percent_and_units_become_fractions_and_nM():
    frame = pl.DataFrame({"id": [7, 7], "uM": [0.5, 2.0], "pct": [90.0, 12.5], "drug": ["x", "x"]})
    table = ResponseTable.from_frame(
        frame,
        curve_id="id",
        concentration="uM",
        concentration_unit="uM",
        response="pct",
        response_unit="percent",
        columns={"compound": "drug"},
    ).table
    assert table["curve_id"].to_list() == ["7", "7"]
    assert table["concentration_nM"].to_list() == [500.0, 2000.0]
    assert table["response"].to_list() == pytest.approx([0.9, 0.125])
    assert table["compound"].to_list() == ["x", "x"]


def test_what_from_frame_refuses():
    frame = pl.DataFrame({"curve_id": ["a"], "concentration": [1.0], "response": [0.5]})
    with pytest.raises(UnitError, match="are logarithms"):
        ResponseTable.from_frame(frame, concentration_unit="log10 M")
    with pytest.raises(UnitError, match="response unit is '%'"):
        ResponseTable.from_frame(frame, response_unit="%")
    with pytest.raises(TableError, match=r"column conc is missing.*the columns are"):
        ResponseTable.from_frame(frame, concentration="conc")
    with pytest.raises(TableError, match=r"row 1 \(curve a\) holds -6\.0.*usually a logarithm"):
        ResponseTable.from_frame(frame.with_columns(concentration=pl.lit(-6.0)))
    with pytest.raises(TableError, match=r"response must be a finite number or empty; row 1 \(curve a\) holds inf"):
        ResponseTable.from_frame(frame.with_columns(response=pl.lit(math.inf)))
    with pytest.raises(TableError, match="must hold numbers, but row 1 holds 'high'"):
        ResponseTable.from_frame(frame.with_columns(response=pl.lit("high")))


# ---------------------------------------------------------------- normalise and quality by hand


def plate(**signals):
    """Return a plate: vehicle 90, 100, 110; blank 8, 10, 12; positive 20, 22; two samples."""
    values = {
        "vehicle": [90.0, 100.0, 110.0],
        "blank": [8.0, 10.0, 12.0],
        "positive": [20.0, 22.0],
        "sample": [55.0, 19.0],
        **signals,
    }
    rows = [(role, value) for role, column in values.items() for value in column]
    return pl.DataFrame({
        "plate_id": ["P"] * len(rows), "well": [f"A{k + 1}" for k in range(len(rows))], "role": [role for role, _ in rows],
        "compound": ["x" if role == "sample" else None for role, _ in rows],
        "concentration_nM": [5.0 if role == "sample" else None for role, _ in rows], "signal": [value for _, value in rows],
    })  # fmt: skip


def test_normalise_by_hand():
    assert normalise(plate()).table["response"].to_list() == pytest.approx([0.5, 0.1])  # (55 - 10) / 90, (19 - 10) / 90


def test_without_blank_the_positive_control_is_0():
    assert normalise(plate(blank=[])).table["response"].to_list() == pytest.approx([34 / 79, -2 / 79])


def test_responses_are_untrimmed():
    assert normalise(plate(sample=[145.0, 1.0])).table["response"].to_list() == pytest.approx([1.5, -0.1])


def test_each_plate_has_its_own_window():
    both = pl.concat([plate(), plate(vehicle=[200.0, 220.0]).with_columns(plate_id=pl.lit("Q"))])
    assert normalise(both).table["response"].to_list() == pytest.approx([0.5, 0.1, 45 / 200, 9 / 200])


def test_a_person_may_exclude_wells():
    table = normalise(plate(), excluded=[{"plate_id": "P", "well": "A9"}]).table
    assert table["excluded"].to_list() == [True, False]


@pytest.mark.parametrize("well", ["A1", "A99", "a9"])
def test_only_sample_wells_can_be_excluded(well):
    with pytest.raises(TableError, match=f"plate P: {well} is no sample well.*only sample wells can be excluded"):
        normalise(plate(), excluded=[{"plate_id": "P", "well": well}])


def test_quality_by_hand():
    row = quality(plate()).table.row(0, named=True)
    # vehicle: mean 100, SD 10, median 100, MAD 10; blank: mean 10, SD 2, median 10, MAD 2
    assert row["z_prime"] == pytest.approx(1 - 3 * 12 / 90)
    assert row["robust_z_prime"] == pytest.approx(1 - 3 * 1.4826 * 12 / 90)
    assert row["ssmd"] == pytest.approx(90 / math.sqrt(104))
    assert row["signal_to_background"] == pytest.approx(10.0)
    assert row["cv_vehicle"] == pytest.approx(0.1)
    assert (row["n_vehicle"], row["n_blank"], row["flags"]) == (3, 3, "")
    against = quality(plate(), against="positive").table.row(0, named=True)
    assert against["z_prime"] == pytest.approx(1 - 3 * (10 + math.sqrt(2)) / 79)
    assert against["signal_to_background"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        ({"vehicle": [100.0]}, "fewer than two"), ({"blank": []}, "fewer than two"), ({"vehicle": [9.0, 10.0]}, "swapped controls"),
        ({"vehicle": [50.0, 150.0]}, "failed"), ({"vehicle": [85.0, 100.0, 115.0]}, "marginal"),
    ],
)  # fmt: skip
def test_flags_in_words(signals, words):
    assert words in quality(plate(**signals)).table["flags"][0]


def test_z_prime_of_one_half_is_good():
    row = quality(plate(vehicle=[87.0, 100.0, 113.0])).table.row(0, named=True)
    assert row["z_prime"] == 0.5
    assert row["flags"] == ""


@given(st.floats(0.1, 100.0), st.floats(-5.0, 50.0))
def test_the_scale_of_the_reader_does_not_matter(scale, offset):
    other = plate().with_columns(pl.col("signal") * scale + offset)
    assert normalise(other).table["response"].to_list() == pytest.approx([0.5, 0.1], abs=1e-9)
    assert quality(other).table["z_prime"][0] == pytest.approx(0.6, abs=1e-9)


# ---------------------------------------------------------------- from wells to potencies


def test_the_stage_analyses_what_it_simulates():
    wells = simulate(
        [TrueCurve("alectinib", "WT", 10.4), TrueCurve("alectinib", "G1202R", 800.0)], seed=4, target="ALK", system="Ba/F3"
    )
    fits = analyse(wells)
    assert fits.table["curve_id"].to_list() == ["alectinib | ALK | WT | Ba/F3", "alectinib | ALK | G1202R | Ba/F3"]
    held = potency(fits, serum_fraction=0.1)
    assert held.table.select("variant", "value_nM").rows() == [
        ("WT", fits.table["ic50_nM"][0]),
        ("G1202R", fits.table["ic50_nM"][1]),
    ]
    assert held.table["serum_fraction"].to_list() == [0.1, 0.1]


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_the_truth_check_refuses_another_truth(truth):
    (true,) = truth.settings["truths"]
    wrong = [TrueCurve(true.compound, true.variant, 2 * true.ic50_nM, true.slope)]
    assert not truth.check(STAGE.analyse(STAGE.simulate(**{**truth.settings, "truths": wrong})), truth.settings)


# ---------------------------------------------------------------- real curves


def test_no_sarcoma_curve_of_an_alk_inhibitor_is_lost():
    frame = pl.read_csv(shared("data", "assay", "sarcoma_curves.csv"), infer_schema_length=None)
    inhibitors = ["alectinib", "crizotinib", "brigatinib", "ceritinib", "lorlatinib"]
    frame = frame.filter(pl.col("drug").str.to_lowercase().is_in(inhibitors))
    assert frame["drug"].str.to_lowercase().n_unique() >= 1
    assert frame["conc_unit"].unique().to_list() == ["nM"]
    responses = ResponseTable.from_frame(frame, concentration="conc", concentration_unit="nM", response="response")
    table = fit(responses).table
    assert table["curve_id"].to_list() == frame["curve_id"].unique(maintain_order=True).to_list()
    assert table["n_points"].sum() == frame["response"].drop_nulls().len()
    assert table["status"].str.len_chars().min() > 0
    assert table.filter(pl.col("rss").is_null() & ~pl.col("status").str.starts_with("Not fitted")).is_empty()


def test_the_cell_free_curves_of_dasatinib():
    frame = pl.read_csv(shared("data", "assay", "selectscreen_abl1_cellfree.csv"), infer_schema_length=None)
    frame = frame.with_columns(curve_id=pl.col("target"), remaining=100 - pl.col("pct_inhibition"))
    responses = ResponseTable.from_frame(
        frame, concentration="Compound_Conc_nM", concentration_unit="nM", response="remaining", response_unit="percent"
    )
    rows = {row["curve_id"]: row for row in fit(responses).table.iter_rows(named=True)}
    assert set(rows) == set(frame["target"].unique())
    assert rows["ABL1"]["ec50_nM"] == pytest.approx(0.1274701835, rel=1e-4)  # the stored optimum of the reference
    assert rows["ABL1"]["ec50_lower_nM"] == pytest.approx(0.1088828568, rel=0.02)
    assert rows["ABL1"]["ec50_upper_nM"] == pytest.approx(0.1480206205, rel=0.02)
    assert np.isfinite(rows["ABL1"]["ic50_nM"])
