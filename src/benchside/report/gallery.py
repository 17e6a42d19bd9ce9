"""The gallery: every fitted curve as parameters, points and half a band, which the page draws twenty at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from benchside.report.blocks import GalleryBlock
from benchside.report.numbers import Numbers, numbers_of
from benchside.stages.assay.analyse.pairs.table import single_agents
from benchside.stages.assay.arrays import FloatArray
from benchside.stages.assay.figure_lines import band_half_widths
from benchside.study.results import Results

MOST_DRAWN: Final = 6000
"""Up to so many curves the page carries them: some 10 MB."""

SHAPE: Final = ("top", "bottom", "slope", "ec50_nM", "asymmetry")
POINT: Final = ("curve_id", "concentration_nM", "response", "plate_id")
LEGEND: Final = (
    "Blue band: 95 % band of the curve, wells taken as independent. Diamond and bar: IC50 with its interval; an arrow where it is open, or the IC50 beyond the doses. "
    "Ring: stands out, and is counted. Grey cross: excluded. Click a remark to read it in full."
)

ON_A_PAGE: Final = 20
ON_PAPER: Final = (
    "Printed, this page shows the curves in view; benchside figures STUDY --out FOLDER --only curves writes them all."
)


def gallery(results: Results, fits: pl.DataFrame) -> GalleryBlock:
    """Return the curves with their points, as data the page draws."""
    drawn = fits.head(MOST_DRAWN)
    numbers = numbers_of(results, "assay.fit", with_trails=False)
    points = responses_of(results, drawn)
    listed = points.group_by("curve_id", maintain_order=True).agg("concentration_nM", "response", "excluded", "flagged")
    joined = drawn.join(listed, on="curve_id", how="left", maintain_order="left")
    bands = bands_of(drawn, points)
    rows = zip(joined.iter_rows(named=True), bands, strict=True)
    curves = tuple(_curve(row, band, numbers[row["task"]]) for row, band in rows)
    part = ""
    if fits.height > drawn.height:
        part = f": the first {drawn.height:,} of {fits.height:,} (the table of assay.fit holds them all)"
    paper = (ON_PAPER,) if drawn.height > ON_A_PAGE else ()
    return GalleryBlock(curves, f"Fitted curves{part}", (LEGEND, *paper))


def responses_verb(results: Results) -> str:
    """Return the step a study's responses come from: its plates, or a table that was normalised already."""
    return "assay.normalise" if results.tasks("assay.normalise") else "assay.read_responses"


def responses_of(results: Results, curves: pl.DataFrame) -> pl.DataFrame:
    """Return the responses some curves rest on, those of single agents, each with whether it is flagged as standing out."""
    alone = single_agents(results.scan(responses_verb(results)))
    points = alone.join(curves.lazy().select("curve_id"), on="curve_id", how="semi", maintain_order="left").collect(
        engine="streaming"
    )
    points = points.with_columns(pl.col("excluded").fill_null(value=False))
    if not results.tasks("assay.outliers"):
        return points.with_columns(flagged=pl.lit(value=False))
    flagged = results.scan("assay.outliers").select(POINT).unique().with_columns(flagged=pl.lit(value=True)).collect()
    joined = points.join(flagged, on=POINT, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("flagged").fill_null(value=False) & ~pl.col("excluded"))


def bands_of(fits: pl.DataFrame, points: pl.DataFrame) -> FloatArray:
    """Return (curves, 20) half the 95 % band of every curve, nan for one without."""
    found = np.full((fits.height, 20), np.nan)
    fitted = fits["rss"].is_not_null().to_numpy()
    if fitted.any():
        found[fitted] = band_half_widths(fits.filter(fitted), points)
    return found


def short(value: float | None, digits: int = 5) -> float | int | None:
    """Return a number with the digits the page needs, whole numbers without a point; nan is none."""
    if value is None or not np.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _curve(row: Mapping[str, Any], band: FloatArray, numbers: Numbers) -> dict[str, Any]:
    def places(flags: Sequence[bool] | None) -> list[int]:
        return [place for place, flag in enumerate(flags or []) if flag]

    fitted = row["rss"] is not None
    curve = {
        "id": row["curve_id"], "shape": [short(row[name]) for name in SHAPE] if fitted else None,
        "band": [short(half, 3) for half in band] if np.isfinite(band).all() else None,
        "range": [short(row["lowest_nM"]), short(row["highest_nM"])],
        "ic50": [short(row["ic50_nM"]), row["ic50_relation"], short(row["ic50_lower_nM"]), short(row["ic50_upper_nM"])],
        "x": [short(dose) for dose in row["concentration_nM"] or []], "y": [short(one) for one in row["response"] or []],
        "out": places(row["excluded"]), "flag": places(row["flagged"]),
        "status": row["status"], "number": numbers.cell((row["curve_id"],), "IC50", "").number_id,
    }  # fmt: skip
    return {name: value for name, value in curve.items() if value not in (None, [])}
