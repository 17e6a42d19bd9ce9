"""Exposure against the label's figures, free against total, and the population."""

import re

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import MatrixMismatch, NoEvidenceError, SettingError, TableError
from benchside.stages.pharmacology import active_moieties, active_sum, exposure, nca, parameters

ALECTINIB = {"dose_mg": 600.0, "every_h": 12.0}
CRIZOTINIB = {"dose_mg": 250.0, "every_h": 12.0}


def ng_per_mL(compound, column):
    row = nca(exposure(compound, **ALECTINIB).table).table.row(0, named=True)
    return row[column] * parameters(compound).molar_mass_g_per_mol / 1000


@pytest.mark.parametrize(
    ("compound", "column", "published"),
    [  # EMA SmPC 5.2, geometric means at 600 mg twice a day
        ("alectinib", "auc_nM_h", 7430),
        ("alectinib", "maximum_nM", 665),
        ("alectinib", "minimum_nM", 572),
        ("alectinib_M4", "auc_nM_h", 2810),
        ("alectinib_M4", "maximum_nM", 246),
    ],
)
def test_alectinib_agrees_with_its_label_within_5_percent(compound, column, published):
    assert ng_per_mL(compound, column) == pytest.approx(published, rel=0.05)


def test_crizotinib_average_is_dose_over_clearance():
    total = exposure("crizotinib", **CRIZOTINIB)
    assert total.average_nM == pytest.approx(250 / 60.1 / 12 * 1e6 / 450.3, rel=1e-4)


def test_free_is_total_times_the_unbound_fraction():
    total, free = (exposure("crizotinib", **CRIZOTINIB, matrix=matrix) for matrix in ("total", "free"))
    assert free.average_nM == pytest.approx(0.09 * total.average_nM)
    assert total.unbound(fraction=0.09).average_nM == pytest.approx(free.average_nM)
    in_brain = exposure("crizotinib", **CRIZOTINIB, site="cns", matrix="free")
    assert in_brain.average_nM == pytest.approx(0.029 * free.average_nM)


def test_bounds_and_assumptions_stand_beside_the_numbers():
    free = exposure("alectinib", **ALECTINIB, matrix="free").source
    assert "published only as < 0.01" in free
    assert "upper bound" in free
    assert "CL/F 81.9 L/h: from memory, not verified against the source" in free
    assert "absorption_duration 4 h: assumed" in free
    assert "published only as < 0.01" not in exposure("alectinib", **ALECTINIB).source
    assert "one patient, after whole-brain radiotherapy" in exposure("crizotinib", **CRIZOTINIB, site="cns", matrix="free").source


def test_free_and_total_never_meet():
    with pytest.raises(MatrixMismatch, match="matrix='free'"):
        exposure("alectinib", **ALECTINIB, site="cns")
    total = exposure("alectinib", **ALECTINIB)
    with pytest.raises(MatrixMismatch, match="unbound"):
        active_sum([total])


def test_active_sum_adds_the_metabolite():
    assert active_moieties("alectinib") == ("alectinib", "alectinib_M4")
    assert active_moieties("crizotinib") == ("crizotinib",)
    parent, metabolite = (exposure(name, **ALECTINIB, matrix="free") for name in active_moieties("alectinib"))
    both = active_sum([parent, metabolite])
    assert both.average_nM == pytest.approx(parent.average_nM + metabolite.average_nM)
    assert both.compound == "alectinib"
    assert "summed at the same free IC50" in both.source
    with pytest.raises(MatrixMismatch, match="Give one site"):
        active_sum([parent, exposure("alectinib_M4", **ALECTINIB, site="cns", matrix="free")])
    with pytest.raises(TableError, match="different times"):
        active_sum([parent, exposure("alectinib_M4", dose_mg=600, every_h=24, matrix="free")])


def test_population_varies_as_published_and_patient_k_stands_alone():
    many = exposure("alectinib", **ALECTINIB, n=400, seed=3)
    auc = nca(many.table).table["auc_nM_h"].to_numpy()
    cv = np.sqrt(np.expm1(np.log(auc).var(ddof=1)))
    assert cv == pytest.approx(0.457, rel=0.1)
    few = exposure("alectinib", **ALECTINIB, n=7, seed=3).table
    assert few.equals(many.table.filter(pl.col("subject") <= "S0007"))
    assert not few.equals(exposure("alectinib", **ALECTINIB, n=7, seed=4).table)


def test_what_is_not_published_is_not_guessed():
    with pytest.raises(NoEvidenceError, match=r"osimertinib.*there is no default"):
        exposure("osimertinib", dose_mg=80, every_h=24)


@pytest.mark.parametrize("regimen", [{"dose_mg": 0, "every_h": 12}, {"dose_mg": 600, "every_h": float("nan")}])
def test_a_regimen_must_be_one(regimen):
    with pytest.raises(SettingError, match=re.escape("must be > 0")):
        exposure("alectinib", **regimen)
