"""What can be said of a well: the words layouts use for it, their units, and one written property with its cell."""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

from benchside.core.errors import LayoutError, TableError, UnitError, listed, nearest
from benchside.core.units import nM_per
from benchside.stages.assay.model import ROLES
from benchside.stages.assay.read.cells import is_formula_error, number, shown

DOSED: Final = ("concentration", "concentration_b", "atp")
"""Properties that are concentrations, and so need a unit."""

PROPERTIES: Final = (*DOSED, "compound", "compound_b", "role", "target", "variant", "system", "replicate", "plate_id")
_WORDS: Final[Mapping[str, str]] = {
    "concentration": "concentration", "conc": "concentration", "dose": "concentration", "compound": "compound", "drug": "compound",
    "treatment": "compound", "role": "role", "type": "role", "well type": "role", "target": "target", "kinase": "target",
    "compound b": "compound_b", "compound 2": "compound_b", "drug b": "compound_b", "drug 2": "compound_b", "second compound": "compound_b",
    "concentration b": "concentration_b", "concentration 2": "concentration_b", "dose b": "concentration_b", "dose 2": "concentration_b",
    "atp": "atp", "variant": "variant", "mutation": "variant", "system": "system", "cell line": "system", "replicate": "replicate",
    "plate": "plate_id", "plate_id": "plate_id", "plate id": "plate_id",
}  # fmt: skip
_ROLE_WORDS: Final[Mapping[str, str]] = {
    **{role: role for role in ROLES}, "dmso": "vehicle", "vehicle control": "vehicle", "negative": "vehicle", "medium": "blank",
    "background": "blank", "no enzyme": "blank", "no cells": "blank", "positive control": "positive", "unused": "empty", "": "",
}  # fmt: skip
_LOGARITHM: Final = re.compile(r"^\s*-?(log(10)?|ln)\b.*\b(conc|concentrations?|doses?)\b", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"[\(\[]\s*([^\)\]]+?)\s*[\)\]]\s*$")
_UNIT: Final = re.compile(r"[\(\[_ ]\s*(log10\s*\w*|pM|nM|uM|µM|μM|mM|M|[pnuµm]?mol/L)\s*[\)\]]?\s*$")


@dataclass(frozen=True)
class Cell:
    """One property of one well, and where it was written."""

    value: Any
    place: str
    ref: str


WellCells = dict[str, dict[str, Cell]]
"""well -> property -> cell; concentrations in nM."""


def property_of(title: str) -> str | None:
    """Return the layout property a title or column name stands for, or None where it is none (a signal block)."""
    if _LOGARITHM.match(title.replace("_", " ")):
        return "concentration"  # that it is a logarithm is for `unit_of` to refuse
    return _WORDS.get(
        re.split(r"[\(\[]", title.replace("_", " ") if title not in _WORDS else title)[0].strip().lower()
    ) or _WORDS.get(_UNIT.sub("", title).strip().lower())


def nearest_property(title: str) -> str | None:
    """Return the property a title nearly is, where it is none: `Compond` is nearly `compound`."""
    word = re.split(r"[\(\[]", title)[0].strip().lower()
    words = [known for known, name in _WORDS.items() if name != "plate_id"]  # `Plate:` heads a plate of signals
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.8) if property_of(title) is None else []
    return found[0] if found else None


def unit_of(title: str, default: str | None, *, place: str) -> float:
    """Return nM per unit of a titled concentration block or column; the title's unit, else the study's, else an error."""
    if _LOGARITHM.match(title.replace("_", " ")):
        return nM_per(title, place=place)
    match = _UNIT.search(title) or _BRACKETED.search(title)
    if match:
        return nM_per(match.group(1), place=place)
    if default is None:
        message = (
            f"{place}: {title!r} names no concentration unit. Write it in the title, for example 'Concentration (nM)', "
            "or set concentration_unit; it is never guessed."
        )
        raise UnitError(message)
    return nM_per(default, place=place)


def canonical_well(text: str) -> str:
    """Return A01 and a1 as A1, and an empty text as it is."""
    match = re.fullmatch(r"([A-Za-z]{1,2})0*(\d+)", text.strip())
    return f"{match.group(1).upper()}{match.group(2)}" if match else text.strip()


def converted(cell: Cell, name: str, factor: float) -> Cell:
    """Return a cell with its concentration in nM, or its role as one of the known ones."""
    if name in DOSED:
        value = number(cell.value)
        if value is None or is_formula_error(cell.value) or not math.isfinite(value):
            message = f"{cell.place} holds {shown(cell.value)}, and a dose must be a number. Correct or clear the cell."
            raise TableError(message)
        return Cell(value * factor, cell.place, cell.ref)
    if name == "replicate":
        count = number(cell.value)
        if count is None or not count.is_integer():
            message = f"{cell.place} holds {shown(cell.value)}, and a replicate is a whole number. Correct or clear the cell."
            raise TableError(message)
        return Cell(int(count), cell.place, cell.ref)
    if name == "role":
        role = _ROLE_WORDS.get(str(cell.value).strip().lower())
        if role is None:
            hint = nearest(str(cell.value), _ROLE_WORDS)
            message = f"{cell.place} holds role {cell.value!r}, which is unknown{hint}. Use one of {listed(ROLES, 6)}."
            raise TableError(message)
        return Cell(role, cell.place, cell.ref)
    if isinstance(cell.value, date | time | timedelta):
        message = (
            f"{cell.place} holds {shown(cell.value)} as {name}: the spreadsheet made a date of a name. Write the name as text."
        )
        raise TableError(message)
    if isinstance(cell.value, float) and cell.value.is_integer():
        return Cell(str(int(cell.value)), cell.place, cell.ref)  # compound 1003, not 1003.0
    return cell


def role_of(properties: Mapping[str, Cell]) -> str:
    """Return the role of a well: as written, else from its compound's name; a dose alone is refused."""
    if "role" in properties and properties["role"].value:
        return str(properties["role"].value)
    compound = str(properties["compound"].value).strip().lower() if "compound" in properties else ""
    if compound in _ROLE_WORDS and compound:
        return _ROLE_WORDS[compound]
    dose = properties.get("concentration")
    if dose is not None and dose.value > 0 and not compound:
        message = (
            f"{dose.place} gives a dose to a well without compound and role; the cell of its compound is empty or holds a formula error. "
            "Name the compound, or the role."
        )
        raise LayoutError(message)
    return "sample" if compound else "empty"
