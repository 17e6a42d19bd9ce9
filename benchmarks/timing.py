"""Seconds of a call or of a process, wall and processor, and the row a benchmark prints."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    beside: str
    """The bare kernel or the peer, from the same run."""

    ratio: str
    threshold: str
    holds: bool | None
    """None: stated, nothing is asked, or it could not be measured here."""

    def verdict(self) -> str:
        """Return ok, SHORT, or nothing where nothing is asked."""
        return "" if self.holds is None else "ok" if self.holds else "SHORT"


@dataclass(frozen=True)
class Seconds:
    """Medians over repeats."""

    wall: float
    cpu: float
    """All threads."""


def timed(call: Callable[[], object], *, repeats: int = 5, warm: bool = True) -> Seconds:
    """Return median seconds of a call, after one call that does not count where `warm`."""
    if warm:
        call()
    return _medians([_once(call) for _ in range(repeats)])


def beside(ours: Callable[[], object], theirs: Callable[[], object], *, repeats: int = 5) -> tuple[Seconds, Seconds]:
    """Return median seconds of two calls made in turn, so that a busy machine slows both."""
    ours()
    theirs()
    pairs = [(_once(ours), _once(theirs)) for _ in range(repeats)]
    return _medians([one for one, _ in pairs]), _medians([other for _, other in pairs])


def _once(call: Callable[[], object]) -> Seconds:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def _medians(found: Sequence[Seconds]) -> Seconds:
    return Seconds(statistics.median(one.wall for one in found), statistics.median(one.cpu for one in found))


@dataclass(frozen=True)
class Process:
    """One process that has ended."""

    wall: float
    cpu: float
    peak_gb: float
    """Peak resident memory of the process or of the largest one it started, whichever is larger."""


class ProcessFailedError(Exception):
    """A measured process ended with an error; the text is what it said."""


def process(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Process:
    """Run a command to its end; its resources are its own, not those of earlier ones.

    Raises
    ------
    ProcessFailedError
        When it does not end with exit code 0.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in command], env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        _, code, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(code)
    wall = time.perf_counter() - began
    if started.returncode != 0:
        message = f"{' '.join(str(word) for word in command)} ended with {started.returncode}"
        raise ProcessFailedError(message)
    return Process(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)
