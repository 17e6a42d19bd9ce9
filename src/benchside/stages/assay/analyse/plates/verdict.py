"""The verdict on a plate: pass, marginal or fail, with a sentence for everything that is amiss and for what could not be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from benchside.core.errors import SettingError

VERDICTS: Final = ("pass", "marginal", "fail")


@dataclass(frozen=True)
class QualityRules:
    """The limits a plate is judged by; each names its source, and those without one were chosen here."""

    z_prime_pass: float = 0.5
    """Z' from which an assay is excellent (Zhang 1999, doi:10.1177/108705719900400206)."""

    z_prime_fail: float = 0.0
    """Z' at or below which the three standard deviation bands of the controls meet (Zhang 1999)."""

    cv_most: float = 0.20
    """Largest coefficient of variation of a control (a common limit, remembered from the Assay Guidance Manual,
    NBK83783, and not checked there). A blank may exceed it, as its signal is low, unless its standard deviation is above the vehicle's (F test at `pattern_p`)."""

    signal_window_least: float = 2.0
    """Smallest signal window in vehicle standard deviations, 3 of each control left free (Sittampalam 1997,
    doi:10.1177/108705719700200306; limit of the Assay Guidance Manual)."""

    signal_to_background_least: float = 2.0
    """Smallest vehicle over blank; chosen here."""

    pattern_marginal: float = 0.20
    """Edge effect or drift, relative to the signal, above which it is material (remembered, as for `cv_most`)."""

    pattern_fail: float = 0.40
    """Edge effect or drift above which the plate fails; twice the above, chosen here."""

    pattern_p: float = 0.01
    """An edge effect, drift or wider blank counts only where chance gives one as large with at most this probability; chosen here."""

    excluded_most: float = 0.10
    """Largest share of the used wells that may be excluded; chosen here."""

    def __post_init__(self) -> None:
        if not (self.z_prime_fail <= self.z_prime_pass <= 1 and 0 < self.pattern_marginal <= self.pattern_fail):
            message = (
                f"QualityRules: z_prime_fail ({self.z_prime_fail:g}) may not exceed z_prime_pass ({self.z_prime_pass:g}, at most 1), nor "
                f"pattern_marginal ({self.pattern_marginal:g}, above 0) pattern_fail ({self.pattern_fail:g}). Correct the limits."
            )
            raise SettingError(message)

    def settings(self) -> Mapping[str, float]:
        """Return the limits by name, as evidence records them."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def percent(value: pl.Expr) -> pl.Expr:
    """Return the expression of a fraction as percent in words, to a tenth."""
    return pl.format("{} %", (value * 100).round(1))


@dataclass(frozen=True)
class Finding:
    """One thing that can be amiss."""

    level: str
    where: pl.Expr
    words: pl.Expr


def findings(rules: QualityRules, against: str) -> list[Finding]:
    """Return what is looked for on every plate, worst first."""
    return [
        *_window_findings(rules, against),
        *_swap_findings(),
        *_pattern_findings(rules),
        *_spread_findings(rules),
        *_well_findings(rules),
    ]


def _window_findings(rules: QualityRules, against: str) -> list[Finding]:
    few = (pl.col("n_vehicle") < 2) | (pl.col(f"n_{against}") < 2)
    z, upside_down = pl.col("z_prime"), pl.col("ssmd") <= 0
    remedy = "give more control wells, or name the control that is there with against=."
    return [
        Finding("marginal", few, pl.format(f"{{}} vehicle and {{}} {against} wells do not give a Z'; {remedy}", "n_vehicle", f"n_{against}")),
        Finding("fail", upside_down, pl.lit(f"vehicle does not exceed {against}; check the layout for swapped controls.")),
        Finding(
            "fail", (z <= rules.z_prime_fail) & ~upside_down,
            pl.format(
                f"Z' is {{}} (needs more than {rules.z_prime_fail:g}): the controls overlap within three standard deviations; repeat the plate.",
                z.round(2),
            ),
        ),
        Finding(
            "marginal", (z > rules.z_prime_fail) & (z < rules.z_prime_pass) & ~upside_down,
            pl.format(f"Z' is {{}} ({rules.z_prime_pass:g} is good); add replicates or reduce the spread of the controls.", z.round(2)),
        ),
        Finding(
            "marginal", (pl.col("signal_window") < rules.signal_window_least) & (z > rules.z_prime_fail) & ~upside_down,
            pl.format(
                f"the signal window is {{}} vehicle standard deviations ({rules.signal_window_least:g} are needed); widen it or add replicates.",
                pl.col("signal_window").round(1),
            ),
        ),
        Finding(
            "marginal", (pl.col("signal_to_background") < rules.signal_to_background_least) & (pl.col("signal_to_background") > 0) & ~upside_down,
            pl.format(
                f"vehicle is only {{}} times the blank ({rules.signal_to_background_least:g} are needed); use more enzyme, cells or substrate.",
                pl.col("signal_to_background").round(2),
            ),
        ),
    ]  # fmt: skip


def _swap_findings() -> list[Finding]:
    words = pl.format(
        "{} look exchanged, or one of them misdispensed: swapping them back mends {} of what is out of order; compare the layout and the dispensing log, and exclude or correct the wells.",
        "swapped", percent(pl.col("swap_mended")),
    )  # fmt: skip
    return [Finding("fail", pl.col("swapped").is_not_null(), words)]


PATTERNS: Final = {
    "edge_effect": ("outermost wells read {} {} than inner ones", "leave the outer wells out or fill them with medium."),
    "row_drift": ("the last row reads {} {} than the first", "check dispensing and reading order, or spread the controls."),
    "column_drift": ("the last column reads {} {} than the first", "check dispensing and reading order, or spread the controls."),
}


def _pattern_findings(rules: QualityRules) -> list[Finding]:
    found = []
    for name, (words, remedy) in PATTERNS.items():
        value, sure = pl.col(name), pl.col(f"{name}_p") <= rules.pattern_p
        size = value.abs()
        way = pl.when(value > 0).then(pl.lit("higher")).otherwise(pl.lit("lower"))
        text = pl.format(f"{words} (up to {rules.pattern_marginal * 100:g} % is immaterial); {remedy}", percent(size), way)
        between = (size > rules.pattern_marginal) & (size <= rules.pattern_fail)
        found += [Finding("fail", (size > rules.pattern_fail) & sure, text), Finding("marginal", between & sure, text)]
    return found


def _spread_findings(rules: QualityRules) -> list[Finding]:
    most = f"(at most {rules.cv_most * 100:g} %)"
    vehicle, blank = pl.col("cv_vehicle"), pl.col("cv_blank")
    wide = (blank > rules.cv_most) & (pl.col("blank_wider_p") <= rules.pattern_p)
    return [
        Finding("marginal", vehicle > rules.cv_most, pl.format(f"the vehicle wells vary by {{}} {most}; look for bad wells.", percent(vehicle))),
        Finding("marginal", wide, pl.format(f"the blank wells vary by {{}} {most}, more than the vehicle; look for bad wells.", percent(blank))),
    ]  # fmt: skip


def _well_findings(rules: QualityRules) -> list[Finding]:
    share = pl.col("n_excluded") / pl.col("n_used").clip(1)
    words = pl.format(
        f"{{}} of {{}} wells are excluded, {{}} of them overflown (at most {rules.excluded_most * 100:g} %); read at a lower gain, or repeat the plate.",
        "n_excluded", "n_used", "n_overflown",
    )  # fmt: skip
    return [Finding("marginal", share > rules.excluded_most, words)]


def verdict(rules: QualityRules, against: str) -> list[pl.Expr]:
    """Return the expressions of `verdict`, `reason`, `not_judged` and `remark`, over the columns of the quality table."""
    every = findings(rules, against)

    def any_of(level: str) -> pl.Expr:
        return pl.any_horizontal(*[one.where.fill_null(value=False) for one in every if one.level == level])

    worst = (
        pl.when(any_of("fail")).then(pl.lit("fail")).when(any_of("marginal")).then(pl.lit("marginal")).otherwise(pl.lit("pass"))
    )
    reason = pl.concat_str([pl.when(one.where).then(sentence_case(one.words)) for one in every], separator=" ", ignore_nulls=True)
    return [worst.alias("verdict"), reason.alias("reason"), not_judged(against).alias("not_judged"), remark().alias("remark")]


def sentence_case(text: pl.Expr) -> pl.Expr:
    """Return the text with its first letter as a capital."""
    return pl.concat_str(text.str.slice(0, 1).str.to_uppercase(), text.str.slice(1))


def remark() -> pl.Expr:
    """Return words for wells with a signal that the layout says nothing of; empty where there are none.

    It is no finding: a medium rim may be left out of a layout on purpose.
    """
    count = pl.col("n_unlisted")
    said = pl.format(
        "{} with a signal {} neither compound nor role in the layout, so {} not used: complete the layout, or mark what is empty there.",
        pl.when(count == 1).then(pl.lit("1 well")).otherwise(pl.format("{} wells", count)),
        pl.when(count == 1).then(pl.lit("has")).otherwise(pl.lit("have")),
        pl.when(count == 1).then(pl.lit("it is")).otherwise(pl.lit("they are")),
    )
    return pl.when(count > 0).then(said).otherwise(pl.lit(""))


def not_judged(against: str) -> pl.Expr:
    """Return words for every figure that is null: what the plate lacks."""
    lacks = [
        (pl.col("z_prime").is_null(), f"Z', robust Z', SSMD: they need two vehicle and two {against} wells."),
        (pl.col("signal_to_background").is_null(), "Signal to background: it needs vehicle wells, and blank wells that read above 0."),
        (pl.col("cv_blank").is_null(), "CV of the blank: it needs two blank wells."),
        (pl.col("edge_effect").is_null(), "Edge effect: no wells that should read alike stand both outermost and further in."),
        (pl.col("row_drift").is_null(), "Drift along rows: no wells that should read alike stand in several rows, apart from an edge."),
        (pl.col("column_drift").is_null(), "Drift along columns: no wells that should read alike stand in several columns, apart from an edge."),
        (pl.col("n_series") < 2, "Exchanged columns or rows: fewer than two dose series of four doses, or sets of replicates, cross them."),
    ]  # fmt: skip
    return pl.concat_str([pl.when(where).then(pl.lit(words)) for where, words in lacks], separator=" ", ignore_nulls=True)
