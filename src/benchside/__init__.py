"""benchside takes a tyrosine kinase inhibitor from the bench to the bedside: analyse, simulate, and trace every number.

``import benchside as bs`` is light: a stage is imported when its name is first used (``bs.assay``, ``bs.clinical``, ...).
Research use only.
"""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

__version__ = "0.1.0.dev0"

_STAGES = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / "stages")]))
"""Every folder of `stages/` is a public name, so that adding a stage touches nothing here."""

_LAZY = {"evidence": "benchside.evidence", **{name: f"benchside.stages.{name}" for name in _STAGES}}

__all__ = ["__version__", *sorted(_LAZY)]  # noqa: PLE0604  names of stages are found, not typed


def __getattr__(name: str) -> ModuleType:
    if name in _LAZY:
        module = importlib.import_module(_LAZY[name])
        if name == "resistance":  # a call needs coverage, and no stage imports another
            module.use_coverage(importlib.import_module("benchside.published_coverage").published_coverage)
        globals()[name] = module
        return module
    message = f"benchside has no attribute {name!r}; it has {', '.join(sorted(_LAZY))}."
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
