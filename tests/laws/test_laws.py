"""The law every stage has free: what is analysed from a simulation is the truth it was simulated from.

A stage added to `study.stages.STAGES` is swept without a line here.
"""

import pytest

from benchside.study.stages import STAGES, VERBS

CASES = [pytest.param(stage, truth, id=f"{name}: {truth.name}") for name, stage in STAGES.items() for truth in stage.truths]
EACH = [pytest.param(name, stage, id=name) for name, stage in STAGES.items()]


@pytest.mark.parametrize(("stage", "truth"), CASES)
def test_analyse_of_simulate_recovers_the_truth(stage, truth):
    assert truth.check(stage.analyse(stage.simulate(**truth.settings)), truth.settings)


@pytest.mark.parametrize(("stage", "truth"), CASES)
def test_a_simulation_repeats_to_the_last_bit(stage, truth):
    one, two = (stage.simulate(**truth.settings).table for _ in range(2))
    assert one.equals(two, null_equal=True)


@pytest.mark.parametrize(("stage", "truth"), CASES)
def test_another_seed_is_another_simulation(stage, truth):
    settings = {**truth.settings, "seed": truth.settings["seed"] + 1}
    one, two = stage.simulate(**truth.settings).table, stage.simulate(**settings).table
    assert one.schema == two.schema
    assert not one.equals(two, null_equal=True)


@pytest.mark.parametrize(("name", "stage"), EACH)
def test_every_stage_has_a_truth_a_question_and_verbs_of_its_own(name, stage):
    assert stage.name == name
    assert stage.question.endswith("?")
    assert stage.truths
    assert stage.verbs
    for verb_name, verb in stage.verbs.items():
        assert verb_name == verb.name
        assert verb_name.startswith(f"{name}.")
        assert VERBS[verb_name] is verb


@pytest.mark.parametrize(("name", "stage"), EACH)
def test_a_simulated_table_on_disk_is_recognised(name, stage, tmp_path):
    """Simulated events of a trial are an event table too, so a second stage may recognise them."""
    table = stage.simulate(**stage.truths[0].settings).table
    path = tmp_path / "simulated.csv"
    table.write_csv(path)
    assert name in [other for other, candidate in STAGES.items() if candidate.recognise(path)]
