"""Two compounds together, and cells counted over time."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse.cells import dip
from benchside.stages.assay.analyse.cells import growth_rate as growth
from benchside.stages.assay.analyse.cells.day_zero import day_zero
from benchside.stages.assay.analyse.pairs import combination as combinations
from benchside.stages.assay.analyse.pairs import table as tables
from benchside.stages.assay.analyse.pairs.combination import Combination
from benchside.stages.assay.analyse.plates.normalise import CURVE_KEY, at_start
from benchside.stages.assay.read import course
from benchside.stages.assay.read.grid import Defaults
from benchside.stages.assay.verbs.plates import stacked_wells


def _matrices(inputs: Inputs) -> pl.DataFrame:
    """Return the wells of dose matrices as the combination door takes them; none where no well holds two compounds."""
    responses = inputs.scan("responses")
    if not {"compound_b", "concentration_b_nM"} <= set(responses.collect_schema().names()):
        return tables.CombinationTable(
            pl.DataFrame(schema={name: one.dtype for name, one in tables.CombinationTable.SCHEMA.items()})
        ).table
    return tables.CombinationTable(tables.matrices_of(responses.collect())).table


def _combination(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    held = _matrices(inputs)
    table = combinations.combination_table(held, reference=settings["reference"], n=settings["n"], seed=settings["seed"])
    return Product(table, lineage_by(held, list(tables.KEY), table) if held.height else lineage_of([]))


def _cells(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    held = _matrices(inputs)
    table = combinations.combination_cells(held, n=settings["n"], seed=settings["seed"])
    return Product(table, lineage_by(held, [*tables.KEY, *tables.DOSES], table) if held.height else lineage_of([]))


def _growth(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    start = inputs.stack("day_zero") if "day_zero" in inputs.tables else None
    scanned = inputs.scan("wells")
    columns = scanned.collect_schema().names()
    if start is None and not scanned.select(at_start(columns).any()).collect().item():
        return Product(pl.DataFrame(schema=dict.fromkeys(CURVE_KEY, pl.String)), lineage_of([]))
    wells = stacked_wells(inputs)
    counts = day_zero(wells, start, background=settings["background"])
    named = counts.with_columns(pl.col(name).fill_null("") for name in CURVE_KEY)
    growth.require_counts(named, CURVE_KEY)
    table = growth.curves(named.with_columns(gr_value=growth.gr_value()), list(CURVE_KEY))
    samples = wells.filter(pl.col("role") == "sample").with_columns(pl.col(name).fill_null("") for name in CURVE_KEY)
    return Product(table, lineage_by(samples, list(CURVE_KEY), table))


def _courses(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    (path,) = inputs.files["courses"]
    layout = inputs.files.get("layout", ())
    known = Defaults(settings["target"], settings["variant"], settings["system"], settings["concentration_unit"])
    table = course.courses(path, layout[0] if layout else None, known, time_unit=settings["time_unit"], label=settings["file"])
    return Product(table, lineage_of([]))


def _dip(inputs: Inputs, _: Mapping[str, Any]) -> Product:
    counts = inputs.stack("counts")
    dip.require_courses(counts, CURVE_KEY)
    table = dip.response_table(dip.rates_table(counts, CURVE_KEY), CURVE_KEY)
    return Product(table, lineage_by(counts, list(CURVE_KEY), table))


VERBS: Final[tuple[Verb, ...]] = (
    Verb("assay.combination", combinations.VERSION, _combination, "combinations", key=Combination.KEY, quantities=Combination.QUANTITIES),
    Verb("assay.combination_cells", combinations.VERSION, _cells, "combination-cells", key=(*tables.KEY, *tables.DOSES)),
    Verb(
        "assay.growth_rate_inhibition", growth.VERSION, _growth, "growth-rate-inhibitions",
        key=CURVE_KEY, quantities=growth.GrowthRateInhibition.QUANTITIES,
    ),
    Verb("assay.read_courses", course.VERSION, _courses, "time-courses", key=("plate_id", "well", "time_h")),
    Verb("assay.dip_rates", dip.VERSION, _dip, "dip-rates", key=CURVE_KEY, quantities=dip.DipRates.QUANTITIES),
)  # fmt: skip
