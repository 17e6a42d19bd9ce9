"""The kinase that residue numbers refer to: its transcript, the residues of its kinase domain, and where its gene lies."""

from typing import Final

GENE: Final = "ALK"
TRANSCRIPTS: Final = ("NM_004304", "ENST00000389048")
"""The one transcript, in both catalogues, that the numbering of the literature follows."""

PROTEINS: Final = ("NP_004295", "ENSP00000373700")
LENGTH: Final = 1620
DOMAIN_START: Final = 1116
DOMAIN: Final = (
    "ITLIRGLGHGAFGEVYEGQVSGMPNDPSPLQVAVKTLPEVCSEQDELDFLMEALIISKFN"
    "HQNIVRCIGVSLQSLPRFILLELMAGGDLKSFLRETRPRPSQPSSLAMLDLLHVARDIAC"
    "GCQYLEENHFIHRDIAARNCLLTCPGPGRVAKIGDFGMARDIYRASYYRKGGCAMLPVKW"
    "MPPEAFMEGIFTSKTDTWSFGVLLWEIFSLGYMPYPSKSNQEVLEFVTSGGRMDPPKNCP"
    "GPVYRIMTQCWQHQPEDRPNFAIILERIEYCTQDPDV"
)
"""Residues 1116-1392 of UniProt Q9UM73 (RefSeq NP_004295), the domain as UniProt bounds it."""

DOMAIN_END: Final = DOMAIN_START + len(DOMAIN) - 1

BUILDS: Final = {"GRCh37": (29_415_640, 30_144_477), "GRCh38": (29_192_774, 29_921_586)}
"""Positions of the gene on chromosome 2 (NC_000002.11 and NC_000002.12), minus strand."""

DOMAIN_SPANS: Final = {"GRCh37": (29_415_640, 29_451_000), "GRCh38": (29_192_774, 29_228_134)}
"""Where the exons of the kinase domain lie: the gene's first 35 kb, which do not overlap between the builds."""

BUILD_WORDS: Final = {
    "grch37": "GRCh37", "hg19": "GRCh37", "b37": "GRCh37", "hs37d5": "GRCh37", "37": "GRCh37",
    "grch38": "GRCh38", "hg38": "GRCh38", "b38": "GRCh38", "38": "GRCh38",
}  # fmt: skip

LETTERS: Final = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H", "Ile": "I",
    "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V",
    "Ter": "*",
}  # fmt: skip
"""Three-letter names of residues (IUPAC-IUB 1984, doi:10.1111/j.1432-1033.1984.tb07877.x)."""


def reference_residue(position: int) -> str | None:
    """Return the residue of wild-type ALK at a position of its kinase domain, None outside of it.

    Examples
    --------
    >>> reference_residue(1202), reference_residue(1275), reference_residue(300)
    ('G', 'R', None)
    """
    inside = DOMAIN_START <= position <= DOMAIN_END
    return DOMAIN[position - DOMAIN_START] if inside else None


def is_transcript(name: str) -> bool:
    """Return whether a name is the transcript (or its protein) that ALK's residues are numbered by, in any version.

    Examples
    --------
    >>> is_transcript("NM_004304.5"), is_transcript("ENST00000431873")
    (True, False)
    """
    return name.strip().split(".")[0].upper() in {*TRANSCRIPTS, *PROTEINS}


def build_named(text: str) -> str | None:
    """Return the genome build named in a text such as ``hg19`` or ``GRCh38.p13``, or None.

    Examples
    --------
    >>> build_named("hg19"), build_named("GRCh38.p14"), build_named("file.fa")
    ('GRCh37', 'GRCh38', None)
    """
    lower = text.strip().lower()
    if lower in BUILD_WORDS:
        return BUILD_WORDS[lower]
    long_words = (word for word in BUILD_WORDS if not word.isdigit() and word in lower)
    return next((BUILD_WORDS[word] for word in long_words), None)
