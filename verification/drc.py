"""Beside R's drc on the reference curves: who is at the best sum of squares of twenty starts."""

from pathlib import Path

import polars as pl

import benchside as bs
from verification.outcome import Outcome, skipped

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "assay"
NAME = "LL4 optimum beside drc"
RELATIVE = 1e-6


def check() -> Outcome:
    """Return the share of reference curves at the optimum, ours and drc's."""
    if not REFERENCE.is_dir():
        return skipped(NAME, "shared/reference is not beside the checkout")
    text = {"curve_id": pl.String, "drug": pl.String, "cell_line": pl.String}
    curves = pl.read_csv(
        REFERENCE / "reference_curves_input.csv", schema_overrides=text, null_values=["", "NA"], infer_schema_length=None
    )
    peers = pl.read_csv(
        REFERENCE / "reference_drc_fits.csv", schema_overrides=text, null_values=["", "NA"], infer_schema_length=None
    )
    parts = [
        bs.assay.ResponseTable.from_frame(part, concentration="conc", concentration_unit=str(unit), response="response").table
        for (unit,), part in curves.group_by("conc_unit", maintain_order=True)
    ]
    fits = bs.assay.fit(pl.concat(parts, how="diagonal_relaxed"), interval=bs.assay.Delta()).table
    both = peers.filter((pl.col("model") == "LL.4") & pl.col("ms_rss").is_not_null()).join(
        fits.select("curve_id", ours="rss"), on="curve_id", how="left"
    )
    limit = pl.col("ms_rss") * (1 + RELATIVE) + 1e-12
    row = both.select(
        n=pl.len(),
        ours=(pl.col("ours") <= limit).fill_null(value=False).mean(),
        drc=(pl.col("rss") <= limit).fill_null(value=False).mean(),
    ).row(0, named=True)
    figure = f"ours {row['ours']:.4f}, drc {row['drc']:.4f} of {row['n']} curves"
    return Outcome(NAME, figure, ">= 0.995", row["n"] > 0 and row["ours"] >= 0.995)
