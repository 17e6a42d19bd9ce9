"""Blocks of an endpoint whose causes compete: incidence of the cause, its tests and its two hazard ratios, side by side."""

from typing import Any, Final

from benchside.report.blocks import Block, Cell, ChartBlock, TableBlock
from benchside.report.charts_trial import incidence_chart
from benchside.report.endpoint import Found, in_order

NOTES: Final = (
    "Incidence by Aalen-Johansen, log-log limits on Gray's variance: the share of patients who had failed of the cause by then, other causes competing. "
    "The share over all follow-up is a count and grows with follow-up: it is no incidence.",
    "The cause-specific ratio compares rates among those still free of every cause; the subdistribution ratio (Fine and Gray) compares incidences. Read both.",
)


def risk_blocks(found: Found, settings: Any) -> list[Block]:
    """Return figure and tables of one endpoint with competing causes."""
    curve = found.table("clinical.incidence_curve")
    cause = curve["cause"][0]
    arms = in_order(curve["arm"].unique().to_list(), settings.control)
    chart = incidence_chart(found)
    blocks: list[Block] = [
        ChartBlock(
            found.chart_name("incidence"),
            chart.to_dict(),
            f"Cumulative incidence of {cause} as the first event",
            "The tables below hold the values.",
        ),
        by_arm(found, arms),
    ]
    return [*blocks, compared(found, settings)] if found.has("clinical.cause_specific") else blocks


def by_arm(found: Found, arms: list[str]) -> TableBlock:
    """Return counts and incidences by arm."""
    at = {(row["arm"], row["time_months"]): row for row in found.rows("clinical.incidence_at")}
    times = sorted({time for _, time in at})
    rows = []
    for row in sorted(found.rows("clinical.first_events"), key=lambda row: arms.index(row["arm"])):
        share = found.cell("clinical.first_events", row, "share", f"{row['events']} of {row['n']} ({100 * row['share']:.1f} %)")
        cells = [Cell(row["arm"]), share, Cell(str(row["other_events"]))]
        cells += [
            found.estimate("clinical.incidence_at", at[row["arm"], time], "incidence", ("lower", "upper"), percent=True)
            for time in times
        ]
        rows.append(tuple(cells))
    columns = (
        "Arm",
        "First event, over all follow-up",
        "Other causes first",
        *(f"Incidence at {time:g} months, % (95 %)" for time in times),
    )
    return TableBlock(f"{found.label} by arm", columns, tuple(rows), (NOTES[0],))


def compared(found: Found, settings: Any) -> TableBlock:
    """Return the cause-specific and the subdistribution hazard ratio beside Gray's test."""
    (test,) = found.rows("clinical.gray_test")
    fine = {row["term"]: row for row in found.rows("clinical.fine_gray")}
    rows: list[tuple[Cell, ...]] = []
    pairs = [row for row in found.rows("clinical.cause_specific") if row["arm"] is not None]
    gray = found.p("clinical.gray_test", test)
    for row in pairs:
        other = fine[row["term"]]
        rows.append((
            Cell(f"{row['term']} v {settings.control}"),
            found.estimate("clinical.cause_specific", row, "hazard_ratio", ("lower", "upper")),
            found.p("clinical.cause_specific", row),
            found.estimate("clinical.fine_gray", other, "hazard_ratio", ("lower", "upper")),
            found.p("clinical.fine_gray", other),
            gray if len(pairs) == 1 else Cell(""),
        ))  # fmt: skip
    if len(pairs) > 1:
        rows.append((Cell(f"all arms ({test['df']} degrees of freedom)"), *(Cell("") for _ in range(4)), gray))
    columns = ("Arm", "Cause-specific HR (95 %)", "p", "Subdistribution HR (95 %)", "p", "p (Gray)")
    by = found.settings("clinical.gray_test")["strata"]
    strata = (
        f" Stratified by {', '.join(by)}: cause-specific ratio and Gray's test; Fine and Gray's model is not stratified."
        if by
        else ""
    )
    return TableBlock(f"{found.label}: comparison", columns, tuple(rows), (NOTES[1] + strata,))
