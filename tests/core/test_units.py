"""Units become nM, days and fractions at the door; what is missing, logarithmic or unknown is refused in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import BenchsideError, UnitError
from benchside.core.units import DAYS_PER_MONTH, NM_PER_UNIT, days_per, fraction_per, nM_per


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("pM", 1e-3), ("nM", 1.0), ("uM", 1e3), ("µM", 1e3), ("μM", 1e3), (" mM ", 1e6), ("M", 1e9), ("nmol/L", 1.0)],
)
def test_concentrations_by_hand(unit, factor):
    assert nM_per(unit, place="here") == factor


@pytest.mark.parametrize(
    ("unit", "days"), [("hours", 1 / 24), ("d", 1.0), ("Weeks", 7.0), ("months", 365.25 / 12), ("years", 365.25)]
)
def test_times_by_hand(unit, days):
    assert days_per(unit, place="here") == days


def test_a_month_is_a_twelfth_of_a_year():
    assert DAYS_PER_MONTH == 365.25 / 12


@pytest.mark.parametrize("unit", [None, "", "  "])
@pytest.mark.parametrize("convert", [nM_per, days_per])
def test_a_missing_unit_is_asked_for(convert, unit):
    with pytest.raises(UnitError, match=r"^plate P1: .* unit is missing\. State it"):
        convert(unit, place="plate P1")


@pytest.mark.parametrize("unit", ["log10 M", "log10M", "LOG(nM)", "ln nM", "-log10 M"])
def test_a_logarithm_is_no_concentration(unit):
    with pytest.raises(UnitError, match=r"are logarithms.*10\*\*x"):
        nM_per(unit, place="plate P1")


def test_case_matters_and_the_nearest_unit_is_named():
    with pytest.raises(UnitError, match=r"plate P1: 'um' is no concentration unit.*did you mean"):
        nM_per("um", place="plate P1")
    with pytest.raises(UnitError, match="'fortnights' is no time unit"):
        days_per("fortnights", place="trial")


def test_percent_and_fraction_are_never_told_apart_by_looking():
    assert fraction_per("percent", place="x") == 0.01
    assert fraction_per("fraction", place="x") == 1.0
    for unit in (None, "%", "Percent"):
        with pytest.raises(UnitError, match="never guessed"):
            fraction_per(unit, place="x")


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_an_error_with_the_place(text):
    if text.strip() in NM_PER_UNIT:
        assert nM_per(text, place="file.csv") == NM_PER_UNIT[text.strip()]
    else:
        with pytest.raises(BenchsideError, match=r"(?s)^file\.csv: .*\.$"):
            nM_per(text, place="file.csv")
