"""The stage in a study: its section, its tasks, its numbers with their trails; and the laws it has free."""

import polars as pl
import pytest

from benchside.core.errors import SettingError
from benchside.core.stage import Inputs, StageContext
from benchside.stages.resistance import NOTICE, simulate
from benchside.stages.resistance.settings import ResistanceSettings
from benchside.stages.resistance.stage import STAGE
from tests.stages.resistance.coverages import both_sites, coverage

LINES = "sample\tpatient\tvariant\tvaf\ttime_days\tdetection_limit\n" + "".join(
    f"A{k}\tA\tG1202R\t{0.001 * 2**k}\t{28 * k}\t0.0005\n" for k in range(4)
) + "B0\tB\tMET amplification\t\t0\t\n"  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "variants.tsv").write_text(LINES)
    return tmp_path


def ran(root, **further):
    """Run the tasks of a section in their order, each verb on what it asks for."""
    settings = ResistanceSettings(file="variants.tsv", compounds=("alectinib", "lorlatinib"), **further)
    tasks = STAGE.plan(settings, StageContext(root, frozenset({"resistance"}), 1))
    given = {"coverage": coverage(*both_sites("alectinib", "WT", 4, 3, 6), *both_sites("lorlatinib", "WT", 90, 60, 120))}
    made = {}
    for task in tasks:
        roles = {}
        for one in task.inputs:
            if hasattr(one, "tasks"):
                roles[one.role] = (made[one.tasks[0]].table,)
            elif hasattr(one, "exchange"):
                roles[one.role] = (given[one.exchange],)
        files = {one.role: one.paths for one in task.inputs if hasattr(one, "paths")}
        numbers = {role: (number,) for number, role in enumerate(roles)}
        made[task.name] = STAGE.verbs[task.verb].run(Inputs(roles, files, numbers, root), task.settings)
    return made


def test_a_section_makes_every_table(root):
    made = ran(root)
    assert set(made) == set(STAGE.verbs)
    assert made["resistance.call"].table.select("variant", "compound", "class").unique().height == 4
    assert made["resistance.clone_growth"].table["variant"].to_list() == ["G1202R"]
    assert made["resistance.clone_samples"].table.height == 4
    assert made["resistance.spectrum"].table["n"].to_list() == [17] * 3
    assert made["resistance.cohort"].table.filter(mechanism="MET")["n"].to_list() == [2]
    ranking = made["resistance.next_line"].table.filter(site="plasma")
    assert ranking.select("rank", "compound").rows() == [(1, "lorlatinib"), (None, "alectinib")]


def test_every_number_rests_on_its_rows(root):
    made = ran(root)
    calls = made["resistance.call"]
    variants = made["resistance.read"].table
    for row, (sample, compound) in enumerate(calls.table.select("sample", "compound").iter_rows()):
        lines = calls.lineage.filter(row=row)
        (own,) = lines.filter(input=0)["rows"].to_list()
        assert variants["sample"].gather(own).to_list() == [sample]
        covered = [at for rows in lines.filter(input=1)["rows"] for at in rows]
        assert covered == ([0, 1] if compound == "alectinib" else [2, 3]) or calls.table["kind"][row] == "off-target"
    growth = made["resistance.clone_growth"].lineage
    assert growth["rows"].to_list() == [[0, 1, 2, 3]]


def test_tables_have_the_columns_their_keys_and_quantities_name(root):
    for name, product in ran(root).items():
        verb = STAGE.verbs[name]
        columns = set(product.table.columns)
        assert set(verb.key) <= columns, name
        assert {q.value for q in verb.quantities} | {q.lower for q in verb.quantities if q.lower} <= columns, name
        assert not product.table.select(verb.key).is_duplicated().any(), name
        assert verb.note == NOTICE


def test_a_file_without_times_and_of_bypasses_only_makes_empty_tables(root):
    (root / "variants.tsv").write_text("sample\tvariant\nS\tMET amplification\n")
    made = ran(root)
    for name in ("next_line", "next_line_cells", "clone_growth", "clone_samples"):
        assert made[f"resistance.{name}"].table.is_empty(), name


def test_a_drug_without_a_published_spectrum_makes_an_empty_table(root):
    assert ran(root, spectrum_drug="brigatinib")["resistance.spectrum"].table.is_empty()


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_laws(truth):
    made = STAGE.simulate(**truth.settings)
    assert truth.check(STAGE.analyse(made), truth.settings)
    assert made.table.equals(STAGE.simulate(**truth.settings).table, null_equal=True)
    other = STAGE.simulate(**{**truth.settings, "seed": truth.settings["seed"] + 1}).table
    assert made.table.schema == other.schema
    assert not made.table.equals(other, null_equal=True)


def test_a_truth_that_is_not_met_is_noticed():
    growth, shares = STAGE.truths
    made = STAGE.analyse(STAGE.simulate(**growth.settings))
    assert not growth.check(made, {**growth.settings, "growth_per_day": 0.04})
    found = STAGE.analyse(STAGE.simulate(**shares.settings))
    assert not shares.check(found, {**shares.settings, "frequencies": {"G1202R": 0.6, "I1171T": 0.1, "MET amplification": 0.15}})


def test_patient_k_is_the_same_whatever_n_is():
    few, many = (simulate(n=n, seed=4).table for n in (3, 9))
    assert few.equals(many.head(few.height), null_equal=True)


def test_one_file_is_proposed_and_several_are_left_to_a_person():
    assert STAGE.propose(["a.vcf"]) == {"file": "a.vcf"}
    assert STAGE.propose(["a.vcf", "b.vcf"]) is None
    assert STAGE.figure("resistance_matrix") is not None


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"n": 0}, "n is 0"), ({"frequencies": {"G1202R": 1.2}}, "sum to 1.2"), ({"first_vaf": 0.0}, "first_vaf"), ({"depth": 0}, "depth is 0"), ({"growth_sd": -1.0}, "growth_sd")],
)  # fmt: skip
def test_a_cohort_that_cannot_be_is_refused(settings, words):
    with pytest.raises(SettingError, match=words):
        simulate(**{"n": 3, "seed": 1, **settings})


def test_the_summary_has_both_kinds_of_evidence():
    found = STAGE.analyse(simulate(n=20, seed=1))
    assert {record.quantity for record in found.evidence} >= {"share of patients", "growth rate of the allele fraction"}
    assert isinstance(found.table, pl.DataFrame)
    assert found.notice == NOTICE


def test_a_study_of_it_runs_and_its_numbers_lead_to_the_rows_of_the_file_and_replay(root, monkeypatch):
    from benchside.study import stages, trail, workflow
    from benchside.study.results import Results

    verbs = {**stages.VERBS, **STAGE.verbs}
    monkeypatch.setattr(workflow, "STAGES", {**stages.STAGES, STAGE.name: STAGE})
    monkeypatch.setattr(workflow, "VERBS", verbs)
    monkeypatch.setattr(trail, "VERBS", verbs)
    monkeypatch.setattr("benchside.study.results.VERBS", verbs, raising=False)
    (root / "study.toml").write_text(
        '[study]\nname = "s"\n[resistance]\nfile = "variants.tsv"\ncompounds = ["alectinib"]\n', encoding="utf-8"
    )
    workflow.run(root)
    results = Results.of(root)
    try:
        (growth,) = [one for one in results.records() if one.quantity == "growth rate of the allele fraction"]
        assert growth.value == pytest.approx(0.024755, rel=1e-3)
        assert list(trail.trace(results, growth.id).step.every_cell()) == [f"variants.tsv!row {k}" for k in range(1, 5)]
        assert trail.replay(results, growth.id).same
        folds = [
            one for one in results.records() if one.quantity == "fold shift, mean over laboratories" and one.value is not None
        ]
        assert folds
        assert trail.replay(results, folds[0].id).same
    finally:
        results.close()


def test_coverage_of_the_pharmacology_stage_is_what_a_call_takes():
    """The stages meet in a table only: nothing here is imported by the stage itself."""
    from benchside.core.exchange import Potency
    from benchside.stages import pharmacology
    from benchside.stages.resistance import call

    rows = {
        "compound": ["alectinib"],
        "variant": ["WT"],
        "value_nM": [11.8],
        "lower_nM": [9.0],
        "upper_nM": [15.0],
        "relation": ["="],
    }
    moieties = pharmacology.active_moieties("alectinib")
    exposures = [
        pharmacology.exposure(one, dose_mg=600, every_h=12, site=site, matrix="free")
        for one in moieties
        for site in ("plasma", "cns")
    ]
    table = pharmacology.coverage(Potency(pl.DataFrame(rows)), exposures, serum_fraction=0.1)
    known = table.table.filter(site="plasma").row(0, named=True)
    found = call(["WT", "G1202R"], coverage=table).table
    assert found["coverage_plasma"][0] == known["coverage_average"]
    assert found["coverage_plasma"][1] == pytest.approx(known["coverage_average"] / found["fold"][1])
    assert found["class"].to_list() == ["covered", "marginal"]


def test_a_study_without_coverage_uses_none_that_it_does_not_hold(root):
    from benchside.stages.resistance import use_coverage

    use_coverage(lambda *_: coverage(*both_sites("alectinib", "WT", 4, 3, 6)))
    try:
        task = next(
            task
            for task in STAGE.plan(ResistanceSettings(file="variants.tsv"), StageContext(root, frozenset(), 1))
            if task.name == "resistance.call"
        )
        read = ran(root)["resistance.read"].table
        made = (
            STAGE.verbs["resistance.call"].run(Inputs({"variants": (read,)}, {}, {"variants": (0,)}, root), task.settings).table
        )
    finally:
        use_coverage(None)
    assert set(made["class"]) == {"no evidence"}


def test_the_cohort_is_compared_with_each_published_series(root):
    found = ran(root)["resistance.compare_spectra"].table
    assert found.select("mechanism", "found_one", "n_one", "found_two", "n_two", "series").row(0) == (
        "any ALK mutation",
        1,
        2,
        9,
        17,
        "GAINOR2016",
    )
