"""Where coverage comes from when a call is given none: whatever the package set, since no stage asks another.

The door above the stages (`benchside` itself) knows both this stage and the one that computes exposure, and joins them once.
"""

from collections.abc import Callable, Sequence
from typing import Any

CoverageSource = Callable[[Sequence[str], Sequence[str], Any], Any]
"""What makes a table of coverages: (compounds, variants, exposure or None) -> columns `compound, variant, site, coverage_average,
lower, upper` and, as far as known, `coverage_minimum, relation, system, source, verified, status`. A compound it knows nothing of has no
row. It is asked for the wild type and for mutations whose fold somebody measured."""

_held: dict[str, CoverageSource] = {}


def use_coverage(source: CoverageSource | None) -> None:
    """Set what makes the coverage of a call that is given none; None: nothing does, and such calls say so.

    Examples
    --------
    >>> use_coverage(None)
    >>> default() is None
    True
    """
    _held.clear()
    if source is not None:
        _held["coverage"] = source


def default() -> CoverageSource | None:
    """Return what `use_coverage` set, or None."""
    return _held.get("coverage")
