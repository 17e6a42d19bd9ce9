"""One run of a study at a time: a second one waits its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from benchside.core.errors import StorageError, StudyError

NAME: Final = ".benchside.lock"
WAIT_SECONDS: Final = 600.0


@contextmanager
def study_lock(root: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of a study; the operating system releases it if the process is killed.

    Raises
    ------
    StudyError
        When another run still holds it after `wait_seconds`.
    StorageError
        When the folder cannot be written to.
    """
    lock = FileLock(root / NAME)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        message = f"another run has held the study {root} for {wait_seconds:g} s. Wait for it to end, or stop it, and run again."
        raise StudyError(message) from error
    except OSError as error:
        message = f"the study folder {root} cannot be written to: {error.strerror or error}. Make it writable, or copy the study."
        raise StorageError(message) from error
    try:
        yield
    finally:
        lock.release()
