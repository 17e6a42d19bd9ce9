"""Tables of coverage for tests, as bs.pharmacology.coverage gives them."""

import polars as pl

COLUMNS = ("compound", "variant", "site", "coverage_average", "lower", "upper", "coverage_minimum")


def coverage(*rows, **further):
    """rows: (compound, variant, site, average, lower, upper, minimum)."""
    kinds = [pl.String] * 3 + [pl.Float64] * 4
    table = pl.DataFrame(list(rows), schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row")
    return table.with_columns(pl.lit(value).alias(name) for name, value in further.items())


def both_sites(compound, variant, average, lower, upper, *, brain=1.0):
    return [
        (compound, variant, site, average * share, lower * share, upper * share, average * share * 0.9)
        for site, share in (("plasma", 1.0), ("cns", brain))
    ]
