"""Clinical datasets from disk as they come: CSV, SAS transport (XPT v5 and v8), SAS7BDAT, Parquet and Dataset-JSON 1.1."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import FileError
from benchside.core.tables import first_line, read_table, require_file, text_options
from benchside.stages.clinical.adam import SUBJECT

TEXT_COLUMNS: Final[tuple[str, ...]] = (SUBJECT, "SUBJID", "SITEID", "STUDYID")
"""Identifiers that look like numbers and are none: their leading zeros count."""

DATES: Final = {"date": pl.Date, "datetime": pl.Datetime("us")}
NUMBERS: Final = {"integer": pl.Int64, "float": pl.Float64, "double": pl.Float64, "decimal": pl.Float64, "boolean": pl.Boolean}


@dataclass(frozen=True)
class Dataset:
    """A dataset as it stands in its file."""

    table: pl.DataFrame
    name: str
    """What messages call it: the name of its file."""

    labels: dict[str, str] = field(default_factory=dict)
    """Label of every variable, where the file has labels."""


def read_dataset(path: str | Path) -> Dataset:
    """Read a clinical dataset; empty text is null, and subject numbers stay text.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.xpt`` (SAS transport version 5 or 8), ``.sas7bdat``, ``.parquet``, ``.json`` or ``.ndjson``
        (CDISC Dataset-JSON 1.1).

    Raises
    ------
    FileError
        When the file is absent, empty, damaged or of another kind, or the package that reads it is not installed.
    """
    file = Path(path)
    require_file(file)
    kind = file.suffix.lower()
    if kind in {".xpt", ".sas7bdat"}:
        found = _sas(file)
    elif kind in {".json", ".ndjson"}:
        found = _dataset_json(file)
    elif kind in {".csv", ".tsv", ".txt"}:
        found = Dataset(_text(file), file.name)
    else:
        found = Dataset(read_table(file), file.name)
    texts = [name for name, dtype in found.table.schema.items() if dtype == pl.String]
    table = found.table.with_columns(pl.col(texts).str.strip_chars_end().replace("", None)) if texts else found.table
    return Dataset(
        table.with_columns(pl.col(name).cast(pl.String) for name in TEXT_COLUMNS if name in table.columns),
        found.name,
        found.labels,
    )


def _text(file: Path) -> pl.DataFrame:
    options = text_options(file)
    try:
        header = pl.read_csv(file, n_rows=0, infer_schema_length=0, separator=options["separator"]).columns
        text = {name: pl.String for name in TEXT_COLUMNS if name in header}
        return pl.read_csv(file, infer_schema_length=None, schema_overrides=text, **options)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        message = f"{file.name} could not be read as text: {first_line(error)} Save it again and retry."
        raise FileError(message) from error


def _sas(file: Path) -> Dataset:
    try:
        import pyreadstat  # noqa: PLC0415  only files of SAS need it
    except ImportError as error:
        message = f"{file.name}: reading SAS files needs the package pyreadstat, which is not installed. Install it (pip install pyreadstat), or save the dataset as CSV or Parquet."
        raise FileError(message) from error
    reader = pyreadstat.read_xport if file.suffix.lower() == ".xpt" else pyreadstat.read_sas7bdat
    try:
        table, meta = reader(str(file), output_format="polars")
    except (pyreadstat.ReadstatError, OSError, ValueError, UnicodeError) as error:
        message = f"{file.name} could not be read as {file.suffix.lstrip('.').upper()}: {first_line(error)} Write it again as SAS transport version 5 or 8."
        raise FileError(message) from error
    labels = {name: str(label) for name, label in (meta.column_names_to_labels or {}).items() if label}
    return Dataset(table, file.name, labels)


def _dataset_json(file: Path) -> Dataset:
    try:
        head, rows = _json_parts(file)
        columns = head["columns"]
        names = [str(column["name"]) for column in columns]
        table = _json_table(names, [str(column.get("dataType", "string")) for column in columns], rows)
        records = int(head.get("records", len(rows)))
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        message = f"{file.name} is no Dataset-JSON 1.1: {first_line(error)} It needs `columns` with names and `rows` of as many values. Export it again."
        raise FileError(message) from error
    if records != len(rows):
        message = f"{file.name}: its metadata says {records} records, and the file holds {len(rows)} rows: it was cut short or changed. Export it again."
        raise FileError(message)
    labels = {str(column["name"]): str(column["label"]) for column in columns if column.get("label")}
    return Dataset(table, file.name, labels)


def _json_parts(file: Path) -> tuple[dict[str, Any], list[Sequence[Any]]]:
    """Return the metadata and the rows: one JSON object, or (NDJSON) the metadata on line 1 and a row on every other."""
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix.lower() == ".ndjson":
        lines = [line for line in text.splitlines() if line.strip()]
        return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
    whole = json.loads(text)
    return whole, whole["rows"]


def _json_table(names: list[str], kinds: list[str], rows: list[Sequence[Any]]) -> pl.DataFrame:
    wrong = [number for number, row in enumerate(rows, start=1) if len(row) != len(names)]
    if wrong:
        message = f"row {wrong[0]} has {len(rows[wrong[0] - 1])} values for {len(names)} columns"
        raise ValueError(message)
    columns = []
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        values = [row[position] for row in rows]
        if kind in NUMBERS:
            columns.append(
                pl.Series(name, values, dtype=pl.String if kind == "decimal" else NUMBERS[kind], strict=kind != "decimal").cast(
                    NUMBERS[kind]
                )
            )
        elif kind == "date" and all(value is None or len(value) == 10 for value in values):
            columns.append(pl.Series(name, values, dtype=pl.String).str.to_date("%Y-%m-%d"))
        else:
            columns.append(pl.Series(name, values, dtype=pl.String))
    return pl.DataFrame(columns)
