"""The command `figures`: the figures of a study as files for slides, papers and print."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchside.cli.show import print_json, say
from benchside.core.errors import SettingError, StorageError, StudyError, listed, nearest
from benchside.core.figure import save_figure
from benchside.report.charts import STUDY_FIGURES
from benchside.report.charts_trial import Drawn
from benchside.study.results import Results

FORMATS: Final = ("svg", "png", "pdf")


def figures(root: Path, out: Path, *, kind: str, only: Sequence[str], most: int, as_json: bool) -> None:
    """Write the figures of a study that has been run, a file a page, and say which."""
    names = _names(only)
    if kind not in FORMATS:
        message = f"format {kind!r} is unknown{nearest(kind, FORMATS)}. Use one of {listed(FORMATS)}."
        raise SettingError(message)
    with Results.of(root) as results:
        drawn = {name: STUDY_FIGURES[name](results, most) for name in names}
    found = {name: one for name, one in drawn.items() if one.pages}
    _require_some(root, names, found, asked=bool(only))
    folder = _folder(out)  # not before: a study without figures leaves no empty folder
    written = {}
    for name, one in found.items():
        written[name] = save_figure(one.pages[0] if len(one.pages) == 1 else one.pages, folder / f"{name}.{kind}")
        if not as_json:
            _say_written(name, one, written[name])
    if as_json:
        told = {name: {"files": [str(file) for file in files], "pages": found[name].of} for name, files in written.items()}
        print_json({"folder": str(folder), "figures": told})


def _names(only: Sequence[str]) -> list[str]:
    """Return the figures asked for, all where none is named."""
    unknown = [name for name in only if name not in STUDY_FIGURES]
    if unknown:
        message = f"figure {unknown[0]!r} is unknown{nearest(unknown[0], STUDY_FIGURES)}. Use {listed(list(STUDY_FIGURES), 12)}."
        raise SettingError(message)
    return [name for name in STUDY_FIGURES if not only or name in only]


def _folder(out: Path) -> Path:
    """Return the folder to write to, made where it is absent."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{out} cannot be used as a folder: {error.strerror}. Name a folder that exists or can be made: --out FOLDER."
        raise StorageError(message) from error
    return out


def _require_some(root: Path, names: Sequence[str], found: dict[str, Drawn], *, asked: bool) -> None:
    """Refuse a figure that was asked for and that the study has nothing for, or a study without any."""
    absent = [name for name in names if name not in found]
    if asked and absent:
        message = f"{root} has nothing to show as {listed(absent)}: no step of it found such numbers. Leave it out: without --only every figure it has is written."
        raise StudyError(message)
    if not found:
        message = f"{root} has no figure to write: it drew no curve and judged no plate. Add plates or responses to its section [assay] and run it again."
        raise StudyError(message)


def _say_written(name: str, drawn: Drawn, files: Sequence[Path]) -> None:
    span = str(files[0]) if len(files) == 1 else f"{files[0]} to {files[-1].name}"
    pages = "1 page" if len(files) == 1 else f"{len(files)} pages"
    rest = "" if len(files) >= drawn.of else f", the first of {drawn.of:,}: --most {drawn.of} writes them all"
    say(f"  {name:<12} {span}  ({pages}{rest})")
