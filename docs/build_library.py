"""Pages written from the code at every build and kept nowhere: the library's assay functions, and the sentences of fitted curves."""

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from benchside.stages import assay
from benchside.stages.assay import FitStatus

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

HEADINGS: Final = ("Parameters", "Returns", "Raises", "Notes", "Examples", "Attributes")

LIBRARY_HEAD: Final = """\
# bs.assay

`import benchside as bs`. Every function that takes a table accepts a path, a table of benchside or any dataframe; every result
carries `.table` (polars) and `.evidence`. Settings are frozen values with defaults; everything but the data is keyword-only.
"""
STATUS_HEAD: Final = """\
# Statuses

What `status` of a fitted curve can say: `ok`, or every sentence that applies.

| name | sentence |
|---|---|
"""


def library_page(module: ModuleType, head: str) -> str:
    """Return every public name of a module with its signature and its documentation: functions, then values and tables."""
    names = sorted(module.__all__, key=lambda name: (not name[0].islower(), name.lower()))
    return "\n".join([head, *(entry(name, getattr(module, name)) for name in names)])


def entry(name: str, thing: Any) -> str:
    """Return one name as Markdown."""
    text = inspect.getdoc(thing) or ""
    return "\n".join([f"## {name}", "", "```", signature(name, thing), "```", "", *documentation(text), ""])


def signature(name: str, thing: Any) -> str:
    """Return how a function is called, one argument a line where it is long; a class of constants has no call."""
    if isinstance(thing, type) and issubclass(thing, Enum):
        return name
    parameters = [str(one).replace("benchside.stages.assay.", "") for one in inspect.signature(thing).parameters.values()]
    kinds = [one.kind for one in inspect.signature(thing).parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    line = f"{name}({', '.join(parameters)})"
    return line if len(line) < 100 else f"{name}(\n    " + ",\n    ".join(parameters) + ",\n)"


def documentation(text: str) -> Iterator[str]:
    """Yield a numpy-style docstring as Markdown: headings in bold, lists of what is described, examples as code."""
    head, *rest = re.split(rf"^({'|'.join(HEADINGS)})\n-+\n", text, flags=re.MULTILINE)
    yield head.strip()
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        yield from ("", f"**{heading}**", "")
        if heading == "Examples":
            yield from ("```python", body.strip(), "```")
        elif heading == "Notes":
            yield body.strip()
        else:
            yield from described(body.strip())


def described(body: str) -> Iterator[str]:
    """Yield the terms of a section as a list, each with what is said of it."""
    for term, _, words in (part.partition("\n") for part in re.split(r"\n(?=\S)", body)):
        said = " ".join(words.split())
        yield f"- `{term}`: {said}" if said else f"- `{term}`"


def status_page() -> str:
    """Return the sentences a fit can end with."""
    return STATUS_HEAD + "".join(f"| `{one.name}` | {one.value} |\n" for one in FitStatus)


def pages() -> dict[str, str]:
    """Return path -> Markdown of the pages made here."""
    return {"reference/assay.md": library_page(assay, LIBRARY_HEAD), "reference/statuses.md": status_page()}


def on_files(files: "Files", config: Any, **_: Any) -> "Files":
    """Add the pages to those that MkDocs found."""
    from mkdocs.structure.files import File  # noqa: PLC0415  tests read the pages without MkDocs

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
