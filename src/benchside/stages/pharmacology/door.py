"""The public `coverage`: of a potency table at given exposures, or of published compounds by name."""

from collections.abc import Sequence
from typing import Any

from benchside.core.errors import SettingError
from benchside.core.exchange import Exposure, Potency, Site
from benchside.stages.pharmacology.coverage import Coverage
from benchside.stages.pharmacology.coverage import coverage as typical_coverage
from benchside.stages.pharmacology.coverage_draws import coverage_draws, coverage_of


def coverage(
    potencies: Potency | str | Sequence[str],
    exposures: Sequence[Exposure] | None = None,
    *,
    variants: Sequence[str] | None = None,
    site: Site | None = None,
    serum_fraction: float | None = None,
    **settings: Any,
) -> Coverage:
    """Return how well free drug covers each variant at each site.

    Parameters
    ----------
    potencies
        A potency table, or the name of one or several published compounds.
    exposures
        With a potency table: typical free exposures, whose coverage then carries the interval of the IC50 alone (see
        `coverage.coverage`). None: exposures are drawn, and the interval carries everything that is not known (`coverage_draws`).
    variants
        With names: ``WT`` and mutations; None: ``WT``.
    site
        ``plasma`` or ``cns``; None: both.
    serum_fraction
        Serum in the medium where a potency row has none.
    settings
        Of `coverage_draws`: ``regimens, hill, metabolites, fed, draws, seed, level``.

    Returns
    -------
    Coverage
        One row a compound, variant and site.

    Raises
    ------
    SettingError
        When settings of the one kind come with arguments of the other.

    Examples
    --------
    >>> found = coverage("alectinib", variants=["WT", "G1202R"], site="cns").table
    >>> found["coverage_average"][0] > found["coverage_average"][1]
    True
    """
    sites: Sequence[Site] = ("plasma", "cns") if site is None else (site,)
    if isinstance(potencies, Potency) and exposures is not None:
        if variants is not None or site is not None or settings:
            message = (
                "with a potency table and exposures, variants and sites are those of the tables. Leave out the other settings."
            )
            raise SettingError(message)
        return typical_coverage(potencies, exposures, serum_fraction=serum_fraction)
    if isinstance(potencies, Potency):
        if variants is not None:
            message = "a potency table names its variants itself. Leave out variants, or filter the table."
            raise SettingError(message)
        return coverage_draws(potencies, sites=sites, serum_fraction=serum_fraction, **settings)
    if exposures is not None:
        message = "exposures belong to a potency table; for a compound by name they are drawn from its regimen. Leave them out."
        raise SettingError(message)
    return coverage_of(
        potencies, variants=["WT"] if variants is None else variants, sites=sites, serum_fraction=serum_fraction, **settings
    )
