"""The curated published facts, one a row with its citation, and the questions that can be put to them.

>>> import benchside as bs
>>> facts = bs.evidence.query(quantity="IC50", compound="alectinib", variant="G1202R", verified_only=True)
>>> facts.table["number"].to_list()
[868.0]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchside.evidence.comparison import Comparison, compare, conflicts, known_conflicts
from benchside.evidence.files import FACT_TABLES, MEMORY_SENTENCE, citation, facts
from benchside.evidence.folds import agreement, folds
from benchside.evidence.lookup import Facts, one, query
from benchside.evidence.published import published
from benchside.evidence.reading import read_facts

if TYPE_CHECKING:
    from benchside.evidence.fold_scores import leave_one_source_out, memory_apart
    from benchside.evidence.guide_items import guide, table_one
    from benchside.evidence.shifts import FoldShift, fold_shift, fold_shift_table

_MODELLED = {
    "fold_scores": ("leave_one_source_out", "memory_apart"),
    "guide_items": ("guide", "table_one"),
    "shifts": ("FoldShift", "fold_shift", "fold_shift_table"),
}
"""Names whose modules rest on the fold model: imported when first asked for, since most runs look up facts only."""

__all__ = [
    "FACT_TABLES",
    "MEMORY_SENTENCE",
    "Comparison",
    "Facts",
    "FoldShift",
    "agreement",
    "citation",
    "compare",
    "conflicts",
    "facts",
    "fold_shift",
    "fold_shift_table",
    "folds",
    "guide",
    "known_conflicts",
    "leave_one_source_out",
    "memory_apart",
    "one",
    "published",
    "query",
    "read_facts",
    "table_one",
]


def __getattr__(name: str) -> Any:
    module = next((module for module, names in _MODELLED.items() if name in names), None)
    if module is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{module}"), name)
