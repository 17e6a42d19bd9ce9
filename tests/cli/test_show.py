"""Tables as commands write them."""

import polars as pl

from benchside.cli.show import without_formulas, write_out


def test_no_text_of_a_written_csv_is_a_formula(tmp_path):
    table = pl.DataFrame(
        {"compound": ["=cmd|' /C calc'!A0", "@x", "+y", "(-)-nutlin", None], "ic50_nM": [1.0, 2.0, 3.0, 4.0, 5.0]}
    )
    write_out(table, tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line[:2] for line in lines[:3]] == ["'=", "'@", "'+"]
    assert without_formulas(table)["compound"].to_list()[3:] == ["(-)-nutlin", None]
