"""The stage's noun: variants of samples, whoever found them, with their allele fractions over time where they were followed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import polars as pl

from benchside.core.errors import TableError, listed
from benchside.core.tables import FLOAT, INTEGER, TEXT, Column, TypedTable

KINDS: Final = ("wild-type", "on-target", "off-target", "other")


@dataclass(frozen=True)
class VariantTable(TypedTable):
    """Findings, one row a sample, variant and (where the nucleotides are known) allele.

    `left_out` counts the rows of the file that are no finding here, by reason, so that every row is accounted for.
    """

    left_out: Mapping[str, int] = field(default_factory=dict)
    label: str = "variant table"

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "sample": Column(TEXT, "the sample; one name is one sample at one time", required=True),
        "patient": Column(TEXT, "the patient; samples of a patient over time share it"),
        "gene": Column(TEXT, "symbol of the gene; ALK where a row has none"),
        "variant": Column(TEXT, "the change as the facts write it: G1202R, L1196M+G1202R (in cis), MET amplification", required=True),
        "kind": Column(TEXT, "wild-type, on-target, off-target or other"),
        "phase": Column(TEXT, "cis, trans or unknown, of a mutation found beside another"),
        "fusion": Column(TEXT, "the fusion, with its form where known: EML4-ALK V3"),
        "bypass": Column(TEXT, "the bypass that an off-target finding opens"),
        "vaf": Column(FLOAT, "variant allele fraction, 0 to 1; null or 0 below the detection limit"),
        "alt_count": Column(INTEGER, "reads (or molecules) with the variant"),
        "depth": Column(INTEGER, "reads (or molecules) in all"),
        "detection_limit": Column(FLOAT, "smallest allele fraction that the assay calls"),
        "time_days": Column(FLOAT, "days since the start of the series"),
        "drug": Column(TEXT, "the inhibitor at whose progression the sample was taken"),
        "prior": Column(TEXT, "ALK inhibitors before it; 'none' for none"),
        "allele": Column(TEXT, "chromosome, position and bases, where known"),
        "checked": Column(TEXT, "yes, or why the reference residue was not checked"),
        "written": Column(TEXT, "the variant as the file wrote it"),
        "status": Column(TEXT, "ok, or what must be known of the row"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "variant table"
    KIND: ClassVar[str] = "variants"

    @property
    def noun(self) -> str:
        """What messages call the table: its file."""
        return self.label

    def check(self) -> None:
        """Refuse fractions outside 0-1, counts that cannot be, and two samples under one name."""
        self._check_fraction("vaf")
        self._check_fraction("detection_limit")
        self._check_counts()
        self._check_names()

    def _check_fraction(self, column: str) -> None:
        value = self.table[column]
        bad = (~(value.is_finite() & value.is_between(0, 1)).fill_null(value=True)).arg_true().to_list()
        if bad:
            remedy = "Divide percentages by 100." if value[bad[0]] > 1 else "Correct or clear the cell."
            message = (
                f"{self.label}: {column} must be a fraction from 0 to 1; row {listed([row + 1 for row in bad], 3)} holds "
                f"{listed([f'{value[row]:g}' for row in bad], 3)}. {remedy}"
            )
            raise TableError(message)

    def _check_counts(self) -> None:
        alt, depth = pl.col("alt_count"), pl.col("depth")
        bad = self.table.with_row_index("_at").filter((alt < 0) | (depth <= 0) | (alt > depth))
        if bad.height:
            row = bad.row(0, named=True)
            message = (
                f"{self.label}: row {row['_at'] + 1} has {row['alt_count']} reads with the variant of {row['depth']}, and there "
                "must be 0 to all of them. Correct the counts."
            )
            raise TableError(message)

    def _check_names(self) -> None:
        nameless = self.table["sample"].is_null().arg_true().to_list()
        if nameless:
            message = f"{self.label}: row {listed([row + 1 for row in nameless], 3)} has no sample. Fill in its name, or leave the row out."
            raise TableError(message)
        for column, what in (("patient", "patients"), ("time_days", "times")):
            several = (
                self.table.drop_nulls(["sample", column])
                .group_by("sample", maintain_order=True)
                .agg(pl.col(column).unique(maintain_order=True))
                .filter(pl.col(column).list.len() > 1)
            )
            if several.height:
                name, held = several.row(0)
                message = f"{self.label}: two samples are under the name {name!r}, of the {what} {listed(held)}. Give each sample a name of its own."
                raise TableError(message)
        key = ["sample", "gene", "variant", "allele"]
        twice = self.table.with_row_index("_at").filter(
            self.table.select(key).is_duplicated() & (self.table["kind"] != "wild-type")
        )
        if twice.height:
            row = twice.row(0, named=True)
            same = twice.filter(*(pl.col(name).eq_missing(row[name]) for name in key))["_at"]
            message = (
                f"{self.label}: sample {row['sample']!r} has {row['variant']} in rows {listed([at + 1 for at in same])}: two samples "
                "under one name, or one finding twice. Rename one sample, or leave out a row."
            )
            raise TableError(message)
