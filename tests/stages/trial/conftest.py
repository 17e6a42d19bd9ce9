"""A mechanism made by hand, small designs, and the two together."""

import polars as pl
import pytest

from benchside.core.exchange import Exposure, GrowthLaw, Mechanism, Potency
from benchside.stages.trial import TrialDesign, sketch_effect

FREE_NM = {("alectinib", "plasma"): 17.7, ("alectinib", "cns"): 17.7, ("crizotinib", "plasma"): 69.3, ("crizotinib", "cns"): 2.0}


def potency_table(**nominal_nM):
    values = {"alectinib_WT": 12.0, "alectinib_G1202R": 868.0, "crizotinib_WT": 30.0, "crizotinib_G1269A": 130.0, **nominal_nM}
    rows = [(*name.split("_"), value) for name, value in values.items()]
    table = pl.DataFrame(rows, schema=["compound", "variant", "value_nM"], orient="row")
    return table.with_columns(system=pl.lit("Ba/F3"), quantity=pl.lit("IC50"), serum_fraction=0.1)


def mechanism(**nominal_nM):
    exposures = {
        (compound, site): Exposure(
            pl.DataFrame({"time_h": [0.0, 12.0], "concentration_nM": [level, level]}), compound, site, "free"
        )
        for (compound, site), level in FREE_NM.items()
    }
    return Mechanism(sketch_effect(Potency(potency_table(**nominal_nM))), exposures, GrowthLaw("exponential"), "sketch")


def design(treated="alectinib", control="crizotinib", **changes):
    return TrialDesign.model_validate(
        {
            "name": "small",
            "arms": [
                {"name": "new", "drug": treated, "dose_mg": 600, "every_h": 12, "n": 80, "cns_fraction": 0.4},
                {"name": "old", "drug": control, "dose_mg": 250, "every_h": 12, "n": 70, "cns_fraction": 0.4, "control": True},
            ],
            "visit_interval_weeks": 8,
            "cns_interval_weeks": 8,
            "accrual_months": 12,
            "follow_up_months": 36,
            **changes,
        }
    )


@pytest.fixture(scope="session")
def make_mechanism():
    return mechanism


@pytest.fixture(scope="session")
def make_design():
    return design


@pytest.fixture(scope="session")
def make_potencies():
    return potency_table
