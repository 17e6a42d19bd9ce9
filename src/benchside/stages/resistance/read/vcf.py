"""VCF files annotated by VEP (CSQ) or SnpEff (ANN): VCF 4, plain or gzipped."""

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO
from urllib.parse import unquote

import polars as pl

from benchside.core.errors import FileError, TableError, listed
from benchside.core.tables import first_line
from benchside.stages.resistance.bypass import GENES
from benchside.stages.resistance.kinase import GENE, TRANSCRIPTS, build_named, is_transcript
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.read.assemble import RAW, assemble, require_position

ENDINGS: Final = (".vcf", ".vcf.gz")
ANN_FIELDS: Final = (
    "Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE", "Rank", "HGVSc", "HGVSp",
)  # fmt: skip
"""The first fields of SnpEff's ANN (VCF annotation format 1.0), under the names VEP gives them."""

_FORMAT: Final = re.compile(r"Format:\s*([^\"']+)")
_CALLED: Final = re.compile(r"[1-9]")
_WANTED: Final = frozenset({GENE, *GENES})


@dataclass(frozen=True)
class Header:
    """What the header of a VCF says: how variants are annotated, on which build, of which samples."""

    key: str
    fields: tuple[str, ...]
    build: str | None
    samples: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)


def is_vcf(path: Path) -> bool:
    """Return whether a file is named as a VCF."""
    return path.name.lower().endswith(ENDINGS)


def read_vcf(path: Path, *, build: str | None, sample: str | None = None) -> VariantTable:
    """Return the findings of an annotated VCF: changes of ALK and of the genes of a known bypass.

    Raises
    ------
    FileError, TableError
        When the file has no annotation, names no build or another one, two samples under one name, or ALK only on other transcripts.
    """
    label = path.name
    try:
        with _opened(path) as handle:
            header = _header(handle, label=label, build=build)
            rows = list(_rows(handle, header, label=label, sample=sample or path.name.split(".")[0]))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        message = f"{label} could not be read as VCF: {first_line(error)} Save it again and retry."
        raise FileError(message) from error
    raw = pl.DataFrame(rows, schema=RAW, orient="row")
    stated = build or header.build
    if stated is None:
        message = f"{label}: neither the header nor you say the genome build. State build='GRCh38' or build='GRCh37'; it is never guessed."
        raise TableError(message)
    require_position(raw, stated, label=label, row_word="line")
    return assemble(raw, label=label, left_out=header.left_out, lenient=True, row_word="line")


def _opened(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _header(handle: TextIO, *, label: str, build: str | None) -> Header:
    key, words, number = "", [], 0
    fields: tuple[str, ...] = ()
    for number, line in enumerate(handle, start=1):
        if line.startswith("##INFO=<ID=CSQ"):
            match = _FORMAT.search(line)
            key, fields = "CSQ", tuple(match[1].strip().split("|")) if match else ()
        elif line.startswith("##INFO=<ID=ANN") and not key:
            key, fields = "ANN", ANN_FIELDS
        elif line.startswith(("##reference", "##assembly", "##contig", "##VEP", "##genome")):
            words.append(line)
        elif line.startswith("#CHROM"):
            if not key or "HGVSp" not in fields:
                lack = "its CSQ has no HGVSp" if key else "it is not annotated"
                message = f"{label}: {lack}, so its variants have no protein change. Annotate it by VEP (vep --vcf --symbol --hgvs) or SnpEff, and retry."
                raise TableError(message)
            found = _build(words, label=label, build=build)
            return Header(key, fields, found, _samples(line, label), {"lines before": number})
    message = f"{label}: no line begins with #CHROM, so this is no VCF. Export it again."
    raise FileError(message)


def _build(words: Sequence[str], *, label: str, build: str | None) -> str | None:
    found = list(dict.fromkeys(name for line in words if (name := build_named(line))))
    if len(found) > 1:
        message = f"{label}: the header names the builds {listed(found)}. Keep one build a file."
        raise TableError(message)
    if build is not None and found and found[0] != build:
        message = (
            f"{label}: the header says {found[0]}, and the build is said to be {build}. State {found[0]}, or lift the file over."
        )
        raise TableError(message)
    return found[0] if found else None


def _samples(line: str, label: str) -> tuple[str, ...]:
    names = tuple(line.rstrip("\r\n").split("\t")[9:])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"{label}: two samples are under the name {twice[0]!r} in the #CHROM line. Rename one."
        raise TableError(message)
    return names


def _rows(handle: TextIO, header: Header, *, label: str, sample: str) -> Iterator[tuple[Any, ...]]:
    """Yield a raw row an ALK or bypass finding and sample that has it; count the lines left out."""
    first = header.left_out.pop("lines before")
    others = silent = 0
    for number, line in enumerate(handle, start=first + 1):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) < 8:
            message = (
                f"{label}, line {number}: a VCF line has 8 cells or more, and this one has {len(cells)}. Export the file again."
            )
            raise TableError(message)
        found = list(_annotated(cells, header, label=f"{label}, line {number}"))
        if found and all(text is None for _, _, text, _ in found):
            silent += 1
        elif not found:
            others += 1
        for alt, gene, text, transcript in found:
            if text is not None:
                yield from _of_samples(cells, alt, (gene, text, transcript), header, number=number, sample=sample)
    counts = {"other genes": others, "no protein change": silent}
    header.left_out.update({why: count for why, count in counts.items() if count})


def _annotated(cells: Sequence[str], header: Header, *, label: str) -> Iterator[tuple[int, str, str | None, str | None]]:
    """Yield (number of the alternative, gene, protein change or None, transcript) of a line, one a gene and alternative."""
    info = next((part[len(header.key) + 1 :] for part in cells[7].split(";") if part.startswith(header.key + "=")), "")
    entries = [dict(zip(header.fields, entry.split("|"), strict=False)) for entry in info.split(",") if entry]
    entries = [entry for entry in entries if entry.get("SYMBOL") in _WANTED]
    alternatives = cells[4].split(",")
    for gene in dict.fromkeys(entry["SYMBOL"] for entry in entries):
        own = [entry for entry in entries if entry["SYMBOL"] == gene]
        for index, bases in enumerate(alternatives, start=1):
            of_it = [entry for entry in own if _is_of(entry, bases, index, len(alternatives))]
            chosen = _chosen(of_it, gene, label)
            if chosen is not None:
                yield index, gene, _change(chosen), chosen.get("Feature") if gene == GENE else None


def _is_of(entry: Mapping[str, str], bases: str, index: int, count: int) -> bool:
    """Return whether an annotation is of this alternative; VEP leaves out the base that all share, and writes - for none."""
    if count == 1:
        return True
    if entry.get("ALLELE_NUM"):
        return entry["ALLELE_NUM"] == str(index)
    return entry["Allele"] in (bases, bases[1:] or "-")


def _chosen(entries: Sequence[Mapping[str, str]], gene: str, label: str) -> Mapping[str, str] | None:
    """Return the annotation used: of ALK on its transcript; of another gene on the canonical one, else the first with a protein change."""
    if not entries:
        return None
    if gene == GENE:
        own = next((entry for entry in entries if is_transcript(entry.get("Feature", ""))), None)
        if own is None and any(_change(entry) for entry in entries):
            names = listed(dict.fromkeys(entry.get("Feature", "?") for entry in entries))
            message = (
                f"{label}: ALK is annotated on {names} only, and its residues are numbered here by {TRANSCRIPTS[0]} ({TRANSCRIPTS[1]}). "
                "Annotate on that transcript."
            )
            raise TableError(message)
        return own
    marked = [entry for entry in entries if entry.get("MANE_SELECT") or entry.get("CANONICAL") == "YES"]
    return next((entry for entry in [*marked, *entries] if _change(entry)), entries[0])


def _change(entry: Mapping[str, str]) -> str | None:
    """Return the protein change without its transcript, as text without web escapes; None where there is none or it is silent."""
    written = unquote(entry.get("HGVSp", "")).rpartition(":")[2]
    silent = "synonymous" in entry.get("Consequence", "") or written.endswith("=")
    return None if not written or silent else written


def _of_samples(
    cells: Sequence[str], alt: int, named: tuple[str, str, str | None], header: Header, *, number: int, sample: str
) -> Iterator[tuple[Any, ...]]:
    gene, text, transcript = named
    bases = ":".join((cells[0], cells[1], cells[3], cells[4].split(",")[alt - 1]))
    keys = cells[8].split(":") if len(cells) > 8 else []
    for name, cell in zip(header.samples or (sample,), cells[9:] or ("",), strict=False):
        values = dict(zip(keys, cell.split(":"), strict=False))
        count, depth, fraction = _reads(values, alt)
        absent = count == 0 if count is not None else "GT" in values and not _CALLED.search(values["GT"])
        if not absent:
            made = {
                "sample": name, "gene": gene, "text": text, "transcript": transcript, "vaf": fraction, "alt_count": count,
                "depth": depth, "allele": bases, "position": int(cells[1]), "at": number,
            }  # fmt: skip
            yield tuple(made.get(column) for column in RAW)


def _reads(values: Mapping[str, str], alt: int) -> tuple[int | None, int | None, float | None]:
    """Return reads with the alternative, reads in all, and their fraction, as far as FORMAT has them (AD, DP, AF)."""
    counts = [int(part) if part.isdigit() else None for part in values.get("AD", "").split(",")]
    count = counts[alt] if len(counts) > alt else None
    depth = int(values["DP"]) if values.get("DP", "").isdigit() else None
    held = [one for one in counts if one is not None]
    if count is not None and (depth is None or depth < count):
        depth = sum(held)
    parts = values.get("AF", "").split(",")
    stated = float(parts[alt - 1]) if len(parts) >= alt and re.fullmatch(r"[\d.eE+-]+", parts[alt - 1]) else None
    fraction = count / depth if count is not None and depth else stated
    return count, depth if count is not None else None, fraction
