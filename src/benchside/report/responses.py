"""Blocks of responses and safety: rates by arm and subgroup with their differences, waterfall, spider, swimmer, adverse events by arm."""

from typing import Any, Final

import polars as pl

from benchside.report.blocks import Block, Cell, ChartBlock, TableBlock, value_text
from benchside.report.charts_trial import spider_pages, waterfall_chart
from benchside.report.endpoint import Found, in_order
from benchside.stages.clinical.figures.parts import estimate_words
from benchside.study.results import Results

OBJECTIVE: Final = "objective_response"
OUTCOMES: Final = {
    "objective_response": "objective response",
    "complete_response": "complete response",
    "disease_control": "disease control",
}
SAFETY: Final = "adverse events"
MOST_TERMS: Final = 25
MOST_ARMS: Final = 4
MOST_SPIDER: Final = 400
"""Subjects above which the lines of a spider hide each other."""


def response_blocks(results: Results, settings: Any) -> list[Block]:
    """Return tables of every response, then the figures of the tumour sums."""
    blocks: list[Block] = []
    for response in settings.responses:
        found = Found(results, response.label)
        blocks.append(rates(found, settings))
        if found.has("clinical.rate_difference"):
            blocks.append(differences(found, settings))
    return blocks + tumour_charts(results)


def rates(found: Found, settings: Any) -> TableBlock:
    """Return response rates by arm, and the objective response in subgroups."""
    table = found.rows("clinical.objective_response")
    arms = in_order([row["arm"] for row in table], settings.control)
    own = {(row["outcome"], row["subgroup"], row["arm"]): row for row in table}
    subgroups = list(dict.fromkeys(row["subgroup"] for row in table))
    lines = [(outcome, "all") for outcome in OUTCOMES] + [(OBJECTIVE, one) for one in subgroups if one != "all"]
    rows = []
    for outcome, subgroup in lines:
        words = OUTCOMES[outcome] + ("" if subgroup == "all" else f", {subgroup}")
        rows.append((Cell(words), *(_rate(found, own[outcome, subgroup, arm]) for arm in arms)))
    took = {row["arm"]: row for row in found.rows("clinical.time_to_response")}
    rows.append((Cell("median time to response, months (quartiles)"), *(_took(found, took.get(arm)) for arm in arms)))
    best = found.table("clinical.best_overall_response")
    confirmed = "confirmed" if found.settings("clinical.best_overall_response")["confirmed"] else "unconfirmed"
    note = (
        f"Best overall response by RECIST 1.1, {confirmed}; every subject counts, limits Clopper-Pearson. {_counts(best, arms)}"
    )
    return TableBlock(f"{found.label} by arm", ("Outcome", *(f"{arm}, n and % (95 %)" for arm in arms)), tuple(rows), (note,))


def _rate(found: Found, row: dict[str, Any]) -> Cell:
    if row["rate"] is None:
        return Cell("no subject", "grey")
    words = estimate_words(*(100 * row[name] for name in ("rate", "lower", "upper")), digits=1)
    return found.cell("clinical.objective_response", row, "rate", f"{row['responders']} of {row['n']}: {words}")


def _took(found: Found, row: dict[str, Any] | None) -> Cell:
    """Return how long the responders of an arm took; nothing for an arm without any."""
    if row is None:
        return Cell("no responder", "grey")
    return found.estimate("clinical.time_to_response", row, "median_months", ("lower_months", "upper_months"))


def _counts(best: pl.DataFrame, arms: list[str]) -> str:
    """Return how many subjects of each arm had which best response."""
    parts = []
    for arm in arms:
        counts = best.filter(pl.col("arm") == arm)["response"].value_counts(sort=True)
        parts.append(f"{arm}: " + ", ".join(f"{count} {word}" for word, count in counts.iter_rows()))
    return "; ".join(parts) + "."


def differences(found: Found, settings: Any) -> TableBlock:
    """Return the differences of the response rates by both intervals, and the stratified test."""
    verb = "clinical.rate_difference"
    by_arm: dict[str, list[dict[str, Any]]] = {}
    for row in found.rows(verb):
        by_arm.setdefault(row["arm"], []).append(row)
    cmh = {row["arm"]: row for row in found.rows("clinical.cmh_test")}
    rows = []
    for arm, apart in by_arm.items():
        cells = [found.estimate(verb, row, "difference", ("lower", "upper"), percent=True) for row in apart]
        odds = found.estimate("clinical.cmh_test", cmh[arm], "odds_ratio", ("odds_ratio_lower", "odds_ratio_upper"))
        rows.append((Cell(f"{arm} v {settings.control}"), *cells, odds, found.p("clinical.cmh_test", cmh[arm])))
    strata = f"stratified by {', '.join(settings.strata)}" if settings.strata else "one stratum"
    names = ("Miettinen-Nurminen", "Newcombe")
    columns = ("Arm", *(f"Difference, points (95 %, {name})" for name in names), "Odds ratio (95 %)", "p (CMH)")
    return TableBlock(f"{found.label}: comparison", columns, tuple(rows), (f"Cochran-Mantel-Haenszel, {strata}.",))


def tumour_charts(results: Results) -> list[Block]:
    """Return waterfall and spider of the target lesions."""
    if not results.has("clinical.best_change"):
        return []
    words = "Values: results of the study (benchside numbers)."
    what = "Best change of the target lesions of every subject, until progression"
    charts = [ChartBlock("waterfall", waterfall_chart(results).to_dict(), what, words)]
    if results.table("clinical.tumour_response")["USUBJID"].n_unique() <= MOST_SPIDER:
        said = "Target lesions of every subject over time, an arm each"
        pages = spider_pages(results, MOST_ARMS).pages
        charts += [
            ChartBlock(f"spider-{k}", chart.to_dict(), "" if k else said, words, beside=True) for k, chart in enumerate(pages)
        ]
    return list(charts)


def safety_blocks(results: Results, settings: Any) -> list[Block]:
    """Return adverse events by arm: categories, then the most frequent terms."""
    found = Found(results, SAFETY)
    if not found.has("clinical.adverse_events"):
        return []
    note = "Subjects count once a row; rates per 100 patient-years end at a subject's first event; risk differences by Miettinen and Nurminen."
    blocks: list[Block] = [_events_table(found, "clinical.adverse_events", settings, "Adverse events by arm", (note,))]
    if found.has("clinical.adverse_event_terms"):
        several = found.table("clinical.adverse_event_terms")["category"].n_unique()
        cut = (f"The {MOST_TERMS} most frequent of {several} terms.",) if several > MOST_TERMS else ()
        blocks.append(_events_table(found, "clinical.adverse_event_terms", settings, "Most frequent adverse events", cut))
    return blocks


def _events_table(found: Found, verb: str, settings: Any, caption: str, notes: tuple[str, ...]) -> TableBlock:
    table = found.rows(verb)
    arms = in_order([row["arm"] for row in table], settings.control)
    own = {(row["category"], row["arm"]): row for row in table}
    rows = []
    for category in list(dict.fromkeys(row["category"] for row in table))[:MOST_TERMS]:
        here = [own[category, arm] for arm in arms]
        cells = [found.cell(verb, row, "percent", f"{row['subjects']} ({row['percent']:.1f})") for row in here]
        cells += [found.cell(verb, row, "per_100_patient_years", value_text(row["per_100_patient_years"])) for row in here]
        cells += [
            found.estimate(verb, row, "risk_difference", ("lower", "upper"), percent=True) for row in here if row["comparator"]
        ]
        rows.append((Cell(category), *cells))
    compared = [arm for arm in arms if any(row["comparator"] for row in table if row["arm"] == arm)]
    people = {row["arm"]: row["n"] for row in table}
    columns = (
        "Event", *(f"{arm} (n = {people[arm]}), n (%)" for arm in arms), *(f"{arm}, per 100 patient-years" for arm in arms),
        *(f"{arm} v {settings.control}, points (95 %)" for arm in compared),
    )  # fmt: skip
    return TableBlock(caption, columns, tuple(rows), notes)
