"""Section: methods. What was done, in the words a paper would use, written from what the ledger says was done."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchside.report.blocks import Cell, Section, TableBlock, TextBlock
from benchside.report.methods_assay import ASSAY_SENTENCES, Say
from benchside.study.ledger import Entry
from benchside.study.results import Results

_SENTENCES: Final[Mapping[str, Say]] = {
    **ASSAY_SENTENCES,
    "pharmacology.exposure": lambda _: "Concentrations at steady state follow a one-compartment model with published apparent clearances and volumes; free concentrations use the published unbound fraction, and the brain the published ratio to free plasma.",
    "pharmacology.coverage": lambda _: "Coverage is free drug (parent and active metabolite) over the free IC50, the nominal IC50 times the unbound fraction in the assay medium, 1 / (1 + s (1 / fu - 1)) with s the serum fraction.",
    "trial.simulate": lambda settings: f"Virtual trials ({settings['replicates']} of the design {settings['design']['name']}, seed {settings['seed']}) were simulated from a small model of a body and a brain lesion with sensitive and resistant cells. Sketch: not calibrated.",
    "trial.predict": lambda settings: f"Predictions are means over the virtual trials (of hazard ratios geometric, of median times the median) with {settings['level']:.0%} prediction intervals; hazard ratios by Cox regression (Efron).",
    "clinical.kaplan_meier": lambda _: "Survival was estimated by Kaplan-Meier with log-log limits.",
    "clinical.log_rank": lambda settings: "Arms were compared by the log-rank test" + (f" stratified by {', '.join(settings['strata'])}." if settings["strata"] else "."),
    "clinical.restricted_mean": lambda _: "Restricted means are areas under the Kaplan-Meier curves to the last time at which every arm's curve is known, compared by difference and ratio.",
    "clinical.proportional_hazards": lambda _: "Proportional hazards were tested by the score test on Kaplan-Meier-transformed time (Grambsch and Therneau 1994, in the exact form).",
    "clinical.follow_up": lambda _: "Follow-up was estimated by reverse Kaplan-Meier.",
    "clinical.cox": lambda _: "Hazard ratios are from Cox regression with Efron's handling of ties and Wald limits.",
}  # fmt: skip


def methods_section(results: Results) -> Section:
    """Return the methods paragraph, the files the study read, and the software that did it."""
    text = " ".join(sentences(tuple(results.current.values())))
    return Section("methods", "Methods and lineage", (TextBlock((text,)), files_table(results), software_table(results)))


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
