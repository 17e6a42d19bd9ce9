"""The verbs as the study calls them: from a potency table to a hazard ratio, with lineage."""

from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from benchside.core.errors import NoEvidenceError
from benchside.core.stage import Inputs, StageContext
from benchside.stages.trial import NOTE
from benchside.stages.trial.stage import STAGE, TrialSettings

CONTEXT = StageContext(Path(), frozenset({"trial"}), seed=21)
SETTINGS = TrialSettings(replicates=20)


def exposure_table(compound, dose_mg, plasma_nM, cns_nM):
    rows = [(site, time_h, level) for site, level in (("plasma", plasma_nM), ("cns", cns_nM)) for time_h in (0.0, 12.0)]
    table = pl.DataFrame(rows, schema=["site", "time_h", "concentration_nM"], orient="row")
    return table.with_columns(
        compound=pl.lit(compound),
        dose_mg=dose_mg,
        every_h=12.0,
        moiety=pl.lit("active"),
        matrix=pl.lit("free"),
        status=pl.lit("ok"),
    )


EXPOSURES = (exposure_table("alectinib", 600.0, 17.7, 17.7), exposure_table("crizotinib", 250.0, 69.3, 2.0))


def run(potencies, settings=SETTINGS, exposures=EXPOSURES):
    effect_task, simulate_task, predict_task = STAGE.plan(settings, CONTEXT)
    effect = STAGE.verbs[effect_task.verb].run(Inputs({"potency": (potencies,)}, numbers={"potency": (0,)}), effect_task.settings)
    numbers = {"effect": (0,), "exposure": tuple(range(1, 1 + len(exposures)))}
    inputs = Inputs({"effect": (effect.table,), "exposure": exposures}, numbers=numbers)
    events = STAGE.verbs[simulate_task.verb].run(inputs, simulate_task.settings)
    made = Inputs({"events": (events.table,)}, numbers={"events": (0,)})
    return effect, events, STAGE.verbs[predict_task.verb].run(made, predict_task.settings)


def hazard_ratio(product):
    return product.table.filter(pl.col("quantity") == "hazard_ratio")["value"][0]


def test_a_potency_reaches_the_hazard_ratio_and_a_rerun_changes_nothing(make_potencies):
    base = hazard_ratio(run(make_potencies())[2])
    assert hazard_ratio(run(make_potencies())[2]) == base
    assert hazard_ratio(run(make_potencies(crizotinib_WT=33.0))[2]) != base


def test_lineage_of_an_effect_is_its_potency_row(make_potencies):
    shuffled = make_potencies().reverse()
    effect, events, predictions = run(shuffled)
    for index in (0, effect.table.height - 1):
        ((_, number, rows),) = effect.lineage.filter(pl.col("row") == index).rows()
        assert number == 0
        expected = effect.table.select("compound", "variant").row(index)
        assert shuffled.select("compound", "variant").row(rows[0]) == expected
    assert effect.lineage.height == effect.table.height
    assert events.lineage.rows() == [(None, 0, None), (None, 1, None), (None, 2, None)]
    assert predictions.lineage.rows() == [(None, 0, None)]


def test_only_what_the_trial_needs_is_asked_of_the_potencies(make_potencies):
    effect, _, _ = run(make_potencies(lorlatinib_WT=2.0))
    assert effect.table["compound"].unique().sort().to_list() == ["alectinib", "crizotinib"]
    with pytest.raises(NoEvidenceError, match="crizotinib on G1269A in cells"):
        run(make_potencies().filter(pl.col("variant") != "G1269A"))
    with pytest.raises(NoEvidenceError, match="Add it under \\[trial\\] resistant"):
        run(make_potencies(), TrialSettings(resistant={"alectinib": "G1202R"}))


def test_the_regimen_must_be_the_designs(make_potencies):
    other = (exposure_table("alectinib", 300.0, 9.0, 9.0), EXPOSURES[1])
    with pytest.raises(NoEvidenceError, match="alectinib 600 mg every 12 h"):
        run(make_potencies(), exposures=other)


def test_settings_reach_the_design():
    simulate_task = STAGE.plan(TrialSettings(follow_up_months=48, replicates=3), CONTEXT)[1]
    assert simulate_task.settings["design"]["follow_up_months"] == 48
    assert (simulate_task.settings["replicates"], simulate_task.settings["seed"]) == (3, 21)
    with pytest.raises(ValidationError, match="extra"):
        TrialSettings.model_validate({"replicate": 3})


def test_a_design_file_lies_in_the_study_folder(tmp_path):
    design = STAGE.plan(TrialSettings(), CONTEXT)[0].settings["design"]
    lines = [f"{key} = {value!r}" for key, value in design.items() if key != "arms"]
    for arm in design["arms"]:
        lines += [
            "[[arms]]",
            *(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in arm.items()),
        ]
    (tmp_path / "mine.toml").write_text("\n".join(lines), encoding="utf-8")
    planned = STAGE.plan(TrialSettings(design="mine.toml"), StageContext(tmp_path, frozenset(), 1))
    assert planned[0].settings["design"] == design


def test_every_verb_is_headed_a_sketch():
    assert {verb.note for verb in STAGE.verbs.values()} == {NOTE}


def test_event_rows_have_their_key(make_potencies):
    table = run(make_potencies())[1].table
    assert not table.select(STAGE.verbs["trial.simulate"].key).is_duplicated().any()


@pytest.mark.parametrize("truth", STAGE.truths, ids=lambda truth: truth.name)
def test_the_law_of_the_stage(truth):
    result = STAGE.analyse(STAGE.simulate(**truth.settings))
    assert truth.check(result, truth.settings)
    lowered = result.table.with_columns(pl.col("value", "lower", "upper") * 0.5)
    assert not truth.check(type(result)(lowered, result.origin), truth.settings)


def test_recognise(tmp_path, make_potencies):
    path = tmp_path / "events.parquet"
    run(make_potencies())[1].table.write_parquet(path)
    assert STAGE.recognise(path)
    make_potencies().write_csv(tmp_path / "potency.csv")
    assert not STAGE.recognise(tmp_path / "potency.csv")
    assert not STAGE.recognise(tmp_path / "absent.csv")
    assert not STAGE.recognise(tmp_path / "notes.md")


def test_figure_is_headed_a_sketch_and_draws_the_prediction(make_potencies):
    _, events, predictions = run(make_potencies())
    chart = STAGE.figure("kaplan_meier")(events.table).to_dict()
    text = str(chart)
    assert f"Predicted PFS ({NOTE})" in text
    row = predictions.table.filter(pl.col("quantity") == "hazard_ratio").row(0, named=True)
    assert f"HR alectinib v crizotinib: {row['value']:.2f} ({row['lower']:.2f}, {row['upper']:.2f})" in text
    band = max(chart["datasets"].values(), key=len)
    assert all(point["lower"] <= point["survival"] <= point["upper"] for point in band)
    assert band[0]["survival"] == 1.0
