"""Findings outside ALK: the bypass they open, as far as anything here speaks of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchside.evidence import MEMORY_SENTENCE

HOTSPOT_SOURCE: Final = f"recurrent site (Chang et al. 2016, doi:10.1038/nbt.3391; {MEMORY_SENTENCE})"


@dataclass(frozen=True)
class Bypass:
    """A pathway that keeps a cell alive without ALK."""

    name: str
    facts: tuple[str, ...]
    """Ids of the facts that say it was seen at resistance; empty where none here does."""


EGFR: Final = Bypass("EGFR", ("guide/G024",))
MET: Final = Bypass("MET", ("guide/G025", "resistance_spectrum/R010"))
MAPK: Final = Bypass("MAPK", ("guide/G026",))
PI3K: Final = Bypass("PI3K/mTOR", ("guide/G027",))
TRANSFORMATION: Final = Bypass("transformation", ())

GENES: Final[Mapping[str, Bypass]] = {
    "EGFR": EGFR, "MET": MET,
    **dict.fromkeys(("KRAS", "NRAS", "HRAS", "BRAF", "RAF1", "MAP2K1", "MAP2K2", "NF1"), MAPK),
    **dict.fromkeys(("PIK3CA", "PIK3R1", "PTEN", "AKT1", "MTOR", "TSC1", "TSC2"), PI3K),
}  # fmt: skip
"""Genes whose change may open a bypass."""

PATHWAYS: Final[Mapping[str, Bypass]] = {
    "MAPK": MAPK, "RAS": MAPK, "RAS/MAPK": MAPK, "KRAS/MAPK": MAPK, "MAPK PATHWAY": MAPK, "PI3K": PI3K, "PI3K/MTOR": PI3K,
    "PIK3CA/MTOR": PI3K, "PI3K/MTOR PATHWAY": PI3K,
}  # fmt: skip
LOST: Final = frozenset({"NF1", "PTEN", "TSC1", "TSC2", "PIK3R1"})
"""Genes that open their bypass by being lost."""

HOTSPOTS: Final[Mapping[str, frozenset[int]]] = {
    "EGFR": frozenset({719, 746, 747, 768, 790, 858, 861}),
    "KRAS": frozenset({12, 13, 61, 117, 146}), "NRAS": frozenset({12, 13, 61}), "HRAS": frozenset({12, 13, 61}),
    "BRAF": frozenset({464, 466, 469, 594, 597, 600, 601}), "MAP2K1": frozenset({53, 56, 57, 121, 124, 203}),
    "PIK3CA": frozenset({88, 345, 420, 542, 545, 546, 1047}), "AKT1": frozenset({17}), "MTOR": frozenset({1799, 1977, 2215, 2230}),
}  # fmt: skip

AMPLIFIED: Final = re.compile(r"\b(?:amp|amplif\w*|copy[- ]number gain|gain)\b", re.IGNORECASE)
SKIPPED: Final = re.compile(r"exon\s*14|ex14", re.IGNORECASE)
ACTIVE: Final = re.compile(r"activat\w*|pathway|\bfusion\b|exon\s*(?:19|20)|ex(?:19|20)", re.IGNORECASE)
LOSS: Final = re.compile(
    r"\bloss\b|deletion|homdel|fs|\*|Ter\b|truncat\w*|Nonsense_Mutation|Frame_Shift|Splice_Site|stop_gained|frameshift",
    re.IGNORECASE,
)
TRANSFORMED: Final = re.compile(r"transform\w*|\bSCLC\b|small[- ]cell|\bEMT\b|epithelial[- ]mesenchymal", re.IGNORECASE)
_SITE: Final = re.compile(r"(?:[A-Z]|[A-Z][a-z]{2})(\d+)")


def opened(gene: str, words: str) -> tuple[Bypass | None, str]:
    """Return the bypass that a finding opens, and the sentence on how far that is known.

    Parameters
    ----------
    gene
        Symbol of the gene, empty for a finding without one (transformation).
    words
        What was found: ``amplification``, ``G12C``, ``activation``.

    Examples
    --------
    >>> found, told = opened("MET", "amplification")
    >>> found.name, told
    ('MET', 'ok')
    >>> opened("KRAS", "A59T")[0] is None
    True
    """
    if TRANSFORMED.search(words) or TRANSFORMED.search(gene):
        return TRANSFORMATION, "no fact here counts transformations; it changes the disease, not the kinase"
    known = GENES.get(gene) or PATHWAYS.get(gene.upper())
    if known is None:
        return None, f"no bypass by {gene or 'this finding'} is known here"
    if gene.upper() in PATHWAYS or ACTIVE.search(words) or not words.strip():
        return known, "ok"
    return _by_change(known, gene, words)


def _by_change(known: Bypass, gene: str, words: str) -> tuple[Bypass | None, str]:
    """Return whether a change of the gene opens its bypass: a loss, more copies, a recurrent site."""
    if gene in LOST:
        told = f"loss is not certain from {words!r}, so the bypass may be closed"
        return (known, "ok") if LOSS.search(words) else (None, told)
    if AMPLIFIED.search(words) or (gene == "MET" and SKIPPED.search(words)):
        return known, "ok"
    site = _SITE.search(words)
    if site and int(site.group(1)) in HOTSPOTS.get(gene, ()):
        return known, HOTSPOT_SOURCE
    return None, f"{gene} {words} is at no site known here to activate, so whether the {known.name} bypass is open is not known"
