"""A finished bundled study, run once; tests that change it take a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchside.study.demo import write_demo
from benchside.study.workflow import run


@pytest.fixture(scope="session")
def fresh_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("fresh") / "demo", trial=False)


@pytest.fixture(scope="session")
def finished_demo(fresh_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished") / "demo"
    shutil.copytree(fresh_demo, root)
    run(root)
    return root


@pytest.fixture
def study(finished_demo: Path, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may change."""
    return Path(shutil.copytree(finished_demo, tmp_path / "study"))


@pytest.fixture
def new_study(fresh_demo: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies of the study before its first run."""
    return lambda name: Path(shutil.copytree(fresh_demo, tmp_path / name))
