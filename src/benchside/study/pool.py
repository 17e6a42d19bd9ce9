"""Processes for work above about three seconds: spawned (a fork after polars or numba has run hangs), one thread each."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_SECONDS: Final = 3.0
_ONE_THREAD: Final = {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], *, estimated_seconds: float, workers: int | None = None
) -> Iterator[Result]:
    """Yield `work` of every item, in order; in processes of their own only where the whole is worth starting them.

    Parameters
    ----------
    work
        A function of a module (it is sent by name), free of global state.
    items
        What it is called with, one at a time.
    estimated_seconds
        How long all of it would take in this process.
    workers
        Number of processes; by default one a core.
    """
    count = min(workers or os.cpu_count() or 1, len(items))
    if count < 2 or estimated_seconds < WORTH_SECONDS:
        yield from map(work, items)
        return
    with _single_threaded(), ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let processes that start meanwhile run one thread each; the environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
