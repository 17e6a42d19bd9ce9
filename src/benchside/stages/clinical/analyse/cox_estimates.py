"""Coefficients with their standard errors, limits and tests, by the partial likelihood or Firth's, model-based or robust."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import SettingError
from benchside.kernels.cox import CoxFit, fit_in_order, standardised
from benchside.kernels.cox_events import clustered_covariance, score_residuals
from benchside.kernels.firth import FirthFit, firth_fit
from benchside.stages.clinical.analyse.design import Design
from benchside.stages.clinical.model import null_if_nan

Floats = npt.NDArray[np.float64]

TESTS: Final = {"test": pl.String, "chi2": pl.Float64, "df": pl.Int64, "p": pl.Float64}
FEWEST_CLUSTERS: Final = 2
VANISHED: Final = 1e-8
"""A robust standard error below this share of the model's is rounding."""


@dataclass(frozen=True)
class Estimate:
    """Estimates of every term: each (terms,), nan where there is none."""

    fit: CoxFit
    coefficient: Floats
    se: Floats
    se_model: Floats
    lower: Floats
    upper: Floats
    p: Floats
    covariance: Floats
    tests: pl.DataFrame
    variance: str
    """What the standard errors are from: ``model``, ``robust`` or ``clustered by`` a column."""

    estimator: str
    log_likelihood: float
    null_log_likelihood: float

    @property
    def penalised(self) -> bool:
        """Whether Firth's penalty was used."""
        return self.estimator != "partial likelihood"

    def status(self, k: int) -> str:
        """Return what is missing of a term that has an estimate."""
        if not np.isfinite(self.coefficient[k]):
            return "Not estimable: the term does not vary among those at risk, or is a combination of the terms before it."
        if not np.isfinite(self.se[k]):
            return "No robust standard error: every score residual is 0, or another term has no finite estimate."
        ends = (("lower", self.lower[k]), ("upper", self.upper[k]))
        absent = [side for side, end in ends if not abs(end) < 700]  # e to it is no number beyond
        return f"The {' and the '.join(absent)} limit has no finite value." if absent else "ok"


def estimate(
    design: Design, *, efron: bool, z: float, penalty: str | None = None, robust: bool = False, cluster: str | None = None
) -> Estimate:
    """Fit a design and return its estimates.

    Raises
    ------
    SettingError
        When a robust variance is asked of a penalised fit, or of a single cluster.
    """
    fit = fit_in_order(design.x, design.order, efron=efron)
    is_robust = robust or cluster is not None
    if penalty == "firth" or (penalty == "if needed" and bool(fit.infinite.any())):
        if is_robust:
            message = (
                "a robust variance is not defined for Firth's penalised likelihood. Leave out robust and cluster, or penalty."
            )
            raise SettingError(message)
        return _penalised(fit, firth_fit(design.x, design.order, ~fit.aliased, z, efron=efron))
    variance, covariance = "model", fit.covariance
    if is_robust:
        variance = "robust" if cluster is None else f"clustered by {cluster}"
        covariance = _sandwich(design, fit, cluster, efron=efron)
    se, se_model = np.sqrt(np.diag(covariance)), np.sqrt(np.diag(fit.covariance))
    se = np.where(se > VANISHED * se_model, se, np.nan)  # in a few subjects every score residual may be 0
    half = z * se
    return Estimate(
        fit,
        fit.coefficient,
        se,
        se_model,
        fit.coefficient - half,
        fit.coefficient + half,
        _normal_p(np.abs(fit.coefficient) / se),
        covariance,
        _tests(fit, covariance, variance),
        variance,
        "partial likelihood",
        fit.log_likelihood,
        fit.null_log_likelihood,
    )


def _penalised(fit: CoxFit, firth: FirthFit) -> Estimate:
    se = np.sqrt(np.diag(firth.covariance))
    df = int((~firth.aliased).sum())
    tests = [_test("likelihood ratio (penalised)", 2.0 * (firth.log_likelihood - firth.null_log_likelihood), df)]
    return Estimate(
        fit,
        firth.coefficient,
        se,
        se,
        firth.lower,
        firth.upper,
        _normal_p(np.sqrt(firth.chi2)),
        firth.covariance,
        pl.DataFrame(tests, schema=TESTS),
        "model",
        "Firth's penalised likelihood: profile limits, likelihood ratio p",
        firth.log_likelihood,
        firth.null_log_likelihood,
    )


def _sandwich(design: Design, fit: CoxFit, cluster: str | None, *, efron: bool) -> Floats:
    """Return the robust covariance, nan throughout where a term runs to infinity."""
    found = np.full_like(fit.covariance, np.nan)
    kept = ~fit.aliased
    if fit.infinite.any() or not kept.any():
        return found
    scaled, spread, _ = standardised(design.x, design.order)
    beta = fit.coefficient[kept] * spread[kept]
    inverse = fit.covariance[np.ix_(kept, kept)] * np.outer(spread[kept], spread[kept])
    influence = score_residuals(np.ascontiguousarray(scaled[:, kept]), design.order, beta, efron=efron) @ inverse
    together = None if cluster is None else design.table[cluster].rank("dense").cast(pl.Int64).to_numpy()
    if together is not None and int(together.max()) < FEWEST_CLUSTERS:
        message = f"cluster {cluster} has one value, and a robust variance needs several. Name the column of the subject."
        raise SettingError(message)
    covariance = clustered_covariance(influence, together) / np.outer(spread[kept], spread[kept])
    found[np.ix_(kept, kept)] = covariance
    return found


def _tests(fit: CoxFit, covariance: Floats, variance: str) -> pl.DataFrame:
    """Return the three tests; a robust variance changes Wald's only."""
    told = ~fit.aliased
    wald = math.nan
    part = covariance[np.ix_(told, told)]
    if fit.df and not fit.infinite.any() and np.isfinite(part).all() and np.linalg.matrix_rank(part, hermitian=True) == fit.df:
        scale = np.sqrt(np.diag(part))  # covariates of very different units leave the matrix ill conditioned
        z = fit.coefficient[told] / scale
        wald = float(z @ np.linalg.solve(part / np.outer(scale, scale), z))
    ratio = 2.0 * (fit.log_likelihood - fit.null_log_likelihood)
    name = "Wald" if variance == "model" else f"Wald ({variance})"
    rows = [_test("likelihood ratio", ratio, fit.df), _test(name, wald, fit.df), _test("score", fit.score_chi2, fit.df)]
    return pl.DataFrame(rows, schema=TESTS)


def _test(name: str, chi2: float, df: int) -> dict[str, Any]:
    return {"test": name, "chi2": null_if_nan(chi2) if df else None, "df": df, "p": chi2_p(chi2, df)}


def chi2_p(chi2: float, df: int) -> float | None:
    """Return the upper tail of chi-square; None where there is no statistic."""
    if not df or not np.isfinite(chi2):
        return None
    from scipy.special import chdtrc  # noqa: PLC0415  a third of a second to import; an unchanged study needs none of it

    return float(chdtrc(df, max(chi2, 0.0)))


def _normal_p(z: Floats) -> Floats:
    return np.array([math.erfc(value / math.sqrt(2)) for value in z])
