"""Cohorts of patients at progression, with the allele fractions of their clones over time: the table `read_variants` returns."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.core.seeds import patient_rng
from benchside.stages.resistance.model import VariantTable
from benchside.stages.resistance.names import Named, named

FREQUENCIES: Final[Mapping[str, float]] = {"G1202R": 0.29, "I1171T": 0.12, "V1180L": 0.06, "MET amplification": 0.12}
"""A cohort for examples; the frequencies of a real one come from `spectrum`, with their denominators."""

TIMES_DAYS: Final = (0.0, 28.0, 56.0, 84.0, 112.0, 140.0)
_COLUMNS: Final = ("sample", "patient", "gene", "variant", "kind", "bypass", "vaf", "alt_count", "depth", "detection_limit", "time_days", "drug", "prior", "checked", "written", "status")  # fmt: skip


def simulate(
    *,
    n: int,
    seed: int,
    frequencies: Mapping[str, float] | None = None,
    growth_per_day: float = 0.02,
    growth_sd: float = 0.0,
    first_vaf: float = 0.004,
    sd_log_vaf: float = 0.3,
    depth: int | None = 10_000,
    detection_limit: float = 0.0005,
    times_days: Sequence[float] = TIMES_DAYS,
    drug: str = "alectinib",
    prior: str = "none",
) -> VariantTable:
    """Return patients with at most one mechanism each, its allele fraction measured over time.

    Parameters
    ----------
    n
        Patients; > 0.
    seed
        Patient k of a seed is the same whatever `n` is.
    frequencies
        Mechanism -> share of patients; together at most 1. The others have none, and a row that says so.
    growth_per_day, growth_sd
        Growth rate of a clone's fraction, and its standard deviation between clones.
    first_vaf
        Its median fraction at time 0.
    sd_log_vaf
        Standard deviation of ln VAF between samples, beyond counting.
    depth
        Reads a sample, drawn binomially; None: fractions without counting.
    detection_limit
        Fractions below it are not found.
    times_days
        Days of the samples.
    drug, prior
        Of every patient.

    Returns
    -------
    VariantTable
        One row a sample; what is below the limit has vaf 0.

    Raises
    ------
    SettingError
        When a number is out of range.

    Examples
    --------
    >>> made = simulate(n=3, seed=1, frequencies={"G1202R": 1.0})
    >>> made.table["variant"].unique().to_list(), made.table.height
    (['G1202R'], 18)
    """
    chosen = dict(FREQUENCIES if frequencies is None else frequencies)
    shares, total = list(chosen.values()), sum(chosen.values())
    _check((
        (n > 0, f"n is {n} and must be above 0"),
        (min(shares, default=0) >= 0 and total <= 1 + 1e-9, f"the frequencies sum to {total:g} and must be shares that sum to at most 1"),
        (growth_sd >= 0 and sd_log_vaf >= 0, "growth_sd and sd_log_vaf must be 0 or more"),
        (0 < first_vaf < 1 and 0 <= detection_limit < 1, "first_vaf must lie between 0 and 1, and detection_limit from 0 to below 1"),
        (depth is None or depth > 0, f"depth is {depth} and must be above 0"),
    ))  # fmt: skip
    known = {name: named(name)[0] for name in chosen}
    edges = np.cumsum(list(chosen.values()))
    times = np.asarray(times_days, dtype=np.float64)
    rows: list[tuple[Any, ...]] = []
    for k in range(n):
        rng = patient_rng(seed, k)
        place = int(np.searchsorted(edges, rng.random(), side="right"))
        rate = growth_per_day + growth_sd * rng.standard_normal()
        noise = rng.standard_normal(times.size) * sd_log_vaf
        one = known[list(chosen)[place]] if place < len(chosen) else Named("WT", "wild-type")
        share = np.minimum(np.exp(math.log(first_vaf) + rate * times + noise), 0.95)
        rows += _patient(f"P{k + 1:04d}", one, times, _read(share, depth, detection_limit, rng))
    table = pl.DataFrame(rows, schema={name: VariantTable.SCHEMA[name].dtype for name in _COLUMNS}, orient="row")
    return VariantTable(table.with_columns(drug=pl.lit(drug), prior=pl.lit(prior)), label="simulated variants")


@dataclass(frozen=True)
class _Reads:
    """What an assay saw of one patient: fractions (n_times,), counts where it counts, and how low it sees. Private to this module."""

    share: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64] | None
    depth: int | None
    limit: float


def _read(share: npt.NDArray[np.float64], depth: int | None, limit: float, rng: np.random.Generator) -> _Reads:
    if depth is None:
        return _Reads(share, None, None, limit)
    counts = rng.binomial(depth, share).astype(np.int64)
    return _Reads(counts / depth, counts, depth, limit)


def _patient(patient: str, one: Named, times: npt.NDArray[np.float64], reads: _Reads) -> list[tuple[Any, ...]]:
    bypass = one.bypass.name if one.bypass else None
    rows = []
    for j, time in enumerate(times):
        found = one.kind != "wild-type" and reads.share[j] >= reads.limit
        vaf = None if one.kind == "wild-type" else float(reads.share[j]) if found else 0.0
        count = int(reads.counts[j]) if found and reads.counts is not None else None
        rows.append((
            f"{patient} day {time:g}", patient, one.gene, one.variant, one.kind, bypass, vaf, count, reads.depth, reads.limit, float(time),
            None, None, one.checked, one.variant, one.status,
        ))  # fmt: skip
    return rows


def _check(rules: Sequence[tuple[bool, str]]) -> None:
    """Refuse numbers that no cohort can have."""
    broken = [sentence for holds, sentence in rules if not holds]
    if broken:
        message = f"simulated cohort: {broken[0]}. Correct it."
        raise SettingError(message)
