"""What a variant is called: short form, HGVS with one or three letters, alleles in cis and in trans, fusions, other genes."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from benchside.core.errors import TableError, listed
from benchside.stages.resistance.bypass import AMPLIFIED, GENES, PATHWAYS, TRANSFORMED, Bypass, opened
from benchside.stages.resistance.kinase import (
    DOMAIN_END,
    DOMAIN_START,
    GENE,
    LENGTH,
    LETTERS,
    TRANSCRIPTS,
    is_transcript,
    reference_residue,
)

Kind = Literal["wild-type", "on-target", "off-target", "other"]
Phase = Literal["cis", "trans", "unknown"]
NOT_CHECKED: Final = "not checked: outside the kinase domain, whose residues are the ones known here"
OTHER_GENE: Final = "not checked: another gene than ALK"
CHECKED: Final = "yes"

_ONE: Final = "ACDEFGHIKLMNPQRSTVWY"
_SUBSTITUTION: Final = re.compile(rf"^([{_ONE}])(\d{{1,4}})([{_ONE}*=])$")
_DELETION: Final = re.compile(rf"^([{_ONE}])(\d{{1,4}})(?:_([{_ONE}])(\d{{1,4}}))?del(?:[{_ONE}]+)?$")
_INSERTION: Final = re.compile(rf"^([{_ONE}])(\d{{1,4}})_([{_ONE}])(\d{{1,4}})ins([{_ONE}]+)$")
_SHORT_INSERTION: Final = re.compile(rf"^(\d{{3,4}})([{_ONE}]+)ins$")
_OTHER: Final = re.compile(
    rf"^([{_ONE}])(\d{{1,4}})(?:_([{_ONE}])(\d{{1,4}}))?(?:delins[{_ONE}*]+|dup|[{_ONE}]?fs.*|_splice|ext.*)$"
)
_THREE: Final = re.compile("|".join(LETTERS))
_DNA: Final = re.compile(r"(?:^|:)[cgn]\.")
_FUSION: Final = re.compile(r"\b([A-Z0-9]+)(?:-|::)ALK\b(?:\s+(?:variant\s*)?([VvEe]\d\S*))?")
_EXONS: Final = {"E13;A20": "V1", "E20;A20": "V2", "E6;A20": "V3", "E6a;A20": "V3a", "E6b;A20": "V3b"}
"""Forms of EML4-ALK by the exons that meet (Sasaki et al. 2010, doi:10.1016/j.ejca.2010.04.002)."""

_CHANGE: Final = re.compile(rf"^\(?[{_ONE}]\d{{1,4}}\S+$")
_PHASE: Final = re.compile(r"[\s(]*\b(?:in[\s-]+)?(cis|trans)\b\)?", re.IGNORECASE)
_PREFIX: Final = re.compile(r"^(?P<id>(?:N[MP]_|ENS[TP])[\d.]+)\s*(?:\((?P<gene>[A-Z0-9]+)\))?\s*:\s*")
_GENE: Final = re.compile(r"^([A-Z][A-Z0-9]+|[A-Z0-9]+/[A-Z0-9a-z]+)(?:\s+|:|$)(.*)$", re.IGNORECASE)
_WILD: Final = frozenset({"wt", "wild-type", "wild type", "wildtype", "none", "no mutation", "unmutated"})
_SPLIT: Final = re.compile(r"\s*(?:\+|/|&|;|,|\band\b)\s*")


class UnreadableVariant(TableError):  # noqa: N818  what it is, not that it is an error
    """A text that is no protein change in any form read here."""


@dataclass(frozen=True)
class Named:
    """One finding, in the words of the facts."""

    variant: str
    """``G1202R``, ``WT``, ``L1196M+G1202R`` (in cis), or gene and finding: ``MET amplification``."""

    kind: Kind
    gene: str = GENE
    fusion: str | None = None
    phase: Phase | None = None
    bypass: Bypass | None = None
    checked: str = CHECKED
    status: str = "ok"


@lru_cache(maxsize=65_536)
def named(text: str, gene: str | None = None, transcript: str | None = None) -> tuple[Named, ...]:
    """Return the findings that a text names: several for alleles in trans or of unknown phase, one for a compound mutation in cis.

    Parameters
    ----------
    text
        ``G1202R``, ``p.Gly1202Arg``, ``ALK p.(G1202R)``, ``NM_004304.5:p.Gly1202Arg``, ``p.[Leu1196Met;Gly1202Arg]`` (cis),
        ``p.[Leu1196Met];[Gly1202Arg]`` (trans), ``L1196M + G1202R in cis``, ``EML4-ALK V3 G1202R``, ``WT``, ``MET amplification``.
    gene
        The gene, where a column of its own names it.
    transcript
        The transcript, where a column of its own names it.

    Raises
    ------
    TableError
        When the text cannot be read, is numbered by another transcript, or its reference residue is not ALK's.

    Examples
    --------
    >>> [one.variant for one in named("p.[Leu1196Met];[Gly1202Arg]")], named("L1196M+G1202R in cis")[0].variant
    (['L1196M', 'G1202R'], 'L1196M+G1202R')
    """
    words = " ".join(text.split())
    if not words:
        message = "a variant is empty. Give a mutation, for example G1202R, or WT for none."
        raise TableError(message)
    words, gene, transcript = _without_prefix(words, gene, transcript)
    if gene not in (None, "", GENE) or TRANSFORMED.search(words):
        return (_off_target(gene or "", words),)
    partner, words = _fusion(words)
    if transcript and not is_transcript(transcript):
        message = (
            f"variant {text!r} is numbered by {transcript}, and ALK's residues are numbered here by {TRANSCRIPTS[0]} "
            f"({TRANSCRIPTS[1]}). Annotate it on that transcript."
        )
        raise TableError(message)
    found = _of_alk(words, text)
    return tuple(replace(one, fusion=partner) for one in found)


def _without_prefix(words: str, gene: str | None, transcript: str | None) -> tuple[str, str | None, str | None]:
    """Return the words after gene and transcript, and these."""
    prefix = _PREFIX.match(words)
    if prefix:
        words, transcript, gene = words[prefix.end() :], prefix["id"], prefix["gene"] or gene
    head = _GENE.match(words)
    if head and gene is None and (head[1] == GENE or head[1] in GENES or head[1].upper() in PATHWAYS):
        return head[2].strip(), head[1], transcript
    is_symbol = head and head[1].isupper() and not _SUBSTITUTION.match(head[1]) and _CHANGE.match(_letters(head[2]))
    if head and gene is None and is_symbol:
        return head[2].strip(), head[1], transcript
    if head and gene is not None and head[1] == gene:
        return head[2].strip(), gene, transcript
    return words, gene, transcript


def _off_target(gene: str, words: str) -> Named:
    found, told = opened(gene, words)
    more_copies = AMPLIFIED.fullmatch(words) and "gain" not in words.lower()
    words = "amplification" if more_copies else words
    return Named(
        f"{gene} {_letters(words)}".strip(),
        "off-target" if found or gene in GENES else "other",
        gene,
        bypass=found,
        checked=OTHER_GENE,
        status=told,
    )


def _fusion(words: str) -> tuple[str | None, str]:
    """Return the fusion that a text names, with its form, and the words that are left."""
    match = _FUSION.search(words)
    if match is None:
        return None, words
    written = match[2] or ""
    form = _EXONS.get(written, written.upper().replace("A", "a").replace("B", "b") if written[:1] in "vV" else "")
    rest = words[: match.start()] + words[match.end() if form or not written else match.start(2) :]
    return f"{match[1]}-ALK {form}".strip(), rest.strip(" :,;")


def _letters(words: str) -> str:
    """Return a protein change with one-letter residues and without p. and parentheses."""
    bare = re.sub(r"\bp\.", "", words)
    return _THREE.sub(lambda match: LETTERS[match[0]], bare).replace("p.", "")


def _of_alk(words: str, text: str) -> tuple[Named, ...]:
    if words.lower() in _WILD or not words:
        return (Named("WT", "wild-type"),)
    if _DNA.search(words):
        message = f"variant {text!r} is named by its nucleotides. Give the protein change, for example p.Gly1202Arg."
        raise TableError(message)
    alleles, phase = _alleles(words)
    if len(alleles) == 1 and len(alleles[0]) == 1:
        return (_one(alleles[0][0], text),)
    found = []
    for members in alleles:
        made = [_one(member, text) for member in members]
        found.append(made[0] if len(made) == 1 else _compound(made))
    return tuple(replace(one, phase=phase if "+" not in one.variant else "cis") for one in found)


def _alleles(words: str) -> tuple[list[list[str]], Phase | None]:
    """Return the mutations of each allele, and how sure it is which lie together."""
    if "[" in words:
        if "(;)" in words:
            return [[one] for one in _members(words.replace("(;)", ";"))], "unknown"
        groups = re.findall(r"\[([^\]]*)\]", words)
        return [_members(group) for group in groups], "trans" if len(groups) > 1 else "cis"
    said = _PHASE.search(words)
    phase: Phase | None = None if said is None else "cis" if said[1].lower() == "cis" else "trans"
    members = _members(_PHASE.sub("", words))
    if len(members) == 1:
        return [members], None
    return ([members], "cis") if phase == "cis" else ([[one] for one in members], phase or "unknown")


def _members(words: str) -> list[str]:
    plain = re.sub(r"[\[\]]", "", words)
    return [part for part in _SPLIT.split(plain.strip()) if part]


def _compound(made: list[Named]) -> Named:
    """Return mutations on one allele as one variant, in the order of their residues."""
    ordered = sorted(made, key=lambda one: int(re.sub(r"\D", "", one.variant.split("_")[0]) or 0))
    checked = next((one.checked for one in made if one.checked != CHECKED), CHECKED)
    return Named("+".join(one.variant for one in ordered), "on-target", phase="cis", checked=checked)


def _one(words: str, text: str) -> Named:
    """Return one change of ALK, its reference residues checked."""
    short = re.sub(r"^\(|\)$", "", _letters(words.strip()).strip())
    if re.search(r"amplif|copy[- ]number|\bgain\b", short, re.IGNORECASE):
        return Named("ALK amplification", "other", status="copies of ALK: no fold and no coverage speak of it")
    alike = _canonical(short)
    if alike is None:
        message = (
            f"variant {text!r} is no protein change that can be read here. Write it as G1202R or p.Gly1202Arg, WT for none, "
            "or a gene and its finding, for example 'MET amplification'."
        )
        raise UnreadableVariant(message)
    name, sites = alike
    checked = _check(sites, text)
    if name.endswith("="):
        return Named("WT", "wild-type", status=f"{short}: the residue does not change")
    simple = bool(_SUBSTITUTION.match(name) or _DELETION.match(name) or _SHORT_INSERTION.match(name)) and "*" not in name
    status = (
        "ok" if simple else f"{name} is no substitution, insertion or deletion of residues: no fold is known of such a change"
    )
    return Named(name, "on-target" if simple else "other", checked=checked, status=status)


def _canonical(short: str) -> tuple[str, tuple[tuple[str, int], ...]] | None:
    """Return a change as the facts write it, with the reference residues it states; None where it is no change."""
    if match := _SUBSTITUTION.match(short):
        return ("=" if match[3] == match[1] else short) if match[3] != "=" else "=", ((match[1], int(match[2])),)
    if match := _INSERTION.match(short):
        sites = ((match[1], int(match[2])), (match[3], int(match[4])))
        return f"{match[2]}{match[5]}ins", sites
    if match := _SHORT_INSERTION.match(short):
        return short, ((reference_residue(int(match[1])) or "", int(match[1])),)
    if match := (_DELETION.match(short) or _OTHER.match(short)):
        last = ((match[3], int(match[4])),) if match[3] else ()
        is_deletion = bool(_DELETION.match(short))
        stem = short[: short.index("del") + 3] if is_deletion else short
        return stem, ((match[1], int(match[2])), *last)
    return None


def _check(sites: tuple[tuple[str, int], ...], text: str) -> str:
    """Return whether the reference residues were checked; refuse those that are not ALK's."""
    beyond = [position for _, position in sites if not 1 <= position <= LENGTH]
    if beyond:
        message = f"variant {text!r} names residue {listed(beyond)}, and ALK has residues 1-{LENGTH}. Check gene and transcript."
        raise TableError(message)
    wrong = [(stated, position) for stated, position in sites if (known := reference_residue(position)) and known != stated]
    if wrong:
        stated, position = wrong[0]
        message = (
            f"variant {text!r} says that residue {position} of ALK is {stated}, and it is {reference_residue(position)} in "
            f"{TRANSCRIPTS[0]} (UniProt Q9UM73). Check the gene, and number it by that transcript."
        )
        raise TableError(message)
    inside = all(DOMAIN_START <= position <= DOMAIN_END for _, position in sites)
    return CHECKED if inside else NOT_CHECKED
