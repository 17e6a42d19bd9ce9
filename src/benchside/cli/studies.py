"""Commands on a whole study: init, run, exclude."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from benchside.cli.show import RESEARCH_USE, print_json, say
from benchside.core.errors import BenchsideError, StudyError, listed, nearest
from benchside.report.currency import DOSSIER, is_current
from benchside.study.demo import write_demo
from benchside.study.file import NAME
from benchside.study.lock import study_lock
from benchside.study.proposal import HEADER, ensure_study, proposed
from benchside.study.results import Results
from benchside.study.stages import STAGES
from benchside.study.workflow import RunReport, TaskResult
from benchside.study.workflow import run as run_study

MOST_REMARKS: Final = 3
"""Plates whose remarks are printed; the dossier has them all."""


def init(folder: Path) -> None:
    """Write the bundled study and say what comes next."""
    write_demo(folder)
    say(
        f"The bundled study is in {folder}. Its plates are simulated from published IC50s, its trial from the published landmarks of ALEX."
    )
    say(f"Next: benchside run {folder}")


def run(root: Path, *, as_json: bool, wait_seconds: float) -> None:
    """Run a study, write its dossier, and say where it is."""
    report = run_described(root, quiet=as_json, wait_seconds=wait_seconds)
    path = root / DOSSIER
    if not is_current(root):
        from benchside.report.dossier import write_dossier  # noqa: PLC0415  drawing is heavy, and an unchanged study draws nothing

        write_dossier(root)
    if as_json:
        tasks = [
            {"task": one.task, "set_id": one.entry.set_id, "state": one.state, "rows": one.entry.rows} for one in report.results
        ]
        print_json({"study": report.study.study.name, "dossier": str(path), "changed": report.changed, "tasks": tasks})
        return
    for name in unnamed(root):
        say(f"  {name} looks like data of this study, and study.toml does not name it")
    for words in plate_remarks(root):
        say(f"  {words}")
    if report.swept:
        say(f"  removed {report.swept} files that an interrupted run had left")
    if not report.changed:
        say("  nothing has changed since the last run")
    say(f"The dossier is {root / DOSSIER}. {RESEARCH_USE}")


def run_described(root: Path, *, quiet: bool, wait_seconds: float) -> RunReport:
    """Run a study; a folder of data without a study file gets one, which stays only if it could be run."""

    def progress(result: TaskResult) -> None:
        if result.entry.rows or result.entry.verb.endswith(".read"):  # a step that does not concern a study says nothing
            say(f"  {result.state:<9} {result.task}  ({result.entry.rows} rows, {result.seconds:.2f} s)")

    written = ensure_study(root, STAGES)
    if written and not quiet:
        say(
            f"{root} had no study.toml: one was written from the files that were recognised. Look at it, and add what it cannot know."
        )
    try:
        return run_study(root, wait_seconds=wait_seconds, **({} if quiet else {"progress": progress}))
    except BenchsideError:
        if written:
            (root / NAME).unlink(missing_ok=True)
        raise


def plate_remarks(root: Path) -> list[str]:
    """Return what is remarked on the plates of a study that has been run, a line a plate, the first few of many."""
    with Results.of(root) as results:
        if not results.tasks("assay.quality"):
            return []
        remarked = results.scan("assay.quality").filter(pl.col("remark") != "").select("plate_id", "remark").collect()
    lines = [f"plate {plate}: {remark}" for plate, remark in remarked.head(MOST_REMARKS).iter_rows()]
    rest = remarked.height - len(lines)
    return [*lines, f"and {rest} further plates with such wells: the dossier has them"] if rest else lines


def unnamed(root: Path) -> list[str]:
    """Return the files of a study that benchside described itself which look like data and are not in it: new ones, most likely."""
    text = (root / NAME).read_text(encoding="utf-8")
    if not text.startswith(HEADER):
        return []
    known = proposed(root, STAGES).values()
    files = [
        file for section in known for file in [*section.get("files", []), *([section["layout"]] if "layout" in section else [])]
    ]
    return [file for file in files if f'"{file}"' not in text]


def exclude(root: Path, plate: str, wells: Sequence[str], *, who: str, why: str, undo: bool) -> None:
    """Record that wells are excluded, or that an exclusion is taken back."""
    if not who.strip() or not why.strip():
        message = "an exclusion needs a name and a reason. Give both: --who NAME --why REASON."
        raise StudyError(message)
    with study_lock(root), Results.of(root) as results:
        _require_wells(results, plate, wells)
        if undo:
            _require_excluded(results, plate, wells)
        action = "include" if undo else "exclude"
        results.ledger.exclude([{"action": action, "plate_id": plate, "well": well, "who": who, "why": why} for well in wells])
    verb = "counted again" if undo else "excluded (still drawn, crossed out)"
    say(f"{plate}, {listed(wells, 12)}: {verb}. Run the study again: benchside run {root}")


def _require_wells(results: Results, plate: str, wells: Sequence[str]) -> None:
    """Refuse wells that are no sample wells of the study's plates."""
    tables = [results.table(task) for task, entry in results.current.items() if entry.kind == "wells"]
    known = pl.concat([table.select("plate_id", "well", "role") for table in tables]) if tables else None
    plates = [] if known is None else known["plate_id"].unique().sort().to_list()
    if known is None or plate not in plates:
        message = f"the study has no plate {plate!r}{nearest(plate, plates)}; its plates are {listed(plates)}. Name one of them."
        raise StudyError(message)
    samples = known.filter((pl.col("plate_id") == plate) & (pl.col("role") == "sample"))["well"].to_list()
    strays = [well for well in wells if well not in samples]
    if strays:
        message = f"plate {plate}: {listed(strays)} is no sample well, and only sample wells can be excluded. Name wells such as {listed(samples, 3)}."
        raise StudyError(message)


def _require_excluded(results: Results, plate: str, wells: Sequence[str]) -> None:
    excluded = {record["well"] for record in results.ledger.exclusions() if record["plate_id"] == plate}
    counted = [well for well in wells if well not in excluded]
    if counted:
        message = f"plate {plate}: {listed(counted)} is not excluded, so there is nothing to take back. Excluded are {listed(sorted(excluded)) or 'none'}."
        raise StudyError(message)
