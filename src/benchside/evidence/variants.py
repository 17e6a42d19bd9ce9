"""What the words in a variant column mean: the point mutation, the fusion partner, and whether the kinase is wild-type."""

import re
from typing import Final

_MUTATION: Final = re.compile(r"\b(?:[A-Z]\d{3,4}(?:[A-Z]|del)|\d{3,4}[A-Z]ins)\b")
_FUSION: Final = re.compile(r"\b([A-Z0-9]+-ALK)\b")
_FORM: Final = re.compile(r"\bV\d[ab]?\b")
_WILD_TYPE: Final = re.compile(r"^(?:WT\b|wild-type\b|[A-Z0-9]+-ALK(?: V\d[ab]?)?(?: \(|$))")


def mutations(text: str | None) -> tuple[str, ...]:
    """Return the point mutations named in a variant.

    Examples
    --------
    >>> mutations("EML4-ALK V1 1151Tins"), mutations("EML4-ALK V3")
    (('1151Tins',), ())
    """
    return tuple(dict.fromkeys(_MUTATION.findall(text or "")))


def fusion(text: str | None) -> str | None:
    """Return the fusion named in a variant, without its form (V1, V3a), or None.

    Examples
    --------
    >>> fusion("EML4-ALK V3 G1202R"), fusion("G1202R")
    ('EML4-ALK', None)
    """
    found = _FUSION.search(text or "")
    return found.group(1) if found else None


def forms(text: str | None) -> tuple[str, ...]:
    """Return the forms of a fusion named in a variant.

    Examples
    --------
    >>> forms("EML4-ALK V3a")
    ('V3a',)
    """
    return tuple(dict.fromkeys(_FORM.findall(text or "")))


def is_wild_type(text: str | None) -> bool:
    """Return whether a variant is the kinase without a point mutation, alone or in a fusion.

    Examples
    --------
    >>> is_wild_type("EML4-ALK V1"), is_wild_type("EML4-ALK V1 G1202R"), is_wild_type("parental + IL-3")
    (True, False, False)
    """
    return bool(_WILD_TYPE.match(text or "")) and not mutations(text)


def same_thing(text: str | None) -> str:
    """Return the name under which facts on one variant meet: fusion and mutation, without the form of the fusion.

    Words that hold neither stay as they are, so that a subline or a parental line meets only itself.

    Examples
    --------
    >>> same_thing("EML4-ALK V3 G1202R"), same_thing("EML4-ALK V1"), same_thing("parental + IL-3")
    ('EML4-ALK G1202R', 'EML4-ALK', 'parental + IL-3')
    """
    partner, changed = fusion(text), mutations(text)
    of_a_line = "(" in (text or "") and "clone" not in (text or "")
    if of_a_line or not (changed or is_wild_type(text)):
        return text or ""
    return " ".join([*([partner] if partner else []), *changed]) or "WT"
