"""The curated published facts, one a row with its citation, and the questions that can be put to them.

>>> import benchside as bs
>>> facts = bs.evidence.query(quantity="IC50", compound="alectinib", variant="G1202R", verified_only=True)
>>> facts.table["number"].to_list()
[868.0]
"""

from benchside.evidence.files import FACT_TABLES, MEMORY_SENTENCE, citation, facts
from benchside.evidence.lookup import Facts, one, query

__all__ = ["FACT_TABLES", "MEMORY_SENTENCE", "Facts", "citation", "facts", "one", "query"]
