"""A disk that is full: one sentence and exit code 2, nothing half-written, and with room again the study finishes."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchside.study.demo import write_demo
from verification.outcome import Outcome, skipped
from verification.studies import benchside, damaged, ledger_faults

NAME = "full disk"
SIZES_KB = (88, 140, 220, 300, 420, 640)
"""Sizes at which the run meets the end of the disk at different moments: lock and ledger, tables, dossier."""


class CannotMountError(Exception):
    """The system lets us mount no small disk; the text says why."""


@contextmanager
def small_disk(size_kb: int) -> Iterator[Path]:
    """Mount a disk of some kilobytes, in memory."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        message = "mounting a small disk needs root and mount(8)"
        raise CannotMountError(message)
    with tempfile.TemporaryDirectory(prefix="benchside-disk-") as folder:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", folder], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise CannotMountError(made.stderr.strip().splitlines()[-1] if made.stderr.strip() else "mount refused")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def faults_of(size_kb: int, model: Path) -> tuple[bool, list[str]]:
    """Return whether the run met the end of a disk of this size, and what went wrong then or after it was enlarged."""
    with small_disk(size_kb) as disk:
        root = disk / "study"
        shutil.copytree(model, root)
        code, _, err = benchside("run", root)
        faults = []
        if code != 0:
            faults += [] if code == 2 else [f"exit code {code}: {err.strip()[-200:]}"]
            faults += [] if len(err.strip().splitlines()) == 1 else [f"not one sentence: {err.strip()[-200:]}"]
        faults += damaged(root)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        again, _, words = benchside("run", root)
        faults += [] if again == 0 else [f"with room, exit code {again}: {words.strip()[-200:]}"]
        faults += damaged(root) + (ledger_faults(root) if again == 0 else [])
        return code != 0, [f"{size_kb} kB: {fault}" for fault in faults]


def check() -> Outcome:
    """Return the outcome over all sizes."""
    with tempfile.TemporaryDirectory(prefix="benchside-model-") as folder:
        model, met, faults = write_demo(Path(folder) / "study", trial=False), 0, list[str]()
        try:
            for size_kb in SIZES_KB:
                full, found = faults_of(size_kb, model)
                met, faults = met + full, faults + found
        except CannotMountError as error:
            return skipped(NAME, str(error))
    figure = f"{met} of {len(SIZES_KB)} disks were full, {len(faults)} faults" + "".join(f"; {one}" for one in faults[:1])
    return Outcome(NAME, figure, "exit code 2 and one sentence, then a finished run", met > 0 and not faults)
