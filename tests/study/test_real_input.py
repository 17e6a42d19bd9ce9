"""Real data through `run`, as studies of their own: a kinase assay, a viability screen, a big plate set, and a trial."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from benchside.report.dossier import write_dossier
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


PROFILE_1014 = """
[study]
name = "profile-1014"
[clinical]
title = "PROFILE 1014"
control = "chemo"
arm = "arm"
landmarks_months = [6, 12, 18]
published = "PROFILE 1014"
data_note = "Patients reconstructed from the published curves (kmdata 1.0.1): pseudo-patients, no patient data."
[[clinical.endpoints]]
name = "PFS"
assessment = "IRC"
file = "kmdata_dev.parquet"
time = "time"
time_unit = "months"
where = { trial = "PROFILE1014_1A" }
[[clinical.endpoints]]
name = "OS"
file = "kmdata_dev.parquet"
time = "time"
time_unit = "months"
where = { trial = "PROFILE1014_1B" }
[[clinical.endpoints]]
name = "Intracranial TTP"
file = "kmdata_dev.parquet"
time = "time"
time_unit = "months"
where = { trial = "PROFILE1014_2A" }
intercurrent_events = "death without intracranial progression: censored, as published (net, not cumulative incidence)"
"""
FIGURES = {"PFS (IRC)": "PROFILE1014_1A", "OS": "PROFILE1014_1B", "Intracranial TTP": "PROFILE1014_2A"}
"""The package labels figure 2A PFS; its events and hazard ratio are those of intracranial time to progression."""


def test_profile_1014_whole_equals_r_endpoint_by_endpoint(tmp_path, opened):
    root = study(tmp_path / "profile", shared("data", "clinical", "kmdata_dev.parquet"), PROFILE_1014)
    run(root)
    results = opened(root)
    r = {
        name: pl.read_csv(shared("reference", "clinical", f"kmdata_{name}.csv"), null_values=["NA", ""], infer_schema_length=None)
        for name in ("km_arms", "logrank", "cox_terms", "coxzph")
    }
    for label, dataset in FIGURES.items():
        own = {name: table.filter(pl.col("dataset") == dataset) for name, table in r.items()}
        arms = {row["arm"]: row for row in own["km_arms"].iter_rows(named=True)}
        for row in results.table(f"clinical.kaplan_meier {label}").iter_rows(named=True):
            assert (row["n"], row["events"]) == (arms[row["arm"]]["n"], arms[row["arm"]]["events"])
            median = arms[row["arm"]]["median"]
            assert row["median_months"] == (None if median is None else pytest.approx(median, rel=1e-9))
        test = results.table(f"clinical.log_rank {label}")
        assert test["chi2"][0] == pytest.approx(own["logrank"].filter(stratified=0)["chisq"][0], rel=1e-7)
        term = own["cox_terms"].filter(model="arm", ties="efron").row(0, named=True)
        ratio = results.table(f"clinical.cox {label}").row(0, named=True)
        assert ratio["coefficient"] == pytest.approx(term["coef"], rel=1e-7)
        assert (ratio["lower"], ratio["upper"]) == pytest.approx((term["hr_lo"], term["hr_hi"]), rel=1e-6)
        hazards = results.table(f"clinical.proportional_hazards {label}").row(by_predicate=pl.col("term") == "arm", named=True)
        wanted = own["coxzph"].filter(model="arm", ties="efron", transform="km", term="arm")
        assert hazards["chi2"] == pytest.approx(wanted["chisq"][0], rel=1e-6)
    assert results.table("clinical.cox Intracranial TTP")["hazard_ratio"][0] == pytest.approx(0.58, abs=0.005)  # published: 0.60
    page = write_dossier(root).read_text(encoding="utf-8")
    for words in (
        "no patient data",
        "Published beside computed: PROFILE 1014",
        "net, not cumulative incidence",
        "0.60 (2013-11-30)",
    ):
        assert words in page
