"""Where the data beside the checkout is, for the tests that need real data; they skip where it is absent."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(*parts: str) -> Path:
    """Return a path under shared/, or skip the test."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared/ is not beside the checkout: {Path(*parts)} is needed")
    return path
