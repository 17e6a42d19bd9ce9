"""Figures become files: the format by the ending, a page a file, and messages a user can act on."""

import altair as alt
import polars as pl
import pytest

from benchside.core.errors import SettingError, StorageError
from benchside.core.figure import number_words, save_figure

CHART = alt.Chart(pl.DataFrame({"x": [1, 2]})).mark_point().encode(x="x:Q")


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("json", b"{"), ("SVG", b"<svg")]
)
def test_the_ending_says_the_format(tmp_path, ending, start):
    (file,) = save_figure(CHART, tmp_path / f"a.{ending}")
    assert file.read_bytes().startswith(start)


def test_png_scales(tmp_path):
    def width(scale):
        (file,) = save_figure(CHART, tmp_path / "a.png", scale=scale)
        return int.from_bytes(file.read_bytes()[16:20], "big")

    assert width(3) == pytest.approx(3 * width(1), abs=3)


def test_pages_are_numbered_files(tmp_path):
    files = save_figure([CHART, CHART, CHART], str(tmp_path / "plates.svg"))
    assert [file.name for file in files] == ["plates-1.svg", "plates-2.svg", "plates-3.svg"]
    assert all(file.stat().st_size for file in files)
    assert save_figure([CHART], tmp_path / "one.svg") == [tmp_path / "one.svg"]


def test_refusals(tmp_path):
    with pytest.raises(SettingError, match=r"a\.gif: a figure is written as \.svg, \.png, \.pdf, \.json"):
        save_figure(CHART, tmp_path / "a.gif")
    with pytest.raises(SettingError, match="the ending is 'missing'"):
        save_figure(CHART, tmp_path / "a")
    with pytest.raises(SettingError, match="no page to write"):
        save_figure([], tmp_path / "a.svg")
    with pytest.raises(StorageError, match=r"could not be written.*folder exists"):
        save_figure(CHART, tmp_path / "absent" / "a.svg")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.012345, "0.0123"),
        (1.0, "1"),
        (12.34, "12.3"),
        (999.6, "1,000"),
        (12345.0, "12,300"),
        (1e-6, "1e-06"),
        (3.21e9, "3.21e+09"),
    ],
)
def test_numbers_in_words(value, words):
    assert pl.DataFrame({"x": [value]}).select(number_words(pl.col("x"), 3))["x"][0] == words
