"""What the assay stage talks about: wells of plates, responses and fits; curves and intervals are in `curves`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.evidence import Answer, Quantity
from benchside.core.tables import FLAG, FLOAT, INTEGER, TEXT, Column, TypedTable, dataframe
from benchside.core.units import fraction_per, nM_per
from benchside.stages.assay.curves import (
    LL3,
    LL4,
    LL5,
    Bootstrap,
    Curve,
    Delta,
    FitStatus,
    Interval,
    ProfileLikelihood,
    check_level,
    interval_named,
)

__all__ = [
    "LL3",
    "LL4",
    "LL5",
    "PLATE_SHAPES",
    "ROLES",
    "Bootstrap",
    "Curve",
    "Delta",
    "FitStatus",
    "Fits",
    "Interval",
    "ProfileLikelihood",
    "Quality",
    "ResponseTable",
    "WellTable",
    "check_level",
    "interval_named",
    "place_of",
    "row_letters",
    "well_name",
]

ROLES = ("sample", "vehicle", "positive", "blank", "empty", "excluded")
PLATE_SHAPES: Mapping[int, tuple[int, int]] = {96: (8, 12), 384: (16, 24), 1536: (32, 48)}


def well_name(row: int, column: int) -> str:
    """Return the name of a well from its row and column, both from 0: A1, H12, AF48."""
    return f"{row_letters(row)}{column + 1}"


def row_letters(row: int) -> str:
    """Return the letters of a plate row counted from 0: A .. Z, AA .. AF."""
    return chr(65 + row) if row < 26 else "A" + chr(65 + row - 26)


def place_of(ref: str | None) -> str:
    """Return how a message names the cell a reference points to, in brackets; nothing where there is no reference.

    Examples
    --------
    >>> place_of("day1.xlsx@0123456789ab!Layout!C4"), place_of("wells.csv@0123456789ab!row 7"), place_of(None)
    (" (day1.xlsx, sheet 'Layout', cell C4)", ' (wells.csv, row 7)', '')
    """
    if ref is None:
        return ""
    file, _, rest = ref.rpartition("@")
    parts = rest.split("!", 1)[-1].rsplit("!", 1)
    return f" ({file}, sheet {parts[0]!r}, cell {parts[1]})" if len(parts) == 2 else f" ({file}, {parts[0]})"


@dataclass(frozen=True)
class WellTable(TypedTable):
    """Wells of plates as they were read: one row a well, with the cell its signal and its dose came from."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "plate_id": Column(TEXT, "the plate", required=True),
        "well": Column(TEXT, "A1 .. AF48", required=True),
        "role": Column(TEXT, f"one of {', '.join(ROLES)}", required=True),
        "compound": Column(TEXT, "the compound; null in control wells"),
        "concentration_nM": Column(FLOAT, "nominal concentration; 0 or null in control wells"),
        "target": Column(TEXT, "the kinase"),
        "variant": Column(TEXT, "WT or the mutation"),
        "system": Column(TEXT, "cell-free, or the cell line"),
        "replicate": Column(INTEGER, "replicate number"),
        "signal": Column(FLOAT, "what the reader read", required=True),
        "signal_ref": Column(TEXT, "file, sheet and cell (or line) of the signal"),
        "layout_ref": Column(TEXT, "file, sheet and cell (or line) of the dose; null where the layout says nothing of the well"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "well table"
    KIND: ClassVar[str] = "wells"

    def check(self) -> None:
        """Refuse unknown roles, wells that stand twice, and doses that contradict the role."""
        table = self.table
        unknown = table.filter(~pl.col("role").is_in(ROLES).fill_null(value=False))
        if unknown.height:
            plate, well, role, ref = unknown.select("plate_id", "well", "role", "layout_ref").row(0)
            hint = nearest(role or "", ROLES)
            message = f"plate {plate}{place_of(ref)}: well {well} has role {role!r}, which is unknown{hint}. Use one of {listed(ROLES, 6)}."
            raise TableError(message)
        keys = table.select("plate_id", "well")
        if keys.n_unique() < table.height:
            plate, well, ref = table.filter(keys.is_duplicated()).select("plate_id", "well", "signal_ref").row(-1)
            message = f"plate {plate}{place_of(ref)}: well {well} stands more than once. Keep one row a well, or give the repeats a plate_id of their own."
            raise TableError(message)
        self._check_wells()
        self._check_doses()
        self._check_signals()
        self._check_compounds()

    def _check_wells(self) -> None:
        """Refuse names that are no well of any plate, such as Z99."""
        letters = pl.col("well").str.extract(r"^([A-Z]{1,2})\d+$")
        number = pl.col("well").str.extract(r"^[A-Z]{1,2}(\d{1,3})$").cast(pl.Int64)
        stray = self.table.filter(
            ~(letters.is_in([row_letters(k) for k in range(32)]) & number.is_between(1, 48)).fill_null(value=False)
        )
        if stray.height:
            plate, well, ref = stray.select("plate_id", "well", "signal_ref").row(0)
            message = f"plate {plate}{place_of(ref)}: {well!r} is no well of a plate of 96, 384 or 1536 wells (A1 to AF48). Correct the name."
            raise TableError(message)

    def _check_signals(self) -> None:
        used = ~pl.col("role").is_in(["empty", "excluded"])
        bad = self.table.filter(used & ~pl.col("signal").is_finite().fill_null(value=False))
        if bad.height:
            plate, well, role, value, ref = bad.select("plate_id", "well", "role", "signal", "signal_ref").row(0)
            message = (
                f"plate {plate}{place_of(ref)}: {role} well {well} has {'no signal' if value is None else f'signal {value}'}, and a signal "
                "must be a finite number. Correct the cell, or make the well empty or excluded."
            )
            raise TableError(message)

    def _check_compounds(self) -> None:
        role = pl.col("role")
        nameless = self.table.filter((role == "sample") & (pl.col("compound").fill_null("").str.strip_chars() == ""))
        if nameless.height:
            plate, well = nameless.select("plate_id", "well").row(0)
            message = (
                f"plate {plate}: sample well {well} names no compound, and wells without one would be pooled into one curve. "
                "Fill in the compound (is the column named compound?), or make the well vehicle, blank, empty or excluded."
            )
            raise TableError(message)

    def _check_doses(self) -> None:
        dose, role = pl.col("concentration_nM"), pl.col("role")
        dosed_control = self.table.filter(role.is_in(["vehicle", "blank"]) & (dose > 0))
        if dosed_control.height:
            plate, well, what, value, ref = dosed_control.select(
                "plate_id", "well", "role", "concentration_nM", "layout_ref"
            ).row(0)
            message = (
                f"plate {plate}{place_of(ref)}: well {well} is both {what} and dosed at {value:g} nM. {what.capitalize()} wells have concentration_nM 0; "
                "remove the dose or relabel the well."
            )
            raise TableError(message)
        second = (
            pl.col("concentration_b_nM").cast(pl.Float64, strict=False)
            if "concentration_b_nM" in self.table.columns
            else pl.lit(0.0)
        )
        dosed = (dose.is_finite() & (dose > 0)) | (dose.fill_null(0.0) == 0) & (second.is_finite() & (second > 0))
        undosed = self.table.filter((role == "sample") & ~dosed.fill_null(value=False))
        if undosed.height:
            plate, well, value, ref = undosed.select("plate_id", "well", "concentration_nM", "layout_ref").row(0)
            hint = (
                " A negative dose is usually a logarithm: convert it (10**x) and state the unit."
                if value is not None and value < 0
                else ""
            )
            message = (
                f"plate {plate}{place_of(ref)}: sample well {well} has dose {'missing' if value is None else f'{value:g} nM'}, and a sample well needs a dose above 0.{hint} "
                "Correct the dose, or make the well vehicle, blank, empty or excluded."
            )
            raise TableError(message)


@dataclass(frozen=True)
class ResponseTable(TypedTable):
    """Responses by dose, as a fraction of the vehicle: 1 = vehicle, 0 = blank or positive control."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "curve_id": Column(TEXT, "the curve a row belongs to", required=True),
        "compound": Column(TEXT, "the compound"),
        "target": Column(TEXT, "the kinase"),
        "variant": Column(TEXT, "WT or the mutation"),
        "system": Column(TEXT, "cell-free, or the cell line"),
        "concentration_nM": Column(FLOAT, "nominal concentration, 0 or more", required=True),
        "response": Column(FLOAT, "fraction of vehicle", required=True),
        "replicate": Column(INTEGER, "replicate number"),
        "plate_id": Column(TEXT, "the plate"),
        "excluded": Column(FLAG, "true: kept and drawn, not used in the fit"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "response table"
    KIND: ClassVar[str] = "responses"

    def check(self) -> None:
        """Refuse negative or endless doses and responses that are not numbers."""
        dose, response = self.table["concentration_nM"], self.table["response"]
        bad = (~(dose.is_finite() & (dose >= 0)).fill_null(value=False)).arg_true().to_list()
        if bad:
            message = (
                f"response table: a concentration must be a number of 0 or more; row {listed([row + 1 for row in bad], 3)} "
                f"(curve {self.table['curve_id'][bad[0]]}) holds {listed([dose[row] for row in bad], 3)}. "
                "Correct the row; a negative dose is usually a logarithm (convert with 10**x)."
            )
            raise TableError(message)
        endless = (~response.is_finite().fill_null(value=True)).arg_true().to_list()
        if endless:
            message = (
                f"response table: response must be a finite number or empty; row {listed([row + 1 for row in endless], 3)} "
                f"(curve {self.table['curve_id'][endless[0]]}) holds {listed([response[row] for row in endless], 3)}. Clear or correct the cell."
            )
            raise TableError(message)

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        curve_id: str = "curve_id",
        concentration: str = "concentration",
        concentration_unit: str | None = "uM",
        response: str = "response",
        response_unit: str = "fraction",
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a response table from a user's own long table.

        Parameters
        ----------
        df
            Any dataframe or path, one row a dose and replicate.
        curve_id, concentration, response
            Names of its columns.
        concentration_unit
            Unit of the concentrations; they become nM.
        response_unit
            ``fraction`` (1 = vehicle) or ``percent`` (100 = vehicle).
        columns
            Further columns by promised name, for example ``{"compound": "drug"}``.

        Raises
        ------
        TableError, UnitError

        Examples
        --------
        >>> import polars as pl
        >>> long = pl.DataFrame({"curve_id": ["a"] * 2, "conc": [0.1, 1.0], "response": [0.9, 0.2]})
        >>> ResponseTable.from_frame(long, concentration="conc", concentration_unit="uM").table["concentration_nM"].to_list()
        [100.0, 1000.0]
        """
        frame, factor = dataframe(df), nM_per(concentration_unit, place="response table")
        share = fraction_per(response_unit, place="response table")
        renamed = {curve_id: "curve_id", concentration: "concentration_nM", response: "response"}
        renamed |= {theirs: ours for ours, theirs in (columns or {}).items()}
        missing = [name for name in renamed if name not in frame.columns]
        if missing:
            message = f"response table: column {listed(missing)} is missing{nearest(missing[0], frame.columns)}; the columns are {listed(frame.columns, 12)}."
            raise TableError(message)
        clash = [ours for theirs, ours in renamed.items() if ours in frame.columns and ours != theirs]
        frame = frame.drop(clash).rename({theirs: ours for theirs, ours in renamed.items() if theirs != ours})
        held = cls(frame.with_columns(pl.col("curve_id").cast(pl.String)))
        scaled = held.table.with_columns(
            pl.col("concentration_nM") * factor, pl.col("response") * share, pl.col("excluded").fill_null(value=False)
        )
        return cls(scaled)


@dataclass(frozen=True)
class Quality(Answer):
    """Verdicts on plates, before any IC50: one row a plate."""

    KEY: ClassVar[tuple[str, ...]] = ("plate_id",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("Z'", "z_prime", ""),
        Quantity("robust Z'", "robust_z_prime", ""),
        Quantity("SSMD", "ssmd", ""),
        Quantity("signal to background", "signal_to_background", "ratio"),
        Quantity("CV of vehicle", "cv_vehicle", "fraction"),
        Quantity("signal window", "signal_window", "vehicle SDs"),
        Quantity("edge effect", "edge_effect", "fraction"),
        Quantity("row drift", "row_drift", "fraction"),
        Quantity("column drift", "column_drift", "fraction"),
    )


@dataclass(frozen=True)
class Fits(Answer):
    """Fitted curves, one row a curve; columns as promised in the contract."""

    KEY: ClassVar[tuple[str, ...]] = ("curve_id",)
    QUANTITIES: ClassVar[tuple[Quantity, ...]] = (
        Quantity("IC50", "ic50_nM", "nM", lower="ic50_lower_nM", upper="ic50_upper_nM", relation="ic50_relation", n="n_points"),
        Quantity("EC50", "ec50_nM", "nM", lower="ec50_lower_nM", upper="ec50_upper_nM", n="n_points"),
        Quantity("slope", "slope", "", n="n_points"),
        Quantity("top", "top", "fraction of vehicle", n="n_points"),
        Quantity("bottom", "bottom", "fraction of vehicle", n="n_points"),
        Quantity("AUC", "auc", "fraction of vehicle", n="n_points"),
        Quantity("Emax", "emax", "fraction of vehicle", n="n_points"),
    )
