"""Coverage of published compounds, for calls that are given none: the one place that knows both exposure and resistance."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

SERUM_FRACTION: Final = 0.1
"""Of the medium of published potencies, where an exposure of one's own is given: cells are kept in 10 % serum."""

COLUMNS: Final = {
    **dict.fromkeys(("compound", "variant", "site"), pl.String),
    **dict.fromkeys(("coverage_average", "lower", "upper"), pl.Float64),
}


def published_coverage(compounds: Sequence[str], variants: Sequence[str], exposure: Any) -> pl.DataFrame:
    """Return coverage from published pharmacokinetics and potencies, as `bs.resistance.call` takes it.

    Parameters
    ----------
    compounds, variants
        Names; a compound without pharmacokinetics has no row.
    exposure
        None: a patient drawn at random. Free exposures of your own (one or several): the interval is then that of the potency.

    Returns
    -------
    polars.DataFrame
        `compound, variant, site, coverage_average, lower, upper` and what else the coverage says.

    Examples
    --------
    >>> found = published_coverage(["alectinib"], ["WT"], None)
    >>> sorted(found["site"].unique())
    ['cns', 'plasma']
    """
    from benchside.core.errors import NoEvidenceError  # noqa: PLC0415  asked for by one call; `import benchside` stays light
    from benchside.core.exchange import Exposure  # noqa: PLC0415
    from benchside.stages.pharmacology.coverage import coverage  # noqa: PLC0415
    from benchside.stages.pharmacology.coverage_draws import coverage_of  # noqa: PLC0415
    from benchside.stages.pharmacology.potencies import as_potency, published_potencies  # noqa: PLC0415

    if exposure is not None:
        exposures = [exposure] if isinstance(exposure, Exposure) else list(exposure)
        known = as_potency(published_potencies(compounds, variants))
        return coverage(known, exposures, serum_fraction=SERUM_FRACTION).table
    parts = []
    for name in compounds:
        try:
            parts.append(coverage_of(name, variants=list(variants)).table)
        except NoEvidenceError:
            continue
    return pl.concat(parts) if parts else pl.DataFrame(schema=COLUMNS)
