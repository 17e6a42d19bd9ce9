"""The truths the resistance stage simulates from and must recover."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from benchside.core.stage import Truth
from benchside.stages.resistance.analyse.summary import Summary

Z: Final = 4.0


def recovers_growth(found: Summary, settings: Mapping[str, Any]) -> bool:
    """Return whether the intervals hold the true rate as often as they say, within 4 standard errors, and the mean rate is the truth."""
    if found.growth is None:
        return False
    table = found.growth.table.drop_nulls(["growth_rate_per_day", "lower", "upper"])
    truth, n = settings["growth_per_day"], table.height
    held = float(((table["lower"] <= truth) & (table["upper"] >= truth)).sum()) / n
    slack = Z * (0.95 * 0.05 / n) ** 0.5
    rates = table["growth_rate_per_day"].to_numpy()
    return bool(n > 0 and held >= 0.95 - slack and abs(rates.mean() - truth) < Z * rates.std(ddof=1) / np.sqrt(n))


def recovers_frequencies(found: Summary, settings: Mapping[str, Any]) -> bool:
    """Return whether each mechanism's share lies within 4 standard errors of the truth."""
    shares = dict(found.table.select("mechanism", "fraction").rows())
    total = sum(settings["frequencies"].values())
    wanted = {**settings["frequencies"], "none found": 1 - total}
    slack = {name: Z * (p * (1 - p) / settings["n"]) ** 0.5 for name, p in wanted.items()}
    return all(abs(shares.get(name, 0.0) - p) < slack[name] for name, p in wanted.items())


TRUTHS: Final = (
    Truth(
        "growth of 120 clones of which early samples are below the detection limit",
        {"n": 120, "seed": 5, "frequencies": {"G1202R": 1.0}, "growth_per_day": 0.025, "first_vaf": 0.001, "detection_limit": 0.001, "depth": 10_000},
        recovers_growth,
    ),
    Truth(
        "the frequencies of 400 patients, on and off target",
        {"n": 400, "seed": 6, "frequencies": {"G1202R": 0.3, "I1171T": 0.1, "MET amplification": 0.15}, "times_days": (0.0,), "first_vaf": 0.05},
        lambda found, settings: recovers_frequencies(found, {**settings, "frequencies": {_called(name): p for name, p in settings["frequencies"].items()}}),
    ),
)  # fmt: skip


def _called(name: str) -> str:
    """Return a mechanism as a cohort counts it: bypasses by their name."""
    return name.split(maxsplit=1)[0]
