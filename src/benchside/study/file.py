"""study.toml: read, checked against what each stage knows, and refused in words that name the nearest key."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

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
        raise StudyError(_sentence(section, model, first)) from error


def _sentence(section: str, model: type[BaseModel], first: Mapping[str, Any]) -> str:
    """Return what is wrong with one key, where it stands and what would be right."""
    *outer, key = [part for part in first["loc"] if isinstance(part, str)] or [section]
    table, known = ".".join([section, *outer]), list(_model_at(model, outer).model_fields)
    head = f"{NAME}, [{table}]" if outer else f"{NAME}, [{section}]"
    if first["type"] == "extra_forbidden":
        return f"{head}: key {key!r} is unknown{nearest(key, known)}. The keys are {listed(known, 30)}."
    if first["type"] == "missing":
        return f"{head}: key {key!r} is missing. Add it."
    said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    if first["type"] == "value_error" and not isinstance(first["input"], str | int | float | list):
        return f"{NAME}, [{section}]: {said}."
    return f"{head}: {key} = {first['input']!r} is not allowed: {said[:1].lower() + said[1:]}. Correct it."


def _model_at(model: type[BaseModel], keys: Sequence[str]) -> type[BaseModel]:
    """Return the model of a table within a section."""
    for key in keys:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        inside = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, BaseModel)]
        if not inside:
            return model
        model = inside[0]
    return model
