import polars as pl
import pytest

from benchside.core.errors import TableError
from benchside.stages.clinical import adverse_events, rate_difference

ADSL = pl.DataFrame({
    "USUBJID": ["1", "2", "3", "4", "5"],
    "TRT01A": ["A", "A", "B", "B", "B"],
    "SAFFL": ["Y", "Y", "Y", "Y", "N"],
    "TRTSDT": ["2020-01-01"] * 5,
    "TRTEDT": ["2020-12-30"] * 5,  # 365 days
})  # fmt: skip
ADAE = pl.DataFrame({
    "USUBJID": ["1", "1", "2", "3", "5"],
    "AEDECOD": ["Nausea", "Rash", "Nausea", "Rash", "Rash"],
    "AETOXGR": ["3", "1", "2", "5", "4"],
    "AESER": ["Y", "N", "N", "Y", "Y"],
    "AEACN": ["DOSE REDUCED", "DOSE NOT CHANGED", "DRUG INTERRUPTED", "DRUG WITHDRAWN", "DRUG WITHDRAWN"],
    "TRTEMFL": ["Y", "Y", "Y", "Y", "Y"],
    "ASTDT": ["2020-01-10", "2020-02-01", "2020-01-01", "2020-06-30", "2020-03-01"],
})  # fmt: skip


def row(table, category, arm):
    return table.filter((pl.col("category") == category) & (pl.col("arm") == arm)).row(0, named=True)


def test_subjects_are_counted_once_and_the_population_only():
    found = adverse_events(ADAE, ADSL, control="B").table
    assert [row(found, "any", arm)["subjects"] for arm in "AB"] == [2, 1]
    assert row(found, "any", "A")["records"] == 3
    assert row(found, "any", "B")["n"] == 2  # subject 5 is not in the safety population
    wanted = {"grade 3 or higher": (1, 1), "fatal": (0, 1), "serious": (1, 1), "led to dose reduction": (1, 0),
              "led to interruption": (1, 0), "led to discontinuation": (0, 1)}  # fmt: skip
    assert {name: tuple(row(found, name, arm)["subjects"] for arm in "AB") for name in wanted} == wanted


def test_rates_end_at_the_first_event():
    found = adverse_events(ADAE, ADSL, control="B").table
    assert row(found, "any", "A")["years_at_risk"] == pytest.approx((10 + 1) / 365.25)
    assert row(found, "any", "B")["years_at_risk"] == pytest.approx((182 + 365) / 365.25)
    assert row(found, "any", "B")["per_100_patient_years"] == pytest.approx(100 / ((182 + 365) / 365.25))
    no_dates = adverse_events(ADAE, ADSL.drop("TRTSDT"), control="B").table
    assert row(no_dates, "any", "A")["per_100_patient_years"] is None
    assert "dates are missing" in row(no_dates, "any", "A")["status"]


def test_risk_differences_are_miettinen_and_nurminens():
    found = row(adverse_events(ADAE, ADSL, control="B").table, "any", "A")
    wanted = rate_difference((2, 2), (1, 2)).table.row(0, named=True)
    assert [found[name] for name in ("risk_difference", "lower", "upper")] == [
        wanted[name] for name in ("difference", "lower", "upper")
    ]
    assert row(adverse_events(ADAE, ADSL, control="B").table, "any", "B")["risk_difference"] is None


def test_terms_and_flags():
    found = adverse_events(ADAE.with_columns(TRTEMFL=pl.Series(["Y", "N", "Y", "Y", "Y"])), ADSL)
    assert row(found.terms, "Nausea", "A")["subjects"] == 2
    assert row(found.terms, "Rash", "A")["subjects"] == 0
    assert found.terms["category"][0] == "Nausea"
    words = ADAE.drop("AETOXGR").with_columns(AESEV=pl.Series(["SEVERE", "MILD", "MILD", "SEVERE", "MILD"]))
    assert row(adverse_events(words, ADSL).table, "grade 3 or higher", "A")["subjects"] == 1
    assert {record.quantity for record in found.evidence} >= {"subjects_with_event", "rate_per_100_patient_years"}


def test_strangers_and_wrong_names_are_refused():
    with pytest.raises(TableError, match="subject 5 is not in ADSL"):
        adverse_events(ADAE, ADSL.head(4))
    with pytest.raises(TableError, match="none of the arms"):
        adverse_events(ADAE, ADSL, control="C")
    with pytest.raises(TableError, match="AETOXGR must hold numbers"):
        adverse_events(ADAE.with_columns(AETOXGR=pl.lit("grave")), ADSL)
    with pytest.raises(TableError, match="before it starts"):
        adverse_events(ADAE, ADSL.with_columns(TRTEDT=pl.lit("2019-01-01")))
