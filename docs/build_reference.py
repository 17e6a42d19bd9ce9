"""Write docs/reference/study_file.md from the settings the study file is checked against, so that the two cannot differ.

MkDocs calls `on_pre_build` before every build; `python docs/build_reference.py` writes the page by hand.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from benchside.study.file import StudySection
from benchside.study.stages import STAGES

PAGE: Final = Path(__file__).parent / "reference" / "study_file.md"

MEANINGS: Final[Mapping[str, str]] = {
    "study.name": "The study's name.",
    "study.title": "The heading of the dossier; the name where it is absent.",
    "study.seed": "Seed of everything that is simulated.",
    "study.note": "A line below the dossier's heading.",
    "assay.format": "`plates`: wells are read, judged and normalised. `responses`: a long table that is normalised already.",
    "assay.concentration_unit": "Unit of concentrations where the file names none; never guessed.",
    "assay.response_unit": "For `responses`: `fraction` (1 is vehicle) or `percent` (100 is vehicle).",
    "assay.where": "For `responses`: column = value (or list of values); only these rows are read.",
    "assay.target": "The kinase, where the file does not say.",
    "assay.variant": "The variant, where the file does not say.",
    "assay.system": "Cell line, or `cell-free`, where the file does not say.",
    "assay.cells_per_well": "Cells seeded in a well.",
    "assay.serum_fraction": "Serum of the medium: 0.1 is 10 %, 0 a cell-free assay. Coverage and trials need it.",
    "assay.interval": "Profile likelihood, or delta on the log scale.",
    "assay.level": "Of the intervals.",
    "assay.quality_against": "The zero of plate quality.",
    "assay.overflow": "What becomes of wells the reader marked as overflown: the file is refused, or they are excluded.",
    "pharmacology.regimens": "The regimens whose exposure is computed: tables of the keys below.",
    "pharmacology.regimens[].compound": "A compound with published pharmacokinetics: alectinib or crizotinib.",
    "pharmacology.regimens[].dose_mg": "One dose.",
    "pharmacology.regimens[].every_h": "Hours between doses.",
    "trial.replicates": "Virtual trials.",
}
"""Words for the keys whose model says none in the code."""

HEAD: Final = """\
<!-- Written by docs/build_reference.py from the settings themselves; do not edit. -->
# study.toml

A study is a folder with this file and the data files it names. `[study]` is needed, and one stage at least. Paths are relative to
the folder and may not lead out of it. A key that is not here is refused, with the nearest key that is.
"""


def page() -> str:
    """Return the page: a section for `[study]` and for every stage, a row a key."""
    parts = [HEAD, section("study", StudySection, "Every study has it.")]
    parts += [section(name, stage.settings, stage.question[0].upper() + stage.question[1:]) for name, stage in STAGES.items()]
    return "\n".join(parts)


def section(name: str, model: type[BaseModel], about: str) -> str:
    """Return one section as Markdown."""
    lines = [f"## [{name}]", "", about, "", "| key | type | default | meaning |", "|---|---|---|---|"]
    for key, info, said in owned_keys(name, model):
        cells = [f"`{key.partition('.')[2]}`", type_words(info), default_words(info), said or MEANINGS.get(key, "")]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def keys(name: str, model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key of a section, those of tables within it after the key that holds them."""
    for key, info, _ in owned_keys(name, model):
        yield key, info


def owned_keys(name: str, model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo, str]]:
    """Yield every key of a section with its field, and the words that stand below the field in its own model."""
    own = docstrings(model)
    for field, info in model.model_fields.items():
        yield f"{name}.{field}", info, own.get(field, "")
        for inner, mark in inner_models(info.annotation):
            below = docstrings(inner)
            for one, its in inner.model_fields.items():
                yield f"{name}.{field}{mark}.{one}", its, below.get(one, "")


def inner_models(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models a type is or holds, and how their keys are written: `[]` for those of a list of tables."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part, "[]"


def meaning(key: str, model: type[BaseModel], _info: FieldInfo) -> str:
    """Return the words below the field in the code, else those written here, else nothing (a test refuses that)."""
    return {one: said for one, _, said in owned_keys(key.partition(".")[0], model)}.get(key) or MEANINGS.get(key, "")


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return field -> the string that stands below it in the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    found: dict[str, str] = {}
    previous: ast.stmt | None = None
    for node in getattr(body, "body", []):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(previous, ast.AnnAssign)
            and isinstance(previous.target, ast.Name)
        ):
            found[previous.target.id] = " ".join(str(node.value.value).split())
        previous = node
    return found


def type_words(info: FieldInfo) -> str:
    """Return a field's type and bounds as TOML users speak of them."""
    text = words(info.annotation)
    bounds = [f"{sign} {value}" for sign, value in bounds_of(info)]
    return ", ".join([text, *bounds])


def words(annotation: Any) -> str:
    """Return a type in words."""
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", date: "date"}
    if annotation in plain:
        return plain[annotation]
    arguments = [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
    origin = getattr(annotation, "__origin__", None)
    if origin in (list, tuple):
        return f"list of {words(arguments[0])}"
    if origin is dict:
        return f"table of {words(arguments[1])}"
    if arguments and all(isinstance(one, str) for one in arguments):
        return " or ".join(f'`"{one}"`' for one in arguments)
    if arguments:
        return " or ".join(dict.fromkeys(words(one) for one in arguments))
    return "table" if isinstance(annotation, type) and issubclass(annotation, BaseModel) else str(annotation)


def bounds_of(info: FieldInfo) -> Iterator[tuple[str, Any]]:
    """Yield (sign, value) of a field's bounds."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for mark in info.metadata:
        for name, sign in signs.items():
            if getattr(mark, name, None) is not None:
                yield sign, getattr(mark, name)
        if getattr(mark, "min_length", None) is not None:
            yield "at least", mark.min_length


def default_words(info: FieldInfo) -> str:
    """Return what a field is where the file does not say."""
    if info.is_required():
        return "**needed**"
    value = info.get_default(call_default_factory=True)
    if value is None or value in ("", [], {}, ()):
        return ""
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple) and all(isinstance(one, BaseModel) for one in value):
        return "; ".join(", ".join(str(part) for part in one.model_dump().values()) for one in value)
    return f"`{value}`" if not isinstance(value, dict) else ", ".join(f"`{name} = {one}`" for name, one in value.items())


def write() -> None:
    """Write the page where it has changed."""
    text = page()
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


def on_pre_build(**_: Any) -> None:
    """Write the page before MkDocs collects the files."""
    write()


if __name__ == "__main__":
    write()
