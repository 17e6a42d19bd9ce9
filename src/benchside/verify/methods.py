"""The computations behind the verification: each runs a public verb on data that is in the package, and names its numbers."""

from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

import polars as pl

from benchside.core.exchange import EventTable
from benchside.core.units import DAYS_PER_MONTH
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.enzymes.constants import ki
from benchside.stages.clinical.analyse.best_overall_response import best_overall_response
from benchside.stages.clinical.analyse.cox import cox
from benchside.stages.clinical.analyse.cumulative_incidence import cumulative_incidence
from benchside.stages.clinical.analyse.fine_gray import fine_gray
from benchside.stages.clinical.analyse.kaplan_meier import kaplan_meier
from benchside.stages.clinical.analyse.log_rank import log_rank
from benchside.stages.clinical.analyse.rate_difference import MiettinenNurminen, Newcombe, rate_difference
from benchside.stages.clinical.analyse.response_rate import ClopperPearson, Wilson, response_rate
from benchside.stages.clinical.analyse.restricted_mean import restricted_mean
from benchside.stages.clinical.model import Plain, Ties

Numbers = Mapping[str, float | None]

MONTHS_PER_WEEK: Final = 7 / DAYS_PER_MONTH
WEEKS: Final = (6, 7, 8, 10, 13, 16, 22, 23)


def packaged(name: str, *, text: bool = False) -> pl.DataFrame:
    """Return a table that is part of this package, its cells as text where asked: a number's last 0 says how it was printed."""
    content = resources.files("benchside.verify").joinpath(name).read_bytes()
    return pl.read_csv(content, separator="\t", infer_schema=not text, quote_char=None)


def remission(control: str) -> EventTable:
    """Return remission times under 6-mercaptopurine and placebo (Freireich et al. 1963)."""
    table = packaged("remission.tsv")
    return EventTable.from_frame(table, time="time_weeks", time_unit="weeks", event="relapse", arm="arm", control=control)


def remission_curve() -> Numbers:
    """Kaplan-Meier curves of the remission times."""
    km = kaplan_meier(remission("placebo"), interval=Plain())
    at = km.at([week * MONTHS_PER_WEEK for week in WEEKS]).table
    found: dict[str, float | None] = {}
    for arm in ("6-MP", "placebo"):
        own = at.filter(pl.col("arm") == arm)
        for week, survival, se in zip(WEEKS, own["survival"], own["se"], strict=True):
            found[f"{arm} survival at {week} weeks"] = survival
            found[f"{arm} standard error at {week} weeks"] = se
    for arm, median in km.table.select("arm", "median_months").iter_rows():
        found[f"{arm} median in weeks"] = median / MONTHS_PER_WEEK
    return found


def remission_log_rank() -> Numbers:
    """Log-rank test of the remission times."""
    return {"chi-square": log_rank(remission("placebo")).chi2}


def _cox_numbers(events: EventTable, ties: Ties) -> Numbers:
    row = cox(events, ties=ties).table.row(0, named=True)
    return {
        "coefficient": row["coefficient"],
        "standard error": row["se"],
        "hazard ratio": row["hazard_ratio"],
        "lower 95 % limit": row["lower"],
        "upper 95 % limit": row["upper"],
    }


def remission_cox_breslow() -> Numbers:
    """Cox regression of the remission times, Breslow's ties."""
    return _cox_numbers(remission("6-MP"), "breslow")


def remission_cox_efron() -> Numbers:
    """Cox regression of the remission times, Efron's ties."""
    return _cox_numbers(remission("6-MP"), "efron")


def three_subjects_cox() -> Numbers:
    """Cox regression of three subjects, solved by hand."""
    table = pl.DataFrame({"time": [1.0, 2.0, 3.0], "event": [1, 1, 0], "arm": ["b", "a", "b"]})
    return _cox_numbers(EventTable.from_frame(table, time_unit="months", control="a"), "efron")


def four_subjects_incidence() -> Numbers:
    """Cumulative incidence of four subjects with two causes."""
    table = pl.DataFrame({"time": [2.0, 3.0, 3.0, 5.0], "event": [1, 2, 0, 1], "arm": ["a"] * 4})
    events = EventTable.from_frame(table, time_unit="months", causes={"cns": 1, "death": 2})
    at = cumulative_incidence(events, cause="cns").at([2.0, 5.0]).table["incidence"]
    return {"incidence at 2 months": at[0], "incidence at 5 months": at[1]}


def fine_gray_alone() -> Numbers:
    """Fine-Gray regression where no event competes, less Cox regression of the same data."""
    plain = remission("6-MP")
    events = EventTable(plain.table, control=plain.control, causes={"relapse": 1, "other": 2})
    difference = fine_gray(events, cause="relapse").table["coefficient"][0] - cox(plain, ties="breslow").table["coefficient"][0]
    return {"coefficient less that of Cox": float(difference)}


def three_events_mean() -> Numbers:
    """Restricted mean of three events in each of two equal arms."""
    table = pl.DataFrame({"time": [1.0, 2.0, 3.0] * 2, "event": [1] * 6, "arm": ["a"] * 3 + ["b"] * 3})
    found = restricted_mean(EventTable.from_frame(table, time_unit="months", control="a"), tau_months=3.0).table
    return {"mean to 3 months": found.filter(pl.col("quantity") == "mean_months")["value"][0]}


def rates() -> Numbers:
    """Limits of single rates."""
    found: dict[str, float | None] = {}
    for name, interval in (("Wilson", Wilson()), ("Clopper-Pearson", ClopperPearson())):
        for responders, n in ((81, 263), (15, 148), (1, 29), (0, 20)):
            row = response_rate(responders, n, interval=interval).table.row(0, named=True)
            found |= {f"{name} {side} {responders}/{n}": row[side] for side in ("lower", "upper")}
    return found


def rate_differences() -> Numbers:
    """Limits of differences of two rates."""
    found: dict[str, float | None] = {}
    for name, interval in (("Newcombe", Newcombe()), ("Miettinen-Nurminen", MiettinenNurminen())):
        for treated, control in (((56, 70), (48, 80)), ((9, 10), (3, 10))):
            row = rate_difference(treated, control, interval=interval).table.row(0, named=True)
            pair = f"{treated[0]}/{treated[1]} and {control[0]}/{control[1]}"
            found |= {f"{name} {side} {pair}": row[side] for side in ("lower", "upper")}
    return found


def best_response() -> Numbers:
    """Pairs of assessments six weeks apart: 1 where the confirmed best response is the one of the table, else 0."""
    pairs = {("CR", "CR"): "CR", ("CR", "PD"): "SD", ("PR", "PR"): "PR", ("PR", "SD"): "SD", ("SD", "PD"): "SD"}
    rows = [
        {"USUBJID": f"{first} then {second}", "TRTSDT": "2020-01-01", "ADT": date, "AVALC": word}
        for first, second in pairs
        for date, word in (("2020-02-15", first), ("2020-03-28", second))
    ]
    found = dict(best_overall_response(pl.DataFrame(rows)).table.select("USUBJID", "response").iter_rows())
    return {f"{a} then {b} is {best}": float(found[f"{a} then {b}"] == best) for (a, b), best in pairs.items()}


def known_curve() -> Numbers:
    """Fit of a dose-response curve to responses without noise."""
    dose = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
    table = pl.DataFrame({"curve_id": ["a"] * 8, "concentration_nM": dose, "response": [1 / (1 + d / 20) for d in dose]})
    row = fit(table).table.row(0, named=True)
    return {"IC50 in nM": row["ic50_nM"], "slope": row["slope"]}


def known_constant() -> Numbers:
    """Inhibition constant of a competitive inhibitor."""
    fits = pl.DataFrame({"curve_id": ["a"], "ic50_nM": [30.0], "ic50_relation": ["="]})
    return {"Ki in nM": ki(fits, atp_uM=100, km_uM=50).table["ki_nM"][0]}


METHODS: Final[Mapping[str, Callable[[], Numbers]]] = {
    method.__name__: method
    for method in (
        remission_curve, remission_log_rank, remission_cox_breslow, remission_cox_efron, three_subjects_cox,
        four_subjects_incidence, fine_gray_alone, three_events_mean, rates, rate_differences, best_response, known_curve,
        known_constant,
    )
}  # fmt: skip
"""A closed table: a case names its method, and nothing else can be run."""


def describe(name: str) -> str:
    """Return what a method does, in a sentence."""
    words: Any = METHODS[name].__doc__
    return str(words).strip()
