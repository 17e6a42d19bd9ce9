"""Whole studies in fresh processes: the GDSC screen, the bundled study, the first compilation, and the help page."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import Row, process
from benchside.study.demo import write_demo

WELLS = Path(__file__).resolve().parents[2] / "shared" / "data" / "assay" / "gdsc_wells.parquet"
BENCHSIDE = (sys.executable, "-c", "from benchside.cli.main import run_main; run_main()")
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
        return [*help_page(root, repeats=5 if quick else 15), *gdsc(root), *demo(root, repeats=1 if quick else 3)]


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
