"""The figures of a study's trial, as charts that `benchside figures` writes as files: a page an endpoint or arm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from benchside.report.endpoint import Found, in_order
from benchside.stages.clinical.figure import (
    cumulative_incidence_chart,
    kaplan_meier_chart,
    log_log_chart,
    schoenfeld_chart,
    spider,
    subgroup_forest,
    swimmer,
    waterfall,
)
from benchside.study.file import load
from benchside.study.results import Results
from benchside.study.stages import STAGES


@dataclass(frozen=True)
class Drawn:
    """The pages of one figure: those asked for, and how many there are in all."""

    pages: Sequence[Any]
    of: int


def endpoints(results: Results, verb: str) -> list[Found]:
    """Return the endpoints of the trial that a step answered for, in the order of the study."""
    labels = [str(results.current[task].settings["endpoint"]) for task in results.tasks(verb)]
    return [found for found in (Found(results, label) for label in labels) if found.has(verb)]


def control_of(found: Found, verb: str) -> str | None:
    """Return the control arm of an endpoint; None where nothing was compared."""
    control = found.settings(verb)["control"]
    return None if control is None else str(control)


def titled(results: Results, title: str) -> str:
    """Return a title that says so where the trial was simulated: a figure leaves the dossier, and its warning with it."""
    trial = load(results.root, STAGES).sections.get("clinical")
    return f"{title} (simulated)" if trial is not None and trial.round_trip else title


def tumour_words(results: Results) -> str:
    """Return what the sums of lesions are: the parameter and the data cut-off."""
    settings = results.current["clinical.tumour_response"].settings
    told = [settings["parameter"], f"cut-off {settings['cut_off']}" if settings["cut_off"] else ""]
    words = ", ".join(part for part in told if part)
    return f"Target lesions ({words})" if words else "Target lesions"


def _until(results: Results) -> str:
    cut_off = results.current["clinical.treatment"].settings["cut_off"]
    return f", cut-off {cut_off}" if cut_off else ""


def survival_chart(found: Found) -> Any:
    """Return the Kaplan-Meier figure of one endpoint, with its box."""
    medians = found.table("clinical.kaplan_meier")
    return kaplan_meier_chart(
        found.table("clinical.curve"),
        endpoint=found.name,
        title=titled(found.results, found.label),
        order=in_order(medians["arm"].to_list(), control_of(found, "clinical.curve")),
        medians=medians,
        hazard_ratio=found.table("clinical.cox") if found.has("clinical.cox") else None,
        test=found.table("clinical.log_rank") if found.has("clinical.log_rank") else None,
    )


def incidence_chart(found: Found) -> Any:
    """Return the figure of cumulative incidence of one endpoint, with its box."""
    curve = found.table("clinical.incidence_curve")
    return cumulative_incidence_chart(
        curve,
        endpoint=f"Cumulative incidence, {found.name}",
        title=titled(found.results, found.label),
        order=in_order(curve["arm"].unique().to_list(), control_of(found, "clinical.incidence_curve")),
        ratio_name="Cause-specific hazard ratio",
        hazard_ratio=found.table("clinical.cause_specific") if found.has("clinical.cause_specific") else None,
        test=found.table("clinical.gray_test") if found.has("clinical.gray_test") else None,
    )


def forest_chart(found: Found) -> Any:
    """Return the forest of subgroups of one endpoint."""
    labels = found.settings("clinical.subgroups")["labels"]
    return subgroup_forest(
        found.table("clinical.subgroups"), title=titled(found.results, f"{found.label}: hazard ratio by subgroup"), labels=labels
    )


def log_log(found: Found) -> Any:
    """Return log(-log S) of one endpoint."""
    curve = found.table("clinical.curve")
    return log_log_chart(
        curve,
        title=titled(found.results, found.label),
        order=in_order(curve["arm"].unique().to_list(), control_of(found, "clinical.curve")),
    )


def schoenfeld(found: Found) -> Any:
    """Return the scaled Schoenfeld residuals of one endpoint."""
    return schoenfeld_chart(
        found.table("clinical.schoenfeld"), found.table("clinical.proportional_hazards"), title=titled(found.results, found.label)
    )


def waterfall_chart(results: Results) -> Any:
    """Return the waterfall of the trial, a panel an arm, coloured by the first response of the study."""
    best = results.table("clinical.best_change")
    responses = results.tasks("clinical.best_overall_response")
    if responses:
        found = results.table(responses[0]).select("USUBJID", "response")
        best = best.join(found, on="USUBJID", how="left", maintain_order="left")
    return waterfall(best, title=titled(results, tumour_words(results)))


def _each(
    verb: str, draw: Callable[[Found], Any], drawable: Callable[[Found], bool] = lambda _: True
) -> Callable[[Results, int], Drawn]:
    """Return the maker of a figure with a page an endpoint."""

    def pages(results: Results, most: int) -> Drawn:
        found = [one for one in endpoints(results, verb) if drawable(one)]
        return Drawn([draw(one) for one in found[:most]], len(found))

    return pages


def _one(task: str, draw: Callable[[Results], Any]) -> Callable[[Results, int], Drawn]:
    """Return the maker of a figure of the whole trial."""

    def pages(results: Results, _: int) -> Drawn:
        there = results.has(task) and results.current[task].rows > 0
        return Drawn([draw(results)] if there else [], int(there))

    return pages


def spider_pages(results: Results, most: int) -> Drawn:
    """Return a spider an arm."""
    if not results.has("clinical.tumour_response"):
        return Drawn((), 0)
    table = results.table("clinical.tumour_response").select("USUBJID", "time_months", "change_percent", "arm").drop_nulls()
    parts = [(arm, table.filter(pl.col("arm") == arm).drop("arm")) for arm in table["arm"].unique().sort()]
    return Drawn(
        [spider(part, title=titled(results, f"{arm}: {tumour_words(results)}"), width=420) for arm, part in parts[:most]],
        len(parts),
    )


def swimmer_pages(results: Results, most: int) -> Drawn:
    """Return a swimmer plot an arm."""
    table = results.table("clinical.treatment") if results.has("clinical.treatment") else pl.DataFrame()
    if table.is_empty():
        return Drawn((), 0)
    arms = table["arm"].drop_nulls().unique().sort().to_list()
    parts = [table.filter(pl.col("arm") == arm) for arm in arms[:most]]
    return Drawn(
        [
            swimmer(part.drop("arm"), title=titled(results, f"{arm}{_until(results)}"))
            for arm, part in zip(arms, parts, strict=False)
        ],
        len(arms),
    )


def _any_event(found: Found) -> bool:
    """Return whether a curve fell without reaching 0 at once: what has a log(-log S)."""
    survival = found.table("clinical.curve")["survival"]
    return bool(((survival > 0) & (survival < 1)).any())


TRIAL_FIGURES: Final[Mapping[str, Callable[[Results, int], Drawn]]] = {
    "survival": _each("clinical.curve", survival_chart),
    "incidence": _each("clinical.incidence_curve", incidence_chart),
    "subgroups": _each("clinical.subgroups", forest_chart),
    "log_log": _each("clinical.curve", log_log, _any_event),
    "schoenfeld": _each("clinical.schoenfeld", schoenfeld),
    "waterfall": _one("clinical.best_change", waterfall_chart),
    "spider": spider_pages,
    "swimmer": swimmer_pages,
}
"""A figure's name, and what makes its pages from a study's results; none where the study has nothing to show."""
