"""The thread that must never break: from one dose cell of a sheet to the predicted hazard ratio, and back."""

import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from benchside.core.errors import LineageError
from benchside.core.evidence import Evidence
from benchside.study.results import Results
from benchside.study.trail import Trail, replay, trace
from benchside.study.workflow import run

PLATE, LAYOUT, CELL, WELL = "plates/BaF3-01.xlsx", "xl/worksheets/sheet2.xml", "E14", "A4"


def hazard_ratio(results: Results) -> Evidence:
    (found,) = [one for one in results.evidence("trial.predict").records() if one.quantity == "hazard_ratio"]
    return found


def change_cell(path: Path, cell: str, factor: float) -> tuple[float, float]:
    """Multiply one number of the layout sheet; every other byte of every sheet stays. Returns (before, after)."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    pattern = re.compile(rf'(<c r="{cell}"[^>]*><v>)([^<]+)(</v>)')
    (found,) = pattern.findall(parts[LAYOUT].decode())
    before = float(found[1])
    parts[LAYOUT] = pattern.sub(rf"\g<1>{before * factor!r}\g<3>", parts[LAYOUT].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return before, before * factor


def opened(root: Path) -> Results:
    return Results.of(root)


def described(trail: Trail, cell: str) -> list[str]:
    return [one for one in trail.step.every_cell() if one.startswith(f"{PLATE}@") and one.endswith(f"!Layout!{cell}")]


def test_one_dose_cell_changes_the_hazard_ratio_and_the_trail_ends_at_that_cell(study: Path) -> None:
    results = opened(study)
    before, old_cells = hazard_ratio(results), described(trace(results, hazard_ratio(results).id), CELL)
    dose = results.table(f"assay.read:{PLATE}").filter(pl.col("well") == WELL).row(0, named=True)
    results.close()
    was, now = change_cell(study / PLATE, CELL, 0.1)
    assert dose["concentration_nM"] == was, "the cell is the dose of this well"
    assert dose["layout_ref"] in old_cells
    run(study)
    results = opened(study)
    after = hazard_ratio(results)
    trail = trace(results, after.id)
    new = results.table(f"assay.read:{PLATE}").filter(pl.col("well") == WELL).row(0, named=True)
    assert after.value != before.value
    assert after.id != before.id
    assert new["concentration_nM"] == pytest.approx(now, rel=1e-12)
    assert new["layout_ref"] in described(trail, CELL)
    assert new["layout_ref"] not in old_cells, "the reference names the content of the file, which has changed"
    assert replay(results, after.id).sentence() == f"replayed {after.value!r}: the same to the last bit"
    with pytest.raises(LineageError, match="has changed since the number was computed"):
        replay(results, before.id)
    results.close()


def test_putting_the_cell_back_brings_the_old_number_back(study: Path) -> None:
    results = opened(study)
    before = hazard_ratio(results)
    results.close()
    content = (study / PLATE).read_bytes()
    change_cell(study / PLATE, CELL, 3.0)
    run(study)
    (study / PLATE).write_bytes(content)
    run(study)
    results = opened(study)
    assert hazard_ratio(results).model_dump(exclude={"created"}) == before.model_dump(exclude={"created"})
    assert replay(results, before.id).same
    results.close()


def test_the_trail_of_a_fit_is_its_own_wells_and_its_plates_controls(finished_demo: Path) -> None:
    results = opened(finished_demo)
    fits = results.evidence("assay.fit").records()
    one = next(
        record for record in fits if record.quantity == "IC50" and record.compound == "alectinib" and record.variant == "WT"
    )
    cells = set(trace(results, one.id).step.every_cell())
    wells = results.table(f"assay.read:{PLATE}")
    used = wells.filter(
        ((pl.col("compound") == "alectinib") & (pl.col("variant") == "WT")) | pl.col("role").is_in(["vehicle", "blank"])
    )
    assert cells == set(used["signal_ref"]) | set(used["layout_ref"])
    results.close()


def test_every_number_of_the_demo_has_a_trail_and_replays(finished_demo: Path) -> None:
    results = opened(finished_demo)
    seen = {}
    for record in results.records():
        seen.setdefault((record.method, record.quantity), record)
    for record in seen.values():
        assert trace(results, record.id).evidence == record
    for method in {method for method, _ in seen}:
        record = next(one for (name, _), one in seen.items() if name == method)
        assert replay(results, record.id).same, record
    assert {"assay.fit", "trial.predict", "assay.quality"} <= {method for method, _ in seen}
    results.close()


@pytest.mark.parametrize("number", ["", "x", "0" * 12, "0" * 12 + "-" + "0" * 12])
def test_an_id_nobody_has_is_refused_in_words(finished_demo: Path, number: str) -> None:
    results = opened(finished_demo)
    with pytest.raises(LineageError, match="Copy the whole id"):
        trace(results, number)
    results.close()


def test_an_exclusion_changes_the_fit_stays_visible_and_is_taken_back(study: Path) -> None:
    def state() -> tuple[float, list[str], int]:
        results = opened(study)
        row = (
            results.table("assay.fit")
            .filter((pl.col("compound") == "alectinib") & (pl.col("variant") == "WT"))
            .row(0, named=True)
        )
        responses = results.table("assay.normalise")
        results.close()
        return row["ic50_nM"], responses.filter("excluded")["well"].to_list(), responses.height

    def record(action: str) -> None:
        results = opened(study)
        results.ledger.exclude([{"action": action, "plate_id": "BaF3-01", "well": WELL, "who": "a person", "why": "a bubble"}])
        results.close()
        run(study)

    first = state()
    record("exclude")
    struck = state()
    record("include")
    again = state()
    assert struck[0] != first[0]
    assert struck[1] == [WELL]
    assert struck[2] == first[2], "an excluded well stays in the table"
    assert again == first
