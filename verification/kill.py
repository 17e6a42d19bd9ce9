"""A run killed at any moment leaves nothing half-written, and the next run finishes as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchside.study.demo import write_demo
from verification.outcome import Outcome
from verification.studies import benchside, damaged, finish, ledger_faults, numbers, start

EARLIEST_SECONDS = 0.3


@dataclass(frozen=True)
class KillReport:
    """What a series of kills left."""

    asked: int
    landed: int
    """Kills that hit a run under way (the others came after its end)."""

    faults: tuple[str, ...]
    removed: int
    """Studies in which the last run removed something a killed one had left."""


def kill_after(root: Path, seconds: float) -> bool:
    """Run a study and kill its whole process group after some seconds; return whether it was still under way."""
    process = start("run", root)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        finish(process)
        return True
    finish(process)
    return False


def kills(count: int, *, seed: int = 1, warm_up: bool = True) -> KillReport:
    """Kill runs of the bundled study at `count` random moments, in turn of a fresh study and of one killed before.

    `warm_up` runs it once before its usual duration is measured, so that compilation is no part of that.
    """
    rng = np.random.default_rng(seed)
    faults: list[str] = []
    landed = removed = 0
    with tempfile.TemporaryDirectory(prefix="benchside-kill-") as folder:
        fresh, undisturbed = write_demo(Path(folder) / "fresh", trial=False), Path(folder) / "undisturbed"
        shutil.copytree(fresh, undisturbed)
        if warm_up:
            benchside("run", undisturbed)
            shutil.rmtree(undisturbed / "results")
        began = time.perf_counter()
        benchside("run", undisturbed)
        usual, wanted = time.perf_counter() - began, numbers(undisturbed)
        moments = rng.uniform(EARLIEST_SECONDS, usual, count)
        for number in range(0, count, 2):
            root = Path(folder) / f"study-{number}"
            shutil.copytree(fresh, root)
            for moment in moments[number : number + 2]:
                landed += kill_after(root, float(moment))
                faults += [f"after {moment:.2f} s: {fault}" for fault in damaged(root)]
            code, out, err = benchside("run", root)
            removed += "removed" in out
            faults += [] if code == 0 else [f"the last run ended with {code}: {err.strip()}"]
            faults += ledger_faults(root) + damaged(root)
            faults += [] if numbers(root) == wanted else ["numbers differ from those of an undisturbed run"]
    return KillReport(count, landed, tuple(faults), removed)


def check(count: int = 30) -> Outcome:
    """Return the outcome of `count` kills."""
    found = kills(count)
    figure = f"{found.landed} of {found.asked} kills hit a run; {len(found.faults)} faults; leftovers removed in {found.removed} studies"
    figure += f"; first: {found.faults[0]}" if found.faults else ""
    return Outcome(
        "killed runs", figure, "no fault, at least half hit a run", not found.faults and 2 * found.landed >= found.asked
    )
