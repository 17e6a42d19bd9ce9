"""Populations that repeat patient by patient, and courses from the first dose on."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import MatrixMismatch, SettingError
from benchside.stages.pharmacology import Step, compound, course, exposure, population


def test_patient_k_is_the_same_in_any_population_and_in_an_exposure():
    many, few = population("alectinib", n=300, seed=4).table, population("alectinib", n=9, seed=4).table
    assert few.equals(many.head(9))
    drawn = exposure("alectinib", n=9, seed=4).table
    average = drawn.group_by("subject", maintain_order=True).agg(low=pl.col("concentration_nM").min())
    assert few["total_minimum_nM"].to_list() == pytest.approx(average["low"].to_list(), rel=1e-3)
    assert not few.equals(population("alectinib", n=9, seed=5).table)


def test_the_population_of_alectinib_has_the_published_spread():
    table = population("alectinib", n=20_000, seed=1).table

    def spread(column):
        return np.sqrt(np.expm1(np.log(table[column].to_numpy()).var()))

    # EMA SmPC 5.2: CV of AUC 45.7 %, Cmax 44.3 %, Cmin 47.8 %; only the first is an input
    assert spread("total_average_nM") == pytest.approx(0.457, abs=0.01)
    assert spread("total_maximum_nM") == pytest.approx(0.443, abs=0.05)
    assert spread("total_minimum_nM") == pytest.approx(0.478, abs=0.05)
    assert spread("cns_average_nM") > spread("plasma_average_nM")


def test_free_moieties_are_summed_in_a_population():
    table = population("alectinib", n=500, seed=2).table
    parent, metabolite = compound("alectinib").moieties
    ratio = (
        parent.structure.clearance_L_per_h
        / metabolite.structure.clearance_L_per_h
        * parent.molar_mass_g_per_mol
        / metabolite.molar_mass_g_per_mol
    )
    share = (table["plasma_average_nM"] / (0.01 * table["total_average_nM"])).median()
    assert share == pytest.approx(1 + ratio, rel=0.02)


@pytest.mark.parametrize("n", [0, -3, 2.5])
def test_a_population_has_patients(n):
    with pytest.raises(SettingError, match="number of patients"):
        population("alectinib", n=n)


@pytest.mark.parametrize("name", ["alectinib", "brigatinib", "ensartinib"])
def test_a_linear_course_ends_at_steady_state(name):
    every, dose = compound(name).every_h, compound(name).dose_mg
    found = course(name, steps=[Step(dose_mg=dose, every_h=every, days=40)], times_per_h=4)
    last = found.table.filter(pl.col("time_h") >= found.table["time_h"].max() - every)["concentration_nM"].to_numpy()
    steady = exposure(name).table
    at = np.linspace(0, every, last.size)
    assert last == pytest.approx(np.interp(at, steady["time_h"], steady["concentration_nM"]), rel=5e-3)


@pytest.mark.parametrize("name", ["lorlatinib", "crizotinib"])
def test_a_changing_clearance_ends_at_steady_state_too(name):
    found = course(name, times_per_h=2).table
    trough = found["concentration_nM"][-1]
    assert trough == pytest.approx(exposure(name).minimum_nM, rel=0.03)


def test_autoinduction_makes_the_trough_fall_and_inhibition_makes_it_rise():
    def troughs(name, at_days):
        table = course(name, times_per_h=2).table
        return [float(np.interp(24.0 * day, table["time_h"], table["concentration_nM"])) for day in at_days]

    lorlatinib, ceritinib = troughs("lorlatinib", (3, 28)), troughs("ceritinib", (3, 28))
    assert lorlatinib[1] < lorlatinib[0]
    assert ceritinib[1] > 3 * ceritinib[0]


def test_lead_in_missed_doses_and_reductions_are_the_doses_taken():
    taken = course("brigatinib").doses
    assert taken["dose_mg"].to_list() == [90.0] * 7 + [180.0] * 28
    assert taken["time_h"].to_list() == [24.0 * k for k in range(35)]
    missed = course("brigatinib", missed=[1, 9]).doses
    assert missed["dose_number"].to_list() == [k for k in range(1, 36) if k not in (1, 9)]
    reduced = [Step(dose_mg=600, every_h=12, days=2), Step(dose_mg=450, every_h=12, days=1.5)]
    assert course("alectinib", steps=reduced).doses["dose_mg"].to_list() == [600.0] * 4 + [450.0] * 3
    without, whole = (course("brigatinib", missed=gone).table["concentration_nM"] for gone in ([9], []))
    assert (whole - without).min() > -1e-9
    assert (whole - without)[: 8 * 24 * 4].abs().max() == pytest.approx(0, abs=1e-9)


def test_course_refusals():
    with pytest.raises(SettingError, match="numbered from 1 to 35"):
        course("brigatinib", missed=[36])
    with pytest.raises(SettingError, match="no step"):
        course("brigatinib", steps=[])
    with pytest.raises(SettingError, match="looks like another unit"):
        course("brigatinib", steps=[Step(dose_mg=0.18, every_h=24, days=2)])
    with pytest.raises(MatrixMismatch, match="matrix='free'"):
        course("brigatinib", site="cns")
    with pytest.raises(SettingError, match="Change times_per_h"):
        course("brigatinib", times_per_h=1e6)
