"""MaxCombo: the strongest of several weighted log-rank tests, for hazards whose ratio may change with time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import numpy as np
import polars as pl

from benchside.core.errors import SettingError, listed
from benchside.core.evidence import Origin, Quantity
from benchside.kernels import max_combo as kernel
from benchside.kernels.weighted_log_rank import weighted_log_rank_sums
from benchside.stages.clinical.analyse.log_rank import FlemingHarrington, ranked
from benchside.stages.clinical.model import ClinicalAnswer, event_table, null_if_nan, require_control, settings_of

METHOD, VERSION = "clinical.max_combo", "1"
COLUMNS: Final = {
    "weights": pl.String, "rho": pl.Float64, "gamma": pl.Float64, "z": pl.Float64, "p": pl.Float64, "n": pl.Int64,
    "events": pl.Int64, "stratified_by": pl.String, "status": pl.String,
}  # fmt: skip
MAX_COMBO: Final = "MaxCombo"
USUAL: Final = tuple(FlemingHarrington(rho, gamma) for rho, gamma in ((0, 0), (1, 0), (0, 1), (1, 1)))


@dataclass(frozen=True)
class MaxCombo(ClinicalAnswer):
    """One row a weight, and `MaxCombo` last: `weights, rho, gamma, z, p, n, events, stratified_by, status`.

    z is below 0 where the treated arm has fewer events than expected; that of MaxCombo is the one farthest from 0.
    """

    KEY: ClassVar[tuple[str, ...]] = ("weights",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("weighted_log_rank_z", value="z", unit="", n="n"),
        Quantity("weighted_log_rank_p", value="p", unit="", n="n"),
    )

    @property
    def p(self) -> float | None:
        """Two-sided p of the combination, adjusted for having looked at every weight; None where not estimable."""
        return cast("float | None", self.table["p"][-1])


def max_combo(ev: Any, *, weights: Sequence[FlemingHarrington] = USUAL) -> MaxCombo:
    """Test whether two arms have the same hazard by the strongest of several weighted log-rank tests.

    Parameters
    ----------
    ev
        An `EventTable` of two arms, its control named; stratified where it has strata.
    weights
        By default Fleming-Harrington (0, 0), (1, 0), (0, 1) and (1, 1).

    Raises
    ------
    SettingError
        When there are not two arms, no control, or a weight stands twice.

    Notes
    -----
    p is the probability that the largest absolute value of normals with the correlations of the tests exceeds the one found.

    References
    ----------
    Lin et al. 2020, doi:10.1080/19466315.2019.1697738.

    Examples
    --------
    >>> import polars as pl
    >>> from benchside.core.exchange import EventTable
    >>> df = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1] * 6, "arm": ["a", "a", "b", "a", "b", "b"]})
    >>> max_combo(EventTable.from_frame(df, time_unit="months", control="a")).table["z"].round(2).to_list()
    [-1.6, -1.57, -1.21, -1.17, -1.6]
    """
    events = event_table(ev)
    require_control(events, "MaxCombo")
    if len(events.arms) > 2:
        message = f"MaxCombo compares two arms, and the event table has {listed(events.arms)}. Keep the rows of two of them."
        raise SettingError(message)
    if not weights or len(set(weights)) < len(weights):
        message = "MaxCombo needs one weight or more, each once. Leave weights out for the usual four."
        raise SettingError(message)
    rows = ranked(events)
    rho, gamma = np.array([weight.rho for weight in weights], float), np.array([weight.gamma for weight in weights], float)
    observed, expected, covariance = weighted_log_rank_sums(*rows.arrays, 2, rho, gamma)
    excess, spread = (observed - expected)[:, 1], covariance[:, :, 1, 1]
    variance = np.diag(spread)
    told = variance > 1e-12 * max(float(variance.max()), 1e-300)
    z = np.where(told, excess / np.sqrt(np.where(told, variance, 1.0)), math.nan)
    none = "Not estimable: no event of this weight happened while both arms were at risk."
    table = [
        [weight.words, weight.rho, weight.gamma, null_if_nan(value), _two_sided(value), "ok" if known else none]
        for weight, value, known in zip(weights, z.tolist(), told, strict=True)
    ]
    table.append([MAX_COMBO, None, None, *_combined(z[told], spread[np.ix_(told, told)])])
    stratified = ", ".join(events.strata)
    frame = pl.DataFrame([[*row[:5], rows.n, rows.events, stratified, row[5]] for row in table], schema=COLUMNS, orient="row")
    settings = settings_of(events, weights=[weight.words for weight in weights])
    return MaxCombo(frame, Origin(METHOD, VERSION, settings, (events.table,)), left_out=rows.left_out)


def _combined(z: "np.ndarray[Any, np.dtype[np.float64]]", spread: "np.ndarray[Any, np.dtype[np.float64]]") -> list[Any]:
    """Return z, p and status of the combination."""
    if not z.size:
        return [None, None, "Not estimable: no event happened while both arms were at risk."]
    scale = np.sqrt(np.diag(spread))
    strongest = float(z[np.abs(z).argmax()])
    return [strongest, kernel.exceeds(spread / np.outer(scale, scale), abs(strongest)), "ok"]


def _two_sided(z: float) -> float | None:
    return null_if_nan(math.erfc(abs(z) / math.sqrt(2)))
