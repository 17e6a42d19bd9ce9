"""DIP rates against exact growth, a slow twin, and the rates that thunor found in real time courses."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from benchside.core.errors import TableError
from benchside.stages.assay.analyse.cells.dip import dip_rates, rates_table
from benchside.stages.assay.analyse.cells.dip_windows import stable_lines
from tests.shared_data import shared

TIMES_H = np.arange(0.0, 121.0, 6.0)
DOSES = [0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
CONTROL = 0.04


def course(rate, *, delay_h=0.0, start=400.0, noise=0.0, rng=None):
    """Cells that divide as the control until the drug acts, then at `rate` doublings an hour."""
    log2 = np.log2(start) + CONTROL * np.minimum(TIMES_H, delay_h) + rate * np.maximum(TIMES_H - delay_h, 0)
    return 2 ** (log2 + (noise * rng.standard_normal(TIMES_H.size) if noise else 0))


def counts(rate_at, **changes):
    rows = [(dose, t, cells) for dose in DOSES for t, cells in zip(TIMES_H, course(rate_at(dose), **changes), strict=True)]
    return pl.DataFrame(rows, schema=["concentration_nM", "time_h", "cell_count"], orient="row")


def falling(dose, ic50=20.0, slope=1.5, end=-0.5):
    return CONTROL * (end + (1 - end) / (1 + (dose / ic50) ** slope))


def slow_line(t, y):
    """Every window to the end, by another library's regression; the greatest merit, the earliest of equals."""
    best = (-np.inf, None, None, None)
    for first in range(len(t) - 3):
        line, n = linregress(t[first:], y[first:]), len(t) - first
        rmse = np.sqrt(np.mean((y[first:] - line.intercept - line.slope * t[first:]) ** 2))
        adjusted = 1 - (1 - line.rvalue**2) * (n - 1) / (n - 2)
        merit = adjusted * max(1 - rmse, 0) ** 2 * (n - 3) ** 0.25
        if merit > best[0]:
            best = (merit, line.slope, line.stderr, first)
    return best[1:]


def test_by_hand():
    """100, 200, 400, 800 cells at 0, 24, 48, 72 h: one doubling a day, exactly."""
    line = stable_lines(np.array([[0.0, 24.0, 48.0, 72.0]]), np.log2([[100.0, 200.0, 400.0, 800.0]]))
    assert line.rate[0] == pytest.approx(1 / 24)
    assert line.error[0] == pytest.approx(0, abs=1e-9)
    assert (line.first[0], line.n[0]) == (0, 4)


@given(st.integers(0, 10_000), st.integers(4, 30), st.floats(0.0, 0.5))
def test_fast_equals_definition(seed, n, noise):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 120, n))
    y = 9 + 0.03 * np.minimum(t, 40) - 0.01 * np.maximum(t - 40, 0) + noise * rng.standard_normal(n)
    padded = [np.concatenate([part, [np.nan] * 3])[None] for part in (t, y)]
    line, (rate, error, first) = stable_lines(*padded), slow_line(t, y)
    assert line.first[0] == first
    assert line.rate[0] == pytest.approx(rate, abs=1e-9)
    assert line.error[0] == pytest.approx(error, abs=1e-7)


@given(st.floats(-0.03, 0.03), st.sampled_from([0.0, 12.0, 24.0, 48.0]))
@settings(max_examples=30)
def test_the_rate_after_a_delay_is_recovered(rate, delay_h):
    if abs(rate) < 1e-3:
        rate = 1e-3  # a flat line has no R2 to choose a window by
    line = stable_lines(TIMES_H[None], np.log2(course(rate, delay_h=delay_h))[None])
    assert line.rate[0] == pytest.approx(rate, abs=0.1 * CONTROL)


def test_a_delay_in_noise_is_cut_off():
    rng = np.random.default_rng(4)
    lines = stable_lines(
        np.tile(TIMES_H, (200, 1)), np.log2([course(-0.02, delay_h=30, noise=0.05, rng=rng) for _ in range(200)])
    )
    assert np.abs(lines.rate.mean() + 0.02) < 0.001
    assert 18 <= np.median(TIMES_H[lines.first]) <= 36


def test_the_interval_covers_where_growth_is_steady():
    rng = np.random.default_rng(2)
    rows = [
        (float(k), t, cells) for k in range(1, 801) for t, cells in zip(TIMES_H, course(0.03, noise=0.05, rng=rng), strict=True)
    ]
    table = pl.DataFrame(rows, schema=["concentration_nM", "time_h", "cell_count"], orient="row")
    rates = rates_table(table, [])
    held = ((rates["dip_lower_per_h"] <= 0.03) & (rates["dip_upper_per_h"] >= 0.03)).mean()
    assert 0.92 < held < 0.98


def test_the_dose_response_of_rates_is_recovered():
    row = dip_rates(counts(falling)).table.row(0, named=True)
    half = 20.0 * ((1.5 / 1.0) - 1) ** (1 / 1.5)  # 1.5 / (1 + x) - 0.5 = 0.5
    assert row["control_dip_per_h"] == pytest.approx(CONTROL)
    assert row["ec50_dip_nM"] == pytest.approx(20, rel=1e-4)
    assert (row["ic50_dip_relation"], row["ic50_dip_nM"]) == ("=", pytest.approx(half, rel=1e-4))
    assert row["dip_inf"] == pytest.approx(-0.5, abs=1e-3)
    assert row["dip_top_dose"] == pytest.approx(falling(300) / CONTROL)
    assert (row["n_courses"], row["n_control"], row["status"]) == (6, 1, "ok")


def test_the_activity_area_is_the_area():
    row = dip_rates(counts(falling)).table.row(0, named=True)
    x = np.linspace(np.log10(1), np.log10(300), 20001)
    assert row["activity_area"] == pytest.approx(np.trapezoid(1 - falling(10**x) / CONTROL, x), abs=1e-3)


def test_a_control_serves_every_compound_of_its_line():
    treated = counts(falling).filter(pl.col("concentration_nM") > 0)
    table = pl.concat(
        [
            counts(falling).filter(pl.col("concentration_nM") == 0).with_columns(line=pl.lit("u"), drug=pl.lit(None, pl.String)),
            treated.with_columns(line=pl.lit("u"), drug=pl.lit("a")),
            treated.with_columns(line=pl.lit("u"), drug=pl.lit("b")),
        ]
    )
    found = dip_rates(table, by=["line", "drug"])
    assert found.table["drug"].to_list() == ["a", "b"]
    assert found.table["n_control"].to_list() == [1, 1]
    with pytest.raises(TableError, match="line v, drug a has no control"):
        dip_rates(
            table.with_columns(line=pl.when(pl.col("drug") == "a").then(pl.lit("v")).otherwise("line")), by=["line", "drug"]
        )


def test_dead_wells_and_short_courses_say_so():
    table = counts(falling).with_columns(
        cell_count=pl.when((pl.col("concentration_nM") == 300) & (pl.col("time_h") > 90)).then(0.0).otherwise("cell_count")
    )
    short = table.filter(~((pl.col("concentration_nM") == 1) & (pl.col("time_h") > 12)))
    rates = {row["concentration_nM"]: row for row in dip_rates(short).rates.iter_rows(named=True)}
    assert "5 time points without cells" in rates[300.0]["status"]
    assert rates[1.0]["dip_per_h"] is None
    assert "four" in rates[1.0]["status"] or "4 time points" in rates[1.0]["status"]


def test_no_effect_is_a_bound():
    row = dip_rates(counts(lambda dose: CONTROL * (1 - 0.1 * dose / (dose + 30)))).table.row(0, named=True)
    assert (row["ic50_dip_relation"], row["ic50_dip_nM"]) == (">", 300)


def test_a_control_that_does_not_divide_is_no_unit():
    row = dip_rates(counts(lambda dose: -0.01 if dose == 0 else falling(dose))).table.row(0, named=True)
    assert row["ic50_dip_nM"] is None
    assert "does not divide" in row["status"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda t: t.drop("time_h"), ("time_h", "missing")),
        (lambda t: t.with_columns(cell_count=-pl.col("cell_count")), ("cell_count", "0 or more", "row 1")),
        (lambda t: t.with_columns(time_h=pl.lit("day 1")), ("time_h", "day 1")),
        (lambda t: pl.concat([t, t]), ("more than once", "plate_id, well or replicate")),
        (lambda t: t.filter(pl.col("concentration_nM") > 0), ("no control", "concentration_nM 0")),
    ],
)
def test_bad_counts_are_refused_in_a_sentence(change, parts):
    with pytest.raises(TableError) as refused:
        dip_rates(change(counts(falling)))
    for part in parts:
        assert part in str(refused.value)


def real_courses() -> pl.DataFrame:
    table = pl.read_csv(shared("data", "assay", "thunor_hts007_timecourse.csv"), infer_schema_length=None)
    drug = pl.when(pl.col("control")).then(None).otherwise("drug")
    return table.select(
        plate_id="plate", well=pl.col("well_num").cast(pl.String), cell_line="cell_line", drug=drug,
        concentration_nM=pl.col("dose_M") * 1e9, time_h="hours", cell_count="cell_count",
    )  # fmt: skip


def test_as_thunor():
    """Its `emax_obs` is the lowest rate of a drug on a line; its IC50 starts at a fitted level of the control, ours at the mean."""
    found = dip_rates(real_courses(), by=["cell_line", "drug"])
    assert found.rates.height == 2678
    path = shared("reference", "assay", "thunor_hts007_reference_dip_fits.csv")
    reference = pl.read_csv(path, infer_schema_length=None)
    lowest = found.rates.filter(pl.col("concentration_nM") > 0).group_by("cell_line", "drug").agg(pl.col("dip_per_h").min())
    joined = found.table.join(reference, on=["cell_line", "drug"]).join(lowest, on=["cell_line", "drug"])
    assert joined.height == reference.height == 135
    assert (joined["dip_per_h"] - joined["emax_obs"]).abs().max() < 1e-12
    both = joined.filter(pl.col("ic50").is_not_null() & (pl.col("ic50_dip_relation") == "="))
    assert both.height > 85
    assert (both["ic50_dip_nM"] / (both["ic50"] * 1e9)).log(10).abs().median() < 0.05
