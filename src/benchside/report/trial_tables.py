"""Tables 2 and 3 of the guide: its line, every published analysis with assessment and cut-off, and what the study's data give."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from benchside import evidence
from benchside.report.blocks import Block, Cell, TableBlock
from benchside.report.endpoint import Found, in_order
from benchside.study.results import Results

ITT: Final = "ITT"
CAPTIONS: Final = {2: "Table 2 of the guide: first-line efficacy", 3: "Table 3 of the guide: intracranial efficacy"}
GUIDED: Final = "ALEX"
"""The trial the guide's Tables 2 and 3 are about."""

NOTE: Final = "Guide: its line as it stands; hover it for what other sources say of it."
PRINTED: Final = (
    "Published: verified values as printed, by assessment (INV investigator, IRC independent review) and data cut-off; "
    "values of different analyses do not belong together."
)


@dataclass(frozen=True)
class Item:
    """How one line of the guide is found: among the published results, and among the steps of a study."""

    published: str
    """The endpoint of the fact table."""

    verb: str
    column: str
    limits: tuple[str, str]
    endpoint: str
    """Name of the study's endpoint or response."""

    population: str = ITT
    percent: bool = False
    pick: tuple[tuple[str, Any], ...] = ()
    """What else the row of the step must be, for example its landmark."""

    conflict: str = ""
    """The row of known conflicts that speaks of it."""


_MEDIAN: Final = ("clinical.kaplan_meier", "median_months", ("lower_months", "upper_months"))
_RATIO: Final = ("clinical.cox", "hazard_ratio", ("lower", "upper"))
_AT: Final = ("clinical.survival_at", "survival", ("lower", "upper"))
_RATE: Final = ("clinical.objective_response", "rate", ("lower", "upper"))
_RESPONDED: Final = (("outcome", "objective_response"), ("subgroup", "all"))

ITEMS: Final[Mapping[str, Item]] = {
    "G009": Item("median PFS", *_MEDIAN, "PFS", conflict="clinical-1"),
    "G010": Item("PFS HR", *_RATIO, "PFS", conflict="clinical-1"),
    "G011": Item("ORR", *_RATE, "ORR", percent=True, pick=_RESPONDED, conflict="clinical-2"),
    "G012": Item("median OS", *_MEDIAN, "OS", conflict="clinical-3"),
    "G013": Item("OS HR", *_RATIO, "OS", conflict="clinical-3"),
    "G014": Item("OS rate 84 mo", *_AT, "OS", percent=True, pick=(("time_months", 84.0),), conflict="clinical-4"),
    "G015": Item(
        "CNS progression first event (crude)", "clinical.first_events", "share", ("share", "share"), "CNS progression",
        percent=True, conflict="clinical-5",
    ),
    "G016": Item(
        "time to CNS progression csHR", "clinical.cause_specific", "hazard_ratio", ("lower", "upper"), "CNS progression",
        conflict="clinical-5",
    ),
    "G017": Item(
        "CNS ORR", *_RATE, "CNS ORR", "measurable baseline CNS mets", percent=True, pick=_RESPONDED, conflict="clinical-6"
    ),
    "G018": Item("median PFS", *_MEDIAN, "PFS", "baseline CNS mets", conflict="clinical-7"),
    "G019": Item(
        "CNS ORR", *_RATE, "CNS ORR", "measurable CNS mets, no prior RT", percent=True, pick=_RESPONDED, conflict="clinical-8"
    ),
}  # fmt: skip
"""Every line of Tables 2 and 3, by its id in the guide."""

INCIDENCE: Final = Item(
    "CNS progression cumulative incidence 12 mo", "clinical.incidence_at", "incidence", ("lower", "upper"), "CNS progression",
    percent=True, pick=(("time_months", 12.0),),
)  # fmt: skip
"""Not in the guide, and the number its crude shares are taken for."""


def programme_tables(results: Results, settings: Any) -> list[Block]:
    """Return Tables 2 and 3 for a study that names the trial its results are laid beside; nothing for others."""
    if not settings.published:
        return []
    if settings.published != GUIDED:
        return [beside(results, settings)]
    return [table(results, settings, number) for number in CAPTIONS]


def beside(results: Results, settings: Any) -> TableBlock:
    """Return the study's endpoints beside what was published of the trial they are of."""
    rows: list[tuple[Cell, ...]] = []
    for title, item in _items(settings):
        if item.verb == "clinical.survival_at" and evidence.published(settings.published, item.published).is_empty():
            continue  # the landmarks of a study are its own; those below stand in its tables
        rows += [(cells[0], *cells[2:]) for cells in item_rows(results, settings, item, Cell(title), Cell(""))]
    return TableBlock(
        f"Published beside computed: {settings.published}", _columns(settings, guided=False), tuple(rows), (PRINTED,)
    )


def _items(settings: Any) -> list[tuple[str, Item]]:
    """Return what a trial's reports usually say of each endpoint and response, with its title."""
    found: dict[tuple[str, str], Item] = {}
    for one in settings.endpoints:
        population = one.population or ITT
        steps = {f"median {one.name}": _MEDIAN, f"{one.name} HR": _RATIO}
        for name, step in steps.items():
            found[name, population] = Item(name, *step, one.name, population)
        for time in settings.landmarks_of(one):
            name, pick = f"{one.name} rate {time:g} mo", (("time_months", time),)
            found[name, population] = Item(name, *_AT, one.name, population, percent=True, pick=pick)
    for one in settings.responses:
        population = one.population or ITT
        found[one.name, population] = Item(one.name, *_RATE, one.name, population, percent=True, pick=_RESPONDED)
    return [(name if population == ITT else f"{name}, {population}", item) for (name, population), item in found.items()]


def table(results: Results, settings: Any, number: int) -> TableBlock:
    """Return one of the two tables."""
    rows: list[tuple[Cell, ...]] = []
    for line in evidence.guide(table=number).iter_rows(named=True):
        item = ITEMS[line["id"]]
        rows += item_rows(results, settings, item, Cell(_title(line)), _guide(line, item))
        if line["id"] == "G015":
            aside = Cell("not in the guide", "grey", title="The share of patients over all follow-up is no incidence; this is.")
            rows += item_rows(results, settings, INCIDENCE, Cell("CNS progression, cumulative incidence at 12 months"), aside)
    return TableBlock(CAPTIONS[number], _columns(settings, guided=True), tuple(rows), (NOTE, PRINTED))


def _columns(settings: Any, *, guided: bool) -> tuple[str, ...]:
    own = "This study, round-trip" if settings.round_trip else "This study"
    ends = ("treated, or ratio (95 %)", f"{settings.control} (95 %)")
    return ("Item", *(("Guide",) if guided else ()), f"Published, {settings.published}", f"{own}: analysis", *ends)


def item_rows(results: Results, settings: Any, item: Item, title: Cell, guide: Cell) -> list[tuple[Cell, ...]]:
    """Return the rows of one line: the guide and the published once, and a row for every analysis of the study that answers it."""
    head = (title, guide, published_cell(settings.published, item))
    own = [cells for found in _answers(results, settings, item) for cells in _values(found, settings, item)]
    if not own:
        return [(*head, Cell("no such analysis in this study", "grey"), Cell(""), Cell(""))]
    blank = (Cell(""),) * len(head)
    return [(*(head if place == 0 else blank), *cells) for place, cells in enumerate(own)]


def _answers(results: Results, settings: Any, item: Item) -> list[Found]:
    """Return the study's endpoints or responses of this name and population."""
    named = [one for one in (*settings.endpoints, *settings.responses) if one.name == item.endpoint]
    mine = [one for one in named if (one.population or ("" if one.subjects else ITT)) == item.population]
    found = [Found(results, one.label) for one in mine]
    return [one for one in found if one.has(item.verb)]


def _values(found: Found, settings: Any, item: Item) -> list[tuple[Cell, ...]]:
    """Return the cells of one analysis: its label, the treated arm (or the ratio) and the control."""
    rows = [row for row in found.rows(item.verb) if all(row[name] == value for name, value in item.pick)]
    if not rows:
        return []
    if "term" in rows[0]:
        ratios = [row for row in rows if row["arm"] is not None]
        return [(Cell(found.label), _estimate(found, item, row), Cell("reference", "grey")) for row in ratios]
    own = {row["arm"]: row for row in rows}
    arms = in_order(list(own), settings.control)
    against = own.get(settings.control)
    control = _estimate(found, item, against) if against is not None else Cell("")
    return [(Cell(found.label), _estimate(found, item, own[arm]), control) for arm in arms if arm != settings.control]


def _estimate(found: Found, item: Item, row: Mapping[str, Any]) -> Cell:
    if item.column == "share":
        return found.cell(item.verb, row, "share", f"{row['events']} of {row['n']} ({100 * row['share']:.1f} %)")
    return found.estimate(item.verb, row, item.column, item.limits, percent=item.percent)


def published_cell(trial: str, item: Item) -> Cell:
    """Return every verified published value of an item: treated v control, by assessment and cut-off."""
    found = evidence.published(trial, item.published, population=item.population)
    if found.is_empty():
        return Cell("nothing verified", "grey")
    texts = []
    for (assessment, cut_off), part in found.group_by("assessment", "data_cutoff", maintain_order=True):
        values = " v ".join(_printed(row) for row in part.iter_rows(named=True))
        texts.append(f"{values} ({', '.join(str(one) for one in (assessment, cut_off) if one)})")
    sources = "; ".join(str(evidence.citation(one)) for one in found["source_id"].drop_nulls().unique(maintain_order=True))
    return Cell("; ".join(texts), title=sources)


def _printed(row: Mapping[str, Any]) -> str:
    unit = " %" if row["unit"] == "%" else ""
    limits = f" [{row['lower95'] or 'NE'} to {row['upper95'] or 'NE'}]" if row["lower95"] or row["upper95"] else ""
    counts = f" [{row['events']}/{row['n']}]" if row["unit"] == "%" and row["events"] and row["n"] and not limits else ""
    return f"{row['value']}{unit}{limits}{counts}"


def _title(line: Mapping[str, Any]) -> str:
    words = str(line["quantity"])
    endpoint = str(line["endpoint"] or "")
    return words if not endpoint or endpoint in words or endpoint == "ORR" else f"{endpoint}: {words}"


def _guide(line: Mapping[str, Any], item: Item) -> Cell:
    """Return the guide's own line, with what other sources say of it."""
    unit = "" if line["unit"] == "ratio" else " %" if str(line["unit"]).startswith("%") else f" {line['unit']}"
    against = f" v {line['comparator_value']}" if line["comparator_value"] else ""
    note = f"; {line['note'].replace(', see conflicts.tsv', '')}" if line["note"] else ""
    known = evidence.facts("conflicts").filter(pl.col("id") == item.conflict)
    said = " ".join(f"{row['advice']} {row['other_sources_say']}" for row in known.iter_rows(named=True))
    return Cell(f"{line['value']}{against}{unit}{note}", "warn" if said.startswith("MIXED") else "", title=said)
