"""Structures and their facts: against the shared table, the published exposures, and what must be refused or said."""

import csv
import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import NoEvidenceError, SettingError
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.stages.pharmacology import compound, compounds, exposure, exposure_response, published_exposures
from benchside.stages.pharmacology.compound import build
from tests.shared_data import shared

SHARED_NAMES = {
    "CL_F": "CL/F", "V_F": "V/F", "CL_F_ss": "CL/F", "CL_F_d28": "CL/F", "CL_F_single": "CL/F_first", "CL_F_d15": "CL/F_day_15",
    "fu_plasma": "unbound_fraction", "Cmax_ss": "Cmax_ss", "AUC24_ss": "AUC0-24_ss", "accumulation": "accumulation",
    "food_effect_AUC": "food_effect_AUC", "CSF_to_free_plasma": "csf_to_free_plasma", "CSF_unbound_ratio": "csf_to_free_plasma",
}  # fmt: skip
PAIRS = {  # rows that hold several values in one cell
    ("ceritinib", "CL_F_ss / V_F / bound"): {"CL/F": 33.2, "V/F": 4230.0, "unbound_fraction": 1 - 0.97},
    ("brigatinib", "CL_F / V_F / bound"): {"CL/F": 8.9, "V/F": 307.0, "unbound_fraction": 1 - 0.91},
    ("ensartinib", "CL_F / V_F"): {"CL/F": 52.3, "V/F": 1380.0},
    ("ensartinib", "Cmax / AUCinf / t_half / Tmax"): {
        "Cmax_single": 185.0,
        "AUCinf_single": 3827.0,
        "t_half": 18.3,
        "tmax_single": 3.25,
    },
}


def shared_rows():
    with shared("data", "pathway", "pk_parameters.tsv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_facts_are_those_of_the_shared_table():
    compared = 0
    for row in shared_rows():
        named = SHARED_NAMES.get(row["parameter"])
        wanted = PAIRS.get((row["drug"], row["parameter"]))
        if named is not None and row["drug"].split("_")[0] in compounds():
            wanted = {named: float(row["value"].lstrip("<"))}
        for quantity, value in (wanted or {}).items():
            if quantity not in compound(row["drug"]).facts:  # the accumulation and food effect of alectinib stand with alectinib
                continue
            fact = compound(row["drug"]).facts[quantity]
            assert fact.value == pytest.approx(value), (row["drug"], quantity)
            if row["status"].startswith("FROM MEMORY"):
                assert fact.verified == "memory"
                assert fact.status.startswith(MEMORY_SENTENCE)
            compared += 1
    assert compared >= 26


def test_what_is_from_memory_is_said_wherever_it_is_used():
    for name in ("ceritinib", "brigatinib", "lorlatinib"):
        assert MEMORY_SENTENCE in exposure(name).source
    assert MEMORY_SENTENCE not in exposure("ensartinib").source
    assert "one 200 mg dose in 6 healthy men" in exposure("ensartinib").source


def test_derived_facts_follow_from_what_they_are_derived_from():
    crizotinib, ceritinib = compound("crizotinib").facts, compound("ceritinib").facts
    first, later, last = (crizotinib[name].value for name in ("CL/F_first", "CL/F_day_15", "CL/F"))
    assert crizotinib["CL/F_change_rate"].value == pytest.approx(math.log((first - last) / (later - last)) / 14, abs=1e-4)
    assert ceritinib["CL/F_first"].value == pytest.approx(4230 * math.log(2) / 36, abs=0.05)
    assert ceritinib["CL/F_change_rate"].value == pytest.approx(math.log(20) / 15, abs=1e-3)
    ensartinib = compound("ensartinib").facts
    assert ensartinib["CL/F"].value == pytest.approx(200e3 / 3827, rel=1e-3)
    assert ensartinib["V/F"].value == pytest.approx(ensartinib["CL/F"].value * 18.3 / math.log(2), rel=1e-3)
    lorlatinib = compound("lorlatinib").facts
    assert [lorlatinib[name].value for name in ("Vc/F", "Vp/F", "Q/F")] == pytest.approx(
        [120.511 / 0.759, 154.905 / 0.759, 22.002 / 0.759], rel=1e-3
    )
    for name, peak_h in (("ceritinib", 5.0), ("ensartinib", 3.25)):
        structure = compound(name).structure
        k = (structure.change.first_L_per_h if structure.change else structure.clearance_L_per_h) / structure.volume_L
        ka = structure.absorption.rate_per_h
        assert math.log(ka / k) / (ka - k) == pytest.approx(peak_h, abs=0.05)


def test_crizotinib_passes_through_its_published_clearances():
    course = compound("crizotinib").structure.course()
    at = course.clearance_at(np.array([0.0, 14 * 24.0, 27 * 24.0]))
    assert at[0] == 100
    assert at[1] == pytest.approx(64.5, abs=0.01)
    assert at[2] == pytest.approx(60.1, rel=0.01)


PUBLISHED = {
    ("alectinib", "AUC0-12_ss"): 7430, ("alectinib", "Cmax_ss"): 665, ("alectinib", "Cmin_ss"): 572,
    ("alectinib_M4", "AUC0-12_ss"): 2810, ("alectinib_M4", "Cmax_ss"): 246,
    ("lorlatinib", "AUC0-24_ss"): 5650, ("lorlatinib", "Cmax_ss"): 577,
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), PUBLISHED.items(), ids=str)
def test_published_exposures_within_5_percent(key, value):
    row = published_exposures().filter(compound=key[0], quantity=key[1]).row(0, named=True)
    assert row["published"] == value
    assert row["ratio"] == pytest.approx(1, abs=0.05)
    assert "misfit" not in row["status"]


def test_misfits_are_reported_and_not_tuned_away():
    table = published_exposures()
    accumulation = table.filter(compound="alectinib", quantity="accumulation")["computed"].to_list()
    assert accumulation == pytest.approx([4.607, 5.427], abs=1e-3)  # by rate, by area; published 5.6
    by_rate = table.filter(compound="alectinib", quantity="accumulation").row(0, named=True)
    assert "misfit of -18%" in by_rate["status"]
    assert "misfit of -31%" in table.filter(compound="ensartinib", quantity="Cmax_single")["status"][0]
    assert "misfit of -32%" in table.filter(compound="crizotinib", quantity="t_half")["status"][0]
    inputs = table.filter(pl.col("is_input"))
    assert inputs["status"].str.contains("the agreement says nothing").all()
    assert not inputs["status"].str.contains("misfit").any()


def test_without_total_pharmacokinetics_a_compound_is_refused_in_words():
    facts = dict(compound("crizotinib").facts)
    for gone, words in (("CL/F", "CL/F"), ("V/F", "V/F"), ("absorption_duration", "absorption_duration or absorption_rate")):
        part = {name: fact for name, fact in facts.items() if name != gone}
        with pytest.raises(NoEvidenceError, match=f"drug-x: {words} is not known.*nothing is computed"):
            build("drug-x", part)
    with pytest.raises(NoEvidenceError, match="did you mean 'lorlatinib'"):
        compound("lorlatinb")


def test_food_by_the_published_effect():
    fed, fasted = (exposure("alectinib", fed=fed).average_nM for fed in (True, False))
    assert fed == exposure("alectinib").average_nM
    assert fed / fasted == pytest.approx(3.11)
    assert exposure("ceritinib", fed=True).average_nM / exposure("ceritinib").average_nM == pytest.approx(1.39)
    with pytest.raises(NoEvidenceError, match="food effect of crizotinib is not published here"):
        exposure("crizotinib", fed=False)


def test_a_missed_dose_is_what_superposition_says():
    whole, part = exposure("lorlatinib"), exposure("lorlatinib", missed=[1])
    time_h = whole.table["time_h"].to_numpy()
    lost = (whole.table["concentration_nM"] - part.table["concentration_nM"]).to_numpy()
    structure, known = compound("lorlatinib").structure, compound("lorlatinib")
    single = structure.single(dose_mg=100, clearance=18.0, volume=structure.volume_L)(time_h) * known.nM_per_mg_per_L
    assert lost == pytest.approx(single, rel=1e-9, abs=1e-9)
    # the dose before last has mostly left: its loss is what is left of one dose after 24 to 48 h
    earlier = exposure("lorlatinib", missed=[2]).average_nM
    assert part.average_nM < earlier < whole.average_nM
    for wrong in ([0], [1, 1], [1.5]):
        with pytest.raises(SettingError, match="counted back"):
            exposure("lorlatinib", missed=wrong)


@pytest.mark.parametrize(("dose_mg", "name"), [(0.6, "alectinib"), (600_000.0, "alectinib"), (0.1, "lorlatinib")])
def test_a_dose_in_another_unit_is_noticed(dose_mg, name):
    with pytest.raises(SettingError, match="looks like another unit"):
        exposure(name, dose_mg=dose_mg)


def test_a_class_prior_is_a_warning_where_nothing_is_known():
    source = exposure("ensartinib", site="cns", matrix="free").source
    assert source.count("warning:") == 2
    assert "class prior" not in exposure("ensartinib").source
    assert "warning: the brain's share of free plasma of brigatinib" in exposure("brigatinib", site="cns", matrix="free").source


def test_exposure_and_outcome_side_by_side_with_the_contradiction():
    table = exposure_response("alectinib")
    assert {"threshold", "no relation"} <= set(table["finding"])
    assert table["contradiction"].str.contains("no threshold is used").all()
    hazard = table.filter(pl.col("fact").str.contains("HR")).row(0, named=True)
    assert (hazard["value"], hazard["lower"], hazard["upper"], hazard["n"]) == ("4.29", 1.33, 13.9, 52)
    assert exposure_response("crizotinib")["contradiction"].null_count() == exposure_response("crizotinib").height
    with pytest.raises(NoEvidenceError, match="nothing on exposure and outcome"):
        exposure_response("ensartinib")
