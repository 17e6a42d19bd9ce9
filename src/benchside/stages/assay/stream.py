"""Fits of tables too large to hold: read, normalised and fitted in parts, written as one Parquet file."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from benchside.core.errors import FileError, TableError, listed
from benchside.core.parts import Part, part_count, row_count, scan_table
from benchside.stages.assay.analyse.curves.fit import fit
from benchside.stages.assay.analyse.plates.normalise import normalise
from benchside.stages.assay.model import ResponseTable
from benchside.stages.assay.read import door

RESPONSE_COLUMNS: Final = ("curve_id", "concentration_nM", "response")
_FITTED_FROM: Final = ("compound", "target", "variant", "system", "replicate", "plate_id", "excluded")


def is_large(files: Sequence[Path]) -> bool:
    """Return whether files hold more rows than are held at once."""
    return part_count(sum(row_count(file) for file in files)) > 1


def fit_files(files: Sequence[str | Path], out: str | Path, *, concentration_unit: str | None = None, **settings: Any) -> int:
    """Fit every curve of tables of any size and write the fits to one Parquet file; about a million rows are held at once.

    Parameters
    ----------
    files
        Long tables in CSV or Parquet: of wells (as `read` takes them), or of responses with the columns `curve_id`,
        `concentration_nM` and `response` (as `fit` takes them). A plate stands in one file; a curve may stand in several.
    out
        The Parquet file to write; it is there whole or not at all.
    concentration_unit
        Unit of doses whose column name gives none.
    settings
        As `fit` takes them: `curve`, `interval`, and so on.

    Returns
    -------
    int
        The number of curves written.

    Raises
    ------
    FileError, TableError, UnitError
        One sentence with file, row, rule and remedy; nothing is written.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> dose = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
    >>> long = pl.DataFrame({"curve_id": ["a"] * 6, "concentration_nM": dose, "response": [1 / (1 + d / 20) for d in dose]})
    >>> long.write_parquet(folder / "long.parquet")
    >>> fit_files([folder / "long.parquet"], folder / "fits.parquet")
    1
    """
    target = Path(out)
    if target.suffix.lower() != ".parquet":
        message = f"{target.name}: fits of large tables are written as Parquet. Use a name that ends in .parquet."
        raise FileError(message)
    with TemporaryDirectory(dir=target.absolute().parent, prefix=".benchside-") as folder:
        spool, rows = Path(folder), 0
        for number, part in enumerate(_response_parts([Path(file) for file in files], concentration_unit)):
            part.write_parquet(spool / f"responses-{number:06}.parquet")
            rows += part.height
        responses = pl.scan_parquet(spool / "responses-*.parquet")
        count, curves = part_count(rows), 0
        for number in range(1, count + 1):
            held = Part(number, count).rows(responses, pl.col("curve_id"))
            fits = fit(ResponseTable(held), **settings).table
            fits.write_parquet(spool / f"fits-{number:06}.parquet")
            curves += fits.height
        whole = spool / f"{uuid.uuid4().hex}.parquet"
        pl.scan_parquet(spool / "fits-*.parquet").sink_parquet(whole)
        whole.replace(target)
    return curves


def _response_parts(files: Sequence[Path], unit: str | None) -> Iterator[pl.DataFrame]:
    """Yield the responses of files, a part at a time, with the columns a fit rests on."""
    homes: dict[str, Path] = {}
    for file in files:
        columns = door.header(file)
        count = part_count(row_count(file))
        for number in range(1, count + 1):
            part = Part(number, count) if count > 1 else None
            if set(RESPONSE_COLUMNS) <= set(columns):
                whole = Part(1, 1) if part is None else part
                yield _used(ResponseTable(whole.rows(scan_table(file), pl.col("curve_id"))).table)
                continue
            wells = door.read(file, concentration_unit=unit, part=part)
            torn = [plate for plate in wells.table["plate_id"].unique().to_list() if homes.setdefault(plate, file) != file]
            if torn:
                message = (
                    f"{file.name}: plate {listed(sorted(torn), 3)} stands in {homes[torn[0]].name} too. Keep one file a plate."
                )
                raise TableError(message)
            yield _used(normalise(wells).table)


def _used(responses: pl.DataFrame) -> pl.DataFrame:
    names = [*RESPONSE_COLUMNS, *_FITTED_FROM]
    return responses.select(names)
