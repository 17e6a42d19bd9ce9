"""The sketched effect: its two ends, its middle, and which potency it takes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import NoEvidenceError, SettingError
from benchside.core.exchange import Potency
from benchside.stages.trial import NOTE, sketch_effect, sketch_parameters

KNOWN = sketch_parameters()


def net(effect, free_nM, compound="crizotinib", variant="WT"):
    return effect.net_growth_per_day(compound, variant, np.array([free_nM]))[0]


def test_by_hand(make_potencies):
    effect = sketch_effect(Potency(make_potencies()))
    # the free IC50 of 30 nM in 10 % serum at fu 0.09: 30 / (1 + 0.1 (1/0.09 - 1)) = 14.917
    ic50 = 30 / (1 + 0.1 * (1 / 0.09 - 1))
    assert effect.table.filter((pl.col("compound") == "crizotinib") & (pl.col("variant") == "WT"))["free_ic50_nM"][
        0
    ] == pytest.approx(ic50)
    assert net(effect, 0.0) == pytest.approx(KNOWN.net_growth_per_day)
    assert net(effect, ic50) == pytest.approx(KNOWN.net_growth_per_day - KNOWN.kill_max_per_day / 2, abs=1e-4)
    assert net(effect, 1e5) == pytest.approx(KNOWN.net_growth_per_day - KNOWN.kill_max_per_day, rel=1e-3)


@given(st.floats(0, 1e4))
def test_the_table_between_its_rows_is_the_formula(free_nM):
    row = {"compound": "crizotinib", "variant": "WT", "value_nM": 30.0, "serum_fraction": 0.0}
    effect = sketch_effect(Potency(pl.DataFrame([row])))
    expected = KNOWN.net_growth_per_day - KNOWN.kill_max_per_day * free_nM / (free_nM + 30.0)
    assert net(effect, free_nM) == pytest.approx(expected, abs=0.001 * KNOWN.kill_max_per_day)


def test_everything_is_headed_a_sketch(make_potencies):
    status = sketch_effect(Potency(make_potencies())).table["status"]
    assert status.str.starts_with(NOTE).all()
    assert status.filter(status.str.contains("alectinib")).str.contains("published only as < 0.01").all()


def test_cells_come_before_enzymes_and_two_cells_need_a_choice(make_potencies):
    base = make_potencies()
    enzyme = base.with_columns(system=pl.lit("cell-free"), value_nM=1.0)
    taken = sketch_effect(Potency(pl.concat([base, enzyme])), wanted=[("alectinib", "WT")])
    assert taken.table["potency_row"].unique().to_list() == [0]
    with pytest.raises(NoEvidenceError, match="in cells, and the potency table has none"):
        sketch_effect(Potency(enzyme), wanted=[("alectinib", "WT")])
    named = sketch_effect(Potency(enzyme), wanted=[("alectinib", "WT")], system="cell-free")
    assert named.table.height > 0
    other = base.with_columns(system=pl.lit("H3122"))
    with pytest.raises(SettingError, match="Ba/F3, H3122"):
        sketch_effect(Potency(pl.concat([base, other])), wanted=[("alectinib", "WT")])


def test_refusals(make_potencies):
    with pytest.raises(NoEvidenceError, match="alectinib on L1196M in cells"):
        sketch_effect(Potency(make_potencies()), wanted=[("alectinib", "L1196M")])
    with pytest.raises(SettingError, match="serum fraction of the medium is not given"):
        sketch_effect(Potency(make_potencies().drop("serum_fraction")))
    with pytest.raises(NoEvidenceError, match="unbound_fraction of 'ensartinib'"):
        sketch_effect(Potency(make_potencies(ensartinib_WT=2.0)))
    with pytest.raises(NoEvidenceError, match="holds no IC50"):
        sketch_effect(Potency(make_potencies().with_columns(quantity=pl.lit("Ki"))))
