"""Section: methods. What was done, in the words a paper would use, written from what the ledger says was done."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchside.report.blocks import Cell, Section, TableBlock, TextBlock
from benchside.report.methods_assay import ASSAY_SENTENCES, Say
from benchside.report.methods_clinical import CLINICAL_SENTENCES
from benchside.study.ledger import Entry
from benchside.study.results import Results

_SENTENCES: Final[Mapping[str, Say]] = {
    **ASSAY_SENTENCES,
    "pharmacology.exposure": lambda _: "Concentrations at steady state follow a one-compartment model with published apparent clearances and volumes; free concentrations use the published unbound fraction, and the brain the published ratio to free plasma.",
    "pharmacology.coverage": lambda _: "Coverage is free drug (parent and active metabolite) over the free IC50, the nominal IC50 times the unbound fraction in the assay medium, 1 / (1 + s (1 / fu - 1)) with s the serum fraction.",
    "pharmacology.coverage_draws": lambda settings: f"The coverage of a random patient is the median and 95 % interval over {settings['draws']:,} draws (seed {settings['seed']}) of patients, of the IC50 within its interval, and of the unbound fraction, the serum of the medium and the ratio of brain to plasma where they are bounds or priors.",
    "trial.simulate": lambda settings: f"Virtual trials ({settings['replicates']} of the design {settings['design']['name']}, seed {settings['seed']}) were simulated from a small model of a body and a brain lesion with sensitive and resistant cells. Sketch: not calibrated.",
    "trial.predict": lambda settings: f"Predictions are means over the virtual trials (of hazard ratios geometric, of median times the median) with {settings['level']:.0%} prediction intervals; hazard ratios by Cox regression (Efron).",
    **CLINICAL_SENTENCES,
}  # fmt: skip


def methods_section(results: Results) -> Section:
    """Return the methods, a paragraph a stage, the files the study read, and the software that did it."""
    said = paragraphs(tuple(results.current.values()))
    return Section("methods", "Methods and lineage", (TextBlock(said), files_table(results), software_table(results)))


def paragraphs(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what was done, a paragraph a stage."""
    stages = list(dict.fromkeys(verb.split(".")[0] for verb in _SENTENCES))
    parts = ([entry for entry in entries if entry.verb.startswith(f"{stage}.")] for stage in stages)
    return tuple(" ".join(said) for part in parts if (said := sentences(part)))


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return what was done, a sentence or more a verb, in the order a paper tells it; steps that found no row are not said."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.rows:
            first.setdefault(entry.verb, entry)
    return [say(first[verb].settings) for verb, say in _SENTENCES.items() if verb in first]


def files_table(results: Results) -> TableBlock:
    """Return every file the study read, with the hash of its content."""
    files = {(one.file, one.content) for entry in results.current.values() for one in entry.inputs if one.file is not None}
    rows = tuple((Cell(file), Cell(content)) for file, content in sorted(files))
    note = "A reference such as plates/a.xlsx@1a2b3c4d5e6f!Plate!C12 is file, first 12 digits of this hash, sheet, cell."
    return TableBlock("Files read", ("File", "Content hash (BLAKE2b)"), rows, (note,))


def software_table(results: Results) -> TableBlock:
    """Return which versions computed the numbers."""
    versions = sorted({(name, version) for entry in results.current.values() for name, version in entry.software.items()})
    return TableBlock("Computed with", ("Software", "Version"), tuple((Cell(name), Cell(version)) for name, version in versions))
