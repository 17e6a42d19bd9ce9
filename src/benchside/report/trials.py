"""Sections: the predicted trial (a sketch), and the analysis of a real or simulated event table."""

from typing import Any

import polars as pl

from benchside.report.blocks import Block, Cell, ChartBlock, Section, TableBlock, TextBlock, value_text
from benchside.report.numbers import Numbers, with_interval
from benchside.report.outcomes import published_outcome
from benchside.report.plain import task_table
from benchside.stages.clinical.figure import kaplan_meier_chart
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


def clinical_section(results: Results, settings: Any) -> Section:
    """Return the section on the survival analysis of an event table."""
    title = settings.title or settings.endpoint
    curve = results.table("clinical.curve")
    arms = [settings.control, *sorted(set(curve["arm"]) - {settings.control})]
    found = {name: results.table(f"clinical.{name}") for name in ("kaplan_meier", "cox", "log_rank")}
    chart = kaplan_meier_chart(
        curve,
        endpoint=settings.endpoint,
        title=title,
        order=arms,
        medians=found["kaplan_meier"],
        hazard_ratio=found["cox"],
        test=found["log_rank"],
    )
    blocks: list[Block] = [
        ChartBlock(
            "kaplan-meier", chart.to_dict(), f"Kaplan-Meier estimate of {settings.endpoint}", "The tables below hold the values."
        ),
        medians(results),
        comparison(results, settings),
    ]
    if results.has("clinical.survival_at"):
        blocks.append(landmarks(results, settings))
    captions = {
        "clinical.restricted_mean": "Restricted mean survival, to the last time every arm's curve is known",
        "clinical.proportional_hazards": "Score test of proportional hazards (a small p: one hazard ratio does not say it all)",
        "clinical.follow_up": "Follow-up, by reverse Kaplan-Meier",
    }
    blocks += [task_table(results, task, caption) for task, caption in captions.items() if results.has(task)]
    return Section("clinical", f"Survival: {title}", tuple(blocks))


def medians(results: Results) -> TableBlock:
    """Return medians by arm."""
    numbers = Numbers(results, "clinical.kaplan_meier")
    keys = _keys(results, "clinical.kaplan_meier")
    table = results.table("clinical.kaplan_meier")
    rows = []
    for row in table.iter_rows(named=True):
        text = with_interval(row["median_months"], row["lower_months"], row["upper_months"])
        key = tuple(row[name] for name in keys)
        rows.append(
            (
                Cell(row["arm"]),
                Cell(str(row["n"])),
                Cell(str(row["events"])),
                numbers.cell(key, _quantity(results, "clinical.kaplan_meier", "median_months"), text),
            )
        )
    return TableBlock(
        "Medians (Kaplan-Meier, log-log limits)", ("Arm", "Patients", "Events", "Median, months (95 %)"), tuple(rows)
    )


def landmarks(results: Results, settings: Any) -> TableBlock:
    """Return survival at the landmarks the study asks for."""
    numbers, keys = Numbers(results, "clinical.survival_at"), _keys(results, "clinical.survival_at")
    quantity = _quantity(results, "clinical.survival_at", "survival")
    rows = []
    for row in results.table("clinical.survival_at").iter_rows(named=True):
        cell = numbers.cell(
            tuple(row[name] for name in keys), quantity, with_interval(row["survival"], row["lower"], row["upper"])
        )
        rows.append((Cell(row["arm"]), Cell(f"{row['time_months']:g}"), cell, Cell(str(row["at_risk"]))))
    return TableBlock(f"{settings.endpoint} at landmarks", ("Arm", "Months", "Probability (95 %)", "At risk"), tuple(rows))


def comparison(results: Results, settings: Any) -> TableBlock:
    """Return the log-rank test and the hazard ratio of each arm against the control."""
    numbers = Numbers(results, "clinical.cox")
    test = results.table("clinical.log_rank").row(0, named=True)
    rows = []
    for row in results.table("clinical.cox").iter_rows(named=True):
        text = with_interval(row["hazard_ratio"], row["lower"], row["upper"])
        key = tuple(row[name] for name in _keys(results, "clinical.cox"))
        cell = numbers.cell(key, _quantity(results, "clinical.cox", "hazard_ratio"), text, title=str(row.get("status") or ""))
        rows.append(
            (
                Cell(f"{row['term']} v {settings.control}"),
                cell,
                Cell(value_text(row["p"])),
                Cell(value_text(test["p"])),
            )
        )
    strata = f", stratified by {', '.join(settings.strata)}" if settings.strata else ""
    note = f"Cox regression with Efron's handling of ties{strata}; log-rank chi-square {value_text(test['chi2'])} over all arms."
    return TableBlock("Comparison", ("Arm", "Hazard ratio (95 %)", "p (Wald)", "p (log-rank)"), tuple(rows), (note,))


def _keys(results: Results, task: str) -> tuple[str, ...]:
    return results.evidence(task).key


def _quantity(results: Results, task: str, column: str) -> str:
    return next(quantity.name for quantity in results.evidence(task).quantities if quantity.value == column)


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
