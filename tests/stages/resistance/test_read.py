"""Readers: what each kind of file becomes, and every bad input with its sentence."""

import gzip
import time

import numpy as np
import polars as pl
import pytest

from benchside.core.errors import FileError, SettingError, TableError
from benchside.stages.resistance import call, read_variants, simulate
from benchside.stages.resistance.kinase import DOMAIN, DOMAIN_START
from benchside.stages.resistance.read import recognise
from tests.stages.resistance.files import CSQ, G1202R, MAF_COLUMNS, OTHER, ann_entry, maf, vcf, vep_entry


def changed(row, **cells):
    return tuple(cells.get(name, value) for name, value in zip(MAF_COLUMNS, row, strict=True))


def test_a_table_keeps_what_it_says(tmp_path):
    path = tmp_path / "seen.tsv"
    path.write_text(
        "sample\tpatient\tvariant\tvaf\ttime_months\tdrug\nS1\tA\tp.Gly1202Arg\t0.12\t1\talectinib\nS2\tA\tWT\t\t2\talectinib\n"
    )
    table = read_variants(path).table
    assert table.select("sample", "patient", "variant", "kind", "vaf", "drug").rows() == [
        ("S1", "A", "G1202R", "on-target", 0.12, "alectinib"),
        ("S2", "A", "WT", "wild-type", None, "alectinib"),
    ]
    assert table["time_days"].to_list() == [30.4375, 60.875]
    assert table["source_ref"].to_list() == ["seen.tsv!row 1", "seen.tsv!row 2"]


def test_rows_said_to_lie_in_cis_become_one_compound_mutation():
    df = pl.DataFrame(
        {
            "sample": ["S", "S", "T"],
            "variant": ["G1202R", "L1196M", "I1171N"],
            "phase": ["cis", "cis", None],
            "vaf": [0.2, 0.1, 0.3],
        }
    )
    found = read_variants(df).table.sort("sample").select("sample", "variant", "vaf").rows()
    assert found == [("S", "L1196M+G1202R", 0.1), ("T", "I1171N", 0.3)]


def test_a_list_and_a_text_file_of_lines(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# patient 7\nG1202R\nMET amplification\n\n")
    lists = [read_variants(path), read_variants(["G1202R", "MET amplification", "p.Gly1202Arg"])]
    assert [one.table["variant"].to_list() for one in lists] == [["G1202R", "MET amplification"]] * 2


def test_a_table_that_was_written_comes_back_as_it_was(tmp_path):
    made = simulate(n=4, seed=1)
    path = tmp_path / "made.csv"
    made.table.write_csv(path)
    assert read_variants(path).table.equals(made.table, null_equal=True)
    assert recognise(path)


def test_a_maf_keeps_alk_and_bypass_genes_and_counts_the_rest(tmp_path):
    rows = [
        G1202R,
        changed(G1202R, Hugo_Symbol="KRAS", Chromosome="chr12", Start_Position="25245350", HGVSp_Short="p.G12C", Transcript_ID="ENST00000256078"),
        changed(G1202R, Hugo_Symbol="TP53", HGVSp_Short="p.R273H"),
        changed(G1202R, Variant_Classification="Silent", HGVSp_Short="p.G1202="),
    ]  # fmt: skip
    held = read_variants(maf(tmp_path, rows))
    assert held.table.select("variant", "kind", "bypass", "vaf", "depth").rows() == [
        ("G1202R", "on-target", None, 0.25, 200),
        ("KRAS G12C", "off-target", "MAPK", 0.25, 200),
    ]
    assert held.left_out == {"other genes": 1, "silent or outside the protein": 1}


@pytest.mark.parametrize(
    ("rows", "build", "words"),
    [
        ([G1202R], "GRCh37", "called on GRCh38"),
        ([changed(G1202R, NCBI_Build="GRCh37")], None, "its place in GRCh38, and the build is said to be GRCh37"),
        ([G1202R, changed(G1202R, NCBI_Build="hg19", Tumor_Sample_Barcode="S2")], None, "NCBI_Build names GRCh38, GRCh37"),
        ([G1202R, G1202R], None, "two samples under one name"),
        ([changed(G1202R, HGVSp_Short="p.A1202R")], None, "residue 1202 of ALK is A, and it is G"),
        ([changed(G1202R, Transcript_ID="ENST00000431873")], None, "numbered by ENST00000431873"),
        ([changed(G1202R, t_alt_count="300")], None, "vaf must be a fraction"),
        ([changed(G1202R, Tumor_Sample_Barcode="")], None, "row 1 has no sample"),
        ([changed(G1202R, t_alt_count="many")], None, "t_alt_count must be a whole number"),
    ],
)
def test_a_maf_that_cannot_be_right_is_refused(tmp_path, rows, build, words):
    with pytest.raises(TableError, match=words):
        read_variants(maf(tmp_path, rows), build=build)


def test_a_maf_with_two_samples_under_one_barcode_or_without_protein_changes_is_refused(tmp_path):
    columns = (*MAF_COLUMNS, "Tumor_Sample_UUID")
    rows = [(*G1202R, "u1"), (*changed(G1202R, Hugo_Symbol="KRAS"), "u2")]
    with pytest.raises(TableError, match=r"2 samples .* under the name 'S1'"):
        read_variants(maf(tmp_path, rows, columns=columns))
    with pytest.raises(TableError, match="Annotate it"):
        read_variants(maf(tmp_path, [G1202R[:8]], columns=MAF_COLUMNS[:8]))


def test_two_nucleotide_changes_to_one_residue_are_no_duplicate(tmp_path):
    rows = [changed(G1202R, HGVSp_Short="p.F1174L", Start_Position=place) for place in ("29220829", "29220831")]
    assert read_variants(maf(tmp_path, rows)).table.height == 2


@pytest.mark.parametrize(("key", "entry"), [("CSQ", vep_entry()), ("ANN", ann_entry())])
def test_an_annotated_vcf_by_vep_and_by_snpeff(tmp_path, key, entry):
    record = ("chr2", 29220747, "C", "T", entry, "GT:AD:DP", "0/1:75,25:100", "0/0:90,0:90")
    held = read_variants(vcf(tmp_path, [record], key=key, samples=("T1", "T2")), build="hg38")
    assert held.table.select("sample", "variant", "vaf", "depth", "allele").rows() == [
        ("T1", "G1202R", 0.25, 100, "chr2:29220747:C:T")
    ]


def test_a_gzipped_vcf_with_two_alternatives_and_another_gene(tmp_path):
    entries = ",".join(
        [vep_entry("T"), vep_entry("A", change="ENSP00000373700.3:p.Gly1202Glu"), vep_entry("T", transcript=OTHER, change="")]
    )
    records = [
        ("2", 29220747, "C", "T,A", entries, "AD", "50,30,20"),
        ("12", 25245350, "C", "A", vep_entry("A", "KRAS", "ENST00000256078", "ENSP00000256078.5:p.Gly12Cys"), "AF", "0.1"),
        ("17", 7670000, "C", "A", vep_entry("A", "TP53", "ENST00000269305", "x:p.Arg273His"), "AF", "0.1"),
        ("2", 29220745, "C", "A", vep_entry("A", change="x:p.Gly1202%3D", consequence="synonymous_variant"), "AF", "0.5"),
    ]  # fmt: skip
    plain = vcf(tmp_path, records)
    path = tmp_path / "calls.vcf.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    held = read_variants(path)
    assert held.table.select("variant", "vaf").rows() == [("G1202R", 0.3), ("G1202E", 0.2), ("KRAS G12C", 0.1)]
    assert held.left_out == {"other genes": 1, "no protein change": 1}


RECORD = ("chr2", 29220747, "C", "T", vep_entry(), "GT", "0/1")


@pytest.mark.parametrize(
    ("options", "record", "build", "words"),
    [
        ({"info": "##source=caller"}, RECORD, None, "it is not annotated"),
        ({"info": '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|SYMBOL">'}, RECORD, None, "its CSQ has no HGVSp"),
        ({"build": None}, RECORD, None, "neither the header nor you say the genome build"),
        ({"build": "hg19"}, RECORD, "GRCh38", "the header says GRCh37"),
        ({"build": "hg19"}, RECORD, None, "its place in GRCh38"),
        ({"samples": ("T1", "T1")}, (*RECORD, "0/1"), None, "two samples are under the name 'T1'"),
        ({}, ("chr2", 29220747, "C", "T", vep_entry(transcript=OTHER), "GT", "0/1"), None, "annotated on ENST00000431873.6 only"),
        ({}, ("chr2", 29220747, "C", "T", vep_entry(change="x:p.Ala1202Arg"), "GT", "0/1"), None, "and it is G"),
    ],
)  # fmt: skip
def test_a_vcf_that_cannot_be_used_is_refused_with_the_remedy(tmp_path, options, record, build, words):
    with pytest.raises(TableError, match=words):
        read_variants(vcf(tmp_path, [record], **options), build=build)


def test_vcf_of_the_older_build_at_its_place(tmp_path):
    record = ("2", 29443613, "C", "T", vep_entry(), "GT", "0/1")
    assert read_variants(vcf(tmp_path, [record], build="hg19")).table["variant"].to_list() == ["G1202R"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"variant": ["G1202R"], "vaf": [12.0]}, "Divide percentages by 100"),
        ({"variant": ["G1202R"], "vaf": [-0.1]}, "fraction from 0 to 1"),
        ({"variant": ["G1202R"], "vaf_percent": [12.0]}, "Divide by 100 and name the column vaf"),
        ({"variant": ["G1202R"], "alt_count": [5], "depth": [3]}, "5 reads with the variant of 3"),
        ({"variant": ["G1202R", "L1196M"], "sample": ["S", "S"], "patient": ["A", "B"]}, "two samples are under the name 'S', of the patients A, B"),
        ({"variant": ["G1202R", "G1202R"], "sample": ["S", "S"], "time_days": [0.0, 9.0]}, "of the times 0.0, 9.0"),
        ({"variant": ["G1202R", "G1202R"], "sample": ["S", "S"]}, "two samples under one name, or one finding twice"),
        ({"variant": ["G1202R"], "time": [3.0]}, "has no unit"),
        ({"variant": ["G1202R"], "phase": ["both"]}, "phase must be one of"),
        ({"mutated": ["G1202R"]}, "Name one of them 'variant'"),
        ({"variant": ["G1202X1"]}, "row 1: variant 'G1202X1'"),
        ({"variant": []}, "no rows"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_right_is_refused(columns, words):
    with pytest.raises(TableError, match=words):
        read_variants(pl.DataFrame(columns))


def test_other_refusals(tmp_path):
    with pytest.raises(SettingError, match="build 'GRCh36' is unknown"):
        read_variants(["G1202R"], build="GRCh36")
    with pytest.raises(TableError, match="the list is empty"):
        read_variants([])
    with pytest.raises(FileError, match="does not exist"):
        read_variants(tmp_path / "none.vcf")
    path = tmp_path / "x.maf"
    path.write_text("a\tb\n1\t2\n")
    with pytest.raises(FileError, match="of a MAF are missing"):
        read_variants(path)


def test_files_of_other_stages_are_not_recognised(tmp_path):
    other = tmp_path / "plate.csv"
    other.write_text("curve_id,compound,variant,concentration_nM,response\na,b,WT,1,0.5\n")
    assert not recognise(other)
    assert recognise(maf(tmp_path, [G1202R]))
    assert CSQ.split("|")[-1] == "HGVSp"


def test_a_maf_of_100_000_rows_is_called_within_5_s(tmp_path):
    rng = np.random.default_rng(1)
    place = rng.integers(0, len(DOMAIN), 100_000)
    new = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 100_000)
    rows = [
        changed(
            G1202R, Tumor_Sample_Barcode=f"S{k}", Start_Position="29220747", HGVSp_Short=f"p.{DOMAIN[i]}{DOMAIN_START + i}{one}"
        )
        for k, (i, one) in enumerate(zip(place, new, strict=True))
    ]
    path = maf(tmp_path, rows)
    start = time.process_time()
    found = call(path, "alectinib")
    assert found.table.height == 100_000
    assert time.process_time() - start < 5
