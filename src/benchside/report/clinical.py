"""Section: the trial. What was estimated, endpoint by endpoint, with its figure; then competing risks, responses and safety."""

from typing import Any

from benchside.report.blocks import Block, Cell, ChartBlock, Section, TableBlock, TextBlock, value_text
from benchside.report.charts_trial import forest_chart, survival_chart
from benchside.report.endpoint import Found, in_order, p_text
from benchside.report.methods_clinical import limits_words, ties_words
from benchside.report.numbers import MOST_TRAILS
from benchside.report.responses import response_blocks, safety_blocks
from benchside.report.risks import risk_blocks
from benchside.report.trial_tables import programme_tables
from benchside.stages.clinical.estimand import estimand_of
from benchside.study.results import Results


def clinical_section(results: Results, settings: Any) -> Section:
    """Return the section on the trial."""
    few = sum(entry.rows for entry in results.current.values() if entry.verb.startswith("clinical.")) <= 100 * MOST_TRAILS
    blocks: list[Block] = [*notices(settings)]
    if settings.endpoints:
        blocks.append(estimands(settings))
    blocks += programme_tables(results, settings)
    for endpoint in settings.endpoints:
        found = Found(results, endpoint.label, few)
        blocks += risk_blocks(found, settings) if found.has("clinical.incidence_curve") else survival_blocks(found, settings)
    blocks += response_blocks(results, settings)
    blocks += safety_blocks(results, settings)
    title = settings.title or ", ".join(endpoint.label for endpoint in settings.endpoints[:1]) or "responses"
    return Section("clinical", f"Trial: {title}", tuple(blocks), banner="round-trip: simulated" if settings.round_trip else "")


def notices(settings: Any) -> list[Block]:
    """Return what must be said before any number: that the tables were simulated, or where the patients are from."""
    said = []
    if settings.round_trip:
        said.append(
            f"Round trip: these tables were simulated from {settings.round_trip}. That they give back what they were made from shows the machinery; it is no agreement with a trial."
        )
    if settings.data_note:
        said.append(settings.data_note)
    return [TextBlock(tuple(said), tone="warn")] if said else []


def estimands(settings: Any) -> TableBlock:
    """Return what each endpoint estimates: population, endpoint, intercurrent events, summary measure."""
    rows = []
    for endpoint in settings.endpoints:
        said = estimand_of(endpoint, settings)
        rows.append((Cell(endpoint.label), *(Cell(text, "" if text != "not stated" else "grey") for text in said.values())))
    columns = ("Endpoint", "Population", "Definition", "Intercurrent events", "Summary measure")
    return TableBlock("What is estimated (ICH E9(R1))", columns, tuple(rows))


def survival_blocks(found: Found, settings: Any) -> list[Block]:
    """Return figure and tables of one endpoint."""
    arms = in_order(found.table("clinical.kaplan_meier")["arm"].to_list(), settings.control)
    chart = survival_chart(found)
    blocks: list[Block] = [
        ChartBlock(
            found.chart_name("km"),
            chart.to_dict(),
            f"Kaplan-Meier estimate of {found.label}",
            "The tables below hold the values.",
        ),
        arms_table(found, settings, arms),
    ]
    if found.has("clinical.cox"):
        blocks.append(comparison(found, settings))
    if found.has("clinical.subgroups"):
        blocks += forest(found)
    return [*blocks, *beyond(found, settings)]


def arms_table(found: Found, settings: Any, arms: list[str]) -> TableBlock:
    """Return events, median and landmarks by arm."""
    times = sorted({row["time_months"] for row in found.rows("clinical.survival_at")})
    at = {(row["arm"], row["time_months"]): row for row in found.rows("clinical.survival_at")}
    followed = {row["arm"]: row for row in found.rows("clinical.follow_up")}
    rows = []
    for row in sorted(found.rows("clinical.kaplan_meier"), key=lambda row: arms.index(row["arm"])):
        cells = [Cell(row["arm"]), Cell(str(row["n"])), found.cell("clinical.kaplan_meier", row, "events", str(row["events"]))]
        cells.append(found.estimate("clinical.kaplan_meier", row, "median_months", ("lower_months", "upper_months")))
        for time in times:
            one = at[row["arm"], time]
            cells.append(found.estimate("clinical.survival_at", one, "survival", ("lower", "upper"), percent=True))
        cells.append(
            found.estimate("clinical.follow_up", followed[row["arm"]], "median_months", ("lower_months", "upper_months"))
        )
        rows.append(tuple(cells))
    columns = (
        "Arm",
        "Patients",
        "Events",
        "Median, months (95 %)",
        *(f"{time:g} months, % (95 %)" for time in times),
        "Follow-up, months (95 %)",
    )
    note = f"Kaplan-Meier, {limits_words(settings.conventions)} limits. Follow-up: median by reverse Kaplan-Meier. NE: not estimable; hover for the reason."
    return TableBlock(f"{found.label} by arm", columns, tuple(rows), (note,))


def comparison(found: Found, settings: Any) -> TableBlock:
    """Return the hazard ratio of each arm against the control, beside the log-rank test."""
    (test,) = found.rows("clinical.log_rank")
    terms = found.rows("clinical.cox")
    pairs = [row for row in terms if row["arm"] is not None]
    rows: list[tuple[Cell, ...]] = []
    for row in terms:
        term = f"{row['term']} v {settings.control}" if row["arm"] is not None else row["term"]
        # With several treated arms the log-rank test is one of all of them, and no pair's.
        alone = found.p("clinical.log_rank", test) if row["arm"] is not None and len(pairs) == 1 else Cell("")
        ratio = found.estimate("clinical.cox", row, "hazard_ratio", ("lower", "upper"))
        rows.append((Cell(term), ratio, found.p("clinical.cox", row), alone))
    if len(pairs) > 1:
        rows.append((Cell(f"all arms ({test['df']} degrees of freedom)"), Cell(""), Cell(""), found.p("clinical.log_rank", test)))
    columns = ("Term", "Hazard ratio (95 %)", "p (Cox)", "p (log-rank)")
    return TableBlock(f"{found.label}: comparison", columns, tuple(rows), _how(found, settings, terms, test))


def _how(found: Found, settings: Any, terms: list[dict[str, Any]], test: dict[str, Any]) -> tuple[str, ...]:
    """Return how the comparison was made, who was left out, and what was done where there was no estimate."""
    chosen = found.settings("clinical.cox")
    strata = f", stratified by {', '.join(chosen['strata'])}" if chosen["strata"] else ""
    adjusted = f", adjusted for {', '.join(chosen['covariates'])}" if chosen["covariates"] else ""
    said = [
        f"Cox regression, ties as {ties_words(settings.conventions)}{strata}{adjusted}, Wald limits and p; log-rank chi-square {value_text(test['chi2'])} over all arms{strata}."
    ]
    if any("irth" in str(row.get("estimator")) for row in terms):
        said.append(
            "The likelihood has no maximum (an arm or level without events, say): Firth's penalised estimate, with profile limits and the p of its likelihood ratio."
        )
    everyone = sum(row["n"] for row in found.rows("clinical.kaplan_meier"))
    missing = everyone - min(row["n"] for row in terms)
    if missing:
        said.append(f"{missing} of {everyone} subjects miss a stratum or covariate and are in no comparison.")
    return tuple(said)


def beyond(found: Found, settings: Any) -> list[Block]:
    """Return what the hazard ratio does not say: whether it holds over time, and differences of survival and of time."""
    if not found.has("clinical.proportional_hazards"):
        return []
    rows = []
    for row in found.rows("clinical.milestone"):
        arms = (_percent(row["survival"]), _percent(row["survival_control"]))
        difference = found.estimate("clinical.milestone", row, "difference", ("lower", "upper"), percent=True)
        p = found.p("clinical.milestone", row)
        rows.append((Cell(f"% at {row['time_months']:g} months, {row['arm']}"), *(Cell(arm) for arm in arms), difference, p))
    rows += _restricted(found, settings)
    tested = {row["term"]: row for row in found.rows("clinical.proportional_hazards")}
    said = "; ".join(f"{term}: p {_is(row['p'])}" for term, row in tested.items() if term != "GLOBAL" or len(tested) > 2)
    notes = (
        f"Score test of proportional hazards (Kaplan-Meier time): {said}. A small p: one hazard ratio does not say it all.",
        "Differences at landmarks by Zou and Donner's limits and a test on the scale of log(-log S); restricted means up to the last time every arm's curve is known.",
    )
    columns = ("Quantity", "Treated", f"{settings.control}", "Difference (95 %)", "p")
    return [TableBlock(f"{found.label}: differences", columns, tuple(rows), notes)]


def _restricted(found: Found, settings: Any) -> list[tuple[Cell, ...]]:
    """Return the rows on restricted means, an arm against the control each."""
    verb = "clinical.restricted_mean"
    known = {(row["quantity"], row["arm"]): row for row in found.rows(verb)}
    means = {arm: row for (quantity, arm), row in known.items() if quantity == "mean_months"}
    cells = {arm: found.estimate(verb, row, "value", ("lower", "upper")) for arm, row in means.items()}
    rows: list[tuple[Cell, ...]] = []
    for arm in means:
        if arm != settings.control:
            difference = known["difference_months", arm]
            apart = found.estimate(verb, difference, "value", ("lower", "upper"))
            title = Cell(f"Restricted mean, months, {arm}")
            rows.append((title, cells[arm], cells[settings.control], apart, Cell(p_text(difference["p"]))))
    return rows


def _percent(share: float | None) -> str:
    return "NE" if share is None else f"{100 * share:.1f}"


def _is(p: float | None) -> str:
    """Return a p value in a sentence: with its sign."""
    text = p_text(p)
    return text if text.startswith(("<", ">")) else f"= {text}"


def forest(found: Found) -> list[Block]:
    """Return the forest of subgroups."""
    chart = forest_chart(found)
    adjusted = found.settings("clinical.cox")["covariates"]
    aside = " Not adjusted for the covariates of the comparison above." if adjusted else ""
    note = (
        "The p of the interaction, not that of a subgroup, says whether the effect differs; hundreds of patients are rarely enough to tell."
        + aside
    )
    return [
        ChartBlock(
            found.chart_name("forest"), chart.to_dict(), note, "The values are in the results of the study (benchside numbers)."
        )
    ]
