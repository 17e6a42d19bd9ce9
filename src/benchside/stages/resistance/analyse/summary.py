"""What a table of variants says as it stands: the spectrum of its patients, and the growth of clones that were followed."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from benchside.core.evidence import Evidence
from benchside.stages.resistance.analyse.clone_growth import CloneGrowth, clone_growth, serial
from benchside.stages.resistance.analyse.spectrum import Spectrum, cohort
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.notice import NOTICE
from benchside.stages.resistance.read import read_variants


@dataclass(frozen=True)
class Summary:
    """The spectrum of a cohort, and the growth of its clones where there are times."""

    spectrum: Spectrum
    growth: CloneGrowth | None
    notice: str = NOTICE

    @property
    def table(self) -> pl.DataFrame:
        """The spectrum's table: every cohort has one."""
        return self.spectrum.table

    @property
    def evidence(self) -> list[Evidence]:
        """Every number of both."""
        return [*self.spectrum.evidence, *(self.growth.evidence if self.growth else [])]


def analyse(variants: Any) -> Summary:
    """Return the spectrum of the patients of a table of variants, and the growth of clones that were followed over time.

    Parameters
    ----------
    variants
        What `read_variants` takes.

    Examples
    --------
    >>> df = pl.DataFrame({"patient": ["a", "b"], "variant": ["G1202R", "WT"]})
    >>> found = analyse(df)
    >>> found.table["mechanism"].to_list(), found.growth is None
    (['any ALK mutation', 'G1202R', 'none found'], True)
    """
    held: VariantTable = read_variants(variants)
    rows = serial(held.table)
    growth = None if rows.is_empty() else clone_growth(VariantTable(rows, label=held.label))
    return Summary(cohort(held), growth)
