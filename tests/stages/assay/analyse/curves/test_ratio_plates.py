"""Fold shifts over plates: coverage where plates differ, the law of plates that move both curves, and the words where they are few."""

import numpy as np
import polars as pl
import pytest

from benchside.stages.assay.analyse.curves.ratio import potency_ratio
from benchside.stages.assay.analyse.curves.ratio_plates import DISAGREE, FEW, fold_error

DOSES = 3.0 ** np.arange(10)
FOLD = 8.0


def responses(plates: int, *, seed: int, own: float = 0.0, common: float = 0.0, apart: bool = False) -> pl.DataFrame:
    """Return WT and mutant on plates whose ln midpoints move by `own` for each curve and by `common` for both."""
    rng = np.random.default_rng(seed)
    rows = []
    for plate in range(plates):
        both = rng.normal(0, common)
        for variant, mid in (("WT", 30.0), ("G1202R", 30.0 * FOLD)):
            at = mid * np.exp(both + rng.normal(0, own))
            for dose in np.repeat(DOSES, 2):
                name = f"{variant}-{plate}" if apart else f"P{plate}"
                rows.append((variant, variant, name, dose, 1 / (1 + (dose / at) ** 1.2) + rng.normal(0, 0.03)))
    return pl.DataFrame(rows, schema=["curve_id", "variant", "plate_id", "concentration_nM", "response"], orient="row")


def fold(table: pl.DataFrame) -> dict[str, object]:
    return potency_ratio(table).table.row(0, named=True)


@pytest.mark.parametrize("apart", [False, True])
def test_the_interval_holds_the_fold_where_plates_differ(apart: bool) -> None:
    rows = [fold(responses(5, seed=seed, own=0.3, apart=apart)) for seed in range(80)]
    held = sum(float(str(row["fold_lower"])) <= FOLD <= float(str(row["fold_upper"])) for row in rows)
    assert held >= 70  # of 80; over wells it is about 45
    assert {row["n_plates"] for row in rows} == {10 if apart else 5}


def test_what_a_plate_does_to_both_curves_cancels() -> None:
    moved, still = (fold(responses(5, seed=4, common=common)) for common in (0.8, 0.0))
    widths = [np.log(float(str(row["fold_upper"])) / float(str(row["fold_lower"]))) for row in (moved, still)]
    assert widths[0] < 4 * widths[1]
    assert widths[0] < 0.8  # were the curves of one plate taken apart, about 2.8


@pytest.mark.parametrize(("plates", "words"), [(1, "ok"), (2, FEW), (3, FEW), (4, "ok")])
def test_few_plates_are_said(plates: int, words: str) -> None:
    assert fold(responses(plates, seed=1))["status"] == words


def test_error_by_hand() -> None:
    paired, freedom = fold_error({1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0}, {1: 1.0, 2: -1.0, 3: 1.0, 4: -1.0})
    assert (paired, freedom) == (pytest.approx(np.sqrt(3.0)), 3)
    own, freedom = fold_error({1: 1.0, 2: -1.0, 3: 1.0, 4: -1.0}, {5: 1.0, 6: -1.0, 7: 1.0, 8: -1.0, 9: 0.0})
    assert (own, freedom) == (pytest.approx(np.sqrt(3.0 + 0.8 * 4)), 3)


def test_a_missing_estimate_gives_no_interval() -> None:
    error, _ = fold_error({1: 0.0, 2: np.nan, 3: 0.0, 4: 0.0}, {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0})
    assert np.isnan(error)
    assert DISAGREE.endswith("one by one.")
