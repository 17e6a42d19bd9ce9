"""The methods paragraph: what the ledger says was done, in words, and nothing of steps that found nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchside.core.stage import StageContext
from benchside.report.methods import sentences
from benchside.stages.assay.plan import plan
from benchside.stages.assay.settings import AssaySettings
from benchside.study.ledger import Entry
from benchside.study.results import Results
from benchside.study.workflow import run

WELLS = "well,role,compound,concentration_nM,signal\nA1,sample,x,1,1\n"


def entry(verb: str, settings: Mapping[str, Any], rows: int = 3) -> Entry:
    return Entry("s", verb, "1", settings, (), "k", "1", "h", "l", rows, {}, datetime(2026, 1, 1, tzinfo=UTC))


def said(folder: Path, rows: Mapping[str, int] | None = None, /, **choice: Any) -> str:
    """Return the words of a study with these settings, every step with rows but those named."""
    (folder / "plate.csv").write_text(WELLS)
    settings = AssaySettings(**{"files": ["plate.csv"], **choice})
    tasks = plan(settings, StageContext(folder, frozenset({"assay"}), seed=4))
    return " ".join(sentences([entry(task.verb, task.settings, (rows or {}).get(task.verb, 3)) for task in tasks]))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "Four-parameter log-logistic curves (Ritz et al. 2015, doi:10.1371/journal.pone.0146021) were fitted by least squares to the global optimum"),
        ({"curve": "LL3", "bottom": 0.25}, "Three-parameter log-logistic curves (lower plateau fixed at 0.25)"),
        ({"curve": "LL5"}, "Five-parameter log-logistic curves (asymmetry 0.05 to 20"),
        ({"loss": "tukey"}, "fitted robustly (Tukey's biweight"),
        ({"loss": "lorentzian"}, "fitted robustly (Lorentzian loss; Motulsky and Brown 2006"),
        ({"weights": "relative"}, "noise taken in proportion to the response (weights 1 / curve², the curve no lower than 5%"),
        ({"weights": "w"}, ", weighted by the column w."),
        ({"level": 0.9}, "Limits of 90% are by profile likelihood"),
        ({"interval": "delta"}, "by the delta method on the log scale"),
        ({"interval": "bootstrap"}, "expanded percentiles of 999 refits on the log scale (Hesterberg 2015"),
        ({"plates": "random"}, "on 4 plates or more the plate is the unit of replication"),
        ({"plates": "pooled"}, "replicate plates are pooled, all wells taken as independent"),
        ({"quality_against": "positive"}, "vehicle against positive wells"),
        ({"outlier_fdr": 0.05, "curve": "LL5"}, "stand out from a robust LL5 curve were flagged at a false discovery rate of 5% (after ROUT;"),
        ({"reference": "parent"}, "Fold shifts against parent of the same compound"),
        ({"fold_shared": "plateaus"}, "with one residual variance and the same plateaus; 95% limits"),
        ({"fold_shared": "shape", "fold_measure": "ic50"}, "are the ratio of the doses of response 0.5 of two four-parameter curves"),
        ({"parental": "Ba/F3 + IL-3", "window_least": 20}, "parental cells (Ba/F3 + IL-3) over that on cells that live on the kinase"),
        ({"parental": "Ba/F3 + IL-3", "window_least": 20}, "below 20-fold an effect is called off target"),
        ({"selectivity_threshold_nM": 500}, "S-score at 500 nM (Karaman et al. 2008, doi:10.1038/nbt1358)"),
        ({"combination_reference": "loewe", "resamples": 250}, "from 250 resamplings of replicate wells (seed 4), the verdict by Loewe."),
        ({"day_zero": ["plate.csv"]}, "the plates read when the drug was added (signals less the blank)"),
        ({"day_zero": ["plate.csv"], "background": "keep"}, "(signals as read): GR ="),
        ({"format": "time courses"}, "slopes of log2 cells over the stable part of each time course"),
        ({"format": "responses"}, "Responses were read as normalised by the user"),
    ],
)  # fmt: skip
def test_the_settings_of_a_study_are_in_its_words(tmp_path: Path, choice: dict[str, Any], words: str) -> None:
    assert words in said(tmp_path, **choice)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "for competitive inhibition (Cheng and Prusoff 1973, doi:10.1016/0006-2952(73)90196-2) at the ATP of the wells, else 10 µM, and a Km of 20 µM, binding taken not to be tight"),
        ({"enzyme_nM": 1.0}, "half the enzyme taken off first where an IC50 is below ten times the enzyme (Henderson 1972"),
        ({"km_se_uM": 2.0}, "the standard error of Km is in the limits (Zou and Donner 2008"),
        ({"inhibition": "mixed", "alpha": 3.0}, "for mixed inhibition with alpha 3 "),
        ({"km_uM": {"WT": 20.0, "L1196M": 7.5}}, "a Km of 20 (WT), 7.5 (L1196M) µM"),
    ],
)  # fmt: skip
def test_constants_are_said_with_what_they_rest_on(tmp_path: Path, choice: dict[str, Any], words: str) -> None:
    assert words in said(tmp_path, **{"atp_uM": 10.0, "km_uM": 20.0, **choice})


def test_every_assay_step_a_reader_must_know_of_has_words(tmp_path: Path) -> None:
    """All but bookkeeping: control means are in the words of `normalise`, potencies in those of `fit`, cells in `combination`."""
    (tmp_path / "plate.csv").write_text(WELLS)
    choice = {"atp_uM": 1.0, "km_uM": 1.0, "parental": "p", "day_zero": ["plate.csv"]}
    tasks = plan(AssaySettings(files=["plate.csv"], **choice), StageContext(tmp_path, frozenset({"assay"}), seed=1))
    silent = {task.verb for task in tasks if not sentences([entry(task.verb, task.settings)])}
    assert silent == {"assay.controls", "assay.potency", "assay.combination_cells"}


def test_a_step_that_found_nothing_is_not_said(tmp_path: Path) -> None:
    empty = {"assay.potency_ratio": 0, "assay.outliers": 0, "assay.combination": 0}
    words = said(tmp_path, empty)
    assert "Fold shifts" not in words
    assert "ROUT" not in words
    assert "null models" not in words
    assert "S-score" in words


def test_a_step_in_parts_is_said_once_and_where_any_part_found_something() -> None:
    settings = {"curve": "LL4", "fdr": 0.01}
    parts = [entry("assay.outliers", settings, rows) for rows in (0, 2, 5)]
    assert len(sentences(parts)) == 1
    assert sentences(parts[:1]) == []


def test_the_words_are_in_the_order_of_a_paper_whatever_the_order_of_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(WELLS)
    tasks = plan(AssaySettings(files=["plate.csv"], atp_uM=1.0, km_uM=1.0), StageContext(tmp_path, frozenset({"assay"}), seed=1))
    entries = [entry(task.verb, task.settings) for task in tasks]
    words = sentences(entries)
    assert sentences(entries[::-1]) == words
    begins = [
        next(k for k, one in enumerate(words) if one.startswith(start))
        for start in ("Plates were read", "Plates were judged", "Signals", "Four-", "Inhibition")
    ]
    assert begins == sorted(begins)


def test_a_study_says_what_it_did_and_no_more(tmp_path: Path) -> None:
    doses = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
    noise = np.random.default_rng(2).normal(0, 0.01, (2, len(doses)))
    rows = [
        {"compound": "x", "variant": variant, "concentration_nM": dose, "response": 1 / (1 + dose / mid) + noise[v, k]}
        for v, (variant, mid) in enumerate((("WT", 10.0), ("G1202R", 90.0)))
        for k, dose in enumerate(doses)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "responses.csv")
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "s"\n[assay]\nformat = "responses"\nfiles = ["responses.csv"]\ncurve = "LL3"\n'
        'columns = { compound = "compound", variant = "variant", concentration = "concentration_nM", response = "response" }\nconcentration_unit = "nM"\nresponse_unit = "fraction"\n'
    )
    run(tmp_path)
    with Results.of(tmp_path) as results:
        words = " ".join(sentences(tuple(results.current.values())))
    assert "Three-parameter log-logistic curves (lower plateau fixed at 0)" in words
    assert "Fold shifts against WT" in words
    for absent in ("Plates were", "null models", "S-score", "Inhibition constants", "Competitive", "window", "Growth-rate"):
        assert absent not in words
