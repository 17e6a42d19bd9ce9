"""A study too large to hold is worked on in parts, and says the same as one that is held."""

from pathlib import Path

import polars as pl
import pytest

from benchside.core import parts
from benchside.core.errors import BenchsideError
from benchside.report.dossier import write_dossier
from benchside.stages.assay.simulate import TrueCurve, simulate
from benchside.study.results import Results
from benchside.study.trail import replay, trace
from benchside.study.workflow import run

PLATES = 6


def wells() -> pl.DataFrame:
    """Return plates in mixed order whose curves stand on several of them: x everywhere, the others on two plates each."""
    held = []
    for number in range(PLATES):
        curves = [TrueCurve("x", "WT", 40.0), TrueCurve(f"y{number % 3}", "WT", 90.0 + number % 3)]
        plate = simulate(curves, seed=number).table.with_columns(plate_id=pl.lit(f"P{(number * 5) % PLATES}"))
        held.append(plate.drop("signal_ref", "layout_ref"))
    return pl.concat(held).sample(fraction=1.0, shuffle=True, seed=3)


def study(root: Path, *, suffix: str = ".parquet", two_files: bool = False) -> Path:
    """Write a study of long tables of wells."""
    root.mkdir()
    table = wells()
    files = {"wells": table}
    if two_files:
        files = {
            name: table.filter(pl.col("plate_id").is_in(names))
            for name, names in (("a", ["P0", "P1", "P2"]), ("b", ["P3", "P4", "P5"]))
        }
    for name, frame in files.items():
        if suffix == ".parquet":
            frame.write_parquet(root / f"{name}.parquet")
        else:
            frame.write_csv(root / f"{name}{suffix}")
    (root / "study.toml").write_text(f'[study]\nname = "parts"\n\n[assay]\nfiles = ["*{suffix}"]\n')
    return root


def fits(root: Path) -> pl.DataFrame:
    """Return the fits of a study that has been run, in the order of the curves."""
    with Results.of(root) as results:
        return results.scan("assay.fit").collect().drop("task").sort("curve_id")


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_parts_say_what_the_whole_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    whole = study(tmp_path / "whole", suffix=suffix)
    run(whole)
    cut = study(tmp_path / "cut", suffix=suffix)
    monkeypatch.setattr(parts, "PART_ROWS", 150)
    report = run(cut)
    tasks = [result.task for result in report.results]
    assert sum(task.startswith("assay.read") for task in tasks) > 2
    assert sum(task.startswith("assay.fit") for task in tasks) > 2
    require_near(fits(cut), fits(whole))
    assert not run(cut).changed
    write_dossier(cut)


def require_near(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Require two tables of fits to be equal; the points of a curve may stand in another order, and are then summed in another.

    The limits of a profile are found by halving to 1e-7.
    """
    for name, dtype in one.schema.items():
        if dtype == pl.Float64:
            assert one[name].is_null().equals(other[name].is_null())
            apart = ((one[name] - other[name]).abs() / other[name].abs().clip(lower_bound=1e-3)).max()
            assert apart is None or float(str(apart)) < (1e-6 if "lower" in name or "upper" in name else 1e-7), name
        else:
            assert one[name].equals(other[name], null_equal=True)


def test_a_number_of_a_part_is_traced_to_its_rows_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = study(tmp_path / "cut")
    monkeypatch.setattr(parts, "PART_ROWS", 150)
    run(root)
    table = pl.read_parquet(root / "wells.parquet")
    with Results.of(root) as results:
        task = next(one for one in results.tasks("assay.fit") if "y1" in "".join(results.table(one)["compound"]))
        number = next(
            record.id for record in results.evidence(task).records() if record.quantity == "IC50" and record.compound == "y1"
        )
        cells = set(trace(results, number).step.every_cell())
        assert replay(results, number).same
    rows = [int(cell.rpartition("row ")[2]) for cell in cells if "row " in cell]
    compounds = table["compound"].gather([row - 1 for row in rows])
    assert set(compounds.drop_nulls()) == {"y1"}
    assert (compounds == "y1").sum() == (table["compound"] == "y1").sum()


def test_a_plate_in_two_files_is_refused_in_parts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = study(tmp_path / "cut", two_files=True)
    pl.concat([pl.read_parquet(root / "b.parquet"), wells().filter(pl.col("plate_id") == "P0")]).write_parquet(root / "b.parquet")
    monkeypatch.setattr(parts, "PART_ROWS", 150)
    with pytest.raises(BenchsideError, match="P0 stands in more than one file"):
        run(root)


def test_a_bad_cell_in_a_late_part_is_named_by_its_row_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = study(tmp_path / "cut", suffix=".csv")
    lines = (root / "wells.csv").read_text().splitlines()
    header = lines[0].split(",")
    cells = lines[200].split(",")
    cells[header.index("signal")] = "OVRFLW"
    lines[200] = ",".join(cells)
    (root / "wells.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(parts, "PART_ROWS", 150)
    with pytest.raises(BenchsideError, match="row 200: signal 'OVRFLW'"):
        run(root)
    assert not (root / "results").exists()
