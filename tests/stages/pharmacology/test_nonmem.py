"""The event table for NONMEM, nlmixr2 and Monolix: order, units, and no subject lost."""

import polars as pl
import pytest

from benchside.core.errors import TableError
from benchside.stages.pharmacology import nonmem_table, read_events
from tests.shared_data import shared

SEEN = pl.DataFrame({"subject": ["b", "b", "a"], "time_h": [12.0, 0.0, 3.0], "concentration_nM": [7.0, 0.0, 9.0]})
GIVEN = pl.DataFrame({"subject": ["a", "b", "b"], "time_h": [0.0, 0.0, 12.0], "dose_mg": [40.0, 40.0, 20.0]})


def test_by_hand():
    table = nonmem_table(SEEN, GIVEN, molar_mass_g_per_mol=400.0)
    assert table.columns == ["ID", "TIME", "AMT", "DV", "EVID", "MDV", "CMT", "SUBJECT"]
    assert table.rows() == [  # 40 mg of 400 g/mol is 100,000 nmol; a trough stands before the dose given at its time
        (1, 0.0, 0.0, 0.0, 0, 0, 2, "b"),
        (1, 0.0, 100_000.0, 0.0, 1, 1, 1, "b"),
        (1, 12.0, 0.0, 7.0, 0, 0, 2, "b"),
        (1, 12.0, 50_000.0, 0.0, 1, 1, 1, "b"),
        (2, 0.0, 100_000.0, 0.0, 1, 1, 1, "a"),
        (2, 3.0, 0.0, 9.0, 0, 0, 2, "a"),
    ]


def test_without_a_molar_mass_amounts_stay_mg_and_without_absorption_there_is_one_compartment():
    table = nonmem_table(SEEN, GIVEN, absorbed=False)
    assert set(table["CMT"]) == {1}
    assert table.filter(EVID=1)["AMT"].to_list() == [40.0, 20.0, 40.0]


def test_a_subject_is_never_lost_silently():
    with pytest.raises(TableError, match="subject a has concentrations and no dose; a fit would lose it silently"):
        nonmem_table(SEEN, GIVEN.filter(pl.col("subject") != "a"))
    with pytest.raises(TableError, match="subject c has doses and no concentration"):
        nonmem_table(SEEN, pl.concat([GIVEN, GIVEN.head(1).with_columns(subject=pl.lit("c"))]))
    with pytest.raises(TableError, match="dose_mg is missing"):
        nonmem_table(SEEN, GIVEN.rename({"dose_mg": "dose"}))
    with pytest.raises(TableError, match="is above 0"):
        nonmem_table(SEEN, GIVEN.with_columns(dose_mg=pl.lit(0.0)))


def test_real_data_survive_the_way_out(tmp_path):
    events = read_events(shared("data", "xenograft", "lxf_erlotinib_pkpd.csv"), molar_mass_g_per_mol=393.4, arm="single")
    table = nonmem_table(events.concentrations, events.doses, molar_mass_g_per_mol=393.4, time="study_time_h")
    path = tmp_path / "nm.csv"
    table.write_csv(path)
    back = pl.read_csv(path)
    assert back["ID"].n_unique() == 30
    assert back.filter(EVID=1).height == 30
    assert back.filter(EVID=0).height == 30
    assert back.filter(EVID=0)["DV"].sum() == pytest.approx(events.concentrations.table["concentration_nM"].sum())
    for _, part in back.group_by("ID"):
        assert part["TIME"].is_sorted()
