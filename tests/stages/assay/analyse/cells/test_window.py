"""Target windows by hand, on published potencies, and against simulation."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import SettingError, TableError
from benchside.stages.assay.analyse.cells.window import target_window
from tests.shared_data import shared

PARENTAL, ALK = "Ba/F3 IL-3", "Ba/F3 ALK"


def rows(*cells):
    names = ("compound", "variant", "system", "value_nM", "relation", "lower_nM", "upper_nM")
    return pl.DataFrame(
        [dict(zip(names, cell, strict=True)) for cell in cells], schema_overrides={"lower_nM": pl.Float64, "upper_nM": pl.Float64}
    )


def only(table, **settings):
    found = target_window(table, parental=PARENTAL, **settings).table
    assert found.height == 1
    return found.row(0, named=True)


def test_by_hand():
    """900 over 10 nM is 90; limits 600-1350 (x1.5) and 5-20 (x2): sqrt(ln 1.5 ** 2 + ln 2 ** 2) = 0.80303, 90 / 2.2323 and 90 x 2.2323."""
    row = only(rows(("x", "WT", ALK, 10.0, "=", 5.0, 20.0), ("x", "-", PARENTAL, 900.0, "=", 600.0, 1350.0)))
    assert (row["window"], row["window_relation"], row["verdict"], row["status"]) == (90.0, "=", "on target", "ok")
    assert (row["window_lower"], row["window_upper"]) == pytest.approx((90 / 2.2323, 90 * 2.2323), rel=1e-4)


def test_the_interval_covers_in_simulation():
    rng, inside = np.random.default_rng(1), 0
    for _ in range(400):
        cells = []
        for variant, system, log_truth, sd in (("WT", ALK, np.log(10), 0.2), ("-", PARENTAL, np.log(500), 0.1)):
            at = log_truth + sd * rng.standard_normal()
            cells.append(("x", variant, system, *np.exp([at]), "=", *np.exp([at - 1.96 * sd, at + 1.96 * sd])))
        row = only(rows(*cells))
        inside += row["window_lower"] < 50 < row["window_upper"]
    assert 362 <= inside <= 398  # 95 % of 400 is 380, four standard deviations are 17


@pytest.mark.parametrize(
    ("engineered", "parental", "relation", "verdict", "part"),
    [
        ((10.0, "="), (50.0, "="), "=", "off target", "below 10-fold"),
        ((10.0, "="), (1000.0, ">"), ">", "on target", "ok"),
        ((200.0, "="), (1000.0, ">"), ">", "unknown", "higher doses"),
        ((1000.0, ">"), (50.0, "="), "<", "off target", "Off target"),
        ((10.0, ">"), (1000.0, "="), "<", "unknown", "upper bound"),
        ((10.0, "<"), (1000.0, "="), ">", "on target", "ok"),
        ((1000.0, ">"), (1000.0, ">"), None, "unknown", "both IC50s are bounds"),
    ],
)
def test_bounds(engineered, parental, relation, verdict, part):
    row = only(rows(("x", "WT", ALK, *engineered, None, None), ("x", "-", PARENTAL, *parental, None, None)))
    assert (row["window_relation"], row["verdict"]) == (relation, verdict)
    assert part in row["status"] or part == "ok"


def test_a_wide_interval_is_said_and_a_missing_parent_too():
    wide = only(rows(("x", "WT", ALK, 10.0, "=", 2.0, 50.0), ("x", "-", PARENTAL, 200.0, "=", 100.0, 400.0)))
    assert "do not exclude an off-target effect" in wide["status"]
    table = rows(("x", "WT", ALK, 10.0, "=", None, None), ("y", "-", PARENTAL, 200.0, "=", None, None))
    assert "not tested on the parental" in only(table)["status"]


def test_published_windows():
    """Gainor 2016: parental Ba/F3 over EML4-ALK, of the fact tables: alectinib 890.1 / 11.4 = 78, lorlatinib widest."""
    facts = pl.read_csv(shared("evidence", "potency.tsv"), separator="\t", infer_schema_length=0)
    one_lab = facts.filter(
        (pl.col("source_id") == "GAINOR2016") & pl.col("variant").is_in(["WT", "parental"]) & (pl.col("quantity") == "IC50")
    )
    table = one_lab.select(
        compound="drug",
        target="target",
        variant="variant",
        system="system",
        value_nM=pl.col("value").cast(pl.Float64),
        relation="relation",
    )
    if table.filter(pl.col("variant") == "WT").is_empty():
        folds = pl.read_csv(shared("evidence", "fold_changes.tsv"), separator="\t", infer_schema_length=0)
        folds = (
            folds.filter(pl.col("source_id") == "GAINOR2016")
            .group_by("drug", maintain_order=True)
            .agg(pl.col("WT_IC50_nM").first())
        )
        wild = folds.select(
            compound="drug", target=pl.lit("ALK"), variant=pl.lit("WT"), system=pl.lit("Ba/F3"), value_nM=pl.col("WT_IC50_nM").cast(pl.Float64),
            relation=pl.lit("="),
        )  # fmt: skip
        table = pl.concat([table, wild])
    found = target_window(table, parental="parental", by="variant").table
    windows = dict(zip(found["compound"], found["window"], strict=True))
    assert windows["alectinib"] == pytest.approx(890.1 / 11.4)
    assert max(windows, key=windows.get) == "lorlatinib"
    assert set(found["verdict"]) == {"on target"}


@pytest.mark.parametrize(
    ("settings", "error", "part"),
    [
        ({"parental": "Ba/F3 IL3"}, TableError, "did you mean 'Ba/F3 IL-3'"),
        ({"parental": PARENTAL, "engineered": "H3122"}, TableError, "'H3122'"),
        ({"parental": PARENTAL, "least": 0}, SettingError, "least=0"),
        ({"parental": ALK}, TableError, "a window needs one"),
    ],
)
def test_refusals(settings, error, part):
    table = rows(
        ("x", "WT", ALK, 10.0, "=", None, None),
        ("x", "L1196M", ALK, 30.0, "=", None, None),
        ("x", "-", PARENTAL, 900.0, "=", None, None),
    )
    with pytest.raises(error, match=part):
        target_window(table, **settings)
