"""Tables for the survival benchmarks: subjects with covariates, causes and strata, and ADaM tables of a trial."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchside.core.units import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

COVARIATES = ("x1", "x2", "x3", "x4", "x5")
EFFECTS = (0.2, -0.1, 0.05, 0.3, 0.1)
CAUSES = {"cns": 1, "other": 2}
STRATA, TERMS = 100, 300


def event_frame(subjects: int, *, tied: bool, seed: int = 1) -> pl.DataFrame:
    """Return times to events of two arms with five covariates, three in four with the event; `tied` times are whole days."""
    rng = np.random.default_rng(seed)
    arm, x = rng.integers(0, 2, subjects), rng.normal(size=(subjects, len(EFFECTS)))
    time = rng.exponential(12.0 * np.exp(0.4 * arm - x @ np.array(EFFECTS)))
    end = rng.uniform(6.0, 48.0, subjects)
    followed = np.minimum(time, end)
    if tied:
        followed = np.maximum(np.ceil(followed * DAYS_PER_MONTH), 1.0) / DAYS_PER_MONTH
    columns = {name: x[:, k] for k, name in enumerate(COVARIATES)}
    names = np.where(arm == 1, "b", "a")
    return pl.DataFrame({"time_months": followed, "event": (time <= end).astype(np.int64), "arm": names, **columns})


def with_causes(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose events are of one of two causes."""
    cause = np.random.default_rng(2).integers(1, 3, frame.height)
    return frame.with_columns(event=pl.Series(np.where(frame["event"].to_numpy() == 1, cause, 0)))


def with_strata(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with a column `site` of 100 sites."""
    return frame.with_columns(site=pl.Series(np.random.default_rng(3).integers(0, STRATA, frame.height)))


def foreign(frame: pl.DataFrame) -> "pd.DataFrame":
    """Return a frame as lifelines takes it: of pandas, the arm 0 or 1."""
    import pandas as pd

    columns = {name: frame[name].to_numpy() for name in frame.columns if name != "arm"}
    return pd.DataFrame({**columns, "arm": (frame["arm"] == "b").to_numpy().astype(np.float64)})


def by_arm(frame: pl.DataFrame) -> list[dict[str, np.ndarray]]:
    """Return the times and events of each arm as arrays."""
    parts = [frame.filter(pl.col("arm") == arm) for arm in ("a", "b")]
    return [{name: part[name].to_numpy() for name in ("time_months", "event")} for part in parts]


def adam(subjects: int, visits: int, events: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return ADSL, ADRS and ADAE of a trial with a visit every 8 weeks."""
    rng = np.random.default_rng(4)
    names = np.array([f"S{number:06d}" for number in range(subjects)])
    start = np.datetime64("2020-01-01") + rng.integers(0, 365, subjects)
    death = np.where(rng.random(subjects) < 0.3, start + rng.integers(30, 1200, subjects), np.datetime64("NaT"))
    arm = np.where(rng.random(subjects) < 0.5, "A", "B")
    adsl = pl.DataFrame({
        "USUBJID": names, "TRT01P": arm, "TRT01A": arm, "SAFFL": ["Y"] * subjects, "RANDDT": start, "TRTSDT": start,
        "TRTEDT": start + rng.integers(100, 900, subjects), "DTHDT": death, "LSTALVDT": start + 1200,
    })  # fmt: skip
    adrs = pl.DataFrame({
        "USUBJID": np.repeat(names, visits), "ADT": (start[:, None] + 56 * np.arange(1, visits + 1)).ravel(),
        "AVALC": rng.choice(["CR", "PR", "SD", "PD", "NE"], subjects * visits, p=[0.05, 0.2, 0.6, 0.1, 0.05]),
    })  # fmt: skip
    who = rng.integers(0, subjects, events)
    actions = ["DOSE NOT CHANGED", "DOSE REDUCED", "DRUG INTERRUPTED", "DRUG WITHDRAWN"]
    adae = pl.DataFrame({
        "USUBJID": names[who], "AEDECOD": [f"TERM {term}" for term in rng.zipf(1.3, events) % TERMS],
        "AETOXGR": rng.integers(1, 6, events), "AESER": np.where(rng.random(events) < 0.1, "Y", "N"),
        "AEACN": rng.choice(actions, events), "TRTEMFL": ["Y"] * events, "ASTDT": start[who] + rng.integers(0, 500, events),
    })  # fmt: skip
    return adsl, adrs, adae
