"""Concentrations of a population at steady state: the table `read` returns."""

import polars as pl

from benchside.stages.pharmacology.exposure import exposure
from benchside.stages.pharmacology.model import ConcentrationTable


def simulate(compound: str, *, dose_mg: float, every_h: float, n: int, seed: int) -> ConcentrationTable:
    """Return total plasma concentrations of `n` patients over one dosing interval, lognormal in clearance.

    Parameters
    ----------
    compound, dose_mg, every_h
        The regimen, as in `exposure`.
    n
        Patients; > 0.
    seed
        Patient k of a seed is the same whatever `n` is.

    Examples
    --------
    >>> simulate("crizotinib", dose_mg=250, every_h=12, n=3, seed=1).table["subject"].n_unique()
    3
    """
    drawn = exposure(compound, dose_mg=dose_mg, every_h=every_h, matrix="total", n=n, seed=seed)
    return ConcentrationTable(drawn.table.select("subject", pl.col("time_h"), pl.col("concentration_nM")))
