"""Which law of inhibition a grid prefers: information criteria, the F tests between laws that hold each other, and what is told apart."""

from typing import Final

import numpy as np

from benchside.stages.assay.analyse.enzymes.rate_laws import MODELS, Grid, LawFit
from benchside.stages.assay.arrays import FloatArray

NESTED_P: Final = 0.01
"""A law that holds another is named instead of it only where an F test gives less than this. The mixed law holds the three
simple ones; as a fraction the competitive and the uncompetitive hold the non-competitive, at a Km beyond all ATP."""

TOLD: Final = 0.9
"""A simple law is told from the other two where it has this share of their Akaike weight."""


def aicc(rss: float, n: int, fitted: int) -> float:
    """Return the corrected information criterion of a least-squares fit; the variance counts as a parameter."""
    k = fitted + 1
    return float(n * np.log(max(rss, 1e-300) / n) + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1e-9))


def akaike(scores: FloatArray) -> FloatArray:
    """Return the Akaike weight of every score."""
    share = np.exp(-(scores - scores.min()) / 2)
    return np.asarray(share / share.sum())


def nested_p(simple: LawFit, wide: LawFit, n: int) -> float:
    """Return the p of the F test of a law against one that holds it."""
    from scipy.special import fdtrc  # noqa: PLC0415  a third of a second to import

    more, df = len(wide.names) - len(simple.names), n - len(wide.names)
    f = max(simple.rss - wide.rss, 0.0) / more / max(wide.rss / df, 1e-300)
    return float(fdtrc(more, df, f))


def choose(fits: list[LawFit], scores: FloatArray, grid: Grid) -> tuple[int, float]:
    """Return the number of the preferred law, and the p of the F test of the mixed law against the best simple one."""
    n, simple = len(grid.rate), int(np.argmin(scores[:3]))
    non = MODELS.index("non-competitive")
    if grid.kind == "fraction" and simple != non and nested_p(fits[non], fits[simple], n) >= NESTED_P:
        simple = non
    p = nested_p(fits[simple], fits[3], n)
    return (3 if p < NESTED_P else simple), p


def is_told(chosen: int, scores: FloatArray, found: list[dict[str, float]], grid: Grid, km_uM: float | None) -> bool:
    """Return whether the data tell the preferred simple law from the other two.

    As a fraction, the non-competitive law is told where a competitive inhibitor would need a Km above the known one, and an
    uncompetitive one a Km below it; where none is known, ten times above or below all ATP.
    """
    if grid.kind == "fraction" and MODELS[chosen] == "non-competitive":
        competitive, uncompetitive = found[0]["km_lower_uM"], found[2]["km_upper_uM"]
        most, least = (10 * grid.atp_uM.max(), grid.atp_uM.min() / 10) if km_uM is None else (km_uM, km_uM)
        return bool(competitive > most and uncompetitive < least)
    return bool(akaike(scores[:3])[chosen] >= TOLD)
