"""The verbs as the study calls them: tables, lineage, and the law of the stage."""

import json
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from benchside.core.errors import NoEvidenceError
from benchside.core.evidence import canonical
from benchside.core.stage import Inputs, StageContext
from benchside.stages.pharmacology.model import Regimen
from benchside.stages.pharmacology.stage import STAGE, PharmacologySettings

CONTEXT = StageContext(Path(), frozenset({"pharmacology"}), seed=1)


def exposures(settings=None):
    tasks = STAGE.plan(settings or PharmacologySettings(), CONTEXT)
    return [STAGE.verbs[task.verb].run(Inputs(), task.settings).table for task in tasks if task.verb == "pharmacology.exposure"]


def coverage_of(potency, tables, numbers=None):
    inputs = Inputs(
        tables={"potency": (potency,), "exposure": tuple(tables)},
        numbers={"potency": (4,), "exposure": tuple(numbers or range(5, 5 + len(tables)))},
    )
    return STAGE.verbs["pharmacology.coverage"].run(inputs, {"serum_fraction": None})


def potencies():
    rows = [("alectinib", "WT", 12.0), ("crizotinib", "G1269A", 130.0)]
    return pl.DataFrame(rows, schema=["compound", "variant", "value_nM"], orient="row").with_columns(serum_fraction=0.1)


def test_plan_gives_an_exposure_a_regimen_and_a_coverage():
    tasks = STAGE.plan(PharmacologySettings(), CONTEXT)
    assert [task.verb for task in tasks] == ["pharmacology.exposure"] * 2 + [
        "pharmacology.coverage",
        "pharmacology.coverage_draws",
    ]
    assert [task.gives for task in tasks] == ["exposure", "exposure", None, "coverage"]


def test_every_drug_of_the_programme_can_be_planned_and_given():
    for compound, every_h in (("lorlatinib", 24), ("brigatinib", 24), ("ceritinib", 24), ("ensartinib", 24)):
        (task, *_) = STAGE.plan(
            PharmacologySettings(regimens=(Regimen(compound=compound, dose_mg=100, every_h=every_h),)), CONTEXT
        )
        assert compound in task.settings["parameters"]
        assert compound in canonical(dict(task.settings))


def test_the_coverage_of_a_random_patient_rests_on_its_potency_and_holds_the_typical_one():
    tasks = {task.verb: task for task in STAGE.plan(PharmacologySettings(serum_fraction=0.1), CONTEXT)}
    settings = json.loads(canonical(dict(tasks["pharmacology.coverage_draws"].settings)))
    table = potencies()
    verb = STAGE.verbs["pharmacology.coverage_draws"]
    product = verb.run(Inputs({"potency": (table,)}, numbers={"potency": (0,)}), settings)
    typical = {
        (row["compound"], row["variant"], row["site"]): row for row in coverage_of(table, exposures()).table.iter_rows(named=True)
    }
    assert product.table.height
    for index, row in enumerate(product.table.iter_rows(named=True)):
        one = typical[row["compound"], row["variant"], row["site"]]
        assert row["lower"] < one["coverage_average"] < row["upper"]
        ((_, number, rows),) = product.lineage.filter(pl.col("row") == index).rows()
        assert number == 0
        assert table["variant"][rows[0]] == row["variant"]
    assert not product.table.select(verb.key).is_duplicated().any()


def test_exposure_rows_are_keyed_and_promised():
    table = exposures()[0]
    verb = STAGE.verbs["pharmacology.exposure"]
    assert not table.select(verb.key).is_duplicated().any()
    assert set(table.select("moiety", "site", "matrix").unique().rows()) == {
        ("alectinib", "plasma", "total"), ("alectinib", "plasma", "free"), ("alectinib", "cns", "free"),
        ("alectinib_M4", "plasma", "total"), ("alectinib_M4", "plasma", "free"), ("alectinib_M4", "cns", "free"),
        ("active", "plasma", "free"), ("active", "cns", "free"),
    }  # fmt: skip
    assert table["status"].str.contains("<").any()


def test_lineage_of_a_coverage_is_its_potency_and_its_exposure():
    tables = exposures()
    product = coverage_of(potencies(), tables)
    for index, row in enumerate(product.table.iter_rows(named=True)):
        traced = product.lineage.filter(pl.col("row") == index)
        by_input = dict(traced.select("input", "rows").iter_rows())
        assert set(by_input) == {4, 5 if row["compound"] == "alectinib" else 6}
        assert potencies()["compound"][by_input.pop(4)[0]] == row["compound"]
        ((number, rows),) = by_input.items()
        used = tables[number - 5][rows]
        assert used.select("compound", "moiety", "site", "matrix").unique().rows() == [
            (row["compound"], "active", row["site"], "free")
        ]
        assert row["free_minimum_nM"] == used["concentration_nM"].min()


def test_a_changed_potency_changes_its_coverage_and_no_other():
    tables = exposures()
    before = coverage_of(potencies(), tables).table
    changed = potencies().with_columns(value_nM=pl.Series([24.0, 130.0]))
    after = coverage_of(changed, tables).table
    ratio = (after["coverage_average"] / before["coverage_average"]).to_list()
    assert ratio == pytest.approx([0.5, 0.5, 1.0, 1.0])


def test_without_potencies_there_is_an_empty_table():
    made = STAGE.verbs["pharmacology.coverage"].run(Inputs(tables={"exposure": tuple(exposures())}), {})
    assert made.table.is_empty()
    assert set(STAGE.verbs["pharmacology.coverage"].key) <= set(made.table.columns)


def test_settings_are_closed():
    with pytest.raises(ValidationError, match="extra"):
        PharmacologySettings.model_validate({"regimen": []})
    with pytest.raises(ValidationError, match="greater than 0"):
        PharmacologySettings.model_validate({"regimens": [{"compound": "alectinib", "dose_mg": -1, "every_h": 12}]})
    unknown = PharmacologySettings.model_validate({"regimens": [{"compound": "aspirin", "dose_mg": 1, "every_h": 12}]})
    with pytest.raises(NoEvidenceError, match="aspirin"):
        exposures(unknown)


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_the_law_of_the_stage(truth):
    assert truth.check(STAGE.analyse(STAGE.simulate(**truth.settings)), truth.settings)
    wrong = {**truth.settings, "dose_mg": 1.5 * truth.settings["dose_mg"]}
    assert not truth.check(STAGE.analyse(STAGE.simulate(**truth.settings)), wrong)


def test_figures_hold_the_numbers_of_the_table():
    table = pl.concat(exposures())
    chart = STAGE.figure("exposure_curves")(table).to_dict()
    shown = pl.DataFrame(next(iter(chart["datasets"].values())))
    expected = table.filter((pl.col("moiety") == "active") & (pl.col("matrix") == "free"))
    assert shown["concentration_nM"].to_list() == expected["concentration_nM"].to_list()
    covered = coverage_of(
        pl.concat([potencies(), potencies()[:1].with_columns(compound=pl.lit("lorlatinib"))]), exposures()
    ).table
    drawn = STAGE.figure("coverage")(covered).to_dict()
    assert "1 without exposure not shown" in str(drawn)
    held = [value for rows in drawn["datasets"].values() for value in (row.get("coverage_average") for row in rows) if value]
    assert sorted(held) == sorted(covered["coverage_average"].drop_nulls().to_list())
