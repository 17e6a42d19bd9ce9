"""Tables too large to hold: scanned, not read, and worked on in parts that keep what belongs together in one part.

A part is a slice of the sorted keys of a table (its plates, its curves), so it is the same whatever the order of the rows, the
number of threads or the machine, and a plate or a curve is never torn.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import FileError
from benchside.core.tables import FILE_ROW, require_file, text_options, unreadable

PART_ROWS: Final = 1_000_000
"""About so many rows are held at once."""

_BYTES_READ: Final = 1 << 24


@dataclass(frozen=True)
class Part:
    """One of several parts of a table: the slice `number` (from 1) of `count` equal slices of its sorted keys."""

    number: int
    count: int

    def rows(self, scan: pl.LazyFrame, key: pl.Expr) -> pl.DataFrame:
        """Return the rows of a scanned table whose key falls into this slice, in their order; none where there are fewer keys."""
        named = key.cast(pl.String).alias("key")
        keys = scan.select(named).unique().collect(engine="streaming")["key"].drop_nulls().sort()
        low, high = ((len(keys) * edge) // self.count for edge in (self.number - 1, self.number))
        inside = named.is_between(pl.lit(keys[low]), pl.lit(keys[high - 1])) if low < high else pl.lit(value=False)
        if self.number == 1:
            inside |= named.is_null()  # a row without a key is somebody's to refuse: it must not fall between the parts
        return scan.filter(inside).collect(engine="streaming")


def part_count(rows: int) -> int:
    """Return into how many parts a table of so many rows is cut.

    Examples
    --------
    >>> part_count(900_000), part_count(2_500_000)
    (1, 3)
    """
    return max(1, -(-rows // PART_ROWS))


def row_count(path: Path) -> int:
    """Return how many rows a table file holds below its header: from the footer of Parquet, by counting lines of text; 0 for other files."""
    require_file(path)
    if path.suffix.lower() == ".parquet":
        return int(scan_table(path).select(pl.len()).collect().item())
    if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
        return 0
    lines = 0
    with path.open("rb") as handle:
        while block := handle.read(_BYTES_READ):
            lines += block.count(b"\n")
    return lines


def scan_table(path: Path) -> pl.LazyFrame:
    """Return a CSV, TSV or Parquet file as a scan, with `FILE_ROW` (1 is the first row below the header); columns as `read_table` types them.

    Raises
    ------
    FileError
        When the file is absent, empty, damaged or of another kind.
    """
    require_file(path)
    stamp = path.stat()
    try:
        if path.suffix.lower() == ".parquet":
            return pl.scan_parquet(path, row_index_name=FILE_ROW, row_index_offset=1)
        schema = _text_schema(path, stamp.st_size, stamp.st_mtime_ns)
        return pl.scan_csv(path, schema=schema, row_index_name=FILE_ROW, row_index_offset=1, **text_options(path))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise FileError(unreadable(path, error)) from error


@lru_cache(maxsize=8)
def _text_schema(path: Path, _size: int, _changed_ns: int) -> dict[str, Any]:
    """Return the columns of a text table, typed by all of its rows; remembered for a file as it was at that time."""
    return dict(pl.scan_csv(path, infer_schema_length=None, **text_options(path)).collect_schema())
