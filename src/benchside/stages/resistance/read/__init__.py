"""Readers of variants: tables, MAF, VCF and lists, and the one way in."""

from benchside.stages.resistance.read.door import read_variants, recognise

__all__ = ["read_variants", "recognise"]
