"""Compilation: numba on first use, with a cache on disk where one can be written, without one (and one warning) where none can.

numba raises at import when a cached function has nowhere to put its cache, so the place is tested first: beside the source,
else a folder of the user's under the system's temporary folder, else no cache at all.

numba takes most of a second to import, and much of what the command line does computes nothing. So a decorated function stays
a `Kernel` until the first kernel is called; then numba is imported once and every kernel becomes numba's own dispatcher, in the
modules of the kernels, where compiled code looks its callees up.
"""

import getpass
import itertools
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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

_PACKAGE: Final = __name__.rpartition(".")[0]
_OPTIONS: Final = {"cache": CACHED, "fastmath": False, "error_model": "numpy", "nogil": True}
"""No fast maths: arithmetic keeps IEEE order, so results repeat to the last bit."""

_LOCK: Final = threading.RLock()
_WAITING: list["Kernel"] = []


class Kernel:
    """A function that is compiled when a kernel is first called."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], *, entry: bool = False) -> None:
        self.py_func = function
        self.options = options
        self.dispatcher: Callable[..., Any] | None = None
        self.is_entry = entry or bool(options.get("parallel"))
        """Whether only Python calls it; compiled code needs the dispatchers of what it calls in their module."""

        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.__wrapped__ = function

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the compiled function, compiling first where that has not happened."""
        if self.dispatcher is None:
            _compile_waiting()
        return cast("Callable[..., Any]", self.dispatcher)(*map(_own, arguments), **named)


def _own(argument: Any) -> Any:
    """Return an array that cannot be written to as a copy that can: to numba the two are types apart, each compiled for itself."""
    flags = getattr(argument, "flags", None)
    return argument.copy() if flags is not None and not flags.writeable else argument


def _compile_waiting() -> None:
    """Import numba and put its dispatchers in the place of every kernel declared so far."""
    with _LOCK:
        import numba  # noqa: PLC0415  the point of this module: not before it is needed

        if _FOLDER is not None:
            vars(numba.config)["CACHE_DIR"] = _FOLDER
        while _WAITING:
            kernel = _WAITING.pop()
            kernel.dispatcher = numba.njit(**kernel.options)(kernel.py_func)
        for name, module in list(sys.modules.items()):
            if name.startswith(_PACKAGE + "."):
                _put_dispatchers(vars(module), numba.prange)


def _put_dispatchers(names: dict[str, Any], prange: Any) -> None:
    for name, value in list(names.items()):
        if isinstance(value, Kernel) and value.dispatcher is not None and not value.is_entry:
            names[name] = value.dispatcher
        elif value is range and name == "PARALLEL":
            names[name] = prange


PARALLEL: Any = range
"""`prange` once compiled, only ever over independent curves, patients or trials: no reduction crosses an iteration."""


def _declared(function: F, *, entry: bool = False, **further: Any) -> F:
    kernel = Kernel(function, {**_OPTIONS, **further}, entry=entry)
    with _LOCK:
        _WAITING.append(kernel)
    return cast("F", kernel)


def compiled(function: F) -> F:
    """Compile a function to machine code, on first use."""
    return _declared(function)


def compiled_entry(function: F) -> F:
    """Compile a function that only Python calls, on parts of its items through `on_threads`: half the compilation of a parallel one."""
    return _declared(function, entry=True)


def compiled_inline(function: F) -> F:
    """Compile a small function that is merged into its callers."""
    return _declared(function, inline="always")


def compiled_parallel(function: F) -> F:
    """Compile a function whose `PARALLEL` loops run on numba's threads; every iteration must be independent."""
    return _declared(function, parallel=True)


def on_threads(call: Callable[[slice], Any], items: int) -> list[Any]:
    """Return what `call` gives for each of as many equal slices of the items as there are threads, in their order.

    The compiled code holds no lock while it runs. No result depends on where the slices are cut.
    """
    workers = max(1, min(threads(), items))
    edges = [(items * k) // workers for k in range(workers + 1)]
    slices = [slice(low, high) for low, high in itertools.pairwise(edges)]
    if workers == 1:
        return [call(slices[0])]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(call, slices))


def threads(count: int | None = None) -> int:
    """Return how many numba threads work, after setting them to `count` where one is given."""
    import numba  # noqa: PLC0415  as above

    if count is not None:
        numba.set_num_threads(max(1, min(count, int(vars(numba.config)["NUMBA_NUM_THREADS"]))))
    return int(numba.get_num_threads())
