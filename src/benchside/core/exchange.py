"""The types stages meet in. Each is a quantity, not a stage: who made it is not asked, what it is is checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from benchside.core.errors import MatrixMismatch, NoEvidenceError, SettingError, TableError, listed, nearest
from benchside.core.tables import FLOAT, INTEGER, TEXT, Column, TypedTable, cast_column, dataframe
from benchside.core.units import DAYS_PER_MONTH, days_per

SOURCE_REF: Final = "source_ref"
"""The column a reader puts the reference of every row in."""

Site = Literal["plasma", "cns"]
Matrix = Literal["total", "free"]


@dataclass(frozen=True)
class Potency(TypedTable):
    """How potent compounds are: one row a compound, target and variant in one system.

    From `assay` (measured here) or from `evidence` (published); read by `pharmacology`, `pathway` and `trial`.
    """

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "compound": Column(TEXT, "the compound", required=True),
        "target": Column(TEXT, "the kinase, for example ALK"),
        "variant": Column(TEXT, "WT or the mutation, for example G1202R", required=True),
        "system": Column(TEXT, "cell-free, or the cell line"),
        "quantity": Column(TEXT, "IC50 or Ki"),
        "value_nM": Column(FLOAT, "nominal (total) concentration in the assay medium", required=True),
        "lower_nM": Column(FLOAT, "lower confidence limit"),
        "upper_nM": Column(FLOAT, "upper confidence limit"),
        "relation": Column(TEXT, "=, < or >"),
        "n_curves": Column(INTEGER, "curves behind the value"),
        "serum_fraction": Column(FLOAT, "serum in the assay medium as a fraction; 0 for a cell-free assay"),
        "atp_uM": Column(FLOAT, "ATP in the assay"),
        "km_uM": Column(FLOAT, "Km of the kinase for ATP"),
        "source": Column(TEXT, "where it comes from"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "potency table"
    KIND: ClassVar[str] = "potency"

    def check(self) -> None:
        """Refuse potencies that are not positive, and two for one compound, variant and system."""
        # polars holds nan to be larger than every number, and a comparison with null to be null.
        bad = self.table.filter(~(pl.col("value_nM").is_finite() & (pl.col("value_nM") > 0)).fill_null(value=False))
        if bad.height:
            message = f"potency table: value_nM must be > 0; {bad['compound'][0]} on {bad['variant'][0]} has {bad['value_nM'][0]}. Remove or correct the row."
            raise TableError(message)
        twice = self.table.filter(self.table.select("compound", "target", "variant", "system", "quantity").is_duplicated())
        if twice.height:
            message = (
                f"potency table: {twice['compound'][0]} on {twice['variant'][0]} stands {twice.height} times for one system. "
                "Keep one row, or pool them first."
            )
            raise TableError(message)


@dataclass(frozen=True)
class Exposure:
    """Concentration of one compound over one dosing interval at steady state, at one site, total or free."""

    table: pl.DataFrame
    """`time_h, concentration_nM` (and `subject` for a population)."""

    compound: str
    site: Site
    matrix: Matrix
    source: str = ""

    def __post_init__(self) -> None:
        table = dataframe(self.table)
        missing = {"time_h", "concentration_nM"} - set(table.columns)
        if missing:
            message = (
                f"exposure of {self.compound}: column {listed(sorted(missing))} is missing. It needs time_h and concentration_nM."
            )
            raise TableError(message)
        level = cast_column(table, "concentration_nM", FLOAT, noun=f"exposure of {self.compound}")
        bad = (~(level.is_finite() & (level >= 0)).fill_null(value=False)).arg_true().to_list()
        if bad:
            message = (
                f"exposure of {self.compound}: concentration_nM must be 0 or more in every row; row {listed([row + 1 for row in bad], 3)} "
                f"holds {listed([level[row] for row in bad], 3)}. Correct or leave out the rows."
            )
            raise TableError(message)

    @property
    def average_nM(self) -> float:
        """Time-weighted mean concentration over the interval (trapezoid), over all subjects."""
        keys = ["subject"] if "subject" in self.table.columns else []
        time, value = pl.col("time_h"), pl.col("concentration_nM")
        area = ((value + value.shift(1)) / 2 * time.diff()).sum() / (time.max() - time.min())
        means = (
            self.table.group_by(keys, maintain_order=True).agg(mean=area)["mean"]
            if keys
            else self.table.select(mean=area)["mean"]
        )
        return float(cast("float", means.mean()))

    @property
    def minimum_nM(self) -> float:
        """Lowest concentration over the interval: the trough."""
        return float(cast("float", self.table["concentration_nM"].min()))

    def unbound(self, *, fraction: float) -> "Exposure":
        """Return the free exposure, `fraction` of the total one.

        Raises
        ------
        MatrixMismatch
            When it is free already.
        """
        if self.matrix == "free":
            message = (
                f"the exposure of {self.compound} is free already; the free fraction would be applied twice. Leave out unbound()."
            )
            raise MatrixMismatch(message)
        if not 0 < fraction <= 1:
            message = f"the free fraction of {self.compound} must lie in (0, 1], and is {fraction}. Correct it."
            raise SettingError(message)
        table = self.table.with_columns(pl.col("concentration_nM") * fraction)
        return Exposure(table, self.compound, self.site, "free", self.source)


def require_free(exposure: Exposure) -> None:
    """Raise MatrixMismatch where a total concentration would be compared with a free potency."""
    if exposure.matrix != "free":
        message = (
            f"a free potency is compared with free drug, but the exposure of {exposure.compound} is {exposure.matrix}. "
            "Call .unbound(fraction=...) first."
        )
        raise MatrixMismatch(message)


@dataclass(frozen=True)
class Effect(TypedTable):
    """What a free concentration of a compound does to cells of a variant: division and death, per day."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "compound": Column(TEXT, "the compound", required=True),
        "variant": Column(TEXT, "WT or the mutation", required=True),
        "bypass": Column(TEXT, "none, or the bypass that is open"),
        "member": Column(INTEGER, "member of the ensemble, from 0"),
        "free_nM": Column(FLOAT, "free concentration; rising within a compound, variant, bypass and member", required=True),
        "division_per_day": Column(FLOAT, "divisions a cell and day", required=True),
        "death_per_day": Column(FLOAT, "deaths a cell and day", required=True),
    }  # fmt: skip
    NOUN: ClassVar[str] = "effect table"
    KIND: ClassVar[str] = "effect"

    def net_growth_per_day(self, compound: str, variant: str, free_nM: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return division minus death at free concentrations, interpolated on log(1 + c) between the tabulated ones.

        Raises
        ------
        NoEvidenceError
            When the compound or variant is not tabulated.
        """
        rows = self.table.filter((pl.col("compound") == compound) & (pl.col("variant") == variant)).sort("free_nM")
        if rows.is_empty():
            message = f"no effect of {compound} on {variant} is known here. Add its potency; there is no default."
            raise NoEvidenceError(message)
        net = (rows["division_per_day"] - rows["death_per_day"]).to_numpy()
        return np.asarray(np.interp(np.log1p(free_nM), np.log1p(rows["free_nM"].to_numpy()), net), dtype=np.float64)


@dataclass(frozen=True)
class GrowthLaw:
    """A frozen law of tumour growth; `kernels/growth.py` dispatches on the kind."""

    kind: Literal["exponential", "gompertz"]
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mechanism:
    """All the trial needs of biology: effects and exposures of its compounds, the growth law, and which ensemble they are from."""

    effect: Effect
    exposures: Mapping[tuple[str, Site], Exposure]
    growth: GrowthLaw
    ensemble_hash: str
    """Content hash of the calibrated ensemble, or the word that says there is none, for example `sketch`."""

    def exposure(self, compound: str, site: Site) -> Exposure:
        """Return the free exposure of a compound at a site, or raise NoEvidenceError."""
        found = self.exposures.get((compound, site))
        if found is None:
            message = (
                f"no exposure of {compound} in {site} is known here. Add the compound's pharmacokinetics; there is no default."
            )
            raise NoEvidenceError(message)
        require_free(found)
        return found


@dataclass(frozen=True)
class EventTable(TypedTable):
    """Times to events of subjects, by arm: real, derived, reconstructed or simulated alike.

    `table` holds `time_months, event, arm` and every further column of the input (strata, USUBJID, covariates).
    """

    control: str | None = None
    strata: tuple[str, ...] = ()
    causes: Mapping[str, int] | None = None
    reconstructed: bool = False
    label: str = "event table"
    """What messages call it: the file it was read from."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "time_months": Column(FLOAT, "months of 30.4375 d from the start", required=True),
        "event": Column(INTEGER, "0 censored, 1 event, or the codes of `causes`", required=True),
        "arm": Column(TEXT, "the arm", required=True),
    }  # fmt: skip
    NOUN: ClassVar[str] = "event table"
    KIND: ClassVar[str] = "events"

    @property
    def noun(self) -> str:
        """The file it was read from, where one is known."""
        return self.label

    def check(self) -> None:
        """Refuse times that are missing, negative or infinite, unknown codes, arms that look alike, and names that are not there."""
        self._check_times()
        self._check_causes()
        self._check_events()
        missing = [name for name in self.strata if name not in self.table.columns]
        if missing:
            message = f"{self.label}: stratum {listed(missing)} is no column{nearest(missing[0], self.table.columns)}. Name a column of the table."
            raise TableError(message)
        arms = self.arms
        _require_unlike(arms, self.label)
        if self.control is not None and self.control not in arms:
            message = f"{self.label}: the control arm {self.control!r} is not among the arms {listed(arms)}{nearest(self.control, arms)}. Name one of them."
            raise TableError(message)

    def _check_times(self) -> None:
        require_times(self.table["time_months"], "time_months", self.label)

    def _check_causes(self) -> None:
        names: dict[int, str] = {}
        for name, code in (self.causes or {}).items():
            if code == 0 or code in names:
                told = f"0 {name!r}, and 0 is censored" if code == 0 else f"{code} twice, as {names[code]!r} and {name!r}"
                message = f"{self.label}: causes names code {told}. Give every cause a code of its own, from 1 on."
                raise SettingError(message)
            names[code] = name

    def _check_events(self) -> None:
        allowed = {0, 1} if self.causes is None else {0, *self.causes.values()}
        event = self.table["event"]
        bad = (~event.is_in(list(allowed)).fill_null(value=False)).arg_true().to_list()
        if bad:
            message = (
                f"{self.label}: event must be one of {sorted(allowed)}; row {listed([row + 1 for row in bad])} "
                f"holds {listed(['nothing' if event[row] is None else event[row] for row in bad])}. {self._coding()}"
            )
            raise TableError(message)
        nulls = self.table["arm"].is_null().arg_true().to_list()
        if nulls:
            message = (
                f"{self.label}: the arm is missing in row {listed([row + 1 for row in nulls])}. Fill it in or leave out the rows."
            )
            raise TableError(message)

    def _coding(self) -> str:
        if self.causes is None:
            return "Recode it as 1 for an event and 0 for censored (in the library, causes={...} names further codes)."
        named = listed((f"{name}={code}" for name, code in self.causes.items()), 9) or "no code"
        return f"causes names {named}: name the code there (in study.toml or the library), or correct the row."

    @property
    def arms(self) -> list[str]:
        """The arms in alphabetical order, the control (where named) first."""
        names = sorted(self.table["arm"].drop_nulls().unique().to_list())
        return (
            names if self.control not in names else [cast("str", self.control), *(name for name in names if name != self.control)]
        )

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        time: str = "time",
        time_unit: str | None = None,
        event: str = "event",
        arm: str = "arm",
        control: str | None = None,
        strata: Sequence[str] = (),
        causes: Mapping[str, int] | None = None,
        label: str = "event table",
    ) -> Self:
        """Return an event table from any dataframe or path.

        Parameters
        ----------
        df
            One row a subject.
        time, event, arm
            Names of its columns; `event` is 0 or 1 (or true and false), or the codes of `causes`.
        time_unit
            days, weeks, months or years; asked for, never guessed. A month is 30.4375 d.
        control
            The arm the others are compared with.
        strata
            Columns that stratify the tests.
        causes
            Names of the event codes, ``{"cns": 1, "other": 2}``, one a code; 0 is censored.
        label
            What messages call the table, for example its file.

        Raises
        ------
        TableError, UnitError, SettingError
            Naming the rows and the remedy.

        Examples
        --------
        >>> import polars as pl
        >>> df = pl.DataFrame({"t": [61, 30], "e": [1, 0], "trt": ["a", "b"]})
        >>> EventTable.from_frame(df, time="t", time_unit="days", event="e", arm="trt").table.columns
        ['time_months', 'event', 'arm']
        """
        frame = dataframe(df)
        missing = [name for name in (time, event, arm) if name not in frame.columns]
        if missing:
            message = f"{label}: column {listed(missing)} is missing{nearest(missing[0], frame.columns)}; the columns are {listed([name for name in frame.columns if name != SOURCE_REF], 12)}."
            raise TableError(message)
        if frame.is_empty():
            message = f"{label}: the table has a header and no rows. Export it again."
            raise TableError(message)
        unit = days_per(time_unit, place=label)
        months = cast_column(frame, time, FLOAT, noun=label)
        require_times(months, time, label)
        if unit != DAYS_PER_MONTH:
            months = months * unit / DAYS_PER_MONTH
        codes = cast_column(frame, event, INTEGER, noun=label)
        known = pl.DataFrame({"time_months": months, "event": codes, "arm": frame[arm].cast(pl.String)})
        rest = [name for name in frame.columns if name not in {time, event, arm, *known.columns}]
        return cls(known.hstack(frame.select(rest)), control=control, strata=tuple(strata), causes=causes, label=label)


def _require_unlike(arms: Sequence[str], label: str) -> None:
    """Refuse arms that a slip of the keyboard made two of."""
    alike: dict[str, list[str]] = {}
    for arm in arms:
        alike.setdefault("".join(arm.split()).casefold(), []).append(arm)
    for same in alike.values():
        if len(same) > 1:
            *some, last = map(repr, sorted(same))
            message = f"{label}: arms {', '.join(some)} and {last} differ by spaces or capitals only; write them alike."
            raise TableError(message)


def require_times(time: pl.Series, column: str, label: str) -> None:
    """Refuse times that are missing, negative or infinite, as they stand in the column they came from."""
    bad = (~(time.is_finite() & (time >= 0)).fill_null(value=False)).arg_true().to_list()
    if bad:
        held = ["nothing" if time[row] is None else f"{time[row]:g}" for row in bad]
        message = (
            f"{label}: a time must be a number of 0 or more; row {listed([row + 1 for row in bad])} of column {column} "
            f"holds {listed(held)}. Correct or leave out the rows."
        )
        raise TableError(message)
