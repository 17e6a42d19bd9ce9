"""Fold shifts of compounds on variants: measured, or predicted by the model over all drugs and mutations; never invented."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import polars as pl

from benchside import evidence
from benchside.core.errors import NoEvidenceError
from benchside.evidence.shifts import require_compound

CLASSES: Final = ((2.0, "<= 2"), (4.0, "2-4"), (10.0, "4-10"))
WIDEST: Final = "> 10"
GUIDE_WORDS: Final = ("active", "inactive")

FOLD_SCHEMA: Final[dict[str, Any]] = {
    "compound": pl.String, "variant": pl.String, "fold": pl.Float64, "fold_lower": pl.Float64, "fold_upper": pl.Float64,
    "fold_class": pl.String, "fold_basis": pl.String, "fold_source": pl.String, "fold_verified": pl.String, "fold_status": pl.String,
}  # fmt: skip


def fold_class(fold: float | None) -> str | None:
    """Return the class of a fold shift: ``<= 2``, ``2-4``, ``4-10`` or ``> 10``; an end belongs to the lower class.

    Examples
    --------
    >>> fold_class(2.0), fold_class(2.1), fold_class(64.0), fold_class(None)
    ('<= 2', '2-4', '> 10', None)
    """
    if fold is None:
        return None
    return next((word for limit, word in CLASSES if fold <= limit), WIDEST)


def fold_rows(
    compounds: Sequence[str], variants: Sequence[str], *, level: float, verified_only: bool, readout: str | None = None
) -> pl.DataFrame:
    """Return the fold of every compound on every variant, one row a pair: `FOLD_SCHEMA`.

    A fold is `measured`, `predicted` where the mutation was measured with another drug, 1 `by definition` for the wild type, and
    null with a sentence where no source measured the mutation at all. Its limits are of the mean over laboratories and readouts.

    Parameters
    ----------
    compounds, variants
        Names as the facts write them.
    level
        Probability of the limits.
    verified_only
        Leave out folds recalled from memory; then a mutation known only from memory counts as measured by nobody.
    readout
        As in `evidence.fold_shift`; None: any.
    """
    known = set(evidence.folds(verified_only=verified_only)["variant"])
    drugs = {name: written for name in compounds if (written := _known(name)) is not None}
    asked = [variant for variant in dict.fromkeys(variants) if variant in known]
    model: dict[tuple[str, str], dict[str, Any]] = {}
    if asked and drugs:
        table = evidence.fold_shift_table(
            level=level,
            readout=readout,
            verified_only=verified_only,
            compounds=list(dict.fromkeys(drugs.values())),
            variants=asked,
        )
        model = {(row["compound"], row["variant"]): row for row in table.iter_rows(named=True)}
    rows = [
        _row(name, variant, model.get((drugs.get(name, ""), variant)), verified_only)
        for name in compounds
        for variant in variants
    ]
    return pl.DataFrame(rows, schema=FOLD_SCHEMA)


def _known(compound: str) -> str | None:
    try:
        return require_compound(compound)
    except NoEvidenceError:
        return None


def _row(compound: str, variant: str, found: Mapping[str, Any] | None, verified_only: bool) -> dict[str, Any]:  # noqa: FBT001
    row: dict[str, Any] = dict.fromkeys(FOLD_SCHEMA) | {"compound": compound, "variant": variant}
    if variant == "WT":
        ones = dict.fromkeys(("fold", "fold_lower", "fold_upper"), 1.0)
        return row | ones | {"fold_class": fold_class(1.0), "fold_basis": "by definition", "fold_status": "ok"}
    if found is None:
        return row | {"fold_status": _nobody(compound, variant, verified_only=verified_only)}
    recalled = "Holds folds" in found["status"]  # the model used some that were never read
    measured = found["class"] == "measured"
    return row | {
        "fold": found["fold"], "fold_lower": found["mean_lower"], "fold_upper": found["mean_upper"],
        "fold_class": fold_class(found["fold"]), "fold_basis": found["class"], "fold_source": found["sources"],
        "fold_verified": None if not measured else "memory" if recalled else "yes", "fold_status": found["status"],
    }  # fmt: skip


@cache
def _recalled() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the folds recalled from memory, in words, by compound and variant."""
    held = evidence.folds(verified_only=False).filter(pl.col("verified") == "memory")
    words = held.select("compound", "variant", text=pl.format("{} ({})", pl.col("fold").round_sig_figs(3), "source_id"))
    groups = words.group_by("compound", "variant", maintain_order=True)
    return {(str(compound), str(variant)): tuple(part["text"]) for (compound, variant), part in groups}


def _nobody(compound: str, variant: str, *, verified_only: bool) -> str:
    if "+" in variant:
        return f"no source measured {variant} together, and folds of single mutations are not multiplied"
    texts = _recalled().get((compound, variant), ()) if verified_only else ()
    what = "no source that was read" if verified_only else "no source"
    told = f"; not used, {evidence.MEMORY_SENTENCE}: {', '.join(texts)}" if texts else ""
    return f"{what} measured a fold of {variant} with any drug{told}"


def guide_words() -> dict[tuple[str, str], tuple[str, str]]:
    """Return what the guide says of a compound on a variant: (compound, variant) -> (word, id of the statement).

    Examples
    --------
    >>> guide_words()["alectinib", "G1202R"], guide_words()["lorlatinib", "G1202R"]
    (('inactive', 'G003'), ('overcomes it', 'G028'))
    """
    words: dict[tuple[str, str], tuple[str, str]] = {}
    for row in evidence.guide().iter_rows(named=True):
        variant = "WT" if row["variant"] == "wild-type" else row["variant"]
        if row["target"] != "ALK" or variant is None:
            continue
        if row["quantity"] == "overcome by":
            words[row["value"], variant] = ("overcomes it", row["id"])
        elif row["value"] in GUIDE_WORDS:
            words[row["compound"], variant] = (row["value"], row["id"])
        elif row["quantity"] in ("observed at resistance", "frequency at resistance"):
            words.setdefault((row["compound"], variant), ("seen at resistance", row["id"]))
    return words


def disagreement(word: str | None, called: str, fold: str | None) -> str | None:
    """Return where the guide's word and the numbers part, in a sentence; null where they do not, or nothing is known.

    ``active`` and ``overcomes it`` part from a fold above 4 (Fontana et al. 2015 call 4-10 resistant; see the
    known conflict X05) and from *not covered*; ``inactive`` and ``seen at resistance`` from
    *covered*, ``inactive`` also from a fold of 2 or less.

    Examples
    --------
    >>> disagreement("active", "no evidence", "4-10")
    'the guide says active, and the fold is 4-10'
    """
    said = []
    if word in ("active", "overcomes it"):
        said += [f"the fold is {fold}"] if fold in ("4-10", WIDEST) else []
        said += ["the exposure does not cover it"] if called == "not covered" else []
    elif word in ("inactive", "seen at resistance"):
        said += ["the fold is <= 2"] if word == "inactive" and fold == "<= 2" else []
        said += ["the exposure covers it"] if called == "covered" else []
    return f"the guide says {word}, and {' and '.join(said)}" if said else None
