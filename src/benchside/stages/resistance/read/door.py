"""The one way in: variants from a table, a MAF, an annotated VCF or a list, as findings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchside.core.errors import FileError, SettingError, TableError, listed, nearest
from benchside.core.exchange import SOURCE_REF
from benchside.core.tables import dataframe, read_table, require_file, text_dialect
from benchside.stages.resistance.kinase import BUILDS, build_named
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.read.maf import is_maf, read_maf
from benchside.stages.resistance.read.tabular import ALIASES, listing, tabular
from benchside.stages.resistance.read.vcf import is_vcf, read_vcf

_TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".maf")


def read_variants(data: Any, *, build: str | None = None, sample: str | None = None) -> VariantTable:
    """Return the variants of a file, a dataframe or a list as findings.

    Parameters
    ----------
    data
        A path to a table (CSV, TSV, Parquet), a MAF or a VCF annotated by VEP or SnpEff; any dataframe; one text or a list of
        texts (``["G1202R", "p.Leu1196Met", "MET amplification"]``); a VariantTable. A table has a column ``variant`` (or ``hgvsp``,
        ``protein_change``) and, as far as known, ``sample, patient, gene, transcript, fusion, phase`` (cis, trans, unknown)`, vaf`
        (0 to 1)`, alt_count, depth, detection_limit, time_days` (or `time_weeks`, `time_months`)`, drug, prior`.
    build
        ``GRCh37`` or ``GRCh38``: of a VCF or MAF; refused where the file says another, asked for where a VCF says none.
    sample
        Name of the one sample of a list, or of a file without sample names.

    Returns
    -------
    VariantTable
        `.table` and `.left_out`, which counts the rows of the file that are no finding here.

    Raises
    ------
    FileError, TableError, SettingError
        Naming row, rule and remedy: a residue that is not ALK's, another transcript, a fraction above 1, an unannotated VCF,
        another build, two samples under one name.

    Examples
    --------
    >>> read_variants(["p.Gly1202Arg", "MET amplification"]).table.select("variant", "kind", "bypass").rows()
    [('G1202R', 'on-target', None), ('MET amplification', 'off-target', 'MET')]
    """
    chosen = _build(build)
    if isinstance(data, VariantTable):
        return data
    if isinstance(data, str) and not _is_path(data):
        data = [data]
    if isinstance(data, str | Path):
        return _file(Path(data), build=chosen, sample=sample)
    if isinstance(data, Sequence):
        _check_texts(data)
        return listing(data, sample=sample)
    return _frame(dataframe(data), label="variant table", sample=sample)


def _is_path(text: str) -> bool:
    """Return whether a text is a file's name rather than a variant's."""
    return Path(text).is_file() or Path(text).name.lower().endswith((*_TEXT_ENDINGS, ".parquet", ".vcf", ".vcf.gz"))


def _check_texts(data: Sequence[Any]) -> None:
    strays = [one for one in data if not isinstance(one, str)]
    if strays or not data:
        lack = f"{strays[0]!r} is none" if strays else "the list is empty"
        message = (
            f"a list of variants holds texts, and {lack}. Give for example ['G1202R', 'MET amplification'], or ['WT'] for none."
        )
        raise TableError(message)


def _build(build: str | None) -> str | None:
    named = build_named(build) if build else None
    if build and named is None:
        message = f"build {build!r} is unknown{nearest(build, BUILDS)}; it is one of {listed(BUILDS)} (hg19, hg38)."
        raise SettingError(message)
    return named


def _file(path: Path, *, build: str | None, sample: str | None) -> VariantTable:
    require_file(path)
    if is_vcf(path):
        return read_vcf(path, build=build, sample=sample)
    ending = path.suffix.lower()
    if ending in _TEXT_ENDINGS and is_maf(path):
        return read_maf(path, build=build)
    if ending == ".maf":
        message = f"{path.name}: the columns Hugo_Symbol and Tumor_Sample_Barcode of a MAF are missing. Export it as MAF, or name it .tsv."
        raise FileError(message)
    if ending == ".txt" and _is_list(path):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return listing(
            [line.strip() for line in lines if line.strip() and not line.startswith("#")], label=path.name, sample=sample
        )
    return _frame(read_table(path), label=path.name, sample=sample)


def _is_list(path: Path) -> bool:
    """Return whether a text file has one variant a line and no header of a table."""
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        first = handle.readline()
    return text_dialect(path)[0] not in first and first.strip().lower() not in ALIASES["text"]


def _frame(table: pl.DataFrame, *, label: str, sample: str | None) -> VariantTable:
    if table.is_empty():
        message = f"{label}: the table has a header and no rows. Export it again."
        raise TableError(message)
    if {"variant", "kind", "checked", "written"} <= set(table.columns):
        return _again(table, label)
    return tabular(table, label=label, sample=sample)


def _again(table: pl.DataFrame, label: str) -> VariantTable:
    """Return a table that this stage wrote, as it was."""
    kept = [name for name in (*VariantTable.SCHEMA, SOURCE_REF) if name in table.columns]
    return VariantTable(table.select(kept), label=label)


def recognise(path: Path) -> bool:
    """Return whether a file looks like variants: an annotated VCF, a MAF, or a table with a column of variants and samples.

    Examples
    --------
    >>> recognise(Path("calls.vcf"))
    True
    """
    if is_vcf(path):
        return True
    if not path.is_file() or path.suffix.lower() not in (*_TEXT_ENDINGS, ".parquet"):
        return False
    if path.suffix.lower() == ".parquet":
        columns = set(pl.read_parquet_schema(path))
    else:
        if is_maf(path):
            return True
        with path.open(encoding="utf-8-sig", errors="replace") as handle:
            first = handle.readline().strip().lower()
        columns = {cell.strip('" ') for cell in first.split(text_dialect(path)[0])}
    of_cells = {"concentration_nm", "ic50_nm", "response", "signal", "well"}
    finding = {"vaf", "alt_count", "sample", "gene", "fusion", "hgvsp"}
    return bool(columns & set(ALIASES["text"]) and columns & finding and not columns & of_cells)
