"""Coverage with draws: against closed forms, a slow twin, the point estimate, and what must be said."""

import math

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import NoEvidenceError, SettingError
from benchside.core.exchange import Potency
from benchside.kernels.patient_draws import patient_normals
from benchside.stages.pharmacology import (
    compound,
    compounds,
    coverage,
    coverage_draws,
    exposure,
    published_potencies,
    sensitivity,
)
from benchside.stages.pharmacology.coverage_draws import INPUTS
from benchside.stages.pharmacology.draws import CLEARANCE, NUMBERS, POTENCY, SERUM, UNBOUND

ROW = {"compound": "crizotinib", "variant": "WT", "system": "Ba/F3", "value_nM": 50.0, "lower_nM": 40.0, "upper_nM": 62.5}


def potency(**changes):
    return Potency(pl.DataFrame([{**ROW, **changes}]))


def row_of(answer, **where):
    return answer.table.filter(**where).row(0, named=True)


def test_the_interval_of_a_product_of_lognormals_is_closed_form():
    # cell-free (s = 0): coverage = fu C / IC50, all three lognormal, so its logarithm is normal
    found = row_of(coverage_draws(potency(serum_fraction=0.0), draws=20_000, seed=3), site="plasma")
    known = compound("crizotinib")
    middle = 0.09 * known.dose_mg / 12 / 60.1 * known.nM_per_mg_per_L / 50
    sd = math.sqrt(math.log1p(0.457**2) + math.log1p(0.2**2) + (math.log(62.5 / 40) / 2 / 1.959964) ** 2)
    assert found["coverage_average"] == pytest.approx(middle, rel=0.02)
    assert found["lower"] == pytest.approx(middle * math.exp(-1.959964 * sd), rel=0.04)
    assert found["upper"] == pytest.approx(middle * math.exp(1.959964 * sd), rel=0.04)
    shares = [found[f"variance_share_{name}"] for name in INPUTS]
    assert shares == pytest.approx([(math.log(62.5 / 40) / 2 / 1.959964) ** 2 / sd**2, math.log1p(0.457**2) / sd**2, math.log1p(0.2**2) / sd**2, 0, 0], abs=0.01)  # fmt: skip


def test_draw_by_draw_from_the_definition():
    """The slow twin: alectinib and its metabolite, one draw after another."""
    found = row_of(coverage_draws(potency(compound="alectinib"), draws=200, seed=9), site="plasma")
    values = []
    for draw in patient_normals(9, patients=200, numbers=NUMBERS):
        share = lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2)))  # noqa: E731  the normal distribution function
        fu = 10 ** (-3 + share(draw[UNBOUND]))
        serum = 0.03 + 0.07 * share(draw[SERUM])
        medium = 1 / (1 + serum * (1 / fu - 1))
        total = 0.0
        for clearance, mass, cv in ((81.9, 482.6, 0.457), (217.0, 456.6, 0.459)):
            spread = math.exp(math.sqrt(math.log1p(cv**2)) * draw[CLEARANCE])
            total += fu * 600 / 12 / (clearance * spread) * 1e6 / mass / medium
        values.append(total / (50 * math.exp(math.log(62.5 / 40) / (2 * 1.959964) * draw[POTENCY])))
    assert found["coverage_average"] == pytest.approx(np.median(values), rel=1e-9)
    assert [found["lower"], found["upper"]] == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist(), rel=1e-9)


def test_the_median_is_near_the_point_estimate():
    made = potency(serum_fraction=0.1)
    point = coverage(made, [exposure("crizotinib", matrix="free")]).table["coverage_average"][0]
    drawn = coverage(made, draws=20_000)
    assert row_of(drawn, site="plasma")["coverage_average"] == pytest.approx(point, rel=0.03)
    assert row_of(drawn, site="cns")["coverage_average"] == pytest.approx(0.029 * point, rel=0.05)


def test_the_share_above_ic90_goes_with_slope_and_potency():
    def share(value_nM, hill=1.0):
        made = potency(value_nM=value_nM, lower_nM=None, upper_nM=None, compound="lorlatinib", serum_fraction=0.0)
        return row_of(coverage_draws(made, hill=hill, draws=2000), site="plasma")

    assert share(0.01)["share_above_ic90"] == 1.0
    assert share(1e5)["share_above_ic90"] == 0.0
    middle = share(20.0)["share_above_ic90"]
    assert 0 < middle < 1
    assert share(20.0, hill=2.0)["share_above_ic90"] > middle  # a steeper curve has its IC90 nearer
    # IC90 is 9 IC50 at slope 1, and 3 IC50 at slope 2
    assert share(20.0, hill=2.0)["share_above_ic90"] == share(20.0 / 3)["share_above_ic90"]


def test_more_is_not_known_of_more_and_of_what_nobody_measured():
    rows = pl.DataFrame([{**ROW, "compound": name} for name in compounds()])
    table = coverage_draws(Potency(rows)).table.with_columns(width=(pl.col("upper") / pl.col("lower")).log())
    shares = table.select(f"variance_share_{name}" for name in INPUTS)
    assert shares.sum_horizontal().to_list() == pytest.approx([1.0] * table.height)
    brain = table.filter(site="cns")
    assert dict(brain.select("compound", pl.col("warning").is_not_null()).rows()) == {
        name: name in {"ceritinib", "brigatinib", "ensartinib"} for name in compounds()
    }
    width = dict(brain.select("compound", "width").rows())
    assert width["brigatinib"] > width["lorlatinib"]
    assert row_of(coverage_draws(Potency(rows)), compound="brigatinib", site="cns")["variance_share_brain"] > 0.5
    assert row_of(coverage_draws(Potency(rows)), compound="alectinib", site="plasma")["variance_share_unbound"] < 0.02
    assert row_of(coverage_draws(Potency(rows)), compound="alectinib", site="plasma")["variance_share_brain"] == 0


def test_metabolites_food_regimen_and_level_count():
    made = potency(compound="alectinib", serum_fraction=0.1)
    both, alone = (row_of(coverage_draws(made, metabolites=with_m4), site="plasma") for with_m4 in (True, False))
    assert both["coverage_average"] / alone["coverage_average"] == pytest.approx(1 + 81.9 / 217 * 482.6 / 456.6, rel=0.01)
    fasted = row_of(coverage_draws(made, fed=False), site="plasma")
    assert both["coverage_average"] / fasted["coverage_average"] == pytest.approx(3.11, rel=1e-6)
    narrow = row_of(coverage_draws(made, level=0.5), site="plasma")
    assert both["lower"] < narrow["lower"] < narrow["upper"] < both["upper"]


def test_a_compound_without_pharmacokinetics_has_nulls_and_a_sentence():
    row = row_of(coverage_draws(potency(compound="TAE684")), site="plasma")
    assert row["coverage_average"] is None
    assert row["lower"] is None
    assert "pharmacokinetics holds no row of 'TAE684'" in row["status"]
    with pytest.raises(NoEvidenceError, match="no row of 'osimertinib'"):
        coverage("osimertinib", variants=["WT"])


def test_a_potency_without_limits_gets_the_spread_between_laboratories_and_says_so():
    row = row_of(coverage_draws(potency(lower_nM=None, upper_nM=None)), site="plasma")
    assert "the IC50 has no interval" in row["status"]
    assert row["upper"] / row["lower"] > 20
    assert row_of(coverage_draws(potency(relation=">")), site="plasma")["relation"] == "<"


def test_settings_out_of_range_are_refused():
    for wrong in ({"draws": 10}, {"level": 1.0}, {"hill": 0.0}, {"serum_fraction": 10.0}):
        with pytest.raises(SettingError, match="Correct it"):
            coverage_draws(potency(), **wrong)
    with pytest.raises(SettingError, match="names its variants itself"):
        coverage(potency(), variants=["WT"])
    with pytest.raises(SettingError, match="Leave them out"):
        coverage("alectinib", [exposure("alectinib", matrix="free")])
    with pytest.raises(SettingError, match="Leave out the other settings"):
        coverage(potency(), [exposure("crizotinib", matrix="free")], site="plasma")


def test_by_name_everything_published_is_put_together():
    found = coverage(["alectinib", "lorlatinib"], variants=["WT", "G1202R"]).table
    assert found.height == 8
    average = {tuple(row[:3]): row[3] for row in found.select("compound", "variant", "site", "coverage_average").iter_rows()}
    assert average["alectinib", "G1202R", "plasma"] < 1 < average["alectinib", "WT", "plasma"]
    assert average["lorlatinib", "G1202R", "cns"] > average["alectinib", "G1202R", "cns"]
    assert set(found["verified"]) == {"memory"}
    assert found.filter(variant="G1202R", compound="lorlatinib")["status"].str.contains("Predicted").all()


def test_published_potency_is_wild_type_times_fold():
    table = published_potencies(["alectinib", "crizotinib"], ["WT", "G1202R"])
    alectinib = table.filter(compound="alectinib", variant="WT").row(0, named=True)
    # Katayama 10.4, and the geometric mean of Fontana's 13.5 and 19.7
    assert alectinib["value_nM"] == pytest.approx(math.sqrt(10.4 * math.sqrt(13.5 * 19.7)))
    ratio = table.filter(compound="alectinib")["value_nM"]
    assert ratio[1] / ratio[0] == pytest.approx(table.filter(compound="alectinib", variant="G1202R")["fold"][0])
    assert (table["lower_nM"] < table["value_nM"]).all()


def test_sensitivity_to_what_is_least_known():
    table = sensitivity("alectinib", ic50_nM=12.0)
    plasma = table.filter(site="plasma", with_metabolites=True)
    over_fu = plasma.filter(serum_fraction=0.1)["coverage_average"]
    assert over_fu[-1] / over_fu[0] == pytest.approx(0.109 / 0.1009)  # fu + s (1 - fu), at 0.01 and 0.001
    over_serum = plasma.filter(unbound_fraction=0.001)["coverage_average"]
    assert over_serum[-1] / over_serum[0] == pytest.approx((0.001 + 0.1 * 0.999) / (0.001 + 0.03 * 0.999))
    naive = 0.01 * 572 / 482.6 * 1000 / 12.0
    assert naive == pytest.approx(1, rel=0.02)  # free trough over the nominal IC50: why the footing matters
    # footing by the unbound fraction in the medium, 1 / (1 + 0.1 * 99), and the metabolite beside: 10.9 (1 + 0.37)
    trough = plasma.filter(serum_fraction=0.1, unbound_fraction=0.01)["coverage_minimum"][0]
    assert trough == pytest.approx(10.9 * naive * 1.4, rel=0.05)
    assert table.filter(with_metabolites=False).height == table.filter(with_metabolites=True).height
    with pytest.raises(NoEvidenceError, match="TAE684"):
        sensitivity("TAE684")


def test_numbers_are_evidence_that_repeats():
    first, again = coverage_draws(potency(), seed=2), coverage_draws(potency(), seed=2)
    assert [record.id for record in first.evidence] == [record.id for record in again.evidence]
    assert first.table.equals(again.table)
    assert first.evidence[0].lower < first.evidence[0].value < first.evidence[0].upper
    assert coverage_draws(potency(), seed=3).evidence[0].id != first.evidence[0].id
