"""Plates at the end and at day 0 become the counts of growth-rate inhibition."""

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import TableError
from benchside.stages.assay.analyse.cells.day_zero import day_zero
from benchside.stages.assay.analyse.cells.growth_rate import COUNTS, growth_rate_inhibition
from benchside.stages.assay.model import WellTable
from benchside.stages.assay.read import read
from tests.shared_data import shared
from tests.stages.assay import corpus, plates


def wells(plate, roles, *, system="H3122", dose=None, **extra):
    """Return wells of one plate from (role, signal) pairs; samples get rising doses."""
    names = [f"A{k + 1}" for k in range(len(roles))]
    sample = [role == "sample" for role, _ in roles]
    doses = dose or [10.0**k if held else None for k, held in enumerate(sample)]
    return pl.DataFrame(
        {
            "plate_id": [plate] * len(roles), "well": names, "role": [role for role, _ in roles],
            "compound": ["x" if held else None for held in sample], "concentration_nM": doses, "system": [system] * len(roles),
            "signal": [float(signal) for _, signal in roles], **{name: [value] * len(roles) for name, value in extra.items()},
        },
        schema_overrides={"concentration_nM": pl.Float64, "compound": pl.String},
    )  # fmt: skip


END = wells("E", [("vehicle", 410), ("vehicle", 430), ("blank", 20), ("sample", 220), ("sample", 60)])
START = wells("S", [("vehicle", 110), ("vehicle", 130), ("blank", 20)])


def test_by_hand():
    """Blank 20: control 400, time 0 100, samples 200 and 40: GR = 2**(log2(2)/log2(4)) - 1 = 0.41421, and 2**(log2(0.4)/2) - 1 = -0.36754."""
    counts = day_zero(END, START)
    assert counts.select(COUNTS[1:]).rows() == [(200.0, 400.0, 100.0), (40.0, 400.0, 100.0)]
    assert growth_rate_inhibition(counts, by=["compound", "system"]).values["gr_value"].to_list() == pytest.approx(
        [2**0.5 - 1, 0.4**0.5 - 1]
    )


def test_counts_are_kept_where_there_is_no_background():
    assert day_zero(END, START, background="keep").select(COUNTS[1:]).row(0) == (220.0, 420.0, 120.0)


@pytest.mark.parametrize("mark", ["day", "time_h"])
def test_one_table_with_its_day_0_plate_marked(mark):
    both = pl.concat([END.with_columns(pl.lit(72.0).alias(mark)), START.with_columns(pl.lit(0.0).alias(mark))])
    assert day_zero(both).equals(day_zero(END, START))


def test_every_cell_line_has_its_own_day_0():
    end = pl.concat([END, END.with_columns(plate_id=pl.lit("E2"), system=pl.lit("H2228"))])
    start = pl.concat([START, wells("S2", [("vehicle", 70), ("blank", 20)], system="H2228")])
    counts = day_zero(end, start)
    assert counts.select("system", "cell_count_time0").unique(maintain_order=True).rows() == [("H3122", 100.0), ("H2228", 50.0)]


def test_a_day_0_plate_that_names_no_cell_line_is_of_all():
    counts = day_zero(END, START.with_columns(system=pl.lit(None, pl.String)))
    assert counts["cell_count_time0"].to_list() == [100.0, 100.0]


def test_a_file_with_both_plates_marked_by_day(tmp_path):
    case = next(case for case in corpus.CASES if "day 0" in case.name)
    path, layout = case.write(tmp_path)
    counts = day_zero(read(path, layout))
    vehicle = [item[3] for item in corpus.A.values() if item[0] == "vehicle"]
    blank = [item[3] for item in corpus.A.values() if item[0] == "blank"]
    assert counts.height == 10
    assert counts["cell_count_time0"].to_list() == pytest.approx([np.mean(vehicle) - np.mean(blank)] * 10)


def test_the_gr_values_of_the_published_package_come_back():
    """Counts of GRmetrics case A written as plates and put together again: its GR values to 1e-9."""
    stored = pl.read_csv(shared("reference", "assay", "reference_grmetrics_values_caseA.csv"), infer_schema_length=None)
    value = next(name for name in ("GRvalue", "GR_value", "GR") if name in stored.columns)
    one = stored.filter((pl.col("cell_line") == stored["cell_line"][0]) & (pl.col("treatment") == stored["treatment"][0]))
    got = []
    for k, row in enumerate(one.iter_rows(named=True)):
        end = wells(
            f"E{k}",
            [("sample", row["cell_count"]), ("vehicle", row["cell_count__ctrl"])],
            dose=[row["concentration"] * 1000, None],
        )
        start = wells("S", [("vehicle", row["cell_count__time0"])])
        got += growth_rate_inhibition(day_zero(end, start, background="keep")).values["gr_value"].to_list()
    assert len(got) == one.height >= 20
    assert got == pytest.approx(one[value].to_list(), abs=1e-9)


@pytest.mark.parametrize(
    ("end", "start", "options", "parts"),
    [
        (END, wells("S", [("vehicle", 1), ("blank", 0)], system="H2228"), {}, ("system H3122 has no day-0 plate", "name it alike")),
        (END.filter(pl.col("role") != "vehicle"), START, {}, ("plate E has no vehicle wells at the end", "Mark the vehicle")),
        (END.filter(pl.col("role") != "blank"), START, {}, ("plate E (end) has no blank wells", "background = 'keep'")),
        (END, START.filter(pl.col("role") != "blank"), {}, ("plate S (day-0) has no blank wells",)),
        (END, wells("S", [("vehicle", 10), ("blank", 20)]), {}, ("H3122: cell_count_time0 is -10", "above 0")),
        (END, None, {}, ("neither a column day nor time_h", "Add one")),
        (END.with_columns(day=pl.lit(3)), None, {}, ("column day must hold 0", "mark the day-0 plate with 0")),
        (END, wells("S", [("sample", 5)], system="H3122").with_columns(system=pl.lit(None, pl.String)), {"background": "keep"}, ("no well is a vehicle well",)),
    ],
)  # fmt: skip
def test_what_lacks_a_plate_or_a_control_is_refused(end, start, options, parts):
    with pytest.raises(TableError) as refused:
        day_zero(end, start, **options)
    for part in parts:
        assert part in str(refused.value)


def test_it_takes_what_read_returns(tmp_path):
    path = plates.write_csv(tmp_path / "long.csv", plates.long_rows(plates.contents()))
    table = read(path)
    assert isinstance(table, WellTable)
    start = table.table.filter(pl.col("role") != "sample").with_columns(pl.col("signal") / 2)
    assert day_zero(table, start).height == 10
