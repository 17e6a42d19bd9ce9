"""Fold shifts: truths recovered and covered, real pairs, and what is said where there is no number."""

import time

import numpy as np
import polars as pl
import pytest
from scipy.stats import f as f_distribution

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.curves.ratio import potency_ratio
from tests.shared_data import shared

DOSE = np.repeat(1000.0 / 3.0 ** np.arange(10), 2)


def curve(variant, ec50_nM, *, seed=0, sd=0.04, bottom=0.05, slope=1.2, compound="x", system="Ba/F3", **more):
    y = bottom + (1 - bottom) / (1 + (DOSE / ec50_nM) ** slope) + sd * np.random.default_rng(seed).standard_normal(len(DOSE))
    frame = pl.DataFrame({"concentration_nM": DOSE, "response": y})
    named = {
        "curve_id": f"{compound} {variant} {system} {seed}",
        "compound": compound,
        "target": "ALK",
        "variant": variant,
        "system": system,
    }
    return frame.with_columns(**{name: pl.lit(value) for name, value in (named | more).items()})


def only(result):
    assert result.table.height == 1
    return result.table.row(0, named=True)


def selectscreen():
    table = pl.read_csv(shared("data", "assay", "selectscreen_abl1_cellfree.csv"))
    wild = pl.col("target") == "ABL1"
    return table.select(
        curve_id="target", compound="treatment", target=pl.lit("ABL1"), variant=pl.when(wild).then(pl.lit("WT")).otherwise(pl.lit("T315I")),
        system=pl.lit("cell-free"), concentration_nM="Compound_Conc_nM", response=pl.col("activity") / 100,
    )  # fmt: skip


@pytest.mark.parametrize(("shared_", "measure"), [(None, "ec50"), (None, "ic50"), ("plateaus", "ec50"), ("shape", "ec50")])
def test_an_exact_pair_gives_its_fold(shared_, measure):
    """Without noise, 20 over 10 nM is 2; both curves have one shape, so the IC50s' ratio is that of the midpoints."""
    row = only(potency_ratio(pl.concat([curve("WT", 10.0, sd=0), curve("L1196M", 20.0, sd=0)]), shared=shared_, measure=measure))
    assert row["fold"] == pytest.approx(2.0, rel=1e-5)
    assert (row["fold_lower"], row["fold_upper"]) == pytest.approx((2.0, 2.0), rel=1e-3)
    assert (row["fold_relation"], row["comparator"], row["status"]) == ("=", "WT", "ok")


@pytest.mark.parametrize(("shared_", "measure"), [(None, "ec50"), (None, "ic50"), ("plateaus", "ec50"), ("shape", "ec50")])
def test_the_interval_covers_and_the_test_keeps_its_level(shared_, measure):
    pairs = 150
    shifted, equal = (
        pl.concat([
            curve(variant, mid, seed=2 * k + (variant == "M") + offset, compound=f"c{k}")
            for k in range(pairs)
            for variant, mid in (("WT", 15.0), ("M", 15.0 * fold))
        ])
        for fold, offset in ((4.0, 0), (1.0, 10_000))
    )  # fmt: skip
    table = potency_ratio(shifted, shared=shared_, measure=measure).table
    covered = table.select((pl.col("fold_lower") < 4) & (pl.col("fold_upper") > 4)).to_series().sum()
    assert 132 <= covered <= 150  # 95 % of 150 is 142.5, four standard deviations are 10.7
    null = potency_ratio(equal, shared=shared_, measure=measure).table
    assert null["p_value"].le(0.05).sum() <= 18
    # the F test and the interval are one statement
    assert (null["p_value"] < 0.05).to_list() == (~((null["fold_lower"] < 1) & (null["fold_upper"] > 1))).to_list()


def test_fold_and_f_are_those_of_the_single_fits():
    both = pl.concat([curve("WT", 10.0, seed=1), curve("G1202R", 70.0, seed=2)])
    row, fits = only(potency_ratio(both)), fit(both).table
    assert row["fold"] == pytest.approx(fits["ec50_nM"][1] / fits["ec50_nM"][0], rel=1e-9)
    assert row["df"] == 32
    assert row["p_value"] == pytest.approx(f_distribution.sf(row["f_statistic"], 1, 32), rel=1e-6)


def test_the_wild_type_and_gatekeeper_of_abl1():
    """Dasatinib, cell-free: the wild type's EC50 is the reference's 0.127 nM; T315I does not reach one half at 100 nM."""
    reference = pl.read_csv(shared("reference", "assay", "reference_profile_ci.csv")).filter(
        pl.col("curve_id") == "selectscreen_dasatinib_ABL1"
    )
    row = only(potency_ratio(selectscreen(), measure="ec50"))
    assert row["reference_ec50_nM"] == pytest.approx(np.exp(reference["log_ic50"][0]), rel=1e-4)
    assert row["fold_relation"] == ">"
    assert row["fold"] == pytest.approx(100 / row["reference_ec50_nM"])
    level = only(potency_ratio(selectscreen(), measure="ic50"))
    assert level["fold_lower"] > level["fold"]  # the fitted curve itself lies beyond the top dose
    assert level["fold_upper"] is None
    assert "lower bound" in level["status"]
    assert level["p_value"] < 1e-20


def test_real_cell_lines_by_system_and_in_seconds():
    table = pl.read_csv(shared("data", "assay", "sarcoma_curves.csv"))
    table = table.rename({"drug": "compound", "cell_line": "system", "conc": "concentration_nM"}).filter(
        pl.col("conc_unit") == "nM"
    )
    first = table.filter(pl.col("compound").is_in(table["compound"].unique(maintain_order=True).head(25)))
    potency_ratio(first.filter(pl.col("compound") == first["compound"][0]), by="system", reference="A204")
    start = time.perf_counter()
    found = potency_ratio(first, by="system", reference="A204").table
    took = time.perf_counter() - start
    assert found.height >= 100
    assert took < 30
    known = found.filter(
        (pl.col("fold_relation") == "=") & pl.col("fold_lower").is_not_null() & pl.col("fold_upper").is_not_null()
    )
    assert known.height > 10
    assert known.select(((pl.col("fold_lower") <= pl.col("fold")) & (pl.col("fold") <= pl.col("fold_upper"))).all()).item()
    open_rows = found.filter(pl.col("p_value").is_not_null() & (pl.col("fold_lower").is_null() | pl.col("fold_upper").is_null()))
    assert open_rows["status"].str.contains("open").all()


@pytest.mark.parametrize(
    ("wild", "mutant", "relation", "part"),
    [
        (10.0, 1e5, ">", "above its top dose"),
        (1e5, 10.0, "<", "reference's potency is above"),
        (1e-3, 10.0, ">", "reference's potency is below its lowest dose"),
        (10.0, 1e-3, "<", "variant's potency is below its lowest dose"),
        (1e5, 1e6, None, "same end"),
    ],
)
def test_bounds_become_bounds(wild, mutant, relation, part):
    both = pl.concat([curve("WT", wild, seed=1, sd=0.005), curve("M", mutant, seed=2, sd=0.005)])
    row = only(potency_ratio(both, measure="ic50"))
    assert row["fold_relation"] == relation
    assert (row["fold"] is None) == (relation is None)
    held = [min(max(value, DOSE.min()), DOSE.max()) for value in (wild, mutant)]
    if relation is not None:
        assert row["fold"] == pytest.approx(held[1] / held[0], rel=0.15)
    assert part in row["status"]


def test_a_fold_never_crosses_laboratories_or_systems():
    table = pl.concat([
        curve("WT", 10.0, seed=1, sd=0.01, lab="A"), curve("M", 50.0, seed=2, sd=0.01, lab="A"),
        curve("WT", 30.0, seed=3, sd=0.01, lab="B"), curve("M", 150.0, seed=4, sd=0.01, lab="B"),
        curve("M", 9.0, seed=5, sd=0.01, system="H3122", lab="B"),
    ])  # fmt: skip
    found = potency_ratio(table)
    assert found.table["fold"].to_list() == [pytest.approx(5.0, rel=0.15), pytest.approx(5.0, rel=0.15), None]
    assert "no curve of the reference" in found.table["status"][2]
    assert len({record.id for record in found.evidence}) == 3


def test_plates_of_one_curve_are_pooled_and_excluded_wells_left_out():
    plates = [
        curve("WT", 10.0, seed=1, plate_id="P1"),
        curve("WT", 10.0, seed=2, plate_id="P2"),
        curve("M", 50.0, seed=3, plate_id="P1"),
    ]
    bad = curve("M", 50.0, seed=4, plate_id="P2").with_columns(response=pl.lit(5.0), excluded=pl.lit(value=True))
    row = only(potency_ratio(pl.concat([*plates, bad], how="diagonal")))
    assert row["n_points"] == 60
    assert row["fold"] == pytest.approx(5.0, rel=0.15)


def test_shared_plateaus_help_where_the_mutant_is_incomplete():
    """Fifty mutants that end at 45 % of the vehicle: narrower limits, the truth of 80 still covered, and a test that holds its level."""
    table = pl.concat([
        curve(variant, mid, seed=2 * k + (variant == "M"), sd=0.03, compound=f"c{k}")
        for k in range(50)
        for variant, mid in (("WT", 10.0), ("M", 800.0))
    ])  # fmt: skip
    alone, joint = potency_ratio(table).table, potency_ratio(table, shared="plateaus").table
    width = [(found["fold_upper"].fill_null(float("inf")) / found["fold_lower"]).median() for found in (alone, joint)]
    assert width[1] < width[0] / 2
    assert joint.select((pl.col("fold_lower") < 80) & (pl.col("fold_upper") > 80)).to_series().sum() >= 42
    assert joint["shared_p"].lt(0.05).sum() <= 9
    other = pl.concat([curve("WT", 10.0, seed=1, sd=0.03), curve("M", 40.0, seed=2, sd=0.03, bottom=0.4)])
    assert only(potency_ratio(other, shared="plateaus"))["shared_p"] < 1e-6


def test_the_unit_of_the_dose_does_not_matter():
    both = pl.concat([curve("WT", 10.0, seed=1), curve("M", 70.0, seed=2)])
    micro = both.with_columns(pl.col("concentration_nM") / 1000)
    for name in ("fold", "fold_lower", "fold_upper", "p_value"):
        assert only(potency_ratio(micro))[name] == pytest.approx(only(potency_ratio(both))[name], rel=1e-6)


def test_a_flat_or_short_curve_is_said():
    short = curve("WT", 10.0).head(4)
    row = only(potency_ratio(pl.concat([short, curve("M", 50.0)])))
    assert row["fold"] is None
    assert "the reference has no curve" in row["status"]


@pytest.mark.parametrize(
    ("settings", "change", "error", "part"),
    [
        ({"shared": "bottom"}, {}, SettingError, "shared='bottom'"),
        ({"measure": "gi50"}, {}, SettingError, "measure='gi50'"),
        ({"shared": "plateaus", "measure": "ic50"}, {}, SettingError, "not offered"),
        ({"level": 95}, {}, SettingError, "confidence level"),
        ({"reference": "wt"}, {}, TableError, "did you mean 'WT'"),
        ({"by": "mutant"}, {}, TableError, "column mutant is missing"),
        ({}, {"variant": pl.lit(None, pl.String)}, TableError, "have none"),
    ],
)
def test_refusals(settings, change, error, part):
    both = pl.concat([curve("WT", 10.0), curve("M", 70.0)]).with_columns(**change)
    with pytest.raises(error, match=part):
        potency_ratio(both, **settings)
