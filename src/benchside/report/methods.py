"""Section: methods. What was done, in the words a paper would use, written from what the ledger says was done."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchside.report.blocks import Cell, Section, TableBlock, TextBlock
from benchside.study.ledger import Entry
from benchside.study.results import Results

Say = Callable[[Mapping[str, Any]], str]


def _fit(settings: Mapping[str, Any]) -> str:
    kind = "profile likelihood" if settings["interval"] == "profile" else "the delta method on the log scale"
    return (
        f"Four-parameter log-logistic curves were fitted by least squares to the global optimum (slope within ±50, plateaus within ±10, midpoint within four "
        f"decades of the tested doses); {settings['level']:.0%} intervals are by {kind}. The IC50 is the dose at which the curve takes the response 0.5; beyond "
        "the tested doses it is reported as a bound."
    )


def _quality(settings: Mapping[str, Any]) -> str:
    return f"Plates were judged before fitting by Z' (Zhang 1999), its robust form and SSMD (Zhang 2007), vehicle against {settings['against']} wells."


_SENTENCES: Final[Mapping[str, Say]] = {
    "assay.read": lambda _: "Plates were read with the reference of every signal and dose cell kept.",
    "assay.read_responses": lambda _: "Responses were read as normalised by the user, the reference of every row kept.",
    "assay.quality": _quality,
    "assay.normalise": lambda _: "Signals were expressed plate by plate as a fraction of the window between the mean of the blank (or positive control) wells and the mean of the vehicle wells, untrimmed.",
    "assay.fit": _fit,
    "pharmacology.exposure": lambda _: "Concentrations at steady state follow a one-compartment model with published apparent clearances and volumes; free concentrations use the published unbound fraction, and the brain the published ratio to free plasma.",
    "pharmacology.coverage": lambda _: "Coverage is free drug (parent and active metabolite) over the free IC50, the nominal IC50 times the unbound fraction in the assay medium, 1 / (1 + s (1 / fu - 1)) with s the serum fraction.",
    "trial.simulate": lambda settings: f"Virtual trials ({settings['replicates']} of the design {settings['design']['name']}, seed {settings['seed']}) were simulated from a small model of a body and a brain lesion with sensitive and resistant cells. Sketch: not calibrated.",
    "trial.predict": lambda settings: f"Predictions are means over the virtual trials (of hazard ratios geometric, of median times the median) with {settings['level']:.0%} prediction intervals; hazard ratios by Cox regression (Efron).",
    "clinical.kaplan_meier": lambda _: "Survival was estimated by Kaplan-Meier with log-log limits.",
    "clinical.log_rank": lambda settings: "Arms were compared by the log-rank test" + (f" stratified by {', '.join(settings['strata'])}." if settings["strata"] else "."),
    "clinical.cox": lambda _: "Hazard ratios are from Cox regression with Efron's handling of ties and Wald limits.",
}  # fmt: skip


def methods_section(results: Results) -> Section:
    """Return the methods paragraph, the files the study read, and the software that did it."""
    by_verb: dict[str, Entry] = {}
    for entry in results.current.values():
        by_verb.setdefault(entry.verb, entry)
    sentences = [_SENTENCES[verb](entry.settings) for verb, entry in by_verb.items() if verb in _SENTENCES]
    return Section(
        "methods", "Methods and lineage", (TextBlock((" ".join(sentences),)), files_table(results), software_table(by_verb))
    )


def files_table(results: Results) -> TableBlock:
    """Return every file the study read, with the hash of its content."""
    files = {(one.file, one.content) for entry in results.current.values() for one in entry.inputs if one.file is not None}
    rows = tuple((Cell(file), Cell(content)) for file, content in sorted(files))
    note = "A reference such as plates/a.xlsx@1a2b3c4d5e6f!Plate!C12 is file, first 12 digits of this hash, sheet, cell."
    return TableBlock("Files read", ("File", "Content hash (BLAKE2b)"), rows, (note,))


def software_table(by_verb: Mapping[str, Entry]) -> TableBlock:
    """Return which versions computed the numbers."""
    versions = sorted({(name, version) for entry in by_verb.values() for name, version in entry.software.items()})
    return TableBlock("Computed with", ("Software", "Version"), tuple((Cell(name), Cell(version)) for name, version in versions))
