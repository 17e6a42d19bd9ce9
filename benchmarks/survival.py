"""Large survival tables and the clinical verbs, from a polars frame in memory through the public door; lifelines beside them."""

import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import benchside as bs
from benchmarks.survival_tables import CAUSES, COVARIATES, STRATA, adam, by_arm, event_frame, foreign, with_causes, with_strata
from benchmarks.timing import Row, Seconds, process, timed
from benchside.core.exchange import EventTable
from benchside.stages import clinical

if TYPE_CHECKING:
    import pandas as pd

COX_SECONDS = {100_000: 0.25, 1_000_000: 3.0}
KAPLAN_MEIER_SECONDS, BOOTSTRAP_SECONDS = 0.3, 1.0
RESAMPLES, LIFELINES_RESAMPLES = 10_000, 20
LARGE, MIDDLE, SMALL = 1_000_000, 100_000, 300
SUBJECTS, VISITS, ADVERSE_EVENTS = 10_000, 20, 100_000
BENCHSIDE = (sys.executable, "-c", "from benchside.cli.main import run_main; run_main()")
TIMES = {True: "times in days", False: "continuous times"}


def rows(*, quick: bool) -> list[Row]:
    """Measure each; `quick` leaves out lifelines where it takes half a minute, and reads a tenth of the rows from files."""
    return [
        *cox(MIDDLE, lifelines=tuple(TIMES)),
        *cox(LARGE, lifelines=(True,) if quick else tuple(TIMES)),
        *kaplan_meier(LARGE),
        bootstrap(),
        *log_rank(LARGE),
        stratified_cox(MIDDLE),
        *aalen_johansen(LARGE, lifelines=() if quick else (False,)),
        *fine_gray(MIDDLE),
        *tables(),
        *files(LARGE if quick else 10 * LARGE),
    ]


def cox(subjects: int, *, lifelines: Sequence[bool]) -> list[Row]:
    """Measure the arm and five covariates, Efron's ties; lifelines with tied times, continuous ones or both."""
    limit, found = COX_SECONDS[subjects], []
    for tied, word in TIMES.items():
        frame = event_frame(subjects, tied=tied)
        ours = timed(partial(our_cox, frame), repeats=3)
        theirs = once(partial(their_cox, foreign(frame))) if tied in lifelines else None
        found.append(row(f"Cox, {subjects:,} x 5 and the arm, {word}", ours, theirs, limit))
    return found


def our_cox(frame: pl.DataFrame, strata: tuple[str, ...] = ()) -> None:
    """Fit the arm and five covariates with benchside."""
    bs.clinical.cox(EventTable(frame, control="a", strata=strata), covariates=COVARIATES)


def their_cox(table: "pd.DataFrame", strata: list[str] | None = None) -> None:
    """Do the same with lifelines."""
    from lifelines import CoxPHFitter

    CoxPHFitter().fit(table, "time_months", "event", strata=strata)


def kaplan_meier(subjects: int) -> list[Row]:
    """Measure the curves of two arms, with limits and medians; lifelines too starts from the one table."""
    from lifelines import KaplanMeierFitter

    def fitted(frame: pl.DataFrame) -> None:
        for part in by_arm(frame):
            KaplanMeierFitter().fit(part["time_months"], part["event"])

    found = []
    for tied, word in TIMES.items():
        frame = event_frame(subjects, tied=tied)
        ours = timed(partial(bs.clinical.kaplan_meier, frame))
        theirs = timed(partial(fitted, frame), repeats=3)
        found.append(row(f"Kaplan-Meier, {subjects:,}, {word}", ours, theirs, KAPLAN_MEIER_SECONDS))
    return found


def bootstrap() -> Row:
    """Measure the hazard ratio's BCa limits; lifelines fits a few resamples, and is taken times as many as are wanted."""
    frame = event_frame(SMALL, tied=False)
    ours = timed(lambda: bs.clinical.bootstrap_hazard_ratio(EventTable(frame, control="a"), resamples=RESAMPLES, seed=1))
    table, rng = foreign(frame)[["time_months", "event", "arm"]], np.random.default_rng(1)

    def resampled() -> None:
        for _ in range(LIFELINES_RESAMPLES):
            their_cox(table.iloc[rng.integers(0, SMALL, SMALL)])

    few, times = once(resampled), RESAMPLES / LIFELINES_RESAMPLES
    theirs = Seconds(few.wall * times, few.cpu * times)
    return row(f"bootstrap, {RESAMPLES:,} resamples of a {SMALL}-patient Cox HR", ours, theirs, BOOTSTRAP_SECONDS)


def log_rank(subjects: int) -> list[Row]:
    """Measure the log-rank test of two arms; lifelines too starts from the one table."""
    from lifelines.statistics import logrank_test

    def tested(frame: pl.DataFrame) -> None:
        a, b = by_arm(frame)
        logrank_test(a["time_months"], b["time_months"], a["event"], b["event"])

    found = []
    for tied, word in TIMES.items():
        frame = event_frame(subjects, tied=tied)
        ours = timed(partial(our_test, frame))
        found.append(row(f"log-rank, {subjects:,}, {word}", ours, timed(partial(tested, frame), repeats=3)))
    return found


def our_test(frame: pl.DataFrame) -> None:
    """Test two arms with benchside."""
    bs.clinical.log_rank(EventTable(frame, control="a"))


def stratified_cox(subjects: int) -> Row:
    """Measure the arm and five covariates in 100 strata."""
    frame = with_strata(event_frame(subjects, tied=True))
    theirs = once(partial(their_cox, foreign(frame), ["site"]))
    return row(f"Cox, {subjects:,} x 5 and the arm, {STRATA} strata", timed(partial(our_cox, frame, ("site",))), theirs)


def aalen_johansen(subjects: int, *, lifelines: Sequence[bool]) -> list[Row]:
    """Measure the cumulative incidence of one of two causes in two arms; lifelines knows no ties, and jitters them."""
    from lifelines import AalenJohansenFitter

    def fitted(frame: pl.DataFrame) -> None:
        for part in by_arm(frame):
            AalenJohansenFitter(seed=1).fit(part["time_months"], part["event"], event_of_interest=1)

    found = []
    for tied, word in TIMES.items():
        frame = with_causes(event_frame(subjects, tied=tied))
        ours = timed(partial(clinical.cumulative_incidence, EventTable(frame, control="a", causes=CAUSES), cause="cns"))
        theirs = once(partial(fitted, frame)) if tied in lifelines else None
        found.append(row(f"Aalen-Johansen, {subjects:,}, {word}", ours, theirs))
    return found


def fine_gray(subjects: int) -> list[Row]:
    """Measure the arm and five covariates; lifelines has no such model."""
    found = []
    for tied, word in TIMES.items():
        events = EventTable(with_causes(event_frame(subjects, tied=tied)), control="a", causes=CAUSES)
        ours = timed(partial(clinical.fine_gray, events, cause="cns", covariates=COVARIATES))
        found.append(row(f"Fine-Gray, {subjects:,} x 5 and the arm, {word}", ours))
    return found


def tables() -> list[Row]:
    """Measure endpoints and adverse events derived from ADaM tables."""
    adsl, adrs, adae = adam(SUBJECTS, VISITS, ADVERSE_EVENTS)
    visits = f"derive_tte, PFS, {SUBJECTS:,} subjects x {VISITS} visits"
    return [
        row(f"{visits}, FDA", timed(lambda: clinical.derive_tte(adrs, adsl, rule="FDA", visit_every_days=56))),
        row(f"{visits}, EMA", timed(lambda: clinical.derive_tte(adrs, adsl, rule="EMA"))),
        row(
            f"adverse_events, {ADVERSE_EVENTS:,} events of {adae['AEDECOD'].n_unique()} terms",
            timed(lambda: clinical.adverse_events(adae, adsl, control="A")),
        ),
    ]


def files(subjects: int) -> list[Row]:
    """Measure `benchside clinical analyse` on a file, in a process of its own."""
    found = []
    frame = event_frame(subjects, tied=True).select(pl.int_range(pl.len()).alias("USUBJID"), "arm", "time_months", "event")
    columns = ("--time", "time_months", "--time-unit", "months", "--control", "a")
    with tempfile.TemporaryDirectory(prefix="benchside-bench-") as folder:
        for ending, write in (("parquet", frame.write_parquet), ("csv", frame.write_csv)):
            path = Path(folder) / f"events.{ending}"
            write(path)
            made = process([*BENCHSIDE, "clinical", "analyse", path, *columns])
            figure = f"{made.wall:.1f} s, cpu {made.cpu:.1f} s, peak {made.peak_gb:.2f} GB"
            found.append(Row(f"clinical analyse, {subjects:,} rows of {ending.upper()}", figure, "", "", "stated", None))
    return found


def once(call: Callable[[], object]) -> Seconds:
    """Return the seconds of one call of a slow peer, whose warnings are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return timed(call, repeats=1, warm=False)


def row(what: str, ours: Seconds, theirs: Seconds | None = None, limit: float | None = None) -> Row:
    """Return a line of seconds: walls are held to the threshold, and processor seconds stand beside them."""
    return Row(
        what,
        f"{ours.wall:.3f} s, cpu {ours.cpu:.3f} s",
        f"lifelines {theirs.wall:.2f} s, cpu {theirs.cpu:.2f} s" if theirs else "",
        f"{theirs.cpu / ours.cpu:.1f}" if theirs else "",
        f"<= {limit:g} s" if limit else "stated",
        ours.wall <= limit if limit else None,
    )
