"""The band, for many curves at once, against one curve at a time; and the wells without compound in it."""

import time

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student

from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.curves import LL3, LL4, LL5
from benchside.stages.assay.figure_lines import BAND_POINTS, FREE, curve_band, log_doses, parameters, responses_at

DOSES = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0]


def slow_band(row, doses):
    """The delta method of one curve from its definition: derivatives by differences, the inverse of J'J, Student's t."""
    values, free = parameters(row)[0], FREE[row["curve"][0]]

    def jacobian(x):
        columns = []
        for k in free:
            step = np.zeros(5)
            step[k] = 1e-5 * max(1.0, abs(values[k]))
            up, down = (responses_at(x[None, :], (values + way * step)[None, :])[0] for way in (1, -1))
            columns.append((up - down) / (2 * step[k]))
        return np.column_stack(columns)

    with np.errstate(divide="ignore"):
        there = jacobian(np.log(doses))
    here = jacobian(log_doses(row, BAND_POINTS)[0])
    freedom = len(doses) - len(free)
    if freedom < 1 or np.linalg.cond(there.T @ there) > 1e12:
        return None
    covariance = row["rss"][0] / freedom * np.linalg.inv(there.T @ there)
    return student.ppf(0.975, freedom) * np.sqrt(np.einsum("ij,jk,ik->i", here, covariance, here))


def screen(curves, seed=1, *, zero=False):
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(curves):
        mid, bottom, slope = 10 ** rng.uniform(0, 3), rng.uniform(0, 0.3), rng.uniform(0.7, 2.5)
        doses = [*([0.0] if zero else []), *DOSES[: 6 + k % 5]]
        for dose in doses:
            response = bottom + (1 - bottom) / (1 + (dose / mid) ** slope) + rng.normal(0, 0.03)
            rows.append(
                {"curve_id": f"c{k}", "concentration_nM": dose, "response": response, "excluded": k % 3 == 0 and dose == 3.0}
            )
    return pl.DataFrame(rows)


@pytest.mark.parametrize("curve", [LL3(0.1), LL4(), LL5()])
@pytest.mark.parametrize("zero", [False, True])
def test_many_curves_at_once_are_as_one_at_a_time(curve, zero):
    points = screen(25, zero=zero)
    fits = fit(points, curve=curve).table.filter(pl.col("rss").is_not_null())
    band = curve_band(fits, points)
    found = {name: part for (name,), part in band.partition_by("curve_id", as_dict=True).items()}
    compared = 0
    for k in range(fits.height):
        row = fits.slice(k, 1)
        used = points.filter((pl.col("curve_id") == row["curve_id"][0]) & ~pl.col("excluded"))
        half = slow_band(row, used["concentration_nM"].to_numpy())
        part = found.get(row["curve_id"][0])
        assert (half is None) == (part is None)
        if half is not None:
            own = ((part["upper"] - part["lower"]) / 2).to_numpy()
            np.testing.assert_allclose(own, half, rtol=1e-5, atol=1e-9)
            compared += 1
    assert compared >= 12


def test_wells_without_compound_are_counted_as_the_fit_counted_them():
    points = screen(1, zero=True)
    fits = fit(points).table
    assert fits["n_points"][0] == points.filter(~pl.col("excluded")).height
    with_zero = curve_band(fits, points)
    without = curve_band(fits, points.filter(pl.col("concentration_nM") > 0))
    width = [(one["upper"] - one["lower"])[0] for one in (with_zero, without)]
    assert width[0] < width[1]


def test_a_screen_of_six_thousand_curves_has_its_bands_within_three_seconds():
    few = screen(60, seed=4)
    fits = fit(few).table
    copies = [
        (fits.with_columns(pl.col("curve_id") + f"-{k}"), few.with_columns(pl.col("curve_id") + f"-{k}")) for k in range(100)
    ]
    table, points = (pl.concat([pair[side] for pair in copies]) for side in (0, 1))
    began = time.perf_counter()
    band = curve_band(table, points)
    assert time.perf_counter() - began < 3
    assert band.height > 4000 * BAND_POINTS
