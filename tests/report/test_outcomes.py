"""Published outcomes beside predicted ones: facts as printed, and nothing for trials that are to be predicted."""

import pytest

from benchside.report.outcomes import published_outcome

ROW = {"endpoint": "PFS", "quantity": "hazard_ratio", "arm": "alectinib", "comparator": "crizotinib", "time_months": None}


def test_the_first_report_of_alex_by_assessment():
    text = published_outcome("ALEX", ROW).text
    assert "0.47 (0.34 to 0.65) INV 2017-02-09" in text
    assert "0.50 (0.36 to 0.70) IRC 2017-02-09" in text
    assert "0.43" not in text  # a later cut-off is another analysis


def test_percentages_become_fractions_of_the_predicted_unit():
    row = {
        "endpoint": "CNS progression",
        "quantity": "cumulative_incidence",
        "arm": "crizotinib",
        "comparator": None,
        "time_months": 12.0,
    }
    assert published_outcome("ALEX", row).text == "0.414 (0.332 to 0.494) IRC 2017-02-09"


@pytest.mark.parametrize("trial", ["J-ALEX", "ALESIA", "CROWN"])
def test_a_trial_to_be_predicted_has_nothing(trial):
    assert published_outcome(trial, ROW).text == "nothing here"
