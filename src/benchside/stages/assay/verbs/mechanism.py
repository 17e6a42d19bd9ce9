"""What potencies mean: inhibition constants, the mode of inhibition, the window over parental cells, selectivity."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse.cells import window
from benchside.stages.assay.analyse.enzymes import constants, selectivity
from benchside.stages.assay.analyse.enzymes import mode as modes

FEWEST_LEVELS: Final = 2
"""ATP levels from which there is anything to say about the mode of inhibition."""


def _ki(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    """Return Ki of every curve at the ATP of its own wells, or else at the one the study states."""
    fits = inputs.stack("fits").filter(pl.col("ic50_nM").is_not_null())
    own = fits if "atp_uM" in fits.columns else fits.with_columns(atp_uM=pl.lit(None, pl.Float64))
    choice = {name: settings[name] for name in ("km_uM", "km_se_uM", "enzyme_nM", "mode", "alpha", "level")}
    parts = []
    for part in own.partition_by("atp_uM", maintain_order=True):
        atp = part["atp_uM"][0] if part["atp_uM"][0] is not None else settings["atp_uM"]
        if atp is not None:
            parts.append(constants.ki_table(part, atp_uM=atp, **choice))
    if not parts:
        return Product(pl.DataFrame(schema=dict.fromkeys(constants.InhibitionConstants.KEY, pl.String)), lineage_of([]))
    table = pl.concat(parts)
    return Product(table, lineage_by(fits, ["curve_id"], table))


def _mode(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    responses = inputs.scan("responses")
    if "atp_uM" not in responses.collect_schema().names():
        return Product(pl.DataFrame(schema=dict.fromkeys(modes.DESCRIBED, pl.String) | modes.SCHEMA), lineage_of([]))
    several = pl.col("atp_uM").n_unique().over(modes.DESCRIBED) >= FEWEST_LEVELS
    held = responses.filter(pl.col("atp_uM").is_not_null()).filter(several).collect()
    table = modes.mode_table(
        held,
        atp_uM="atp_uM",
        kind="fraction",
        response=None,
        enzyme_nM=settings["enzyme_nM"],
        km_uM=settings["km_uM"],
        level=settings["level"],
    )
    return Product(table, lineage_by(held, list(modes.DESCRIBED), table))


def _window(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    potency = inputs.stack("potency")
    table = window.window_table(potency, parental=settings["parental"], engineered=None, by="system", least=settings["least"])
    own = lineage_by(potency, ["compound", "target", "variant", "system"], table)
    parental = lineage_by(potency.filter(pl.col("system") == settings["parental"]), ["compound"], table)
    return Product(table, pl.concat([own, parental]))


def _selectivity(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    potency = inputs.stack("potency")
    wild = potency.filter((pl.col("variant") == settings["reference"]) & pl.col("target").is_not_null())
    panel = wild.group_by("compound", "target", maintain_order=True).first().rename({"target": "kinase"})
    many = pl.col("kinase").len().over("compound") >= selectivity.FEWEST
    panel = panel.filter(many)
    table = selectivity.selectivity_table(panel, readout="value_nM", threshold=settings["threshold_nM"], concentration_nM=None)
    return Product(table, lineage_by(wild, ["compound"], table))


VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "assay.ki", constants.VERSION, _ki, "inhibition-constants",
        key=constants.InhibitionConstants.KEY, quantities=constants.InhibitionConstants.QUANTITIES,
    ),
    Verb(
        "assay.mode_of_inhibition", modes.VERSION, _mode, "modes-of-inhibition",
        key=modes.InhibitionMode.KEY, quantities=modes.InhibitionMode.QUANTITIES,
    ),
    Verb("assay.target_window", window.VERSION, _window, "windows", key=window.TargetWindow.KEY, quantities=window.TargetWindow.QUANTITIES),
    Verb(
        "assay.selectivity", selectivity.VERSION, _selectivity, "selectivities",
        key=selectivity.Selectivity.KEY, quantities=selectivity.Selectivity.QUANTITIES,
    ),
)  # fmt: skip
