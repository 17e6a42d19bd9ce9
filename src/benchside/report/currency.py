"""Whether a dossier is still that of its study: asked before anything heavy is imported."""

import hashlib
from pathlib import Path
from typing import Final

from benchside import __version__
from benchside.core.evidence import canonical
from benchside.study.file import StudyFile, load
from benchside.study.results import Results
from benchside.study.stages import STAGES

DOSSIER: Final = "dossier.html"
LAYOUT_VERSION: Final = "15"
"""Raise it when the page changes, so that unchanged studies get the new one."""


def is_current(root: Path) -> bool:
    """Return whether the dossier of a study that has been run shows its present results."""
    path = root / DOSSIER
    if not path.is_file():
        return False
    with Results.of(root) as results:
        return stamp(content_hash(load(root, STAGES), results)) in read_head(path)


def content_hash(study: StudyFile, results: Results) -> str:
    """Return the hash of everything the page is made from."""
    sets = {task: entry.set_id for task, entry in results.current.items()}
    sections = {name: section.model_dump(mode="json") for name, section in study.sections.items()}
    parts = [
        __version__,
        LAYOUT_VERSION,
        sets,
        study.study.model_dump(),
        sections,
        [record["id"] for record in results.ledger.history()],
    ]
    return hashlib.blake2b(canonical(parts).encode(), digest_size=16).hexdigest()


def stamp(content: str) -> str:
    """Return the mark by which a page says what it was made from."""
    return f'<meta name="benchside-content" content="{content}">'


def read_head(path: Path) -> str:
    """Return the first characters of a page."""
    with path.open(encoding="utf-8", errors="replace") as handle:
        return handle.read(2000)
