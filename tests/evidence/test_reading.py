"""A user's own facts: read in the shipped format, refused in one sentence, asked beside the shipped ones and told from them."""

import re
import shutil

import polars as pl
import pytest

from benchside import evidence
from benchside.core.errors import BenchsideError, FileError, NoEvidenceError, TableError
from benchside.evidence.files import FACT_TABLES
from benchside.evidence.reading import RENAMED, row_faults
from tests.shared_data import shared

HEAD = "quantity\tvalue\trelation\tunit\tlower\tupper\tdrug\ttarget\tvariant\tsystem\treadout\tcitation\tverified\n"
GOOD = "IC50\t12\t=\tnM\t9\t15\talectinib\tALK\tEML4-ALK V1\tBa/F3\tviability\tNotebook 7, page 3\tyes\n"


def written(tmp_path, rows, head=HEAD, name="own.tsv"):
    file = tmp_path / name
    file.write_text(head + rows)
    return file


def test_a_row_of_ones_own_is_asked_beside_the_shipped_ones_and_marked(tmp_path):
    file = written(tmp_path, GOOD)
    found = evidence.query(quantity="IC50", compound="alectinib", extra=file)
    own = found.table.filter(pl.col("fact_table") == "own.tsv")
    assert own.select("id", "number", "lower", "source", "status").row(0) == ("own.tsv/2", 12.0, 9.0, "Notebook 7, page 3", "ok")
    assert found.table.height == evidence.query(quantity="IC50", compound="alectinib").table.height + 1
    record = next(record for record in found.evidence if record.id == "own.tsv/2")
    assert (record.value, record.unit, record.verified, record.source) == (12.0, "nM", "yes", "Notebook 7, page 3")


def test_a_compound_or_word_that_only_the_user_has_can_be_asked(tmp_path):
    file = written(tmp_path, GOOD.replace("alectinib", "compound-9"))
    assert evidence.query(compound="compound-9", extra=file).table.height == 1
    with pytest.raises(NoEvidenceError):
        evidence.query(compound="compound-9")


def test_recalled_rows_of_a_user_are_flagged_and_left_out_alike(tmp_path):
    file = written(tmp_path, GOOD.replace("yes", "memory"))
    table = evidence.query(compound="alectinib", extra=file).table.filter(pl.col("fact_table") == "own.tsv")
    assert table["status"][0] == evidence.MEMORY_SENTENCE
    only = evidence.query(compound="alectinib", verified_only=True, extra=file).table
    assert "own.tsv" not in only["fact_table"].to_list()


def test_commas_own_ids_a_known_source_and_blank_cells(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text(
        "row_id,quantity,value,unit,compound,variant,source_id,where_in_source,verified,note\n"
        'U1,IC50,"3.5",uM,Alectinib,WT,FONTANA2015,Fig 2,yes,\n'
    )
    row = evidence.read_facts(file).row(0, named=True)
    assert (row["id"], row["relation"], row["where"], row["note"], row["compound"]) == (
        "own.csv/U1",
        "=",
        "Fig 2",
        None,
        "alectinib",
    )
    assert row["source"] == evidence.citation("FONTANA2015")


def test_the_shipped_tables_can_be_read_as_a_users_own_and_say_the_same(tmp_path):
    for name in ("potency", "fold_changes"):
        file = tmp_path / f"{name}_again.tsv"
        shutil.copyfile(shared("evidence", f"{name}.tsv"), file)
        again = evidence.read_facts(file)
        shipped = evidence.query().table.filter(pl.col("fact_table") == name)
        different = {"id", "fact_table"}
        kept = [column for column in shipped.columns if column not in different]
        assert again.select(kept).equals(shipped.select(kept)) or name == "fold_changes"
        assert again["number"].to_list() == shipped["number"].to_list()
        assert again["variant"].to_list() == shipped["variant"].to_list()
        assert again["source"].to_list() == shipped["source"].to_list()


def test_the_shipped_potencies_pass_the_users_rules():
    for name in ("potency", "fold_changes"):
        names = {old: new for new, old in FACT_TABLES[name].items()} | RENAMED
        raw = evidence.facts(name)
        table = raw.rename({old: new for old, new in names.items() if old in raw.columns})
        if name == "fold_changes":
            table = table.with_columns(quantity=pl.lit("fold_vs_same_lab_WT"), unit=pl.lit("x"))
        assert list(row_faults(table)) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (GOOD + GOOD.replace("12", ""), "own.tsv, row 3: value is empty"),
        (GOOD.replace("=", "≈"), "own.tsv, row 2: relation '≈' is unknown; it is one of = < > <= >= ~"),
        (GOOD.replace("\t12\t=", "\thigh\t>"), "row 2: relation '>' needs a number"),
        (GOOD.replace("\t9\t", "\t13\t"), "row 2: the value 12 lies outside its limits 13.0 to 15.0"),
        (GOOD.replace("\t9\t", "\tnine\t"), "row 2: lower must be a number and is 'nine'"),
        (GOOD.replace("nM", "nm"), "row 2: IC50 has the unit 'nm'"),
        (GOOD.replace("nM", ""), "row 2: IC50 has the unit ''"),
        (GOOD.replace("\t12\t", "\t0\t").replace("\t9\t", "\t\t"), "row 2: IC50 is 0 and must be above 0"),
        (GOOD.replace("yes", "probably"), "row 2: verified is 'probably' and must be yes"),
        (GOOD.replace("Notebook 7, page 3", ""), "row 2: there is no citation"),
        (GOOD.replace("alectinib", ""), "row 2: compound is empty"),
    ],
)
def test_a_row_that_breaks_a_rule_is_one_sentence_with_file_row_rule_and_remedy(tmp_path, rows, words):
    with pytest.raises(TableError, match=re.escape(words)) as caught:
        evidence.read_facts(written(tmp_path, rows))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_unknown_source_and_ids_given_twice_are_refused(tmp_path):
    head = "row_id\tquantity\tvalue\tunit\tdrug\tsource_id\tverified\n"
    with pytest.raises(TableError, match=r"row 2: the source 'FONTANA' is not in the shipped sources"):
        evidence.read_facts(written(tmp_path, "a\tIC50\t1\tnM\talectinib\tFONTANA\tyes\n", head))
    twice = "a\tIC50\t1\tnM\talectinib\tFONTANA2015\tyes\n" * 2
    with pytest.raises(TableError, match=r"row 3: the id 'a' stands in row 2 already"):
        evidence.read_facts(written(tmp_path, twice, head))


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("own.tsv", "", FileError, "empty"),
        ("own.xlsx", "quantity", FileError, "read from .tsv or .csv"),
        ("own.tsv", "quantity\tvalue\tunit\tdrug\tcitation\n", TableError, "column verified is missing"),
        ("own.tsv", "quantity\tvalue\tunit\tdrug\tverified\n", TableError, "column source_id or citation is missing"),
        ("own.csv", "quantity,value\n1,2,3,4\n", FileError, "could not be read as a table"),
    ],
)
def test_files_that_are_no_fact_tables(tmp_path, name, text, error, words):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(error, match=re.escape(words)):
        evidence.read_facts(file)


def test_an_absent_file_and_two_of_one_name(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        evidence.query(compound="alectinib", extra=tmp_path / "none.tsv")
    (tmp_path / "b").mkdir()
    files = [written(tmp_path, GOOD), written(tmp_path / "b", GOOD)]
    with pytest.raises(BenchsideError, match="have one name"):
        evidence.query(compound="alectinib", extra=files)
