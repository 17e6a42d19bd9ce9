"""The bundled study: Excel plates simulated from published IC50s, shaped as a plate reader writes them, and a trial as ADaM tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import xlsxwriter

from benchside import evidence
from benchside.core.errors import StudyError
from benchside.core.evidence import Evidence
from benchside.stages.assay.model import WellTable, row_letters, well_name
from benchside.stages.assay.simulate import TrueCurve, simulate
from benchside.study.demo_section import TRIAL_SECTION
from benchside.study.demo_trial import write_trial
from benchside.study.file import NAME
from benchside.study.store import write_text

SEED: Final = 20_170_606
SYSTEM: Final = "Ba/F3 EML4-ALK"
SERUM_FRACTION: Final = 0.1
SLOPE: Final = 1.4

PLATES: Final[tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]] = (
    ("BaF3-01", (("alectinib", "WT", "P029"), ("crizotinib", "WT", "P026"))),
    ("BaF3-02", (("alectinib", "G1202R", "P051"), ("alectinib", "G1269A", "P053"))),
    ("BaF3-03", (("crizotinib", "G1269A", "P043"), ("crizotinib", "C1156Y", "P047"))),
)
"""Plate -> compound, variant, and the evidence row whose IC50 it is simulated from: all verified."""

LAYOUT_BLOCKS: Final = (
    ("Compound", "compound"),
    ("Concentration (nM)", "concentration_nM"),
    ("Variant", "variant"),
    ("Role", "role"),
)
WRITTEN: Final = datetime(2026, 1, 1)
"""The date the workbooks carry: fixed, so that every copy of the study has one content and every number one id."""

STUDY: Final = f"""\
# The bundled study: alectinib and crizotinib on EML4-ALK and its mutants, from plates to a predicted trial.
# The plates are simulated by benchside from published IC50s (the row of each is named on its sheet), the trial from the published
# landmarks of ALEX: round trips, not agreement.

[study]
name = "alectinib-demo"
title = "Alectinib against crizotinib in ALK-positive NSCLC (bundled demonstration)"
seed = {SEED}

[assay]
files = ["plates/*.xlsx"]
target = "ALK"
system = "{SYSTEM}"
serum_fraction = {SERUM_FRACTION}      # 10 % serum in the medium: what binds there is not free
round_trip = "IC50s of Ba/F3 cells published by KATAYAMA2012, FRIBOULET2014 and FONTANA2015 (evidence rows named on each sheet)"

[pharmacology]
regimens = [
  {{ compound = "alectinib", dose_mg = 600, every_h = 12 }},
  {{ compound = "crizotinib", dose_mg = 250, every_h = 12 }},
]

[trial]
design = "ALEX"
replicates = 200
resistant = {{ alectinib = "G1202R", crizotinib = "G1269A" }}
"""


def write_demo(root: Path, *, trial: bool = True) -> Path:
    """Write the bundled study into a new or empty folder.

    Parameters
    ----------
    root
        The folder; made if absent.
    trial
        With the trial's tables and their section; without them the study ends at the predicted trial.

    Raises
    ------
    StudyError
        When the folder holds files already: nothing is overwritten.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        message = f"{root} is not an empty folder, and nothing is overwritten. Name a new folder."
        raise StudyError(message)
    try:
        (root / "plates").mkdir(parents=True, exist_ok=True)
        for number, (plate_id, curves) in enumerate(PLATES):
            facts = [fact(row) for _, _, row in curves]
            truths = [
                TrueCurve(compound, variant, float(one.value or 0), SLOPE)
                for (compound, variant, _), one in zip(curves, facts, strict=True)
            ]
            wells = simulate(truths, seed=SEED + number, plate_id=plate_id, target="ALK", system=SYSTEM)
            write_plate(root / "plates" / f"{plate_id}.xlsx", wells, facts)
        if trial:
            write_trial(root)
    except OSError as error:
        message = f"{root} could not be written: {error.strerror or error}. Choose a folder you can write to."
        raise StudyError(message) from error
    write_text(root / NAME, STUDY + TRIAL_SECTION if trial else STUDY)
    return root


def fact(row_id: str) -> Evidence:
    """Return one row of the potency facts by its id."""
    facts = evidence.query(quantity="IC50").evidence + evidence.query(quantity="GI50").evidence
    return next(record for record in facts if record.id == f"potency/{row_id}")


def write_plate(path: Path, wells: WellTable, facts: Sequence[Evidence]) -> None:
    """Write a plate as a workbook: a sheet as a reader exports it, and a sheet with the layout as grids."""
    with xlsxwriter.Workbook(path) as book:
        signal, layout = book.add_worksheet("Plate"), book.add_worksheet("Layout")
        book.set_properties({"created": WRITTEN})
        bold = book.add_format({"bold": True})
        table = wells.table
        origin = "; ".join(f"{one.compound} {one.variant}: {one.value} nM ({one.source})" for one in facts)
        head: list[tuple[str, Any]] = [
            ("Plate reader export", ""), ("Plate ID", table["plate_id"][0]), ("Measurement", "Absorbance 450 nm (CCK-8), 72 h"),
            ("Note", f"Simulated by benchside from published IC50s, no measurement: {origin}"),
        ]  # fmt: skip
        for row, (name, value) in enumerate(head):
            signal.write(row, 0, name, bold)
            signal.write(row, 1, value)
        _grid(signal, 6, "Raw data", dict(table.select("well", "signal").iter_rows()), bold)
        samples = table.filter(pl.col("role") == "sample")
        for number, (title, column) in enumerate(LAYOUT_BLOCKS):
            described = table if column == "role" else samples
            _grid(layout, 11 * number, title, dict(described.select("well", column).iter_rows()), bold)
        layout.set_column(1, 12, 11)


def _grid(sheet: Any, top: int, title: str, values: Mapping[str, Any], bold: Any) -> None:
    """Write one plate-shaped block: a title, column numbers, row letters, values; nothing where a well has none."""
    sheet.write(top, 0, title, bold)
    for c in range(12):
        sheet.write(top + 1, c + 1, c + 1, bold)
    for r in range(8):
        sheet.write(top + 2 + r, 0, row_letters(r), bold)
        for c in range(12):
            value = values.get(well_name(r, c))
            if value is not None:
                sheet.write(top + 2 + r, c + 1, value)
