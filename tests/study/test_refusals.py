"""What a user can get wrong in a study, or a disk can do to one: each a sentence, nothing lost."""

import os
from pathlib import Path

import polars as pl
import pytest

from benchside.core.errors import BenchsideError, StorageError, StudyError, TableError
from benchside.core.stage import Product, lineage_of
from benchside.study.demo import write_demo
from benchside.study.results import Results
from benchside.study.store import Store, remedy
from benchside.study.trail import trace
from benchside.study.workflow import run


def clinical(root: Path, table: pl.DataFrame, extra: str = "") -> Path:
    root.mkdir()
    table.write_csv(root / "t.csv")
    columns = 'time = "time"\ntime_unit = "days"\nevent = "event"\narm = "arm"\ncontrol = "a"\n'
    (root / "study.toml").write_text(f'[study]\nname = "t"\n[clinical]\nfile = "t.csv"\n{columns}{extra}', encoding="utf-8")
    return root


EVENTS = pl.DataFrame({"time": [10, 20, 30, 40, 50, 60], "event": [1, 1, 0, 1, 1, 0], "arm": ["a", "b"] * 3})


def refused(root: Path, kind: type[BenchsideError], *parts: str) -> None:
    with pytest.raises(kind) as error:
        run(root)
    for part in parts:
        assert part in str(error.value)
    assert not (root / "results").exists()


def test_a_time_below_zero_is_named_as_it_stands_in_the_file(tmp_path):
    table = EVENTS.with_columns(time=pl.when(pl.col("time") == 50).then(-3).otherwise("time"))
    refused(clinical(tmp_path / "s", table), TableError, "t.csv", "row 5", "column time", "-3")


def test_events_coded_one_and_two_name_the_file_and_the_remedy(tmp_path):
    refused(
        clinical(tmp_path / "s", EVENTS.with_columns(pl.col("event") + 1)),
        TableError,
        "t.csv",
        "row 1",
        "1 for an event and 0 for censored",
    )


def test_one_arm_is_refused_before_anything_is_written(tmp_path):
    refused(clinical(tmp_path / "s", EVENTS.with_columns(arm=pl.lit("a"))), TableError, "t.csv", "comparison needs two")


def test_a_table_without_rows_says_so(tmp_path):
    refused(clinical(tmp_path / "s", EVENTS.head(0)), BenchsideError, "t.csv", "no rows")


def test_a_landmark_below_zero_names_its_key(tmp_path):
    refused(clinical(tmp_path / "s", EVENTS, "landmarks_months = [-3, 6]\n"), StudyError, "[clinical]", "landmarks_months")


def test_a_table_in_which_nobody_has_an_event_has_a_status_and_no_number(tmp_path):
    root = clinical(tmp_path / "s", EVENTS.with_columns(event=pl.lit(0)))
    run(root)
    with Results.of(root) as results:
        row = results.table("clinical.cox").row(0, named=True)
    assert row["hazard_ratio"] is None
    assert row["status"] != "ok"


def test_a_trial_without_exposure_names_the_section_that_gives_it(tmp_path):
    root = write_demo(tmp_path / "s", trial=False)
    text = (root / "study.toml").read_text(encoding="utf-8")
    start, end = text.index("[pharmacology]"), text.index("[trial]")
    (root / "study.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    refused(root, StudyError, "exposure", "[pharmacology]")


def test_a_damaged_result_is_made_again(tmp_path):
    root = write_demo(tmp_path / "s", trial=False)
    run(root)
    with Results.of(root) as results:
        fits = results.current["assay.fit"]
        path, before = results.store.path(fits.table_hash), results.table("assay.fit")
    path.write_bytes(b"junk")
    report = run(root)
    assert {result.task: result.state for result in report.results}["assay.fit"] == "computed"
    with Results.of(root) as results:
        assert results.table("assay.fit").equals(before)


def test_exclusions_outlive_the_remedy_for_damaged_results(tmp_path):
    root = write_demo(tmp_path / "s", trial=False)
    run(root)
    with Results.of(root) as results:
        results.ledger.exclude([{"action": "exclude", "plate_id": "BaF3-01", "well": "B3", "who": "A", "why": "bubble"}])
    run(root)
    for path in (root / "results" / "objects").glob("*/*"):
        path.unlink()
    run(root)
    with Results.of(root) as results:
        assert [record["why"] for record in results.ledger.exclusions()] == ["bubble"]
        assert results.table("assay.normalise")["excluded"].sum() == 1


def test_a_study_that_cannot_be_written_to_can_be_read(tmp_path, monkeypatch):
    root = write_demo(tmp_path / "s", trial=False)
    run(root)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Results.of(root) as results:
        number = next(record.id for record in results.evidence("assay.fit").records())
        assert list(trace(results, number).step.every_cell())
        with pytest.raises(Exception, match=r"readonly|could not be written"):
            results.ledger.note("run", "event")


def test_results_nobody_may_write_to_are_not_a_matter_of_space(tmp_path, monkeypatch):
    root = write_demo(tmp_path / "s", trial=False)
    run(root)
    with Results.of(root) as results:
        table = results.table("assay.fit")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
            with pytest.raises(StorageError, match=r"Make .*results writable for you, or copy the study") as refusal:
                Store(tmp_path / "s" / "results").put(Product(table.head(1), lineage_of([])))
    assert "space" not in str(refusal.value)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with (
        Results.of(root) as results,
        pytest.raises(StorageError, match=r"readonly database\. Make .*results writable") as refusal,
    ):
        results.ledger.note("run", "event")
    assert "space" not in str(refusal.value)


def test_a_full_disk_is_a_matter_of_space():
    assert remedy(Path("/"), OSError(28, "No space left on device")) == "Free some space and run again"
