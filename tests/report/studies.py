"""Small studies of the in-vitro stage, run once a session: one whose every further step finds something, and one whose find nothing."""

from pathlib import Path

import numpy as np
import polars as pl

from benchside.study.demo_section import TRIAL_SECTION
from benchside.study.demo_trial import write_trial
from benchside.study.workflow import run

DOSES = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0]
SIGNAL, ZERO = 50_000.0, 500.0


def wells(rows: list[dict[str, object]], plate: str, seed: int = 3) -> pl.DataFrame:
    """Return rows of role, response and what else as the wells of one plate, with noise of 2 % of the window."""
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(rows, infer_schema_length=None)
    names = [f"{chr(65 + k // 24)}{k % 24 + 1}" for k in range(table.height)]
    signal = ZERO + (SIGNAL - ZERO) * (table["response"].to_numpy() + rng.normal(0, 0.02, table.height))
    return table.drop("response").with_columns(well=pl.Series(names), signal=pl.Series(signal), plate_id=pl.lit(plate))


def controls(**further: object) -> list[dict[str, object]]:
    return [
        {"role": role, "response": level, "concentration_nM": 0.0, **further}
        for role, level in (("vehicle", 1.0), ("blank", 0.0))
        for _ in range(4)
    ]


def dosed(ic50_nM: float, doses: list[float] = DOSES, **further: object) -> list[dict[str, object]]:
    return [
        {"role": "sample", "response": 0.1 + 0.9 / (1 + dose / ic50_nM), "concentration_nM": dose, **further}
        for dose in doses
        for _ in range(2)
    ]


def finished(root: Path, tables: dict[str, pl.DataFrame], assay: str) -> Path:
    """Write plate files and a study file, run the study, and return its folder."""
    root.mkdir(parents=True)
    for name, table in tables.items():
        table.write_parquet(root / name)
    own = ", ".join(f'"{name}"' for name in tables if not name.startswith("start"))
    (root / "study.toml").write_text(f'[study]\nname = "small"\n[assay]\nfiles = [{own}]\n{assay}\n', encoding="utf-8")
    run(root)
    return root


def cells_study(root: Path) -> Path:
    """Return a study of two compounds on cells: fold shifts, a window over parental cells, growth rates, and an outlier."""
    rows = controls()
    for compound, folds in (("alectinib", (1, 30, 4)), ("crizotinib", (5, 6, 7))):
        for variant, fold in zip(("WT", "G1202R", "L1196M"), folds, strict=True):
            rows += dosed(10.0 * fold, compound=compound, variant=variant, system="Ba/F3 EML4-ALK", target="ALK")
        rows += dosed(4000.0, compound=compound, variant="WT", system="Ba/F3 + IL-3", target="ALK")
    table = wells(rows, "end")
    odd = (pl.col("compound") == "alectinib") & (pl.col("variant") == "WT") & (pl.col("concentration_nM") == 1.0)
    first = odd.fill_null(value=False) & odd.fill_null(value=False).cum_sum().eq(1)
    table = table.with_columns(signal=pl.when(first).then(pl.col("signal") * 0.4).otherwise("signal"))
    start = wells([*controls(), {"role": "vehicle", "response": 0.25, "concentration_nM": 0.0}], "start")
    start = start.with_columns(signal=pl.when(pl.col("role") == "vehicle").then(0.25 * SIGNAL).otherwise("signal"))
    assay = 'day_zero = ["start.parquet"]\nparental = "Ba/F3 + IL-3"\n'
    return finished(root, {"end.parquet": table, "start.parquet": start}, assay)


def kinase_study(root: Path) -> Path:
    """Return a study of a cell-free kinase at four ATP levels, its Km known."""
    rows: list[dict[str, object]] = []
    for atp in (5.0, 20.0, 100.0, 500.0):
        rows += controls(atp_uM=atp) + dosed(5.0 * (1 + atp / 20.0), atp_uM=atp, compound="x")
    assay = 'target = "ALK"\nvariant = "WT"\nsystem = "cell-free"\natp_uM = 20\nkm_uM = 20\n'
    return finished(root, {"kinase.parquet": wells(rows, "K1")}, assay)


def pair_study(root: Path) -> Path:
    """Return a study of one dose matrix of two compounds."""
    rows = controls(compound_b=None, concentration_b_nM=0.0)
    for a in (0.0, 3.0, 10.0, 30.0, 100.0):
        for b in (0.0, 30.0, 100.0, 300.0, 1000.0):
            held = {"role": "sample", "compound": "x", "compound_b": "y", "concentration_nM": a, "concentration_b_nM": b}
            rows += [{**held, "response": 1 / (1 + a / 20) / (1 + b / 200)} for _ in range(3) if a or b]
    return finished(root, {"matrix.parquet": wells(rows, "C1").with_columns(system=pl.lit("H3122"))}, "resamples = 120\n")


def plain_study(root: Path) -> Path:
    """Return a study of one compound on one line, which no further step concerns."""
    rows = controls() + dosed(30.0, compound="x", system="H3122")
    return finished(root, {"plain.parquet": wells(rows, "P1", seed=5)}, "outlier_fdr = 1e-9\n")


def trial_study(root: Path) -> Path:
    """Write the bundled trial with its section alone, run it, and return its folder."""
    write_trial(root)
    (root / "study.toml").write_text(f'[study]\nname = "trial"\n{TRIAL_SECTION}', encoding="utf-8")
    run(root)
    return root
