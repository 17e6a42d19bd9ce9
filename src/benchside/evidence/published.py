"""What was published of a trial's endpoints, analysis by analysis: assessment and data cut-off are part of every value."""

from typing import Final

import polars as pl

from benchside.core.errors import NoEvidenceError, listed, nearest
from benchside.evidence.files import facts

COLUMNS: Final = (
    "arm",
    "population",
    "endpoint",
    "value",
    "unit",
    "lower95",
    "upper95",
    "events",
    "n",
    "assessment",
    "data_cutoff",
    "source_id",
)


def published(
    trial: str, endpoint: str | None = None, *, population: str | None = None, verified_only: bool = True
) -> pl.DataFrame:
    """Return the published results of a trial.

    Parameters
    ----------
    trial
        For example ``"ALEX"``.
    endpoint
        As the fact table calls it, ``"median PFS"``, ``"PFS HR"``, in capitals or not; None: all.
    population
        For example ``"ITT"``; None: all.
    verified_only
        Leave out what is only remembered.

    Returns
    -------
    polars.DataFrame
        `arm, population, endpoint, value` (as printed, NE where not reached)`, unit, lower95, upper95, events, n, assessment,
        data_cutoff, source_id`, by cut-off. Empty for an endpoint that was not published; trials that are predicted have none.

    Raises
    ------
    NoEvidenceError
        When no such trial is among the designs.

    Examples
    --------
    >>> published("ALEX", "PFS HR", population="ITT").select("value", "assessment").row(0)
    ('0.47', 'INV')
    """
    known = facts("trial_designs")["trial"].unique(maintain_order=True).to_list()
    if trial not in known:
        message = (
            f"no trial {trial!r} is among the designs{nearest(trial, known)}; they are {listed(known, 12)}. Name one of them."
        )
        raise NoEvidenceError(message)
    found = facts("clinical_results").filter(pl.col("trial") == trial)
    if verified_only:
        found = found.filter(pl.col("verified") == "yes")
    if endpoint is not None:
        found = found.filter(pl.col("endpoint").str.to_lowercase() == endpoint.lower())
    if population is not None:
        found = found.filter(pl.col("population") == population)
    return found.select(COLUMNS).sort("data_cutoff", maintain_order=True)
