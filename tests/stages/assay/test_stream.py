"""Fits from file to file: what the whole table gives, in parts, and nothing half-written."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchside.core import parts
from benchside.core.errors import FileError, TableError
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.plates.normalise import normalise
from benchside.stages.assay.model import Delta
from benchside.stages.assay.read import read
from benchside.stages.assay.simulate import TrueCurve, simulate
from benchside.stages.assay.stream import fit_files, is_large


def long_table(curves: int) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    dose = np.tile(3.0 ** np.arange(8), curves)
    ic50 = np.repeat(np.exp(rng.normal(5, 1, curves)), 8)
    response = 1 / (1 + dose / ic50) + rng.normal(0, 0.03, dose.size)
    names = np.repeat([f"c{number:04}" for number in range(curves)], 8)
    return pl.DataFrame({"curve_id": names, "concentration_nM": dose, "response": response}).sample(
        fraction=1.0, shuffle=True, seed=1
    )


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    one, other = (table.sort("curve_id") for table in (one, other))
    near = ((one["ec50_nM"] - other["ec50_nM"]).abs() <= 1e-6 * other["ec50_nM"]).fill_null(value=True).all()
    return bool(near) and one["curve_id"].equals(other["curve_id"]) and one["status"].equals(other["status"])


def test_responses_in_parts_give_the_fits_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = long_table(60)
    table.write_parquet(tmp_path / "long.parquet")
    monkeypatch.setattr(parts, "PART_ROWS", 100)
    assert is_large([tmp_path / "long.parquet"])
    assert fit_files([tmp_path / "long.parquet"], tmp_path / "fits.parquet", interval=Delta()) == 60
    assert same(pl.read_parquet(tmp_path / "fits.parquet"), fit(table, interval=Delta()).table)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_wells_of_two_files_in_parts_give_the_fits_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        curves = [TrueCurve("x", "WT", 40.0), TrueCurve(f"y{number}", "WT", 90.0)]
        simulate(curves, seed=number).table.with_columns(plate_id=pl.lit(f"P{number}")).write_csv(tmp_path / f"w{number}.csv")
    whole = fit(normalise(pl.concat([read(tmp_path / f"w{number}.csv").table for number in range(4)])), interval=Delta()).table
    monkeypatch.setattr(parts, "PART_ROWS", 60)
    files = [tmp_path / f"w{number}.csv" for number in range(4)]
    fit_files(files, tmp_path / "fits.parquet", interval=Delta())
    assert same(pl.read_parquet(tmp_path / "fits.parquet"), whole)
    pl.read_csv(files[0]).write_csv(tmp_path / "again.csv")
    with pytest.raises(TableError, match=r"again\.csv: plate P0 stands in w0\.csv too"):
        fit_files([*files, tmp_path / "again.csv"], tmp_path / "other.parquet")
    assert not (tmp_path / "other.parquet").exists()


def test_only_parquet_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"fits\.csv: fits of large tables are written as Parquet"):
        fit_files([], tmp_path / "fits.csv")
