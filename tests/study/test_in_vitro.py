"""The in-vitro stage as a study: kinase plates at several ATP levels, combinations, day-0 plates, parental cells, a folder as it is."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchside.cli.main import run_app
from benchside.cli.studies import run as run_command
from benchside.cli.trails import numbers
from benchside.core.errors import BenchsideError
from benchside.report.dossier import write_dossier
from benchside.stages.assay import combination, fit, normalise
from benchside.stages.assay.read import read
from benchside.study.proposal import ensure_study
from benchside.study.results import Results
from benchside.study.stages import STAGES
from benchside.study.trail import replay
from benchside.study.workflow import run
from tests.stages.assay import corpus

DOSES = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0]
SIGNAL, ZERO = 50_000.0, 500.0


def wells(rows: list[dict[str, object]], seed: int = 3) -> pl.DataFrame:
    """Return rows of role, response and what else, as wells of one plate with noise of 2 % of the window."""
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(rows, infer_schema_length=None)
    noise = rng.normal(0, 0.02, table.height)
    names = [f"{chr(65 + k // 24)}{k % 24 + 1}" for k in range(table.height)]
    signal = ZERO + (SIGNAL - ZERO) * (table["response"].to_numpy() + noise)
    return table.drop("response").with_columns(well=pl.Series(names), signal=pl.Series(signal))


def controls(**further: object) -> list[dict[str, object]]:
    """Return four vehicle and four blank wells."""
    return [
        {"role": role, "response": level, "concentration_nM": 0.0, **further}
        for role, level in (("vehicle", 1.0), ("blank", 0.0))
        for _ in range(4)
    ]


def results_of(root: Path) -> Results:
    run(root)
    write_dossier(root)
    return Results.of(root)


def test_a_kinase_at_several_atp_levels_gives_ki_and_mode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ki_nM, km_uM = 5.0, 20.0
    rows: list[dict[str, object]] = []
    for atp in (5.0, 20.0, 100.0, 500.0):
        rows += controls(atp_uM=atp)
        ic50 = ki_nM * (1 + atp / km_uM)
        rows += [
            {"role": "sample", "compound": "x", "response": 1 / (1 + dose / ic50), "concentration_nM": dose, "atp_uM": atp}
            for dose in DOSES
            for _ in range(2)
        ]
    wells(rows).with_columns(plate_id=pl.lit("K1")).write_csv(tmp_path / "kinase.csv")
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "kinase"\n[assay]\nfiles = ["kinase.csv"]\ntarget = "ALK"\nvariant = "WT"\nsystem = "cell-free"\natp_uM = 20\nkm_uM = 20\n'
    )
    with results_of(tmp_path) as results:
        modes = results.table("assay.mode_of_inhibition")
        best = modes.filter("best").row(0, named=True)
        assert best["model"] == "competitive"
        assert best["ki_lower_nM"] < ki_nM < best["ki_upper_nM"]
        assert results.table("assay.fit").height == 4  # a curve an ATP level
        number = next(one.id for one in results.evidence("assay.mode_of_inhibition").records() if one.quantity == "Ki")
        assert replay(results, number).same
        constants = results.table("assay.ki")
        assert constants["ki_nM"].to_list() == pytest.approx([ki_nM] * 4, rel=0.25)  # each curve at the ATP of its own wells
        potency = results.table("assay.potency").row(0, named=True)
        assert potency["n_curves"] == 1  # the one at the ATP the study states
        assert potency["value_nM"] == pytest.approx(2 * ki_nM, rel=0.2)
        assert results.table("assay.quality")["verdict"].to_list() == ["pass"]
        assert modes.filter(model="uncompetitive")["km_uM"].to_list() == [None]  # it ran off below all ATP
    page = (tmp_path / "dossier.html").read_text()
    assert "Mode of inhibition" in page
    assert re.search(r"not identified: below 0\.\d+", page)
    assert "IC50 by ATP" in page
    numbers(tmp_path, "Ki", None, as_json=False)
    listed = capsys.readouterr().out
    for told in ("[ATP 5.0 µM]", "[ATP 500.0 µM]", "[competitive]", "[mixed]"):
        assert f"Ki x WT cell-free {told} = " in listed
    assert run_app(["figures", str(tmp_path), "--out", str(tmp_path / "out"), "--only", "inhibition"]) == 0
    assert "the data prefer: competitive" in (tmp_path / "out" / "inhibition.svg").read_text()


def combination_rows() -> list[dict[str, object]]:
    rows = controls(compound_b=None, concentration_b_nM=0.0)
    for a in (0.0, 3.0, 10.0, 30.0, 100.0):
        for b in (0.0, 30.0, 100.0, 300.0, 1000.0):
            if a or b:
                response = 1 / (1 + a / 20) / (1 + b / 200)  # independent action
                rows += [
                    {
                        "role": "sample",
                        "compound": "x",
                        "compound_b": "y",
                        "concentration_nM": a,
                        "concentration_b_nM": b,
                        "response": response,
                    }
                    for _ in range(3)
                ]
    return rows


def test_a_dose_matrix_gives_scores_and_curves_of_the_single_agents(tmp_path: Path) -> None:
    table = wells(combination_rows(), seed=8)
    table.with_columns(plate_id=pl.lit("C1"), system=pl.lit("H3122")).write_parquet(tmp_path / "matrix.parquet")
    (tmp_path / "study.toml").write_text('[study]\nname = "pair"\n[assay]\nfiles = ["matrix.parquet"]\nresamples = 100\n')
    with results_of(tmp_path) as results:
        scores = results.table("assay.combination").row(0, named=True)
        assert results.table("assay.quality")["verdict"].to_list() == ["pass"]
        assert scores["bliss_lower_points"] < 0 < scores["bliss_upper_points"]
        assert scores["hsa_points"] > 3
        fits = {row["compound"]: row["ic50_nM"] for row in results.table("assay.fit").iter_rows(named=True)}
        assert fits["x"] == pytest.approx(20, rel=0.3)
        assert fits["y"] == pytest.approx(200, rel=0.3)


def test_day_zero_plates_give_growth_rate_inhibition_and_parental_cells_a_window(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for system, ic50 in (("Ba/F3 EML4-ALK", 20.0), ("Ba/F3 + IL-3", 2000.0)):
        rows += controls(system=system)
        rows += [
            {
                "role": "sample",
                "compound": "x",
                "response": 0.2 + 0.8 / (1 + dose / ic50),
                "concentration_nM": dose,
                "system": system,
            }
            for dose in DOSES
            for _ in range(2)
        ]
    table = wells(rows)
    plate = pl.when(pl.col("system") == "Ba/F3 + IL-3").then(pl.lit("end-2")).otherwise(pl.lit("end-1"))
    table.with_columns(plate_id=plate).write_csv(tmp_path / "end.csv")
    start = [
        {"role": role, "response": level, "concentration_nM": 0.0, "system": system}
        for system in ("Ba/F3 EML4-ALK", "Ba/F3 + IL-3")
        for role, level in (("vehicle", 0.25), ("blank", 0.0))
        for _ in range(4)
    ]
    wells(list(start)).with_columns(plate_id=pl.format("start-{}", "system")).write_csv(tmp_path / "start.csv")
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "growth"\n[assay]\nfiles = ["end.csv"]\nday_zero = ["start.csv"]\nparental = "Ba/F3 + IL-3"\nvariant = "WT"\ntarget = "ALK"\n'
    )
    with results_of(tmp_path) as results:
        growth = results.table("assay.growth_rate_inhibition")
        assert growth.height == 2
        assert growth["gr50_nM"].min() == pytest.approx(22, rel=0.5)
        window = results.table("assay.target_window").row(0, named=True)
        assert window["window"] > 10
    page = (tmp_path / "dossier.html").read_text()
    assert "Growth-rate inhibition" in page
    assert "Window over the parental cells" in page


def test_a_folder_of_plates_is_run_as_it_is(tmp_path: Path) -> None:
    rows = controls() + [
        {"role": "sample", "compound": "x", "response": 1 / (1 + dose / 20), "concentration_nM": dose}
        for dose in DOSES
        for _ in range(2)
    ]
    wells(rows).write_csv(tmp_path / "plate 1.csv")
    (tmp_path / "notes.txt").write_text("what I thought of it")
    assert ensure_study(tmp_path, STAGES)
    assert "plate 1.csv" in (tmp_path / "study.toml").read_text()
    assert "notes.txt" not in (tmp_path / "study.toml").read_text()
    assert not ensure_study(tmp_path, STAGES)
    with results_of(tmp_path) as results:
        assert results.table("assay.fit")["ic50_nM"][0] == pytest.approx(20, rel=0.2)


def test_a_folder_without_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(BenchsideError, match="no file that is read without one"):
        ensure_study(tmp_path, STAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_time_course_gives_proliferation_rates(tmp_path: Path) -> None:
    doses = [0.0, 0.0, 0.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]
    names = [f"A{k + 1}" for k in range(len(doses))]
    rate = [0.04 / (1 + dose / 50.0) for dose in doses]
    lines = ["Elapsed\t" + "\t".join(names)]
    lines += [f"{time:g}\t" + "\t".join(f"{800 * 2 ** (one * time):.3f}" for one in rate) for time in (0, 12, 24, 36, 48, 60, 72)]
    (tmp_path / "incucyte.txt").write_text("Vessel Name: H3122\nMetric: Count\n\n" + "\n".join(lines) + "\n")
    layout = ["well,role,compound,concentration_nM"]
    layout += [
        f"{name},{'sample' if dose else 'vehicle'},{'x' if dose else ''},{dose or ''}"
        for name, dose in zip(names, doses, strict=True)
    ]
    (tmp_path / "layout.csv").write_text("\n".join(layout) + "\n")
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "dip"\n[assay]\nfiles = ["incucyte.txt"]\nlayout = "layout.csv"\nformat = "time courses"\nsystem = "H3122"\ntime_unit = "h"\n'
    )
    with results_of(tmp_path) as results:
        row = results.table("assay.dip_rates").row(0, named=True)
        assert row["control_dip_per_h"] == pytest.approx(0.04, rel=1e-3)
        assert row["ic50_dip_nM"] == pytest.approx(50, rel=0.02)
    page = (tmp_path / "dossier.html").read_text()
    assert "Proliferation rates" in page
    assert "Growth courses" in page
    assert run_app(["figures", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["growth.svg"]
    assert "x | H3122" in (tmp_path / "out" / "growth.svg").read_text()


def test_a_study_without_figures_leaves_no_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pl.DataFrame({"curve_id": ["a"] * 10, "concentration_nM": DOSES, "response": [1 / (1 + d / 50) for d in DOSES]})
    table.write_csv(tmp_path / "r.csv")
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "r"\n[assay]\nfiles = ["r.csv"]\nformat = "responses"\nresponse_unit = "fraction"\n'
    )
    run(tmp_path)
    capsys.readouterr()
    assert run_app(["figures", str(tmp_path), "--out", str(tmp_path / "out"), "--only", "growth"]) != 0
    assert "nothing to show as growth" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_layout_may_state_atp_and_a_second_compound(tmp_path: Path) -> None:
    head = "," + ",".join(str(k + 1) for k in range(12))

    def block(title: str, cells: list[list[str]]) -> list[str]:
        return [title, head, *(f"{chr(65 + r)},{','.join(row)}" for r, row in enumerate(cells)), ""]

    def filled(value: str) -> list[list[str]]:
        return [[value] * 12 for _ in range(8)]

    role = [["vehicle", "blank", *["sample"] * 10] for _ in range(8)]
    dose = [["", "", *(f"{d:g}" for d in DOSES)] for _ in range(8)]
    atp = [[f"{[0.02, 0.1][r // 4]:g}"] * 12 for r in range(8)]
    signal = [["1000", "100", *(f"{100 + 900 / (1 + d / 20):.1f}" for d in DOSES)] for _ in range(8)]
    lines = (
        block("Signal", signal)
        + block("Role", role)
        + block("Compound", [["", "", *["x"] * 10] for _ in range(8)])
        + block("Concentration (nM)", dose)
    )
    lines += block("ATP (mM)", atp) + block("Compound B", filled("y")) + block("Concentration B (µM)", filled("0"))
    (tmp_path / "plate.csv").write_text("\n".join(lines), encoding="utf-8")
    wells_read = read(tmp_path / "plate.csv").table
    assert wells_read["atp_uM"].unique().sort().to_list() == pytest.approx([20.0, 100.0])
    assert wells_read["compound_b"].unique().to_list() == ["y"]
    assert wells_read["concentration_b_nM"].unique().to_list() == [0.0]


def test_plates_that_say_day_0_are_no_responses_but_the_start_of_growth(tmp_path: Path) -> None:
    rows = controls() + [
        {"role": "sample", "compound": "x", "response": 0.2 + 0.8 / (1 + dose / 20), "concentration_nM": dose}
        for dose in DOSES
        for _ in range(2)
    ]
    end = wells(rows).with_columns(plate_id=pl.lit("E3"), day=pl.lit(3.0))
    start = wells([{**row, "response": 0.0 if row["role"] == "blank" else 0.25} for row in rows], seed=4).with_columns(
        plate_id=pl.lit("E0"), day=pl.lit(0.0)
    )
    pl.concat([end, start]).write_csv(tmp_path / "plates.csv")
    (tmp_path / "study.toml").write_text('[study]\nname = "days"\n[assay]\nfiles = ["plates.csv"]\n')
    with results_of(tmp_path) as results:
        assert set(results.table("assay.normalise")["plate_id"]) == {"E3"}
        assert results.table("assay.fit")["n_points"].to_list() == [20]
        assert results.table("assay.growth_rate_inhibition")["gr50_nM"][0] == pytest.approx(22, rel=0.4)
        assert results.table("assay.quality").height == 2


def test_exports_of_five_makers_in_a_folder_are_run_without_a_study_file(tmp_path: Path) -> None:
    corpus.layout_file(tmp_path)
    for write in (corpus.tecan, corpus.gen5, corpus.softmax, corpus.mars_grid, corpus.victor):
        write(tmp_path)
    (tmp_path / "notes.txt").write_text("Dear lab, three plates on Tuesday; see A1, B2.\n")
    assert ensure_study(tmp_path, STAGES)
    with results_of(tmp_path) as results:
        assert results.table("assay.quality").height == 5
        (row,) = results.table("assay.fit").to_dicts()
        assert (row["n_points"], row["n_plates"]) == (50, 5)
        assert row["ic50_nM"] == pytest.approx(20.0, rel=0.03)


def test_fold_shifts_are_taken_at_one_atp_level(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for atp in (10.0, 200.0):
        rows += controls(atp_uM=atp)
        for variant, ki_nM, km_uM in (("WT", 5.0, 20.0), ("L1196M", 20.0, 80.0)):
            ic50 = ki_nM * (1 + atp / km_uM)
            rows += [
                {
                    "role": "sample",
                    "compound": "x",
                    "variant": variant,
                    "response": 1 / (1 + dose / ic50),
                    "concentration_nM": dose,
                    "atp_uM": atp,
                }
                for dose in DOSES
                for _ in range(2)
            ]
    wells(rows).with_columns(plate_id=pl.lit("K1"), target=pl.lit("ALK")).write_csv(tmp_path / "kinase.csv")
    (tmp_path / "study.toml").write_text('[study]\nname = "kinase"\n[assay]\nfiles = ["kinase.csv"]\nsystem = "cell-free"\n')
    with results_of(tmp_path) as results:
        folds = results.table("assay.potency_ratio")["fold"].sort().to_list()
        assert folds == pytest.approx([20 * 3.5 / (5 * 11), 20 * 1.125 / (5 * 1.5)], rel=0.2)
        assert results.table("assay.potency").height == 0  # neither level was said to be the assay's


def test_responses_without_named_columns_are_found_or_asked_for(tmp_path: Path) -> None:
    pl.DataFrame({"dose": [1.0], "response": [0.5]}).write_csv(tmp_path / "r.csv")
    (tmp_path / "study.toml").write_text('[study]\nname = "r"\n[assay]\nfiles = ["r.csv"]\nformat = "responses"\n')
    with pytest.raises(BenchsideError, match="which column holds the concentration"):
        run(tmp_path)


def test_a_plate_read_on_two_days_under_one_name_is_two_plates(tmp_path: Path) -> None:
    rows = controls() + [
        {"role": "sample", "compound": " x ", "response": 0.2 + 0.8 / (1 + dose / 20), "concentration_nM": dose}
        for dose in DOSES
        for _ in range(2)
    ]
    end = wells(rows).with_columns(day=pl.lit(3.0))
    start = wells([{**row, "response": 0.0 if row["role"] == "blank" else 0.25} for row in rows], seed=4).with_columns(
        day=pl.lit(0.0)
    )
    pl.concat([end, start]).with_columns(plate_id=pl.lit("P1")).write_csv(tmp_path / "plates.csv")
    (tmp_path / "study.toml").write_text('[study]\nname = "days"\n[assay]\nfiles = ["plates.csv"]\n')
    with results_of(tmp_path) as results:
        assert set(results.table("assay.quality")["plate_id"]) == {"P1, day 0.0", "P1, day 3.0"}
        assert results.table("assay.fit")["compound"].to_list() == ["x"]
        assert results.table("assay.growth_rate_inhibition").height == 1


def test_replicate_plates_of_a_dose_matrix_are_one_matrix_and_python_takes_what_normalise_gives(tmp_path: Path) -> None:
    plates = [
        wells(combination_rows()[:-1:3] + controls(), seed=seed).with_columns(plate_id=pl.lit(f"C{seed}"), system=pl.lit("H3122"))
        for seed in (1, 2, 3)
    ]
    pl.concat(plates).write_csv(tmp_path / "matrix.csv")
    found = combination(normalise(read(tmp_path / "matrix.csv")), n=100).table
    assert found.height == 1
    assert found["bliss_lower_points"][0] < 0 < found["bliss_upper_points"][0]


def test_a_refused_folder_stays_without_a_study_file_and_new_files_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = controls() + [
        {"role": "sample", "compound": "x", "response": 1 / (1 + dose / 20), "concentration_nM": dose}
        for dose in DOSES
        for _ in range(2)
    ]
    plate = wells(rows).rename({"concentration_nM": "concentration"}).with_columns(plate_id=pl.lit("P1"))
    plate.write_csv(tmp_path / "p1.csv")
    with pytest.raises(BenchsideError):
        run_command(tmp_path, as_json=False, wait_seconds=1)  # no unit
    assert not (tmp_path / "study.toml").exists()
    plate.rename({"concentration": "concentration (nM)"}).write_csv(tmp_path / "p1.csv")
    run_command(tmp_path, as_json=False, wait_seconds=1)
    wells(rows, seed=9).with_columns(plate_id=pl.lit("P2")).write_csv(tmp_path / "p2.csv")
    run_command(tmp_path, as_json=False, wait_seconds=1)
    assert "p2.csv looks like data of this study" in capsys.readouterr().out


def test_percent_taken_for_fractions_is_said() -> None:
    dose = np.array(DOSES)
    table = pl.DataFrame({"curve_id": ["a"] * 10, "concentration_nM": dose, "response": 100 / (1 + dose / 50)})
    assert "were these percent" in fit(table).table["status"][0]


def test_overflow_in_a_long_table_names_its_remedy(tmp_path: Path) -> None:
    table = wells([*controls(), {"role": "sample", "compound": "x", "response": 0.5, "concentration_nM": 5.0}])
    table.with_columns(
        signal=pl.when(pl.col("role") == "sample").then(pl.lit("OVRFLW")).otherwise(pl.col("signal").cast(pl.String))
    ).write_csv(tmp_path / "p.csv")
    with pytest.raises(BenchsideError, match='overflow = "exclude"'):
        read(tmp_path / "p.csv")


def test_wells_the_layout_says_nothing_of_are_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [*controls(), *controls()]
    rows += [
        {"role": "sample", "compound": "x", "response": 1 / (1 + dose / 30), "concentration_nM": dose}
        for dose in DOSES
        for _ in "ab"
    ]
    table = wells(rows)
    letters, columns = "ABCDEFGHIJKLMNOP", range(1, 25)
    held = dict(table.select("well", "signal").iter_rows())
    lines = [",".join([letter, *(f"{held.get(f'{letter}{k}', 480.0):.1f}" for k in columns)]) for letter in letters]
    (tmp_path / "p1.csv").write_text("\n".join(["," + ",".join(map(str, columns)), *lines, ""]))
    listed = table.filter(pl.col("well") != "A1").with_columns(pl.col("compound").fill_null(""))
    listed.select("well", "role", "compound", pl.col("concentration_nM").alias("concentration (nM)")).write_csv(
        tmp_path / "layout.csv"
    )
    run_command(tmp_path, as_json=False, wait_seconds=1)
    unlisted = 384 - listed.height
    words = f"{unlisted} wells with a signal have neither compound nor role in the layout"
    assert f"plate p1: {words}" in " ".join(capsys.readouterr().out.split())
    assert words in (tmp_path / "dossier.html").read_text()
    with Results.of(tmp_path) as results:
        assert results.table("assay.quality")["n_unlisted"].to_list() == [unlisted]
