"""A run killed at a random moment; `make verify` does this thirty times."""

import sys

import pytest
from verification.kill import kills

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are killed by signal, which Windows lacks")


def test_killed_runs_leave_nothing_half_written_and_the_next_one_finishes() -> None:
    found = kills(4, seed=11, warm_up=False)
    assert found.faults == ()
    assert found.landed >= 1
