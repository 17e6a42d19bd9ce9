"""What was done in vitro, in the words a paper would use: a sentence or more for each step of the assay stage, from its settings."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchside.stages.assay.analyse.curves.estimate import RELATIVE, RELATIVE_FLOOR
from benchside.stages.assay.analyse.curves.replicate_plates import LEAST_PLATES
from benchside.stages.assay.curves import Bootstrap

Say = Callable[[Mapping[str, Any]], str]

_CURVES: Final = {
    "LL3": "Three-parameter log-logistic curves (lower plateau fixed at {bottom:g})",
    "LL4": "Four-parameter log-logistic curves",
    "LL5": "Five-parameter log-logistic curves (asymmetry 0.05 to 20; the EC50 is the dose half-way between the plateaus)",
}
_LOSSES: Final = {
    "squares": "by least squares to the global optimum",
    "tukey": "robustly (Tukey's biweight, 4.685 robust standard deviations) from the global least-squares optimum",
    "lorentzian": "robustly (Lorentzian loss; Motulsky and Brown 2006, doi:10.1186/1471-2105-7-123) from the global least-squares optimum",
}
_INTERVALS: Final = {
    "profile": "by profile likelihood (Bates and Watts 1988, doi:10.1002/9780470316757)",
    "delta": "by the delta method on the log scale",
    "bootstrap": f"by bootstrap of residuals, expanded percentiles of {Bootstrap().n} refits on the log scale (Hesterberg 2015, doi:10.1080/00031305.2015.1089789)",
}
_SHARED: Final = {None: "", "plateaus": " and the same plateaus", "shape": " and the same plateaus and slope"}
_MEASURES: Final = {"ec50": "the ratio of the midpoints", "ic50": "the ratio of the doses of response 0.5"}
_MODELS: Final = {"bliss": "Bliss", "hsa": "HSA", "loewe": "Loewe", "zip": "ZIP"}
BOX: Final = "slope within ±50, plateaus within ±10, midpoint within four decades of the tested doses"


def weights_words(weights: str | None) -> str:
    """Return how points were weighted, in words that follow the loss."""
    if weights is None:
        return ""
    if weights == RELATIVE:
        return f", noise taken in proportion to the response (weights 1 / curve², the curve no lower than {RELATIVE_FLOOR:.0%} of its highest value)"
    return f", weighted by the column {weights}"


def fit_words(settings: Mapping[str, Any]) -> str:
    """Return how curves were fitted and where their limits come from."""
    family = _CURVES[settings["curve"]].format(bottom=settings["bottom"])
    plates = (
        f"where a curve stands on {LEAST_PLATES} plates or more the plate is the unit of replication and the limits are those of a jackknife over plates "
        "(t with plates less one degrees of freedom; Cameron and Miller 2015, doi:10.3368/jhr.50.2.317)"
        if settings["plates"] == "random"
        else "replicate plates are pooled, all wells taken as independent"
    )
    return (
        f"{family} (Ritz et al. 2015, doi:10.1371/journal.pone.0146021) were fitted {_LOSSES[settings['loss']]} ({BOX}){weights_words(settings['weights'])}. "
        f"Limits of {settings['level']:.0%} are {_INTERVALS[settings['interval']]}; {plates}. The IC50 is the dose at which the curve takes the response 0.5; "
        "beyond the tested doses it is reported as a bound."
    )


def quality_words(settings: Mapping[str, Any]) -> str:
    """Return what plates were judged by."""
    return (
        "Plates were judged before fitting by Z' (Zhang 1999, doi:10.1177/108705719900400206), its robust form, SSMD (Zhang 2007, doi:10.1016/j.ygeno.2007.01.005) "
        f"and the signal window (Sittampalam 1997, doi:10.1177/108705719700200306), vehicle against {settings['against']} wells, and for edge effects, drift and "
        "exchanged columns or rows; no plate was removed."
    )


def outlier_words(settings: Mapping[str, Any]) -> str:
    """Return how points that stand out were found."""
    return (
        f"Responses that stand out from a robust {settings['curve']} curve were flagged at a false discovery rate of {settings['fdr']:.0%} "
        "(after ROUT; Motulsky and Brown 2006, doi:10.1186/1471-2105-7-123), and kept."
    )


def ratio_words(settings: Mapping[str, Any]) -> str:
    """Return how fold shifts were taken."""
    return (
        f"Fold shifts against {settings['reference']} of the same compound, kinase and system are {_MEASURES[settings['measure']]} of two four-parameter curves "
        f"fitted together with one residual variance{_SHARED[settings['shared']]}; {settings['level']:.0%} limits by profile likelihood of ln fold, and an F test of "
        "fold = 1 by the extra sum of squares."
    )


def ki_words(settings: Mapping[str, Any]) -> str:
    """Return how inhibition constants follow from IC50s."""
    mixed = f" with alpha {settings['alpha']:g}" if settings["alpha"] is not None else ""
    tight = (
        "half the enzyme taken off first where an IC50 is below ten times the enzyme (Henderson 1972, doi:10.1042/bj1270321)"
        if settings["enzyme_nM"] is not None
        else "binding taken not to be tight, since the enzyme concentration was not given"
    )
    error = (
        "; the standard error of Km is in the limits (Zou and Donner 2008, doi:10.1002/sim.3095)" if settings["km_se_uM"] else ""
    )
    return (
        f"Inhibition constants follow from IC50s for {settings['mode']} inhibition{mixed} (Cheng and Prusoff 1973, doi:10.1016/0006-2952(73)90196-2) at "
        f"{'the ATP of the wells' if settings['atp_uM'] is None else 'the ATP of the wells, else ' + _each(settings['atp_uM']) + ' µM,'} and a Km of {_each(settings['km_uM'])} µM, {tight}{error}."
    )


def _each(value: float | Mapping[str, float]) -> str:
    """Return one number, or the number of each variant."""
    if isinstance(value, Mapping):
        return ", ".join(f"{number:g} ({variant})" for variant, number in value.items())
    return f"{value:g}"


def mode_words(settings: Mapping[str, Any]) -> str:
    """Return how the mode of inhibition was told."""
    return (
        "Competitive, non-competitive, uncompetitive and mixed inhibition were fitted to the whole grid of inhibitor and ATP; the simple law with the least AICc "
        "(Hurvich and Tsai 1989, doi:10.1093/biomet/76.2.297) is preferred, the mixed one where an F test against it gives p < 0.01; "
        f"{settings['level']:.0%} limits by profile likelihood."
    )


def window_words(settings: Mapping[str, Any]) -> str:
    """Return what a window is."""
    return (
        f"The target window is the IC50 on parental cells ({settings['parental']}) over that on cells that live on the kinase, its limits joined from those of both on "
        f"the log scale (Zou and Donner 2008, doi:10.1002/sim.3095); below {settings['least']:g}-fold an effect is called off target."
    )


def selectivity_words(settings: Mapping[str, Any]) -> str:
    """Return how selectivity was scored."""
    return (
        f"Selectivity over the kinases tested ({settings['reference']} only) is the S-score at {settings['threshold_nM']:g} nM (Karaman et al. 2008, doi:10.1038/nbt1358), the Gini coefficient "
        "(Graczyk 2007, doi:10.1021/jm070562u) and the selectivity entropy (Uitdehaag and Zaman 2011, doi:10.1186/1471-2105-12-94), from IC50s."
    )


def growth_words(settings: Mapping[str, Any]) -> str:
    """Return how growth-rate inhibition was computed."""
    blank = "signals less the blank" if settings["background"] == "subtract" else "signals as read"
    return (
        f"Growth-rate inhibition compares the wells with the plates read when the drug was added ({blank}): GR = 2^(log2(x/x0) / log2(control/x0)) - 1, curves with "
        "GR = 1 without drug (Hafner et al. 2016, doi:10.1038/nmeth.3853)."
    )


def combination_words(settings: Mapping[str, Any]) -> str:
    """Return how combinations were scored."""
    return (
        "Combinations were compared with four null models, Bliss, HSA, Loewe and ZIP (Yadav et al. 2015, doi:10.1016/j.csbj.2015.09.001), cell by cell; scores are mean "
        f"excesses in percentage points of the vehicle with 95 % limits from {settings['n']} resamplings of replicate wells (seed {settings['seed']}), the verdict "
        f"by {_MODELS[settings['reference']]}."
    )


ASSAY_SENTENCES: Final[Mapping[str, Say]] = {
    "assay.read": lambda _: "Plates were read with the reference of every signal and dose cell kept.",
    "assay.read_responses": lambda _: "Responses were read as normalised by the user, the reference of every row kept.",
    "assay.read_courses": lambda _: "Time courses were read with their layout, the reference of every count kept.",
    "assay.quality": quality_words,
    "assay.normalise": lambda _: "Signals were expressed plate by plate as a fraction of the window between the mean of the blank (or positive control) wells and the mean of the vehicle wells, untrimmed; a plate with several ATP levels level by level.",
    "assay.fit": fit_words,
    "assay.outliers": outlier_words,
    "assay.potency_ratio": ratio_words,
    "assay.ki": ki_words,
    "assay.mode_of_inhibition": mode_words,
    "assay.target_window": window_words,
    "assay.selectivity": selectivity_words,
    "assay.growth_rate_inhibition": growth_words,
    "assay.combination": combination_words,
    "assay.dip_rates": lambda _: "Drug-induced proliferation rates are slopes of log2 cells over the stable part of each time course, and their dose-response is fitted as a fraction of the control's rate (Harris et al. 2016, doi:10.1038/nmeth.3852).",
}  # fmt: skip
"""Verb -> what it did, from the settings the ledger holds."""
