"""Whole studies in fresh processes: the GDSC screen, the bundled study, the first compilation, and the help page."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.timing import Row, process
from benchside.study.demo import write_demo

WELLS = Path(__file__).resolve().parents[2] / "shared" / "data" / "assay" / "gdsc_wells.parquet"
BENCHSIDE = (sys.executable, "-c", "from benchside.cli.main import run_main; run_main()")
STREAM_SECONDS, STREAM_GB, SCREEN_MB = 300.0, 2.0, 15.0
GDSC_SECONDS, GDSC_GB, RERUN_SECONDS, HELP_SECONDS, COMPILE_SECONDS = 60.0, 1.5, 3.0, 0.25, 30.0
BARE = """\
import typer
app = typer.Typer()
@app.command()
def one() -> None:
    "One."
@app.command()
def two() -> None:
    "Two."
app()
"""


def rows(*, quick: bool) -> list[Row]:
    """Measure each in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="benchside-bench-") as folder:
        root = Path(folder)
        curves = 100_000 if quick else 1_000_000
        return [
            *help_page(root, repeats=5 if quick else 15), *gdsc(root), *demo(root, repeats=1 if quick else 3),
            *streamed(root, curves), *screen(root),
        ]  # fmt: skip


def help_page(folder: Path, *, repeats: int) -> list[Row]:
    """Measure `benchside --help` and a bare typer application, in turn."""
    bare = folder / "bare.py"
    bare.write_text(BARE, encoding="utf-8")
    pairs = [(process([*BENCHSIDE, "--help"]).wall, process([sys.executable, bare, "--help"]).wall) for _ in range(repeats)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(one - other for one, other in pairs)
    return [
        Row(
            "benchside --help",
            f"{ours:.2f} s",
            f"bare typer {theirs:.2f} s",
            f"{more:+.2f} s",
            f"<= {HELP_SECONDS} s more",
            more <= HELP_SECONDS,
        )
    ]


def gdsc(folder: Path) -> list[Row]:
    """Measure 553,482 wells to results and dossier, cold, and the unchanged rerun."""
    if not WELLS.is_file():
        return [Row("GDSC wells to results", "", "", "", "shared/ is not beside the checkout", None)]
    root = folder / "gdsc"
    root.mkdir()
    shutil.copy(WELLS, root)
    (root / "study.toml").write_text(f'[study]\nname = "gdsc"\n\n[assay]\nfiles = ["{WELLS.name}"]\n', encoding="utf-8")
    first = process([*BENCHSIDE, "run", root])
    reruns = [process([*BENCHSIDE, "run", root]) for _ in range(5)]
    again, again_cpu = statistics.median(one.wall for one in reruns), statistics.median(one.cpu for one in reruns)
    return [
        Row("GDSC 553,482 wells, cold run", f"{first.wall:.1f} s, cpu {first.cpu:.1f} s, peak {first.peak_gb:.2f} GB", "", "", f"<= {GDSC_SECONDS:g} s, <= {GDSC_GB} GB", first.wall <= GDSC_SECONDS and first.peak_gb <= GDSC_GB),
        Row("GDSC, unchanged rerun", f"{again:.2f} s, cpu {again_cpu:.2f} s", f"first {first.wall:.1f} s", f"{again / first.wall:.2f}", f"<= {RERUN_SECONDS:g} s", again <= RERUN_SECONDS),
    ]  # fmt: skip


def demo(folder: Path, *, repeats: int) -> list[Row]:
    """Measure the bundled study in cold processes, and what the first compilation ever adds."""
    cache = folder / "kernels"
    walls = []
    for number in range(repeats + 1):
        root = write_demo(folder / f"demo-{number}")
        walls.append(process([*BENCHSIDE, "run", root], env={"NUMBA_CACHE_DIR": str(cache)}).wall)
    first, warm = walls[0], statistics.median(walls[1:])
    again = statistics.median(process([*BENCHSIDE, "run", root]).wall for root in [folder / "demo-0"] * 3)
    return [
        Row("bundled study, cold process", f"{warm:.2f} s", f"unchanged rerun {again:.2f} s", f"{again / warm:.2f}", "stated", None),
        Row("first compilation ever", f"{first - warm:.1f} s", f"warm {warm:.2f} s", "", f"<= {COMPILE_SECONDS:g} s", first - warm <= COMPILE_SECONDS),
    ]  # fmt: skip


def long_responses(curves: int, doses: int, replicates: int = 1) -> pl.DataFrame:
    """Return noisy curves of responses a factor sqrt(10) apart, one row a dose and replicate."""
    rng, count = np.random.default_rng(1), doses * replicates
    dose = np.tile(np.repeat(1e5 / 10.0 ** (np.arange(doses) / 2), replicates), curves)
    ic50 = np.repeat(np.exp(rng.normal(6, 2, curves)), count)
    response = 1 / (1 + (dose / ic50) ** 1.2) + rng.normal(0, 0.05, dose.size)
    names = pl.Series("curve_id", [f"curve-{number:07}" for number in range(curves)])
    return pl.DataFrame(
        {"curve_id": names.gather(np.repeat(np.arange(curves), count)), "concentration_nM": dose, "response": response}
    )


def streamed(folder: Path, curves: int) -> list[Row]:
    """Measure curves of 10 points from Parquet to Parquet, with profile intervals."""
    long_responses(curves, 10).write_parquet(folder / "long.parquet")
    made = process([*BENCHSIDE, "assay", "fit", folder / "long.parquet", "--out", folder / "fits.parquet"])
    share = curves / 1_000_000
    return [
        Row(f"{curves:,} curves, Parquet to Parquet", f"{made.wall:.0f} s, cpu {made.cpu:.0f} s, peak {made.peak_gb:.2f} GB", "", "", f"<= {STREAM_SECONDS * share:g} s, <= {STREAM_GB} GB", made.wall <= STREAM_SECONDS * share and made.peak_gb <= STREAM_GB),
    ]  # fmt: skip


def screen(folder: Path) -> list[Row]:
    """Measure the dossier of a screen of 5,000 curves of 10 doses in duplicate."""
    root = folder / "screen"
    root.mkdir()
    table = long_responses(5_000, 10, 2).with_columns(compound=pl.col("curve_id"), variant=pl.lit("WT"), system=pl.lit("Ba/F3"))
    table.rename({"concentration_nM": "dose"}).write_parquet(root / "long.parquet")
    columns = 'columns = { curve_id = "curve_id", concentration = "dose", response = "response", compound = "compound", variant = "variant", system = "system" }'
    section = f'[study]\nname = "screen"\n\n[assay]\nformat = "responses"\nfiles = ["long.parquet"]\nconcentration_unit = "nM"\nresponse_unit = "fraction"\n{columns}\n'
    (root / "study.toml").write_text(section, encoding="utf-8")
    made = process([*BENCHSIDE, "run", root])
    size = (root / "dossier.html").stat().st_size / 1e6
    return [
        Row(
            "screen of 5,000 curves to dossier",
            f"{made.wall:.1f} s, dossier {size:.1f} MB, peak {made.peak_gb:.2f} GB",
            "",
            "",
            f"<= {SCREEN_MB:g} MB",
            size <= SCREEN_MB,
        )
    ]
