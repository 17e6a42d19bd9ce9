"""Real data through `run`, as studies of their own: a kinase assay, a viability screen, a big plate set, and a trial."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from benchside.study.results import Results
from benchside.study.trail import replay, trace
from benchside.study.workflow import run
from tests.shared_data import shared


def study(root: Path, data: Path, toml: str) -> Path:
    root.mkdir()
    shutil.copy(data, root / data.name)
    (root / "study.toml").write_text(toml, encoding="utf-8")
    return root


@pytest.fixture
def opened():
    held: list[Results] = []

    def open_results(root: Path) -> Results:
        held.append(Results.of(root))
        return held[-1]

    yield open_results
    for results in held:
        results.close()


def test_a_kinase_assay_and_its_gatekeeper_mutant(tmp_path, opened):
    data = shared("data", "assay", "selectscreen_abl1_cellfree.csv")
    root = study(
        tmp_path / "selectscreen",
        data,
        """
        [study]
        name = "selectscreen"
        [assay]
        files = ["selectscreen_abl1_cellfree.csv"]
        format = "responses"
        columns = { compound = "treatment", variant = "target", concentration = "Compound_Conc_nM", response = "activity" }
        concentration_unit = "nM"
        response_unit = "percent"
        system = "cell-free"
        serum_fraction = 0.0
        """,
    )
    run(root)
    results = opened(root)
    fits = {row["variant"]: row for row in results.table("assay.fit").iter_rows(named=True)}
    # the reference profile interval of this curve: 0.1275 (0.1089 to 0.1480) nM
    assert fits["ABL1"]["ec50_nM"] == pytest.approx(0.12747, rel=1e-4)
    assert fits["ABL1"]["ec50_lower_nM"] == pytest.approx(0.10888, rel=1e-3)
    assert fits["ABL1"]["ec50_upper_nM"] == pytest.approx(0.14802, rel=1e-3)
    assert (fits["ABL1 T315I"]["ic50_relation"], fits["ABL1 T315I"]["ic50_nM"]) == (">", 100.0)
    number = next(
        record.id for record in results.evidence("assay.fit").records() if record.quantity == "IC50" and record.variant == "ABL1"
    )
    cells = list(trace(results, number).step.every_cell())
    assert len(cells) == 20
    assert all(cell.startswith("selectscreen_abl1_cellfree.csv@") for cell in cells)
    assert replay(results, number).same


def test_alk_inhibitors_on_sarcoma_lines_lose_no_curve(tmp_path, opened):
    data = shared("data", "assay", "sarcoma_curves.csv")
    root = study(
        tmp_path / "sarcoma",
        data,
        """
        [study]
        name = "sarcoma"
        [assay]
        files = ["sarcoma_curves.csv"]
        format = "responses"
        response_unit = "fraction"
        [assay.columns]
        curve_id = "curve_id"
        compound = "drug"
        system = "cell_line"
        concentration = "conc"
        concentration_unit = "conc_unit"
        response = "response"
        replicate = "replicate"
        [assay.where]
        drug = ["Alectinib", "Crizotinib", "Brigatinib", "Ceritinib", "Lorlatinib"]
        """,
    )
    run(root)
    fits = opened(root).table("assay.fit")
    assert fits.height == 165
    assert fits["rss"].null_count() == 0
    assert fits.filter((pl.col("ic50_relation") == "=") & (pl.col("ic50_nM") > pl.col("highest_nM"))).is_empty()


def test_three_hundred_gdsc_plates(tmp_path, opened):
    wells = pl.read_parquet(shared("data", "assay", "gdsc_wells.parquet"))
    plates = wells["BARCODE"].unique().sort().head(300)
    (tmp_path / "gdsc").mkdir()
    wells.filter(pl.col("BARCODE").is_in(plates.implode())).write_parquet(tmp_path / "gdsc" / "wells.parquet")
    (tmp_path / "gdsc" / "study.toml").write_text(
        '[study]\nname = "gdsc"\n[assay]\nfiles = ["wells.parquet"]\n', encoding="utf-8"
    )
    run(tmp_path / "gdsc")
    results = opened(tmp_path / "gdsc")
    reference = pl.read_csv(shared("reference", "assay", "gdsc_plate_qc_reference.csv"), schema_overrides={"BARCODE": pl.String})
    joined = results.table("assay.quality").join(reference, left_on="plate_id", right_on="BARCODE")
    assert joined.height == 300
    assert (joined["z_prime"] - joined["zprime_NC1_vs_B"]).abs().max() < 1e-6
    assert results.table("assay.fit")["rss"].null_count() == 0


def test_profile_1014(tmp_path, opened):
    data = shared("data", "clinical", "kmdata_dev.parquet")
    root = study(
        tmp_path / "profile",
        data,
        """
        [study]
        name = "profile-1014"
        [clinical]
        file = "kmdata_dev.parquet"
        where = { trial = "PROFILE1014_1A" }
        time = "time"
        time_unit = "months"
        event = "event"
        arm = "arm"
        control = "chemo"
        """,
    )
    run(root)
    results = opened(root)
    km = pl.read_csv(shared("reference", "clinical", "kmdata_km_arms.csv"), null_values=["NA", ""])
    wanted = {row["arm"]: row for row in km.filter(pl.col("dataset") == "PROFILE1014_1A").iter_rows(named=True)}
    for row in results.table("clinical.kaplan_meier").iter_rows(named=True):
        assert row["median_months"] == pytest.approx(wanted[row["arm"]]["median"], rel=1e-9)
        assert row["events"] == wanted[row["arm"]]["events"]
    assert results.table("clinical.cox")["hazard_ratio"][0] == pytest.approx(0.4734, abs=5e-5)
