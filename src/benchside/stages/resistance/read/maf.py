"""MAF files: the mutations of many tumours, one a row (GDC MAF, as written by vcf2maf and cBioPortal)."""

import io
from pathlib import Path
from typing import Final

import polars as pl

from benchside.core.errors import FileError, TableError, listed
from benchside.core.tables import first_line, require_utf8
from benchside.stages.resistance.bypass import GENES
from benchside.stages.resistance.kinase import GENE, build_named
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.read.assemble import RAW, assemble, require_position

NEEDED: Final = ("Hugo_Symbol", "Tumor_Sample_Barcode")
SILENT: Final = ("Silent", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR", "RNA")
_USED: Final = (
    *NEEDED, "HGVSp_Short", "HGVSp", "Protein_Change", "Transcript_ID", "NCBI_Build", "Start_Position", "Chromosome",
    "Reference_Allele", "Tumor_Seq_Allele2", "Variant_Classification", "t_alt_count", "t_ref_count", "t_depth", "Tumor_Sample_UUID",
)  # fmt: skip


def is_maf(path: Path) -> bool:
    """Return whether a file begins as a MAF."""
    return all(name in _header(path) for name in NEEDED)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        for line in handle:
            if not line.startswith("#"):
                return line.rstrip("\r\n").split("\t")
    return []


def read_maf(path: Path, *, build: str | None) -> VariantTable:
    """Return the findings of a MAF: changes of ALK and of the genes of a known bypass; all other rows are counted and left out.

    Raises
    ------
    FileError, TableError
        When the file cannot be read, has no protein change, is of another build than said, or holds two samples under one name.
    """
    require_utf8(path)
    label, header = path.name, _header(path)
    protein: list[str] = [name for name in ("HGVSp_Short", "HGVSp", "Protein_Change") if name in header]
    if not protein:
        message = f"{label}: the MAF has no column HGVSp_Short or HGVSp, so its variants have no protein change. Annotate it, for example with vcf2maf."
        raise TableError(message)
    try:
        text = path.read_bytes()
        columns = [name for name in _USED if name in header]
        table = pl.read_csv(
            io.BytesIO(text),
            separator="\t",
            comment_prefix="#",
            columns=columns,
            infer_schema=False,
            null_values=["", "."],
            quote_char=None,
        )
    except pl.exceptions.PolarsError as error:
        message = f"{label} could not be read as MAF: {first_line(error)} Save it again and retry."
        raise FileError(message) from error
    table = table.with_columns(pl.lit(None, pl.String).alias(name) for name in _USED if name not in header)
    return _findings(table.with_row_index("at", offset=1), protein, label=label, build=build)


def _findings(table: pl.DataFrame, protein: list[str], *, label: str, build: str | None) -> VariantTable:
    stated = _build(table, label=label, build=build)
    _check_samples(table, label)
    known = table.filter(pl.col("Hugo_Symbol").is_in([GENE, *GENES]))
    silent = pl.col("Variant_Classification").is_in(SILENT).fill_null(value=False)
    change = pl.coalesce(protein)
    kept = known.filter(~silent).with_columns(text=change).with_columns(
        # A truncation without a protein name (a splice site) is named by its class.
        text=pl.coalesce("text", "Variant_Classification"), named=change.is_not_null()
    )  # fmt: skip
    bare = kept.filter(pl.col("text").is_null())
    kept = kept.filter(pl.col("text").is_not_null())
    left_out = {
        "other genes": table.height - known.height,
        "silent or outside the protein": known.height - kept.height - bare.height,
        "no protein change": bare.height,
    }
    raw = _raw(kept, label)
    if stated is not None:
        require_position(raw, stated, label=label)
    return assemble(raw, label=label, left_out={why: count for why, count in left_out.items() if count}, lenient=True)


def _raw(kept: pl.DataFrame, label: str) -> pl.DataFrame:
    counts = {name: _counted(kept, name, label) for name in ("t_alt_count", "t_ref_count", "t_depth")}
    depth = pl.coalesce(counts["t_depth"], counts["t_alt_count"] + counts["t_ref_count"])
    bases = pl.concat_str("Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2", separator=":")
    return kept.with_columns(
        sample=pl.col("Tumor_Sample_Barcode"), patient=pl.lit(None, pl.String), gene=pl.col("Hugo_Symbol"),
        transcript=pl.when(pl.col("Hugo_Symbol") == GENE).then("Transcript_ID"), fusion=pl.lit(None, pl.String),
        phase=pl.lit(None, pl.String), alt_count=counts["t_alt_count"], depth=depth,
        vaf=counts["t_alt_count"] / depth, detection_limit=pl.lit(None, pl.Float64), time_days=pl.lit(None, pl.Float64),
        drug=pl.lit(None, pl.String), prior=pl.lit(None, pl.String), allele=bases, position=pl.col("Start_Position").cast(pl.Int64, strict=False),
        at=pl.col("at").cast(pl.Int64),
    ).select(list(RAW))  # fmt: skip


def _counted(kept: pl.DataFrame, name: str, label: str) -> pl.Expr:
    """Return a column of counts as whole numbers, or say which row holds none."""
    made = kept[name].cast(pl.Int64, strict=False)
    lost = (kept[name].is_not_null() & made.is_null()).arg_true()
    if len(lost):
        message = f"{label}, row {kept['at'][int(lost[0])]}: {name} must be a whole number, and is {kept[name][int(lost[0])]!r}. Correct or clear it."
        raise TableError(message)
    return pl.lit(made)


def _build(table: pl.DataFrame, *, label: str, build: str | None) -> str | None:
    """Return the build of a MAF; refuse several, and another one than said."""
    words = table["NCBI_Build"].drop_nulls().unique(maintain_order=True).to_list()
    found = list(dict.fromkeys(build_named(word) or word for word in words))
    if len(found) > 1:
        message = f"{label}: NCBI_Build names {listed(found)}. Keep one build a file."
        raise TableError(message)
    if build is not None and found and found[0] != build:
        message = f"{label}: the file was called on {found[0]} (NCBI_Build), and the build is said to be {build}. State {found[0]}, or lift the file over."
        raise TableError(message)
    return build or (found[0] if found and found[0] in ("GRCh37", "GRCh38") else None)


def _check_samples(table: pl.DataFrame, label: str) -> None:
    several = (
        table.drop_nulls("Tumor_Sample_UUID").group_by("Tumor_Sample_Barcode", maintain_order=True)
        .agg(pl.col("Tumor_Sample_UUID").n_unique()).filter(pl.col("Tumor_Sample_UUID") > 1)
    )  # fmt: skip
    if several.height:
        name, count = several.row(0)
        message = f"{label}: {count} samples (Tumor_Sample_UUID) are under the name {name!r}. Give each sample a name of its own."
        raise TableError(message)
