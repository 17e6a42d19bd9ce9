"""A line, a cell or a field goes missing on the way: the wells stay what they were, or the file is refused. Nothing shifts silently."""

import numpy as np
import pytest

from benchside.core.errors import BenchsideError
from benchside.stages.assay.read import read
from tests.stages.assay.corpus import CASES

SPREADSHEETS = {"Excel", "Tecan", "Gen5", "Victor"}
LARGE_OR_SHEETS = ("1536", "384", "mars list", "in a spreadsheet", "a plate each")
TEXT = [
    case
    for case in CASES
    if case.refused is None
    and case.kind not in {*SPREADSHEETS, "GDSC"}
    and not any(word in case.name for word in LARGE_OR_SHEETS)
]


def encoding_of(content):
    return "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig" if content[:3] == b"\xef\xbb\xbf" else "cp1252"


def separator_of(line):
    return max("\t;,", key=line.count)


def drop_line(lines, rng):
    del lines[rng.integers(len(lines))]


def drop_field(lines, rng):
    k = rng.integers(len(lines))
    mark = separator_of(lines[k])
    fields = lines[k].split(mark)
    del fields[rng.integers(len(fields))]
    lines[k] = mark.join(fields)


def blank_line(lines, rng):
    lines.insert(rng.integers(len(lines)), "")


def remark(lines, rng):
    lines.insert(rng.integers(len(lines)), "remark of the operator")


def swap_lines(lines, rng):
    k = rng.integers(len(lines) - 1)
    lines[k], lines[k + 1] = lines[k + 1], lines[k]


def wells_or_sentence(path, layout, settings):
    """Return the wells, or the sentence of the refusal; anything else is raised."""
    try:
        return read(path, layout, **settings).table
    except BenchsideError as error:
        return str(error)


DAMAGES = [drop_line, drop_field, blank_line, remark, swap_lines]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("case", TEXT, ids=lambda case: case.name)
def test_no_well_gets_the_signal_of_another(case, damage, tmp_path):
    if damage is swap_lines and (case.kind == "SoftMax Pro" or "without row letters" in case.name):
        return  # these plates have no row letters, so nobody can see that lines were exchanged
    path, layout = case.write(tmp_path)
    content = path.read_bytes()
    encoding = encoding_of(content)
    whole = content.decode(encoding).splitlines()
    truth = {(well, signal) for wells in case.truth.values() for well, (_, _, _, signal) in wells.items()}
    for seed in range(12):
        lines = list(whole)
        damage(lines, np.random.default_rng(seed))
        path.write_bytes("\r\n".join(lines).encode(encoding))
        table = wells_or_sentence(path, layout, case.settings)
        if isinstance(table, str):
            assert table.endswith(".")
            assert len(table) < 600
            continue
        used = {(row["well"], row["signal"]) for row in table.iter_rows(named=True) if row["role"] not in {"empty", "excluded"}}
        assert used <= truth, (seed, used - truth)
