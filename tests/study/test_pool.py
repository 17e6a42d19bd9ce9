import os
from pathlib import Path

import pytest
from verification.studies import benchside, numbers

from benchside.core.stage import Inputs
from benchside.core.tables import table_hash
from benchside.study.pool import spread
from benchside.study.workflow import Call, perform

SETTINGS = {
    "concentration_unit": None,
    "target": "ALK",
    "variant": None,
    "system": "Ba/F3",
    "overflow": "refuse",
    "signal_read": None,
    "reference_read": None,
    "through": "benchside",
}


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_work_in_processes_is_the_work_done_here(fresh_demo: Path, workers: int) -> None:
    paths = sorted((fresh_demo / "plates").glob("*.xlsx"))
    calls = [
        Call("assay.read", Inputs(files={"plates": (path,)}, root=fresh_demo), {**SETTINGS, "file": path.name}) for path in paths
    ]
    here = [table_hash(perform(call).table) for call in calls]
    before = os.environ.get("NUMBA_NUM_THREADS")
    there = [table_hash(made.table) for made in spread(perform, calls, estimated_seconds=100.0, workers=workers)]
    assert there == here
    assert len(set(here)) == len(paths)
    assert os.environ.get("NUMBA_NUM_THREADS") == before


def test_small_work_starts_no_process() -> None:
    assert set(spread(_process, [1, 2, 3], estimated_seconds=0.1, workers=3)) == {os.getpid()}


def test_large_work_does() -> None:
    assert os.getpid() not in spread(_process, [1, 2], estimated_seconds=100.0, workers=2)


def _process(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("threads", [1, 7])
def test_numbers_do_not_depend_on_the_number_of_threads(finished_demo: Path, new_study, threads: int) -> None:
    root = new_study(f"threads-{threads}")
    code, _, err = benchside("run", root, env={"NUMBA_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads)})
    assert code == 0, err
    assert numbers(root) == numbers(finished_demo)


def test_two_threads_do_as_many(finished_demo: Path, new_study) -> None:
    root = new_study("threads-2")
    assert benchside("run", root, env={"NUMBA_NUM_THREADS": "2"})[0] == 0
    assert numbers(root) == numbers(finished_demo)
