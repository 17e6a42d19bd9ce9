"""The median polish against its definition in plain Python, and what B scores do not mind."""

from statistics import median

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchside.stages.assay.analyse.plates.b_score import b_score, median_polish
from benchside.stages.assay.model import well_name

# Deaths of parachutists, the worked table of Tukey 1977 (Exploratory Data Analysis) that R's medpolish is documented with:
# overall 8, rows 6, -1, 0, 2, -8, columns 0, -1, 0, residuals that sum to 19.
DEATHS = np.array([[14.0, 15, 14], [7, 4, 7], [8, 2, 10], [15, 9, 10], [0, 2, 0]])


def slow_polish(table, rounds=10):
    left = [list(row) for row in table]
    row, column, overall = [0.0] * len(left), [0.0] * len(left[0]), 0.0
    for _ in range(rounds):
        for i, values in enumerate(left):
            m = median(values)
            left[i] = [value - m for value in values]
            row[i] += m
        m = median(column)
        column, overall = [value - m for value in column], overall + m
        for j in range(len(column)):
            m = median(values[j] for values in left)
            for values in left:
                values[j] -= m
            column[j] += m
        m = median(row)
        row, overall = [value - m for value in row], overall + m
    return overall, row, column, left


def screen(signals):
    cells = [(r, c) for r in range(signals.shape[0]) for c in range(signals.shape[1])]
    return pl.DataFrame({
        "plate_id": ["P"] * len(cells), "well": [well_name(r, c) for r, c in cells], "role": ["sample"] * len(cells),
        "compound": [f"x{k}" for k in range(len(cells))], "concentration_nM": [1000.0] * len(cells), "signal": signals.ravel(),
    })  # fmt: skip


def test_a_worked_table():
    part = median_polish(DEATHS)
    assert part.overall == 8
    assert part.row.tolist() == [6, -1, 0, 2, -8]
    assert part.column.tolist() == [0, -1, 0]
    assert np.abs(part.residual).sum() == 19
    np.testing.assert_allclose(part.overall + part.row[:, None] + part.column[None, :] + part.residual, DEATHS)


@given(arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(2, 7)), elements=st.floats(-100, 100)))
def test_fast_equals_definition_and_adds_up(table):
    part, (_, _, _, left) = median_polish(table), slow_polish(table)
    total = part.overall + part.row[:, None] + part.column[None, :] + part.residual
    np.testing.assert_allclose(total, table, atol=1e-9)
    # The sum of absolute residuals settles; where the polish ends it is within its tolerance of ten full sweeps.
    assert np.abs(part.residual).sum() <= np.abs(np.array(left)).sum() * (1 + 1e-4) + 1e-9


def test_row_and_column_effects_leave_the_scores_alone():
    rng = np.random.default_rng(5)
    noise = rng.normal(100, 5, (8, 10))
    noise[3, 4] = 40.0
    tilted = noise + 3.0 * np.arange(8)[:, None] - 2.0 * np.arange(10)[None, :]
    one, other = b_score(screen(noise)).table, b_score(screen(tilted)).table
    assert one.sort("b_score")["well"][0] == other.sort("b_score")["well"][0] == "D5"
    assert other["b_score"].min() < -6
    assert np.abs(one["b_score"] - other["b_score"]).max() < 1.0


def test_gaps_and_flat_plates():
    grid = np.array([[1.0, 2.0, np.nan], [2.0, 3.0, np.nan], [3.0, 4.0, np.nan]])
    part = median_polish(grid)
    assert np.nansum(np.abs(part.residual)) == 0
    assert part.overall + part.row[1] + part.column[1] == 3.0
    flat = b_score(screen(np.full((3, 4), 7.0))).table
    assert flat["b_score"].null_count() == 12
    assert b_score(screen(np.full((3, 4), 7.0)).with_columns(role=pl.lit("empty"))).table.height == 0


def test_controls_are_left_out():
    wells = screen(np.arange(12.0).reshape(3, 4)).with_columns(
        role=pl.when(pl.col("well") == "A1").then(pl.lit("positive")).otherwise("role")
    )
    assert b_score(wells).table["well"].to_list() == [well for well in wells["well"] if well != "A1"]
    assert b_score(wells).table["residual"].abs().max() == pytest.approx(0)
