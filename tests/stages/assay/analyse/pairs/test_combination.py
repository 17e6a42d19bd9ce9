"""Combination scores against surfaces that are additive by construction, planted synergy, slow twins, and refusals in words."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from benchside.core.errors import SettingError, TableError, UnitError
from benchside.stages.assay.analyse.pairs.combination import combination, combination_cells, combination_table
from benchside.stages.assay.analyse.pairs.surface import REFERENCES
from benchside.stages.assay.analyse.pairs.table import CombinationTable
from tests.stages.assay.combination_truths import CURVE_A, CURVE_B, DOSES_A, DOSES_B, alone, surface, wells

INNER = (pl.col("concentration_a_nM") > 0) & (pl.col("concentration_b_nM") > 0)


def inner(found):
    return found.cells.filter(INNER)


# ---------------------------------------------------------------- what each model is


def test_by_hand():
    """0.6 alone and 0.5 alone, 0.2 together: Bliss expects 0.3, HSA 0.5; the excess is 10 and 30 percentage points."""
    table = pl.DataFrame(
        {"concentration_a_nM": [0.0, 1.0, 0.0, 1.0], "concentration_b_nM": [0.0, 0.0, 1.0, 1.0], "response": [1.0, 0.6, 0.5, 0.2]}
    ).with_columns(compound_a=pl.lit("x"), compound_b=pl.lit("y"))
    row = combination(table, n=0).table.row(0, named=True)
    assert row["bliss_points"] == pytest.approx(10)
    assert row["hsa_points"] == pytest.approx(30)
    assert row["loewe_points"] is None
    assert row["zip_points"] is None
    assert row["verdict"] is None
    assert "three doses" in row["status"]


@pytest.mark.parametrize("null", REFERENCES)
def test_an_additive_surface_scores_zero_under_its_own_model(null):
    found = combination(wells(surface(null)), n=0)
    assert inner(found)[f"{null}_points"].abs().max() < 1e-5
    assert found.table[f"{null}_points"][0] == pytest.approx(0, abs=1e-5)
    assert found.table[f"{null}_cells"][0] == 25


def test_partial_agents_that_act_independently_score_zero_by_zip():
    """Ends above 0: curves along the rows that had to end at full effect could not follow this surface."""
    found = combination(wells(surface("zip", (0.4, 1.4, 2.0), (0.6, 1.1, 3.5))), n=0)
    assert inner(found)["zip_points"].abs().max() < 1e-5


def test_a_compound_with_itself_is_loewe_additive_and_looks_synergistic_to_bliss():
    """The dose-equation test of a sham combination: slope 2 makes Bliss see what is not there."""
    curve = (0.05, 2.0, np.log(20.0))
    grid = np.concatenate([[0], DOSES_A])
    matrix = alone(grid[:, None] + grid[None, :], curve)
    sham = wells(matrix, a="x", b="x").with_columns(
        concentration_b_nM=pl.col("concentration_b_nM").replace_strict(dict(zip([0.0, *DOSES_B], grid, strict=True)))
    )
    found = combination(sham, n=0)
    assert inner(found)["loewe_points"].abs().max() < 1e-4
    assert inner(found)["bliss_points"].max() > 10


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_bliss_never_sees_more_than_the_highest_single_agent(seed):
    """The product of two fractions is at most either of them."""
    matrix = np.random.default_rng(seed).uniform(0.05, 0.95, (6, 6))
    cells = inner(combination(wells(matrix), n=0))
    assert (cells["bliss_points"] <= cells["hsa_points"] + 1e-9).all()


def slow_curve(dose, response, start, ends):
    """The least-squares curve from `start`, its end within `ends`, by many starts of a general optimiser; the values it takes."""
    x = np.log(dose)

    def values(p):
        return p[0] + (start - p[0]) / (1 + np.exp(np.clip(np.exp(p[1]) * (x - p[2]), -700, 700)))

    starts = [(e, np.log(s), m) for e in (max(ends[0], 0.0), 0.5) for s in (0.5, 2.0, 8.0) for m in (x[1], x[2], x[3])]
    reach = 4 * np.log(10)
    box = ([ends[0], np.log(1e-3), x[0] - reach], [ends[1], np.log(50), x[-1] + reach])
    fits = [least_squares(lambda p: values(p) - response, p, bounds=box, xtol=1e-15, ftol=1e-15, gtol=1e-15) for p in starts]
    return values(min(fits, key=lambda fit: fit.cost).x)


def test_zip_against_its_definition():
    """Curves by a general optimiser, put together as the paper says; on a noisy surface with synergy."""
    matrix = surface("zip")
    matrix[3:5, 3:5] -= 0.12
    matrix = matrix + 0.02 * np.random.default_rng(5).standard_normal(matrix.shape)
    fit_a = slow_curve(DOSES_A, matrix[1:, 0], 1.0, (0.0, 1.0))
    fit_b = slow_curve(DOSES_B, matrix[0, 1:], 1.0, (0.0, 1.0))
    along_b = np.array([slow_curve(DOSES_B, matrix[1 + i, 1:], fit_a[i], (-9.0, 9.0)) for i in range(5)])
    along_a = np.array([slow_curve(DOSES_A, matrix[1:, 1 + j], fit_b[j], (-9.0, 9.0)) for j in range(5)]).T
    delta = 100 * (np.outer(fit_a, fit_b) - (along_a + along_b) / 2)
    found = inner(combination(wells(matrix), n=0))["zip_points"].to_numpy().reshape(5, 5)
    assert np.abs(found - delta).max() < 0.01


# ---------------------------------------------------------------- intervals


def test_planted_synergy_is_found_where_it_is():
    matrix = surface("zip")
    matrix[3:5, 3:5] -= 0.12
    found = combination(wells(matrix, replicates=3, sd=0.03, seed=1), n=300)
    row = found.table.row(0, named=True)
    assert row["verdict"] == "synergy"
    assert row["bliss_lower_points"] < 4 * 12 / 25 < row["bliss_upper_points"]
    planted = pl.col("concentration_a_nM").is_in(DOSES_A[2:4]) & pl.col("concentration_b_nM").is_in(DOSES_B[2:4])
    inside, outside = inner(found).filter(planted), inner(found).filter(~planted)
    assert (inside["bliss_lower_points"] > 0).all()
    assert (outside["bliss_lower_points"] > 0).sum() <= 3
    assert (row["strongest_a_nM"], row["strongest_b_nM"]) in [(a, b) for a in DOSES_A[2:4] for b in DOSES_B[2:4]]


def test_planted_antagonism_is_called_so():
    matrix = surface("zip")
    matrix[1:, 1:] += 0.08
    assert combination(wells(matrix, replicates=3, sd=0.03, seed=1), n=200).table["verdict"][0] == "antagonism"


@pytest.mark.parametrize(("null", "names"), [("zip", ("bliss", "zip")), ("hsa", ("hsa",)), ("loewe", ("loewe",))])
def test_intervals_hold_zero_where_nothing_interacts(null, names):
    """30 noisy surfaces that are additive: about 95 of 100 cell intervals, and of intervals of the mean, hold 0.

    Noise in the fitted ends leaves about a quarter of the Loewe cells undefined here, all at the highest doses.
    """
    tables = [wells(surface(null), replicates=3, sd=0.04, seed=seed, system=str(seed)) for seed in range(30)]
    found = combination(pl.concat(tables), n=100)
    for name in names:
        cells = inner(found).drop_nulls(f"{name}_lower_points")
        assert cells.height > (500 if name == "loewe" else 749)
        held = ((cells[f"{name}_lower_points"] <= 0) & (cells[f"{name}_upper_points"] >= 0)).mean()
        assert 0.91 < held < 0.98
        of_mean = found.table.filter((pl.col(f"{name}_lower_points") <= 0) & (pl.col(f"{name}_upper_points") >= 0))
        assert of_mean.height >= 25
        assert abs(found.table[f"{name}_points"].mean()) < 0.8


def test_intervals_narrow_with_replicates():
    widths = []
    for replicates in (2, 8):
        row = combination(wells(surface("zip"), replicates=replicates, sd=0.05, seed=3), n=200).table.row(0, named=True)
        widths.append(row["bliss_upper_points"] - row["bliss_lower_points"])
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.3)


def test_without_replicates_there_is_no_interval_unless_the_noise_is_known():
    single = wells(surface("zip"), sd=0.03, seed=1)
    without = combination(single, n=200).table.row(0, named=True)
    assert without["zip_lower_points"] is None
    assert "replicated" in without["status"]
    known = combination(single, n=200, noise_sd=0.03).table.row(0, named=True)
    assert known["zip_lower_points"] < known["zip_points"] < known["zip_upper_points"]
    assert known["status"] == "ok"


def test_a_combination_is_resampled_alike_alone_and_among_others():
    one = wells(surface("zip"), replicates=2, sd=0.03, seed=1, system="a")
    two = wells(surface("hsa"), replicates=2, sd=0.03, seed=2, system="b")
    both = combination(pl.concat([two, one]), n=100, seed=7).table
    assert both["system"].to_list() == ["b", "a"]
    assert both.filter(pl.col("system") == "a").equals(combination(one, n=100, seed=7).table)
    assert not both.filter(pl.col("system") == "a").equals(combination(one, n=100, seed=8).table)


# ---------------------------------------------------------------- what cannot be said


def test_loewe_is_undefined_where_one_agent_outdoes_the_other():
    """a alone leaves 0.5 at any dose, b alone goes to 0.07: beyond 0.5 no dose of a is as effective as b."""
    found = combination(wells(surface("zip", (0.5, 1.4, np.log(12.0)), (0.0, 1.1, np.log(40.0)))), n=0)
    row = found.table.row(0, named=True)
    strong = inner(found).filter(pl.col("concentration_b_nM") > 100)
    assert strong["loewe_points"].null_count() == strong.height
    assert row["loewe_cells"] == 25 - inner(found)["loewe_points"].null_count()
    assert row["n_cells"] == 25
    assert f"undefined in {25 - row['loewe_cells']} of 25 cells" in row["status"]
    assert "alectinib at 0.50" in row["status"]


def test_vehicle_wells_far_from_one_are_named():
    matrix = surface("zip")
    matrix[0, 0] = 0.7
    assert "vehicle wells of the matrix average 0.70" in combination(wells(matrix), n=0).table["status"][0]


def test_missing_and_excluded_cells_are_left_out():
    table = wells(surface("zip")).with_columns(
        excluded=(pl.col("concentration_a_nM") == 10) & (pl.col("concentration_b_nM") == 32),
        response=pl.when((pl.col("concentration_a_nM") == 30) & (pl.col("concentration_b_nM") == 2))
        .then(None)
        .otherwise("response"),
    )
    found = combination(table, n=0)
    assert found.cells.height == 34
    assert found.table["n_cells"][0] == 23
    for null in ("bliss", "zip"):
        assert inner(found)[f"{null}_points"].abs().max() < 1e-5


def test_evidence_carries_the_interval():
    found = combination(wells(surface("zip"), replicates=2, sd=0.03, system="H2228"), n=100)
    records = {record.quantity: record for record in found.evidence}
    record = records["mean excess over ZIP"]
    assert record.unit == "percentage points"
    assert record.system == "H2228"
    assert record.lower < record.value < record.upper


def test_the_tables_for_a_study_are_those_of_the_verb():
    table = wells(surface("zip"), replicates=2, sd=0.03)
    found = combination(table, n=100, seed=2)
    frame = CombinationTable.of(table).table
    assert combination_table(frame, n=100, seed=2).equals(found.table)
    assert combination_cells(frame, n=100, seed=2).equals(found.cells)


# ---------------------------------------------------------------- the door


def test_percent_and_micromolar_become_fractions_and_nanomolar():
    table = wells(surface("zip"))
    theirs = table.select(
        Drug1="compound_a", Drug2="compound_b", Conc1=pl.col("concentration_a_nM") / 1000,
        Conc2=pl.col("concentration_b_nM") / 1000, viability=100 * pl.col("response"),
    )  # fmt: skip
    names = {
        "compound_a": "Drug1",
        "compound_b": "Drug2",
        "concentration_a": "Conc1",
        "concentration_b": "Conc2",
        "response": "viability",
    }
    held = CombinationTable.from_frame(theirs, concentration_unit="uM", response_unit="percent", columns=names).table
    for name in ("concentration_a_nM", "concentration_b_nM", "response"):
        assert held[name].to_list() == pytest.approx(table[name].to_list())
    with pytest.raises(UnitError, match="percent"):
        CombinationTable.from_frame(theirs, concentration_unit="uM", response_unit="%", columns=names)


def dose(name, value):
    return pl.col(f"concentration_{name}_nM") == value


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda t: t.filter(~(dose("a", 10) & dose("b", 0))), ("alectinib at 10 nM", "never alone", "concentration_b_nM 0")),
        (lambda t: t.filter(~(dose("b", 8) & dose("a", 0))), ("x at 8 nM", "never alone", "concentration_a_nM 0")),
        (lambda t: t.filter(dose("a", 0) | dose("b", 0)), ("no well with both",)),
        (lambda t: t.with_columns(response=100 * pl.col("response")), ("median", "percent")),
        (lambda t: t.with_columns(concentration_a_nM=-pl.col("concentration_a_nM")), ("concentration_a_nM", "0 or more", "logarithm")),
        (lambda t: t.with_columns(response=pl.lit(float("inf"))), ("response", "finite")),
        (lambda t: t.with_columns(compound_b=pl.lit(None, pl.String)), ("compound_b", "row 1", "concentration 0")),
        (lambda t: t.drop("compound_a"), ("compound_a", "missing")),
        (
            lambda t: pl.concat([t, t.rename({"compound_a": "compound_b", "compound_b": "compound_a"}).select(t.columns)]),
            ("both orders", "alectinib"),
        ),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_in_a_sentence(change, parts):
    with pytest.raises(TableError) as refused:
        combination(change(wells(surface("zip"))), n=0)
    for part in parts:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "part"),
    [({"reference": "blis"}, "did you mean 'bliss'"), ({"n": 10}, "100 or more"), ({"noise_sd": 5.0}, "between 0 and 1")],
)
def test_bad_settings_are_refused_in_a_sentence(changes, part):
    with pytest.raises(SettingError, match=part):
        combination(wells(surface("zip")), **changes)


def test_the_truths_are_what_they_say():
    assert surface("loewe")[3, 3] != surface("zip")[3, 3]
    assert surface("hsa")[3, 3] == min(alone(DOSES_A[2], CURVE_A), alone(DOSES_B[2], CURVE_B))
