"""The section a stage gets that has none of its own."""

import pytest

from benchside.report.plain import plain_section
from benchside.study.demo import write_demo
from benchside.study.results import Results
from benchside.study.workflow import run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = write_demo(tmp_path_factory.mktemp("plain") / "study", trial=False)
    run(root)
    with Results.of(root) as opened:
        yield opened


def test_every_number_of_the_stage_stands_with_its_trail(results):
    section = plain_section(results, "assay")
    tables = {block.caption: block for block in section.blocks}
    assert set(tables) == {"assay.quality", "assay.fit", "assay.potency_ratio"}  # what found nothing is left out
    fits = {row[0].text: row[1] for row in tables["assay.fit"].rows}
    cell = fits["IC50 alectinib ALK WT Ba/F3 EML4-ALK"]
    assert cell.text.startswith("10.1 (")
    assert any("plates/BaF3-01.xlsx" in line for line in cell.trail)


def test_a_long_task_is_cut_and_says_so(results):
    section = plain_section(results, "pharmacology")
    table = next(block for block in section.blocks if block.caption.startswith("pharmacology.exposure"))
    assert len(table.rows) == 200
    assert "The first 200 of" in table.notes[0]
