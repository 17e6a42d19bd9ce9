"""From responses to potencies: curves, points that stand out, fold shifts."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.stage import Inputs, Product, Verb, lineage_by, lineage_of
from benchside.stages.assay.analyse.curves import fit as fitting
from benchside.stages.assay.analyse.curves import outliers as standing_out
from benchside.stages.assay.analyse.curves import potency as potencies
from benchside.stages.assay.analyse.curves import ratio as ratios
from benchside.stages.assay.analyse.pairs.table import single_agents
from benchside.stages.assay.curves import curve_named, interval_named
from benchside.stages.assay.model import Fits
from benchside.stages.assay.verbs.plates import part_of

PAIR_KEY: Final = ("compound", "target", "system")


def responses_of(inputs: Inputs, settings: Mapping[str, Any], key: tuple[str, ...] = ("curve_id",)) -> pl.DataFrame:
    """Return the responses of single agents, or the part of them that the task works on; what shares `key` is in one part."""
    scanned, part = single_agents(inputs.scan("responses")), part_of(settings)
    _require_one_place(scanned)
    named = pl.concat_str([pl.col(name).fill_null("") for name in key], separator="\t")
    return part.rows(scanned, named) if part else scanned.collect()


def _require_one_place(responses: pl.LazyFrame) -> None:
    """Refuse a plate whose responses come from two groups of files, which were normalised apart (those a user normalised may)."""
    if "well" not in responses.collect_schema().names():
        return
    places = responses.filter(pl.col("plate_id").is_not_null()).select("plate_id", "_input").unique()
    torn = places.group_by("plate_id").len().filter(pl.col("len") > 1).collect(engine="streaming")["plate_id"].sort().to_list()
    if torn:
        message = f"plate {listed(torn, 3)} stands in more than one file. Keep one file a plate, or give the repeats a plate_id of their own."
        raise TableError(message)


def _fit(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    responses = responses_of(inputs, settings)
    table = fitting.fit_table(
        responses,
        interval_named(settings["interval"], settings["level"]),
        curve=curve_named(settings["curve"], bottom=settings["bottom"]),
        **{name: settings[name] for name in ("weights", "plates", "loss")},
    )
    return Product(table, lineage_by(responses, ["curve_id"], table))


def _outliers(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    responses = responses_of(inputs, settings)
    curve = curve_named(settings["curve"], bottom=settings["bottom"])
    table = standing_out.outliers_table(responses, fdr=settings["fdr"], curve=curve)
    flagged = table.filter("flagged")
    place = responses.with_row_index("row", offset=1).select(pl.col("row").cast(pl.Int64), "_input", "_row")
    rows = flagged.select("row").with_row_index("at").join(place, on="row", how="left", maintain_order="left")
    return Product(flagged, rows.select(row="at", input="_input", rows=pl.concat_list("_row")))


def _ratio(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    reference = settings["reference"]
    paired = ratios.comparable(responses_of(inputs, settings, PAIR_KEY), reference)
    if paired.is_empty():
        return Product(pl.DataFrame(schema=dict.fromkeys(ratios.PotencyRatio.KEY, pl.String)), lineage_of([]))
    choice = {name: settings[name] for name in ("reference", "shared", "measure", "level")}
    within = [name for name in ("atp_uM", "time_h") if name in paired.columns]  # two conditions are never one curve
    table = ratios.ratio_table(paired, by="variant", within=within, **choice)
    own = lineage_by(paired, [*PAIR_KEY, "variant"], table)
    against = lineage_by(paired.filter(pl.col("variant") == reference), list(PAIR_KEY), table)
    return Product(table, pl.concat([own, against]))


def _potency(inputs: Inputs, settings: Mapping[str, Any]) -> Product:
    fits = potencies.at_one_atp(inputs.stack("fits"), settings["atp_uM"])
    table = potencies.potency_table(fits, settings["serum_fraction"], settings["level"])
    return Product(table, lineage_by(potencies.known(fits), potencies.KEY, table))


VERBS: Final[tuple[Verb, ...]] = (
    Verb("assay.fit", fitting.VERSION, _fit, "fits", key=Fits.KEY, quantities=Fits.QUANTITIES),
    Verb("assay.outliers", standing_out.VERSION, _outliers, "outliers", key=standing_out.Outliers.KEY),
    Verb(
        "assay.potency_ratio", ratios.VERSION, _ratio, "fold-shifts",
        key=ratios.PotencyRatio.KEY, quantities=ratios.PotencyRatio.QUANTITIES,
    ),
    Verb("assay.potency", potencies.VERSION, _potency, "potency", key=potencies.KEY),
)  # fmt: skip
