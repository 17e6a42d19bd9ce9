"""Compilation: numba with a cache on disk where one can be written, without one (and one warning) where none can.

numba raises at import when a cached function has nowhere to put its cache, so the place is tested first: beside the source,
else a folder of the user's under the system's temporary folder, else no cache at all.
"""

import getpass
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "user"


def cache_folder() -> tuple[bool, str | None]:
    """Return whether compiled code can be kept, and the folder to name to numba (None: beside the source)."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return _writable(Path(os.environ["NUMBA_CACHE_DIR"])), None
    if _writable(Path(__file__).parent / "__pycache__"):
        return True, None
    fallback = Path(tempfile.gettempdir()) / f"benchside-numba-{_user_name()}"
    if _writable(fallback):
        return True, str(fallback)
    return False, None


CACHED, _FOLDER = cache_folder()
if _FOLDER is not None:
    os.environ["NUMBA_CACHE_DIR"] = _FOLDER
if not CACHED:
    warnings.warn(
        "benchside found no folder to keep compiled kernels in, so they are compiled anew in every process (some seconds). "
        "Set NUMBA_CACHE_DIR to a folder you can write to.",
        RuntimeWarning,
        stacklevel=2,
    )

import numba  # noqa: E402  after the cache folder is settled: numba reads it at import

if _FOLDER is not None:
    vars(numba.config)["CACHE_DIR"] = _FOLDER

PARALLEL: Final = numba.prange
"""`prange`, only ever over independent curves, patients or trials: no reduction crosses an iteration."""


def compiled(function: F) -> F:
    """Compile a function to machine code; arithmetic keeps IEEE order (no fast maths), so results repeat to the last bit."""
    return cast("F", numba.njit(cache=CACHED, fastmath=False, error_model="numpy", nogil=True)(function))


def compiled_inline(function: F) -> F:
    """Compile a small function that is merged into its callers."""
    return cast("F", numba.njit(cache=CACHED, fastmath=False, error_model="numpy", nogil=True, inline="always")(function))


def compiled_parallel(function: F) -> F:
    """Compile a function whose `prange` loops run on numba's threads; every iteration must be independent."""
    return cast("F", numba.njit(cache=CACHED, fastmath=False, error_model="numpy", nogil=True, parallel=True)(function))


def threads(count: int | None = None) -> int:
    """Return how many numba threads work, after setting them to `count` where one is given."""
    if count is not None:
        numba.set_num_threads(max(1, min(count, int(vars(numba.config)["NUMBA_NUM_THREADS"]))))
    return int(numba.get_num_threads())
