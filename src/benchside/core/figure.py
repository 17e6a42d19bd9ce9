"""What every figure shares: colours told apart by colour-blind readers, dashes that say the same in black and white, files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchside.core.errors import SettingError, StorageError, listed

BLACK: Final = "#000000"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREY: Final = "#767676"
"""The lightest grey that reads on white (contrast 4.5)."""

OKABE_ITO: Final = (BLACK, VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
"""The palette of Okabe and Ito 2008; yellow is left out: it is lost on white."""

DASHES: Final = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [5, 2], [12, 4], [3, 1])
"""A dash a series, in the order of the colours."""

FORMATS: Final = (".svg", ".png", ".pdf", ".json")
PNG_SCALE: Final = 2.0
"""A chart of 500 points is 1,000 pixels wide."""


def number_words(value: pl.Expr, digits: int) -> pl.Expr:
    """Return the expression of a positive number as text of so many significant digits: ``0.0123``, ``12.3``, ``12,300``."""
    return value.round_sig_figs(digits).map_elements(_plain, return_dtype=pl.String)


def _plain(value: float) -> str:
    if value >= 1e7 or value < 1e-4:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"


def save_figure(chart: Any, path: str | Path, *, scale: float = PNG_SCALE) -> list[Path]:
    """Write a chart, or the pages of one, to SVG, PNG, PDF or JSON, without a browser.

    Parameters
    ----------
    chart
        An Altair chart, or a sequence of them: page k of several is written to ``<name>-<k>.<ending>``.
    path
        Where to; the ending says the format: ``.svg``, ``.png``, ``.pdf``, or ``.json`` for the Vega-Lite text.
    scale
        Pixels per point of a PNG.

    Returns
    -------
    list of Path
        The files written, in the order of the pages.

    Raises
    ------
    SettingError
        When the ending names no format written here, or there is no page.
    StorageError
        When the folder does not exist or cannot be written.

    Examples
    --------
    >>> import altair, tempfile, polars
    >>> chart = altair.Chart(polars.DataFrame({"x": [1, 2]})).mark_point().encode(x="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in save_figure([chart, chart], f"{folder}/plates.svg")]
    ['plates-1.svg', 'plates-2.svg']
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        message = f"{path.name}: a figure is written as {listed(FORMATS)}, and the ending is {path.suffix or 'missing'!r}. Name the file by its format."
        raise SettingError(message)
    pages = list(chart) if isinstance(chart, Sequence) else [chart]
    if not pages:
        message = f"{path.name}: there is no page to write, since the table of the figure is empty. Check what was selected."
        raise SettingError(message)
    files = [path] if len(pages) == 1 else [path.with_stem(f"{path.stem}-{k}") for k in range(1, len(pages) + 1)]
    for page, file in zip(pages, files, strict=True):
        try:
            file.write_bytes(rendered(page, path.suffix.lower(), scale=scale))
        except OSError as error:
            message = f"{file} could not be written: {error.strerror}. Check that the folder exists and may be written to."
            raise StorageError(message) from error
    return files


def rendered(chart: Any, suffix: str, *, scale: float) -> bytes:
    """Return a chart as the bytes of a file of this format."""
    if suffix == ".json":
        return str(chart.to_json()).encode()
    import vl_convert  # noqa: PLC0415  heavy, and only needed to write a file

    spec = chart.to_dict()
    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=scale))
    if suffix == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return vl_convert.vegalite_to_svg(spec).encode()
