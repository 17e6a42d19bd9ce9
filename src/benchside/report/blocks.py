"""What a page is made of: cells, tables, charts, a gallery, paragraphs. Frozen values; the templates give them their look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

Tone = Literal["", "grey", "warn", "bad"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a text, perhaps a tone, perhaps the trail that opens on click."""

    text: str
    tone: Tone = ""
    number_id: str | None = None
    trail: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class TableBlock:
    """A table with a caption and, under it, notes."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    kind: str = "table"


@dataclass(frozen=True)
class ChartBlock:
    """A Vega-Lite chart; `fallback` is shown where there is no script."""

    name: str
    spec: Mapping[str, Any]
    caption: str
    fallback: str
    beside: bool = False
    """Whether two such charts may share a line, drawn smaller where the page is narrow."""

    kind: str = "chart"


@dataclass(frozen=True)
class GalleryBlock:
    """Many fitted curves, drawn twenty a page on the reader's machine from their parameters and points."""

    curves: tuple[Mapping[str, Any], ...]
    caption: str
    notes: tuple[str, ...] = ()
    kind: str = "gallery"


@dataclass(frozen=True)
class TextBlock:
    """Paragraphs."""

    paragraphs: tuple[str, ...]
    tone: Tone = ""
    kind: str = "text"


Block = TableBlock | ChartBlock | GalleryBlock | TextBlock


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    banner: str = ""
    """Words that stand over everything in it, for example `sketch: not calibrated`."""


@dataclass(frozen=True)
class Page:
    """The whole dossier."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    content: str
    """Hash of everything the page was made from."""

    footer: tuple[str, ...] = field(default=())


def value_text(value: float | None, relation: str | None = "=") -> str:
    """Return a number as the page shows it: three significant digits, its relation before it, NE where there is none.

    Examples
    --------
    >>> value_text(0.01234), value_text(12345.6, ">"), value_text(8.44e12), value_text(None)
    ('0.0123', '> 12,346', '8.44e+12', 'NE')
    """
    if value is None:
        return "NE"
    magnitude = float(f"{abs(value):.3g}")  # 999.9 is shown as 1,000 is
    text = f"{value:,.0f}" if 1000 <= magnitude < 1e7 else f"{value:.3g}"
    return text if relation in ("=", None) else f"{relation} {text}"


def interval_text(lower: float | None, upper: float | None) -> str:
    """Return an interval as the page shows it; an open end is said, not hidden."""
    if lower is None and upper is None:
        return "open"
    low = "open" if lower is None else value_text(lower)
    return f"{low} to {'open' if upper is None else value_text(upper)}"


def plain_cells(table: pl.DataFrame, columns: Mapping[str, str]) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of a table as cells; `columns` maps its columns to the page's headings."""
    return tuple(tuple(Cell(_plain(value)) for value in row) for row in table.select(list(columns)).iter_rows())


def _plain(value: object) -> str:
    return value_text(value) if isinstance(value, float) else "" if value is None else str(value)
