"""Growth of clones: closed form, simulated coverage with counting and censoring, and what is not estimable."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from benchside.core.errors import SettingError, TableError
from benchside.stages.resistance import NOTICE, clone_growth, simulate
from benchside.stages.resistance.analyse.clone_growth import counting_variance, doubling, profile_drop

TIMES = (0.0, 30.0, 60.0, 90.0)


def followed(vaf, times=TIMES, **further):
    columns = {"patient": ["a"] * len(vaf), "variant": ["G1202R"] * len(vaf), "time_days": list(times), "vaf": vaf}
    return pl.DataFrame(columns | {name: [value] * len(vaf) for name, value in further.items()})


def test_fractions_that_double_every_30_days_exactly():
    row = clone_growth(followed([0.001, 0.002, 0.004, 0.008])).table.row(0, named=True)
    assert row["growth_rate_per_day"] == pytest.approx(math.log(2) / 30, rel=1e-6)
    assert row["doubling_days"] == pytest.approx(30.0, rel=1e-6)
    assert row["log_vaf_at_0"] == pytest.approx(math.log(0.001), rel=1e-5)
    assert (row["patient"], row["gene"], row["variant"]) == ("a", "ALK", "G1202R")


def test_without_counts_and_censoring_it_is_the_t_interval_of_the_log_line():
    vaf = [0.0012, 0.0019, 0.0051, 0.0072, 0.016]
    times = (0.0, 21.0, 50.0, 77.0, 101.0)
    found = clone_growth(followed(vaf, times), level=0.9)
    row, line, t = found.table.row(0, named=True), stats.linregress(times, np.log(vaf)), stats.t.ppf(0.95, 3)
    limits = line.slope - t * line.stderr, line.slope + t * line.stderr
    assert (row["lower"], row["upper"]) == pytest.approx(limits, rel=1e-5)
    assert (row["doubling_lower_days"], row["doubling_upper_days"]) == pytest.approx(
        (math.log(2) / limits[1], math.log(2) / limits[0]), rel=1e-5
    )
    assert found.notice == NOTICE
    assert found.evidence[0].level == 0.9


def test_a_value_below_the_limit_pulls_the_rate_up_as_a_number_in_its_place_would_not():
    seen = clone_growth(followed([0.004, 0.008, 0.016, 0.032])).table["growth_rate_per_day"][0]
    hidden = clone_growth(followed([0.0, 0.006, 0.016, 0.032], detection_limit=0.0005)).table.row(0, named=True)
    assert hidden["growth_rate_per_day"] > seen
    assert hidden["n_detected"] == 3
    assert "1 below the detection limit" in hidden["status"]


def test_a_fraction_below_the_limit_is_censored_and_not_used_as_a_number():
    one = clone_growth(followed([0.0004, 0.006, 0.016, 0.032], detection_limit=0.0005)).table
    two = clone_growth(followed([0.0, 0.006, 0.016, 0.032], detection_limit=0.0005)).table
    assert one.equals(two)


def test_deep_reads_add_nothing_and_few_reads_widen_the_interval_when_the_spread_is_known():
    vaf = [0.001, 0.002, 0.004, 0.008]
    width = {}
    for depth in (2_000, 20_000, 200_000_000):
        counts = followed(vaf, depth=depth).with_columns(alt_count=(pl.col("vaf") * depth).round().cast(pl.Int64)).drop("vaf")
        row = clone_growth(counts, sd_log_vaf=0.2).table.row(0, named=True)
        width[depth] = row["upper"] - row["lower"]
    plain = clone_growth(followed(vaf), sd_log_vaf=0.2).table.row(0, named=True)
    assert width[2_000] > width[20_000] > width[200_000_000]
    assert width[200_000_000] == pytest.approx(plain["upper"] - plain["lower"], rel=1e-4)


def test_the_variance_of_counting_is_that_of_the_binomial():
    rng = np.random.default_rng(3)
    drawn = np.log(rng.binomial(20_000, 0.01, 40_000) / 20_000)
    assert counting_variance(np.array([0.01]), np.array([20_000.0]))[0] == pytest.approx(drawn.var(), rel=0.05)
    assert counting_variance(np.array([0.3]), np.array([math.inf]))[0] == 0.0


@pytest.mark.parametrize(
    ("settings", "known", "bias"),
    [
        ({"depth": None, "detection_limit": 0.0}, None, 0.02),
        ({"depth": None, "detection_limit": 0.006}, None, 0.04),
        ({"depth": 5_000, "detection_limit": 0.001}, None, 0.03),
        # Six reads at the limit: ln of so few is skewed, and the rate comes out some per cent too high.
        ({"depth": 3_000, "detection_limit": 0.002, "first_vaf": 0.001}, 0.3, 0.08),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(settings, known, bias):
    made = simulate(n=500, seed=21, frequencies={"G1202R": 1.0}, growth_per_day=0.025, **settings)
    table = clone_growth(made, sd_log_vaf=known).table.filter(pl.col("growth_rate_per_day").is_not_null())
    inside = ((table["lower"].fill_null(-9) <= 0.025) & (table["upper"].fill_null(9) >= 0.025)).mean()
    assert table.height >= 450
    assert inside == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / table.height))
    assert table["growth_rate_per_day"].mean() == pytest.approx(0.025, rel=bias)


def test_a_shrinking_clone_has_no_doubling_time():
    row = clone_growth(followed([0.08, 0.04, 0.02, 0.01])).table.row(0, named=True)
    assert row["growth_rate_per_day"] == pytest.approx(-math.log(2) / 30, rel=1e-6)
    assert row["doubling_days"] is None
    assert "it halves" in row["status"]
    assert doubling(0.01, -0.01, 0.02) == {
        "doubling_days": pytest.approx(69.3, abs=0.1),
        "doubling_lower_days": pytest.approx(34.66, abs=0.01),
        "doubling_upper_days": None,
    }


@pytest.mark.parametrize("vaf", [[0.001, 0.002, 0.0, 0.0], [0.0, 0.0, 0.0, 0.01], [0.0] * 4])
def test_too_few_detected_samples_are_not_estimable_in_words(vaf):
    row = clone_growth(followed(vaf, detection_limit=0.0005)).table.row(0, named=True)
    assert row["growth_rate_per_day"] is None
    assert row["status"].startswith("Not estimable: growth takes 3 detected samples")


def test_two_samples_do_when_the_spread_is_known():
    row = clone_growth(followed([0.001, 0.004], (0.0, 60.0)), sd_log_vaf=0.2).table.row(0, named=True)
    half = 1.959964 * 0.2 * math.sqrt(2) / 60
    assert (row["lower"], row["upper"]) == pytest.approx((math.log(4) / 60 - half, math.log(4) / 60 + half), rel=1e-5)


def test_a_fraction_that_saturates_is_said():
    assert "saturates" in clone_growth(followed([0.05, 0.1, 0.2, 0.4])).table["status"][0]


def test_clones_of_a_patient_are_fitted_apart():
    both = pl.concat(
        [followed([0.001, 0.002, 0.004, 0.008]), followed([0.01, 0.01, 0.01, 0.0101]).with_columns(variant=pl.lit("I1171T"))]
    )
    both = both.with_columns(sample=pl.format("s{}", "time_days"))
    assert clone_growth(both).table["variant"].to_list() == ["G1202R", "I1171T"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (followed([0.001, 0.0, 0.004, 0.008]), "row 2 has no fraction and no detection limit"),
        (followed([0.001, 0.002, 0.004, 0.008]).drop("patient").with_columns(sample=pl.Series(list("abcd"))), "Fill in patient"),
        (followed([0.001] * 4).drop("time_days").with_columns(sample=pl.Series(list("abcd"))), "Fill in time_days"),
    ],
)
def test_what_cannot_be_followed_is_refused(table, words):
    with pytest.raises(TableError, match=words):
        clone_growth(table)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="level is 0"):
        clone_growth(followed([0.001] * 4), level=0)
    with pytest.raises(SettingError, match="sd_log_vaf is -1"):
        clone_growth(followed([0.001] * 4), sd_log_vaf=-1)


def test_the_drop_is_that_of_the_t_interval():
    n, t = 6, stats.t.ppf(0.975, 4)
    assert profile_drop(n, 0.95, known=False) == pytest.approx(0.5 * n * math.log(1 + t * t / 4))
    assert profile_drop(n, 0.95, known=True) == pytest.approx(stats.chi2.ppf(0.95, 1) / 2)
