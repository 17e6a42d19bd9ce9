"""The small in-vitro studies, each run once a session, with their results opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchside.study.results import Results
from tests.report import studies


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("studies")
    makers = {
        "cells": studies.cells_study,
        "kinase": studies.kinase_study,
        "pair": studies.pair_study,
        "plain": studies.plain_study,
        "trial": studies.trial_study,
    }
    return {name: make(root / name) for name, make in makers.items()}


@pytest.fixture(scope="session")
def opened(homes: dict[str, Path]) -> Iterator[dict[str, Results]]:
    held = {name: Results.of(root) for name, root in homes.items()}
    yield held
    for results in held.values():
        results.close()
