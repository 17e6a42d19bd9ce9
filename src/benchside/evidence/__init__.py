"""The curated published facts, one a row with its citation, and the questions that can be put to them.

>>> import benchside as bs
>>> facts = bs.evidence.query(quantity="IC50", compound="alectinib", variant="G1202R", verified_only=True)
>>> facts.table["number"].to_list()
[868.0]
"""

from benchside.evidence.comparison import Comparison, compare, conflicts, known_conflicts
from benchside.evidence.files import FACT_TABLES, MEMORY_SENTENCE, citation, facts
from benchside.evidence.fold_scores import leave_one_source_out, memory_apart
from benchside.evidence.folds import agreement, folds
from benchside.evidence.guide import guide, table_one
from benchside.evidence.lookup import Facts, one, query
from benchside.evidence.reading import read_facts
from benchside.evidence.shifts import FoldShift, fold_shift, fold_shift_table

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
    "query",
    "read_facts",
    "table_one",
]
