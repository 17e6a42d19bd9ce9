"""Batches of two-arm trials: log-rank test and Cox hazard ratio, ours and lifelines."""

import numpy as np

import benchside as bs
from benchmarks.timing import Row, timed
from benchside.kernels._jit import threads

PATIENTS, PER_SECOND, LIFELINES_TRIALS = 300, 25_000, 20


def simulated(trials: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times (months), events and arms of trials with a hazard ratio of 0.5 and administrative censoring."""
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(PATIENTS) % 2, (trials, 1))
    time = rng.exponential(np.where(arm == 1, 20.0, 10.0))
    end = rng.uniform(12.0, 30.0, time.shape)
    return np.minimum(time, end), (time <= end).astype(np.int64), arm


def lifelines_trials(time: np.ndarray, event: np.ndarray, arm: np.ndarray) -> None:
    """Do the same, a trial at a time, with lifelines."""
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.statistics import logrank_test

    for t, e, a in zip(time, event, arm, strict=True):
        logrank_test(t[a == 0], t[a == 1], e[a == 0], e[a == 1])
        CoxPHFitter().fit(pd.DataFrame({"t": t, "e": e, "a": a}), "t", "e")


def rows(*, quick: bool) -> list[Row]:
    """Measure on one thread."""
    before = threads()
    threads(1)
    try:
        trials = 2_000 if quick else 20_000
        time, event, arm = simulated(trials)
        ours = timed(lambda: bs.clinical.compare_arms_batch(time, event, arm))
        few = slice(0, LIFELINES_TRIALS)
        theirs = timed(lambda: lifelines_trials(time[few], event[few], arm[few]), repeats=3)
    finally:
        threads(before)
    speed, slow = trials / ours.cpu, LIFELINES_TRIALS / theirs.cpu
    figure = f"{speed:,.0f}/s a core (wall {trials / ours.wall:,.0f}/s)"
    return [
        Row(
            f"log-rank + Cox, {trials} trials of {PATIENTS}",
            figure,
            f"lifelines {slow:,.0f}/s",
            f"{speed / slow:,.0f}",
            f">= {PER_SECOND:,}/s",
            speed >= PER_SECOND,
        )
    ]
