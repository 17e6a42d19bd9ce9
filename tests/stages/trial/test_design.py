"""Designs by name and by file, and what is refused."""

import re

import polars as pl
import pytest

from benchside import evidence
from benchside.core.errors import FileError, InputError, NoEvidenceError, SettingError
from benchside.stages.trial import load, parameter_table, sketch_parameters

TOML = """
name = "mine"
visit_interval_weeks = 6
cns_interval_weeks = 12
accrual_months = 10
follow_up_months = 24
[[arms]]
name = "a"
drug = "alectinib"
dose_mg = 300
every_h = 12
n = 50
cns_fraction = 0.2
[[arms]]
name = "b"
drug = "crizotinib"
dose_mg = 250
every_h = 12
n = 50
cns_fraction = 0.2
control = true
"""


def test_alex_is_as_published():
    design = load("ALEX")
    treated, control = design.arms
    assert (treated.drug, treated.dose_mg, treated.every_h, treated.n, treated.cns_fraction) == ("alectinib", 600, 12, 152, 0.42)
    assert (control.drug, control.n, control.cns_fraction, control.control) == ("crizotinib", 151, 0.38, True)
    assert (design.visit_interval_weeks, design.cns_interval_weeks) == (8, 8)
    # 2014-08-01 to 2016-01-01 is 518 d, to 2017-02-09 is 923 d
    assert design.accrual_months == pytest.approx(518 / 30.4375)
    assert design.follow_up_months == pytest.approx(923 / 30.4375)
    assert "memory" in design.status


def test_blanks_are_filled_from_where_the_table_says():
    alesia = load("ALESIA")
    assert [arm.cns_fraction for arm in alesia.arms] == [0.42, 0.38]
    assert "of ALEX is used" in alesia.status


def test_every_listed_trial_loads_or_says_why_not():
    for name in evidence.facts("trial_designs")["trial"]:
        try:
            assert load(name).name == name
        except NoEvidenceError as error:
            assert "pharmacokinetics" in str(error)  # noqa: PT017  either outcome is right, and both are looked at


def test_a_regimen_that_no_model_here_can_give_is_refused():
    with pytest.raises(NoEvidenceError, match="ceritinib at 750 mg QD fasted"):
        load("ASCEND-4")


def test_misspelt_names_are_helped():
    with pytest.raises(NoEvidenceError, match="did you mean 'ALEX'"):
        load("ALXE")


def test_a_toml_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TOML, encoding="utf-8")
    design = load(path)
    assert (design.n, design.arms[0].dose_mg, design.cns_interval_weeks) == (100, 300, 12)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("control = true", "", SettingError, "exactly one of them with control = true"),
        ("cns_interval_weeks = 12", "cns_interval_weeks = 9", SettingError, "whole multiple"),
        ("follow_up_months = 24", "follow_up_months = 5", SettingError, "at least accrual_months"),
        ("n = 50", "n = 0", SettingError, "arms.0.n"),
        ('name = "mine"', 'nome = "mine"', SettingError, "name: Field required"),
        ("[[arms]]", "[[arms", FileError, "is no TOML"),
    ],
)
def test_a_wrong_toml_says_where(tmp_path, old, new, error, words):
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace(old, new), encoding="utf-8")
    with pytest.raises(error, match=re.escape(words)):
        load(path)


def test_an_absent_toml(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "none.toml")


def test_every_parameter_is_told_with_its_status_and_source():
    table = parameter_table()
    assert set(table["status"]) <= {"assumed", "derived", "memory"}
    assert table["note"].is_not_null().all()
    assert table.filter((pl.col("status") != "assumed") & pl.col("source").is_null()).is_empty()
    assert set(table["name"]) == set(vars(sketch_parameters()))


def test_derived_parameters_follow_from_their_sources():
    # Bozic et al. 2013: mu = (u/s) ln(M s), X = M n mu with M 1e9 cells, n 50 sites, u 1e-9, s = 1 - d/b = 1 - 0.13/0.14
    from math import log

    s = 1 - 0.13 / 0.14
    resistant = 1e9 * 50 * (1e-9 / s) * log(1e9 * s)
    known = sketch_parameters()
    assert known.resistant_fraction == pytest.approx(resistant / 1e9, rel=1e-4)
    assert known.net_growth_per_day == pytest.approx(known.division_per_day - 0.13)
    assert known.kill_max_per_day - known.net_growth_per_day == pytest.approx(0.03)
