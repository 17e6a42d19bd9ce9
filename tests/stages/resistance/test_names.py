"""Names of variants: every form, the reference residues, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core.errors import TableError
from benchside.evidence import facts
from benchside.evidence.variants import mutations
from benchside.stages.resistance.bypass import opened
from benchside.stages.resistance.kinase import DOMAIN, DOMAIN_END, DOMAIN_START, LETTERS, build_named, reference_residue
from benchside.stages.resistance.names import NOT_CHECKED, named

THREE = {one: three for three, one in LETTERS.items()}


def test_the_domain_is_as_long_as_uniprot_says_and_holds_every_residue_the_facts_name():
    assert (DOMAIN_START, DOMAIN_END, len(DOMAIN)) == (1116, 1392, 277)
    named_in_facts = {
        name
        for table in ("potency", "fold_changes", "guide", "resistance_spectrum")
        for column in ("variant", "mutation", "target")
        if column in facts(table).columns
        for text in facts(table)[column].drop_nulls()
        for name in mutations(text)
        if re.fullmatch(r"[A-Z]1[123]\d\d(?:[A-Z]|del)", name)  # ROS1 and RET have other numbers
    }
    assert {"G1202R", "L1196M", "R1275Q", "F1245C"} <= named_in_facts
    assert [name for name in named_in_facts if reference_residue(int(name[1:5])) != name[0]] == []


@pytest.mark.parametrize(
    "text",
    ["G1202R", "p.G1202R", "p.Gly1202Arg", "p.(Gly1202Arg)", "ALK G1202R", "ALK:p.G1202R", "NM_004304.5:p.Gly1202Arg",
     "NM_004304.5(ALK):p.Gly1202Arg", "ENST00000389048.8:p.Gly1202Arg", "NP_004295.2:p.Gly1202Arg", " G1202R "],
)  # fmt: skip
def test_every_form_of_one_mutation_is_that_mutation(text):
    (one,) = named(text)
    assert (one.variant, one.kind, one.gene, one.checked) == ("G1202R", "on-target", "ALK", "yes")


@given(st.integers(DOMAIN_START, DOMAIN_END), st.sampled_from("ACDEFGHIKLMNPQRSTVWY"))
def test_one_and_three_letters_agree_on_every_residue_of_the_domain(position, new):
    old = reference_residue(position)
    short, long = f"{old}{position}{new}", f"p.{THREE[old]}{position}{THREE[new]}"
    assert [one.variant for one in named(short)] == [one.variant for one in named(long)] == ["WT" if old == new else short]


@given(st.integers(DOMAIN_START, DOMAIN_END), st.sampled_from("ACDEFGHIKLMNPQRSTVWY"))
def test_a_reference_residue_that_is_not_alks_is_refused(position, old):
    if old == reference_residue(position):
        return
    with pytest.raises(TableError, match=rf"residue {position} of ALK is {old}, and it is {reference_residue(position)}"):
        named(f"{old}{position}{'A' if old != 'A' else 'G'}")


def test_insertions_and_deletions_are_named_as_the_facts_name_them():
    assert named("p.Thr1151_Leu1152insThr")[0].variant == "1151Tins"
    assert named("T1151_L1152insT")[0].variant == "1151Tins"
    assert named("p.Gly1202del")[0].variant == "G1202del"
    assert named("G1202fs*4")[0].kind == "other"


@pytest.mark.parametrize(
    ("text", "variants", "phases"),
    [
        ("p.[Leu1196Met;Gly1202Arg]", ["L1196M+G1202R"], ["cis"]),
        ("G1202R + L1196M in cis", ["L1196M+G1202R"], ["cis"]),
        ("p.[Leu1196Met];[Gly1202Arg]", ["L1196M", "G1202R"], ["trans"] * 2),
        ("G1202R;L1196M (trans)", ["G1202R", "L1196M"], ["trans"] * 2),
        ("p.[Leu1196Met(;)Gly1202Arg]", ["L1196M", "G1202R"], ["unknown"] * 2),
        ("L1196M/G1202R", ["L1196M", "G1202R"], ["unknown"] * 2),
    ],
)
def test_mutations_in_cis_are_one_variant_and_others_are_several(text, variants, phases):
    found = named(text)
    assert [one.variant for one in found] == variants
    assert [one.phase for one in found] == phases


@pytest.mark.parametrize(
    ("text", "fusion", "variant"),
    [("EML4-ALK V3 G1202R", "EML4-ALK V3", "G1202R"), ("EML4::ALK E6a;A20 I1171T", "EML4-ALK V3a", "I1171T"), ("EML4-ALK V1", "EML4-ALK V1", "WT"),
     ("KIF5B-ALK", "KIF5B-ALK", "WT"), ("NPM1-ALK L1196M", "NPM1-ALK", "L1196M")],
)  # fmt: skip
def test_a_fusion_travels_beside_the_mutation(text, fusion, variant):
    (one,) = named(text)
    assert (one.fusion, one.variant) == (fusion, variant)


@pytest.mark.parametrize(
    ("text", "bypass"),
    [("MET amplification", "MET"), ("MET amp", "MET"), ("EGFR activation", "EGFR"), ("EGFR L858R", "EGFR"), ("KRAS p.Gly12Cys", "MAPK"),
     ("KRAS/MAPK", "MAPK"), ("BRAF V600E", "MAPK"), ("PIK3CA H1047R", "PI3K/mTOR"), ("PIK3CA/mTOR", "PI3K/mTOR"), ("PTEN loss", "PI3K/mTOR"),
     ("small-cell transformation", "transformation"), ("SCLC", "transformation")],
)  # fmt: skip
def test_an_off_target_finding_opens_its_bypass(text, bypass):
    (one,) = named(text)
    assert (one.kind, one.bypass.name) == ("off-target", bypass)


def test_a_change_that_is_not_known_to_activate_opens_nothing_and_says_so():
    found, told = opened("KRAS", "A59T")
    assert found is None
    assert "no site known here to activate" in told
    (tp53,) = named("TP53 R273H")
    assert (tp53.kind, tp53.bypass) == ("other", None)


def test_outside_the_kinase_domain_the_residue_is_said_not_to_be_checked():
    (one,) = named("R300C")
    assert one.checked == NOT_CHECKED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("c.3604G>A", "Give the protein change"),
        ("ENST00000431873.6:p.Gly1202Arg", "numbered by ENST00000431873"),
        ("G5000R", "ALK has residues 1-1620"),
        ("nonsense words", "Write it as G1202R"),
        ("  ", "a variant is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(text, words):
    with pytest.raises(TableError, match=re.escape(words)):
        named(text)


def test_builds_by_any_name():
    assert [build_named(text) for text in ("hg19", "GRCh37.p13", "hs37d5", "hg38", "GRCh38", "T2T")] == ["GRCh37"] * 3 + [
        "GRCh38"
    ] * 2 + [None]
