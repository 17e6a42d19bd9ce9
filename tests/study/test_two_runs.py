from collections.abc import Callable
from pathlib import Path

import pytest
from verification.two_runs import faults_of_two

from benchside.core.errors import StudyError
from benchside.study.lock import study_lock
from benchside.study.workflow import run


def test_two_runs_at_once_do_the_work_once(new_study: Callable[[str], Path]) -> None:
    assert faults_of_two(new_study("two")) == []


def test_a_run_that_waited_long_enough_says_who_is_in_the_way(new_study: Callable[[str], Path]) -> None:
    root = new_study("held")
    with study_lock(root), pytest.raises(StudyError, match="another run has held the study"):
        run(root, wait_seconds=0.1)
    assert not (root / "results").exists()
