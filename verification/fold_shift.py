"""How far a predicted fold shift can be trusted: every source left out in turn, memory apart, and the laboratories' own agreement.

`python -m verification.fold_shift` prints every held-out fold beside its interval, then the outcomes.
"""

import sys

import polars as pl

from benchside import evidence
from benchside.evidence.fold_model import EFFECTS
from benchside.evidence.fold_scores import summary
from benchside.evidence.shifts import fitted_to
from verification.outcome import Outcome

LEVEL = 0.9
LEAST_COVERED = 0.8


def outcomes(name: str, scored: pl.DataFrame) -> list[Outcome]:
    """Return coverage and log score of held-out folds."""
    said = summary(scored)
    share = said["covered"] / said["folds"]
    width = f"median width {said['median_width_fold']:.0f}-fold"
    bounds = f", {said['bounds_met']:.0f} of {said['bounds']:.0f} bounds met" if said["bounds"] else ""
    scores = f"model {said['log_score']:.3f}, the drug's median with its own spread {said['rival_own']:.3f}, with the pooled spread {said['rival_pooled']:.3f}"
    return [
        Outcome(
            f"fold shift, {name}: {LEVEL:.0%} interval", f"{said['covered']:.0f} of {said['folds']:.0f} held-out folds ({share:.2f}){bounds}; {width}",
            f">= {LEAST_COVERED}", share >= LEAST_COVERED,
        ),
        Outcome(f"fold shift, {name}: mean log score", scores, "above the drug's median", said["log_score"] > max(said["rival_own"], said["rival_pooled"])),
    ]  # fmt: skip


def ceiling() -> list[Outcome]:
    """Return how often two sources agree within threefold: no prediction of a new laboratory can be sharper than that."""
    stated = evidence.agreement(evidence.folds(verified_only=False).filter(pl.col("origin") == "stated"))
    every = evidence.agreement(evidence.folds(verified_only=False))
    figure = (
        f"{int(stated['agree'].sum())} of {stated.height} pairs measured twice agree within 3-fold (one of each two from memory); "
        f"{int(every['agree'].sum())} of {every.height} with ratios of IC50s"
    )
    return [
        Outcome(
            "fold shift: agreement between laboratories", figure, "3 of 7", (int(stated["agree"].sum()), stated.height) == (3, 7)
        )
    ]


def tables() -> dict[str, pl.DataFrame]:
    """Return the scored tables by name."""
    every = evidence.leave_one_source_out(verified_only=False, level=LEVEL)
    return {
        "verified, source left out": evidence.leave_one_source_out(level=LEVEL),
        "memory apart, learned from verified": evidence.memory_apart(level=LEVEL),
        "verified, learned from verified and memory": every.filter(pl.col("verified") == "yes"),
    }


def check() -> list[Outcome]:
    """Return the outcomes."""
    return judged(tables())


def judged(scored_tables: dict[str, pl.DataFrame]) -> list[Outcome]:
    """Return the outcomes of scored tables, and the ceiling."""
    return [*(outcome for name, scored in scored_tables.items() for outcome in outcomes(name, scored)), *ceiling()]


def main() -> int:
    """Print every held-out fold, the standard deviations, and the outcomes."""
    model = fitted_to().model
    print(f"ln standard deviations, 5 / 50 / 95 %, {model.effective_points:.0f} effective points:")
    for name, limits in zip(EFFECTS, model.sd_quantiles((0.05, 0.5, 0.95)), strict=True):
        print(f"  {name:16} {limits[0]:.2f} {limits[1]:.2f} {limits[2]:.2f}")
    scored_tables = tables()
    for name, scored in scored_tables.items():
        print(
            f"\n{name}\n{'drug':12}{'mutation':10}{'source':16}{'readout':11}{'fold':>8}{'predicted':>11}{'lower':>8}{'upper':>8}  covered"
        )
        for row in scored.iter_rows(named=True):
            fold = f"{'' if row['relation'] == '=' else row['relation']}{row['fold']:.3g}"
            print(
                f"{row['compound']:12}{row['variant']:10}{row['source_id']:16}{row['readout']:11}{fold:>8}{row['predicted']:>11.3g}"
                f"{row['lower']:>8.2g}{row['upper']:>8.3g}  {'yes' if row['covered'] else 'NO'}"
            )
    found = judged(scored_tables)
    print()
    for outcome in found:
        print(outcome.line())
    return 0 if all(outcome.holds for outcome in found) else 1


if __name__ == "__main__":
    sys.exit(main())
