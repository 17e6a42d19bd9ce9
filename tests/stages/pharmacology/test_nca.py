"""Non-compartmental analysis against published output of other programs, by hand, on real data, and what it refuses."""

import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError, UnitError
from benchside.stages.pharmacology import compound, course, exposure, nca, read_events
from tests.shared_data import shared

MASS = 180.16
TIME = [0, 0.25, 0.57, 1.12, 2.02, 3.82, 5.10, 7.03, 9.05, 12.12, 24.37]
CONC = [0.74, 2.84, 6.57, 10.50, 9.66, 8.58, 8.36, 7.47, 6.89, 5.94, 3.28]
THEOPH = pl.DataFrame({"time_h": [float(t) for t in TIME], "concentration_mg_per_L": CONC})
"""Theophylline, subject 1 (R's datasets::Theoph), 320 mg."""

WINNONLIN = {  # Certara's output as kept by the NonCompart-tests repository, dose 320 mg
    "linear": {"auc_last": 148.923050, "auc_inf": 216.611933, "clearance": 1.477296, "volume": 30.486748, "share": 0.31248917},
    "linear-up log-down": {"auc_last": 147.2347485, "auc_inf": 214.923632, "clearance": 1.488901, "volume": 30.726232},
}


def erlotinib(arm=None):
    return read_events(shared("data", "xenograft", "lxf_erlotinib_pkpd.csv"), molar_mass_g_per_mol=393.4, arm=arm)


@pytest.mark.parametrize("rule", WINNONLIN)
def test_theophylline_as_winnonlin_has_it(rule):
    row = nca(THEOPH, dose_mg=320, molar_mass_g_per_mol=MASS, rule=rule).table.row(0, named=True)
    wanted, mg_h_per_L = WINNONLIN[rule], MASS / 1e6
    assert row["auc_last_nM_h"] * mg_h_per_L == pytest.approx(wanted["auc_last"], abs=5e-7)
    assert row["auc_inf_nM_h"] * mg_h_per_L == pytest.approx(wanted["auc_inf"], abs=5e-6)
    assert row["clearance_L_per_h"] == pytest.approx(wanted["clearance"], abs=5e-6)
    assert row["volume_z_L"] == pytest.approx(wanted["volume"], abs=5e-6)
    assert row["half_life_h"] == pytest.approx(14.304378, abs=1e-6)
    assert (row["maximum_at_h"], row["lambda_z_points"]) == (1.12, 3)
    assert "31% of the area to infinity is extrapolated" in row["status"]
    if "share" in wanted:
        assert row["extrapolated_share"] == pytest.approx(wanted["share"], abs=1e-7)


def test_by_hand():
    # 0, 8, 4, 2, 1 nM at 0, 1, 2, 3, 4 h: up 4; down 4/ln2 + 2/ln2 + 1/ln2; beyond 1/ln2. 100 nmol (of 400 g/mol) is 0.04 mg
    table = pl.DataFrame({"time_h": [0.0, 1, 2, 3, 4], "concentration_nM": [0.0, 8, 4, 2, 1]})
    row = nca(table, dose_mg=0.04, molar_mass_g_per_mol=400, every_h=2.0).table.row(0, named=True)
    ln2 = math.log(2)
    assert row["auc_last_nM_h"] == pytest.approx(4 + 7 / ln2)
    assert row["auc_inf_nM_h"] == pytest.approx(4 + 8 / ln2)
    assert row["extrapolated_share"] == pytest.approx(1 / ln2 / (4 + 8 / ln2))
    assert row["clearance_L_per_h"] == pytest.approx(100 / (4 + 8 / ln2))
    assert row["volume_z_L"] == pytest.approx(100 / (4 + 8 / ln2) / ln2)
    # moment: the trapezoid of t C up, 4; from the peak on the integral of t 8 exp(-ln2 (t - 1)): 8 (1 / ln2 + 1 / ln2^2)
    assert row["mean_residence_h"] == pytest.approx((4 + 8 / ln2 + 8 / ln2**2) / (4 + 8 / ln2))
    assert row["accumulation"] == pytest.approx(4 / 3)
    assert row["status"] == "ok"


def test_a_simulated_course_gives_its_parameters_back():
    known = compound("ensartinib")
    found = course("ensartinib", steps=None, missed=list(range(2, 29)), times_per_h=4).table.filter(pl.col("time_h") <= 240)
    row = nca(found.select("time_h", "concentration_nM"), dose_mg=225, molar_mass_g_per_mol=561.4).table.row(0, named=True)
    assert row["clearance_L_per_h"] == pytest.approx(known.structure.clearance_L_per_h, rel=2e-3)
    assert row["half_life_h"] == pytest.approx(known.structure.half_life_h(), rel=1e-3)
    assert row["mean_residence_h"] == pytest.approx(1 / 1.065 + 1380 / 52.3, rel=2e-3)  # absorption and elimination


def test_one_interval_at_steady_state():
    found = exposure("lorlatinib").table
    row = nca(found, dose_mg=100, molar_mass_g_per_mol=406.4, every_h=24, steady_state=True).table.row(0, named=True)
    assert row["clearance_L_per_h"] == pytest.approx(18, rel=2e-3)
    assert row["auc_inf_nM_h"] is None
    short = nca(found.filter(pl.col("time_h") < 20), dose_mg=100, molar_mass_g_per_mol=406.4, every_h=24, steady_state=True)
    assert short.table["clearance_L_per_h"][0] is None
    assert "and not the interval of 24 h" in short.table["status"][0]


def test_what_cannot_be_had_is_null_with_a_sentence():
    rising = nca(pl.DataFrame({"time_h": [0.0, 1, 2], "concentration_nM": [1.0, 2, 3]})).table.row(0, named=True)
    assert rising["half_life_h"] is None
    assert "no terminal slope" in rising["status"]
    nothing = nca(pl.DataFrame({"time_h": [0.0, 1, 2], "concentration_nM": [0.0, 0, 0]})).table.row(0, named=True)
    assert "no concentration is above 0" in nothing["status"]
    tail = nca(pl.DataFrame({"time_h": [0.0, 1, 2, 3], "concentration_nM": [0.0, 4, 2, 0]})).table.row(0, named=True)
    assert tail["last_at_h"] == 2.0
    assert tail["auc_nM_h"] - tail["auc_last_nM_h"] == pytest.approx(1.0)


def test_refusals():
    with pytest.raises(SettingError, match="needs the molar mass"):
        nca(pl.DataFrame({"time_h": [0.0, 1], "concentration_nM": [1.0, 2]}), dose_mg=10)
    with pytest.raises(SettingError, match="Give every_h"):
        nca(pl.DataFrame({"time_h": [0.0, 1], "concentration_nM": [1.0, 2]}), steady_state=True)
    with pytest.raises(SettingError, match="dose_mg must be > 0"):
        nca(THEOPH, dose_mg=-1, molar_mass_g_per_mol=MASS)
    with pytest.raises(UnitError, match="state molar_mass"):
        nca(THEOPH)
    with pytest.raises(TableError, match="needs two or more"):
        nca(pl.DataFrame({"subject": ["a", "a", "b"], "time_h": [0, 1, 0], "concentration_nM": [1, 2, 3]}))


def test_real_event_table_counts_every_subject_in_and_out():
    events = erlotinib()
    counts = events.counts
    assert counts["concentrations"] == counts["empty concentrations left out"] + counts["concentrations kept"]
    assert (counts["subjects"], counts["doses"], counts["concentrations kept"], counts["subjects kept"]) == (52, 193, 47, 42)
    table = events.concentrations.table
    # mouse 31 was dosed daily from day 3, on day 10 for the eighth time, and sampled on day 10.1035: 2.483 h later
    sample = table.filter(subject="31", dose_number=8).row(0, named=True)
    assert sample["time_h"] == pytest.approx(0.10347222 * 24, abs=1e-6)
    assert sample["concentration_nM"] == pytest.approx(0.848e3 / 393.4)


def test_real_single_dose_arm_as_one_curve_of_animals_sampled_once():
    events = erlotinib("single")
    row = nca(events.concentrations, molar_mass_g_per_mol=393.4, composite=True).table.row(0, named=True)
    means = (
        events.concentrations.table.with_columns(pl.col("time_h").round(2))
        .group_by("time_h")
        .agg(pl.col("concentration_nM").mean())
        .sort("time_h")
    )
    linear = float(np.trapezoid(means["concentration_nM"], means["time_h"]))
    assert row["n_points"] == 8
    assert row["auc_last_nM_h"] == pytest.approx(linear, rel=0.1)
    assert 0.05 < row["auc_se_nM_h"] / row["auc_last_nM_h"] < 0.2
    assert row["dose_mg"] == pytest.approx(2.745, abs=1e-3)
    # As printed, clearance is 32 L/h in an animal of 27 g, some hundred times its cardiac output: the file's ng/mL is very
    # likely ug/mL. The unit is taken as it stands, and the number shows what it means.
    assert row["clearance_L_per_h"] == pytest.approx(31.9, abs=0.1)


def event_rows(**changes):
    rows = {
        "ID": [1, 1, 2], "Time": [0.0, 2.0, 1.0], "Time unit": ["h"] * 3, "Observable": [None, "Plasma concentration", "Plasma concentration"],
        "Value": [None, 5.0, 6.0], "Observable unit": [None, "nM", "nM"], "Dose": [10.0, None, None], "Dose unit": ["mg", None, None],
    }  # fmt: skip
    return pl.DataFrame({**rows, **changes})


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"Time unit": ["h", "d", "h"]}, UnitError, "one unit in every row"),
        ({"Observable unit": [None, "nM", None]}, UnitError, "empty cells"),
        ({"Observable unit": [None, "stones", "stones"]}, UnitError, "no concentration unit"),
        ({"Dose unit": ["g", None, None]}, UnitError, "Give every dose in mg"),
        ({"Observable": ["x", "x", "x"]}, TableError, "there is no observable"),
        ({"Value": [None, "BLQ", "6"]}, TableError, "row 2 holds 'BLQ'"),
    ],
)
def test_event_refusals(changes, error, words):
    with pytest.raises(error, match=words):
        read_events(event_rows(**changes), molar_mass_g_per_mol=400)


def test_a_subject_without_a_dose_is_counted_out():
    events = read_events(event_rows(), molar_mass_g_per_mol=400)
    assert events.counts["concentrations before any dose left out"] == 1
    assert events.counts["subjects kept"] == 1
    with pytest.raises(TableError, match="there is no arm 'high'"):
        read_events(event_rows(arm=["low"] * 3), molar_mass_g_per_mol=400, arm="high")
    with pytest.raises(TableError, match="column Dose unit is missing"):
        read_events(event_rows().drop("Dose unit"), molar_mass_g_per_mol=400)
