"""study.toml: read, checked against what each stage knows, and refused in words that name the nearest key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchside.core.errors import StudyError, listed, nearest
from benchside.core.stage import Stage

NAME: Final = "study.toml"
Model = TypeVar("Model", bound=BaseModel)


class StudySection(BaseModel):
    """Section [study] of study.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    title: str = ""
    seed: int = Field(default=1, ge=0)
    note: str = ""


@dataclass(frozen=True)
class StudyFile:
    """A study file that passed every check."""

    root: Path
    study: StudySection
    sections: Mapping[str, Any]
    """Stage name -> its settings, for the stages this study has."""


def load(root: Path, stages: Mapping[str, Stage]) -> StudyFile:
    """Read and check the study file of a folder.

    Raises
    ------
    StudyError
        When the folder or file is absent, is not TOML, or holds a key or value that is not allowed; one sentence.
    """
    path = root / NAME
    if not root.is_dir():
        message = f"{root} does not exist or is no folder. Check the name, or begin with: benchside init {root}"
        raise StudyError(message)
    if not path.is_file():
        message = f"{root} holds no {NAME}. Write one, or begin with: benchside init {root}"
        raise StudyError(message)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{NAME} is not valid TOML: {error}. Correct that line."
        raise StudyError(message) from error
    known = ["study", *stages]
    for name in raw:
        if name not in known:
            message = f"{NAME}: section [{name}] is unknown{nearest(name, known)}. The sections are {listed(known, 12)}."
            raise StudyError(message)
    if "study" not in raw:
        message = f'{NAME}: section [study] is missing. Add it with a name, for example [study] name = "my study".'
        raise StudyError(message)
    if len(raw) == 1:
        message = f"{NAME}: no stage has a section, so there is nothing to run. Add one of {listed(stages, 12)}."
        raise StudyError(message)
    study = checked("study", StudySection, raw.pop("study"))
    return StudyFile(
        root, study, {name: checked(name, stage.settings, raw[name]) for name, stage in stages.items() if name in raw}
    )


def checked(section: str, model: type[Model], raw: object) -> Model:
    """Return one section as its model, or say what is wrong with its first bad key."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = error.errors()
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])  # a misspelt key is also a missing one
        place = ".".join(str(part) for part in first["loc"]) or section
        known = list(model.model_fields)
        if first["type"] == "extra_forbidden":
            message = f"{NAME}, [{section}]: key {place!r} is unknown{nearest(place, known)}. The keys are {listed(known, 20)}."
        elif first["type"] == "missing":
            message = f"{NAME}, [{section}]: key {place!r} is missing. Add it."
        else:
            message = f"{NAME}, [{section}]: {place} = {first['input']!r} is not allowed: {first['msg'].lower()}. Correct it."
        raise StudyError(message) from error
