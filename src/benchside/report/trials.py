"""Sections: the predicted trial (a sketch), and what a person excluded."""

from typing import Any

import polars as pl

from benchside.report.blocks import Cell, ChartBlock, Section, TableBlock, TextBlock
from benchside.report.numbers import Numbers, with_interval
from benchside.report.outcomes import published_outcome
from benchside.stages.trial.figure import kaplan_meier as predicted_chart
from benchside.stages.trial.model import parameter_table
from benchside.study.results import Results

_NAMES = {
    "hazard_ratio": "hazard ratio",
    "median": "median",
    "survival": "survival",
    "cumulative_incidence": "cumulative incidence",
}


def trial_section(results: Results, settings: Any) -> Section:
    """Return the section on the predicted trial."""
    predictions, events = results.table("trial.predict"), results.table("trial.simulate")
    numbers = Numbers(results, "trial.predict")
    rows = []
    for row in predictions.iter_rows(named=True):
        key = (row["endpoint"], row["quantity"], row["arm"], row["time_months"])
        text = with_interval(row["value"], row["lower"], row["upper"])
        when = "" if row["time_months"] is None else f" at {row['time_months']:g} months"
        against = f" v {row['comparator']}" if row["comparator"] else ""
        what = _NAMES.get(row["quantity"], row["quantity"])
        rows.append(
            (
                Cell(row["endpoint"]),
                Cell(f"{what}{when}"),
                Cell(f"{row['arm']}{against}"),
                numbers.cell(key, row["quantity"], text),
                Cell(row["unit"]),
                published_outcome(settings.design, row),
            )
        )
    notes = (
        f"Mean (of hazard ratios geometric, of median times the median) and 95 % prediction interval over {predictions['replicates'][0]} virtual trials of the design {settings.design}. NE: not reached in at least half of them.",
        "Published: verified facts of the intention-to-treat population at the first data cut-off, by assessment (INV investigator, IRC independent review); hover for the source. No parameter was fitted to them.",
        "Every parameter of the sketch is held at one value, so the interval carries the chance of the patients and not the uncertainty of the model.",
    )
    table = TableBlock(
        "Predicted outcome",
        ("Endpoint", "Quantity", "Arm", "Predicted (95 %)", "Unit", "Published, first report"),
        tuple(rows),
        notes,
    )
    chart = ChartBlock(
        "predicted",
        predicted_chart(events).to_dict(),
        "Predicted progression-free survival (sketch: not calibrated)",
        "The table above holds the values.",
    )
    warning = "Sketch: not calibrated. A deliberately small model (a body and a brain lesion, sensitive and resistant cells) whose parameters are cited or assumed, fitted to no trial."
    return Section(
        "trial",
        "Predicted trial",
        (TextBlock((warning,), tone="warn"), chart, table, parameters()),
        banner="sketch: not calibrated",
    )


def parameters() -> TableBlock:
    """Return the parameters of the sketch with their status."""
    table = parameter_table()
    rows = tuple(
        (
            Cell(row["name"]),
            Cell(f"{row['value']} {row['unit']}"),
            Cell(row["status"], "" if row["status"] == "derived" else "grey"),
            Cell(row["source"] or ""),
            Cell(row["note"] or ""),
        )
        for row in table.iter_rows(named=True)
    )
    return TableBlock("Parameters of the sketch", ("Parameter", "Value", "Status", "Source", "Note"), rows)


def exclusions_section(history: tuple[dict[str, Any], ...]) -> Section:
    """Return the section on exclusions: who, when, why, and whether it still holds."""
    columns = {"at": "When", "action": "Action", "plate_id": "Plate", "well": "Well", "who": "Who", "why": "Why"}
    table = pl.DataFrame(history).select(list(columns))
    table = table.with_columns(pl.col("at").str.slice(0, 16).str.replace("T", " "))
    rows = tuple(tuple(Cell(str(value)) for value in row) for row in table.iter_rows())
    note = "A reversal is a record of its own; nothing is ever deleted. Excluded wells stay in every figure."
    return Section(
        "exclusions",
        "Exclusions",
        (TableBlock("Wells taken out of the fits, and put back", tuple(columns.values()), rows, (note,)),),
    )
