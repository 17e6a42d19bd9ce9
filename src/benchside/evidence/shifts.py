"""How much less a drug does to a mutant: one interval for any drug and mutation, measured or not, from every fold published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from math import log
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from benchside.core.errors import NoEvidenceError, SettingError, listed, nearest
from benchside.core.evidence import Answer, Evidence, EvidenceSet, Origin, Quantity
from benchside.evidence.files import MEMORY_SENTENCE, every_fact
from benchside.evidence.fold_model import NEW, Codes, Data, FoldModel
from benchside.evidence.folds import folds
from benchside.evidence.lookup import one
from benchside.evidence.variants import mutations

VERSION: Final = "1"
READOUTS: Final = ("viability", "pALK", "cell-free")
_SIDE: Final[Mapping[str, int]] = {"=": 0, "~": 0, ">": 1, "<": -1}
_EFFECTS: Final = ("compound", "variant", "source_id", "readout")


@dataclass(frozen=True)
class FoldShift(Answer):
    """The fold shift of one drug on one mutation; `.table` has one row, whose cells are also at hand by name."""

    level: float = 0.9

    KEY: ClassVar[tuple[str, ...]] = ("compound", "variant", "readout")
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fold shift, mean over laboratories", "fold", "x", "mean_lower", "mean_upper", n="n"),
        Quantity("fold shift, new measurement", "fold", "x", "lower", "upper", n="n"),
    )

    @property
    def fold(self) -> float:
        """Median of the mean fold over laboratories and readouts."""
        return float(self.table["fold"][0])

    @property
    def lower(self) -> float:
        """Lower limit for a new measurement in a new laboratory."""
        return float(self.table["lower"][0])

    @property
    def upper(self) -> float:
        """Upper limit for a new measurement in a new laboratory."""
        return float(self.table["upper"][0])

    @property
    def mean_interval(self) -> tuple[float, float]:
        """Limits of the mean fold over laboratories and readouts."""
        return float(self.table["mean_lower"][0]), float(self.table["mean_upper"][0])

    @property
    def is_measured(self) -> bool:
        """Whether a fold of this drug on this mutation stands among the data of the model."""
        return str(self.table["class"][0]) == "measured"

    @cached_property
    def evidence(self) -> list[Evidence]:
        """Both intervals as records with their level."""
        quantities = tuple(replace(quantity, level=self.level) for quantity in self.QUANTITIES)
        return EvidenceSet(self.table, quantities, self.KEY, self.origin, created=datetime.now(UTC)).records()


@dataclass(frozen=True)
class Fitted:
    """The model with the words behind its codes."""

    model: FoldModel
    data: pl.DataFrame
    codes: Mapping[str, Mapping[str, int]]

    def labels(self, rows: Sequence[tuple[str, str, str | None, str | None]]) -> Codes:
        """Return the codes of (compound, variant, source_id, readout), `NEW` for what no datum has."""
        coded = [[self.codes[e].get(word or "", NEW) for e, word in zip(_EFFECTS, row, strict=True)] for row in rows]
        return np.array(coded, dtype=np.int64).reshape(-1, len(_EFFECTS))


def fitted(data: pl.DataFrame) -> Fitted:
    """Return the model conditioned on folds as `folds` returns them."""
    codes = {e: {word: k for k, word in enumerate(data[e].unique(maintain_order=True).to_list())} for e in _EFFECTS}
    labels = np.array([[codes[e][word] for e in _EFFECTS for word in (row[e],)] for row in data.iter_rows(named=True)])
    side = np.array([_SIDE[relation] for relation in data["relation"]], dtype=np.int64)
    numbers = Data(labels.reshape(-1, len(_EFFECTS)).astype(np.int64), np.log(data["fold"].to_numpy()), side)
    return Fitted(FoldModel.of(numbers, repeat_sd=repeat_sd()), data, codes)


@cache
def repeat_sd() -> float:
    """Return the standard deviation of a repeated ln fold in one laboratory: two IC50s, each with the published day-to-day spread."""
    spread = one("geoSD_between_days_IC50", "crizotinib", fact_table="potency").value
    return float(np.sqrt(2.0) * log(float(spread or 1.0)))


@cache
def _shipped(verified_only: bool) -> Fitted:  # noqa: FBT001  a cache key
    return fitted(folds(verified_only=verified_only))


def fitted_to(*, verified_only: bool = True, extra: str | Path | Sequence[str | Path] | None = None) -> Fitted:
    """Return the model on the shipped facts, kept once fitted, or on these and a user's."""
    return _shipped(verified_only) if extra is None else fitted(folds(verified_only=verified_only, extra=extra))


def fold_shift(
    compound: str,
    variant: str,
    *,
    level: float = 0.9,
    readout: str | None = None,
    verified_only: bool = True,
    extra: str | Path | Sequence[str | Path] | None = None,
) -> FoldShift:
    """Return how many times more drug a mutant needs than the wild-type of the same laboratory, with intervals.

    The folds of all drugs and mutations are one model, ln fold = mean + drug + mutation + drug x mutation + lab + readout + noise,
    every effect random and partially pooled (see `fold_model`). A pair that nobody measured borrows from its drug and its mutation.

    Parameters
    ----------
    compound, variant
        The drug and the mutation, for example ``alectinib`` and ``L1196M``; the mutation need not have been measured.
    level
        Probability of the intervals.
    readout
        ``viability``, ``pALK`` or ``cell-free``: of what assay the new measurement will be; None: of any.
    verified_only
        True (default): the model never sees a fold recalled from memory.
    extra
        Files of your own facts, see `read_facts`.

    Returns
    -------
    FoldShift
        `.fold` (posterior median of the mean over laboratories and readouts) with `.mean_interval`; `.lower` and `.upper` for a new
        measurement in a new laboratory; `.is_measured`; `.table` and `.evidence`.

    Raises
    ------
    SettingError
        When the level, the readout or the variant cannot be used.
    NoEvidenceError
        When no fact at all knows the compound.

    Examples
    --------
    >>> found = fold_shift("alectinib", "G1202R")
    >>> found.is_measured, found.lower < 64.3 < found.upper
    (True, True)
    """
    changed = require_mutation(variant)
    name = require_compound(compound, extra)
    settings = {"level": level, "readout": readout, "verified_only": verified_only}
    model = fitted_to(verified_only=verified_only, extra=extra)
    table = predictions(
        model, [(name, changed)], level=level, readout=readout, remembered=folds(verified_only=False, extra=extra)
    )
    origin = Origin("evidence.fold_shift", VERSION, settings, (model.data,))
    return FoldShift(table, origin, level)


def fold_shift_table(
    *,
    level: float = 0.9,
    readout: str | None = None,
    verified_only: bool = True,
    compounds: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    extra: str | Path | Sequence[str | Path] | None = None,
) -> pl.DataFrame:
    """Return the fold shift of every drug on every mutation, measured or predicted, one row a pair.

    Parameters
    ----------
    level, readout, verified_only, extra
        As in `fold_shift`.
    compounds, variants
        The drugs and mutations asked; None: every one that any fold (also one from memory) is known of.

    Returns
    -------
    polars.DataFrame
        `compound, variant, readout, class` (measured, predicted)`, fold, mean_lower, mean_upper, lower, upper, level, n, n_sources,
        sources, from_memory, status`; `lower` and `upper` are for a new measurement in a new laboratory.

    Examples
    --------
    >>> fold_shift_table(compounds=["lorlatinib"], variants=["L1196M", "G1202R"])["class"].to_list()
    ['measured', 'predicted']
    """
    every = folds(verified_only=False, extra=extra)
    names = [require_compound(name, extra) for name in compounds] if compounds else every["compound"].unique().sort().to_list()
    changed = [require_mutation(name) for name in variants] if variants else every["variant"].unique().sort().to_list()
    model = fitted_to(verified_only=verified_only, extra=extra)
    pairs = [(name, mutation) for name in names for mutation in changed]
    return predictions(model, pairs, level=level, readout=readout, remembered=every)


def predictions(
    model: Fitted, pairs: Sequence[tuple[str, str]], *, level: float, readout: str | None, remembered: pl.DataFrame
) -> pl.DataFrame:
    """Return the rows of `fold_shift_table` for the pairs; `remembered` are all folds, also those the model did not see."""
    require_settings(level, readout)
    every = model.labels([(drug, mutation, None, readout) for drug, mutation in pairs])
    labels, place = np.unique(every, axis=0, return_inverse=True)  # pairs that share no datum share one prediction
    mean, new = model.model.predict(labels, measured=False), model.model.predict(labels, measured=True)
    tail = (1 - level) / 2
    limits = {
        "fold": mean.quantile(0.5), "mean_lower": mean.quantile(tail), "mean_upper": mean.quantile(1 - tail),
        "lower": new.quantile(tail), "upper": new.quantile(1 - tail),
    }  # fmt: skip
    about = [_about(model.data, remembered, drug, mutation) for drug, mutation in pairs]
    base = {
        "compound": [drug for drug, _ in pairs], "variant": [mutation for _, mutation in pairs], "readout": [readout or "any"] * len(pairs),
        "class": [words["class"] for words in about],
    }  # fmt: skip
    rest = {name: [words[name] for words in about] for name in ("n", "n_sources", "sources", "from_memory", "status")}
    return pl.DataFrame(
        {**base, **{name: np.exp(value)[place] for name, value in limits.items()}, "level": [level] * len(pairs), **rest},
        schema_overrides={"n": pl.Int64, "n_sources": pl.Int64, "sources": pl.String, "from_memory": pl.String},
    )


def _about(data: pl.DataFrame, every: pl.DataFrame, drug: str, mutation: str) -> dict[str, Any]:
    """Return what is known of one pair: how often it was measured, by whom, and what was left out as recalled."""
    pair = (pl.col("compound") == drug) & (pl.col("variant") == mutation)
    seen = data.filter(pair)
    left_out = every.filter(pair & (pl.col("verified") == "memory")).join(seen, on=["source_id", "readout"], how="anti")
    recalled = ", ".join(f"{row['fold']:.3g} ({row['source_id']})" for row in left_out.iter_rows(named=True)) or None
    return {
        "class": "predicted" if seen.is_empty() else "measured", "n": seen.height, "n_sources": seen["source_id"].n_unique(),
        "sources": "; ".join(seen["source"].drop_nulls().unique(maintain_order=True).to_list()) or None,
        "from_memory": recalled, "status": _sentence(seen, recalled),
    }  # fmt: skip


def _sentence(seen: pl.DataFrame, recalled: str | None) -> str:
    said = []
    if seen.is_empty():
        said.append("Predicted: no fold of this pair was used; the interval rests on its drug and its mutation in other pairs.")
    elif seen["relation"].is_in([">", "<"]).all():
        said.append("Measured only as a bound.")
    if (seen["verified"] == "memory").any():
        said.append(f"Holds folds {MEMORY_SENTENCE}.")
    if recalled is not None:
        said.append(f"Not used, {MEMORY_SENTENCE}: {recalled}.")
    return " ".join(said) or "ok"


def require_settings(level: float, readout: str | None) -> None:
    """Raise SettingError unless level and readout can be used."""
    if not 0 < level < 1:
        message = f"level is {level:g} and must lie between 0 and 1, for example 0.9."
        raise SettingError(message)
    if readout is not None and readout not in READOUTS:
        message = f"readout {readout!r} is unknown{nearest(readout, READOUTS)}; it is one of {listed(READOUTS)}, or None for any."
        raise SettingError(message)


def require_mutation(variant: str) -> str:
    """Return the point mutation named in `variant`, or say that there is none, or more than one."""
    changed = mutations(variant)
    if len(changed) != 1:
        message = f"variant {variant!r} must name one point mutation, for example 'G1202R' (the wild-type has the fold 1 by definition)."
        raise SettingError(message)
    return str(changed[0])


def require_compound(compound: str, extra: str | Path | Sequence[str | Path] | None = None) -> str:
    """Return the compound as the facts write it, or say that no fact knows it."""
    known = {*every_fact()["compound"].drop_nulls().to_list()}
    known |= set(folds(verified_only=False, extra=extra)["compound"].to_list())
    written: dict[str, str] = {str(name).lower(): str(name) for name in sorted(known)}
    if compound.strip().lower() not in written:
        message = f"no fact knows the compound {compound!r}{nearest(compound, sorted(known))}. Check the spelling, or add facts of your own (extra= in Python, --add on the command line)."
        raise NoEvidenceError(message)
    return written[compound.strip().lower()]
