"""The section on the trial: what it estimates, the guide's Tables 2 and 3, and every number as the results hold it."""

import re

import polars as pl
import pytest

from benchside import evidence
from benchside.report.clinical import clinical_section
from benchside.report.endpoint import Found, in_order, p_text
from benchside.report.trial_tables import ITEMS, programme_tables, published_cell
from benchside.stages.clinical.estimand import estimand_of
from benchside.stages.clinical.settings import ClinicalSettings
from benchside.study.file import load
from benchside.study.results import Results
from benchside.study.stages import STAGES

PRIMARY = "PFS (INV, cut-off 2017-02-09)"
CNS = "CNS progression (IRC, cut-off 2017-02-09)"


@pytest.fixture(scope="module")
def results(opened) -> Results:
    return opened["trial"]


@pytest.fixture(scope="module")
def settings(homes) -> ClinicalSettings:
    return load(homes["trial"], STAGES).sections["clinical"]


@pytest.fixture(scope="module")
def section(results, settings):
    return clinical_section(results, settings)


def table(section, caption: str):
    return next(block for block in section.blocks if block.kind == "table" and block.caption == caption)


def texts(block) -> list[list[str]]:
    return [[cell.text for cell in row] for row in block.rows]


def test_the_trial_is_headed_as_a_round_trip_before_any_number(section):
    assert section.banner == "round-trip: simulated"
    first = section.blocks[0]
    assert first.kind == "text"
    assert first.paragraphs[0].startswith("Round trip")
    for number in (2, 3):
        block = next(one for one in section.blocks if one.kind == "table" and one.caption.startswith(f"Table {number}"))
        assert "round-trip" in block.columns[3]


def test_every_endpoint_says_what_it_estimates(section, settings):
    block = table(section, "What is estimated (ICH E9(R1))")
    assert [row[0] for row in texts(block)] == [one.label for one in settings.endpoints]
    primary = next(row for row in texts(block) if row[0] == PRIMARY)
    assert "FDA" in primary[2]
    assert "2017-02-09" in primary[2]
    assert "112 d" in primary[3]
    overall = next(row for row in texts(block) if row[0] == "OS")
    assert overall[3] == "not stated"  # ADTTE came as it is: nobody said how intercurrent events were handled


def test_tables_2_and_3_have_every_line_of_the_guide(section):
    for number, caption in ((2, "Table 2 of the guide: first-line efficacy"), (3, "Table 3 of the guide: intracranial efficacy")):
        guided = [row[1] for row in texts(table(section, caption)) if row[1] and row[1] != "not in the guide"]
        assert len(guided) == evidence.guide(table=number).height
    assert set(ITEMS) == set(evidence.guide(table=2)["id"]) | set(evidence.guide(table=3)["id"])


def test_published_values_stand_with_assessment_and_cut_off_and_apart_from_the_guide(section):
    median = texts(table(section, "Table 2 of the guide: first-line efficacy"))[0]
    assert median[1].startswith("25.7-34.8 v 10.4-10.9 months")
    assert "25.7 [19.9 to NE] v 10.4 [7.7 to 14.6] (IRC, 2017-02-09)" in median[2]
    assert "NE [17.7 to NE] v 11.1 [9.1 to 13.1] (INV, 2017-02-09)" in median[2]
    head = table(section, "Table 2 of the guide: first-line efficacy").rows[0][1]
    assert head.tone == "warn"
    assert head.title.startswith("MIXED")


def test_crude_shares_are_told_from_incidences(section):
    rows = texts(table(section, "Table 3 of the guide: intracranial efficacy"))
    crude, incidence = rows[0], rows[1]
    assert re.search(r"\d+ of 152", crude[4])
    assert incidence[1] == "not in the guide"
    assert "9.4 % [5.4 to 14.7] v 41.4 % [33.2 to 49.4]" in incidence[2]


def test_no_prediction_is_published_here():
    for trial in ("CROWN", "J-ALEX", "ALESIA", "ALTA-1L", "eXalt3", "ASCEND-4"):
        assert all(published_cell(trial, item).text == "nothing verified" for item in ITEMS.values())


def test_numbers_are_those_of_the_results(section, results):
    found = Found(results, PRIMARY)
    (ratio,) = found.rows("clinical.cox")
    rows = texts(table(section, f"{PRIMARY}: comparison"))
    assert rows[0][1] == f"{ratio['hazard_ratio']:.2f} ({ratio['lower']:.2f} to {ratio['upper']:.2f})"
    own = next(row for row in texts(table(section, "Table 2 of the guide: first-line efficacy")) if row[0] == "PFS: hazard ratio")
    assert own[3:5] == [PRIMARY, rows[0][1]]


def test_a_cell_opens_the_trail_of_its_own_number(section, results):
    for caption in (f"{PRIMARY}: comparison", f"{CNS}: comparison", f"{CNS} by arm", "ORR (INV) by arm", "Adverse events by arm"):
        cells = [cell for row in table(section, caption).rows for cell in row if cell.number_id]
        assert cells
        for cell in cells:
            entry, _, _, _ = results.find(cell.number_id)
            assert entry.verb.startswith("clinical.")


def test_the_trail_of_a_derived_hazard_ratio_ends_at_rows_of_adrs_and_adsl(section):
    cell = table(section, f"{PRIMARY}: comparison").rows[0][1]
    trail = "\n".join(cell.trail)
    assert "adam/adrs.csv@" in trail
    assert "adam/adsl.csv@" in trail


def test_competing_risks_stand_side_by_side_and_never_as_one_minus_survival(section, results):
    found = Found(results, CNS)
    assert not found.has("clinical.kaplan_meier")
    columns = table(section, f"{CNS}: comparison").columns
    assert ("Cause-specific HR (95 %)" in columns, "Subdistribution HR (95 %)" in columns, "p (Gray)" in columns) == (True,) * 3


def test_responses_of_subjects_add_up_to_the_arms(section, results, settings):
    best = results.table("clinical.best_overall_response ORR (INV)")
    rates = results.table("clinical.objective_response ORR (INV)").filter(outcome="objective_response", subgroup="all")
    for arm, n in best["arm"].value_counts().iter_rows():
        row = rates.row(by_predicate=pl.col("arm") == arm, named=True)
        assert row["n"] == n
        assert row["responders"] == best.filter(pl.col("arm") == arm)["response"].is_in(["CR", "PR"]).sum()
    captions = [block.caption for block in section.blocks if block.kind == "table"]
    assert all(f"{one.label} by arm" in captions for one in settings.responses)


def test_every_chart_is_drawn_of_the_labelled_endpoint(section, settings):
    charts = [block.name for block in section.blocks if block.kind == "chart"]
    assert len([name for name in charts if name.startswith("km-")]) == sum(
        one.derive != "CNS first" for one in settings.endpoints
    )
    assert {name.split("-")[0] for name in charts} == {"km", "incidence", "forest", "waterfall", "spider"}
    assert len(set(charts)) == len(charts)


def test_a_study_without_a_published_trial_has_no_such_tables(results, settings):
    assert programme_tables(results, settings.model_copy(update={"published": ""})) == []


def test_another_trial_is_laid_beside_its_own_reports(results, settings):
    (block,) = programme_tables(results, settings.model_copy(update={"published": "PROFILE 1014"}))
    assert block.caption == "Published beside computed: PROFILE 1014"
    median = next(row for row in texts(block) if row[0] == "median PFS")
    assert "10.9 [8.3 to 13.9] v 7.0 [6.8 to 8.2]" in median[1]


def test_estimands_of_one_arm_speak_of_no_ratio(settings):
    alone = settings.model_copy(update={"control": None})
    assert estimand_of(settings.endpoints[0], alone)["summary_measure"] == "median"
    assert "hazard ratio" in estimand_of(settings.endpoints[0], settings)["summary_measure"]


def test_small_words():
    assert in_order(["b", "a", "c"], "a") == ["b", "c", "a"]
    assert in_order(["b", "a"], None) == ["a", "b"]
    assert [p_text(p) for p in (1e-9, 0.0314, 0.995, None)] == ["< 0.001", "0.03", "> 0.99", "NE"]
