"""None reads wrong: every export of the corpus gives its wells exactly, or is refused in a sentence with place, rule and remedy."""

import pytest

from benchside.core.errors import BenchsideError
from benchside.stages.assay.read import read
from tests.stages.assay.corpus import CASES


def ids(cases):
    return [case.name for case in cases]


READABLE = [case for case in CASES if case.refused is None]
REFUSED = [case for case in CASES if case.refused is not None]


def test_the_corpus_is_wide_enough():
    assert len(CASES) >= 40
    assert len({case.kind for case in CASES}) >= 12
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", READABLE, ids=ids(READABLE))
def test_an_export_reads_exactly(case, tmp_path):
    path, layout = case.write(tmp_path)
    table = read(path, layout, **case.settings).table
    assert table["plate_id"].unique(maintain_order=True).to_list() == list(case.truth)
    for plate, wells in case.truth.items():
        rows = {row["well"]: row for row in table.iter_rows(named=True) if row["plate_id"] == plate}
        assert len(rows) == table.height // len(case.truth)
        for well, (role, compound, dose, signal) in wells.items():
            row = rows.pop(well)
            assert (row["role"], row["compound"], row["signal"]) == (role, compound, signal), (plate, well)
            assert row["concentration_nM"] == (pytest.approx(dose, rel=1e-12) if dose is not None else None), (plate, well)
        assert {row["role"] for row in rows.values()} <= {"empty"}


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_an_export_is_refused_in_a_sentence(case, tmp_path):
    path, layout = case.write(tmp_path)
    with pytest.raises(BenchsideError) as refused:
        read(path, layout, **case.settings)
    message = str(refused.value)
    assert type(refused.value) is case.refused, message
    for part in case.says:
        assert part in message, message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 420
