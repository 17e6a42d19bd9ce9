"""Typed tables: the one door a dataframe enters through, and the check it passes there."""

import codecs
import hashlib
import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Self, cast

import numpy as np
import polars as pl

from benchside.core.errors import FileError, TableError, listed, nearest

HASHED_AT_ONCE: Final = 250_000
"""Rows of a text column that are hashed at once."""

SAMPLED: Final = 10_000
"""Rows of a text table that the types of its columns are first read off."""

FILE_ROW: Final = "_file_row"
"""Column that says which row of its file a row was (1 is the first below the header), where rows were left out on the way."""

FLOAT, TEXT, INTEGER, FLAG = pl.Float64, pl.String, pl.Int64, pl.Boolean

_AS_UTF8: Final = "Save it as UTF-8 (in Excel: CSV UTF-8) and retry."
_DECIMAL_COMMA: Final = re.compile(r"\d,\d")
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
_DECIMAL_POINT: Final = re.compile(r"\d\.\d")


@dataclass(frozen=True)
class Column:
    """One promised column of a typed table."""

    dtype: type[pl.DataType]
    meaning: str
    required: bool = False
    """False: the door adds the column as nulls where the input has none."""


@dataclass(frozen=True)
class TypedTable:
    """A frozen polars table whose promised columns were checked once, at birth; further columns travel along.

    Subclasses name their columns in `SCHEMA` and their further rules in `check`.
    """

    table: pl.DataFrame

    SCHEMA: ClassVar[Mapping[str, Column]] = {}
    NOUN: ClassVar[str] = "table"
    KIND: ClassVar[str] = "table"
    """The name under which this kind of table is written to disk."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", conform(self.table, self.SCHEMA, noun=self.noun))
        self.check()

    @property
    def evidence(self) -> tuple[Any, ...]:
        """Return no records: a table that was read or normalised holds data, and evidence is what is found in it."""
        return ()

    @property
    def noun(self) -> str:
        """What messages call the table."""
        return self.NOUN

    def check(self) -> None:
        """Raise TableError where a row breaks a rule of this kind of table."""

    @classmethod
    def of(cls, data: Any) -> Self:
        """Return `data` as this kind of table: itself, a path to CSV or Parquet, or any dataframe."""
        return data if isinstance(data, cls) else cls(dataframe(data))


def dataframe(data: Any) -> pl.DataFrame:
    """Return any dataframe, path or benchside result as a polars DataFrame: the public edge.

    Parameters
    ----------
    data
        A polars, pandas or pyarrow table, anything narwhals knows, an object with ``.table``, or a path to a CSV or Parquet file.

    Raises
    ------
    TableError
        When it is none of these.
    FileError
        When the path cannot be read.
    """
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if isinstance(data, str | Path):
        return read_table(Path(data))
    held = getattr(data, "table", None)
    if isinstance(held, pl.DataFrame):
        return held
    import narwhals as nw  # noqa: PLC0415  only foreign dataframes need it

    try:
        return cast("pl.DataFrame", nw.from_native(data, eager_only=True).to_polars())
    except TypeError as error:
        message = f"expected a table (polars, pandas, pyarrow) or a path, got {type(data).__name__}."
        raise TableError(message) from error


def read_table(path: Path) -> pl.DataFrame:
    """Read a CSV, TSV or Parquet file as it is.

    Raises
    ------
    FileError
        When the file is absent, empty, damaged or of another kind.
    """
    require_file(path)
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
            return _read_text(path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise FileError(unreadable(path, error)) from error
    message = f"{path.name}: {path.suffix or 'a name without ending'} is no table read here. Use .csv, .tsv or .parquet."
    raise FileError(message)


def unreadable(path: Path, error: BaseException) -> str:
    """Return the sentence on a table file that could not be read."""
    words = first_line(error)
    if "utf-8" in words.lower() or "utf8" in words.lower():
        return f"{path.name} is not UTF-8 text. {_AS_UTF8}"
    return f"{path.name} could not be read as {path.suffix.lstrip('.').upper()}: {words} Save it again and retry."


def require_utf8(path: Path) -> None:
    """Refuse a text table whose beginning is not UTF-8: its µ and é would be read as other signs, or not at all."""
    with path.open("rb") as handle:
        start = handle.read(1 << 16)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        row = start.count(b"\n", 0, error.start)
        message = f"{path.name}, {f'row {row}' if row else 'header'}: not UTF-8 text (byte {start[error.start]:#x}). {_AS_UTF8}"
        raise FileError(message) from error


def _read_text(path: Path) -> pl.DataFrame:
    """Read a text table, the type of each column from all of its rows.

    polars reads types off rows ten times more slowly than it reads the rows, so those of a long table are read off its first ones,
    unless a later row might say otherwise.
    """
    options = text_options(path)
    try:
        table = pl.read_csv(path, infer_schema_length=SAMPLED, **options)
        if table.height <= SAMPLED or _sample_tells(table, path, options["separator"]):
            return table
    except pl.exceptions.PolarsError:
        pass  # a later row is of another type than the first ones, or the file is damaged, which the second reading says
    return pl.read_csv(path, infer_schema_length=None, **options)


def _sample_tells(table: pl.DataFrame, path: Path, separator: str) -> bool:
    """Return whether the later rows cannot change a column's type, given that they could all be read as it.

    They can where the first rows are empty, and where a cell is read as a number that polars does not take a number from: nan and
    inf in some spellings, and numbers after a plus sign or a space.
    """
    for series in table:
        if series.dtype == TEXT and series.head(SAMPLED).null_count() == SAMPLED:
            return False
        if series.dtype.is_float() and not series.is_finite().fill_null(value=True).all():
            return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return all(held.find((edge + sign).encode()) < 0 for edge in (separator, "\n", '"') for sign in "+ ")


def text_options(path: Path) -> dict[str, Any]:
    """Return how polars is to read a text table: separator, decimal mark, and what stands for an empty cell.

    Raises
    ------
    FileError
        When the file does not begin as UTF-8 text.
    """
    require_utf8(path)
    separator, decimal_comma = text_dialect(path)
    return {"separator": separator, "decimal_comma": decimal_comma, "null_values": ["", "NA"]}


def text_dialect(path: Path) -> tuple[str, bool]:
    """Return the separator of a text table, read off its header, and whether its numbers have decimal commas.

    Only tables separated by semicolons or tabs can have decimal commas; they have them where a line below the header holds a
    comma between digits and no line holds a point between digits.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        header, sample = handle.readline(1 << 16), handle.read(1 << 16)
    separator = next((mark for mark in ("\t", ";") if mark in header), ",")
    commas = separator != "," and bool(_DECIMAL_COMMA.search(sample)) and not _DECIMAL_POINT.search(sample)
    return separator, commas


def require_file(path: Path) -> None:
    """Raise FileError unless `path` is a file that holds something."""
    if not path.is_file():
        message = f"{path} does not exist or is not a file. Check the name."
        raise FileError(message)
    if path.stat().st_size == 0:
        message = f"{path.name} is empty (0 bytes). Export it again."
        raise FileError(message)


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, closed by a full stop."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".") + "."


def conform(table: pl.DataFrame, schema: Mapping[str, Column], *, noun: str) -> pl.DataFrame:
    """Return `table` with the promised columns first, in their types; refuse what is missing or cannot be converted."""
    missing = [name for name, column in schema.items() if column.required and name not in table.columns]
    if missing:
        hint = "".join(nearest(name, table.columns) for name in missing[:1])
        message = (
            f"{noun}: column {listed(missing)} is missing{hint}; the columns are {listed(table.columns, 12)}. "
            "Rename or add the column."
        )
        raise TableError(message)
    promised = [
        cast_column(table, name, column.dtype, noun=noun)
        if name in table.columns
        else pl.Series(name, [None] * table.height, dtype=column.dtype())
        for name, column in schema.items()
    ]
    return pl.DataFrame(promised).hstack([table[name] for name in table.columns if name not in schema])


def cast_column(table: pl.DataFrame, name: str, dtype: type[pl.DataType], *, noun: str) -> pl.Series:
    """Return one column in the wanted type, or say which rows hold what cannot be converted.

    Dates and durations are no numbers (of which unit?), a fraction is no whole number, and only true and false are flags.
    """
    series = table[name]
    if series.dtype == dtype:
        return series
    if series.dtype.is_temporal() and dtype != TEXT:
        message = f"{noun}: column {name} must hold {dtype_word(dtype)}, and holds {series.dtype}. Convert it to a number in a unit you know."
        raise TableError(message)
    cast = (
        series.cast(TEXT()).str.to_lowercase().replace_strict(_FLAGS, default=None)
        if dtype == FLAG
        else series.cast(dtype(), strict=False)
    )
    lost = (series.is_not_null() & (cast.is_null() | _rounded(series, dtype))).arg_true()
    if len(lost):
        rows = lost.to_list()
        numbers = table[FILE_ROW][rows].to_list() if FILE_ROW in table.columns else [row + 1 for row in rows]
        message = (
            f"{noun}: column {name} must hold {dtype_word(dtype)}, but row {listed(numbers, 3)} "
            f"holds {listed([repr(series[row]) for row in rows], 3)}. Correct or clear the cell."
        )
        raise TableError(message)
    return cast


def _rounded(series: pl.Series, dtype: type[pl.DataType]) -> pl.Series | bool:
    """Return where a cast to whole numbers would drop a fraction."""
    if dtype != INTEGER or not series.dtype.is_float():
        return False
    return (series != series.floor()).fill_null(value=False)


def dtype_word(dtype: type[pl.DataType]) -> str:
    """Return what a column type is called in a message."""
    return {FLOAT: "numbers", INTEGER: "whole numbers", TEXT: "text", FLAG: "true or false"}.get(dtype, str(dtype))


def table_hash(table: pl.DataFrame) -> str:
    """Return the content hash of a table: names, types, nulls and values, independent of library versions and of memory layout.

    Floats are hashed by their bits, so two tables have one hash exactly when they are equal cell by cell.
    """
    digest = hashlib.blake2b(digest_size=20)
    digest.update(f"table 1 {table.height}".encode())
    for series in table:
        digest.update(f"\x00{series.name}\x00{series.dtype}\x00".encode())
        _hash_series(digest, series)
    return digest.hexdigest()


def _hash_series(digest: "hashlib.blake2b", series: pl.Series) -> None:
    if series.null_count():
        digest.update(np.packbits(series.is_null().to_numpy()).tobytes())
    if series.dtype in (pl.Float64, pl.Float32, pl.Boolean) or series.dtype.is_integer():
        filled = series.fill_null(value=False) if series.dtype == pl.Boolean else series.fill_null(0)
        digest.update(filled.to_numpy().tobytes())
    elif isinstance(series.dtype, pl.List):
        digest.update(series.list.len().fill_null(0).to_numpy().tobytes())
        _hash_series(digest, series.drop_nulls().explode(empty_as_null=False) if len(series) else series.explode())
    else:
        text = series.cast(pl.String).fill_null("")
        digest.update(text.str.len_bytes().to_numpy().tobytes())
        for start in range(0, len(text), HASHED_AT_ONCE):  # a whole column as Python strings would outweigh the table
            digest.update("".join(text.slice(start, HASHED_AT_ONCE).to_list()).encode())


def file_hash(path: Path) -> str:
    """Return the content hash of a file, read in blocks.

    Raises
    ------
    FileError
        When the file is absent or empty.
    """
    require_file(path)
    digest = hashlib.blake2b(digest_size=20)
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
