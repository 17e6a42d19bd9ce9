"""Compounds of a user's own, in TOML: every number with its unit, source and status, or it is refused."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchside.core.errors import FileError, SettingError, UnitError, listed, nearest
from benchside.core.evidence import Evidence, Relation
from benchside.core.tables import require_file
from benchside.evidence.files import MEMORY_SENTENCE
from benchside.stages.pharmacology.compound import Compound, build

PARAMETERS: Final[Mapping[str, tuple[str, str]]] = {
    "molar_mass": ("molar_mass", "g/mol"), "dose": ("dose", "mg"), "dose_interval": ("dose_interval", "h"),
    "clearance": ("CL/F", "L/h"), "volume": ("V/F", "L"), "central_volume": ("Vc/F", "L"), "peripheral_volume": ("Vp/F", "L"),
    "exchange": ("Q/F", "L/h"), "absorption_duration": ("absorption_duration", "h"), "absorption_rate": ("absorption_rate", "1/h"),
    "lag_time": ("lag_time", "h"), "first_clearance": ("CL/F_first", "L/h"), "clearance_change_rate": ("CL/F_change_rate", "1/day"),
    "lead_in_dose": ("lead_in_dose", "mg"), "lead_in_duration": ("lead_in_duration", "days"),
    "unbound_fraction": ("unbound_fraction", "fraction"), "csf_to_free_plasma": ("csf_to_free_plasma", "ratio"),
    "exposure_cv": ("AUC_ss_cv", "fraction"), "food_effect": ("food_effect_AUC", "ratio"),
}  # fmt: skip
"""Key in the file -> the quantity of the facts, and its unit."""

STRUCTURES: Final = ("one compartment", "two compartments")
Status = Literal["measured", "derived", "assumed", "memory"]


class Parameter(BaseModel):
    """One number of a compound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(gt=0, allow_inf_nan=False)
    unit: str
    source: str = Field(min_length=1)
    status: Status
    relation: Relation = "="
    lower: float | None = Field(default=None, gt=0)
    upper: float | None = Field(default=None, gt=0)
    n: int | None = Field(default=None, gt=0)
    note: str = ""


class CompoundFile(BaseModel):
    """A compound as it stands in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    structure: Literal["one compartment", "two compartments"]
    reference_condition: Literal["", "fed", "fasted"] = ""
    parameters: dict[str, Parameter]


def load_compound(path: str | Path) -> Compound:
    r"""Read a compound of your own.

    Parameters
    ----------
    path
        A TOML file with ``name``, ``structure`` (``one compartment`` or ``two compartments``), ``reference_condition`` (``fed``,
        ``fasted``) where there is a food effect, and a table ``[parameters.<key>]`` for each number with ``value, unit,
        source, status`` (``measured``, ``derived``, ``assumed``, ``memory``) and, where known, ``relation, lower, upper, n, note``.

    Returns
    -------
    Compound
        What `exposure`, `course`, `population` and `coverage_draws` take in place of a name.

    Raises
    ------
    FileError
        When the file is absent or no TOML.
    SettingError
        When a key is unknown or a value cannot be used.
    UnitError
        When a unit is not the one asked for; it is never converted silently.
    NoEvidenceError
        When a number that the structure needs is missing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> text = 'name = "drug-9"\nstructure = "one compartment"\n'
    >>> numbers = {"molar_mass": (450, "g/mol"), "dose": (100, "mg"), "dose_interval": (24, "h"), "clearance": (20, "L/h"),
    ...            "volume": (400, "L"), "absorption_rate": (1, "1/h")}
    >>> for key, (value, unit) in numbers.items():
    ...     text += f'[parameters.{key}]\nvalue = {value}\nunit = "{unit}"\nsource = "notebook 7"\nstatus = "measured"\n'
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "drug-9.toml"
    >>> _ = file.write_text(text)
    >>> load_compound(file).structure.name
    'one compartment, first-order absorption'
    """
    place = Path(path)
    require_file(place)
    try:
        raw = tomllib.loads(place.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{place.name} is not valid TOML: {error}. Correct that line."
        raise FileError(message) from error
    held = _checked(raw, place.name)
    facts = {PARAMETERS[key][0]: _fact(held.name, key, value, place.name) for key, value in held.parameters.items()}
    if held.reference_condition:
        facts["reference_condition"] = Evidence(
            id=f"{place.name}/reference_condition", quantity="reference_condition", value=held.reference_condition,
            compound=held.name, method="user", source=place.name,
        )  # fmt: skip
    _check_structure(held, place.name)
    return build(held.name, facts)


def _checked(raw: dict[str, Any], name: str) -> CompoundFile:
    for key in raw:
        if key not in CompoundFile.model_fields:
            message = f"{name}: the key {key!r} is unknown{nearest(key, CompoundFile.model_fields)}; there are {listed(CompoundFile.model_fields, 9)}. Correct it."
            raise SettingError(message)
    for key in raw.get("parameters", {}) if isinstance(raw.get("parameters"), dict) else ():
        if key not in PARAMETERS:
            message = f"{name}: the parameter {key!r} is unknown{nearest(key, PARAMETERS)}; there are {listed(PARAMETERS, 20)}. Correct it."
            raise SettingError(message)
    try:
        return CompoundFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{name}: {where}: {first['msg'].lower().rstrip('.')}. Correct it."
        raise SettingError(message) from error


def _fact(compound: str, key: str, held: Parameter, name: str) -> Evidence:
    quantity, unit = PARAMETERS[key]
    if held.unit != unit:
        message = f"{name}: {key} must be in {unit} and is given in {held.unit!r}. Convert the value; units are never guessed."
        raise UnitError(message)
    if key in {"unbound_fraction"} and held.value > 1:
        message = f"{name}: {key} is a fraction and must lie in (0, 1], and is {held.value:g}. Give 0.03 for 3 %."
        raise SettingError(message)
    if held.lower is not None and held.upper is not None and not held.lower <= held.value <= held.upper:
        message = f"{name}: {key} {held.value:g} lies outside its limits {held.lower:g} to {held.upper:g}. Correct it."
        raise SettingError(message)
    return Evidence(
        id=f"{name}/{key}", quantity=quantity, value=held.value, relation=held.relation, unit=unit, lower=held.lower,
        upper=held.upper, level=0.95 if held.lower is not None else None, n=held.n, compound=compound, method="user",
        source=held.source, verified="memory" if held.status == "memory" else "yes", status=_status(held),
    )  # fmt: skip


def _status(held: Parameter) -> str:
    note = f": {held.note}" if held.note else ""
    if held.status == "memory":
        return f"{MEMORY_SENTENCE}{note}"
    if held.relation in {"<", ">"}:
        return f"{'an upper' if held.relation == '<' else 'a lower'} bound{note}"
    return "ok" if held.status == "measured" else f"{held.status}{note}"


def _check_structure(held: CompoundFile, name: str) -> None:
    two, given = held.structure == STRUCTURES[1], set(held.parameters)
    wrong = given & ({"volume"} if two else {"central_volume", "peripheral_volume", "exchange"})
    both = {"absorption_duration", "absorption_rate"} <= given
    if wrong or both:
        what = (
            f"{listed(sorted(wrong))} does not belong to a structure of {held.structure}"
            if wrong
            else "absorption is given twice"
        )
        message = f"{name}: {what}. Leave out what does not apply."
        raise SettingError(message)
