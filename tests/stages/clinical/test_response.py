import math
from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency, norm

from benchside.core.errors import SettingError, TableError
from benchside.stages.clinical import (
    ClopperPearson,
    MiettinenNurminen,
    Newcombe,
    Wilson,
    cmh_test,
    objective_response,
    rate_difference,
    response_rate,
)
from benchside.stages.clinical.analyse.cmh import cmh_table
from benchside.stages.clinical.analyse.rate_difference import restricted_rates
from benchside.stages.clinical.analyse.response_rate import response_rate_table
from tests.shared_data import shared
from tests.stages.clinical.reference import read_reference


@pytest.mark.parametrize(("interval", "prefix"), [(ClopperPearson(), "cp"), (Wilson(), "wilson")])
def test_rates_and_limits_equal_r(interval, prefix):
    for row in read_reference("prop_single.csv").iter_rows(named=True):
        found = response_rate(row["x"], row["n"], interval=interval).table.row(0, named=True)
        wanted = (row["est"], row[f"{prefix}_lo"], row[f"{prefix}_hi"])
        assert (found["rate"], found["lower"], found["upper"]) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("interval", "prefix"), [(MiettinenNurminen(), "mn"), (Newcombe(), "newcombe")])
def test_differences_and_limits_equal_r(interval, prefix):
    for row in read_reference("prop_two_arm.csv").iter_rows(named=True):
        found = rate_difference((row["x1"], row["n1"]), (row["x2"], row["n2"]), interval=interval).table.row(0, named=True)
        wanted = (row["diff"], row[f"{prefix}_lo"], row[f"{prefix}_hi"])
        assert (found["difference"], found["lower"], found["upper"]) == pytest.approx(wanted, abs=1e-11)


def test_cmh_equals_r():
    rows = pl.read_csv(shared("data", "clinical", "cadrs.csv"), infer_schema_length=None).filter(pl.col("PARAMCD") == "BESRSPI")
    for row in read_reference("cmh.csv").iter_rows(named=True):
        part = rows.filter(pl.col("ARMCD").is_in([row["arm1"], row["arm2"]])).with_columns(r=pl.col("AVALC").is_in(["CR", "PR"]))
        found = cmh_test(part, response="r", arm="ARMCD", control=row["arm2"], strata=("STRATA1",)).table.row(0, named=True)
        columns = {
            "chi2": "cmh", "p": "p", "chi2_corrected": "cmh_cc", "p_corrected": "p_cc", "odds_ratio": "or_mh",
            "odds_ratio_lower": "or_lo", "odds_ratio_upper": "or_hi", "difference": "rd_mh", "difference_se": "rd_sato_se",
            "difference_lower": "rd_lo", "difference_upper": "rd_hi",
        }  # fmt: skip
        control_first = cmh_test(part, response="r", arm="ARMCD", control=row["arm1"], strata=("STRATA1",)).table.row(
            0, named=True
        )
        matched = found if math.isclose(found["odds_ratio"], row["or_mh"], rel_tol=1e-9) else control_first
        assert [matched[name] for name in columns] == pytest.approx([row[name] for name in columns.values()], rel=1e-9)


def test_one_table_is_n_less_one_chi_square():
    counts = pl.DataFrame({"a": [12.0], "b": [18.0], "c": [5.0], "d": [25.0]}).to_numpy()
    pearson = chi2_contingency([[12, 18], [5, 25]], correction=False).statistic
    assert cmh_table(counts, 1.96)["chi2"] == pytest.approx(pearson * 59 / 60)


@given(st.integers(0, 40), st.integers(1, 40))
def test_clopper_pearson_is_where_the_tails_are_half(x, extra):
    n = x + extra
    lower, upper = ClopperPearson(0.9).limits(x, n)
    assert binom.cdf(x, n, upper) == pytest.approx(0.05)
    if x:
        assert binom.sf(x - 1, n, lower) == pytest.approx(0.05)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
def test_limits_of_a_difference_hold_it_and_mirror(x1, x2, more1, more2):
    treated, control = (x1, x1 + more1), (x2, x2 + more2)
    for interval in (MiettinenNurminen(), Newcombe()):
        lower, upper = interval.limits(treated, control)
        difference = x1 / treated[1] - x2 / control[1]
        assert -1 - 1e-9 <= lower <= difference + 1e-9
        assert difference - 1e-9 <= upper <= 1 + 1e-9
        assert interval.limits(control, treated) == pytest.approx((-upper, -lower), abs=1e-9)


@given(st.integers(0, 12), st.integers(0, 12), st.floats(-0.9, 0.9))
def test_the_restricted_rates_have_the_highest_likelihood(x1, x2, difference):
    treated, control = (x1, 12), (x2, 15)
    found = restricted_rates(treated, control, difference)
    assert found[0] - found[1] == pytest.approx(difference, abs=1e-9)

    def likelihood(p2):
        p1 = p2 + difference
        terms = ((x1, p1), (12 - x1, 1 - p1), (x2, p2), (15 - x2, 1 - p2))
        return sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -difference), min(1.0, 1 - difference)
    best = max(likelihood(low + (high - low) * step / 400) for step in range(401))
    assert likelihood(found[1]) >= best - 1e-6


@pytest.mark.parametrize("interval", [MiettinenNurminen(), Newcombe()])
def test_a_difference_is_covered_as_often_as_its_level_says(interval):
    p1, p2, n1, n2 = 0.7, 0.5, 25, 20
    covered = 0.0
    for x1, x2 in product(range(n1 + 1), range(n2 + 1)):
        lower, upper = interval.limits((x1, n1), (x2, n2))
        covered += binom.pmf(x1, n1, p1) * binom.pmf(x2, n2, p2) * (lower <= p1 - p2 <= upper)
    assert covered == pytest.approx(0.95, abs=0.015)


def test_wilson_is_the_score_test_turned_round():
    lower, upper = Wilson().limits(7, 20)
    for limit in (lower, upper):
        assert abs(0.35 - limit) / math.sqrt(limit * (1 - limit) / 20) == pytest.approx(norm.ppf(0.975))


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(SettingError, match="5 responders of 4 subjects"):
        response_rate(5, 4)
    with pytest.raises(SettingError, match="one number of responders"):
        response_rate([1, 2], 4)
    with pytest.raises(SettingError, match="-1 responders"):
        rate_difference((-1, 4), (1, 4))
    assert response_rate(0, 0).table["rate"][0] is None


def test_cmh_refuses_a_third_arm_and_words():
    frame = pl.DataFrame({"arm": ["a", "b", "c"], "r": [1, 0, 1]})
    with pytest.raises(SettingError, match="two arms"):
        cmh_test(frame, response="r", control="a")
    with pytest.raises(TableError, match="true or false"):
        cmh_test(frame.head(2).with_columns(r=pl.Series([2, 0])), response="r", control="a")
    same = cmh_test(pl.DataFrame({"arm": ["a", "b"], "r": [1, 1]}), response="r", control="a")
    assert same.chi2 is None
    assert "Not estimable" in same.table["status"][0]


def test_rates_by_arm_and_in_subgroups():
    responses = pl.DataFrame({"USUBJID": list("12345"), "response": ["CR", "PR", "SD", "NON-CR/NON-PD", "PD"]})
    adsl = pl.DataFrame(
        {"USUBJID": list("123456"), "ARM": ["A", "A", "A", "B", "B", "B"], "MEASURABLE": ["Y", "N", "Y", "N", "Y", "Y"]}
    )
    table = objective_response(responses, adsl, by=["MEASURABLE"]).table
    rows = {(row["outcome"], row["arm"], row["subgroup"]): (row["responders"], row["n"]) for row in table.iter_rows(named=True)}
    assert rows["objective_response", "A", "all"] == (2, 3)
    assert rows["disease_control", "B", "all"] == (1, 3)  # subject 6 was never assessed and counts
    assert rows["complete_response", "A", "MEASURABLE = Y"] == (1, 2)
    with pytest.raises(TableError, match="subject 5"):
        objective_response(responses, adsl.filter(pl.col("USUBJID") != "5"))


def test_the_table_function_counts_by_arm():
    frame = pl.DataFrame({"arm": ["a", "a", "b"], "r": [True, False, True]})
    assert response_rate_table(frame, response="r", arm="arm", interval=Wilson())["rate"].to_list() == [0.5, 1.0]
