"""What the commands print: tables for people, one JSON object for programs, files for both."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchside.core.errors import FileError
from benchside.study.store import write_text

RESEARCH_USE: Final = "Research use only."
WIDE: Final = 240
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
"""A terminal has its own width; a file or a pipe gets whole lines."""


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False, allow_nan=False) + "\n")


def say(text: str) -> None:
    """Print a line, its characters as they are (no markup)."""
    console.print(Text(text))


def print_table(table: pl.DataFrame, columns: Sequence[str], *, title: str, most: int = 40) -> None:
    """Print the named columns of a table; long tables are cut, and say so."""
    shown = Table(title=Text(title), title_justify="left", box=None, pad_edge=False, header_style="bold")
    names = [name for name in columns if name in table.columns]
    for name in names:
        shown.add_column(name, justify="right" if table[name].dtype.is_numeric() else "left", overflow="fold")
    words = {name for name in names if table[name].dtype == pl.String}
    for row in table.head(most).select(names).iter_rows():
        shown.add_row(
            *[Text("" if value is None and name in words else cell(value)) for name, value in zip(names, row, strict=True)]
        )
    console.print(shown)
    if table.height > most:
        say(f"... and {table.height - most} more rows (use --out to write them all)")


def cell(value: object) -> str:
    """Return a value as a table shows it: four significant digits, NE where there is none."""
    if value is None:
        return "NE"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_out(table: pl.DataFrame, path: Path) -> None:
    """Write a table to .csv, .parquet, .json or .html.

    Raises
    ------
    FileError
        When the ending is another.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        write_text(path, without_formulas(table).write_csv())
    elif kind == ".parquet":
        table.write_parquet(path)
    elif kind == ".json":
        write_text(path, table.write_json())
    elif kind == ".html":
        write_text(path, html_table(table, path.stem))
    else:
        message = f"{path.name}: tables are written as .csv, .parquet, .json or .html. Change the ending."
        raise FileError(message)


def without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose texts no spreadsheet takes for a formula: one that begins with = + @ or a tab gets an apostrophe before it.

    A sign alone, such as the relation ``=``, is none.
    """
    texts = [name for name in table.columns if table[name].dtype == pl.String]
    return table.with_columns(pl.col(name).str.replace(r"^([=+@\t\r])(?s:(.+))", "'$1$2") for name in texts)


def html_table(table: pl.DataFrame, title: str) -> str:
    """Return a table as a page of its own, every text escaped."""
    from html import escape  # noqa: PLC0415  only this ending needs it

    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row) + "</tr>" for row in table.iter_rows())
    style = "body{font:14px sans-serif}table{border-collapse:collapse}td,th{padding:3px 9px;border-bottom:1px solid #ccc;text-align:left}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{style}</style>"
        f"<h1>{escape(title)}</h1><p>{RESEARCH_USE}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></html>"
    )
