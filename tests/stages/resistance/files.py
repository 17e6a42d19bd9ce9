"""Files as other programs write them, with invented samples: MAF, and VCF annotated by VEP or SnpEff."""

from pathlib import Path

MAF_COLUMNS = (
    "Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "Variant_Classification", "Reference_Allele", "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode", "HGVSp_Short", "Transcript_ID", "t_depth", "t_ref_count", "t_alt_count",
)  # fmt: skip
G1202R = (
    "ALK",
    "GRCh38",
    "chr2",
    "29220747",
    "Missense_Mutation",
    "C",
    "T",
    "S1",
    "p.G1202R",
    "ENST00000389048",
    "200",
    "150",
    "50",
)
CSQ = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|HGVSc|HGVSp"
OURS, OTHER = "ENST00000389048.8", "ENST00000431873.6"


def maf(folder: Path, rows, *, columns=MAF_COLUMNS, name="tumours.maf") -> Path:
    path = folder / name
    lines = ["#version 2.4", "\t".join(columns), *("\t".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def vep_entry(bases="T", gene="ALK", transcript=OURS, change="ENSP00000373700.3:p.Gly1202Arg", consequence="missense_variant"):
    return f"{bases}|{consequence}|MODERATE|{gene}|ENSG|Transcript|{transcript}|c.3604G>A|{change}"


def ann_entry(bases="T", gene="ALK", transcript="NM_004304.5", change="p.Gly1202Arg", consequence="missense_variant"):
    return f"{bases}|{consequence}|MODERATE|{gene}|{gene}|transcript|{transcript}|protein_coding|23/29|c.3604G>A|{change}|3604/6265|||"


def vcf(folder: Path, records, *, key="CSQ", build="GRCh38", samples=("T1",), name="calls.vcf", info=None) -> Path:
    """records: (chrom, pos, ref, alt, annotation, format, cells...)."""
    stated = info if info is not None else {
        "CSQ": f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {CSQ}">',
        "ANN": "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation ...'\">",
    }[key]  # fmt: skip
    lines = ["##fileformat=VCFv4.2", stated]
    lines += [f"##reference=file:///ref/{build}.fa"] if build else []
    lines.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]))
    for chrom, pos, ref, alt, annotation, *rest in records:
        lines.append("\t".join([chrom, str(pos), ".", ref, alt, ".", "PASS", f"DP=100;{key}={annotation}", *rest]))
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
