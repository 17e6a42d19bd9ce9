"""A study file for a folder that has none: each stage says which files it knows, and what it would do with them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchside.core.errors import StudyError
from benchside.core.stage import Stage
from benchside.study.file import NAME, load
from benchside.study.store import write_text

HEADER: Final = """\
# Written by benchside from the files it found here. Add what it cannot know (target, serum_fraction, units the files do not state).
"""
_NOT_DATA: Final = frozenset({"results", "__pycache__"})


def ensure_study(root: Path, stages: Mapping[str, Stage]) -> bool:
    """Write `study.toml` for a folder of data that has none; return whether it was written.

    Parameters
    ----------
    root
        The folder.
    stages
        The stages of benchside.

    Raises
    ------
    StudyError
        When the folder does not exist, or holds no file a stage knows.
    """
    if (root / NAME).is_file() or not root.is_dir():
        return False
    sections = proposed(root, stages)
    if not sections:
        message = f"{root} holds no {NAME} and no file that is read without one. Write one, or begin with: benchside init {root}"
        raise StudyError(message)
    write_text(root / NAME, HEADER + toml({"study": {"name": root.resolve().name or "study"}, **sections}))
    try:
        load(root, stages)
    except StudyError:
        (root / NAME).unlink()
        raise
    return True


def proposed(root: Path, stages: Mapping[str, Stage]) -> dict[str, Mapping[str, Any]]:
    """Return the sections stages propose for the files of a folder; a file belongs to the first stage that knows it."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not _hidden(path.relative_to(root))]
    sections: dict[str, Mapping[str, Any]] = {}
    for name, stage in stages.items():
        if stage.propose is None:
            continue
        mine = [path for path in files if stage.recognise(path)]
        files = [path for path in files if path not in mine]
        section = stage.propose([path.relative_to(root).as_posix() for path in mine]) if mine else None
        if section is not None:
            sections[name] = section
    return sections


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "~")) or part in _NOT_DATA for part in path.parts)


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return sections of texts, numbers and lists of texts as TOML.

    Examples
    --------
    >>> print(toml({"assay": {"files": ["a.csv"]}}))
    <BLANKLINE>
    [assay]
    files = ["a.csv"]
    <BLANKLINE>
    """
    lines = []
    for name, values in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"
