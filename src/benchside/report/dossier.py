"""Writing the dossier: sections from the results, one HTML file, nothing fetched from anywhere."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import vl_convert
from jinja2 import Environment, FunctionLoader, StrictUndefined

from benchside import __version__
from benchside.report.blocks import Page, Section
from benchside.report.clinical import clinical_section
from benchside.report.currency import DOSSIER, content_hash
from benchside.report.exposure import coverage_section
from benchside.report.methods import methods_section
from benchside.report.plain import plain_section
from benchside.report.potency import potency_section
from benchside.report.resistance import resistance_section
from benchside.report.trials import exclusions_section, trial_section
from benchside.study.file import StudyFile, load
from benchside.study.results import Results
from benchside.study.stages import STAGES
from benchside.study.store import write_text

RESEARCH_USE: Final = "Research use only. Not for the diagnosis or treatment of patients."

SECTIONS: Final[Mapping[str, Callable[[Results, Any], Section]]] = {
    "assay": potency_section,
    "pharmacology": coverage_section,
    "resistance": resistance_section,
    "trial": trial_section,
    "clinical": clinical_section,
}


def write_dossier(root: Path) -> Path:
    """Write the dossier of a study that has been run (`is_current` says whether it needs to be).

    Parameters
    ----------
    root
        The study folder.

    Raises
    ------
    StudyError, StorageError
        When the study has not been run, or the page cannot be written.
    """
    study, path = load(root, STAGES), root / DOSSIER
    with Results.of(root) as results:
        history = results.ledger.history()
        content = content_hash(study, results)
        write_text(path, render(page(study, results, history, content), bundle(root)))
    return path


def page(study: StudyFile, results: Results, history: tuple[dict[str, Any], ...], content: str) -> Page:
    """Return the dossier's content: a section a stage, exclusions where there are any, methods."""
    sections = [
        SECTIONS[name](results, section) if name in SECTIONS else plain_section(results, name)
        for name, section in study.sections.items()
    ]
    sections += [exclusions_section(history)] if history else []
    sections.append(methods_section(results))
    made = max(entry.created for entry in results.current.values())
    footer = (RESEARCH_USE, f"benchside {__version__}; newest result {made:%Y-%m-%d %H:%M} UTC; content {content}.")
    return Page(study.study.title or study.study.name, study.study.note, tuple(sections), content, footer)


def bundle(root: Path) -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the installed renderer; kept beside the results once made."""
    path = root / "results" / "cache" / f"vega-{version('vl-convert-python')}.js"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for arguments it does not need
        write_text(path, script)
    return path.read_text(encoding="utf-8")


def render(content: Page, vega: str) -> str:
    """Return the page as HTML: data escaped, scripts named by their hash in the page's own content policy."""
    sources = files("benchside.report") / "templates"
    own = (sources / "dossier.js").read_text(encoding="utf-8")
    vega = vega.replace("</script", "<\\/script")
    environment = Environment(
        loader=FunctionLoader(lambda name: (sources / name).read_text(encoding="utf-8")), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["embedded"] = embedded
    return environment.get_template("dossier.html.j2").render(
        page=content, style=(sources / "dossier.css").read_text(encoding="utf-8"), vega=vega, script=own,
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script_hash(vega)} {script_hash(own)}",
    )  # fmt: skip


def script_hash(script: str) -> str:
    """Return the content-policy source of one inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def embedded(value: Any) -> str:
    """Return data as JSON that no text in it can break out of its script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
