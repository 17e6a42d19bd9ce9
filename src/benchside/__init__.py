"""benchside takes a tyrosine kinase inhibitor from the bench to the bedside: analyse, simulate, and trace every number.

``import benchside as bs`` is light: a stage is imported when its name is first used (``bs.assay``, ``bs.clinical``, ...).
Research use only.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0.dev0"

_LAZY = {
    "assay": "benchside.stages.assay",
    "clinical": "benchside.stages.clinical",
    "evidence": "benchside.evidence",
    "pharmacology": "benchside.stages.pharmacology",
    "trial": "benchside.stages.trial",
}

__all__ = ["__version__", "assay", "clinical", "evidence", "pharmacology", "trial"]


def __getattr__(name: str) -> ModuleType:
    if name in _LAZY:
        module = importlib.import_module(_LAZY[name])
        globals()[name] = module
        return module
    message = f"benchside has no attribute {name!r}; it has {', '.join(sorted(_LAZY))}."
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
