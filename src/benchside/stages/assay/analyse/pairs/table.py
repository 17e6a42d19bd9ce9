"""Responses of two compounds together and alone: the door that combination data enter through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import polars as pl

from benchside.core.errors import TableError, listed, nearest
from benchside.core.tables import FLAG, FLOAT, INTEGER, TEXT, Column, TypedTable, cast_column, dataframe
from benchside.core.units import fraction_per, nM_per

KEY: Final = ("block", "compound_a", "compound_b", "system")
"""What names one combination: a pair, on one system, in one block (a plate or a run)."""

DOSES: Final = ("concentration_a_nM", "concentration_b_nM")
IMPLAUSIBLE: Final = 2.0
"""A table whose median response is above this many vehicles is not in fractions of the vehicle."""


@dataclass(frozen=True)
class CombinationTable(TypedTable):
    """Wells of dose matrices: one row a well, the pair named in every row, dose 0 of one agent in the wells of the other alone."""

    SCHEMA: ClassVar[Mapping[str, Column]] = {
        "compound_a": Column(TEXT, "the first compound", required=True),
        "compound_b": Column(TEXT, "the second compound", required=True),
        "concentration_a_nM": Column(FLOAT, "nominal concentration of the first, 0 or more", required=True),
        "concentration_b_nM": Column(FLOAT, "nominal concentration of the second, 0 or more", required=True),
        "response": Column(FLOAT, "fraction of vehicle", required=True),
        "replicate": Column(INTEGER, "replicate number"),
        "block": Column(TEXT, "the plate or run the matrix stands on"),
        "system": Column(TEXT, "the cell line"),
        "excluded": Column(FLAG, "true: kept and drawn, not used"),
    }  # fmt: skip
    NOUN: ClassVar[str] = "combination table"
    KIND: ClassVar[str] = "combinations"

    def check(self) -> None:
        """Refuse unnamed compounds, impossible doses and responses, and doses that were never given alone."""
        self._check_names()
        self._check_numbers()
        self._check_order()
        self._check_margins()

    def used(self) -> pl.DataFrame:
        """Return the rows that are neither excluded nor empty."""
        return self.table.filter(~pl.col("excluded").fill_null(value=False) & pl.col("response").is_not_null())

    def _check_names(self) -> None:
        for name in ("compound_a", "compound_b"):
            bare = (self.table[name].fill_null("").str.strip_chars() == "").arg_true().to_list()
            if bare:
                message = (
                    f"combination table: {name} is empty in row {listed([row + 1 for row in bare], 3)}. Name both compounds in every row; "
                    "a well with one of them alone has concentration 0 of the other."
                )
                raise TableError(message)

    def _check_numbers(self) -> None:
        for name in DOSES:
            dose = self.table[name]
            bad = (~(dose.is_finite() & (dose >= 0)).fill_null(value=False)).arg_true().to_list()
            if bad:
                message = (
                    f"combination table: {name} must be a number of 0 or more; row {listed([row + 1 for row in bad], 3)} holds "
                    f"{listed([dose[row] for row in bad], 3)}. Correct the row; a negative dose is usually a logarithm (convert with 10**x)."
                )
                raise TableError(message)
        response = self.table["response"]
        endless = (~response.is_finite().fill_null(value=True)).arg_true().to_list()
        if endless:
            message = f"combination table: response must be a finite number or empty; row {listed([row + 1 for row in endless], 3)} holds {listed([response[row] for row in endless], 3)}. Clear or correct the cell."
            raise TableError(message)
        median = self.used()["response"].median()
        if isinstance(median, float) and median > IMPLAUSIBLE:
            message = (
                f"combination table: the median response is {median:g} times the vehicle, and responses are fractions (1 = vehicle). "
                "Convert percentages with CombinationTable.from_frame(response_unit='percent')."
            )
            raise TableError(message)

    def _check_order(self) -> None:
        pairs = self.table.select("block", "system", "compound_a", "compound_b").unique(maintain_order=True)
        turned = pairs.rename({"compound_a": "compound_b", "compound_b": "compound_a"}).select(pairs.columns)
        both = pairs.filter(pl.col("compound_a") != pl.col("compound_b")).join(
            turned, on=pairs.columns, how="semi", nulls_equal=True, maintain_order="left"
        )
        if both.height:
            _, _, a, b = both.row(0)
            message = (
                f"combination table: {a} and {b} stand in both orders, so one matrix is split in two. Keep one order of the pair."
            )
            raise TableError(message)

    def _check_margins(self) -> None:
        """Every dose that stands in a combination must also stand alone: no reference can be had without it."""
        used = self.used()
        together = used.filter((pl.col(DOSES[0]) > 0) & (pl.col(DOSES[1]) > 0))
        bare = self.table.select(KEY).unique(maintain_order=True).join(together, on=KEY, how="anti", nulls_equal=True)
        if bare.height:
            message = f"combination table: {_called(bare.row(0))} has no well with both compounds. Add the combination wells or leave the pair out."
            raise TableError(message)
        for own, other, name in ((DOSES[0], DOSES[1], "compound_a"), (DOSES[1], DOSES[0], "compound_b")):
            alone = used.filter(pl.col(other) == 0).select(*KEY, own).unique()
            missing = (
                together.select(*KEY, own)
                .unique(maintain_order=True)
                .join(alone, on=[*KEY, own], how="anti", nulls_equal=True, maintain_order="left")
            )
            if missing.height:
                first = missing.select(KEY).row(0)
                doses = missing.filter(
                    pl.all_horizontal(pl.col(n).eq_missing(pl.lit(v)) for n, v in zip(KEY, first, strict=True))
                )
                message = (
                    f"combination table: {_called(first)}: {missing.row(0, named=True)[name]} at {listed([f'{x:g}' for x in doses[own]], 4)} nM stands in "
                    "combination but never alone, and every reference needs the single agents at the doses of the matrix. "
                    f"Add rows with {other} 0, or leave these doses out."
                )
                raise TableError(message)

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        concentration_unit: str | None,
        response_unit: str,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a combination table from a user's own long table.

        Parameters
        ----------
        df
            Any dataframe or path, one row a well.
        concentration_unit
            Unit of both concentrations; they become nM.
        response_unit
            ``fraction`` (1 = vehicle) or ``percent`` (100 = vehicle).
        columns
            The user's names by promised name, for example ``{"compound_a": "Drug1", "concentration_a": "Conc1"}``; the
            concentrations are called `concentration_a` and `concentration_b` here.

        Raises
        ------
        TableError, UnitError

        Examples
        --------
        >>> import polars as pl
        >>> rows = [(0.0, 0.0, 100.0), (1.0, 0.0, 60.0), (0.0, 2.0, 50.0), (1.0, 2.0, 20.0)]
        >>> wells = pl.DataFrame(rows, schema=["concentration_a", "concentration_b", "response"], orient="row")
        >>> wells = wells.with_columns(compound_a=pl.lit("x"), compound_b=pl.lit("y"))
        >>> CombinationTable.from_frame(wells, concentration_unit="uM", response_unit="percent").table["response"].to_list()
        [1.0, 0.6, 0.5, 0.2]
        """
        frame, factor = dataframe(df), nM_per(concentration_unit, place="combination table")
        share = fraction_per(response_unit, place="combination table")
        renamed = {name: name for name in ("concentration_a", "concentration_b", "response")} | dict(columns or {})
        missing = [theirs for theirs in renamed.values() if theirs not in frame.columns]
        if missing:
            message = f"combination table: column {listed(missing)} is missing{nearest(missing[0], frame.columns)}; the columns are {listed(frame.columns, 12)}."
            raise TableError(message)
        rest = [name for name in frame.columns if name not in renamed.values() and name not in renamed]
        frame = frame.select(*[pl.col(theirs).alias(ours) for ours, theirs in renamed.items()], *rest)
        frame = frame.rename({"concentration_a": DOSES[0], "concentration_b": DOSES[1]})
        # The numbers are cast before they are scaled, so that text in a cell is reported and not multiplied.
        scales = {DOSES[0]: factor, DOSES[1]: factor, "response": share}
        cast = {name: cast_column(frame, name, FLOAT, noun=cls.NOUN) * scale for name, scale in scales.items()}
        return cls(frame.with_columns(**cast))


def _called(key: tuple[Any, ...]) -> str:
    """Return what a message calls a combination."""
    block, a, b, system = key
    place = ", ".join(f"{what} {value}" for what, value in (("system", system), ("block", block)) if value is not None)
    return f"{a} + {b}" + (f" ({place})" if place else "")


def matrices_of(responses: pl.DataFrame) -> pl.DataFrame:
    """Return responses as `normalise` makes them with the columns of a combination: the pair, both doses, replicate plates as one.

    A plate was normalised to its own vehicle, so the plates of a pair on one system are replicates of one matrix.
    """
    if "compound_a" in responses.columns or not {"compound", "compound_b", "concentration_nM"} <= set(responses.columns):
        return responses
    named = responses.filter(pl.col("compound_b").is_not_null()).rename({"compound": "compound_a", "concentration_nM": DOSES[0]})
    return named.with_columns(pl.col(name).fill_null(0.0) for name in DOSES)


def single_agents(responses: pl.LazyFrame) -> pl.LazyFrame:
    """Return the responses of compounds given alone; where the second of a pair was given alone it is the compound of its row."""
    if not {"compound_b", "concentration_b_nM"} <= set(responses.collect_schema().names()):
        return responses
    second = pl.col("concentration_b_nM").fill_null(0.0) > 0
    first = pl.col("concentration_nM").fill_null(0.0) > 0
    parts = [pl.col("compound_b"), *(pl.col(name) for name in ("target", "variant", "system"))]
    named = pl.concat_str(parts, separator=" | ", ignore_nulls=True)
    return responses.filter(~(first & second)).with_columns(
        curve_id=pl.when(second).then(named).otherwise("curve_id"),
        compound=pl.when(second).then("compound_b").otherwise("compound"),
        concentration_nM=pl.when(second).then("concentration_b_nM").otherwise("concentration_nM"),
    )
